"""Cancellation: the call ends at once, and nothing of it is left, wherever it was."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import httpx
import pytest

from asgi_thinking.transport import Timeouts, Transport, open_transport
from tests.engines import ENGINES, ask, engine, our_tasks, post, stuck
from tests.loopback import Call, Loopback, replying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
REQUESTS = 2_000
AT_A_TIME = 50
UNCANCELLED = 20  # one of so many is let be; on a slow machine no other would come to its end


@pytest.fixture
def anyio_backend() -> str:
    """The engines work on asyncio only."""
    return "asyncio"


@pytest.fixture(params=ENGINES)
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    """Each engine in turn; whatever the test did, nothing of ours is left after it."""
    async with engine(request.param) as transport:
        yield transport
    assert set() == our_tasks()


async def consume(transport: Transport, url: str, timeouts: Timeouts) -> None:
    """Reads a reply as a careful caller does."""
    reply = await transport.open(post(url), timeouts)
    try:
        async for _ in reply:
            pass
    finally:
        await reply.aclose()


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancels a task and waits for it."""
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_cancel_before_accept(transport: Transport, scheme: str) -> None:
    """The call ends while the upstream has not even accepted, and so does its connection then."""
    opened = asyncio.Event()

    async with Loopback(replying(), opened.wait) as upstream, Loopback(replying(b"ok")) as other:
        url = upstream.url.replace("http", scheme)
        task = asyncio.create_task(consume(transport, url, Timeouts(connect=0.2)))
        for _ in range(20):
            await asyncio.sleep(0.001)
        await cancelled(task)
        assert not opened.is_set()
        opened.set()
        assert b"ok" == await ask(transport, other.url)
        await asyncio.gather(*our_tasks())
        await upstream.idle()
        assert [] == stuck(transport)


async def test_cancel_at_once(transport: Transport) -> None:
    """A call cancelled as it begins leaves nothing either."""
    async with Loopback(replying(b"ok")) as upstream:
        for turns in range(12):
            task = asyncio.create_task(consume(transport, upstream.url, Timeouts(connect=0.2)))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*our_tasks())
        assert b"ok" == await ask(transport, upstream.url)
        assert [] == stuck(transport)


@pytest.mark.parametrize("within_body", [False, True])
async def test_cancel_while_waiting(transport: Transport, within_body: bool) -> None:
    """The upstream sees its connection close, before its headers and within its body."""
    waiting, forever = asyncio.Event(), asyncio.Event()

    async def handler(call: Call) -> None:
        if within_body:
            await call.head(200)
            await call.chunk(b"some")
        waiting.set()
        await forever.wait()

    async with Loopback(handler) as upstream, Loopback(replying(b"ok")) as other:
        task = asyncio.create_task(consume(transport, upstream.url, Timeouts()))
        await waiting.wait()
        await cancelled(task)
        await upstream.idle()
        assert b"ok" == await ask(transport, other.url)
        assert [] == stuck(transport)


async def test_cancel_twice(transport: Transport) -> None:
    """A second cancellation while the first one cleans up does no harm."""
    waiting, forever = asyncio.Event(), asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        await call.chunk(b"some")
        waiting.set()
        await forever.wait()

    async with Loopback(handler) as upstream, Loopback(replying(b"ok")) as other:
        for turns in range(6):
            waiting.clear()
            task = asyncio.create_task(consume(transport, upstream.url, Timeouts()))
            await waiting.wait()
            task.cancel()
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await upstream.idle()
        assert b"ok" == await ask(transport, other.url)
        assert [] == stuck(transport)


async def test_an_attempt_of_unknown_kind_is_ended_in_time() -> None:
    """A client whose transport is not httpcore's tells nothing, and still leaves nothing."""
    called = asyncio.Event()
    forever: asyncio.Future[httpx.Response] = asyncio.get_running_loop().create_future()

    async def handler(_: httpx.Request) -> httpx.Response:
        called.set()
        return await forever

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        transport = open_transport(client)
        timeouts = Timeouts(connect=0.01)
        task = asyncio.create_task(consume(transport, "http://upstream.test/", timeouts))
        await called.wait()
        await cancelled(task)
        assert not forever.done()
        await transport.aclose()
        assert forever.cancelled()
    assert set() == our_tasks()


async def test_an_attempt_nobody_wants_any_more_is_not_read() -> None:
    """A reply that comes after the cancellation is closed."""
    called, answer = asyncio.Event(), asyncio.Event()
    closed = asyncio.Event()

    class Body(httpx.ByteStream):
        async def aclose(self) -> None:
            closed.set()

    async def handler(_: httpx.Request) -> httpx.Response:
        called.set()
        await answer.wait()
        return httpx.Response(200, stream=Body(b"some"))

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        transport = open_transport(client)
        task = asyncio.create_task(consume(transport, "http://upstream.test/", Timeouts()))
        await called.wait()
        await cancelled(task)
        answer.set()
        await asyncio.gather(*our_tasks())
    assert closed.is_set()


@pytest.mark.timeout(280)
@pytest.mark.parametrize("name", ENGINES)
async def test_churn(name: str) -> None:
    """Thousands of random cancellations harm no other request, and cost no connection or task."""
    random = Random(20261122)
    slots = asyncio.Semaphore(AT_A_TIME)
    timeouts = Timeouts(connect=60)  # a loaded machine is no failure

    async def accepting() -> None:
        await asyncio.sleep(random.uniform(0, 0.002) * random.randint(0, 1))

    async def handler(call: Call) -> None:
        await asyncio.sleep(random.uniform(0, 0.5) * random.randint(0, 1))
        await call.head(200)
        await asyncio.sleep(random.uniform(0, 0.5) * random.randint(0, 1))
        await call.chunk(b"some")
        await call.end()

    async def one(transport: Transport, number: int) -> BaseException | None:
        async with slots:
            task = asyncio.create_task(consume(transport, upstream.url, timeouts))
            await asyncio.sleep(random.uniform(0, 0.5) * random.randint(0, 1))
            if number % UNCANCELLED:
                task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            return outcome

    async with Loopback(handler, accepting, backlog=REQUESTS) as upstream:
        async with engine(name) as transport:
            calls = [one(transport, number) for number in range(REQUESTS)]
            outcomes = await asyncio.gather(*calls)
            assert {type(None), asyncio.CancelledError} == {type(each) for each in outcomes}
            await asyncio.gather(*our_tasks())
            assert b"some" == await ask(transport, upstream.url)
            assert [] == stuck(transport)
        await upstream.idle()
    assert set() == our_tasks()
