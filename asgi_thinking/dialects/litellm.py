"""LiteLLM's format for thinking: `reasoning_content`, and `thinking_blocks` in fragments.

    message = {"role", "content", "reasoning_content", "thinking_blocks": [block, …],
               "provider_specific_fields": {"thinking_blocks"}, "tool_calls"?}
    block = {"type": "thinking", "thinking", "signature"?} | {"type": "redacted_thinking", "data"}
    delta = {"content": "", "reasoning_content", "thinking_blocks": [block]} | {"content"}
    call = {…, "provider_specific_fields": {"thought_signature"}}

Unlike LiteLLM's own, a block without a signature has no such key, and those in a stream have an
`index`: readers of the one and of the other fail without. `provider_specific_fields` repeats the
blocks in whole messages only. A caller who did not ask to see thinking gets OpenAI's format.

Members of a block beyond LiteLLM's: `provider` names who can verify its signature, unless that is
Claude's family, and `after` says where it stood. Signatures of texts have no place here.

Source: https://docs.litellm.ai/docs/reasoning_content, read 2026-11-22.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from asgi_thinking import _fields as fields
from asgi_thinking.chunks import StreamEncoder
from asgi_thinking.completions import (
    JSONObject,
    completion,
    plain_choice,
    plain_message,
    shown_message,
    signed,
)
from asgi_thinking.conversation import GOOGLE
from asgi_thinking.dialects._itemized import ItemEncoder, ItemForm
from asgi_thinking.dialects._places import Order, read_thinking_blocks, with_places
from asgi_thinking.echo import is_object, read_seals
from asgi_thinking.messages import Choice, RedactedThinking, Thinking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asgi_thinking.dialects import Asked, CallSlot
    from asgi_thinking.lanes import Lane
    from asgi_thinking.messages import Block, Message

__all__ = ["LITELLM", "LiteLLMDialect"]

_VENDORS: Final = "provider_specific_fields"


class LiteLLMDialect:
    """Thinking in `reasoning_content` and `thinking_blocks`, as LiteLLM has it."""

    __slots__ = ()

    name = "litellm"
    opt_in: bytes | None = None
    shows_thinking = True
    ordered = True
    in_content = False
    own_keys = frozenset({"reasoning_content", "thinking_blocks", _VENDORS})
    plain = True

    def encode_message(self, message: Message, asked: Asked) -> dict[str, Any]:
        """A whole reply, with the keys of thinking if it was asked for and there was any."""
        write = _thinking_message if asked.thinking else _plain_message
        choices = [
            plain_choice(index, choice, write(choice))
            for index, choice in enumerate(message.choices)
        ]
        return completion(message, choices)

    def encoder(self, asked: Asked) -> StreamEncoder:
        """An encoder that sends thinking if it was asked for."""
        if asked.thinking:
            return _ThinkingEncoder(_FORM, include_usage=asked.include_usage, seal=_seal)
        return StreamEncoder(include_usage=asked.include_usage, seal=_seal)

    def read_echo(self, message: Mapping[str, Any]) -> Sequence[Block | CallSlot] | None:
        """The blocks of `thinking_blocks`, with the text and the calls around them in their places.

        A `ToolCall` holds nothing but the signature for the call of its id.

        Raises:
            InvalidRequest: a field is of the wrong type; `param` as in `thinking_blocks[0].after`.
        """
        order = Order.of(message)
        read = partial(read_thinking_blocks, order)
        if fields.given(message, "thinking_blocks", read) is None:
            fields.given(message, _VENDORS, partial(_within, read))
        seals = read_seals(message.get("tool_calls"), _VENDORS, GOOGLE)
        if not (order.pieces or seals):
            return None
        return [*order.rest(), *seals]


LITELLM: Final = LiteLLMDialect()

_FORM: Final = ItemForm("reasoning_content", "thinking_blocks", b'"content":"",')


def _seal(signature: str, origin: str) -> tuple[JSONObject, JSONObject]:
    """A call's signature where LiteLLM has it."""
    provider = "" if origin == GOOGLE else origin
    return {}, {_VENDORS: signed({}, signature, provider, "thought_signature")}


def _within(read: fields.Reader[bool], value: Any) -> bool:
    kept = value if is_object(value) else {}
    return bool(fields.given(kept, "thinking_blocks", read))


def _plain_message(choice: Choice) -> JSONObject:
    return plain_message(choice, _seal)


def _thinking_message(choice: Choice) -> JSONObject:
    message = shown_message(choice, _seal)
    blocks = [
        item | place
        for block, place in with_places(choice.blocks)
        if (item := _block(block)) is not None
    ]
    if not blocks:
        return message
    thoughts = [b.text for b in choice.blocks if isinstance(b, Thinking) and b.text]
    return {
        "role": message.pop("role"),
        "content": message.pop("content"),
        "reasoning_content": "\n\n".join(thoughts),
        "thinking_blocks": blocks,
        _VENDORS: {"thinking_blocks": blocks},
        **message,
    }


def _block(block: Block) -> JSONObject | None:
    match block:
        case Thinking(text, signature, origin) if text or signature:
            return signed({"type": "thinking", "thinking": text}, signature, origin)
        case RedactedThinking(data, origin):
            return signed({"type": "redacted_thinking", "data": data}, None, origin)
        case _:
            return None


class _ThinkingEncoder(ItemEncoder):
    """Each fragment of thinking in `reasoning_content` and in a block."""

    __slots__ = ()

    def _kind(self, lane: Lane) -> tuple[JSONObject, str]:
        del lane
        return {"type": "thinking"}, "thinking"

    def _first(self, lane: Lane) -> JSONObject:
        block = lane.block
        return {**signed({}, None, block.origin), **self._places[block.index]}

    def _last(self, lane: Lane) -> JSONObject:
        return signed({}, lane.signature, "")

    def _whole(self, lane: Lane) -> JSONObject | None:
        block = lane.block
        if block.kind != "redacted_thinking":
            return None
        item = signed({"type": "redacted_thinking", "data": block.data}, None, block.origin)
        return item | self._places[block.index]
