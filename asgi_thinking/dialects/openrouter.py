"""OpenRouter's format for thinking: `reasoning`, and `reasoning_details` to send back.

    message = {"role", "content", "reasoning", "reasoning_details": [item, …], "tool_calls"?}
    item = {"type": "reasoning.text", "text", "signature"?, "format", "index"}
         | {"type": "reasoning.summary", "summary", "format", "index"}
         | {"type": "reasoning.encrypted", "data", "format", "index"}
    delta = {"reasoning", "reasoning_details": [item]} | {"content"} | {"tool_calls": […]}

In a stream an item has a fragment of the text, and those with the same index are one; its signature
and its `format` come last. `provider` stands at the top of every reply and chunk, and the vendor's
word for the finish reason is `native_finish_reason`. A caller who did not ask to see thinking gets
OpenAI's format with these two.

Gemini signs tool calls and texts: such a signature is an encrypted item, with the call's `id` or
the text's `content_length` in code points. Members of an item beyond OpenRouter's: `provider` names
who can verify it, unless `format` does, and `after` says where it stood.

Sources, read 2026-11-22: https://openrouter.ai/docs/use-cases/reasoning-tokens and
https://openrouter.ai/docs/api-reference/overview
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from asgi_thinking import _fields as fields
from asgi_thinking.chunks import StreamEncoder
from asgi_thinking.completions import (
    JSONObject,
    completion,
    google_seal,
    plain_choice,
    plain_message,
    shown_message,
)
from asgi_thinking.conversation import GOOGLE
from asgi_thinking.details import (
    DETAIL_TEXTS,
    ENCRYPTED,
    FORMATS,
    GEMINI_FORMAT,
    UNKNOWN_FORMAT,
    detail_item,
    detail_origin,
)
from asgi_thinking.dialects._itemized import ItemEncoder, ItemForm
from asgi_thinking.dialects._places import Order, merged, with_places
from asgi_thinking.echo import is_object, item_type
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.lanes import Lane, json_line
from asgi_thinking.messages import Choice, RedactedThinking, Text, Thinking, ToolCall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asgi_thinking.dialects import Asked, CallSlot
    from asgi_thinking.events import Finish, MessageStart
    from asgi_thinking.messages import Block, Message

__all__ = ["OPENROUTER", "OpenRouterDialect"]

# What OpenRouter calls our kinds of providers; others go by their own name.
# Source: https://openrouter.ai/docs/guides/routing/provider-selection, read 2026-11-22.
_PROVIDERS: Final = {
    "anthropic": "Anthropic",
    "bedrock": "Amazon Bedrock",
    "vertex": "Google",
    "gemini": "Google AI Studio",
}

# The formats of those whose origin is not one of OpenRouter's formats itself.
_FORMATS: Final = {"gemini": GEMINI_FORMAT, "vertex": GEMINI_FORMAT}


class OpenRouterDialect:
    """Thinking in `reasoning` and `reasoning_details`."""

    __slots__ = ()

    name = "openrouter"
    opt_in: bytes | None = None
    shows_thinking = True
    ordered = True
    in_content = False
    own_keys = frozenset({"reasoning", "reasoning_details"})
    plain = False

    def encode_message(self, message: Message, asked: Asked) -> dict[str, Any]:
        """A whole reply, with both keys if thinking was asked for: null where there was none."""
        write = _thinking_message if asked.thinking else _plain_message
        choices = [
            {**plain_choice(index, choice, write(choice)), "native_finish_reason": _native(choice)}
            for index, choice in enumerate(message.choices)
        ]
        return completion(message, choices, provider=_provider(message.provider))

    def encoder(self, asked: Asked) -> StreamEncoder:
        """An encoder that sends thinking if it was asked for."""
        if asked.thinking:
            return _ThinkingEncoder(_FORM, include_usage=asked.include_usage, seal=google_seal)
        return _PlainEncoder(include_usage=asked.include_usage, seal=google_seal)

    def read_echo(self, message: Mapping[str, Any]) -> Sequence[Block | CallSlot] | None:
        """The blocks of `reasoning_details`, with the text and the calls in their places.

        A `ToolCall` holds nothing but the signature for the call of its id.

        Raises:
            InvalidRequest: a field is of the wrong type; `param` as in `reasoning_details[0].text`.
        """
        order = Order.of(message)
        read = partial(_read, order)
        found = fields.given(message, "reasoning_details", read)
        if found is None:
            # LiteLLM keeps there whatever else a message had, and sends it back.
            found = fields.given(message, "provider_specific_fields", partial(_within, read))
        return order.rest() if found else None


OPENROUTER: Final = OpenRouterDialect()

_FORM: Final = ItemForm("reasoning", "reasoning_details")


def _provider(kind: str) -> str:
    return _PROVIDERS.get(kind, kind)


def _native(choice: Choice | Finish) -> str | None:
    return choice.native or None


# -- items -------------------------------------------------------------------------------------


def _thought(block: Thinking | RedactedThinking, number: int) -> JSONObject:
    """The item of a block of thinking."""
    item = detail_item(block, number)
    vendor = block.origin.partition("?")[0]
    if vendor and vendor not in FORMATS:
        item["format"] = _FORMATS.get(vendor, UNKNOWN_FORMAT)
        item["provider"] = block.origin
    return item


def _seal(signature: str, origin: str, **members: Any) -> JSONObject:
    """The item of the signature of a text or of a call."""
    known = origin if origin in FORMATS else _FORMATS.get(origin, UNKNOWN_FORMAT)
    seal = {"type": ENCRYPTED, "data": signature, "format": known, "provider": origin}
    return {**seal, **members}


# -- whole replies -----------------------------------------------------------------------------


def _plain_message(choice: Choice) -> JSONObject:
    return plain_message(choice, google_seal)


def _thinking_message(choice: Choice) -> JSONObject:
    message = shown_message(choice, google_seal)
    items = _items(choice.blocks)
    thoughts = [b.text for b in choice.blocks if isinstance(b, Thinking) and b.text]
    return {
        "role": message.pop("role"),
        "content": message.pop("content"),
        "reasoning": "\n\n".join(thoughts) or None,
        "reasoning_details": items or None,
        **message,
    }


def _items(blocks: Sequence[Block]) -> list[JSONObject]:
    items: list[JSONObject] = []
    number = 0
    for block, place in with_places(blocks):
        match block:
            case Thinking(text, signature) if text or signature:
                item = _thought(block, number) | place
            case RedactedThinking():
                item = _thought(block, number) | place
            case Text(text, signature, origin) if signature:
                item = _seal(signature, origin, content_length=len(text), index=number) | place
            case ToolCall(call_id, _, _, signature, origin) if signature:
                item = _seal(signature, origin, id=call_id, index=number)
            case _:
                continue
        number = max(number, item["index"])
        items.append({**item, "index": number})
        number += 1
    return items


# -- streams -----------------------------------------------------------------------------------


def _named(head: JSONObject, start: MessageStart) -> JSONObject:
    return {**head, "provider": _provider(start.provider)}


def _ending(event: Finish) -> bytes:
    """What stands before the finish reason in a choice's last chunk."""
    return StreamEncoder.finish + b'"native_finish_reason":' + json_line(_native(event)) + b","


class _PlainEncoder(StreamEncoder):
    """OpenAI's chunks with the provider and the vendor's own word for the finish reason."""

    __slots__ = ("finish",)

    def _head_fields(self, start: MessageStart) -> JSONObject:
        return _named(super()._head_fields(start), start)

    def _finish(self, event: Finish) -> None:
        self.finish = _ending(event)
        super()._finish(event)


class _ThinkingEncoder(ItemEncoder):
    """The same, and each fragment of thinking in `reasoning` and in an item."""

    __slots__ = ("finish",)

    def _head_fields(self, start: MessageStart) -> JSONObject:
        return _named(super()._head_fields(start), start)

    def _finish(self, event: Finish) -> None:
        self.finish = _ending(event)
        super()._finish(event)

    def _kind(self, lane: Lane) -> tuple[JSONObject, str]:
        kind = _thought(_shell(lane), 0)["type"]
        return {"type": kind}, DETAIL_TEXTS[kind]

    def _first(self, lane: Lane) -> JSONObject:
        item = _thought(_shell(lane), 0)
        return _among(item, "id", "provider") | self._places[lane.block.index]

    def _last(self, lane: Lane) -> JSONObject:
        return _among(_thought(_shell(lane), 0), "signature", "format")

    def _whole(self, lane: Lane) -> JSONObject | None:
        block, place = lane.block, self._places[lane.block.index]
        match block.kind:
            case "redacted_thinking":
                item = _thought(RedactedThinking(block.data or "", block.origin), 0)
                return _among(item, "type", "data", "id", "format", "provider") | place
            case "text" if lane.signature:
                return _seal(lane.signature, block.origin, content_length=lane.length) | place
            case "tool_call" if lane.signature:
                return _seal(lane.signature, block.origin, id=block.id or "")
            case _:
                return None

    def _number(self, lane: Lane) -> int:
        """The next index, or the one that an upstream of this format gave the item."""
        number = self._numbers.get(lane.block.choice, 0)
        if lane.block.kind in ("thinking", "redacted_thinking"):
            number = max(number, detail_item(_shell(lane), number)["index"])
        self._numbers[lane.block.choice] = number + 1
        return number


def _shell(lane: Lane) -> Thinking:
    """A block of thinking without its text."""
    return Thinking("", lane.signature, lane.block.origin)


def _among(item: JSONObject, *names: str) -> JSONObject:
    """Those of the members that the item has."""
    return {name: item[name] for name in names if name in item}


# -- what clients send back --------------------------------------------------------------------


def _read(order: Order, value: Any) -> bool:
    """Put the items' blocks in order, and say whether there are any."""
    found = False
    for number, (position, item) in enumerate(merged(fields.array(value), DETAIL_TEXTS)):
        try:
            block, seal = _block(item, number), _call_seal(item)
            if block is not None:
                order.put(block, item)
        except InvalidRequest as error:
            raise fields.under(f"[{position}]", error) from None
        if seal is not None:
            order.pieces.append(seal)
        found = found or block is not None or seal is not None
    return found


def _within(read: fields.Reader[bool], value: Any) -> bool:
    kept = value if is_object(value) else {}
    return bool(fields.given(kept, "reasoning_details", read))


def _block(item: JSONObject, number: int) -> Thinking | RedactedThinking | None:
    """The block of an item, `number` items after the first; None where it holds none."""
    kind = item_type(item)
    origin = _origin(item, number)
    if kind == ENCRYPTED:
        data = fields.given(item, "data", fields.string)
        of_call = item.get("provider") is not None and item.get("id") is not None
        return None if data is None or of_call else RedactedThinking(data, origin)
    if kind not in DETAIL_TEXTS:
        return None
    text = fields.given(item, DETAIL_TEXTS[kind], fields.string) or ""
    signature = fields.given(item, "signature", fields.string) or None
    return Thinking(text, signature, origin) if text or signature else None


def _call_seal(item: JSONObject) -> ToolCall | None:
    """The signature for the call that an encrypted item names.

    Clients may have dropped `provider`. Then it is as well Gemini's own as one that has come from
    OpenRouter as a block, and stands for both: each vendor takes what is its.
    """
    call_id = fields.given(item, "id", fields.string)
    if call_id is None or item_type(item) != ENCRYPTED:
        return None
    provider = fields.given(item, "provider", fields.string)
    if provider is None and item.get("format") != GEMINI_FORMAT:
        return None
    data = fields.given(item, "data", fields.string)
    return (
        ToolCall(call_id, "", "", data, GOOGLE if provider is None else provider) if data else None
    )


def _origin(item: JSONObject, number: int) -> str:
    provider = fields.given(item, "provider", fields.string)
    if provider is not None:
        return provider
    index, vendor = item.get("index"), item.get("format")
    if isinstance(index, int) and not (isinstance(vendor, str) and vendor in FORMATS):
        number = index  # only those of the formats come from where an index means something
    return detail_origin(item, number)
