"""The capabilities of the Gemini models, by family and version.

Sources, all read 2026-11-22:

- budgets, levels, what can be switched off: https://ai.google.dev/gemini-api/docs/thinking and
  https://cloud.google.com/vertex-ai/generative-ai/docs/thinking
- signatures: https://ai.google.dev/gemini-api/docs/thought-signatures
- search beside functions: https://ai.google.dev/gemini-api/docs/tool-combination
- output limits: https://ai.google.dev/gemini-api/docs/models
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from asgi_thinking.capabilities import Capabilities

__all__ = ["GEMINI", "canonical", "gemini", "is_gemini", "signs_calls"]

# Gemini 2.0 and older: they do not think. What later ones sign are calls and texts, never thoughts.
_UNTHINKING: Final = Capabilities(
    max_output=8_192,
    signs=False,
    needs_limit=False,
    search_beside_tools=False,
    unsupported=frozenset(
        {"logit_bias", "logprobs", "parallel_tool_calls", "top_logprobs", "verbosity"}
    ),
)
# Gemini 2.5 thinks within a budget, unasked; it shows its thoughts only if it is told to.
_2_5: Final = replace(
    _UNTHINKING,
    max_output=65_536,
    thinking=frozenset({"enabled", "disabled"}),
    on_by_default=True,
    budgets="if_said",
    display_default="omitted",
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
    efforts=("low", "medium", "high"),
    search_beside_tools=True,
)
_3_MINIMAL: Final = replace(_3, efforts=("minimal", "low", "medium", "high"))
_3_PRO: Final = replace(_3, efforts=("low", "high"))

GEMINI: Final[dict[str, dict[tuple[int, int], Capabilities]]] = {
    "flash": {
        (0, 0): _UNTHINKING,
        (2, 5): _2_5_FLASH,
        (3, 0): _3_MINIMAL,
        (3, 7): _3,
    },
    "flash-lite": {
        (0, 0): _UNTHINKING,
        (2, 5): _2_5_FLASH_LITE,
        (3, 0): _3_MINIMAL,
        (3, 6): _3,  # not released
    },
    "pro": {
        (0, 0): _UNTHINKING,
        (2, 5): _2_5_PRO,
        (3, 0): _3_PRO,
        (3, 1): _3,
    },
}
"""Capabilities by family and by the first version that has them; a version between two rows has the
earlier row's, a later one the newest's. Families that are not here are like "pro"."""

# An id's last path segment: gemini-…, google.gemini-…; the version may follow the family.
_ID: Final = re.compile(r"(?:google\.)?(gemini-.+)", re.IGNORECASE)
# A version whose point is written as a dash: "gemini-2-5-pro", not "gemini-3-pro-preview-05-06".
_DASHED: Final = re.compile(r"(gemini-\d)-(\d)(?=-|$)", re.IGNORECASE)
_VERSION: Final = re.compile(r"-(\d{1,2})(?:\.(\d{1,2}))?(?![\d.])")
_NEWEST: Final = (99, 99)
_FIRST_SIGNING: Final = (3, 0)

# Models of these versions that paint or speak do not think. From 3 on they do.
_MUTE: Final = ("image", "tts", "audio")


def is_gemini(model: str) -> bool:
    """Whether `model` is the id of a Gemini model, in any gateway's spelling."""
    return _ID.fullmatch(model.rpartition("/")[2]) is not None


def canonical(model: str) -> str:
    """Google's own spelling of an id; one that is no Gemini's stays as it is.

    Gateways write `google/gemini-2.5-flash`, `models/gemini-2.5-flash`, `google.gemini-2.5-flash`
    and `gemini-2-5-flash`.
    """
    match = _ID.fullmatch(model.rpartition("/")[2])
    if match is None:
        return model.removeprefix("models/")
    return _DASHED.sub(r"\1.\2", match[1])


@lru_cache(maxsize=1024)
def gemini(model: str) -> Capabilities:
    """What the Gemini model `model` accepts.

    A model that is not in the table, a tuned one included, is taken for one of the newest class,
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
