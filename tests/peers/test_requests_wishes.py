"""The ways to ask for thinking, on models that have another way or none, and several at once.

Sources, read 2026-11-22: https://platform.openai.com/docs/guides/reasoning,
https://openrouter.ai/docs/use-cases/reasoning-tokens and
https://platform.claude.com/docs/en/build-with-claude/effort.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.peers.requests_scene import CLAUDES, USER, Asking, JSONObject, spelled

pytestmark = pytest.mark.anyio

# What callers of other vendors and gateways say, and its form on a model with budgets and on one
# with efforts; `max_tokens` is 10,000.
WISHES: list[tuple[JSONObject, str, str]] = [
    ({"include_reasoning": True}, "enabled 5000", "adaptive summarized"),
    ({"include_reasoning": False}, "", ""),
    ({"reasoning": {"effort": "low"}}, "enabled 2000", "adaptive summarized low"),
    ({"reasoning": {"max_tokens": 3_000}}, "enabled 3000", "adaptive summarized medium"),
    ({"reasoning": {"enabled": True}}, "enabled 5000", "adaptive summarized"),
    ({"reasoning": {"enabled": False}}, "disabled", "disabled"),
    ({"reasoning": {"exclude": True, "effort": "low"}}, "enabled 2000", "adaptive omitted low"),
    ({"reasoning": {"summary": "auto"}}, "enabled 5000", "adaptive summarized"),
    ({"reasoning": True}, "enabled 5000", "adaptive summarized"),
    ({"thinking": True}, "enabled 5000", "adaptive summarized"),
    ({"output_config": {"effort": "low"}}, "enabled 2000", "adaptive summarized low"),
    (
        {"include_reasoning": False, "reasoning_effort": "low"},
        "enabled 2000",
        "adaptive omitted low",
    ),
    (
        {"extra_body": {"google": {"thinking_config": {"thinking_level": "low"}}}},
        "enabled 2000",
        "adaptive summarized low",
    ),
    ({"extra_body": {"google": {}, "other": 1}}, "", ""),
]


@pytest.mark.parametrize("name", CLAUDES)
@pytest.mark.parametrize(("wish", "manual", "adaptive"), WISHES)
async def test_27_every_way_to_ask_is_understood(
    name: str, wish: JSONObject, manual: str, adaptive: str
) -> None:
    """And none of it goes to Claude as it came, for the API refuses what it does not know."""
    ask = Asking.of(name)
    for model, form in (("sonnet-4-5", manual), ("opus-4-8", adaptive)):
        told = await ask(spelled(name, model), **wish)
        assert (200, form) == (told.status, told.claude)
        words = (b"reasoning", b"extra_body", b"google", b"summary", b"exclude", b"max_tokens_")
        assert [] == [word for word in words if word in orjson.dumps(told.body)]


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ({"include_reasoning": "yes"}, "include_reasoning"),
        ({"reasoning": {"effort": "ultra"}}, "reasoning.effort"),
        ({"reasoning": {"max_tokens": "many"}}, "reasoning.max_tokens"),
        ({"reasoning": "high"}, "reasoning"),
        ({"thinking": {"budget_tokens": -1}}, "thinking.budget_tokens"),
        ({"thinking": {}}, "thinking.type"),
        ({"thinking": {"type": "on"}}, "thinking.type"),
        ({"output_config": {"effort": "ultra"}}, "output_config.effort"),
        ({"reasoning_effort": {"effort": "low", "summary": 1}}, "reasoning_effort.summary"),
        ({"extra_body": []}, "extra_body"),
        ({"extra_body": {"google": 1}}, "extra_body.google"),
        ({"extra_body": {"google": {"thinking_config": 1}}}, "extra_body.google.thinking_config"),
        (
            {"extra_body": {"google": {"thinking_config": {"thinking_level": "top"}}}},
            "extra_body.google.thinking_config.thinking_level",
        ),
        (
            {"extra_body": {"google": {"thinking_config": {"thinking_level": 1}}}},
            "extra_body.google.thinking_config.thinking_level",
        ),
        (
            {"extra_body": {"google": {"thinking_config": {"thinking_budget": -2}}}},
            "extra_body.google.thinking_config.thinking_budget",
        ),
        (
            {"extra_body": {"google": {"thinking_config": {"include_thoughts": 1}}}},
            "extra_body.google.thinking_config.include_thoughts",
        ),
    ],
)
async def test_27_a_wish_that_means_nothing_is_refused_at_its_place(
    wish: JSONObject, place: str
) -> None:
    """Before anything goes upstream."""
    told = await Asking.of("anthropic")("claude-opus-4-8", **wish)
    assert (400, place, None) == (told.status, told.param, told.upstream)


async def test_27_an_owner_may_still_send_extra_fields_upstream() -> None:
    """What Google's endpoint reads beside its thinking goes there as the caller wrote it."""
    given = {"google": {"thinking_config": {"thinking_level": "low"}, "cached_content": "c"}}
    options = {"family": "google", "extra_fields": ("extra_body",)}
    told = await Asking.of("openai", options)("gemini-3-flash", extra_body=given)
    assert (given, "low") == (told.sent["extra_body"], told.sent["reasoning_effort"])


UNTHINKING = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-4.1-mini"),
    ("anthropic", "claude-3-5-haiku-20241022"),
    ("converse", "mistral.mistral-large-2407-v1:0"),
    ("gemini", "gemini-2.0-flash"),
]


@pytest.mark.parametrize(("name", "model"), UNTHINKING)
@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2_000}}, "thinking.type"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"reasoning": {"max_tokens": 2_000}}, "thinking.type"),
        ({"include_reasoning": True}, "include_reasoning"),
    ],
)
async def test_28_thinking_that_a_model_lacks_is_dropped_or_refused(
    name: str, model: str, wish: JSONObject, place: str
) -> None:
    """As the owner chooses; a drop is told, and "off" is no wish that it could lack."""
    ask = Asking.of(name)
    plain = await ask(model, max_tokens=2_000)
    told = await ask(model, max_tokens=2_000, **wish)
    assert (200, "thinking dropped", plain.body) == (told.status, told.applied, told.body)
    ask = Asking.of(name, on_conflict="reject")
    told = await ask(model, max_tokens=2_000, **wish)
    assert (400, place, None) == (told.status, told.param, told.upstream)
    told = await ask(model, max_tokens=2_000, reasoning_effort="none")
    assert (200, "", plain.body) == (told.status, told.applied, told.body)


BUDGET: JSONObject = {"type": "enabled", "budget_tokens": 3_000}
# Both forms in one request | what counts on a model with budgets, with efforts, and with both.
BOTH: list[tuple[JSONObject, str, str, str]] = [
    (
        {"thinking": BUDGET, "reasoning_effort": "max"},
        "enabled 3000",
        "adaptive summarized max",
        "enabled 3000 high",
    ),
    (
        {"thinking": BUDGET, "reasoning_effort": "none"},
        "enabled 3000",
        "adaptive summarized medium",
        "enabled 3000",
    ),
    (
        {"thinking": BUDGET, "reasoning": {"effort": "low"}, "reasoning_effort": "max"},
        "enabled 3000",
        "adaptive summarized low",
        "enabled 3000 low",
    ),
    (
        {"thinking": BUDGET, "output_config": {"effort": "high"}, "reasoning_effort": "low"},
        "enabled 3000",
        "adaptive summarized high",
        "enabled 3000 high",
    ),
    (
        {"thinking": {"type": "adaptive"}, "reasoning_effort": "low"},
        "enabled 2000",
        "adaptive summarized low",
        "enabled 2000 low",
    ),
    (
        {"thinking": {"type": "disabled"}, "reasoning_effort": "high"},
        "disabled",
        "disabled high",
        "disabled high",
    ),
    (
        {"thinking": BUDGET, "reasoning": {"max_tokens": 9_000}},
        "enabled 3000",
        "adaptive summarized medium",
        "enabled 3000",
    ),
]


@pytest.mark.parametrize("name", CLAUDES)
@pytest.mark.parametrize(("wish", "manual", "adaptive", "both"), BOTH)
async def test_29_several_wishes_have_one_meaning(
    name: str, wish: JSONObject, manual: str, adaptive: str, both: str
) -> None:
    """Whatever their order: `thinking` says whether, and of its budget and an effort counts what
    the model has."""
    ask = Asking.of(name)
    for model, form in (("sonnet-4-5", manual), ("opus-4-8", adaptive), ("opus-4-5", both)):
        orders = [wish, dict(reversed(wish.items()))]
        told = [await ask(spelled(name, model), **order) for order in orders]
        assert [form, form] == [each.claude for each in told]
        assert told[0].body == told[1].body
        assert told[0].applied == told[1].applied


@pytest.mark.parametrize(
    ("name", "model", "wish", "expected"),
    [
        (
            "gemini",
            "gemini-2.5-flash",
            {"thinking": BUDGET, "reasoning_effort": "max"},
            {"includeThoughts": True, "thinkingBudget": 3_000},
        ),
        (
            "gemini",
            "gemini-3-flash-preview",
            {"thinking": BUDGET, "reasoning_effort": "max"},
            {"includeThoughts": True, "thinkingLevel": "HIGH"},
        ),
        (
            "gemini",
            "gemini-3-flash-preview",
            {"thinking": {"type": "disabled"}, "reasoning_effort": "high"},
            {"includeThoughts": False, "thinkingLevel": "MINIMAL"},
        ),
    ],
)
async def test_29_several_wishes_have_one_meaning_for_gemini(
    name: str, model: str, wish: JSONObject, expected: JSONObject
) -> None:
    """The same rule: what the model has counts."""
    ask = Asking.of(name)
    for order in (wish, dict(reversed(wish.items()))):
        assert expected == (await ask(model, **order)).gemini


@pytest.mark.parametrize(
    ("name", "model", "sent"),
    [
        ("openai", "gpt-5-mini", {"reasoning_effort": "low"}),
        ("deepseek", "deepseek-v4-flash", {"reasoning_effort": "low"}),
        ("openrouter", "a/b", {"reasoning": {"enabled": True, "max_tokens": 3_000}}),
    ],
)
async def test_29_several_wishes_have_one_meaning_for_the_others(
    name: str, model: str, sent: JSONObject
) -> None:
    """A vendor that has budgets gets the budget, the others the effort."""
    told = await Asking.of(name)(model, thinking=BUDGET, reasoning_effort="low")
    assert sent == {key: told.sent[key] for key in sent}


async def test_29_what_is_changed_reads_the_same_in_every_delivery() -> None:
    """A stream says it in its headers too; where nothing was changed there is no header."""
    body: dict[str, Any] = {"thinking": BUDGET, "temperature": 0.2, "messages": [USER]}
    ask = Asking.of("anthropic")
    entries = "thinking.type enabled->adaptive; budget_tokens 3000->effort medium; "
    for stream in (False, True):
        told = await ask("claude-opus-4-8", stream=stream, **body)
        assert f"{entries}temperature dropped" == told.applied
        told = await ask("claude-opus-4-8", stream=stream, reasoning_effort="high")
        assert "x-thinking-applied" not in told.client.headers
