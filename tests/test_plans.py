"""Settings that are settled once, and lessons that vendors' refusals give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asgi_thinking import plans
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import InvalidRequest, ProviderError, ThinkingError
from asgi_thinking.history import seals
from asgi_thinking.messages import Text, Thinking, ToolCall, Turn
from asgi_thinking.models import claude
from asgi_thinking.plans import SHOWN, Plan, Planner
from asgi_thinking.requests import Effort
from tests.scripted import Scripted

NO_BUDGETS = '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive"'
BUDGET: dict[str, Any] = {
    "model": "a model",
    "max_tokens": 9000,
    "thinking": {"type": "enabled", "budget_tokens": 4000},
}
OLD = "claude-sonnet-4-5"


def refusal(message: str, status: int = 400) -> ProviderError:
    return ProviderError(message, status=status, provider="acme")


def planned(planner: Planner, provider: Scripted | None = None, **settings: Any) -> Plan:
    return planner.plan(provider or Scripted(), OLD, BUDGET | settings, SHOWN)


def test_a_refusal_corrects_the_record() -> None:
    """A model that takes no budget any more is asked again as its vendor says."""
    planner = Planner()
    wiser = planner.learn(planned(planner), refusal(NO_BUDGETS))
    assert wiser is not None
    thinking = planner.fit(wiser, ()).request.thinking
    assert ("adaptive", None, "medium") == (thinking.type, thinking.budget, thinking.effort)
    assert ("budget_tokens 4000->effort medium",) == wiser.fixed.applied[-1:]


def test_a_lesson_is_remembered_for_a_while() -> None:
    """The next request heeds it from the start; after an hour the record counts again."""
    now = [0.0]
    planner = Planner(clock=lambda: now[0])
    planner.learn(planned(planner), refusal(NO_BUDGETS))
    assert "adaptive" == planned(planner, temperature=1).fixed.request.thinking.type
    now[0] = 3599.0
    assert "adaptive" == planned(planner).fixed.request.thinking.type
    now[0] = 3600.0
    assert "enabled" == planned(planner).fixed.request.thinking.type


def test_a_lesson_is_of_one_model_of_one_provider() -> None:
    """What one refuses says nothing of the others."""
    planner = Planner()
    planner.learn(planned(planner), refusal(NO_BUDGETS))
    assert "enabled" == planned(planner, Scripted(name="other")).fixed.request.thinking.type
    other = planner.plan(Scripted(), "claude-opus-4-5", BUDGET, SHOWN)
    assert "enabled" == other.fixed.request.thinking.type


class Corrected(Scripted):
    """A provider whose owner corrects a record."""

    record = claude(OLD)

    def capabilities(self, model: str) -> Capabilities:
        return self.record if model == OLD else super().capabilities(model)


def test_a_new_record_beats_a_lesson_about_the_old_one() -> None:
    """Whoever corrects the record knows better than what its mistakes taught."""
    planner, provider = Planner(), Corrected()
    planner.learn(planned(planner, provider), refusal(NO_BUDGETS))
    provider.record = replace(provider.record, max_output=8000)
    request = planned(planner, provider).fixed.request
    assert ("enabled", 8000) == (request.thinking.type, request.max_tokens)


@pytest.mark.parametrize(
    "error",
    [
        refusal("messages: at least one message is required"),
        refusal(NO_BUDGETS, 500),
        ThinkingError(NO_BUDGETS, status=400),
    ],
    ids=["another refusal", "a failure", "ours"],
)
def test_other_errors_teach_nothing(error: ThinkingError) -> None:
    """Only a vendor's refusal of the request does, in words that are known."""
    planner = Planner()
    assert planner.learn(planned(planner), error) is None


def test_the_same_lesson_is_not_learned_twice() -> None:
    """A refusal that comes although it was heeded is the caller's."""
    planner = Planner()
    wiser = planner.learn(planned(planner), refusal(NO_BUDGETS))
    assert wiser is not None
    assert planner.learn(wiser, refusal(NO_BUDGETS)) is None


def test_nothing_is_learned_where_requests_go_as_they_are() -> None:
    """With "pass" the vendor judges, and its judgement stands."""
    planner = Planner("pass")
    assert planner.learn(planned(planner), refusal(NO_BUDGETS)) is None


def test_a_lesson_may_make_a_conflict() -> None:
    """With "reject" the caller hears of it in our words, at once and from then on."""
    planner = Planner("reject")
    plan = planned(planner)
    for _ in range(2):
        with pytest.raises(InvalidRequest) as caught:
            planner.learn(plan, refusal(NO_BUDGETS))
        assert "thinking.type" == caught.value.param
    with pytest.raises(InvalidRequest):
        planned(planner)


def test_lessons_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many models are asked for, only so many are remembered."""
    monkeypatch.setattr(plans, "_LESSONS", 1)
    planner = Planner()
    for name in ("claude-opus-4-5", OLD):
        plan = planner.plan(Scripted(), name, BUDGET, SHOWN)
        planner.learn(plan, refusal(NO_BUDGETS))
    assert "adaptive" == planned(planner).fixed.request.thinking.type
    first = planner.plan(Scripted(), "claude-opus-4-5", BUDGET, SHOWN)
    assert "enabled" == first.fixed.request.thinking.type


TURNS = (
    Turn("user", (Text("hi"),)),
    Turn("assistant", (Thinking("t", "c2ln"), ToolCall("1", "f", "{}"))),
    Turn("tool", (Text("1"),), "1"),
)
DISOWNED = "messages.1.content.0: Invalid `signature` in `thinking` block"


def test_disowned_thinking_is_forgotten_and_reported() -> None:
    """All of it goes, for what comes after a gap would be refused next."""
    planner = Planner()
    kept = planner.forget_thinking(planned(planner), TURNS, refusal(DISOWNED))
    assert kept is not None
    assert (ToolCall("1", "f", "{}"),) == kept[0][1].parts
    assert ("messages[1]: thinking of Claude dropped",) == kept[1]


@pytest.mark.parametrize(
    ("mode", "turns", "error"),
    [
        ("reject", TURNS, refusal(DISOWNED)),
        ("pass", TURNS, refusal(DISOWNED)),
        ("fix", TURNS[:1], refusal(DISOWNED)),
        ("fix", TURNS, refusal("messages.1: at least one message is required")),
        ("fix", TURNS, refusal(DISOWNED, 500)),
        ("fix", TURNS, ThinkingError(DISOWNED, status=400)),
    ],
    ids=["reject", "pass", "no thinking", "another refusal", "a failure", "ours"],
)
def test_otherwise_thinking_is_kept(
    mode: Any, turns: tuple[Turn, ...], error: ThinkingError
) -> None:
    """It is left out only for that refusal, where there is any, and where requests are mended."""
    planner = Planner(mode)
    assert planner.forget_thinking(planned(planner), turns, error) is None


def seals_of(planner: Planner, turns: tuple[Turn, ...], provider: Scripted) -> list[str]:
    """The signatures that go upstream, by what the planner knows by now."""
    return seals(planner.fit(planned(planner, provider), turns).request.messages)


def test_what_was_disowned_is_left_out_from_then_on() -> None:
    """By the provider that disowned it, for an hour; what it says later is kept."""
    now = [0.0]
    planner, provider = Planner(clock=lambda: now[0]), Scripted()
    planner.forget_thinking(planned(planner, provider), TURNS, refusal(DISOWNED))
    later = Turn("assistant", (Thinking("u", "bmV3"), ToolCall("2", "f", "{}")))
    grown = (*TURNS, later, Turn("tool", (Text("2"),), "2"))
    assert ["bmV3"] == seals_of(planner, grown, provider)
    told = planner.fit(planned(planner, provider), grown).applied
    assert "messages[1]: thinking that was refused dropped" in told
    assert ["c2ln", "bmV3"] == seals_of(planner, grown, Scripted(name="other"))
    now[0] = 3600.0
    assert ["c2ln", "bmV3"] == seals_of(planner, grown, provider)


def test_refusals_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is disowned, only so much is remembered."""
    monkeypatch.setattr(plans, "_REFUSALS", 1)
    planner, provider = Planner(), Scripted()
    other = (*TURNS[:1], Turn("assistant", (Thinking("t", "b3RoZXI="), Text("a"))))
    for turns in (TURNS, other):
        planner.forget_thinking(planned(planner, provider), turns, refusal(DISOWNED))
    assert ["c2ln"] == seals_of(planner, TURNS, provider)
    assert [] == seals_of(planner, other, provider)


def without(*words: Effort) -> tuple[Effort, ...]:
    return tuple(word for word in claude("claude-opus-5").efforts if word not in words)


@pytest.mark.parametrize(
    ("model", "message", "changes"),
    [
        (
            "claude-opus-4-6",
            '"thinking.type.enabled" is not supported',
            {"thinking": frozenset({"adaptive", "disabled"}), "display_default": "omitted"},
        ),
        (
            "claude-opus-5",
            '"thinking.type.disabled" is not supported',
            {"thinking": frozenset({"adaptive"}), "off": None},
        ),
        (
            "claude-opus-4-7",
            '"thinking.type.disabled" is not supported',
            {"thinking": frozenset({"adaptive"}), "off": None, "on_by_default": True},
        ),
        (
            "claude-opus-4-6",
            "adaptive thinking is not supported on this model",
            {"thinking": frozenset({"enabled", "disabled"})},
        ),
        ("claude-opus-5", "This model does not support the effort parameter.", {"efforts": ()}),
        (
            "claude-opus-5",
            "This model does not support effort level 'xhigh'.",
            {"efforts": without("xhigh")},
        ),
        (
            "claude-opus-5",
            "This model does not support effort level 'max'.",
            {"efforts": without("max")},
        ),
        (
            "claude-opus-5",
            'tool_choice: type "tool" and "any" are not supported for this model.',
            {"forced_tools": "never"},
        ),
        (
            "claude-opus-5",
            "Thinking may not be enabled when tool_choice forces tool use.",
            {"forced_tools": "without_enabled"},
        ),
        (
            "claude-sonnet-4-5",
            "Thinking may not be enabled when tool_choice forces tool use.",
            {"forced_tools": "never"},
        ),
        (
            "claude-opus-4-0",
            "`temperature` and `top_p` cannot both be specified for this model.",
            {"one_sampler": True},
        ),
        ("claude-opus-4-6", "top_k: Extra inputs are not permitted", {"sampling": "never"}),
        ("claude-opus-4-6", "`temperature` is deprecated for this model", {"sampling": "never"}),
        (
            "claude-opus-4-6",
            "`temperature` may only be set to 1 when thinking is enabled.",
            {"sampling": "never"},
        ),
    ],
)
def test_what_claudes_refusals_teach(model: str, message: str, changes: dict[str, Any]) -> None:
    """Each corrects what it is about, and nothing else."""
    wiser = claude(model).heeding(message)
    assert replace(claude(model), **changes) == wiser
