"""Promises of the strict dialect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Event,
    Extra,
    Finish,
    TextDelta,
    ToolCallDelta,
)
from asgi_thinking.messages import assemble
from tests.dialects.clients import deltas, read_chunks
from tests.dialects.reply import (
    EVENTS,
    TOOL_CALLS,
    TOOL_DELTAS,
    USAGE_OBJECT,
    head,
    one_choice,
    sse,
)
from tests.strictness import check_completion, check_stream

ASKED = Asked(thinking=True, include_usage=True)
TOKEN: dict[str, Any] = {"token": "a", "bytes": [97], "logprob": -0.5}
LOGPROBS: dict[str, Any] = {"content": [{**TOKEN, "top_logprobs": [TOKEN]}], "refusal": None}


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {**head("chat.completion.chunk"), "choices": [choice]}


def stream(events: list[Event], asked: Asked = ASKED) -> bytes:
    data = OPENAI.encoder(asked).feed(events)
    check_stream(data)
    return data


def whole(events: list[Event]) -> dict[str, Any]:
    body = OPENAI.encode_message(assemble(events), ASKED)
    check_completion(body)
    return body


def test_a_reply_is_exactly_openais() -> None:
    """The answer and the calls are there, in OpenAI's order of keys, and no thought is."""
    message = {"role": "assistant", "content": "It is 27.", "refusal": None}
    choice = {
        "index": 0,
        "message": {**message, "tool_calls": TOOL_CALLS},
        "logprobs": None,
        "finish_reason": "tool_calls",
    }
    expected = {**head("chat.completion"), "choices": [choice], "usage": USAGE_OBJECT}

    assert str(expected) == str(whole(EVENTS))


def test_a_stream_is_exactly_openais() -> None:
    """Role, answer, calls, finish reason, usage and [DONE]; nothing while the model thinks."""
    expected = [
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"content": "It is "}),
        chunk({"content": "27."}),
        *map(chunk, TOOL_DELTAS),
        chunk({}, "tool_calls"),
        {**head("chat.completion.chunk"), "choices": [], "usage": USAGE_OBJECT},
    ]

    assert sse(expected) == stream(EVENTS)


def test_usage_comes_only_if_asked_for() -> None:
    """A caller who did not ask gets no chunk without choices, which many clients fail on."""
    asked = Asked(thinking=True)

    assert all(c["choices"] and "usage" not in c for c in read_chunks(stream(EVENTS, asked)))


def test_a_refusal_has_its_own_field_and_no_calls() -> None:
    """A refused reply says why in `refusal`, and its calls are not for running."""
    events = one_choice(
        [
            BlockStart(0, "tool_call", id="call_1", name="weather"),
            ToolCallDelta(0, '{"ci'),
            BlockStop(0),
            BlockStart(1, "refusal"),
            TextDelta(1, "I will not."),
            BlockStop(1),
        ],
        Finish("content_filter", "refusal"),
    )

    (choice,) = whole(events)["choices"]

    expected = {"role": "assistant", "content": None, "refusal": "I will not."}
    assert expected == choice["message"]
    assert choice["finish_reason"] == "content_filter"
    assert {"refusal": "I will not."} in deltas(OPENAI.encoder(ASKED).feed(events))


def test_only_web_pages_are_sources_and_only_of_a_whole_reply() -> None:
    """OpenAI has annotations with a URL, in messages; its deltas have no place for them."""
    events = one_choice(
        [
            BlockStart(0, "text"),
            TextDelta(0, "It is 27."),
            Annotation(0, 6, 8, "https://example.com", "Powers", {"type": "web"}),
            Annotation(0, 0, 5, "", "A file", {"file": "a.pdf"}),
            BlockStop(0),
        ]
    )

    (choice,) = whole(events)["choices"]

    source = {"start_index": 6, "end_index": 8, "title": "Powers", "url": "https://example.com"}
    expected = [{"type": "url_citation", "url_citation": source}]
    assert expected == choice["message"]["annotations"]
    assert b"annotations" not in stream(events)


def test_what_openai_knows_of_an_upstreams_extras_is_passed_on() -> None:
    """Fingerprint, service tier and log probabilities have a place; the rest of them has none."""
    events: list[Event] = [
        EVENTS[0],
        Extra("body", {"system_fingerprint": "fp", "service_tier": "flex", "citations": ["x"]}),
        BlockStart(0, "text"),
        TextDelta(0, "a"),
        Extra("choice", {"logprobs": LOGPROBS, "stop_details": "x"}),
        Extra("delta", {"audio": {"id": "x"}}),
        BlockStop(0),
        Finish("stop", "stop"),
        EVENTS[-1],
    ]

    body, chunks = whole(events), read_chunks(stream(events))

    assert ("fp", "flex") == (body["system_fingerprint"], body["service_tier"])
    assert LOGPROBS == body["choices"][0]["logprobs"]
    assert ["fp"] * 3 == [c["system_fingerprint"] for c in chunks[1:]]
    assert LOGPROBS == chunks[2]["choices"][0]["logprobs"]
    shown = str(body) + str(chunks)
    assert not [key for key in ("citations", "stop_details", "audio") if key in shown]


@pytest.mark.parametrize(
    "logprobs",
    [
        pytest.param("none", id="a string"),
        pytest.param({"content": "none"}, id="no list"),
        pytest.param({"content": [{"token": 1, "logprob": 0}]}, id="no token"),
        pytest.param(
            {"content": [{"token": "a", "logprob": "?", "top_logprobs": []}]}, id="number"
        ),
        pytest.param({"content": [{"token": "a", "logprob": 0}]}, id="no alternatives"),
        pytest.param(None, id="null"),
    ],
)
def test_log_probabilities_of_another_form_are_left_out(logprobs: Any) -> None:
    """What is not OpenAI's form is no log probability for a strict client."""
    events = one_choice([Extra("choice", {"logprobs": logprobs})])

    assert whole(events)["choices"][0]["logprobs"] is None
    assert len(read_chunks(stream(events))) == 2


def test_what_others_add_to_log_probabilities_goes() -> None:
    """Keys that OpenAI has not are cut from every token; absent bytes are null."""
    token = {**TOKEN, "id": 7}
    given = {"content": [{**token, "bytes": None, "top_logprobs": [token]}], "tokens": []}
    events = one_choice([Extra("choice", {"logprobs": given})])

    expected = {"content": [{**TOKEN, "bytes": None, "top_logprobs": [TOKEN]}], "refusal": None}
    assert expected == whole(events)["choices"][0]["logprobs"]


def test_a_service_tier_that_openai_has_not_is_left_out() -> None:
    """Other vendors' tiers are words that OpenAI's types do not allow."""
    extras = {"service_tier": "on_demand", "system_fingerprint": 7}
    message = replace(assemble(EVENTS), extras=extras)

    assert "service_tier" not in OPENAI.encode_message(message, ASKED)


def test_strict_messages_carry_no_thought_to_read() -> None:
    """The dialect declares that it shows nothing and reads nothing."""
    assert OPENAI.read_echo({"role": "assistant", "content": "27"}) is None
    assert (OPENAI.shows_thinking, OPENAI.ordered) == (False, False)
