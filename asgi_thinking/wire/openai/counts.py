"""Token counts, which servers give in several places and under several names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asgi_thinking.events import Usage
from asgi_thinking.wire.openai.thinking import is_object

if TYPE_CHECKING:
    from asgi_thinking.wire.openai.thinking import JSONObject

__all__ = ["count", "groq_usage", "read_usage"]


def groq_usage(chunk: JSONObject) -> JSONObject | None:
    """Groq's place for the counts of a stream.

    Source: https://console.groq.com/docs/api-reference#chat-create, read 2026-11-22.
    """
    beside = chunk.get("x_groq")
    return beside.get("usage") if is_object(beside) else None


def read_usage(usage: JSONObject) -> Usage:
    """Token counts; some servers leave thinking out of `completion_tokens`, but not of the total.

    Sources: https://platform.openai.com/docs/api-reference/chat/object,
    https://api-docs.deepseek.com/api/create-chat-completion (`prompt_cache_hit_tokens`),
    https://docs.x.ai/docs/guides/reasoning, read 2026-11-22.
    """
    prompt, completion = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    total = count(usage, "total_tokens")
    if prompt is not None and total is not None and total > prompt + (completion or 0):
        completion = total - prompt
    inputs, outputs = (
        _object(usage, "prompt_tokens_details"),
        _object(usage, "completion_tokens_details"),
    )
    cached = count(inputs, "cached_tokens")
    for key in ("prompt_cache_hit_tokens", "cached_tokens"):
        cached = count(usage, key) if cached is None else cached
    return Usage(
        prompt,
        completion,
        count(outputs, "reasoning_tokens"),
        cached,
        count(inputs, "cache_write_tokens"),
    )


def count(counts: JSONObject, key: str) -> int | None:
    """A number of the object's that can be a count, else None."""
    value = counts.get(key)
    return value if isinstance(value, int) and value >= 0 else None


def _object(fields: JSONObject, key: str) -> JSONObject:
    value = fields.get(key)
    return value if is_object(value) else {}
