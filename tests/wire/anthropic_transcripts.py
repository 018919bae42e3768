"""Replies of the Messages API, written by hand after the vendor's pages, and what they mean.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming, read 2026-11-22.
"""

from __future__ import annotations

from typing import Any

import orjson

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
from asgi_thinking.sse import encode

JSONObject = dict[str, Any]

USAGE: JSONObject = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 20,
    "output_tokens": 1,
}
START: JSONObject = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "claude-opus-5",
        "stop_reason": None,
        "stop_sequence": None,
        "usage": USAGE,
    },
}
STOP: JSONObject = {"type": "message_stop"}


def sse(*events: JSONObject) -> bytes:
    """The events as the API streams them."""
    return b"".join(encode(orjson.dumps(event), event["type"].encode()) for event in events)


def block_start(index: int, **block: Any) -> JSONObject:
    """A block opens."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> JSONObject:
    """A fragment of a block."""
    fields = {"type": kind, **fields}
    return {"type": "content_block_delta", "index": index, "delta": fields}


def block_stop(index: int) -> JSONObject:
    """A block closes."""
    return {"type": "content_block_stop", "index": index}


def ending(reason: str | None, **fields: Any) -> JSONObject:
    """The message's last words."""
    fields = {"stop_reason": reason, "stop_sequence": None, **fields}
    return {"type": "message_delta", "delta": fields, "usage": {"output_tokens": 89}}


CITATION: JSONObject = {
    "type": "web_search_result_location",
    "cited_text": "4 °C",
    "url": "https://example.org/weather",
    "title": "Weather",
    "encrypted_index": "Eo8B",
}
PAGE: JSONObject = {
    "type": "page_location",
    "cited_text": "…",
    "document_index": 0,
    "document_title": "Atlas",
    "start_page_number": 1,
    "end_page_number": 2,
}
SEARCH: JSONObject = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search"}
FOUND: JSONObject = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [
        {
            "type": "web_search_result",
            "url": "https://example.org/weather",
            "title": "Weather",
            "encrypted_content": "Er0B",
        }
    ],
}

# Everything at once: text before thinking, hidden and redacted thinking, thinking between tools,
# a server's tool, cited text, calls with and without arguments, padding, pings and things unknown.
FULL: tuple[JSONObject, ...] = (
    START,
    {"type": "ping"},
    block_start(0, type="text", text=""),
    delta(0, "text_delta", text="\n\n"),
    block_stop(0),
    block_start(1, type="thinking", thinking="", signature=""),
    delta(1, "thinking_delta", thinking="I need 👍 "),
    delta(1, "thinking_delta", thinking="the weather."),
    delta(1, "thinking_delta", thinking="", estimated_tokens=50),
    delta(1, "signature_delta", signature="c2lnMQ=="),
    block_stop(1),
    {"type": "news", "of": ["something"]},
    block_start(2, type="redacted_thinking", data="ZGF0YQ=="),
    block_stop(2),
    block_start(3, **SEARCH, input={}),
    delta(3, "input_json_delta", partial_json=""),
    delta(3, "input_json_delta", partial_json='{"query": '),
    delta(3, "input_json_delta", partial_json='"weather"}'),
    block_stop(3),
    block_start(4, **FOUND),
    block_stop(4),
    block_start(5, type="text", text="", citations=[]),
    delta(5, "citations_delta", citation=CITATION),
    delta(5, "text_delta", text="It is "),
    delta(5, "citations_delta", citation=PAGE),
    delta(5, "text_delta", text="4 °C 👍"),
    block_stop(5),
    block_start(6, type="thinking", thinking="", signature=""),
    delta(6, "signature_delta", signature="c2lnMg=="),
    delta(6, "future_delta", value=1),
    block_stop(6),
    block_start(7, type="tool_use", id="toolu_1", name="get_time", input={}),
    delta(7, "input_json_delta", partial_json=""),
    delta(7, "input_json_delta", partial_json='{"zone": "C'),
    delta(7, "input_json_delta", partial_json='ET", "n": 1.0}'),
    block_stop(7),
    block_start(8, type="tool_use", id="toolu_2", name="get_date", input={}),
    delta(8, "input_json_delta", partial_json=""),
    block_stop(8),
    {**ending(None), "usage": {**USAGE, "input_tokens": 12, "output_tokens": 80}},
    {
        **ending("tool_use", stop_details=None),
        "usage": {
            "input_tokens": None,
            "output_tokens": 89,
            "output_tokens_details": {"thinking_tokens": 60},
        },
    },
    STOP,
)

FULL_EVENTS: list[Event] = [
    MessageStart("msg_1", "claude-opus-5", 1, "anthropic"),
    Usage(33, 1, None, 20, 3),
    BlockStart(0, "text"),
    TextDelta(0, "\n\n"),
    BlockStop(0),
    BlockStart(1, "thinking"),
    ThinkingDelta(1, "I need 👍 "),
    ThinkingDelta(1, "the weather."),
    SignatureDelta(1, "c2lnMQ=="),
    BlockStop(1),
    BlockStart(2, "redacted_thinking", data="ZGF0YQ=="),
    BlockStop(2),
    BlockStart(
        3,
        "opaque",
        data=orjson.dumps({**SEARCH, "input": {"query": "weather"}}).decode(),
    ),
    BlockStop(3),
    BlockStart(4, "opaque", data=orjson.dumps(FOUND).decode()),
    BlockStop(4),
    BlockStart(5, "text"),
    TextDelta(5, "It is "),
    TextDelta(5, "4 °C 👍"),
    Annotation(5, 2, 14, "https://example.org/weather", "Weather", CITATION),
    Annotation(5, 2, 14, "", "Atlas", PAGE),
    BlockStop(5),
    BlockStart(6, "thinking"),
    SignatureDelta(6, "c2lnMg=="),
    BlockStop(6),
    BlockStart(7, "tool_call", id="toolu_1", name="get_time"),
    ToolCallDelta(7, '{"zone": "C'),
    ToolCallDelta(7, 'ET", "n": 1.0}'),
    BlockStop(7),
    BlockStart(8, "tool_call", id="toolu_2", name="get_date"),
    BlockStop(8),
    Usage(35, 80, None, 20, 3),
    Usage(35, 89, 60, 20, 3),
    Finish("tool_calls", "tool_use"),
    Done(),
]

# The same reply, not streamed.
FULL_MESSAGE: JSONObject = {
    **START["message"],
    "content": [
        {"type": "text", "text": "\n\n"},
        {"type": "thinking", "thinking": "I need 👍 the weather.", "signature": "c2lnMQ=="},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {**SEARCH, "input": {"query": "weather"}},
        FOUND,
        {"type": "text", "text": "It is 4 °C 👍", "citations": [CITATION, PAGE]},
        {"type": "thinking", "thinking": "", "signature": "c2lnMg=="},
        {
            "type": "tool_use",
            "id": "toolu_1",
            "name": "get_time",
            "input": {"zone": "CET", "n": 1.0},
        },
        {"type": "tool_use", "id": "toolu_2", "name": "get_date", "input": {}},
    ],
    "stop_reason": "tool_use",
    "stop_details": None,
    "usage": {
        **USAGE,
        "input_tokens": 12,
        "output_tokens": 89,
        "output_tokens_details": {"thinking_tokens": 60},
    },
}
