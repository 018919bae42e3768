"""What the end of a Converse reply says: why it ended, and what it cost.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_MessageStopEvent.html
and https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html, read
2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asgi_thinking.events import FinishReason, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FAILURES", "FINISH", "thinking_tokens", "usage_of"]

JSONObject: TypeAlias = dict[str, Any]

FINISH: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "content_filter",
}

FAILURES: Final[Mapping[str, str]] = {
    "malformed_model_output": "the model's response was malformed",
    "malformed_tool_use": "the model wrote a tool call that cannot be parsed",
}
"""Reasons that leave no whole answer, which a client would take for one."""

_COUNTS: Final = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")


def usage_of(counts: Any, thought: int | None) -> Usage:
    """Our counts of the vendor's, whose `inputTokens` are those that no cache had part in.

    Raises:
        TypeError: a count is no integer.
    """
    given: JSONObject = counts or {}
    prompt, output, read, written = (_checked_count(given.get(key)) for key in _COUNTS)
    if prompt is not None:
        prompt += (read or 0) + (written or 0)
    if output is not None and thought is not None:
        thought = min(thought, output)  # a part of the whole, for clients subtract it
    return Usage(prompt, output, thought, read, written)


def thinking_tokens(fields: Any) -> int | None:
    """What Claude says of its thinking in the fields of its own that a request can ask for.

    Shape: `{"usage": {"output_tokens_details": {"thinking_tokens": int}}}`, all of it optional.
    """
    shown: JSONObject = fields or {}
    usage: JSONObject = shown.get("usage") or {}
    details: JSONObject = usage.get("output_tokens_details") or {}
    return _checked_count(details.get("thinking_tokens"))


def _checked_count(value: Any) -> int | None:
    if value is not None and value.__class__ is not int:
        raise TypeError("expected an integer")
    return value
