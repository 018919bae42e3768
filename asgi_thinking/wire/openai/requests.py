"""Requests of chat completions, in the words of the vendor's family.

Source: https://platform.openai.com/docs/api-reference/chat/create, read 2026-11-22.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asgi_thinking._json import dumps
from asgi_thinking.wire.openai.turns import encode_turns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asgi_thinking.families import Family, Switch
    from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig, Tool

__all__ = ["encode_request"]

JSONObject: TypeAlias = dict[str, Any]

# Fields that stand in the body as they are, where they say something.
_SETTINGS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "user",
    "service_tier",
    "verbosity",
)

# Without a schema a function takes no arguments; some servers want one all the same.
_NO_PARAMETERS: Final[Mapping[str, Any]] = MappingProxyType({"type": "object", "properties": {}})


def encode_request(
    request: ChatRequest, family: Family, switch: Switch, *, stream: bool, owes_echo: bool = False
) -> bytes:
    """The body of a chat-completions request.

    Shape: `{"model", "messages", "stream", "stream_options", "max_tokens", "tools", …}`, each key
    only where it says something.

    Args:
        request: as reconciled for the model.
        family: the vendor's API.
        switch: how the model is asked to think.
        stream: whether the reply is to be a stream.
        owes_echo: whether the vendor wants thinking back in every turn, be it empty.
    """
    body: JSONObject = {
        "model": request.model,
        "messages": encode_turns(request.messages, family, owes_echo=owes_echo),
    }
    if stream:
        body["stream"] = True
        if family.counts:
            body["stream_options"] = {"include_usage": True}
    if request.max_tokens is not None:
        body[family.limit] = request.max_tokens
    if request.tools:
        _put_tools(body, request, family)
    _put_thinking(body, request.thinking, switch)
    _put_settings(body, request, family)
    if request.extra:
        body |= request.extra
    return dumps(body, default=dict)


def _put_thinking(body: JSONObject, config: ThinkingConfig, switch: Switch) -> None:
    for path, value in switch.always.items():
        _put(body, path, value)
    if config.type == "disabled":
        for path, value in switch.off.items():
            _put(body, path, value)
        return
    if config.type is not None:
        for path, value in switch.on.items():
            _put(body, path, value)
    if config.budget is not None and switch.budget:
        _put(body, switch.budget, config.budget)
    elif config.effort is not None and switch.effort:
        _put(body, switch.effort, config.effort)


def _put(body: JSONObject, path: str, value: Any) -> None:
    """Set a value that stands at `path`, as in "thinking.type"."""
    *places, key = path.split(".")
    for place in places:
        body = body.setdefault(place, {})
    body[key] = value


def _put_settings(body: JSONObject, request: ChatRequest, family: Family) -> None:
    values = vars(request)
    for name in _SETTINGS:
        if (value := values[name]) is not None:
            body[name] = value
    if request.stop:
        body["stop"] = request.stop
    if request.n != 1:
        body["n"] = request.n
    if request.seed is not None:
        body[family.seed] = request.seed
    if request.response_format is not None:
        body["response_format"] = _format(request.response_format)
    if request.web_search:
        for path, value in family.search.items():
            _put(body, path, value)


def _format(shape: ResponseFormat) -> JSONObject:
    if shape.type == "json_object":
        return {"type": "json_object"}
    schema: JSONObject = {"name": shape.name}
    if shape.schema is not None:
        schema["schema"] = shape.schema
    if shape.strict is not None:
        schema["strict"] = shape.strict
    return {"type": "json_schema", "json_schema": schema}


def _put_tools(body: JSONObject, request: ChatRequest, family: Family) -> None:
    """The tools and the choice among them; only OpenAI can be told which of all are allowed."""
    choice = request.tool_choice
    allowed = frozenset(choice.allowed if choice else ())
    narrowed = bool(allowed) and not family.developer
    body["tools"] = [
        _tool(tool, family) for tool in request.tools if not narrowed or tool.name in allowed
    ]
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls
    if choice is None:
        return
    if choice.mode == "tool":
        body["tool_choice"] = _named(choice.name)
    elif allowed and not narrowed:
        names = [_named(name) for name in choice.allowed]
        given = {"mode": choice.mode, "tools": names}
        body["tool_choice"] = {"type": "allowed_tools", "allowed_tools": given}
    else:
        body["tool_choice"] = choice.mode


def _named(name: str) -> JSONObject:
    return {"type": "function", "function": {"name": name}}


def _tool(tool: Tool, family: Family) -> JSONObject:
    function: JSONObject = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = _NO_PARAMETERS if tool.parameters is None else tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    item: JSONObject = {"type": "function", "function": function}
    if tool.cache_control and family.caches:
        item["cache_control"] = tool.cache_control
    return item
