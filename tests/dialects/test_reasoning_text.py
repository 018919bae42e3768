"""Promises of the formats that have thinking in one string."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.reasoning_text import DEEPSEEK, REASONING, ReasoningTextDialect
from asgi_thinking.events import BlockStart, BlockStop, Event, TextDelta
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Thinking, assemble
from tests.dialects.clients import deltas, read_chunks
from tests.dialects.reply import EVENTS, TOOL_CALLS, TOOL_DELTAS, USAGE_OBJECT, one_choice

ASKED = Asked(thinking=True, include_usage=True)
THOUGHT = '27 is "3³"\n\nNow the tools.'
ROLE = {"role": "assistant", "content": "", "refusal": None}

both = pytest.mark.parametrize("dialect", [DEEPSEEK, REASONING], ids=lambda it: it.name)


def encode(dialect: ReasoningTextDialect, events: list[Event], asked: Asked = ASKED) -> bytes:
    return dialect.encoder(asked).feed(events)


def whole(
    dialect: ReasoningTextDialect, events: list[Event], asked: Asked = ASKED
) -> dict[str, Any]:
    return dialect.encode_message(assemble(events), asked)["choices"][0]["message"]


@both
def test_a_message_has_thinking_beside_its_content(dialect: ReasoningTextDialect) -> None:
    """Blocks are one string, with blank lines between them; nothing else is told of them."""
    (key,) = dialect.own_keys
    message = {"role": "assistant", "content": "It is 27.", key: THOUGHT, "tool_calls": TOOL_CALLS}

    assert str(message) == str(whole(dialect, EVENTS))


def test_deepseeks_deltas_have_both_keys() -> None:
    """The vendor's own sample looks at one key, and else adds up the other, in every delta."""
    data = encode(DEEPSEEK, EVENTS)
    expected = [
        {**ROLE, "reasoning_content": None},
        {"content": None, "reasoning_content": "27 "},
        {"content": None, "reasoning_content": 'is "3³"'},
        {"content": "It is ", "reasoning_content": None},
        {"content": "27.", "reasoning_content": None},
        {"content": None, "reasoning_content": "\n\nNow the tools."},
        *TOOL_DELTAS,
        {"content": "", "reasoning_content": None},
    ]

    assert expected == deltas(data)
    assert USAGE_OBJECT == read_chunks(data)[-1]["usage"]


def test_deepseeks_own_sample_reads_a_stream() -> None:
    """Its loop, as https://api-docs.deepseek.com/guides/thinking_mode has it."""
    events = [event for event in EVENTS if getattr(event, "index", 0) < 4]
    thought = answer = ""
    for chunk in read_chunks(encode(DEEPSEEK, events, Asked(thinking=True))):
        delta: Any = ChatCompletionChunk.construct(**chunk).choices[0].delta
        if delta.reasoning_content:
            thought += delta.reasoning_content
        else:
            answer += delta.content
    assert (THOUGHT, "It is 27.") == (thought, answer)


def test_the_other_deltas_have_one_key() -> None:
    """Readers of this form ask whether there is a key."""
    expected = [
        ROLE,
        {"reasoning": "27 "},
        {"reasoning": 'is "3³"'},
        {"content": "It is "},
        {"content": "27."},
        {"reasoning": "\n\nNow the tools."},
        *TOOL_DELTAS,
        {},
    ]

    assert expected == deltas(encode(REASONING, EVENTS))


@both
def test_the_key_is_there_if_asked_for_and_only_then(dialect: ReasoningTextDialect) -> None:
    """Samples read it unconditionally: null is an answer, an absent key a crash."""
    events = one_choice([BlockStart(0, "text"), TextDelta(0, "Hi"), BlockStop(0)])
    (key,) = dialect.own_keys

    assert whole(dialect, events)[key] is None
    assert {"role": "assistant", "content": "Hi", "refusal": None} == whole(
        dialect, events, Asked()
    )
    assert [ROLE, {"content": "Hi"}, {}] == deltas(encode(dialect, events, Asked()))


@both
def test_what_an_echo_is(dialect: ReasoningTextDialect) -> None:
    """A string is thinking that nobody can verify; without one it is not this form."""
    (key,) = dialect.own_keys

    assert [Thinking("hm")] == dialect.read_echo({"content": "27", key: "hm"})
    assert [None] * 3 == [dialect.read_echo(sent) for sent in ({}, {key: None}, {key: ""})]
    with pytest.raises(InvalidRequest) as caught:
        dialect.read_echo({key: 1})
    assert key == caught.value.param


def test_what_each_is_like() -> None:
    """Neither keeps the order of blocks, and only one leaves chunks of the answer as they are."""
    assert [(False, False), (False, True)] == [(d.ordered, d.plain) for d in (DEEPSEEK, REASONING)]
