"""Reply formats: a pure encoder of replies, and a reader of what their clients send back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from asgi_thinking.events import Batch
from asgi_thinking.messages import Block, Message

__all__ = ["Asked", "CallSlot", "Dialect", "Encoder", "among_calls"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller asked of the reply: to see thinking, and usage at the end of a stream."""

    thinking: bool = False
    include_usage: bool = False


@dataclass(frozen=True, slots=True)
class CallSlot:
    """The place of the message's n-th tool call among the blocks of an echo; `position` is n."""

    position: int


def among_calls(blocks: Iterable[tuple[int, Block]], calls: object) -> list[Block | CallSlot]:
    """The blocks, each behind the slots of as many of the message's `calls` as stood before it."""
    pieces: list[Block | CallSlot] = []
    count = len(calls) if isinstance(calls, list) else 0  # pyright: ignore[reportUnknownArgumentType] (JSON)
    placed = 0
    for before, block in blocks:
        slots = range(placed, min(before, count))
        pieces += map(CallSlot, slots)
        pieces.append(block)
        placed += len(slots)
    return pieces


class Encoder(Protocol):
    """Turns the events of one reply into SSE bytes."""

    keep_alive: bytes
    """Bytes that keep the connection open and dispatch nothing in the dialect's clients."""

    def feed(self, batch: Batch) -> bytes:
        """The SSE bytes of a batch, possibly none; a `StreamError` or `Done` ends the stream."""
        ...


class Dialect(Protocol):
    """One reply format."""

    @property
    def name(self) -> str:
        """What `x-thinking-dialect` calls it."""
        ...

    @property
    def opt_in(self) -> bytes | None:
        """The strictness header, in lower case, whose value `false` asks for this dialect."""
        ...

    @property
    def shows_thinking(self) -> bool:
        """Whether thinking is in the reply at all."""
        ...

    @property
    def ordered(self) -> bool:
        """Whether `read_echo` gives every block back in the order it was encoded."""
        ...

    @property
    def in_content(self) -> bool:
        """Whether thinking stands within `content`, so that only `read_echo` knows the answer."""
        ...

    @property
    def own_keys(self) -> frozenset[str]:
        """The keys of a message or a delta in which this dialect, and hardly another, thinks."""
        ...

    @property
    def plain(self) -> bool:
        """Whether a fragment of the answer is a chunk exactly as OpenAI writes it."""
        ...

    def encode_message(self, message: Message, asked: Asked) -> dict[str, Any]:
        """A whole reply as the dialect's `chat.completion` object."""
        ...

    def encoder(self, asked: Asked) -> Encoder:
        """A fresh encoder for one streamed reply."""
        ...

    def read_echo(self, message: Mapping[str, Any]) -> Sequence[Block | CallSlot] | None:
        """The blocks that an assistant message sent back carries in this dialect's form.

        Thinking and redacted blocks, and text and opaque blocks where the form orders them; of tool
        calls, which every dialect writes alike, only the places, and a `ToolCall` without name and
        arguments where the form holds the signature for the call of that id. None where the message
        is not of this form.

        Raises:
            InvalidRequest: a field of the form has a wrong type; `param` starts at the message.
        """
        ...
