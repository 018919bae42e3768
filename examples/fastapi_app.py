"""A FastAPI app that Claude answers for, to callers who have one of its keys.

    pip install fastapi 'asgi-thinking[server]'
    ANTHROPIC_API_KEY=… APP_KEYS=alice:key-1,bob:key-2 uvicorn fastapi_app:app

The middleware answers `POST …/chat/completions` for the models that its provider knows. Everything
else, other models included, goes to the app's own routes.
"""

from __future__ import annotations

import hmac
import os

from fastapi import FastAPI
from starlette.types import Scope

from asgi_thinking import ThinkingMiddleware

_TENANTS = dict(entry.split(":", 1) for entry in os.environ["APP_KEYS"].split(","))


def authorize(scope: Scope) -> str | None:
    """The tenant whose key the caller sent, or None to refuse."""
    given = dict(scope["headers"]).get(b"authorization", b"")
    for tenant, key in _TENANTS.items():
        if hmac.compare_digest(given, f"Bearer {key}".encode()):
            return tenant
    return None


app = FastAPI()
app.add_middleware(ThinkingMiddleware, providers=["anthropic"], authorize=authorize)


@app.get("/health")
async def health() -> dict[str, bool]:
    """The app's own route, which the middleware leaves alone."""
    return {"ok": True}
