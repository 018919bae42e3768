"""The most that an owner lets a caller have of tokens, whatever the caller asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from asgi_thinking._thinking import meant_effort
from asgi_thinking.capabilities import EFFORTS, Capabilities
from asgi_thinking.requests import ChatRequest, Effort, ThinkingConfig

__all__ = ["Limits"]

# What vendors think at where nobody says.
# Source: https://platform.claude.com/docs/en/build-with-claude/effort, read 2026-11-22.
_USUAL: Final = "high"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of `max_tokens`, and of thinking, both in tokens; None for no limit.

    They hold for what goes upstream, in every mode of `on_conflict`. A model that takes efforts and
    no budgets is limited to the effort that the budget stands for.
    """

    max_tokens: int | None = None
    budget: int | None = None

    def within(
        self, request: ChatRequest, accepts: Capabilities
    ) -> tuple[ChatRequest, tuple[str, ...]]:
        """A request that asks for no more, and what was changed, as in "max_tokens 9000->4000"."""
        changes: dict[str, Any] = {}
        applied: list[str] = []
        most, said, wish = self.max_tokens, request.max_tokens, request.thinking
        if most is not None and (said is None or said > most):
            # What the model cannot give is no limit, and would be a conflict.
            changes["max_tokens"] = most = min(most, accepts.max_output)
            applied.append(f"max_tokens {most}" if said is None else f"max_tokens {said}->{most}")
            if wish.budget is not None and _takes_budget(wish, accepts):
                wish = _cut(wish, most - 1, accepts)
        if self.budget is not None and accepts.thinking and _thinks(wish, accepts):
            wish = _within(wish, self.budget, accepts)
        if wish != request.thinking:
            changes["thinking"] = wish
            applied.append(_told(request.thinking, wish))
        return (request.but(**changes) if changes else request), tuple(applied)

    def narrow(self, accepts: Capabilities) -> Capabilities:
        """The model's record, such that an effort's share of `max_tokens` is within the budget."""
        if self.budget is None:
            return accepts
        most = max(self.budget, accepts.min_budget)
        return replace(accepts, max_budget=min(most, accepts.max_budget or most))


def _thinks(wish: ThinkingConfig, accepts: Capabilities) -> bool:
    """Whether the model would think, as far as the wish and its own default say."""
    if wish.type is not None:
        return wish.type != "disabled"
    if wish.budget is None and wish.effort is None:
        return accepts.on_by_default or wish.include is True
    return wish.effort != "none" or wish.budget is not None


def _takes_budget(wish: ThinkingConfig, accepts: Capabilities) -> bool:
    """Whether the wish becomes a budget, and not an effort or nothing at all."""
    if "enabled" not in accepts.thinking or accepts.budgets == "never":
        return False
    if not accepts.efforts or "adaptive" not in accepts.thinking:
        return True
    return wish.budget is not None or wish.type == "enabled"


def _within(wish: ThinkingConfig, most: int, accepts: Capabilities) -> ThinkingConfig:
    """A wish that makes the model think no more than `most` tokens."""
    if most == 0:
        return _least(wish, accepts)
    if not _takes_budget(wish, accepts):
        return _easier(wish, most, accepts)
    unbounded = wish.budget is None and wish.effort is None and accepts.budgets == "if_said"
    if unbounded or (wish.budget or 0) > most or most < accepts.min_budget:
        return _cut(wish, most, accepts)
    return wish


def _cut(wish: ThinkingConfig, most: int, accepts: Capabilities) -> ThinkingConfig:
    if most < accepts.min_budget:
        return _least(wish, accepts)
    kind = wish.type if wish.type == "enabled" else None
    budget = most if wish.budget is None else min(wish.budget, most)
    return replace(wish, type=kind, budget=budget)


def _easier(wish: ThinkingConfig, most: int, accepts: Capabilities) -> ThinkingConfig:
    allowed = accepts.nearest(meant_effort(most))
    said: Effort = _USUAL if wish.effort in (None, "none") else wish.effort
    if allowed is None or EFFORTS.index(said) <= EFFORTS.index(allowed):
        return wish
    return replace(wish, effort=allowed)


def _least(wish: ThinkingConfig, accepts: Capabilities) -> ThinkingConfig:
    """As little thinking as the model can be made to do."""
    if accepts.off is not None:
        return ThinkingConfig(effort="none", include=wish.include)
    if _takes_budget(wish, accepts):
        return replace(wish, type=None, budget=accepts.min_budget, effort=None)
    return replace(wish, budget=None, effort=accepts.nearest("minimal"))


def _told(before: ThinkingConfig, after: ThinkingConfig) -> str:
    if after.effort == "none":
        return "thinking off"
    if after.budget not in (None, before.budget):
        said = "" if before.budget is None else f"{before.budget}->"
        return f"budget_tokens {said}{after.budget}"
    return f"effort {before.effort or 'unsaid'}->{after.effort}"
