"""The four clocks of one reply behind one timer, and the words for what goes wrong.

A read costs a store or two, never a timer: the timer fires at the earliest moment a clock could run
out, looks how the reply stands, and sets itself again.
"""

from __future__ import annotations

import math
import os
import socket
import ssl
from abc import abstractmethod
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from asgi_thinking._alarms import Alarm, set_alarm
from asgi_thinking._version import __version__
from asgi_thinking.exceptions import (
    ConfigurationError,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnreachable,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from typing import Self

    from asgi_thinking.transport import Timeouts, UpstreamRequest

__all__ = ["AGENT", "Body", "Clock", "broken_off", "host_of", "reason_of", "sent_headers"]

AGENT: Final = f"asgi-thinking/{__version__}"

# Seconds until a clock first looks. Most replies are over by then, and never needed a timer.
_FIRST_LOOK: Final = 1.0

Phase: TypeAlias = Literal["connect", "first_event", "idle", "total"]

_WORDS: Final[dict[Phase, str]] = {
    "connect": "no connection to {host!r} within {seconds:g} s",
    "first_event": "{host!r} sent no reply within {seconds:g} s of the request",
    "idle": "{host!r} fell silent for {seconds:g} s within its reply",
    "total": "the reply of {host!r} took longer than {seconds:g} s",
}


# Whom a stopped clock would tell, and what it would look at: functions that do nothing.
_nobody: Final[Callable[[UpstreamTimeout], object]] = id
_unwatched: Final[Callable[[], object]] = int


class Clock:
    """Calls `fail` once, with the error, when a clock runs out.

    `since` is the loop's time at which the pending read began, 0.0 while nobody waits: what nobody
    waits for is not late. `waiting_for_body` holds until `flowing()`. Whoever keeps neither up to
    date read by read does so in `look`, which is called before they count.
    """

    __slots__ = (
        "_alarm",
        "_at",
        "_due",
        "_ends",
        "_fail",
        "_host",
        "_look",
        "_loop",
        "_phase",
        "_timeouts",
        "since",
        "waiting_for_body",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        host: str,
        timeouts: Timeouts,
        fail: Callable[[UpstreamTimeout], object],
        look: Callable[[], object] = _unwatched,
    ) -> None:
        self._loop = loop
        self._look = look
        self._host = host
        self._timeouts = timeouts
        self._fail = fail
        self.waiting_for_body = True
        now = self.since = loop.time()
        self._phase: Phase = "first_event"
        self._due = now + timeouts.first_event
        total = math.inf if timeouts.total is None else timeouts.total
        self._ends = now + total
        # The first look is due when the shortest clock could run out: entering a phase then seldom
        # has to move the timer.
        soon = min(_FIRST_LOOK, timeouts.connect, timeouts.first_event, timeouts.idle, total)
        self._at = now + soon
        self._alarm: Alarm | asyncio.TimerHandle = set_alarm(loop, soon, self._tick)

    def opening(self) -> None:
        """Until more is known, only the clocks to connect and to wait are a bound together."""
        self._due += self._timeouts.connect

    def connecting(self) -> None:
        """A connection is being looked for or made."""
        self._enter("connect", self._timeouts.connect)

    def sent(self) -> None:
        """A connection is there and the request goes out on it."""
        self._enter("first_event", self._timeouts.first_event)

    def flowing(self) -> None:
        """The first bytes of the body have come."""
        self.waiting_for_body = False
        self._enter("idle", self._timeouts.idle)

    def stop(self) -> None:
        """No clock runs any more; may be called again.

        Whoever is to be told is let go: a reply that holds its clock is then freed as it ends, and
        does not wait for the garbage collector with all that came in it.
        """
        self._alarm.cancel()
        self._fail, self._look = _nobody, _unwatched

    def error(self, phase: Phase) -> UpstreamTimeout:
        """The error for a clock that ran out."""
        seconds: float = getattr(self._timeouts, phase)
        words = _WORDS[phase].format(host=self._host, seconds=seconds)
        return UpstreamTimeout(words, code=f"timeout_{phase}")

    def _enter(self, phase: Phase, seconds: float) -> None:
        self._phase = phase
        self._due = self._loop.time() + seconds
        if self._due < self._at:
            self._alarm.cancel()
            self._set()

    def _set(self) -> None:
        # Seldom later than a silence may last, for only a look may tell that the body has begun.
        self._at = min(self._due, self._ends, self._loop.time() + self._timeouts.idle)
        self._alarm = self._loop.call_at(self._at, self._tick)

    def _tick(self) -> None:
        self._look()
        now = self._loop.time()
        if now >= self._ends:
            self._fail(self.error("total"))
            return
        if not self.since:
            self._due = now + self._timeouts.idle
        elif self._phase == "idle":
            self._due = self.since + self._timeouts.idle
        if now >= self._due:
            self._fail(self.error(self._phase))
        else:
            self._set()


@lru_cache(maxsize=256)
def host_of(url: str) -> str:
    """The host of an absolute http(s) URL, the only part of it that errors may name.

    Raises:
        ConfigurationError: The URL is not absolute or not of HTTP.
    """
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts.hostname
    raise ConfigurationError("an upstream URL needs https://, a host, and no impossible port")


def reason_of(error: BaseException) -> str:
    """Why a connection failed, in the system's words, without addresses or bytes from outside."""
    found = type(error).__name__
    link: BaseException | None = error
    while link is not None:
        match link:
            case ssl.SSLError():
                # One that was made in Python has no reason at all.
                found = getattr(link, "reason", None) or type(link).__name__
            case socket.gaierror():
                found = str(link.strerror)
            case OSError(errno=int(number)) if number > 0:
                found = os.strerror(number)
            case _:
                pass
        link = link.__cause__ or link.__context__
    return found


def broken_off(host: str, error: BaseException) -> UpstreamUnreachable:
    """The error for a reply that ended before its body did."""
    return UpstreamUnreachable(f"the reply of {host!r} broke off: {reason_of(error)}")


def sent_headers(request: UpstreamRequest, agent: str = AGENT) -> list[tuple[str, str]]:
    """The request's headers and our own: no compression, and who we are unless it says."""
    headers = [pair for pair in request.headers if pair[0] != "accept-encoding"]
    headers.append(("accept-encoding", "identity"))
    if agent and all(name != "user-agent" for name, _ in headers):
        headers.append(("user-agent", agent))
    return headers


class Body:
    """What the replies of all engines do alike, by what each of them does in its own way."""

    __slots__ = ("_host",)

    _host: str

    @abstractmethod
    def receive(self) -> Awaitable[bytes]:
        """As in `Reply`."""

    @abstractmethod
    def failure(self, error: Exception) -> Exception:
        """As in `Reply`."""

    @abstractmethod
    async def aclose(self) -> None:
        """As in `Reply`."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            data = await self.receive()
        except Exception as error:  # noqa: BLE001 (the engine knows what it means)
            raise self.failure(error) from None
        if data:
            return data
        raise StopAsyncIteration

    async def read(self, limit: int) -> bytes:
        """All bytes, at most `limit`."""
        parts: list[bytes] = []
        room = limit
        async for data in self:
            room -= len(data)
            if room < 0:
                await self.aclose()
                what = f"the reply of {self._host!r} is longer than {limit} bytes"
                raise UpstreamProtocolError(what)
            parts.append(data)
        return b"".join(parts)
