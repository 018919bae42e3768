"""Replies in Portkey's format have the keys, nesting and order that the gateway itself gives.

One transcript is of our own writing, in its manner; recorded ones are used as well where
ASGI_THINKING_GOLDENS names a directory of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.content_blocks import PORTKEY
from asgi_thinking.messages import assemble
from asgi_thinking.wire.anthropic import AnthropicDecoder, decode_reply

JSONObject = dict[str, Any]

ASKED = Asked(thinking=True)
ROOT = os.environ.get("ASGI_THINKING_GOLDENS", "")
WHOLE = ("anthropic_json_thinking", "anthropic_json_tool_use", "anthropic_multiturn_content_blocks")
STREAMED = ("anthropic_stream_full", "anthropic_stream_cache_usage")

OWN_UPSTREAM = orjson.dumps(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "cmVk"},
            {"type": "text", "text": "27"},
            {"type": "tool_use", "id": "toolu_1", "name": "time", "input": {}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
)
OWN_BLOCKS = (
    b'[{"type":"thinking","thinking":"hm","signature":"c2ln"},'
    b'{"type":"redacted_thinking","data":"cmVk"},{"type":"text","text":"27"}]'
)
OWN_CALLS = b'[{"id":"toolu_1","type":"function","function":{"name":"time","arguments":"{}"}}]'
OWN_REPLY = (
    b'{"id":"msg_1","object":"chat.completion","created":1,"model":"claude-sonnet-4-5",'
    b'"provider":"anthropic","choices":[{"message":{"role":"assistant","content":"27",'
    b'"content_blocks":' + OWN_BLOCKS + b',"tool_calls":' + OWN_CALLS + b'},"index":0,'
    b'"logprobs":null,"finish_reason":"tool_use"}],"usage":{"prompt_tokens":1,'
    b'"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}}'
)
OWN_EVENTS: list[JSONObject] = [
    {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": [], "usage": {}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "27"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "toolu_1", "name": "time", "input": {}},
    },
    {"type": "content_block_stop", "index": 1},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use"},
        "usage": {"input_tokens": 1, "output_tokens": 2},
    },
    {"type": "message_stop"},
]
OWN_HEAD: JSONObject = {
    "id": "anthropic-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "provider": "anthropic",
}
OWN_CALL = orjson.loads(OWN_CALLS)[0] | {"function": {"name": "time", "arguments": ""}}
OWN_DELTAS: list[JSONObject] = [
    {"content": "", "role": "assistant"},
    {"content_blocks": [{"index": 0, "delta": {"text": ""}}]},
    {"content": "27", "content_blocks": [{"index": 0, "delta": {"text": "27"}}]},
    {"tool_calls": [{"index": 0, **OWN_CALL}]},
]
OWN_CHUNKS: list[JSONObject] = [
    *(
        {**OWN_HEAD, "choices": [{"delta": d, "index": 0, "logprobs": None, "finish_reason": None}]}
        for d in OWN_DELTAS
    ),
    {
        **OWN_HEAD,
        "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_use"}],
        "usage": orjson.loads(OWN_REPLY)["usage"],
    },
]


def sse(events: list[JSONObject]) -> bytes:
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)


def recorded(names: tuple[str, ...], suffix: str) -> list[tuple[bytes, bytes]]:
    """What the upstream said and what the gateway made of it."""
    cases = [Path(ROOT, "portkey", name, "strict_false") for name in names if ROOT]
    files = ("upstream_response", "response")
    return [
        (first, second)
        for case in cases
        for first, second in [tuple(case.joinpath(file + suffix).read_bytes() for file in files)]
    ]


def comparable(body: JSONObject) -> str:
    """The keys in their order, without what differs each time.

    Of `usage`, the sum: the gateway counts cached tokens in places of its own.
    """
    usage = {"usage": body["usage"]["total_tokens"]} if "usage" in body else {}
    return str({**body, "id": "", "created": 0, **usage})


def chunks(data: bytes) -> list[str]:
    """The chunks, but for those that add nothing to a call or complete one without arguments."""
    bodies = [line.removeprefix(b"data: ") for line in data.split(b"\n\n")]
    idle = (b'"function":{"arguments":""}', b'"function":{"arguments":"{}"}')
    return [
        comparable(orjson.loads(body))
        for body in bodies
        if body not in (b"", b"[DONE]") and not any(fragment in body for fragment in idle)
    ]


@pytest.mark.parametrize(
    ("upstream", "gateway"), [(OWN_UPSTREAM, OWN_REPLY), *recorded(WHOLE, ".json")]
)
def test_a_reply_has_the_gateways_shape(upstream: bytes, gateway: bytes) -> None:
    """Every key stands where the gateway has it."""
    message = assemble(decode_reply(upstream, 1, "anthropic"))

    body = PORTKEY.encode_message(message, ASKED)

    assert comparable(orjson.loads(gateway)) == comparable(body)


@pytest.mark.parametrize(
    ("upstream", "gateway"),
    [(sse(OWN_EVENTS), sse(OWN_CHUNKS)), *recorded(STREAMED, ".sse")],
)
def test_a_stream_has_the_gateways_shape(upstream: bytes, gateway: bytes) -> None:
    """The same chunks come in the same order, and the end is the same."""
    decoder = AnthropicDecoder(1, "anthropic")

    data = PORTKEY.encoder(ASKED).feed([*decoder.feed(upstream), *decoder.close()])

    assert chunks(gateway) == chunks(data)
    assert data.endswith(b"data: [DONE]\n\n")
