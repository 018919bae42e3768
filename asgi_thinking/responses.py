"""`ThinkingResponse`: a prepared request, answered as a Starlette response.

It listens for the client's leaving from its first moment to its last, because servers whose `send`
never raises would otherwise let the upstream run on, unheard and paid for. It needs asyncio.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import orjson
from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from asgi_thinking._alarms import set_alarm
from asgi_thinking.asker import Asker
from asgi_thinking.dialects import Encoder
from asgi_thinking.events import Batch, Done, StreamError
from asgi_thinking.exceptions import Overloaded, ProviderError, ThinkingError
from asgi_thinking.exchange import Job, Manner, Refusal, Reply, begin
from asgi_thinking.gate import Gate
from asgi_thinking.outcomes import Course
from asgi_thinking.reconcile import applied_header
from asgi_thinking.showing import transformed_encoder, transformed_message
from asgi_thinking.sse import encode
from asgi_thinking.transforms import Maker
from asgi_thinking.whole import message_of

__all__ = ["Answered", "ThinkingResponse"]

logger = logging.getLogger("asgi_thinking")

_JSON: Final = (b"content-type", b"application/json")
_STREAM: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)

_LAST: Final = frozenset({Done, StreamError})

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
        gate, course = self._enter()
        try:
            async with _UntilDisconnect(receive) as connection:
                match self._prepared:
                    case Refusal(error, vary, dialect):
                        connection.complete()
                        await self._send_error(send, error, vary, dialect)
                    case _:
                        await self._answer(scope, send, connection, course)
        finally:
            if gate is not None:
                gate.leave()
            if course is not None:
                await course.end()
        if self.background is not None:
            await self.background()

    def _enter(self) -> tuple[Gate | None, Course | None]:
        """Take a place and begin a record, where the request will be sent and somebody wants it."""
        job = self._prepared
        if not isinstance(job, Job):
            return None, None
        gate, on_complete = job.policy.gate, job.policy.on_complete
        if gate is not None:
            try:
                gate.enter()
            except Overloaded as error:
                self._prepared = Refusal(error, job.manner.vary, job.manner.dialect.name)
                return None, None
        if on_complete is None and not logger.isEnabledFor(logging.INFO):
            return gate, None
        return gate, Course(job.begun(self._tenant), job.plan.provider, on_complete)

    async def _answer(
        self, scope: Scope, send: Send, connection: _UntilDisconnect, course: Course | None
    ) -> None:
        manner, make, begun = self._begin(scope, course)
        try:
            # Begun before the status is sent, so that an early failure keeps its own.
            async with await begun as reply:
                if course is not None:
                    course.began(reply.applied)
                if not manner.stream:
                    body = await _whole(manner, reply, make, course)
                    connection.complete()
                    await self._send_json(send, 200, body, _ours(manner, reply), course)
                else:
                    encoder = manner.dialect.encoder(manner.asked)
                    if make is not None:
                        encoder = transformed_encoder(encoder, make)
                    await self._send_start(send, _ours(manner, reply), course)
                    async with _Pulse(send, encoder.keep_alive, manner.keep_alive) as pulse:
                        try:
                            last = await pulse.relay(reply, encoder)
                        finally:
                            if course is not None:
                                course.encoded(encoder, pulse.failure)
                        connection.complete()
                        await pulse.end(last)
                if course is not None:
                    course.completed()
                await reply.read_on()
        except ThinkingError as error:
            connection.complete()
            if course is not None:
                course.failed(error)
            await self._send_error(send, error, manner.vary, manner.dialect.name, course)

    def _begin(
        self, scope: Scope, course: Course | None
    ) -> tuple[Manner, Maker | None, Coroutine[Any, Any, Reply]]:
        """How the reply is written, and its beginning, which alone holds the conversation then."""
        job, self._prepared = self._prepared, None
        if not isinstance(job, Job):
            raise RuntimeError("a ThinkingResponse answers one request")  # noqa: TRY004 (no type)
        make: Maker | None = None
        if job.manner.transform is not None:
            make = partial(job.manner.transform, Asker(job.asked_model, self._tenant, scope))
        return job.manner, make, begin(job, self._tenant, course)

    async def _send_start(self, send: Send, headers: _RawHeaders, course: Course | None) -> None:
        if course is not None:
            course.status = 200
        start = [*_STREAM, *headers, *self.raw_headers]
        await send({"type": "http.response.start", "status": 200, "headers": start})

    async def _send_error(
        self,
        send: Send,
        error: ThinkingError,
        vary: bytes,
        dialect: str,
        course: Course | None = None,
    ) -> None:
        headers: _RawHeaders = [(b"vary", vary)] if vary else []
        if dialect:
            headers.append((b"x-thinking-dialect", dialect.encode()))
        if error.retry_after is not None:
            headers.append((b"retry-after", b"%d" % -(-error.retry_after // 1)))
        if isinstance(error, ProviderError):
            # Our own attempts are spent: a client's SDK would only multiply them.
            headers.append((b"x-should-retry", b"false"))
        if error.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await self._send_json(send, error.status, error.envelope(), headers, course)

    async def _send_json(
        self,
        send: Send,
        status: int,
        body: bytes,
        headers: _RawHeaders,
        course: Course | None,
    ) -> None:
        if course is not None:
            course.status = status
        length = (b"content-length", b"%d" % len(body))
        start = [_JSON, length, *headers, *self.raw_headers]
        await send({"type": "http.response.start", "status": status, "headers": start})
        await send({"type": "http.response.body", "body": body})


class Answered(Exception):  # noqa: N818 (it is no error)
    """Carries a reply out of a dependency, which cannot return it, to the app that answers."""

    def __init__(self, response: ThinkingResponse) -> None:
        super().__init__()
        self.response = response


def _error_of(batch: Batch) -> ThinkingError | None:
    """The error that a stream ends with, if it does."""
    last = batch[-1]
    return last.error if isinstance(last, StreamError) else None


async def _whole(manner: Manner, reply: Reply, make: Maker | None, course: Course | None) -> bytes:
    """The reply as one JSON body.

    Raises:
        ThinkingError: the reply's own error, or that it cannot be written.
    """
    events = await reply.collect()
    try:
        message = message_of(events)
        shown = message if make is None else transformed_message(message, make)
        body = orjson.dumps(manner.dialect.encode_message(shown, manner.asked))
    except Exception as error:
        raise reply.failure(error) from error
    if reply.notes is not None:
        await reply.notes.keep_whole(message)
    if course is not None:
        course.told(message)
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

    __slots__ = ("_alarm", "_beat", "_interval", "_loop", "_send", "_state", "_task", "failure")

    def __init__(self, send: Send, beat: bytes, interval: float) -> None:
        self._send = send
        self._beat = beat
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._state = _HEARD
        self.failure: ThinkingError | None = None  # with which the stream ended

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
                    self.failure = _error_of(batch)
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
            self.failure = reply.failure(error)
            return encode(self.failure.envelope(), b"error")

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
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no loop of asyncio's runs
            task = None
        if task is None:
            raise RuntimeError("ThinkingResponse needs a running asyncio task; trio has none")
        self._task = task
        self._cancelling = task.cancelling()
        self._alarm = set_alarm(task.get_loop(), _GRACE, self._listen)
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
