"""Where the blocks of a reply stood, for dialects that keep thinking apart from the answer.

    block = {…, "after": {"content"?, "tool_calls"?}}

`after` counts the code points of content and the tool calls before the block; a count of zero is
left out, and so is an empty `after`. So replies that begin with their thinking, as most do, have
nothing in them that the vendor's own would not have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asgi_thinking import _fields as fields
from asgi_thinking.chunks import StreamEncoder
from asgi_thinking.dialects import CallSlot
from asgi_thinking.echo import THINKING_TYPES, is_array, is_object, item_type, read_thinking
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Block, RedactedThinking, Text, Thinking, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from asgi_thinking.completions import JSONObject
    from asgi_thinking.lanes import Lane

__all__ = ["Order", "PlacingEncoder", "merged", "read_thinking_blocks", "with_places"]


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


def with_places(blocks: Iterable[Block]) -> Iterator[tuple[Block, JSONObject]]:
    """The blocks of a choice, each with the members that say its place."""
    place = _Place()
    for block in blocks:
        yield block, place.fields()
        if isinstance(block, Text):
            place.content += len(block.text)
        elif isinstance(block, ToolCall):
            place.calls += 1


class PlacingEncoder(StreamEncoder):
    """Knows of each block where it stands; otherwise as any stream in OpenAI's chunks."""

    __slots__ = ("_places",)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._places: dict[int, JSONObject] = {}  # by block

    def _open(self, lane: Lane) -> None:
        self._places[lane.block.index] = self._place(lane.block.choice).fields()
        super()._open(lane)

    def _place(self, choice: int) -> _Place:
        content = sum(
            lane.length
            for lane in self._lanes
            if lane.block.choice == choice and lane.block.kind == "text"
        )
        return _Place(content, self._calls.get(choice, 0))


@dataclass(slots=True)
class Order:
    """Puts the blocks of an echo, the text and the places of calls in order.

    `calls` is the number of the message's calls; `at` and `placed` say how much of the text and how
    many calls are in `pieces` already.
    """

    content: str
    calls: int
    at: int = 0
    placed: int = 0
    pieces: list[Block | CallSlot] = field(default_factory=list[Block | CallSlot])

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Order:
        """Begin with the content and the calls of an assistant message."""
        content, calls = message.get("content"), message.get("tool_calls")
        text = content if isinstance(content, str) else ""
        return cls(text, len(calls) if is_array(calls) else 0)

    def put(self, block: Thinking | RedactedThinking, item: Mapping[str, Any]) -> None:
        """Put a block where its item says.

        An item with `content_length` holds the signature of the text of so many code points that
        stands there.
        """
        length = fields.given(item, "content_length", fields.integer(0))
        self._advance(fields.given(item, "after", _read_place) or _Place())
        if length is None:
            self.pieces.append(block)
            return
        text = self.content[self.at : self.at + length]
        self.at += len(text)
        seal = block.signature if isinstance(block, Thinking) else block.data
        self.pieces.append(Text(text, seal, block.origin))

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


def read_thinking_blocks(order: Order, value: Any) -> bool:
    """Put the blocks of `thinking_blocks` in order, and say whether there are any.

    What is no thinking is passed over. An item with `tool_call_id` holds the signature of that
    call.
    """
    found = False
    for position, item in merged(fields.array(value), {"thinking": "thinking"}):
        if item_type(item) not in THINKING_TYPES:
            continue
        try:
            found = _read_item(order, item) or found
        except InvalidRequest as error:
            raise fields.under(f"[{position}]", error) from None
    return found


def _read_item(order: Order, item: Mapping[str, Any]) -> bool:
    block = read_thinking(item)
    if block == Thinking("", None, block.origin):
        return False
    call_id = fields.given(item, "tool_call_id", fields.string)
    if call_id is None:
        order.put(block, item)
    else:
        signature = block.signature if isinstance(block, Thinking) else None
        order.pieces.append(ToolCall(call_id, "", "", signature, block.origin))
    return True


def merged(items: list[Any], texts: Mapping[str, str]) -> Iterator[tuple[int, JSONObject]]:
    """The objects among the items, each with its position; fragments of one block as one.

    Clients that only collect what a stream says send fragments back. They are neighbours that have
    an index and a type in common; a signature ends a block. `texts` has the key of the text of
    each type that comes in fragments.
    """
    found: list[tuple[int, JSONObject, list[Any]]] = []
    for position, item in enumerate(items):
        if not is_object(item):
            continue
        fragment = item.get(texts.get(item_type(item), ""), "")
        if found and item_type(item) in texts and _goes_on(found[-1][1], item):
            _, block, fragments = found[-1]
            block.update((name, value) for name, value in item.items() if value is not None)
            fragments.append(fragment)
        else:
            found.append((position, dict(item), [fragment]))
    for position, block, fragments in found:
        if len(fragments) > 1 and all(isinstance(each, str) for each in fragments):
            block[texts[block["type"]]] = "".join(fragments)
        yield position, block


def _goes_on(block: JSONObject, item: JSONObject) -> bool:
    """Whether an item is a further fragment of a block."""
    index = block.get("index")
    same = item_type(block) == item_type(item) and index == item.get("index")
    return same and isinstance(index, int) and not block.get("signature")
