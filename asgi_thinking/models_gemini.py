"""The capabilities of the Gemini models, by family and version.

Sources, all read 2026-11-22:

- budgets, levels, what can be switched off: https://ai.google.dev/gemini-api/docs/thinking and
  https://cloud.google.com/vertex-ai/generative-ai/docs/thinking
- signatures: https://ai.google.dev/gemini-api/docs/thought-signatures
- search beside functions: https://ai.google.dev/gemini-api/docs/tool-combination
- JSON beside functions: https://ai.google.dev/gemini-api/docs/structured-output
- several candidates, requests that end with the model's turn:
  https://ai.google.dev/gemini-api/docs/generate-content/whats-new-gemini-3.6
- penalties: https://discuss.ai.google.dev/t/doom-loop-frequency-penalty-2-5-flash/94446
- output limits: https://ai.google.dev/gemini-api/docs/models
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from asgi_thinking.capabilities import EFFORTS, Capabilities, Lesson, ThinkingType
from asgi_thinking.requests import Effort

__all__ = ["GEMINI", "canonical", "gemini", "is_gemini", "signs_calls"]

_LEVELS: Final = ("low", "medium", "high")
_PENALTIES: Final = frozenset({"presence_penalty", "frequency_penalty"})


def _leveled(known: Capabilities) -> Capabilities:
    """A model that was taken for one with budgets, and has levels."""
    efforts = known.efforts or _LEVELS
    thinking: frozenset[ThinkingType] = frozenset({"adaptive"})
    return replace(known, thinking=thinking, off=None, budgets="never", efforts=efforts)


def _budgeted(known: Capabilities) -> Capabilities:
    """A model that was taken for one with levels, and has budgets."""
    if not known.efforts:
        return known
    thinking: frozenset[ThinkingType] = frozenset({"enabled"})
    return replace(
        known, thinking=thinking, budgets="if_said", efforts=(), min_budget=512, max_budget=24_576
    )


def _unthinking(known: Capabilities) -> Capabilities:
    return replace(known, thinking=frozenset(), efforts=(), off="disabled", on_by_default=False)


def _without_level(level: Effort) -> tuple[Lesson, Lesson]:
    """What AI Studio says of a level that a model does not have, and what Vertex AI says."""

    def heed(known: Capabilities) -> Capabilities:
        return replace(known, efforts=tuple(word for word in known.efforts if word != level))

    name = level.upper()
    return (
        Lesson(f"Thinking level {name} is not supported", heed),
        Lesson(f"thinking_level {name} is not supported", heed),
    )


# What Google says where a record is wrong, and what is right then; its two doors have words of
# their own. Sources: the pages above, read 2026-11-22.
_LESSONS: Final = (
    *(lesson for level in EFFORTS for lesson in _without_level(level)),
    Lesson("Thinking level is not supported", _budgeted),
    Lesson("thinking_level is not supported", _budgeted),
    Lesson("Thinking budget is not supported", _leveled),
    Lesson("thinking_budget is not supported", _leveled),
    Lesson("This model only works in thinking mode", lambda known: replace(known, off=None)),
    Lesson("Thinking is not enabled for", _unthinking),
    Lesson(
        "Penalty is not enabled",
        lambda known: replace(known, unsupported=known.unsupported | _PENALTIES),
    ),
    Lesson("Multiple candidates is not enabled", lambda known: replace(known, choices=False)),
    Lesson("ending with a model turn", lambda known: replace(known, prefill="never")),
    Lesson(
        "with a response mime type: 'application/json' is unsupported",
        lambda known: replace(known, json_beside_tools=False),
    ),
    Lesson(
        "Tool use with function calling is unsupported",
        lambda known: replace(known, search_beside_tools=False),
    ),
)

# What it says of signatures that it cannot verify.
_DISOWNED: Final = (
    "corrupted thought signature",
    "thought signature is not valid",
    "thought_signature",
)

# Gemini 2.0 and older: they do not think. What later ones sign are calls and texts, never thoughts.
_UNTHINKING: Final = Capabilities(
    max_output=8_192,
    signs=False,
    needs_limit=False,
    search_beside_tools=False,
    json_beside_tools=False,
    unsupported=frozenset(
        {"logit_bias", "logprobs", "parallel_tool_calls", "top_logprobs", "verbosity"}
    ),
    lessons=_LESSONS,
    disowned=_DISOWNED,
)
# Gemini 2.5 thinks within a budget, unasked; it shows its thoughts only if it is told to.
_2_5: Final = replace(
    _UNTHINKING,
    max_output=65_536,
    thinking=frozenset({"enabled", "disabled"}),
    on_by_default=True,
    budgets="if_said",
    display_default="omitted",
    unsupported=_UNTHINKING.unsupported | _PENALTIES,
)
_2_5_FLASH: Final = replace(_2_5, min_budget=1, max_budget=24_576)
_2_5_FLASH_LITE: Final = replace(_2_5, min_budget=512, max_budget=24_576)
_2_5_PRO: Final = replace(
    _2_5, thinking=frozenset({"enabled"}), off=None, min_budget=128, max_budget=32_768
)
# From 3 on, a level takes the place of the budget, and nothing switches thinking off.
_3: Final = replace(
    _2_5,
    thinking=frozenset({"adaptive"}),
    off=None,
    budgets="never",
    efforts=_LEVELS,
    search_beside_tools=True,
    json_beside_tools=True,
    choices=False,
)
_3_MINIMAL: Final = replace(_3, efforts=("minimal", *_LEVELS))
_3_PRO: Final = replace(_3, efforts=("low", "high"))
# Since 3.5 flash-lite and 3.6, a request must not end with the model's turn.
_3_6: Final = replace(_3, prefill="never")
_3_6_MINIMAL: Final = replace(_3_MINIMAL, prefill="never")
# A tuned model, or one whose id tells no version: what only some refuse is left to it.
_UNKNOWN: Final = replace(_3, choices=True)

_NEWEST: Final = (99, 99)  # where an id tells no version

GEMINI: Final[dict[str, dict[tuple[int, int], Capabilities]]] = {
    "flash": {
        (0, 0): _UNTHINKING,
        (2, 5): _2_5_FLASH,
        (3, 0): _3_MINIMAL,
        (3, 6): _3_6_MINIMAL,
        (3, 7): _3_6,
        _NEWEST: _UNKNOWN,
    },
    "flash-lite": {
        (0, 0): _UNTHINKING,
        (2, 5): _2_5_FLASH_LITE,
        (3, 0): _3_MINIMAL,
        (3, 5): _3_6_MINIMAL,
        (3, 6): _3_6,  # not released
        _NEWEST: _UNKNOWN,
    },
    "pro": {
        (0, 0): _UNTHINKING,
        (2, 5): _2_5_PRO,
        (3, 0): _3_PRO,
        (3, 1): _3,
        (3, 6): _3_6,
        _NEWEST: _UNKNOWN,
    },
}
"""Capabilities by family and by the first version that has them; a version between two rows has the
earlier row's, a later one the newest's. Families that are not here are like "pro"."""

# An id's last path segment: gemini-…, google.gemini-…; the version may follow the family.
_ID: Final = re.compile(r"(?:google\.)?(gemini-.+)", re.IGNORECASE)
# A version whose point is written as a dash: "gemini-2-5-pro", not "gemini-3-pro-preview-05-06".
_DASHED: Final = re.compile(r"(gemini-\d)-(\d)(?=-|$)")
_VERSION: Final = re.compile(r"-(\d{1,2})(?:\.(\d{1,2}))?(?![\d.])")
_FIRST_SIGNING: Final = (3, 0)

# Models of these versions that paint or speak do not think. From 3 on they do.
_MUTE: Final = ("image", "tts", "audio")


def is_gemini(model: str) -> bool:
    """Whether `model` is the id of a Gemini model, in any gateway's spelling."""
    return _ID.fullmatch(model.rpartition("/")[2]) is not None


def canonical(model: str) -> str:
    """Google's own spelling of an id; one that is no Gemini's stays as it is.

    Gateways write `google/gemini-2.5-flash`, `models/gemini-2.5-flash`, `google.gemini-2.5-flash`,
    `gemini-2-5-flash` and `Gemini-2.5-Flash`.
    """
    match = _ID.fullmatch(model.rpartition("/")[2])
    if match is None:
        return model.removeprefix("models/")
    return _DASHED.sub(r"\1.\2", match[1].lower())


@lru_cache(maxsize=1024)
def gemini(model: str) -> Capabilities:
    """What the Gemini model `model` accepts.

    A model that is not in the table, a tuned one included, is taken for one of a recent class,
    whose requests every recent model accepts.
    """
    version = _version(model)
    if version < _FIRST_SIGNING and any(word in model.lower() for word in _MUTE):
        return _UNTHINKING
    rows = GEMINI[_family(model.lower())]
    return rows[max(row for row in rows if row <= version)]


def signs_calls(model: str) -> bool:
    """Whether the model signs its calls and refuses them without, as from Gemini 3 on."""
    return _version(model) >= _FIRST_SIGNING


def _family(model: str) -> str:
    if "flash" not in model:
        return "pro"
    return "flash-lite" if "lite" in model else "flash"


def _version(model: str) -> tuple[int, int]:
    match = _VERSION.search(canonical(model)) if is_gemini(model) else None
    if match is None:
        return _NEWEST
    return int(match[1]), int(match[2] or 0)
