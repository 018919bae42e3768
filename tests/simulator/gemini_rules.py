"""What Gemini's API refuses in a request, but for the conversation, which is in `gemini_turns.py`.

AI Studio and Vertex say most things in words of their own; where one thread has only those of one,
the other's are said to be unverified.

Each rule names the page that states it, or the public thread where the vendor's words were seen,
read 2026-11-22 (threads in excerpts). "Words unverified" beside one: the page is where the vendor
describes what the rule is about; a refusal in these words was not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tests.simulator import Rulebook
from tests.simulator.gemini_models import Model
from tests.simulator.gemini_schema import Problems

__all__ = ["BOOK", "Request", "unable"]

JSONObject = dict[str, Any]


class Request(NamedTuple):
    """A request that has been read: by which door it came, for which model, and its body."""

    vertex: bool
    id: str
    model: Model
    body: JSONObject
    problems: Problems

    @property
    def settings(self) -> JSONObject:
        """The generationConfig."""
        return self.body.get("generationConfig") or {}

    @property
    def thinking(self) -> JSONObject:
        """The thinkingConfig."""
        return self.settings.get("thinkingConfig") or {}

    @property
    def contents(self) -> list[JSONObject]:
        """The conversation."""
        return self.body.get("contents") or []

    @property
    def functions(self) -> list[JSONObject]:
        """All declared functions."""
        return [item for tool in self.body.get("tools") or () for item in _declared(tool)]

    @property
    def builtin(self) -> set[str]:
        """Google's own tools."""
        used = {name for tool in self.body.get("tools") or () for name in tool}
        return used - {"functionDeclarations"}

    @property
    def calling(self) -> JSONObject:
        """The functionCallingConfig."""
        return (self.body.get("toolConfig") or {}).get("functionCallingConfig") or {}


_GENERATE: Final = "https://ai.google.dev/api/generate-content"
_THINKING: Final = "https://ai.google.dev/gemini-api/docs/thinking"
# Read in what https://hexdocs.pm/gemini_ex says of it, not itself.
_GEMINI_3: Final = "https://ai.google.dev/gemini-api/docs/gemini-3"
_CALLING: Final = "https://ai.google.dev/gemini-api/docs/function-calling"
_INFERENCE: Final = (
    "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference"
)
_GITHUB: Final = "https://github.com"

BOOK: Final[Rulebook[Request]] = Rulebook()
_rule = BOOK.rule

_LEARN: Final = (
    "Learn more: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/gemini"
)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_CONFIG: Final = "GenerateContentRequest.generation_config"


def _declared(tool: JSONObject) -> list[JSONObject]:
    return tool.get("functionDeclarations") or []


def unable(why: str) -> str:
    """How Vertex begins and ends."""
    return f"Unable to submit request because {why}. {_LEARN}"


# -- the JSON ------------------------------------------------------------------------------------


@_rule("gemini.unknown_field", f"{_GITHUB}/google-gemini/gemini-cli/issues/13972")
def _unknown_field(request: Request) -> str:
    return "\n".join(request.problems.get("gemini.unknown_field", ()))


@_rule("gemini.wrong_type", f"{_GITHUB}/agno-agi/agno/issues/2649")
def _wrong_type(request: Request) -> str:
    return "\n".join(request.problems.get("gemini.wrong_type", ()))


@_rule("gemini.not_base64", f"{_GITHUB}/google-gemini/gemini-cli/issues/8003")
def _not_base64(request: Request) -> str:
    return "\n".join(request.problems.get("gemini.not_base64", ()))


# -- thinking ------------------------------------------------------------------------------------


@_rule("gemini.thinking_not_supported", f"{_GITHUB}/lobehub/lobehub/issues/7985")
def _thinking_not_supported(request: Request) -> str:
    if request.model.thinks or not request.thinking:
        return ""
    return f"Thinking is not enabled for models/{request.id}"


@_rule("gemini.budget_and_level", _GEMINI_3)  # words unverified
def _budget_and_level(request: Request) -> str:
    if not {"thinkingBudget", "thinkingLevel"} <= set(request.thinking):
        return ""
    if request.vertex:
        return unable("thinking_budget and thinking_level are not supported together")
    return "You can only set only one of thinking budget and thinking level."


@_rule("gemini.level_on_budget_model", f"{_GITHUB}/RooCodeInc/Roo-Code/issues/10700")
def _level_on_budget_model(request: Request) -> str:
    if "thinkingLevel" not in request.thinking or request.model.levels:
        return ""
    if request.vertex:
        return unable("thinking_level is not supported by this model")
    return "Thinking level is not supported for this model."


@_rule("gemini.level_not_supported", f"{_GITHUB}/earendil-works/pi/issues/9455")
def _level_not_supported(request: Request) -> str:
    level = request.thinking.get("thinkingLevel")
    if level is None or level in request.model.levels:
        return ""
    if request.vertex:
        return unable(f"thinking_level {level} is not supported by this model")
    return (
        f"Thinking level {level} is not supported for this model."
        " Please retry with other thinking level."
    )


@_rule("gemini.budget_on_level_model", _THINKING)  # words unverified
def _budget_on_level_model(request: Request) -> str:
    """Google says "may"; here it always is."""
    if "thinkingBudget" not in request.thinking or not request.model.levels:
        return ""
    if request.vertex:
        return unable("thinking_budget is not supported by this model")
    return "Thinking budget is not supported for this model."


@_rule(
    "gemini.cannot_turn_off", f"{_GITHUB}/docker/docker-agent/issues/2051"
)  # Vertex's unverified
def _cannot_turn_off(request: Request) -> str:
    if request.thinking.get("thinkingBudget") != 0 or request.model.zero:
        return ""
    if request.vertex:
        return unable(_out_of_range(request.model))
    return "Budget 0 is invalid. This model only works in thinking mode."


@_rule(
    "gemini.budget_out_of_range", f"{_GITHUB}/su-kaka/gcli2api/issues/108"
)  # AI Studio's unverified
def _budget_out_of_range(request: Request) -> str:
    budget, (least, most) = request.thinking.get("thinkingBudget", -1), request.model.budgets
    if budget in (-1, 0) or least <= budget <= most:
        return ""
    if request.vertex:
        return unable(_out_of_range(request.model))
    ours = f"Please choose a value between {least} and {most}."
    return f"The thinking budget {budget} is invalid. {ours}"


def _out_of_range(model: Model) -> str:
    least, most = model.budgets
    return f"thinking_budget is out of range; supported values are integers from {least} to {most}"


@_rule("gemini.thoughts_without_thinking", f"{_GITHUB}/lobehub/lobehub/issues/7985")
def _thoughts_without_thinking(request: Request) -> str:
    config = request.thinking
    if config.get("thinkingBudget") != 0 or not config.get("includeThoughts"):
        return ""
    why = "Thinking_config.include_thoughts is only enabled when thinking is enabled."
    return unable(why) if request.vertex else why


# -- settings ------------------------------------------------------------------------------------

# Where a number may stand; the last of a range belongs to it.
_RANGES: Final = {
    "temperature": (0.0, 2.0),
    "topP": (0.0, 1.0),
    "candidateCount": (1, 8),
    "presencePenalty": (-2.0, 2.0),
    "frequencyPenalty": (-2.0, 2.0),
}


def _outside(request: Request, name: str, least: float, most: float) -> str:
    value = request.settings.get(name, least)
    if least <= value <= most:
        return ""
    if request.vertex:
        ours = f"the supported range is from {least} (inclusive) to {most} (inclusive)"
        return unable(
            f"it has a {name} value of {value} but {ours}. Update the value and try again"
        )
    field = re.sub(r"([A-Z])", r"_\1", name).lower()
    return f"* {_CONFIG}.{field}: {field} must be in the range [{least}, {most}].\n"


@_rule("gemini.setting_out_of_range", _INFERENCE)  # words unverified
def _setting_out_of_range(request: Request) -> str:
    texts = (_outside(request, name, *ends) for name, ends in _RANGES.items())
    return next(filter(None, texts), "")


@_rule(
    "gemini.max_output_tokens", f"{_GITHUB}/aaif-goose/goose/issues/11364"
)  # AI Studio's unverified
def _max_output_tokens(request: Request) -> str:
    return _outside(request, "maxOutputTokens", 1, request.model.output)


@_rule("gemini.candidates_not_enabled", f"{_GITHUB}/googleapis/js-genai/issues/1609")
def _candidates_not_enabled(request: Request) -> str:
    several = request.model.major >= 3 and request.settings.get("candidateCount", 1) > 1
    return "Multiple candidates is not enabled for this model" if several else ""


@_rule("gemini.penalty_not_enabled", f"{_GITHUB}/google-gemini/cookbook/issues/1290")
def _penalty_not_enabled(request: Request) -> str:
    """Models that think take a penalty of 0 only."""
    given = [request.settings.get(f"{kind}Penalty") for kind in ("presence", "frequency")]
    if not request.model.thinks or not any(given):
        return ""
    model = "this model" if request.model.major >= 3 else f"models/{request.id}"
    return f"Penalty is not enabled for {model}"


@_rule("gemini.stop_sequences", _GENERATE)  # words unverified
def _stop_sequences(request: Request) -> str:
    if len(request.settings.get("stopSequences", ())) <= 5:
        return ""
    return f"* {_CONFIG}.stop_sequences: at most 5 stop sequences are allowed.\n"


@_rule("gemini.two_schemas", _GENERATE)  # words unverified
def _two_schemas(request: Request) -> str:
    if not {"responseSchema", "responseJsonSchema"} <= set(request.settings):
        return ""
    return f"* {_CONFIG}.response_json_schema: response_schema must be omitted with it.\n"


@_rule("gemini.schema_without_json", _GENERATE)  # words unverified
def _schema_without_json(request: Request) -> str:
    settings = request.settings
    if settings.get("responseMimeType") == "application/json":
        return ""
    if not {"responseSchema", "responseJsonSchema"} & set(settings):
        return ""
    return (
        f"* {_CONFIG}.response_schema: only allowed when response_mime_type is"
        " `application/json`, `text/x.enum`.\n"
    )


@_rule("gemini.json_beside_tools", f"{_GITHUB}/googleapis/python-genai/issues/867")
def _json_beside_tools(request: Request) -> str:
    """Gemini 3 is the first to have both."""
    if request.model.major >= 3 or request.settings.get("responseMimeType") != "application/json":
        return ""
    if not request.body.get("tools"):
        return ""
    kind = "Function calling" if request.functions else "Tool use"
    return f"{kind} with a response mime type: 'application/json' is unsupported"


# -- tools ---------------------------------------------------------------------------------------


@_rule("gemini.search_beside_functions", f"{_GITHUB}/symfony/ai/issues/803")
def _search_beside_functions(request: Request) -> str:
    if request.model.major >= 3 or not (request.builtin and request.functions):
        return ""
    return "Tool use with function calling is unsupported by the model."


@_rule("gemini.server_side_calls", f"{_GITHUB}/cloudwego/eino-ext/issues/761")
def _server_side_calls(request: Request) -> str:
    """AI Studio wants to be told; Vertex does not know the field."""
    told = (request.body.get("toolConfig") or {}).get("includeServerSideToolInvocations")
    if request.vertex or told or not (request.builtin and request.functions):
        return ""
    return (
        "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools"
        " with Function calling."
    )


def _declarations(request: Request) -> Iterator[tuple[str, JSONObject]]:
    for i, tool in enumerate(request.body.get("tools") or ()):
        for j, function in enumerate(_declared(tool)):
            yield f"tools[{i}].function_declarations[{j}]", function


@_rule("gemini.function_name", f"{_GITHUB}/kaitranntt/ccs/issues/25")  # seen with 64, as it was
def _function_name(request: Request) -> str:
    names = [
        f"  * {at}.name: [FIELD_INVALID] Invalid function name. Must start with a letter or an"
        " underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:),"
        " or dashes (-), with a maximum length of 128."
        for at, function in _declarations(request)
        if not _NAME.fullmatch(function.get("name", ""))
    ]
    return "\n".join(["The GenerateContentRequest proto is invalid:", *names]) if names else ""


@_rule("gemini.duplicate_function", _CALLING)  # words unverified
def _duplicate_function(request: Request) -> str:
    names = [function["name"] for function in request.functions]
    twice = next((name for name in names if names.count(name) > 1), "")
    return f"Duplicate function declaration found: {twice}" if twice else ""


@_rule("gemini.parameters_not_object", f"{_GITHUB}/diegosouzapw/OmniRoute/pull/3360")
def _parameters_not_object(request: Request) -> str:
    for function in request.functions:
        ours = function.get("parameters", {"type": "OBJECT"}).get("type", "")
        theirs = function.get("parametersJsonSchema", {}).get("type", "object")
        if ours.upper() != "OBJECT" or theirs != "object":
            return (
                f"Unable to submit request because `{function['name']}` functionDeclaration"
                " `parameters` schema should be of type OBJECT."
            )
    return ""


@_rule("gemini.calling_without_functions", f"{_GITHUB}/pydantic/pydantic-ai/pull/5791")
def _calling_without_functions(request: Request) -> str:
    if not request.calling or request.functions:
        return ""
    return "Function calling config is set without function_declarations."


@_rule("gemini.allowed_names_mode", _CALLING)  # words unverified
def _allowed_names_mode(request: Request) -> str:
    config = request.calling
    if not config.get("allowedFunctionNames") or config.get("mode") in ("ANY", "VALIDATED"):
        return ""
    return "Allowed function names should only be set when the function calling mode is ANY."


@_rule("gemini.allowed_names_unknown", _CALLING)  # words unverified
def _allowed_names_unknown(request: Request) -> str:
    declared = {function["name"] for function in request.functions}
    unknown = set(request.calling.get("allowedFunctionNames", ())) - declared
    if not unknown:
        return ""
    return f"Allowed function names must be declared: {', '.join(sorted(unknown))}"
