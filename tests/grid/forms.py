"""The forms in which callers of the grid ask for thinking, and what they ask for beside it.

Each is one that clients are known to send. Sources, read 2026-11-22:
https://platform.claude.com/docs/en/build-with-claude/extended-thinking,
https://platform.openai.com/docs/api-reference/chat/create and
https://openrouter.ai/docs/use-cases/reasoning-tokens.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["FORMS", "TOOLS"]

JSONObject = dict[str, Any]

_PLACE: Final[JSONObject] = {"type": "string"}
_SCHEMA: Final[JSONObject] = {
    "type": "object",
    "properties": {"place": _PLACE},
    "required": ["place"],
}

TOOLS: Final[list[JSONObject]] = [
    {"type": "function", "function": {"name": "find", "parameters": _SCHEMA}}
]
"""What the models of the grid may call."""

_BUDGET: Final[JSONObject] = {"type": "enabled", "budget_tokens": 2_000}
_SHAPE: Final[JSONObject] = {
    "type": "json_schema",
    "json_schema": {"name": "place", "strict": True, "schema": _SCHEMA},
}
_FORCED: Final[JSONObject] = {"type": "function", "function": {"name": "find"}}
_SAMPLED: Final[JSONObject] = {"temperature": 0.3, "top_p": 0.9, "top_k": 40}
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

FORMS: Final[dict[str, JSONObject]] = {
    "nothing": {},
    **{f"effort {word}": {"reasoning_effort": word} for word in _EFFORTS},
    "budget": {"thinking": _BUDGET},
    "budget too large": {"thinking": {"type": "enabled", "budget_tokens": 90_000}},
    "budget too small": {"thinking": {"type": "enabled", "budget_tokens": 100}},
    "adaptive": {"thinking": {"type": "adaptive"}},
    "disabled": {"thinking": {"type": "disabled"}},
    "disabled with effort": {"thinking": {"type": "disabled"}, "reasoning_effort": "max"},
    "reasoning effort": {"reasoning": {"effort": "high"}},
    "reasoning tokens": {"reasoning": {"max_tokens": 3_000}},
    "both": {"thinking": _BUDGET, "reasoning_effort": "low"},
    "include": {"include_reasoning": True},
    "sampling": _SAMPLED,
    "sampling beside thinking": {"thinking": _BUDGET, **_SAMPLED},
    "forced": {"tool_choice": _FORCED, "tools": TOOLS},
    "forced beside thinking": {"thinking": _BUDGET, "tool_choice": _FORCED, "tools": TOOLS},
    "required beside effort": {
        "reasoning_effort": "high",
        "tool_choice": "required",
        "tools": TOOLS,
    },
    "schema": {"response_format": _SHAPE},
    "schema beside thinking": {"thinking": _BUDGET, "response_format": _SHAPE},
    "no limit": {"max_tokens": None, "reasoning_effort": "high"},
    "no limit beside a budget": {
        "max_tokens": None,
        "thinking": {"type": "enabled", "budget_tokens": 30_000},
    },
    "tiny limit": {"max_tokens": 16, "reasoning_effort": "high"},
    "tiny limit beside a budget": {"max_tokens": 1_024, "thinking": _BUDGET},
    "completion tokens": {"max_completion_tokens": 8_000, "reasoning_effort": "medium"},
}
"""The fields of each form; one that is None is not sent."""
