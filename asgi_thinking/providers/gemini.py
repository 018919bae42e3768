"""Gemini by Google AI Studio.

Credentials, first match: `api_key=`, a configured SDK client, `GOOGLE_API_KEY`, `GEMINI_API_KEY`.
The SDK is never imported.

Source: https://ai.google.dev/api/generate-content and google-genai 3.4.0, read 2026-11-22.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import quote

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import (
    AuthenticationRequired,
    ConfigurationError,
    UpstreamStatusError,
)
from asgi_thinking.models_gemini import canonical, gemini, is_gemini, signs_calls
from asgi_thinking.providers import HTTPProvider, WholeReply, now
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transport import Reply, UpstreamRequest
from asgi_thinking.wire import Decoder
from asgi_thinking.wire.gemini import GeminiDecoder, decode_error, decode_reply, encode_request

__all__ = ["GeminiProvider", "generate_content", "reply_decoder"]

_BASE_URL: Final = "https://generativelanguage.googleapis.com"
_JSON: Final = ("content-type", "application/json")

# Of the two versions, the one that has every feature.
# Source: https://ai.google.dev/gemini-api/docs/api-versions, read 2026-11-22.
_VERSION: Final = "v1beta"

_KEY_HEADER: Final = "x-goog-api-key"

# What the SDK's client adds of itself; the rest of its headers is the owner's configuration.
_SDK_OWN: Final = re.compile(r"(?i)x-goog-api-client|x-goog-api-key|user-agent|content-type")
_CLIENT: Final = "google.genai.client.Client"


class GeminiProvider(HTTPProvider):
    """Gemini by `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`.

    Args:
        api_key: sent as `x-goog-api-key`; by default from the environment.
        base_url: by default `GOOGLE_GEMINI_BASE_URL`, else Google's.
        client: a configured `google.genai.Client`, asked for its base URL, version and headers;
            never for a request.
        api_version: by default `GOOGLE_GENAI_API_VERSION`, else "v1beta".
        credentials: "client" uses the caller's own key for each request.
        overrides: capabilities by model id, before the built-in table; an id stands for all its
            spellings.
        options: those of `HTTPProvider`.

    Raises:
        ConfigurationError: there is no key, or the client has none.
    """

    kind = "gemini"
    accepts = frozenset({"gemini"})

    def __init__(  # noqa: PLR0913 (keywords of a public constructor)
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        client: Any = None,
        api_version: str | None = None,
        credentials: Literal["server", "client"] = "server",
        overrides: Mapping[str, Capabilities] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.credentials: Literal["server", "client"] = credentials
        self._overrides = dict(overrides or {})
        given = _Client() if client is None else _reduced(client)
        self._key = api_key or given.key
        if not self._key and client is None:
            said = os.environ.get
            self._key = said("GOOGLE_API_KEY") or said("GEMINI_API_KEY") or ""
        if not self._key and credentials == "server":
            raise ConfigurationError("gemini: no API key; set GEMINI_API_KEY or pass api_key=")
        self._headers = given.headers
        base = base_url or given.base_url or os.environ.get("GOOGLE_GEMINI_BASE_URL") or _BASE_URL
        version = api_version or given.version or version_of_environment() or _VERSION
        self._models = f"{base.rstrip('/')}/{version}/models"

    def claims(self, model: str) -> bool:
        """Gemini's models under Google's own names."""
        return is_gemini(model)

    def capabilities(self, model: str) -> Capabilities:
        """The table's record for the model, or the owner's."""
        own = self._overrides.get(model) or self._overrides.get(canonical(model))
        return own or gemini(model)

    def build(self, request: ChatRequest) -> UpstreamRequest:
        """The generateContent request."""
        return generate_content(self._models, request, self._headers, server_calls=True)

    async def authorize(self, upstream: UpstreamRequest, request: ChatRequest) -> UpstreamRequest:
        """Add the server's key, or the caller's where the owner wants it."""
        key = self._key if self.credentials == "server" else request.credential
        if not key:
            raise AuthenticationRequired(
                f"{self.name}: send your own key as x-api-key", code="missing_api_key"
            )
        headers = (*upstream.headers, (_KEY_HEADER, key))
        return UpstreamRequest(upstream.url, headers, upstream.body, upstream.stream)

    def decoder(self, request: ChatRequest, reply: Reply) -> Decoder:
        """A stream decoder for streams in either framing, a whole-body one for a reply."""
        return reply_decoder(request, reply, self.kind)

    def read_error(
        self, status: int, body: bytes, headers: Mapping[str, str]
    ) -> UpstreamStatusError:
        """Google's error body."""
        del headers
        return decode_error(status, body, self.kind)


def generate_content(
    models: str,
    request: ChatRequest,
    headers: tuple[tuple[str, str], ...] = (),
    *,
    server_calls: bool = False,
) -> UpstreamRequest:
    """The request for one of the models that stand under the URL `models`."""
    model = quote(canonical(request.model), safe="@")
    method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
    body = encode_request(request, signs=signs_calls(request.model), server_calls=server_calls)
    url = f"{models}/{model}:{method}"
    return UpstreamRequest(url, (_JSON, *headers, *request.headers), body, request.stream)


def reply_decoder(request: ChatRequest, reply: Reply, provider: str) -> Decoder:
    """A decoder by what the API sends; a stream may come as JSON, whatever was asked for."""
    model = canonical(request.model)
    if request.stream or "event-stream" in reply.headers.get("content-type", ""):
        return GeminiDecoder(now(), provider, model)
    return WholeReply(partial(decode_reply, created=now(), provider=provider, model=model))


def version_of_environment() -> str:
    """The SDK's variable, "" where it is unset; its "beta" is the default here."""
    version = os.environ.get("GOOGLE_GENAI_API_VERSION", "")
    return "" if version == "beta" else version


class _Client:
    """What an SDK client comes down to."""

    __slots__ = ("base_url", "headers", "key", "version")

    def __init__(
        self,
        key: str = "",
        base_url: str = "",
        version: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.key = key
        self.base_url = base_url
        self.version = version
        self.headers = headers


def _reduced(client: Any) -> _Client:
    name = f"{type(client).__module__}.{type(client).__qualname__}"
    if name != _CLIENT:
        raise ConfigurationError(
            f"gemini: {name} cannot be reduced to headers; pass a google.genai.Client"
        )
    if client.vertexai:
        raise ConfigurationError("gemini: this client is for Vertex AI; use VertexProvider")
    api = client._api_client  # noqa: SLF001 (the SDK shows what it is configured with nowhere else)
    options = api._http_options  # noqa: SLF001 (likewise)
    given: dict[str, str] = options.headers or {}
    headers = tuple(
        (header.lower(), value) for header, value in given.items() if not _SDK_OWN.fullmatch(header)
    )
    return _Client(api.api_key, options.base_url, options.api_version or "", headers)
