"""Hosts with replies of their own, and callers who want these in a dialect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware
from asgi_thinking.registry import BUILT_IN_DIALECTS
from tests.asgi import Client, Headers, call

ASK: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hi"}],
    "reasoning_effort": "low",
    "stream_options": {"include_usage": True},
}
DIALECTS = BUILT_IN_DIALECTS
PLAIN: Headers = ((b"x-thinking-dialect", b"truefoundry"),)
STRICT: Headers = ((b"x-thinking-dialect", b"openai"),)

JSON_TYPE = (b"content-type", b"application/json")
SSE_TYPE = (b"content-type", b"text/event-stream; charset=utf-8")
SSE_START: Message = {"type": "http.response.start", "status": 200, "headers": [SSE_TYPE]}
JSON_START: Message = {"type": "http.response.start", "status": 200, "headers": [JSON_TYPE]}


def wants(dialect: str) -> Headers:
    """The header of a caller who names a dialect."""
    return ((b"x-thinking-dialect", dialect.encode()),)


def body(data: Any, *, more: bool = False) -> Message:
    """A message of a reply's body."""
    return {"type": "http.response.body", "body": data, "more_body": more}


class Host:
    """Reads the request, keeps what it was called with, and sends the messages given."""

    def __init__(self, *replies: Message, error: BaseException | None = None) -> None:
        self.replies = replies
        self.error = error
        self.scopes: list[Scope] = []
        self.received: list[Message] = []
        self.channels: list[tuple[Receive, Send]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        self.channels.append((receive, send))
        more = True
        while more:
            self.received.append(await receive())
            more = self.received[-1].get("more_body", False)
        for message in self.replies:
            await send(message)
        if self.error is not None:
            raise self.error


def streaming(*parts: bytes) -> Host:
    """A host that sends an event stream in these parts."""
    return Host(SSE_START, *[body(part, more=True) for part in parts], body(b""))


def replying(data: bytes, *more: tuple[bytes, bytes]) -> Host:
    """A host that sends a JSON reply, with these headers besides."""
    length = (b"content-length", b"%d" % len(data))
    start = JSON_START | {"headers": [JSON_TYPE, length, *more]}
    return Host(start, body(data))


async def ask(
    host: ASGIApp, headers: Iterable[tuple[bytes, bytes]] = PLAIN, asked: Any = ASK, **options: Any
) -> Client:
    """One request to the host through the middleware."""
    return await call(ThinkingMiddleware(host, **options), asked, list(headers))


def bodies(client: Client) -> list[Message]:
    """The messages of a reply's body."""
    return [message for message in client.sent if message["type"] == "http.response.body"]


def content(client: Client) -> bytes:
    """All bytes of a reply's body."""
    return b"".join(bytes(message.get("body", b"")) for message in bodies(client))


def check_order(sent: Sequence[Message]) -> None:
    """Fail unless there is one start, then bodies of which only the last says that it is the last,
    and of which none but that is empty."""
    start, *rest = [m for m in sent if m["type"] in ("http.response.start", "http.response.body")]
    assert "http.response.start" == start["type"]
    assert {"http.response.body"} == {message["type"] for message in rest}
    assert [*[True] * (len(rest) - 1), False] == [m.get("more_body", False) for m in rest]
    assert all(message["body"] for message in rest[:-1])


def error_of(data: bytes) -> dict[str, Any]:
    """The error of an envelope."""
    error: dict[str, Any] = orjson.loads(data)["error"]
    assert {"message", "type", "param", "code"} == set(error)
    return error
