"""Promises of the format that Portkey and Obiguard share."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.content_blocks import OBIGUARD, PORTKEY
from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Finish,
    MessageStart,
    SignatureDelta,
    TextDelta,
    Usage,
)
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Opaque, RedactedThinking, Text, Thinking, ToolCall, assemble
from tests.dialects.clients import by_portkey, deltas, finish_reasons, read_chunks
from tests.dialects.reply import (
    EVENTS,
    TOOL_CALLS,
    TOOL_DELTAS,
    USAGE_OBJECT,
    head,
    one_choice,
    sse,
)

ASKED = Asked(thinking=True)
SIGNED = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
BLOCKS = [
    {"type": "thinking", "thinking": '27 is "3³"', "signature": "c2ln"},
    {"type": "redacted_thinking", "data": "cmVk"},
    {"type": "text", "text": "It is 27."},
    {"type": "thinking", "thinking": "Now the tools.", "signature": "Mm5k"},
]


def chunk(delta: dict[str, Any]) -> dict[str, Any]:
    choice = {"delta": delta, "index": 0, "logprobs": None, "finish_reason": None}
    return {**head("chat.completion.chunk", provider="anthropic"), "choices": [choice]}


def part(index: int, **delta: str) -> dict[str, Any]:
    return {"content_blocks": [{"index": index, "delta": delta}]}


def encode(events: list[Event], asked: Asked = ASKED) -> bytes:
    return PORTKEY.encoder(asked).feed(events)


def whole(events: list[Event], asked: Asked = ASKED) -> dict[str, Any]:
    return PORTKEY.encode_message(assemble(events), asked)


def message_of(events: list[Event]) -> dict[str, Any]:
    return whole(events)["choices"][0]["message"]


def test_a_reply_has_blocks_beside_its_answer() -> None:
    """`content` is the answer, `content_blocks` all blocks but calls, the finish reason native."""
    message = {"role": "assistant", "content": "It is 27.", "content_blocks": BLOCKS}
    choice = {
        "message": {**message, "tool_calls": TOOL_CALLS},
        "index": 0,
        "logprobs": None,
        "finish_reason": "tool_use",
    }
    fields = head("chat.completion", provider="anthropic")

    assert str({**fields, "choices": [choice], "usage": USAGE_OBJECT}) == str(whole(EVENTS))


def test_a_stream_sends_blocks_in_parts() -> None:
    """Parts have no type, texts are content as well, and the finish chunk carries the usage."""
    finish = {"index": 0, "delta": {}, "finish_reason": "tool_use"}
    expected = [
        chunk({"content": "", "role": "assistant"}),
        chunk(part(0, thinking="", signature="")),
        chunk(part(0, thinking="27 ")),
        chunk(part(0, thinking='is "3³"')),
        chunk(part(0, signature="c2ln")),
        chunk(part(1, data="cmVk")),
        chunk(part(2, text="")),
        chunk({"content": "It is ", **part(2, text="It is ")}),
        chunk({"content": "27.", **part(2, text="27.")}),
        chunk(part(3, thinking="", signature="")),
        chunk(part(3, thinking="Now the tools.")),
        chunk(part(3, signature="Mm5k")),
        *map(chunk, TOOL_DELTAS),
        {**chunk({}), "choices": [finish], "usage": USAGE_OBJECT},
    ]

    assert sse(expected) == encode(EVENTS)


def test_usage_is_never_a_chunk_of_its_own() -> None:
    """The last finish chunk carries it, also when asked for; without counts there is none."""
    events: list[Event] = [*EVENTS[:-2], Finish("stop", "end_turn", 1), Usage(1, 2), Done()]

    chunks = read_chunks(encode(events, Asked(thinking=True, include_usage=True)))

    counts = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    usage = {**counts, "prompt_tokens_details": {"cached_tokens": 0}}
    assert [None] * (len(chunks) - 1) + [usage] == [c.get("usage") for c in chunks]
    assert all(c["choices"] for c in chunks)
    assert not any("usage" in c for c in read_chunks(encode(one_choice([]))))


def test_unasked_it_is_openais_format_with_provider() -> None:
    """No blocks and no native word for a caller who did not ask to see thinking."""
    (choice,) = whole(EVENTS, Asked())["choices"]
    data = encode(EVENTS, Asked())

    message = {"role": "assistant", "content": "It is 27.", "refusal": None}
    assert {**message, "tool_calls": TOOL_CALLS} == choice["message"]
    assert choice["finish_reason"] == "tool_calls"
    assert {0: ["tool_calls"]} == finish_reasons(data)
    assert b"content_blocks" not in data


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("anthropic", "anthropic"),
        ("bedrock", "bedrock"),
        ("vertex", "vertex-ai"),
        ("gemini", "google"),
    ],
)
def test_providers_have_the_gateways_names(kind: str, name: str) -> None:
    """`provider` stands in every reply and chunk."""
    events: list[Event] = [MessageStart("msg_1", "m", 1, kind), *EVENTS[1:]]

    assert name == whole(events)["provider"]
    assert {name} == {c["provider"] for c in read_chunks(encode(events))}


def test_obiguard_is_the_same_but_for_its_name_and_its_silence() -> None:
    """Its own Python client fails on comments, so an empty line keeps the connection open."""
    assert OBIGUARD.encoder(ASKED).feed(EVENTS) == encode(EVENTS)
    assert OBIGUARD.encode_message(assemble(EVENTS), ASKED) == whole(EVENTS)
    assert (OBIGUARD.encoder(ASKED).keep_alive, OBIGUARD.name) == (b"\n", "obiguard")
    assert PORTKEY.encoder(ASKED).keep_alive == b": keep-alive\n\n"


def test_sources_stand_with_their_text_and_at_the_end() -> None:
    """The vendor's own object stays with its block, and OpenAI's form comes before the finish."""
    raw = {"type": "web", "url": "https://example.com"}
    events = one_choice(
        [
            BlockStart(0, "text"),
            TextDelta(0, "Hi"),
            Annotation(0, 0, 2, "https://example.com", "Page", raw),
            Annotation(0, 0, 2, "https://example.com", "Page"),
            BlockStop(0),
        ]
    )
    page = {"start_index": 0, "end_index": 2, "title": "Page", "url": "https://example.com"}
    annotations = [{"type": "url_citation", "url_citation": page}] * 2

    message, (*_, cited, last, _) = message_of(events), deltas(encode(events))

    assert [{"type": "text", "text": "Hi", "citations": [raw]}] == message["content_blocks"]
    assert annotations == message["annotations"] == last["annotations"]
    assert [{"index": 0, "delta": {"citation": raw}}] == cited["content_blocks"]


def test_geminis_signatures_have_its_own_key() -> None:
    """Texts and calls carry `thought_signature`; who made it is said where it is not Gemini."""
    events = one_choice(
        [
            BlockStart(0, "text", origin="gemini"),
            SignatureDelta(0, "dGV4dA=="),
            BlockStop(0),
            BlockStart(1, "tool_call", id="call_1", name="time", origin="gemini"),
            SignatureDelta(1, "Y2FsbA=="),
            BlockStop(1),
            BlockStart(2, "tool_call", id="call_2", name="time", origin="vertex"),
            SignatureDelta(2, "Mm5k"),
            BlockStop(2),
        ]
    )
    expected = [
        Text("", "dGV4dA==", "gemini"),
        ToolCall("call_1", "", "", "Y2FsbA==", "gemini"),
        ToolCall("call_2", "", "", "Mm5k", "vertex"),
    ]

    message = message_of(events)

    assert "Y2FsbA==" == message["tool_calls"][0]["function"]["thought_signature"]
    assert expected == PORTKEY.read_echo(message)
    assert expected == PORTKEY.read_echo(by_portkey(encode(events)))


def test_a_block_that_its_vendor_alone_knows_survives() -> None:
    """It comes back whole from a message, and from a stream, where `block_type` keeps its type."""
    opaque = Opaque('{"type":"server_tool_use","name":"web_search","text":["x"]}')
    block = BlockStart(0, "opaque", data=opaque.data)
    events = one_choice([block, BlockStop(0)])

    assert [opaque] == PORTKEY.read_echo(message_of(events))
    assert [opaque] == PORTKEY.read_echo(by_portkey(encode(events)))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param({"content": "27"}, None, id="plain"),
        pytest.param({"content": [{"type": "text", "text": "27"}]}, None, id="text array"),
        pytest.param({"content": [SIGNED]}, [Thinking("hm", "c2ln")], id="content array"),
        pytest.param(
            {"content": "27", "content_blocks": [{"type": "text", "text": "27"}, SIGNED]},
            [Text("27"), Thinking("hm", "c2ln")],
            id="blocks",
        ),
        pytest.param(
            {"content_blocks": [{"index": 1, "delta": {"data": "x"}}, part(0, text="a")]},
            [RedactedThinking("x")],
            id="parts",
        ),
        pytest.param(
            {
                "content_blocks": [
                    {"index": 1, "delta": {"type": "text", "text": "a"}},
                    {"index": 0, "delta": {"thinking": "", "signature": ""}},
                    {"index": 1, "delta": {"text": "b"}},
                    {"index": 0, "delta": {"thinking": "hm", "signature": "c2ln"}},
                    {"index": 2, "delta": {"citation": {}}},
                    {"index": 3, "delta": {"text": ""}},
                ]
            },
            [Thinking("hm", "c2ln"), Text("ab")],
            id="merged by index",
        ),
        pytest.param({"content_blocks": [7, {"index": "0"}, {"delta": {}}]}, None, id="nonsense"),
        pytest.param({"tool_calls": "x"}, None, id="calls are no array"),
        pytest.param(
            {"tool_calls": [7, {"function": {}}, {"id": "c", "function": {"name": "f"}}]},
            None,
            id="calls without signatures",
        ),
    ],
)
def test_what_an_echo_is(message: dict[str, Any], expected: list[Any] | None) -> None:
    """Blocks, parts or a content array with thinking; malformed neighbours are passed over."""
    assert expected == PORTKEY.read_echo(message)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        pytest.param({"content": [{**SIGNED, "signature": 1}]}, "content[0].signature", id="array"),
        pytest.param(
            {"content_blocks": [{"type": "text", "text": 1}]}, "content_blocks[0].text", id="block"
        ),
        pytest.param(
            {"content_blocks": [{"index": 0, "delta": {"thinking": 1}}]},
            "content_blocks[0].delta.thinking",
            id="part",
        ),
    ],
)
def test_a_malformed_echo_is_the_callers_mistake(message: dict[str, Any], param: str) -> None:
    """The error names the field; the caller puts the message's place in front."""
    with pytest.raises(InvalidRequest) as caught:
        PORTKEY.read_echo(message)

    assert param == caught.value.param
