"""Transcripts of Portkey's gateway of our own writing, in its manner."""

from __future__ import annotations

from typing import Any

import orjson

from tests.dialects.gateway import JSONObject, Transcript
from tests.wire import openai_transcripts as compatible
from tests.wire.aws_frames import event
from tests.wire.converse_transcripts import BLOB, delta, start, stop, thought
from tests.wire.gemini_transcripts import array, call, chunk

__all__ = ["OWN"]

ASSISTANT = {"role": "assistant"}
COUNTS = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
PLAIN = {"type": "thinking", "thinking": "hm"}
TEXT = {"type": "text", "text": "a"}
CALL = {"id": "1", "type": "function"}
NAMED = {**CALL, "function": {"name": "f"}}


def head(provider: str, kind: str = "chat.completion.chunk") -> JSONObject:
    return {"id": "1", "object": kind, "created": 1, "model": "m", "provider": provider}


def body(provider: str, message: JSONObject, reason: str, **choice: Any) -> bytes:
    """A whole reply of the gateway."""
    choices = [{"message": {**ASSISTANT, **message}, "index": 0, "finish_reason": reason, **choice}]
    usage = {**COUNTS, "prompt_tokens_details": {"cached_tokens": 0}}
    return orjson.dumps({**head(provider, "chat.completion"), "choices": choices, "usage": usage})


def stream(provider: str, *deltas: JSONObject, **finish: Any) -> bytes:
    """A stream of the gateway but for its [DONE]; a last delta with a reason is its finish."""
    choices = [{"index": 0, "delta": item, "finish_reason": None} for item in deltas]
    bodies: list[JSONObject] = [{**head(provider), "choices": [choice]} for choice in choices]
    usage = {**COUNTS, "prompt_tokens_details": {"cached_tokens": 0}}
    choices = [{"index": 0, "delta": {}, **finish}]
    last = {**head(provider), "choices": choices, "usage": usage}
    return b"".join(b"data: %b\n\n" % orjson.dumps(item) for item in (*bodies, last))


def part(index: int, **part: Any) -> JSONObject:
    """A delta with a part of a block."""
    return {**ASSISTANT, "content_blocks": [{"index": index, "delta": part}]}


CLAUDE = orjson.dumps(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [THOUGHT, {"type": "redacted_thinking", "data": "cmVk"}, TEXT],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
)
EVENTS = (
    event("messageStart", role="assistant"),
    thought(0, text="hm"),
    thought(0, signature="c2ln"),
    stop(0),
    delta(1, text="a"),
    stop(1),
    start(2, toolUse={"toolUseId": "1", "name": "f"}),
    delta(2, toolUse={"input": "{}"}),
    stop(2),
    event("messageStop", stopReason="tool_use"),
    event("metadata", usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}),
)
CONVERSE = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
                {"reasoningContent": {"redactedContent": BLOB}},
                {"text": "a"},
            ],
        }
    },
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
}
PLAN = {"text": "hm", "thought": True}
GOOGLES = {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}
QUOTA = {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}
SIGNED = {"type": "reasoning.text", "text": "hm", "signature": "c2ln"}
ROUTED = {"role": "assistant", "reasoning": "hm", "reasoning_details": [SIGNED]}
FAILED = {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}

OWN = [
    Transcript(
        "vertex_claude_json_own",
        200,
        CLAUDE,
        body("vertex-ai", {"content": [THOUGHT, TEXT]}, "end_turn", logprobs=None),
        streamed=False,
    ),
    Transcript(
        "vertex_claude_error_own",
        429,
        orjson.dumps({"error": QUOTA}),
        orjson.dumps(
            {
                "error": {"message": "m", "type": None, "param": None, "code": None},
                "provider": "vertex-ai",
            }
        ),
        streamed=False,
    ),
    Transcript(
        "bedrock_json_own",
        200,
        orjson.dumps(CONVERSE),
        body(
            "bedrock",
            {
                "content": "a",
                "content_blocks": [THOUGHT, {"type": "redacted_thinking", "data": "cmVk"}, TEXT],
            },
            "end_turn",
        ),
        streamed=False,
    ),
    Transcript(
        "bedrock_stream_own",
        200,
        b"".join(EVENTS),
        stream(
            "bedrock",
            ASSISTANT,
            part(0, thinking="hm"),
            part(0, signature="c2ln"),
            {"content": "a", **part(1, text="a")},
            {**ASSISTANT, "tool_calls": [{"index": 0, **NAMED}]},
            {
                **ASSISTANT,
                "tool_calls": [{"index": 0, "type": "function", "function": {"arguments": "{}"}}],
            },
            finish_reason="tool_use",
        )
        + b"data: [DONE]\n\n",
        streamed=True,
    ),
    Transcript(
        "gemini_stream_own",
        200,
        array(
            chunk(PLAN, {"text": "a"}),
            chunk(call("f")),
            chunk(call("f"), finish="STOP", usageMetadata=GOOGLES),
        ),
        stream(
            "google",
            {
                **ASSISTANT,
                "content": "a",
                "content_blocks": [
                    {"index": 0, "delta": {"thinking": "hm"}},
                    {"index": 1, "delta": {"text": "a"}},
                ],
            },
            {
                **ASSISTANT,
                "tool_calls": [
                    {"index": 0, **CALL, "function": {"name": "f", "arguments": "{}"}},
                ],
            },
            finish_reason="tool_calls",
        ),
        streamed=True,
    ),
    Transcript(
        "gemini_stream_own_mid",
        200,
        array(chunk(PLAN), FAILED),
        stream("google", {"content": "", **part(0, thinking="hm")}, finish_reason="stop"),
        streamed=True,
    ),
    Transcript(
        "openrouter_own",
        200,
        compatible.completion({**ROUTED, "content": "a"}, usage=COUNTS),
        body(
            "openrouter",
            {"content": "a", "content_blocks": [{**PLAIN, "reasoning_details": []}, TEXT]},
            "stop",
        ),
        streamed=False,
    ),
    Transcript(
        "openrouter_stream_own",
        200,
        compatible.sse(
            compatible.chunk(ROUTED),
            compatible.chunk({"content": "a"}),
            compatible.chunk(finish_reason="stop"),
            {**compatible.chunk(), "choices": [], "usage": COUNTS},
        )
        + compatible.DONE,
        stream(
            "openrouter",
            {**ASSISTANT, "content": ""},
            {"content": "", "reasoning": "hm", **part(0, thinking="hm")},
            {"content": "a", **part(0, text="a")},
            {},
            finish_reason="stop",
        )
        + b"data: [DONE]\n\n",
        streamed=True,
    ),
]
