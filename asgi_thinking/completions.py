"""The OpenAI envelope of a whole reply, which every dialect fills.

    {"id", "object": "chat.completion", "created", "model", "choices": [choice, …], "usage", …}
    choice = {"index", "message", "logprobs", "finish_reason"}
    message = {"role", "content", "refusal", "annotations"?, "tool_calls"?}

Source: https://platform.openai.com/docs/api-reference/chat/object, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asgi_thinking.conversation import GOOGLE
from asgi_thinking.messages import Choice, Citation, Message, Refusal, Text, ToolCall

if TYPE_CHECKING:
    from asgi_thinking.events import Annotation, Usage

__all__ = [
    "JSONObject",
    "Seal",
    "annotation",
    "completion",
    "google_seal",
    "passed_on",
    "placed",
    "plain_choice",
    "plain_message",
    "shown_message",
    "signed",
    "three_counts",
    "unsealed",
    "usage_object",
]

JSONObject: TypeAlias = dict[str, Any]

Seal: TypeAlias = Callable[[str, str], tuple[JSONObject, JSONObject]]
"""From a tool call's signature and its origin to what stands within `function`, and beside it."""

# What we say ourselves, and every key under which somebody's thinking travels: neither is passed on
# from an upstream, whatever it is called there.
_OURS: Final = frozenset(
    {
        *("id", "object", "created", "model", "provider", "choices", "usage", "error"),
        *("index", "delta", "message", "finish_reason"),
        *("role", "content", "refusal", "annotations", "tool_calls", "function_call"),
        *("reasoning", "reasoning_content", "reasoning_details", "reasoning_signature"),
        *("thinking", "thinking_blocks", "redacted_thinking", "signature"),
        *("content_blocks", "provider_specific_fields"),
    }
)


def passed_on(values: Mapping[str, Any]) -> JSONObject:
    """What an upstream said beside the vocabulary, without what is ours to say."""
    return {key: value for key, value in values.items() if key not in _OURS}


def unsealed(signature: str, origin: str) -> tuple[JSONObject, JSONObject]:
    """Leave out a tool call's signature."""
    del signature, origin
    return {}, {}


def google_seal(signature: str, origin: str) -> tuple[JSONObject, JSONObject]:
    """Put a tool call's signature where Google's own OpenAI endpoint has it.

    Beside it `provider` says who can verify it, unless that is who serves the endpoint.

    Source: https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-22.
    """
    provider = "" if origin == GOOGLE else origin
    return {}, {"extra_content": {"google": signed({}, signature, provider, "thought_signature")}}


def usage_object(usage: Usage) -> JSONObject:
    """Token counts as OpenAI's `usage`; details that the vendor did not give are absent."""
    fields = three_counts(usage)
    prompt: JSONObject = {}
    if usage.cache_read is not None:
        prompt["cached_tokens"] = usage.cache_read
    if usage.cache_write is not None:
        prompt["cache_write_tokens"] = usage.cache_write
    if prompt:
        fields["prompt_tokens_details"] = prompt
    if usage.reasoning is not None:
        fields["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return fields


def three_counts(usage: Usage) -> JSONObject:
    """The counts that every `usage` has."""
    prompt, answer = usage.input or 0, usage.output or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
    }


def annotation(source: Annotation | Citation) -> JSONObject:
    """A source as OpenAI's annotation, or in the same manner where it is no web page."""
    place = {"start_index": source.start, "end_index": source.end, "title": source.title}
    if source.url:
        return {"type": "url_citation", "url_citation": {**place, "url": source.url}}
    return {"type": "citation", "citation": {**place, "source": source.raw}}


def plain_message(choice: Choice, seal: Seal = unsealed) -> JSONObject:
    """What a client of OpenAI's reads: the answer, the refusal, sources and tool calls.

    A refused reply carries no tool calls: their arguments may be cut, and nobody is to run them.
    """
    text = refusal = ""
    calls: list[JSONObject] = []
    sources: list[JSONObject] = []
    for block in choice.blocks:
        if isinstance(block, Text):
            text += block.text
            sources += map(annotation, block.citations)
        elif isinstance(block, Refusal):
            refusal += block.text
        elif isinstance(block, ToolCall) and choice.finish != "content_filter":
            calls.append(_tool_call(block, seal))
    missing = not text and bool(calls or refusal)
    fields: JSONObject = {
        "role": "assistant",
        "content": None if missing else text,
        "refusal": refusal or None,
    }
    if sources:
        fields["annotations"] = sources
    if calls:
        fields["tool_calls"] = calls
    return fields


def _tool_call(call: ToolCall, seal: Seal) -> JSONObject:
    within, beside = seal(call.signature, call.origin) if call.signature else ({}, {})
    function = {"name": call.name, "arguments": call.arguments or "{}", **within}
    return {"id": call.id, "type": "function", "function": function, **beside}


def plain_choice(index: int, choice: Choice, message: JSONObject) -> JSONObject:
    """A choice as OpenAI has it, and what else the upstream said of it."""
    fields: JSONObject = {
        "index": index,
        "message": message | passed_on(choice.delta_extras) if choice.delta_extras else message,
        "logprobs": None,
        "finish_reason": choice.finish,
    }
    return fields | passed_on(choice.extras) if choice.extras else fields


def shown_message(choice: Choice, seal: Seal) -> JSONObject:
    """The message for clients that read more than OpenAI's fields: `refusal` only if any."""
    message = plain_message(choice, seal)
    if message["refusal"] is None:
        del message["refusal"]
    return message


def signed(
    fields: JSONObject, signature: str | None, origin: str, key: str = "signature"
) -> JSONObject:
    """The fields of a block with its signature, never null, and whose it is unless Claude's."""
    if signature:
        fields[key] = signature
    if origin:
        fields["provider"] = origin
    return fields


def placed(fields: JSONObject, calls: int) -> JSONObject:
    """The fields of a block, and how many tool calls stand before it, if any do."""
    return {**fields, "after": {"tool_calls": calls}} if calls else fields


def completion(
    message: Message,
    choices: list[JSONObject],
    usage: Callable[[Usage], JSONObject] = usage_object,
    provider: str = "",
) -> JSONObject:
    """The whole reply; `provider` is left out where it is ""."""
    fields: JSONObject = {
        "id": message.id,
        "object": "chat.completion",
        "created": message.created,
        "model": message.model,
    }
    if provider:
        fields["provider"] = provider
    fields["choices"] = choices
    if message.usage is not None:
        fields["usage"] = usage(message.usage)
    return fields | passed_on(message.extras) if message.extras else fields
