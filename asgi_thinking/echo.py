"""Readers of the blocks that clients send back, for the dialects whose forms share them.

    {"type": "thinking", "thinking", "signature"?, "provider"?, "after"?}
    {"type": "redacted_thinking", "data", "provider"?, "after"?}
    {"type": "text", "text", "thought_signature"?, "provider"?, "cache_control"?, "after"?}

`after` is `{"tool_calls": n}` where n of the message's tool calls stood before the block. Items
that are no such object are passed over; a field of the wrong type raises `InvalidRequest` with a
`param` such as `[0].signature`, whose beginning the caller puts in front.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeGuard

import orjson

from asgi_thinking import _fields as fields
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Block, Opaque, RedactedThinking, Text, Thinking, ToolCall

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "THINKING_TYPES",
    "calls_before",
    "has_thinking",
    "is_array",
    "is_object",
    "is_typed",
    "item_type",
    "read_block",
    "read_blocks",
    "read_seals",
    "read_thinking",
]

THINKING_TYPES: Final = frozenset({"thinking", "redacted_thinking"})

# Parts that OpenAI's messages know themselves, and calls, which stand in `tool_calls` as well.
# Source: https://platform.openai.com/docs/api-reference/chat/create, read 2026-11-22.
_NOT_OPAQUE: Final = frozenset({"", "refusal", "image_url", "input_audio", "file", "tool_use"})


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Whether the value is an array."""
    return isinstance(value, list)


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether the value is an object."""
    return isinstance(value, dict)


def item_type(item: Any) -> str:
    """The item's type, "" where it is no object or says none."""
    kind = item.get("type") if is_object(item) else None
    return kind if isinstance(kind, str) else ""


def is_typed(items: Any) -> bool:
    """Whether the value is an array with an object of some type in it."""
    return is_array(items) and any(map(item_type, items))


def has_thinking(items: Any) -> bool:
    """Whether the value is an array with thinking in it."""
    return is_array(items) and any(item_type(item) in THINKING_TYPES for item in items)


def read_thinking(item: Mapping[str, Any]) -> Thinking | RedactedThinking:
    """One thinking or redacted block; an empty signature is none."""
    origin = fields.given(item, "provider", fields.string) or ""
    if item["type"] == "redacted_thinking":
        return RedactedThinking(fields.required(item, "data", fields.string), origin)
    text = fields.given(item, "thinking", fields.string) or ""
    return Thinking(text, fields.given(item, "signature", fields.string) or None, origin)


def calls_before(item: Mapping[str, Any]) -> int:
    """How many tool calls stood before a block that says so."""
    place = item.get("after")
    count = place.get("tool_calls") if is_object(place) else None
    return count if isinstance(count, int) and count > 0 else 0


def read_blocks(items: list[Any]) -> list[tuple[int, Block]]:
    """The blocks of an array in order, each behind the number of calls that stood before it.

    Without tool calls and without blocks that say nothing.
    """
    blocks: list[tuple[int, Block]] = []
    for position, item in enumerate(items):
        try:
            block = read_block(item)
        except InvalidRequest as error:
            raise fields.under(f"[{position}]", error) from None
        if block is not None:
            blocks.append((calls_before(item), block))
    return blocks


def read_block(item: Any) -> Block | None:
    """One block; a type that nobody here knows makes it opaque."""
    kind = item_type(item)
    if kind in THINKING_TYPES:
        block = read_thinking(item)
        return (
            block if isinstance(block, RedactedThinking) or block.text or block.signature else None
        )
    if kind == "text":
        return _read_text(item)
    if kind in _NOT_OPAQUE:
        return None
    if calls_before(item):
        item = {key: value for key, value in item.items() if key != "after"}
    origin = item.get("provider", "")
    if not isinstance(origin, str):
        return Opaque(orjson.dumps(item).decode())
    return Opaque(orjson.dumps({k: v for k, v in item.items() if k != "provider"}).decode(), origin)


def _read_text(item: Mapping[str, Any]) -> Text | None:
    text = fields.required(item, "text", fields.string)
    signature = fields.given(item, "thought_signature", fields.string) or None
    origin = fields.given(item, "provider", fields.string) or ""
    cache_control = fields.given(item, "cache_control", fields.mapping)
    if not (text or signature):
        return None
    return Text(text, signature, origin, cache_control=cache_control)


def read_seals(calls: Any, key: str, origin: str) -> list[ToolCall]:
    """The signatures of tool calls; what else is wrong with the calls, others will say.

    They stand in the object that each call has under `key`, as `thought_signature`; `provider`
    beside it says whose they are, if not of `origin`.
    """
    found: list[ToolCall] = []
    for call in calls if is_array(calls) else ():
        if not is_object(call) or not is_object(place := call.get(key)):
            continue
        call_id, signature = call.get("id"), place.get("thought_signature")
        if isinstance(call_id, str) and isinstance(signature, str) and signature:
            provider = place.get("provider")
            owner = provider if isinstance(provider, str) else origin
            found.append(ToolCall(call_id, "", "", signature, owner))
    return found
