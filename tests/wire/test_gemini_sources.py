"""Promises about the sources of a grounded answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.events import Annotation, BlockStart, BlockStop, Event, Extra, TextDelta
from asgi_thinking.messages import Citation, Text, ToolCall, assemble, synthetic_call_id
from asgi_thinking.wire.gemini import decode_reply
from tests.strategies import check_grammar
from tests.wire.gemini_transcripts import JSONObject, call, chunk, decode, sse


def web(name: str) -> JSONObject:
    """A grounding chunk of the web."""
    return {"web": {"uri": f"https://{name}.example", "title": name}}


def support(start: int, end: int, *numbers: int, **segment: Any) -> JSONObject:
    """A statement and the numbers of its sources."""
    segment = {"startIndex": start, "endIndex": end, **segment}
    return {"segment": segment, "groundingChunkIndices": list(numbers)}


def grounded(chunks: list[JSONObject], *supports: JSONObject) -> JSONObject:
    """What a candidate says of its grounding."""
    return {"groundingMetadata": {"groundingChunks": chunks, "groundingSupports": list(supports)}}


def cited(answer: str, candidate: JSONObject) -> list[tuple[str, str, str]]:
    """What was said, and by whom, in a reply of this answer; streamed or not."""
    last = chunk(finish="STOP", candidate=candidate)
    pieces = [chunk({"text": piece}) for piece in (answer[:2], answer[2:])]
    streamed = assemble(decode(sse(*pieces, last))).choices[0]
    reply = chunk({"text": answer}, finish="STOP", candidate=candidate)
    whole = assemble(decode_reply(orjson.dumps(reply), 1, "gemini")).choices[0]
    assert streamed == whole
    citations = [c for block in whole.blocks if isinstance(block, Text) for c in block.citations]
    return [(answer[c.start : c.end], c.url, c.title) for c in citations]


def test_offsets_in_bytes_become_code_points() -> None:
    """Each pair of a statement and a source is one annotation."""
    chunks = [web("a"), web("b")]
    answer = "👍 4 °C. Ünd so."
    said = grounded(chunks, support(5, 11, 0, 1), support(13, 19, 1))
    expected = [
        ("4 °C.", "https://a.example", "a"),
        ("4 °C.", "https://b.example", "b"),
        ("Ünd so", "https://b.example", "b"),
    ]
    assert expected == cited(answer, said)


def test_a_start_of_zero_is_not_on_the_wire() -> None:
    """Proto3 leaves out what is zero."""
    segment = {"segment": {"endIndex": 3, "text": "abc"}, "groundingChunkIndices": [0]}
    assert [("abc", "https://a.example", "a")] == cited("abcd", grounded([web("a")], segment))


def test_a_segment_that_does_not_fit_is_looked_for() -> None:
    """Offsets count from a part, which is not always the beginning of the answer."""
    said = grounded([web("a")], support(0, 3, 0, text="def"), support(4, 7, 0, text="abc"))
    expected = [("def", "https://a.example", "a"), ("abc", "https://a.example", "a")]
    assert expected == cited("abc def", said)


def test_a_segment_that_is_nowhere_keeps_its_offsets() -> None:
    """As far as the answer goes."""
    said = grounded([web("a")], support(4, 99, 0, text="xyz"), support(3, 1, 0))
    expected = [("def", "https://a.example", "a"), ("", "https://a.example", "a")]
    assert expected == cited("abc def", said)


def test_sources_of_no_statement_are_those_of_the_answer() -> None:
    """A search without segments still has its sources; numbers of none are passed over."""
    said = {"groundingMetadata": {"groundingChunks": [web("a")]}}
    assert [("abc", "https://a.example", "a")] == cited("abc", said)
    assert [] == cited("abc", grounded([web("a")], support(0, 3, 1, -1)))
    assert [] == cited("abc", grounded([], {}))


@pytest.mark.parametrize(
    ("source", "url", "title"),
    [
        (
            {"web": {"uri": "https://a.example", "domain": "a.example"}},
            "https://a.example",
            "a.example",
        ),
        (
            {"maps": {"uri": "https://maps.example", "title": "Here"}},
            "https://maps.example",
            "Here",
        ),
        ({"image": {"sourceUri": "https://i.example", "title": "I"}}, "https://i.example", "I"),
        ({"retrievedContext": {"text": "abc", "fileSearchStore": "s"}}, "", ""),
    ],
)
def test_sources_of_every_kind(source: JSONObject, url: str, title: str) -> None:
    """What is no web page has no URL; the vendor's own object is kept with it."""
    reply = chunk({"text": "abc"}, finish="STOP", candidate=grounded([source], support(0, 3, 0)))
    (block,) = assemble(decode(sse(reply))).choices[0].blocks
    assert Text("abc", citations=(Citation(0, 3, url, title, source),)) == block


def test_citations_of_recited_text_are_sources_too() -> None:
    """They stand in another place, with offsets of the same kind."""
    citation = {"startIndex": 1, "endIndex": 3, "uri": "https://c.example", "license": "mit"}
    said = {"citationMetadata": {"citations": [citation]}}
    assert [("bc", "https://c.example", "")] == cited("abcd", said)
    assert [] == cited("abcd", {"citationMetadata": {}, "groundingMetadata": {}})


def test_what_a_stream_says_twice_is_told_once() -> None:
    """Grounding may come with several objects of a stream, the later ones knowing more."""
    first = grounded([web("a")], support(0, 1, 0))
    second = grounded([web("a"), web("b")], support(0, 1, 0), support(1, 2, 1))
    events = decode(
        sse(chunk({"text": "ab"}, candidate=first), chunk(finish="STOP", candidate=second))
    )
    urls = [event.url for event in events if isinstance(event, Annotation)]
    assert ["https://a.example", "https://b.example"] == urls
    assert [Extra("choice", second)] == [event for event in events if isinstance(event, Extra)]


def test_sources_after_a_call_have_a_text_of_their_own() -> None:
    """The text they are of is closed by then, and any text of the answer may carry them."""
    candidate = grounded([web("a")], support(0, 2, 0))
    events = decode(sse(chunk({"text": "ab"}, call("f"), finish="STOP", candidate=candidate)))
    check_grammar(events)
    assert (
        Text("ab"),
        ToolCall(synthetic_call_id("r1", 0), "f", ""),
        Text("", citations=(Citation(0, 2, "https://a.example", "a", web("a")),)),
    ) == assemble(events).choices[0].blocks


def test_sources_of_a_thought_alone_have_a_text_as_well() -> None:
    """An open block that is no text cannot carry them."""
    candidate = grounded([web("a")])
    events: list[Event] = decode(
        sse(chunk({"text": "t", "thought": True}, finish="STOP", candidate=candidate))
    )
    expected = [
        BlockStop(0),
        BlockStart(1, "text"),
        Annotation(1, 0, 0, "https://a.example", "a", web("a")),
        BlockStop(1),
    ]
    assert expected == events[3:7]


@given(st.lists(st.text("aé漢👍", min_size=1), min_size=1), st.data())
def test_every_segment_is_what_it_says(pieces: list[str], data: st.DataObject) -> None:
    """Whatever is cited of whatever text, the code points say the same as the bytes."""
    answer = "".join(pieces)
    start = data.draw(st.integers(0, len(answer)))
    end = data.draw(st.integers(start, len(answer)))
    places = [len(answer[:place].encode()) for place in (start, end)]
    candidate = grounded([web("a")], support(places[0], places[1], 0))
    replies = [chunk({"text": piece}) for piece in pieces]
    events = decode(sse(*replies, chunk(finish="STOP", candidate=candidate)))
    assert [(start, end)] == [(e.start, e.end) for e in events if isinstance(e, Annotation)]
    assert answer == "".join(e.text for e in events if isinstance(e, TextDelta))
