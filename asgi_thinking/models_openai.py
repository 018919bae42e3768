"""OpenAI-compatible vendors and servers: how each is asked to think, and what its models accept.

A family is one vendor's API, or the server that many run themselves. It follows from the base URL,
else from the model id; what neither tells belongs to "compatible".

Sources, all read 2026-11-22:

- OpenAI: `models_gpt.py`
- DeepSeek: https://api-docs.deepseek.com/guides/thinking_mode and, for `tool_choice`,
  https://api-docs.deepseek.com/quick_start/agent_integrations/oh_my_pi
- vLLM: https://docs.vllm.ai/en/stable/features/reasoning_outputs
- OpenRouter: https://openrouter.ai/docs/use-cases/reasoning-tokens
- Vercel: https://vercel.com/docs/ai-gateway/openai-compat
- Groq: https://console.groq.com/docs/reasoning, https://console.groq.com/docs/openai and
  https://console.groq.com/docs/models
- Ollama: https://docs.ollama.com/api/openai-compatibility
- xAI: https://docs.x.ai/docs/guides/reasoning
- Mistral: https://docs.mistral.ai/capabilities/reasoning, https://docs.mistral.ai/api and
  https://mistralai.github.io/mistral-common/usage/tools/
- Qwen: https://www.alibabacloud.com/help/en/model-studio/deep-thinking
- gpt-oss: https://cookbook.openai.com/articles/gpt-oss/handle-raw-cot
- Gemini: https://ai.google.dev/gemini-api/docs/openai
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from asgi_thinking.capabilities import EFFORTS, Capabilities
from asgi_thinking.details import FORMATS
from asgi_thinking.families import Family, Model, Switch
from asgi_thinking.lessons_openai import DISOWNED
from asgi_thinking.models_gpt import ALWAYS, EFFORT_NONE, GPT_MODELS, MEDIUM, PLAIN, THINKS

__all__ = ["FAMILIES", "family_of", "find_model"]


def _without(accepts: Capabilities, *names: str) -> Capabilities:
    """The record with more fields that have no counterpart upstream."""
    return replace(accepts, unsupported=accepts.unsupported | set(names))


_GPT_OSS: Final = Model(replace(ALWAYS, echoes_unsigned=True))

_DEEPSEEK: Final = _without(
    replace(
        THINKS,
        max_output=393_216,
        structured_outputs=False,
        choices=False,
        forced_tools="without_thinking",
        unsupported_thinking=frozenset({"logprobs", "top_logprobs"}),
    ),
    "logit_bias",
    "seed",
)
# The vendor maps the efforts that it does not have itself.
_DEEPSEEK_V3_2: Final = Model(
    replace(_DEEPSEEK, efforts=EFFORTS, echoes_unsigned=True),
    Switch({"thinking.type": "enabled"}, {"thinking.type": "disabled"}),
)
# The first generation refused a message with its own thinking in it.
_DEEPSEEK_R1: Final = Model(
    replace(_DEEPSEEK, thinking=ALWAYS.thinking, off=None, efforts=(), sampling="without_thinking")
)

_TEMPLATE: Final = "chat_template_kwargs"
_VLLM: Final = Model(
    replace(THINKS, unsupported=frozenset({"web_search", "verbosity", "service_tier"})),
    Switch(
        # Templates name it one or the other, and pass over what they do not use.
        {f"{_TEMPLATE}.enable_thinking": True, f"{_TEMPLATE}.thinking": True},
        {f"{_TEMPLATE}.enable_thinking": False, f"{_TEMPLATE}.thinking": False},
    ),
)

_GATEWAY: Final = Model(
    replace(
        THINKS,
        on_by_default=True,
        efforts=EFFORTS[:-1],
        budgets="if_said",
        echoes_unsigned=True,
        unsupported=frozenset(),
        disowned=DISOWNED,
    ),
    Switch(
        {"reasoning.enabled": True},
        {"reasoning.enabled": False},
        "reasoning.effort",
        "reasoning.max_tokens",
    ),
)

_GROQ: Final = _without(
    replace(PLAIN, choices=False, unsupported=frozenset({"top_k", "web_search", "verbosity"})),
    "logprobs",
    "top_logprobs",
    "logit_bias",
)
_GROQ_QWEN: Final = Model(
    replace(_GROQ, max_output=40_960, thinking=THINKS.thinking, on_by_default=True),
    Switch(
        {"reasoning_effort": "default"},
        {"reasoning_effort": "none"},
        "",
        always={"reasoning_format": "parsed"},  # by default it stands in the answer, in tags
    ),
)
_GROQ_GPT_OSS: Final = Model(
    replace(
        _GROQ,
        max_output=65_536,
        thinking=ALWAYS.thinking,
        on_by_default=True,
        off=None,
        efforts=THINKS.efforts,
        echoes_unsigned=True,
    )
)

_OLLAMA: Final = _without(replace(THINKS, choices=False), "logit_bias", "user")

# No model takes penalties, even of 0; those that reason do not stop at words either.
_GROK_PLAIN: Final = _without(PLAIN, "presence_penalty", "frequency_penalty", "logit_bias")
_GROK: Final = _without(ALWAYS, *_GROK_PLAIN.unsupported, "stop")

_MISTRAL: Final = _without(
    replace(PLAIN, max_temperature=1.5), "logprobs", "top_logprobs", "logit_bias", "user"
)
_MISTRAL_THINKS: Final = replace(
    _MISTRAL, thinking=THINKS.thinking, efforts=("high",), echoes_unsigned=True
)

_QWEN: Final = replace(
    THINKS,
    efforts=(),
    budgets="if_said",
    min_budget=1,
    max_output=65_536,
    unsupported=frozenset({"verbosity", "service_tier", "logit_bias"}),
)
_QWEN_SWITCH: Final = Switch(
    {"enable_thinking": True}, {"enable_thinking": False}, "", "thinking_budget"
)

_GOOGLE: Final = replace(THINKS, efforts=EFFORTS[:4], disowned=DISOWNED)

# Whether its models think by themselves nobody knows: "none" is passed on.
_COMPATIBLE_MODEL: Final = Model(replace(THINKS, disowned=DISOWNED), EFFORT_NONE)

# The vendors whose thinking gateways carry, by the `format` of their items. "openai" is this API's
# own: what a gateway sent that nobody else understands.
_FORMATS: Final = FORMATS | {"", "openai"}

FAMILIES: Final[Mapping[str, Family]] = {
    family.name: family
    for family in (
        Family(
            "ollama",
            ("ollama.com", ":11434"),
            r"[a-z0-9.-]+:[a-z0-9.-]+$",
            ((r"", Model(_OLLAMA, replace(EFFORT_NONE, on={"reasoning_effort": "medium"}))),),
            "OLLAMA_API_KEY",
            echo="reasoning",
        ),
        Family(
            "openai",
            ("api.openai.com", ".openai.azure.com", ".services.ai.azure.com"),
            r"(gpt-(?!oss)|o[1-9]|chatgpt-)",
            GPT_MODELS,
            limit="max_completion_tokens",
            developer=True,
            call_ids="short",
            search={"web_search_options": {}},
        ),
        Family(
            "deepseek",
            ("deepseek.com",),
            r"deepseek-(?!ai/)",
            ((r"r1", _DEEPSEEK_R1), (r"", _DEEPSEEK_V3_2)),
            "DEEPSEEK_API_KEY",
            echo="reasoning_content",
            owes_echo=True,
            flat=True,
        ),
        Family(
            "openrouter",
            ("openrouter.ai", "ai-gateway.vercel.sh"),
            models=((r"", _GATEWAY),),
            key="OPENROUTER_API_KEY",
            echo="reasoning_details",
            accepts=_FORMATS,
            caches=True,
            search={"plugins": [{"id": "web"}]},
        ),
        Family(
            "groq",
            ("api.groq.com",),
            models=(
                (r"gpt-oss", _GROQ_GPT_OSS),
                (r"qwen", _GROQ_QWEN),
                (r"llama-3\.3-70b", Model(replace(_GROQ, max_output=32_768))),
                (r"llama-4", Model(replace(_GROQ, max_output=8_192))),
                (r"kimi-k2", Model(replace(_GROQ, max_output=16_384))),
                (r"", Model(_GROQ)),
            ),
            key="GROQ_API_KEY",
            echo="reasoning",
            limit="max_completion_tokens",
        ),
        Family(
            "xai",
            ("x.ai",),
            r"grok-",
            (
                (r"non-reasoning|grok-[23](?!-mini)", Model(_GROK_PLAIN)),
                (r"grok-3-mini", Model(replace(_GROK, efforts=("low", "high")))),
                (
                    r"grok-4\.3",
                    Model(replace(_GROK, thinking=THINKS.thinking, off="disabled"), EFFORT_NONE),
                ),
                (r"grok-(4|4-.*|4\.[12].*|code.*)$", Model(replace(_GROK, efforts=()))),
                (r"", Model(_GROK)),
            ),
            "XAI_API_KEY",
            echo="reasoning_content",
        ),
        Family(
            "mistral",
            ("mistral.ai",),
            r"((mini|magi|pix|code|dev|vox)?stral-|mistral-|open-mi[sx]tral)",
            (
                (
                    r"magistral",
                    Model(replace(_MISTRAL_THINKS, thinking=ALWAYS.thinking, off=None, efforts=())),
                ),
                (
                    r"mistral-large-(4|latest)",
                    Model(replace(_MISTRAL_THINKS, efforts=THINKS.efforts), MEDIUM),
                ),
                (
                    r"mistral-(small|medium)",
                    Model(
                        _MISTRAL_THINKS,
                        replace(EFFORT_NONE, on={"reasoning_effort": "high"}),
                    ),
                ),
                (r"", Model(_MISTRAL)),
            ),
            "MISTRAL_API_KEY",
            echo="content",
            accepts=frozenset({"mistral", "openai"}),
            seed="random_seed",
            counts=False,
            call_ids="nine",
            ordered=True,
        ),
        Family(
            "qwen",
            ("aliyuncs.com",),
            r"(qwen[0-9.]*-(max|plus|turbo|flash|long|coder|vl)|qwq-|qvq-)",
            (
                (
                    r"thinking|qwq|qvq",
                    Model(
                        replace(_QWEN, thinking=ALWAYS.thinking, off=None),
                        replace(_QWEN_SWITCH, on={}),
                    ),
                ),
                (r"", Model(_QWEN, _QWEN_SWITCH)),
            ),
            "DASHSCOPE_API_KEY",
            echo="reasoning_content",
            caches=True,
            search={"enable_search": True},
        ),
        Family(
            "google",
            ("googleapis.com",),
            r"gemini-",
            ((r"", Model(_GOOGLE, EFFORT_NONE)),),
            "GEMINI_API_KEY",
            accepts=frozenset({"gemini"}),
        ),
        Family("gpt-oss", ids=r"(openai[/.])?gpt-oss", models=((r"", _GPT_OSS),), echo="reasoning"),
        Family(
            "vllm",
            ids=r"[\w.-]+/[\w.-]*[A-Z]",
            models=((r"gpt-oss", _GPT_OSS), (r"", _VLLM)),
            echo="reasoning",
        ),
        Family("compatible", models=((r"", _COMPATIBLE_MODEL),)),
    )
}
"""The families by name. Of two to which a model id could belong, the first counts."""

_COMPATIBLE: Final = FAMILIES["compatible"]


@lru_cache(maxsize=256)
def family_of(base_url: str, model: str = "") -> Family:
    """The family of a base URL, else of a model id, else "compatible"."""
    parts = urlsplit(base_url)
    host = f".{parts.hostname or ''}"
    place = f"{host}:{parts.port}" if parts.port else host
    for family in FAMILIES.values():
        if any(_is_at(end, host, place) for end in family.hosts):
            return family
    for family in FAMILIES.values():
        if family.ids and re.match(family.ids, model):
            return family
    return _COMPATIBLE


def _is_at(end: str, host: str, place: str) -> bool:
    return place.endswith(end) if end[0] == ":" else host.endswith(f".{end.removeprefix('.')}")


@lru_cache(maxsize=1024)
def find_model(family: Family, model: str) -> Model:
    """What a model of a family is; the last row stands for all that no other knows."""
    return next(found for pattern, found in family.models if re.search(pattern, model.lower()))
