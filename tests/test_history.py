"""What clients send back, put in order; and what a provider could not verify, left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given

from asgi_thinking.conversation import decode_messages
from asgi_thinking.dialects import CallSlot
from asgi_thinking.dialects.openai import OpenAIDialect
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.history import keep_verifiable, reader, seals, without
from asgi_thinking.messages import (
    Block,
    File,
    Image,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
)
from asgi_thinking.registry import BUILT_IN_DIALECTS, load_dialects
from tests.strategies import conversations, shared

BUILT_IN = tuple(load_dialects(BUILT_IN_DIALECTS).values())

SIGNED = Thinking("hm", "SIG")
CALLS = [{"id": i, "type": "function", "function": {"name": "f", "arguments": ""}} for i in "ab"]
A, B = ToolCall("a", "f", ""), ToolCall("b", "f", "")
BLOCK = {"type": "thinking", "thinking": "hm", "signature": "SIG"}
DETAIL = {"type": "reasoning.text", "text": "hm", "signature": "SIG"}


class Form(OpenAIDialect):
    """A third party's dialect, whose echo is whatever it is made with."""

    __slots__ = ("_pieces", "ordered")

    def __init__(self, *pieces: Block | CallSlot, ordered: bool = True) -> None:
        self._pieces = pieces
        self.ordered = ordered

    def read_echo(self, message: Mapping[str, Any]) -> Sequence[Block | CallSlot] | None:
        """The same for every message that has a `form`."""
        return self._pieces if "form" in message else None


def read(*forms: Form, **message: Any) -> tuple[Block, ...]:
    """The blocks of a message that has these forms."""
    return reader(forms)({"role": "assistant", "form": True, **message})


def test_without_a_form_text_and_calls_remain() -> None:
    """A client that keeps only OpenAI's fields loses thinking, and nothing else."""
    message = {"content": "hi", "tool_calls": CALLS, "refusal": "no"}
    assert (Text("hi"), Refusal("no"), A, B) == reader(BUILT_IN)(message)
    assert () == reader([])({"role": "assistant"})


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        ([Form(Thinking("x", "1"), ordered=False), Form(Thinking("y", "2"))], Thinking("y", "2")),
        ([Form(Thinking("x", "1")), Form(Thinking("y", "2"))], Thinking("x", "1")),
        ([Form(Thinking("x")), Form(Thinking("y", "2"), ordered=False)], Thinking("y", "2")),
        ([Form(Thinking("x")), Form(RedactedThinking("d"))], RedactedThinking("d")),
        ([Form(Thinking("x")), Form(Opaque("{}"))], Opaque("{}")),
        ([Form(Thinking("x")), Form(Thinking("y"))], Thinking("x")),
        ([Form(), Form(Thinking("y"))], Thinking("y")),
        ([Form(Text("z"), Refusal("n"), CallSlot(0)), Form(Thinking("y"))], Thinking("y")),
    ],
)
def test_the_first_form_that_can_be_verified_counts(forms: list[Form], expected: Block) -> None:
    """Ordered forms come first; without anything verifiable the first with thinking counts."""
    assert (expected,) == read(*forms)


def test_a_form_of_text_alone_is_no_form() -> None:
    """Text parts without any thinking are the content, and are read as such."""
    assert (Text("hi"),) == read(Form(Text("other")), content="hi")


@pytest.mark.parametrize(
    ("pieces", "content", "expected"),
    [
        pytest.param([SIGNED], "hi", [SIGNED, Text("hi")], id="content-added"),
        pytest.param([SIGNED], None, [SIGNED], id="no-content"),
        pytest.param(
            [Text("a"), SIGNED, Text("b")],
            "ab",
            [Text("a"), SIGNED, Text("b")],
            id="same-text-in-place",
        ),
        pytest.param([Text("a"), SIGNED], None, [Text("a"), SIGNED], id="text-of-form-only"),
        pytest.param([Text("a"), SIGNED], "", [Text("a"), SIGNED], id="empty-content"),
        pytest.param(
            [Text("a"), SIGNED, Text("b"), Refusal("r")],
            "edited",
            [SIGNED, Text("edited")],
            id="edited",
        ),
        pytest.param(
            [SIGNED, Text("", "S", "gemini")],
            "hi",
            [SIGNED, Text("", "S", "gemini"), Text("hi")],
            id="signed-empty-part-stays",
        ),
        pytest.param(
            [SIGNED],
            [{"type": "text", "text": "hi"}, {"type": "thinking", "thinking": "x"}],
            [SIGNED, Text("hi")],
            id="content-array-with-strange-parts",
        ),
    ],
)
def test_content_says_what_the_text_is(
    pieces: list[Block], content: Any, expected: list[Block]
) -> None:
    """Text is never doubled, and an edit wins over the form while thinking stays."""
    assert tuple(expected) == read(Form(*pieces), content=content)


def test_a_call_that_came_twice_is_one() -> None:
    """Calls of one id that differ are several all the same."""
    other = {**CALLS[0], "function": {"name": "g", "arguments": ""}}
    found = reader(BUILT_IN)({"tool_calls": [CALLS[0], CALLS[0], other, CALLS[1]]})
    assert (A, ToolCall("a", "g", ""), B) == found


def test_an_array_of_empty_thinking_is_no_mistake() -> None:
    """A form that has nothing to say is a form all the same."""
    message = {"content": [{"type": "thinking", "thinking": ""}, {"type": "text", "text": "hi"}]}
    assert (Text("hi"),) == reader(BUILT_IN)(message)


def test_refusals_are_kept_once() -> None:
    """A refusal beside a form is added, one that the form has is not."""
    assert (SIGNED, Refusal("no")) == read(Form(SIGNED), refusal="no")
    assert (SIGNED, Refusal("no")) == read(Form(SIGNED, Refusal("no")), refusal="no")
    assert (SIGNED, Text("a"), Refusal("no")) == read(Form(SIGNED), content="a", refusal="no")


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([SIGNED], [SIGNED, A, B], id="at-the-end"),
        pytest.param(
            [CallSlot(0), SIGNED, CallSlot(1)], [A, SIGNED, B], id="thinking-between-calls"
        ),
        pytest.param([SIGNED, CallSlot(1)], [SIGNED, B, A], id="slot-for-one"),
        pytest.param([SIGNED, CallSlot(7), CallSlot(0)], [SIGNED, A, B], id="slot-for-none"),
        pytest.param([CallSlot(0), CallSlot(0), SIGNED], [A, SIGNED, B], id="slot-twice"),
    ],
)
def test_calls_stand_in_their_slots(pieces: list[Block | CallSlot], expected: list[Block]) -> None:
    """Every call appears once: in its slot, or at the end."""
    assert tuple(expected) == read(Form(*pieces), tool_calls=CALLS)


def test_content_stands_before_the_first_call() -> None:
    """Text of unknown place follows the thinking that leads, not the thinking between calls."""
    form = Form(SIGNED, CallSlot(0), RedactedThinking("d"), CallSlot(1))
    expected = (SIGNED, Text("hi"), A, RedactedThinking("d"), B)
    assert expected == read(form, content="hi", tool_calls=CALLS)


def test_a_signature_finds_its_call() -> None:
    """A form's signature for a call goes to that call, whose own signature comes first."""
    form = Form(
        SIGNED,
        ToolCall("a", "", "", "S", "gemini"),
        ToolCall("b", "", ""),
        ToolCall("unknown", "", "", "S", "gemini"),
    )
    expected = (SIGNED, Text("hi"), ToolCall("a", "f", "", "S", "gemini"), B)
    assert expected == read(form, content="hi", tool_calls=CALLS)
    own = {**CALLS[0], "extra_content": {"google": {"thought_signature": "OWN"}}}
    assert (SIGNED, ToolCall("a", "f", "", "OWN", "gemini")) == read(form, tool_calls=[own])


def test_the_provider_that_is_named_counts() -> None:
    """Gemini's place for a signature names no provider; a form that names another is right."""
    own = {**CALLS[0], "extra_content": {"google": {"thought_signature": "S"}}}
    vertex = Form(SIGNED, ToolCall("a", "", "", "S", "vertex"))
    assert (SIGNED, ToolCall("a", "f", "", "S", "vertex")) == read(vertex, tool_calls=[own])
    unnamed = Form(SIGNED, ToolCall("a", "", "", "S"))
    assert (SIGNED, ToolCall("a", "f", "", "S", "gemini")) == read(unnamed, tool_calls=[own])


@pytest.mark.parametrize(
    "message",
    [
        {"content": "hi", "thinking_blocks": [BLOCK]},
        {"content": "hi", "thinking_blocks": [{**BLOCK, "index": 0}], "reasoning_content": "hm"},
        {"content": [BLOCK, {"type": "text", "text": "hi"}]},
        {"content": "hi", "content_blocks": [BLOCK, {"type": "text", "text": "hi"}]},
        {
            "content": "hi",
            "content_blocks": [
                {"index": 0, "delta": {"thinking": "h"}},
                {"index": 0, "delta": {"thinking": "m"}},
                {"index": 0, "delta": {"signature": "SIG"}},
                {"index": 1, "delta": {"text": "hi"}},
            ],
        },
        {"content": "hi", "reasoning_details": [DETAIL]},
        {"content": "hi", "provider_specific_fields": {"thinking_blocks": [BLOCK]}},
    ],
)
def test_the_built_in_forms_say_the_same(message: dict[str, Any]) -> None:
    """One reply echoed in any built-in form is the same turn."""
    assert (SIGNED, Text("hi"), A, B) == reader(BUILT_IN)({**message, "tool_calls": CALLS})


@pytest.mark.parametrize(
    "message",
    [
        {"content": "hi", "reasoning_content": "hm"},
        {"content": "hi", "reasoning": "hm"},
        {"content": "<think>\nhm\n</think>\n\nhi"},
    ],
)
def test_reasoning_text_alone_is_unsigned_thinking(message: dict[str, Any]) -> None:
    """A client that keeps the text of thinking only has it read, and dropped later."""
    assert (Thinking("hm"), Text("hi")) == reader(BUILT_IN)(message)
    refused = (Thinking("hm"), Text("hi"), Refusal("no"))
    assert refused == reader(BUILT_IN)({**message, "refusal": "no"})


def test_errors_in_an_echo_have_their_place_in_the_body() -> None:
    """A wrong field of a dialect's form is named by its path from the body."""
    message = {"role": "assistant", "thinking_blocks": [{**BLOCK, "signature": 1}]}
    with pytest.raises(InvalidRequest) as caught:
        decode_messages([message], reader(BUILT_IN))
    assert caught.value.param == "messages[0].thinking_blocks[0].signature"


def test_dialects_may_be_mixed_in_one_conversation() -> None:
    """Each message is read in its own form."""
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "hi", "thinking_blocks": [BLOCK]},
        {"role": "assistant", "content": [BLOCK, {"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": "hi"},
    ]
    thought, plain = Turn("assistant", (SIGNED, Text("hi"))), Turn("assistant", (Text("hi"),))
    expected = (Turn("user", (Text("q"),)), thought, thought, plain)
    assert expected == decode_messages(messages, reader(BUILT_IN))


CLAUDE, GEMINI = frozenset({""}), frozenset({"gemini"})
GOOGLE = Thinking("hm", "SIG", "gemini")


@pytest.mark.parametrize(
    ("parts", "accepts", "kept", "reason"),
    [
        ([SIGNED, Text("a")], CLAUDE, [SIGNED, Text("a")], None),
        ([GOOGLE, Text("a")], GEMINI, [GOOGLE, Text("a")], None),
        ([Thinking("", "SIG"), A], CLAUDE, [Thinking("", "SIG"), A], None),
        (
            [SIGNED, A, SIGNED, RedactedThinking("d")],
            CLAUDE,
            [A],
            "thinking that nothing follows dropped",
        ),
        ([GOOGLE], GEMINI, [GOOGLE], None),
        ([Thinking("x"), A], CLAUDE, [A], "unsigned thinking dropped"),
        ([Thinking("x", ""), A], CLAUDE, [A], "unsigned thinking dropped"),
        ([Thinking("x"), Thinking("y"), A], CLAUDE, [A], "unsigned thinking dropped"),
        ([GOOGLE, A], CLAUDE, [A], "thinking of 'gemini' dropped"),
        ([SIGNED, A], GEMINI, [A], "thinking of Claude dropped"),
        ([RedactedThinking("d"), A], CLAUDE, [RedactedThinking("d"), A], None),
        ([RedactedThinking("d"), A], GEMINI, [A], "redacted thinking of Claude dropped"),
        ([Opaque("{}"), A], CLAUDE, [Opaque("{}"), A], None),
        ([Opaque("{}", "x" * 99), A], CLAUDE, [A], f"block of '{'x' * 32}' dropped"),
        (
            [Text("a", "S", "gemini")],
            CLAUDE,
            [Text("a")],
            "signature of 'gemini' dropped",
        ),
        ([Text("a", "S", "gemini")], GEMINI, [Text("a", "S", "gemini")], None),
        ([Text("a", "", "gemini"), A], CLAUDE, [Text("a"), A], None),
        ([Text("", "S", "gemini"), A], CLAUDE, [A], "signature of 'gemini' dropped"),
        ([Text("", "S", "gemini"), A], GEMINI, [Text("", "S", "gemini"), A], None),
        ([Text(""), A], CLAUDE, [A], None),
        (
            [ToolCall("a", "f", "", "S", "gemini")],
            CLAUDE,
            [A],
            "signature of 'gemini' dropped",
        ),
        ([Refusal("no")], CLAUDE, [Refusal("no")], None),
        (
            [Image(url="http://a"), File("a/b", "x")],
            CLAUDE,
            [Image(url="http://a"), File("a/b", "x")],
            None,
        ),
    ],
)
def test_only_what_the_provider_verifies_stays(
    parts: list[Part], accepts: frozenset[str], kept: list[Part], reason: str | None
) -> None:
    """Unsigned and foreign blocks go, text and calls lose foreign signatures; all is reported."""
    turns = (Turn("user", (Text("q"),)), Turn("assistant", tuple(parts)))
    dropped = () if reason is None else (f"messages[1]: {reason}",)
    expected = (turns[0], Turn("assistant", tuple(kept)))
    assert (expected, dropped) == keep_verifiable(turns, accepts)


def test_a_vendor_may_want_unsigned_thinking_back() -> None:
    """It stays where nobody or that vendor made it; what another vendor made goes."""
    deepseek = frozenset({"deepseek"})
    parts = (Thinking("a"), Thinking("b", None, "deepseek"), Thinking("c", None, "x"), A)
    turns = (Turn("assistant", parts),)
    kept, dropped = keep_verifiable(turns, deepseek, keeps_unsigned=True)
    assert (Turn("assistant", (*parts[:2], A)),) == kept
    assert ("messages[0]: unsigned thinking dropped",) == dropped


def test_an_origin_may_say_more_than_whose_it_is() -> None:
    """What follows a question mark is for the vendor, and does not decide who can verify."""
    block = Thinking("a", "S", "openai?id=rs_1")
    turns = (Turn("assistant", (block, Text("b", "S", "openai?id=rs_2"))),)
    assert (turns, ()) == keep_verifiable(turns, frozenset({"openai"}))
    assert ((Turn("assistant", (Text("b"),)),)) == keep_verifiable(turns, CLAUDE)[0]


@pytest.mark.parametrize("block", [SIGNED, RedactedThinking("d"), Thinking("", "SIG", "?id=1")])
def test_a_turn_of_thinking_alone_goes(block: Block) -> None:
    """Claude's API takes no turn whose last block is thinking, and would refuse all that follows.

    Source: https://github.com/tailcallhq/forgecode/issues/2107, read 2026-11-22.
    """
    turns = (Turn("user", (Text("q"),)), Turn("assistant", (block,)))
    dropped = (
        "messages[1]: thinking that nothing follows dropped",
        "messages[1]: empty turn dropped",
    )
    assert (turns[:1], dropped) == keep_verifiable(turns, CLAUDE)


def test_a_turn_left_empty_goes() -> None:
    """An assistant's turn with nothing in it is removed and reported, others are left alone."""
    turns = (Turn("user"), Turn("assistant", (Thinking("x"),)), Turn("assistant"), Turn("tool"))
    dropped = (
        "messages[1]: unsigned thinking dropped",
        "messages[1]: empty turn dropped",
        "messages[2]: empty turn dropped",
    )
    assert ((turns[0], turns[3]), dropped) == keep_verifiable(turns, CLAUDE)


@shared(2)
@given(conversations)
def test_a_history_that_grows_stays_equal(turns: tuple[Turn, ...]) -> None:
    """What is kept of a conversation's beginning does not depend on what follows."""
    kept, dropped = keep_verifiable(turns, CLAUDE)
    for number in range(len(turns)):
        beginning, reported = keep_verifiable(turns[:number], CLAUDE)
        assert beginning == kept[: len(beginning)]
        assert reported == dropped[: len(reported)]


@shared(2)
@given(conversations)
def test_what_was_kept_once_is_kept(turns: tuple[Turn, ...]) -> None:
    """Keeping is idempotent, and what it keeps can be verified."""
    kept, _ = keep_verifiable(turns, GEMINI)
    assert (kept, ()) == keep_verifiable(kept, GEMINI)


def test_what_was_refused_goes_and_the_rest_stays() -> None:
    """Thinking goes, text and calls lose their signature, and each turn says so once."""
    said = (
        Thinking("a", "1"),
        RedactedThinking("2"),
        Thinking("b", "3"),
        Opaque("{}"),
        Text("t", "4", "gemini"),
        ToolCall("c", "f", "{}", "5", "gemini"),
    )
    turns = (Turn("user", (Text("hi"),)), Turn("assistant", said), Turn("assistant", said[2:3]))
    assert ["1", "2", "3", "4", "5", "3"] == seals(turns)
    kept, dropped = without(turns, {"1", "2", "4", "5"}.__contains__)
    assert (said[2], said[3], Text("t"), ToolCall("c", "f", "{}")) == kept[1].parts
    assert (turns[0], turns[2]) == (kept[0], kept[2])
    assert ("messages[1]: thinking that was refused dropped",) == dropped
