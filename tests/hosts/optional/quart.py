"""Quart."""

from __future__ import annotations

from quart import Quart, Response, request
from starlette.types import ASGIApp

from tests.hosts.play import COOKIES, Play


def app(play: Play) -> ASGIApp:
    """Two routes; what a Quart app is asked goes to its `asgi_app`."""
    host = Quart("host")

    @host.post("/v1/chat/completions")
    async def completions() -> Response:
        if play.hear(await request.get_data()):
            response = Response(play.stream(), play.status, content_type="text/event-stream")
            response.timeout = None
        else:
            response = Response(play.whole, play.status, content_type="application/json")
        for name, value in COOKIES.items():
            response.set_cookie(name, value)
        return response

    @host.post("/v1/other")
    async def other() -> Response:
        return Response(await request.get_data(), content_type="application/octet-stream")

    return host
