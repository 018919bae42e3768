"""Replies of OpenAI-compatible servers decode the same however they are cut, and mean their bytes.

The replies are a few of our own writing, and real ones if there is a directory of recordings.
"""

from __future__ import annotations

import json
import os
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from asgi_thinking.events import Event, StreamError
from asgi_thinking.exceptions import UpstreamStatusError
from asgi_thinking.messages import Text, Thinking, ToolCall, assemble
from asgi_thinking.wire.openai import OpenAIDecoder, decode_error, decode_reply
from tests.strategies import check_grammar
from tests.wire.openai_transcripts import (
    DETAILED,
    FULL_MESSAGE,
    FULL_STREAM,
    chunk,
    finished,
    sse,
)

ROOT = os.environ.get("ASGI_THINKING_RECORDINGS", "")


@dataclass(frozen=True)
class Reply:
    """A reply as it was recorded."""

    name: str
    status: int
    body: bytes


def recorded() -> list[Reply]:
    """The replies of the directory that are chat completions."""
    index = json.loads(Path(ROOT, "index.json").read_bytes()) if ROOT else []
    return [
        Reply(f"{entry['dir']}{file.suffix}", entry["status"], file.read_bytes())
        for entry in index
        if entry["provider"] == "openai-compat"
        for file in Path(ROOT, entry["dir"]).glob("upstream_response.*")
    ]


PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": True}]
ERROR: dict[str, Any] = {"error": {"message": "model: x (1)", "code": 404}}
FAILED = sse(chunk({"content": "a"})) + b"event: error\n" + sse(ERROR)
OWN = [
    Reply("full.sse", 200, FULL_STREAM),
    Reply("details.sse", 200, finished(*DETAILED)),
    Reply(
        "parts.sse", 200, finished({"content": PARTS}, {"content": [{"type": "text", "text": "a"}]})
    ),
    Reply("full.json", 200, FULL_MESSAGE),
    Reply("failed.sse", 200, FAILED),
    Reply("error.json", 404, json.dumps(ERROR).encode()),
]
RECORDED = recorded()
NONE = pytest.param(
    None,
    marks=pytest.mark.skip(reason="ASGI_THINKING_RECORDINGS names no directory of recordings"),
    id="recordings",
)


def chunks_of(reply: Reply) -> list[dict[str, Any]]:
    """The JSON of a reply, by the plainest of means."""
    if reply.name.endswith(".json"):
        return [json.loads(reply.body)]
    lines = [line[5:].strip() for line in reply.body.decode().splitlines() if line[:5] == "data:"]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def errors_of(reply: Reply) -> list[Any]:
    """What a reply says has gone wrong."""
    return [
        chunk.get("error") or chunk
        for chunk in chunks_of(reply)
        if "error" in chunk or "choices" not in chunk
    ]


ALL = [*OWN, *RECORDED]
GOOD = [reply for reply in ALL if not errors_of(reply)]
BAD = [reply for reply in ALL if errors_of(reply)]


def name_of(reply: Reply) -> str:
    return reply.name


def decode(reply: Reply, size: int) -> list[Event]:
    """The events of a reply whose stream comes in reads of a size, random if that is 0."""
    if reply.status >= 400:
        return [StreamError(decode_error(reply.status, reply.body, "openai"))]
    if reply.name.endswith(".json"):
        return decode_reply(reply.body, 1, "openai")
    decoder, sizes = OpenAIDecoder(1, "openai"), random.Random(reply.name)
    events: list[Event] = []
    place = 0
    while place < len(reply.body):
        end = place + (size or sizes.randint(1, 400))
        events += decoder.feed(reply.body[place:end])
        place = end
    return [*events, *decoder.close()]


def shown(events: list[Event]) -> list[str]:
    """Events in a form that compares errors by what they say."""
    return [repr(event) for event in events]


@pytest.mark.parametrize("reply", [*ALL, *([] if RECORDED else [NONE])], ids=name_of)
def test_a_reply_decodes_the_same_at_every_split(reply: Reply) -> None:
    """Whole, in single bytes, in pieces of 7, 64 and random sizes: the events are the same."""
    expected = shown(decode(reply, len(reply.body)))
    assert [expected] * 4 == [shown(decode(reply, size)) for size in (1, 7, 64, 0)]


def text_of(content: Any) -> tuple[str, str]:
    """The answer and the thinking that stand in `content`."""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    answer = "".join(part["text"] for part in parts if part["type"] == "text")
    thoughts = [t["text"] for p in parts if p["type"] == "thinking" for t in p["thinking"]]
    return answer, "".join(thoughts)


def thought_of(delta: dict[str, Any]) -> str:
    """The thinking that stands beside `content`."""
    plain = delta.get("reasoning_content") or delta.get("reasoning")
    items = delta.get("reasoning_details") or ()
    return plain or "".join(item.get("text") or item.get("summary") or "" for item in items)


@pytest.mark.parametrize("reply", GOOD, ids=name_of)
def test_a_reply_means_what_its_bytes_say(reply: Reply) -> None:
    """Answer, thinking and the names of calls come out as they are on the wire."""
    events = decode(reply, 64)
    check_grammar(events)
    choices = [choice for chunk in chunks_of(reply) for choice in chunk["choices"]]
    deltas = [choice.get("delta") or choice.get("message") or {} for choice in choices]
    blocks = assemble(events).choices[0].blocks
    contents = [text_of(delta.get("content")) for delta in deltas]
    thoughts = [thought_of(d) + c for d, (_, c) in zip(deltas, contents, strict=True)]
    names = [c["function"].get("name") for d in deltas for c in d.get("tool_calls") or ()]
    assert "".join(text for text, _ in contents) == "".join(
        block.text for block in blocks if isinstance(block, Text)
    )
    assert "".join(thoughts) == "".join(b.text for b in blocks if isinstance(b, Thinking))
    assert [name for name in names if name] == [b.name for b in blocks if isinstance(b, ToolCall)]


@pytest.mark.parametrize("reply", BAD, ids=name_of)
def test_a_failure_says_what_the_vendor_said(reply: Reply) -> None:
    """The message of every error comes through, whether as a body or within a stream."""
    (error,) = errors_of(reply)
    expected = error if isinstance(error, str) else error.get("message") or error["detail"]
    with pytest.raises(UpstreamStatusError, match=re.escape(expected)):
        assemble(decode(reply, 64))
