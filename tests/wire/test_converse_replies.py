"""Promises of the Converse API's reply decoders."""

from __future__ import annotations

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
    SignatureDelta,
    StreamError,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.messages import Message, Opaque, Text, ToolCall, assemble
from asgi_thinking.wire.converse import ConverseDecoder, decode_reply
from tests.strategies import WIRES, shared
from tests.wire.aws_frames import event, frame
from tests.wire.converse_transcripts import (
    BLOB,
    CITATION,
    END,
    FULL,
    FULL_EVENTS,
    FULL_REPLY,
    HEAD,
    METADATA,
    REDACTED,
    SEARCH,
    START,
    JSONObject,
    delta,
    start,
    stop,
    thought,
)

STREAM = b"".join(FULL)
TAIL: list[Event] = [Finish("stop", "end_turn"), Usage(33, 89, None, 20, 3), Done()]


def decode(*reads: bytes, origin: str = "") -> list[Event]:
    """All events of a stream."""
    decoder = ConverseDecoder(HEAD, origin)
    return [found for data in reads for found in decoder.feed(data)] + decoder.close()


def said(*frames: bytes, origin: str = "") -> list[Event]:
    """The events between the start and the end of a stream of these."""
    decoded = decode(START, *frames, END, METADATA, origin=origin)
    assert [HEAD] == decoded[:1]
    assert TAIL == decoded[-3:]
    return decoded[1:-3]


def told(*blocks: JSONObject, origin: str = "") -> list[Event]:
    """The events of a JSON reply of these blocks, between its start and its end."""
    message = {"role": "assistant", "content": [*blocks]}
    body = {"output": {"message": message}, "stopReason": "end_turn"}
    decoded = decode_reply(orjson.dumps(body), HEAD, origin)
    assert [HEAD] == decoded[:1]
    assert [TAIL[0], TAIL[2]] == decoded[-2:]
    return decoded[1:-2]


def test_a_stream_becomes_events() -> None:
    """Every block keeps its order, text, signature and data, however the reads cut it."""
    assert FULL_EVENTS == decode(STREAM)
    assert FULL_EVENTS == decode(*FULL)
    assert FULL_EVENTS == decode(*(STREAM[i : i + 1] for i in range(len(STREAM))))


@shared(WIRES)
@given(st.lists(st.integers(0, len(STREAM))))
def test_every_split_gives_the_same_events(places: list[int]) -> None:
    """The events do not depend on how the network cut the stream."""
    edges = [0, *sorted(places), len(STREAM)]
    assert FULL_EVENTS == decode(*(STREAM[a:b] for a, b in pairwise(edges)))


def test_events_leave_with_the_read_that_brings_them() -> None:
    """Nothing that is complete waits for a later read; the first delta opens its block."""
    decoder = ConverseDecoder(HEAD)
    assert [HEAD] == decoder.feed(START)
    assert [BlockStart(0, "text"), TextDelta(0, "a")] == decoder.feed(delta(0, text="a"))
    assert [TextDelta(0, "b")] == decoder.feed(delta(0, text="b"))
    assert [BlockStop(0)] == decoder.feed(stop(0))
    assert TAIL[:1] == decoder.feed(END)
    assert TAIL[1:] == decoder.feed(METADATA)
    assert [] == decoder.feed(b"not a frame") + decoder.close()


def test_a_reply_means_the_same_streamed_or_not() -> None:
    """The message assembled from a stream is that of the JSON reply."""
    whole = assemble(decode_reply(orjson.dumps(FULL_REPLY), HEAD))
    assert '{"zone":"CET"}' == calls(whole)[0].arguments
    assert '{"zone": "CET"}' == calls(assemble(FULL_EVENTS))[0].arguments
    assert plain(assemble(FULL_EVENTS)) == plain(whole)


def calls(message: Message) -> list[ToolCall]:
    """The calls of a message."""
    return [block for block in message.choices[0].blocks if isinstance(block, ToolCall)]


def plain(message: Message) -> Message:
    """A message without what JSON has many spellings for."""
    blocks = [
        Opaque("{}")
        if isinstance(block, Opaque)
        else replace(block, arguments="")
        if isinstance(block, ToolCall)
        else block
        for block in message.choices[0].blocks
    ]
    return replace(message, choices=(replace(message.choices[0], blocks=tuple(blocks)),))


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_stop_reasons(native: str, expected: Any) -> None:
    """Every stop reason has its OpenAI word and is kept beside it."""
    events = decode(START, event("messageStop", stopReason=native), METADATA)
    assert [HEAD, Finish(expected, native), *TAIL[1:]] == events


@pytest.mark.parametrize("native", ["malformed_model_output", "malformed_tool_use"])
def test_a_malformed_reply_is_no_good_one(native: str) -> None:
    """A model that could not finish has not stopped; its tokens were spent all the same."""
    ending = event("messageStop", stopReason=native)
    for frames in ((ending, METADATA), (METADATA, ending), (ending,)):
        first, *usage, last = decode(START, *frames)
        assert (HEAD, TAIL[1:2] if len(frames) > 1 else []) == (first, usage)
        assert isinstance(last, StreamError)
        assert (502, native) == (last.error.status, last.error.code)


def test_calls_of_the_models_own_tools_do_not_finish_as_calls() -> None:
    """The caller is told of calls only if there are any for it."""
    ending = event("messageStop", stopReason="tool_use")
    events = decode(START, start(0, toolUse=SEARCH), stop(0), ending, METADATA)
    assert Finish("stop", "tool_use") in events


@pytest.mark.parametrize("frames", [(END, METADATA), (METADATA, END)])
def test_usage_comes_before_the_end_or_after_it(frames: tuple[bytes, bytes]) -> None:
    """The counts follow the finish, in whatever order the upstream told them."""
    assert [HEAD, *TAIL] == decode(START, *frames)


def test_a_stream_without_counts_is_good() -> None:
    """The message has its end; only what it cost is unknown."""
    assert [HEAD, TAIL[0], TAIL[2]] == decode(START, END)
    assert [HEAD, TAIL[0], TAIL[2]] == decode(START, END, event("metadata", metrics={}))


def test_counts_without_a_cache_are_known() -> None:
    """Without cache counts the prompt is what the vendor says it is; zeros are counts."""
    counts = event("metadata", usage={"inputTokens": 5, "outputTokens": 0})
    assert Usage(5, 0) in decode(START, END, counts)
    counts = event("metadata", usage={"inputTokens": 5, "cacheReadInputTokens": 0})
    assert Usage(5, None, None, 0) in decode(START, END, counts)
    assert Usage(None, 3) in decode(START, END, event("metadata", usage={"outputTokens": 3}))


@pytest.mark.parametrize("fields", [None, {}, {"usage": None}, {"delta": {"stop_sequence": None}}])
def test_thinking_tokens_may_be_unknown(fields: Any) -> None:
    """They are the model's own field, which not every model answers with."""
    ending = event("messageStop", stopReason="end_turn", additionalModelResponseFields=fields)
    assert [HEAD, *TAIL] == decode(START, ending, METADATA)


def test_thinking_tokens_are_told_when_the_counts_came_first() -> None:
    """The order of the two frames does not matter."""
    fields = {"usage": {"output_tokens_details": {"thinking_tokens": 7}}}
    ending = event("messageStop", stopReason="end_turn", additionalModelResponseFields=fields)
    assert Usage(33, 89, 7, 20, 3) in decode(START, METADATA, ending)


def test_a_signature_may_stand_alone() -> None:
    """Hidden thinking has no text; its block is there all the same, and the signature is whole."""
    expected = [BlockStart(0, "thinking"), SignatureDelta(0, "c2ln"), BlockStop(0)]
    assert expected == said(thought(0, signature="c2"), thought(0, signature="ln"), stop(0))
    empty = {"reasoningText": {"text": "", "signature": "c2ln"}}
    assert expected == told({"reasoningContent": empty})


def test_empty_fragments_open_nothing() -> None:
    """Empty texts, thoughts, signatures and starts say nothing."""
    assert [] == said(
        delta(0, text=""),
        thought(1, text=""),
        thought(2, signature=""),
        thought(3),
        start(4),
        stop(4),
        delta(5),
        delta(6, type="text"),
        start(7, type="text"),
    )
    nothing: JSONObject = {"reasoningContent": {"x": 1}}
    assert [] == told({"text": ""}, {"reasoningContent": {}}, nothing, {}, {"type": "text"})


def test_thinking_of_other_families_is_theirs() -> None:
    """What Claude's family cannot verify says whose it is; text and calls need no owner."""
    theirs = "bedrock-deepseek"
    expected = [
        BlockStart(0, "text"),
        TextDelta(0, "a"),
        BlockStop(0),
        BlockStart(1, "thinking", origin=theirs),
        ThinkingDelta(1, "b"),
        BlockStop(1),
        BlockStart(2, "redacted_thinking", data=BLOB, origin=theirs),
        BlockStop(2),
    ]
    parts = [delta(0, text="a"), stop(0), thought(1, text="b"), stop(1)]
    assert expected == said(*parts, thought(2, redactedContent=BLOB), stop(2), origin=theirs)
    thoughts: JSONObject = {"reasoningContent": {"reasoningText": {"text": "b"}}}
    hidden: JSONObject = {"reasoningContent": {"redactedContent": BLOB}}
    assert expected == told({"text": "a"}, thoughts, hidden, origin=theirs)


def test_redacted_data_is_that_of_claudes_own_api() -> None:
    """JSON's base64 around Anthropic's goes; what is not wrapped so stays as it is."""
    data = [
        found.data
        for found in said(thought(0, redactedContent=BLOB), thought(0, redactedContent=BLOB))
        if isinstance(found, BlockStart)
    ]
    assert [REDACTED, REDACTED] == data
    for other in ("EmwKAhgBEgy3va3pzix/", "no base64!", "QUJD=", "YWI="):
        expected = BlockStart(0, "redacted_thinking", data=other, origin="bedrock")
        assert [expected, BlockStop(0)] == said(thought(0, redactedContent=other))


def test_a_block_may_change_its_kind() -> None:
    """A delta of another kind under the same number begins another block."""
    assert [
        BlockStart(0, "thinking"),
        ThinkingDelta(0, "a"),
        BlockStop(0),
        BlockStart(1, "text"),
        TextDelta(1, "b"),
        BlockStop(1),
        BlockStart(2, "tool_call", id="t", name="f"),
        BlockStop(2),
        BlockStart(3, "opaque", data='{"type":"image","image":{"format":"png"}}', origin="bedrock"),
        BlockStop(3),
        BlockStart(4, "text"),
        TextDelta(4, "c"),
        BlockStop(4),
    ] == said(
        thought(0, text="a"),
        delta(0, text="b"),
        start(0, toolUse={"toolUseId": "t", "name": "f"}),
        start(0, image={"format": "png"}),
        delta(0, text="c"),
    )


def test_what_the_end_finds_open_is_closed() -> None:
    """A stop may be missing; blocks may be open side by side."""
    assert [
        BlockStart(0, "text"),
        TextDelta(0, "a"),
        BlockStart(1, "thinking"),
        ThinkingDelta(1, "b"),
        TextDelta(0, "c"),
        BlockStop(0),
        BlockStop(1),
    ] == said(delta(5, text="a"), thought(3, text="b"), delta(5, text="c"))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param(
            [start(0, image={"format": "png"}), delta(0, image={"source": {"bytes": "QQ=="}})],
            {"type": "image", "image": {"format": "png", "source": {"bytes": "QQ=="}}},
            id="image",
        ),
        pytest.param(
            [start(0, toolUse=SEARCH), delta(0, toolUse={"input": '{"q": "cut o'})],
            {"type": "toolUse", "toolUse": SEARCH},
            id="input-cut-off",
        ),
        pytest.param(
            [delta(0, audio={"source": {"bytes": "QQ=="}})],
            {"type": "audio", "audio": {"source": {"bytes": "QQ=="}}},
            id="new-kind",
        ),
        pytest.param(
            [
                start(0, toolResult={"toolUseId": "t"}),
                delta(0, toolResult=[{"text": "a"}]),
                delta(0, toolResult=[{"json": {"b": 1}}]),
            ],
            {
                "type": "toolResult",
                "toolResult": {"toolUseId": "t", "content": [{"text": "a"}, {"json": {"b": 1}}]},
            },
            id="result",
        ),
    ],
)
def test_unknown_blocks_are_kept_whole(frames: list[bytes], expected: JSONObject) -> None:
    """A block that is not understood is one JSON text, with everything its fragments added."""
    opened = said(*frames)[0]
    assert isinstance(opened, BlockStart)
    assert ("opaque", "bedrock") == (opened.kind, opened.origin)
    assert expected == orjson.loads(opened.data or "")


def test_unknown_blocks_of_a_whole_reply_are_kept() -> None:
    """Their type is their key, so that clients who know types can send them back."""
    image = {"image": {"format": "png", "source": {"bytes": "QQ=="}}}
    opened = told({"type": "image", **image}, origin="bedrock-amazon")[0]
    assert isinstance(opened, BlockStart)
    assert ("opaque", "bedrock-amazon") == (opened.kind, opened.origin)
    assert {"type": "image", **image} == orjson.loads(opened.data or "")


def test_sources_span_their_block_in_the_whole_answer() -> None:
    """Offsets count the code points of all text so far; a source need not be a web page."""
    page: JSONObject = {"location": {"documentPage": {"documentIndex": 0}}}
    events = said(delta(0, text="Grüße 👍"), stop(0), delta(1, citation=page), delta(1, text="ab"))
    assert Annotation(1, 7, 9, "", "", page) in events
    content: JSONObject = {"content": [{"text": "a"}, {"text": "b"}], "citations": [CITATION]}
    message = assemble([HEAD, *told({"citationsContent": content}), Done(), Finish("stop", "")])
    assert "ab" == message.choices[0].text
    cited = message.choices[0].blocks[0]
    assert isinstance(cited, Text)
    assert [(0, 2, "Clocks")] == [(c.start, c.end, c.title) for c in cited.citations]
    assert [BlockStart(0, "text"), BlockStop(0)] == told({"citationsContent": {}})


def test_a_call_may_have_no_arguments() -> None:
    """No input, or an empty one, gives no fragment."""
    call = {"toolUseId": "t", "name": "f"}
    opened = BlockStart(0, "tool_call", id="t", name="f")
    assert [opened, BlockStop(0)] == said(start(0, toolUse=call), stop(0))
    assert [opened, BlockStop(0)] == told({"toolUse": {**call, "input": {}}})
    assert [opened, BlockStop(0)] == told({"toolUse": call})
    arguments = ToolCallDelta(0, '{"a":[1]}')
    assert [opened, arguments, BlockStop(0)] == told({"toolUse": {**call, "input": {"a": [1]}}})


def test_new_events_are_ignored() -> None:
    """What the API may send one day does no harm."""
    assert [] == said(event("initial-response"), event("ping", x=1))


def test_half_a_surrogate_pair_does_no_harm() -> None:
    """What no JSON writer should send becomes the replacement character."""
    payload = rb'{"contentBlockIndex":0,"delta":{"text":"\ud83d"}}'
    half = frame({":event-type": "contentBlockDelta", ":message-type": "event"}, payload)
    assert TextDelta(0, "\N{REPLACEMENT CHARACTER}") in said(half)
