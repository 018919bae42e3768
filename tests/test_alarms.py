"""Promises of the alarms that share a timer."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from asgi_thinking._alarms import set_alarm

SOON = 0.001


async def test_alarms_of_one_delay_ring_in_order() -> None:
    """Each rings once, the first that was set first, also those that are set while others wait."""
    loop, rung, over = asyncio.get_running_loop(), list[int](), asyncio.Event()
    for number in range(3):
        set_alarm(loop, SOON, lambda number=number: rung.append(number))  # type: ignore[misc]
    await asyncio.sleep(0)
    set_alarm(loop, SOON, over.set)
    await over.wait()
    assert [0, 1, 2] == rung


async def test_a_cancelled_alarm_never_rings() -> None:
    """Wherever it stands in the row, and however often it is cancelled."""
    loop, rung, over = asyncio.get_running_loop(), list[int](), asyncio.Event()
    alarms = [
        set_alarm(loop, SOON, lambda number=number: rung.append(number))  # type: ignore[misc]
        for number in range(3)
    ]
    for alarm in (alarms[0], alarms[2], alarms[2]):
        alarm.cancel()
    set_alarm(loop, SOON, over.set)
    await over.wait()
    assert [1] == rung
    alarms[1].cancel()


async def test_an_alarm_may_be_set_by_another() -> None:
    """A callback sets the next alarm of the same delay, as long as it likes."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    left = [3]

    def again() -> None:
        left[0] -= 1
        if left[0]:
            set_alarm(loop, SOON, again)
        else:
            over.set()

    again()
    await over.wait()
    assert [0] == left


async def test_a_failing_callback_is_no_harm_to_the_others() -> None:
    """What it raises goes to the loop's handler, and the next alarm rings."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    told: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: told.append(context))

    def fail() -> None:
        raise RuntimeError("broken")

    set_alarm(loop, SOON, fail)
    set_alarm(loop, SOON, over.set)
    await over.wait()
    assert ["broken"] == [str(context["exception"]) for context in told]


def test_a_loop_that_has_ended_is_let_go() -> None:
    """Nothing holds a closed loop once another one has set an alarm."""

    async def set_one(delay: float) -> weakref.ref[asyncio.AbstractEventLoop]:
        loop = asyncio.get_running_loop()
        set_alarm(loop, delay, asyncio.Event().set)
        return weakref.ref(loop)

    first = asyncio.run(set_one(60))
    asyncio.run(set_one(61))
    gc.collect()
    assert first() is None


pytestmark = pytest.mark.anyio
