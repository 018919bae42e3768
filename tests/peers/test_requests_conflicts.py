"""Everything that a vendor refuses: changed and reported, rejected by name, or passed, as wished.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/extended-thinking,
https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking,
https://platform.claude.com/docs/en/about-claude/models/migration-guide and
https://ai.google.dev/gemini-api/docs/thinking.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.peers.requests_scene import CLAUDES, Asking, JSONObject, Mode, Told, spelled

pytestmark = pytest.mark.anyio


class Row(NamedTuple):
    """One conflict; forms of thinking are those of `Told.claude`, of a `max_tokens` of 5,000."""

    model: str
    body: JSONObject
    fixed: str
    applied: str
    param: str
    passed: str


def thinking(kind: str, budget: int | None = None, **more: Any) -> JSONObject:
    config = {"type": kind, **more} if budget is None else {"type": kind, "budget_tokens": budget}
    return {"thinking": config}


LEAST = "thinking off->effort low, display omitted"
CLAUDE = [
    Row(
        "sonnet-4-5",
        thinking("enabled", 500),
        "enabled 1024",
        "budget_tokens 500->1024",
        "thinking.budget_tokens",
        "enabled 500",
    ),
    Row(
        "sonnet-4-5",
        thinking("enabled", 5_000),
        "enabled 4999",
        "budget_tokens 5000->4999",
        "thinking.budget_tokens",
        "enabled 5000",
    ),
    Row(
        "sonnet-4-5",
        thinking("enabled", 2_000) | {"max_tokens": 1_024},
        "",
        "thinking off: max_tokens 1024 leaves no room for it",
        "max_tokens",
        "enabled 2000",
    ),
    Row(
        "sonnet-4-5",
        thinking("adaptive"),
        "enabled 2500",
        "thinking.type adaptive->enabled; effort medium->budget_tokens 2500",
        "thinking.type",
        "adaptive summarized",
    ),
    Row(
        "opus-4-8",
        thinking("enabled", 3_000),
        "adaptive summarized medium",
        "thinking.type enabled->adaptive; budget_tokens 3000->effort medium",
        "thinking.type",
        "enabled 3000 summarized",
    ),
    Row(
        "opus-4-6",
        {"reasoning_effort": "xhigh"},
        "adaptive summarized high",
        "effort xhigh->high",
        "reasoning_effort",
        "adaptive summarized xhigh",
    ),
    Row(
        "fable-5-1",
        thinking("disabled"),
        "adaptive omitted low",
        LEAST,
        "thinking.type",
        "disabled",
    ),
    Row(
        "opus-5-5",
        {"reasoning_effort": "none"},
        "adaptive omitted low",
        LEAST,
        "reasoning_effort",
        "disabled",
    ),
    Row(
        "sonnet-5-5",
        thinking("disabled"),
        "between_tools",
        "thinking.type disabled->between_tools",
        "thinking.type",
        "disabled",
    ),
    Row(
        "sonnet-5-5",
        thinking("between_tools") | {"reasoning_effort": "max"},
        "between_tools high",
        "effort max->high",
        "reasoning_effort",
        "between_tools max",
    ),
    Row(
        "opus-5",
        thinking("disabled") | {"reasoning_effort": "xhigh"},
        "disabled high",
        "effort xhigh->high",
        "reasoning_effort",
        "disabled xhigh",
    ),
    Row(
        "opus-5",
        thinking("between_tools"),
        "disabled",
        "thinking.type between_tools->disabled",
        "thinking.type",
        "between_tools",
    ),
    Row(
        "opus-5",
        thinking("disabled", display="summarized"),
        "disabled",
        "display dropped",
        "thinking.display",
        "disabled summarized",
    ),
    Row(
        "opus-4-8",
        thinking("adaptive", display="updates"),
        "adaptive summarized",
        "display->summarized",
        "thinking.display",
        "adaptive updates",
    ),
    Row(
        "3-5-haiku",
        thinking("enabled", 2_000),
        "",
        "thinking dropped",
        "thinking.type",
        "enabled 2000",
    ),
]


@pytest.mark.parametrize("name", CLAUDES)
@pytest.mark.parametrize("row", CLAUDE, ids=lambda row: f"{row.model} {row.param} {row.fixed}")
async def test_every_conflict_of_claudes_thinking_is_settled_as_wished(name: str, row: Row) -> None:
    """The three modes differ in nothing else: what is no conflict goes upstream in each."""
    body = {"max_tokens": 5_000, **row.body}
    told = await Asking.of(name)(spelled(name, row.model), **body)
    assert (200, row.fixed, row.applied) == (told.status, told.claude, told.applied)
    told = await Asking.of(name, on_conflict="reject")(spelled(name, row.model), **body)
    assert (400, row.param, None) == (told.status, told.param, told.upstream)
    told = await Asking.of(name, on_conflict="pass")(spelled(name, row.model), **body)
    assert (200, row.passed, "") == (told.status, told.claude, told.applied)


class Google(NamedTuple):
    """A conflict of Gemini's, and its `thinkingConfig` beside `includeThoughts`."""

    model: str
    body: JSONObject
    fixed: JSONObject
    applied: str
    param: str
    passed: JSONObject


GEMINI = [
    Google(
        "2.5-pro",
        {"reasoning_effort": "none"},
        {"thinkingBudget": 128},
        "thinking off->budget_tokens 128",
        "reasoning_effort",
        {"thinkingBudget": 0},
    ),
    Google(
        "2.5-pro",
        thinking("enabled", 100),
        {"thinkingBudget": 128},
        "budget_tokens 100->128",
        "thinking.budget_tokens",
        {"thinkingBudget": 100},
    ),
    Google(
        "2.5-flash-lite",
        thinking("enabled", 100),
        {"thinkingBudget": 512},
        "budget_tokens 100->512",
        "thinking.budget_tokens",
        {"thinkingBudget": 100},
    ),
    Google(
        "2.5-flash",
        thinking("enabled", 30_000) | {"max_tokens": 60_000},
        {"thinkingBudget": 24_576},
        "budget_tokens 30000->24576",
        "thinking.budget_tokens",
        {"thinkingBudget": 30_000},
    ),
    Google(
        "3.1-pro-preview",
        {"reasoning_effort": "xhigh"},
        {"thinkingLevel": "HIGH"},
        "effort xhigh->high",
        "reasoning_effort",
        {"thinkingLevel": "XHIGH"},
    ),
    Google(
        "3.1-pro-preview",
        {"reasoning_effort": "none"},
        {"thinkingLevel": "LOW"},
        "thinking off->effort low, display omitted",
        "reasoning_effort",
        {"thinkingBudget": 0},
    ),
    Google(
        "3-pro-preview",
        {"reasoning_effort": "medium"},
        {"thinkingLevel": "LOW"},
        "effort medium->low",
        "reasoning_effort",
        {"thinkingLevel": "MEDIUM"},
    ),
]


def without_view(told: Told) -> JSONObject:
    """The request's thinkingConfig without what it says of seeing thoughts."""
    assert told.gemini is not None
    return {key: value for key, value in told.gemini.items() if key != "includeThoughts"}


@pytest.mark.parametrize("name", ["gemini", "vertex-gemini"])
@pytest.mark.parametrize("row", GEMINI, ids=lambda row: f"{row.model} {row.applied}")
async def test_every_conflict_of_geminis_is_settled_as_wished(name: str, row: Google) -> None:
    """As for Claude: changed and told, rejected by name, or passed."""
    model = f"gemini-{row.model}"
    told = await Asking.of(name)(model, **row.body)
    assert (200, row.applied) == (told.status, told.applied)
    assert row.fixed == without_view(told)
    told = await Asking.of(name, on_conflict="reject")(model, **row.body)
    assert (400, row.param, None) == (told.status, told.param, told.upstream)
    told = await Asking.of(name, on_conflict="pass")(model, **row.body)
    assert (200, "", row.passed) == (told.status, told.applied, without_view(told))


@pytest.mark.parametrize("name", ["gemini", "vertex-gemini"])
@pytest.mark.parametrize("mode", ["fix", "reject", "pass"])
async def test_a_budget_is_a_level_where_there_are_no_budgets(name: str, mode: Mode) -> None:
    """A translation, no conflict: it happens in every mode, and is told."""
    told = await Asking.of(name, on_conflict=mode)(
        "gemini-3-pro-preview", **thinking("enabled", 2_000)
    )
    assert {"includeThoughts": True, "thinkingLevel": "LOW"} == told.gemini
    assert "budget_tokens 2000->effort low" == told.applied


@pytest.mark.parametrize(
    ("model", "wish", "fixed", "applied", "passed"),
    [
        ("o3", "none", "low", "thinking off->effort low", "none"),
        ("gpt-5-mini", "none", "minimal", "thinking off->effort minimal", "none"),
        ("gpt-5-pro", "low", "high", "effort low->high", "low"),
        ("gpt-5.1", "max", "high", "effort max->high", "max"),
        ("gpt-6-astra", "none", "low", "thinking off->effort low", "none"),
    ],
)
async def test_every_conflict_of_an_effort_is_settled_as_wished(
    model: str, wish: str, fixed: str, applied: str, passed: str
) -> None:
    """As for Claude; nothing is said of a display that the vendor does not have."""
    told = await Asking.of("openai")(model, reasoning_effort=wish)
    assert (fixed, applied) == (told.body["reasoning_effort"], told.applied)
    told = await Asking.of("openai", on_conflict="reject")(model, reasoning_effort=wish)
    assert (400, "reasoning_effort", None) == (told.status, told.param, told.upstream)
    told = await Asking.of("openai", on_conflict="pass")(model, reasoning_effort=wish)
    assert (passed, "") == (told.body["reasoning_effort"], told.applied)


async def test_thinking_that_nothing_turns_down_is_told_of() -> None:
    """DeepSeek's first generation always thinks, and has neither budgets nor efforts."""
    told = await Asking.of("deepseek")("deepseek-r1", reasoning_effort="none")
    assert "thinking off dropped: the model always thinks" == told.applied
    told = await Asking.of("deepseek")("deepseek-r1", **thinking("enabled", 2_000))
    assert "budget_tokens 2000 dropped" == told.applied
