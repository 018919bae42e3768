"""The prose of one choice: thinking, answer and refusal, from deltas to the events of blocks.

Thinking comes under many keys, and under several at once: what has structure (`thinking_blocks`,
`reasoning_details`, parts of `content`) comes before the plain strings `reasoning_content` and
`reasoning`, which then only repeat it.

Sources, all read 2026-11-22: https://openrouter.ai/docs/use-cases/reasoning-tokens,
https://docs.litellm.ai/docs/reasoning_content, https://docs.mistral.ai/capabilities/reasoning,
https://api-docs.deepseek.com/guides/thinking_mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

import orjson

from asgi_thinking.details import DETAIL_TEXTS, ENCRYPTED, detail_origin
from asgi_thinking.events import (
    BlockKind,
    BlockStart,
    BlockStop,
    Event,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)

if TYPE_CHECKING:
    from asgi_thinking.wire.openai.tags import TagSplitter

__all__ = ["THINKING_KEYS", "Prose", "Reply", "checked", "is_array", "is_object"]

JSONObject: TypeAlias = dict[str, Any]

THINKING_KEYS: Final = frozenset(
    {
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "reasoning_signature",
        "thinking_blocks",
    }
)

# Items of `thinking_blocks` that repeat a signature which stands elsewhere too.
_PLACED: Final = frozenset({"tool_call_id", "content_length"})


@dataclass(slots=True)
class Reply:
    """What the choices of a reply share: its id, and the numbers of blocks and calls so far.

    `owner` is the origin of blocks that nobody but this upstream understands.
    """

    owner: str
    id: str = ""
    blocks: int = 0
    calls: int = 0


class Prose:
    """The blocks of prose of one choice, of which one is open at a time.

    Every method appends to `events`, and raises TypeError, ValueError, LookupError or
    AttributeError for JSON that is not of this wire.
    """

    __slots__ = (
        "_block",
        "_details",
        "_index",
        "_key",
        "_kind",
        "_reply",
        "_sealed",
        "_signed",
        "_tags",
        "_whole_blocks",
        "thoughts",
    )

    def __init__(self, index: int, reply: Reply, tags: TagSplitter | None = None) -> None:
        self._index = index
        self._reply = reply
        self._tags = tags
        self._kind: BlockKind | None = None  # of the block that is open
        self._block = 0
        self._key: tuple[Any, Any, Any] | None = None  # of the detail that thinking came from
        self._signed = False
        self.thoughts: list[str] = []  # of the thinking that is open
        self._details = 0
        self._sealed = ""
        self._whole_blocks = False  # whether blocks come whole, after their fragments

    def answer(self, content: Any, events: list[Event]) -> None:
        """A fragment of `content`, which may be an array: Mistral's, or in Anthropic's way."""
        if is_array(content):
            for part in content:
                self._content_part(part, events)
        elif self._tags is None:
            self.say("text", checked(content), events)
        else:
            self._tagged(self._tags.feed(checked(content)), events)

    def answer_block(self, events: list[Event]) -> int:
        """The index of the open block of the answer."""
        if self._kind != "text":
            self._open("text", events)
        return self._block

    def say(self, kind: BlockKind, text: str, events: list[Event]) -> None:
        """A fragment of the answer or of a refusal."""
        if self._kind != kind:
            self._open(kind, events)
        events.append(TextDelta(self._block, text))

    def opaque(self, value: Any, events: list[Event]) -> None:
        """What nobody here understands, as its JSON text."""
        self._whole("opaque", orjson.dumps(value).decode(), self._reply.owner, events)

    def end(self, events: list[Event]) -> None:
        """Nothing more follows here: tell what was held back, and stop the open block."""
        if self._tags is not None:
            self._tagged(self._tags.close(), events)
        self._close(events)

    def think(self, delta: JSONObject, events: list[Event]) -> None:
        """What a delta says under all the keys of thinking."""
        content = delta.get("reasoning_content")
        plain = content or delta.get("reasoning") or ""
        if blocks := _items(delta.get("thinking_blocks")):
            for block in blocks:
                self._item(block, events, ends=content == "" and not plain)
        if details := _items(delta.get("reasoning_details")):
            if blocks:
                details = [item for item in details if item.get("type") == ENCRYPTED]
            elif plain and not any(map(_detail_text, details)):
                self._plain(checked(plain), events)
            for item in details:
                self._detail(item, events)
        elif plain and not blocks:
            self._plain(checked(plain), events)
        if not blocks and (signature := delta.get("reasoning_signature")):
            self._sign(checked(signature), events)

    def _open(self, kind: BlockKind, events: list[Event], origin: str = "") -> None:
        self._close(events)
        self._kind = kind
        self._block = self._next_block()
        if kind == "thinking":
            self._key = None
            self._signed = False
            self.thoughts.clear()
        events.append(BlockStart(self._block, kind, self._index, origin=origin))

    def _close(self, events: list[Event]) -> None:
        if self._kind is not None:
            events.append(BlockStop(self._block))
            self._kind = None

    def _whole(self, kind: BlockKind, data: str, origin: str, events: list[Event]) -> None:
        """A block that has all its data from the start."""
        self._close(events)
        index = self._next_block()
        start = BlockStart(index, kind, self._index, data=data, origin=origin)
        events += [start, BlockStop(index)]

    def _next_block(self) -> int:
        index = self._reply.blocks
        self._reply.blocks += 1
        return index

    def _tagged(self, parts: list[tuple[bool, str]], events: list[Event]) -> None:
        for thinks, text in parts:
            if thinks:
                self._plain(text, events)
            else:
                self.say("text", text, events)

    def _content_part(self, part: Any, events: list[Event]) -> None:
        match part:
            case str(text) | {"type": "text", "text": str(text)}:
                if text:
                    self.say("text", text, events)
            case {"type": "thinking" | "redacted_thinking"}:
                self._item(part, events)
            case {}:
                self.opaque(part, events)
            case _:
                raise TypeError("expected a part")

    def _thought(self, text: str, events: list[Event]) -> None:
        """A fragment for the block of thinking that is open."""
        self.thoughts.append(text)
        events.append(ThinkingDelta(self._block, text))

    def _plain(self, text: str, events: list[Event]) -> None:
        """A fragment of a plain string; between blocks that also come whole stands a blank line."""
        if self._kind != "thinking" or self._signed:
            self._open("thinking", events)
            text = text.removeprefix("\n\n") if self._whole_blocks else text
        self._thought(text, events)

    def _sign(self, signature: str, events: list[Event]) -> None:
        if self._kind != "thinking":
            self._open("thinking", events)
        self._signed = True
        events.append(SignatureDelta(self._block, signature))

    def _item(self, item: JSONObject, events: list[Event], *, ends: bool = False) -> None:
        """A block of thinking or a fragment of one; `ends`: or one whose text has been told."""
        if not _PLACED.isdisjoint(item):
            return
        origin = checked(item.get("provider") or "")
        if item.get("type") == "redacted_thinking":
            self._whole("redacted_thinking", checked(item.get("data") or ""), origin, events)
            return
        text, vendor = _thinking_text(item.get("thinking"))
        signature = checked(item.get("signature") or "")
        goes_on = self._kind == "thinking" and not self._signed
        told = ends and goes_on and "".join(self.thoughts) == text
        if not goes_on and (text or signature):
            self._open("thinking", events, origin or (vendor if signature else ""))
        if text and not told:
            self._thought(text, events)
        if signature:
            self._sign(signature, events)
        if told:
            self._whole_blocks = True
            self._close(events)

    def _detail(self, item: JSONObject, events: list[Event]) -> None:
        """An item of `reasoning_details`, or a fragment of one."""
        if item.get("type") == ENCRYPTED:
            if (data := checked(item.get("data") or "")) and data != self._sealed:
                self._sealed = data
                origin = detail_origin(item, self._details)
                self._whole("redacted_thinking", data, origin, events)
                self._details += 1
            return
        if item.get("type") not in DETAIL_TEXTS:
            self.opaque(item, events)
            return
        text, signature = _detail_text(item), checked(item.get("signature") or "")
        if not (text or signature):
            return
        key = (item["type"], item.get("index"), item.get("id"))
        if self._is_new(key):
            self._open("thinking", events, detail_origin(item, self._details))
        if self._key is None:
            self._details += 1
            self._key = key
        if text:
            self._thought(text, events)
        if signature:
            self._sign(signature, events)

    def _is_new(self, key: tuple[Any, Any, Any]) -> bool:
        """Whether a detail begins a block of its own; only its first fragment need have an id."""
        known = self._key
        if self._kind != "thinking" or (self._signed and (known is None or key[1] is None)):
            return True
        if known is None:
            return False
        return key[:2] != known[:2] or (None not in (key[2], known[2]) and key[2] != known[2])


def is_object(value: Any) -> TypeGuard[JSONObject]:
    """Whether the value is an object."""
    return value.__class__ is dict


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Whether the value is an array."""
    return value.__class__ is list


def checked(value: Any) -> str:
    """The value, if it is a string.

    Raises:
        TypeError: it is none.
    """
    if value.__class__ is not str:
        raise TypeError("expected a string")
    return value


def _thinking_text(value: Any) -> tuple[str, str]:
    """The text of a thinking block, and whose form of it this is: Mistral's has parts."""
    if is_array(value):
        texts = [part["text"] for part in value if is_object(part) and part.get("text")]
        return "".join(texts), "mistral"
    return checked(value or ""), ""


def _items(value: Any) -> list[JSONObject]:
    """The objects of an array; any other value has none."""
    if not is_array(value):
        return []
    return [item for item in value if is_object(item)]


def _detail_text(item: JSONObject) -> str:
    key = DETAIL_TEXTS.get(item.get("type") or "")
    return "" if key is None else checked(item.get(key) or "")
