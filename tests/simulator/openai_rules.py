"""What OpenAI's chat completions refuse, in its words.

Each rule names the page that states it, or the public thread where the vendor's words were seen,
read 2026-11-22 (threads in excerpts). "Words unverified" beside one: the page is where the vendor
describes what the rule is about; a refusal in these words was not found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tests.simulator import Rulebook
from tests.simulator.openai_vendors import SHAPES, Request, strangers

__all__ = ["BOOK", "orphan", "unanswered"]

JSONObject = dict[str, Any]

_CREATE: Final = "https://platform.openai.com/docs/api-reference/chat/create"
_GITHUB: Final = "https://github.com"

BOOK: Final[Rulebook[Request]] = Rulebook()
_rule = BOOK.rule

_ROLES: Final = ("system", "assistant", "user", "function", "tool", "developer")
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+")
_UNSUPPORTED: Final = "Unsupported parameter: '{}' is not supported with this model."

# What only a model takes that does not reason.
_SAMPLING: Final = (
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "stop",
)


def unanswered(messages: Sequence[JSONObject]) -> tuple[int, list[str]] | None:
    """The first message whose calls are not all answered right after it, and those calls."""
    for number, message in enumerate(messages):
        open_calls = [call.get("id") for call in message.get("tool_calls") or ()]
        for later in messages[number + 1 :]:
            if later["role"] != "tool":
                break
            open_calls = [call for call in open_calls if call != later.get("tool_call_id")]
        if open_calls:
            return number, [str(call) for call in open_calls]
    return None


def orphan(messages: Sequence[JSONObject]) -> int | None:
    """The first result that answers no call of the assistant's message before it."""
    calls: set[Any] = set()
    for number, message in enumerate(messages):
        if message["role"] != "tool":
            calls = {call.get("id") for call in message.get("tool_calls") or ()}
        elif message.get("tool_call_id") not in calls:
            return number
    return None


# -- fields --------------------------------------------------------------------------------------


@_rule("openai.no_messages", f"{_GITHUB}/CopilotKit/CopilotKit/issues/529", code="empty_array")
def _no_messages(request: Request) -> str:
    if request.messages:
        return ""
    return (
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an"
        " empty array instead."
    )


@_rule("openai.role", _CREATE, code="invalid_value")  # words unverified
def _role(request: Request) -> str:
    for number, message in enumerate(request.messages):
        if message.get("role") not in _ROLES:
            known = ", ".join(f"'{role}'" for role in _ROLES[:-1])
            return (
                f"Invalid value: '{message.get('role')}'. Supported values are: {known}, and"
                f" '{_ROLES[-1]}' (at 'messages[{number}].role')."
            )
    return ""


@_rule(
    "openai.unknown_field",
    f"{_GITHUB}/teabranch/open-responses-server/issues/41",
    code="unknown_parameter",
)
def _unknown_field(request: Request) -> str:
    """No word of another vendor's for thinking, wherever it stands."""
    for place in strangers(request.body, SHAPES["openai"]):
        at = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)[1:]
        return f"Unknown parameter: '{at}'."
    return ""


@_rule(
    "openai.max_tokens_name",
    f"{_GITHUB}/ITSpecialist111/ai_automation_suggester/issues/38",
    code="unsupported_parameter",
)
def _max_tokens_name(request: Request) -> str:
    if request.model.chat or "max_tokens" not in request.body:
        return ""
    return f"{_UNSUPPORTED.format('max_tokens')} Use 'max_completion_tokens' instead."


@_rule("openai.output_limit", f"{_GITHUB}/tailcallhq/forgecode/issues/1185", code="invalid_value")
def _output_limit(request: Request) -> str:
    given = request.body.get("max_completion_tokens") or request.body.get("max_tokens") or 1
    most = request.model.output
    if 1 <= given <= most:
        return ""
    return (
        f"max_tokens is too large: {given}. This model supports at most {most} completion tokens,"
        f" whereas you provided {given}."
    )


@_rule("openai.stream_options", _CREATE)  # words not on the page
def _stream_options(request: Request) -> str:
    if "stream_options" not in request.body or request.body.get("stream"):
        return ""
    return "The 'stream_options' parameter is only allowed when 'stream' is enabled."


@_rule("openai.web_search", _CREATE)  # words unverified
def _web_search(request: Request) -> str:
    if "web_search_options" not in request.body or "-search" in request.id:
        return ""
    return "Web search options not supported with this model."


@_rule(
    "openai.verbosity", f"{_GITHUB}/google-deepmind/concordia/issues/164", code="unsupported_value"
)
def _verbosity(request: Request) -> str:
    said = request.body.get("verbosity", "medium")
    if said == "medium" or not request.model.chat:
        return ""
    return (
        f"Unsupported value: 'verbosity' does not support '{said}' with this model."
        " Supported values are: 'medium'."
    )


# -- reasoning -----------------------------------------------------------------------------------


@_rule("openai.effort_not_supported", f"{_GITHUB}/davidmigloz/langchain_dart/issues/712")
def _effort_not_supported(request: Request) -> str:
    if request.model.efforts or "reasoning_effort" not in request.body:
        return ""
    return "Unrecognized request argument supplied: reasoning_effort"


@_rule("openai.effort", f"{_GITHUB}/livekit/agents/pull/7169", code="unsupported_value")
def _effort(request: Request) -> str:
    said = request.body.get("reasoning_effort")
    if said is None or said in request.model.efforts:
        return ""
    words = [f"'{word}'" for word in request.model.efforts]
    listed = f"{', '.join(words[:-1])}, and {words[-1]}" if len(words) > 1 else words[0]
    return (
        f"Unsupported value: 'reasoning_effort' does not support '{said}' with this model."
        f" Supported values are: {listed}."
    )


@_rule("openai.tools_beside_reasoning", f"{_GITHUB}/fazer-ai/agents/issues/66")
def _tools_beside_reasoning(request: Request) -> str:
    if not request.functions or request.effort in request.model.tools:
        return ""
    hint = "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
    return (
        f"Function tools with reasoning_effort are not supported for {request.id} in"
        f" /v1/chat/completions. {hint}"
    )


@_rule("openai.temperature", f"{_GITHUB}/leafo/lua-openai/issues/12", code="unsupported_value")
def _temperature(request: Request) -> str:
    given = request.body.get("temperature", 1)
    if given == 1 or not request.reasons:
        return ""
    return (
        f"Unsupported value: 'temperature' does not support {given} with this model."
        " Only the default (1) value is supported."
    )


@_rule(
    "openai.sampling", f"{_GITHUB}/npiv/chatblade/issues/100", code="unsupported_parameter"
)  # seen for temperature
def _sampling(request: Request) -> str:
    if not request.reasons:
        return ""
    given = next((name for name in _SAMPLING if request.body.get(name)), None)
    return _UNSUPPORTED.format(given) if given else ""


@_rule("openai.temperature_range", _CREATE, code="decimal_above_max_value")  # words unverified
def _temperature_range(request: Request) -> str:
    given = request.body.get("temperature", 1)
    if 0 <= given <= 2:
        return ""
    return (
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got"
        f" {given} instead."
    )


@_rule("openai.stop", f"{_GITHUB}/continuedev/continue/issues/2461", code="array_above_max_length")
def _stop(request: Request) -> str:
    given = request.body.get("stop") or []
    if isinstance(given, str) or len(given) <= 4:
        return ""
    return (
        "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array"
        f" with length {len(given)} instead."
    )


# -- tools ---------------------------------------------------------------------------------------


@_rule("openai.choice_without_tools", f"{_GITHUB}/openai/swarm/issues/30")
def _choice_without_tools(request: Request) -> str:
    if request.body.get("tools"):
        return ""
    given = next((x for x in ("tool_choice", "parallel_tool_calls") if x in request.body), None)
    if given is None or request.body[given] == "none":
        return ""
    return f"Invalid value for '{given}': '{given}' is only allowed when 'tools' are specified."


@_rule("openai.function_name", f"{_GITHUB}/brekkylab/ailoy/pull/109", code="invalid_value")
def _function_name(request: Request) -> str:
    for number, function in enumerate(request.functions):
        at, name = f"tools[{number}].function.name", function.get("name", "")
        if not _NAME.fullmatch(name):
            return (
                f"Invalid '{at}': string does not match pattern. Expected a string that matches"
                " the pattern '^[a-zA-Z0-9_-]+$'."
            )
        if len(name) > 64:
            return _too_long(at, 64, name)
    return ""


def _too_long(at: str, most: int, value: str) -> str:
    return (
        f"Invalid '{at}': string too long. Expected a string with maximum length {most}, but got a"
        f" string with length {len(value)} instead."
    )


@_rule("openai.call_id", f"{_GITHUB}/agno-agi/agno/issues/5382", code="string_above_max_length")
def _call_id(request: Request) -> str:
    for at, call in request.calls:
        if len(call["id"]) > 40:
            return _too_long(f"{at}.id", 40, call["id"])
    return ""


@_rule("openai.no_calls", f"{_GITHUB}/chatboxai/chatbox/issues/2079", code="empty_array")
def _no_calls(request: Request) -> str:
    for number, message in enumerate(request.messages):
        if message.get("tool_calls") == []:
            return (
                f"Invalid 'messages[{number}].tool_calls': empty array. Expected an array with"
                " minimum length 1, but got an empty array instead."
            )
    return ""


# -- conversation --------------------------------------------------------------------------------


@_rule("openai.null_content", f"{_GITHUB}/microsoft/graphrag/issues/1421")
def _null_content(request: Request) -> str:
    for message in request.messages:
        if message.get("content") is None and not message.get("tool_calls"):
            return "Invalid value for 'content': expected a string, got null."
    return ""


@_rule("openai.assistant_part", _CREATE, code="invalid_value")  # words unverified
def _assistant_part(request: Request) -> str:
    """The assistant's content is text, or a refusal."""
    for message in request.messages:
        content = message.get("content")
        if message["role"] != "assistant" or not isinstance(content, list):
            continue
        for part in content:
            if part.get("type") not in ("text", "refusal"):
                given = part.get("type")
                return f"Invalid value: '{given}'. Supported values are: 'text' and 'refusal'."
    return ""


@_rule("openai.orphan_result", f"{_GITHUB}/miurla/morphic/issues/136")
def _orphan_result(request: Request) -> str:
    if orphan(request.messages) is None:
        return ""
    return (
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message"
        " with 'tool_calls'."
    )


@_rule("openai.unanswered_call", f"{_GITHUB}/RamiAwar/dataline/issues/172")
def _unanswered_call(request: Request) -> str:
    found = unanswered(request.messages)
    if found is None:
        return ""
    return (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to"
        " each 'tool_call_id'. The following tool_call_ids did not have response messages:"
        f" {', '.join(found[1])}"
    )
