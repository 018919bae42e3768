"""Promises of the short ways, which say what the long way says."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.events import Event, StreamError
from asgi_thinking.messages import Message, assemble
from asgi_thinking.whole import Whole
from asgi_thinking.wire.anthropic import AnthropicDecoder, MessageDecoder, decode_reply
from tests.strategies import shared, values, words
from tests.wire.anthropic_transcripts import START, block_start, block_stop, delta, sse

PLAIN: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "model": "claude-opus-4-6",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "text", "text": "4"},
        {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ],
    "stop_reason": "tool_use",
    "usage": {
        "input_tokens": 5,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
    },
}

ODD = st.sampled_from(["", "thinking", "text", "tool_use", "end_turn", "refusal", "error"]) | words

DIFFERENT: list[dict[str, Any]] = [
    {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    {"stop_reason": "refusal", "stop_details": {"explanation": "No."}},
    {"stop_reason": "tool_use", "content": PLAIN["content"][:2]},
    {"stop_reason": "end_turn"},
    {"stop_reason": None},
    {"stop_reason": "new_reason"},
    {"id": 1},
    {"content": "text"},
    {"content": [{"type": "text", "text": 1}]},
    {"content": [{"type": "text", "text": "a", "signature": "c2ln"}]},
    {"content": [{"type": "text", "text": "a", "citations": [{"url": "https://a.test"}]}]},
    {"content": [{"type": "thinking", "thinking": "a"}]},
    {"content": [{"type": "thinking", "thinking": "a", "signature": 1}]},
    {"content": [{"type": "redacted_thinking", "data": "b3BhcXVl"}]},
    {"content": [{"type": "tool_use", "id": "toolu_1", "name": "add", "input": []}]},
    {"content": [{"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search"}]},
    {"usage": {"input_tokens": True}},
    {"usage": {"output_tokens": 1, "output_tokens_details": None}},
    {"usage": {}},
]


def said(events: Any) -> Message | str:
    """What a reply comes to: a message, or the words of its error."""
    last: Event = events[-1]
    return last.error.message if isinstance(last, StreamError) else assemble(events)


def the_long_way(body: bytes) -> Message | str:
    return said(MessageDecoder(1, "anthropic").read(body))


def test_an_ordinary_reply_is_read_at_once() -> None:
    """Thinking, text and calls with their counts become a message without events."""
    decoded = decode_reply(orjson.dumps(PLAIN), 1, "anthropic")
    assert isinstance(decoded, Whole)
    assert the_long_way(orjson.dumps(PLAIN)) == decoded.message


@pytest.mark.parametrize("changes", DIFFERENT, ids=lambda changes: orjson.dumps(changes).decode())
def test_any_other_reply_means_the_same(changes: dict[str, Any]) -> None:
    """Whatever is unusual or wrong in a reply is read by the rules of the stream."""
    body = orjson.dumps(PLAIN | changes)
    assert the_long_way(body) == said(decode_reply(body, 1, "anthropic"))


def test_no_json_means_the_same() -> None:
    """What cannot be read is one error, whichever way it came."""
    for body in (b"", b"[]", b"1", b'{"id":"\\ud800"}', b"{}"):
        assert the_long_way(body) == said(decode_reply(body, 1, "anthropic"))


@shared(2)
@given(st.sampled_from([*PLAIN]), values | ODD, st.integers(0, 3), st.none() | ODD, values | ODD)
def test_no_change_makes_a_difference(
    name: str, value: Any, number: int, key: str | None, inner: Any
) -> None:
    """Whatever JSON stands in the place of a field, both ways say the same."""
    content = [dict(block) for block in PLAIN["content"]]
    if key is not None:
        content[number][key] = inner
    body = orjson.dumps(PLAIN | {"content": content, name: value})
    assert the_long_way(body) == said(decode_reply(body, 1, "anthropic"))


# -- the stream's ----------------------------------------------------------------------------------

OPEN = [START, block_start(0, type="text", text=""), block_start(1, type="thinking", thinking="")]
FORMS = (
    ("text_delta", "text", 0),
    ("thinking_delta", "thinking", 1),
    ("signature_delta", "signature", 1),
)
TAILS = (
    b"}}\n\n",
    b"}}\n\n",
    b"}     }\n\n",
    b"  } } \n\n",
    b"}}\r\n\r\n",
    b',"x":1}}\n\n',
    b"}}\n",
)
HEADS = (b"", b"", b"", b": ping\n\n", b"\n", b"event: ping\ndata: {}\n\n", b"\r\n")

fragments = st.tuples(
    st.sampled_from(HEADS),
    st.sampled_from(FORMS),
    st.text(max_size=4) | st.sampled_from(['"', "}}\n\n", "\\", "\r", "", "a", " "]),
    st.sampled_from(TAILS),
)


def read_of(head: bytes, form: tuple[str, str, int], text: str, tail: bytes) -> bytes:
    kind, key, index = form
    frame = sse(delta(index, kind, **{key: text}))
    return head + frame.removesuffix(b"}}\n\n") + tail


def decode(reads: list[bytes], **options: Any) -> list[Event]:
    decoder = AnthropicDecoder(1, "anthropic", **options)
    return [event for read in reads for event in decoder.feed(read)] + decoder.close()


@shared(2)
@given(st.lists(fragments, max_size=8), st.sampled_from([60, 130, 4096]))
def test_fragments_need_not_be_taken_apart(
    drawn: list[tuple[bytes, tuple[str, str, int], str, bytes]], limit: int
) -> None:
    """An event a read, one like the other or not, is what the same bytes one by one are."""
    reads = [sse(*OPEN), *(read_of(*each) for each in drawn), sse(block_stop(0))]
    stream = b"".join(reads)
    apart = decode([stream[i : i + 1] for i in range(len(stream))], max_event_size=4096 + limit)
    assert said_of(apart) == said_of(decode(reads, max_event_size=4096 + limit))


def said_of(events: list[Event]) -> list[Any]:
    """The events, with an error's words in its place."""
    return [each.error.message if isinstance(each, StreamError) else each for each in events]
