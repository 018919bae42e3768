"""Requests for chat completions as the simulator's tests write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from tests.simulator import Answer, Call, Reply
from tests.simulator.openai import openai_compatible

__all__ = [
    "ASSISTANT",
    "CALLED",
    "CALLS",
    "MODELS",
    "RESULT",
    "SAID",
    "TOOLS",
    "USER",
    "JSONObject",
    "answer",
    "calling",
    "chat",
    "send",
]

JSONObject = dict[str, Any]

# By vendor: host, path, and a model that reasons.
MODELS: Final = {
    "openai": ("api.openai.com", "/v1", "gpt-5-mini"),
    "deepseek": ("api.deepseek.com", "", "deepseek-v4-flash"),
    "openrouter": ("openrouter.ai", "/api/v1", "anthropic/claude-sonnet-4.5"),
    "groq": ("api.groq.com", "/openai/v1", "openai/gpt-oss-120b"),
    "xai": ("api.x.ai", "/v1", "grok-4.5"),
    "mistral": ("api.mistral.ai", "/v1", "magistral-medium-latest"),
    "vllm": ("localhost:8000", "/v1", "Qwen/Qwen3-8B"),
}

USER: Final = {"role": "user", "content": "hi"}
ASSISTANT: Final = {"role": "assistant", "content": "hello"}
CALLED: Final = {
    "id": "abcdefghi",
    "type": "function",
    "function": {"name": "f", "arguments": "{}"},
}
RESULT: Final = {"role": "tool", "tool_call_id": "abcdefghi", "content": "1"}
TOOLS: Final = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]

SAID: Final = Reply("let me think", "the answer")
CALLS: Final = Reply("let me think", "", (Call("f", {"a": 1}), Call("g", {})))


def send(
    vendor: str,
    body: bytes,
    *,
    reply: Reply = SAID,
    path: str = "/chat/completions",
    key: str = "Bearer k",
) -> Answer:
    """Send bytes to a vendor."""
    host, base, _ = MODELS[vendor]
    headers: Mapping[str, str] = {"Host": host, "Authorization": key}
    return openai_compatible(f"{base}{path}", headers, body, lambda _: reply)


def chat(vendor: str, *messages: JSONObject, **fields: Any) -> JSONObject:
    """A body, by default for the vendor's model and with one message."""
    return {"model": MODELS[vendor][2], "messages": [*(messages or (USER,))], **fields}


def calling(vendor: str, *after: JSONObject, **change: Any) -> JSONObject:
    """A body with a call, whose message is changed, and what comes after it."""
    called = {"role": "assistant", "content": None, "tool_calls": [CALLED], **change}
    return chat(vendor, USER, called, *after)


def answer(vendor: str, body: JSONObject, *, reply: Reply = SAID) -> Answer:
    """Send a body to a vendor."""
    return send(vendor, orjson.dumps(body), reply=reply)
