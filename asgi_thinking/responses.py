"""`ThinkingResponse`: a prepared request, answered as a Starlette response.

It listens for the client's leaving from its first moment to its last, because servers whose `send`
never raises would otherwise let the upstream run on, unheard and paid for. It needs asyncio.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Final, Self

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from asgi_thinking.dialects import Encoder
from asgi_thinking.events import Batch, Done, Event, StreamError
from asgi_thinking.exceptions import ProviderError, ThinkingError
from asgi_thinking.exchange import Job, Refusal, run
from asgi_thinking.messages import assemble
from asgi_thinking.reconcile import applied_header

__all__ = ["ThinkingResponse"]

_JSON: Final = (b"content-type", b"application/json")
_STREAM: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)

_RawHeaders = list[tuple[bytes, bytes]]


class ThinkingResponse(Response):
    """The reply to one prepared request; its status is known once the upstream has answered.

    Return it from a handler that has made its own checks::

        return ThinkingResponse(service.answer(request.headers.raw, await request.body()))

    Headers set on it, and its background task, are kept as with any response.
    """

    def __init__(self, prepared: Job | Refusal) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._prepared = prepared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope  # all that counts of it went into the preparation
        async with _UntilDisconnect(receive) as connection:
            match self._prepared:
                case Refusal(error, vary, dialect):
                    connection.complete()
                    await self._send_error(send, error, vary, dialect)
                case job:
                    await self._answer(job, send, connection)
        if self.background is not None:
            await self.background()

    async def _answer(self, job: Job, send: Send, connection: _UntilDisconnect) -> None:
        try:
            async with aclosing(run(job)) as batches:
                if job.stream:
                    # Awaited before the status is sent, so that an early failure keeps its own.
                    first = await anext(batches)
                    await self._stream(job, first, batches, send, connection)
                else:
                    await self._whole(job, batches, send, connection)
        except ThinkingError as error:
            connection.complete()
            await self._send_error(send, error, job.vary, job.dialect.name)

    async def _whole(
        self,
        job: Job,
        batches: AsyncGenerator[Batch, None],
        send: Send,
        connection: _UntilDisconnect,
    ) -> None:
        events: list[Event] = []
        async for batch in batches:
            events += batch
        message = job.dialect.encode_message(assemble(events), job.asked)
        body = orjson.dumps(message)
        connection.complete()
        await self._send_json(send, 200, body, _ours(job))

    async def _stream(
        self,
        job: Job,
        first: Batch,
        batches: AsyncGenerator[Batch, None],
        send: Send,
        connection: _UntilDisconnect,
    ) -> None:
        headers = [*_STREAM, *_ours(job), *self.raw_headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        encoder = job.dialect.encoder(job.asked)
        async with _Pulse(send, encoder, job.keep_alive) as pulse:
            await _send_batch(first, encoder, pulse, connection)
            async for batch in batches:
                await _send_batch(batch, encoder, pulse, connection)

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


def _ours(job: Job) -> _RawHeaders:
    headers = [(b"x-thinking-dialect", job.dialect.name.encode()), (b"vary", job.vary)]
    if job.applied:
        headers.append((b"x-thinking-applied", applied_header(job.applied).encode()))
    return headers


async def _send_batch(
    batch: Batch, encoder: Encoder, pulse: _Pulse, connection: _UntilDisconnect
) -> None:
    """One batch, one `send`; the last one also ends the response."""
    body = encoder.feed(batch)
    last = isinstance(batch[-1], Done | StreamError)
    if last:
        connection.complete()
    if body or last:
        await pulse.send(body, more_body=not last)


class _Pulse:
    """Sends the stream's bytes, and a comment whenever none went out for a while."""

    __slots__ = (
        "_beat",
        "_ended",
        "_handle",
        "_interval",
        "_last",
        "_lock",
        "_loop",
        "_send",
        "_task",
    )

    def __init__(self, send: Send, encoder: Encoder, interval: float) -> None:
        self._send = send
        self._beat = encoder.keep_alive
        self._interval = interval
        self._lock = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._last = self._loop.time()
        self._ended = False

    async def __aenter__(self) -> Self:
        self._handle = self._loop.call_later(self._interval, self._tick)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._handle.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def send(self, body: bytes, *, more_body: bool) -> None:
        async with self._lock:
            self._ended = not more_body
            await self._send({"type": "http.response.body", "body": body, "more_body": more_body})
            self._last = self._loop.time()

    async def _keep_alive(self) -> None:
        with suppress(OSError):  # the client left; the next batch will find out
            await self.send(self._beat, more_body=True)

    def _tick(self) -> None:
        idle = self._loop.time() - self._last
        if idle >= self._interval and not self._lock.locked() and not self._ended:
            self._task = self._loop.create_task(self._keep_alive())
            idle = 0
        self._handle = self._loop.call_later(self._interval - idle, self._tick)


class _UntilDisconnect:
    """Cancels the block under it when the client leaves, and swallows that cancellation alone."""

    __slots__ = ("_cancelling", "_failure", "_gone", "_receive", "_task", "_watcher")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._failure: Exception | None = None

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("ThinkingResponse needs a running asyncio task")
        self._task = task
        self._cancelling = task.cancelling()
        self._watcher = asyncio.create_task(self._watch())
        return self

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
        self._watcher.cancel()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._watcher.cancel()
        if not self._gone:
            await asyncio.wait([self._watcher])
            return False
        alone = self._task.uncancel() <= self._cancelling
        if self._failure is not None:
            raise self._failure
        return alone and isinstance(exc, asyncio.CancelledError)
