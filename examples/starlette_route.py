"""A Starlette route that Claude answers for, behind the route's own authentication.

    pip install 'asgi-thinking[server]'
    ANTHROPIC_API_KEY=… APP_KEY=key-1 uvicorn starlette_route:app

Middleware of a `Route` runs in the order of its list: `RequireKey` has let the caller in before
`ThinkingMiddleware` runs, so that one needs no `authorize=`. The endpoint answers for the models
that no provider serves.
"""

from __future__ import annotations

import hmac
import os

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware

_EXPECTED = f"Bearer {os.environ['APP_KEY']}".encode()


class RequireKey:
    """Answers 401 to callers without the key."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request that carries the key."""
        given = dict(scope["headers"]).get(b"authorization", b"")
        if hmac.compare_digest(given, _EXPECTED):
            await self.app(scope, receive, send)
        else:
            refusal = JSONResponse({"error": {"message": "a key is required"}}, 401)
            await refusal(scope, receive, send)


async def unknown_model(request: Request) -> JSONResponse:
    """The answer for models that no provider serves."""
    model = (await request.json()).get("model")
    return JSONResponse({"error": {"message": f"no model {model!r} here"}}, 404)


app = Starlette(
    routes=[
        Route(
            "/v1/chat/completions",
            unknown_model,
            methods=["POST"],
            middleware=[
                Middleware(RequireKey),
                Middleware(ThinkingMiddleware, providers=["anthropic"]),
            ],
        )
    ]
)
