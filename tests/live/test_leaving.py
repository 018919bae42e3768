"""A caller who leaves ends the upstream's work, at whatever moment and through whatever door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from asgi_thinking import Service, ThinkingMiddleware, ThinkingResponse, allow_all
from asgi_thinking.fastapi import Thinking
from tests.live.stack import ASK, PIECES, SETUPS, WHOLE, Setup, over_starlette, stack
from tests.loopback import Call

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

PATH = "/v1/chat/completions"
LIMIT = 20  # seconds until a test gives up; how fast it is, a benchmark measures


def added_to_fastapi(service: Service) -> ASGIApp:
    """`app.add_middleware`, under FastAPI's own layers."""
    app = FastAPI()
    app.add_middleware(ThinkingMiddleware, service=service, authorize=allow_all)
    return app


async def own(_: Request) -> Response: ...  # type: ignore[empty-body]  # nothing here reaches it


def on_a_route(service: Service) -> ASGIApp:
    """Middleware of one Starlette route."""
    ours = [Middleware(ThinkingMiddleware, service=service)]
    return Starlette(routes=[Route(PATH, own, methods=["POST"], middleware=ours)])


async def thinking(request: Request) -> ThinkingResponse | None:
    """The dependency of whichever service the running test has."""
    return await Thinking(request.app.state.service)(request)


async def dependent(reply: Annotated[ThinkingResponse, Depends(thinking)]) -> Response:
    """An endpoint with the dependency."""
    return reply


def as_a_dependency(service: Service) -> ASGIApp:
    """FastAPI's dependency."""
    app = FastAPI()
    app.state.service = service
    app.post(PATH, response_model=None)(dependent)
    return app


def as_a_response(service: Service) -> ASGIApp:
    """A response that a Starlette handler returns."""

    async def complete(request: Request) -> Response:
        return ThinkingResponse(service.answer(request.headers.raw, await request.body()))

    return Starlette(routes=[Route(PATH, complete, methods=["POST"])])


DOORS: tuple[Callable[[Service], ASGIApp], ...] = (
    over_starlette,
    added_to_fastapi,
    on_a_route,
    as_a_dependency,
    as_a_response,
)


class Upstream:
    """Answers as far as the test wants, then waits for good."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self.waiting = asyncio.Event()
        self.forever = asyncio.Event()

    async def __call__(self, call: Call) -> None:
        if self.moment in ("stream: after the head", "stream: between events"):
            await call.head(200, ("content-type", "text/event-stream"))
        if self.moment == "whole: within the body":
            await call.head(200, ("content-type", "application/json"))
            await call.chunk(WHOLE[:20])
        if self.moment == "stream: between events":
            for piece in PIECES[:2]:
                await call.chunk(piece)
        self.waiting.set()
        await self.forever.wait()


async def check(setup: Setup, door: Callable[[Service], ASGIApp], moment: str) -> None:
    """The upstream's connection closes once the caller's does."""
    upstream = Upstream(moment)
    run = stack(setup, upstream, door=door)
    async with asyncio.timeout(LIMIT), run as it, it.caller() as caller:
        await caller.post(ASK | {"stream": moment.startswith("stream")})
        await upstream.waiting.wait()
        if moment == "stream: between events":
            await caller.head()
            chunk = b""
            while b"thought-1" not in chunk:
                chunk += await caller.chunk()
        (peer,) = it.upstream.peers
        assert not peer.closed.is_set()
        await caller.leave()
        await peer.closed.wait()


@pytest.mark.parametrize("setup", SETUPS, ids=str)
@pytest.mark.parametrize(
    "moment",
    [
        "stream: before the head",
        "stream: after the head",
        "stream: between events",
        "whole: before the head",
        "whole: within the body",
    ],
)
async def test_leaving_at_any_moment_ends_the_upstream_request(setup: Setup, moment: str) -> None:
    """Before the first byte, in mid-stream, and while waiting for a whole reply."""
    await check(setup, over_starlette, moment)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("moment", ["stream: between events", "whole: before the head"])
async def test_leaving_through_any_door_ends_the_upstream_request(
    door: Callable[[Service], ASGIApp], moment: str
) -> None:
    """Every documented way of mounting listens for the caller."""
    await check(Setup("aiohttp", "httptools"), door, moment)


@pytest.mark.parametrize("setup", SETUPS, ids=str)
async def test_one_who_leaves_disturbs_nobody(setup: Setup) -> None:
    """Another caller's stream goes on to its end."""
    gate = asyncio.Event()
    quitter_waits = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200, ("content-type", "text/event-stream"))
        await call.chunk(PIECES[0])
        if b"quitter" in call.request.body:
            quitter_waits.set()
        await gate.wait()
        for piece in PIECES[1:]:
            await call.chunk(piece)
        await call.end()

    quitting = {"messages": [{"role": "user", "content": "quitter"}]}
    async with (
        asyncio.timeout(LIMIT),
        stack(setup, handler) as it,
        it.caller() as patient,
        it.caller() as quitter,
    ):
        await patient.post(ASK | {"stream": True})
        assert 200 == (await patient.head()).status
        await quitter.post(ASK | quitting | {"stream": True})
        await quitter_waits.wait()
        await quitter.leave()
        (gone,) = [peer for peer in it.upstream.peers if peer is not it.upstream.peers[0]]
        await gone.closed.wait()
        gate.set()
        assert (await patient.body()).endswith(b"data: [DONE]\n\n")
