"""Claude by Anthropic's own API.

Credentials, first match: `api_key=`, a configured SDK client, `ANTHROPIC_API_KEY`,
`ANTHROPIC_AUTH_TOKEN`, the SDK's own chain (profiles, workload identity), which needs the extra
`anthropic`. The SDK is imported for the last two only, and never sees a reply.

Source: https://platform.claude.com/docs/en/api/overview and the SDK 2.12.0, read 2026-11-22.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal

from asgi_thinking import models
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import (
    AuthenticationRequired,
    ConfigurationError,
    UpstreamStatusError,
)
from asgi_thinking.providers import HTTPProvider, WholeReply, now
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transport import Reply, UpstreamRequest
from asgi_thinking.wire import Decoder
from asgi_thinking.wire.anthropic import (
    AnthropicDecoder,
    betas_for,
    decode_error,
    decode_reply,
    encode_request,
)

if TYPE_CHECKING:
    from anthropic.lib.credentials import TokenCache

__all__ = ["AnthropicProvider"]

_BASE_URL: Final = "https://api.anthropic.com"
_JSON: Final = ("content-type", "application/json")

# Under the newer version sampling parameters are refused on every model, so a request that still
# has some speaks the older one.
# Source: https://platform.claude.com/docs/en/api/versioning, read 2026-11-22.
_VERSION: Final = "2026-10-21"
_VERSION_WITH_SAMPLING: Final = "2023-06-01"

_NO_CREDENTIAL: Final = (
    "anthropic: no credential; set ANTHROPIC_API_KEY, pass api_key=, or log in with a profile"
)

# What a client adds of itself; the rest of an SDK client's headers is the owner's configuration.
_SDK_OWN: Final = re.compile(
    r"(?i)x-stainless-.*|user-agent|accept|content-type|anthropic-version|authorization|x-api-key"
)

# The SDK's other clients sign each request, or send it to another vendor's cloud.
_REDUCIBLE: Final = re.compile(r"anthropic(\._client)?\.(Async)?Anthropic")


class AnthropicProvider(HTTPProvider):
    """Claude by `POST /v1/messages`.

    Args:
        api_key: sent as `x-api-key`; by default from the environment.
        base_url: by default `ANTHROPIC_BASE_URL`, else Anthropic's.
        client: a configured `anthropic.Anthropic` or `AsyncAnthropic`, asked for its base URL,
            headers and credentials; never for a request.
        version: a fixed `anthropic-version`; by default chosen for each request.
        betas: values of `anthropic-beta`.
        credentials: "client" uses the caller's own key for each request.
        overrides: capabilities by model id, before the built-in table; an id stands for all its
            spellings.
        options: those of `HTTPProvider`.

    Raises:
        ConfigurationError: there is no credential, or the client's cannot be reduced to headers.
    """

    kind = "anthropic"
    accepts = frozenset({""})

    def __init__(  # noqa: PLR0913 (keywords of a public constructor)
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        client: Any = None,
        version: str | None = None,
        betas: tuple[str, ...] = (),
        credentials: Literal["server", "client"] = "server",
        overrides: Mapping[str, Capabilities] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.credentials: Literal["server", "client"] = credentials
        self._version = version
        self._betas = betas
        self._overrides = dict(overrides or {})
        self._auth = _Credentials(api_key, client, required=credentials == "server")
        self._fixed = self._auth.fixed if credentials == "server" else ()
        base = base_url or self._auth.base_url or os.environ.get("ANTHROPIC_BASE_URL") or _BASE_URL
        self._url = f"{base.rstrip('/')}/v1/messages"

    def claims(self, model: str) -> bool:
        """Claude's models under Anthropic's own names."""
        return model.lower().startswith("claude-")

    def capabilities(self, model: str) -> Capabilities:
        """The table's record for the model, or the owner's."""
        if not self._overrides:
            return models.claude(model)
        own = self._overrides.get(model) or self._overrides.get(_canonical(model))
        return own or models.claude(model)

    def build(self, request: ChatRequest) -> UpstreamRequest:
        """The Messages request with a fixed credential, if there is one.

        Its version header depends on the sampling parameters.
        """
        sampled = (request.temperature, request.top_p, request.top_k) != (None, None, None)
        version = self._version or (_VERSION_WITH_SAMPLING if sampled else _VERSION)
        headers = [_JSON, ("anthropic-version", version), *request.headers, *self._fixed]
        if betas := betas_for(request, self.capabilities(request.model), self._betas):
            headers.append(("anthropic-beta", ",".join(betas)))
        if (model := _canonical(request.model)) != request.model:
            request = request.but(model=model)
        body = encode_request(request, stream=request.stream)
        return UpstreamRequest(self._url, tuple(headers), body, stream=request.stream)

    async def authorize(self, upstream: UpstreamRequest, request: ChatRequest) -> UpstreamRequest:
        """Add a token of the server's, or the caller's key where the owner wants it."""
        if self._fixed:
            return upstream
        if self.credentials == "server":
            auth = await self._auth.headers()
        elif request.credential:
            auth = (("x-api-key", request.credential),)
        else:
            raise AuthenticationRequired(
                f"{self.name}: send your own key as x-api-key", code="missing_api_key"
            )
        headers = (*upstream.headers, *auth)
        return UpstreamRequest(upstream.url, headers, upstream.body, upstream.stream)

    def renew(self) -> bool:
        """Drop a token of the SDK's chain; a fixed credential has no successor."""
        return self._auth.renew()

    def decoder(self, request: ChatRequest, reply: Reply) -> Decoder:
        """A stream decoder for SSE, a whole-body one for anything else."""
        del request  # what the API sends counts, not what it was asked for
        if "event-stream" in reply.headers.get("content-type", ""):
            return AnthropicDecoder(now(), self.kind)
        return WholeReply(partial(decode_reply, created=now(), provider=self.kind))

    def read_error(
        self, status: int, body: bytes, headers: Mapping[str, str]
    ) -> UpstreamStatusError:
        """Anthropic's error body."""
        del headers
        return decode_error(status, body, self.kind)


class _Credentials:
    """The server's credential as headers: `fixed` ones, or a token that the SDK's chain renews."""

    def __init__(self, api_key: str | None, client: Any, *, required: bool) -> None:
        key = api_key or (None if client else os.environ.get("ANTHROPIC_API_KEY"))
        token = None if client or key else os.environ.get("ANTHROPIC_AUTH_TOKEN")
        self.base_url: str | None = None
        self.fixed: tuple[tuple[str, str], ...] = ()
        self._own: tuple[tuple[str, str], ...] = ()
        self._cache: TokenCache | None = None
        if client is not None:
            self._reduce(client)
        elif key:
            self.fixed = (("x-api-key", key),)
        elif token:
            self.fixed = (("authorization", f"Bearer {token}"),)
        elif required and find_spec("anthropic") is None:
            raise ConfigurationError(
                "anthropic: no credential; set ANTHROPIC_API_KEY or pass api_key=, or install "
                "'asgi-thinking[anthropic]' for the SDK's profiles"
            )
        elif required:
            self._reduce(_sdk_client())

    def _reduce(self, client: Any) -> None:
        """Take base URL, headers and token source from an SDK client."""
        name = f"{type(client).__module__}.{type(client).__qualname__}"
        if not _REDUCIBLE.fullmatch(name):
            raise ConfigurationError(
                f"anthropic: {name} cannot be reduced to headers; pass an anthropic.AsyncAnthropic"
            )
        headers = {
            header: value
            for header, value in client.default_headers.items()
            if isinstance(value, str) and not _SDK_OWN.fullmatch(header)
        }
        self.base_url = str(client.base_url)
        if client.auth_headers:
            self.fixed = (*headers.items(), *client.auth_headers.items())
            return
        if client.credentials is None:
            raise ConfigurationError(_NO_CREDENTIAL)
        from anthropic.lib.credentials import TokenCache

        self._own = tuple(headers.items())
        self._cache = TokenCache(client.credentials)

    async def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers of one request where none are fixed; waits if a token has to be fetched."""
        assert self._cache is not None  # noqa: S101 (else there are fixed ones)
        token = await self._cache.async_get_token()
        return (*self._own, ("authorization", f"Bearer {token}"))

    def renew(self) -> bool:
        """Drop the token in use; False where the credential is fixed."""
        if self._cache is None:
            return False
        self._cache.invalidate()
        return True


def _sdk_client() -> Any:
    import anthropic

    try:
        return anthropic.AsyncAnthropic()
    except anthropic.AnthropicError as error:
        raise ConfigurationError(f"{_NO_CREDENTIAL}: {error}") from error


@lru_cache(maxsize=1024)
def _canonical(model: str) -> str:
    """Anthropic's own spelling of an id that Bedrock, Vertex or a gateway spells its way.

    Retired names go upstream as they are: the API knows best.
    """
    found = re.search(r"claude-[a-z0-9.@-]+", model.lower())
    if found is None:
        return model
    name = re.sub(r"-v\d+(:\d+)?$", "", found.group().replace("@default", ""))
    return re.sub(r"(?<=\d)\.(?=\d)", "-", name.replace("@", "-"))
