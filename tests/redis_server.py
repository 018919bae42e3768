"""Redis for tests: a small server of our own on the loopback, and a real one as a process.

async with Redis() as server:
    store = RedisStore(server.url)
    server.silent = True        # takes connections and answers nothing
    await server.stop()         # refuses connections
    await server.start()        # on the same port, with the same entries
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self

import pytest

__all__ = ["SERVERS", "Redis", "real"]

_REAL: Final = shutil.which("redis-server")
_READY: Final = "eady to accept connections"  # in the words of any version


class Redis:
    """Speaks as much of RESP 3 as a store needs; entries never expire here.

    `commands` are those received, without the greetings of connections; `entries` holds values and
    their lifetimes in milliseconds.
    """

    def __init__(self) -> None:
        self.entries: dict[bytes, tuple[bytes, int]] = {}
        self.commands: list[list[bytes]] = []
        self.connections = 0
        self.silent = False
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Take connections, on the port of last time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections, and break those there are."""
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        while head := await reader.readline():
            words = [await self._word(reader) for _ in range(int(head[1:]))]
            if not self.silent:
                writer.write(self._answer(words))
        self._open.discard(writer)
        writer.close()

    async def _word(self, reader: asyncio.StreamReader) -> bytes:
        length = int((await reader.readline())[1:])
        return (await reader.readexactly(length + 2))[:-2]

    def _answer(self, words: list[bytes]) -> bytes:
        match words:
            case [b"HELLO", version]:
                return b"%1\r\n$5\r\nproto\r\n:" + version + b"\r\n"
            case [b"CLIENT", *_]:
                return b"-ERR unknown subcommand\r\n"
        self.commands.append(words)
        match words:
            case [b"SET", key, value, b"PX", lifetime]:
                self.entries[key] = value, int(lifetime)
                return b"+OK\r\n"
            case [b"GETEX", key, b"PX", lifetime] if key in self.entries:
                value, _ = self.entries[key]
                self.entries[key] = value, int(lifetime)
                return b"$%d\r\n%b\r\n" % (len(value), value)
            case [b"GETEX", *_]:
                return b"_\r\n"
            case _:
                assert b"PTTL" == words[0]
                return b":%d\r\n" % self.entries[words[1]][1]


@asynccontextmanager
async def small() -> AsyncIterator[str]:
    """The URL of a server of our own."""
    async with Redis() as server:
        yield server.url


@asynccontextmanager
async def real(*command: str) -> AsyncIterator[str]:
    """The URL of a process with nothing in it, a real server unless `command` is another."""
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/redis.sock"
        options = ("--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no")
        process = subprocess.Popen(
            [*(command or (str(_REAL),)), *options, "--dir", folder],
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                assert process.stdout is not None
                assert any(_READY in line for line in process.stdout)
                yield f"unix://{socket}"
            finally:
                process.terminate()


SERVERS: Final = [
    small,
    pytest.param(
        real, marks=pytest.mark.skipif(_REAL is None, reason="redis-server is not installed")
    ),
]
