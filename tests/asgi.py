"""A hand-driven ASGI client: says what arrives and when, and keeps every message that is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Scope

Headers = Sequence[tuple[bytes, bytes]]
JSON_HEADERS: Headers = ((b"content-type", b"application/json"),)


def scope_for(
    path: str = "/v1/chat/completions", headers: Headers = JSON_HEADERS, **more: Any
) -> Scope:
    """An HTTP POST scope as servers make it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        **more,
    }


@dataclass
class Client:
    """One request's two ends. `leave()` disconnects; `sent` fills as the app sends."""

    body: Iterable[bytes] = (b"",)
    sent: list[Message] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        parts = list(self.body)
        self._messages = [
            {"type": "http.request", "body": part, "more_body": n < len(parts) - 1}
            for n, part in enumerate(parts)
        ]

    async def receive(self) -> Message:
        if self._messages:
            return self._messages.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        async with self.news:
            self.sent.append(message)
            self.news.notify_all()

    def leave(self) -> None:
        self.gone.set()

    async def until(self, count: int) -> None:
        """Wait until the app has sent this many messages."""
        async with self.news:
            await self.news.wait_for(lambda: len(self.sent) >= count)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {k.decode(): v.decode() for k, v in self.sent[0]["headers"]}

    @property
    def content(self) -> bytes:
        return b"".join(m["body"] for m in self.sent[1:])

    @property
    def json(self) -> Any:
        return json.loads(self.content)


async def call(
    app: ASGIApp, body: Any, headers: Headers = (), path: str = "/v1/chat/completions"
) -> Client:
    """One whole request with a JSON body (or raw bytes) in one message."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    client = Client([raw])
    await app(scope_for(path, (*JSON_HEADERS, *headers)), client.receive, client.send)
    return client
