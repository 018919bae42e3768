"""Requests of the Messages API.

Source: https://platform.claude.com/docs/en/api/messages/create, read 2026-11-22.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import replace
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
from asgi_thinking.wire.calls import CallIds
from asgi_thinking.wire.claude import (
    call_name,
    called_tools,
    check_messages,
    input_schema,
    mended,
    prefilled,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asgi_thinking.messages import Part
    from asgi_thinking.requests import ChatRequest, Effort, ResponseFormat, Tool

__all__ = ["encode_request"]

JSONObject: TypeAlias = dict[str, Any]

_NO_FIELDS: Final[Mapping[str, Any]] = MappingProxyType({})

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

_LONGEST_NAME: Final = 128


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

    The translation depends on nothing behind the turn at hand, and appends: for a history that
    grows, a message's bytes stay what they were, which newer models require of everything before a
    thinking block that is sent back.

    Args:
        request: as reconciled for the model; `max_tokens` is given, tool arguments and opaque
            blocks are JSON texts, which go out verbatim.
        stream: whether the reply is to be a stream.
        model_in_body: False where the URL names the model (Bedrock, Vertex).
        mid_system: the role of system messages after the beginning; only some models take "system".
        extra: more fields of the body, such as Vertex's `anthropic_version`.

    Raises:
        InvalidRequest: calls and results do not match, nothing is said, or a tool's name is wrong.
    """
    request = mended(request, _LONGEST_NAME)
    body: JSONObject = {"model": request.model} if model_in_body else {}
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if stream:
        body["stream"] = True
    _put_turns(body, request, mid_system)
    _put_tools(body, request)
    _put_thinking(body, request)
    _put_settings(body, request)
    return dumps({**body, **extra, **request.extra}, default=dict)


def _put_turns(body: JSONObject, request: ChatRequest, mid_system: str) -> None:
    """The system messages at the beginning have a place of their own."""
    thinks = request.thinking.type not in (None, "disabled")
    turns = prefilled(request.messages, thinks=thinks)
    start = 0
    while start < len(turns) and turns[start].role in _SYSTEM_ROLES:
        start += 1
    ids = CallIds()
    if system := [block for turn in turns[:start] for block in _blocks(turn, ids)]:
        body["system"] = system
    body["messages"] = messages = _messages(turns[start:], mid_system, ids)
    check_messages(turns, messages)


def _put_thinking(body: JSONObject, request: ChatRequest) -> None:
    config = request.thinking
    if config.type is not None:
        fields: JSONObject = {"type": config.type}
        if config.budget is not None:
            fields["budget_tokens"] = config.budget
        if config.display:
            fields["display"] = config.display
        body["thinking"] = fields
    if config.effort is not None or request.response_format is not None:
        body |= _output_config(config.effort, request.response_format)


def _output_config(effort: Effort | None, shape: ResponseFormat | None) -> JSONObject:
    fields: JSONObject = {}
    if effort not in (None, "none", "minimal"):
        fields["effort"] = effort
    if shape is not None and shape.type == "json_schema":
        fields["format"] = {"type": "json_schema", "schema": shape.schema}
    return {"output_config": fields} if fields else {}


def _put_settings(body: JSONObject, request: ChatRequest) -> None:
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.top_k is not None:
        body["top_k"] = request.top_k
    if request.stop:
        body["stop_sequences"] = request.stop
    if request.user:
        body["metadata"] = {"user_id": request.user}
    if tier := _SERVICE_TIER.get(request.service_tier or ""):
        body["service_tier"] = tier


def _messages(turns: Sequence[Turn], mid_system: str, ids: CallIds) -> list[JSONObject]:
    """The turns as messages; those left empty are left out, because the API refuses them.

    All results of one round of calls stand in one message, as the API requires. Nothing else is
    merged: a message would otherwise change when the conversation goes on.
    """
    messages: list[JSONObject] = []
    results: list[JSONObject] | None = None
    for turn in turns:
        if turn.role == "tool":
            if results is None:
                results = []
                messages.append({"role": "user", "content": results})
            results.append(_tool_result(turn, ids))
            continue
        results = None
        if content := _blocks(turn, ids):
            role = mid_system if turn.role in _SYSTEM_ROLES else turn.role
            messages.append({"role": role, "content": content})
    return messages


def _blocks(turn: Turn, ids: CallIds) -> list[JSONObject | Fragment]:
    """The content of a turn, without the texts that the API refuses.

    "text content blocks must be non-empty", and "must contain non-whitespace text" where no other
    text stands beside them. The model's own blank text is kept as far as that allows, because the
    signatures after it vouch for it.
    """
    if len(turn.parts) == 1 and turn.cache_control is None:
        only = turn.parts[0]
        if isinstance(only, Text) and only.cache_control is None:  # as nearly every turn
            return [{"type": "text", "text": only.text}] if only.text.strip() else []
    keeps_blank = turn.role == "assistant" and _has_text(turn.parts)
    blocks: list[JSONObject | Fragment] = []
    for part in turn.parts:
        if isinstance(part, Text | Refusal):
            shown = part.text if keeps_blank else part.text.strip()
            if not shown:
                continue
        block = _block(part, ids)
        if block is not None:
            blocks.append(block)
    if turn.cache_control is not None and blocks and isinstance(last := blocks[-1], dict):
        last["cache_control"] = turn.cache_control  # a message's own means its last block
    return blocks


def _has_text(parts: Sequence[Part]) -> bool:
    return any(isinstance(part, Text | Refusal) and part.text.strip() for part in parts)


def _block(part: Part, ids: CallIds) -> JSONObject | Fragment | None:
    """One part as a content block; None for thinking that the API would refuse unsigned."""
    match part:
        case Text() | ToolCall() | Image() | File():
            block = _cacheable(part, ids)
            if part.cache_control:
                block["cache_control"] = part.cache_control
            return block
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
        case _ as unreachable:
            assert_never(unreachable)


def _cacheable(part: Text | ToolCall | Image | File, ids: CallIds) -> JSONObject:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case ToolCall(call_id, name, arguments):
            given = Fragment(arguments if arguments.strip() else "{}")
            sent = ids.of_call(call_id)
            called = call_name(name, _LONGEST_NAME)
            return {"type": "tool_use", "id": sent, "name": called, "input": given}
        case Image():
            return {"type": "image", "source": _image_source(part)}
        case File():
            title = {"title": part.name} if part.name else {}
            return {"type": "document", "source": _file_source(part), **title}
        case _ as unreachable:
            assert_never(unreachable)


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


def _tool_result(turn: Turn, ids: CallIds) -> JSONObject:
    match turn.parts:
        case (Text(text, cache_control=None),):
            content: Any = text
        case _:
            content = _blocks(replace(turn, cache_control=None), ids)
    answered = ids.of_result(turn.tool_call_id)
    result: JSONObject = {"type": "tool_result", "tool_use_id": answered}
    if content:
        result["content"] = content
    if turn.is_error:
        result["is_error"] = True
    if turn.cache_control:
        result["cache_control"] = turn.cache_control
    return result


def _put_tools(body: JSONObject, request: ChatRequest) -> None:
    """The tools that may be called and which of them has to be, else those called so far."""
    if not request.tools:
        if called := called_tools(request.messages, _LONGEST_NAME):
            body["tools"] = [_tool(tool) for tool in called]
            body["tool_choice"] = {"type": "none"}
        return
    choice = request.tool_choice
    allowed = frozenset(choice.allowed if choice else ())
    tools = [_tool(tool) for tool in request.tools if not allowed or tool.name in allowed]
    if not tools:
        return
    body["tools"] = tools
    if choice is None and request.parallel_tool_calls is not False:
        return
    fields: JSONObject
    body["tool_choice"] = fields = {"type": _TOOL_CHOICE[choice.mode] if choice else "auto"}
    if choice is not None and choice.mode == "tool":
        fields["name"] = choice.name
    if request.parallel_tool_calls is False and fields["type"] != "none":
        fields["disable_parallel_tool_use"] = True


def _tool(tool: Tool) -> JSONObject:
    fields: JSONObject = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    fields["input_schema"] = input_schema(tool.parameters)
    if tool.strict:
        fields["strict"] = True
    if tool.cache_control:
        fields["cache_control"] = tool.cache_control
    return fields
