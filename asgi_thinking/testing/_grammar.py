"""The grammar of events, as sentences about what breaks it, and events made comparable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Extra,
    Finish,
    MessageStart,
    SignatureDelta,
    StreamError,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)

__all__ = ["comparable", "grammar_faults", "is_done", "is_over"]

_DELTAS: Final[dict[str, tuple[type, ...]]] = {
    "thinking": (ThinkingDelta,),
    "redacted_thinking": (),
    "text": (TextDelta, Annotation),
    "refusal": (TextDelta,),
    "tool_call": (ToolCallDelta,),
    "opaque": (),
}
_LAST: Final = (Done, StreamError)
_EVENTS: Final = (
    *(MessageStart, BlockStart, ThinkingDelta, TextDelta, ToolCallDelta, SignatureDelta),
    *(Annotation, BlockStop, Usage, Extra, Finish, Done, StreamError),
)


def is_over(events: Sequence[Event]) -> bool:
    """Whether the last of the events ends the reply."""
    return bool(events) and isinstance(events[-1], _LAST)


def is_done(events: Sequence[Event]) -> bool:
    """Whether the events come to a good end."""
    return bool(events) and isinstance(events[-1], Done)


def grammar_faults(events: Iterable[Event]) -> list[str]:
    """What breaks the grammar of `asgi_thinking.events`, the first fault of each kind.

    A reply that merely stops is none: whoever asked for it reports that it ended early.
    """
    reading = _Reading()
    for event in events:
        reading.read(event)
    return list(dict.fromkeys(reading.faults))


class _Reading:
    """How far a reply has come."""

    __slots__ = ("blocks", "faults", "finished", "open", "over", "started")

    def __init__(self) -> None:
        self.blocks = 0
        self.faults: list[str] = []
        self.finished: set[int] = set()
        self.open: dict[int, BlockStart] = {}
        self.over = False
        self.started = False

    def read(self, event: Event) -> None:
        name = type(event).__name__
        if not isinstance(event, _EVENTS):  # pyright: ignore[reportUnnecessaryIsInstance] (judged)
            self.faults.append(f"{name} is no event")
            return
        if self.over:
            self.faults.append(f"{name} comes after the reply's end")
        begins = isinstance(event, MessageStart)
        if self.started is begins and not isinstance(event, StreamError):
            self.faults.append(f"{name} comes {'twice' if begins else 'before MessageStart'}")
        self.started = self.started or begins
        match event:
            case MessageStart() | Usage() | Extra():
                pass
            case BlockStart():
                self._start(event)
            case Finish(_, _, choice):
                if choice in self.finished:
                    self.faults.append("Finish comes twice for a choice")
                self.finished.add(choice)
            case Done() | StreamError():
                self._end(event)
            case _:
                self._within(event.index, event)

    def _start(self, event: BlockStart) -> None:
        if event.index != self.blocks:
            self.faults.append(
                f"BlockStart has index {event.index} where {self.blocks} is the next"
            )
        if event.choice in self.finished:
            self.faults.append("BlockStart comes after its choice's Finish")
        if event.kind not in _DELTAS:
            self.faults.append(f"BlockStart has the unknown kind {event.kind!r}")
        self.blocks += 1
        self.open[event.index] = event

    def _within(self, index: int, event: Event) -> None:
        name = type(event).__name__
        block = self.open.get(index)
        said = [getattr(event, key, "") for key in ("text", "arguments", "signature")]
        if not all(isinstance(text, str) for text in said):
            self.faults.append(f"{name} holds what is no string")
        if block is None:
            self.faults.append(f"{name} is for a block that is not open")
        elif isinstance(event, BlockStop):
            del self.open[index]
        elif not isinstance(event, (SignatureDelta, *_DELTAS.get(block.kind, ()))):
            self.faults.append(f"{name} is in a block of kind {block.kind!r}")

    def _end(self, event: Done | StreamError) -> None:
        self.over = True
        if isinstance(event, Done):
            if self.open:
                self.faults.append("Done comes while a block is open")
            if not self.finished:
                self.faults.append("Done comes without any Finish")


def comparable(events: Iterable[Event]) -> list[object]:
    """The events without what may differ: the time, and where fragments are cut."""
    found: list[object] = []
    for event in events:
        match event, found[-1] if found else None:
            case MessageStart(), _:
                found.append(replace(event, created=0))
            case StreamError(error), _:
                found.append((type(error), error.status, error.message))
            case ((ThinkingDelta(_, "") | TextDelta(_, "") | ToolCallDelta(_, "")), _):
                pass
            case ThinkingDelta(index, text), ThinkingDelta(same, before) if index == same:
                found[-1] = ThinkingDelta(index, before + text)
            case TextDelta(index, text), TextDelta(same, before) if index == same:
                found[-1] = TextDelta(index, before + text)
            case ToolCallDelta(index, text), ToolCallDelta(same, before) if index == same:
                found[-1] = ToolCallDelta(index, before + text)
            case _:
                found.append(event)
    return found
