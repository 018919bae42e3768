"""The ways in which a caller asks for thinking, and what they come to together.

Sources, all read 2026-11-22: https://platform.claude.com/docs/en/api/messages/create for `thinking`
and `output_config`, https://platform.openai.com/docs/api-reference/chat/create for
`reasoning_effort`, whose object is the Responses API's `reasoning`,
https://openrouter.ai/docs/use-cases/reasoning-tokens for `reasoning` and `include_reasoning`,
https://ai.google.dev/gemini-api/docs/openai and https://ai.google.dev/gemini-api/docs/thinking for
`extra_body.google.thinking_config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from asgi_thinking import _fields as fields

__all__ = [
    "READERS",
    "UNSAID",
    "WISHES",
    "Effort",
    "ThinkingConfig",
    "ThinkingType",
    "read_together",
]

ThinkingType: TypeAlias = Literal["enabled", "adaptive", "disabled", "between_tools"]
Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class ThinkingConfig:
    """How the model is to think.

    `type` and `display` are the vendor's words where the caller used them (`thinking.type`,
    `thinking.display`), `budget` is in tokens, `effort` is OpenAI's scale. All None: the caller did
    not say. `include` is the caller's `include_reasoning`, or the inverse of `reasoning.exclude`.
    """

    type: ThinkingType | None = None
    budget: int | None = None
    effort: Effort | None = None
    display: str | None = None
    include: bool | None = None

    @property
    def asked(self) -> bool:
        """Whether the caller asked to see thinking."""
        if self.include is False or self.type == "disabled":
            return False
        if self.type is not None or self.budget is not None:
            return True
        return self.include is True if self.effort is None else self.effort != "none"


# Beside `thinking`, which says it all where it stands alone.
WISHES: Final = frozenset(
    {"reasoning", "reasoning_effort", "include_reasoning", "output_config", "extra_body"}
)
"""The fields that `read_together` settles."""

UNSAID: Final = ThinkingConfig()
"""What a caller who does not mention thinking says."""


def read_together(values: dict[str, Any]) -> ThinkingConfig:
    """What the five ways to ask for thinking say together; they are taken out of `values`.

    `thinking` decides the form (type and budget) over `reasoning`, and that over Google's config;
    the effort is `output_config`'s, else that of the others in the same order, else
    `reasoning_effort`; thinking is to be seen unless any of them says no.
    """
    effort: Effort | None = values.pop("output_config", None)
    include: bool | None = values.pop("include_reasoning", None)
    form: ThinkingConfig | None = values.get("thinking")
    for name in ("reasoning", "extra_body"):
        other: ThinkingConfig | None = values.pop(name, None)
        if other is None:
            continue
        effort = effort or other.effort
        if other.include is False or include is None:
            include = other.include
        form = form or other
    last: Effort | None = values.pop("reasoning_effort", None)
    form = form or UNSAID
    return ThinkingConfig(form.type, form.budget, effort or last, form.display, include)


_EFFORT: Final = fields.OneOf[Effort]("none", "minimal", "low", "medium", "high", "xhigh", "max")

_TYPE: Final = fields.OneOf[ThinkingType]("enabled", "adaptive", "disabled", "between_tools")

# 0 is how callers of several vendors switch thinking off.
_BUDGET: Final = fields.integer(0)


def _thinking(value: Any) -> ThinkingConfig:
    """`{"type": str, "budget_tokens": int, "display": str}`, true or false."""
    if isinstance(value, bool):
        return ThinkingConfig("enabled" if value else "disabled")
    source = fields.mapping(value)
    budget = fields.given(source, "budget_tokens", _BUDGET)
    kind: ThinkingType | None = fields.given(source, "type", _TYPE)
    if kind is None and budget is None:
        raise fields.invalid("required", "type")
    if budget == 0:
        return ThinkingConfig("disabled")
    kind = kind or "enabled"
    return ThinkingConfig(kind, budget, display=fields.given(source, "display", fields.name))


def _reasoning(value: Any) -> ThinkingConfig:
    """`{"effort": str, "max_tokens": int, "exclude": bool, "enabled": bool}`, true or false."""
    if isinstance(value, bool):
        return ThinkingConfig("enabled" if value else "disabled", include=value)
    source = fields.mapping(value)
    enabled = fields.given(source, "enabled", fields.boolean)
    budget = fields.given(source, "max_tokens", _BUDGET)
    effort: Effort | None = fields.given(source, "effort", _EFFORT)
    exclude = fields.given(source, "exclude", fields.boolean)
    fields.given(source, "summary", fields.string)
    if enabled is False or budget == 0:
        return ThinkingConfig("disabled", include=False)
    # An object that says nothing, or only how to summarise, still asks to see the thinking.
    return ThinkingConfig(
        "enabled" if enabled or budget else None, budget, effort, include=not exclude
    )


def _reasoning_effort(value: Any) -> Effort | None:
    """A word, or `{"effort": str, "summary": str}` as some clients carry it over."""
    if not isinstance(value, dict):
        return _EFFORT(value)
    source = fields.mapping(value)
    fields.given(source, "summary", fields.string)
    return fields.given(source, "effort", _EFFORT)


def _output_config(value: Any) -> Effort | None:
    return fields.given(fields.mapping(value), "effort", _EFFORT)


def _extra_body(value: Any) -> ThinkingConfig | None:
    """`{"google": {"thinking_config": …}}`; whatever else stands in it is passed over."""
    return fields.given(fields.mapping(value), "google", _google)


def _google(value: Any) -> ThinkingConfig | None:
    return fields.given(fields.mapping(value), "thinking_config", _thinking_config)


def _thinking_config(value: Any) -> ThinkingConfig:
    """`{"thinking_level": str}` or `{"thinking_budget": int}`, and `"include_thoughts": bool`.

    A budget of -1 leaves it to the model.
    """
    source = fields.mapping(value)
    level = fields.given(source, "thinking_level", _level)
    budget = fields.given(source, "thinking_budget", _DYNAMIC)
    include = fields.given(source, "include_thoughts", fields.boolean)
    if level is not None and budget is not None:
        raise fields.invalid("must not stand beside thinking_budget", "thinking_level")
    match budget:
        case None:
            return ThinkingConfig(effort=level, include=include)
        case 0:
            return ThinkingConfig("disabled", include=False)
        case -1:
            return ThinkingConfig("adaptive", include=include)
        case _:
            return ThinkingConfig("enabled", budget, include=include)


_DYNAMIC: Final = fields.integer(-1)


def _level(value: Any) -> Effort:
    return _LEVEL(value.lower() if isinstance(value, str) else value)


_LEVEL: Final = fields.OneOf[Effort]("minimal", "low", "medium", "high", "xhigh")

READERS: Final[Mapping[str, fields.Reader[Any]]] = {
    "thinking": _thinking,
    "reasoning": _reasoning,
    "reasoning_effort": _reasoning_effort,
    "include_reasoning": fields.boolean,
    "output_config": _output_config,
    "extra_body": _extra_body,
}
"""The fields that ask for thinking, each by itself."""
