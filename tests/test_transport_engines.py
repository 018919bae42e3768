"""What belongs to one engine, and how an engine is chosen."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import ssl
import sys
from base64 import b64encode
from typing import TYPE_CHECKING

import httpx
import pytest

import asgi_thinking.transport
from asgi_thinking._transports.clock import reason_of
from asgi_thinking.exceptions import (
    ConfigurationError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from asgi_thinking.transport import Timeouts, UpstreamRequest, open_transport
from tests.engines import ask, engine, our_tasks, post
from tests.loopback import Call, Loopback, replying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pytest_httpx import HTTPXMock

pytestmark = pytest.mark.anyio
URL = "http://upstream.test/v1/messages"
NOT_TRUSTED = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] secret")
NOT_TRUSTED.reason = "CERTIFICATE_VERIFY_FAILED"
LOGIN = b64encode(b"me:p@ss").decode()


@pytest.fixture
def anyio_backend() -> str:
    """The engines work on asyncio only."""
    return "asyncio"


def test_unknown_engines() -> None:
    """A name that is no engine is answered with the names that are."""
    with pytest.raises(ConfigurationError, match="'curl': unknown, choose of httpx, aiohttp"):
        open_transport("curl")


def test_an_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing aiohttp is answered with the extra that brings it."""
    monkeypatch.delitem(sys.modules, "asgi_thinking._transports.aiohttp", raising=False)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'asgi-thinking\[speed\]'"):
        open_transport("aiohttp")


def test_what_is_no_transport() -> None:
    """A synchronous client is refused by name."""
    with httpx.Client() as client, pytest.raises(ConfigurationError, match="transport=Client"):
        open_transport(client)  # type: ignore[arg-type]  # the mistake under test


def test_a_transport_passes_as_it_is() -> None:
    """What is a transport already is used as it is."""
    transport = open_transport()
    assert transport is open_transport(transport)


def test_the_engine_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The engine in use is named once, however many transports there are."""
    monkeypatch.setattr(asgi_thinking.transport, "_announced", set())
    with caplog.at_level(logging.INFO, logger="asgi_thinking"):
        open_transport("httpx")
        open_transport("httpx")
    assert [f"upstream requests go through httpx {httpx.__version__}"] == caplog.messages


def test_requests_hide_what_they_carry() -> None:
    """A request's repr has neither keys nor prompts nor queries."""
    request = UpstreamRequest(URL + "?key=secret", (("x-api-key", "secret"),), b"secret")
    assert "UpstreamRequest(host='upstream.test', stream=False)" == repr(request)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("secret"), "ValueError"),
        (OSError("secret"), "OSError"),
        (ConnectionResetError(104, "secret"), "Connection reset by peer"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ssl.SSLCertVerificationError(1, "[SSL: X] secret"), "SSLCertVerificationError"),
        (NOT_TRUSTED, "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_reasons(error: Exception, reason: str) -> None:
    """The system's word for the innermost failure is told, and no text from elsewhere."""
    outer = RuntimeError("secret")
    outer.__cause__ = error
    assert reason == reason_of(outer).replace("RuntimeError", type(error).__name__)


async def test_the_default_engine_can_be_faked(httpx_mock: HTTPXMock) -> None:
    """pytest-httpx stands in for the upstream, without any setting."""
    httpx_mock.add_response(url=URL, headers={"x-a": "1"}, content=b"faked")
    async with engine("httpx") as transport:
        reply = await transport.open(post(URL, x_api_key="k"), Timeouts())
        assert (200, "1", b"faked") == (reply.status, reply.headers["x-a"], await reply.read(9))
    (request,) = httpx_mock.get_requests()
    assert "k" == request.headers["x-api-key"]


@pytest.mark.parametrize(
    ("raised", "error", "code"),
    [
        (httpx.ConnectTimeout("secret"), UpstreamTimeout, "timeout_connect"),
        (httpx.PoolTimeout("secret"), UpstreamTimeout, "timeout_connect"),
        (httpx.ReadTimeout("secret"), UpstreamTimeout, "timeout_first_event"),
        (httpx.ReadError("secret"), UpstreamUnreachable, None),
        (httpx.RemoteProtocolError("secret"), UpstreamUnreachable, None),
    ],
)
async def test_errors_of_httpx(
    httpx_mock: HTTPXMock, raised: Exception, error: type[Exception], code: str | None
) -> None:
    """httpx's errors become ours, without their texts."""
    httpx_mock.add_exception(raised)
    async with engine("httpx") as transport:
        with pytest.raises(error) as caught:
            await ask(transport, URL)
    assert code == getattr(caught.value, "code", None)
    assert "secret" not in str(caught.value)


async def test_errors_that_are_not_httpxs(httpx_mock: HTTPXMock) -> None:
    """What a client raises of its own passes as it is."""
    httpx_mock.add_exception(LookupError("mine"))
    async with engine("httpx") as transport:
        with pytest.raises(LookupError, match="mine"):
            await ask(transport, URL)


async def test_a_read_timeout_of_the_owners_client() -> None:
    """A client's own timeout within the body is told as idleness, after the bytes before it."""

    class Body(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"some"
            yield b""
            raise httpx.ReadTimeout("secret")

    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Body())

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        reply = await open_transport(client).open(post(URL), Timeouts())
        with pytest.raises(UpstreamTimeout) as caught:
            await reply.read(9)
        assert "timeout_idle" == caught.value.code


async def test_a_hook_that_reads_the_body() -> None:
    """The owner's client may have read the body already: it is read again from there."""

    async def read(response: httpx.Response) -> None:
        await response.aread()

    async with (
        Loopback(replying(b"some")) as upstream,
        httpx.AsyncClient(event_hooks={"response": [read]}, headers={"x-owner": "1"}) as client,
    ):
        transport = open_transport(client)
        assert b"some" == await ask(transport, upstream.url)
        await transport.aclose()
        assert "1" == upstream.requests[0].header("x-owner")


async def test_a_pool_that_is_full() -> None:
    """Waiting for one of the owner's few connections is connecting."""
    forever = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        await forever.wait()

    limits = httpx.Limits(max_connections=1)
    async with Loopback(handler) as upstream, httpx.AsyncClient(limits=limits) as client:
        transport = open_transport(client)
        first = await transport.open(post(upstream.url), Timeouts())
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(transport, upstream.url, Timeouts(connect=0.05))
        assert "timeout_connect" == caught.value.code
        await first.aclose()
    assert set() == our_tasks()


@pytest.mark.parametrize("name", ["httpx", "aiohttp"])
@pytest.mark.parametrize("login", ["me:p%40ss@", ""])
async def test_proxies_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, login: str
) -> None:
    """The environment's proxy is used and told who asks, unless the host is excepted."""
    async with Loopback(replying(b"some")) as proxy, engine(name) as transport:
        monkeypatch.setenv("http_proxy", f"{login}127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert b"some" == await ask(transport, URL)
        assert b"some" == await ask(transport, URL)
        assert b"some" == await ask(transport, proxy.url)
    first, second, direct = proxy.requests
    expected = f"Basic {LOGIN}" if login else ""
    assert (URL, URL, "/v1/messages") == (first.target, second.target, direct.target)
    assert [expected, expected, ""] == [
        each.header("proxy-authorization") for each in proxy.requests
    ]


@pytest.mark.parametrize("name", ["httpx", "aiohttp"])
async def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A tunnel that the proxy refuses is an unreachable upstream, whatever the proxy says."""
    async with Loopback(replying(status=407)) as proxy, engine(name) as transport:
        monkeypatch.setenv("https_proxy", f"http://me:p%40ss@127.0.0.1:{proxy.port}")
        with pytest.raises(UpstreamUnreachable, match=r"'upstream\.test' could not be reached"):
            await ask(transport, URL.replace("http", "https"))
    (sent,) = proxy.requests
    assert ("CONNECT", "upstream.test:443") == (sent.method, sent.target)
    assert f"Basic {LOGIN}" == sent.header("proxy-authorization")


@pytest.mark.parametrize("name", ["httpx", "aiohttp"])
async def test_a_tunnel_is_not_yet_a_connection(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """While TLS through a proxy hangs it is still the connect clock that runs."""

    async def handler(call: Call) -> None:
        await call.raw(b"HTTP/1.1 200 OK\r\n\r\n")

    async with Loopback(handler) as proxy, engine(name) as transport:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(transport, URL.replace("http", "https"), Timeouts(connect=0.05))
        assert "timeout_connect" == caught.value.code
    assert set() == our_tasks()


async def test_a_handler_that_fails_fails_its_test() -> None:
    """The loopback server does not swallow the errors of the scripts it runs."""

    async def handler(_: Call) -> None:
        raise LookupError

    async def run() -> None:
        async with engine("httpx") as transport, Loopback(handler) as upstream:
            with pytest.raises(UpstreamTimeout):
                await ask(transport, upstream.url, Timeouts(first_event=0.05))

    with pytest.raises(LookupError):
        await run()


async def test_a_reply_is_gone_when_it_ends() -> None:
    """What a reply held is freed at once, and makes no work for the garbage collector."""
    async with Loopback(replying(b"some")) as upstream, engine("aiohttp") as transport:
        await ask(transport, upstream.url)  # what is made once
        gc.collect()
        gc.disable()
        try:
            await ask(transport, upstream.url)
            assert 0 == gc.collect()
        finally:
            gc.enable()
