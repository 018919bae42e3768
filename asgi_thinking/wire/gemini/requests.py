"""Requests of Gemini's generateContent API.

Source: https://ai.google.dev/api/generate-content, read 2026-11-22.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never

import orjson

from asgi_thinking._json import Fragment, dumps
from asgi_thinking.exceptions import InvalidRequest
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
from asgi_thinking.wire.gemini.names import call_name, check_tools
from asgi_thinking.wire.gemini.replies import ORIGINS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asgi_thinking.messages import Part
    from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig, Tool, ToolChoice

__all__ = ["STAND_IN", "encode_request"]

JSONObject: TypeAlias = dict[str, Any]

STAND_IN: Final = "skip_thought_signature_validator"
"""What the vendor takes in place of a signature that is lost, or that never was.

Source: https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-22.
"""

# What the user says before a conversation that the model begins, for the user has to.
_OPENING: Final = {"role": "user", "parts": [{"text": "."}]}

_SYSTEM_ROLES: Final = frozenset({"system", "developer"})

# OpenAI's words and Gemini's. Source: https://ai.google.dev/gemini-api/docs/function-calling and
# https://platform.openai.com/docs/api-reference/chat/create, read 2026-11-22.
_TOOL_CHOICE: Final[Mapping[str, str]] = {
    "none": "NONE",
    "auto": "AUTO",
    "required": "ANY",
    "tool": "ANY",
}

# The settings that only have another name.
_SETTINGS: Final[Mapping[str, str]] = {
    "max_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}

# Source: https://ai.google.dev/gemini-api/docs/optimization, read 2026-11-22.
_SERVICE_TIER: Final[Mapping[str, str]] = {
    "default": "standard",
    "flex": "flex",
    "priority": "priority",
}

# What an image behind a URL is, by the end of its path: the API wants to be told.
# Source: https://ai.google.dev/gemini-api/docs/image-understanding, read 2026-11-22.
_IMAGE_TYPES: Final[Mapping[str, str]] = {
    "png": "image/png",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "gif": "image/gif",
}


def encode_request(
    request: ChatRequest, *, signs: bool = True, server_calls: bool = False
) -> bytes:
    """The body of a generateContent or streamGenerateContent request.

    Shape: `{"contents": [{"role", "parts"}, …], "systemInstruction", "tools", "toolConfig",
    "generationConfig", "serviceTier"}`, each key only where it says something.

    The translation appends: for a history that grows, a content's parts stay what they were, and
    more may follow in the last one where the same role goes on.

    Args:
        request: as reconciled for the model; tool arguments and opaque blocks are JSON texts.
        signs: whether the model signs its calls and wants the signatures back, as from Gemini 3 on;
            such models also take images in the result of a function.
        server_calls: whether the endpoint wants to be told that its own tools are to be used beside
            functions, as AI Studio does.

    Raises:
        InvalidRequest: a tool's result answers no call, so that its function is not known, or a
            tool's name is none that the API takes.
    """
    check_tools(request.tools)
    body = _conversation(request.messages, signs=signs)
    if request.tools or request.web_search:
        _put_tools(body, request, server_calls=server_calls)
    if config := _generation_config(request):
        body["generationConfig"] = config
    if tier := _SERVICE_TIER.get(request.service_tier or ""):
        body["serviceTier"] = tier
    for name, value in request.extra.items():
        known: Any = body.get(name)
        both = known.__class__ is value.__class__ is dict
        body[name] = known | value if both else value
    return dumps(body, default=dict)


# -- conversation --------------------------------------------------------------------------------


def _conversation(turns: Sequence[Turn], *, signs: bool) -> JSONObject:
    """The system messages at the beginning have a place of their own, unless they are all."""
    start = 0
    while start < len(turns) and turns[start].role in _SYSTEM_ROLES:
        start += 1
    if start == len(turns):
        start = 0
    writer = _Writer(signs)
    for turn in turns[start:]:
        writer.write(turn)
    opening = [_OPENING] if writer.contents and writer.contents[0]["role"] == "model" else []
    body: JSONObject = {"contents": opening + writer.contents}
    if parts := [part for turn in turns[:start] for part in _said(turn)]:
        body["systemInstruction"] = {"parts": parts}
    return body


@dataclass(slots=True)
class _Writer:
    """Writes turns as contents.

    Contents of one role in a row are one: the API requires that of the results of one round of
    calls, and wants the roles to alternate. `calls` are the functions' names and the ids to answer
    under, by the caller's ids.
    """

    signs: bool
    contents: list[JSONObject] = field(default_factory=list[JSONObject])
    calls: dict[str, tuple[str, JSONObject]] = field(
        default_factory=dict[str, tuple[str, JSONObject]]
    )

    def write(self, turn: Turn) -> None:
        match turn.role:
            case "assistant":
                parts = self._model_parts(turn)
            case "tool":
                parts = self._result(turn)
            case _:
                parts = _said(turn)
        if not parts:
            return
        role = "model" if turn.role == "assistant" else "user"
        if self.contents and self.contents[-1]["role"] == role:
            self.contents[-1]["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})

    def _model_parts(self, turn: Turn) -> list[JSONObject]:
        """The parts of a model's turn.

        The first call has to be signed. Ids go back where Gemini gave them, which is where it
        signed, unless they are ours.
        """
        parts: list[JSONObject] = []
        known = any(map(_is_geminis, turn.parts))
        unsigned = self.signs
        for block in turn.parts:
            part = _part(block)
            if isinstance(block, ToolCall):
                called = {"id": block.id} if known and not block.id.startswith("call_g") else {}
                part["functionCall"] |= called
                self.calls[block.id] = call_name(block.name), called
                if unsigned:
                    part.setdefault("thoughtSignature", STAND_IN)
                    unsigned = False
            if part:
                parts.append(part)
        return parts

    def _result(self, turn: Turn) -> list[JSONObject]:
        if turn.tool_call_id not in self.calls:
            why = f"{turn.tool_call_id[:64]!r} answers no tool call of this conversation"
            raise InvalidRequest(f"messages: tool_call_id {why}", param="messages")
        name, called = self.calls[turn.tool_call_id]
        text = "\n".join(part.text for part in turn.parts if isinstance(part, Text))
        media = [_part(part) for part in turn.parts if isinstance(part, Image | File)]
        key = "error" if turn.is_error else "output"
        response: JSONObject = {**called, "name": name, "response": {key: text}}
        if media and self.signs:
            response["parts"] = media
            media = []
        return [{"functionResponse": response}, *media]


def _said(turn: Turn) -> list[JSONObject]:
    return [part for block in turn.parts if (part := _part(block))]


def _is_geminis(block: Part) -> bool:
    match block:
        case Thinking() | Text() | ToolCall():
            return bool(block.signature) and block.origin in ORIGINS
        case RedactedThinking() | Opaque():
            return block.origin in ORIGINS
        case Refusal() | Image() | File():
            return False
        case _ as unreachable:
            assert_never(unreachable)


def _part(block: Part) -> JSONObject:
    """One part; an empty one for what is another vendor's, or says nothing."""
    match block:
        case Text() | ToolCall() | Thinking():
            return _signed(block)
        case Refusal(text):
            return {"text": text} if text else {}
        case Image() | File():
            return _media(block)
        case Opaque(data, origin):
            return _opaque(data) if origin in ORIGINS else {}
        case RedactedThinking():
            return {}
        case _ as unreachable:
            assert_never(unreachable)


def _signed(block: Text | ToolCall | Thinking) -> JSONObject:
    signature = {"thoughtSignature": block.signature} if _is_geminis(block) else {}
    match block:
        case Text(text):
            return {"text": text, **signature} if text or signature else {}
        case ToolCall():
            given = Fragment(block.arguments if block.arguments.strip() else "{}")
            return {"functionCall": {"name": call_name(block.name), "args": given}, **signature}
        case Thinking(text):
            return {"text": text, "thought": True, **signature} if signature else {}
        case _ as unreachable:
            assert_never(unreachable)


def _media(media: Image | File) -> JSONObject:
    if isinstance(media, Image) and media.url:
        return {"fileData": {"fileUri": media.url, "mimeType": _image_type(media.url)}}
    return {"inlineData": {"mimeType": media.media_type, "data": media.data}}


def _opaque(data: str) -> JSONObject:
    """A part as it came, without the type that we gave it."""
    part: JSONObject = orjson.loads(data)
    part.pop("type", None)
    return part


def _image_type(url: str) -> str:
    path = url.partition("?")[0].partition("#")[0]
    return _IMAGE_TYPES.get(path.rpartition(".")[2].lower(), "image/jpeg")


# -- tools and settings --------------------------------------------------------------------------


def _put_tools(body: JSONObject, request: ChatRequest, *, server_calls: bool) -> None:
    choice = request.tool_choice
    tools: list[JSONObject] = []
    declared = _declared(request.tools, choice)
    if declared:
        tools.append({"functionDeclarations": [_declaration(tool) for tool in declared]})
    if request.web_search:
        tools.append({"googleSearch": {}})
    body["tools"] = tools
    config: JSONObject = {}
    if declared and choice is not None:
        config["functionCallingConfig"] = _calling(choice)
    if declared and request.web_search and server_calls:
        config["includeServerSideToolInvocations"] = True
    if config:
        body["toolConfig"] = config


def _declared(tools: Sequence[Tool], choice: ToolChoice | None) -> list[Tool]:
    """The functions that may be called: a list of names goes with calls that are forced only."""
    if choice is None or not choice.allowed or choice.mode == "required":
        return list(tools)
    return [tool for tool in tools if tool.name in choice.allowed]


def _calling(choice: ToolChoice) -> JSONObject:
    config: JSONObject = {"mode": _TOOL_CHOICE[choice.mode]}
    if choice.mode == "tool":
        config["allowedFunctionNames"] = [choice.name]
    elif choice.mode == "required" and choice.allowed:
        config["allowedFunctionNames"] = choice.allowed
    return config


def _declaration(tool: Tool) -> JSONObject:
    fields: JSONObject = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    if tool.parameters is not None:
        fields["parametersJsonSchema"] = tool.parameters
    return fields


def _generation_config(request: ChatRequest) -> JSONObject:
    said = vars(request)
    config = {ours: said[name] for name, ours in _SETTINGS.items() if said[name] is not None}
    if request.stop:
        config["stopSequences"] = request.stop
    if request.n > 1:
        config["candidateCount"] = request.n
    if request.response_format is not None:
        config |= _format(request.response_format)
    if thinking := _thinking(request.thinking):
        config["thinkingConfig"] = thinking
    return config


def _format(shape: ResponseFormat) -> JSONObject:
    fields: JSONObject = {"responseMimeType": "application/json"}
    if shape.schema is not None:
        fields["responseJsonSchema"] = shape.schema
    return fields


def _thinking(config: ThinkingConfig) -> JSONObject:
    """Level or budget, never both, and whether the thoughts are to be seen.

    Source: https://ai.google.dev/gemini-api/docs/thinking, read 2026-11-22.
    """
    match config.type:
        case None:
            return {}
        case "disabled" | "between_tools":
            return {"includeThoughts": False, "thinkingBudget": 0}
        case "enabled" | "adaptive":
            fields: JSONObject = {"includeThoughts": config.display == "summarized"}
            if config.type == "enabled" and config.budget is not None:
                fields["thinkingBudget"] = config.budget
            elif config.effort is not None:
                fields["thinkingLevel"] = config.effort.upper()
            return fields
        case _ as unreachable:
            assert_never(unreachable)
