"""OpenAI-compatible replies as callers see them: shown whole, or hidden without a trace."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.dialects.content_blocks import PORTKEY
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.dialects.truefoundry import TRUEFOUNDRY
from asgi_thinking.messages import Text, Thinking, Turn, assemble
from asgi_thinking.models_openai import FAMILIES, find_model
from asgi_thinking.requests import ChatRequest
from asgi_thinking.wire.openai import decode_reply, encode_request
from tests.strictness import check_completion, check_stream
from tests.wire.openai_transcripts import (
    DETAILED,
    SIGNED,
    USAGE,
    JSONObject,
    chunk,
    completion,
    decode,
    finished,
    sse,
)

ASKED = Asked(thinking=True, include_usage=True)
SECRET = "a secret thought"

FORMS: list[JSONObject] = [
    {"reasoning_content": SECRET},
    {"reasoning": SECRET},
    {"reasoning": SECRET, "reasoning_details": [SIGNED | {"text": SECRET}]},
    {"reasoning_details": [SIGNED | {"text": SECRET, "signature": "c2lnbmF0dXJl"}]},
    {"reasoning_details": [{"type": "reasoning.encrypted", "data": SECRET, "format": "x"}]},
    {"reasoning_details": [{"type": "reasoning.new", "text": SECRET}]},
    {"thinking_blocks": [{"type": "thinking", "thinking": SECRET, "signature": SECRET}]},
    {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": SECRET}]}]},
]


def written(dialect: Dialect, stream: bytes) -> bytes:
    """The stream as a dialect writes it."""
    return dialect.encoder(ASKED).feed(decode(stream))


@pytest.mark.parametrize("form", FORMS)
def test_a_strict_reply_has_no_trace_of_thinking(form: JSONObject) -> None:
    """Whatever key it came under, streamed or not, and the rest is OpenAI's schema."""
    stream = written(OPENAI, finished(form, {"content": "42"}))
    assert SECRET.encode() not in stream
    check_stream(stream)
    events = decode_reply(completion(form), 1, "openai")
    whole = OPENAI.encode_message(assemble(events), ASKED)
    assert SECRET not in str(whole)
    check_completion(whole)


@pytest.mark.parametrize("form", FORMS[:4])
def test_thinking_is_shown_once(form: JSONObject) -> None:
    """A caller who asked sees it, and sees it once as text and once as a block."""
    stream = written(TRUEFOUNDRY, finished(form, {"content": "42"}))
    assert 2 == stream.count(SECRET.encode())
    message: Any = TRUEFOUNDRY.encode_message(
        assemble(decode_reply(completion(form), 1, "openai")), ASKED
    )["choices"][0]["message"]
    assert SECRET == message["reasoning_content"]
    assert [SECRET] == [block["thinking"] for block in message["thinking_blocks"]]


def test_a_gateways_reply_in_content_blocks() -> None:
    """Thinking with its signature and the answer, as Portkey's gateway has them, and counts."""
    item = {"type": "reasoning.text", "text": "hmm", "signature": "c2ln"}
    body = completion(
        {"content": "42", "reasoning": "hmm", "reasoning_details": [item]}, usage=USAGE
    )
    reply: Any = PORTKEY.encode_message(assemble(decode_reply(body, 1, "openai")), ASKED)
    message = reply["choices"][0]["message"]
    assert "42" == message["content"]
    assert [
        {"type": "thinking", "thinking": "hmm", "signature": "c2ln"},
        {"type": "text", "text": "42"},
    ] == message["content_blocks"]
    assert "openai" == reply["provider"]
    assert (10, 20, 30) == tuple(
        reply["usage"][key] for key in ("prompt_tokens", "completion_tokens", "total_tokens")
    )


def test_a_gateways_stream_in_content_blocks() -> None:
    """The fragments come as they do, with comments and a usage chunk in between."""
    stream = b": OPENROUTER PROCESSING\n\n" + sse(
        chunk(
            {"role": "assistant", "content": "", "reasoning_details": [SIGNED | {"text": "hmm "}]}
        ),
        chunk({"role": "assistant", "content": "42"}),
        chunk({"content": ""}, finish_reason="stop"),
        {**chunk(), "choices": [], "usage": USAGE},
    )
    merged: dict[tuple[int, str], str] = {}
    for line in written(PORTKEY, stream).split(b"\n\n")[:-2]:
        for item in orjson.loads(line[6:])["choices"][0]["delta"].get("content_blocks", ()):
            for key, text in item["delta"].items():
                place = item["index"], key
                merged[place] = merged.get(place, "") + text
    assert {(0, "thinking"): "hmm ", (0, "signature"): "", (1, "text"): "42"} == merged


def test_a_strict_error_is_one() -> None:
    """A failure in the middle is an error event, never a stop."""
    error = {"error": {"message": "Provider returned error", "code": 502}}
    stream = written(OPENAI, sse(chunk({"content": "a"}), error))
    assert stream.endswith(b"\n\n")
    assert b"event: error\ndata: {" in stream
    assert b"[DONE]" not in stream
    assert b'"finish_reason":"' not in stream


def test_signed_thinking_survives_the_round_trip() -> None:
    """What a caller echoes in the default dialect goes back to the gateway as it came."""
    events = decode(finished(*DETAILED))
    message = TRUEFOUNDRY.encode_message(assemble(events), ASKED)["choices"][0]["message"]
    blocks = TRUEFOUNDRY.read_echo(message)
    assert [Thinking("so it", "c2ln"), Text("a")] == blocks
    family = FAMILIES["openrouter"]
    request = ChatRequest("x/y", (Turn("assistant", tuple(blocks)),))
    switch = find_model(family, "x/y").switch
    (sent,) = orjson.loads(encode_request(request, family, switch, stream=False))["messages"]
    assert [SIGNED | {"text": "so it", "signature": "c2ln"}] == sent["reasoning_details"]
