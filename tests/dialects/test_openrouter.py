"""Promises of OpenRouter's format."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.dialects import Asked, CallSlot
from asgi_thinking.dialects.openrouter import OPENROUTER
from asgi_thinking.events import (
    BlockStart,
    BlockStop,
    Event,
    Finish,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import RedactedThinking, Text, Thinking, ToolCall, assemble
from tests.dialects.clients import by_openrouter, deltas, read_chunks
from tests.dialects.reply import EVENTS, TOOL_CALLS, TOOL_DELTAS, USAGE_OBJECT, head, one_choice

ASKED = Asked(thinking=True, include_usage=True)
CLAUDE = {"format": "anthropic-claude-v1"}
GEMINI = {"format": "google-gemini-v1", "provider": "gemini"}
FIRST = {"type": "reasoning.text", "text": '27 is "3³"', "signature": "c2ln", **CLAUDE, "index": 0}
REDACTED = {"type": "reasoning.encrypted", "data": "cmVk", **CLAUDE, "index": 1}
SECOND = {
    "type": "reasoning.text",
    "text": "Now the tools.",
    "signature": "Mm5k",
    **CLAUDE,
    "index": 2,
    "after": {"content": 9},
}
ROLE = {"role": "assistant", "content": "", "refusal": None}
SUMMARY = "openai-responses-v1?type=reasoning.summary&id=rs_1&index=2"


def encode(events: list[Event], asked: Asked = ASKED) -> bytes:
    return OPENROUTER.encoder(asked).feed(events)


def whole(events: list[Event], asked: Asked = ASKED) -> dict[str, Any]:
    return OPENROUTER.encode_message(assemble(events), asked)["choices"][0]["message"]


def detail(text: str, index: int, string: str | None = None, **rest: Any) -> dict[str, Any]:
    item = {"index": index, "type": "reasoning.text", "text": text, **rest}
    return {"reasoning": text if string is None else string, "reasoning_details": [item]}


def test_a_message_has_thinking_as_text_and_as_details() -> None:
    """`reasoning` joins what `reasoning_details` has with signatures, formats and places."""
    message = {
        "role": "assistant",
        "content": "It is 27.",
        "reasoning": '27 is "3³"\n\nNow the tools.',
        "reasoning_details": [FIRST, REDACTED, SECOND],
        "tool_calls": TOOL_CALLS,
    }

    reply = OPENROUTER.encode_message(assemble(EVENTS), ASKED)

    assert str(message) == str(reply["choices"][0]["message"])
    assert "Anthropic" == reply["provider"]
    assert "tool_use" == reply["choices"][0]["native_finish_reason"]


def test_a_stream_has_fragments_of_details() -> None:
    """A place comes with a block's first item, signature and format with its last."""
    sealed = {"index": 1, "type": "reasoning.encrypted", "data": "cmVk", **CLAUDE}
    expected = [
        ROLE,
        detail("27 ", 0),
        detail('is "3³"', 0),
        detail("", 0, signature="c2ln", **CLAUDE),
        {"reasoning": "", "reasoning_details": [sealed]},
        {"content": "It is "},
        {"content": "27."},
        detail("", 2, "\n\n", after={"content": 9}),
        detail("Now the tools.", 2),
        detail("", 2, signature="Mm5k", **CLAUDE),
        *TOOL_DELTAS,
        {},
    ]

    data = encode(EVENTS)

    assert expected == deltas(data)
    *chunks, finish, usage = read_chunks(data)
    assert {"Anthropic"} == {chunk["provider"] for chunk in (*chunks, finish, usage)}
    assert "tool_use" == finish["choices"][0]["native_finish_reason"]
    assert USAGE_OBJECT == usage["usage"]


def test_both_keys_are_there_if_asked_for_and_only_then() -> None:
    """The provider and its own word for the finish are always there."""
    events = one_choice(
        [BlockStart(0, "text"), TextDelta(0, "Hi"), BlockStop(0)], Finish("stop", "")
    )

    shown, reply = whole(events), OPENROUTER.encode_message(assemble(events), Asked())

    assert (None, None) == (shown["reasoning"], shown["reasoning_details"])
    assert {"role": "assistant", "content": "Hi", "refusal": None} == reply["choices"][0]["message"]
    assert (None, "Anthropic") == (reply["choices"][0]["native_finish_reason"], reply["provider"])
    chunks = read_chunks(encode(events, Asked()))
    assert {**head("chat.completion.chunk"), "provider": "Anthropic"}.items() <= chunks[0].items()
    assert chunks[-1]["choices"][0]["native_finish_reason"] is None


def test_unsigned_and_hidden_thinking() -> None:
    """Who nobody can verify has an unknown format, or clients would drop it; null is no key."""
    events = one_choice(
        [
            *(BlockStart(0, "thinking"), ThinkingDelta(0, "aloud"), BlockStop(0)),
            *(BlockStart(1, "thinking"), SignatureDelta(1, "c2ln"), BlockStop(1)),
            *(BlockStart(2, "thinking"), BlockStop(2)),
            *(BlockStart(3, "thinking"), ThinkingDelta(3, "too"), BlockStop(3)),
        ]
    )
    expected = [
        detail("aloud", 0),
        detail("", 0, format="unknown"),
        detail("", 1, signature="c2ln", **CLAUDE),
        {"reasoning": "\n\n"},
        detail("too", 2),
        detail("", 2, format="unknown"),
    ]

    assert expected == deltas(encode(events))[1:-1]
    assert [("unknown", 0), ("anthropic-claude-v1", 1), ("unknown", 2)] == [
        (item["format"], item["index"]) for item in whole(events)["reasoning_details"]
    ]


def test_geminis_signatures_are_encrypted_items() -> None:
    """That of a call has the call's id, that of a text the text's place and length."""
    events = one_choice(
        [
            *(BlockStart(0, "thinking", origin="vertex"), ThinkingDelta(0, "hm")),
            *(SignatureDelta(0, "dGg="), BlockStop(0)),
            *(BlockStart(1, "text", origin="gemini"), TextDelta(1, "Wait.")),
            *(SignatureDelta(1, "dGV4dA=="), BlockStop(1)),
            BlockStart(2, "tool_call", id="call_1", name="time", origin="gemini"),
            *(SignatureDelta(2, "Y2FsbA=="), ToolCallDelta(2, "{}"), BlockStop(2)),
        ]
    )
    sealed = {"type": "reasoning.encrypted", **GEMINI}
    details = [
        {
            "type": "reasoning.text",
            "text": "hm",
            "signature": "dGg=",
            "index": 0,
            **GEMINI,
            "provider": "vertex",
        },
        {**sealed, "data": "dGV4dA==", "content_length": 5, "index": 1},
        {**sealed, "data": "Y2FsbA==", "id": "call_1", "index": 2},
    ]

    message, added = whole(events), by_openrouter(encode(events))

    assert details == message["reasoning_details"]
    assert details[1:] == added["reasoning_details"][-2:]
    blocks = [
        Thinking("hm", "dGg=", "vertex"),
        Text("Wait.", "dGV4dA==", "gemini"),
        ToolCall("call_1", "", "", "Y2FsbA==", "gemini"),
    ]
    assert blocks == OPENROUTER.read_echo(message) == OPENROUTER.read_echo(added)


def test_a_calls_signature_without_its_provider_is_anyones() -> None:
    """The AI SDK drops what it does not know: the item may be Gemini's own or OpenRouter's."""
    item = {"type": "reasoning.encrypted", "data": "Y2FsbA==", "format": "google-gemini-v1"}

    assert [
        RedactedThinking("Y2FsbA==", "google-gemini-v1?id=call_1"),
        ToolCall("call_1", "", "", "Y2FsbA==", "gemini"),
    ] == OPENROUTER.read_echo({"reasoning_details": [{**item, "id": "call_1", "index": 0}]})
    empty = {**item, "id": "call_1", "data": None}
    assert OPENROUTER.read_echo({"reasoning_details": [empty]}) is None


def test_what_came_from_openrouter_is_passed_on_as_it_was() -> None:
    """Types, ids, formats and indexes stay, and come back as the origin that they were."""
    redacted = "openai-responses-v1?id=rs_1"
    events = one_choice(
        [
            *(BlockStart(0, "thinking", origin=SUMMARY), ThinkingDelta(0, "a"), BlockStop(0)),
            *(BlockStart(1, "redacted_thinking", data="ZA==", origin=redacted), BlockStop(1)),
        ]
    )
    known = {"id": "rs_1", "format": "openai-responses-v1"}
    details = [
        {"type": "reasoning.summary", "summary": "a", **known, "index": 2},
        {"type": "reasoning.encrypted", "data": "ZA==", **known, "index": 3},
    ]

    message, added = whole(events), by_openrouter(encode(events))

    assert details == message["reasoning_details"]
    found = [Thinking("a", None, SUMMARY), RedactedThinking("ZA==", redacted + "&index=3")]
    assert found == OPENROUTER.read_echo(message) == OPENROUTER.read_echo(added)


def test_an_echo_restores_the_order_of_blocks_text_and_calls() -> None:
    """`after` says what stood before a block; LiteLLM keeps the details among other things."""
    details = [FIRST, {**SECOND, "after": {"content": 6, "tool_calls": 1}}]
    message = {"content": "It is 27.", "tool_calls": TOOL_CALLS}

    expected = [
        Thinking('27 is "3³"', "c2ln"),
        Text("It is "),
        CallSlot(0),
        Thinking("Now the tools.", "Mm5k"),
        Text("27."),
    ]
    assert expected == OPENROUTER.read_echo({**message, "reasoning_details": details})
    kept = {"provider_specific_fields": {"reasoning_details": details}}
    assert expected == OPENROUTER.read_echo({**message, **kept})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param({"content": "27"}, None, id="plain"),
        pytest.param({"reasoning": "hm"}, None, id="text only"),
        pytest.param({"reasoning_details": []}, None, id="no details"),
        pytest.param({"provider_specific_fields": "x"}, None, id="no object"),
        pytest.param(
            {
                "reasoning_details": [
                    7,
                    {"type": "x"},
                    {"type": "reasoning.text"},
                    {**REDACTED, "data": None},
                ]
            },
            None,
            id="unknown",
        ),
        pytest.param(
            {"reasoning_details": [{**FIRST, "format": [], "index": 5}]},
            [Thinking('27 is "3³"', "c2ln")],
            id="no format",
        ),
        pytest.param(
            {"reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}] * 2},
            [Thinking("aa")],
            id="fragments",
        ),
        pytest.param(
            {"reasoning_details": [{**FIRST, "index": 0}, {**FIRST, "index": 0}]},
            [Thinking('27 is "3³"', "c2ln")] * 2,
            id="signed ones are whole",
        ),
        pytest.param(
            {"reasoning_details": [{"type": "reasoning.text", "text": "a", "index": None}] * 2},
            [Thinking("a")] * 2,
            id="no indexes",
        ),
    ],
)
def test_what_an_echo_is(message: dict[str, Any], expected: list[Any] | None) -> None:
    """Details count; what says nothing is passed over, and fragments are put together."""
    assert expected == OPENROUTER.read_echo(message)


@pytest.mark.parametrize(
    ("details", "param"),
    [
        pytest.param("x", "reasoning_details", id="no array"),
        pytest.param([FIRST, {**SECOND, "text": 1}], "reasoning_details[1].text", id="text"),
        pytest.param(
            [FIRST, {**FIRST, "text": 1, "signature": None}],
            "reasoning_details[1].text",
            id="again",
        ),
        pytest.param(
            [{**FIRST, "signature": None}, {**FIRST, "text": 1}],
            "reasoning_details[0].text",
            id="fragment",
        ),
        pytest.param([{**REDACTED, "data": 1}], "reasoning_details[0].data", id="data"),
        pytest.param([{**FIRST, "provider": 1}], "reasoning_details[0].provider", id="provider"),
    ],
)
def test_a_malformed_echo_is_the_callers_mistake(details: Any, param: str) -> None:
    """The error names the field; the caller puts the message's place in front."""
    with pytest.raises(InvalidRequest) as caught:
        OPENROUTER.read_echo({"reasoning_details": details})

    assert param == caught.value.param
