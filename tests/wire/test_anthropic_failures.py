"""Promises of the Messages API's reply decoders about replies that fail."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.events import Done, Event, StreamError
from asgi_thinking.exceptions import UpstreamProtocolError
from asgi_thinking.wire.anthropic import AnthropicDecoder, MessageDecoder, decode_reply
from tests.strategies import WIRES, shared
from tests.wire.anthropic_transcripts import (
    FULL,
    FULL_EVENTS,
    FULL_MESSAGE,
    START,
    STOP,
    block_start,
    block_stop,
    delta,
    ending,
    sse,
)

FULL_STREAM = sse(*FULL)
HEAD: list[Event] = FULL_EVENTS[:2]


def decode(*reads: bytes, **options: Any) -> list[Event]:
    """All events of a stream."""
    decoder = AnthropicDecoder(1, "anthropic", **options)
    return [event for data in reads for event in decoder.feed(data)] + decoder.close()


def failure(events: list[Event]) -> tuple[type, str, int, str, str | None, str]:
    """What the error that ends the events is."""
    last = events[-1]
    assert isinstance(last, StreamError)
    assert not [event for event in events[:-1] if isinstance(event, StreamError | Done)]
    error: Any = last.error
    return type(error), error.message, error.status, error.type, error.code, error.provider


def protocol_error(message: str) -> tuple[type, str, int, str, None, str]:
    """What a protocol error is."""
    text = f"anthropic: {message}"
    return UpstreamProtocolError, text, 502, "server_error", None, "anthropic"


def one_by_one(stream: bytes) -> list[bytes]:
    """The stream as reads of one byte."""
    return [stream[i : i + 1] for i in range(len(stream))]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("overloaded_error", 503),
        ("rate_limit_error", 429),
        ("invalid_request_error", 400),
        ("api_error", 500),
        ("something_new", 502),
    ],
)
def test_an_error_in_the_stream_ends_it(kind: str, status: int) -> None:
    """It keeps the vendor's message and type, and the status that it would have had."""
    error = {"type": "error", "error": {"type": kind, "message": "Overloaded"}}
    events = decode(sse(START, error, STOP))
    assert HEAD == events[:-1]
    assert ("Overloaded", status, kind, kind, "anthropic") == failure(events)[1:]


def test_nothing_follows_the_end() -> None:
    """What comes after message_stop or an error is ignored, in the same read or later."""
    decoder = AnthropicDecoder(1, "anthropic")
    events = decoder.feed(sse(START, STOP, START))
    assert Done() == events[-1]
    assert [] == decoder.feed(FULL_STREAM)
    assert [] == decoder.close()


def test_only_the_blank_line_may_be_missing() -> None:
    """A stream whose last event is whole has ended; one that ends before has not."""
    assert FULL_EVENTS == decode(FULL_STREAM[:-2])
    expected = protocol_error("the stream ended before message_stop")
    assert expected == failure(decode(FULL_STREAM[:-3]))
    assert expected == failure(decode(b""))
    decoder = MessageDecoder(1, "anthropic")
    assert expected == failure(decoder.close())
    assert [] == decoder.close()


@shared(WIRES)
@given(st.integers(0, len(FULL_STREAM) - 3))
def test_a_stream_that_breaks_off_ends_in_an_error(length: int) -> None:
    """Wherever it breaks, what came before is there, and then one error."""
    events = decode(FULL_STREAM[:length])
    assert FULL_EVENTS[: len(events) - 1] == events[:-1]
    assert protocol_error("the stream ended before message_stop") == failure(events)


def test_an_event_that_is_too_large_is_an_error() -> None:
    """The limit is kept in the middle of a stream and at its end."""
    expected = protocol_error("an event of the upstream's stream is larger than 99 bytes")
    assert expected == failure(decode(FULL_STREAM, max_event_size=99))
    assert expected == failure(decode(sse({"type": "ping"}) + b"data:" * 30, max_event_size=99))


MALFORMED = [
    pytest.param([b'{"type":"message_stop"'], "", id="cut-json"),
    pytest.param([b"[]"], "", id="no-object"),
    pytest.param([b"{}"], "", id="no-type"),
    pytest.param([b'{"type":"message_start"}'], "message_start", id="no-message"),
    pytest.param([START, START], "message_start", id="two-starts"),
    pytest.param(
        [START | {"message": START["message"] | {"id": 1}}], "message_start", id="id-is-a-number"
    ),
    pytest.param(
        [START | {"message": START["message"] | {"usage": {"input_tokens": "1"}}}],
        "message_start",
        id="count-is-a-string",
    ),
    pytest.param([block_start(0, type="text", text="")], "content_block_start", id="early-block"),
    pytest.param([ending("end_turn")], "message_delta", id="early-delta"),
    pytest.param([STOP], "message_stop", id="early-stop"),
    pytest.param(
        [START, delta(0, "text_delta", text="a")], "content_block_delta", id="delta-of-nothing"
    ),
    pytest.param([START, block_stop(0)], "content_block_stop", id="stop-of-nothing"),
    pytest.param(
        [START, block_start(0, type="text", text=""), delta(0, "text_delta", text=1)],
        "content_block_delta",
        id="text-is-a-number",
    ),
    pytest.param(
        [START, block_start(0, type="tool_use", name="f", input={})],
        "content_block_start",
        id="call-without-id",
    ),
    pytest.param([{"type": "error", "error": "Overloaded"}], "error", id="error-is-a-string"),
]


@pytest.mark.parametrize(("events", "kind"), MALFORMED)
def test_what_is_not_of_this_wire_is_an_error(events: list[Any], kind: str) -> None:
    """The error names the event, and shows nothing of it."""
    decoder = MessageDecoder(1, "anthropic")
    payloads = [e if isinstance(e, bytes) else orjson.dumps(e) for e in events]
    expected = protocol_error(f"malformed event {kind!r}, expected the Messages API")
    assert expected == failure(decoder.feed(payloads))
    assert [] == decoder.feed(payloads)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"id":"x"}',
        orjson.dumps(FULL_MESSAGE | {"content": "text"}),
        orjson.dumps(FULL_MESSAGE | {"content": ["text"]}),
        orjson.dumps(FULL_MESSAGE | {"model": None}),
        orjson.dumps({"type": "error", "error": None}),
    ],
)
def test_a_malformed_reply_is_one_error(body: bytes) -> None:
    """Nothing of a reply is told if a part of it cannot be read."""
    events = decode_reply(body, 1, "anthropic")
    expected = protocol_error("malformed reply, expected the Messages API")
    assert (1, expected) == (len(events), failure(events))


def test_an_error_may_come_with_status_200() -> None:
    """An error body is an error whatever its status was."""
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow"}}
    events = decode_reply(orjson.dumps(body), 1, "anthropic")
    assert ("Slow", 429, "rate_limit_error") == failure(events)[1:4]


JUNK = st.sampled_from([None, True, 1, -1.5, "", "x", [], {}, [1], {"type": "text"}, {"text": []}])


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a JSON value, with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(value, key) for key, _ in items]
    nested = [child for child in list_of(value) if isinstance(child, dict | list)]
    return found + [place for child in nested for place in places(child)]


def list_of(value: Any) -> list[Any]:
    """The values in a container."""
    return list(value.values()) if isinstance(value, dict) else value


@shared(WIRES)
@given(st.data())
def test_no_json_makes_a_decoder_raise(data: st.DataObject) -> None:
    """Values of the wrong type anywhere give events or an error, never an exception."""
    events: list[Any] = copy.deepcopy([*FULL, FULL_MESSAGE])
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(events)))
        container[key] = copy.deepcopy(data.draw(JUNK))
    decoder = MessageDecoder(1, "anthropic")
    decoded = decoder.feed([orjson.dumps(event) for event in events[:-1]]) + decoder.close()
    assert isinstance(decoded[-1], Done | StreamError)
    whole = decode_reply(orjson.dumps(events[-1]), 1, "anthropic")
    assert isinstance(whole[-1], Done | StreamError)


@shared(WIRES)
@given(st.lists(st.tuples(st.integers(0, len(FULL_STREAM) - 1), st.integers(0, 255)), max_size=5))
def test_no_bytes_make_a_decoder_raise(changes: list[tuple[int, int]]) -> None:
    """Bytes changed anywhere give events or an error, the same at every split."""
    stream = bytearray(FULL_STREAM)
    for place, byte in changes:
        stream[place] = byte
    events = decode(bytes(stream))
    again = decode(*one_by_one(bytes(stream)))
    assert isinstance(events[-1], Done | StreamError)
    assert [repr(event) for event in events] == [repr(event) for event in again]
