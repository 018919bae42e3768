"""`replay`, and the transport that stands in for a network."""

from __future__ import annotations

import asyncio

import pytest

from asgi_thinking.dialects.truefoundry import TRUEFOUNDRY
from asgi_thinking.exceptions import UpstreamProtocolError, UpstreamUnreachable
from asgi_thinking.testing import Answer, ScriptedTransport, replay
from asgi_thinking.transport import Timeouts, Transport, UpstreamRequest
from tests.plain_vendor import JSON, KEY, STREAM, Plain

REQUEST = UpstreamRequest("https://plain.example/", (), b"{}")


def test_a_stream_is_replayed_in_a_dialect() -> None:
    """The client's chunks, and what they add up to, however the upstream's bytes are cut."""
    provider = Plain()
    own = provider.transport
    received = replay(provider, STREAM, model="plain-1", dialect="portkey")
    cut = replay(provider, STREAM, model="plain-1", dialect="portkey", splits=range(len(STREAM)))

    assert received.status == 200
    assert received.headers["x-thinking-dialect"] == "portkey"
    assert received.is_stream
    assert received.done
    assert received.error is None
    assert received.chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert received.message["content"] == "It is 59 * 61."
    assert [
        {"index": 0, "delta": {"thinking": "Hm, 3599?", "signature": ""}},
        {"index": 1, "delta": {"text": "It is 59 * 61."}},
    ] == received.message["content_blocks"]
    assert received.message == cut.message
    [sent] = received.sent
    assert ("x-key", KEY) in sent.headers
    assert own is provider.transport


def test_a_json_reply_is_replayed_in_a_dialect() -> None:
    """A dialect needs no entry point for it, and the request is the caller's to write."""
    body = {"messages": [{"role": "user", "content": "Really?"}]}
    received = replay(Plain(), JSON, model="plain-1", dialect=TRUEFOUNDRY, stream=False, body=body)

    assert not received.is_stream
    assert received.json["object"] == "chat.completion"
    assert received.error is None
    assert received.message["reasoning_content"] == "Hm, 3599?"
    assert b"Really?" in received.sent[0].body


def test_errors_are_replayed() -> None:
    """Before the stream with their status, and in it as its last event."""
    early = replay(Plain(), Answer(b'{"error":{"message":"slow"}}', 429), model="plain-1")
    late = replay(Plain(), b"say hi\noops\n", model="plain-1", splits=[7])

    assert early.error is not None
    assert (early.status, early.error["message"]) == (429, "slow")
    assert late.error is not None
    assert (late.status, late.done) == (200, False)
    assert late.error["message"] == "not a plain line"


def test_a_refusal_is_replayed() -> None:
    """What never reaches the provider is answered all the same."""
    received = replay(Plain(), JSON, model="plain-1", body={"messages": 7})

    assert received.error is not None
    assert (received.status, received.error["param"], received.sent) == (400, "messages", ())


@pytest.mark.anyio
async def test_answers_come_one_after_the_other() -> None:
    """The last one again and again; a script without any is an upstream that is not there."""
    transport: Transport = ScriptedTransport(Answer(b"one", cuts=[1, 0, 9]), Answer(b"two", 201))

    first = await transport.open(REQUEST, Timeouts())
    assert [b"o", b"ne"] == [data async for data in first]
    for _ in range(2):
        again = await transport.open(REQUEST, Timeouts())
        assert (again.status, await again.read(3)) == (201, b"two")
        await again.aclose()
        await again.aclose()
    assert isinstance(transport, ScriptedTransport)
    assert (transport.unreleased, len(transport.requests)) == (1, 3)
    await first.aclose()
    await transport.aclose()
    assert (transport.unreleased, transport.closed) == (0, 1)
    with pytest.raises(UpstreamUnreachable, match="no answer"):
        await ScriptedTransport().open(REQUEST, Timeouts())


@pytest.mark.anyio
async def test_a_body_may_be_too_long_or_have_no_end() -> None:
    """What a network does as well: break, and be silent."""
    transport = ScriptedTransport(
        Answer(b"long"), Answer(b"x", end="broken"), Answer(b"", end="never")
    )

    long = await transport.open(REQUEST, Timeouts())
    with pytest.raises(UpstreamProtocolError, match="larger than 3 bytes"):
        await long.read(3)
    broken = await transport.open(REQUEST, Timeouts())
    with pytest.raises(UpstreamUnreachable) as caught:
        await broken.read(9)
    assert broken.failure(caught.value) is caught.value
    silent = await transport.open(REQUEST, Timeouts())
    reading = asyncio.ensure_future(silent.receive())
    await asyncio.wait([reading], timeout=0)
    reading.cancel()
    await asyncio.wait([reading])
    assert reading.cancelled()
