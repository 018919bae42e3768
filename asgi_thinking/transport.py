"""The seam to the HTTP client: one request out, one reply's bytes back, by whatever engine.

    open_transport("httpx")                  the default; what pytest-httpx fakes
    open_transport("aiohttp")                a tenth of the CPU (extra `speed`), never unasked
    open_transport(httpx.AsyncClient(...))   the owner's client, or httpx2's; never closed here

The engines work on asyncio only. One transport may serve several event loops: what it holds, it
holds for each loop apart. Whoever opens a reply closes it (`aclose`); whoever made the transport
closes that.

Errors raised by `open` and by reading, none of which names more of a URL than its host:
`UpstreamTimeout` (one of the four clocks, see `Timeouts`), `UpstreamUnreachable` (no connection, or
it broke), `UpstreamProtocolError` (not HTTP, or a body over the limit), `ConfigurationError` (no
such URL).
"""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, cast, runtime_checkable
from urllib.parse import urlsplit

from asgi_thinking._read_only import read_only
from asgi_thinking.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping
    from typing import TypeAlias

    import httpx
    import httpx2

    Choice: TypeAlias = "str | Transport | httpx.AsyncClient | httpx2.AsyncClient"

__all__ = ["Reply", "Timeouts", "Transport", "UpstreamRequest", "open_transport"]

_log: Final = logging.getLogger("asgi_thinking")


@read_only
class UpstreamRequest:
    """A POST to a provider: headers as (name, value) pairs, names in lower case.

    `stream` says that the provider was asked to stream; it changes nothing on the wire. The engines
    add `accept-encoding: identity`, `user-agent`, `host` and `content-length` themselves.
    """

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stream: bool = False

    def __repr__(self) -> str:
        # Headers hold keys, bodies hold prompts, and a query may hold either.
        return f"UpstreamRequest(host={urlsplit(self.url).hostname!r}, stream={self.stream!r})"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The four clocks, in seconds; each ends in an `UpstreamTimeout` whose `code` names it.

    `connect` (timeout_connect) bounds finding a connection, TLS included. `first_event`
    (timeout_first_event) runs from the request going out to the first bytes of the body: models may
    think for minutes before they say anything. `idle` (timeout_idle) bounds each silence after
    that, and only while somebody waits to read. `total` (timeout_total) runs from `open` to the
    end; None means no bound.
    """

    connect: float = 5.0
    first_event: float = 600.0
    idle: float = 120.0
    total: float | None = None


class Reply(Protocol):
    """An upstream's answer whose body is still arriving; iterate it once, by one task at a time.

    Iterating gives raw bytes, everything that had arrived, never empty. A read that is cancelled
    loses nothing: the next one gets its bytes. At the end of the body the connection goes back to
    its pool.
    """

    @property
    def status(self) -> int:
        """The HTTP status, as it came: redirects are not followed."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; values of a repeated name joined by a comma."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def receive(self) -> Awaitable[bytes]:
        """What one step of the iteration awaits: bytes, b"" at the end, for who reads each token.

        What it raises is the engine's own, and `failure` says what that means.
        """
        ...

    def failure(self, error: Exception) -> Exception:
        """The error of ours that one raised by `receive` stands for."""
        ...

    async def read(self, limit: int) -> bytes:
        """The whole body, at most `limit` bytes.

        Raises:
            UpstreamProtocolError: The body is longer; the connection is then closed.
        """
        ...

    async def aclose(self) -> None:
        """Lets go of the connection, and closes it if the body did not end; may be called again."""
        ...


@runtime_checkable
class Transport(Protocol):
    """An engine. `name` is what logs call it."""

    @property
    def name(self) -> str: ...

    async def open(self, request: UpstreamRequest, timeouts: Timeouts) -> Reply:
        """Sends the request and waits for the reply's headers.

        Cancelling it ends the call at once; what has to finish first does so behind the scenes, and
        `aclose` waits for it.
        """
        ...

    async def aclose(self) -> None:
        """Ends what the running event loop has open here; the transport may be used again."""
        ...


@dataclass(frozen=True, slots=True)
class _Engine:
    module: str
    type: str
    needs: str
    install: str = field(default="")


_ENGINES: Final = {
    "httpx": _Engine("asgi_thinking._transports.httpx", "HttpxTransport", "httpx", "asgi-thinking"),
    "aiohttp": _Engine(
        "asgi_thinking._transports.aiohttp", "AiohttpTransport", "aiohttp", "asgi-thinking[speed]"
    ),
}
_CLIENTS: Final = ("httpx", "httpx2")
_announced: Final[set[str]] = set()


def open_transport(choice: Choice = "httpx") -> Transport:
    """The transport for an engine's name, a client of the owner's, or a transport as it is.

    Args:
        choice: "httpx", "aiohttp", an `httpx.AsyncClient` or `httpx2.AsyncClient` (kept open), or
        any
            object with `name`, `open` and `aclose`.

    Raises:
        ConfigurationError: No such engine, it is not installed, or the object cannot carry
        requests.
    """
    transport = _engine(choice) if isinstance(choice, str) else _wrap(choice)
    if transport.name not in _announced:
        _announced.add(transport.name)
        _log.info("upstream requests go through %s", transport.name)
    return transport


def _engine(name: str) -> Transport:
    engine = _ENGINES.get(name)
    if engine is None:
        raise ConfigurationError(f"transport {name!r}: unknown, choose of {', '.join(_ENGINES)}")
    try:
        module = importlib.import_module(engine.module)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"transport {name!r} needs {engine.needs}: pip install {engine.install!r}"
        ) from error
    return cast("Transport", getattr(module, engine.type)())


def _wrap(choice: object) -> Transport:
    if isinstance(choice, Transport):
        return choice
    # By the names in its line of classes, so that httpx2 need not be installed to be recognised.
    for ancestor in type(choice).__mro__:
        library = ancestor.__module__.partition(".")[0]
        if library in _CLIENTS and ancestor.__name__ == "AsyncClient":
            module = importlib.import_module("asgi_thinking._transports.httpx")
            return cast("Transport", module.HttpxTransport(choice, library))
    raise ConfigurationError(
        f"transport={type(choice).__qualname__}: give a name, a transport, or an AsyncClient of"
        " httpx or httpx2"
    )
