"""Promises of the decoders of chat completions: framing, choices, calls, extras and counts."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Done,
    Finish,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.messages import Choice, Opaque, Text, assemble, synthetic_call_id
from asgi_thinking.wire.openai import CompletionDecoder, OpenAIDecoder, decode_reply
from tests.strategies import WIRES, check_grammar, shared
from tests.wire.openai_transcripts import (
    CALL,
    CITATION,
    DONE,
    FULL_EVENTS,
    FULL_MESSAGE,
    FULL_STREAM,
    HEAD,
    STARTED,
    USAGE,
    JSONObject,
    chunk,
    completion,
    cut,
    decode,
    finished,
    said,
    sse,
    told,
)

SIZE = len(FULL_STREAM)


def call(index: int | None, **item: Any) -> JSONObject:
    """A delta with a fragment of a call."""
    place = {} if index is None else {"index": index}
    return {"tool_calls": [{**place, **item}]}


def test_a_stream_becomes_events() -> None:
    """Thinking, answer, source, call, counts and extras, whole and byte by byte, LF and CRLF."""
    assert FULL_EVENTS == decode(FULL_STREAM)
    assert FULL_EVENTS == decode(*cut(FULL_STREAM, *range(SIZE)))
    windows = FULL_STREAM.replace(b"\n", b"\r\n")
    assert FULL_EVENTS == decode(*cut(windows, *range(len(windows))))
    check_grammar(FULL_EVENTS)


@shared(WIRES)
@given(st.lists(st.integers(0, SIZE)))
def test_every_split_gives_the_same_events(places: list[int]) -> None:
    """The events do not depend on how the network cut the stream."""
    assert FULL_EVENTS == decode(*cut(FULL_STREAM, *places))


def test_a_reply_means_the_same_streamed_or_not() -> None:
    """The message assembled from a stream is that of the JSON reply."""
    assert assemble(FULL_EVENTS) == assemble(decode_reply(FULL_MESSAGE, 1, "openai"))


def test_events_leave_with_the_read_that_brings_them() -> None:
    """Nothing that is complete waits for a later read, but for the finish."""
    decoder = OpenAIDecoder(1, "openai")
    assert [STARTED] == decoder.feed(sse(chunk({"role": "assistant"})))
    text = sse(chunk({"content": "a"}))
    assert [BlockStart(0, "text"), TextDelta(0, "a")] == decoder.feed(text)
    assert [TextDelta(0, "a")] == decoder.feed(text)
    assert [] == decoder.feed(sse(chunk(finish_reason="stop")))
    assert [BlockStop(0), Finish("stop", "stop"), Done()] == decoder.feed(DONE)
    assert [] == [*decoder.feed(text), *decoder.close()]


def test_chunks_of_another_framing_are_decoded_alike() -> None:
    """Where chunks come without SSE, names and JSON are enough; nothing counts after the end."""
    decoder = CompletionDecoder(1, "openai")
    frames = [(b"", line[6:]) for line in FULL_STREAM.split(b"\n\n")[:-1]]
    assert FULL_EVENTS == decoder.feed([*frames, *frames])
    assert [] == decoder.feed(frames)
    assert [] == decoder.close()


@pytest.mark.parametrize(
    "line",
    [
        b": OPENROUTER PROCESSING\n\n",
        b"event: ping\ndata: {}\n\n",
        b'data: {"type":"ping"}\n\n',
        b"id: 7\nretry: 5\n\n",
    ],
)
def test_signs_of_life_say_nothing(line: bytes) -> None:
    """Comments, pings and fields of reconnection are passed over, wherever they come."""
    noisy = FULL_STREAM.replace(b"data: ", line + b"data: ")
    assert FULL_EVENTS == decode(noisy)
    assert FULL_EVENTS == decode(*cut(noisy, *range(len(noisy))))


def test_forms_of_the_same_framing() -> None:
    """`data:` without a space, a BOM, a [DONE] with one, and a last blank line too few all do."""
    assert FULL_EVENTS == decode(FULL_STREAM.replace(b"data: ", b"data:"))
    assert FULL_EVENTS == decode(b"\xef\xbb\xbf" + FULL_STREAM.replace(b"[DONE]", b"[DONE] "))
    assert FULL_EVENTS == decode(FULL_STREAM.rstrip(b"\n"))


def test_a_stream_may_end_without_done() -> None:
    """Where every choice has its finish reason, nothing more has to come."""
    assert FULL_EVENTS == decode(FULL_STREAM.removesuffix(DONE))
    assert FULL_EVENTS == decode(FULL_STREAM.removesuffix(b"\n\n" + DONE))


def test_done_ends_a_stream_without_a_finish_reason() -> None:
    """The wire's own end counts; whether there were calls says the rest."""
    assert [Finish("stop", ""), Done()] == decode(finished({"content": "a"}, reason=None))[-2:]
    calls = finished(call(0, id="x", function={**CALL, "arguments": "{}"}), reason="")
    assert [Finish("tool_calls", ""), Done()] == decode(calls)[-2:]


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
        ("tool_calls", "stop"),
        ("function_call", "tool_calls"),
        ("something_new", "stop"),
    ],
)
def test_finish_reasons(native: str, expected: Any) -> None:
    """Each has its OpenAI word; calls are only spoken of where there are any."""
    assert Finish(expected, native) == decode(finished(reason=native))[-2]


def test_calls_finish_as_calls() -> None:
    """A server that says stop after tool calls is mended, for clients look at the reason."""
    assert Finish("tool_calls", "stop") == decode(finished(call(0, id="x", function=CALL)))[-2]


def test_the_last_finish_reason_counts() -> None:
    """Gateways repeat it on the chunk with the counts, and correct it there."""
    stream = sse(
        chunk({"content": "a"}, finish_reason="stop"),
        chunk({"content": ""}, finish_reason="length") | {"usage": USAGE},
        chunk({"content": "b"}, finish_reason=None),
    )
    assert [
        STARTED,
        BlockStart(0, "text"),
        TextDelta(0, "a"),
        Usage(10, 20, 7, 4, 1),
        TextDelta(0, "b"),
        BlockStop(0),
        Finish("length", "length"),
        Done(),
    ] == decode(stream + DONE)


def test_several_choices_keep_apart() -> None:
    """Each has its blocks, extras and finish, however they alternate."""
    stream = sse(
        chunk({"content": "a"}, index=1, logprobs={"content": [1], "refusal": None}),
        chunk({"reasoning": "t"}, index=0),
        chunk({"content": "b"}, index=1, logprobs={"content": [2], "refusal": None}),
        chunk({"content": "c", "x": 1}, index=0),
        chunk(index=1, finish_reason="length"),
        chunk(index=0, finish_reason="stop", seed=5),
    )
    events = decode(stream + DONE)
    check_grammar(events)
    first, second = assemble(events).choices
    assert "c" == first.text
    assert ({"seed": 5}, {"x": 1}) == (first.extras, first.delta_extras)
    assert "length" == second.finish
    assert Choice((Text("ab"),), "length", "length", second.extras) == second
    assert {"logprobs": {"content": [1, 2], "refusal": None}} == second.extras


def test_choices_are_numbered_by_their_place_where_they_have_no_number() -> None:
    """A JSON reply without indexes keeps the order."""
    body = orjson.dumps({**HEAD, "choices": [{"message": {"content": "a"}}, {"message": {}}]})
    message = assemble(decode_reply(body, 1, "openai"))
    assert ["a", ""] == [choice.text for choice in message.choices]


def test_calls_may_alternate() -> None:
    """Fragments go to the call that they number; each call stays open until the end."""
    assert [
        BlockStart(0, "tool_call", id="x", name="f"),
        ToolCallDelta(0, "{"),
        BlockStart(1, "tool_call", id="y", name="g"),
        ToolCallDelta(0, "}"),
        ToolCallDelta(1, "{}"),
        BlockStop(0),
        BlockStop(1),
    ] == said(
        call(0, id="x", function={"name": "f", "arguments": "{"}),
        call(1, id="y", function={"name": "g"}),
        call(0, function={"arguments": "}"}),
        call(1, id="y", function={"name": "g", "arguments": "{}"}),
    )


@pytest.mark.parametrize("index", [0, None])
def test_calls_that_share_a_number_are_told_by_their_ids(index: int | None) -> None:
    """Servers that number the calls of each delta anew still make several calls."""
    events = said(
        call(index, id="x", function={"name": "f", "arguments": "{}"}),
        call(index, id="y", function={"name": "f", "arguments": "[]"}),
        call(index, id="z", function={"arguments": " "}),
    )
    assert ["{}", "[]", " "] == [e.arguments for e in events if isinstance(e, ToolCallDelta)]
    assert ["x", "y"] == [e.id for e in events if isinstance(e, BlockStart)]


def test_a_call_waits_for_its_name() -> None:
    """What comes before the name is kept; a call that never gets one has none."""
    events = said(
        call(0, id="x", function={"arguments": "{"}),
        call(0, function={"name": "f"}),
        call(0, function={"arguments": "}"}),
        call(1, id="y", function={"arguments": "{}"}),
    )
    assert [
        BlockStart(0, "tool_call", id="x", name="f"),
        ToolCallDelta(0, "{"),
        ToolCallDelta(0, "}"),
        BlockStop(0),
        BlockStart(1, "tool_call", id="y", name=""),
        ToolCallDelta(1, "{}"),
        BlockStop(1),
    ] == events


def test_a_call_without_an_id_gets_one_that_every_split_agrees_on() -> None:
    """The id follows from the reply's and the call's number."""
    stream = finished(call(0, function=CALL), call(1, function=CALL))
    ids = [e.id for e in decode(stream) if isinstance(e, BlockStart)]
    assert [synthetic_call_id("chatcmpl-1", number) for number in (0, 1)] == ids
    assert decode(stream) == decode(*cut(stream, *range(len(stream))))


def test_arguments_may_be_an_object() -> None:
    """What is JSON already becomes its text."""
    assert ToolCallDelta(0, '{"a":1}') in said(
        call(0, id="x", function={"name": "f", "arguments": {"a": 1}})
    )


def test_a_call_keeps_googles_signature() -> None:
    """It stands beside the function, and only Google can verify it."""
    google = {"google": {"thought_signature": "c2ln"}}
    assert [
        BlockStart(0, "tool_call", id="x", name="f", origin="gemini"),
        SignatureDelta(0, "c2ln"),
        BlockStop(0),
    ] == said(call(0, id="x", function=CALL, extra_content=google))


def test_custom_calls_are_kept_as_they_are() -> None:
    """A kind of call that has no place here is an opaque block."""
    item = {"id": "x", "type": "custom", "custom": {"name": "f", "input": "i"}}
    block = assemble(decode_reply(completion({"tool_calls": [item]}), 1, "openai")).choices[0]
    assert (Opaque(orjson.dumps(item).decode(), "openai"),) == block.blocks


def test_a_refusal_is_a_block_of_its_own() -> None:
    """OpenAI explains a refusal in its own field; empty ones are none."""
    assert [BlockStart(0, "refusal"), TextDelta(0, "N"), TextDelta(0, "o"), BlockStop(0)] == said(
        {"refusal": "N", "content": None}, {"refusal": "o"}, {"refusal": ""}
    )


def test_sources_belong_to_the_answer() -> None:
    """One that comes late gets a block; one that is no web page is kept as it is."""
    file = {"type": "file", "file": {"hash": "h"}}
    assert [
        BlockStart(0, "text"),
        Annotation(0, 0, 3, "https://e.org", "E", CITATION),
        Annotation(0, 0, 0, "", "", file),
        BlockStop(0),
    ] == said({"annotations": [CITATION, file]})


def test_half_a_surrogate_pair_does_no_harm() -> None:
    """What no JSON writer should send becomes the replacement character, in short and long."""
    stream = finished({"content": "X"}, {"content": "Y" * 999}).replace(b'X"', b'\\ud83d"')
    assert TextDelta(0, "\N{REPLACEMENT CHARACTER}") in decode(stream)


def test_an_answer_in_parts_keeps_its_order() -> None:
    """Texts, thinking and what nobody knows, in the order that the array has."""
    parts = [
        "a",
        {"type": "text", "text": ""},
        {"type": "text", "text": "b"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "t"}, {"type": "x"}, "y"]},
        {"type": "reference", "reference_ids": [1]},
        {"type": "text", "text": "c"},
    ]
    expected = [
        BlockStart(0, "text"),
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        BlockStop(0),
        BlockStart(1, "thinking"),
        ThinkingDelta(1, "t"),
        BlockStop(1),
        BlockStart(2, "opaque", data=orjson.dumps(parts[4]).decode(), origin="openai"),
        BlockStop(2),
        BlockStart(3, "text"),
        TextDelta(3, "c"),
        BlockStop(3),
    ]
    assert expected == told({"content": parts})
    assert expected == said(*({"content": [part]} for part in parts))
