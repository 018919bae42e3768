"""The four ways to get a transport, and what is left of one when it should be gone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import httpx2

from asgi_thinking.transport import Timeouts, Transport, UpstreamRequest, open_transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["ENGINES", "engine", "our_tasks", "post", "stuck"]

ENGINES = ("httpx", "aiohttp", "client of httpx", "client of httpx2")
_CLIENTS = {"client of httpx": httpx.AsyncClient, "client of httpx2": httpx2.AsyncClient}
_UNLIMITED = {"client of httpx": httpx.Limits(), "client of httpx2": httpx2.Limits()}


@asynccontextmanager
async def engine(name: str) -> AsyncIterator[Transport]:
    """A transport, closed afterwards, together with the client that a test made for it."""
    client = _CLIENTS[name](limits=_UNLIMITED[name]) if name in _CLIENTS else None
    transport = open_transport(client or name)
    try:
        yield transport
    finally:
        await transport.aclose()
        if client is not None:
            assert not client.is_closed
            await client.aclose()


def post(url: str, body: bytes = b"{}", **headers: str) -> UpstreamRequest:
    """A request; the headers' names are given with underscores."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return UpstreamRequest(url, pairs, body)


async def ask(transport: Transport, url: str, timeouts: Timeouts | None = None) -> bytes:
    """The whole body of one plain request."""
    reply = await transport.open(post(url), timeouts or Timeouts())
    try:
        return await reply.read(2**20)
    finally:
        await reply.aclose()


def our_tasks() -> set[asyncio.Task[object]]:
    """The running tasks whose coroutine is the package's."""
    codes = {task: getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()}
    return {task for task, code in codes.items() if code and "_transports" in code.co_filename}


def stuck(transport: Transport) -> list[object]:
    """What an engine's pool still counts as busy in the running loop."""
    loop = asyncio.get_running_loop()
    sessions = getattr(transport, "_sessions", None)
    if sessions is not None:
        return list(sessions[loop].connector._acquired)
    pool = getattr(transport, "_bound")[loop].client._transport._pool  # noqa: B009 (any transport)
    busy = [each for each in pool.connections if not (each.is_idle() or each.is_closed())]
    return [*pool._requests, *busy]
