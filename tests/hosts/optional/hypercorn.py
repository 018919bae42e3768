"""Hypercorn, in the test's own loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config


@asynccontextmanager
async def serving(app: Any, _: str) -> AsyncGenerator[int]:
    """The port, while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)
    stop = asyncio.Event()
    config = Config()
    port = listener.getsockname()[1]
    config.bind = [f"fd://{listener.detach()}"]  # the server closes it
    config.graceful_timeout = 1
    config.errorlog = None
    task = asyncio.create_task(serve(app, config, mode="asgi", shutdown_trigger=stop.wait))
    try:
        yield port
    finally:
        stop.set()
        await task
