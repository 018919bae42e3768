"""Middleware that apps have beside ours, each as a function from an app to an app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from asgi_correlation_id import CorrelationIdMiddleware
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

__all__ = [
    "NEIGHBOURS",
    "ORIGIN",
    "Neighbour",
    "Tracing",
    "correlation",
    "cors",
    "gzip",
    "marking",
    "tracing",
]

Neighbour = Callable[[ASGIApp], ASGIApp]

ORIGIN = "https://chat.example"


def gzip(app: ASGIApp) -> ASGIApp:
    """Compresses whatever it may."""
    return GZipMiddleware(app, minimum_size=1)


def cors(app: ASGIApp) -> ASGIApp:
    """Lets the scripts of one origin read replies, with cookies."""
    return CORSMiddleware(
        app, [ORIGIN], allow_methods=["POST"], allow_headers=["*"], allow_credentials=True
    )


def correlation(app: ASGIApp) -> ASGIApp:
    """Names each request, in `x-request-id`."""
    return CorrelationIdMiddleware(app)


def trusted(app: ASGIApp) -> ASGIApp:
    """Serves one host name."""
    return TrustedHostMiddleware(app, ["localhost"])


async def _mark(request: Request, following: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await following(request)
    response.headers["x-marked"] = "yes"
    return response


def marking(app: ASGIApp) -> ASGIApp:
    """What `@app.middleware("http")` makes: it runs the app in a task of its own."""
    return BaseHTTPMiddleware(app, _mark)


class Tracing:
    """OpenTelemetry's middleware, and the spans that have ended in it."""

    def __init__(self) -> None:
        self._ended = InMemorySpanExporter()
        self._provider = TracerProvider()
        self._provider.add_span_processor(SimpleSpanProcessor(self._ended))

    def __call__(self, app: ASGIApp) -> ASGIApp:
        made: ASGIApp = OpenTelemetryMiddleware(app, tracer_provider=self._provider)
        return made

    def requests(self) -> list[ReadableSpan]:
        """The spans of whole requests."""
        spans = self._ended.get_finished_spans()
        return [span for span in spans if span.kind is SpanKind.SERVER]


def tracing(app: ASGIApp) -> ASGIApp:
    """OpenTelemetry's middleware, for whoever needs no spans."""
    return Tracing()(app)


NEIGHBOURS = [
    pytest.param(each, id=each.__name__)
    for each in (gzip, cors, correlation, trusted, marking, tracing)
]
