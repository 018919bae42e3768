"""The capabilities of the Claude models, by family and version.

Sources, all read 2026-11-22:

- thinking types, defaults, what is refused:
  https://platform.claude.com/docs/en/build-with-claude/extended-thinking,
  https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
- efforts: https://platform.claude.com/docs/en/build-with-claude/effort; which of them are refused
  while thinking is off, on 4.7 to 5 as well: https://github.com/anthropics/claude-code/issues/76689
- schemas: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
- sampling parameters, forced tools, prefill:
  https://platform.claude.com/docs/en/about-claude/models/migration-guide
- output limits: https://platform.claude.com/docs/en/about-claude/models/overview
- streaming above 21,333 tokens, `anthropic/_base_client.py` of anthropic 2.12:
  3,600 s * max_tokens / 128,000 must not pass 600 s
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from asgi_thinking.capabilities import Capabilities, Lesson

__all__ = ["CLAUDE", "Family", "claude", "family", "is_claude"]


class Family(NamedTuple):
    """A model's family ("opus") and version: Claude 3.7 is `(3, 7)`."""

    name: str
    version: tuple[int, int]


_EVERY: Final = ("low", "medium", "high", "xhigh", "max")

# What the API says where a record is wrong, and what is right then. Sources, read 2026-11-22: the
# pages above, and https://platform.claude.com/docs/en/api/errors.
_LESSONS: Final = (
    Lesson(
        '"thinking.type.enabled" is not supported',
        lambda known: replace(
            known,
            thinking=(known.thinking - {"enabled"}) | {"adaptive"},
            efforts=known.efforts or _EVERY,
            display_default="omitted",
        ),
    ),
    Lesson(
        '"thinking.type.disabled" is not supported',
        lambda known: replace(
            known,
            thinking=known.thinking - {"disabled"},
            on_by_default=True,
            off="between_tools" if "between_tools" in known.thinking else None,
        ),
    ),
    Lesson(
        "adaptive thinking is not supported",
        lambda known: replace(known, thinking=(known.thinking - {"adaptive"}) | {"enabled"}),
    ),
    Lesson(
        "does not support the effort parameter",
        lambda known: replace(known, efforts=(), effort_with_budget=False),
    ),
    Lesson(
        "does not support effort level 'xhigh'",
        lambda known: replace(known, efforts=tuple(w for w in known.efforts if w != "xhigh")),
    ),
    Lesson(
        "does not support effort level 'max'",
        lambda known: replace(known, efforts=tuple(w for w in known.efforts if w != "max")),
    ),
    Lesson(
        'type "tool" and "any" are not supported',
        lambda known: replace(known, forced_tools="never"),
    ),
    Lesson(
        "may not be enabled when tool_choice forces tool use",
        lambda known: replace(
            known,
            forced_tools="without_enabled" if known.forced_tools == "always" else "never",
        ),
    ),
    Lesson("cannot both be specified", lambda known: replace(known, one_sampler=True)),
    *(
        Lesson(f"{name}: Extra inputs are not permitted", lambda k: replace(k, sampling="never"))
        for name in ("temperature", "top_p", "top_k")
    ),
    Lesson("`temperature` is deprecated", lambda known: replace(known, sampling="never")),
    *(
        Lesson(
            words,
            lambda known: replace(
                known,
                sampling="without_thinking" if known.sampling == "always" else "never",
            ),
        )
        for words in ("`temperature` may only be set to 1", "`top_k` must be unset")
    ),
)

# What it says of thinking that came back changed, of nobody or of another conversation. Source:
# https://platform.claude.com/docs/en/build-with-claude/extended-thinking, read 2026-11-22.
_DISOWNED: Final = (
    "invalid `signature`",
    "invalid `data`",
    "`thinking.signature`: field required",
    "thinking.signature: field required",
    "bound to a different conversation",
    "cannot be modified",
    "final block in an assistant message cannot be",
)

# Claude 3 and 3.5: they do not think. Their temperature ends at 1, as every later Claude's does.
_UNTHINKING: Final = Capabilities(
    max_output=4_096,
    sampling="without_thinking",
    max_temperature=1.0,
    prefill="without_thinking",
    structured_outputs=False,
    json_objects=False,
    choices=False,
    streams_above=21_333,
    unsupported=frozenset(
        {
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "presence_penalty",
            "seed",
            "top_logprobs",
            "verbosity",
            "web_search",
        }
    ),
    closed_schemas=True,
    blank_stops=False,
    max_marks=4,
    trims_prefill=True,
    needs_tools=True,
    lessons=_LESSONS,
    disowned=_DISOWNED,
)
_3_5: Final = replace(_UNTHINKING, max_output=8_192)
# Claude 3.7, retired 2026-02-19, showed its raw thinking and knew no display.
_3_7: Final = replace(
    _UNTHINKING,
    max_output=64_000,
    thinking=frozenset({"enabled", "disabled"}),
    forced_tools="without_enabled",
)
# Claude 4, retired 2026-06-15.
_SONNET_4: Final = replace(_3_7, display_default="summarized", interleaved_beta=True)
_OPUS_4: Final = replace(_SONNET_4, max_output=32_000)
# From Opus 4.1 on, temperature and top_p together are refused.
_OPUS_4_1: Final = replace(_OPUS_4, one_sampler=True)
_SONNET_4_5: Final = replace(_SONNET_4, one_sampler=True, structured_outputs=True)
_HAIKU_4_5: Final = replace(_SONNET_4_5, interleaved_beta=False)
_OPUS_4_5: Final = replace(_SONNET_4_5, efforts=("low", "medium", "high"), effort_with_budget=True)
# Claude 4.6: "enabled" is deprecated and still works; prefill is gone for good.
_OPUS_4_6: Final = replace(
    _HAIKU_4_5,
    max_output=128_000,
    thinking=frozenset({"adaptive", "enabled", "disabled"}),
    efforts=("low", "medium", "high", "max"),
    prefill="never",
)
_SONNET_4_6: Final = replace(_OPUS_4_6, interleaved_beta=True)
# From 4.7 on: adaptive only, no sampling parameters, hidden thinking unless display says otherwise.
_4_7: Final = replace(
    _OPUS_4_6,
    thinking=frozenset({"adaptive", "disabled"}),
    efforts=_EVERY,
    display_default="omitted",
    off_refused_at=frozenset({"xhigh", "max"}),
    forced_tools="always",
    sampling="never",
)
# From 5 on, thinking is on by default.
_5: Final = replace(_4_7, on_by_default=True)
_SONNET_5_5: Final = replace(
    _5,
    thinking=frozenset({"adaptive", "between_tools"}),
    off="between_tools",
    forced_tools="never",
)
# Fable and Mythos always think; from 5.1 on, and Opus 5.5 as well, they also refuse forced tools.
_FABLE_5: Final = replace(
    _5, thinking=frozenset({"adaptive"}), off=None, off_refused_at=frozenset()
)
_FABLE_5_1: Final = replace(_FABLE_5, forced_tools="never")
# Retired 2026-06-30.
_MYTHOS_PREVIEW: Final = replace(
    _FABLE_5,
    thinking=frozenset({"adaptive", "enabled"}),
    efforts=("low", "medium", "high", "max"),
    forced_tools="without_enabled",
)

CLAUDE: Final[dict[str, dict[tuple[int, int], Capabilities]]] = {
    "opus": {
        (0, 0): _UNTHINKING,
        (4, 0): _OPUS_4,
        (4, 1): _OPUS_4_1,
        (4, 5): _OPUS_4_5,
        (4, 6): _OPUS_4_6,
        (4, 7): _4_7,
        (5, 0): _5,
        (5, 5): _FABLE_5_1,
    },
    "sonnet": {
        (0, 0): _UNTHINKING,
        (3, 5): _3_5,
        (3, 7): _3_7,
        (4, 0): _SONNET_4,
        (4, 5): _SONNET_4_5,
        (4, 6): _SONNET_4_6,
        (4, 7): _4_7,  # not released
        (5, 0): _5,
        (5, 5): _SONNET_5_5,
    },
    "haiku": {
        (0, 0): _UNTHINKING,
        (3, 5): _3_5,
        (4, 5): _HAIKU_4_5,
        (4, 6): _OPUS_4_6,  # not released
        (4, 7): _4_7,  # not released
        (5, 0): _5,  # not released
        (5, 5): _5,
    },
    "fable": {(0, 0): _FABLE_5, (5, 1): _FABLE_5_1},
    "mythos": {(0, 0): _MYTHOS_PREVIEW, (5, 0): _FABLE_5, (5, 1): _FABLE_5_1},
    "instant": {(0, 0): _UNTHINKING},
}
"""Capabilities by family and by the first version that has them; a version between two rows has the
earlier row's, a later one the newest's."""

# An id's last path segment: claude-…, anthropic.claude-…, us.anthropic.claude-…
_ID: Final = re.compile(r"(?:(?:[a-z][a-z-]*\.)?anthropic\.)?claude-([^@:]+)", re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z0-9]+")
_NEWEST: Final = (99, 99)


def is_claude(model: str) -> bool:
    """Whether `model` is the id of a Claude model in any vendor's spelling.

    An opaque ARN (`…:application-inference-profile/x1y2`) is not, for nothing in it says so.
    """
    return _ID.match(model.rpartition("/")[2]) is not None


def family(model: str) -> Family | None:
    """The family and version that a Claude id names, or None where it names no known family.

    Anthropic's, Bedrock's and Vertex's spellings are read, in any case, whether the version stands
    before the family or after it; a number of more than two digits is a date. Without a version the
    newest of the family is meant, but for `claude-mythos-preview`, which never had one.
    """
    match = _ID.match(model.rpartition("/")[2])
    if match is None:
        return None
    words = _WORD.findall(match[1].lower())
    version = _version(words)
    name = next((word for word in words if word in CLAUDE), "")
    if name == "mythos" and version is None and "preview" in words:
        return Family(name, (0, 0))
    if not name and version is not None and version < (4, 0) and words[0].isdecimal():
        name = "sonnet"  # "claude-2.1", "claude-3-7": no family yet, or only this one
    return Family(name, version or _NEWEST) if name else None


def _version(words: list[str]) -> tuple[int, int] | None:
    short = [word.isdecimal() and len(word) <= 2 for word in words]
    if True not in short:
        return None
    first = short.index(True)
    minor = words[first + 1] if True in short[first + 1 : first + 2] else "0"
    return int(words[first]), int(minor)


@lru_cache(maxsize=1024)
def claude(model: str) -> Capabilities:
    """What the Claude model `model` accepts.

    A model that is not in the table, an opaque id included, is taken for one of the newest class,
    whose requests every recent model accepts.
    """
    known = family(model)
    if known is None:
        return _FABLE_5_1
    rows = CLAUDE[known.name]
    return rows[max(version for version in rows if version <= known.version)]
