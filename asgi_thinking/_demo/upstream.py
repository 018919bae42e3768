"""An HTTP server on the loopback whose answers one function gives; for the demo alone.

    async with Upstream(answer) as url:
        ...  # POST to url

A `FarEnd` is such a function that plays a vendor, and says what became of the thinking.

It answers one request a connection, and sends each part of an answer by itself, as vendors stream.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Answer", "Answerer", "Call", "FarEnd", "Upstream"]


@dataclass(frozen=True, slots=True)
class Call:
    """A request; names of headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: its body is the parts, each of which leaves the server by itself."""

    status: int
    content_type: str
    parts: tuple[bytes, ...]

    @classmethod
    def whole(cls, value: Any, status: int = 200) -> Answer:
        """One JSON body."""
        return cls(status, "application/json", (json.dumps(value).encode(),))


Answerer: TypeAlias = Callable[[Call], Answer]


class FarEnd(ABC):
    """A vendor's API as far as one conversation goes.

    `model` is what it is asked for, `verdict` what it says of the last turn that was sent back, and
    `sample` the first piece of the last stream that is worth a look.
    """

    model: str
    sample: bytes = b""
    verdict: str = ""

    @abstractmethod
    def __call__(self, call: Call) -> Answer:
        """Answer a call as the vendor does."""


class Upstream:
    """The server; a context manager that gives its base URL."""

    def __init__(self, answer: Answerer) -> None:
        self._answer = answer

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client may leave at any point; that is its right, and the end of the connection.
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            answer = self._answer(await _read(reader))
            head = f"HTTP/1.1 {answer.status} \r\ncontent-type: {answer.content_type}\r\n"
            writer.write(f"{head}connection: close\r\n\r\n".encode())
            for part in answer.parts:
                writer.write(part)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request, *lines = head.strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(request.split(" ")[1], headers, body)
