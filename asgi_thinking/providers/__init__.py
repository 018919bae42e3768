"""What answers a request: credentials, URLs and the wire format of one vendor.

`Provider` is all that the rest of the package knows. `HTTPProvider` supplies everything but two
pure methods, `build` and `decoder`, so that a provider for a new HTTP API takes some thirty lines.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Final, Literal, Protocol, cast, runtime_checkable

from asgi_thinking import _json
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.events import Batch, Done, Event, StreamError
from asgi_thinking.exceptions import ProviderError, UpstreamProtocolError, UpstreamStatusError
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transport import Reply, Timeouts, Transport, UpstreamRequest, open_transport
from asgi_thinking.wire import Decoder

__all__ = ["HTTPProvider", "Provider", "WholeReply", "now", "read_error"]

_MAX_REPLY: Final = 64 * 2**20
_MAX_ERROR: Final = 2**20
_DRAIN: Final = 1.0  # seconds

_LAST: Final = frozenset({Done, StreamError})

# Source: github.com/anthropics/anthropic-sdk-python, _base_client.py of 2.12.0, read 2026-11-22.
_SHOULD_RETRY: Final = {"true": True, "false": False}


@runtime_checkable
class Provider(Protocol):
    """One configured upstream.

    `name` is the instance and `kind` the vendor's API. `extra_fields` of the caller's body go
    upstream as they are; `credentials` says whose key is used.
    """

    name: str
    kind: str
    extra_fields: frozenset[str]
    credentials: Literal["server", "client"]

    def claims(self, model: str) -> bool:
        """Whether the model id is one of this vendor's, so that no prefix is needed."""
        ...

    def capabilities(self, model: str) -> Capabilities:
        """What the model takes and refuses."""
        ...

    def accepts_for(self, model: str) -> frozenset[str]:
        """The origins of the blocks that the model takes back; "" is Claude's family."""
        ...

    def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        """Ask the upstream: batches of events, until `Done` or `StreamError`.

        Raises:
            ProviderError: the upstream refused before its reply began.
        """
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


class HTTPProvider(ABC):
    """A provider over HTTP; a subclass writes `build` and `decoder`.

    Args of the constructor: `name` of the instance, `transport` (an engine's name, an engine, or a
    client of httpx or httpx2), `timeouts` in seconds, `extra_fields` of the caller's body that go
    upstream as they are.
    """

    kind: str = "http"
    # The origins of the blocks that its models take back; "" is Claude's family.
    accepts: frozenset[str] = frozenset()
    credentials: Literal["server", "client"] = "server"
    limits: ClassVar[Capabilities] = Capabilities(max_output=32_000)

    def __init__(
        self,
        *,
        name: str = "",
        transport: Any = "httpx",
        timeouts: Timeouts | None = None,
        extra_fields: Collection[str] = (),
    ) -> None:
        self.name = name or self.kind
        self.transport: Transport = open_transport(transport)
        self.timeouts = timeouts or Timeouts()
        self.extra_fields = frozenset(extra_fields)

    def claims(self, model: str) -> bool:
        """No model, unless a subclass knows its vendor's names."""
        del model
        return False

    def capabilities(self, model: str) -> Capabilities:
        """The same limits for every model, unless a subclass has a table."""
        del model
        return self.limits

    def accepts_for(self, model: str) -> frozenset[str]:
        """`accepts`, unless it depends on the model."""
        del model
        return self.accepts

    @abstractmethod
    def build(self, request: ChatRequest) -> UpstreamRequest:
        """The upstream request, without what `authorize` adds."""

    @abstractmethod
    def decoder(self, request: ChatRequest, reply: Reply) -> Decoder:
        """A fresh decoder for the reply, chosen by its content type."""

    async def authorize(self, upstream: UpstreamRequest, request: ChatRequest) -> UpstreamRequest:
        """Add credentials; may wait for a token."""
        del request
        return upstream

    def renew(self) -> bool:
        """Drop a credential that was refused with 401; whether there is another to try."""
        return False

    def read_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ProviderError:
        """The error that an error status, its body and its headers stand for."""
        del headers
        return read_error(status, body, self.kind)

    async def open(self, request: ChatRequest) -> Reply:
        """Send the request and return a reply with a good status.

        Raises:
            ProviderError: the upstream could not be reached, or answered with an error status.
        """
        upstream = self.build(request)
        reply = await self.transport.open(await self.authorize(upstream, request), self.timeouts)
        if reply.status == 401 and self.renew():
            await reply.aclose()
            renewed = await self.authorize(upstream, request)
            reply = await self.transport.open(renewed, self.timeouts)
        if 200 <= reply.status < 300:
            return reply
        try:
            body = await reply.read(_MAX_ERROR)
        finally:
            await reply.aclose()
        error = self.read_error(reply.status, body, reply.headers)
        told, wait = reply.headers.get("x-should-retry", ""), _retry_after(reply.headers)
        error.retryable = _SHOULD_RETRY.get(told, error.retryable)
        error.retry_after = error.retry_after if wait is None else wait
        raise error

    def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        """Ask the upstream and decode what it answers; see `Provider.stream`."""
        return _Batches(self, request)

    async def aclose(self) -> None:
        """Release the transport's connections."""
        await self.transport.aclose()


class _Batches:
    """What one request is answered with; `aclose` lets go of the connection at any point.

    No generator, for a token would pay for what those do beside: the loop keeps a list of them, and
    each value that they yield travels in an exception.
    """

    __slots__ = (
        "_close",
        "_failure",
        "_feed",
        "_over",
        "_provider",
        "_receive",
        "_reply",
        "_request",
    )

    _close: Callable[[], Batch]
    _failure: Callable[[Exception], Exception]
    _feed: Callable[[bytes], Batch]
    _receive: Callable[[], Awaitable[bytes]]

    def __init__(self, provider: HTTPProvider, request: ChatRequest) -> None:
        self._provider = provider
        self._request: ChatRequest | None = request  # until it is sent
        self._reply: Reply | None = None  # until it is let go
        self._over = False

    def __aiter__(self) -> _Batches:
        return self

    async def __anext__(self) -> Batch:
        try:
            if self._request is not None:
                await self._open(self._request)
            while not self._over:
                try:
                    data = await self._receive()
                except Exception as error:  # noqa: BLE001 (the engine knows what it means)
                    raise self._failure(error) from None
                if not data:  # the body's end, before the wire's own
                    await self.aclose()
                    if last := self._close():
                        return last
                    break
                if events := self._feed(data):
                    if events[-1].__class__ in _LAST:
                        self._over = True
                    return events
            await self._drain()
        except BaseException as error:
            await self.aclose()
            if isinstance(error, ProviderError):
                error.provider = self._provider.name
            raise
        raise StopAsyncIteration

    async def _open(self, request: ChatRequest) -> None:
        self._request = None
        self._reply = reply = await self._provider.open(request)
        decoder = self._provider.decoder(request, reply)
        self._feed, self._close = decoder.feed, decoder.close
        self._receive, self._failure = reply.receive, reply.failure

    async def _drain(self) -> None:
        """Read the rest, for a connection that was read to its end can be used again."""
        if self._reply is not None:
            with suppress(TimeoutError, ProviderError):
                async with asyncio.timeout(_DRAIN):
                    async for _ in self._reply:
                        pass
            await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connection; may be called again."""
        self._request, self._over = None, True
        reply, self._reply = self._reply, None
        if reply is not None:
            await reply.aclose()


class WholeReply:
    """A decoder for replies that are one JSON body: collects them, and decodes at the end."""

    __slots__ = ("_decode", "_parts", "_room")

    def __init__(self, decode: Callable[[bytes], Batch], *, max_size: int = _MAX_REPLY) -> None:
        """Decode with `decode`, once, a body of at most `max_size` bytes."""
        self._decode = decode
        self._parts: list[bytes] = []
        self._room = max_size

    def feed(self, data: bytes) -> list[Event]:
        """Keep a part of the body; a `StreamError` once it is too large."""
        self._room -= len(data)
        if self._room < 0:
            error = UpstreamProtocolError("the upstream's reply is larger than this server accepts")
            return [StreamError(error)]
        self._parts.append(data)
        return []

    def close(self) -> Batch:
        """The events of the whole body."""
        return self._decode(b"".join(self._parts))


def now() -> int:
    """The time a reply is created at, in seconds since the epoch; codecs never read a clock."""
    return int(time.time())


def read_error(status: int, body: bytes, provider: str) -> UpstreamStatusError:
    """The error of an upstream that answers `{"error": {"message", "type"?, "code"?}}` or alike."""
    told: dict[str, Any] = {}
    with suppress(ValueError):
        told = _told(_json.loads(body))
    texts = {name: text for name, text in told.items() if isinstance(text, str) and text}
    return UpstreamStatusError(
        texts.get("message", f"{provider} answered with {status}"),
        provider=provider,
        status=status if status < 600 else 502,
        type=texts.get("type"),
        code=texts.get("code"),
    )


def _told(value: Any) -> dict[str, Any]:
    """The innermost object that a vendor's error body wraps."""
    match value:
        case [first, *_]:
            return _told(first)
        case {"error": str(message)}:
            return {"message": message}
        case {"error": inner}:
            return _told(inner)
        case dict():
            return cast("dict[str, Any]", value)
        case _:
            return {}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms`, or from `retry-after` in either of its forms."""
    with suppress(ValueError):
        return max(0.0, float(headers.get("retry-after-ms", "")) / 1000)
    text = headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(text))
    with suppress(ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return None
