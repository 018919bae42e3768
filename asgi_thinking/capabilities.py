"""What a model accepts, as data that knows no model's name.

`models.py` holds the records of the known families; an owner overrides one with
`dataclasses.replace(record, max_output=64_000)`. `reconcile.py` brings a request within a record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from asgi_thinking.requests import Effort

__all__ = ["EFFORTS", "Capabilities", "Lesson", "ThinkingType"]

ThinkingType: TypeAlias = Literal["enabled", "adaptive", "disabled", "between_tools"]

EFFORTS: Final[tuple[Effort, ...]] = ("minimal", "low", "medium", "high", "xhigh", "max")
"""Every effort but "none", least first."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a vendor's refusal says of a model: words of its message, and the record that knows.

    A record that knew already comes out equal.
    """

    refusal: str
    heed: Callable[[Capabilities], Capabilities]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one model accepts.

    Shape: `{"max_output": 128000, "thinking": ["adaptive", "disabled"], "on_by_default": true,
    "off": "disabled", "efforts": ["low", "medium", "high", "xhigh", "max"], ...}`.

    Attributes:
        max_output: The most `max_tokens` the model takes, in tokens.
        thinking: The words that `thinking.type` takes; none for a model that does not think.
        on_by_default: Whether the model thinks when the request says nothing.
        off: What turns thinking off, or its least setting; None where nothing does.
        off_refused_at: Efforts beside which `off` is refused.
        efforts: The efforts the model takes, least first; none where it takes no effort at all.
        effort_with_budget: Whether an effort may stand beside a budget.
        min_budget: The least budget, in tokens; a budget is always below `max_tokens`.
        max_budget: The most of it, in tokens; None where only `max_tokens` bounds it.
        budgets: When `thinking.type` "enabled" has a budget: "if_said" only where the caller gave
            one, or an effort to a model that takes none.
        signs: Whether thinking is signed, so that a running tool turn must begin with it.
        echoes_unsigned: Whether thinking without a signature goes back in later requests.
        needs_limit: Whether `max_tokens` goes upstream where the caller gave none.
        display_default: What `thinking.display` is when unsaid; None where the model takes none.
        interleaved_beta: Whether thinking between tool calls needs the vendor's beta header while
            `thinking.type` is "enabled".
        tools_beside_thinking: Whether functions may be declared while the model thinks.
        forced_tools: When `tool_choice` may force a call: "without_enabled" is refused beside
            `thinking.type` "enabled".
        sampling: When `temperature`, `top_p` and `top_k` are taken; "without_thinking" still takes
            a `top_p` of 0.95 to 1 while thinking is on.
        one_sampler: Whether `temperature` and `top_p` exclude each other.
        max_temperature: The highest `temperature`.
        prefill: When the last message may be the assistant's.
        search_beside_tools: Whether the vendor's own search may stand beside functions.
        structured_outputs: Whether `response_format` takes a JSON schema.
        json_objects: Whether `response_format` takes "json_object".
        json_beside_tools: Whether a `response_format` may stand beside tools.
        choices: Whether `n` may be above 1.
        streams_above: The most `max_tokens` that is served without streaming; None for no limit.
        closed_schemas: Whether every object of a JSON schema must refuse what it does not name.
        blank_stops: Whether a stop sequence may be nothing but white space.
        max_marks: How many `cache_control` marks a request may have; None for any number.
        trims_prefill: Whether the assistant's last message must not end in white space.
        needs_tools: Whether the tools that were called must be defined in every later request.
        unsupported: Names of `ChatRequest` fields that have no counterpart upstream.
        unsupported_thinking: Names of those that are refused while the model thinks.
        lessons: Refusals of this vendor from which a wrong record is set right.
        disowned: Words of the vendor's refusals of thinking that was sent back, in lower case.
    """

    max_output: int
    thinking: frozenset[ThinkingType] = frozenset()
    on_by_default: bool = False
    off: Literal["disabled", "between_tools"] | None = "disabled"
    off_refused_at: frozenset[Effort] = frozenset()
    efforts: tuple[Effort, ...] = ()
    effort_with_budget: bool = False
    min_budget: int = 1024
    max_budget: int | None = None
    budgets: Literal["always", "if_said", "never"] = "always"
    signs: bool = True
    echoes_unsigned: bool = False
    needs_limit: bool = True
    display_default: Literal["omitted", "summarized"] | None = None
    interleaved_beta: bool = False
    tools_beside_thinking: bool = True
    forced_tools: Literal["always", "without_enabled", "without_thinking", "never"] = "always"
    sampling: Literal["always", "without_thinking", "never"] = "always"
    one_sampler: bool = False
    max_temperature: float = 2.0
    prefill: Literal["always", "without_thinking", "never"] = "always"
    search_beside_tools: bool = True
    structured_outputs: bool = True
    json_objects: bool = True
    json_beside_tools: bool = True
    choices: bool = True
    streams_above: int | None = None
    closed_schemas: bool = False
    blank_stops: bool = True
    max_marks: int | None = None
    trims_prefill: bool = False
    needs_tools: bool = False
    unsupported: frozenset[str] = frozenset()
    unsupported_thinking: frozenset[str] = frozenset()
    lessons: tuple[Lesson, ...] = field(default=(), repr=False)
    disowned: tuple[str, ...] = field(default=(), repr=False)

    def heeding(self, refusal: str) -> Capabilities:
        """The record that a vendor's message shows to be right; equal if it shows nothing new."""
        wiser = self
        for lesson in self.lessons:
            if lesson.refusal in refusal:
                wiser = lesson.heed(wiser)
        return wiser

    def disowns(self, refusal: str) -> bool:
        """Whether a vendor's message refuses thinking that was sent back."""
        told = refusal.lower()
        return any(words in told for words in self.disowned)

    def nearest(self, effort: Effort) -> Effort | None:
        """The highest effort the model takes that is not above `effort`, else its lowest.

        None where the model takes no effort.
        """
        if not self.efforts:
            return None
        rank = EFFORTS.index(effort)
        within: list[Effort] = [word for word in self.efforts if EFFORTS.index(word) <= rank]
        return within[-1] if within else self.efforts[0]
