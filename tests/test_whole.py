"""Promises of a reply that came whole."""

from __future__ import annotations

from hypothesis import given

from asgi_thinking.messages import Message, explode
from asgi_thinking.whole import Whole, message_of
from tests.strategies import replies, shared


@shared(3)
@given(replies)
def test_it_is_the_batch_of_its_message(message: Message) -> None:
    """Its events are those that the message explodes into, and its message is the very one."""
    events, whole = list(explode(message)), Whole(message)
    assert bool(whole)
    assert (len(events), events[0], events[-1]) == (len(whole), whole[0], whole[-1])
    assert events == list(whole) == list(whole[:])
    assert events == whole
    assert whole == Whole(message)
    assert message is message_of(whole)
    assert message == message_of(events)


def test_it_is_equal_to_nothing_but_its_events() -> None:
    """Other replies and other values differ; equal ones have equal hashes."""
    message = Message("a", "m", 1, "p")
    assert Whole(message) != Whole(Message("b", "m", 1, "p"))
    assert Whole(message) != "a"
    assert hash(Whole(message)) == hash(Whole(Message("a", "m", 1, "p")))
