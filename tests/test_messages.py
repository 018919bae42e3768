"""Whole replies and their events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.events import (
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
from asgi_thinking.exceptions import UpstreamProtocolError
from asgi_thinking.messages import (
    Choice,
    Message,
    Text,
    Thinking,
    ToolCall,
    assemble,
    explode,
    synthetic_call_id,
)
from tests.strategies import names, replies, shared

START = MessageStart("r", "m", 1, "p")
FINISH = Finish("stop", "end_turn")


@shared(3)
@given(replies)
def test_assemble_undoes_explode(reply: Message) -> None:
    """A reply taken apart into events and put together again is the same reply."""
    assert reply == assemble(explode(reply))


@shared(3)
@given(replies, st.randoms(use_true_random=False))
def test_fragments_make_no_difference(reply: Message, random: st.DataObject) -> None:
    """However the deltas of a reply are cut, it is the same reply."""
    events: list[Event] = []
    for event in explode(reply):
        match event:
            case ThinkingDelta(index, text) | TextDelta(index, text):
                cut = random.randint(0, len(text))  # type: ignore[attr-defined]
                events += [type(event)(index, text[:cut]), type(event)(index, text[cut:])]
            case ToolCallDelta(index, arguments):
                events += [ToolCallDelta(index, character) for character in arguments]
            case _:
                events.append(event)
    assert reply == assemble(events)


def test_blocks_may_be_open_at_once() -> None:
    """Interleaved blocks and choices come out each with its own text, in order of their start."""
    events = [
        START,
        BlockStart(0, "thinking"),
        BlockStart(1, "text", choice=1),
        ThinkingDelta(0, "a"),
        TextDelta(1, "x"),
        BlockStart(2, "tool_call", id="c", name="f"),
        ThinkingDelta(0, "b"),
        SignatureDelta(0, "old"),
        SignatureDelta(0, "new"),
        BlockStop(0),
        ToolCallDelta(2, "{}"),
        BlockStop(2),
        BlockStop(1),
        Finish("tool_calls", "tool_use"),
        Finish("stop", "end_turn", choice=1),
        Done(),
    ]
    first = Choice((Thinking("ab", "new"), ToolCall("c", "f", "{}")), "tool_calls", "tool_use")
    second = Choice((Text("x"),), "stop", "end_turn")
    assert (first, second) == assemble(events).choices


def test_a_choice_nobody_finished_is_a_stop() -> None:
    """A gap in the choices' numbers is filled with an empty choice."""
    message = assemble([START, Finish("length", "max_tokens", choice=1), Done()])
    assert (Choice(), Choice((), "length", "max_tokens")) == message.choices


def test_the_last_usage_of_each_field_wins() -> None:
    """Counts are absolute; a later event that does not know a field leaves it."""
    events = [START, Usage(input=3, output=1), FINISH, Usage(output=9, reasoning=4), Done()]
    assert Usage(3, 9, 4) == assemble(events).usage


def test_extras_of_one_place_add_up() -> None:
    """Extras of the body, a choice and its message are kept apart, later keys win."""
    events = [
        START,
        Extra("body", {"a": 1, "b": 1}),
        Extra("body", {"b": 2}),
        Extra("choice", {"c": 3}),
        Extra("delta", {"d": 4}),
        FINISH,
        Done(),
    ]
    message = assemble(events)
    assert {"a": 1, "b": 2} == message.extras
    assert ({"c": 3}, {"d": 4}) == (message.choices[0].extras, message.choices[0].delta_extras)


def test_log_probabilities_add_up() -> None:
    """A stream gives a choice's log probabilities token by token; the reply has them all."""
    first = {"content": ["a"], "refusal": None, "kind": "x"}
    events = [
        START,
        Extra("choice", {"logprobs": None}),
        Extra("choice", {"logprobs": first}),
        Extra("choice", {"logprobs": {"content": ["b", "c"], "refusal": ["r"], "kind": None}}),
        Extra("choice", {"logprobs": {"content": None}}),
        Extra("choice", {"logprobs": None}),
        FINISH,
        Done(),
    ]
    expected = {"content": ["a", "b", "c"], "refusal": ["r"], "kind": "x"}
    assert {"logprobs": expected} == assemble(events).choices[0].extras
    assert ["a"] == first["content"]


@pytest.mark.parametrize(
    "events", [[FINISH, Done()], [START, FINISH], []], ids=["no-start", "no-end", "nothing"]
)
def test_half_a_reply_is_none(events: list[Event]) -> None:
    """Events without the reply's start or its end are refused."""
    with pytest.raises(ValueError, match="begin with MessageStart and end with Done"):
        assemble(events)


def test_a_failed_reply_raises_its_error() -> None:
    """The error of the stream is what `assemble` raises."""
    error = UpstreamProtocolError("cut short")
    with pytest.raises(UpstreamProtocolError) as caught:
        assemble([START, StreamError(error)])
    assert error is caught.value


def test_the_answer_is_the_text_of_all_text_blocks() -> None:
    """Thinking and calls are no part of the answer."""
    choice = Choice((Thinking("t"), Text("a"), ToolCall("c", "f", ""), Text("b")))
    assert "ab" == choice.text


@given(names, st.integers(0, 50), st.integers(0, 50))
def test_synthetic_ids_depend_on_reply_and_place(reply: str, first: int, second: int) -> None:
    """The same call gets the same id every time, and no other call of the reply gets it."""
    one, other = synthetic_call_id(reply, first), synthetic_call_id(reply, second)
    assert (one == other) is (first == second)
    assert (28, "call_g") == (len(one), one[:6])
