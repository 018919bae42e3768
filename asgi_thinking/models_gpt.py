"""What OpenAI's own models accept in chat completions, and what they share with other vendors'.

OpenAI never shows its thinking, and refuses what a model does not know. Sources, all read
2026-11-22:

- efforts, what is refused while a model reasons:
  https://platform.openai.com/docs/guides/reasoning, https://platform.openai.com/docs/models,
  https://platform.openai.com/docs/api-reference/chat/create and
  `types/shared/reasoning_effort.py` of openai 3.54
- functions beside reasoning:
  https://community.openai.com/t/gpt-5-6-chat-completion-reasoning-effort-bug-behavior-change/1386454
  and https://github.com/openai/openai-openapi/issues/541
- GPT-6: https://docs.litellm.ai/blog/gpt_6_sol_luna
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from asgi_thinking.capabilities import EFFORTS, Capabilities
from asgi_thinking.families import Model, Switch
from asgi_thinking.lessons_openai import LESSONS

__all__ = ["ALWAYS", "EFFORT_NONE", "GPT_MODELS", "MEDIUM", "PLAIN", "THINKS", "UNLIMITED"]

UNLIMITED: Final = 10_000_000
"""Where no limit is known, none is kept."""

PLAIN: Final = Capabilities(
    max_output=UNLIMITED,
    budgets="never",
    signs=False,
    needs_limit=False,
    # Servers disagree on what they do not know: most ignore it, some refuse it.
    unsupported=frozenset({"top_k", "web_search", "verbosity", "service_tier"}),
    lessons=LESSONS,
)
"""A model that does not think."""

THINKS: Final = replace(
    PLAIN,
    thinking=frozenset({"adaptive", "enabled", "disabled"}),
    on_by_default=True,
    efforts=("low", "medium", "high"),
)
"""One that thinks unless it is told not to."""

ALWAYS: Final = replace(THINKS, thinking=frozenset({"adaptive", "enabled"}), off=None)
"""One that always thinks."""

EFFORT_NONE: Final = Switch(off={"reasoning_effort": "none"})
"""Thinking is switched off by an effort."""

MEDIUM: Final = replace(EFFORT_NONE, on={"reasoning_effort": "medium"})
"""And on."""

# What is refused while a model reasons, beside temperature.
_HUSHED: Final = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "presence_penalty",
        "stop",
        "top_logprobs",
        "top_p",
    }
)

_GPT: Final = replace(PLAIN, unsupported=frozenset({"top_k", "web_search", "verbosity"}))
_O: Final = replace(
    ALWAYS,
    max_output=100_000,
    sampling="never",
    unsupported=_GPT.unsupported | (_HUSHED - {"top_p"}) | {"parallel_tool_calls"},
)
_GPT_5: Final = replace(
    _O,
    max_output=128_000,
    efforts=("minimal", "low", "medium", "high"),
    unsupported=_O.unsupported - {"verbosity", "parallel_tool_calls"},
)
_GPT_5_PRO: Final = replace(_GPT_5, efforts=("high",))
_GPT_5_1_CHAT: Final = replace(
    _GPT_5, max_output=16_384, efforts=("medium",), unsupported=_GPT_5.unsupported | {"verbosity"}
)
# From 5.1 on thinking can be turned off, and then sampling parameters are taken.
_GPT_5_1: Final = replace(
    _GPT_5,
    thinking=THINKS.thinking,
    off="disabled",
    on_by_default=False,
    efforts=("low", "medium", "high"),
    sampling="without_thinking",
    unsupported=_GPT.unsupported - {"verbosity"},
    unsupported_thinking=_HUSHED,
)
_GPT_5_2: Final = replace(_GPT_5_1, efforts=("low", "medium", "high", "xhigh"))
# From 5.4 on functions are only taken while it is off, from 5.5 on it is on by default again.
_GPT_5_4: Final = replace(_GPT_5_2, tools_beside_thinking=False)
_GPT_5_5: Final = replace(_GPT_5_4, on_by_default=True)
# The largest of GPT-6 always thinks, so that here it takes no functions at all.
_GPT_6: Final = replace(_GPT_5, efforts=_GPT_5_2.efforts, tools_beside_thinking=False)
_SEARCH: Final = replace(
    _GPT, sampling="never", unsupported=_GPT.unsupported - {"web_search"}, choices=False
)
# What is newer than this table, and a deployment's name: what the caller said is passed on.
_GPT_NEXT: Final = replace(_GPT_5, efforts=EFFORTS[1:])
_UNKNOWN: Final = replace(THINKS, efforts=EFFORTS, unsupported=frozenset({"top_k", "web_search"}))

GPT_MODELS: Final = (
    (r"gpt-oss", Model(ALWAYS)),
    (r"-search", Model(_SEARCH)),
    (r"gpt-5-pro", Model(_GPT_5_PRO, EFFORT_NONE)),
    (r"gpt-5-chat", Model(replace(_GPT, max_output=16_384))),
    (r"gpt-5\.\d+-chat", Model(_GPT_5_1_CHAT, EFFORT_NONE)),
    (r"gpt-5\.1", Model(_GPT_5_1, MEDIUM)),
    (r"gpt-5\.[23]", Model(_GPT_5_2, MEDIUM)),
    (r"gpt-5\.4", Model(_GPT_5_4, MEDIUM)),
    (r"gpt-5\.", Model(_GPT_5_5, EFFORT_NONE)),
    (r"gpt-5", Model(_GPT_5, EFFORT_NONE)),
    (r"gpt-6(-(sol|luna)|\.\d+-(luna|terra))", Model(_GPT_5_5, EFFORT_NONE)),
    (r"gpt-6", Model(_GPT_6, EFFORT_NONE)),
    (r"\bo[1-9]", Model(_O, EFFORT_NONE)),
    (r"gpt-4\.1", Model(replace(_GPT, max_output=32_768))),
    (r"gpt-4o|chatgpt-4o", Model(replace(_GPT, max_output=16_384))),
    (r"gpt-[34]", Model(replace(_GPT, max_output=4_096))),
    (r"gpt-", Model(_GPT_NEXT, EFFORT_NONE)),
    (r"", Model(_UNKNOWN, EFFORT_NONE)),
)
"""OpenAI's models by patterns of their ids; the first that is found counts."""
