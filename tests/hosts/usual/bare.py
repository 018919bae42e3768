"""A host without any framework, which does all that ASGI leaves to an app."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from starlette.types import ASGIApp, Receive, Scope, Send

from tests.hosts.play import COOKIES, Play


class Bare:
    """Sends headers with capitals, streams, and listens for the caller meanwhile."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.cookies = [
            (b"Set-Cookie", f"{name}={value}".encode()) for name, value in COOKIES.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert "http" == scope["type"]  # as frameworks without a lifespan say it
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message.get("more_body", False)
        if scope["path"] == "/v1/other":
            await self.whole(send, 200, b"application/octet-stream", body)
        elif self.play.hear(body):
            await self.streamed(receive, send)
        else:
            await self.whole(send, self.play.status, b"application/json", self.play.whole)

    async def whole(self, send: Send, status: int, kind: bytes, body: bytes) -> None:
        length = (b"Content-Length", b"%d" % len(body))
        headers = [(b"Content-Type", kind), length, *self.cookies]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def streamed(self, receive: Receive, send: Send) -> None:
        headers = iter(((b"Content-Type", b"text/event-stream"), *self.cookies))
        await send({"type": "http.response.start", "status": self.play.status, "headers": headers})
        speaking = asyncio.create_task(self.speak(send))
        listening = asyncio.create_task(receive())
        await asyncio.wait([speaking, listening], return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        if not speaking.done():
            speaking.cancel()
        await asyncio.wait([speaking, listening])
        if not speaking.cancelled():
            speaking.result()

    async def speak(self, send: Send) -> None:
        async with aclosing(self.play.stream()) as stream:
            async for piece in stream:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


def app(play: Play) -> ASGIApp:
    """A host of the play."""
    return Bare(play)
