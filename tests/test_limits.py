"""The most that an owner lets a caller have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.limits import Limits
from asgi_thinking.models import claude
from asgi_thinking.plans import Planner, Terms
from asgi_thinking.reconcile import OnConflict
from asgi_thinking.requests import ThinkingConfig
from tests.scripted import Scripted

ASK: dict[str, Any] = {"model": "claude", "stream": True}

BUDGETS = claude("claude-sonnet-4-5")
ADAPTIVE = claude("claude-opus-4-6")
EFFORTS = claude("claude-opus-5-5")
DYNAMIC = Capabilities(
    max_output=60_000,
    thinking=frozenset({"enabled", "disabled"}),
    on_by_default=True,
    budgets="if_said",
    min_budget=128,
)
SILENT = Capabilities(max_output=8_000)
ALWAYS = Capabilities(
    max_output=60_000,
    thinking=frozenset({"adaptive"}),
    on_by_default=True,
    off=None,
    efforts=("low", "medium", "high"),
    budgets="never",
)
NEVER_OFF = Capabilities(
    max_output=60_000,
    thinking=frozenset({"enabled"}),
    on_by_default=True,
    off=None,
    min_budget=128,
)


class Model(Scripted):
    """A provider with one model, whose record the test chooses."""

    record: Capabilities

    def capabilities(self, model: str) -> Capabilities:
        return self.record


def planned(
    record: Capabilities, limits: Limits, mode: OnConflict = "fix", **settings: Any
) -> tuple[ThinkingConfig, int | None, tuple[str, ...]]:
    """What goes upstream of thinking and `max_tokens`, and what was changed."""
    provider = Model()
    provider.record = record
    planner = Planner(mode)
    plan = planner.plan(provider, "claude", ASK | settings, Terms(True, limits=limits))
    fitted = planner.fit(plan, ())
    return fitted.request.thinking, fitted.request.max_tokens, fitted.applied


@pytest.mark.parametrize(
    ("said", "most", "applied"),
    [
        (9_000, 4_000, ("max_tokens 9000->4000",)),
        (None, 4_000, ("max_tokens 4000",)),
        (3_000, 3_000, ()),
        (None, 8_000, ("max_tokens 8000",)),
    ],
)
@pytest.mark.parametrize("mode", ["fix", "reject", "pass"])
def test_max_tokens_is_the_lower_of_both(
    said: int | None, most: int, applied: tuple[str, ...], mode: OnConflict
) -> None:
    """Said or not, and however conflicts are seen, no more goes upstream than the owner lets."""
    _, tokens, told = planned(
        SILENT, Limits(min(most, 4_000 if said else most)), mode, max_tokens=said
    )

    assert (min(said or most, most), applied) == (tokens, told)


def test_more_than_the_model_gives_is_no_limit() -> None:
    """Where the owner's limit is above the model's, the model's counts, and is no conflict."""
    assert (8_000, ("max_tokens 8000",)) == planned(SILENT, Limits(100_000), "reject")[1:]


@pytest.mark.parametrize(
    ("record", "settings", "budget", "effort", "applied"),
    [
        # What is said is cut, and what stands for more is cut where it becomes a budget.
        (BUDGETS, {"thinking": {"type": "enabled", "budget_tokens": 9_000}}, 4_096, None,
         ("budget_tokens 9000->4096",)),
        (BUDGETS, {"thinking": {"type": "enabled", "budget_tokens": 2_000}}, 2_000, None, ()),
        (BUDGETS, {"reasoning_effort": "high", "max_tokens": 20_000}, 4_096, None,
         ("effort high->budget_tokens 4096",)),
        (BUDGETS, {}, None, None, ()),
        # A model without budgets is held to the effort that one stands for.
        (EFFORTS, {"reasoning_effort": "max"}, None, "medium", ("effort max->medium",)),
        (EFFORTS, {"reasoning_effort": "low"}, None, "low", ()),
        (EFFORTS, {"thinking": {"type": "enabled", "budget_tokens": 9_000}}, None, "medium",
         ("effort unsaid->medium", "thinking.type enabled->adaptive",
          "budget_tokens 9000 dropped")),
        (ADAPTIVE, {"thinking": {"type": "adaptive"}}, None, "medium", ("effort unsaid->medium",)),
        (ADAPTIVE, {"thinking": {"type": "enabled", "budget_tokens": 9_000}}, 4_096, None,
         ("budget_tokens 9000->4096",)),
        # A model that would think as long as it likes is given a budget.
        (DYNAMIC, {}, 4_096, None, ("budget_tokens 4096",)),
        (DYNAMIC, {"reasoning_effort": "low", "max_tokens": 10_000}, 2_000, None,
         ("effort low->budget_tokens 2000",)),
        (DYNAMIC, {"reasoning_effort": "none"}, None, None, ("effort none->disabled",)),
        (SILENT, {}, None, None, ()),
    ],
)  # fmt: skip
def test_thinking_is_within_the_budget(
    record: Capabilities,
    settings: dict[str, Any],
    budget: int | None,
    effort: str | None,
    applied: tuple[str, ...],
) -> None:
    """Whatever way the caller asks, in whatever way the model is told."""
    thinking, _, told = planned(record, Limits(budget=4_096), **settings)

    assert (budget, effort, applied) == (thinking.budget, thinking.effort, told)


@pytest.mark.parametrize(
    ("record", "most", "applied"),
    [
        (DYNAMIC, 0, ("thinking off", "effort none->disabled")),
        (DYNAMIC, 100, ("thinking off", "effort none->disabled")),
        (EFFORTS, 0, ("effort unsaid->low",)),
        (ADAPTIVE, 0, ()),
        (ALWAYS, 0, ("effort unsaid->low",)),
        (NEVER_OFF, 0, ("budget_tokens 128",)),
        (NEVER_OFF, 100, ("budget_tokens 128",)),
    ],
)
@pytest.mark.parametrize("mode", ["fix", "reject"])
def test_a_model_thinks_as_little_as_it_can(
    record: Capabilities, most: int, applied: tuple[str, ...], mode: OnConflict
) -> None:
    """Below the least budget there is none, and no conflict that the caller could be blamed for."""
    assert applied == planned(record, Limits(budget=most), mode)[2]


def test_a_budget_has_room_in_a_lower_max_tokens() -> None:
    """What the owner's limit does to the caller's budget is no conflict either."""
    wish = {"thinking": {"type": "enabled", "budget_tokens": 9_000}}

    thinking, tokens, told = planned(BUDGETS, Limits(4_000), "reject", max_tokens=10_000, **wish)
    assert (3_999, 4_000) == (thinking.budget, tokens)
    assert ("max_tokens 10000->4000", "budget_tokens 9000->3999") == told
    assert ("max_tokens 500", "thinking off") == planned(BUDGETS, Limits(500), "reject", **wish)[2]
    assert "max_tokens 4000" in planned(EFFORTS, Limits(4_000), **wish)[2]


def test_limits_make_no_wish_of_their_own() -> None:
    """A caller who did not ask to see thinking does not see it because it is limited."""
    thinking, _, _ = planned(EFFORTS, Limits(budget=4_096))

    assert ("omitted", "medium") == (thinking.display, thinking.effort)


def test_other_conflicts_are_still_the_callers() -> None:
    """Limits change what they limit, and nothing else."""
    with pytest.raises(InvalidRequest, match="budget_tokens must be at least 1024"):
        planned(
            BUDGETS,
            Limits(4_000, 2_000),
            "reject",
            thinking={"type": "enabled", "budget_tokens": 5},
        )


wishes = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.integers(1, 100_000),
        "thinking": st.sampled_from(["enabled", "adaptive", "disabled"]).flatmap(
            lambda kind: st.fixed_dictionaries(
                {"type": st.just(kind)},
                optional={"budget_tokens": st.integers(1, 100_000)} if kind == "enabled" else {},
            )
        ),
        "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "max"]),
        "include_reasoning": st.booleans(),
    },
)


@given(
    st.sampled_from([BUDGETS, ADAPTIVE, EFFORTS, DYNAMIC, SILENT]),
    st.builds(Limits, st.integers(1, 50_000), st.integers(0, 50_000)),
    wishes,
)
def test_nothing_goes_upstream_beyond_the_limits(
    record: Capabilities, limits: Limits, settings: dict[str, Any]
) -> None:
    """Of every wish, on every kind of model, `max_tokens` and the budget are within the limits."""
    thinking, tokens, _ = planned(record, limits, **settings)

    assert limits.max_tokens is not None
    assert limits.budget is not None
    assert 0 < (tokens or 0) <= limits.max_tokens
    assert (thinking.budget or 0) <= limits.budget
