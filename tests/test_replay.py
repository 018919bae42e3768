"""What is kept of a reply, and how it finds its places again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.messages import (
    Block,
    Citation,
    File,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from asgi_thinking.replay import (
    Segment,
    is_verifiable,
    put_back,
    read_segment,
    split,
    write_segment,
)
from tests.remembering import reply_blocks
from tests.strategies import likely, scalars, shared, texts

FIRST, SECOND = Thinking("one", "S1"), Thinking("two", "S2")
A, B = ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")
REPLY = (FIRST, Text("abc"), A, SECOND, Text("d"), B, RedactedThinking("r"))

CALL = ["call", None, ""]

members = scalars | st.none() | st.just("") | st.integers(-1, 1)
strange = st.lists(
    likely
    | st.tuples(st.sampled_from(["thinking", "redacted", "opaque"]), texts, members, members)
    | st.tuples(st.just("text"), members, members, st.none(), st.just("")),
    max_size=3,
).map(lambda pieces: [*pieces, CALL])


def mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def kept(blocks: Sequence[Block], group: str = "g", **options: bool) -> tuple[Segment, ...]:
    return split(blocks, group, mark, **options)


def again(parts: Sequence[Part], *segments: Segment | None) -> tuple[Part, ...]:
    return put_back(parts, segments, mark)


def test_each_call_keeps_what_stands_before_it() -> None:
    """A call keeps the blocks since the call before it, the last one also those that follow."""
    first = [["thinking", "one", "S1", ""], ["text", 0, 3, None, ""], CALL]
    second = [["thinking", "two", "S2", ""], ["text", 3, 1, None, ""], CALL, ["redacted", "r", ""]]
    assert [
        [1, "g", 0, 4, mark("abcd"), first],
        [1, "g", 1, 4, mark("abcd"), second],
    ] == [orjson.loads(write_segment(segment)) for segment in kept(REPLY)]


def test_what_the_client_keeps_is_not_kept() -> None:
    """Neither texts nor refusals nor citations nor arguments are stored, nor unsigned thinking."""
    blocks = (
        Thinking("unsigned", "", "x"),
        Thinking("unsigned"),
        Refusal("refused"),
        Text("answer", citations=(Citation(0, 1, "u", "t"),)),
        Text(""),
        Opaque("{}", "o"),
        ToolCall("id", "name", "arguments", "S", "gemini"),
    )
    (segment,) = kept(blocks)
    pieces = [["text", 0, 6, None, ""], ["opaque", "{}", "o"], ["call", "S", "gemini"]]
    assert [1, "g", 0, 6, mark("answer"), pieces] == orjson.loads(write_segment(segment))


def test_a_vendor_may_want_unsigned_thinking_back() -> None:
    """Unsigned thinking is kept, and worth keeping, where the caller says so."""
    (segment,) = kept([Thinking("hm"), A], keeps_unsigned=True)
    assert not segment.bare
    assert (Thinking("hm"), A) == again([A], segment)
    assert kept([Thinking("hm"), A])[0].bare


@pytest.mark.parametrize(
    ("block", "bare"),
    [
        (Text("a"), True),
        (Text("a", ""), True),
        (Text("a", "S"), False),
        (FIRST, False),
        (RedactedThinking("r"), False),
        (Opaque("{}"), False),
        (Refusal("no"), True),
    ],
)
def test_a_bare_segment_brings_nothing_back(block: Block, bare: bool) -> None:
    """A segment is bare where the client could have kept all of it."""
    assert bare is kept([block, A])[0].bare
    assert not kept([block, ToolCall("a", "f", "{}", "S")])[0].bare
    assert bare is not is_verifiable(block)
    assert not is_verifiable(File("text/plain", "AA=="))


def test_a_reply_without_calls_has_no_segments() -> None:
    """What nobody can look up is not kept."""
    assert () == kept([FIRST, Text("a")])


def test_text_is_put_in_its_places() -> None:
    """Text that is what the reply said stands where it stood, with what is to be cached."""
    cached = {"type": "ephemeral"}
    own = [Text("ab"), Text("cd", cache_control=cached), A, B]
    whole = (*REPLY[:4], Text("d", cache_control=cached), *REPLY[5:])
    assert whole == again(own, *kept(REPLY))


@pytest.mark.parametrize("text", ["abce", "abcde", "xbcd", "ab"])
def test_other_text_stands_before_the_first_call(text: str) -> None:
    """Text that was edited is the client's, behind the thinking that leads."""
    own = [Text(text[:1]), Text(text[1:]), A, B]
    expected = (FIRST, *own[:2], A, SECOND, B, RedactedThinking("r"))
    assert expected == again(own, *kept(REPLY))


def test_signatures_of_edited_text_go() -> None:
    """A signature stays with the text it was made for, and alone where it was made for none."""
    blocks = (Text("a", "S1", "gemini"), Text("", "S2", "gemini"), A)
    assert blocks == again([Text("a"), A], *kept(blocks))
    assert (Text("", "S2", "gemini"), Text("b"), A) == again([Text("b"), A], *kept(blocks))
    assert (Text("", "S2", "gemini"), A) == again([A], *kept(blocks))


def test_refusals_and_unverifiable_thinking() -> None:
    """A refusal of the client's stays before the first call, its unsigned thinking makes room."""
    own = [Thinking("one"), Text("abcd"), Refusal("no"), A, B]
    expected = (FIRST, Text("abc"), Refusal("no"), A, *REPLY[3:])
    assert expected == again(own, *kept(REPLY))


def test_calls_stand_in_the_reply_s_order() -> None:
    """Calls that a client reordered stand as the model made them, unknown ones behind."""
    unknown = ToolCall("c", "f", "{}")
    first, second = kept(REPLY)
    assert (*REPLY, unknown) == again([Text("abcd"), B, unknown, A], second, None, first)
    assert (FIRST, Text("abcd"), A, B) == again([Text("abcd"), B, A], None, first)


def test_replies_merged_into_one_message() -> None:
    """Replies that a client made one message of stand in the message's order."""
    one, other = (Text("x"), FIRST, A), (SECOND, Text("y"), B)
    (first,), (second,) = kept(one, "z"), kept(other, "g")
    expected = (FIRST, Text("xy"), A, SECOND, B)
    assert expected == again([Text("xy"), A, B], first, second)


def test_signatures_return_to_their_calls() -> None:
    """A call gets its signature and origin; what the client says of it stays."""
    signed = ToolCall("a", "f", "{}", "S", "gemini")
    own = ToolCall("a", "f", "{ }", cache_control={"type": "ephemeral"})
    expected = ToolCall("a", "f", "{ }", "S", "gemini", own.cache_control)
    assert (expected,) == again([own], *kept([signed]))


@shared(5)
@given(reply_blocks)
def test_reading_undoes_writing(blocks: tuple[Block, ...]) -> None:
    """A segment that was written is read as it was."""
    segments = kept(blocks)
    assert segments == tuple(read_segment(write_segment(segment)) for segment in segments)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"[" * 300,
        b"null",
        b"{}",
        b"[]",
        b'[1,"g",0,0,""',
        orjson.dumps([2, "g", 0, 0, "", [CALL]]),
        orjson.dumps(["1", "g", 0, 0, "", [CALL]]),
        orjson.dumps([1, "g", 0, 0, "", [CALL], 0]),
        orjson.dumps([1, None, 0, 0, "", [CALL]]),
        orjson.dumps([1, "g", 0.5, 0, "", [CALL]]),
        orjson.dumps([1, "g", 0, 0, "", {"0": CALL}]),
        orjson.dumps([1, "g", 0, 0, "", "call"]),
        orjson.dumps([1, "g", 0, 0, "", []]),
        orjson.dumps([1, "g", 0, 0, "", [CALL, CALL]]),
        orjson.dumps([1, "g", 0, 0, "", [CALL, None]]),
        orjson.dumps([1, "g", 0, 0, "", [CALL, ["thinking", "a", 1, ""]]]),
        orjson.dumps([1, "g", 0, 0, "", [CALL, ["text", 0, "1", None, ""]]]),
    ],
)
def test_what_was_not_written_here_is_no_segment(value: bytes) -> None:
    """A value of another version, of another shape, or of no JSON is as good as none."""
    assert read_segment(value) is None


@given(strange)
def test_strange_values_do_no_harm(pieces: list[Any]) -> None:
    """Whatever pieces a value holds, reading and putting back end without an error."""
    segment = read_segment(orjson.dumps([1, "g", 0, 1, mark("a"), pieces]))
    if segment is not None:
        assert A in again([Text("a"), A], segment)


@pytest.mark.parametrize("place", [(0, -1), (1, 1), (-1, 1), (0, 2), (-(2**60), 2**60)])
def test_places_outside_the_text_are_no_places(place: tuple[int, int]) -> None:
    """A text whose places do not fit it is treated as edited."""
    segment = read_segment(
        orjson.dumps([1, "g", 0, 1, mark("a"), [["text", *place, None, ""], CALL]])
    )
    assert (Text("a"), A) == again([Text("a"), A], segment)
