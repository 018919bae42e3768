"""Replies of Gemini, written by hand after the vendor's pages, and what they mean.

Source: https://ai.google.dev/api/generate-content, read 2026-11-22.
"""

from __future__ import annotations

from typing import Any

import orjson

from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Extra,
    Finish,
    MessageStart,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.messages import synthetic_call_id
from asgi_thinking.wire.gemini import GeminiDecoder

JSONObject = dict[str, Any]

NAMED: JSONObject = {"modelVersion": "gemini-3-pro", "responseId": "r1"}


def chunk(*parts: JSONObject, finish: Any = None, **fields: Any) -> JSONObject:
    """One object of a stream, whose only candidate holds these parts."""
    candidate: JSONObject = {"index": 0, **fields.pop("candidate", {})}
    if parts:
        candidate["content"] = {"role": "model", "parts": list(parts)}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **NAMED, **fields}


def call(name: str, args: JSONObject | None = None, **fields: Any) -> JSONObject:
    """A part that is a call."""
    return {"functionCall": {"name": name, "args": args or {}}, **fields}


def sse(*replies: JSONObject, line: bytes = b"\r\n") -> bytes:
    """The objects as `alt=sse` streams them; the vendor's lines end in CRLF."""
    return b"".join(b"data: %b%b" % (orjson.dumps(reply), line * 2) for reply in replies)


def array(*replies: JSONObject, pretty: bool = True) -> bytes:
    """The objects as a stream without `alt=sse`."""
    option = orjson.OPT_INDENT_2 if pretty else 0
    between = b"\n,\n" if pretty else b","
    return b"[" + between.join(orjson.dumps(reply, option=option) for reply in replies) + b"]"


def decode(*reads: bytes, **options: Any) -> list[Event]:
    """All events of a stream."""
    decoder = GeminiDecoder(1, "gemini", "asked", **options)
    return [event for data in reads for event in decoder.feed(data)] + decoder.close()


def one_by_one(stream: bytes) -> list[bytes]:
    """The stream as reads of one byte."""
    return [stream[i : i + 1] for i in range(len(stream))]


USAGE: JSONObject = {
    "promptTokenCount": 12,
    "candidatesTokenCount": 30,
    "thoughtsTokenCount": 57,
    "toolUsePromptTokenCount": 5,
    "cachedContentTokenCount": 4,
    "totalTokenCount": 104,
    "trafficType": "ON_DEMAND",
}
CODE: JSONObject = {
    "executableCode": {"language": "PYTHON", "code": "print(1)"},
    "thoughtSignature": "c2lnMA==",
}
RESULT: JSONObject = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}
WEATHER: JSONObject = {"web": {"uri": "https://example.org/w", "title": "Weather"}}
GROUNDING: JSONObject = {
    "webSearchQueries": ["weather"],
    "searchEntryPoint": {"renderedContent": "<div/>"},
    "groundingChunks": [WEATHER],
    "groundingSupports": [
        {"segment": {"startIndex": 6, "endIndex": 11, "text": "4 °C"}, "groundingChunkIndices": [0]}
    ],
}

# Everything at once: thoughts, the vendor's own tool, an answer in pieces, calls in parallel with
# the signature on the first, a signed text, and a last part that is nothing but its signature.
FULL: tuple[JSONObject, ...] = (
    chunk({"text": "I need ", "thought": True}, usageMetadata={"trafficType": "ON_DEMAND"}),
    chunk(
        {"text": "👍.", "thought": True},
        CODE,
        {"text": ""},
        usageMetadata={"promptTokenCount": 12, "totalTokenCount": 12},
    ),
    chunk(RESULT),
    chunk({"text": "It is "}),
    chunk({"text": "4 °C"}, {"text": "."}),
    chunk({"text": " Signed.", "thoughtSignature": "c2lnMQ=="}),
    chunk(
        call("get_time", {"zone": "CET", "n": 1.0}, thoughtSignature="c2lnMg=="),
        call("get_time", {"zone": "JST"}),
    ),
    chunk({"functionCall": {"id": "8xju7mua", "name": "get_date"}}),
    chunk(
        {"text": "", "thoughtSignature": "c2lnMw=="},
        finish="STOP",
        candidate={"groundingMetadata": GROUNDING},
        usageMetadata=USAGE,
    ),
)
ID_0, ID_1 = synthetic_call_id("r1", 0), synthetic_call_id("r1", 1)

START = MessageStart("r1", "gemini-3-pro", 1, "gemini")

FULL_EVENTS: list[Event] = [
    START,
    BlockStart(0, "thinking"),
    ThinkingDelta(0, "I need "),
    ThinkingDelta(0, "👍."),
    BlockStop(0),
    BlockStart(
        1,
        "opaque",
        data=orjson.dumps({"type": "executableCode", **CODE}).decode(),
        origin="gemini",
    ),
    BlockStop(1),
    BlockStart(
        2,
        "opaque",
        data=orjson.dumps({"type": "codeExecutionResult", **RESULT}).decode(),
        origin="gemini",
    ),
    BlockStop(2),
    BlockStart(3, "text"),
    TextDelta(3, "It is "),
    TextDelta(3, "4 °C"),
    TextDelta(3, "."),
    BlockStop(3),
    BlockStart(4, "text", origin="gemini"),
    TextDelta(4, " Signed."),
    SignatureDelta(4, "c2lnMQ=="),
    BlockStop(4),
    BlockStart(5, "tool_call", id=ID_0, name="get_time", origin="gemini"),
    SignatureDelta(5, "c2lnMg=="),
    ToolCallDelta(5, '{"zone":"CET","n":1.0}'),
    BlockStop(5),
    BlockStart(6, "tool_call", id=ID_1, name="get_time"),
    ToolCallDelta(6, '{"zone":"JST"}'),
    BlockStop(6),
    BlockStart(7, "tool_call", id="8xju7mua", name="get_date"),
    BlockStop(7),
    BlockStart(8, "text", origin="gemini"),
    SignatureDelta(8, "c2lnMw=="),
    Annotation(8, 6, 10, "https://example.org/w", "Weather", WEATHER),
    BlockStop(8),
    Extra("choice", {"groundingMetadata": GROUNDING}),
    Usage(17, 87, 57, 4),
    Finish("tool_calls", "tool_calls"),
    Done(),
]

# The same reply, not streamed.
FULL_REPLY: JSONObject = {
    **chunk(
        *(
            part
            for reply in FULL
            for part in reply["candidates"][0].get("content", {}).get("parts", ())
        ),
        finish="STOP",
        candidate={"groundingMetadata": GROUNDING},
    ),
    "usageMetadata": USAGE,
}
