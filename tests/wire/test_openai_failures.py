"""Promises of the decoders of chat completions about replies that fail."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.events import (
    BlockStart,
    BlockStop,
    Done,
    Event,
    Finish,
    StreamError,
    ThinkingDelta,
)
from asgi_thinking.exceptions import UpstreamProtocolError, UpstreamStatusError
from asgi_thinking.wire.openai import OpenAIDecoder, decode_error, decode_reply
from tests.strategies import WIRES, check_grammar, likely, shared
from tests.wire.openai_transcripts import (
    DONE,
    FULL,
    FULL_STREAM,
    HEAD,
    STARTED,
    USAGE,
    JSONObject,
    chunk,
    completion,
    cut,
    decode,
    finished,
    sse,
)


def failure(events: list[Event]) -> Any:
    """The error that ends the events."""
    last = events[-1]
    assert isinstance(last, StreamError)
    assert not [event for event in events[:-1] if isinstance(event, StreamError | Done)]
    return last.error


ERROR = {"message": "No.", "type": "t", "param": "p", "code": "c"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"error": ERROR}, 502),
        ({"error": {"message": "No.", "code": 429, "metadata": {}}}, 429),
        ({"error": {"message": "No.", "code": "tool_use_failed", "status_code": 400}}, 400),
        ({"error": {"message": "No.", "type": "rate_limit_error", "code": None}}, 429),
        ({"error": {"message": "No.", "type": "overloaded_error"}}, 503),
        ({"error": {"message": "No.", "code": 529}}, 503),
        ({"error": {"message": "No.", "code": 7}}, 502),
        ({"error": "No."}, 502),
        ({"error": [{"message": "No."}]}, 502),
        ({"error": {"error": {"message": "No."}}}, 502),
        ({"object": "error", "message": "No.", "code": 400}, 400),
        ({"type": "error", "error": {"type": "api_error", "message": "No."}}, 500),
        ({**HEAD, "choices": [], "error": {"message": "No.", "code": 502}}, 502),
        (chunk({}, finish_reason="error", error={"message": "No.", "code": 502}), 502),
    ],
)
def test_an_error_in_a_stream_ends_it(error: JSONObject, status: int) -> None:
    """In whatever form it comes, before and after the finish reason, and never as a stop."""
    for before in (
        [],
        [chunk({"content": "a"})],
        [chunk({"content": "a"}, finish_reason="length")],
    ):
        for stream in (sse(*before, error) + DONE, sse(*before, error)):
            events = decode(stream)
            assert events == decode(*cut(stream, *range(len(stream))))[:-1] + events[-1:]
            assert ("No.", status) == (failure(events).message, failure(events).status)
            assert not [event for event in events if isinstance(event, Finish)]
    assert "No." == failure(decode_reply(orjson.dumps(error), 1, "openai")).message


@pytest.mark.parametrize(
    "data", [b'{"message":"No."}', b'{"error":{"message":"No."}}', b'{"detail":"No."}']
)
def test_an_event_named_error_is_one(data: bytes) -> None:
    """Whatever its data is; Groq's failed tool calls come so, and nothing after them."""
    stream = sse(chunk({"content": "a"})) + b"event: error\ndata: " + data + b"\n\n"
    error = failure(decode(stream))
    assert UpstreamStatusError is type(error)
    assert ("No.", 502, "openai") == (error.message, error.status, error.provider)


def test_an_error_after_the_finish_reason_leaves_whole_blocks() -> None:
    """OpenRouter tells of an error when all has been said; the thinking is complete by then."""
    thought = chunk({"reasoning": "a"})
    events = decode(sse(thought, chunk(finish_reason="length"), {"error": ERROR}))
    assert [STARTED, BlockStart(0, "thinking"), ThinkingDelta(0, "a"), BlockStop(0)] == events[:-1]
    assert 3 == len(decode(sse(thought, {"error": ERROR}))[:-1])


@pytest.mark.parametrize(
    ("reason", "status"),
    [("error", 502), ("network_error", 502), ("insufficient_system_resource", 503)],
)
def test_a_reply_that_broke_off_is_no_good_one(reason: str, status: int) -> None:
    """Finish reasons that mean failure fail, in a stream and in JSON."""
    error = failure(decode(finished({"content": "a"}, reason=reason)))
    body = completion({"content": "a"}).replace(b'"stop"', b'"%b"' % reason.encode())
    assert (status, reason) == (error.status, error.code)
    assert error.message == failure(decode_reply(body, 1, "openai")).message


def protocol_error(events: list[Event]) -> str:
    """The message of the protocol error that ends the events."""
    error = failure(events)
    assert (UpstreamProtocolError, 502, "openai") == (type(error), error.status, error.provider)
    return str(error.message)


def test_a_stream_that_ends_too_early_is_an_error() -> None:
    """Cut anywhere before its finish reason it never looks like a good reply."""
    stream = finished({"reasoning": "a"}, {"content": "b"})
    last = stream.index(b'"finish_reason":"stop"')
    message = "openai: the stream ended before its finish_reason, expected a chat completion"
    for place in range(0, last, 9):
        assert message == protocol_error(decode(stream[:place]))
    other = sse(chunk({"content": "a"}, index=1))
    assert message == protocol_error(decode(sse(chunk(finish_reason="stop")) + other))


@pytest.mark.parametrize(
    "stream", [DONE, b"", sse({**HEAD, "choices": [], "usage": USAGE}) + DONE, b"\n\n", b": x\n\n"]
)
def test_a_stream_without_choices_is_an_error(stream: bytes) -> None:
    """An empty body and a lone [DONE] are no replies."""
    assert "expected a chat completion" in protocol_error(decode(stream))


@pytest.mark.parametrize(
    "data",
    [
        b"not JSON",
        b"[]",
        b"null",
        b'"x"',
        b'{"id":"a","choices":1}',
        b'{"id":"a","choices":{"a":1}}',
        b'{"id":"a","choices":["x"]}',
        b'{"id":"a","choices":[{"index":-1,"delta":{}}]}',
        b'{"id":"a","choices":[{"index":100000,"delta":{}}]}',
        b'{"id":"a","choices":[{"index":"0","delta":{}}]}',
        b'{"id":"a","choices":[{"index":0,"delta":"x"}]}',
        b'{"id":"a","choices":[{"index":0,"delta":{"content":7}}]}',
        b'{"id":"a","choices":[{"index":0,"delta":{"reasoning":7}}]}',
        b'{"id":"a","choices":[{"index":0,"delta":{"refusal":7}}]}',
        b'{"id":"a","choices":[{"index":0,"delta":{"tool_calls":[7]}}]}',
        b'{"id":"a","choices":[{"index":0,"delta":{"tool_calls":[{"id":7}]}}]}',
        b'{"id":"a","choices":[{"index":0,"delta":{"annotations":[7]}}]}',
        b'{"id":"a","choices":[{"index":0,"delta":{"content":' + b"[" * 300 + b"]" * 300 + b"}}]}",
    ],
)
def test_bytes_that_are_not_of_this_wire_are_an_error(data: bytes) -> None:
    """In a stream and as a whole body, without a word of what they were."""
    message = "openai: malformed chunk, expected a chat completion"
    assert message == protocol_error(decode(b"data: " + data + b"\n\n" + DONE))
    assert 1 == len(decode_reply(data, 1, "openai"))
    assert "expected a chat completion" in protocol_error(decode_reply(data, 1, "openai"))


def test_an_event_may_not_be_larger_than_the_limit() -> None:
    """Neither in a read nor at the end."""
    big = b"data: " + b"x" * 200
    message = "openai: an event of the upstream's stream is larger than 100 bytes"
    assert message == protocol_error(decode(big + b"\n\n", max_event_size=100))
    decoder = OpenAIDecoder(1, "openai", max_event_size=100)
    assert 1 == len(decoder.feed(b'data: {"id":"a","choices":[{}]}\n\n' + big))
    assert message == protocol_error([*decoder.close()])


def test_half_an_event_at_the_end_is_none() -> None:
    """A last chunk that was cut off says nothing."""
    assert [STARTED] == decode(sse(chunk({})) + b'data: {"id":"chatcmpl-1","cho')[:-1]


@shared(WIRES)
@given(
    st.integers(0, len(FULL) - 1), st.sampled_from(["choices", "usage", "id", "model", "x"]), likely
)
def test_no_chunk_raises(number: int, key: str, value: Any) -> None:
    """Whatever stands in a chunk, the events are those of a good or a failed reply."""
    chunks = copy.deepcopy(FULL)
    chunks[number][key] = value
    events = decode(sse(*chunks) + DONE)
    check_grammar(events if len(events) > 1 else [STARTED, *events])
    assert isinstance(events[-1], Done | StreamError)


DELTA_KEYS = st.sampled_from(
    [
        "content",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "reasoning_signature",
        "thinking_blocks",
        "tool_calls",
        "refusal",
        "annotations",
        "role",
    ]
)
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["reasoning.text", "reasoning.encrypted", "thinking", "text", 1]),
        "text": likely,
        "thinking": likely,
        "signature": likely,
        "data": likely,
        "index": likely,
        "id": likely,
        "function": likely,
        "format": likely,
        "provider": likely,
        "url_citation": likely,
    },
)


@shared(WIRES)
@given(
    st.lists(
        st.dictionaries(DELTA_KEYS, likely | st.lists(ITEMS, max_size=2), max_size=4), max_size=3
    )
)
def test_no_delta_raises(deltas: list[JSONObject]) -> None:
    """Whatever stands in a delta or a message, the same holds, tags or no tags."""
    for tags in (False, True):
        events = decode(finished(*deltas), think_tags=tags)
        assert isinstance(events[-1], Done | StreamError)
        check_grammar([STARTED, *events[1:]])
        whole = decode_reply(completion({**deltas[0]} if deltas else {}), 1, "x", think_tags=tags)
        assert isinstance(whole[-1], Done | StreamError)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": ERROR}, ("No.", "t", "p", "c")),
        ({"error": {"message": "No.", "code": 401}}, ("No.", "authentication_error", None, "401")),
        ({"object": "error", "message": "No.", "type": "t"}, ("No.", "t", None, None)),
        ({"error": "No."}, ("No.", "authentication_error", None, None)),
        (
            [{"error": {"message": "No.", "status": "X"}}],
            ("No.", "authentication_error", None, None),
        ),
        ({"detail": "No."}, ("No.", "authentication_error", None, None)),
        ({"msg": "No."}, ("No.", "authentication_error", None, None)),
        ({"error": {}}, (None, "authentication_error", None, None)),
        ([], (None, "authentication_error", None, None)),
        ("x", (None, "authentication_error", None, None)),
        ({"detail": [{"loc": []}]}, (None, "authentication_error", None, None)),
    ],
)
def test_an_error_body_says_what_the_vendor_said(body: Any, expected: tuple[Any, ...]) -> None:
    """Message, type, param and code, in any of the forms that servers have."""
    error = decode_error(401, orjson.dumps(body), "openai")
    message = expected[0] or "openai: the upstream answered with status 401"
    assert (message, *expected[1:]) == (error.message, error.type, error.param, error.code)
    assert (401, "openai") == (error.status, error.provider)


def test_a_body_that_is_no_json_is_not_shown() -> None:
    """A proxy's HTML stays where it is; statuses that clients do not know are mended."""
    error = decode_error(502, b"<html>secret</html>", "openai")
    assert "openai: the upstream answered with status 502" == error.message
    assert [503, 502, 413] == [decode_error(n, b"", "openai").status for n in (529, 302, 413)]


def test_nothing_follows_a_failure() -> None:
    """What comes after an error is ignored."""
    decoder = OpenAIDecoder(1, "openai")
    assert 1 == len(decoder.feed(b"data: x\n\n" + FULL_STREAM))
    assert [] == [*decoder.feed(FULL_STREAM), *decoder.close()]
