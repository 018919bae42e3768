"""Promises of what is learned from refusals of OpenAI-compatible vendors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asgi_thinking.capabilities import EFFORTS, Capabilities
from asgi_thinking.lessons_openai import LESSONS
from asgi_thinking.models_openai import FAMILIES, find_model

OPEN = replace(find_model(FAMILIES["openai"], "our-deployment").accepts, efforts=EFFORTS)
UNTHINKING: Any = {
    "thinking": frozenset[str](),
    "efforts": (),
    "off": "disabled",
    "on_by_default": False,
}
NO_OFF: Any = {"thinking": frozenset({"adaptive", "enabled"}), "off": None}
NO_MAX: Any = {"efforts": EFFORTS[:-1]}
NO_MINIMAL: Any = {"efforts": EFFORTS[1:]}


def without(*names: str) -> dict[str, Any]:
    """More fields that the model does not take."""
    return {"unsupported": OPEN.unsupported | set(names)}


@pytest.mark.parametrize(
    ("refusal", "changes"),
    [
        (
            (
                "Unsupported value: 'temperature' does not support 0.2 with this model."
                " Only the default (1) value is supported."
            ),
            {"sampling": "never"},
        ),
        (
            "Unsupported parameter: 'temperature' is not supported with this model.",
            {"sampling": "never"},
        ),
        ("Unsupported parameter: 'top_p' is not supported with this model.", {"sampling": "never"}),
        ("Unsupported value: 'top_p' does not support 0.5", {"sampling": "never"}),
        (
            (
                "Unsupported value: 'reasoning_effort' does not support 'max' with this model."
                " Supported values are: 'low', 'medium', and 'high'."
            ),
            NO_MAX,
        ),
        ("Unsupported value: 'reasoning_effort' does not support 'minimal' with this", NO_MINIMAL),
        ("Unsupported value: 'reasoning_effort' does not support 'none' with this", NO_OFF),
        ("Unrecognized request argument supplied: reasoning_effort", UNTHINKING),
        ("Unsupported parameter: 'reasoning_effort' is not supported with this", UNTHINKING),
        ("`reasoning_effort` is not supported with this model", UNTHINKING),
        ("Model grok-4 does not support parameter reasoningEffort.", {"efforts": ()}),
        ("reasoning_effort: unknown variant `max`, expected one of", NO_MAX),
        ("Invalid reasoning effort: minimal", NO_MINIMAL),
        ("reasoning_effort none is not supported for model magistral-small", NO_OFF),
        ("Unsupported parameter: 'stop' is not supported with this model.", without("stop")),
        ("Unsupported value: 'verbosity' does not support 'low' with", without("verbosity")),
        ("property 'logprobs' is unsupported", without("logprobs")),
        ("Model grok does not support parameter presencePenalty.", without("presence_penalty")),
        ("Argument not supported on this model: stop", without("stop")),
        ("body.user: Extra inputs are not permitted", without("user")),
        ("Unsupported parameter: 'seed' is not supported with this model.", without("seed")),
        (
            (
                "Function tools with reasoning_effort are not supported for gpt-5.6 in"
                " /v1/chat/completions."
            ),
            {"tools_beside_thinking": False},
        ),
        (
            "Thinking mode does not support this tool_choice",
            {"forced_tools": "without_thinking"},
        ),
        ("This response_format type is unavailable now", {"structured_outputs": False}),
        (
            "body.temperature: Input should be less than or equal to 1.5",
            {"max_temperature": 1.5},
        ),
        ("'n' : number must be at most 1", {"choices": False}),
        ("Multiple candidates is not enabled for this model", {"choices": False}),
        (
            "Penalty is not enabled for this model",
            without("presence_penalty", "frequency_penalty"),
        ),
        ("Requests ending with a model turn are not supported.", {"prefill": "never"}),
    ],
)
def test_a_refusal_sets_the_record_right(refusal: str, changes: dict[str, Any]) -> None:
    """In that alone, and once for all."""
    wiser = OPEN.heeding(refusal)
    assert replace(OPEN, **changes) == wiser
    assert wiser != OPEN
    assert wiser == wiser.heeding(refusal)


def test_a_search_that_is_refused_is_not_asked_for_again() -> None:
    """By a model that was thought to have one."""
    model = find_model(FAMILIES["openai"], "gpt-4o-search-preview").accepts
    wiser = model.heeding("Web search options not supported with this model.")
    assert replace(model, unsupported=model.unsupported | {"web_search"}) == wiser


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.refusal)
def test_no_lesson_is_given_twice(lesson: Any) -> None:
    """A record that knows comes out equal, whatever else it says."""
    for known in (OPEN, Capabilities(1), find_model(FAMILIES["deepseek"], "r1").accepts):
        once = lesson.heed(known)
        assert once == lesson.heed(once)


def test_every_vendor_has_lessons() -> None:
    """Whichever its models are; what is said of other things teaches nothing."""
    for family in FAMILIES.values():
        for _, model in family.models:
            assert LESSONS == model.accepts.lessons
    assert OPEN == OPEN.heeding("You exceeded your current quota.")


@pytest.mark.parametrize("family", ["openrouter", "google", "compatible"])
def test_gateways_pass_on_that_thinking_is_disowned(family: str) -> None:
    """Claude's words and Gemini's; vendors that sign nothing say nothing of it."""
    accepts = find_model(FAMILIES[family], "m").accepts
    for refusal in (
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "The thinking block is bound to a different conversation.",
        "Corrupted thought signature.",
        "Function call is missing a thought_signature in functionCall parts.",
    ):
        assert accepts.disowns(refusal)
        assert not OPEN.disowns(refusal)
    assert not accepts.disowns("rate limited")
