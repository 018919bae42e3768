"""Starlette."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.hosts.play import COOKIES, Play

__all__ = ["app", "reply"]


def reply(play: Play, body: bytes) -> Response:
    """What the endpoint returns; the media type of a stream gets a parameter."""
    response: Response
    if play.hear(body):
        response = StreamingResponse(play.stream(), play.status, media_type="text/event-stream")
    else:
        response = Response(play.whole, play.status, media_type="application/json")
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


def app(play: Play) -> ASGIApp:
    """Two routes."""

    async def completions(request: Request) -> Response:
        return reply(play, await request.body())

    async def other(request: Request) -> Response:
        return Response(await request.body(), media_type="application/octet-stream")

    return Starlette(
        routes=[
            Route("/v1/chat/completions", completions, methods=["POST"]),
            Route("/v1/other", other, methods=["POST"]),
        ]
    )
