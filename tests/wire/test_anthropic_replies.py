"""Promises of the Messages API's reply decoders."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Finish,
    MessageStart,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.messages import ToolCall, assemble
from asgi_thinking.wire.anthropic import AnthropicDecoder, MessageDecoder, decode_reply
from tests.wire.anthropic_transcripts import (
    CITATION,
    FULL,
    FULL_EVENTS,
    FULL_MESSAGE,
    START,
    STOP,
    USAGE,
    JSONObject,
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


def said(*events: JSONObject) -> list[Event]:
    """The events between the start and the end of a stream of these."""
    decoded = decode(sse(START, *events, STOP))
    assert decoded[:2] == HEAD
    return decoded[2:]


def one_by_one(stream: bytes) -> list[bytes]:
    """The stream as reads of one byte."""
    return [stream[i : i + 1] for i in range(len(stream))]


def test_a_stream_becomes_events() -> None:
    """Every block keeps its order, text, signature and data, whole and byte by byte."""
    assert FULL_EVENTS == decode(FULL_STREAM)
    assert FULL_EVENTS == decode(*one_by_one(FULL_STREAM))
    assert FULL_EVENTS == decode(*one_by_one(FULL_STREAM.replace(b"\n", b"\r\n")))


@given(st.lists(st.integers(0, len(FULL_STREAM))))
def test_every_split_gives_the_same_events(places: list[int]) -> None:
    """The events do not depend on how the network cut the stream."""
    edges = [0, *sorted(places), len(FULL_STREAM)]
    assert FULL_EVENTS == decode(*(FULL_STREAM[a:b] for a, b in pairwise(edges)))


def test_events_leave_with_the_read_that_brings_them() -> None:
    """Nothing that is complete waits for a later read."""
    decoder = AnthropicDecoder(1, "anthropic")
    assert HEAD == decoder.feed(sse(START))
    assert [BlockStart(0, "text")] == decoder.feed(sse(block_start(0, type="text", text="")))
    assert [TextDelta(0, "a")] == decoder.feed(sse(delta(0, "text_delta", text="a")))
    assert [BlockStop(0)] == decoder.feed(sse(block_stop(0)))
    assert [] == decoder.feed(b"")


def test_a_reply_means_the_same_streamed_or_not() -> None:
    """The message assembled from a stream is that of the JSON reply."""
    streamed = assemble(decode(FULL_STREAM))
    whole = assemble(decode_reply(orjson.dumps(FULL_MESSAGE), 1, "anthropic"))
    assert '{"zone":"CET","n":1.0}' == calls(whole)[0].arguments
    assert '{"zone": "CET", "n": 1.0}' == calls(streamed)[0].arguments
    assert without_calls(streamed) == without_calls(whole)


def calls(message: Any) -> list[ToolCall]:
    """The calls of a message."""
    return [block for block in message.choices[0].blocks if isinstance(block, ToolCall)]


def without_calls(message: Any) -> Any:
    """A message whose calls are nameless, for JSON text has many spellings."""
    blocks = tuple(
        replace(block, arguments="") if isinstance(block, ToolCall) else block
        for block in message.choices[0].blocks
    )
    return replace(message, choices=(replace(message.choices[0], blocks=blocks),))


def test_the_frames_of_another_framing_are_decoded_alike() -> None:
    """Where events come without SSE, their JSON alone is enough."""
    decoder = MessageDecoder(1, "anthropic")
    events = [e for event in FULL for e in decoder.feed([orjson.dumps(event)])]
    assert FULL_EVENTS == events + decoder.close()


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "length"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_stop_reasons(native: str, expected: Any) -> None:
    """Every stop reason has its OpenAI word and is kept beside it."""
    assert [Usage(33, 89, None, 20, 3), Finish(expected, native), Done()] == said(ending(native))


def test_calls_of_the_vendors_own_tools_do_not_finish_as_calls() -> None:
    """The caller is told of calls only if there are any for it."""
    events = said(block_start(0, type="mcp_tool_use", id="x", input={}), ending("tool_use"))
    assert [Finish("stop", "tool_use"), Done()] == events[-2:]


def test_a_reply_without_a_stop_reason_ends_all_the_same() -> None:
    """The wire's own end decides, not the reason."""
    assert [Finish("stop", "end_turn"), Done()] == said()


def test_a_refusal_is_explained() -> None:
    """The vendor's explanation becomes a block of its own."""
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    expected = [
        BlockStart(0, "refusal"),
        TextDelta(0, "No."),
        BlockStop(0),
        Finish("content_filter", "refusal"),
        Done(),
    ]
    assert expected == said(ending("refusal", stop_details=details))[1:]
    silent = {**details, "explanation": None}
    assert expected[3:] == said(ending("refusal", stop_details=silent))[1:]


def test_a_whole_reply_may_stand_in_message_start() -> None:
    """Programmatic tool calls come without any event for their blocks, or for their end."""
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}, "caller": {}}
    message = START["message"] | {"content": [call], "stop_reason": "tool_use"}
    expected = [
        *HEAD,
        BlockStart(0, "tool_call", id="t", name="f"),
        ToolCallDelta(0, '{"a":1}'),
        BlockStop(0),
        Finish("tool_calls", "tool_use"),
        Done(),
    ]
    assert expected == decode(sse({**START, "message": message}, STOP))


def test_what_a_block_starts_with_is_kept() -> None:
    """Text, arguments and signature may come with the start; fragments replace arguments."""
    expected = [
        BlockStart(0, "thinking"),
        ThinkingDelta(0, "so"),
        SignatureDelta(0, "cw=="),
        BlockStop(0),
        BlockStart(1, "text"),
        TextDelta(1, "a"),
        BlockStop(1),
        BlockStart(2, "tool_call", id="t", name="f"),
        ToolCallDelta(2, "{}"),
        BlockStop(2),
        Finish("stop", "end_turn"),
        Done(),
    ]
    assert expected == said(
        block_start(0, type="thinking", thinking="so", signature="cw=="),
        block_stop(0),
        block_start(1, type="text", text="a", citations=None),
        block_stop(1),
        block_start(2, type="tool_use", id="t", name="f", input={"b": 1}),
        delta(2, "input_json_delta", partial_json="{}"),
        block_stop(2),
    )


def test_blocks_may_be_open_side_by_side() -> None:
    """Fragments go to the block they name; what the end finds open is closed."""
    expected = [
        BlockStart(0, "text"),
        BlockStart(1, "thinking"),
        TextDelta(0, "a"),
        ThinkingDelta(1, "b"),
        TextDelta(0, "c"),
        BlockStop(0),
        BlockStart(2, "text"),
        BlockStop(1),
        BlockStop(2),
        Finish("stop", "end_turn"),
        Done(),
    ]
    assert expected == said(
        block_start(5, type="text", text=""),
        block_start(3, type="thinking", thinking=""),
        delta(5, "text_delta", text="a"),
        delta(3, "thinking_delta", thinking="b"),
        delta(5, "text_delta", text="c"),
        block_start(5, type="text", text=""),
    )


@pytest.mark.parametrize(
    ("start", "deltas", "expected"),
    [
        pytest.param(
            {"type": "compaction", "content": None},
            [delta(0, "compaction_delta", content="short", encrypted_content=None)],
            {"type": "compaction", "content": "short", "encrypted_content": None},
            id="compaction",
        ),
        pytest.param(
            {"type": "new", "text": "a", "signature": "old"},
            [
                delta(0, "text_delta", text="b"),
                delta(0, "text_delta", text="c"),
                delta(0, "signature_delta", signature="x"),
                delta(0, "signature_delta", signature="y"),
                delta(0, "citations_delta", citation=CITATION),
            ],
            {"type": "new", "text": "abc", "signature": "y", "citations": [CITATION]},
            id="text",
        ),
        pytest.param(
            {"type": "server_tool_use", "input": {}},
            [delta(0, "input_json_delta", partial_json='{"code": "pri')],
            {"type": "server_tool_use", "input": {}},
            id="arguments-cut-off",
        ),
    ],
)
def test_unknown_blocks_are_kept_whole(
    start: JSONObject, deltas: list[JSONObject], expected: JSONObject
) -> None:
    """A block that is not understood is one JSON text, with everything its fragments added."""
    events = said(block_start(0, **copy.deepcopy(start)), *deltas)
    opened = events[0]
    assert isinstance(opened, BlockStart)
    assert "opaque" == opened.kind
    assert expected == orjson.loads(opened.data or "")


def test_sources_span_their_block_in_the_whole_answer() -> None:
    """Offsets count the code points of all text so far, not those of the block."""
    events = said(
        block_start(0, type="text", text="Grüße 👍"),
        block_stop(0),
        block_start(1, type="text", text=""),
        delta(1, "citations_delta", citation={"type": "new"}),
        delta(1, "text_delta", text="ab"),
        block_stop(1),
    )
    assert Annotation(1, 7, 9, "", "", {"type": "new"}) in events


def test_usage_is_merged() -> None:
    """The last count of each kind wins, and only a change is told."""
    same = {**ending(None), "usage": {"output_tokens": 1}}
    less = {**ending(None), "usage": None}
    assert [Finish("stop", "end_turn"), Done()] == said(same, less)
    bare = START | {"message": START["message"] | {"usage": {"output_tokens": 4}}}
    assert Usage(None, 4) == decode(sse(bare, STOP))[1]


def test_half_a_surrogate_pair_does_no_harm() -> None:
    """What no JSON writer should send becomes the replacement character."""
    stream = sse(START, block_start(0, type="text", text="X"), STOP).replace(b'X"', b'\\ud83d"')
    assert TextDelta(0, "\N{REPLACEMENT CHARACTER}") in decode(stream)


def test_events_of_other_names_are_not_even_read() -> None:
    """Vertex adds events of its own, which need not be JSON."""
    strange = b"event: vertex_event\ndata: not JSON\n\n"
    assert FULL_EVENTS == decode(strange + FULL_STREAM)


def test_names_may_be_missing() -> None:
    """A stream without `event:` lines is read by the type in its data."""
    stream = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in FULL)
    assert FULL_EVENTS == decode(stream)


def test_counts_without_a_cache_are_known() -> None:
    """Without cache counts the prompt is what the vendor says it is."""
    usage = {"input_tokens": 5, "output_tokens": 2}
    body = orjson.dumps(FULL_MESSAGE | {"usage": usage})
    assert Usage(5, 2) in decode_reply(body, 1, "anthropic")
    assert isinstance(decode_reply(body, 1, "anthropic")[0], MessageStart)
    assert 20 == USAGE["cache_read_input_tokens"]
