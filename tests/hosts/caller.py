"""One connection of a client that speaks HTTP/1.1 by hand, and sees each chunk as it comes."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

__all__ = ["Caller", "Head", "calling"]

# What servers say of themselves and of the time, and what differs by nothing but these.
_OF_THE_SERVER = {"date", "server"}


@dataclass(frozen=True)
class Head:
    """A reply's status, and its headers in their order, names as they came."""

    status: int
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """The values of every header of this name (lower case)."""
        return [value for key, value in self.headers if key.lower() == name]

    def of_the_app(self) -> tuple[int, tuple[tuple[str, str], ...]]:
        """All but what servers say of themselves."""
        kept = [pair for pair in self.headers if pair[0].lower() not in _OF_THE_SERVER]
        return self.status, tuple(kept)


class Caller:
    """Sends requests and reads replies; `chunk` is what the app gave to one `send`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._length: int | None = None

    async def ask(
        self,
        body: dict[str, Any] | bytes,
        *headers: tuple[str, str],
        path: str = "/v1/chat/completions",
        method: str = "POST",
    ) -> Head:
        """Sends a request and reads the head of its reply."""
        await self.send(body, *headers, path=path, method=method)
        return await self.head()

    async def send(
        self,
        body: dict[str, Any] | bytes,
        *headers: tuple[str, str],
        path: str = "/v1/chat/completions",
        method: str = "POST",
    ) -> None:
        """Sends a request."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            "host: localhost",
            "content-type: application/json",
            f"content-length: {len(raw)}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        self._writer.write("\r\n".join((*lines, "", "")).encode() + raw)
        await self._writer.drain()

    async def head(self) -> Head:
        """The status line and the headers."""
        raw = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        pairs = tuple((name, value) for name, value in (line.split(": ", 1) for line in lines))
        head = Head(int(first.split(" ")[1]), pairs)
        lengths = head.all("content-length")
        self._length = int(lengths[0]) if lengths else None
        return head

    async def chunk(self) -> bytes:
        """One HTTP chunk; empty at the body's end."""
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        return (await self._reader.readexactly(size + 2))[:-2]

    async def chunks(self) -> list[bytes]:
        """The rest of the body, to its orderly end, as it was cut."""
        if self._length is not None:
            return [await self._reader.readexactly(self._length)]
        chunks = [await self.chunk()]
        while chunks[-1]:
            chunks.append(await self.chunk())
        return chunks[:-1]

    async def body(self) -> bytes:
        """The rest of the body, whole."""
        return b"".join(await self.chunks())

    async def until(self, sight: bytes) -> bytes:
        """What comes until the sight has come."""
        seen = b""
        while sight not in seen:
            seen += await self.chunk()
        return seen

    async def watch(self, *sights_and_gates: tuple[bytes, asyncio.Event]) -> bytes:
        """Opens each gate once its sight has come, which no later piece can have brought."""
        everything = b""
        for sight, gate in sights_and_gates:
            everything += await self.until(sight)
            gate.set()
        return everything + await self.body()

    async def leave(self) -> None:
        """Closes the connection, without a word, whatever is under way."""
        self._writer.transport.abort()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


@asynccontextmanager
async def calling(port: int, *, patience: int = 2**16) -> AsyncGenerator[Caller]:
    """A connection that holds at most a few times `patience` unread bytes."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, patience)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
    caller = Caller(*await asyncio.open_connection(sock=raw, limit=patience))
    try:
        yield caller
    finally:
        await caller.leave()
