"""What a request to Claude may ask for: thinking, effort, sampling, tools, formats.

Where a page states a rule without the words of its refusal, they are as the API was seen to answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.simulator.claude_ask import Ask, rule

__all__: list[str] = []

# All read 2026-11-22.
_ERRORS = "https://platform.claude.com/docs/en/api/errors"
_THINKING = "https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting"
_EXTENDED = "https://platform.claude.com/docs/en/build-with-claude/extended-thinking"
_EFFORT = "https://platform.claude.com/docs/en/build-with-claude/effort"
_MIGRATION = "https://platform.claude.com/docs/en/about-claude/models/migration-guide"
_TOOLS = "https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use"
_FORMATS = "https://platform.claude.com/docs/en/build-with-claude/structured-outputs"
_CACHING = "https://platform.claude.com/docs/en/build-with-claude/prompt-caching"
_DEPTH = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
_CONSIDER = (
    "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/"
    "extended-thinking#important-considerations-when-using-extended-thinking"
)


def _kind(ask: Ask) -> str | None:
    return (ask.body.get("thinking") or {}).get("type")


@rule("https://platform.claude.com/docs/en/about-claude/models/overview")
def max_tokens_ceiling(ask: Ask) -> str:
    given, most = ask.body["max_tokens"], ask.model.max_output
    if given <= most:
        return ""
    return (
        f"max_tokens: {given} > {most}, which is the maximum allowed number of output tokens for "
        f"{ask.name}"
    )


@rule(_ERRORS)
def enabled_supported(ask: Ask) -> str:
    if _kind(ask) != "enabled" or "enabled" in ask.model.types:
        return ""
    return f'"thinking.type.enabled" is not supported for this model. {_DEPTH}'


@rule(_ERRORS)
def adaptive_supported(ask: Ask) -> str:
    if _kind(ask) != "adaptive" or "adaptive" in ask.model.types:
        return ""
    return "adaptive thinking is not supported on this model"


@rule(_ERRORS)
def disabled_supported(ask: Ask) -> str:
    types = ask.model.types
    if _kind(ask) != "disabled" or "disabled" in types:
        return ""
    if "enabled" in types:
        more = (
            'Thinking defaults to adaptive mode when not specified; use "thinking.type.enabled" '
            'with "budget_tokens" for extended thinking.'
        )
    elif "between_tools" in types:
        more = (
            'Use "thinking.type.between_tools" for the lowest thinking setting, or '
            f"{_DEPTH.removeprefix('Use ')}"
        )
    else:
        more = _DEPTH
    return f'"thinking.type.disabled" is not supported for this model. {more}'


@rule(_THINKING)
def between_tools_supported(ask: Ask) -> str:
    if _kind(ask) != "between_tools" or "between_tools" in ask.model.types:
        return ""
    return '"thinking.type.between_tools" is not supported for this model.'


@rule(f"{_EXTENDED}#max-tokens-and-context-window-size")
def budget_below_max_tokens(ask: Ask) -> str:
    if ask.mode != "enabled" or ask.body["thinking"]["budget_tokens"] < ask.body["max_tokens"]:
        return ""
    if ask.interleaves and ask.body.get("tools"):  # the budget is then for the whole turn
        return ""
    return (
        "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our "
        "documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        "#max-tokens-and-context-window-size"
    )


@rule(_EFFORT)
def effort_parameter(ask: Ask) -> str:
    if ask.effort is None or ask.model.efforts:
        return ""
    return "This model does not support the effort parameter."


@rule(_EFFORT)
def effort_level(ask: Ask) -> str:
    if ask.effort is None or ask.effort in ask.model.efforts:
        return ""
    levels = ", ".join(sorted(ask.model.efforts))
    return f"This model does not support effort level '{ask.effort}'. Supported levels: {levels}."


# Off by default is as much off as turned off.
@rule(_THINKING)
def effort_without_thinking(ask: Ask) -> str:
    off = ask.mode in {"off", "between_tools"}
    if not (off and ask.model.off_up_to_high and ask.effort in {"xhigh", "max"}):
        return ""
    return (
        f"output_config.effort '{ask.effort}' is not supported when thinking is disabled on this "
        "model. Use effort 'high' or below, or enable thinking."
    )


# Default values pass; those of Haiku 5.5 are on the page.
@rule(_MIGRATION)
def sampling_default_only(ask: Ask) -> str:
    if ask.model.sampling not in {"default", "haiku"}:
        return ""
    usual = {"temperature": (1,), "top_p": (0.99,) if ask.model.sampling == "haiku" else (0.99, 1)}
    for name in ("temperature", "top_p", "top_k"):
        value = ask.body.get(name)
        if value is not None and value not in usual.get(name, ()):
            return f"`{name}` is deprecated for this model."
    return ""


@rule(_MIGRATION)
def sampling_one_only(ask: Ask) -> str:
    both = ask.body.get("temperature") is not None and ask.body.get("top_p") is not None
    if not both or ask.model.sampling not in {"one", "haiku"}:
        return ""
    return "`temperature` and `top_p` cannot both be specified for this model. Please use only one."


@rule(_EXTENDED)
def temperature_with_thinking(ask: Ask) -> str:
    if ask.mode == "off" or ask.body.get("temperature") in {None, 1}:
        return ""
    return f"`temperature` may only be set to 1 when thinking is enabled. {_CONSIDER}"


@rule(_EXTENDED)
def top_k_with_thinking(ask: Ask) -> str:
    if ask.mode == "off" or ask.body.get("top_k") is None:
        return ""
    return f"`top_k` must be unset when thinking is enabled. {_CONSIDER}"


@rule(_EXTENDED)
def top_p_with_thinking(ask: Ask) -> str:
    top_p = ask.body.get("top_p")
    if ask.mode == "off" or top_p is None or top_p >= 0.95:
        return ""
    return (
        "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled. "
        f"{_CONSIDER}"
    )


@rule(_ERRORS)
def forced_tools_supported(ask: Ask) -> str:
    if not ask.forced or ask.model.forced != "never":
        return ""
    return 'tool_choice: type "tool" and "any" are not supported for this model.'


@rule(_EXTENDED)
def forced_tools_with_thinking(ask: Ask) -> str:
    if not ask.forced or ask.mode != "enabled":
        return ""
    return "Thinking may not be enabled when tool_choice forces tool use."


@rule(_TOOLS)
def tool_choice_without_tools(ask: Ask) -> str:
    if "tool_choice" not in ask.body or ask.body.get("tools"):
        return ""
    return "tool_choice: tool_choice may only be specified while providing tools."


@rule(_TOOLS)
def tool_choice_known(ask: Ask) -> str:
    if ask.choice != "tool":
        return ""
    name = ask.body["tool_choice"]["name"]
    if any(tool["name"] == name for tool in ask.body["tools"]):
        return ""
    return f"tool_choice.name: Tool '{name}' not found in provided tools"


@rule(_TOOLS)
def tool_names_unique(ask: Ask) -> str:
    names = [tool["name"] for tool in ask.body.get("tools") or ()]
    return "" if len(names) == len(set(names)) else "tools: Tool names must be unique."


# No page has this rule; the API was seen to answer so.
@rule(_TOOLS)
def tools_defined(ask: Ask) -> str:
    if ask.body.get("tools"):
        return ""
    if not any(True for kind in ("tool_use", "tool_result") for _ in ask.places(kind)):
        return ""
    return "Requests which include `tool_use` or `tool_result` blocks must define tools."


@rule("https://platform.claude.com/docs/en/api/messages/create")
def stop_sequences_not_blank(ask: Ask) -> str:
    for sequence in ask.body.get("stop_sequences") or ():
        if not sequence:
            return "stop_sequences: each stop sequence must be non-empty"
        if not sequence.strip():
            return "stop_sequences: each stop sequence must contain non-whitespace"
    return ""


def _schema(ask: Ask) -> Any:
    return ((ask.body.get("output_config") or {}).get("format") or {}).get("schema")


# Bedrock's list of models: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
@rule(_FORMATS)
def format_supported(ask: Ask) -> str:
    aws = ask.door in {"bedrock", "converse"}
    missing = aws and ask.known in {"claude-opus-4-7", "claude-opus-4-8"}
    if _schema(ask) is None or (ask.model.formats and not missing):
        return ""
    return f"'{ask.name}' does not support output format."


def _subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from _subschemas(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _subschemas(item)


@rule(_FORMATS)
def format_objects_closed(ask: Ask) -> str:
    for schema in _subschemas(_schema(ask)):
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            return (
                "output_config.format.schema: For 'object' type, 'additionalProperties' must be "
                "explicitly set to false"
            )
    return ""


_UNSUPPORTED = {
    "integer": ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"),
    "number": ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"),
    "string": ("minLength", "maxLength"),
    "array": ("maxItems", "uniqueItems"),
}


@rule(_FORMATS)
def format_keywords(ask: Ask) -> str:
    for schema in _subschemas(_schema(ask)):
        kind = schema.get("type")
        for word in _UNSUPPORTED.get(kind, ()) if isinstance(kind, str) else ():
            if word in schema:
                return (
                    f"output_config.format.schema: For '{kind}' type, property '{word}' is not "
                    "supported"
                )
    return ""


def _marks(value: Any) -> Iterator[dict[str, Any]]:
    """The cache marks in the order of the request."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "cache_control" and inner is not None:
                yield inner
            elif name not in {"input", "input_schema"}:
                yield from _marks(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _marks(item)


def _cached(ask: Ask) -> list[dict[str, Any]]:
    body = ask.body
    return list(_marks([body.get("tools"), body.get("system"), body["messages"]]))


@rule(_CACHING)
def cache_control_limit(ask: Ask) -> str:
    found = len(_cached(ask)) + ("cache_control" in ask.body)
    if found <= 4:
        return ""
    return f"A maximum of 4 blocks with cache_control may be provided. Found {found}."


@rule(_CACHING)
def cache_control_order(ask: Ask) -> str:
    lifetimes = [mark.get("ttl", "5m") for mark in _cached(ask)]
    if lifetimes == sorted(lifetimes):  # "1h" before "5m"
        return ""
    return (
        "cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' "
        "cache_control block. Note that blocks are processed in the following order: `tools`, "
        "`system`, `messages`."
    )
