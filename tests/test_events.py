"""The vocabulary and its grammar."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest
from hypothesis import given

from asgi_thinking import events
from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Finish,
    MessageStart,
    SignatureDelta,
    StreamError,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.exceptions import UpstreamProtocolError
from asgi_thinking.messages import Message, explode
from tests.strategies import check_grammar, replies, shared

START = MessageStart("r", "m", 1, "p")
FINISH = Finish("stop", "end_turn")


@shared(2)
@given(replies.filter(lambda reply: reply.choices))
def test_whole_replies_obey_the_grammar(reply: Message) -> None:
    """The events of any reply with a choice are a sentence of the grammar."""
    check_grammar(explode(reply))


@pytest.mark.parametrize(
    "middle",
    [
        pytest.param([BlockStart(0, "text"), TextDelta(0, "a")], id="open-block"),
        pytest.param([], id="nothing-at-all"),
    ],
)
def test_a_failed_reply_may_stop_anywhere(middle: list[Event]) -> None:
    """A reply that fails owes neither the ends of its blocks nor a finish."""
    check_grammar([START, *middle, StreamError(UpstreamProtocolError("cut"))])


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([FINISH, Done()], id="no-start"),
        pytest.param([START, FINISH], id="no-end"),
        pytest.param([START, Done()], id="no-finish"),
        pytest.param([START, FINISH, FINISH, Done()], id="two-finishes"),
        pytest.param([START, Done(), FINISH, Done()], id="done-twice"),
        pytest.param([START, BlockStart(1, "text"), Done()], id="index-not-dense"),
        pytest.param([START, BlockStart(0, "text"), FINISH, Done()], id="block-left-open"),
        pytest.param([START, TextDelta(0, "a"), FINISH, Done()], id="delta-without-block"),
        pytest.param([START, SignatureDelta(0, "s"), FINISH, Done()], id="signature-alone"),
        pytest.param([START, BlockStop(0), FINISH, Done()], id="stop-without-start"),
        pytest.param(
            [START, BlockStart(0, "text"), ThinkingDelta(0, "a"), BlockStop(0), FINISH, Done()],
            id="thinking-in-text",
        ),
        pytest.param(
            [START, FINISH, BlockStart(0, "text"), BlockStop(0), Done()], id="block-after-finish"
        ),
    ],
)
def test_the_grammar_refuses_what_it_must(wrong: list[Event]) -> None:
    """A list of events that breaks the grammar is noticed."""
    with pytest.raises((AssertionError, KeyError)):
        check_grammar(wrong)


def test_events_are_slotted_dataclasses_that_may_be_exported() -> None:
    """Every event is public, has no `__dict__`, and compares by value."""
    for kind in get_args(Event):
        assert dataclasses.is_dataclass(kind)
        assert not hasattr(kind(*range(len(dataclasses.fields(kind)))), "__dict__")
        assert kind.__name__ in events.__all__


def test_defaults_say_nothing() -> None:
    """What a wire leaves out is unknown, not zero."""
    assert Usage(None, None, None, None, None) == Usage()
    assert BlockStart(0, "text", 0, None, None, None, "") == BlockStart(0, "text")
    assert {} == Annotation(0, 0, 1, "https://example.com", "").raw
    assert ToolCallDelta(0, "{}") != ToolCallDelta(0, "")
