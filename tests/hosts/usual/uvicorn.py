"""uvicorn, with either of its parsers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import uvicorn
from starlette.types import ASGIApp


@asynccontextmanager
async def serving(app: ASGIApp, parser: Literal["h11", "httptools"]) -> AsyncGenerator[int]:
    """The port, while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    # Inherited by each connection, so that the kernel takes little for a caller who does not read.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)
    config = uvicorn.Config(app, http=parser, ws="none", log_level="critical", lifespan="auto")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    try:
        yield listener.getsockname()[1]
    finally:
        await _stop(server)
        listener.close()


async def _stop(server: uvicorn.Server) -> None:
    """As `Server.shutdown` does, which waits a tenth of a second at each of its steps."""
    for each in server.servers:
        each.close()
    state = server.server_state
    for connection in list(state.connections):
        connection.shutdown()
    await asyncio.gather(*state.tasks, return_exceptions=True)
    await server.lifespan.shutdown()
