"""Promises of Gemini's reply decoders about replies that fail."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.events import Done, Event, StreamError, TextDelta, Usage
from asgi_thinking.exceptions import UpstreamProtocolError, UpstreamStatusError
from asgi_thinking.wire.gemini import GeminiDecoder, decode_reply
from tests.strategies import WIRES, check_grammar, shared, values
from tests.wire.gemini_transcripts import (
    FULL,
    FULL_EVENTS,
    FULL_REPLY,
    NAMED,
    array,
    call,
    chunk,
    decode,
    one_by_one,
    sse,
)

STREAM = sse(*FULL)
ERROR: dict[str, Any] = {
    "error": {"code": 503, "message": "The model is overloaded", "status": "UNAVAILABLE"}
}
ENDED = "the reply ended before its finish reason"
CUT = "the reply ended in the middle of an object"
MALFORMED = "malformed reply, expected Gemini's"


keys = st.sampled_from(
    [
        *(
            "candidates",
            "content",
            "parts",
            "text",
            "thought",
            "functionCall",
            "name",
            "args",
            "id",
        ),
        *("thoughtSignature", "finishReason", "index", "usageMetadata", "promptTokenCount"),
        *("groundingMetadata", "citationMetadata", "promptFeedback", "blockReason", "error"),
    ]
)
# JSON that is near enough to the wire's to get past the first check.
likely = st.recursive(
    values,
    lambda v: (
        st.dictionaries(keys, v | st.lists(v, max_size=2), max_size=4) | st.lists(v, max_size=2)
    ),
)


def failure(events: list[Event]) -> tuple[type, str, int, str, str | None, str]:
    """What the error that ends the events is."""
    last = events[-1]
    assert isinstance(last, StreamError)
    assert not [event for event in events[:-1] if isinstance(event, StreamError | Done)]
    error: Any = last.error
    return type(error), error.message, error.status, error.type, error.code, error.provider


def protocol_error(message: str) -> tuple[type, str, int, str, None, str]:
    """What a protocol error is."""
    return UpstreamProtocolError, f"gemini: {message}", 502, "server_error", None, "gemini"


@pytest.mark.parametrize(
    "stream",
    [
        sse(FULL[3], ERROR, *FULL),
        array(FULL[3], ERROR, *FULL),
        array(FULL[3], ERROR, *FULL, pretty=False),
        sse(FULL[3]) + orjson.dumps(ERROR, option=orjson.OPT_INDENT_2),
        sse(FULL[3])[:-4] + b"\n" + array(ERROR),
        sse(FULL[3], line=b"\n") + b"data: " + array(ERROR, pretty=False) + b"\n\n",
    ],
    ids=["event", "element", "compact element", "bare JSON", "bare array", "array in an event"],
)
def test_an_error_in_the_stream_ends_it(stream: bytes) -> None:
    """It keeps the vendor's message and status, in whichever form it comes."""
    events = decode(stream)
    assert TextDelta(0, "It is ") == events[2]
    told = "The model is overloaded", 503, "server_error", "UNAVAILABLE", "gemini"
    assert (UpstreamStatusError, *told) == failure(events)
    assert repr(events) == repr(decode(*one_by_one(stream)))


def test_an_error_that_is_no_object_is_one_all_the_same() -> None:
    """Whatever stands under `error`, the reply failed."""
    events = decode(sse({"error": "boom"}))
    assert ("gemini: the upstream answered with status 502", 502) == failure(events)[1:3]


def test_what_was_spent_is_told_of_a_failed_reply_too() -> None:
    """Tokens that are known when a reply fails are told before its error."""
    spent = chunk({"text": "a"}, usageMetadata={"promptTokenCount": 3})
    events = decode(sse(spent, ERROR))
    assert Usage(3, 0) == events[-2]
    assert 503 == failure(events)[2]


def test_nothing_follows_the_end() -> None:
    """What comes after an error is ignored, in the same read or later."""
    decoder = GeminiDecoder(1, "gemini")
    assert 1 == len(decoder.feed(sse(ERROR, *FULL)))
    assert [] == decoder.feed(STREAM)
    assert [] == decoder.close()
    assert 1 == len(decode_reply(orjson.dumps([ERROR, *FULL]), 1, "gemini"))


def test_a_stream_without_a_finish_reason_broke_off() -> None:
    """Every candidate has to give one, and an empty stream has none."""
    assert protocol_error(ENDED) == failure(decode(b""))
    assert protocol_error(ENDED) == failure(decode(sse(*FULL[:-1])))
    assert protocol_error(ENDED) == failure(decode(array(*FULL[:-1])[:-1]))
    assert protocol_error(ENDED) == failure(decode(b"<html>Bad Gateway</html>"))
    assert protocol_error(ENDED) == failure(decode(b"[}]"))
    other = {**NAMED, "candidates": [{"index": 1, "content": {"parts": [{"text": "b"}]}}]}
    assert protocol_error(ENDED) == failure(decode(sse(other, FULL[-1])))
    assert protocol_error(ENDED) == failure(decode_reply(b"[]", 1, "gemini"))


@shared(WIRES)
@given(st.sampled_from([STREAM, array(*FULL)]), st.floats(0, 1))
def test_a_stream_that_breaks_off_ends_in_an_error(stream: bytes, place: float) -> None:
    """Wherever it breaks, what came before is there, and then one error."""
    last = stream.rindex(b"}")
    events = decode(stream[: int(place * last)])
    assert failure(events) in [protocol_error(ENDED), protocol_error(CUT)]
    shown = [event for event in events[:-1] if not isinstance(event, Usage)]
    assert FULL_EVENTS[: len(shown)] == shown


@pytest.mark.parametrize(
    "native",
    ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE", 9],
)
def test_a_reply_that_the_model_could_not_finish_failed(native: Any) -> None:
    """It is an error that may be tried again, and no empty answer."""
    candidate = {"finishMessage": "Malformed call."}
    events = decode(sse(chunk({"text": "a"}, finish=native, candidate=candidate)))
    code = "MALFORMED_FUNCTION_CALL" if native == 9 else native
    told = "Malformed call.", 502, "server_error", code, "gemini"
    assert (UpstreamStatusError, *told) == failure(events)
    assert failing(events).retryable is None


def failing(events: list[Event]) -> Any:
    """The error that ends the events."""
    last: Any = events[-1]
    return last.error


def test_what_would_fail_again_is_not_tried_again() -> None:
    """A request that lacks a signature lacks it the next time as well."""
    error = failing(decode(sse(chunk(finish="MISSING_THOUGHT_SIGNATURE"))))
    assert "gemini: a thought signature is missing in the request" == error.message
    assert error.retryable is False


@pytest.mark.parametrize(
    "reply",
    [
        1,
        "text",
        {"candidates": {"a": 1}},
        {"candidates": [1]},
        {"candidates": [{"index": 128}]},
        {"candidates": [{"index": "a"}]},
        {"candidates": [{"finishReason": [1]}]},
        {"candidates": [{"content": {"parts": [1]}}]},
        {"responseId": 1},
        chunk({"text": 1}),
        chunk({"text": "a", "thoughtSignature": 1}),
        chunk({"functionCall": {"args": {}}}),
        chunk(call("f", partialArgs=[]) | {"functionCall": {"name": "f", "willContinue": True}}),
        chunk({"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "$.a"}]}}),
    ],
)
def test_what_is_not_of_the_wire_is_an_error(reply: Any) -> None:
    """Other JSON ends the reply, and nothing of it is shown."""
    assert protocol_error(MALFORMED) == failure(decode(sse(reply)))
    assert protocol_error(MALFORMED) == failure(decode_reply(orjson.dumps(reply), 1, "gemini"))


@pytest.mark.parametrize("source", [1, {"web": {"uri": 1}}, {"web": {"title": 1}}])
def test_malformed_sources_end_the_reply(source: Any) -> None:
    """They come last, so that all the rest has been told."""
    candidate = {"groundingMetadata": {"groundingChunks": [source]}}
    events = decode(sse(chunk({"text": "a"}, finish="STOP", candidate=candidate)))
    assert protocol_error("malformed sources") == failure(events)


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: \xff\n\n", b"data: [DONE\n\n"])
def test_what_is_no_json_is_an_error(data: bytes) -> None:
    """Neither is text, nor bytes that are no text."""
    assert protocol_error(MALFORMED) == failure(decode(data))


@shared(WIRES)
@given(likely)
def test_no_json_raises(reply: Any) -> None:
    """Whatever a reply holds, it becomes events that obey the grammar."""
    for events in (decode(sse(reply)), decode_reply(orjson.dumps(reply), 1, "gemini")):
        assert isinstance(events[-1], Done | StreamError)
        if not isinstance(events[0], StreamError | Usage):
            check_grammar(events)


@shared(WIRES)
@given(
    st.binary(max_size=60).map(lambda data: b"\n" + data) | st.text('{}[]",\\\n ').map(str.encode),
    st.lists(st.integers(0, 60)),
)
def test_no_bytes_raise_and_no_split_matters(data: bytes, places: list[int]) -> None:
    """Any bytes end in the same events, however they are cut."""
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    expected = repr(decode(data))
    assert expected == repr(decode(*(data[a:b] for a, b in pairwise(edges))))


@pytest.mark.parametrize("write", [sse, array])
def test_an_object_may_not_be_too_large(write: Any) -> None:
    """What came before it is told, and all splits agree."""
    large = chunk({"text": "x" * 2_000})
    stream = write(FULL[3], large, *FULL)
    whole = decode(stream, max_event_size=1_000)
    assert TextDelta(0, "It is ") == whole[2]
    kind = "event" if write is sse else "element"
    message = f"an {kind} of the upstream's stream is larger than 1000 bytes"
    assert protocol_error(message) == failure(whole)
    assert repr(whole) == repr(decode(*one_by_one(stream), max_event_size=1_000))
    assert repr(whole) == repr(decode(stream, b"", max_event_size=1_000))


def test_an_object_without_an_end_is_bounded_too() -> None:
    """A stream that never closes its object does not fill the memory."""
    decoder = GeminiDecoder(1, "gemini", max_event_size=10)
    assert [] == decoder.feed(b"[" + b'{"a":' * 10)
    message = "an element of the upstream's stream is larger than 10 bytes"
    assert protocol_error(message) == failure(decoder.close())
    decoder = GeminiDecoder(1, "gemini", max_event_size=1_000)
    assert 3 == len(decoder.feed(sse(FULL[3]) + b"data: " * 1_000))
    message = "an event of the upstream's stream is larger than 1000 bytes"
    assert protocol_error(message) == failure(decoder.close())


def test_a_whole_reply_may_be_read_as_a_stream() -> None:
    """The first byte tells one from the other, whatever the content type says."""
    assert FULL_EVENTS[-2:] == decode(*one_by_one(orjson.dumps(FULL_REPLY)))[-2:]
