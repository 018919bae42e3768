"""One choice of a reply, from its deltas to the events of its blocks; a message is one delta.

Source: https://platform.openai.com/docs/api-reference/chat-streaming, read 2026-11-22.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Event,
    Extra,
    SignatureDelta,
    TextDelta,
    ToolCallDelta,
)
from asgi_thinking.messages import synthetic_call_id
from asgi_thinking.wire.openai.thinking import THINKING_KEYS, Prose, checked, is_object

if TYPE_CHECKING:
    from asgi_thinking.wire.openai.tags import TagSplitter
    from asgi_thinking.wire.openai.thinking import Reply

__all__ = ["ChoiceReader"]

JSONObject: TypeAlias = dict[str, Any]

# What `feed` has seen to before the rest.
_SEEN: Final = THINKING_KEYS | {"role", "content"}

_OTHERS: Final = frozenset({"tool_calls", "refusal", "annotations"})

# What a server says of the state it is in, on each delta anew: Groq's gpt-oss.
# Source: https://console.groq.com/docs/reasoning, read 2026-11-22.
_STATES: Final = frozenset({"channel"})


@dataclass(slots=True)
class _Call:
    """A tool call; `block` is -1 until its name is known, and `waiting` are arguments till then."""

    id: str
    block: int = -1
    waiting: list[str] = field(default_factory=list[str])


class ChoiceReader(Prose):
    """Turns the deltas of one choice into events; `native` is its finish reason, "" before it.

    Calls stay open until the end, because their fragments may alternate. `quiet` is what the choice
    last said beside its delta, if that was nothing.
    """

    __slots__ = ("_calls", "_numbered", "_states", "called", "native", "quiet")

    def __init__(self, index: int, reply: Reply, tags: TagSplitter | None = None) -> None:
        super().__init__(index, reply, tags)
        self._calls: list[_Call] = []
        self._numbered: dict[Any, _Call] = {}  # by the wire's index
        self._states: JSONObject = {}
        self.called = False
        self.native = ""
        self.quiet: JSONObject | None = None

    def feed(self, delta: JSONObject, events: list[Event]) -> None:
        """Take a delta, or a whole message; thinking comes before the answer beside it."""
        content: Any = None
        thinks = more = False
        for key, value in delta.items():
            if value is None or value == "":
                continue
            if key == "content":
                content = value
            elif key in THINKING_KEYS:
                thinks = True
            elif key != "role":
                more = True
        if thinks:
            self.think(delta, events)
        if content.__class__ is str and self._kind == "text" and self._tags is None:
            events.append(TextDelta(self._block, content))
        elif content is not None:
            self.answer(content, events)
        if more:
            self._more(delta, events)

    def close(self, events: list[Event]) -> None:
        """The choice is over: what was held back, and the end of every open block."""
        self.end(events)
        for call in self._calls:
            if call.block < 0:
                self._start_call(call, "", "", events)
            events.append(BlockStop(call.block))

    def _more(self, delta: JSONObject, events: list[Event]) -> None:
        """What a delta has beside thinking and answer."""
        for source in delta.get("annotations") or ():
            self._cite(source, events)
        if refusal := delta.get("refusal"):
            self.say("refusal", checked(refusal), events)
        for position, call in enumerate(delta.get("tool_calls") or ()):
            self._call(call, position, events)
        unknown = {
            key: value
            for key, value in delta.items()
            if not (value is None or value == "" or key in _SEEN or key in _OTHERS)
            and not (key in _STATES and self._states.get(key) == value)
        }
        if unknown:
            self._states |= unknown
            events.append(Extra("delta", unknown, self._index))

    def _call(self, item: JSONObject, position: int, events: list[Event]) -> None:
        """A tool call or a fragment of one.

        Some servers number the calls of each delta anew: another id beside a name is another call.
        """
        if item.get("type") == "custom":
            self.opaque(item, events)
            return
        number = item.get("index")
        number = position if number is None else number
        function: JSONObject = item.get("function") or {}
        name, named = checked(function.get("name") or ""), checked(item.get("id") or "")
        call = self._numbered.get(number)
        if call is None or (name and named and call.id not in ("", named)):
            call = self._numbered[number] = _Call(named)
            self._calls.append(call)
        arguments = _arguments(function.get("arguments"))
        if call.block >= 0:
            events += [ToolCallDelta(call.block, arguments)] if arguments else ()
            return
        call.id = call.id or named
        call.waiting += [arguments] if arguments else ()
        if name:
            self._start_call(call, name, _signature(item), events)

    def _start_call(self, call: _Call, name: str, signature: str, events: list[Event]) -> None:
        self.end(events)
        self.called = True
        ordinal = self._reply.calls
        self._reply.calls += 1
        call.id = call.id or synthetic_call_id(self._reply.id, ordinal)
        call.block = index = self._next_block()
        origin = "gemini" if signature else ""
        events.append(BlockStart(index, "tool_call", self._index, call.id, name, origin=origin))
        events += [ToolCallDelta(index, text) for text in call.waiting]
        if signature:
            events.append(SignatureDelta(index, signature))

    def _cite(self, source: JSONObject, events: list[Event]) -> None:
        """A source of the answer; one that is no web page is kept as it is."""
        page = source.get("url_citation")
        page = page if is_object(page) else {}
        url, title = checked(page.get("url") or ""), checked(page.get("title") or "")
        place = _number(page.get("start_index")), _number(page.get("end_index"))
        block = self.answer_block(events)
        events.append(Annotation(block, *place, url, title, raw=source))


def _number(value: Any) -> int:
    return value if value.__class__ is int and value > 0 else 0


def _arguments(value: Any) -> str:
    """A call's arguments as text; some servers give the object itself."""
    if value is None or value.__class__ is str:
        return value or ""
    return orjson.dumps(value).decode()


def _signature(call: JSONObject) -> str:
    """A call's signature, where Google's endpoint has it.

    Source: https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-22.
    """
    match call:
        case {"extra_content": {"google": {"thought_signature": str(signature)}}}:
            return signature
        case _:
            return ""
