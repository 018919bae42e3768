"""A host's own reply, rewritten behind a real server: what is said arrives when it is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeAlias

import fastapi
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from asgi_thinking import ThinkingMiddleware
from tests.live.stack import Caller, Setup, serving
from tests.wire.openai_transcripts import DONE, chunk, completion, sse

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

ASK = {"model": "m", "messages": [], "reasoning_effort": "low"}
PIECES = (
    sse(chunk({"role": "assistant", "content": ""}, finish_reason=None)),
    sse(chunk({"reasoning": "thought-1"}, finish_reason=None)),
    sse(chunk({"reasoning": "thought-2"}, finish_reason=None)),
    sse(chunk({"content": "answer-1"}, finish_reason=None)),
    sse(chunk({"content": "answer-2"}, finish_reason=None)),
    sse(chunk(finish_reason="stop")) + DONE,
)
SIGHTS = (b'"role":"assistant"', b"thought-1", b"thought-2", b"answer-1", b"answer-2", b"[DONE]")
QUIET = (PIECES[0], *PIECES[3:])
QUIET_SIGHTS = (SIGHTS[0], *SIGHTS[3:])

Endpoint: TypeAlias = Callable[[Request], Any]


def over_starlette(endpoint: Endpoint) -> ASGIApp:
    """A Starlette host that would compress everything that is not small."""
    routes = [Route("/v1/chat/completions", endpoint, methods=["POST"])]
    gzip = Middleware(GZipMiddleware, minimum_size=1)
    return Starlette(routes=routes, middleware=[Middleware(ThinkingMiddleware), gzip])


def over_fastapi(endpoint: Endpoint) -> ASGIApp:
    """A FastAPI host."""
    app = fastapi.FastAPI()
    app.post("/v1/chat/completions")(endpoint)
    app.add_middleware(ThinkingMiddleware)
    return app


hosts = pytest.mark.parametrize("door", [over_starlette, over_fastapi])
setups = pytest.mark.parametrize(
    "setup", [Setup("httpx", "h11"), Setup("httpx", "httptools")], ids=str
)


async def caller_of(port: int) -> Caller:
    return Caller(*await asyncio.open_connection("127.0.0.1", port))


@hosts
@setups
@pytest.mark.parametrize("dialect", ["truefoundry", "reasoning", "openai"])
async def test_events_arrive_one_by_one(door: Any, setup: Setup, dialect: str) -> None:
    """Each piece reaches the caller before the host makes the next; strict hides two of them."""
    shown = dialect != "openai"
    pieces, sights = (PIECES, SIGHTS) if shown else (QUIET, QUIET_SIGHTS)
    seen = [asyncio.Event() for _ in pieces]

    async def endpoint(request: Request) -> Response:
        await request.body()

        async def parts() -> AsyncGenerator[bytes]:
            for piece, event in zip(pieces, seen, strict=True):
                yield piece
                await event.wait()

        return StreamingResponse(parts(), media_type="text/event-stream")

    async with serving(door(endpoint), setup) as port:
        caller = await caller_of(port)
        await caller.post(ASK, x_thinking_dialect=dialect, accept_encoding="gzip")
        head = await caller.head()
        assert dialect == head.headers["x-thinking-dialect"]
        assert "content-encoding" not in head.headers
        for sight, event in zip(sights, seen, strict=True):
            said = b""
            while sight not in said:
                said += await caller.chunk()
            assert 1 == said.count(sight)
            event.set()
        assert b"" == await caller.body()
        await caller.leave()


@hosts
@setups
async def test_json_on_one_connection(door: Any, setup: Setup) -> None:
    """Replies that change and replies that do not have their true lengths, in any order."""
    body = completion({"content": "a", "reasoning": "thought-1"})

    async def endpoint(request: Request) -> Response:
        await request.body()
        return JSONResponse(json.loads(body))

    async with serving(door(endpoint), setup) as port:
        caller = await caller_of(port)
        for dialect, key in [("portkey", b"content_blocks"), ("reasoning", b'"reasoning"')] * 2:
            await caller.post(ASK, x_thinking_dialect=dialect)
            assert 200 == (await caller.head()).status
            assert key in await caller.body()
        await caller.leave()


@setups
async def test_an_error_of_the_host_stays_the_hosts(setup: Setup) -> None:
    """A handler that raises is answered by the host's own error page."""

    async def endpoint(request: Request) -> Response:
        await request.body()
        return JSONResponse({"detail": "no"}, 422)

    async with serving(over_starlette(endpoint), setup) as port:
        caller = await caller_of(port)
        await caller.post(ASK, x_thinking_dialect="portkey")
        head = await caller.head()
        assert (422, None) == (head.status, head.headers.get("x-thinking-dialect"))
        assert b'{"detail":"no"}' == await caller.body()
        await caller.leave()
