"""Promises of TrueFoundry's first format."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.truefoundry_legacy import TRUEFOUNDRY_LEGACY
from asgi_thinking.events import (
    BlockStart,
    BlockStop,
    Event,
    Finish,
    MessageStart,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Opaque, RedactedThinking, Text, Thinking, assemble
from tests.dialects.clients import deltas, read_chunks
from tests.dialects.reply import (
    EVENTS,
    THREE_COUNTS,
    TOOL_CALLS,
    TOOL_DELTAS,
    head,
    one_choice,
    sse,
)

ASKED = Asked(thinking=True, include_usage=True)
CONTENT = [
    {"type": "thinking", "thinking": '27 is "3³"', "signature": "c2ln"},
    {"type": "redacted_thinking", "data": "cmVk"},
    {"type": "text", "text": "It is 27."},
    {"type": "thinking", "thinking": "Now the tools.", "signature": "Mm5k"},
]
ID = "anthropic-1700000000533"  # the time, and three digits of the reply's id


def chunk(delta: dict[str, Any], **finish: str) -> dict[str, Any]:
    fields = head("chat.completion.chunk", provider="anthropic")
    return {**fields, "id": ID, "choices": [{"index": 0, "delta": delta, **finish}]}


def encode(events: list[Event], asked: Asked = ASKED) -> bytes:
    return TRUEFOUNDRY_LEGACY.encoder(asked).feed(events)


def whole(events: list[Event], asked: Asked = ASKED) -> dict[str, Any]:
    return TRUEFOUNDRY_LEGACY.encode_message(assemble(events), asked)


def test_a_reply_has_thinking_as_parts_of_its_content() -> None:
    """Parts stand in the provider's order, with its finish reason and three counts."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": CONTENT, "tool_calls": TOOL_CALLS},
        "finish_reason": "tool_use",
    }
    fields = head("chat.completion", provider="anthropic")

    assert str({**fields, "choices": [choice], "usage": THREE_COUNTS}) == str(whole(EVENTS))


def test_a_stream_sends_thinking_signatures_and_content() -> None:
    """The role comes with the first thinking and again with the first content."""
    expected = [
        chunk({"role": "assistant", "thinking": "27 "}),
        chunk({"thinking": 'is "3³"'}),
        chunk({"signature": "c2ln"}),
        chunk({"redacted_thinking": "cmVk"}),
        chunk({"role": "assistant", "content": "It is "}),
        chunk({"content": "27."}),
        chunk({"thinking": "Now the tools."}),
        chunk({"signature": "Mm5k"}),
        *map(chunk, TOOL_DELTAS),
        chunk({}, finish_reason="tool_use"),
        {**chunk({}), "choices": [], "usage": THREE_COUNTS},
    ]

    assert sse(expected) == encode(EVENTS)


def test_content_is_a_string_where_nothing_was_thought() -> None:
    """Clients of OpenAI's format fail on arrays, so there is none without need."""
    events = one_choice([BlockStart(0, "text"), TextDelta(0, "Hi"), BlockStop(0)])

    (choice,) = whole(events)["choices"]

    assert {"role": "assistant", "content": "Hi"} == choice["message"]


def test_unasked_it_is_openais_format_with_provider() -> None:
    """Ids, provider and counts are the gateway's; the rest is OpenAI's, finish reason included."""
    asked = Asked(include_usage=True)

    body, chunks = whole(EVENTS, asked), read_chunks(encode(EVENTS, asked))

    (choice,) = body["choices"]
    assert "It is 27." == choice["message"]["content"]
    assert "tool_calls" == choice["finish_reason"] == chunks[-2]["choices"][0]["finish_reason"]
    assert {(ID, "anthropic")} == {(c["id"], c["provider"]) for c in chunks}
    assert THREE_COUNTS == body["usage"] == chunks[-1]["usage"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("anthropic", "anthropic"),
        ("bedrock", "aws"),
        ("vertex", "google"),
        ("gemini", "google"),
        ("acme", "acme"),
    ],
)
def test_providers_have_the_gateways_names(kind: str, name: str) -> None:
    """Kinds that the gateway does not know go by their own name."""
    events: list[Event] = [MessageStart("msg_1", "m", 1, kind), *EVENTS[1:]]

    assert name == whole(events)["provider"]
    assert {name} == {c["provider"] for c in read_chunks(encode(events))}
    assert all(c["id"].startswith(f"{name}-1") for c in read_chunks(encode(events)))


def test_the_role_comes_even_without_thinking_and_content() -> None:
    """A reply of calls alone, and an empty one, have the role in a delta of its own."""
    call: list[Event] = [BlockStart(0, "tool_call", id="c", name="f"), BlockStop(0)]

    assert [{"role": "assistant"}, {}] == deltas(encode(one_choice([])))
    assert {"role": "assistant"} == deltas(encode(one_choice(call)))[0]


def test_a_hidden_thought_is_told_from_the_one_before() -> None:
    """A signature without thinking comes with empty thinking, and names who can verify it."""
    events = one_choice(
        [
            BlockStart(0, "thinking", origin="gemini"),
            SignatureDelta(0, "c2ln"),
            BlockStop(0),
            BlockStart(1, "text", origin="gemini"),
            TextDelta(1, "Hi"),
            SignatureDelta(1, "dGV4dA=="),
            BlockStop(1),
        ],
        Finish("stop", ""),
    )

    assert [
        {"role": "assistant", "thinking": "", "signature": "c2ln", "provider": "gemini"},
        {"role": "assistant", "content": "Hi"},
        {"thought_signature": "dGV4dA==", "provider": "gemini"},
        {},
    ] == deltas(encode(events))
    assert [
        Thinking("", "c2ln", "gemini"),
        Text("Hi", "dGV4dA==", "gemini"),
    ] == TRUEFOUNDRY_LEGACY.read_echo(whole(events)["choices"][0]["message"])


def test_a_second_choice_has_its_own_role() -> None:
    """Each choice is a message, with a role on its first content."""
    events = one_choice(
        [
            BlockStart(0, "thinking"),
            ThinkingDelta(0, "a"),
            BlockStart(1, "text", choice=1),
            TextDelta(1, "b"),
            BlockStop(0),
            BlockStop(1),
            Finish("stop", "end_turn", 1),
        ]
    )

    assert [{"role": "assistant", "content": "b"}, {}] == deltas(encode(events), 1)


def test_an_echo_is_a_content_array_with_thinking() -> None:
    """All its blocks come back in order, and caching marks stay on their text."""
    cached = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    message = {"role": "assistant", "content": [*CONTENT, cached, "x", {"type": "mystery"}]}

    assert [
        Thinking('27 is "3³"', "c2ln"),
        RedactedThinking("cmVk"),
        Text("It is 27."),
        Thinking("Now the tools.", "Mm5k"),
        Text("Hi", cache_control={"type": "ephemeral"}),
        Opaque('{"type":"mystery"}'),
    ] == TRUEFOUNDRY_LEGACY.read_echo(message)


@pytest.mark.parametrize("content", [None, "27", [], [{"type": "text", "text": "27"}], [7]])
def test_content_without_thinking_is_not_this_form(content: Any) -> None:
    """Plain text, also as an array, is nobody's form."""
    assert TRUEFOUNDRY_LEGACY.read_echo({"role": "assistant", "content": content}) is None


def test_a_malformed_echo_is_the_callers_mistake() -> None:
    """The error names the field; the caller puts the message's place in front."""
    content = [CONTENT[0], {"type": "thinking", "thinking": ["a list"]}]

    with pytest.raises(InvalidRequest) as caught:
        TRUEFOUNDRY_LEGACY.read_echo({"content": content})

    assert caught.value.param == "content[1].thinking"
