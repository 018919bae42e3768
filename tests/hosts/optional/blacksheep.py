"""BlackSheep."""

from __future__ import annotations

from blacksheep import Application, Content, Request, Response, StreamedContent
from blacksheep.cookies import Cookie
from blacksheep.server.routing import Router
from starlette.types import ASGIApp

from tests.hosts.play import COOKIES, Play


def app(play: Play) -> ASGIApp:
    """Two handlers on a router of the app's own."""
    router = Router()

    @router.post("/v1/chat/completions")
    async def completions(request: Request) -> Response:
        content: Content
        if play.hear(await request.read() or b""):
            content = StreamedContent(b"text/event-stream", play.stream)
        else:
            content = Content(b"application/json", play.whole)
        response = Response(play.status, content=content)
        for name, value in COOKIES.items():
            response.set_cookie(Cookie(name, value))
        return response

    @router.post("/v1/other")
    async def other(request: Request) -> Response:
        return Response(200, content=Content(b"application/octet-stream", await request.read()))

    return Application(router=router)
