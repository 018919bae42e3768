"""TrueFoundry's format for thinking, and the default: OpenAI's, with two more keys.

    message = {"role", "content", "reasoning_content", "thinking_blocks": [block, …], "tool_calls"?}
    block = {"type": "thinking", "thinking", "signature"?} | {"type": "redacted_thinking", "data"}
    delta = {"content": "", "reasoning_content"} | {"content"} | {"tool_calls": […]}
          | {"content": "", "reasoning_content": "", "reasoning_signature"?,
             "thinking_blocks": [block]}

In a stream each block comes whole when it ends, with an `index`: the gateway's own sample,
openai-python's stream helper and LiteLLM each lose or break other forms. A caller who did not ask
to see thinking gets neither key.

Members of a block beyond the vendor's: `provider` names who can verify its signature, unless that
is Claude's family. `after` says where it stood, as the code points of content and the tool calls
before it, unless it was before them all. An empty block with a signature holds that of a tool call
(`tool_call_id`) or of the text that begins there and is `content_length` code points long.

Source: "Extended Thinking", indexed at https://www.truefoundry.com/llms.txt, read 2026-11-22.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from asgi_thinking import _fields as fields
from asgi_thinking.chunks import StreamEncoder
from asgi_thinking.completions import (
    JSONObject,
    Seal,
    completion,
    google_seal,
    plain_choice,
    plain_message,
    shown_message,
    signed,
)
from asgi_thinking.dialects import Asked, CallSlot
from asgi_thinking.dialects._places import (
    Order,
    PlacingEncoder,
    read_thinking_blocks,
    with_places,
)
from asgi_thinking.lanes import Lane, json_line
from asgi_thinking.messages import (
    Block,
    Choice,
    Message,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["TRUEFOUNDRY", "TrueFoundryDialect"]


class TrueFoundryDialect:
    """Thinking in `reasoning_content` and `thinking_blocks`."""

    __slots__ = ()

    name = "truefoundry"
    opt_in: bytes | None = None
    shows_thinking = True
    ordered = True
    in_content = False
    own_keys = frozenset({"reasoning_content", "reasoning_signature", "thinking_blocks"})
    plain = True

    def encode_message(self, message: Message, asked: Asked) -> dict[str, Any]:
        """A whole reply, with both keys if thinking was asked for: null where there was none."""
        write = _thinking_message if asked.thinking else _plain_message
        choices = [
            plain_choice(index, choice, write(choice))
            for index, choice in enumerate(message.choices)
        ]
        return completion(message, choices)

    def encoder(self, asked: Asked) -> StreamEncoder:
        """An encoder that sends thinking if it was asked for."""
        kind = _ThinkingEncoder if asked.thinking else StreamEncoder
        return kind(include_usage=asked.include_usage, seal=google_seal)

    def read_echo(self, message: Mapping[str, Any]) -> Sequence[Block | CallSlot] | None:
        """The blocks of `thinking_blocks`, with the text and the calls around them in their places.

        Without them `reasoning_content` is one block. A `ToolCall` holds nothing but the signature
        for the call of its id.

        Raises:
            InvalidRequest: a field is of the wrong type; `param` as in `thinking_blocks[0].after`.
        """
        if _FORM.isdisjoint(message):
            return None
        order = Order.of(message)
        read = partial(read_thinking_blocks, order)
        if not fields.given(message, "thinking_blocks", read):
            text = fields.given(message, "reasoning_content", fields.string)
            signature = fields.given(message, "reasoning_signature", fields.string)
            if not (text or signature):
                return None
            order.pieces = [Thinking(text or "", signature or None)]
        return order.rest()


TRUEFOUNDRY: Final = TrueFoundryDialect()

# What of the form a message has, if it is of this form.
_FORM: Final = frozenset({"thinking_blocks", "reasoning_content", "reasoning_signature"})


def _plain_message(choice: Choice) -> JSONObject:
    return plain_message(choice, google_seal)


def _thinking_message(choice: Choice) -> JSONObject:
    message = shown_message(choice, google_seal)
    blocks = _thinking_blocks(choice.blocks)
    thoughts = [b.text for b in choice.blocks if isinstance(b, Thinking) and b.text]
    return {
        "role": message.pop("role"),
        "content": message.pop("content"),
        "reasoning_content": "\n\n".join(thoughts) if blocks else None,
        "thinking_blocks": blocks or None,
        **message,
    }


def _thinking_blocks(blocks: Sequence[Block]) -> list[JSONObject]:
    items: list[JSONObject] = []
    for block, place in with_places(blocks):
        # Patterns that look into a class would cost a reply more than all else here.
        if isinstance(block, Thinking):
            if block.text or block.signature:
                items.append(_thinking(block.text, block.signature, block.origin) | place)
        elif isinstance(block, RedactedThinking):
            items.append(_redacted(block.data, block.origin) | place)
        elif isinstance(block, Text):
            if block.signature:
                items.append(_of_text(block.signature, block.origin, len(block.text)) | place)
        elif isinstance(block, ToolCall) and block.signature:
            items.append(_of_call(block.signature, block.origin, block.id))
    return items


def _thinking(text: str, signature: str | None, origin: str) -> JSONObject:
    return signed({"type": "thinking", "thinking": text}, signature, origin)


def _redacted(data: str, origin: str) -> JSONObject:
    return signed({"type": "redacted_thinking", "data": data}, None, origin)


def _of_text(signature: str, origin: str, length: int) -> JSONObject:
    return _thinking("", signature, origin) | {"content_length": length}


def _of_call(signature: str, origin: str, call_id: str) -> JSONObject:
    return _thinking("", signature, origin) | {"tool_call_id": call_id}


class _ThinkingEncoder(PlacingEncoder):
    """Fragments of thinking as they come, then the whole block."""

    __slots__ = ("_numbers", "_thoughtful")

    def __init__(self, *, include_usage: bool, seal: Seal) -> None:
        super().__init__(include_usage=include_usage, seal=seal)
        self._numbers: dict[int, int] = {}  # by choice: the next block's index
        self._thoughtful: set[int] = set()  # choices that have shown thinking

    def _open(self, lane: Lane) -> None:
        super()._open(lane)
        if lane.block.kind == "thinking":
            lane.whole = bytearray()
            self._frame(lane)

    def _frame(self, lane: Lane) -> None:
        super()._frame(lane)
        if lane.block.kind == "thinking":
            before, _ = self._around(lane.block.choice)
            lane.prefix = before + b'"content":"","reasoning_content":'

    def _begin(self, lane: Lane, text: str) -> tuple[bytes, str]:
        choice = lane.block.choice
        if lane.block.kind == "thinking":
            if choice in self._thoughtful:
                text = "\n\n" + text
                lane.skip = len(rb"\n\n")
            self._thoughtful.add(choice)
        return super()._begin(lane, text)

    def _close(self, lane: Lane) -> None:
        super()._close(lane)
        block, signature = lane.block, lane.signature
        place = self._places.pop(block.index)
        if block.kind == "redacted_thinking":
            self._send_block(lane, _redacted(block.data or "", block.origin) | place)
        elif block.kind == "thinking" and (lane.flows or signature):
            self._send_block(lane, _thinking("", signature, block.origin) | place)
        elif block.kind == "text" and signature:
            self._send_block(lane, _of_text(signature, block.origin, lane.length) | place)
        elif block.kind == "tool_call" and signature:
            self._send_block(lane, _of_call(signature, block.origin, block.id or ""))

    def _send_block(self, lane: Lane, item: JSONObject) -> None:
        """Send a whole block; beside it stand empty strings, or LiteLLM would drop the delta."""
        choice = lane.block.choice
        number = self._numbers.get(choice, 0)
        self._numbers[choice] = number + 1
        delta = b'"content":"","reasoning_content":""'
        if "signature" in item:
            delta += b',"reasoning_signature":' + json_line(item["signature"])
        line = json_line({"index": number, **item})
        if lane.whole:
            line = line.replace(b'"thinking":""', b'"thinking":' + lane.collected(), 1)
        self._chunk(choice, delta + b',"thinking_blocks":[' + line + b"]")
