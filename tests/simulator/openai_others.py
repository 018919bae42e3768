"""What the other vendors of chat completions refuse; Mistral's is in `openai_mistral.py`.

What a vendor ignores is no rule: DeepSeek, OpenRouter, xAI and vLLM pass over fields that they do
not know. `openai_rules.py` says how the rules are sourced; DeepSeek's page on `tool_choice` is
https://api-docs.deepseek.com/quick_start/agent_integrations/oh_my_pi, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from tests.simulator import Rulebook, digest, opened
from tests.simulator.openai_rules import BOOK, orphan, unanswered
from tests.simulator.openai_vendors import SHAPES, Request, strangers

__all__ = ["BOOKS"]

JSONObject = dict[str, Any]

BOOKS: Final[dict[str, Rulebook[Request]]] = {
    "openai": BOOK,
    **{name: Rulebook() for name in ("deepseek", "openrouter", "groq", "xai", "mistral", "vllm")},
}
"""The rules by vendor."""

_DEEPSEEK_THINKING: Final = "https://api-docs.deepseek.com/guides/thinking_mode"
_DEEPSEEK_CREATE: Final = "https://api-docs.deepseek.com/api/create-chat-completion"
_OPENROUTER: Final = "https://openrouter.ai/docs/use-cases/reasoning-tokens"
_GROQ: Final = "https://console.groq.com/docs/openai"
_XAI: Final = "https://docs.x.ai/docs/guides/reasoning"
_VLLM: Final = "https://docs.vllm.ai/en/stable/serving/openai_compatible_server"
_GITHUB: Final = "https://github.com"

_deepseek = BOOKS["deepseek"].rule
_openrouter = BOOKS["openrouter"].rule
_groq = BOOKS["groq"].rule
_xai = BOOKS["xai"].rule
_vllm = BOOKS["vllm"].rule


# -- DeepSeek ------------------------------------------------------------------------------------

_DESERIALIZE: Final = "Failed to deserialize the JSON body into the target type: {} at line 1"


@_deepseek("deepseek.thinking_type", _DEEPSEEK_THINKING)  # words unverified
def _thinking_type(request: Request) -> str:
    kind = (request.body.get("thinking") or {"type": "enabled"}).get("type")
    if kind in ("enabled", "disabled"):
        return ""
    why = f"thinking.type: unknown variant `{kind}`, expected `enabled` or `disabled`"
    return _DESERIALIZE.format(why)


@_deepseek("deepseek.effort", f"{_GITHUB}/clacky-ai/openclacky/issues/427")
def _deepseek_effort(request: Request) -> str:
    said = request.body.get("reasoning_effort")
    if said is None or said in request.model.efforts:
        return ""
    words = ", ".join(f"`{word}`" for word in request.model.efforts)
    return _DESERIALIZE.format(
        f"reasoning_effort: unknown variant `{said}`, expected one of {words}"
    )


@_deepseek("deepseek.flat_content", f"{_GITHUB}/tailcallhq/forgecode/issues/2008")
def _flat_content(request: Request) -> str:
    for number, message in enumerate(request.messages):
        if isinstance(message.get("content"), list):
            why = f"messages[{number}]: invalid type: sequence, expected a string"
            return _DESERIALIZE.format(why)
    return ""


@_deepseek("deepseek.forced_call", f"{_GITHUB}/deepseek-ai/DeepSeek-V3/issues/1376")
def _forced_call(request: Request) -> str:
    """While it thinks, the model chooses itself."""
    if not request.reasons or request.body.get("tool_choice", "auto") in ("auto", "none"):
        return ""
    return "Thinking mode does not support this tool_choice"


@_deepseek("deepseek.json_schema", f"{_GITHUB}/ItzCrazyKns/Vane/issues/969")
def _json_schema(request: Request) -> str:
    shape = request.body.get("response_format") or {}
    return "This response_format type is unavailable now" if "json_schema" in shape else ""


@_deepseek("deepseek.output_limit", f"{_GITHUB}/Gitlawb/openclaude/issues/35")
def _deepseek_limit(request: Request) -> str:
    if 1 <= request.body.get("max_tokens", 1) <= request.model.output:
        return ""
    ours = f"the valid range of max_tokens is [1, {request.model.output}]"
    return f"Invalid max_tokens value, {ours}"


@_deepseek("deepseek.temperature", _DEEPSEEK_CREATE)  # words unverified
def _deepseek_temperature(request: Request) -> str:
    if 0 <= request.body.get("temperature", 1) <= 2:
        return ""
    return "Invalid temperature value, the valid range of temperature is [0, 2]"


@_deepseek("deepseek.orphan_result", f"{_GITHUB}/FoundationAgents/OpenManus/issues/23")
def _deepseek_orphan(request: Request) -> str:
    if orphan(request.messages) is None:
        return ""
    return "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"


@_deepseek("deepseek.unanswered_call", f"{_GITHUB}/smallmain/vscode-unify-chat-provider/issues/248")
def _deepseek_unanswered(request: Request) -> str:
    if unanswered(request.messages) is None:
        return ""
    return (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to"
        " each 'tool_call_id'. (insufficient tool messages following tool_calls message)"
    )


@_deepseek("deepseek.echo", f"{_GITHUB}/mnfst/modelparams.dev/issues/29")
def _echo(request: Request) -> str:
    """In a turn with calls, what was thought comes back with each of the assistant's messages."""
    lost = request.reasons and any(
        not isinstance(message.get("reasoning_content"), str)
        for turn in _turns(request)
        if any(message.get("tool_calls") for message in turn)
        for message in turn
    )
    if not lost:
        return ""
    return "The `reasoning_content` in the thinking mode must be passed back to the API."


def _turns(request: Request) -> Iterator[list[JSONObject]]:
    """The assistant's messages, by what the user said."""
    turn: list[JSONObject] = []
    for message in request.messages:
        if message["role"] == "assistant":
            turn.append(message)
        elif message["role"] == "user":
            yield turn
            turn = []
    yield turn


# -- OpenRouter ----------------------------------------------------------------------------------


@_openrouter("openrouter.effort_and_budget", f"{_GITHUB}/omeryasirkucuk/amx/pull/66")
def _effort_and_budget(request: Request) -> str:
    if not {"effort", "max_tokens"} <= set(request.body.get("reasoning") or ()):
        return ""
    return 'Only one of "reasoning.effort" and "reasoning.max_tokens" can be specified'


@_openrouter("openrouter.effort", _OPENROUTER)  # words unverified
def _openrouter_effort(request: Request) -> str:
    said = (request.body.get("reasoning") or {}).get("effort", "medium")
    if said in request.model.efforts:
        return ""
    words = "|".join(f'"{word}"' for word in request.model.efforts)
    return f"reasoning.effort: Invalid option: expected one of {words}"


@_openrouter("openrouter.details_changed", f"{_GITHUB}/linanwx/nagobot/issues/21")
def _details_changed(request: Request) -> str:
    """What a vendor signed comes back as it was, to OpenRouter."""
    for number, message in enumerate(request.messages):
        for index, item in enumerate(message.get("reasoning_details") or ()):
            signed = item.get("signature") or item.get("data")
            ours = {"vendor": "openrouter", "signs": digest(item.get("text", ""))}
            if signed and not ours.items() <= opened(signed).items():
                return f"messages.{number}.content.{index}: Invalid `signature` in `thinking` block"
    return ""


@_openrouter(
    "openrouter.unanswered_call", f"{_GITHUB}/bytedance/trae-agent/issues/245"
)  # OpenAI's own
def _openrouter_unanswered(request: Request) -> str:
    found = unanswered(request.messages)
    return f"No tool output found for function call {found[1][0]}." if found else ""


# -- Groq ----------------------------------------------------------------------------------------


@_groq("groq.role", f"{_GITHUB}/nhaouari/obsidian-textgenerator-plugin/issues/309")
def _groq_role(request: Request) -> str:
    for number, message in enumerate(request.messages):
        if message["role"] not in ("system", "user", "assistant", "tool"):
            return f"'messages.{number}' : discriminator property 'role' has invalid value"
    return ""


@_groq("groq.unknown_field", f"{_GITHUB}/tashfeenahmed/freellmapi/issues/1070")
def _groq_unknown(request: Request) -> str:
    for place in strangers(request.body, SHAPES["groq"]):
        why = f"property '{place[-1]}' is unsupported"
        if place[0] != "messages":
            return why
        number = int(place[1])
        at, role = f"messages.{number}", request.messages[number]["role"]
        return f"'{at}' : for 'role:{role}' the following must be satisfied[('{at}' : {why})]"
    return ""


@_groq("groq.effort", f"{_GITHUB}/earendil-works/pi/issues/1745")  # without efforts unverified
def _groq_effort(request: Request) -> str:
    said = request.body.get("reasoning_effort")
    if said is None or said in request.model.efforts:
        return ""
    if not request.model.efforts:
        return "`reasoning_effort` is not supported with this model"
    words = " or ".join(f"`{word}`" for word in request.model.efforts)
    return f"`reasoning_effort` must be one of {words}"


@_groq("groq.reasoning_format", f"{_GITHUB}/0xPlaygrounds/rig/issues/1134")  # of `raw` unverified
def _reasoning_format(request: Request) -> str:
    if "reasoning_format" not in request.body:
        return ""
    if "default" not in request.model.efforts:
        return "reasoning_format is not supported with this model"
    raw = request.body["reasoning_format"] == "raw"
    if raw and (request.functions or request.body.get("response_format")):
        return "reasoning_format `raw` is not supported with JSON mode or tool calling"
    return ""


@_groq("groq.choices", _GROQ)  # words unverified
def _groq_choices(request: Request) -> str:
    return "'n' : number must be at most 1" if request.body.get("n", 1) > 1 else ""


@_groq("groq.output_limit", f"{_GITHUB}/Alishahryar1/free-claude-code/issues/955")
def _groq_limit(request: Request) -> str:
    name = "max_completion_tokens"
    if request.body.get(name, 1) <= request.model.output:
        return ""
    return (
        f"`{name}` must be less than or equal to `{request.model.output}`, the maximum value for"
        f" `{name}` is less than the `context_window` for this model"
    )


# -- xAI -----------------------------------------------------------------------------------------


@_xai("xai.effort_not_supported", f"{_GITHUB}/router-for-me/CLIProxyAPI/pull/3968")
def _xai_effort_not_supported(request: Request) -> str:
    if request.model.efforts or "reasoning_effort" not in request.body:
        return ""
    return f"Model {request.id} does not support parameter reasoningEffort."


@_xai("xai.effort", _XAI)  # words unverified
def _xai_effort(request: Request) -> str:
    said = request.body.get("reasoning_effort")
    if said is None or said in request.model.efforts:
        return ""
    return f"Invalid reasoning effort: {said}"


@_xai("xai.parameter", f"{_GITHUB}/miaoxworld/NativeTavern/issues/83")
def _xai_parameter(request: Request) -> str:
    """No model takes penalties; those that reason do not stop at words either."""
    refused = {"presence_penalty": "presencePenalty", "frequency_penalty": "frequencyPenalty"}
    if not request.model.chat:
        refused["stop"] = "stop"
    given = next((name for key, name in refused.items() if key in request.body), None)
    return f"Model {request.id} does not support parameter {given}." if given else ""


# -- vLLM ----------------------------------------------------------------------------------------


@_vllm("vllm.effort", _VLLM)  # words unverified
def _vllm_effort(request: Request) -> str:
    said = request.body.get("reasoning_effort")
    if said is None or said in request.model.efforts:
        return ""
    words = ", ".join(f"'{word}'" for word in request.model.efforts)
    return f"1 validation error: body.reasoning_effort: Input should be {words}"


@_vllm("vllm.template_arguments", _VLLM)  # words unverified
def _template_arguments(request: Request) -> str:
    if isinstance(request.body.get("chat_template_kwargs") or {}, dict):
        return ""
    return "1 validation error: body.chat_template_kwargs: Input should be a valid dictionary"


@_vllm("vllm.output_limit", f"{_GITHUB}/vllm-project/vllm/issues/5700")
def _vllm_limit(request: Request) -> str:
    given = request.body.get("max_tokens", 1)
    return "" if given >= 1 else f"max_tokens must be at least 1, got {given}."


@_vllm("vllm.temperature", _VLLM)  # words unverified
def _vllm_temperature(request: Request) -> str:
    given = request.body.get("temperature", 0)
    return "" if given >= 0 else f"temperature must be non-negative, got {given}."


@_vllm("vllm.arguments", f"{_GITHUB}/vllm-project/vllm/pull/33268")
def _vllm_arguments(request: Request) -> str:
    """The template gets the arguments as an object."""
    for _, call in request.calls:
        try:
            orjson.loads(call["function"]["arguments"])
        except ValueError:
            return "Expecting value: line 1 column 1 (char 0)"
    return ""
