"""Promises of the decoders of chat completions about what stands beside the choices' blocks."""

from __future__ import annotations

import pytest

from asgi_thinking.events import Event, Extra, MessageStart, Usage
from asgi_thinking.messages import assemble
from asgi_thinking.wire.openai import decode_reply
from tests.wire.openai_transcripts import (
    DONE,
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


def test_what_nobody_knows_survives() -> None:
    """Keys of body, choice and delta become extras; nulls and padding do not."""
    stream = sse(
        chunk({"content": "a", "x": 0, "y": None}, z=[1], logprobs=None)
        | {"system_fingerprint": "fp", "service_tier": None, "obfuscation": "ab", "p": "abc"},
        chunk({"content": "b", "x": 0}) | {"system_fingerprint": "fp", "citations": ["c"]},
        chunk({"channel": "analysis"}, logprobs={"content": None, "refusal": None}),
        chunk({"channel": "analysis"}) | {"usage": None},
        chunk({"channel": "final"}, finish_reason="stop"),
    )
    assert [
        Extra("body", {"system_fingerprint": "fp"}),
        Extra("delta", {"x": 0}),
        Extra("choice", {"z": [1]}),
        Extra("body", {"citations": ["c"]}),
        Extra("delta", {"x": 0}),
        Extra("delta", {"channel": "analysis"}),
        Extra("delta", {"channel": "final"}),
    ] == [event for event in decode(stream + DONE) if isinstance(event, Extra)]


def test_log_probabilities_that_repeat_are_all_kept() -> None:
    """Two tokens alike are two tokens."""
    token = {"logprobs": {"content": [{"token": "ha"}]}}
    stream = sse(chunk({"content": "ha"}, **token), chunk({"content": "ha"}, **token))
    extras = assemble(decode(stream + sse(chunk(finish_reason="stop")))).choices[0].extras
    assert {"logprobs": {"content": [{"token": "ha"}] * 2}} == extras


def test_a_reply_may_begin_with_what_is_no_part_of_it() -> None:
    """Azure's first chunk has no id yet; what it says is told with the reply's start."""
    first = {"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": [1]}
    assert [STARTED, Extra("body", {"prompt_filter_results": [1]})] == decode(
        sse(first) + finished()
    )[:2]


def test_a_reply_without_an_id_gets_one() -> None:
    """It follows from the bytes and the time alone; so does a time that is missing."""
    bare = sse({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    start, again = (decode(*cut(bare, *places))[0] for places in ((), range(len(bare))))
    assert isinstance(start, MessageStart)
    assert ("", 1, True) == (start.model, start.created, start.id.startswith("chatcmpl-"))
    assert start == again


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}, Usage(1, 2)),
        ({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 9}, Usage(1, 8)),
        ({"prompt_tokens": 1, "total_tokens": 9}, Usage(1, 8)),
        ({"prompt_tokens": 5, "prompt_cache_hit_tokens": 3}, Usage(5, None, None, 3)),
        ({"prompt_tokens": 5, "cached_tokens": 2}, Usage(5, None, None, 2)),
        ({"prompt_tokens": 5, "prompt_tokens_details": None}, Usage(5)),
        ({"prompt_tokens": "x", "completion_tokens": -1}, Usage()),
    ],
)
def test_counts(usage: JSONObject, expected: Usage) -> None:
    """Thinking counts as output wherever the total says so; caches have several names."""
    assert expected in decode_reply(completion({}, usage=usage), 1, "openai")


def test_counts_are_told_when_they_change() -> None:
    """Servers that repeat them on each chunk, and Groq's place for them, are understood."""
    more = USAGE | {"completion_tokens": 21, "total_tokens": 31}
    stream = sse(
        chunk({"content": "a"}) | {"usage": USAGE},
        chunk({"content": "b"}) | {"usage": USAGE},
        chunk(finish_reason="stop") | {"x_groq": {"usage": more}},
        {**HEAD, "choices": [], "x_groq": "z"},
    )
    usages: list[Event] = [e for e in decode(stream + DONE) if isinstance(e, Usage)]
    assert [Usage(10, 20, 7, 4, 1), Usage(10, 21, 7, 4, 1)] == usages
