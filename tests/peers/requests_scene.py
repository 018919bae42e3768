"""What one caller's request becomes: what goes upstream, and what the caller is told.

The whole path runs, from the middleware to the HTTP client, whose network alone is faked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal, Self, TypeAlias
from urllib.parse import unquote

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from asgi_thinking import ThinkingMiddleware, allow_all
from tests.asgi import Client, Headers, call
from tests.providers.peers_scene import CLAUDES, provider_of

__all__ = ["CLAUDES", "REPLIES", "TOOLS", "USER", "Asking", "JSONObject", "Mode", "Told", "spelled"]

JSONObject: TypeAlias = dict[str, Any]
Mode: TypeAlias = Literal["fix", "reject", "pass"]

USER: Final[JSONObject] = {"role": "user", "content": "Weather in Tokyo?"}
_FUNCTION: Final[JSONObject] = {"name": "f", "parameters": {"type": "object"}}
TOOLS: Final[list[JSONObject]] = [{"type": "function", "function": _FUNCTION}]

_CLAUDE: Final[JSONObject] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Sunny."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 7},
}
_SAID: Final[JSONObject] = {"role": "assistant", "content": [{"text": "Sunny."}]}
_CONVERSE: Final[JSONObject] = {
    "output": {"message": _SAID},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 7, "totalTokens": 10},
}
_GEMINI: Final[JSONObject] = {
    "candidates": [{"content": {"parts": [{"text": "Sunny."}]}, "finishReason": "STOP"}],
}
_MESSAGE: Final[JSONObject] = {"role": "assistant", "content": "Sunny."}
_OPENAI: Final[JSONObject] = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
}
REPLIES: Final[dict[str, JSONObject]] = {
    "/v1/messages": _CLAUDE,
    "/invoke": _CLAUDE,
    "/invoke-with-response-stream": _CLAUDE,
    ":rawPredict": _CLAUDE,
    ":streamRawPredict": _CLAUDE,
    "/converse": _CONVERSE,
    "/converse-stream": _CONVERSE,
    ":generateContent": _GEMINI,
    ":streamGenerateContent": _GEMINI,
    "/chat/completions": _OPENAI,
}
"""A whole reply of each API, by the end of its URL."""


@dataclass(frozen=True)
class Told:
    """A caller's reply, and what went upstream for it: None where nothing did."""

    client: Client
    upstream: httpx.Request | None

    @property
    def status(self) -> int:
        """The status of the caller's reply."""
        return self.client.status

    @property
    def applied(self) -> str:
        """The entries of `x-thinking-applied`, "" without one."""
        return self.client.headers.get("x-thinking-applied", "")

    @property
    def param(self) -> str:
        """The field that an error blames."""
        return str(self.client.json["error"]["param"])

    @property
    def path(self) -> str:
        """The path of the upstream's URL, decoded."""
        assert self.upstream is not None
        return unquote(self.upstream.url.raw_path.decode())

    @property
    def body(self) -> JSONObject:
        """What went upstream."""
        assert self.upstream is not None
        body: JSONObject = orjson.loads(self.upstream.content)
        return body

    @property
    def sent(self) -> JSONObject:
        """As `body`, with what Converse passes on to the model beside the rest."""
        body = self.body
        return {**body, **body.get("additionalModelRequestFields", {})}

    @property
    def claude(self) -> str:
        """How Claude is to think, as in "adaptive summarized high" or "enabled 2000"."""
        body = self.sent
        config = body.get("thinking", {})
        effort = (body.get("output_config") or body.get("outputConfig") or {}).get("effort")
        words = (config.get("type"), config.get("budget_tokens"), config.get("display"), effort)
        return " ".join(str(word) for word in words if word is not None)

    @property
    def max_tokens(self) -> int | None:
        """The limit of Claude's reply, whichever API it stands in."""
        body = self.body
        limit: int | None = body.get("max_tokens", body.get("inferenceConfig", {}).get("maxTokens"))
        return limit

    @property
    def gemini(self) -> JSONObject | None:
        """The `thinkingConfig` of a Gemini."""
        config: JSONObject | None = self.sent.get("generationConfig", {}).get("thinkingConfig")
        return config


@dataclass
class Asking:
    """A host whose middleware has one provider, "p", and what its upstream has been sent."""

    app: ThinkingMiddleware
    requests: list[httpx.Request] = field(default_factory=list[httpx.Request])

    @classmethod
    def of(cls, name: str, options: JSONObject | None = None, on_conflict: Mode = "fix") -> Self:
        """The provider of a name in `tests.providers.peers_scene`, made with options.

        Those without options are kept, because looking for plugins takes longer than a request.
        """
        if options is not None:
            return cls.make(name, options, on_conflict)
        return cls.kept(name, on_conflict)

    @classmethod
    @cache
    def kept(cls, name: str, on_conflict: Mode) -> Self:
        """One for all tests."""
        return cls.make(name, {}, on_conflict)

    @classmethod
    def make(cls, name: str, options: JSONObject, on_conflict: Mode) -> Self:
        """A new one."""
        requests: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            end = next(end for end in REPLIES if request.url.path.endswith(end))
            return httpx.Response(200, json=REPLIES[end])

        client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "environ", {key: os.environ[key] for key in ("PATH", "HOME")})
            provider = provider_of(name, transport=client, **options)
        app = ThinkingMiddleware(
            Starlette(), providers={"p": provider}, authorize=allow_all, on_conflict=on_conflict
        )
        return cls(app, requests)

    async def __call__(self, model: str, *, headers: Headers = (), **body: Any) -> Told:
        """Ask for a model of the provider's; fields that are None are left out."""
        given = {"model": f"p/{model}", "max_tokens": 10_000, "messages": [USER], **body}
        said = {name: value for name, value in given.items() if value is not None}
        self.requests.clear()
        client = await call(self.app, said, headers)
        assert len(self.requests) <= 1
        return Told(client, self.requests[0] if self.requests else None)


def spelled(name: str, model: str) -> str:
    """A Claude's id as the provider of a name has it: "opus-4-8" is "anthropic.claude-opus-4-8"."""
    return f"anthropic.claude-{model}" if name in ("invoke", "converse") else f"claude-{model}"
