"""Django, through its ASGI handler."""

from __future__ import annotations

from types import ModuleType

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from starlette.types import ASGIApp

from tests.hosts.play import COOKIES, Play

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="not secret",
        LOGGING_CONFIG=None,
        DATA_UPLOAD_MAX_MEMORY_SIZE=2**30,
    )
    django.setup()

urlpatterns: list[object] = []  # each handler has its own


class Handler(ASGIHandler):
    """A handler with URLs of its own, of which Django otherwise has one set a process."""

    def __init__(self, urls: ModuleType) -> None:
        self.urls = urls
        super().__init__()

    def create_request(self, scope, body_file):  # type: ignore[no-untyped-def]  # as in Django
        request, error = super().create_request(scope, body_file)
        request.urlconf = self.urls
        return request, error


def app(play: Play) -> ASGIApp:
    """Two views."""

    async def completions(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        response: HttpResponse | StreamingHttpResponse
        if play.hear(request.body):
            response = StreamingHttpResponse(
                play.stream(), status=play.status, content_type="text/event-stream"
            )
        else:
            response = HttpResponse(play.whole, status=play.status, content_type="application/json")
        for name, value in COOKIES.items():
            response.set_cookie(name, value)
        return response

    async def other(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.body, content_type="application/octet-stream")

    urls = ModuleType("urls")
    urls.urlpatterns = [path("v1/chat/completions", completions), path("v1/other", other)]  # type: ignore[attr-defined]  # the name that Django looks for
    return Handler(urls)
