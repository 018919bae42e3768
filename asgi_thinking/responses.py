"""`ThinkingResponse`: a prepared request, answered as a Starlette response.

It listens for the client's leaving from its first moment to its last, because servers whose `send`
never raises would otherwise let the upstream run on, unheard and paid for. It needs asyncio.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import orjson
from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from asgi_thinking._alarms import set_alarm
from asgi_thinking.dialects import Encoder
from asgi_thinking.events import Done, StreamError
from asgi_thinking.exceptions import ProviderError, ThinkingError
from asgi_thinking.exchange import Job, Manner, Refusal, Reply, begin
from asgi_thinking.reconcile import applied_header
from asgi_thinking.sse import encode
from asgi_thinking.whole import message_of

__all__ = ["ThinkingResponse"]

_JSON: Final = (b"content-type", b"application/json")
_STREAM: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)

_LAST: Final = (Done, StreamError)

# Seconds. A client that leaves is noticed at the latest after this, and at once later on.
_GRACE: Final = 0.02

_RawHeaders = list[tuple[bytes, bytes]]


class ThinkingResponse(Response):
    """The reply to one prepared request; its status is known once the upstream has answered.

    Return it from a handler that has made its own checks::

        return ThinkingResponse(service.answer(request.headers.raw, await request.body()))

    `tenant` is whose conversation it is, for what a service remembers of its replies; where it is
    "", the keys that the request carries say so. Headers set on the response, and its background
    task, are kept as with any response.
    """

    def __init__(self, prepared: Job | Refusal, *, tenant: str = "") -> None:
        # Not Response.__init__, which would render a body and its headers: ours are not known yet.
        self.status_code = 200
        self.background: BackgroundTask | None = None
        self.body = b""
        self.raw_headers: _RawHeaders = []
        self._prepared: Job | Refusal | None = prepared
        self._tenant = tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope  # all that counts of it went into the preparation
        async with _UntilDisconnect(receive) as connection:
            match self._prepared:
                case Refusal(error, vary, dialect):
                    connection.complete()
                    await self._send_error(send, error, vary, dialect)
                case _:
                    await self._answer(send, connection)
        if self.background is not None:
            await self.background()

    async def _answer(self, send: Send, connection: _UntilDisconnect) -> None:
        manner, begun = self._begin()
        try:
            # Begun before the status is sent, so that an early failure keeps its own.
            async with await begun as reply:
                if not manner.stream:
                    body = await _whole(manner, reply)
                    connection.complete()
                    await self._send_json(send, 200, body, _ours(manner, reply))
                else:
                    headers = [*_STREAM, *_ours(manner, reply), *self.raw_headers]
                    await send({"type": "http.response.start", "status": 200, "headers": headers})
                    encoder = manner.dialect.encoder(manner.asked)
                    async with _Pulse(send, encoder.keep_alive, manner.keep_alive) as pulse:
                        last = await pulse.relay(reply, encoder)
                        connection.complete()
                        await pulse.end(last)
                await reply.read_on()
        except ThinkingError as error:
            connection.complete()
            await self._send_error(send, error, manner.vary, manner.dialect.name)

    def _begin(self) -> tuple[Manner, Coroutine[Any, Any, Reply]]:
        """How the reply is written, and its beginning, which alone holds the conversation then."""
        job, self._prepared = self._prepared, None
        if not isinstance(job, Job):
            raise RuntimeError("a ThinkingResponse answers one request")  # noqa: TRY004 (no type)
        return job.manner, begin(job, self._tenant)

    async def _send_error(
        self, send: Send, error: ThinkingError, vary: bytes, dialect: str
    ) -> None:
        headers: _RawHeaders = [(b"vary", vary)] if vary else []
        if dialect:
            headers.append((b"x-thinking-dialect", dialect.encode()))
        if isinstance(error, ProviderError):
            if error.retry_after is not None:
                headers.append((b"retry-after", b"%d" % -(-error.retry_after // 1)))
            # Our own attempts are spent: a client's SDK would only multiply them.
            headers.append((b"x-should-retry", b"false"))
        if error.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await self._send_json(send, error.status, error.envelope(), headers)

    async def _send_json(self, send: Send, status: int, body: bytes, headers: _RawHeaders) -> None:
        length = (b"content-length", b"%d" % len(body))
        start = [_JSON, length, *headers, *self.raw_headers]
        await send({"type": "http.response.start", "status": status, "headers": start})
        await send({"type": "http.response.body", "body": body})


async def _whole(manner: Manner, reply: Reply) -> bytes:
    """The reply as one JSON body.

    Raises:
        ThinkingError: the reply's own error, or that it cannot be written.
    """
    events = await reply.collect()
    try:
        message = message_of(events)
        body = orjson.dumps(manner.dialect.encode_message(message, manner.asked))
    except Exception as error:
        raise reply.failure(error) from error
    if reply.notes is not None:
        await reply.notes.keep_whole(message)
    return body


def _ours(manner: Manner, reply: Reply) -> _RawHeaders:
    headers = [(b"x-thinking-dialect", manner.dialect.name.encode()), (b"vary", manner.vary)]
    if reply.applied:
        headers.append((b"x-thinking-applied", applied_header(reply.applied).encode()))
    return headers


# Where a stream is: a send is pending, one has ended since the last tick, or none has.
_SENDING, _HEARD, _QUIET = range(3)


class _Pulse:
    """Sends the stream's bytes, and a comment after one to two intervals (seconds) of silence."""

    __slots__ = ("_alarm", "_beat", "_interval", "_loop", "_send", "_state", "_task")

    def __init__(self, send: Send, beat: bytes, interval: float) -> None:
        self._send = send
        self._beat = beat
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._state = _HEARD

    async def __aenter__(self) -> Self:
        self._alarm = set_alarm(self._loop, self._interval, self._tick)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._alarm.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def relay(self, reply: Reply, encoder: Encoder) -> bytes:
        """Send all but the last bytes of the stream, and return those; one turn is one token."""
        feed, send, more = encoder.feed, self._send, reply.rest.__anext__
        batch, notes = reply.first, reply.notes
        try:
            while True:
                if notes is not None and notes.feed(batch):
                    await notes.keep()
                body = feed(batch)
                if batch[-1].__class__ in _LAST:
                    return body
                if body:
                    if self._task is not None:
                        await asyncio.wait([self._task])  # a comment is being sent
                        self._task = None
                    self._state = _SENDING
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                    self._state = _HEARD
                batch = await more()
        except Exception as error:
            if self._state == _SENDING:
                raise  # the server's own failure, of which the client cannot be told
            return encode(reply.failure(error).envelope(), b"error")

    async def end(self, body: bytes) -> None:
        """Send the last bytes, after which nothing is sent."""
        self._alarm.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _keep_alive(self) -> None:
        with suppress(OSError):  # the client left; the next batch will find out
            await self._send({"type": "http.response.body", "body": self._beat, "more_body": True})

    def _tick(self) -> None:
        if self._state == _QUIET and (self._task is None or self._task.done()):
            self._task = self._loop.create_task(self._keep_alive())
        # While a send is pending the client is slow, and a comment would only make it slower.
        if self._state == _HEARD:
            self._state = _QUIET
        self._alarm = set_alarm(self._loop, self._interval, self._tick)


class _UntilDisconnect:
    """Cancels the block under it when the client leaves, and swallows that cancellation alone.

    It begins to listen after `_GRACE`: short replies are sent by then, and are spared the task.
    """

    __slots__ = ("_alarm", "_cancelling", "_failure", "_gone", "_receive", "_task", "_watcher")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._failure: Exception | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("ThinkingResponse needs a running asyncio task")
        self._task = task
        self._cancelling = task.cancelling()
        self._alarm = set_alarm(loop, _GRACE, self._listen)
        return self

    def _listen(self) -> None:
        self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        except Exception as error:  # noqa: BLE001 (the server's own; raised again in __aexit__)
            self._failure = error
        self._gone = True
        self._task.cancel()

    def complete(self) -> None:
        """The reply is whole: from now on a disconnect is no loss, and servers invent one."""
        self._alarm.cancel()
        if self._watcher is not None:
            self._watcher.cancel()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._alarm.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
            if not self._gone:
                await asyncio.wait([self._watcher])
        if not self._gone:
            return False
        alone = self._task.uncancel() <= self._cancelling
        if self._failure is not None:
            raise self._failure
        return alone and isinstance(exc, asyncio.CancelledError)
