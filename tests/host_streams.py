"""Streams of a host in a dialect, and what a provider's would be."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import orjson

from asgi_thinking._host_reply import HOST, Form, HostStream
from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.registry import load_dialects
from asgi_thinking.wire.openai import OpenAIDecoder, ThinkTags
from tests.rewriting import DIALECTS
from tests.wire.openai_transcripts import JSONObject

KNOWN = load_dialects(DIALECTS)
ASKED = Asked(thinking=True, include_usage=True)
UNASKED = Asked()

TEXT = {"content": "a"}
SIGNED = {"type": "thinking", "thinking": "so it", "signature": "c2ln"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SEAL = {"extra_content": {"google": {"thought_signature": "c2ln"}}}


def detail(text: str) -> JSONObject:
    """An item of `reasoning_details`."""
    return {"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0}


def rewrite(
    dialect: Dialect, reads: Sequence[bytes], asked: Asked = ASKED, think_tags: ThinkTags = False
) -> bytes:
    """All that is sent for a stream that comes in these reads."""
    stream = HostStream(1, Form(dialect, asked, think_tags))
    sent = [stream.feed(data) for data in reads]
    assert not stream.failure
    return b"".join(sent) + stream.close(b"")


def provided(dialect: Dialect, data: bytes, asked: Asked, think_tags: ThinkTags) -> bytes:
    """What the same bytes would become if a provider had sent them."""
    decoder = OpenAIDecoder(1, HOST, think_tags=think_tags)
    return dialect.encoder(asked).feed([*decoder.feed(data), *decoder.close()])


def said(stream: bytes) -> list[tuple[str, str]]:
    """What a client makes of a stream: the texts under each key in order, and how it ends."""
    told: list[tuple[str, str]] = []
    for event in stream.decode().replace("\r", "").removesuffix("\n\n").split("\n\n"):
        value = event.removeprefix("data: ")
        for choice in [] if value == "[DONE]" else orjson.loads(value)["choices"]:
            delta = {k: v for k, v in choice["delta"].items() if k != "role" and v}
            told += [(key, orjson.dumps(v).decode().strip('"')) for key, v in delta.items()]
            told += [("finish", choice["finish_reason"])] if choice.get("finish_reason") else []
    merged = [
        (key, "".join(text for _, text in group))
        for key, group in itertools.groupby(told, lambda pair: pair[0])
    ]
    return [*merged, ("end", event.removeprefix("data: "))]
