"""What a request that is not ours costs: a bare Starlette app against the same app, wrapped.

    python -m tests.benchmarks.passthrough

Prints microseconds a request, the best of several rounds, and the ratio: for a path of the host's,
for a chat completion where no provider is configured and no header asks for a dialect, and for one
whose model no provider serves (whose body has to be read and replayed).
In process, without a server, so the ratio is the worst case: a server adds the same to both.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from asgi_thinking import ThinkingMiddleware, allow_all
from tests.asgi import scope_for
from tests.scripted import Scripted

ROUNDS, REQUESTS = 7, 3_000
BODY = json.dumps(
    {"model": "gpt-5", "messages": [{"role": "user", "content": "hello " * 200}]}
).encode()
DELEGATING: dict[str, Any] = {"providers": {"acme": Scripted()}, "authorize": allow_all}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "GET /": ({"method": "GET", "path": "/"}, DELEGATING),
    "POST /other": ({"path": "/other"}, DELEGATING),
    "POST …/chat/completions, no provider": ({}, {}),
    "POST …/chat/completions, the host's model": ({}, DELEGATING),
}


async def hello(request: Request) -> PlainTextResponse:
    """Reads the body and says hello."""
    await request.body()
    return PlainTextResponse("hello")


host = Starlette(routes=[Route("/{path:path}", hello, methods=["GET", "POST"])])


async def receive() -> Message:
    return {"type": "http.request", "body": BODY, "more_body": False}


async def send(message: Message) -> None: ...


async def cost(app: ASGIApp, change: dict[str, Any]) -> float:
    """Microseconds a request."""
    best = float("inf")
    for _ in range(ROUNDS):
        scopes = [scope_for(**change) for _ in range(REQUESTS)]
        begun = time.perf_counter()
        for scope in scopes:
            await app(scope, receive, send)
        best = min(best, time.perf_counter() - begun)
    return best / REQUESTS * 1e6


async def main() -> None:
    for name, (change, options) in CASES.items():
        wrapped = ThinkingMiddleware(host, **options)
        bare, ours = await cost(host, change), await cost(wrapped, change)
        print(f"{name:44} bare {bare:6.1f} µs  wrapped {ours:6.1f} µs  ratio {ours / bare:.2f}")  # noqa: T201 (what the script is for)


if __name__ == "__main__":
    asyncio.run(main())
