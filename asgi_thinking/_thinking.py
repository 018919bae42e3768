"""Says a caller's wish about thinking in the words of one model.

Sources, all read 2026-11-22:

- budgets, replayed turns, prefill:
  https://platform.claude.com/docs/en/build-with-claude/extended-thinking
- types, display: https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
- efforts: https://platform.claude.com/docs/en/build-with-claude/effort
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, assert_never

from asgi_thinking.capabilities import Capabilities, ThinkingType
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Opaque, RedactedThinking, Thinking, ToolCall, Turn
from asgi_thinking.requests import Effort, ThinkingConfig

__all__ = ["Ledger", "OnConflict", "Thinker", "history_matters", "meant_effort"]

OnConflict: TypeAlias = Literal["fix", "reject", "pass"]

# Budgets, in tokens, below which an effort is meant; from the last on it is "max".
_BUDGET_EFFORTS: Final[tuple[tuple[int, Effort], ...]] = (
    (2_048, "low"),
    (8_192, "medium"),
    (24_576, "high"),
    (49_152, "xhigh"),
)
_DISPLAYS: Final = ("summarized", "omitted")


@dataclass(slots=True)
class Ledger:
    """What was changed in one request, and whether a conflict may be changed at all."""

    mode: OnConflict
    applied: list[str] = field(default_factory=list[str])

    def note(self, entry: str) -> None:
        """Record a translation."""
        self.applied.append(entry)

    def fixes(self, entry: str, param: str, why: str, *, harmless: bool = False) -> bool:
        """Whether to fix a conflict; if so it is recorded. A harmless one is never rejected.

        Raises:
            InvalidRequest: conflicts are rejected.
        """
        if self.mode == "reject" and not harmless:
            raise InvalidRequest(f"{param} {why}", param=param)
        if self.mode == "pass":
            return False
        self.applied.append(entry)
        return True


@dataclass(slots=True)
class Thinker:
    """One request's view of one model.

    `limit` is the request's `max_tokens`; `shares` gives each effort's part of it; `shows` says
    that somebody will see the thinking.
    """

    accepts: Capabilities
    ledger: Ledger
    limit: int
    shares: Mapping[str, float]
    shows: bool

    def thinks(self, config: ThinkingConfig) -> bool:
        """Whether the model may think under a reconciled `config`."""
        return self.accepts.on_by_default if config.type is None else config.type != "disabled"

    def config(self, said: ThinkingConfig) -> ThinkingConfig:
        """The wish `said`, reconciled.

        An explicit type says whether to think; of a budget and an effort counts what the model has.
        """
        if not self.accepts.thinking:
            return self._unthinking(said)
        if _is_off(said):
            return self._off(said)
        if not _is_on(said):
            # Somebody beside the caller looks at what the model thinks by itself.
            if self.shows and self.accepts.on_by_default and self.accepts.display_default:
                return ThinkingConfig("adaptive", None, None, self._display(said), said.include)
            return said if said.display is None else ThinkingConfig(include=said.include)
        if self._takes_budget(said):
            return self._enabled(said)
        return self._adaptive(said)

    def after(self, messages: Sequence[Turn], config: ThinkingConfig) -> ThinkingConfig:
        """A reconciled `config` that the conversation so far allows."""
        if (
            self.accepts.signs
            and config.type == "enabled"
            and (lost := _lost_signature(messages)) is not None
        ):
            config = self._unsigned(config, f"messages[{lost}]")
        if self.accepts.prefill == "always" or not _is_prefill(messages):
            return config
        if self.accepts.prefill == "never" or self.thinks(config):
            return self._prefilled(config, f"messages[{len(messages) - 1}]")
        return config

    def _unthinking(self, said: ThinkingConfig) -> ThinkingConfig:
        why = "is not supported by this model, which does not think"
        if _is_on(said):
            if self.ledger.fixes("thinking dropped", _place(said), why):
                return ThinkingConfig(include=False)
            said = replace(said, effort=self._effort(said.effort))
            if _is_on(said):
                return said
        return ThinkingConfig(include=False if _is_off(said) else said.include)

    def _takes_budget(self, said: ThinkingConfig) -> bool:
        match self.accepts.budgets:
            case "always":
                return self._type(said) == "enabled"
            case "if_said":
                stands_in = said.effort is not None and not self.accepts.efforts
                return (said.budget is not None or stands_in) and self._type(said) == "enabled"
            case "never":
                return False
            case _ as unreachable:
                assert_never(unreachable)

    def _type(self, said: ThinkingConfig) -> ThinkingType:
        accepted = self.accepts.thinking
        if said.type is None:
            budgets = "enabled" in accepted and (
                said.budget is not None or "adaptive" not in accepted
            )
            return "enabled" if budgets else "adaptive"
        if said.type in accepted:
            return said.type
        other: ThinkingType = "enabled" if said.type == "adaptive" else "adaptive"
        if self.accepts.budgets != "always":
            return other  # this vendor knows neither word, and what it has means both
        entry = f"thinking.type {said.type}->{other}"
        why = f"{said.type!r} is not supported by this model; use {other!r}"
        return other if self.ledger.fixes(entry, "thinking.type", why) else said.type

    def _enabled(self, said: ThinkingConfig) -> ThinkingConfig:
        least, most = self.accepts.min_budget, self.limit - 1
        most = min(most, self.accepts.max_budget or most)
        if most < least and self._makes_room(least):
            silent = self.silent()
            return silent or self._adaptive(replace(said, type=None))
        word = _word(said)
        effort = self.accepts.nearest(word) if word and self.accepts.effort_with_budget else None
        budget = said.budget
        if budget is None:
            share = int(self.limit * self.shares[word or "medium"])
            budget = max(least, min(share, most))
            self.ledger.note(f"effort {word or 'medium'}->budget_tokens {budget}")
        else:
            if not least <= budget <= most:
                budget = self._fit(budget, max(least, min(budget, most)), most)
            if said.effort is not None and effort != said.effort:
                self.ledger.note(f"effort {said.effort}->{effort}" if effort else _dropped(said))
        config = (budget, effort, self._enabled_display(said))
        if said.type == "enabled" and config == (said.budget, said.effort, said.display):
            return said
        return ThinkingConfig("enabled", *config, said.include)

    def _makes_room(self, least: int) -> bool:
        why = f"must be above {least} to leave room for thinking, not {self.limit!r}"
        entry = f"thinking off: max_tokens {self.limit} leaves no room for it"
        return self.ledger.fixes(entry, "max_tokens", why)

    def _fit(self, budget: int, fitting: int, most: int) -> int:
        below = f"below max_tokens ({self.limit})" if most == self.limit - 1 else f"at most {most}"
        why = f"must be at least {self.accepts.min_budget} and {below}, not {budget!r}"
        entry = f"budget_tokens {budget}->{fitting}"
        return fitting if self.ledger.fixes(entry, "thinking.budget_tokens", why) else budget

    def _adaptive(self, said: ThinkingConfig) -> ThinkingConfig:
        effort = self._effort(said.effort)
        if said.budget is not None:
            if effort is None:
                effort = self._budgets_effort(said.budget)
            word = f"->effort {effort}" if effort and _word(said) is None else " dropped"
            self.ledger.note(f"budget_tokens {said.budget}{word}")
        return ThinkingConfig("adaptive", None, effort, self._display(said), said.include)

    def _budgets_effort(self, budget: int) -> Effort | None:
        return self.accepts.nearest(meant_effort(budget))

    def _off(self, said: ThinkingConfig) -> ThinkingConfig:
        off = self.accepts.off
        if off is None:
            return self._least(said)
        if said.type is None:
            if not self.accepts.on_by_default:
                return ThinkingConfig(include=False)
            self.ledger.note(f"effort none->{off}")
            return ThinkingConfig(off, include=False)
        kind = said.type
        if kind not in self.accepts.thinking:
            why = f"{kind!r} is not supported by this model; use {off!r}"
            if self.ledger.fixes(f"thinking.type {kind}->{off}", "thinking.type", why):
                kind = off
        display = said.display
        if display:
            why = f"must be absent beside thinking.type {kind!r}"
            if self.ledger.fixes("display dropped", "thinking.display", why):
                display = None
        # "between_tools" from the caller is a way to think; in place of "disabled" it is not.
        include = said.include if kind == said.type == "between_tools" else False
        return ThinkingConfig(kind, None, self._effort_beside_off(said), display, include)

    def _effort_beside_off(self, said: ThinkingConfig) -> Effort | None:
        if said.effort is not None and not self.accepts.efforts:
            self.ledger.note(_dropped(said))
            return None
        effort = self._effort(said.effort)
        if effort not in self.accepts.off_refused_at:
            return effort
        refused = self.accepts.off_refused_at
        allowed: list[Effort] = [e for e in self.accepts.efforts if e not in refused]
        why = f"{effort!r} is not supported while thinking is off"
        if self.ledger.fixes(f"effort {effort}->{allowed[-1]}", "reasoning_effort", why):
            return allowed[-1]
        return effort

    def _least(self, said: ThinkingConfig) -> ThinkingConfig:
        kinds, efforts = self.accepts.thinking, self.accepts.efforts
        budgets = "enabled" in kinds and self.accepts.budgets != "never"
        if "adaptive" not in kinds or (budgets and not efforts):
            return self._least_budget(said)
        lowest = self.accepts.nearest("minimal")
        hidden = None if self.accepts.display_default is None else "omitted"
        parts = (lowest and f"effort {lowest}", hidden and f"display {hidden}")
        least = ", ".join(part for part in parts if part)
        entry = (
            f"thinking off->{least}" if least else "thinking off dropped: the model always thinks"
        )
        if self.ledger.fixes(entry, _place(said), "cannot turn off this model's thinking"):
            return ThinkingConfig("adaptive", None, lowest, hidden, include=False)
        return replace(said, type=said.type or "disabled", effort=self._effort(_word(said)))

    def _least_budget(self, said: ThinkingConfig) -> ThinkingConfig:
        least = self.accepts.min_budget
        entry = f"thinking off->budget_tokens {least}"
        if self.ledger.fixes(entry, _place(said), "cannot turn off this model's thinking"):
            return ThinkingConfig("enabled", least, include=False)
        return replace(said, type=said.type or "disabled")

    def silent(self) -> ThinkingConfig | None:
        """Thinking turned off, or None where this model's cannot be."""
        if not self.accepts.on_by_default:
            return ThinkingConfig(include=False)
        off = self.accepts.off
        return None if off is None else ThinkingConfig(off, include=False)

    def _effort(self, said: Effort | None) -> Effort | None:
        """An effort in the vendor's words; "minimal" and "none" are OpenAI's alone."""
        if said is None or said in self.accepts.efforts:
            return said
        if said == "none":
            self.ledger.note("effort none dropped")
            return None
        nearest = self.accepts.nearest(said)
        entry = f"effort {said}->{nearest}" if nearest else f"effort {said} dropped"
        if said == "minimal":
            self.ledger.note(entry)
            return nearest
        why = f"{said!r} is not supported by this model"
        return nearest if self.ledger.fixes(entry, "reasoning_effort", why) else said

    def _display(self, said: ThinkingConfig) -> str | None:
        """The display to send; an unsaid one hides thinking that nobody will see."""
        wanted = "summarized" if self.shows else "omitted"
        if self.accepts.display_default is None:
            why = "is not supported by this model"
            dropped = said.display is None or self.ledger.fixes(
                "display dropped", "thinking.display", why
            )
            return None if dropped else said.display
        if said.display in {None, wanted}:
            return wanted
        if said.display not in _DISPLAYS:
            why = "must be 'summarized' or 'omitted'"
            fixed = self.ledger.fixes(f"display->{wanted}", "thinking.display", why)
            return wanted if fixed else said.display
        if self.shows or self.ledger.mode == "pass":
            return said.display
        self.ledger.note(f"display {said.display}->{wanted}")
        return wanted

    def _enabled_display(self, said: ThinkingConfig) -> str | None:
        """As `_display`, but unsaid where it says nothing new: the oldest models take none."""
        display, default = self._display(said), self.accepts.display_default
        if display == said.display:
            return display
        return None if default in {"summarized", display} else display

    def _unsigned(self, config: ThinkingConfig, place: str) -> ThinkingConfig:
        why = "must start with the signed thinking it came with"
        silent = None if "adaptive" in self.accepts.thinking else self.silent()
        if silent is not None:
            entry = "thinking off for this turn: its signature is lost"
            return silent if self.ledger.fixes(entry, place, why) else config
        entry = "thinking.type enabled->adaptive: the turn's signature is lost"
        if self.ledger.fixes(entry, place, why):
            return self._adaptive(replace(config, type=None))
        return config

    def _prefilled(self, config: ThinkingConfig, place: str) -> ThinkingConfig:
        if self.ledger.mode == "pass":
            return config
        silent = None if self.accepts.prefill == "never" else self.silent()
        if silent is None:
            why = "must not be the assistant's: this model does not continue a reply"
            raise InvalidRequest(f"{place} {why}", param=place)
        why = "must not be the assistant's while the model thinks"
        return silent if self.ledger.fixes("thinking off: prefill", place, why) else config


def history_matters(
    messages: Sequence[Turn], accepts: Capabilities, config: ThinkingConfig
) -> bool:
    """Whether `Thinker.after` could change a reconciled `config` because of these messages."""
    if accepts.signs and config.type == "enabled" and _lost_signature(messages) is not None:
        return True
    return accepts.prefill != "always" and _is_prefill(messages)


def meant_effort(budget: int) -> Effort:
    """The effort that a budget, in tokens, stands for."""
    meant: list[Effort] = [name for below, name in _BUDGET_EFFORTS if budget < below]
    return meant[0] if meant else "max"


def _is_off(said: ThinkingConfig) -> bool:
    if said.type is not None:
        return said.type in ("disabled", "between_tools")
    return said.effort == "none" and said.budget is None


def _is_on(said: ThinkingConfig) -> bool:
    if said.type is None and said.budget is None and said.effort is None:
        return said.include is True
    return not _is_off(said)


def _word(said: ThinkingConfig) -> Effort | None:
    return None if said.effort == "none" else said.effort


def _dropped(said: ThinkingConfig) -> str:
    return f"effort {said.effort} dropped"


def _place(said: ThinkingConfig) -> str:
    """The field of the body that asks for thinking."""
    if said.type is not None:
        return "thinking.type"
    if said.budget is not None:
        return "thinking.budget_tokens"
    return "include_reasoning" if said.effort is None else "reasoning_effort"


def _is_prefill(messages: Sequence[Turn]) -> bool:
    if not messages or messages[-1].role != "assistant":
        return False
    parts = messages[-1].parts
    # A tool of the vendor's own that was paused is gone on with, whatever thinking there was.
    paused = bool(parts) and isinstance(parts[-1], Opaque)
    return not (paused or any(isinstance(part, ToolCall) for part in parts))


def _lost_signature(messages: Sequence[Turn]) -> int | None:
    """Where a running tool turn begins without signed thinking.

    The turn is the last run of assistant and tool messages, provided that its last assistant
    message calls tools; a later one of the run need not think again.
    """
    first = len(messages) - 1
    while first >= 0 and messages[first].role != "assistant":
        first -= 1
    if first < 0 or not any(isinstance(part, ToolCall) for part in messages[first].parts):
        return None
    number = first
    while number > 0 and messages[number - 1].role in {"assistant", "tool"}:
        number -= 1
        first = number if messages[number].role == "assistant" else first
    opening = next(iter(messages[first].parts), None)
    signed = isinstance(opening, RedactedThinking) or (
        isinstance(opening, Thinking) and opening.signature
    )
    return None if signed else first
