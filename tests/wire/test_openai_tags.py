"""Promises about thinking that stands in the answer, between tags."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.events import BlockStart, BlockStop, TextDelta, ThinkingDelta
from asgi_thinking.messages import assemble
from asgi_thinking.wire.openai import decode_reply
from asgi_thinking.wire.openai.tags import TagSplitter
from tests.strategies import WIRES, shared
from tests.wire.openai_transcripts import completion, cut, decode, finished, said, told


def parted(*fragments: str, inside: bool = False) -> list[tuple[bool, str]]:
    """The parts of a text that comes in fragments; neighbours of a kind are joined."""
    splitter = TagSplitter(inside=inside)
    parts = [part for text in fragments for part in splitter.feed(text)] + splitter.close()
    return [(key, "".join(text for _, text in run)) for key, run in groupby(parts, lambda p: p[0])]


EXAMPLES: list[tuple[str, list[tuple[bool, str]]]] = [
    ("<think>abc</think>answer", [(True, "abc"), (False, "answer")]),
    ("<think>\nabc\n</think>\n\nanswer", [(True, "abc"), (False, "answer")]),
    ("<think>\n\n</think>\n\nanswer", [(False, "answer")]),
    ("a<think>b</think>c<think>d</think>e", [(letter in "bd", letter) for letter in "abcde"]),
    ("<thinking>a</think>b</thinking>c", [(True, "a</think>b"), (False, "c")]),
    ("<thought>a\n\nb\n", [(True, "a\n\nb\n")]),
    ("no </think> and <thin", [(False, "no </think> and <thin")]),
    ("1 < 2 <b>", [(False, "1 < 2 <b>")]),
    ("<think>a < b\n</thi", [(True, "a < b\n</thi")]),
    ("answer\n", [(False, "answer\n")]),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), EXAMPLES)
def test_tags_part_the_answer(text: str, expected: list[tuple[bool, str]]) -> None:
    """Whole and letter by letter; what is no tag after all is kept, as is an unclosed block."""
    assert expected == parted(text)
    assert expected == parted(*text)


def test_a_reply_may_begin_inside() -> None:
    """Where the template opens the tag, only the closing one comes, whatever its name."""
    expected = [(True, "abc"), (False, "answer")]
    assert expected == parted("\nabc\n</think>\n\nanswer", inside=True)
    assert expected == parted(*"abc</thought>answer", inside=True)
    assert [(True, "abc")] == parted("abc", inside=True)


@shared(WIRES)
@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "a", "\n", "<thin", "k>", "é"])),
    st.lists(st.integers(0, 40)),
    st.booleans(),
)
def test_every_split_parts_alike(words: list[str], places: list[int], inside: bool) -> None:
    """Where a fragment ends changes nothing, and no letter is lost."""
    text = "".join(words)
    edges = [0, *sorted(places), len(text) + 40]
    fragments = [text[a:b] for a, b in pairwise(edges)]
    whole = parted(text, inside=inside)
    assert whole == parted(*fragments, inside=inside)
    kept = "".join(part for _, part in whole)
    assert [text.count(letter) for letter in "aé"] == [kept.count(letter) for letter in "aé"]


def test_tags_are_only_looked_for_where_the_owner_says_so() -> None:
    """By default they are text like any other."""
    text = "<think>a</think>b"
    assert [BlockStart(0, "text"), TextDelta(0, text), BlockStop(0)] == said({"content": text})


EXPECTED = [
    BlockStart(0, "thinking"),
    ThinkingDelta(0, "abc"),
    BlockStop(0),
    BlockStart(1, "text"),
    TextDelta(1, "answer"),
    BlockStop(1),
]


def test_tags_become_blocks() -> None:
    """Streamed in pieces of a tag, in JSON, and where the template opened the tag."""
    pieces = [{"content": text} for text in ("<thi", "nk>abc</th", "ink>answer")]
    assert EXPECTED == said(*pieces, think_tags=True)
    assert EXPECTED == told({"content": "<think>abc</think>answer"}, think_tags=True)
    assert EXPECTED == told({"content": "abc</think>answer"}, think_tags="opened")


def test_tags_mean_the_same_streamed_or_not() -> None:
    """The message is the same, cut anywhere."""
    text = "<think>\nabc\n</think>\nanswer < x"
    whole = assemble(decode_reply(completion({"content": text}), 1, "openai", think_tags=True))
    stream = finished(*({"content": letter} for letter in text))
    streamed = assemble(decode(*cut(stream, *range(0, len(stream), 7)), think_tags=True))
    assert whole.choices == streamed.choices


def test_what_was_held_back_is_told_before_a_call() -> None:
    """Half a tag before a tool call was text."""
    call = {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "f"}}]}
    assert [
        BlockStart(0, "text"),
        TextDelta(0, "a"),
        TextDelta(0, "<th"),
        BlockStop(0),
        BlockStart(1, "tool_call", id="x", name="f"),
        BlockStop(1),
    ] == said({"content": "a<th"}, call, think_tags=True)
