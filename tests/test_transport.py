"""One contract for every engine, against a real server on the loopback."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from asgi_thinking.exceptions import (
    ConfigurationError,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from asgi_thinking.transport import Timeouts, Transport, open_transport
from tests.engines import ENGINES, ask, engine, our_tasks, post, stuck
from tests.loopback import Call, Loopback, replying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
PATIENT = Timeouts()


@pytest.fixture
def anyio_backend() -> str:
    """The engines work on asyncio only."""
    return "asyncio"


@pytest.fixture(params=ENGINES)
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    """Each engine in turn; whatever the test did, nothing of ours is left after it."""
    async with engine(request.param) as transport:
        yield transport
    assert set() == our_tasks()


async def test_bytes_arrive_before_the_end(transport: Transport) -> None:
    """What has arrived can be read while the upstream is still writing."""
    seen = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        await call.chunk(b"first")
        await seen.wait()
        await call.chunk(b"second")
        await call.end()

    async with Loopback(handler) as upstream:
        reply = await transport.open(post(upstream.url), PATIENT)
        parts = aiter(reply)
        assert b"first" == await anext(parts)
        seen.set()
        assert b"second" == await anext(parts)
        with pytest.raises(StopAsyncIteration):
            await anext(parts)
        with pytest.raises(StopAsyncIteration):
            await anext(parts)
        await reply.aclose()


async def test_one_read_gives_all_that_arrived(transport: Transport) -> None:
    """Many HTTP chunks in one network read come as one piece."""

    async def handler(call: Call) -> None:
        await call.head(200)
        await call.raw(b"1\r\na\r\n" * 50 + b"0\r\n\r\n")

    async with Loopback(handler) as upstream:
        reply = await transport.open(post(upstream.url), PATIENT)
        pieces = [data async for data in reply]
    assert b"a" * 50 == b"".join(pieces)
    assert len(pieces) <= 2


async def test_a_cancelled_read_loses_nothing(transport: Transport) -> None:
    """The read after a cancelled one gets its bytes."""
    seen = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        await seen.wait()
        await call.chunk(b"late")
        await call.end()

    async with Loopback(handler) as upstream:
        reply = await transport.open(post(upstream.url), PATIENT)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(aiter(reply)), 0.01)
        seen.set()
        assert b"late" == await reply.read(100)


async def test_a_slow_reader_stops_the_upstream(transport: Transport) -> None:
    """Who does not read makes the upstream wait, and loses nothing by it."""
    stalled = asyncio.Event()
    size = 24 * 2**20

    async def handler(call: Call) -> None:
        await call.head(200, framing=f"content-length: {size}")
        for _ in range(size // 2**16):
            call.peer.transport.write(bytes(2**16))
            try:
                await asyncio.wait_for(call.peer.writable.wait(), 0.2)
            except TimeoutError:
                stalled.set()
                await call.peer.writable.wait()

    async with Loopback(handler) as upstream:
        reply = await transport.open(post(upstream.url), PATIENT)
        await stalled.wait()
        assert bytes(size) == await reply.read(size)


@pytest.mark.parametrize(
    ("timeouts", "scheme", "code"),
    [
        (Timeouts(connect=0.05), "https", "timeout_connect"),
        (Timeouts(first_event=0.05), "http", "timeout_first_event"),
        (Timeouts(total=0.05), "http", "timeout_total"),
        (Timeouts(connect=0.2, total=0.05), "https", "timeout_total"),
    ],
)
async def test_clocks_before_the_reply(
    transport: Transport, timeouts: Timeouts, scheme: str, code: str
) -> None:
    """A silent upstream runs out the clock of the phase it is silent in, and the error says so."""
    forever = asyncio.Event()

    async def handler(_: Call) -> None:
        await forever.wait()

    async with Loopback(handler) as upstream:
        url = upstream.url.replace("http", scheme) + "?key=secret"
        with pytest.raises(UpstreamTimeout, match=r"0\.05 s") as caught:
            await transport.open(post(url, x_api_key="secret"), timeouts)
        assert (code, 504) == (caught.value.code, caught.value.status)
        assert "127.0.0.1" in str(caught.value)
        assert "secret" not in str(caught.value)
        await transport.aclose()
        await upstream.idle()


@pytest.mark.parametrize(
    ("timeouts", "sent", "code"),
    [
        (Timeouts(first_event=0.05), b"", "timeout_first_event"),
        (Timeouts(idle=0.05), b"some", "timeout_idle"),
        (Timeouts(total=0.1), b"some", "timeout_total"),
    ],
)
async def test_clocks_within_the_reply(
    transport: Transport, timeouts: Timeouts, sent: bytes, code: str
) -> None:
    """Headers are not the first event; silence after it is idleness; the connection is closed."""
    forever = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        if sent:
            await call.chunk(sent)
        await forever.wait()

    async with Loopback(handler) as upstream:
        reply = await transport.open(post(upstream.url), timeouts)
        parts = aiter(reply)
        if sent:
            assert sent == await anext(parts)
        with pytest.raises(UpstreamTimeout) as caught:
            await anext(parts)
        assert code == caught.value.code
        await upstream.idle()
        with pytest.raises((UpstreamTimeout, UpstreamUnreachable)):
            await anext(parts)
        await reply.aclose()


async def test_silence_after_a_late_first_event(transport: Transport) -> None:
    """However long the model thought first, each silence after that has the idle clock's time."""
    forever = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        await asyncio.sleep(0.2)
        await call.chunk(b"some")
        await forever.wait()

    async with Loopback(handler) as upstream:
        reply = await transport.open(post(upstream.url), Timeouts(first_event=100, idle=0.05))
        with pytest.raises(UpstreamTimeout) as caught:
            await reply.read(9)
        assert "timeout_idle" == caught.value.code


async def test_total_runs_while_nobody_reads(transport: Transport) -> None:
    """Idleness counts only while somebody waits; the total counts always."""
    forever = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        await call.chunk(b"some")
        await forever.wait()

    async with Loopback(handler) as upstream:
        reply = await transport.open(post(upstream.url), Timeouts(idle=0.02, total=0.2))
        assert b"some" == await anext(aiter(reply))
        await upstream.idle()
        with pytest.raises(UpstreamTimeout):
            await anext(aiter(reply))


async def test_a_refused_connection(transport: Transport) -> None:
    """The error names the host and the system's reason, and nothing else of the URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UpstreamUnreachable) as caught:
        await ask(transport, f"http://127.0.0.1:{port}/v1/messages?key=secret")
    assert "'127.0.0.1' could not be reached: Connection refused" == str(caught.value)


@pytest.mark.parametrize("reset", [True, False])
async def test_a_reply_that_breaks_off(transport: Transport, reset: bool) -> None:
    """What came before the break can be read; then the break is an error, never an end."""
    seen = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        await call.chunk(b"some")
        await seen.wait()
        (call.cut if reset else call.close)()

    async with Loopback(handler) as upstream:
        reply = await transport.open(post(upstream.url), PATIENT)
        assert b"some" == await anext(aiter(reply))
        seen.set()
        with pytest.raises(UpstreamUnreachable, match=r"the reply of '127\.0\.0\.1' broke off"):
            await reply.read(100)
        await reply.aclose()


@pytest.mark.parametrize(
    ("sent", "error"),
    [(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", UpstreamProtocolError), (b"", UpstreamUnreachable)],
)
async def test_what_is_not_http(transport: Transport, sent: bytes, error: type[Exception]) -> None:
    """Garbage is a protocol error, no answer at all an unreachable upstream."""

    async def handler(call: Call) -> None:
        await call.raw(sent)
        call.close()

    async with Loopback(handler) as upstream:
        with pytest.raises(error, match=r"127\.0\.0\.1") as caught:
            await ask(transport, upstream.url)
        assert "SSH" not in str(caught.value)


async def test_redirects_are_not_followed(transport: Transport) -> None:
    """A redirect is an answer like any other, for following it would carry the key along."""
    async with Loopback(replying(status=307, headers=(("location", "/else"),))) as upstream:
        reply = await transport.open(post(upstream.url), PATIENT)
        assert (307, "/else") == (reply.status, reply.headers["location"])
        assert b"" == await reply.read(0)
        assert 1 == len(upstream.requests)


async def test_headers_of_the_reply(transport: Transport) -> None:
    """Names are in lower case, and a repeated name has all its values."""
    headers = (("X-Request-Id", "a"), ("x-request-ID", "b"), ("Retry-After", "2"))
    async with Loopback(replying(headers=headers)) as upstream:
        reply = await transport.open(post(upstream.url), PATIENT)
        assert ("a, b", "2") == (reply.headers["x-request-id"], reply.headers["retry-after"])
        await reply.read(0)


async def test_what_is_sent(transport: Transport) -> None:
    """The request goes out as a POST with its headers and body, and asks for no compression."""
    async with Loopback(replying()) as upstream:
        request = post(
            upstream.url + "?alt=sse", b'{"a":1}', accept_encoding="gzip", user_agent="mine/1"
        )
        await (await transport.open(request, PATIENT)).read(0)
        (sent,) = upstream.requests
    assert ("POST", "/v1/messages?alt=sse", b'{"a":1}') == (sent.method, sent.target, sent.body)
    assert ("identity", "mine/1") == (sent.header("accept-encoding"), sent.header("user-agent"))


async def test_a_body_over_the_limit(transport: Transport) -> None:
    """A body that is too long is not read to its end."""
    async with Loopback(replying(b"12345", b"67890")) as upstream:
        reply = await transport.open(post(upstream.url), PATIENT)
        with pytest.raises(UpstreamProtocolError, match="longer than 4 bytes"):
            await reply.read(4)


async def test_connections_are_used_again(transport: Transport) -> None:
    """A body read to its end gives the connection back."""
    async with Loopback(replying(b"some")) as upstream:
        for _ in range(3):
            assert b"some" == await ask(transport, upstream.url)
        assert (1, 3) == (len(upstream.peers), upstream.peers[0].requests)
        assert [] == stuck(transport)


@pytest.mark.parametrize("size", [4, 2**18])
async def test_closing_within_the_body(transport: Transport, size: int) -> None:
    """The upstream sees the connection close, whether or not its bytes were being read."""
    forever = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        await call.chunk(bytes(size))
        await forever.wait()

    async with Loopback(handler) as upstream:
        reply = await transport.open(post(upstream.url), PATIENT)
        assert await anext(aiter(reply))
        await reply.aclose()
        await reply.aclose()
        await upstream.idle()
        with pytest.raises(UpstreamUnreachable):
            await anext(aiter(reply))
        assert [] == stuck(transport)


async def test_the_transport_closes_what_is_open(transport: Transport) -> None:
    """`aclose` ends replies in progress, and the transport can be used after it."""
    forever = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        await forever.wait()

    async with Loopback(handler) as upstream, Loopback(replying(b"some")) as other:
        reply = await transport.open(post(upstream.url), PATIENT)
        await transport.aclose()
        await transport.aclose()
        await upstream.idle()
        with pytest.raises(UpstreamUnreachable):
            await reply.read(1)
        await reply.aclose()
        assert b"some" == await ask(transport, other.url)


@pytest.mark.parametrize("url", ["/v1", "ftp://host/", "http://", "http://h:x/", "http://h:0/"])
async def test_impossible_urls(transport: Transport, url: str) -> None:
    """A URL that cannot be asked is the owner's mistake."""
    with pytest.raises(ConfigurationError, match="an upstream URL needs"):
        await ask(transport, url)


@pytest.mark.parametrize("name", ["httpx", "aiohttp"])
def test_several_event_loops(name: str) -> None:
    """One transport serves one event loop after another, closed or forgotten."""
    transport = open_transport(name)

    async def handler(call: Call) -> None:
        await call.head(200, framing="connection: close")
        call.close()

    async def once(close: bool) -> None:
        async with Loopback(handler) as upstream:
            assert b"" == await ask(transport, upstream.url)
            await upstream.idle()
        if close:
            await transport.aclose()

    for close in (True, False, True):
        asyncio.run(once(close))
