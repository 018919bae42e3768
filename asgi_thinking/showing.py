"""Applies a transform of thinking to replies, whole or streamed, before a dialect writes them.

A block that is shown otherwise than it was thought leaves without its signature, and so does all
thinking after it: altered text with a signature, or half of a turn's thinking, would be refused
when the client sends it back. What was thought is what is remembered for the next tool turn.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from asgi_thinking.dialects import Encoder
from asgi_thinking.events import (
    Annotation,
    Batch,
    BlockStart,
    BlockStop,
    Event,
    Extra,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from asgi_thinking.exceptions import ThinkingError
from asgi_thinking.messages import Message, assemble, explode
from asgi_thinking.transforms import Maker, Transform, transform_of

__all__ = ["ShowingEncoder", "transformed_encoder", "transformed_message"]

logger = logging.getLogger("asgi_thinking")


def transformed_message(message: Message, make: Maker) -> Message:
    """A whole reply as it is shown.

    Raises:
        ThinkingError: the transform failed, and nothing may be shown.
    """
    first = _made(make)
    return message if first is None else assemble(_Showing(make, first).feed(explode(message)))


def transformed_encoder(encoder: Encoder, make: Maker) -> Encoder:
    """An encoder that is fed what was thought, and writes what is shown; one for each reply.

    Its `feed` raises a `ThinkingError` where the transform failed, and nothing more may be shown.

    Raises:
        ThinkingError: no transform could be made.
    """
    first = _made(make)
    return encoder if first is None else ShowingEncoder(encoder, _Showing(make, first))


def _made(make: Maker) -> Transform | None:
    try:
        return transform_of(make())
    except Exception as error:  # noqa: BLE001 (code of the owner's, whatever it raises)
        raise _failed(error) from None


def _failed(error: Exception) -> ThinkingError:
    """What the caller is told; an exception of the owner's code may hold what it was to hide."""
    if isinstance(error, ThinkingError):
        return error
    logger.error("the transform of thinking failed: %s", type(error).__name__)
    return ThinkingError("the thinking could not be shown", code="transform_failed")


class ShowingEncoder:
    """Stands before an encoder; `account` is that encoder's, if it has one."""

    __slots__ = ("_feed", "_showing", "account", "keep_alive")

    def __init__(self, encoder: Encoder, showing: _Showing) -> None:
        self.keep_alive = encoder.keep_alive
        self.account: object = getattr(encoder, "account", None)
        self._feed = encoder.feed
        self._showing = showing

    def feed(self, batch: Batch) -> bytes:
        """The bytes of what is shown of a batch."""
        shown = self._showing.feed(batch)
        return self._feed(shown) if shown else b""


class _Block:
    """A block of thinking that is open.

    `behind` is what was thought and not yet shown, for as long as what is shown is what was
    thought; `number` is the block's in the reply that is shown, None until something of it is.
    """

    __slots__ = ("altered", "behind", "hides", "number", "signature", "start", "transform")

    def __init__(self, start: BlockStart, transform: Transform) -> None:
        self.start = start
        self.transform = transform
        self.number: int | None = None
        self.hides: bool = getattr(transform, "hides", False)
        self.altered = self.hides
        self.behind: list[str] = []
        self.signature: SignatureDelta | None = None

    def feed(self, text: str) -> str:
        if not self.altered:
            self.behind.append(text)
        return self._compared(self.transform.feed(text))

    def close(self) -> str:
        rest = self._compared(self.transform.close())
        self.altered = self.altered or any(self.behind)
        return rest

    def _compared(self, shown: str) -> str:
        if self.hides:
            return ""
        if shown and not self.altered:
            thought = "".join(self.behind)
            self.altered = not thought.startswith(shown)
            self.behind = [thought[len(shown) :]]
        return shown


class _Showing:
    """Turns the events of one reply into those that are shown.

    `_numbers` has what became of each block's index, None for one that is not shown; `_altered` are
    the choices of which some thinking is not what it was.
    """

    __slots__ = ("_altered", "_count", "_idle", "_make", "_numbers", "_open")

    def __init__(self, make: Maker, first: Transform) -> None:
        self._make = make
        self._idle = [first]
        self._open: dict[int, _Block] = {}
        self._numbers: dict[int, int | None] = {}
        self._count = 0
        self._altered: set[int] = set()

    def feed(self, batch: Iterable[Event]) -> list[Event]:
        shown: list[Event] = []
        try:
            for event in batch:
                self._take(event, shown)
        except Exception as error:  # noqa: BLE001 (code of the owner's, whatever it raises)
            raise _failed(error) from None
        return shown

    def _take(self, event: Event, shown: list[Event]) -> None:
        match event:
            case ThinkingDelta(index, text):
                block = self._open[index]
                self._say(block, block.feed(text), shown)
            case SignatureDelta(index) if index in self._open:
                self._open[index].signature = event
            case BlockStop(index) if index in self._open:
                self._close(self._open.pop(index), shown)
            case BlockStart():
                self._start(event, shown)
            case TextDelta() | ToolCallDelta() | SignatureDelta() | Annotation() | BlockStop():
                number = self._numbers[event.index]
                if number == event.index:
                    shown.append(event)
                elif number is not None:
                    shown.append(replace(event, index=number))
            case Extra() if "logprobs" in event.values and not self._is_open_about(event.choice):
                values = {name: v for name, v in event.values.items() if name != "logprobs"}
                shown += [Extra(event.level, values, event.choice)] if values else []
            case _:
                shown.append(event)

    def _is_open_about(self, choice: int) -> bool:
        """Whether each token may be told, as it was: some servers count those of thinking in."""
        if self._open or choice in self._altered or self._hides():
            return False
        return bool(self._numbers)

    def _start(self, start: BlockStart, shown: list[Event]) -> None:
        match start.kind:
            case "thinking":
                transform = self._idle.pop() if self._idle else self._another()
                self._open[start.index] = _Block(start, transform)
            case "redacted_thinking" if self._hides() or start.choice in self._altered:
                self._numbers[start.index] = None
                self._altered.add(start.choice)
            case _:
                self._number(start, shown)

    def _another(self) -> Transform:
        """A transform beside those that are busy."""
        made = transform_of(self._make())
        if made is None:
            raise ValueError("a factory that made a transform for this reply made no further one")
        return made

    def _hides(self) -> bool:
        known = [*self._idle, *(block.transform for block in self._open.values())]
        return getattr(known[0], "hides", False)

    def _number(self, start: BlockStart, shown: list[Event]) -> int:
        number = self._numbers[start.index] = self._count
        self._count += 1
        shown.append(start if number == start.index else replace(start, index=number))
        return number

    def _say(self, block: _Block, text: str, shown: list[Event]) -> None:
        if text:
            if block.number is None:
                block.number = self._number(block.start, shown)
            shown.append(ThinkingDelta(block.number, text))

    def _close(self, block: _Block, shown: list[Event]) -> None:
        self._say(block, block.close(), shown)
        self._idle.append(block.transform)
        if block.altered:
            self._altered.add(block.start.choice)
        sealed = block.signature if block.start.choice not in self._altered else None
        if block.number is None and sealed is not None:
            block.number = self._number(block.start, shown)
        if block.number is None:
            return
        if sealed is not None:
            shown.append(SignatureDelta(block.number, sealed.signature))
        shown.append(BlockStop(block.number))
