"""Each rule of the simulated Claude refuses what it is about, in the vendor's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest

from tests.simulator import Answer
from tests.simulator.claude import CLAUDE_RULES
from tests.simulator.claude_cases import SHAPES, TURNS
from tests.simulator.claude_cases_more import DOORS, SIGNED
from tests.simulator.claude_cases_settings import SETTINGS
from tests.simulator.claude_scene import refusal, sent


def numbered(cases: Sequence[tuple[Any, ...]]) -> list[str]:
    """An id for each case: its rule, and its number among all."""
    return [f"{case[0]}-{number}" for number, case in enumerate(cases)]


BODIES = [*SHAPES, *TURNS, *SETTINGS]


@pytest.mark.parametrize(("rule", "text", "request_body"), BODIES, ids=numbered(BODIES))
def test_a_rule_refuses(rule: str, text: str, request_body: dict[str, Any]) -> None:
    """A request that breaks one rule is refused by it, in the words of the API."""
    assert (400, f"claude.{rule}", text) == refusal(sent(request_body))


@pytest.mark.parametrize(("rule", "text", "request_body"), SIGNED, ids=numbered(SIGNED))
def test_a_rule_of_thinking_refuses(
    rule: str, text: str, request_body: Callable[[], dict[str, Any]]
) -> None:
    """Thinking that comes back otherwise than it was sent is refused by the rule that it breaks."""
    assert (400, f"claude.{rule}", text) == refusal(sent(request_body()))


@pytest.mark.parametrize(("rule", "status", "text", "answered"), DOORS, ids=numbered(DOORS))
def test_a_door_refuses(rule: str, status: int, text: str, answered: Callable[[], Answer]) -> None:
    """Each door refuses with its status, in its words, and says which rule did."""
    answer = answered()
    told = orjson.loads(answer.body)
    words = told.get("error", told)["message"]
    assert (status, f"claude.{rule}", text) == (
        answer.status,
        answer.headers["x-refused-by"],
        words,
    )


def test_every_rule_is_tested() -> None:
    """The rules of these tables are all the rules there are."""
    cases = [*BODIES, *SIGNED, *DOORS]
    assert set(CLAUDE_RULES) == {f"claude.{case[0]}" for case in cases}


def test_every_rule_is_cited() -> None:
    """Each rule names the page that states it."""
    assert [] == [rule for rule, page in CLAUDE_RULES.items() if not page.startswith("https://")]
