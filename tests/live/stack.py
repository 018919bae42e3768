"""The whole stack on the loopback: a caller, uvicorn, a host, the middleware, and an upstream.

    async with stack(Setup("httpx", "h11"), handler) as it, it.caller() as caller:
        await caller.post(ASK)
        assert 200 == (await caller.head()).status

The caller speaks HTTP/1.1 by hand, so that it can stop reading, and leave at any moment.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from asgi_thinking import Service, ThinkingMiddleware, allow_all
from asgi_thinking.providers.anthropic import AnthropicProvider
from asgi_thinking.transport import Timeouts, Transport
from tests.loopback import Handler, Loopback
from tests.wire.anthropic_transcripts import START as MESSAGE_START
from tests.wire.anthropic_transcripts import STOP, block_start, block_stop, delta, ending, sse

__all__ = [
    "ASK",
    "PIECES",
    "SETUPS",
    "WHOLE",
    "Caller",
    "Head",
    "Setup",
    "Stack",
    "serving",
    "stack",
]

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "reasoning_effort": "high",
    "max_tokens": 4000,
}

# A reply as an upstream streams it; each piece but the first and the last says one new thing.
PIECES: tuple[bytes, ...] = (
    sse(MESSAGE_START, block_start(0, type="thinking", thinking="", signature="")),
    sse(delta(0, "thinking_delta", thinking="thought-1")),
    sse(delta(0, "thinking_delta", thinking="thought-2")),
    sse(
        delta(0, "signature_delta", signature="c2lnMQ=="),
        block_stop(0),
        block_start(1, type="text", text=""),
        delta(1, "text_delta", text="answer-1"),
    ),
    sse(delta(1, "text_delta", text="answer-2")),
    sse(block_stop(1), ending("end_turn"), STOP),
)

WHOLE = json.dumps(
    {
        **MESSAGE_START["message"],
        "content": [
            {"type": "thinking", "thinking": "thought-1", "signature": "c2lnMQ=="},
            {"type": "text", "text": "answer-1"},
        ],
        "stop_reason": "end_turn",
    }
).encode()


@dataclass(frozen=True)
class Setup:
    """One way to deploy: the upstream engine, uvicorn's HTTP parser, and its loop.

    "same" is the test's own loop; "uvloop" is another one, in a thread.
    """

    engine: str
    http: Literal["h11", "httptools"]
    loop: Literal["same", "uvloop"] = "same"

    def __str__(self) -> str:
        return f"{self.engine}-{self.http}-{self.loop}"


SETUPS = (
    Setup("httpx", "h11"),
    Setup("aiohttp", "httptools"),
    Setup("httpx", "httptools", "uvloop"),
)


@dataclass(frozen=True)
class Head:
    """A reply's status and headers, names in lower case."""

    status: int
    headers: dict[str, str]


class Caller:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._length: int | None = None

    async def post(self, body: dict[str, Any], **headers: str) -> None:
        """Sends one request; underscores in names of headers are hyphens."""
        raw = json.dumps(body).encode()
        lines = [
            "POST /v1/chat/completions HTTP/1.1",
            "host: localhost",
            "content-type: application/json",
            f"content-length: {len(raw)}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        self._writer.write("\r\n".join((*lines, "", "")).encode() + raw)
        await self._writer.drain()

    async def head(self) -> Head:
        """The status line and the headers."""
        raw = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        length = headers.get("content-length")
        self._length = None if length is None else int(length)
        return Head(int(first.split(" ")[1]), headers)

    async def chunk(self) -> bytes:
        """One HTTP chunk, which is what the app gave to one `send`; empty at the body's end."""
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        data = await self._reader.readexactly(size + 2)
        return data[:-2]

    async def body(self) -> bytes:
        """The rest of the body, to its orderly end."""
        if self._length is not None:
            return await self._reader.readexactly(self._length)
        chunks = [await self.chunk()]
        while chunks[-1]:
            chunks.append(await self.chunk())
        return b"".join(chunks)

    async def ask(self, body: dict[str, Any]) -> tuple[Head, bytes]:
        """One whole request."""
        await self.post(body)
        return await self.head(), await self.body()

    async def leave(self) -> None:
        """Closes the connection, without a word, whatever is under way."""
        self._writer.transport.abort()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


@dataclass(frozen=True)
class Stack:
    """What runs: the upstream, the service, its transport, and where the server listens."""

    upstream: Loopback
    service: Service
    transport: Transport
    port: int

    @asynccontextmanager
    async def caller(self, *, patience: int = 2**16) -> AsyncGenerator[Caller]:
        """A connection that holds at most a few times `patience` unread bytes."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, patience)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self.port))
        caller = Caller(*await asyncio.open_connection(sock=raw, limit=patience))
        try:
            yield caller
        finally:
            await caller.leave()


def over_starlette(service: Service) -> ASGIApp:
    """The middleware around a Starlette host without routes."""
    return ThinkingMiddleware(Starlette(), service=service, authorize=allow_all)


@asynccontextmanager
async def serving(app: ASGIApp, setup: Setup) -> AsyncGenerator[int]:
    """The port of a uvicorn that serves `app` while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    # Inherited by each connection, so that the kernel takes little for a caller who does not read.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)
    loop = "none" if setup.loop == "same" else "uvloop"
    config = uvicorn.Config(
        app, http=setup.http, loop=loop, ws="none", log_level="warning", lifespan="on"
    )
    server = uvicorn.Server(config)
    if setup.loop == "same":
        task = asyncio.create_task(server.serve([listener]))
    else:
        task = asyncio.create_task(asyncio.to_thread(server.run, [listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def stack(
    setup: Setup,
    handler: Handler,
    *,
    door: Any = over_starlette,
    loopback: dict[str, Any] | None = None,
    timeouts: Timeouts | None = None,
) -> AsyncGenerator[Stack]:
    """Everything up, and down again with nothing left; `door` makes the app of the service."""
    async with Loopback(handler, **loopback or {}) as upstream:
        base = f"http://127.0.0.1:{upstream.port}"
        provider = AnthropicProvider("k", base_url=base, transport=setup.engine, timeouts=timeouts)
        service = Service(providers={"anthropic": provider}, max_retries=0)
        async with serving(door(service), setup) as port:
            yield Stack(upstream, service, provider.transport, port)
            if setup.loop == "same":
                await service.aclose()
        await upstream.idle()
