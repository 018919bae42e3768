"""One reply with everything in it, as events of our own writing, and its parts in the envelope."""

from __future__ import annotations

from typing import Any

import orjson

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

JSONObject = dict[str, Any]

START = MessageStart("msg_1", "claude-sonnet-4-5", 1_700_000_000, "anthropic")
USAGE = Usage(10, 20, 5, 3, 2)

EVENTS: list[Event] = [
    START,
    BlockStart(0, "thinking"),
    ThinkingDelta(0, "27 "),
    ThinkingDelta(0, 'is "3³"'),
    SignatureDelta(0, "c2ln"),
    BlockStop(0),
    BlockStart(1, "redacted_thinking", data="cmVk"),
    BlockStop(1),
    BlockStart(2, "text"),
    TextDelta(2, "It is "),
    TextDelta(2, "27."),
    BlockStop(2),
    BlockStart(3, "thinking"),
    ThinkingDelta(3, "Now the tools."),
    SignatureDelta(3, "Mm5k"),
    BlockStop(3),
    BlockStart(4, "tool_call", id="call_1", name="weather"),
    ToolCallDelta(4, '{"city":'),
    ToolCallDelta(4, '"Tokyo"}'),
    BlockStop(4),
    BlockStart(5, "tool_call", id="call_2", name="time"),
    BlockStop(5),
    Finish("tool_calls", "tool_use"),
    USAGE,
    Done(),
]

TOOL_CALLS: list[JSONObject] = [
    {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city":"Tokyo"}'},
    },
    {"id": "call_2", "type": "function", "function": {"name": "time", "arguments": "{}"}},
]

TOOL_DELTAS: list[JSONObject] = [
    {"tool_calls": [{"index": index, **call}]}
    for index, call in [
        (0, {**TOOL_CALLS[0], "function": {"name": "weather", "arguments": ""}}),
        (0, {"function": {"arguments": '{"city":'}}),
        (0, {"function": {"arguments": '"Tokyo"}'}}),
        (1, {**TOOL_CALLS[1], "function": {"name": "time", "arguments": ""}}),
        (1, {"function": {"arguments": "{}"}}),
    ]
]

USAGE_OBJECT: JSONObject = {
    "prompt_tokens": 10,
    "completion_tokens": 20,
    "total_tokens": 30,
    "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
THREE_COUNTS: JSONObject = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}


def head(kind: str, **rest: Any) -> JSONObject:
    """The envelope of a reply or chunk, up to its choices."""
    fields = {"id": "msg_1", "object": kind, "created": 1_700_000_000}
    return {**fields, "model": "claude-sonnet-4-5", **rest}


def sse(chunks: list[JSONObject]) -> bytes:
    """A stream of these chunks that ends well."""
    lines = [b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks]
    return b"".join(lines) + b"data: [DONE]\n\n"


def one_choice(blocks: list[Event], finish: Finish | None = None) -> list[Event]:
    """The events of a reply with these blocks in its only choice."""
    return [START, *blocks, finish or Finish("stop", "end_turn"), Done()]
