"""The table of Gemini models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.models_gemini import GEMINI, canonical, gemini, is_gemini, signs_calls

FOUR = ("minimal", "low", "medium", "high")
THREE = ("low", "medium", "high")


@pytest.mark.parametrize(
    ("model", "efforts"),
    [
        ("gemini-3-flash-preview", FOUR),
        ("gemini-3-pro-preview", ("low", "high")),
        ("gemini-3.1-pro-preview", THREE),
        ("gemini-3.1-flash-lite", FOUR),
        ("gemini-3.5-flash", FOUR),
        ("gemini-3.5-flash-lite", FOUR),
        ("gemini-3.6-flash", FOUR),
        ("gemini-3.7-flash", THREE),
        ("gemini-3.8-flash-cyber", THREE),
        ("gemini-4-argon", THREE),
        ("gemini-flash-latest", THREE),
        ("gemini-exp-1206", THREE),
        ("google/gemini-3-flash", FOUR),
        ("my-tuned-model", THREE),
    ],
)
def test_from_gemini_3_on_thinking_has_levels(model: str, efforts: tuple[str, ...]) -> None:
    """And cannot be switched off; what is not known is like the newest."""
    record = gemini(model)
    assert efforts == record.efforts
    assert (frozenset({"adaptive"}), None) == (record.thinking, record.off)
    assert signs_calls(model)


@pytest.mark.parametrize(
    ("model", "least", "most", "off"),
    [
        ("gemini-2.5-flash", 1, 24_576, "disabled"),
        ("models/gemini-2.5-flash-preview-09-2025", 1, 24_576, "disabled"),
        ("gemini-2.5-flash-lite", 512, 24_576, "disabled"),
        ("gemini-2.5-pro", 128, 32_768, None),
        ("google.gemini-2.5-pro", 128, 32_768, None),
    ],
)
def test_gemini_2_5_thinks_within_a_budget(model: str, least: int, most: int, off: Any) -> None:
    """Which the largest model cannot do without."""
    record = gemini(model)
    assert (least, most, off) == (record.min_budget, record.max_budget, record.off)
    assert ((), "enabled" in record.thinking) == (record.efforts, True)
    assert not signs_calls(model)


@pytest.mark.parametrize(
    "model", ["gemini-1.5-pro", "gemini-2.0-flash-001", "gemini-2.5-flash-image", "Gemini-2.5-TTS"]
)
def test_older_models_do_not_think(model: str) -> None:
    """Neither do those that paint or speak."""
    assert (frozenset(), 8_192) == (gemini(model).thinking, gemini(model).max_output)


def test_no_model_has_what_gemini_has_no_words_for() -> None:
    """Fields without a counterpart are reported, not passed over."""
    for rows in GEMINI.values():
        for record in rows.values():
            assert {"logit_bias", "parallel_tool_calls"} <= record.unsupported
            assert not record.signs


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gemini-2.5-flash", "gemini-2.5-flash"),
        ("google/gemini-2.5-flash", "gemini-2.5-flash"),
        ("google.gemini-2.5-flash", "gemini-2.5-flash"),
        ("publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("tfy-ai-gemini/gemini-2-5-pro", "gemini-2.5-pro"),
        ("gemini-2-0-flash-001", "gemini-2.0-flash-001"),
        ("google/Gemini-2-5-Pro", "gemini-2.5-pro"),
        ("gemini-3-pro-preview-05-06", "gemini-3-pro-preview-05-06"),
        ("models/gemma-3", "gemma-3"),
        ("tunedModels/x", "tunedModels/x"),
    ],
)
def test_googles_own_spelling(model: str, expected: str) -> None:
    """However a gateway spells it, the model is the same."""
    assert expected == canonical(model)
    assert gemini(expected) == gemini(model)


def test_what_is_a_gemini() -> None:
    """Only what says so."""
    assert is_gemini("google/gemini-2.5-flash")
    assert not is_gemini("claude-opus-5")
    assert not is_gemini("my-gemini-2.5")


@pytest.mark.parametrize(
    ("model", "penalties", "json", "choices", "prefill"),
    [
        ("gemini-2.0-flash", True, False, True, "always"),
        ("gemini-2.5-pro", False, False, True, "always"),
        ("gemini-3-flash-preview", False, True, False, "always"),
        ("gemini-3.5-flash", False, True, False, "always"),
        ("gemini-3.5-flash-lite", False, True, False, "never"),
        ("gemini-3.6-flash", False, True, False, "never"),
        ("gemini-4-argon", False, True, False, "never"),
        ("my-tuned-model", False, True, True, "always"),
    ],
)
def test_what_is_refused_beside_thinking(
    model: str, penalties: bool, json: bool, choices: bool, prefill: str
) -> None:
    """Penalties since 2.5, several choices since 3, a model's last word since 3.6."""
    record = gemini(model)
    assert penalties is ("presence_penalty" not in record.unsupported)
    assert (json, choices, prefill) == (record.json_beside_tools, record.choices, record.prefill)


SORRY = "Unable to submit request because"
OLD = gemini("gemini-2.5-flash")
NEW = gemini("gemini-3-flash-preview")
THINKING: Any = {"thinking": frozenset({"adaptive"}), "off": None, "budgets": "never"}
BUDGETS: Any = {"thinking": frozenset({"enabled"}), "budgets": "if_said"}


@pytest.mark.parametrize(
    ("record", "refusal", "changes"),
    [
        (NEW, "Thinking level MINIMAL is not supported for this model.", {"efforts": THREE}),
        (NEW, f"{SORRY} thinking_level MINIMAL is not supported by", {"efforts": THREE}),
        (
            NEW,
            "Thinking level LOW is not supported for this model.",
            {"efforts": ("minimal", "medium", "high")},
        ),
        (
            NEW,
            "Thinking level is not supported for this model.",
            {**BUDGETS, "efforts": (), "min_budget": 512, "max_budget": 24_576},
        ),
        (
            NEW,
            f"{SORRY} thinking_level is not supported by this model",
            {**BUDGETS, "efforts": (), "min_budget": 512, "max_budget": 24_576},
        ),
        (OLD, "Thinking budget is not supported for this model.", {**THINKING, "efforts": THREE}),
        (
            OLD,
            f"{SORRY} thinking_budget is not supported by this model",
            {**THINKING, "efforts": THREE},
        ),
        (OLD, "Budget 0 is invalid. This model only works in thinking mode.", {"off": None}),
        (
            OLD,
            "Thinking is not enabled for models/gemini-2.5-flash",
            {"thinking": frozenset(), "on_by_default": False},
        ),
        (
            gemini("gemini-2.0-flash"),
            "Penalty is not enabled for models/gemini-2.0-flash",
            {"unsupported": OLD.unsupported},
        ),
        (OLD, "Multiple candidates is not enabled for this model", {"choices": False}),
        (NEW, "Requests ending with a model turn are not supported.", {"prefill": "never"}),
        (
            NEW,
            "Function calling with a response mime type: 'application/json' is unsupported",
            {"json_beside_tools": False},
        ),
        (
            NEW,
            "Tool use with function calling is unsupported by the model.",
            {"search_beside_tools": False},
        ),
    ],
)
def test_a_refusal_sets_the_record_right(
    record: Capabilities, refusal: str, changes: dict[str, Any]
) -> None:
    """In that alone, by what either of Google's doors says, and once for all."""
    wiser = record.heeding(refusal)
    assert replace(record, **changes) == wiser
    assert wiser != record
    assert wiser == wiser.heeding(refusal)


@pytest.mark.parametrize(
    ("refusal", "disowned"),
    [
        ("Corrupted thought signature.", True),
        ("Unable to submit request because Thought signature is not valid.. Learn more", True),
        ("Function call is missing a thought_signature in functionCall parts.", True),
        ("Please use a valid role: user, model.", False),
    ],
)
def test_google_disowns_signatures(refusal: str, disowned: bool) -> None:
    """Those that are another's, or that stand where they were not given."""
    assert disowned is NEW.disowns(refusal)
    assert NEW == NEW.heeding(refusal)
