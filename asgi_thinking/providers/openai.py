"""OpenAI, and every vendor and server that speaks its chat completions.

Credentials, first match: `api_key=`, a configured SDK client, the vendor's own variable
(`DEEPSEEK_API_KEY`, …), and `OPENAI_API_KEY` for OpenAI and for what `OPENAI_BASE_URL` names. A key
never goes to another vendor than its variable says. Servers of one's own need none.

Source: https://platform.openai.com/docs/api-reference/authentication and openai-python 3.54, read
2026-11-22.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import (
    AuthenticationRequired,
    ConfigurationError,
    UpstreamStatusError,
)
from asgi_thinking.families import Family, Model
from asgi_thinking.models_openai import FAMILIES, family_of, find_model
from asgi_thinking.providers import HTTPProvider, WholeReply, now
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transport import Reply, UpstreamRequest
from asgi_thinking.wire import Decoder
from asgi_thinking.wire.openai import (
    OpenAIDecoder,
    ThinkTags,
    decode_error,
    decode_reply,
    encode_request,
)

__all__ = ["OpenAIProvider"]

_BASE_URL: Final = "https://api.openai.com/v1"
_JSON: Final = ("content-type", "application/json")
_OWN_KEY: Final = "OPENAI_API_KEY"

# What a client adds of itself; the rest of an SDK client's headers is the owner's configuration.
_SDK_OWN: Final = re.compile(r"(?i)x-stainless-.*|user-agent|accept|content-type|authorization")

# The SDK's other clients fetch tokens, or speak to another vendor's cloud.
_REDUCIBLE: Final = re.compile(r"openai(\._client)?\.(Async)?OpenAI")


class OpenAIProvider(HTTPProvider):
    """Chat completions by `POST /chat/completions`.

    Args:
        api_key: sent as a bearer token; by default from the environment, "" for none.
        base_url: by default `OPENAI_BASE_URL`, else OpenAI's.
        client: a configured `openai.OpenAI` or `AsyncOpenAI`, asked for its base URL and headers;
            never for a request.
        family: what the server is, as in "vllm"; by default it follows from the base URL, else from
            each request's model id.
        think_tags: whether thinking stands in the answer between `<think>` and `</think>`;
            "opened": the reply begins inside it.
        headers: more headers of every request.
        credentials: "client" uses the caller's own key for each request.
        families: which model an id stands for that does not say so, such as a deployment's name:
            `{"our-chat": "gpt-5.1"}`.
        overrides: capabilities by model id, before the built-in table.
        options: those of `HTTPProvider`.

    Raises:
        ConfigurationError: there is no key, the family is unknown, or the client cannot be reduced
            to headers.
    """

    kind = "openai"

    def __init__(  # noqa: PLR0913 (keywords of a public constructor)
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        client: Any = None,
        family: str | None = None,
        think_tags: ThinkTags = False,
        headers: Mapping[str, str] | None = None,
        credentials: Literal["server", "client"] = "server",
        families: Mapping[str, str] | None = None,
        overrides: Mapping[str, Capabilities] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.credentials: Literal["server", "client"] = credentials
        self._tags: ThinkTags = think_tags
        self._families = dict(families or {})
        self._overrides = dict(overrides or {})
        own, auth, theirs = _reduce(client) if client is not None else ((), None, None)
        base = base_url or theirs or os.environ.get("OPENAI_BASE_URL") or _BASE_URL
        self._base = base
        self._url = _completions(base)
        self._family = _family(family, base)
        self.accepts = self._family.accepts if self._family else frozenset()
        if credentials == "server" and auth is None:
            key = (
                api_key
                if api_key is not None
                else _environment_key(base, given=base_url is not None)
            )
            auth = f"Bearer {key}" if key else ""
        self._headers = (*own, *(headers or {}).items())
        self._auth = (("authorization", auth),) if auth else ()

    def claims(self, model: str) -> bool:
        """The models that the family's vendor names, and those of `families`."""
        if model in self._families:
            return True
        ids = self._family.ids if self._family else ""
        return bool(ids) and re.match(ids, model) is not None

    def capabilities(self, model: str) -> Capabilities:
        """The table's record for the model, or the owner's."""
        own = self._overrides.get(model) or self._overrides.get(self._named(model))
        return own or self._model(model).accepts

    def family(self, model: str) -> Family:
        """The family whose words a request for the model is written in."""
        return self._family or family_of(self._base, self._named(model))

    def _named(self, model: str) -> str:
        """The id that tells what the model is."""
        return self._families.get(model, model)

    def _model(self, model: str) -> Model:
        return find_model(self.family(model), self._named(model))

    def build(self, request: ChatRequest) -> UpstreamRequest:
        """The completions request, in the words of the model's family."""
        family = self.family(request.model)
        accepts, thinking = self.capabilities(request.model), request.thinking.type
        thinks = accepts.on_by_default if thinking is None else thinking != "disabled"
        body = encode_request(
            request,
            family,
            self._model(request.model).switch,
            stream=request.stream,
            owes_echo=family.owes_echo and accepts.echoes_unsigned and thinks,
        )
        headers = (_JSON, *self._headers, *request.headers)
        return UpstreamRequest(self._url, headers, body, stream=request.stream)

    async def authorize(self, upstream: UpstreamRequest, request: ChatRequest) -> UpstreamRequest:
        """Add the server's key, or the caller's where the owner wants it."""
        auth = self._auth
        if self.credentials == "client":
            if not request.credential:
                raise AuthenticationRequired(
                    f"{self.name}: send your own key as x-api-key", code="missing_api_key"
                )
            auth = (("authorization", f"Bearer {request.credential}"),)
        headers = (*upstream.headers, *auth)
        return UpstreamRequest(upstream.url, headers, upstream.body, upstream.stream)

    def decoder(self, request: ChatRequest, reply: Reply) -> Decoder:
        """A stream decoder for SSE, a whole-body one for anything else."""
        del request  # what the API sends counts, not what it was asked for
        if "event-stream" in reply.headers.get("content-type", ""):
            return OpenAIDecoder(now(), self.kind, think_tags=self._tags)
        decode = partial(decode_reply, created=now(), provider=self.kind, think_tags=self._tags)
        return WholeReply(decode)

    def read_error(
        self, status: int, body: bytes, headers: Mapping[str, str]
    ) -> UpstreamStatusError:
        """The vendor's error body."""
        del headers
        return decode_error(status, body, self.kind)


def _family(name: str | None, base_url: str) -> Family | None:
    """The family of all requests, or None where each model has its own."""
    if name is None:
        found = family_of(base_url)
        return found if found.hosts else None
    if name not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ConfigurationError(f"openai: no family {name!r}; there are {known}")
    return FAMILIES[name]


def _completions(base_url: str) -> str:
    """The endpoint below a base URL, whose query stays."""
    scheme, place, path, query, _ = urlsplit(base_url)
    if scheme not in ("http", "https") or not place:
        raise ConfigurationError(
            "openai: base_url must be a URL that begins with https:// or http://"
        )
    return urlunsplit((scheme, place, f"{path.rstrip('/')}/chat/completions", query, ""))


def _environment_key(base_url: str, *, given: bool) -> str | None:
    """The key that belongs to the host; none for a host that is nobody's, if the owner gave it."""
    vendor = family_of(base_url)
    names = [vendor.key] if vendor.hosts else []
    if not given:
        names.append(_OWN_KEY)
    key = next((value for name in names if (value := os.environ.get(name))), None)
    if key is None and vendor.hosts and vendor.name != "ollama":
        raise ConfigurationError(f"openai: no credential; set {names[0]} or pass api_key=")
    return key


def _reduce(client: Any) -> tuple[tuple[tuple[str, str], ...], str, str]:
    """The owner's headers, the authorization and the base URL of an SDK client."""
    name = f"{type(client).__module__}.{type(client).__qualname__}"
    auth = client.auth_headers.get("Authorization", "") if _REDUCIBLE.fullmatch(name) else ""
    if not auth.removeprefix("Bearer").strip():
        raise ConfigurationError(
            f"openai: {name} cannot be reduced to headers; pass an openai.AsyncOpenAI with a key"
        )
    headers = tuple(
        (header, value)
        for header, value in client.default_headers.items()
        if isinstance(value, str) and not _SDK_OWN.fullmatch(header)
    )
    return headers, auth, str(client.base_url)
