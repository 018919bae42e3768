"""The vendors of chat completions that the simulator plays, and what their models accept.

Sources, read 2026-11-22:

- OpenAI: https://platform.openai.com/docs/guides/reasoning and
  https://platform.openai.com/docs/api-reference/chat/create; this endpoint takes fewer efforts of
  the newest models than others do; which of GPT-6 take functions here:
  https://developers.openai.com/api/docs/guides/deployment-checklist
- DeepSeek: https://api-docs.deepseek.com/guides/thinking_mode
- OpenRouter: https://openrouter.ai/docs/use-cases/reasoning-tokens
- Groq: https://console.groq.com/docs/reasoning and https://console.groq.com/docs/openai
- xAI: https://docs.x.ai/docs/guides/reasoning
- Mistral: https://docs.mistral.ai/capabilities/reasoning and https://docs.mistral.ai/api
- vLLM: https://docs.vllm.ai/en/stable/features/reasoning_outputs
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

__all__ = ["HOSTS", "SHAPES", "Model", "Request", "find", "strangers"]

JSONObject = dict[str, Any]


class Model(NamedTuple):
    """A model: the words of its `reasoning_effort`, and what it does if that is not said.

    Without words the parameter is refused. `chat` models do not reason: they take the sampling
    parameters, as others do while their effort is "none". `tools` says which efforts go beside
    functions.
    """

    efforts: tuple[str, ...] = ()
    default: str = "medium"
    chat: bool = False
    tools: tuple[str, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
    output: int = 128_000


_LMH: Final = ("low", "medium", "high")
_NONE_TO_XHIGH: Final = ("none", *_LMH, "xhigh")
_CHAT: Final = Model(chat=True, default="none", output=16_384)
_THINKS: Final = Model()

# By vendor: patterns of ids; the first that is found at the beginning counts.
_MODELS: Final[dict[str, tuple[tuple[str, Model], ...]]] = {
    "openai": (
        (r"o[134](-mini)?$", Model(_LMH, output=100_000)),
        (r"gpt-4\.1", _CHAT._replace(output=32_768)),
        (r"gpt-4o", _CHAT),
        (r"gpt-5-chat", _CHAT),
        (r"gpt-5\.[12]-chat", Model(("medium",))),
        (r"gpt-5(-mini|-nano)?$", Model(("minimal", *_LMH))),
        (r"gpt-5\.1$", Model(("none", *_LMH), "none")),
        (r"gpt-5\.2$", Model(_NONE_TO_XHIGH, "none")),
        (r"gpt-5\.[45](-mini|-nano)?$", Model(_NONE_TO_XHIGH, "none", tools=("none",))),
        (r"gpt-5\.6(-\w+)?$", Model(_NONE_TO_XHIGH, tools=("none",))),
        (r"gpt-6-(sol|luna)$", Model(_NONE_TO_XHIGH, tools=("none",))),
        (r"gpt-6(-\w+)?$", Model((*_LMH, "xhigh"), tools=())),
    ),
    "deepseek": (
        (
            r"deepseek-(chat|reasoner|v\d)",
            Model(("minimal", "low", "medium", "high", "xhigh", "max", "ultra"), output=393_216),
        ),
    ),
    "openrouter": ((r"[\w.-]+/[\w.:-]+$", Model(("none", "minimal", *_LMH, "xhigh"))),),
    "groq": (
        (r"openai/gpt-oss", Model(_LMH, output=65_536)),
        (r"qwen/qwen3", Model(("none", "default"), "default", output=40_960)),
        (
            r"llama-3\.3-70b",
            _CHAT._replace(output=32_768),
        ),  # by https://models.dev, not Groq's page
        (r"(llama|meta-llama/|moonshotai/)", _CHAT),
    ),
    "xai": (
        (r"grok-3-mini", Model(("low", "high"))),
        (r"grok-[\w.-]*non-reasoning", _CHAT._replace(output=128_000)),
        (r"grok-3", _CHAT._replace(output=128_000)),
        (r"grok-4\.3", Model(("none", *_LMH), "low")),
        (r"grok-4\.20-multi", Model((*_LMH, "xhigh"))),
        (r"grok-(4$|4-|4\.[12]|code)", _THINKS),
        (r"grok-", Model(_LMH)),
    ),
    "mistral": (
        (r"magistral", _THINKS),
        (r"mistral-large-(4|latest)", Model(("none", *_LMH), "none")),
        (r"mistral-(small|medium)", Model(("none", "high"), "none")),
        (r"(mistral|ministral|codestral|devstral|pixtral|open-mistral)", _CHAT),
    ),
    "vllm": ((r"[\w.-]+/[\w.-]+$", Model(("none", "minimal", *_LMH, "xhigh", "max"))),),
}
_DATE: Final = re.compile(r"-\d{4}-\d\d-\d\d$")

HOSTS: Final[dict[str, str]] = {
    "api.openai.com": "openai",
    "api.deepseek.com": "deepseek",
    "openrouter.ai": "openrouter",
    "api.groq.com": "groq",
    "api.x.ai": "xai",
    "api.mistral.ai": "mistral",
}
"""The vendors by host; any other host runs vLLM."""


class Request(NamedTuple):
    """A request that has been read: to whom, for which model, and its body."""

    vendor: str
    id: str
    model: Model
    body: JSONObject

    @property
    def messages(self) -> list[JSONObject]:
        """The conversation."""
        return self.body.get("messages") or []

    @property
    def functions(self) -> list[JSONObject]:
        """All declared functions."""
        return [tool.get("function", {}) for tool in self.body.get("tools") or ()]

    @property
    def calls(self) -> Iterator[tuple[str, JSONObject]]:
        """Each call of the conversation, and where it stands."""
        for i, message in enumerate(self.messages):
            for j, call in enumerate(message.get("tool_calls") or ()):
                yield f"messages[{i}].tool_calls[{j}]", call

    @property
    def effort(self) -> str:
        """The effort that is said, or the model's own."""
        return self.body.get("reasoning_effort") or self.model.default

    @property
    def reasons(self) -> bool:
        """Whether the model reasons in this request, as each vendor is told."""
        match self.vendor:
            case "deepseek":
                return (self.body.get("thinking") or {}).get("type") != "disabled"
            case "openrouter":
                told = self.body.get("reasoning") or {}
                return told.get("enabled") is not False and told.get("effort") != "none"
            case "vllm":
                return False not in (self.body.get("chat_template_kwargs") or {}).values()
            case _:
                return not self.model.chat and self.effort != "none"


def find(vendor: str, model: str) -> Model | None:
    """The vendor's model of an id, whatever its date."""
    name = _DATE.sub("", model) if vendor == "openai" else model
    return next((found for ids, found in _MODELS[vendor] if re.match(ids, name)), None)


# -- what strict vendors know --------------------------------------------------------------------


def _free(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "")


# By vendor: what each object may hold, and what that is in turn, "" for anything.
_CALL: Final = {
    "call": {**_free("id type index"), "function": "called"},
    "called": _free("name arguments"),
    "tool": {"type": "", "function": "function"},
    "function": _free("name description parameters strict"),
}
SHAPES: Final[dict[str, dict[str, dict[str, str]]]] = {
    "openai": {
        **_CALL,
        "call": {**_free("id type custom"), "function": "called"},
        "body": {
            **_free(
                "audio frequency_penalty function_call functions logit_bias logprobs"
                " max_completion_tokens max_tokens metadata modalities model moderation n"
                " parallel_tool_calls prediction presence_penalty prompt_cache_key"
                " prompt_cache_options prompt_cache_retention reasoning_effort response_format"
                " safety_identifier seed service_tier stop store stream stream_options temperature"
                " tool_choice top_logprobs top_p user verbosity web_search_options"
            ),
            "messages": "message",
            "tools": "tool",
        },
        "message.system": {**_free("role name"), "content": "part"},
        "message.developer": {**_free("role name"), "content": "part"},
        "message.user": {**_free("role name"), "content": "part"},
        "message.assistant": {
            **_free("role name refusal audio function_call"),
            "content": "part",
            "tool_calls": "call",
        },
        "message.tool": {**_free("role tool_call_id"), "content": "part"},
        "message.function": _free("role name content"),
        "part": _free("type text image_url input_audio file refusal prompt_cache_breakpoint"),
    },
    "groq": {
        **_CALL,
        "body": {
            **_free(
                "citation_options compound_custom disable_tool_validation documents"
                " exclude_domains frequency_penalty include_domains include_reasoning"
                " max_completion_tokens max_tokens metadata model n parallel_tool_calls"
                " presence_penalty reasoning_effort reasoning_format response_format"
                " search_settings seed service_tier stop store stream stream_options temperature"
                " tool_choice top_p user"
            ),
            "messages": "message",
            "tools": "tool",
        },
        "message.system": {**_free("role name"), "content": "part"},
        "message.user": {**_free("role name"), "content": "part"},
        "message.assistant": {
            **_free("role name reasoning"),
            "content": "part",
            "tool_calls": "call",
        },
        "message.tool": {**_free("role tool_call_id name"), "content": "part"},
        "part": _free("type text image_url document"),
    },
    "mistral": {
        **_CALL,
        "body": {
            **_free(
                "frequency_penalty guardrails max_tokens metadata model n parallel_tool_calls"
                " prediction presence_penalty prompt_cache_key prompt_mode random_seed"
                " reasoning_effort response_format safe_prompt service_tier stop stream temperature"
                " tool_choice top_p"
            ),
            "messages": "message",
            "tools": "tool",
        },
        "message.system": {"role": "", "content": "part"},
        "message.user": {"role": "", "content": "part"},
        "message.assistant": {**_free("role prefix"), "content": "part", "tool_calls": "call"},
        "message.tool": {**_free("role tool_call_id name"), "content": "part"},
        "part": _free(
            "type text image_url input_audio document_url document_name file file_id reference_ids"
            " thinking closed signature"
        ),
    },
}


def strangers(
    value: Any, shapes: Mapping[str, Mapping[str, str]], kind: str = "body"
) -> Iterator[tuple[str | int, ...]]:
    """Where something stands that a vendor does not know."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from ((number, *rest) for rest in strangers(item, shapes, kind))
        return
    if not isinstance(value, dict):
        return
    known = shapes[f"message.{value['role']}" if kind == "message" else kind]
    for key, item in value.items():
        if key not in known:
            yield (key,)
        elif known[key]:
            yield from ((key, *rest) for rest in strangers(item, shapes, known[key]))
