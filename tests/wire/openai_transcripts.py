"""Replies of chat completions, written by hand after the vendors' pages, and what they mean.

Source: https://platform.openai.com/docs/api-reference/chat-streaming and
https://openrouter.ai/docs/use-cases/reasoning-tokens, read 2026-11-22.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson

from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Extra,
    Finish,
    MessageStart,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.wire.openai import OpenAIDecoder, decode_reply

JSONObject = dict[str, Any]

HEAD: JSONObject = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1_700_000_000,
    "model": "m",
}
DONE = b"data: [DONE]\n\n"
USAGE: JSONObject = {
    "prompt_tokens": 10,
    "completion_tokens": 20,
    "total_tokens": 30,
    "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 7},
}
STARTED = MessageStart("chatcmpl-1", "m", 1_700_000_000, "openai")


def chunk(delta: JSONObject | None = None, *, index: int = 0, **choice: Any) -> JSONObject:
    """A chunk with one choice."""
    return {**HEAD, "choices": [{"index": index, "delta": delta or {}, **choice}]}


def sse(*chunks: JSONObject) -> bytes:
    """The chunks as a stream, without its end."""
    return b"".join(b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks)


def finished(*deltas: JSONObject, reason: str | None = "stop") -> bytes:
    """A whole stream with one choice."""
    return sse(*map(chunk, deltas), chunk(finish_reason=reason)) + DONE


def completion(message: JSONObject, **more: Any) -> bytes:
    """A whole JSON reply with one choice."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return orjson.dumps({**HEAD, "object": "chat.completion", "choices": [choice], **more})


def decode(*reads: bytes, **options: Any) -> list[Event]:
    """All events of a stream."""
    decoder = OpenAIDecoder(1, "openai", **options)
    return [event for data in reads for event in decoder.feed(data)] + decoder.close()


def cut(stream: bytes, *places: int) -> list[bytes]:
    """The stream, cut at these places."""
    edges = [0, *sorted(places), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


def between(events: list[Event]) -> list[Event]:
    """The events between the start and the finish of a reply with one choice."""
    first, *middle, finish, last = events
    assert isinstance(first, MessageStart)
    assert isinstance(finish, Finish)
    assert Done() == last
    return middle


def said(*deltas: JSONObject, **options: Any) -> list[Event]:
    """What a stream of these deltas says, between its start and its finish."""
    return between(decode(finished(*deltas), **options))


def told(message: JSONObject, **options: Any) -> list[Event]:
    """What a JSON reply with this message says."""
    return between(decode_reply(completion(message), 1, "openai", **options))


CITATION: JSONObject = {
    "type": "url_citation",
    "url_citation": {"start_index": 0, "end_index": 3, "url": "https://e.org", "title": "E"},
}
CALL: JSONObject = {"name": "f", "arguments": ""}
FULL: list[JSONObject] = [
    {**HEAD, "provider": "acme", "choices": []},
    chunk({"role": "assistant", "content": ""}) | {"provider": "acme"},
    chunk({"content": None, "reasoning_content": "so"}) | {"provider": "acme"},
    chunk({"content": None, "reasoning_content": " it is"}) | {"provider": "acme"},
    chunk({"content": "Grüße", "reasoning_content": None}) | {"provider": "acme"},
    chunk({"content": "!", "annotations": [CITATION]}) | {"provider": "acme"},
    chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": CALL}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}),
    chunk({}, finish_reason="tool_calls"),
    {**HEAD, "choices": [], "usage": USAGE},
]
FULL_STREAM = sse(*FULL) + DONE
FULL_EVENTS: list[Event] = [
    STARTED,
    Extra("body", {"provider": "acme"}),
    BlockStart(0, "thinking"),
    ThinkingDelta(0, "so"),
    ThinkingDelta(0, " it is"),
    BlockStop(0),
    BlockStart(1, "text"),
    TextDelta(1, "Grüße"),
    TextDelta(1, "!"),
    Annotation(1, 0, 3, "https://e.org", "E", CITATION),
    BlockStop(1),
    BlockStart(2, "tool_call", id="call_1", name="f"),
    ToolCallDelta(2, '{"a":'),
    ToolCallDelta(2, "1}"),
    Usage(10, 20, 7, 4, 1),
    BlockStop(2),
    Finish("tool_calls", "tool_calls"),
    Done(),
]
FULL_MESSAGE = completion(
    {
        "content": "Grüße!",
        "reasoning_content": "so it is",
        "annotations": [CITATION],
        "refusal": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
        ],
    },
    provider="acme",
    usage=USAGE,
).replace(b'"stop"', b'"tool_calls"')

SIGNED: JSONObject = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
DETAILED: list[JSONObject] = [
    {"role": "assistant", "content": "", "reasoning": None, "reasoning_details": []},
    {"content": "", "reasoning": "so", "reasoning_details": [SIGNED | {"text": "so"}]},
    {"content": "", "reasoning": " it", "reasoning_details": [SIGNED | {"text": " it"}]},
    {"content": "", "reasoning": None, "reasoning_details": [SIGNED | {"signature": "c2ln"}]},
    {"content": "a", "reasoning": None, "reasoning_details": []},
]
DETAILED_EVENTS: list[Event] = [
    BlockStart(0, "thinking"),
    ThinkingDelta(0, "so"),
    ThinkingDelta(0, " it"),
    SignatureDelta(0, "c2ln"),
    BlockStop(0),
    BlockStart(1, "text"),
    TextDelta(1, "a"),
    BlockStop(1),
]
