"""FastAPI."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from tests.hosts.play import Play
from tests.hosts.usual.starlette import reply


def app(play: Play) -> ASGIApp:
    """Two endpoints."""

    async def completions(request: Request) -> Response:
        return reply(play, await request.body())

    async def other(request: Request) -> Response:
        return Response(await request.body(), media_type="application/octet-stream")

    host = FastAPI()
    host.post("/v1/chat/completions")(completions)
    host.post("/v1/other")(other)
    return host
