"""Litestar."""

from __future__ import annotations

from litestar import Litestar, Request, Response, post
from litestar.datastructures import Cookie
from litestar.response import Stream
from starlette.types import ASGIApp

from tests.hosts.play import COOKIES, Play


def app(play: Play) -> ASGIApp:
    """Two handlers; a stream's media type is the one that the response says."""
    cookies = [Cookie(name, value=value) for name, value in COOKIES.items()]

    async def completions(request: Request) -> Response:
        if play.hear(await request.body()):
            return Stream(
                play.stream(),
                status_code=play.status,
                media_type="text/event-stream",
                cookies=cookies,
            )
        return Response(
            play.whole, status_code=play.status, media_type="application/json", cookies=cookies
        )

    async def other(request: Request) -> bytes:
        return await request.body()

    return Litestar(
        [
            post("/v1/chat/completions", status_code=200)(completions),
            post("/v1/other", status_code=200, media_type="application/octet-stream")(other),
        ],
        openapi_config=None,
    )
