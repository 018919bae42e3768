"""What is exactly OpenAI's, and what is beyond it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given

from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.messages import Message, assemble
from asgi_thinking.wire.openai.closed import ClosedStream, is_completion
from tests.dialects.drawn import replies, streams
from tests.strategies import shared
from tests.wire.openai_transcripts import DONE, HEAD, USAGE, chunk, sse

ASKED = Asked(include_usage=True)


@shared(4)
@given(replies)
def test_whatever_the_strict_dialect_writes_is_openais(message: Message) -> None:
    """Its whole replies pass."""
    body = orjson.loads(orjson.dumps(OPENAI.encode_message(message, ASKED)))

    assert is_completion(body)


@shared(4)
@given(streams())
def test_whatever_the_strict_dialect_streams_is_openais(events: list[Any]) -> None:
    """Its streams pass, event by event."""
    assert assemble(events).id
    closed = ClosedStream()

    data = OPENAI.encoder(ASKED).feed(events)

    assert all(closed.passes(event + b"\n\n") for event in data.split(b"\n\n")[:-1])


MESSAGE: dict[str, Any] = {"role": "assistant", "content": "a", "refusal": None}
CHOICE: dict[str, Any] = {
    "index": 0,
    "message": MESSAGE,
    "logprobs": None,
    "finish_reason": "stop",
}
REPLY: dict[str, Any] = {**HEAD, "object": "chat.completion", "choices": [CHOICE]}


def reply(**message: Any) -> dict[str, Any]:
    return {**REPLY, "choices": [{**CHOICE, "message": {**MESSAGE, **message}}]}


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {**REPLY, "x": 1},
        {**REPLY, "object": "chat.completion.chunk"},
        {**REPLY, "created": "1"},
        {**REPLY, "created": True},
        {**REPLY, "usage": None},
        {**REPLY, "usage": {"total_tokens": 1}},
        {**REPLY, "service_tier": "gold"},
        {**REPLY, "choices": {}},
        {**REPLY, "choices": [{**CHOICE, "finish_reason": "eos"}]},
        {**REPLY, "choices": [{**CHOICE, "finish_reason": []}]},
        {**REPLY, "choices": [{**CHOICE, "x": 1}]},
        {**REPLY, "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]},
        reply(content=[]),
        reply(annotations=None),
        reply(reasoning_content=None),
        reply(tool_calls=[{"id": "c", "type": "function"}]),
        reply(tool_calls=[{"id": "c", "type": "function", "function": {"name": "f"}, "index": 0}]),
    ],
)
def test_what_is_missing_or_beyond_does_not_pass(value: Any) -> None:
    """At any level, a key too many, one too few, or a value of another type."""
    assert is_completion(REPLY)
    assert not is_completion(value)


@pytest.mark.parametrize(
    "data",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b"event: x\n" + sse(chunk({}, finish_reason=None)),
        sse(chunk({})),
        sse(chunk({"content": 1}, finish_reason=None)),
        sse(chunk({"tool_calls": [{"id": "c"}]}, finish_reason=None)),
        sse({**HEAD, "choices": []}),
        sse(chunk({}, finish_reason=None) | {"usage": USAGE}),
        sse(*[chunk({"role": "assistant"}, finish_reason=None)] * 2),
        DONE + b"data: [DONE] \n\n",
    ],
)
def test_chunks_beyond_openais_do_not_pass(data: bytes) -> None:
    """Nor does an event of another name, or a second role."""
    closed = ClosedStream()

    assert closed.passes(b": hello\n\n" + sse(chunk({"content": "a"}, index=1, finish_reason=None)))
    assert not closed.passes(data)
