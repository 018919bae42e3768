"""What Bedrock's models accept, by the vendor and family that their ids name.

Claude's facts are those of `models.py`; what Bedrock takes away is here, and so are the other
vendors' families, as far as the Converse API serves them.

Sources, all read 2026-11-22:

- ids and their prefixes: https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html
  and https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
- Nova: https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html and
  https://docs.aws.amazon.com/nova/latest/userguide/using-converse-api.html
- DeepSeek: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-deepseek.html
- gpt-oss: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html
- Qwen's `reasoning_config`, and that no other vendor's model takes reasoning back: pydantic-ai's
  `providers/bedrock.py` (https://ai.pydantic.dev/api/providers/)
- Kimi and MiniMax: https://docs.aws.amazon.com/bedrock/latest/userguide/model-cards-moonshot-ai.html
  and https://docs.aws.amazon.com/bedrock/latest/userguide/model-cards-minimax.html
- structured outputs: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
- forced calls: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from asgi_thinking import models
from asgi_thinking.capabilities import Capabilities

__all__ = [
    "ORIGINS",
    "BedrockModel",
    "ReasoningStyle",
    "bedrock_model",
    "canonical",
    "is_bedrock_id",
]

ReasoningStyle: TypeAlias = Literal["anthropic", "nova", "openai", "qwen", "none"]
"""Whose fields of a Converse request ask for reasoning; none where it cannot be steered."""

_CLAUDE: Final = "anthropic"
_VENDORS: Final = frozenset(
    {
        *("ai21", "amazon", _CLAUDE, "cohere", "deepseek", "google", "meta", "minimax", "mistral"),
        *("moonshot", "moonshotai", "nvidia", "openai", "qwen", "writer", "zai"),
    }
)

# us.anthropic.claude-…, amazon.nova-…, …:inference-profile/global.anthropic.claude-…
_ID: Final = re.compile(rf"(?:[a-z]+(?:-[a-z]+)?\.)?({'|'.join(sorted(_VENDORS))})\.(.+)")

_ARN: Final = re.compile(r"(?:^|/)(arn:.+)")

# Who can verify a block: "" is Claude's family, wherever it is served. What only Converse writes
# carries the name of its vendor, because no other vendor's model takes it.
_ORIGIN: Final = "bedrock"

ORIGINS: Final = frozenset(
    {_ORIGIN, *(f"{_ORIGIN}-{vendor}" for vendor in _VENDORS - {_CLAUDE} | {"other"})}
)
"""Every origin that a block of a Converse reply may have, but ""."""


@dataclass(frozen=True, slots=True)
class BedrockModel:
    """One model: its vendor, what it accepts, and how it is spoken with.

    `accepts` is said of Converse, `by_invoke` of InvokeModel, which serves Claude only; `caches`
    says whether the model takes cache points.
    """

    vendor: str
    accepts: Capabilities
    style: ReasoningStyle = "none"
    caches: bool = False
    by_invoke: Capabilities | None = None

    @property
    def is_claude(self) -> bool:
        """Whether it is one of Claude's family."""
        return self.vendor == _CLAUDE

    @property
    def origin(self) -> str:
        """Whose reasoning its replies carry."""
        return "" if self.is_claude else f"{_ORIGIN}-{self.vendor or 'other'}"

    @property
    def origins(self) -> frozenset[str]:
        """Whose blocks it takes back."""
        return frozenset({"", _ORIGIN}) if self.is_claude else frozenset({self.origin})


# Fields of a request that no model takes by Converse.
_UNSUPPORTED: Final = frozenset(
    {
        *("frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs"),
        *("parallel_tool_calls", "seed", "user", "verbosity", "web_search"),
    }
)

# A model that is not in the table: the least that every current one gives.
_PLAIN: Final = Capabilities(
    max_output=8_192,
    budgets="never",
    signs=False,
    needs_limit=False,
    max_temperature=1.0,
    forced_tools="never",
    structured_outputs=False,
    json_objects=False,
    choices=False,
    unsupported=_UNSUPPORTED | {"top_k"},
)
# They always think, and nothing steers it.
_THINKING: Final = replace(
    _PLAIN, thinking=frozenset({"adaptive"}), on_by_default=True, off=None, structured_outputs=True
)
_NOVA: Final = replace(_PLAIN, max_output=10_000, forced_tools="always", unsupported=_UNSUPPORTED)
_NOVA_2: Final = replace(
    _NOVA,
    max_output=65_000,
    thinking=frozenset({"adaptive", "disabled"}),
    efforts=("low", "medium", "high"),
)
_GPT_OSS: Final = replace(_THINKING, max_output=128_000, efforts=("low", "medium", "high"))
_QWEN_3: Final = replace(
    _PLAIN,
    thinking=frozenset({"adaptive", "disabled"}),
    efforts=("low", "high"),
    structured_outputs=True,
)

# The beginning of an id after its vendor; the first that fits counts.
_FAMILIES: Final[tuple[tuple[str, str, BedrockModel], ...]] = (
    ("amazon", "nova-2", BedrockModel("amazon", _NOVA_2, "nova", caches=True)),
    ("amazon", "nova-premier", BedrockModel("amazon", replace(_NOVA, max_output=32_000), "nova")),
    ("amazon", "nova", BedrockModel("amazon", _NOVA, "nova", caches=True)),
    (
        "deepseek",
        "r1",
        BedrockModel("deepseek", replace(_THINKING, max_output=32_768, structured_outputs=False)),
    ),
    ("openai", "gpt-oss", BedrockModel("openai", _GPT_OSS, "openai")),
    ("qwen", "qwen3-coder", BedrockModel("qwen", replace(_PLAIN, structured_outputs=True))),
    ("qwen", "qwen3", BedrockModel("qwen", _QWEN_3, "qwen")),
    (
        "moonshot",
        "kimi-k2-thinking",
        BedrockModel("moonshot", replace(_THINKING, max_output=16_000)),
    ),
    ("moonshotai", "kimi", BedrockModel("moonshotai", replace(_PLAIN, max_output=16_000))),
    ("minimax", "minimax-m2", BedrockModel("minimax", replace(_THINKING, max_output=16_384))),
    ("mistral", "", BedrockModel("mistral", replace(_PLAIN, forced_tools="always"))),
)

# Claude's versions that refuse a JSON schema here although they take one elsewhere.
_NO_SCHEMA: Final = frozenset({(4, 7), (4, 8)})


def is_bedrock_id(model: str) -> bool:
    """Whether `model` is spelled as Bedrock spells its ids, an inference profile's included."""
    return _ID.fullmatch(model.lower()) is not None


def canonical(model: str) -> str:
    """Bedrock's own spelling of an id or an ARN; what is neither stays as it is.

    Gateways write `bedrock/us.amazon.nova-2-lite-v1:0` and `converse/arn:aws:bedrock:…`.
    """
    if found := _ARN.search(model):
        return found[1]
    tail = model.rpartition("/")[2]
    return tail.lower() if is_bedrock_id(tail) else model


@lru_cache(maxsize=1024)
def bedrock_model(model: str) -> BedrockModel:
    """The model that an id, or the tail of an ARN, names.

    An id that says nothing of its vendor is taken for a plain model of another one.
    """
    tail = model.rpartition("/")[2].lower()
    if models.is_claude(tail):
        return _claude(tail)
    match = _ID.fullmatch(tail)
    vendor, name = (match[1], match[2]) if match else ("", tail)
    for known, beginning, family in _FAMILIES:
        if vendor == known and name.startswith(beginning):
            return family
    return BedrockModel(vendor, _PLAIN)


def _claude(model: str) -> BedrockModel:
    accepts = models.claude(model)
    family = models.family(model)
    if family is not None and family.version in _NO_SCHEMA:
        accepts = replace(accepts, structured_outputs=False)
    converse = replace(accepts, unsupported=accepts.unsupported | _UNSUPPORTED)
    return BedrockModel(_CLAUDE, converse, "anthropic", caches=True, by_invoke=accepts)
