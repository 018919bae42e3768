"""What becomes of `thinking`, and of the room that it needs, on every Claude and by every API.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/extended-thinking,
https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking and
https://platform.claude.com/docs/en/about-claude/models/migration-guide.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.requests_scene import CLAUDES, Asking, JSONObject, spelled

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("name", CLAUDES)]

STRICT = ((b"x-tfy-strict-openai", b"true"),)
ADAPTIVE_ONLY = ("opus-4-7", "opus-4-8", "sonnet-5", "opus-5", "haiku-5-5", "fable-5-1")


def enabled(budget: int) -> JSONObject:
    return {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize("model", ADAPTIVE_ONLY)
async def test_08_a_budget_becomes_an_effort_where_there_are_no_budgets(
    name: str, model: str
) -> None:
    """By thresholds, and the change is told: the API would answer 400."""
    ask = Asking.of(name)
    for budget, effort in (
        *((1_024, "low"), (2_047, "low"), (2_048, "medium"), (8_191, "medium")),
        *((8_192, "high"), (24_576, "xhigh"), (49_152, "max")),
    ):
        told = await ask(spelled(name, model), thinking=enabled(budget), max_tokens=60_000)
        assert f"adaptive summarized {effort}" == told.claude
        entries = f"thinking.type enabled->adaptive; budget_tokens {budget}->effort {effort}"
        assert entries == told.applied


@pytest.mark.parametrize("model", ADAPTIVE_ONLY)
@pytest.mark.parametrize(
    "wish", [{"output_config": {"effort": "max"}}, {"reasoning_effort": "max"}]
)
async def test_08_an_effort_that_the_caller_says_is_kept(
    name: str, model: str, wish: JSONObject
) -> None:
    """It is the model's own word; the budget beside it has no meaning there, and is reported."""
    told = await Asking.of(name)(spelled(name, model), thinking=enabled(2_000), **wish)
    assert "adaptive summarized max" == told.claude
    assert "thinking.type enabled->adaptive; budget_tokens 2000 dropped" == told.applied


@pytest.mark.parametrize("model", ADAPTIVE_ONLY)
async def test_09_thinking_that_will_be_seen_is_asked_for_as_such(name: str, model: str) -> None:
    """These models send no text by default; where a reply shows none they are left alone."""
    ask = Asking.of(name)
    for wish in ({"thinking": enabled(2_000)}, {"thinking": {"type": "adaptive"}}):
        told = await ask(spelled(name, model), **wish)
        assert "summarized" == told.sent["thinking"]["display"]
        hidden = await ask(spelled(name, model), headers=STRICT, **wish)
        assert "omitted" == hidden.sent["thinking"]["display"]
    said = await ask(spelled(name, model), thinking={"type": "adaptive", "display": "omitted"})
    assert ("adaptive omitted", "") == (said.claude, said.applied)


@pytest.mark.parametrize("model", ["opus-4-6", "sonnet-4-6"])
async def test_10_a_budget_stays_one_where_both_forms_work(name: str, model: str) -> None:
    """Verbatim, and with nothing to report."""
    told = await Asking.of(name)(spelled(name, model), thinking=enabled(2_000))
    assert (enabled(2_000), "") == (told.sent["thinking"], told.applied)


@pytest.mark.parametrize("model", ["3-7-sonnet", "opus-4-1", "sonnet-4-5", "haiku-4-5", "opus-4-5"])
async def test_11_adaptive_becomes_a_budget_where_there_is_nothing_else(
    name: str, model: str
) -> None:
    """Half of the limit, and below it; none where the least budget does not fit."""
    ask = Asking.of(name)
    told = await ask(spelled(name, model), thinking={"type": "adaptive"})
    entries = "thinking.type adaptive->enabled; effort medium->budget_tokens 5000"
    assert (5_000, entries) == (told.sent["thinking"]["budget_tokens"], told.applied)
    told = await ask(spelled(name, model), thinking={"type": "adaptive"}, max_tokens=1_500)
    assert 1_024 == told.sent["thinking"]["budget_tokens"]
    told = await ask(spelled(name, model), thinking={"type": "adaptive"}, max_tokens=1_024)
    assert "thinking" not in told.sent
    assert "thinking off: max_tokens 1024 leaves no room for it" in told.applied


@pytest.mark.parametrize(
    ("model", "form", "applied"),
    [
        ("fable-5", "adaptive omitted low", "thinking off->effort low, display omitted"),
        ("fable-5-1", "adaptive omitted low", "thinking off->effort low, display omitted"),
        ("mythos-5-1", "adaptive omitted low", "thinking off->effort low, display omitted"),
        ("mythos-preview", "adaptive omitted low", "thinking off->effort low, display omitted"),
        ("opus-5-5", "adaptive omitted low", "thinking off->effort low, display omitted"),
        ("newfamily-7", "adaptive omitted low", "thinking off->effort low, display omitted"),
        ("sonnet-5-5", "between_tools", "thinking.type disabled->between_tools"),
        ("haiku-5-5", "disabled", ""),
        ("opus-5", "disabled", ""),
        ("sonnet-5", "disabled", ""),
        ("opus-4-8", "disabled", ""),
        ("sonnet-4-5", "disabled", ""),
    ],
)
async def test_12_disabled_is_the_least_where_thinking_cannot_be_turned_off(
    name: str, model: str, form: str, applied: str
) -> None:
    """Its reply shows none of it, and the caller is told; elsewhere the word goes as it is."""
    told = await Asking.of(name)(spelled(name, model), thinking={"type": "disabled"})
    assert (form, applied) == (told.claude, told.applied)


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("sonnet-5", "disabled"),
        ("opus-5", "disabled"),
        ("haiku-5-5", "disabled"),
        ("sonnet-5-5", "between_tools"),
    ],
)
@pytest.mark.parametrize(
    "wish", [{"reasoning_effort": "none"}, {"reasoning": {"effort": "none"}}, {"reasoning": False}]
)
async def test_13_none_turns_off_what_is_on_by_default(
    name: str, model: str, form: str, wish: JSONObject
) -> None:
    """In the model's own word: with nothing said it would think, and bill it."""
    assert form == (await Asking.of(name)(spelled(name, model), **wish)).claude


@pytest.mark.parametrize("model", ["opus-5", "haiku-5-5"])
async def test_13_off_beside_the_highest_efforts_keeps_the_highest_that_may_stand(
    name: str, model: str
) -> None:
    """The API refuses "disabled" at "xhigh" and "max"."""
    ask = Asking.of(name)
    for effort in ("xhigh", "max"):
        wish: JSONObject = {"thinking": {"type": "disabled"}, "output_config": {"effort": effort}}
        told = await ask(spelled(name, model), **wish)
        assert ("disabled high", f"effort {effort}->high") == (told.claude, told.applied)


ROOM: list[tuple[JSONObject, int, str, str]] = [
    ({"thinking": enabled(16_000)}, 2_000, "enabled 1999", "budget_tokens 16000->1999"),
    ({"thinking": enabled(2_000)}, 2_000, "enabled 1999", "budget_tokens 2000->1999"),
    ({"thinking": enabled(500)}, 2_000, "enabled 1024", "budget_tokens 500->1024"),
    ({"thinking": enabled(2_000)}, 1_025, "enabled 1024", "budget_tokens 2000->1024"),
    (
        {"thinking": enabled(16_000)},
        1_000,
        "",
        "thinking off: max_tokens 1000 leaves no room for it",
    ),
    (
        {"reasoning_effort": "high"},
        1_000,
        "",
        "thinking off: max_tokens 1000 leaves no room for it",
    ),
    ({"reasoning_effort": "high"}, 50, "", "thinking off: max_tokens 50 leaves no room for it"),
    ({"reasoning_effort": "max"}, 1_060, "enabled 1024", "effort max->budget_tokens 1024"),
]


@pytest.mark.parametrize(("wish", "limit", "form", "applied"), ROOM)
async def test_14_a_budget_fits_below_the_callers_limit(
    name: str, wish: JSONObject, limit: int, form: str, applied: str
) -> None:
    """The budget gives way, never the limit that the caller pays for; no upstream answers 400."""
    told = await Asking.of(name)(spelled(name, "sonnet-4-5"), max_tokens=limit, **wish)
    assert (form, limit, applied) == (told.claude, told.max_tokens, told.applied)


@pytest.mark.parametrize("row", ROOM[:6])
async def test_14_a_budget_that_does_not_fit_can_be_rejected(name: str, row: Any) -> None:
    """By the name of the field that is to blame."""
    wish, limit, form, _ = row
    ask = Asking.of(name, on_conflict="reject")
    told = await ask(spelled(name, "sonnet-4-5"), max_tokens=limit, **wish)
    param = "thinking.budget_tokens" if form else "max_tokens"
    assert (400, param, None) == (told.status, told.param, told.upstream)


async def test_15_without_a_limit_the_budget_gets_room_beside_it(name: str) -> None:
    """As much again as an answer needs; without a budget the limit is that of a whole reply."""
    ask = Asking.of(name)
    model = spelled(name, "sonnet-4-5")
    told = await ask(model, max_tokens=None, thinking=enabled(16_000))
    assert ("enabled 16000", 24_192, "") == (told.claude, told.max_tokens, told.applied)
    told = await ask(model, max_tokens=None, thinking=enabled(60_000))
    assert ("enabled 60000", 64_000) == (told.claude, told.max_tokens)
    told = await ask(model, max_tokens=None)
    assert ("", 21_000) == (told.claude, told.max_tokens)
    told = await ask(model, max_tokens=None, stream=True, thinking=enabled(16_000))
    assert ("enabled 16000", 64_000) == (told.claude, told.max_tokens)
    for wish in ({"thinking": {"type": "adaptive"}}, {"reasoning_effort": "max"}):
        told = await ask(spelled(name, "opus-5"), max_tokens=None, **wish)
        assert 21_000 == told.max_tokens


async def test_16_the_newer_name_of_the_limit_means_the_same(name: str) -> None:
    """And counts where both are said."""
    ask = Asking.of(name)
    model = spelled(name, "sonnet-4-5")
    for limits in ({"max_tokens": None}, {"max_tokens": 9_000}):
        given: JSONObject = {**limits, "max_completion_tokens": 2_000}
        told = await ask(model, thinking=enabled(4_000), **given)
        assert ("enabled 1999", 2_000) == (told.claude, told.max_tokens)


async def test_22_thinking_stands_where_each_api_reads_it(name: str) -> None:
    """Converse passes the model's own fields on, and has another name for the limit."""
    told = await Asking.of(name)(
        spelled(name, "sonnet-4-5"), thinking=enabled(500), temperature=1, max_tokens=2_000
    )
    body = told.body
    if name == "converse":
        assert {"maxTokens": 2_000} == body["inferenceConfig"]
        assert {"thinking": enabled(1_024)} == body["additionalModelRequestFields"]
        assert not {"thinking", "max_tokens"} & body.keys()
    else:
        assert (enabled(1_024), 2_000) == (body["thinking"], body["max_tokens"])
