"""The app that two processes run: a middleware that remembers in Redis, for who sends a name.

REDIS_URL=… ANTHROPIC_BASE_URL=… uvicorn --factory tests.conversations.app:build
"""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Scope

from asgi_thinking import Continuity, RedisStore, ThinkingMiddleware
from asgi_thinking.providers.anthropic import AnthropicProvider

__all__ = ["build"]


def build() -> ASGIApp:
    """The app; whom a request is for stands in its header `x-name`."""
    return ThinkingMiddleware(
        Starlette(),
        providers={"anthropic": AnthropicProvider("k")},
        authorize=_name,
        continuity=Continuity(
            RedisStore(os.environ["REDIS_URL"]),
            secret="correct horse battery staple",
            patience=5,
            timeout=5,
        ),
    )


def _name(scope: Scope) -> str | None:
    return Request(scope).headers.get("x-name")
