"""A host that says given messages, and what a server gets of them where they are rewritten."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware
from tests.asgi import JSON_HEADERS, Client, Headers, scope_for
from tests.hosts.play import FOREIGN, PIECES, WHOLE

__all__ = [
    "ASKED",
    "JSON",
    "RAW",
    "STREAM",
    "Host",
    "body",
    "kinds",
    "rewritten",
    "start",
    "streamed",
    "told",
]

ASKED: Headers = ((b"x-thinking-dialect", b"portkey"),)
JSON: Headers = ((b"Content-Type", b"application/json"),)
STREAM: Headers = ((b"Content-Type", b"text/event-stream; charset=utf-8"),)
RAW = json.dumps(WHOLE).encode()


def start(headers: Any = JSON, **more: Any) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": headers, **more}


def body(data: Any = b"", **more: Any) -> Message:
    return {"type": "http.response.body", "body": data, **more}


def streamed() -> list[Message]:
    return [start(STREAM), *[body(piece, more_body=True) for piece in PIECES], body()]


class Host:
    """Reads the request, then sends messages, waits for events, and raises errors."""

    def __init__(self, *steps: Message | asyncio.Event | BaseException) -> None:
        self.steps = steps
        self.scope: Scope = {}
        self.failures: list[BaseException] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        await receive()
        for step in self.steps:
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, asyncio.Event):
                await step.wait()
                continue
            try:
                await send(step)
            except BaseException as error:
                self.failures.append(error)
                raise


async def told(*steps: Any, headers: Headers = ASKED, **scope: Any) -> Client:
    """What the server is given of a host's reply."""
    client = Client([json.dumps(FOREIGN | {"stream": True}).encode()])
    made = scope_for(headers=[*JSON_HEADERS, *headers], **scope)
    await ThinkingMiddleware(Host(*steps))(made, client.receive, client.send)
    return client


def kinds(client: Client) -> list[str]:
    return [message["type"].removeprefix("http.response.") for message in client.sent]


def rewritten(client: Client) -> bool:
    return b"content_blocks" in b"".join(m.get("body", b"") for m in client.sent)
