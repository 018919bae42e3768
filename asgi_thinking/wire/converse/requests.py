"""Requests of the Converse API.

Sources, read 2026-11-22:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and the service
model `bedrock-runtime/2023-09-30` of botocore 1.44.5
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asgi_thinking._json import dumps
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.wire.claude import (
    called_tools,
    check_messages,
    input_schema,
    mended,
    prefilled,
)
from asgi_thinking.wire.converse.content import LONGEST_NAME, Conversation, cache_point

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from asgi_thinking.messages import Turn
    from asgi_thinking.models_bedrock import BedrockModel, ReasoningStyle
    from asgi_thinking.requests import ChatRequest, Effort, Tool

__all__ = ["SERVICE_TIERS", "encode_request"]

JSONObject: TypeAlias = dict[str, Any]

_SYSTEM_ROLES: Final = frozenset({"system", "developer"})

# OpenAI's tiers and Bedrock's; "auto" is not to say any.
# Source: https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html, read
# 2026-11-22.
SERVICE_TIERS: Final[Mapping[str, str]] = {
    "default": "default",
    "flex": "flex",
    "priority": "priority",
}

# Where Claude says how many of the tokens were thinking, which the API counts nowhere itself.
_THINKING_TOKENS: Final = "/usage/output_tokens_details"

# At this effort Nova wants to decide for itself.
# Source: https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html, read
# 2026-11-22.
_NOVA_HIGH: Final = "high"
_NOVA_OWN: Final = ("maxTokens", "temperature", "topP")


def encode_request(
    request: ChatRequest, model: BedrockModel, *, betas: Sequence[str] = ()
) -> bytes:
    """The body of a Converse or ConverseStream request.

    Shape: `{"messages": [{"role", "content"}, …], "system", "inferenceConfig", "toolConfig",
    "additionalModelRequestFields", "additionalModelResponseFieldPaths", "outputConfig",
    "serviceTier"}`, each key only where it says something.

    The translation only appends: for a history that grows, a message's bytes stay what they were,
    unless a user's turn follows a user's, for the API refuses two messages of one role in a row.

    Args:
        request: as reconciled for the model; tool arguments are JSON texts, which go out verbatim.
        model: whose fields ask for reasoning, and whose blocks can be sent back.
        betas: values of `anthropic_beta`, for Claude.

    Raises:
        InvalidRequest: an image or a document is none that the API takes, calls and results do not
            match, the user does not begin, or a tool's name is wrong.
    """
    request = mended(request, LONGEST_NAME)
    turns = prefilled(request.messages, thinks=_thinks(request))
    body = _turns(turns, Conversation(model.origins, caches=model.caches))
    fields = _model_fields(request, model, betas)
    if settings := _inference(request, fields):
        body["inferenceConfig"] = settings
    if tools := _tools(request, caches=model.caches):
        body["toolConfig"] = tools
    if fields:
        body["additionalModelRequestFields"] = fields
    if "thinking" in fields or (model.is_claude and model.accepts.on_by_default):
        body["additionalModelResponseFieldPaths"] = [_THINKING_TOKENS]
    if output := _output(request, model):
        body["outputConfig"] = output
    if tier := SERVICE_TIERS.get(request.service_tier or ""):
        body["serviceTier"] = {"type": tier}
    if request.extra:
        body |= request.extra
    return dumps(body, default=dict)


def _turns(turns: Sequence[Turn], conversation: Conversation) -> JSONObject:
    """The system messages at the beginning have a place of their own."""
    start = 0
    while start < len(turns) and turns[start].role in _SYSTEM_ROLES:
        start += 1
    system = [block for turn in turns[:start] for block in conversation.blocks(turn)]
    messages = conversation.messages(turns[start:])
    check_messages(turns, messages)
    if messages and messages[0]["role"] == "assistant":
        place = f"messages[{start}]"
        raise InvalidRequest(f"{place}: must be a user's for this model", param=place)
    return {"messages": messages, "system": system} if system else {"messages": messages}


def _inference(request: ChatRequest, fields: JSONObject) -> JSONObject:
    """The settings that every model has, but those that the model's own fields rule out."""
    settings: JSONObject = {
        "maxTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "stopSequences": request.stop or None,
    }
    reasoning: JSONObject = fields.get("reasoningConfig") or {}
    ruled_out = _NOVA_OWN if reasoning.get("maxReasoningEffort") == _NOVA_HIGH else ()
    return {
        name: value
        for name, value in settings.items()
        if value is not None and name not in ruled_out
    }


def _claude_fields(request: ChatRequest) -> JSONObject:
    config = request.thinking
    fields: JSONObject = {}
    if config.type is not None:
        thinking: JSONObject = {"type": config.type}
        if config.budget is not None:
            thinking["budget_tokens"] = config.budget
        if config.display:
            thinking["display"] = config.display
        fields["thinking"] = thinking
    if request.top_k is not None:
        fields["top_k"] = request.top_k
    return fields


def _nova_fields(request: ChatRequest) -> JSONObject:
    fields: JSONObject = {}
    if request.top_k is not None:
        fields["inferenceConfig"] = {"topK": request.top_k}
    if _thinks(request):
        effort = _word(request.thinking.effort) or "medium"
        fields["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": effort}
    elif request.thinking.type is not None:
        fields["reasoningConfig"] = {"type": "disabled"}
    return fields


def _openai_fields(request: ChatRequest) -> JSONObject:
    effort = _word(request.thinking.effort) if _thinks(request) else None
    return {"reasoning_effort": effort} if effort else {}


def _qwen_fields(request: ChatRequest) -> JSONObject:
    if not _thinks(request):
        return {}
    return {"reasoning_config": _word(request.thinking.effort) or "high"}


def _no_fields(request: ChatRequest) -> JSONObject:
    del request
    return {}


_MODEL_FIELDS: Final[Mapping[ReasoningStyle, Callable[[ChatRequest], JSONObject]]] = {
    "anthropic": _claude_fields,
    "nova": _nova_fields,
    "openai": _openai_fields,
    "qwen": _qwen_fields,
    "none": _no_fields,
}


def _model_fields(request: ChatRequest, model: BedrockModel, betas: Sequence[str]) -> JSONObject:
    """The fields of the model's own, which the API passes on."""
    fields = _MODEL_FIELDS[model.style](request)
    if betas and model.is_claude:
        fields["anthropic_beta"] = betas
    return fields


def _thinks(request: ChatRequest) -> bool:
    return request.thinking.type not in (None, "disabled")


def _word(effort: Effort | None) -> str | None:
    return None if effort in ("none", "minimal") else effort


def _output(request: ChatRequest, model: BedrockModel) -> JSONObject:
    """The API's own way to say effort is Claude's; the schema goes as a text within the JSON."""
    fields: JSONObject = {}
    form = request.response_format
    if form is not None and form.type == "json_schema":
        schema: JSONObject = {"schema": dumps(form.schema or {}, default=dict).decode()}
        if form.name:
            schema["name"] = form.name
        fields["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": schema}}
    if model.is_claude and (effort := _word(request.thinking.effort)):
        fields["effort"] = effort
    return fields


def _tools(request: ChatRequest, *, caches: bool) -> JSONObject:
    """The tools that may be called, and which of them has to be.

    The API cannot say "none". Tools are then left out, unless the conversation has calls, beside
    which the API wants to see tools: if need be, those that were called.
    """
    choice = request.tool_choice
    called = called_tools(request.messages, LONGEST_NAME)
    if choice is not None and choice.mode == "none" and not called:
        return {}
    allowed = frozenset(choice.allowed if choice else ())
    tools: list[JSONObject] = []
    for tool in request.tools or called:
        if not allowed or tool.name in allowed:
            tools.append({"toolSpec": _tool(tool)})
            if tool.cache_control and caches:
                tools.append(cache_point(tool.cache_control))
    if not tools:
        return {}
    fields: JSONObject = {"tools": tools}
    if choice is not None and choice.mode == "required":
        fields["toolChoice"] = {"any": {}}
    elif choice is not None and choice.mode == "tool":
        fields["toolChoice"] = {"tool": {"name": choice.name}}
    return fields


def _tool(tool: Tool) -> JSONObject:
    fields: JSONObject = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    fields["inputSchema"] = {"json": input_schema(tool.parameters)}
    if tool.strict:
        fields["strict"] = True
    return fields
