"""Requests of the Messages API.

Source: https://platform.claude.com/docs/en/api/messages/create, read 2026-11-22.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import replace
from itertools import groupby, takewhile
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, assert_never

from asgi_thinking._json import Fragment, dumps
from asgi_thinking.messages import (
    File,
    Image,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asgi_thinking.messages import Part
    from asgi_thinking.requests import ChatRequest, ThinkingConfig, Tool

__all__ = ["encode_request"]

JSONObject: TypeAlias = dict[str, Any]

_NO_FIELDS: Final[Mapping[str, Any]] = MappingProxyType({})

_NUMBERS: Final = (int, float)
_SYSTEM_ROLES: Final = frozenset({"system", "developer"})

# OpenAI's words and Anthropic's. Source: the page above and
# https://platform.openai.com/docs/api-reference/chat/create, read 2026-11-22.
_TOOL_CHOICE: Final[Mapping[str, str]] = {
    "none": "none",
    "auto": "auto",
    "required": "any",
    "tool": "tool",
}
_SERVICE_TIER: Final[Mapping[str, str]] = {"auto": "auto", "default": "standard_only"}

# Without a schema a function takes no arguments; the API wants an object's schema all the same.
_NO_PARAMETERS: Final[Mapping[str, Any]] = MappingProxyType({"type": "object", "properties": {}})


def encode_request(
    request: ChatRequest,
    *,
    stream: bool,
    model_in_body: bool = True,
    mid_system: Literal["system", "user"] = "user",
    extra: Mapping[str, Any] = _NO_FIELDS,
) -> bytes:
    """The body of a Messages request.

    Shape: `{"model", "max_tokens", "stream", "system", "messages": [{"role", "content"}, …],
    "tools", "tool_choice", "thinking", "output_config", …}`, each key only where it says something.

    The translation only depends on the turn at hand, and appends: for a history that grows, a
    message's bytes stay what they were, which newer models require of everything before a thinking
    block that is sent back.

    Args:
        request: as reconciled for the model; `max_tokens` is given, tool arguments and opaque
            blocks are JSON texts, which go out verbatim.
        stream: whether the reply is to be a stream.
        model_in_body: False where the URL names the model (Bedrock, Vertex).
        mid_system: the role of system messages after the beginning; only some models take "system".
        extra: more fields of the body, such as Vertex's `anthropic_version`.
    """
    turns = request.messages
    head = tuple(takewhile(lambda turn: turn.role in _SYSTEM_ROLES, turns))
    body: JSONObject = {"model": request.model} if model_in_body else {}
    body |= _given(
        max_tokens=request.max_tokens,
        stream=stream or None,
        system=[block for turn in head for block in _blocks(turn)],
    )
    body["messages"] = _messages(turns[len(head) :], mid_system)
    body |= _tools(request)
    body |= _given(
        thinking=_thinking(request.thinking),
        output_config=_output_config(request),
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop_sequences=request.stop,
        metadata=_given(user_id=request.user),
        service_tier=_SERVICE_TIER.get(request.service_tier or ""),
    )
    return dumps({**body, **extra, **request.extra}, default=dict)


def _given(**fields: Any) -> JSONObject:
    """The fields that say something: numbers, and what is not empty."""
    return {
        key: value
        for key, value in fields.items()
        if value or (value is not None and value.__class__ in _NUMBERS)
    }


def _messages(turns: Sequence[Turn], mid_system: str) -> list[JSONObject]:
    """The turns as messages; those left empty are left out, because the API refuses them.

    All results of one round of calls stand in one message, as the API requires. Nothing else is
    merged: a message would otherwise change when the conversation goes on.
    """
    messages: list[JSONObject] = []
    for is_result, run in groupby(turns, lambda turn: turn.role == "tool"):
        if is_result:
            messages.append({"role": "user", "content": [_tool_result(turn) for turn in run]})
            continue
        for turn in run:
            if content := _blocks(turn):
                role = mid_system if turn.role in _SYSTEM_ROLES else turn.role
                messages.append({"role": role, "content": content})
    return messages


def _blocks(turn: Turn) -> list[JSONObject | Fragment]:
    """The content of a turn, without the texts that the API refuses.

    "text content blocks must be non-empty", and "must contain non-whitespace text" where no other
    text stands beside them. The model's own blank text is kept as far as that allows, because the
    signatures after it vouch for it.
    """
    texts = [part.text for part in turn.parts if isinstance(part, Text | Refusal)]
    keeps_blank = turn.role == "assistant" and any(text.strip() for text in texts)
    blocks: list[JSONObject | Fragment] = []
    for part in turn.parts:
        block = None if _is_refused(part, keeps_blank=keeps_blank) else _block(part)
        if block is not None:
            blocks.append(block)
    if turn.cache_control is not None and blocks and isinstance(last := blocks[-1], dict):
        last["cache_control"] = turn.cache_control  # a message's own means its last block
    return blocks


def _is_refused(part: Part, *, keeps_blank: bool) -> bool:
    if not isinstance(part, Text | Refusal):
        return False
    return not (part.text if keeps_blank else part.text.strip())


def _block(part: Part) -> JSONObject | Fragment | None:
    """One part as a content block; None for thinking that the API would refuse unsigned."""
    match part:
        case Thinking(text, signature):
            if not signature:
                return None
            return {"type": "thinking", "thinking": text, "signature": signature}
        case RedactedThinking(data):
            return {"type": "redacted_thinking", "data": data}
        case Opaque(data):
            return Fragment(data)
        case Refusal(text):
            return {"type": "text", "text": text}
        case Text(text):
            block: JSONObject = {"type": "text", "text": text}
        case ToolCall(call_id, name, arguments):
            block = {"type": "tool_use", "id": call_id, "name": name}
            block["input"] = Fragment(arguments if arguments.strip() else "{}")
        case Image():
            block = {"type": "image", "source": _image_source(part)}
        case File():
            block = {"type": "document", "source": _file_source(part), **_given(title=part.name)}
        case _ as unreachable:
            assert_never(unreachable)
    return block | _given(cache_control=part.cache_control)


def _image_source(image: Image) -> JSONObject:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": image.data}


def _file_source(file: File) -> JSONObject:
    """Base64 is for PDFs; a text goes out as the text that it is.

    Source: https://platform.claude.com/docs/en/build-with-claude/files, read 2026-11-22.
    """
    if file.media_type.startswith("text/"):
        # What is no text after all is left to the API to refuse.
        with suppress(ValueError):
            text = base64.b64decode(file.data).decode()
            return {"type": "text", "media_type": "text/plain", "data": text}
    return {"type": "base64", "media_type": file.media_type, "data": file.data}


def _tool_result(turn: Turn) -> JSONObject:
    match turn.parts:
        case (Text(text, cache_control=None),):
            content: Any = text
        case _:
            content = _blocks(replace(turn, cache_control=None))
    result: JSONObject = {"type": "tool_result", "tool_use_id": turn.tool_call_id}
    return result | _given(
        content=content, is_error=turn.is_error or None, cache_control=turn.cache_control
    )


def _tools(request: ChatRequest) -> JSONObject:
    """The tools that may be called and which of them has to be; nothing without tools."""
    choice = request.tool_choice
    allowed = choice.allowed if choice else ()
    tools = [_tool(tool) for tool in request.tools if not allowed or tool.name in allowed]
    if not tools:
        return {}
    fields: JSONObject = {}
    if choice is not None or request.parallel_tool_calls is False:
        fields = {"type": _TOOL_CHOICE[choice.mode] if choice else "auto"}
        if choice is not None and choice.mode == "tool":
            fields["name"] = choice.name
        if request.parallel_tool_calls is False and fields["type"] != "none":
            fields["disable_parallel_tool_use"] = True
    return {"tools": tools, **_given(tool_choice=fields)}


def _tool(tool: Tool) -> JSONObject:
    return {
        "name": tool.name,
        **_given(description=tool.description),
        "input_schema": _NO_PARAMETERS if tool.parameters is None else tool.parameters,
        **_given(strict=tool.strict, cache_control=tool.cache_control),
    }


def _thinking(config: ThinkingConfig) -> JSONObject:
    if config.type is None:
        return {}
    return {"type": config.type, **_given(budget_tokens=config.budget, display=config.display)}


def _output_config(request: ChatRequest) -> JSONObject:
    effort, shape = request.thinking.effort, request.response_format
    fields: JSONObject = {}
    if effort not in (None, "none", "minimal"):
        fields["effort"] = effort
    if shape is not None and shape.type == "json_schema":
        fields["format"] = {"type": "json_schema", "schema": shape.schema}
    return fields
