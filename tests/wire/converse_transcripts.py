"""Replies of the Converse API, written by hand after AWS's pages, and what they mean.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html,
read 2026-11-22.
"""

from __future__ import annotations

import base64
from typing import Any

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
from tests.wire.aws_frames import event

JSONObject = dict[str, Any]

HEAD = MessageStart("req-1", "us.anthropic.claude-opus-5-5", 1, "bedrock")

REDACTED = "EmwKAhgBEgy3va3pzix/LafPsn4a"
BLOB = base64.b64encode(REDACTED.encode()).decode()

CITATION: JSONObject = {
    "title": "Clocks",
    "location": {"web": {"url": "https://example.org/clocks", "domain": "example.org"}},
}
SEARCH: JSONObject = {"toolUseId": "srv_1", "name": "nova_grounding", "type": "server_tool_use"}
FOUND: JSONObject = {"toolUseId": "srv_1", "type": "nova_grounding_result"}
THOUGHTS: JSONObject = {"usage": {"output_tokens_details": {"thinking_tokens": 60}}}
USAGE: JSONObject = {
    "inputTokens": 10,
    "outputTokens": 89,
    "totalTokens": 122,
    "cacheReadInputTokens": 20,
    "cacheWriteInputTokens": 3,
}


def start(index: int, **block: Any) -> bytes:
    """A block whose start says what it is."""
    return event("contentBlockStart", contentBlockIndex=index, start=block)


def delta(index: int, **fields: Any) -> bytes:
    """A fragment of a block."""
    return event("contentBlockDelta", contentBlockIndex=index, delta=fields)


def thought(index: int, **fields: Any) -> bytes:
    """A fragment of reasoning."""
    return delta(index, reasoningContent=fields)


def stop(index: int) -> bytes:
    """A block closes."""
    return event("contentBlockStop", contentBlockIndex=index)


START = event("messageStart", role="assistant")
END = event("messageStop", stopReason="end_turn")
METADATA = event("metadata", usage=USAGE, metrics={"latencyMs": 9})

FULL: list[bytes] = [
    START,
    delta(0, text=""),
    stop(0),
    thought(1, text="Why does"),
    thought(1, text=" she ask? ⏰"),
    thought(1, signature="c2ln"),
    stop(1),
    thought(2, redactedContent=BLOB),
    stop(2),
    delta(3, text="Grüße! "),
    delta(3, text="👍"),
    delta(3, citation=CITATION),
    stop(3),
    start(4, toolUse=SEARCH),
    delta(4, toolUse={"input": '{"q":'}),
    delta(4, toolUse={"input": '"time"}'}),
    stop(4),
    start(5, toolResult=FOUND),
    delta(5, toolResult=[{"text": "[HIDDEN]"}]),
    stop(5),
    start(6, toolUse={"toolUseId": "tooluse_1", "name": "clock"}),
    delta(6, toolUse={"input": ""}),
    delta(6, toolUse={"input": '{"zone":'}),
    delta(6, toolUse={"input": ' "CET"}'}),
    stop(6),
    event("messageStop", stopReason="tool_use", additionalModelResponseFields=THOUGHTS),
    METADATA,
]

FULL_REPLY: JSONObject = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {
                    "reasoningContent": {
                        "reasoningText": {"text": "Why does she ask? ⏰", "signature": "c2ln"}
                    }
                },
                {"reasoningContent": {"redactedContent": BLOB}},
                {"citationsContent": {"content": [{"text": "Grüße! 👍"}], "citations": [CITATION]}},
                {"toolUse": {**SEARCH, "input": {"q": "time"}}},
                {"toolResult": {**FOUND, "content": [{"text": "[HIDDEN]"}]}},
                {
                    "toolUse": {
                        "toolUseId": "tooluse_1",
                        "name": "clock",
                        "input": {"zone": "CET"},
                    }
                },
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": USAGE,
    "metrics": {"latencyMs": 9},
    "additionalModelResponseFields": THOUGHTS,
}

SEARCH_JSON = (
    '{"type":"toolUse","toolUse":{"toolUseId":"srv_1","name":"nova_grounding",'
    '"type":"server_tool_use","input":{"q":"time"}}}'
)
FOUND_JSON = (
    '{"type":"toolResult","toolResult":{"toolUseId":"srv_1","type":"nova_grounding_result",'
    '"content":[{"text":"[HIDDEN]"}]}}'
)

FULL_EVENTS: list[Event] = [
    HEAD,
    BlockStart(0, "thinking"),
    ThinkingDelta(0, "Why does"),
    ThinkingDelta(0, " she ask? ⏰"),
    SignatureDelta(0, "c2ln"),
    BlockStop(0),
    BlockStart(1, "redacted_thinking", data=REDACTED),
    BlockStop(1),
    BlockStart(2, "text"),
    TextDelta(2, "Grüße! "),
    TextDelta(2, "👍"),
    Annotation(2, 0, 8, "https://example.org/clocks", "Clocks", CITATION),
    BlockStop(2),
    BlockStart(3, "opaque", data=SEARCH_JSON, origin="bedrock"),
    BlockStop(3),
    BlockStart(4, "opaque", data=FOUND_JSON, origin="bedrock"),
    BlockStop(4),
    BlockStart(5, "tool_call", id="tooluse_1", name="clock"),
    ToolCallDelta(5, '{"zone":'),
    ToolCallDelta(5, ' "CET"}'),
    BlockStop(5),
    Finish("tool_calls", "tool_use"),
    Usage(33, 89, 60, 20, 3),
    Done(),
]
