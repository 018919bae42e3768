"""What each Claude model accepts, written from the vendor's pages and from nothing of the package.

Sources, all read 2026-11-22:

- thinking types, defaults and refusals:
  https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting
- efforts: https://platform.claude.com/docs/en/build-with-claude/effort
- forced tools, prefill: https://platform.claude.com/docs/en/api/errors
- sampling: https://platform.claude.com/docs/en/about-claude/models/migration-guide
- prefix checks:
  https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks
- system messages among the others:
  https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
- output limits, ids: https://platform.claude.com/docs/en/about-claude/models/overview
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

__all__ = ["MODELS", "Model", "canonical"]

_ALL = ("low", "medium", "high", "xhigh", "max")
_UP_TO_HIGH = ("low", "medium", "high")


class Model(NamedTuple):
    """One model's settings.

    `sampling` is "free", "one" (temperature or top_p, not both), "default" (no other values than
    the default ones) or "haiku" (1 and 0.99, one of them). `forced` says when a tool may be forced:
    "always", "without_enabled" or "never". `interleaves` says what it takes to think between calls
    while a budget is set: "beta" or "never".
    """

    types: tuple[str, ...]
    on: bool = False
    efforts: tuple[str, ...] = ()
    off_up_to_high: bool = False
    display: str = "omitted"
    forced: str = "always"
    sampling: str = "default"
    prefill: bool = False
    interleaves: str = "never"
    binds: bool = False
    mid_system: bool = False
    formats: bool = True
    max_output: int = 128_000


_BUDGET = Model(
    ("enabled", "disabled"),
    display="summarized",
    forced="without_enabled",
    sampling="one",
    prefill=True,
    interleaves="beta",
    max_output=64_000,
)
_4_6 = Model(
    ("adaptive", "enabled", "disabled"),
    efforts=("low", "medium", "high", "max"),
    display="summarized",
    forced="without_enabled",
    sampling="one",
)
_4_7 = Model(("adaptive", "disabled"), efforts=_ALL, off_up_to_high=True)
_FABLE_5 = Model(("adaptive",), on=True, efforts=_ALL, mid_system=True)
_FABLE_5_1 = _FABLE_5._replace(forced="never", binds=True)
_MYTHOS_5_1 = _FABLE_5_1._replace(binds=False)

MODELS: dict[str, Model] = {
    "claude-3-7-sonnet": _BUDGET._replace(sampling="free", interleaves="never", formats=False),
    "claude-sonnet-4": _BUDGET._replace(sampling="free", formats=False),
    "claude-opus-4": _BUDGET._replace(sampling="free", formats=False, max_output=32_000),
    "claude-opus-4-1": _BUDGET._replace(formats=False, max_output=32_000),
    "claude-sonnet-4-5": _BUDGET,
    "claude-haiku-4-5": _BUDGET._replace(interleaves="never"),
    "claude-opus-4-5": _BUDGET._replace(efforts=_UP_TO_HIGH),
    "claude-opus-4-6": _4_6,
    "claude-sonnet-4-6": _4_6._replace(interleaves="beta"),
    "claude-opus-4-7": _4_7,
    "claude-opus-4-8": _4_7._replace(mid_system=True),
    "claude-sonnet-5": _4_7._replace(on=True),
    "claude-opus-5": _4_7._replace(on=True, mid_system=True),
    "claude-opus-5-5": _FABLE_5_1,
    "claude-sonnet-5-5": _FABLE_5_1._replace(
        types=("adaptive", "between_tools"), off_up_to_high=True
    ),
    "claude-haiku-5-5": _4_7._replace(on=True, binds=True, sampling="haiku"),
    "claude-fable-5": _FABLE_5,
    "claude-mythos-5": _FABLE_5,
    "claude-fable-5-1": _FABLE_5_1,
    "claude-mythos-5-1": _MYTHOS_5_1,
    # Of 5.2 no page says more than that it exists.
    "claude-fable-5-2": _FABLE_5_1,
    "claude-mythos-5-2": _MYTHOS_5_1,
    "claude-mythos-preview": Model(
        ("adaptive", "enabled"),
        on=True,
        efforts=("low", "medium", "high", "max"),
        forced="without_enabled",
    ),
}

# How the vendors spell the same model.
_SPELLINGS = {
    "anthropic": re.compile(r"(claude-[a-z0-9-]+?)(?:-0)?(?:-\d{8})?"),
    "vertex": re.compile(r"(claude-[a-z0-9-]+?)(?:@(?:\d{8}|default))?"),
    "bedrock": re.compile(
        r"(?:(?:global|us|eu|apac|jp|au|us-gov)\.)?anthropic\.(claude-[a-z0-9-]+?)"
        r"(?:-\d{8})?(?:-v\d+(?::\d+)?)?"
    ),
}


@cache
def canonical(door: str, model: str) -> str | None:
    """The table's name of a model as a vendor spells it; None where it has no such model."""
    match = _SPELLINGS[door].fullmatch(model.rpartition("/")[2])
    return match[1] if match is not None and match[1] in MODELS else None
