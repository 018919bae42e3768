"""How `reconcile` treats models that are no Claudes."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Text, ToolCall, Turn
from asgi_thinking.models_gemini import gemini
from asgi_thinking.models_openai import FAMILIES, find_model
from asgi_thinking.tools import Tool
from tests.reconciling import QUESTION, config, run

# Model | what the caller said | what goes upstream | what is reported. max_tokens is 40,000.
# https://ai.google.dev/gemini-api/docs/thinking, read 2026-11-22
GEMINIS = """
2.5-flash | effort=high | enabled 24576 display=summarized | effort high->budget_tokens 24576
2.5-flash | enabled 30000 | enabled 24576 display=summarized | budget_tokens 30000->24576
2.5-flash | effort=none | disabled exclude | effort none->disabled
2.5-flash | include | adaptive display=summarized include |
2.5-pro | effort=none | enabled 128 exclude | thinking off->budget_tokens 128
2.5-pro | disabled | enabled 128 exclude | thinking off->budget_tokens 128
3-pro | 2030 | adaptive effort=low display=summarized | budget_tokens 2030->effort low
3-pro | effort=none | adaptive effort=low display=omitted exclude |\
 thinking off->effort low, display omitted
3-pro | enabled 2030 | adaptive effort=low display=summarized | budget_tokens 2030->effort low
3-pro | enabled 2030 effort=high | adaptive effort=high display=summarized |\
 budget_tokens 2030 dropped
2.5-pro | adaptive effort=low | enabled 8000 display=summarized | effort low->budget_tokens 8000
"""


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


@pytest.mark.parametrize(("model", "said", "expected", "applied"), rows(GEMINIS))
def test_gemini(model: str, said: str, expected: str, applied: str) -> None:
    """Budgets stay within the model's, levels take the place of budgets, off is the least.

    Claude's words for the form of thinking are no conflict, for Google's API knows neither.
    """
    fixed = run(gemini(f"gemini-{model}"), said, max_tokens=40_000)
    assert (config(expected), tuple(filter(None, [applied]))) == (
        fixed.request.thinking,
        fixed.applied,
    )


def test_a_budget_is_bounded_by_whatever_is_least() -> None:
    """The error names the model's bound where it is below that of `max_tokens`."""
    flash = gemini("gemini-2.5-flash")
    with pytest.raises(InvalidRequest, match="at least 1 and at most 24576, not 30000"):
        run(flash, "enabled 30000", max_tokens=40_000, mode="reject")
    with pytest.raises(InvalidRequest, match=r"at least 1 and below max_tokens \(8000\)"):
        run(flash, "enabled 30000", mode="reject")


def test_thinking_that_cannot_be_turned_off_is_passed_as_it_was_said() -> None:
    """With "pass" the vendor is to judge."""
    passed = run(gemini("gemini-2.5-pro"), "effort=none", mode="pass")
    assert ("disabled", ()) == (passed.request.thinking.type, passed.applied)


@pytest.mark.parametrize(
    ("record", "least", "applied"),
    [
        ({"thinking": {"adaptive"}}, "adaptive exclude", " dropped: the model always thinks"),
        ({"thinking": {"enabled"}}, "enabled 1024 exclude", "->budget_tokens 1024"),
        ({"thinking": {"adaptive", "enabled"}}, "enabled 1024 exclude", "->budget_tokens 1024"),
        (
            {"thinking": {"adaptive", "enabled"}, "efforts": ("medium", "high")},
            "adaptive effort=medium exclude",
            "->effort medium",
        ),
        (
            {"thinking": {"adaptive"}, "display_default": "summarized"},
            "adaptive display=omitted exclude",
            "->display omitted",
        ),
    ],
)
def test_the_least_is_what_a_record_has(record: Any, least: str, applied: str) -> None:
    """Whoever wrote it: the lowest effort, else the least budget, else nothing but to hide it."""
    own = Capabilities(max_output=9_000, on_by_default=True, off=None, **record)
    fixed = run(own, "effort=none")
    assert (config(least), (f"thinking off{applied}",)) == (
        fixed.request.thinking,
        fixed.applied,
    )


@pytest.mark.parametrize(
    "record", [gemini("gemini-3-pro"), find_model(FAMILIES["openai"], "gpt-5").accepts]
)
def test_a_limit_that_nobody_said_is_not_said_for_them(record: Capabilities) -> None:
    """`max_tokens` is Claude's need; others have limits of their own."""
    assert run(record, max_tokens=None).request.max_tokens is None
    assert 500 == run(record, max_tokens=500).request.max_tokens


def test_a_tool_turn_without_signatures_goes_on_thinking() -> None:
    """Only a vendor who verifies the turn's thinking refuses it without."""
    call = Turn("assistant", (ToolCall("call_1", "weather", "{}"),))
    lost = (QUESTION, call, Turn("tool", (Text("rain"),), "call_1"))
    fixed = run(gemini("gemini-2.5-flash"), "enabled 2000", messages=lost)
    assert ("enabled", ()) == (fixed.request.thinking.type, fixed.applied)


def test_a_search_that_excludes_functions_gives_way() -> None:
    """The caller's own tools are what the conversation needs."""
    tools = {"web_search": True, "tools": (Tool("f"),)}
    old, new = (run(gemini(f"gemini-{version}"), **tools) for version in ("2.5-pro", "3-pro"))
    assert (False, ("web_search dropped: not beside functions",)) == (
        old.request.web_search,
        old.applied,
    )
    assert (True, ()) == (new.request.web_search, new.applied)
    assert run(gemini("gemini-2.5-pro"), web_search=True).request.web_search


def test_what_changes_nothing_is_no_conflict() -> None:
    """Parallel calls are what a model without the switch makes anyway."""
    said = run(gemini("gemini-3-pro"), mode="reject", parallel_tool_calls=True).request
    assert said.parallel_tool_calls is None
    with pytest.raises(InvalidRequest, match="parallel_tool_calls"):
        run(gemini("gemini-3-pro"), mode="reject", parallel_tool_calls=False)


def test_a_model_without_budgets_gets_none() -> None:
    """A budget is an effort there; an effort that nobody can say is reported."""
    gpt = find_model(FAMILIES["openai"], "gpt-5").accepts
    assert config("adaptive effort=low") == run(gpt, "enabled 2000").request.thinking
    qwen = find_model(FAMILIES["qwen"], "qwen3-max").accepts
    assert ("effort high dropped",) == run(qwen, "effort=high").applied
