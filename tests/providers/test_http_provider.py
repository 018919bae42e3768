"""What every HTTP provider has: draining, errors, limits."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from asgi_thinking import providers
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.events import Batch, Done, Event, StreamError
from asgi_thinking.exceptions import UpstreamProtocolError, UpstreamStatusError, UpstreamTimeout
from asgi_thinking.providers import HTTPProvider, Provider, WholeReply, read_error
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transport import Reply, Timeouts, UpstreamRequest
from asgi_thinking.wire import Decoder
from tests.loopback import Call, Loopback, replying

REQUEST = ChatRequest("m", ())


class Lines:
    """A decoder of a made-up format: `end` ends, `bad` fails, other lines say nothing."""

    def feed(self, data: bytes) -> list[Event]:
        if b"bad" in data:
            return [StreamError(UpstreamProtocolError("bad line"))]
        return [Done()] if b"end" in data else []

    def close(self) -> list[Event]:
        return []


class Acme(HTTPProvider):
    """A third party's provider."""

    kind = "acme"

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(**options)
        self.url = url

    def build(self, request: ChatRequest) -> UpstreamRequest:
        return UpstreamRequest(self.url, (), b"{}")

    def decoder(self, request: ChatRequest, reply: Reply) -> Decoder:
        return Lines()


async def play(upstream: Loopback, **options: Any) -> list[Batch]:
    provider = Acme(upstream.url, **options)
    try:
        return [batch async for batch in provider.stream(REQUEST)]
    finally:
        await provider.aclose()


@pytest.mark.anyio
async def test_the_rest_of_a_good_stream_is_read_so_that_the_connection_lives() -> None:
    """After the wire's own end the connection goes back to the pool."""
    ended = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.head(200)
        await call.chunk(b"a\n")
        await call.chunk(b"end\n")
        await ended.wait()
        await call.chunk(b"trailing\n")
        await call.end()

    async with Loopback(handler) as upstream:
        provider = Acme(upstream.url)
        for _ in range(2):
            ended.clear()
            async for batch in provider.stream(REQUEST):
                assert batch == [Done()]
                ended.set()
        assert len(upstream.peers) == 1
        await provider.aclose()


@pytest.mark.anyio
async def test_an_upstream_that_does_not_hang_up_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that goes on for ever after its end does not hold the request."""
    monkeypatch.setattr(providers, "_DRAIN", 0.01)

    async def handler(call: Call) -> None:
        await call.head(200)
        await call.chunk(b"end\n")
        await call.peer.closed.wait()

    async with Loopback(handler) as upstream:
        assert await play(upstream) == [[Done()]]


@pytest.mark.anyio
async def test_nothing_is_read_after_an_error() -> None:
    """The decoder's failure is the last batch."""
    async with Loopback(replying(b"bad\n", b"end\n")) as upstream:
        batches = await play(upstream)

    assert len(batches) == 1
    assert isinstance(batches[0][-1], StreamError)


@pytest.mark.anyio
async def test_a_body_that_says_nothing_yields_nothing() -> None:
    """An end without events is the exchange's matter; reads without events yield no batch."""
    async with Loopback(replying(b"a\n", b"b\n")) as upstream:
        assert await play(upstream) == []


@pytest.mark.anyio
async def test_a_refused_credential_that_has_no_successor_is_not_sent_twice() -> None:
    """A 401 is the answer, unless the provider can renew what it sent."""
    async with Loopback(replying(b"{}", status=401)) as upstream:
        with pytest.raises(UpstreamStatusError) as caught:
            await play(upstream)
        assert 1 == len(upstream.requests)

    assert 401 == caught.value.status


@pytest.mark.anyio
async def test_an_error_status_is_read_in_the_usual_shapes() -> None:
    """A provider that says nothing of errors understands what most vendors send."""
    async with Loopback(
        replying(b'{"error": {"message": "no such model"}}', status=404)
    ) as upstream:
        with pytest.raises(UpstreamStatusError, match="no such model") as caught:
            await play(upstream)

    assert caught.value.status == 404


@pytest.mark.anyio
async def test_a_failure_of_the_transport_names_the_instance() -> None:
    """Whoever logs the error knows which upstream it was."""

    async def handler(call: Call) -> None:
        await call.head(200)
        await call.peer.closed.wait()

    async with Loopback(handler) as upstream:
        with pytest.raises(UpstreamTimeout) as caught:
            await play(upstream, name="main", timeouts=Timeouts(first_event=0.02))

    assert caught.value.provider == "main"
    assert caught.value.code == "timeout_first_event"


@pytest.mark.anyio
async def test_by_default_a_provider_has_no_models_and_no_limits() -> None:
    """What a subclass does not say is the most careful answer."""
    provider = Acme("http://127.0.0.1:1")

    assert isinstance(provider, Provider)
    assert not provider.claims("m")
    assert provider.capabilities("m") == Capabilities(max_output=32_000)
    assert provider.name == "acme"
    with pytest.raises(TypeError, match="abstract"):
        HTTPProvider()  # type: ignore[abstract]


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error":{"message":"m","type":"t","code":"c"}}', "m", "c"),
        (b'[{"error":{"message":"m","code":400}}]', "m", None),
        (b'{"message":"m"}', "m", None),
        (b'{"error":"m"}', "m", None),
        (b'{"error":{"message":7}}', "acme answered with 400", None),
        (b"<html>secret</html>", "acme answered with 400", None),
        (b"[]", "acme answered with 400", None),
        (b"7", "acme answered with 400", None),
    ],
)
def test_an_error_body_of_any_shape_has_a_message(
    body: bytes, message: str, code: str | None
) -> None:
    """Vendors' messages pass, bodies that are no errors do not."""
    error = read_error(400, body, "acme")

    assert (message, code, 400) == (error.message, error.code, error.status)


def test_a_status_beyond_http_is_a_bad_gateway() -> None:
    """Servers could not send it on."""
    assert read_error(999, b"", "acme").status == 502


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2),
        ({"retry-after": "-2"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    """Milliseconds, seconds and dates; anything else is none."""
    assert providers._retry_after(headers) == seconds


def test_a_date_to_come_is_a_time_to_wait() -> None:
    """A date is turned into seconds from now."""
    date = format_datetime(datetime.fromtimestamp(time.time() + 100, UTC), usegmt=True)

    seconds = providers._retry_after({"retry-after": date})

    assert seconds is not None
    assert 90 < seconds <= 100


def test_a_whole_reply_is_decoded_once_and_bounded() -> None:
    """A JSON body is collected; one that is too large is an error, not memory."""
    decoder = WholeReply(lambda body: [StreamError(UpstreamStatusError(body.decode()))], max_size=5)
    assert decoder.feed(b"ab") == []
    assert decoder.feed(b"c") == []
    [event] = decoder.close()
    assert isinstance(event, StreamError)
    assert event.error.message == "abc"

    [event] = decoder.feed(b"def")

    assert isinstance(event, StreamError)
    assert isinstance(event.error, UpstreamProtocolError)
