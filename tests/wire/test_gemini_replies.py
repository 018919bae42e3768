"""Promises of Gemini's reply decoders."""

from __future__ import annotations

from itertools import pairwise
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
    MessageStart,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.messages import Text, Thinking, ToolCall, assemble, synthetic_call_id
from asgi_thinking.wire.gemini import GeminiDecoder, decode_reply
from tests.strategies import WIRES, check_grammar, shared
from tests.wire.gemini_transcripts import (
    FULL,
    FULL_EVENTS,
    FULL_REPLY,
    NAMED,
    START,
    USAGE,
    JSONObject,
    array,
    call,
    chunk,
    decode,
    one_by_one,
    sse,
)

FRAMINGS = {
    "crlf": sse(*FULL),
    "lf": sse(*FULL, line=b"\n"),
    "no space": sse(*FULL, line=b"\n").replace(b"data: ", b"data:"),
    "comments": b": hello\n\n"
    + sse(*FULL, line=b"\n").replace(b"data: ", b": ping\nid: 1\ndata: "),
    "pretty array": array(*FULL),
    "compact array": array(*FULL, pretty=False),
    "array of lines": array(*FULL, pretty=False).replace(b"},{", b"}\r\n,\r\n{") + b"\r\n",
}
STREAM = FRAMINGS["crlf"]


def said(*replies: JSONObject) -> list[Event]:
    """The events between the start and the end of a stream of these."""
    events = decode(sse(*replies))
    assert START == events[0]
    assert Done() == events[-1]
    check_grammar(events)
    return events[1:-1]


@pytest.mark.parametrize("stream", FRAMINGS.values(), ids=FRAMINGS)
def test_a_stream_becomes_events_in_every_framing(stream: bytes) -> None:
    """Every part keeps its order, text, signature and arguments, whole and byte by byte."""
    assert FULL_EVENTS == decode(stream)
    assert FULL_EVENTS == decode(*one_by_one(stream))
    check_grammar(FULL_EVENTS)


@shared(WIRES)
@given(st.sampled_from([*FRAMINGS.values()]), st.lists(st.floats(0, 1)))
def test_every_split_gives_the_same_events(stream: bytes, places: list[float]) -> None:
    """The events do not depend on how the network cut the stream."""
    edges = [0, *sorted(int(place * len(stream)) for place in places), len(stream)]
    assert FULL_EVENTS == decode(*(stream[a:b] for a, b in pairwise(edges)))


def test_events_leave_with_the_read_that_brings_them() -> None:
    """Nothing that is complete waits for a later read."""
    decoder = GeminiDecoder(1, "gemini")
    first = decoder.feed(sse(chunk({"text": "a", "thought": True})))
    assert [START, BlockStart(0, "thinking"), ThinkingDelta(0, "a")] == first
    assert [ThinkingDelta(0, "b")] == decoder.feed(sse(chunk({"text": "b", "thought": True})))
    turn = [BlockStop(0), BlockStart(1, "text"), TextDelta(1, "c")]
    assert turn == decoder.feed(sse(chunk({"text": "c"})))
    assert [] == decoder.feed(b"")


def test_a_reply_means_the_same_streamed_or_not() -> None:
    """The JSON reply, alone or as an array of a stream's objects, gives the same message."""
    expected = assemble(FULL_EVENTS)
    assert expected == assemble(decode_reply(orjson.dumps(FULL_REPLY), 1, "gemini"))
    assert expected == assemble(decode_reply(array(*FULL), 1, "gemini"))
    assert expected == assemble(decode(orjson.dumps(FULL_REPLY)))


def test_only_the_blank_line_may_be_missing() -> None:
    """A stream whose last event is whole has ended."""
    assert FULL_EVENTS == decode(STREAM[:-4])


def test_a_signed_part_is_a_block_of_its_own() -> None:
    """No text joins a signed one, before or after it, and a signature alone is one too."""
    replies = (
        chunk({"text": "a"}),
        chunk({"text": "b", "thoughtSignature": "s1"}),
        chunk({"text": "c", "thoughtSignature": "s2"}, {"text": "d"}),
        chunk({"thoughtSignature": "s3"}, finish="STOP"),
    )
    signed = [Text(text, f"s{n}", "gemini") for n, text in enumerate("bc", 1)]
    blocks = (Text("a"), *signed, Text("d"), Text("", "s3", "gemini"))
    assert blocks == assemble(decode(sse(*replies))).choices[0].blocks


def test_thoughts_may_be_signed_too() -> None:
    """A signature on a thought stays on it."""
    reply = chunk(
        {"text": "t", "thought": True, "thoughtSignature": "s1"},
        {"thought": True, "thoughtSignature": "s2"},
        finish="STOP",
    )
    blocks = assemble(decode(sse(reply))).choices[0].blocks
    assert (Thinking("t", "s1", "gemini"), Thinking("", "s2", "gemini")) == blocks


def test_empty_parts_say_nothing() -> None:
    """Neither an empty text nor an empty part opens a block."""
    reply = chunk({"text": ""}, {}, {"text": "", "thought": True}, finish="STOP")
    assert [Finish("stop", "STOP")] == said(reply)


def test_a_calls_signature_comes_before_its_arguments() -> None:
    """Clients look for it where the call starts."""
    events = said(chunk(call("f", {"a": 1}, thoughtSignature="s"), finish="STOP"))
    call_id = synthetic_call_id("r1", 0)
    expected = [
        BlockStart(0, "tool_call", id=call_id, name="f", origin="gemini"),
        SignatureDelta(0, "s"),
        ToolCallDelta(0, '{"a":1}'),
        BlockStop(0),
        Finish("tool_calls", "tool_calls"),
    ]
    assert expected == events


def test_ids_of_calls_are_distinct_whatever_the_vendor_says() -> None:
    """A vendor's id is kept the first time; where there is none, or it comes again, ours is."""
    calls = [call("f"), call("f"), call("f")]
    for part in calls[1:]:
        part["functionCall"]["id"] = "x"
    blocks = assemble(decode(sse(chunk(*calls, finish="STOP")))).choices[0].blocks
    ids = [block.id for block in blocks if isinstance(block, ToolCall)]
    assert [synthetic_call_id("r1", 0), "x", synthetic_call_id("r1", 2)] == ids


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("OTHER", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("SOMETHING_NEW", "stop"),
    ],
)
def test_finish_reasons(native: str, expected: Any) -> None:
    """Every reason has its OpenAI word and is kept beside it."""
    assert [Finish(expected, native)] == said(chunk(finish=native))


@pytest.mark.parametrize(
    ("number", "native", "expected"),
    [
        (1, "STOP", "stop"),
        (2, "MAX_TOKENS", "length"),
        (3, "SAFETY", "content_filter"),
        (6, "BLOCKLIST", "content_filter"),
        (99, "99", "stop"),
    ],
)
def test_reasons_in_numbers(number: int, native: str, expected: Any) -> None:
    """Vertex AI gives its enums as integers if it is asked to."""
    assert [Finish(expected, native)] == said(chunk(finish=number))


def test_calls_that_were_cut_off_do_not_finish_as_calls() -> None:
    """Only a reply that stopped by itself asks for its calls to be run."""
    events = said(chunk(call("f"), finish="MAX_TOKENS"))
    assert Finish("length", "MAX_TOKENS") == events[-1]


def test_the_last_reason_counts() -> None:
    """Older models gave a reason with every object, and an unspecified one is none."""
    unspecified = chunk({"text": "b"}, finish="FINISH_REASON_UNSPECIFIED")
    events = said(chunk({"text": "a"}, finish="STOP"), unspecified, chunk(finish="MAX_TOKENS"))
    assert [TextDelta(0, "a"), TextDelta(0, "b")] == events[1:3]
    assert Finish("length", "MAX_TOKENS") == events[-1]


def test_a_refused_reply_says_why() -> None:
    """The vendor's message becomes the refusal."""
    candidate = {"finishMessage": "Not that."}
    expected = [
        BlockStart(0, "text"),
        TextDelta(0, "a"),
        BlockStop(0),
        BlockStart(1, "refusal"),
        TextDelta(1, "Not that."),
        BlockStop(1),
        Finish("content_filter", "SAFETY"),
    ]
    assert expected == said(chunk({"text": "a"}, finish="SAFETY", candidate=candidate))
    # The message of another reason is nobody's refusal.
    assert [Finish("stop", "STOP")] == said(chunk(finish="STOP", candidate=candidate))


@pytest.mark.parametrize(
    ("reason", "native"), [("JAILBREAK", "JAILBREAK"), (1, "SAFETY"), (77, "77")]
)
def test_a_blocked_prompt_is_a_refusal(reason: Any, native: str) -> None:
    """It comes with status 200 and without candidates."""
    feedback = {"blockReason": reason, "blockReasonMessage": "Not this."}
    reply = {**NAMED, "promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 7}}
    expected = [
        BlockStart(0, "refusal"),
        TextDelta(0, "Not this."),
        BlockStop(0),
        Usage(7, 0),
        Finish("content_filter", native),
    ]
    assert expected == said(reply)
    assert expected == decode_reply(orjson.dumps(reply), 1, "gemini")[1:-1]


def test_ratings_of_a_prompt_that_was_answered_block_nothing() -> None:
    """Feedback without a reason is no refusal."""
    feedback: JSONObject = {"safetyRatings": []}
    assert [Finish("stop", "STOP")] == said({**chunk(finish="STOP"), "promptFeedback": feedback})


def test_usage_counts_thoughts_as_output() -> None:
    """Thoughts stand outside the vendor's own count, and the last of the counts is whole."""
    early = chunk(usageMetadata={"promptTokenCount": 12, "thoughtsTokenCount": 5})
    assert Usage(17, 87, 57, 4) == said(early, chunk(finish="STOP", usageMetadata=USAGE))[0]
    later = chunk(finish="STOP", usageMetadata={"trafficType": "ON_DEMAND"})
    assert Usage(12, 5, 5) == said(early, later)[0]


def test_usage_says_only_what_it_knows() -> None:
    """A count that is missing, or is no number, is unknown; without any there is no usage."""
    counts = {"candidatesTokenCount": 3, "thoughtsTokenCount": "many"}
    assert [Usage(None, 3), Finish("stop", "STOP")] == said(
        chunk(finish="STOP", usageMetadata=counts)
    )
    assert [Finish("stop", "STOP")] == said(chunk(finish="STOP", usageMetadata={"x": 1}))


def test_candidates_are_choices() -> None:
    """Their blocks may alternate; each has its own finish, and the index may be missing."""
    first = {"content": {"parts": [{"text": "a"}]}}
    second = {"index": 1, "content": {"parts": [{"text": "b"}]}}
    both = {**NAMED, "candidates": [first, second]}
    last = {
        **NAMED,
        "candidates": [{"finishReason": "STOP"}, {"index": 1, "finishReason": "MAX_TOKENS"}],
    }
    expected = [
        BlockStart(0, "text"),
        TextDelta(0, "a"),
        BlockStart(1, "text", 1),
        TextDelta(1, "b"),
        TextDelta(0, "a"),
        TextDelta(1, "b"),
        BlockStop(0),
        BlockStop(1),
        Finish("stop", "STOP"),
        Finish("length", "MAX_TOKENS", 1),
    ]
    assert expected == said(both, both, last)


def test_a_reply_without_a_name_gets_one() -> None:
    """Its id is made of what it says, so that every split gives the same; the model is as asked."""
    reply = {"candidates": [{"content": {"parts": [call("f")]}, "finishReason": "STOP"}]}
    start, called, *_ = events = decode(*one_by_one(sse(reply)))
    assert events == decode(array(reply))
    assert isinstance(start, MessageStart)
    assert isinstance(called, BlockStart)
    assert start.id.startswith("gemini-")
    assert "asked" == start.model
    assert synthetic_call_id(start.id, 0) == called.id


def test_half_surrogates_are_mended() -> None:
    """Half a surrogate pair in an escape, which no JSON should hold, costs only itself."""
    text = b'{"candidates":[{"content":{"parts":[{"text":"a\\ud83d"}]},"finishReason":"STOP"}]}'
    assert TextDelta(0, "a\N{REPLACEMENT CHARACTER}") == decode(b"data: " + text)[2]
