"""What goes wrong upstream reaches the caller in OpenAI's words, and ends in an orderly way."""

from __future__ import annotations

import json

import pytest

from tests.live.stack import ASK, PIECES, SETUPS, Setup, stack
from tests.loopback import Call, replying
from tests.wire.anthropic_transcripts import sse

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def error_event(body: bytes) -> dict[str, str | None]:
    """The error of a stream that ends with one, and with nothing after it."""
    before, _, data = body.rpartition(b"event: error\ndata: ")
    assert before
    assert b"[DONE]" not in body
    assert data.endswith(b"\n\n")
    error: dict[str, str | None] = json.loads(data)["error"]
    assert {"message", "type", "param", "code"} == error.keys()
    return error


@pytest.mark.parametrize("setup", SETUPS, ids=str)
async def test_an_error_within_the_stream(setup: Setup) -> None:
    """It comes as an event, the body ends, and the connection serves the next request."""
    handler = replying(*PIECES[:2], sse(OVERLOADED))

    async with stack(setup, handler) as it, it.caller() as caller:
        for _ in range(2):
            head, body = await caller.ask(ASK | {"stream": True})
            assert 200 == head.status
            assert b"thought-1" in body
            assert "Overloaded" == error_event(body)["message"]


@pytest.mark.parametrize("setup", SETUPS, ids=str)
@pytest.mark.parametrize("cut", [True, False], ids=["reset", "closed"])
async def test_an_upstream_that_breaks_off(setup: Setup, cut: bool) -> None:
    """What was said stays, and the caller is told that the rest is missing."""

    async def handler(call: Call) -> None:
        await call.head(200, ("content-type", "text/event-stream"))
        for piece in PIECES[:2]:
            await call.chunk(piece)
        if cut:
            call.cut()
        else:
            call.close()

    async with stack(setup, handler) as it, it.caller() as caller:
        for _ in range(2):
            head, body = await caller.ask(ASK | {"stream": True})
            # A reset overtakes what was not read yet, so the reply may not have begun.
            error = error_event(body) if head.status == 200 else json.loads(body)["error"]
            assert (head.status, error["type"]) in [(200, "server_error"), (502, "server_error")]


@pytest.mark.parametrize("setup", SETUPS, ids=str)
@pytest.mark.parametrize("stream", [True, False])
async def test_an_upstream_that_says_nothing(setup: Setup, stream: bool) -> None:
    """A connection closed before the head is a 502."""

    async def handler(call: Call) -> None:
        call.close()

    async with stack(setup, handler) as it, it.caller() as caller:
        head, body = await caller.ask(ASK | {"stream": stream})

    assert 502 == head.status
    assert {"message", "type", "param", "code"} == json.loads(body)["error"].keys()


# What the upstream says and what the caller gets; 529 is Anthropic's own word for 503.
STATUSES = {400: 400, 401: 401, 404: 404, 429: 429, 500: 500, 529: 503}


@pytest.mark.parametrize("setup", SETUPS, ids=str)
async def test_a_status_keeps_its_meaning(setup: Setup) -> None:
    """The caller gets the upstream's status and message, streaming or not, on one connection."""
    error = {"type": "error", "error": {"type": "some_error", "message": "told"}}
    headers = (("content-type", "application/json"), ("retry-after", "7"))

    async with stack(setup, replying()) as it, it.caller() as caller:
        for told, status in STATUSES.items():
            it.upstream.handler = replying(json.dumps(error).encode(), status=told, headers=headers)
            for stream in (True, False):
                head, body = await caller.ask(ASK | {"stream": stream})
                assert status == head.status
                assert "told" == json.loads(body)["error"]["message"]
                assert "application/json" == head.headers["content-type"]
                assert "7" == head.headers["retry-after"]
                assert "false" == head.headers["x-should-retry"]
        assert 1 == len(it.upstream.peers)
