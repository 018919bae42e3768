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

from dataclasses import dataclass, field
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
from asgi_thinking.echo import THINKING_TYPES, is_array, item_type, read_thinking
from asgi_thinking.exceptions import InvalidRequest
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
        content = message.get("content")
        calls = message.get("tool_calls")
        reader = _Reader(
            content if isinstance(content, str) else "",
            len(calls) if is_array(calls) else 0,
        )
        fields.given(message, "thinking_blocks", reader.read)
        if not reader.found:
            text = fields.given(message, "reasoning_content", fields.string)
            signature = fields.given(message, "reasoning_signature", fields.string)
            if not (text or signature):
                return None
            reader.pieces = [Thinking(text or "", signature or None)]
        return reader.rest()


TRUEFOUNDRY: Final = TrueFoundryDialect()

# What of the form a message has, if it is of this form.
_FORM: Final = frozenset({"thinking_blocks", "reasoning_content", "reasoning_signature"})


@dataclass(slots=True)
class _Place:
    """Where in its choice a block starts: code points of content and tool calls before it."""

    content: int = 0
    calls: int = 0

    def fields(self) -> JSONObject:
        """The place as a block says it; nothing where it is the very first."""
        if not (self.content or self.calls):
            return {}
        named = {"content": self.content, "tool_calls": self.calls}
        return {"after": {name: count for name, count in named.items() if count}}


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
    place = _Place()
    for block in blocks:
        match block:
            case Thinking(text, signature, origin) if text or signature:
                items.append(_thinking(text, signature, origin) | place.fields())
            case RedactedThinking(data, origin):
                items.append(_redacted(data, origin) | place.fields())
            case Text(text, signature, origin):
                if signature:
                    items.append(_of_text(signature, origin, len(text)) | place.fields())
                place.content += len(text)
            case ToolCall(call_id, _, _, signature, origin):
                place.calls += 1
                if signature:
                    items.append(_of_call(signature, origin, call_id))
            case _:
                pass
    return items


def _thinking(text: str, signature: str | None, origin: str) -> JSONObject:
    return signed({"type": "thinking", "thinking": text}, signature, origin)


def _redacted(data: str, origin: str) -> JSONObject:
    return signed({"type": "redacted_thinking", "data": data}, None, origin)


def _of_text(signature: str, origin: str, length: int) -> JSONObject:
    return _thinking("", signature, origin) | {"content_length": length}


def _of_call(signature: str, origin: str, call_id: str) -> JSONObject:
    return _thinking("", signature, origin) | {"tool_call_id": call_id}


class _ThinkingEncoder(StreamEncoder):
    """Fragments of thinking as they come, then the whole block."""

    __slots__ = ("_numbers", "_places", "_thoughtful")

    def __init__(self, *, include_usage: bool, seal: Seal) -> None:
        super().__init__(include_usage=include_usage, seal=seal)
        self._numbers: dict[int, int] = {}  # by choice: the next block's index
        self._places: dict[int, JSONObject] = {}  # by block
        self._thoughtful: set[int] = set()  # choices that have shown thinking

    def _open(self, lane: Lane) -> None:
        block = lane.block
        self._places[block.index] = self._place(block.choice).fields()
        if block.kind == "thinking":
            lane.whole = bytearray()
            self._frame(lane)
        else:
            super()._open(lane)

    def _place(self, choice: int) -> _Place:
        content = sum(
            lane.length
            for lane in self._lanes
            if lane.block.choice == choice and lane.block.kind == "text"
        )
        return _Place(content, self._calls.get(choice, 0))

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
            text = b'"thinking":"' + lane.whole[lane.skip :] + b'"'
            line = line.replace(b'"thinking":""', text, 1)
        self._chunk(choice, delta + b',"thinking_blocks":[' + line + b"]")


@dataclass(slots=True)
class _Reader:
    """Puts the blocks of an echo, the text and the places of calls in order.

    `calls` is the number of the message's calls; `at` and `placed` say how much of the text and how
    many calls are in `pieces` already.
    """

    content: str
    calls: int
    at: int = 0
    placed: int = 0
    found: bool = False
    pieces: list[Block | CallSlot] = field(default_factory=list[Block | CallSlot])

    def read(self, value: Any) -> None:
        """Take the array of blocks; items that are none are passed over."""
        for position, item in enumerate(fields.array(value)):
            if item_type(item) not in THINKING_TYPES:
                continue
            try:
                self._read(item)
            except InvalidRequest as error:
                raise fields.under(f"[{position}]", error) from None

    def _read(self, item: Mapping[str, Any]) -> None:
        block = read_thinking(item)
        if block == Thinking("", None, block.origin):
            return
        self.found = True
        call_id = fields.given(item, "tool_call_id", fields.string)
        length = fields.given(item, "content_length", fields.integer(0))
        signature = block.signature if isinstance(block, Thinking) else None
        if call_id is not None:
            self.pieces.append(ToolCall(call_id, "", "", signature, block.origin))
            return
        self._advance(fields.given(item, "after", _read_place) or _Place())
        if length is None:
            self.pieces.append(block)
            return
        text = self.content[self.at : self.at + length]
        self.at += len(text)
        self.pieces.append(Text(text, signature, block.origin))

    def _advance(self, place: _Place) -> None:
        """Put in what stood before a block."""
        if text := self.content[self.at : place.content]:
            self.pieces.append(Text(text))
            self.at += len(text)
        calls = range(self.placed, min(place.calls, self.calls))
        self.pieces += map(CallSlot, calls)
        self.placed += len(calls)

    def rest(self) -> list[Block | CallSlot]:
        """All pieces, with the text that no block stood behind."""
        if text := self.content[self.at :]:
            self.pieces.append(Text(text))
        return self.pieces


def _read_place(value: Any) -> _Place:
    place = fields.mapping(value)
    return _Place(
        fields.given(place, "content", fields.integer(0)) or 0,
        fields.given(place, "tool_calls", fields.integer(0)) or 0,
    )
