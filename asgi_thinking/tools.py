"""The caller's tools, read from `tools`, `tool_choice` and `web_search_options`.

Source: https://platform.openai.com/docs/api-reference/chat/create, read 2026-11-22.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from asgi_thinking import _fields as fields

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Tool", "ToolChoice", "read_tooling"]

Mode: TypeAlias = Literal["none", "auto", "required"]

# Names under which gateways' callers ask for Gemini's own search.
# Source: https://www.truefoundry.com/docs/ai-gateway (grounding), read 2026-11-22.
_SEARCH: Final = ("google_search", "googleSearch")


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `parameters` is its JSON schema."""

    name: str
    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None
    cache_control: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`name` belongs to mode "tool"; `allowed` narrows the tools that may be called."""

    mode: Literal["none", "auto", "required", "tool"]
    name: str = ""
    allowed: tuple[str, ...] = ()


def read_tooling(source: Mapping[str, Any]) -> tuple[tuple[Tool, ...], ToolChoice | None, bool]:
    """The tools, the choice among them, and whether the vendor's own search is wanted.

    A choice that only asks for the search, or that has no tools to choose from, is None.

    Raises:
        InvalidRequest: with a path that starts at `source`, the body.
    """
    given = fields.given(source, "tools", _TOOLS) or ()
    tools = tuple(tool for tool in given if tool is not None)
    web_search = len(tools) < len(given)
    web_search |= fields.given(source, "web_search_options", fields.mapping) is not None
    choice = fields.given(source, "tool_choice", _tool_choice)
    known = {tool.name for tool in tools}
    if choice is not None:
        _check_names(choice, known | (set(_SEARCH) if web_search else set()))
        choice = _settle(choice, known, web_search=web_search)
    return tools, choice, web_search


def _check_names(choice: ToolChoice, known: set[str]) -> None:
    if choice.mode == "tool" and choice.name not in known:
        raise fields.invalid(_unknown(choice.name), "tool_choice.function.name")
    for number, name in enumerate(choice.allowed):
        if name not in known:
            place = f"tool_choice.allowed_tools.tools[{number}].function.name"
            raise fields.invalid(_unknown(name), place)


def _unknown(name: str) -> str:
    return f"no tool is named {fields.shown(name)}"


def _settle(choice: ToolChoice, known: set[str], *, web_search: bool) -> ToolChoice | None:
    """The choice as far as it is about the caller's functions; the search has no choice."""
    if choice.mode == "tool":
        return choice if choice.name in known else None
    if not known:
        if choice.mode == "required" and not web_search:
            raise fields.invalid("'required' needs tools", "tool_choice")
        return None
    if not choice.allowed:
        return choice
    allowed = tuple(name for name in choice.allowed if name in known)
    return replace(choice, allowed=allowed) if allowed else ToolChoice("none")


def _tool(value: Any) -> Tool | None:
    """A function, or None for the vendor's own search."""
    tool = fields.mapping(value)
    if any(fields.given(tool, name, fields.mapping) is not None for name in _SEARCH):
        return None
    kind = fields.required(tool, "type", fields.string)
    if kind in _SEARCH:
        return None
    if kind != "function":
        raise fields.invalid(f"{fields.shown(kind)} is not supported, only 'function'", "type")
    cache_control = fields.given(tool, "cache_control", fields.cache_control)
    function = fields.required(tool, "function", _function)
    # A caller's own function of that name takes arguments; the vendor's search takes none.
    if function.name in _SEARCH and not (function.parameters or {}).get("properties"):
        return None
    return function if cache_control is None else replace(function, cache_control=cache_control)


def _function(value: Any) -> Tool:
    source = fields.mapping(value)
    return Tool(
        fields.required(source, "name", fields.name),
        fields.given(source, "description", fields.string),
        fields.given(source, "parameters", _parameters),
        fields.given(source, "strict", fields.boolean),
        fields.given(source, "cache_control", fields.cache_control),
    )


def _parameters(value: Any) -> Mapping[str, Any]:
    """A JSON schema, which is an object's even where it does not say so."""
    schema = fields.mapping(value)
    if isinstance(kind := schema.get("type"), str) and kind != "object":
        raise fields.invalid(f"must be 'object', not {fields.shown(kind)}", "type")
    return schema


_TOOLS: Final = fields.each(_tool)


def _tool_choice(value: Any) -> ToolChoice:
    if isinstance(value, str):
        return ToolChoice(_MODE(value))
    if not isinstance(value, dict):
        raise fields.wrong("a string or an object", value)
    choice = fields.mapping(value)
    if fields.required(choice, "type", _CHOICE) == "function":
        return ToolChoice("tool", fields.required(choice, "function", _name))
    return fields.required(choice, "allowed_tools", _allowed_tools)


_MODE: Final = fields.OneOf[Mode]("none", "auto", "required")
_ALLOWED_MODE: Final = fields.OneOf[Mode]("auto", "required")
_CHOICE: Final = fields.OneOf("function", "allowed_tools")


def _name(value: Any) -> str:
    return fields.required(fields.mapping(value), "name", fields.name)


def _allowed_tools(value: Any) -> ToolChoice:
    source = fields.mapping(value)
    mode: Mode = fields.required(source, "mode", _ALLOWED_MODE)
    names = fields.required(source, "tools", _ALLOWED)
    if not names:
        raise fields.invalid("must name at least one tool", "tools")
    return ToolChoice(mode, allowed=names)


def _allowed_tool(value: Any) -> str:
    tool = fields.mapping(value)
    fields.required(tool, "type", fields.OneOf("function"))
    return fields.required(tool, "function", _name)


_ALLOWED: Final = fields.each(_allowed_tool)
