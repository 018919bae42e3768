"""The clocks of a reply: what they look at, and what they let go of."""

from __future__ import annotations

import asyncio

import pytest

from asgi_thinking._transports.clock import Clock
from asgi_thinking.exceptions import UpstreamTimeout
from asgi_thinking.transport import Timeouts

pytestmark = pytest.mark.anyio

SHORT = 0.02


async def told(timeouts: Timeouts, *, connecting_after: float = 0.0) -> UpstreamTimeout:
    """The error of a reply that looks for a connection, after a while, and finds none."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[UpstreamTimeout] = loop.create_future()
    clock = Clock(loop, "host", timeouts, failed.set_result)
    await asyncio.sleep(connecting_after)
    clock.connecting()
    error = await failed
    clock.stop()
    return error


@pytest.mark.parametrize("after", [0.0, 2 * SHORT])
async def test_a_clock_that_starts_late_ends_in_time(after: float) -> None:
    """A phase that ends before the next look has one of its own."""
    error = await asyncio.wait_for(told(Timeouts(connect=SHORT), connecting_after=after), 5)
    assert "timeout_connect" == error.code


async def test_a_body_that_has_begun_is_seen_by_looking() -> None:
    """Who does not report each read is asked before a clock runs out."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[UpstreamTimeout] = loop.create_future()
    looks: list[float] = []

    def look() -> None:
        looks.append(loop.time())
        clock.flowing()

    timeouts = Timeouts(first_event=60, idle=SHORT)
    clock = Clock(loop, "host", timeouts, failed.set_result, look)
    clock.since = loop.time()
    assert "timeout_idle" == (await asyncio.wait_for(failed, 5)).code
    clock.stop()
    seen = len(looks)
    await asyncio.sleep(2 * SHORT)
    assert seen == len(looks)
