"""Claude and Gemini by Google's Vertex AI.

Credentials, first match: `credentials=` (any of google-auth's), Application Default Credentials;
both need the extra `vertex`. They are refreshed in a thread, by one request at a time.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference,
https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai, anthropic 2.12.0 and
google-genai 3.4.0, read 2026-11-22.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Mapping
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, Final
from urllib.parse import quote
from weakref import WeakKeyDictionary

from asgi_thinking import models, models_gemini
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import ConfigurationError, ProviderError, UpstreamStatusError
from asgi_thinking.providers import HTTPProvider, WholeReply, now
from asgi_thinking.providers.gemini import (
    generate_content,
    reply_decoder,
    version_of_environment,
)
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transport import Reply, UpstreamRequest
from asgi_thinking.wire import Decoder, anthropic
from asgi_thinking.wire.gemini import decode_error

__all__ = ["VertexProvider"]

_JSON: Final = ("content-type", "application/json")
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"

_CLAUDES: Final = frozenset({""})
_GEMINIS: Final = frozenset({"vertex"})

# As with Anthropic's own API: sampling parameters exist in the older version only.
# Source: https://platform.claude.com/docs/en/api/versioning, read 2026-11-22.
_VERSION: Final = "2026-10-21"
_VERSION_WITH_SAMPLING: Final = "vertex-2023-10-16"

_CLAUDE_API: Final = "v1"
_GEMINI_API: Final = "v1beta1"

_LOCATION: Final = re.compile(r"[a-z0-9-]+")
_MULTI_REGIONS: Final = frozenset({"us", "eu"})

_NO_PROJECT: Final = "vertex: no project; set GOOGLE_CLOUD_PROJECT or pass project="
_NO_EXTRA: Final = "vertex: needs google-auth: pip install 'asgi-thinking[vertex]'"
_NO_CREDENTIAL: Final = (
    "vertex: no Google credentials; set GOOGLE_APPLICATION_CREDENTIALS, or run "
    "gcloud auth application-default login, or pass credentials="
)


class VertexProvider(HTTPProvider):
    """Claude by `:rawPredict` and `:streamRawPredict`, Gemini by `:generateContent` and its stream.

    Args:
        project: by default `GOOGLE_CLOUD_PROJECT`, for Claude first `ANTHROPIC_VERTEX_PROJECT_ID`;
            else that of the credentials' file.
        location: a region, "global", "us" or "eu"; by default `GOOGLE_CLOUD_LOCATION`, for Claude
            first `CLOUD_ML_REGION`; else "global".
        credentials: a `google.auth.credentials.Credentials` with the scope "cloud-platform".
        base_url: without a version; by default `GOOGLE_VERTEX_BASE_URL`, for Claude
            `ANTHROPIC_VERTEX_BASE_URL`, which has one; else the location's.
        betas: values of `anthropic-beta`.
        overrides: capabilities by model id, before the built-in tables; an id stands for all its
            spellings.
        options: those of `HTTPProvider`.

    Raises:
        ConfigurationError: there is no project or credential, or a location is none.
    """

    kind = "vertex"
    accepts = _CLAUDES | _GEMINIS

    def __init__(  # noqa: PLR0913 (keywords of a public constructor)
        self,
        project: str | None = None,
        location: str | None = None,
        *,
        credentials: Any = None,
        base_url: str | None = None,
        betas: tuple[str, ...] = (),
        overrides: Mapping[str, Capabilities] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._betas = betas
        self._overrides = dict(overrides or {})
        named = project or _of_environment("GOOGLE_CLOUD_PROJECT", "ANTHROPIC_VERTEX_PROJECT_ID")
        if not (named or credentials or _of_environment("GOOGLE_APPLICATION_CREDENTIALS")):
            raise ConfigurationError(_NO_PROJECT)  # before Google's own search, which is slow
        self._token = _Token(credentials)
        named = named or self._token.project
        if not named:
            raise ConfigurationError(_NO_PROJECT)
        place = location or _of_environment("GOOGLE_CLOUD_LOCATION") or "global"
        base = base_url or _of_environment("GOOGLE_VERTEX_BASE_URL") or _host(place)
        version = version_of_environment() or _GEMINI_API
        self._gemini_models = _models(f"{base.rstrip('/')}/{version}", named, place, "google")

        named = project or _of_environment("ANTHROPIC_VERTEX_PROJECT_ID") or named
        place = location or _of_environment("CLOUD_ML_REGION") or place
        own = base_url or _host(place)
        base = f"{own.rstrip('/')}/{_CLAUDE_API}"
        if not base_url:
            base = _of_environment("ANTHROPIC_VERTEX_BASE_URL") or base
        self._claude_models = _models(base.rstrip("/"), named, place, "anthropic")

    def claims(self, model: str) -> bool:
        """Models of the two families."""
        return models.is_claude(model) or models_gemini.is_gemini(model)

    def accepts_for(self, model: str) -> frozenset[str]:
        """The origins whose signatures the model's family can verify."""
        return _CLAUDES if models.is_claude(model) else _GEMINIS

    def capabilities(self, model: str) -> Capabilities:
        """The family's record for the model, or the owner's."""
        claude = models.is_claude(model)
        named = _canonical(model) if claude else models_gemini.canonical(model)
        family = models.claude if claude else models_gemini.gemini
        return self._overrides.get(model) or self._overrides.get(named) or family(model)

    def build(self, request: ChatRequest) -> UpstreamRequest:
        """The request in the wire format of the model's family."""
        if models.is_claude(request.model):
            return self._raw_predict(request)
        return generate_content(self._gemini_models, request)

    def _raw_predict(self, request: ChatRequest) -> UpstreamRequest:
        headers = [_JSON, *request.headers]
        capabilities = self.capabilities(request.model)
        if betas := anthropic.betas_for(request, capabilities, self._betas):
            headers.append(("anthropic-beta", ",".join(betas)))
        sampled = (request.temperature, request.top_p, request.top_k) != (None, None, None)
        body = anthropic.encode_request(
            request,
            stream=request.stream,
            model_in_body=False,
            extra={"anthropic_version": _VERSION_WITH_SAMPLING if sampled else _VERSION},
        )
        method = "streamRawPredict" if request.stream else "rawPredict"
        url = f"{self._claude_models}/{quote(_canonical(request.model), safe='@')}:{method}"
        return UpstreamRequest(url, tuple(headers), body, request.stream)

    async def authorize(self, upstream: UpstreamRequest, request: ChatRequest) -> UpstreamRequest:
        """Add an access token, refreshed if it has run out."""
        del request
        headers = (*upstream.headers, *await self._token.headers())
        return UpstreamRequest(upstream.url, headers, upstream.body, upstream.stream)

    def renew(self) -> bool:
        """Drop the access token, so that the next request gets another."""
        self._token.drop()
        return True

    def decoder(self, request: ChatRequest, reply: Reply) -> Decoder:
        """The decoder of the model's family, by what the API sends."""
        if not models.is_claude(request.model):
            return reply_decoder(request, reply, self.kind)
        if "event-stream" in reply.headers.get("content-type", ""):
            return anthropic.AnthropicDecoder(now(), self.kind)
        return WholeReply(partial(anthropic.decode_reply, created=now(), provider=self.kind))

    def read_error(
        self, status: int, body: bytes, headers: Mapping[str, str]
    ) -> UpstreamStatusError:
        """Google's error body, or Anthropic's, which Claude's models answer themselves."""
        del headers
        error = decode_error(status, body, self.kind)
        return error if error.code else anthropic.decode_error(status, body, self.kind)


class _Token:
    """Google credentials, and the access token they give."""

    __slots__ = ("_credentials", "_dropped", "_locks", "_refreshing", "project")

    def __init__(self, credentials: Any) -> None:
        self.project = ""
        if credentials is None:
            credentials, self.project = _default_credentials()
        self._credentials = credentials
        self._dropped: str | None = None
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )
        self._refreshing = threading.Lock()

    async def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers of one request.

        Raises:
            ProviderError: Google gave no token.
        """
        if not self._is_fresh():
            async with self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
                if not self._is_fresh():
                    await asyncio.to_thread(self._refresh)
        credentials = self._credentials
        bearer = ("authorization", f"Bearer {credentials.token}")
        quota = getattr(credentials, "quota_project_id", None)
        return (bearer, ("x-goog-user-project", quota)) if quota else (bearer,)

    def drop(self) -> None:
        """Take no request with the token in use any more."""
        self._dropped = self._credentials.token

    def _is_fresh(self) -> bool:
        token = self._credentials.token
        return bool(token) and token != self._dropped and not self._credentials.expired

    def _refresh(self) -> None:
        """Fetch a token, in a thread; a request that was cancelled may have left one at it."""
        _, failures, transport = _google_auth()
        requests = import_module("requests")
        with self._refreshing, requests.Session() as session:
            if self._is_fresh():
                return
            try:
                self._credentials.refresh(transport.Request(session))
            except failures.GoogleAuthError as error:
                raise ProviderError(
                    f"vertex: Google gave no access token ({type(error).__name__})",
                    provider="vertex",
                    retryable=bool(error.retryable),
                ) from error


def _google_auth() -> tuple[Any, Any, Any]:
    """google-auth, which has types for some of its code only: itself, its errors, its transport."""
    try:
        return (
            import_module("google.auth"),
            import_module("google.auth.exceptions"),
            import_module("google.auth.transport.requests"),
        )
    except ImportError as error:
        raise ConfigurationError(_NO_EXTRA) from error


def _default_credentials() -> tuple[Any, str]:
    """Application Default Credentials, and the project that they belong to, "" if to none."""
    auth, failures, _ = _google_auth()
    try:
        credentials, project = auth.default(scopes=[_SCOPE])
    except failures.GoogleAuthError as error:
        raise ConfigurationError(_NO_CREDENTIAL) from error
    return credentials, project or ""


def _of_environment(*names: str) -> str:
    """The first of these variables that is set."""
    return next((value for name in names if (value := os.environ.get(name))), "")


def _host(location: str) -> str:
    """Where a location is served."""
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def _models(base: str, project: str, location: str, publisher: str) -> str:
    if not _LOCATION.fullmatch(location):
        raise ConfigurationError(f"vertex: location {location!r} is not one of Google Cloud's")
    place = f"projects/{quote(project, safe=':')}/locations/{location}"
    return f"{base}/{place}/publishers/{publisher}/models"


@lru_cache(maxsize=1024)
def _canonical(model: str) -> str:
    """Vertex's spelling of a Claude id that Anthropic, Bedrock or a gateway spells its way."""
    found = re.search(r"claude-[a-z0-9.@-]+", model.lower())
    name = model if found is None else found.group()
    name = re.sub(r"-v\d+(:\d+)?$", "", name)
    return re.sub(r"-(\d{8})$", r"@\1", re.sub(r"(?<=\d)\.(?=\d)", "-", name))
