"""ASGI's contract where a reply ends early, or cannot be read, while it is to be rewritten."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware
from tests.asgi import JSON_HEADERS, Client, Headers, scope_for
from tests.asgi_replies import (
    ASKED,
    JSON,
    RAW,
    STREAM,
    Host,
    body,
    start,
    streamed,
    told,
)
from tests.hosts.play import FOREIGN, PIECES

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]


@pytest.fixture
def anyio_backend() -> str:
    """As servers run."""
    return "asyncio"


# -- 12. disconnects, 13. cancellation, 14. errors ---------------------------------------------


@pytest.mark.parametrize("version", ["2.3", "2.5"])
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_a_server_whose_send_raises_tells_the_host(version: str, stream: bool) -> None:
    """Since 2.4 `send` may say that the client left; whatever it raises is the host's to see."""
    gone = OSError("gone")
    host = Host(*(streamed() if stream else [start(), body(RAW)]))
    client = Client([json.dumps(FOREIGN).encode()])
    scope = scope_for(
        headers=[*JSON_HEADERS, *ASKED], asgi={"version": "3.0", "spec_version": version}
    )

    async def send(_: Message) -> None:
        raise gone

    with pytest.raises(OSError, match="gone"):
        await ThinkingMiddleware(host)(scope, client.receive, send)

    assert [gone] == host.failures


async def test_the_host_hears_that_its_client_left() -> None:
    """Up to 2.3 only `receive` tells."""
    heard: list[Message] = []

    async def host(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append(await receive())
        await send(start(STREAM))
        await send(body(PIECES[0], more_body=True))
        heard.append(await receive())

    client = Client([json.dumps(FOREIGN).encode()])
    scope = scope_for(headers=[*JSON_HEADERS, *ASKED])
    running = asyncio.create_task(ThinkingMiddleware(host)(scope, client.receive, client.send))
    await client.until(2)
    client.leave()
    await running

    assert ["http.request", "http.disconnect"] == [message["type"] for message in heard]


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_cancellation_reaches_the_host(stream: bool) -> None:
    """It is not swallowed, it completes nothing, and no task is left."""
    steps = streamed()[:2] if stream else [start(), body(RAW[:9], more_body=True)]
    reached = asyncio.Event()

    class Stuck(asyncio.Event):
        async def wait(self) -> Any:
            reached.set()
            await super().wait()

    client = Client([json.dumps(FOREIGN).encode()])
    app = ThinkingMiddleware(Host(*steps, Stuck()))
    scope, before = scope_for(headers=[*JSON_HEADERS, *ASKED]), asyncio.all_tasks()
    running = asyncio.create_task(app(scope, client.receive, client.send))
    await reached.wait()
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running

    assert all(message.get("more_body", True) for message in client.sent[1:])
    assert before == asyncio.all_tasks()


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("count", [0, 1, 2], ids=["at once", "after the start", "within the body"])
async def test_exceptions_of_the_host_are_not_touched(stream: bool, count: int) -> None:
    """Its server and its reporters get the object, and no end is made up for the reply."""
    error = ZeroDivisionError("the host's")
    steps = streamed() if stream else [start(), body(RAW[:9], more_body=True)]
    client = Client([json.dumps(FOREIGN).encode()])
    scope = scope_for(headers=[*JSON_HEADERS, *ASKED])

    with pytest.raises(ZeroDivisionError) as caught:
        await ThinkingMiddleware(Host(*steps[:count], error))(scope, client.receive, client.send)

    assert caught.value is error
    assert "asgi_thinking" not in scope
    assert all(message.get("more_body", True) for message in client.sent[1:])


# -- 15. codings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        (b"Content-Encoding", b"gzip"),
        (b"content-range", b"bytes 0-9/100"),
        (b"content-type", b"text/plain"),
    ],
)
@pytest.mark.parametrize("usual", [JSON, STREAM], ids=["json", "stream"])
async def test_what_cannot_be_read_passes_as_it_is(usual: Headers, header: Any) -> None:
    """Compressed replies, parts, and other media are the host's own messages."""
    given = [start([*usual, header]), body(b"\x1f\x8b", more_body=True), body(b"\x00")]

    client = await told(*given)

    assert given == client.sent
