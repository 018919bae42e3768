"""Promises of TrueFoundry's extended format."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.dialects import Asked, CallSlot
from asgi_thinking.dialects.truefoundry import TRUEFOUNDRY
from asgi_thinking.events import (
    Annotation,
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
from tests.dialects.clients import by_truefoundry, deltas, read_chunks
from tests.dialects.reply import (
    EVENTS,
    TOOL_CALLS,
    TOOL_DELTAS,
    USAGE_OBJECT,
    head,
    one_choice,
    sse,
)

ASKED = Asked(thinking=True, include_usage=True)
FIRST = {"type": "thinking", "thinking": '27 is "3³"', "signature": "c2ln"}
REDACTED = {"type": "redacted_thinking", "data": "cmVk"}
SECOND = {"type": "thinking", "thinking": "Now the tools.", "signature": "Mm5k"}
AFTER = {"after": {"content": 9}}


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {**head("chat.completion.chunk"), "choices": [choice]}


def thought(fragment: str, **rest: Any) -> dict[str, Any]:
    return {"content": "", "reasoning_content": fragment, **rest}


def encode(events: list[Event], asked: Asked = ASKED) -> bytes:
    return TRUEFOUNDRY.encoder(asked).feed(events)


def whole(events: list[Event], asked: Asked = ASKED) -> dict[str, Any]:
    return TRUEFOUNDRY.encode_message(assemble(events), asked)["choices"][0]["message"]


def test_a_message_has_thinking_as_text_and_as_blocks() -> None:
    """`reasoning_content` joins what `thinking_blocks` has with signatures and places."""
    message = {
        "role": "assistant",
        "content": "It is 27.",
        "reasoning_content": '27 is "3³"\n\nNow the tools.',
        "thinking_blocks": [FIRST, REDACTED, SECOND | AFTER],
        "tool_calls": TOOL_CALLS,
    }

    assert str(message) == str(whole(EVENTS))


def test_a_stream_sends_fragments_then_whole_blocks() -> None:
    """Each block is repeated whole when it ends, and a later one begins with a blank line."""
    signed = {"reasoning_signature": "c2ln"}
    again = {"reasoning_signature": "Mm5k"}
    expected = [
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk(thought("27 ")),
        chunk(thought('is "3³"')),
        chunk(thought("", **signed, thinking_blocks=[{"index": 0, **FIRST}])),
        chunk(thought("", thinking_blocks=[{"index": 1, **REDACTED}])),
        chunk({"content": "It is "}),
        chunk({"content": "27."}),
        chunk(thought("\n\nNow the tools.")),
        chunk(thought("", **again, thinking_blocks=[{"index": 2, **SECOND, **AFTER}])),
        *map(chunk, TOOL_DELTAS),
        chunk({}, "tool_calls"),
        {**head("chat.completion.chunk"), "choices": [], "usage": USAGE_OBJECT},
    ]

    assert sse(expected) == encode(EVENTS)


def test_both_keys_are_there_if_asked_for_and_only_then() -> None:
    """Samples read both keys unconditionally: null is an answer, an absent key a crash."""
    events = one_choice([BlockStart(0, "text"), TextDelta(0, "Hi"), BlockStop(0)])

    shown, plain = whole(events), whole(events, Asked())

    assert (None, None) == (shown["reasoning_content"], shown["thinking_blocks"])
    assert {"role": "assistant", "content": "Hi", "refusal": None} == plain


def test_unsigned_and_hidden_thinking() -> None:
    """No signature is no key, never null; a hidden thought is only its signature."""
    events = one_choice(
        [
            BlockStart(0, "thinking"),
            ThinkingDelta(0, "aloud"),
            BlockStop(0),
            BlockStart(1, "thinking"),
            SignatureDelta(1, "c2ln"),
            BlockStop(1),
            BlockStart(2, "thinking"),
            BlockStop(2),
        ]
    )
    aloud = {"type": "thinking", "thinking": "aloud"}
    hidden = {"type": "thinking", "thinking": "", "signature": "c2ln"}

    message = whole(events)

    assert ("aloud", [aloud, hidden]) == (message["reasoning_content"], message["thinking_blocks"])
    assert [
        thought("aloud"),
        thought("", thinking_blocks=[{"index": 0, **aloud}]),
        thought("", reasoning_signature="c2ln", thinking_blocks=[{"index": 1, **hidden}]),
    ] == deltas(encode(events))[1:4]


def test_geminis_signatures_stand_where_clients_keep_them() -> None:
    """A call's signature rides on the call and in `thinking_blocks`, a text's in these alone."""
    events = one_choice(
        [
            BlockStart(0, "text", origin="gemini"),
            TextDelta(0, "Wait."),
            SignatureDelta(0, "dGV4dA=="),
            BlockStop(0),
            BlockStart(1, "tool_call", id="call_1", name="time", origin="gemini"),
            SignatureDelta(1, "Y2FsbA=="),
            ToolCallDelta(1, "{}"),
            BlockStop(1),
        ]
    )
    empty = {"type": "thinking", "thinking": ""}
    blocks = [
        {**empty, "signature": "dGV4dA==", "provider": "gemini", "content_length": 5},
        {**empty, "signature": "Y2FsbA==", "provider": "gemini", "tool_call_id": "call_1"},
    ]
    extra = {"extra_content": {"google": {"thought_signature": "Y2FsbA=="}}}

    message, added = whole(events), by_truefoundry(encode(events))

    assert blocks == message["thinking_blocks"]
    assert [{"index": n, **block} for n, block in enumerate(blocks)] == added["thinking_blocks"]
    assert "" == message["reasoning_content"]
    assert message["tool_calls"][0] == added["tool_calls"][0]
    assert extra["extra_content"] == message["tool_calls"][0]["extra_content"]
    assert [
        Text("Wait.", "dGV4dA==", "gemini"),
        ToolCall("call_1", "", "", "Y2FsbA==", "gemini"),
    ] == TRUEFOUNDRY.read_echo(message)


def test_sources_come_together_before_the_finish() -> None:
    """Two deltas with a list that has no `index` would crash openai-python's stream helper."""
    page = {"start_index": 0, "end_index": 2, "title": "Page", "url": "https://example.com"}
    file = {"start_index": 0, "end_index": 2, "title": "File", "source": {"file": "a.pdf"}}
    annotations = [
        {"type": "url_citation", "url_citation": page},
        {"type": "citation", "citation": file},
    ]
    events = one_choice(
        [
            BlockStart(0, "text"),
            Annotation(0, 0, 2, "https://example.com", "Page"),
            TextDelta(0, "Hi"),
            Annotation(0, 0, 2, "", "File", {"file": "a.pdf"}),
            BlockStop(0),
        ]
    )

    *_, last, finish = read_chunks(encode(events))

    assert annotations == last["choices"][0]["delta"]["annotations"]
    assert annotations == whole(events)["annotations"]
    assert finish["choices"][0]["finish_reason"] == "stop"


def test_an_echo_restores_the_order_of_blocks_text_and_calls() -> None:
    """`after` says what stood before a block; calls that nothing stood behind have no slot."""
    message = {
        "content": "It is 27.",
        "tool_calls": TOOL_CALLS,
        "thinking_blocks": [
            {"index": 0, **FIRST},
            {**REDACTED, "after": {"content": 6}},
            {**SECOND, "after": {"content": 9, "tool_calls": 1}},
        ],
    }

    assert [
        Thinking('27 is "3³"', "c2ln"),
        Text("It is "),
        RedactedThinking("cmVk"),
        Text("27."),
        CallSlot(0),
        Thinking("Now the tools.", "Mm5k"),
    ] == TRUEFOUNDRY.read_echo(message)


def test_an_echo_cannot_place_more_calls_than_there_are() -> None:
    """A place beyond the message's calls or text is its end."""
    place = {"after": {"content": 10**9, "tool_calls": 10**9}}
    message = {"content": "27", "tool_calls": TOOL_CALLS, "thinking_blocks": [FIRST | place]}

    assert [Text("27"), CallSlot(0), CallSlot(1), Thinking('27 is "3³"', "c2ln")] == list(
        TRUEFOUNDRY.read_echo(message) or ()
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param({"content": "27"}, None, id="plain"),
        pytest.param({"content": "27", "thinking_blocks": []}, None, id="no blocks"),
        pytest.param({"thinking_blocks": None, "reasoning_content": None}, None, id="null"),
        pytest.param(
            {"thinking_blocks": [7, {"type": "reasoning"}, {"type": "thinking"}]},
            None,
            id="unknown",
        ),
        pytest.param(
            {"content": "27", "reasoning_content": "hm"},
            [Thinking("hm"), Text("27")],
            id="text only",
        ),
        pytest.param(
            {"content": [], "reasoning_content": "hm", "reasoning_signature": "c2ln"},
            [Thinking("hm", "c2ln")],
            id="added up by hand",
        ),
        pytest.param(
            {"reasoning_content": "hm", "reasoning_signature": "x", "thinking_blocks": [FIRST]},
            [Thinking('27 is "3³"', "c2ln")],
            id="blocks come first",
        ),
    ],
)
def test_what_an_echo_is(message: dict[str, Any], expected: list[Any] | None) -> None:
    """Blocks count where there are any, else the plain text, else it is not this form."""
    assert expected == TRUEFOUNDRY.read_echo(message)


@pytest.mark.parametrize(
    ("blocks", "param"),
    [
        pytest.param("x", "thinking_blocks", id="no array"),
        pytest.param([FIRST, {**FIRST, "thinking": 1}], "thinking_blocks[1].thinking", id="text"),
        pytest.param([{**FIRST, "signature": 1}], "thinking_blocks[0].signature", id="signature"),
        pytest.param([{**REDACTED, "data": None}], "thinking_blocks[0].data", id="data"),
        pytest.param(
            [{**FIRST, "after": {"content": -1}}], "thinking_blocks[0].after.content", id="-1"
        ),
        pytest.param([{**FIRST, "after": 1}], "thinking_blocks[0].after", id="after"),
    ],
)
def test_a_malformed_echo_is_the_callers_mistake(blocks: Any, param: str) -> None:
    """The error names the field; the caller puts the message's place in front."""
    with pytest.raises(InvalidRequest) as caught:
        TRUEFOUNDRY.read_echo({"thinking_blocks": blocks})

    assert param == caught.value.param
