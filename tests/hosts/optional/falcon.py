"""Falcon."""

from __future__ import annotations

from falcon.asgi import App, Request, Response
from starlette.types import ASGIApp

from tests.hosts.play import COOKIES, Play


class Completions:
    """The endpoint under test."""

    def __init__(self, play: Play) -> None:
        self.play = play

    async def on_post(self, request: Request, response: Response) -> None:
        """A stream or JSON."""
        stream = self.play.hear(await request.stream.read())
        response.status = self.play.status
        for name, value in COOKIES.items():
            response.set_cookie(name, value, secure=False)
        if stream:
            response.content_type = "text/event-stream"
            response.stream = self.play.stream()
        else:
            response.content_type = "application/json"
            response.data = self.play.whole


class Other:
    """Another endpoint."""

    async def on_post(self, request: Request, response: Response) -> None:
        """The body."""
        response.content_type = "application/octet-stream"
        response.data = await request.stream.read()


def app(play: Play) -> ASGIApp:
    """Two resources."""
    host = App()
    host.add_route("/v1/chat/completions", Completions(play))
    host.add_route("/v1/other", Other())
    return host
