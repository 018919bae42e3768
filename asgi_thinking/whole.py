"""A reply that came whole, as a batch of events that is made only if somebody looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, overload

from asgi_thinking.events import Event
from asgi_thinking.messages import Message, assemble, explode

if TYPE_CHECKING:
    from asgi_thinking.events import Batch

__all__ = ["Whole", "message_of"]


class Whole(Sequence[Event]):
    """The one batch of a reply whose `message` is known: its events, from start to `Done`.

    A caller who wants JSON is answered from the message; only a stream needs the events.
    """

    __slots__ = ("_events", "message")

    def __init__(self, message: Message) -> None:
        self.message = message
        self._events: Batch = ()

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        self._events = self._events or tuple(explode(self.message))
        return self._events[index]

    def __len__(self) -> int:
        return len(self[:])

    def __bool__(self) -> bool:
        return True  # without making the events to count them

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]

    def __hash__(self) -> int:
        return hash(self.message.id)


def message_of(events: Iterable[Event]) -> Message:
    """The whole reply that all its events make; see `assemble`."""
    return events.message if isinstance(events, Whole) else assemble(events)
