"""Replies of the Messages API decode the same however they are cut, and say what their bytes say.

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
from asgi_thinking.messages import (
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    assemble,
)
from asgi_thinking.wire.anthropic import AnthropicDecoder, decode_error, decode_reply
from tests.wire.anthropic_transcripts import FULL, FULL_MESSAGE, STOP, block_start, ending, sse

ROOT = os.environ.get("ASGI_THINKING_RECORDINGS", "")
KINDS = ("anthropic", "vertex-claude", "bedrock-invoke")
SUFFIXES = {".sse", ".json"}  # the other framings have decoders of their own


@dataclass(frozen=True)
class Reply:
    """A reply as it was recorded."""

    name: str
    status: int
    body: bytes


def recorded() -> list[Reply]:
    """The replies of the directory that speak this API."""
    index = json.loads(Path(ROOT, "index.json").read_bytes()) if ROOT else []
    return [
        Reply(f"{entry['dir']}{file.suffix}", entry["status"], file.read_bytes())
        for entry in index
        if entry["provider"].startswith(KINDS)
        for file in Path(ROOT, entry["dir"]).glob("upstream_response.*")
        if file.suffix in SUFFIXES
    ]


HIDDEN = {"type": "thinking", "thinking": "", "signature": "c2ln"}
REFUSED = ending("refusal", stop_details={"type": "refusal", "explanation": "No."})
ERROR = {"type": "error", "error": {"type": "not_found_error", "message": "model: x"}}
OWN = [
    Reply("full.sse", 200, sse(*FULL)),
    Reply("full.json", 200, json.dumps(FULL_MESSAGE).encode()),
    Reply("refused.sse", 200, sse(FULL[0], block_start(0, **HIDDEN), REFUSED, STOP)),
    Reply("error.json", 404, json.dumps(ERROR).encode()),
]
RECORDED = recorded()
NONE = pytest.param(
    None,
    marks=pytest.mark.skip(reason="ASGI_THINKING_RECORDINGS names no directory of recordings"),
    id="recordings",
)
ALL = [*OWN, *(RECORDED or [NONE])]
GOOD = [reply for reply in [*OWN, *RECORDED] if reply.status < 400]
BAD = [reply for reply in [*OWN, *RECORDED] if reply.status >= 400]


def name_of(reply: Reply) -> str:
    """What a test of the reply is called."""
    return reply.name


EVERY = pytest.mark.parametrize("reply", ALL, ids=name_of)


def decode(reply: Reply, size: int) -> list[Event]:
    """The events of a reply whose stream comes in reads of a size, random if that is 0."""
    if reply.status >= 400:
        return [StreamError(decode_error(reply.status, reply.body, "anthropic"))]
    if reply.name.endswith(".json"):
        return decode_reply(reply.body, 1, "anthropic")
    decoder, sizes = AnthropicDecoder(1, "anthropic"), random.Random(reply.name)
    events: list[Event] = []
    place = 0
    while place < len(reply.body):
        end = place + (size or sizes.randint(1, 400))
        events += decoder.feed(reply.body[place:end])
        place = end
    return events + decoder.close()


def shown(events: list[Event]) -> list[str]:
    """Events in a form that compares errors by what they say."""
    return [repr(event) for event in events]


def wire_blocks(reply: Reply) -> list[dict[str, Any]]:
    """The blocks of a good reply, put together from its bytes by the plainest of means."""
    if reply.name.endswith(".json"):
        return json.loads(reply.body)["content"]
    blocks: dict[int, dict[str, Any]] = {}
    for line in reply.body.decode().splitlines():
        event = json.loads(line[5:]) if line.startswith("data:") else {}
        if "message" in event:
            blocks = dict(enumerate(event["message"]["content"]))
        elif "content_block" in event:
            blocks[event["index"]] = event["content_block"]
        elif "index" in event and "delta" in event:
            block, fragment = blocks[event["index"]], event["delta"]
            block["signature"] = fragment.get("signature", block.get("signature"))
            for key in {"thinking", "text", "partial_json"} & fragment.keys():
                block[key] = block.get(key, "") + fragment[key]
    return list(blocks.values())


def facts(block: dict[str, Any]) -> tuple[Any, ...]:
    """What has to come out of a block on the wire."""
    match block["type"]:
        case "thinking":
            return "thinking", block["thinking"], block.get("signature") or None
        case "redacted_thinking":
            return "redacted_thinking", block["data"]
        case "text":
            return "text", block["text"]
        case "tool_use":
            arguments = json.loads(block.get("partial_json") or json.dumps(block["input"]))
            return "tool_use", block["id"], block["name"], arguments
        case other:
            return (other,)


def meaning(block: Any) -> tuple[Any, ...]:
    """What came out."""
    match block:
        case Thinking(text, signature):
            return "thinking", text, signature
        case RedactedThinking(data):
            return "redacted_thinking", data
        case Text(text):
            return "text", text
        case ToolCall(call_id, name, arguments):
            return "tool_use", call_id, name, json.loads(arguments or "{}")
        case opaque:
            return (json.loads(opaque.data)["type"],)


@EVERY
def test_a_reply_decodes_the_same_at_every_split(reply: Reply) -> None:
    """Whole, in single bytes, in pieces of 7, 64 and random sizes: the events are the same."""
    expected = shown(decode(reply, len(reply.body)))
    assert [expected] * 4 == [shown(decode(reply, size)) for size in (1, 7, 64, 0)]


@pytest.mark.parametrize("reply", GOOD, ids=name_of)
def test_a_reply_means_what_its_bytes_say(reply: Reply) -> None:
    """Texts, signatures, redacted data, calls and their order come out as they are on the wire."""
    message = assemble(decode(reply, 64))
    expected = [facts(block) for block in wire_blocks(reply)]
    blocks = [block for block in message.choices[0].blocks if not isinstance(block, Refusal)]
    assert expected == [meaning(block) for block in blocks]


@pytest.mark.parametrize("reply", BAD, ids=name_of)
def test_a_failure_says_what_the_vendor_said(reply: Reply) -> None:
    """The message of every error body comes through."""
    body = json.loads(reply.body)
    expected = body.get("error", body)["message"]
    with pytest.raises(UpstreamStatusError, match=re.escape(expected)):
        assemble(decode(reply, 64))
