"""Blocks, the turns of a conversation, and whole replies; `assemble` makes a reply of its events.

All values are read-only. Opaque data (signatures, redacted data, opaque blocks, tool arguments) is
kept exactly as it came.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias, assert_never

from asgi_thinking._read_only import read_only
from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Extra,
    Finish,
    FinishReason,
    MessageStart,
    SignatureDelta,
    StreamError,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)

__all__ = [
    "Assembler",
    "Block",
    "Choice",
    "Citation",
    "File",
    "Image",
    "Message",
    "Opaque",
    "Part",
    "RedactedThinking",
    "Refusal",
    "Text",
    "Thinking",
    "ToolCall",
    "Turn",
    "assemble",
    "explode",
    "synthetic_call_id",
]

JSONObject: TypeAlias = Mapping[str, Any]


@read_only
class Citation:
    """A source of a text block; offsets are code points of the choice's whole answer."""

    start: int
    end: int
    url: str
    title: str
    raw: JSONObject = field(default_factory=dict[str, Any])


@read_only
class Thinking:
    """Thinking, possibly empty (hidden), with the signature that lets it be sent back."""

    text: str
    signature: str | None = None
    origin: str = ""


@read_only
class RedactedThinking:
    """Thinking that only its vendor can read; `data` is its opaque text."""

    data: str
    origin: str = ""


@read_only
class Text:
    """Text of either side. Only Gemini signs it."""

    text: str
    signature: str | None = None
    origin: str = ""
    citations: tuple[Citation, ...] = ()
    cache_control: JSONObject | None = None


@read_only
class Refusal:
    """The model's explanation of why it refuses."""

    text: str


@read_only
class ToolCall:
    """A call of the caller's tool; `arguments` is JSON text, "" where none were given."""

    id: str
    name: str
    arguments: str
    signature: str | None = None
    origin: str = ""
    cache_control: JSONObject | None = None


@read_only
class Opaque:
    """A block that nobody here understands: its JSON text, and who does (`origin`)."""

    data: str
    origin: str = ""


@read_only
class Image:
    """An image of the caller: base64 `data` with its `media_type`, or a `url`."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    cache_control: JSONObject | None = None


@read_only
class File:
    """A document of the caller: base64 `data` with its `media_type` and file name."""

    media_type: str
    data: str
    name: str = ""
    cache_control: JSONObject | None = None


Block: TypeAlias = Thinking | RedactedThinking | Text | Refusal | ToolCall | Opaque
Part: TypeAlias = Block | Image | File


@read_only
class Turn:
    """One message of the request.

    A tool's turn answers `tool_call_id`; `is_error` says that the tool failed. Assistant turns hold
    blocks, the others text, images and files.
    """

    role: Literal["system", "developer", "user", "assistant", "tool"]
    parts: tuple[Part, ...] = ()
    tool_call_id: str = ""
    is_error: bool = False
    cache_control: JSONObject | None = None


@read_only
class Choice:
    """One choice of a reply; its choice object has `extras`, its message `delta_extras`."""

    blocks: tuple[Block, ...] = ()
    finish: FinishReason = "stop"
    native: str = ""
    extras: JSONObject = field(default_factory=dict[str, Any])
    delta_extras: JSONObject = field(default_factory=dict[str, Any])

    @property
    def text(self) -> str:
        """The answer: all text blocks, joined."""
        return "".join(b.text for b in self.blocks if isinstance(b, Text))


@read_only
class Message:
    """A whole reply."""

    id: str
    model: str
    created: int
    provider: str
    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    extras: JSONObject = field(default_factory=dict[str, Any])


def synthetic_call_id(reply_id: str, ordinal: int) -> str:
    """A tool-call id for vendors that give none, the same for every split of the reply's bytes."""
    digest = hashlib.sha256(f"{reply_id}\0{ordinal}".encode()).digest()
    return "call_g" + base64.urlsafe_b64encode(digest)[:22].decode()


def assemble(events: Iterable[Event]) -> Message:
    """Build the whole reply from its events.

    Raises:
        ThinkingError: the error of a `StreamError` event.
        ValueError: the events break the grammar (no start, or no end).
    """
    return Assembler(events).message()


class Assembler:
    """Collects events; one per reply."""

    __slots__ = (
        "_citations",
        "_done",
        "_extras",
        "_finish",
        "_signatures",
        "_start",
        "_starts",
        "_texts",
        "_usage",
    )

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._start: MessageStart | None = None
        self._starts: list[BlockStart] = []
        self._texts: list[list[str]] = []
        self._signatures: dict[int, str] = {}
        self._citations: dict[int, list[Citation]] = {}
        self._finish: dict[int, Finish] = {}
        self._extras: dict[tuple[str, int], dict[str, Any]] = {}
        self._usage: Usage | None = None
        self._done = False
        self.feed(events)

    def message(self) -> Message:
        """The whole reply; ValueError if its start or its end is missing."""
        start, finish = self._start, self._finish
        if start is None or not self._done:
            raise ValueError("events of a reply must begin with MessageStart and end with Done")
        return Message(
            start.id,
            start.model,
            start.created,
            start.provider,
            tuple([self.choice(n) for n in range(max(finish) + 1)]) if finish else (),
            self._usage,
            self._extras.get(("body", 0)) or {},
        )

    def feed(self, events: Iterable[Event]) -> None:
        """Take the events, whose exact types are quicker to compare; raises a `StreamError`'s."""
        texts = self._texts
        for event in events:
            if type(event) is TextDelta or type(event) is ThinkingDelta:
                texts[event.index].append(event.text)
            elif type(event) is ToolCallDelta:
                texts[event.index].append(event.arguments)
            elif type(event) is BlockStart:
                self._starts.append(event)
                texts.append([])
            elif type(event) is SignatureDelta:
                self._signatures[event.index] = event.signature
            elif type(event) is not BlockStop:
                self._add(event)

    def _add(
        self, event: Annotation | MessageStart | Usage | Extra | Finish | Done | StreamError
    ) -> None:
        match event:
            case MessageStart():
                self._start = event
            case Usage():
                self._usage = event if self._usage is None else _merge(self._usage, event)
            case Finish():
                self._finish[event.choice] = event
            case Done():
                self._done = True
            case Annotation(index, start, end, url, title, raw):
                citation = Citation(start, end, url, title, raw)
                self._citations.setdefault(index, []).append(citation)
            case Extra():
                _add_extra(self._extras.setdefault((event.level, event.choice), {}), event.values)
            case StreamError(error):
                raise error
            case _ as unreachable:
                assert_never(unreachable)

    def choice(self, number: int) -> Choice:
        """A choice as it is so far."""
        blocks = [self._block(i, s) for i, s in enumerate(self._starts) if s.choice == number]
        finish = self._finish.get(number) or Finish("stop", "")
        own = self._extras.get(("choice", number)) or {}
        delta = self._extras.get(("delta", number)) or {}
        return Choice(tuple(blocks), finish.reason, finish.native, own, delta)

    def _block(self, index: int, start: BlockStart) -> Block:
        text = "".join(self._texts[index])
        signature = self._signatures.get(index)
        match start.kind:
            case "thinking":
                return Thinking(text, signature, start.origin)
            case "redacted_thinking":
                return RedactedThinking(start.data or "", start.origin)
            case "text":
                citations = tuple(self._citations.get(index, ()))
                return Text(text, signature, start.origin, citations)
            case "refusal":
                return Refusal(text)
            case "tool_call":
                call = start.id or "", start.name or ""
                return ToolCall(*call, text, signature, start.origin)
            case "opaque":
                return Opaque(start.data or "", start.origin)
            case _ as unreachable:
                assert_never(unreachable)


def _add_extra(known: dict[str, Any], given: JSONObject) -> None:
    """Add what an upstream said; a stream gives the log probabilities token by token.

    The lists in `logprobs` are joined, and nothing that is null replaces what is known of it.
    """
    for key, value in given.items():
        if key != "logprobs":
            known[key] = value
        elif isinstance(value, dict):
            known[key] = known.get(key) or {}  # ours: the events' own stay as they are
            _add_logprobs(known[key], value)  # pyright: ignore[reportUnknownArgumentType] (JSON)
        else:
            known.setdefault(key, value)


def _add_logprobs(known: dict[str, Any], given: JSONObject) -> None:
    for key, value in given.items():
        if isinstance(value, list):
            known[key] = known.get(key) or []
            known[key] += value
        elif value is not None or key not in known:
            known[key] = value


def _merge(old: Usage, new: Usage) -> Usage:
    """The last of each count; `old` stays as it is, for others hold it too."""
    return Usage(
        old.input if new.input is None else new.input,
        old.output if new.output is None else new.output,
        old.reasoning if new.reasoning is None else new.reasoning,
        old.cache_read if new.cache_read is None else new.cache_read,
        old.cache_write if new.cache_write is None else new.cache_write,
    )


def explode(message: Message) -> Iterator[Event]:
    """The events of a whole reply, one delta a block: the inverse of `assemble`."""
    yield MessageStart(message.id, message.model, message.created, message.provider)
    if message.extras:
        yield Extra("body", message.extras)
    index = 0
    for number, choice in enumerate(message.choices):
        for block in choice.blocks:
            yield from _explode_block(index, number, block)
            index += 1
        if choice.extras:
            yield Extra("choice", choice.extras, number)
        if choice.delta_extras:
            yield Extra("delta", choice.delta_extras, number)
        yield Finish(choice.finish, choice.native, number)
    if message.usage is not None:
        yield message.usage
    yield Done()


def _explode_block(index: int, choice: int, block: Block) -> Iterator[Event]:
    match block:
        case Thinking(text, signature, origin):
            yield BlockStart(index, "thinking", choice, origin=origin)
            yield from [ThinkingDelta(index, text)] if text else []
        case RedactedThinking(data, origin):
            signature = None
            yield BlockStart(index, "redacted_thinking", choice, data=data, origin=origin)
        case Text(text, signature, origin, citations):
            yield BlockStart(index, "text", choice, origin=origin)
            yield from [TextDelta(index, text)] if text else []
            for c in citations:
                yield Annotation(index, c.start, c.end, c.url, c.title, c.raw)
        case Refusal(text):
            signature = None
            yield BlockStart(index, "refusal", choice)
            yield from [TextDelta(index, text)] if text else []
        case ToolCall(call_id, name, arguments, signature, origin):
            yield BlockStart(index, "tool_call", choice, call_id, name, origin=origin)
            yield from [ToolCallDelta(index, arguments)] if arguments else []
        case Opaque(data, origin):
            signature = None
            yield BlockStart(index, "opaque", choice, data=data, origin=origin)
        case _ as unreachable:
            assert_never(unreachable)
    if signature is not None:
        yield SignatureDelta(index, signature)
    yield BlockStop(index)
