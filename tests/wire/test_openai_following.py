"""Chunks that are like the one before but for their text: read as if each were the first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.events import Batch, Event, StreamError, TextDelta, ThinkingDelta
from asgi_thinking.wire.openai import CompletionDecoder, OpenAIDecoder
from tests.strategies import texts

DONE = b"data: [DONE]\n\n"
KEYS = ["content", "reasoning_content", "reasoning", "refusal", "mood"]


def chunk(delta: dict[str, Any], *, index: int = 0, ascii_only: bool = True) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": None}
    body = {"id": "c-1", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(body, ensure_ascii=ascii_only).encode() + b"\n\n"


def told(events: Batch) -> list[Event | str]:
    """The events, and of errors the messages, which can be compared."""
    return [e.error.message if isinstance(e, StreamError) else e for e in events]


def read(*reads: bytes, **options: Any) -> list[Event | str]:
    decoder = OpenAIDecoder(1, "x", **options)
    return told([event for data in reads for event in decoder.feed(data)] + decoder.close())


def apart(*reads: bytes) -> list[Event | str]:
    """The same by the decoder that remembers nothing."""
    decoder = CompletionDecoder(1, "x")
    events: list[Event] = []
    for data in reads:
        events += decoder.feed([(b"", data.removeprefix(b"data: ").strip())])
    return told(events + decoder.close())


def said(events: Sequence[Event | str]) -> list[tuple[str, type]]:
    return [(e.text, type(e)) for e in events if isinstance(e, TextDelta | ThinkingDelta)]


DELTAS = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, texts | st.sampled_from(["a", '"a'])))
    | st.builds(lambda text: {"content": text}, texts)
    | st.builds(lambda text: {"reasoning_content": text}, texts),
    max_size=8,
)


@given(DELTAS, st.booleans(), st.sampled_from([(0,), (0, 1)]))
def test_what_is_remembered_makes_no_difference(
    deltas: list[dict[str, str]], ascii_only: bool, choices: tuple[int, ...]
) -> None:
    """Chunks that come one by one are the events of chunks that are taken apart."""
    reads = [
        chunk(delta, index=choices[number % len(choices)], ascii_only=ascii_only)
        for number, delta in enumerate(deltas)
    ]

    assert apart(*reads, DONE) == read(*reads, DONE)


@pytest.mark.parametrize(
    "other",
    [
        chunk({"content": "b"}) + chunk({"content": "c"}),
        chunk({"content": "b"})[:-1],
        chunk({"content": "b"}).replace(b'"b"', b"null"),
        chunk({"content": "b"}).replace(b'"b"', b"7"),
        chunk({"content": "b"}).replace(b'"b"', b'"b", "reasoning": "c"'),
        chunk({"content": "b"}).replace(b'"b"', b'"b'),
    ],
)
def test_another_form_is_taken_apart(other: bytes) -> None:
    """A read that only begins like the last one is not taken for one like it."""
    first, last = chunk({"content": "a"}), chunk({"content": "z"})

    expected = read(first + other + last)

    assert expected == read(first, other, last)


def test_the_text_is_found_where_it_is_read() -> None:
    """Text that stands in two places, or within another text, is not mistaken for its place."""
    twice = [chunk({"mood": text, "content": text}) for text in ("a", "a", "b")]
    within = [chunk({"mood": '"a', "content": text}) for text in ("x", "a", "b")]

    for reads in (twice, within):
        assert apart(*reads) == read(*reads)
    hidden = [data.replace(b'"content": "a"', rb'"content": "\u0061"') for data in within]
    assert [(text, TextDelta) for text in "xab"] == said(read(*hidden))


def test_an_event_that_is_too_large_is_none() -> None:
    """The limit holds for a chunk that is like the last one as well."""
    reads = chunk({"content": "a"}), chunk({"content": "b" * 200})

    *before, error = read(*reads, max_event_size=150)

    assert [("a", TextDelta)] == said(before)
    assert "x: an event of the upstream's stream is larger than 150 bytes" == error


def test_nothing_follows_the_end() -> None:
    """A chunk after the end is ignored, though it be like one that counted."""
    end = chunk({"content": "a"}).replace(b"null", b'"stop"')
    decoder = OpenAIDecoder(1, "x")
    for data in (chunk({"content": "a"}), end, DONE):
        decoder.feed(data)

    assert [] == decoder.feed(chunk({"content": "b"}))


def test_tags_are_looked_for_in_every_chunk() -> None:
    """Where thinking may stand in the answer, no chunk is taken for one like the last."""
    reads = [chunk({"content": text}) for text in ("<think>", "a", "</think>", "b")]

    assert [("a", ThinkingDelta), ("b", TextDelta)] == said(read(*reads, think_tags=True))
