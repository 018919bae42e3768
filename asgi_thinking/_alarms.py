"""One timer of the event loop for many callbacks of equal delay.

Every request sets alarms and nearly all are cancelled. A loop's own timer costs some microseconds
to start and to stop; an alarm costs an append and a store, because equal delays ring in the order
in which they were set, and only the first of them needs a timer.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

__all__ = ["Alarm", "set_alarm"]

# Seconds. What rings this much too early rings now: loops round their timers to milliseconds.
_ROUNDING: Final = 0.001


class Alarm:
    """Calls back once, unless it is cancelled before."""

    __slots__ = ("callback", "due")

    # Set by `set_alarm`: a constructor of our own would be half of what an alarm costs.
    callback: Callable[[], None] | None
    due: float

    def cancel(self) -> None:
        """Never call back; may be called again, and after it rang."""
        self.callback = None


class _Queue:
    """The alarms of one loop and delay, in the order in which they ring.

    `waits` says whether the loop's timer runs, which it does while there are any.
    """

    __slots__ = ("_loop", "alarms", "waits")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self.alarms: deque[Alarm] = deque()
        self.waits = False

    def wait(self, first: Alarm) -> None:
        self.waits = True
        self._loop.call_at(first.due, self._ring)

    def _ring(self) -> None:
        alarms, now = self.alarms, self._loop.time() + _ROUNDING
        try:
            while alarms and (alarms[0].callback is None or alarms[0].due <= now):
                alarm = alarms.popleft()
                if alarm.callback is not None:
                    alarm.callback()
        finally:
            self.waits = False
            if alarms:
                self.wait(alarms[0])


_queues: Final[dict[tuple[AbstractEventLoop, float], _Queue]] = {}


def set_alarm(loop: AbstractEventLoop, delay: float, callback: Callable[[], None]) -> Alarm:
    """Have `callback` called by `loop` after `delay` seconds, a millisecond early at most.

    For delays that many share; a cancelled alarm is held, without its callback, until it was due.
    """
    queue = _queues.get((loop, delay))
    if queue is None:
        for known in list(_queues):  # as it is now: other threads may have loops of their own
            if known[0].is_closed():
                _queues.pop(known, None)
        queue = _queues[loop, delay] = _Queue(loop)
    alarm = Alarm()
    alarm.due = loop.time() + delay
    alarm.callback = callback
    queue.alarms.append(alarm)
    if not queue.waits:
        queue.wait(alarm)
    return alarm
