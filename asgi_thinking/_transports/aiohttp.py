"""aiohttp as the engine: a thin layer, for its cost is the product's cost.

Proxies come from the environment, as with httpx; `trust_env` would ask two threads on every
request.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextvars import ContextVar
from functools import lru_cache, partial
from inspect import CORO_CLOSED, getcoroutinestate
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDict
from yarl import URL

from asgi_thinking._transports.clock import (
    AGENT,
    Body,
    Clock,
    broken_off,
    host_of,
    reason_of,
)
from asgi_thinking.exceptions import UpstreamProtocolError, UpstreamTimeout, UpstreamUnreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Mapping

    from asgi_thinking.transport import Reply, Timeouts, UpstreamRequest

__all__ = ["AiohttpTransport"]

# Seconds an idle connection is kept: below the 60 s after which load balancers commonly close it.
_KEEPALIVE: Final = 30.0
_DNS_TTL: Final = 60
# aiohttp stops reading from the socket at twice this many unread bytes.
_READ_AHEAD: Final = 2**16
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=None)

# The clock of the request that the running task opens; a connector is not told whose it is.
_opening: ContextVar[Clock] = ContextVar("asgi_thinking_opening")


class _Route(NamedTuple):
    """How a URL is reached: its host, by which proxy, and who we are there."""

    host: str
    url: URL
    proxy: str | None
    login: dict[str, str]


class _Protocol(ResponseHandler):
    """A connection that is resumed only if it was paused.

    aiohttp resumes it after every read of a body, which runs its parser once more over nothing: a
    tenth of what a streamed token costs.
    """

    __slots__ = ()

    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)


class _Connector(aiohttp.TCPConnector):
    """Tells the clock when a connection is made, which most requests find in the pool."""

    def __init__(self, loop: asyncio.AbstractEventLoop, **limits: Any) -> None:
        super().__init__(**limits)  # pyright: ignore[reportUnknownMemberType]  # aiohttp's
        self._factory = cast("partial[ResponseHandler]", partial(_Protocol, loop=loop))

    async def _create_connection(self, *args: Any, **kwargs: Any) -> ResponseHandler:
        clock = _opening.get()
        clock.connecting()
        connection = await super()._create_connection(*args, **kwargs)
        clock.sent()
        return connection


class AiohttpTransport:
    """`open_transport("aiohttp")`: one session for each event loop."""

    name: Final = f"aiohttp {aiohttp.__version__}"

    def __init__(self) -> None:
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}
        self._route = lru_cache(maxsize=256)(_route)

    async def open(self, request: UpstreamRequest, timeouts: Timeouts) -> Reply:
        """Sends the request and waits for the reply's headers."""
        route = self._route(request.url)
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop) or self._session(loop)
        reply = _AiohttpReply(loop, route.host, timeouts)
        await reply.send(session, request, route)
        return reply

    async def aclose(self) -> None:
        """Closes the running loop's session with all that is open in it."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    def _session(self, loop: asyncio.AbstractEventLoop) -> aiohttp.ClientSession:
        # A session refers to its loop, so only this lets go of the loops that have ended.
        for ended in [known for known in list(self._sessions) if known.is_closed()]:
            self._sessions.pop(ended).detach()
        session = self._sessions[loop] = aiohttp.ClientSession(
            connector=_Connector(
                loop, limit=0, ttl_dns_cache=_DNS_TTL, keepalive_timeout=_KEEPALIVE
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"user-agent": AGENT},
            timeout=_NO_TIMEOUT,
            read_bufsize=_READ_AHEAD,
        )
        return session


def _route(url: str) -> _Route:
    """The way to a URL by the environment's proxies, whose user goes into a header."""
    host = host_of(url)
    proxies = getproxies()
    proxy = proxies.get(url.partition(":")[0]) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return _Route(host, URL(url), None, {})
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    user, _, address = parts.netloc.rpartition("@")
    bare = parts._replace(netloc=address).geturl()
    if not user:
        return _Route(host, URL(url), bare, {})
    login = b64encode(unquote(user).encode()).decode()
    return _Route(host, URL(url), bare, {"proxy-authorization": f"Basic {login}"})


class _AiohttpReply(Body):
    __slots__ = (
        "_clock",
        "_content",
        "_error",
        "_read",
        "_reading",
        "_response",
        "_task",
        "_time",
        "headers",
        "status",
    )

    headers: Mapping[str, str]
    status: int
    _content: aiohttp.StreamReader
    _reading: Coroutine[Any, Any, bytes]
    _response: aiohttp.ClientResponse

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, timeouts: Timeouts) -> None:
        self._host = host
        self._time = loop.time
        self._task: asyncio.Task[Any] | None = asyncio.current_task(loop)
        self._error: UpstreamTimeout | None = None
        self._clock = Clock(loop, host, timeouts, self._expire, self._look)

    async def send(
        self, session: aiohttp.ClientSession, request: UpstreamRequest, route: _Route
    ) -> None:
        task = self._task
        assert task is not None  # noqa: S101 (a coroutine of ours runs in a task)
        cancels = task.cancelling()
        token = _opening.set(self._clock)
        headers = CIMultiDict(request.headers)
        headers["accept-encoding"] = "identity"
        if route.login and request.url.startswith("http:"):
            headers.extend(route.login)
        try:
            response = await session.post(
                route.url,
                data=request.body,
                headers=headers,
                allow_redirects=False,
                proxy=route.proxy,
                proxy_headers=route.login or None,
            )
        except BaseException as error:
            self._clock.stop()
            # A cancellation is the clock's, unless somebody else's came at the same time.
            if self._error is not None and task.uncancel() <= cancels:
                raise self._error from None
            if isinstance(error, (aiohttp.ClientError, OSError)):
                raise _not_opened(self._host, error) from None
            raise
        finally:
            _opening.reset(token)
        self._task = None
        self._clock.since = 0.0
        self._response = response
        self._content = response.content
        self._read = response.content.readany
        self.status = response.status
        self.headers = _joined(response)

    def receive(self) -> Awaitable[bytes]:
        self._clock.since = self._time()
        self._reading = reading = self._read()
        return reading

    def failure(self, error: Exception) -> Exception:
        foreign = isinstance(error, (aiohttp.ClientError, OSError, RuntimeError))
        return broken_off(self._host, error) if foreign else error

    def _look(self) -> None:
        """Tell the clock whether the body has begun, and whether anybody still reads."""
        if self._task is not None:
            return
        if self._clock.waiting_for_body and self._content.total_bytes:
            self._clock.flowing()
        if self._clock.since and getcoroutinestate(self._reading) == CORO_CLOSED:
            self._clock.since = 0.0

    async def aclose(self) -> None:
        self._clock.stop()
        self._cut()

    def _cut(self) -> None:
        response = self._response
        if not response.closed:
            connection = response.connection
            if connection is not None and connection.transport is not None:
                # Not close(): under TLS that would first wait for the other side to agree.
                connection.transport.abort()
            response.close()

    def _expire(self, error: UpstreamTimeout) -> None:
        self._error = error
        if self._task is not None:
            self._task.cancel()
        else:
            self._content.set_exception(error)
            self._cut()


def _not_opened(host: str, error: Exception) -> UpstreamProtocolError | UpstreamUnreachable:
    is_reply = isinstance(error, aiohttp.ClientResponseError)
    if is_reply and not isinstance(error, aiohttp.ClientHttpProxyError):
        return UpstreamProtocolError(f"what {host!r} answered is not HTTP")
    return UpstreamUnreachable(f"{host!r} could not be reached: {reason_of(error)}")


def _joined(response: aiohttp.ClientResponse) -> dict[str, str]:
    raw = response.headers
    headers = {name.lower(): value for name, value in raw.items()}
    if len(headers) < len(raw):
        headers = {name: ", ".join(raw.getall(name)) for name in headers}
    return headers
