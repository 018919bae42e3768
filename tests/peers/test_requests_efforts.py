"""Every effort, on every class of models, as it goes upstream.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/effort,
https://platform.claude.com/docs/en/build-with-claude/extended-thinking,
https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html and
https://platform.openai.com/docs/guides/reasoning.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.requests_scene import CLAUDES, Asking, JSONObject, spelled

pytestmark = pytest.mark.anyio

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

# Models | how they are asked to think | what each effort comes to, with a `max_tokens` of 10,000.
# "-" says nothing about thinking, "!" stands without the form, and "." is a space.
GRID = """
3-7-sonnet opus-4-1 sonnet-4-5 haiku-4-5 | enabled * | - 1024 2000 5000 8000 9500 9500
opus-4-5 | enabled * | - 1024.low 2000.low 5000.medium 8000.high 9500.high 9500.high
opus-4-6 sonnet-4-6 | adaptive summarized * | - low low medium high high max
opus-4-7 opus-4-8 | adaptive summarized * | - low low medium high xhigh max
sonnet-5 opus-5 haiku-5-5 | adaptive summarized * | !disabled low low medium high xhigh max
sonnet-5-5 | adaptive summarized * | !between_tools low low medium high xhigh max
opus-5-5 fable-5 fable-5-1 mythos-5-1 newfamily-7 | adaptive summarized * |\
 !adaptive.omitted.low low low medium high xhigh max
mythos-preview | adaptive summarized * |\
 !adaptive.omitted.low low low medium high high max
3-5-haiku | * | - - - - - - -
"""
CLASSES = [[cell.strip() for cell in line.split("|")] for line in GRID.strip().splitlines()]


def cell(form: str, word: str) -> str:
    """What a cell of the grid stands for."""
    words = word.replace(".", " ")
    return words.strip("!-") if word[0] in "!-" else form.replace("*", words)


@pytest.mark.parametrize("name", CLAUDES)
@pytest.mark.parametrize(("models", "form", "words"), CLASSES)
async def test_01_every_effort_has_its_form_on_every_claude(
    name: str, models: str, form: str, words: str
) -> None:
    """A budget where the model has budgets, an effort where it has efforts, by every API."""
    ask = Asking.of(name)
    for model in models.split():
        unsaid = await ask(spelled(name, model))
        assert ("", 200) == (unsaid.claude, unsaid.status)
        for effort, word in zip(EFFORTS, words.split(), strict=True):
            told = await ask(spelled(name, model), reasoning_effort=effort)
            assert (model, effort, cell(form, word)) == (model, effort, told.claude)
            assert told.status == 200


@pytest.mark.parametrize("name", [*CLAUDES, "gemini", "openai", "openrouter", "deepseek"])
@pytest.mark.parametrize("effort", ["ultra", "", "HIGH", 3, True, ["low"], {"effort": "ultra"}])
async def test_01_an_effort_that_nobody_has_is_refused_by_name(name: str, effort: Any) -> None:
    """Nothing goes upstream, and the caller reads which efforts there are."""
    told = await Asking.of(name)("claude-opus-5", reasoning_effort=effort)
    assert (400, None) == (told.status, told.upstream)
    assert told.param in {"reasoning_effort", "reasoning_effort.effort"}
    assert "'none', 'minimal', 'low'" in told.client.json["error"]["message"]


# The provider, the model, and its `reasoning_effort` for each effort.
COMPATIBLE = """
openai | gpt-4o | - - - - - - -
openai | o3 | low low low medium high high high
openai | gpt-5-mini | minimal minimal low medium high high high
openai | gpt-5-pro | high high high high high high high
openai | gpt-5.1 | - low low medium high high high
openai | gpt-5.2 | - low low medium high xhigh xhigh
openai | gpt-5.6-sol | none low low medium high xhigh xhigh
openai | gpt-6-astra | low low low medium high xhigh xhigh
openai | gpt-9 | low low low medium high xhigh max
openai | something-new | none minimal low medium high xhigh max
deepseek | deepseek-v4-flash | - minimal low medium high xhigh max
converse | openai.gpt-oss-120b-1:0 | low low low medium high high high
"""


@pytest.mark.parametrize("row", COMPATIBLE.strip().splitlines())
async def test_01_every_effort_has_its_word_on_other_models(row: str) -> None:
    """The nearest word that the model has; none at all where it does not think."""
    name, model, words = [cell.strip() for cell in row.split("|")]
    ask = Asking.of(name)
    for effort, word in zip(EFFORTS, words.split(), strict=True):
        sent = (await ask(model, reasoning_effort=effort)).sent
        assert (effort, word) == (effort, sent.get("reasoning_effort", "-"))


@pytest.mark.parametrize("name", CLAUDES)
async def test_02_an_effort_may_come_as_an_object(name: str) -> None:
    """As clients of the Responses API write it; what it says of summaries changes nothing."""
    ask = Asking.of(name)
    word = await ask(spelled(name, "opus-5"), reasoning_effort="low")
    for given in ({"effort": "low", "summary": "auto"}, {"effort": "low"}):
        told = await ask(spelled(name, "opus-5"), reasoning_effort=given)
        assert ("adaptive summarized low", word.sent) == (told.claude, told.sent)
    assert (await ask(spelled(name, "opus-5"), reasoning_effort={"summary": "auto"})).claude == ""


@pytest.mark.parametrize("name", CLAUDES)
async def test_03_minimal_is_the_least_that_the_model_has(name: str) -> None:
    """The lowest effort, or a budget that the API accepts; it is reported and never rejected."""
    ask = Asking.of(name, on_conflict="reject")
    adaptive = await ask(spelled(name, "opus-5"), reasoning_effort="minimal")
    assert ("adaptive summarized low", "effort minimal->low") == (
        adaptive.claude,
        adaptive.applied,
    )
    manual = await ask(spelled(name, "sonnet-4-5"), reasoning_effort="minimal", max_tokens=2_000)
    assert ("enabled 1024", "effort minimal->budget_tokens 1024") == (
        manual.claude,
        manual.applied,
    )


@pytest.mark.parametrize("name", CLAUDES)
async def test_04_the_highest_efforts_come_down_to_what_the_model_has(name: str) -> None:
    """Reported or rejected, as the owner wishes; a model that nobody knows gets them as said."""
    fixing, rejecting = Asking.of(name), Asking.of(name, on_conflict="reject")
    for model, effort in (("opus-4-6", "xhigh"), ("mythos-preview", "xhigh")):
        told = await fixing(spelled(name, model), reasoning_effort=effort)
        assert ("adaptive summarized high", "effort xhigh->high") == (told.claude, told.applied)
        refused = await rejecting(spelled(name, model), reasoning_effort=effort)
        assert (400, "reasoning_effort", None) == (refused.status, refused.param, refused.upstream)
    for effort in ("xhigh", "max"):
        told = await rejecting(spelled(name, "newfamily-7"), reasoning_effort=effort)
        assert (f"adaptive summarized {effort}", "") == (told.claude, told.applied)


# How each class of models is told not to think, or to think least. That of a Claude is in the grid.
OFF: list[tuple[str, JSONObject, str, JSONObject]] = [
    ("openrouter", {}, "deepseek/deepseek-v4-flash", {"reasoning": {"enabled": False}}),
    ("deepseek", {}, "deepseek-v4-flash", {"thinking": {"type": "disabled"}}),
    ("openai", {"family": "groq"}, "qwen/qwen3-32b", {"reasoning_effort": "none"}),
    ("openai", {"family": "groq"}, "openai/gpt-oss-120b", {"reasoning_effort": "low"}),
    ("openai", {"family": "ollama"}, "qwen3:8b", {"reasoning_effort": "none"}),
    ("openai", {"family": "xai"}, "grok-4.3", {"reasoning_effort": "none"}),
    ("openai", {"family": "xai"}, "grok-3-mini", {"reasoning_effort": "low"}),
    ("openai", {"family": "qwen"}, "qwen3-max", {"enable_thinking": False}),
    ("openai", {"family": "qwen"}, "qwen3-30b-a3b-thinking", {"thinking_budget": 1}),
    ("openai", {"family": "google"}, "gemini-2.5-flash", {"reasoning_effort": "none"}),
    ("openai", {"family": "gpt-oss"}, "gpt-oss-20b", {"reasoning_effort": "low"}),
    ("openai", {"family": "compatible"}, "some-model", {"reasoning_effort": "none"}),
    (
        "openai",
        {"family": "vllm"},
        "Qwen/Qwen3-8B",
        {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}},
    ),
]


@pytest.mark.parametrize(("name", "options", "model", "off"), OFF)
@pytest.mark.parametrize(
    "wish",
    [
        {"reasoning_effort": "none"},
        {"thinking": {"type": "disabled"}},
        {"thinking": {"type": "enabled", "budget_tokens": 0}},
        {"thinking": False},
        {"reasoning": {"enabled": False}},
        {"reasoning": {"effort": "none"}},
        {"extra_body": {"google": {"thinking_config": {"thinking_budget": 0}}}},
    ],
)
async def test_04_none_reaches_every_model_that_thinks(
    name: str, options: JSONObject, model: str, off: JSONObject, wish: JSONObject
) -> None:
    """In the vendor's own words, or the least there is; saying nothing would let it think."""
    ask = Asking.of(name, options)
    unsaid, said = (await ask(model)).sent, (await ask(model, **wish)).sent
    assert off == {key: said[key] for key in said if said[key] != unsaid.get(key)}


NOVA = "us.amazon.nova-2-lite-v1:0"
CONVERSE: list[tuple[str, JSONObject, JSONObject]] = [
    (NOVA, {"reasoning_effort": "none"}, {}),
    (NOVA, {"thinking": {"type": "disabled"}}, {"reasoningConfig": {"type": "disabled"}}),
    (
        NOVA,
        {"thinking": {"type": "enabled", "budget_tokens": 2_030}},
        {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
    ),
    (
        NOVA,
        {"reasoning_effort": "xhigh"},
        {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
    ),
    ("qwen.qwen3-32b-v1:0", {"reasoning_effort": "max"}, {"reasoning_config": "high"}),
    ("qwen.qwen3-32b-v1:0", {"reasoning_effort": "none"}, {}),
    ("us.deepseek.r1-v1:0", {"reasoning_effort": "high"}, {}),
    ("us.deepseek.r1-v1:0", {"reasoning_effort": "none"}, {}),
    ("mistral.mistral-large-2407-v1:0", {"reasoning_effort": "high"}, {}),
]


@pytest.mark.parametrize(("model", "wish", "fields"), CONVERSE)
async def test_01_other_vendors_of_bedrock_have_fields_of_their_own(
    model: str, wish: JSONObject, fields: JSONObject
) -> None:
    """An effort goes where the vendor reads it, and nowhere if it reads none."""
    told = await Asking.of("converse")(model, **wish)
    assert (200, fields) == (told.status, told.sent.get("additionalModelRequestFields", {}))
