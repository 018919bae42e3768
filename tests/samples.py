"""Chat-completions bodies that use every field there is.

Each is good as it stands; together they reach every reader of the package.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BODY",
    "CHOICE",
    "ECHOES",
    "FORMAT",
    "LIMITS",
    "MESSAGES",
    "PLACED",
    "SAMPLING",
    "THINKING",
    "TOOLS",
    "asked",
    "call_of",
    "said_by",
]

PIXEL = "data:image/png;base64,iVBORw0KGgo="

BODY: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "max_tokens": 2000,
}


def call_of(arguments: str = '{"a": [1]}', **more: Any) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments, "thought_signature": "c2ln"}
    return {"id": "call_1", "type": "function", "function": function, **more}


def said_by(role: str, content: Any = "text", **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def asked(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return BODY | {"messages": list(messages), **more}


LIMITS = BODY | {
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_completion_tokens": 2000,
    "n": 1,
    "user": "u",
    "safety_identifier": "s",
    "service_tier": "auto",
    "verbosity": "low",
    "seed": 7,
    "previous_response_id": None,
    "container": None,
    "mcp_servers": None,
    "functions": None,
    "function_call": None,
}
SAMPLING = BODY | {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 5,
    "stop": ["a", "b"],
    "presence_penalty": 0.5,
    "frequency_penalty": -0.5,
    "logprobs": True,
    "top_logprobs": 3,
    "logit_bias": {"50256": -100, "a.b[0]": 1},
}
CACHED = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
PARTS = [
    {"type": "text", "text": "look", **CACHED},
    {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}, **CACHED},
    {"type": "image_url", "image_url": "https://example.org/a.png"},
    {"type": "file", "file": {"filename": "a.pdf", "file_data": "JVBERi0="}, **CACHED},
    {"type": "file", "file": {"file_data": "data:text/plain;base64,aGk="}},
]
MESSAGES = asked(
    said_by("system", [{"type": "text", "text": "be kind", **CACHED}]),
    said_by("developer"),
    said_by("user", PARTS, **CACHED),
    said_by("assistant", [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]),
    said_by("user"),
    said_by("assistant", None, refusal="no", tool_calls=[call_of()]),
    said_by("tool", [{"type": "text", "text": "42"}], tool_call_id="call_1", is_error=False),
    said_by("system", "in between"),
    said_by("assistantassistant", "b", function_call=None),
)
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
ALLOWED = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}
TOOLS = asked(
    said_by("user"),
    said_by("assistant", None, tool_calls=[call_of(extra_content={"google": {}})]),
    said_by("tool", "42", tool_call_id="call_1"),
    tools=[
        {"type": "function", "function": FUNCTION, **CACHED},
        {"type": "function", "function": {"name": "g"}},
        {"google_search": {}},
    ],
    tool_choice={"type": "allowed_tools", "allowed_tools": ALLOWED},
    parallel_tool_calls=False,
    web_search_options={},
)
CHOICE = TOOLS | {"tool_choice": {"type": "function", "function": {"name": "g"}}}
THINKING = BODY | {
    "thinking": {"type": "enabled", "budget_tokens": 1024, "display": "summarized"},
    "reasoning": {
        "effort": "high",
        "max_tokens": 2048,
        "exclude": False,
        "enabled": True,
        "summary": "auto",
    },
    "reasoning_effort": "low",
    "include_reasoning": True,
    "output_config": {"effort": "medium"},
    "extra_body": {
        "google": {"thinking_config": {"thinking_level": "low", "include_thoughts": True}}
    },
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
FORMAT = BODY | {
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": SCHEMA, "strict": True},
    }
}
BLOCKS = [
    {"type": "thinking", "thinking": "t", "signature": "c2ln", "provider": "gemini"},
    {"type": "redacted_thinking", "data": "ZGF0YQ==", "provider": "anthropic"},
    {"type": "text", "text": "a", "thought_signature": "c2ln"},
    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
]
PLACED = [
    {**BLOCKS[0], "index": 0, "after": {"content": 1, "tool_calls": 0}},
    {**BLOCKS[1], "index": 1, "content_length": 1},
    {**BLOCKS[0], "index": 2, "tool_call_id": "call_1"},
]
DELTAS = [
    {"index": 0, "delta": {"thinking": "t"}},
    {"index": 0, "delta": {"thinking": "u", "signature": "c2ln"}},
    {"index": 1, "delta": {"data": "ZGF0YQ=="}},
    {"index": 2, "delta": {"block_type": "server_tool_use", "id": "s"}},
    {"index": 3, "delta": {"text": "a"}},
]
ECHOES = asked(
    said_by("user"),
    said_by("assistant", BLOCKS),
    said_by("assistant", "ab", content_blocks=BLOCKS),
    said_by("assistant", "a", content_blocks=DELTAS, tool_calls=[call_of()]),
    said_by("tool", "42", tool_call_id="call_1"),
    said_by("assistant", "ab", thinking_blocks=PLACED, tool_calls=[call_of()]),
    said_by("tool", "42", tool_call_id="call_1"),
    said_by("assistant", "a", reasoning_content="t", reasoning_signature="c2ln"),
    said_by("assistant", "a", reasoning="t", reasoning_details=[{"type": "reasoning.text"}]),
    said_by("assistant", "a", provider_specific_fields={"thinking_blocks": PLACED}),
)
