"""Replies of our own writing, and real ones if there is a directory of recordings."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from tests.wire.gemini_transcripts import FULL, FULL_REPLY, NAMED, array, chunk, sse

ROOT = os.environ.get("ASGI_THINKING_RECORDINGS", "")


@dataclass(frozen=True)
class Reply:
    """A reply as it was recorded; `stream` is whether one was asked for."""

    name: str
    status: int
    stream: bool
    body: bytes


def _recorded() -> list[Reply]:
    index = json.loads(Path(ROOT, "index.json").read_bytes()) if ROOT else []
    return [
        Reply(entry["dir"], entry["status"], entry["stream"], file.read_bytes())
        for entry in index
        if entry["provider"] in ("gemini", "vertex-gemini")
        for file in Path(ROOT, entry["dir"]).glob("upstream_response.*")
    ]


BLOCKED = {**NAMED, "promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "No."}}
UNFINISHED = chunk({"text": "a"}, finish="UNEXPECTED_TOOL_CALL")
ERROR = {"error": {"code": 400, "message": "No such role.", "status": "INVALID_ARGUMENT"}}

OWN = [
    Reply("full.sse", 200, True, sse(*FULL)),
    Reply("full array", 200, True, array(*FULL)),
    Reply("full.json", 200, False, orjson.dumps(FULL_REPLY)),
    Reply("blocked.json", 200, False, orjson.dumps(BLOCKED)),
    Reply("unfinished.sse", 200, True, sse(UNFINISHED)),
    Reply("numbers.json", 200, False, orjson.dumps(chunk({"text": "a"}, finish=1))),
    Reply("error.json", 400, False, orjson.dumps(ERROR)),
]
RECORDED = _recorded()
_NONE = pytest.param(
    None,
    marks=pytest.mark.skip(reason="ASGI_THINKING_RECORDINGS names no directory of recordings"),
    id="recordings",
)
ALL = [*OWN, *(RECORDED or [_NONE])]
GOOD = [reply for reply in [*OWN, *RECORDED] if reply.status < 400]
BAD = [reply for reply in [*OWN, *RECORDED] if reply.status >= 400]


def name_of(reply: Reply) -> str:
    """What a test of the reply is called."""
    return reply.name


def objects(reply: Reply) -> list[bytes]:
    """The JSON texts of a good reply, by the plainest of means."""
    if reply.body.lstrip()[:1] in (b"{", b"["):
        value = json.loads(reply.body)
        return [
            json.dumps(item).encode() for item in (value if isinstance(value, list) else [value])
        ]
    lines = reply.body.replace(b"\r", b"").split(b"\n")
    return [line[5:].strip() for line in lines if line.startswith(b"data:")]
