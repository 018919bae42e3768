"""A raw HTTP/1.1 server on the loopback, scripted by a coroutine per request.

    async with Loopback(replying(b"data: 1\\n\\n", b"data: 2\\n\\n")) as upstream:
        ...  # POST to upstream.url
        assert {} == upstream.open

    async def handler(call: Call) -> None:
        await call.head(200, ("content-type", "text/event-stream"))
        await call.chunk(b"data: 1\\n\\n")
        await gate.wait()
        call.cut()

Nothing is sent but what the handler sends. A connection stays open until either side closes it; the
moment the client did is in `Peer.closed_at` (the loop's time), and `Peer.closed` is set with it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self, TypeAlias, cast

Handler: TypeAlias = Callable[["Call"], Awaitable[None]]

__all__ = ["Call", "Handler", "Loopback", "Peer", "Request", "replying"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came; header names in lower case, repeated ones in order."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """All values of a header, joined by commas."""
        return ", ".join(value for key, value in self.headers if key == name)


class Peer(asyncio.Protocol):
    """One connection that a client opened."""

    def __init__(self, server: Loopback) -> None:
        self.server = server
        self.closed = asyncio.Event()
        self.closed_at: float | None = None
        self.requests = 0
        self.writable = asyncio.Event()
        self.writable.set()
        self._received = bytearray()
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self.server.peers.append(self)
        self.server.open.add(self)
        self.task = asyncio.create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed_at = asyncio.get_running_loop().time()
        self.closed.set()
        self.server.open.discard(self)
        self.writable.set()
        self.task.cancel()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    async def _serve(self) -> None:
        while True:
            request = await self._request()
            self.requests += 1
            self.server.requests.append(request)
            await self.server.handler(Call(self, request))

    async def _request(self) -> Request:
        head = await self._until(lambda: self._received.find(b"\r\n\r\n") + 1)
        lines = bytes(self._received[: head - 1]).decode("latin-1").split("\r\n")
        del self._received[: head + 3]
        method, target, _ = lines[0].split(" ")
        pairs = [line.split(": ", 1) for line in lines[1:]]
        headers = [(name.lower(), value) for name, value in pairs]
        length = int(dict(headers).get("content-length", "0"))
        await self._until(lambda: len(self._received) >= length)
        body = bytes(self._received[:length])
        del self._received[:length]
        return Request(method, target, headers, body)

    async def _until(self, ready: Callable[[], int]) -> int:
        while not (found := ready()):
            self._news.clear()
            await self._news.wait()
        return found


class Call:
    """One request being answered."""

    def __init__(self, peer: Peer, request: Request) -> None:
        self.peer = peer
        self.request = request

    async def raw(self, data: bytes) -> None:
        """Sends bytes as they are, and waits while the client does not read."""
        self.peer.transport.write(data)
        await self.peer.writable.wait()

    async def head(
        self, status: int, *headers: tuple[str, str], framing: str = "transfer-encoding: chunked"
    ) -> None:
        """Sends the status line and the headers; `framing` is the last of them."""
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers)]
        await self.raw("\r\n".join((*lines, framing, "", "")).encode())

    async def chunk(self, data: bytes) -> None:
        """Sends one HTTP chunk in one write."""
        await self.raw(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        """Ends a chunked body."""
        await self.raw(b"0\r\n\r\n")

    def close(self) -> None:
        """Closes the connection in an orderly way."""
        self.peer.transport.close()

    def cut(self) -> None:
        """Resets the connection."""
        raw = self.peer.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.transport.abort()


def replying(
    *chunks: bytes,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream"),),
) -> Handler:
    """A handler that sends the chunks at once, each as one HTTP chunk, and ends the body."""

    async def handler(call: Call) -> None:
        await call.head(status, *headers)
        for chunk in chunks:
            await call.chunk(chunk)
        await call.end()

    return handler


async def _at_once() -> None:
    pass


@dataclass(eq=False, slots=True)
class Loopback:
    """The server, up while its `async with` block runs.

    `open` are the connections open now, `peers` all there ever were, `requests` all that were read.
    `accepting` is awaited before each accept, so it can delay or stop it; `backlog` is how many
    connections the kernel completes in the meantime.
    """

    handler: Handler
    accepting: Callable[[], Awaitable[None]] = _at_once
    backlog: int = 1024
    open: set[Peer] = field(default_factory=set, init=False)
    peers: list[Peer] = field(default_factory=list, init=False)
    requests: list[Request] = field(default_factory=list, init=False)
    port: int = field(default=0, init=False)
    _task: asyncio.Task[None] = field(init=False, repr=False)
    _socket: socket.socket = field(init=False, repr=False)

    @property
    def url(self) -> str:
        """Where to post to."""
        return f"http://127.0.0.1:{self.port}/v1/messages"

    async def idle(self) -> None:
        """Waits until no connection is open."""
        while self.open:
            await next(iter(self.open)).closed.wait()

    async def __aenter__(self) -> Self:
        # asyncio switches Nagle off only where the protocol is named.
        self._socket = socket.socket(proto=socket.IPPROTO_TCP)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(self.backlog)
        self.port = self._socket.getsockname()[1]
        self._task = asyncio.create_task(self._accept())
        return self

    async def __aexit__(self, *_: object) -> None:
        await _ended(self._task)
        self._socket.close()
        for peer in list(self.open):
            peer.transport.abort()
        await self.idle()
        for peer in self.peers:
            await _ended(peer.task)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self.accepting()
            connection, _ = await loop.sock_accept(self._socket)
            await loop.connect_accepted_socket(lambda: Peer(self), connection)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    # A handler that failed fails the test here; one that was cancelled has only been ended.
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome
