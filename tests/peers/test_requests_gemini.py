"""How Gemini is asked to think, by both of Google's APIs.

Sources, read 2026-11-22: https://ai.google.dev/gemini-api/docs/thinking,
https://cloud.google.com/vertex-ai/generative-ai/docs/thinking and
https://ai.google.dev/gemini-api/docs/openai.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.requests_scene import Asking, JSONObject, Mode, Told

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("name", ["gemini", "vertex-gemini"])]

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
STRICT = ((b"x-tfy-strict-openai", b"true"),)

# The model, and its budget for each effort with a `max_tokens` of 40,000.
BUDGETS = """
2.5-flash | 0 4000 8000 20000 24576 24576 24576
2.5-flash-lite | 0 4000 8000 20000 24576 24576 24576
2.5-pro | 128 4000 8000 20000 32000 32768 32768
"""
# The model, and its level for each effort.
LEVELS = """
3-flash-preview | MINIMAL MINIMAL LOW MEDIUM HIGH HIGH HIGH
3.1-flash-lite | MINIMAL MINIMAL LOW MEDIUM HIGH HIGH HIGH
3.5-flash | MINIMAL MINIMAL LOW MEDIUM HIGH HIGH HIGH
3.6-flash | MINIMAL MINIMAL LOW MEDIUM HIGH HIGH HIGH
3.7-flash | LOW LOW LOW MEDIUM HIGH HIGH HIGH
3.8-flash-cyber | LOW LOW LOW MEDIUM HIGH HIGH HIGH
3-pro-preview | LOW LOW LOW LOW HIGH HIGH HIGH
3.1-pro-preview | LOW LOW LOW MEDIUM HIGH HIGH HIGH
4-argon | LOW LOW LOW MEDIUM HIGH HIGH HIGH
"""


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def config(told: Told) -> JSONObject:
    """The request's thinkingConfig."""
    assert told.gemini is not None
    return told.gemini


@pytest.mark.parametrize(("model", "budgets"), rows(BUDGETS))
async def test_23_an_effort_is_a_budget_within_the_models_own(
    name: str, model: str, budgets: str
) -> None:
    """And "none" is 0, but for the largest, which cannot do without: there it is the least."""
    ask = Asking.of(name)
    for effort, budget in zip(EFFORTS, budgets.split(), strict=True):
        told = await ask(f"gemini-{model}", reasoning_effort=effort, max_tokens=40_000)
        expected = {"includeThoughts": effort != "none", "thinkingBudget": int(budget)}
        assert (effort, expected) == (effort, told.gemini)


@pytest.mark.parametrize(
    ("model", "said", "sent"),
    [
        ("2.5-flash", 30_000, 24_576),
        ("2.5-flash-lite", 100, 512),
        ("2.5-pro", 100, 128),
        ("2.5-pro", 35_000, 32_768),
        ("2.5-pro", 2_000, 2_000),
    ],
)
async def test_23_a_budget_is_kept_within_the_models_own(
    name: str, model: str, said: int, sent: int
) -> None:
    """What is changed is reported, or rejected."""
    wish: JSONObject = {"thinking": {"type": "enabled", "budget_tokens": said}}
    told = await Asking.of(name)(f"gemini-{model}", max_tokens=60_000, **wish)
    assert {"includeThoughts": True, "thinkingBudget": sent} == told.gemini
    assert ("" if said == sent else f"budget_tokens {said}->{sent}") == told.applied
    ask = Asking.of(name, on_conflict="reject")
    told = await ask(f"gemini-{model}", max_tokens=60_000, **wish)
    assert (200 if said == sent else 400) == told.status


@pytest.mark.parametrize(("model", "levels"), rows(LEVELS))
async def test_24_an_effort_is_the_nearest_level_that_the_model_has(
    name: str, model: str, levels: str
) -> None:
    """No budget beside it; "none" is the least level, its thoughts unseen, and the rest HIGH."""
    ask = Asking.of(name)
    for effort, level in zip(EFFORTS, levels.split(), strict=True):
        told = await ask(f"gemini-{model}", reasoning_effort=effort)
        expected = {"includeThoughts": effort != "none", "thinkingLevel": level}
        assert (effort, expected) == (effort, told.gemini)


@pytest.mark.parametrize(
    ("model", "wish", "expected"),
    [
        ("2.5-flash", "disabled", {"includeThoughts": False, "thinkingBudget": 0}),
        ("2.5-flash-lite", "disabled", {"includeThoughts": False, "thinkingBudget": 0}),
        ("2.5-pro", "disabled", {"includeThoughts": False, "thinkingBudget": 128}),
        ("3-flash-preview", "disabled", {"includeThoughts": False, "thinkingLevel": "MINIMAL"}),
        ("3.1-pro-preview", "disabled", {"includeThoughts": False, "thinkingLevel": "LOW"}),
        ("2.5-flash", "adaptive", {"includeThoughts": True}),
        ("2.5-pro", "adaptive", {"includeThoughts": True}),
        ("3-flash-preview", "adaptive", {"includeThoughts": True}),
        ("2.5-flash", "enabled", {"includeThoughts": True}),
        ("3.1-pro-preview", "enabled", {"includeThoughts": True}),
    ],
)
async def test_25_claudes_words_mean_something_to_gemini(
    name: str, model: str, wish: str, expected: JSONObject
) -> None:
    """Off is off or the least; on without a number is as much as the model likes, and seen."""
    told = await Asking.of(name)(f"gemini-{model}", thinking={"type": wish})
    assert expected == told.gemini
    hidden = await Asking.of(name)(f"gemini-{model}", headers=STRICT, thinking={"type": wish})
    assert config(hidden)["includeThoughts"] is False


@pytest.mark.parametrize("mode", ["fix", "reject", "pass"])
@pytest.mark.parametrize("kind", ["enabled", "adaptive"])
async def test_25_claudes_words_are_no_conflict(name: str, mode: Mode, kind: str) -> None:
    """Google's APIs know none of them, so that nothing they would refuse is changed."""
    ask = Asking.of(name, on_conflict=mode)
    for model in ("2.5-flash", "2.5-pro", "3.1-pro-preview"):
        told = await ask(f"gemini-{model}", thinking={"type": kind}, reasoning_effort="high")
        assert 200 == told.status
        assert {"thinkingBudget": 8_000, "thinkingLevel": "HIGH"}.items() & config(told).items()
        assert "thinking.type" not in told.applied


def google(**config: Any) -> JSONObject:
    return {"extra_body": {"google": {"thinking_config": config}}}


@pytest.mark.parametrize("mode", ["fix", "reject", "pass"])
@pytest.mark.parametrize("model", ["2.5-flash", "3-flash-preview"])
async def test_26_a_level_and_a_budget_are_refused_together(
    name: str, mode: Mode, model: str
) -> None:
    """Google answers 400, and so do we, at the place that is to blame."""
    ask = Asking.of(name, on_conflict=mode)
    told = await ask(f"gemini-{model}", **google(thinking_level="low", thinking_budget=1_024))
    place = "extra_body.google.thinking_config.thinking_level"
    assert (400, place, None) == (told.status, told.param, told.upstream)


@pytest.mark.parametrize("mode", ["fix", "reject", "pass"])
@pytest.mark.parametrize("model", ["2.5-flash", "2.5-pro", "3-flash-preview", "4-argon"])
async def test_26_never_are_both_sent(name: str, mode: Mode, model: str) -> None:
    """Whatever the caller combines, in any mode: one of them at most goes upstream."""
    ask = Asking.of(name, on_conflict=mode)
    budget: JSONObject = {"type": "enabled", "budget_tokens": 2_000}
    for wish in (
        {"thinking": budget, "reasoning_effort": "high"},
        {"reasoning": {"max_tokens": 2_000, "effort": "high"}},
        {**google(thinking_level="low"), "thinking": budget},
        {**google(thinking_budget=2_000), "reasoning_effort": "low"},
    ):
        sent = config(await ask(f"gemini-{model}", **wish))
        assert {"includeThoughts"} < sent.keys()
        assert len({"thinkingBudget", "thinkingLevel"} & sent.keys()) == 1


@pytest.mark.parametrize(
    ("wish", "older", "newer"),
    [
        (
            {"thinking_level": "low"},
            {"includeThoughts": True, "thinkingBudget": 2_000},
            {"includeThoughts": True, "thinkingLevel": "LOW"},
        ),
        (
            {"thinking_level": "HIGH", "include_thoughts": False},
            {"includeThoughts": False, "thinkingBudget": 8_000},
            {"includeThoughts": False, "thinkingLevel": "HIGH"},
        ),
        (
            {"thinking_budget": 3_000, "include_thoughts": True},
            {"includeThoughts": True, "thinkingBudget": 3_000},
            {"includeThoughts": True, "thinkingLevel": "MEDIUM"},
        ),
        ({"thinking_budget": -1}, {"includeThoughts": True}, {"includeThoughts": True}),
        ({"include_thoughts": True}, {"includeThoughts": True}, {"includeThoughts": True}),
        (
            {"thinking_budget": 0},
            {"includeThoughts": False, "thinkingBudget": 0},
            {"includeThoughts": False, "thinkingLevel": "MINIMAL"},
        ),
        ({}, None, None),
        ({"include_thoughts": False}, None, None),
    ],
)
async def test_26_googles_own_words_are_understood(
    name: str, wish: JSONObject, older: JSONObject | None, newer: JSONObject | None
) -> None:
    """As its OpenAI-compatible endpoint takes them, for any model that is asked."""
    ask = Asking.of(name)
    assert older == (await ask("gemini-2.5-flash", **google(**wish))).gemini
    assert newer == (await ask("gemini-3-flash-preview", **google(**wish))).gemini
