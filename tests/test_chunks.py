"""Promises of the envelope of streams, which hold for every dialect."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.chunks import StreamEncoder
from asgi_thinking.completions import google_seal
from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Extra,
    Finish,
    SignatureDelta,
    StreamError,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.exceptions import ThinkingError
from asgi_thinking.lanes import json_line
from tests.dialects.clients import by_openai, deltas, finish_reasons, read_chunks
from tests.dialects.reply import EVENTS, START, one_choice

ROLE = {"role": "assistant", "content": "", "refusal": None}
HELLO: list[Event] = [BlockStart(0, "text"), TextDelta(0, "Hello"), BlockStop(0)]


def encode(events: list[Event], *, usage: bool = False) -> bytes:
    return StreamEncoder(include_usage=usage, seal=google_seal).feed(events)


def test_choices_may_be_interleaved() -> None:
    """Each choice has its own role, calls counted from 0, sources and finish reason."""
    events: list[Event] = [
        START,
        BlockStart(0, "text", choice=1),
        BlockStart(1, "tool_call", id="a", name="f"),
        TextDelta(0, "one"),
        BlockStart(2, "tool_call", choice=1, id="b", name="g"),
        ToolCallDelta(2, "{}"),
        ToolCallDelta(1, "{}"),
        Annotation(0, 0, 3, "https://example.com", "Page"),
        BlockStop(1),
        BlockStop(0),
        Finish("tool_calls", "tool_use"),
        BlockStop(2),
        Finish("stop", "end_turn", 1),
        Done(),
    ]

    data = encode(events)

    assert {0: ["tool_calls"], 1: ["stop"]} == finish_reasons(data)
    assert ROLE == deltas(data, 0)[0] == deltas(data, 1)[0]
    first, second = by_openai(data)
    assert ("a", "one") == (first["tool_calls"][0]["id"], second["content"])
    assert [0] == [call["index"] for call in second["tool_calls"]]
    assert "annotations" in deltas(data, 1)[-2]


def test_no_reader_of_lines_can_cut_a_chunk() -> None:
    """Characters that Unicode calls line ends are escaped, in texts and everywhere else."""
    text = "a\x85b\u2028c\u2029d\r\ne\x0bfé"
    events = one_choice([BlockStart(0, "text"), TextDelta(0, text), BlockStop(0)])

    data = encode(events)

    assert [{"content": text}] == deltas(data)[1:-1]
    assert len(data.split(b"\n")) == len(data.decode().splitlines()) + 1
    assert json_line("\u2028é") == '"\\u2028é"'.encode()


def test_fragments_that_are_empty_are_not_sent() -> None:
    """An empty delta tells nobody anything."""
    events = one_choice([*HELLO[:2], TextDelta(0, ""), BlockStop(0)])

    assert [ROLE, {"content": "Hello"}, {}] == deltas(encode(events))


def test_thinking_is_hidden_unless_a_dialect_shows_it() -> None:
    """The plain envelope has no chunk for thinking, redacted and opaque blocks."""
    hidden: list[Event] = [
        BlockStart(0, "thinking"),
        ThinkingDelta(0, "hm"),
        SignatureDelta(0, "c2ln"),
        BlockStop(0),
        BlockStart(1, "redacted_thinking", data="cmVk"),
        BlockStop(1),
        BlockStart(2, "opaque", data='{"type":"x"}'),
        BlockStop(2),
    ]

    assert [ROLE, {}] == deltas(encode(one_choice(hidden)))


def test_a_calls_signature_comes_with_its_start_or_after_it() -> None:
    """It rides on the first chunk if it is known by then, else on one of its own."""
    signed = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    events = one_choice(
        [
            BlockStart(0, "tool_call", id="a", name="f", origin="gemini"),
            SignatureDelta(0, "c2ln"),
            BlockStop(0),
            BlockStart(1, "tool_call", id="b", name="g", origin="gemini"),
            ToolCallDelta(1, "{}"),
            SignatureDelta(1, "b2xk"),
            SignatureDelta(1, "c2ln"),
            BlockStop(1),
        ]
    )

    calls = [delta["tool_calls"][0] for delta in deltas(encode(events))[1:-1]]

    start = {"type": "function", "function": {"name": "f", "arguments": ""}}
    late = {"type": "function", "function": {"name": "g", "arguments": ""}}
    assert [
        {"index": 0, "id": "a", **start, **signed},
        {"index": 0, "function": {"arguments": "{}"}},
        {"index": 1, "id": "b", **late},
        {"index": 1, "function": {"arguments": "{}"}},
        {"index": 1, "function": {"arguments": ""}, **signed},
    ] == calls


def test_a_signature_that_the_format_has_no_place_for_is_left_out() -> None:
    """Without a place for it, not even an empty chunk shows that there was one."""
    events = one_choice(
        [BlockStart(0, "tool_call", id="a", name="f"), SignatureDelta(0, "c2ln"), BlockStop(0)]
    )

    data = StreamEncoder(include_usage=False).feed(events)

    assert 4 == len(deltas(data))
    assert b"c2ln" not in data


def test_what_an_upstream_said_of_the_reply_stands_in_the_chunks_that_follow() -> None:
    """Also within a block; said again it changes nothing, and what is ours is not overwritten."""
    events = one_choice(
        [
            BlockStart(0, "text"),
            TextDelta(0, "a"),
            Extra("body", {"citations": ["x"], "id": "evil", "reasoning": "hm"}),
            TextDelta(0, "b"),
            Extra("body", {"citations": ["x"]}),
            BlockStop(0),
            Extra("body", {"citations": ["y"]}),
        ]
    )

    chunks = read_chunks(encode(events))

    assert [None, None, ["x"], ["y"]] == [c.get("citations") for c in chunks]
    assert {"msg_1"} == {c["id"] for c in chunks}
    assert "reasoning" not in chunks[-1]


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (Extra("choice", {"logprobs": {"content": []}}), {"logprobs": {"content": []}}),
        (Extra("choice", {"grounding": [1], "message": "x"}), {"grounding": [1]}),
        (Extra("delta", {"mood": "fine", "role": "x"}), {"delta": {"mood": "fine"}}),
        (Extra("delta", {"parts": [{"index": 0}]}), {"delta": {"parts": [{"index": 0}]}}),
    ],
)
def test_what_an_upstream_said_of_a_choice_is_passed_on(
    extra: Extra, expected: dict[str, Any]
) -> None:
    """Beside a choice's delta, or in it, and never a key that is ours."""
    (_, chunk, _) = read_chunks(encode(one_choice([extra])))

    base = {"index": 0, "delta": {}, "finish_reason": None}
    choice = {k: v for k, v in chunk["choices"][0].items() if v is not None or k in base}
    assert {**base, **expected} == choice


@pytest.mark.parametrize(
    "extra",
    [
        Extra("choice", {"finish_reason": "x"}),
        Extra("delta", {"reasoning_details": [{"text": "hm"}]}),
        Extra("delta", {"parts": ["x"]}),
        Extra("delta", {"parts": [{"index": "0"}]}),
        Extra("body", {"usage": {}}),
    ],
)
def test_what_is_ours_or_would_break_clients_is_not_passed_on(extra: Extra) -> None:
    """No chunk is made for it: keys of ours, somebody's thinking, lists that cannot be merged."""
    assert encode(one_choice([])) == encode(one_choice([extra]))


def test_an_extra_may_be_the_first_that_is_heard_of_a_choice() -> None:
    """The role still comes first."""
    data = encode(one_choice([Extra("delta", {"mood": "fine"}, 1), Finish("stop", "x", 1)]))

    assert [ROLE, {"mood": "fine"}, {}] == deltas(data, 1)


def test_usage_may_come_in_pieces_and_late() -> None:
    """The last of each count is sent, after the finish, in a chunk of its own."""
    counts: list[Event] = [Usage(input=10, output=1), Usage(output=20, cache_read=3)]
    events = [START, *HELLO, counts[0], Finish("stop", "end_turn"), counts[1], Done()]

    *_, finish, last = read_chunks(encode(events, usage=True))

    assert "stop" == finish["choices"][0]["finish_reason"]
    counted = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    assert {**counted, "prompt_tokens_details": {"cached_tokens": 3}} == last["usage"]


def test_usage_that_nobody_counted_is_not_invented() -> None:
    """A chunk of zeros would be read as a fact."""
    assert all(chunk["choices"] for chunk in read_chunks(encode(one_choice(HELLO), usage=True)))


def test_an_error_before_anything_is_only_an_error() -> None:
    """There is no head yet, and nothing else to say; what follows is not sent."""
    error = ThinkingError("it broke", code="broken")
    encoder = StreamEncoder(include_usage=True)

    frame = encoder.feed([StreamError(error), *EVENTS])

    assert b"event: error\ndata: " + error.envelope() + b"\n\n" == frame
    assert encoder.feed(EVENTS) == b""
