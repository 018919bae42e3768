"""Promises of LiteLLM's format."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.dialects import Asked, CallSlot
from asgi_thinking.dialects.litellm import LITELLM
from asgi_thinking.events import (
    BlockStart,
    BlockStop,
    Event,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import RedactedThinking, Text, Thinking, ToolCall, assemble
from tests.dialects.clients import by_litellm, deltas, read_chunks
from tests.dialects.reply import EVENTS, TOOL_CALLS, TOOL_DELTAS, USAGE_OBJECT, one_choice

ASKED = Asked(thinking=True, include_usage=True)
FIRST = {"type": "thinking", "thinking": '27 is "3³"', "signature": "c2ln"}
REDACTED = {"type": "redacted_thinking", "data": "cmVk"}
SECOND = {"type": "thinking", "thinking": "Now the tools.", "signature": "Mm5k"}
AFTER = {"after": {"content": 9}}
ROLE = {"role": "assistant", "content": "", "refusal": None}


def encode(events: list[Event], asked: Asked = ASKED) -> bytes:
    return LITELLM.encoder(asked).feed(events)


def whole(events: list[Event], asked: Asked = ASKED) -> dict[str, Any]:
    return LITELLM.encode_message(assemble(events), asked)["choices"][0]["message"]


def delta(string: str, item: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "content": "",
        "reasoning_content": string,
        **({} if item is None else {"thinking_blocks": [item]}),
    }


def thinking(text: str, index: int, **rest: Any) -> dict[str, Any]:
    return {"index": index, "type": "thinking", "thinking": text, **rest}


def test_a_message_has_thinking_three_times() -> None:
    """As text, as blocks, and as the same blocks among the vendor's own fields."""
    blocks = [FIRST, REDACTED, SECOND | AFTER]
    message = {
        "role": "assistant",
        "content": "It is 27.",
        "reasoning_content": '27 is "3³"\n\nNow the tools.',
        "thinking_blocks": blocks,
        "provider_specific_fields": {"thinking_blocks": blocks},
        "tool_calls": TOOL_CALLS,
    }

    assert str(message) == str(whole(EVENTS))


def test_a_stream_has_fragments_of_blocks() -> None:
    """Every item has an index, none a signature that is null, and no delta lacks content."""
    expected = [
        ROLE,
        delta("27 ", thinking("27 ", 0)),
        delta('is "3³"', thinking('is "3³"', 0)),
        delta("", thinking("", 0, signature="c2ln")),
        delta("", {"index": 1, **REDACTED}),
        {"content": "It is "},
        {"content": "27."},
        delta("\n\n", thinking("", 2, **AFTER)),
        delta("Now the tools.", thinking("Now the tools.", 2)),
        delta("", thinking("", 2, signature="Mm5k")),
        *TOOL_DELTAS,
        {},
    ]

    data = encode(EVENTS)

    assert expected == deltas(data)
    assert USAGE_OBJECT == read_chunks(data)[-1]["usage"]


def test_unsigned_and_hidden_thinking() -> None:
    """No signature is no key; a hidden thought is only its signature, with whose it is."""
    events = one_choice(
        [
            *(BlockStart(0, "thinking"), ThinkingDelta(0, "aloud"), BlockStop(0)),
            BlockStart(1, "thinking", origin="mistral"),
            *(SignatureDelta(1, "c2ln"), BlockStop(1)),
            *(BlockStart(2, "thinking"), BlockStop(2)),
            *(BlockStart(3, "thinking"), ThinkingDelta(3, "too"), BlockStop(3)),
        ]
    )
    hidden = {"provider": "mistral", "signature": "c2ln"}

    assert [
        delta("aloud", thinking("aloud", 0)),
        delta("", thinking("", 1, **hidden)),
        delta("\n\n", None),
        delta("too", thinking("too", 2)),
    ] == deltas(encode(events))[1:-1]
    found = [Thinking("aloud"), Thinking("", "c2ln", "mistral"), Thinking("too")]
    assert found == LITELLM.read_echo(whole(events))
    assert found == LITELLM.read_echo(by_litellm(encode(events)))


def test_nothing_is_said_of_thinking_where_there_was_none() -> None:
    """Nor where nobody asked for it: then only OpenAI's fields are there."""
    events = one_choice([BlockStart(0, "text"), TextDelta(0, "Hi"), BlockStop(0)])

    assert {"role": "assistant", "content": "Hi"} == whole(events)
    assert {"role": "assistant", "content": "Hi", "refusal": None} == whole(events, Asked())
    assert [ROLE, {"content": "Hi"}, {}] == deltas(encode(events, Asked()))


@pytest.mark.parametrize("origin", ["gemini", "vertex"])
def test_a_calls_signature_is_among_its_own_fields(origin: str) -> None:
    """LiteLLM has Google's there, and keeps nothing else of a call in a stream."""
    events = one_choice(
        [
            BlockStart(0, "tool_call", id="call_1", name="time", origin=origin),
            *(SignatureDelta(0, "Y2FsbA=="), ToolCallDelta(0, "{}"), BlockStop(0)),
        ]
    )
    provider = {"provider": origin} if origin == "vertex" else {}
    seal = {"thought_signature": "Y2FsbA==", **provider}

    message, added = whole(events), by_litellm(encode(events))

    assert seal == message["tool_calls"][0]["provider_specific_fields"]
    assert message["tool_calls"] == added["tool_calls"]
    found = [ToolCall("call_1", "", "", "Y2FsbA==", origin)]
    assert found == LITELLM.read_echo(message) == LITELLM.read_echo(added)


def test_an_echo_restores_the_order_of_blocks_text_and_calls() -> None:
    """`after` says what stood before a block, under whichever key the blocks come back."""
    blocks = [FIRST, {**REDACTED, "after": {"content": 6, "tool_calls": 1}}]
    message = {"content": "It is 27.", "tool_calls": TOOL_CALLS}

    expected = [
        Thinking('27 is "3³"', "c2ln"),
        Text("It is "),
        CallSlot(0),
        RedactedThinking("cmVk"),
        Text("27."),
    ]
    assert expected == LITELLM.read_echo({**message, "thinking_blocks": blocks})
    kept = {"provider_specific_fields": {"thinking_blocks": blocks}}
    assert expected == LITELLM.read_echo({**message, "thinking_blocks": None, **kept})


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"content": "27"}, id="plain"),
        pytest.param({"content": "27", "thinking_blocks": []}, id="no blocks"),
        pytest.param({"reasoning_content": "hm"}, id="text only"),
        pytest.param({"provider_specific_fields": "x"}, id="no object"),
        pytest.param({"provider_specific_fields": {"citations": None}}, id="other fields"),
        pytest.param({"tool_calls": [{"provider_specific_fields": {}}]}, id="unsigned call"),
    ],
)
def test_what_is_no_echo(message: dict[str, Any]) -> None:
    """Without blocks and signatures it is not this form."""
    assert LITELLM.read_echo(message) is None


def test_a_malformed_echo_is_the_callers_mistake() -> None:
    """The error names the field; the caller puts the message's place in front."""
    blocks = {"thinking_blocks": [FIRST, {**FIRST, "thinking": 1}]}

    with pytest.raises(InvalidRequest) as caught:
        LITELLM.read_echo(blocks)
    assert "thinking_blocks[1].thinking" == caught.value.param
    with pytest.raises(InvalidRequest) as caught:
        LITELLM.read_echo({"provider_specific_fields": blocks})
    assert "provider_specific_fields.thinking_blocks[1].thinking" == caught.value.param
