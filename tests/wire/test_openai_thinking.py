"""Promises of the decoders of chat completions about thinking, under whatever keys it comes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking.events import (
    BlockStart,
    BlockStop,
    Event,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from asgi_thinking.messages import RedactedThinking, Thinking, assemble
from asgi_thinking.wire.openai import decode_reply
from tests.wire.openai_transcripts import (
    DETAILED,
    DETAILED_EVENTS,
    SIGNED,
    JSONObject,
    completion,
    cut,
    decode,
    finished,
    said,
    told,
)

THOUGHT: list[Event] = [BlockStart(0, "thinking"), ThinkingDelta(0, "hm"), BlockStop(0)]
ENCRYPTED: JSONObject = {"type": "reasoning.encrypted", "data": "ZGF0YQ==", "index": 0}


def blocks(message: JSONObject) -> list[Any]:
    """The blocks of a JSON reply."""
    return [*assemble(decode_reply(completion(message), 1, "openai")).choices[0].blocks]


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"reasoning": "hm", "reasoning_content": "hm"},
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"reasoning": "hm", "reasoning_details": [], "thinking_blocks": None},
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": ""}]},
        {
            "reasoning_content": "hm",
            "reasoning_details": [{"type": "reasoning.text", "text": "hm", "format": "unknown"}],
        },
        {"reasoning_content": "hm", "thinking_blocks": [{"type": "thinking", "thinking": "hm"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": None}]},
        {"content": [{"type": "thinking", "thinking": "hm"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
        {"reasoning_details": "none", "thinking_blocks": [1], "reasoning": "hm"},
    ],
)
def test_thinking_counts_once(message: JSONObject) -> None:
    """Each key is read, and those that repeat it are not, in a stream and in JSON."""
    assert THOUGHT == said(message)
    assert THOUGHT == told(message)


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_presence_is_not_thinking(key: str) -> None:
    """Empty and null thinking beside an answer begins nothing."""
    expected = [
        BlockStart(0, "thinking"),
        ThinkingDelta(0, "a"),
        ThinkingDelta(0, "b"),
        BlockStop(0),
        BlockStart(1, "text"),
        TextDelta(1, "c"),
        BlockStop(1),
    ]
    assert expected == said(
        {"role": "assistant", "content": None, key: ""},
        {"content": "", key: "a"},
        {"content": None, key: "b"},
        {"content": "c", key: None},
        {"content": "", key: ""},
    )


def test_thinking_may_come_between_and_after() -> None:
    """Each change begins a block, and thinking stands before the answer of its own delta."""
    kinds = [
        (event.kind, event.index)
        for event in said(
            {"content": "a"},
            {"reasoning": "b", "content": "c"},
            {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "f"}}]},
            {"reasoning": "d"},
        )
        if isinstance(event, BlockStart)
    ]
    expected = ["text", "thinking", "text", "tool_call", "thinking"]
    assert [(kind, index) for index, kind in enumerate(expected)] == kinds


def test_a_gateways_details_become_one_signed_block() -> None:
    """Fragments are joined, and the signature, which comes alone, signs them."""
    assert DETAILED_EVENTS == said(*DETAILED)
    stream = finished(*DETAILED)
    assert decode(stream) == decode(*cut(stream, *range(len(stream))))


def test_details_mean_the_same_streamed_or_not() -> None:
    """The fragments and the whole items give the same blocks."""
    item = SIGNED | {"text": "so it", "signature": "c2ln"}
    whole = {"content": "a", "reasoning": "so it", "reasoning_details": [item]}
    assert assemble(decode(finished(*DETAILED))).choices[0].blocks == tuple(blocks(whole))


def test_the_origin_says_who_can_verify() -> None:
    """It is the item's format, with what else has to come back; Claude's family has none."""
    items: list[JSONObject] = [
        SIGNED | {"text": "a", "signature": "c2ln"},
        SIGNED | {"text": "b", "index": 1, "id": "x y"},
        {"type": "reasoning.summary", "summary": "c", "format": "openai-responses-v1", "index": 2},
        ENCRYPTED | {"id": "rs_1", "format": "openai-responses-v1"},
        ENCRYPTED | {"data": "Z2Vt", "format": "google-gemini-v1", "index": 4},
        ENCRYPTED | {"data": "Y2xhdWRl", "format": "anthropic-claude-v1", "index": 5},
        {"type": "reasoning.text", "text": "d", "format": None},
    ]
    assert [
        Thinking("a", "c2ln"),
        Thinking("b", None, "?id=x+y"),
        Thinking("c", None, "openai-responses-v1?type=reasoning.summary"),
        RedactedThinking("ZGF0YQ==", "openai-responses-v1?id=rs_1&index=0"),
        RedactedThinking("Z2Vt", "google-gemini-v1"),
        RedactedThinking("Y2xhdWRl"),
        Thinking("d"),
    ] == blocks({"reasoning_details": items})


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ({"index": 0}, {"index": 1}, 2),
        ({"index": 0}, {"index": 0}, 1),
        ({}, {}, 1),
        ({"id": "a"}, {"id": "b"}, 2),
        ({"id": "a"}, {}, 1),
        ({"index": 0, "signature": "c2ln"}, {"index": 0}, 1),
        ({"signature": "c2ln"}, {}, 2),
        ({"type": "reasoning.summary", "summary": "x"}, {}, 2),
    ],
)
def test_where_a_detail_begins_a_block(first: JSONObject, second: JSONObject, count: int) -> None:
    """Another index, id or type does; so does what follows a signature without saying where."""
    items = [{"type": "reasoning.text", "text": "t", **item} for item in (first, second)]
    assert count == len(blocks({"reasoning_details": items}))


def test_a_signature_signs_what_plain_strings_said() -> None:
    """Text under one key and its signature under another make one block."""
    signature = {"reasoning_details": [SIGNED | {"signature": "c2ln"}]}
    expected = [THOUGHT[0], THOUGHT[1], SignatureDelta(0, "c2ln"), BlockStop(0)]
    assert expected == said({"reasoning": "hm"}, signature)
    assert expected == said({"reasoning": "hm"}, {"reasoning_signature": "c2ln"})
    more = said({"reasoning": "hm"}, {"reasoning_signature": "c2ln"}, signature)
    assert [BlockStart(1, "thinking"), SignatureDelta(1, "c2ln"), BlockStop(1)] == more[-3:]
    assert [BlockStart(0, "thinking"), SignatureDelta(0, "c2ln"), BlockStop(0)] == said(signature)


def test_a_late_signature_is_kept() -> None:
    """One that comes after the answer began has a block of its own."""
    assert SignatureDelta(1, "c2ln") in said({"content": "a"}, {"reasoning_signature": "c2ln"})


def test_encrypted_items_are_blocks_and_repeats_are_none() -> None:
    """The same data twice in a row is one block; empty data is none."""
    items = [ENCRYPTED, ENCRYPTED, ENCRYPTED | {"data": ""}]
    assert [RedactedThinking("ZGF0YQ==")] == blocks({"reasoning_details": items})


def test_details_that_nobody_knows_are_opaque() -> None:
    """A new type of item is kept as its JSON text."""
    item = {"type": "reasoning.new", "x": 1}
    (block,) = blocks({"reasoning_details": [item]})
    assert (item, "openai") == (orjson.loads(block.data), block.origin)


def test_fragments_of_blocks_are_joined() -> None:
    """LiteLLM's stream: each fragment also as a block, the signature as an empty one."""
    events = said(
        {"reasoning_content": "ha", "thinking_blocks": [{"type": "thinking", "thinking": "ha"}]},
        {"reasoning_content": "ha", "thinking_blocks": [{"type": "thinking", "thinking": "ha"}]},
        {
            "reasoning_content": "",
            "thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "c2ln"}],
        },
    )
    assert [
        BlockStart(0, "thinking"),
        ThinkingDelta(0, "ha"),
        ThinkingDelta(0, "ha"),
        SignatureDelta(0, "c2ln"),
        BlockStop(0),
    ] == events


def closing(**block: Any) -> JSONObject:
    """A delta with a whole block, whose fragments came before."""
    item = {"index": 0, "type": "thinking", **block}
    return {"content": "", "reasoning_content": "", "thinking_blocks": [item]}


def test_blocks_that_come_whole_after_their_fragments_are_told_once() -> None:
    """TrueFoundry's stream: each block's end repeats it, and later ones begin with a blank line."""
    events = said(
        {"content": "", "reasoning_content": "one"},
        closing(thinking="one", signature="c2ln"),
        {"content": "", "reasoning_content": "\n\ntwo"},
        closing(thinking="two"),
        closing(type="redacted_thinking", data="ZGF0YQ=="),
        closing(thinking="", signature="Y2FsbA==", tool_call_id="x"),
        closing(thinking="", signature="ZW1wdHk=", provider="gemini"),
        closing(thinking="three", signature="bmV3"),
    )
    assert [
        BlockStart(0, "thinking"),
        ThinkingDelta(0, "one"),
        SignatureDelta(0, "c2ln"),
        BlockStop(0),
        BlockStart(1, "thinking"),
        ThinkingDelta(1, "two"),
        BlockStop(1),
        BlockStart(2, "redacted_thinking", data="ZGF0YQ=="),
        BlockStop(2),
        BlockStart(3, "thinking", origin="gemini"),
        SignatureDelta(3, "ZW1wdHk="),
        BlockStop(3),
        BlockStart(4, "thinking"),
        ThinkingDelta(4, "three"),
        SignatureDelta(4, "bmV3"),
        BlockStop(4),
    ] == events


def test_blocks_and_encrypted_details_add_up() -> None:
    """Where both are given, the blocks say the text and the details only what they do not."""
    message = {
        "reasoning": "hm",
        "thinking_blocks": [{"type": "thinking", "thinking": "hm"}],
        "reasoning_details": [SIGNED | {"text": "hm"}, ENCRYPTED],
    }
    assert [Thinking("hm"), RedactedThinking("ZGF0YQ==")] == blocks(message)


def test_parts_keep_their_signatures() -> None:
    """In Anthropic's way they are Claude's unless they say otherwise, in Mistral's Mistral's."""
    parts = [
        {"type": "thinking", "thinking": "a", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ==", "provider": "acme"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "b"}], "signature": "bQ=="},
        {"type": "thinking", "thinking": None},
    ]
    assert [
        Thinking("a", "c2ln"),
        RedactedThinking("ZGF0YQ==", "acme"),
        Thinking("b", "bQ==", "mistral"),
    ] == blocks({"content": parts})
