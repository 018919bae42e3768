"""httpx as the engine, our client or the owner's; httpx2's clients too, for they look the same.

httpcore 1.0 loses a slot of its pool for ever when a request is cancelled while it looks for or
makes its connection (https://github.com/encode/httpcore/issues/1093, read 2026-11-22), or while it
cleans up. So each request has one task of ours, in which all of httpx's work for it happens, and
into which no caller's cancellation ever comes. That task is cancelled at most once, and only while
it waits for the network with its request on the way; httpcore's trace says when that is. Until then
a reply nobody wants lives on unseen.
"""

from __future__ import annotations

import asyncio
import importlib
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from h11 import RemoteProtocolError

from asgi_thinking._transports.clock import (
    Body,
    Clock,
    broken_off,
    host_of,
    reason_of,
    sent_headers,
)
from asgi_thinking.exceptions import UpstreamProtocolError, UpstreamUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping

    import httpx

    from asgi_thinking.exceptions import UpstreamTimeout
    from asgi_thinking.transport import Reply, Timeouts, UpstreamRequest

__all__ = ["HttpxTransport"]

# Seconds an idle connection is kept: below the 60 s after which load balancers commonly close it.
_KEEPALIVE: Final = 30.0
# httpx's own limits stop at 100 connections; how many there may be is not for the pool to decide.
_IDLE_CONNECTIONS: Final = 2_000
# Bytes that may wait for a slow reader: one network read of httpcore.
_READ_AHEAD: Final = 2**16
# Looking for a connection, TCP and TLS each have the connect timeout: after so many of them an
# attempt that shows no trace of itself is not httpcore's, and may be cancelled where it stands.
_CONNECT_STEPS: Final = 3


class _Bound:
    """What the transport has in one event loop: its client, and the replies that are not over."""

    __slots__ = ("client", "replies")

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.replies: set[_HttpxReply] = set()


class HttpxTransport:
    """`open_transport("httpx")`: one client for each event loop, or the owner's client for all."""

    def __init__(self, client: httpx.AsyncClient | None = None, library: str = "httpx") -> None:
        self._library = importlib.import_module(library)
        self._owners = client
        self.name: Final = f"{library} {self._library.__version__}" + (
            "" if client is None else " (a client of the owner's)"
        )
        self._url = lru_cache(maxsize=256)(self._library.URL)
        self._bound: dict[asyncio.AbstractEventLoop, _Bound] = {}

    async def open(self, request: UpstreamRequest, timeouts: Timeouts) -> Reply:
        """Sends the request and waits for the reply's headers."""
        host = host_of(request.url)
        loop = asyncio.get_running_loop()
        bound = self._bound.get(loop) or self._bind(loop)
        reply = _HttpxReply(loop, host, timeouts, bound.replies)
        await reply.send(bound.client, self._request(bound.client, request, timeouts, reply))
        return reply

    async def aclose(self) -> None:
        """Ends the running loop's replies, waits for attempts still connecting, closes our client.

        The wait is bounded by the connect timeout of those attempts.
        """
        loop = asyncio.get_running_loop()
        bound = self._bound.pop(loop, None)
        if bound is not None:
            # Once begun it runs to its end, whoever loses patience.
            await asyncio.shield(loop.create_task(self._close(bound)))

    async def _close(self, bound: _Bound) -> None:
        tasks = [reply.abandon() for reply in bound.replies]
        if tasks:
            await asyncio.wait(tasks)
        if self._owners is None:
            await bound.client.aclose()

    def _bind(self, loop: asyncio.AbstractEventLoop) -> _Bound:
        # A client refers to its loop, so only this lets go of the loops that have ended.
        for ended in [known for known in list(self._bound) if known.is_closed()]:
            del self._bound[ended]
        client = self._owners
        if client is None:
            limits = self._library.Limits(
                max_connections=None,
                max_keepalive_connections=_IDLE_CONNECTIONS,
                keepalive_expiry=_KEEPALIVE,
            )
            client = self._library.AsyncClient(limits=limits)
        bound = self._bound[loop] = _Bound(client)
        return bound

    def _request(
        self,
        client: httpx.AsyncClient,
        request: UpstreamRequest,
        timeouts: Timeouts,
        reply: _HttpxReply,
    ) -> httpx.Request:
        connect = timeouts.connect
        extensions = {
            "timeout": {"connect": connect, "pool": connect, "read": None, "write": None},
            "trace": reply.traced,
        }
        if self._owners is None:
            made: httpx.Request = self._library.Request(
                "POST",
                self._url(request.url),
                headers=sent_headers(request),
                content=request.body,
                extensions=extensions,
            )
            return made
        # The owner's client has headers, cookies and parameters of its own to add.
        return client.build_request(
            "POST",
            request.url,
            headers=sent_headers(request, agent=""),
            content=request.body,
            extensions=extensions,
        )


class _HttpxReply(Body):
    """One request and its reply: the task that talks to httpx, and the reader it hands bytes to."""

    __slots__ = (
        "_chunks",
        "_clock",
        "_done",
        "_error",
        "_linger",
        "_loop",
        "_parts",
        "_replies",
        "_room",
        "_safe",
        "_size",
        "_task",
        "_timeouts",
        "_unwanted",
        "_waiter",
        "headers",
        "status",
    )

    headers: Mapping[str, str]
    _task: asyncio.Task[None]

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        host: str,
        timeouts: Timeouts,
        replies: set[_HttpxReply],
    ) -> None:
        self.status = 0
        self._loop = loop
        self._host = host
        self._timeouts = timeouts
        self._replies = replies
        self._clock = Clock(loop, host, timeouts, self._expire)
        self._clock.opening()
        self._chunks: AsyncIterator[bytes] | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._safe = False
        self._unwanted = False
        self._done = False

    async def send(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        self._task = self._loop.create_task(self._exchange(client, request))
        self._replies.add(self)
        try:
            while not (self.status or self._done):
                await self._news()
        except BaseException:
            self.abandon()
            raise
        if not self.status and self._error:
            raise self._error

    async def receive(self) -> bytes:
        while not (self._parts or self._done):
            await self._news()
        if parts := self._parts:
            self._parts = []
            self._size = 0
            if self._room is not None and not self._room.done():
                self._room.set_result(None)
            return parts[0] if len(parts) == 1 else b"".join(parts)
        if self._error:
            raise self._error
        return b""

    def failure(self, error: Exception) -> Exception:
        return error  # it is ours already

    async def aclose(self) -> None:
        task = self.abandon()
        if not task.done():
            # wait() leaves the task alone when this call is cancelled in its turn.
            await asyncio.wait([task])

    def abandon(self) -> asyncio.Task[None]:
        """Nobody wants the reply: end it now if that is safe, else as soon as it is."""
        if self._unwanted or self._task.done():
            return self._task
        self._unwanted = True
        self._clock.stop()
        self._parts.clear()
        if self._safe:
            self._task.cancel()
        else:
            patience = _CONNECT_STEPS * self._timeouts.connect
            self._linger = self._loop.call_later(patience, self._task.cancel)
        return self._task

    async def traced(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpcore begins, completes or fails, such as http11.send_request_headers.started.

        Source: https://www.encode.io/httpcore/extensions/#trace, read 2026-11-22.
        """
        step = event.partition(".")[2]
        request = info.get("request")
        if request is not None and request.method == b"CONNECT":
            # Only the way through a proxy; the request itself comes after it.
            return
        match step:
            case "connect_tcp.started" | "connect_unix_socket.started":
                self._clock.connecting()
            case "send_request_headers.started":
                self._clock.sent()
                self._on_its_way()
            case "receive_response_headers.started":
                self._on_its_way()
            case "receive_response_body.started":
                self._safe = True
            case "response_closed.started":
                self._safe = False
            case _ if step.endswith(".failed"):
                self._safe = False
            case _:
                pass

    def _on_its_way(self) -> None:
        if self._unwanted:
            # httpcore is inside the block that gives the slot back, whatever is raised.
            raise asyncio.CancelledError
        self._safe = True

    async def _exchange(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        error: Exception | None = UpstreamUnreachable(f"the reply of {self._host!r} was let go")
        response: httpx.Response | None = None
        try:
            response = await client.send(request, stream=True, follow_redirects=False)
            await self._receive(response)
            error = None
        except asyncio.CancelledError:
            # Only this module and the end of the loop cancel this task; it ends either way.
            pass
        except Exception as raised:  # noqa: BLE001 (the reader gets it, whatever it is)
            error = self._told(raised)
        finally:
            self._safe = False
            if response is not None:
                with suppress(Exception):  # what fails to close is no longer open
                    await response.aclose()
            self._end(error)

    async def _receive(self, response: httpx.Response) -> None:
        if self._unwanted:
            return
        self.headers = dict(response.headers.items())
        self.status = response.status_code
        self._wake()
        if response.is_stream_consumed:
            # A hook of the owner's client has read the body.
            self._take(response.content)
            return
        clock = self._clock
        time = self._loop.time
        # Held until the response is closed, or its finalizer would close it in a task of its own.
        chunks = self._chunks = aiter(cast("AsyncIterable[bytes]", response.stream))
        self._safe = True
        clock.since = time()
        async for chunk in chunks:
            if clock.waiting_for_body:
                clock.flowing()
            self._take(chunk)
            if self._size >= _READ_AHEAD:
                clock.since = 0.0
                self._room = self._loop.create_future()
                await self._room
            clock.since = time()

    def _take(self, data: bytes) -> None:
        if data:
            self._parts.append(data)
            self._size += len(data)
            self._wake()

    def _told(self, raised: Exception) -> Exception:
        """The error of ours for one of httpx's or httpx2's; others pass as they are."""
        names = {ancestor.__name__ for ancestor in type(raised).__mro__}
        if "HTTPError" not in names:
            return raised
        if not names.isdisjoint(("ConnectTimeout", "PoolTimeout")):
            return self._clock.error("connect")
        if "TimeoutException" in names:
            return self._clock.error("first_event" if self._clock.waiting_for_body else "idle")
        if self.status:
            return broken_off(self._host, raised)
        if _is_protocol_error(raised):
            return UpstreamProtocolError(f"what {self._host!r} answered is not HTTP")
        return UpstreamUnreachable(f"{self._host!r} could not be reached: {reason_of(raised)}")

    def _end(self, error: Exception | None) -> None:
        self._chunks = None
        self._done = True
        self._error = self._error or error
        self._clock.stop()
        if self._linger is not None:
            self._linger.cancel()
        self._replies.discard(self)
        self._wake()

    def _expire(self, error: UpstreamTimeout) -> None:
        self._error = error
        self._done = True
        self._wake()
        self.abandon()

    async def _news(self) -> None:
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _is_protocol_error(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, RemoteProtocolError):
        error = error.__cause__ or error.__context__
    return error is not None
