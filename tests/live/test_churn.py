"""Thousands of callers who come and go at random leave nothing behind in the whole stack."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.engines import stuck
from tests.live.stack import ASK, PIECES, WHOLE, Setup, Stack, stack
from tests.loopback import Call, replying

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

REQUESTS = 2_000
AT_A_TIME = 200
LONGEST = 0.5  # seconds that the upstream waits before it accepts, answers, and goes on


class Upstream:
    """Takes its time at each step, half of the times; counts the calls it is busy with."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.accepts = 0
        self.calls = 0

    async def wait(self) -> None:
        await asyncio.sleep(self.random.uniform(0, LONGEST) * self.random.randint(0, 1))

    async def accepting(self) -> None:
        """Now and then nobody accepts for a while, and connections pile up in the kernel."""
        self.accepts += 1
        if self.accepts % 50 == 0:
            await asyncio.sleep(self.random.uniform(0, LONGEST))

    async def __call__(self, call: Call) -> None:
        self.calls += 1
        try:
            await self.wait()
            if b'"stream":true' in call.request.body:
                await call.head(200, ("content-type", "text/event-stream"))
                for piece in PIECES[:3]:
                    await call.chunk(piece)
                await self.wait()
                for piece in PIECES[3:]:
                    await call.chunk(piece)
            else:
                await call.head(200, ("content-type", "application/json"))
                await call.chunk(WHOLE[:30])
                await self.wait()
                await call.chunk(WHOLE[30:])
            await call.end()
        finally:
            self.calls -= 1


def tasks_of_ours() -> set[asyncio.Task[object]]:
    """The running tasks whose coroutine is the package's, and uvicorn's, one for each request."""
    codes = {task: getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()}
    return {
        task
        for task, code in codes.items()
        if code and ("/asgi_thinking/" in code.co_filename or code.co_name == "run_asgi")
    }


async def one(it: Stack, random: Random) -> str:
    """A caller who stays to the end, or leaves some time after asking; says which."""
    stream = random.random() < 0.5
    patience = random.uniform(0, 2 * LONGEST) * random.randint(0, 1)
    stays = random.random() < 0.2
    async with it.caller() as caller:
        if stays:
            head, body = await caller.ask(ASK | {"stream": stream})
            assert 200 == head.status
            assert body.endswith(b"data: [DONE]\n\n" if stream else b"}")
            return "stayed"
        await caller.post(ASK | {"stream": stream})
        await asyncio.sleep(patience)
    return "left"


@pytest.mark.parametrize("setup", [Setup("httpx", "h11"), Setup("aiohttp", "httptools")], ids=str)
async def test_churn(setup: Setup) -> None:
    """No task, socket or pool slot stays, and the next request is served as if nothing was."""
    random = Random(20261122)
    upstream = Upstream(random)
    slots = asyncio.Semaphore(AT_A_TIME)

    async def limited(it: Stack) -> str:
        async with slots:
            return await one(it, random)

    loopback = {"accepting": upstream.accepting}
    async with stack(setup, upstream, loopback=loopback) as it:
        outcomes = await asyncio.gather(*(limited(it) for _ in range(REQUESTS)))
        assert {"left", "stayed"} == set(outcomes)
        async with asyncio.timeout(30):
            settled = False
            while not settled:
                await asyncio.sleep(0)
                settled = not (tasks_of_ours() or upstream.calls)
        assert [] == stuck(it.transport)
        it.upstream.handler = replying(*PIECES)
        async with it.caller() as caller:
            _, body = await caller.ask(ASK | {"stream": True})
            assert body.endswith(b"data: [DONE]\n\n")
        assert [] == stuck(it.transport)
    assert not it.upstream.open
    assert set() == tasks_of_ours()
