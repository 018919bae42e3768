"""A made-up vendor whose provider keeps every promise, for tests that break one at a time.

Its streams are lines, `think hm`, `say hi`, `call id name {"a": 1}` and `end`; its JSON replies are
`{"lines": [line, …]}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.events import (
    Batch,
    BlockKind,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Finish,
    MessageStart,
    StreamError,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.exceptions import ProviderError, UpstreamProtocolError
from asgi_thinking.messages import Text
from asgi_thinking.providers import HTTPProvider, WholeReply, now, read_error
from asgi_thinking.requests import ChatRequest
from asgi_thinking.testing import Answer
from asgi_thinking.transport import Reply, UpstreamRequest
from asgi_thinking.wire import Decoder

KEY = "key-of-the-owner"
LINES = ("think Hm, ", "think 3599?", "say It is ", "say 59 * 61.", 'call c1 f {"a": 1}', "end")
STREAM = "".join(f"{line}\n" for line in LINES).encode()
JSON = json.dumps({"lines": LINES}).encode()
ERROR = (429, b'{"error": {"message": "slow down"}}')
REPLIES: Mapping[str, bytes | tuple[int, bytes] | Answer] = {
    "stream": STREAM,
    "json": JSON,
    "error": ERROR,
}

KINDS: dict[str, BlockKind] = {"think": "thinking", "say": "text", "call": "tool_call"}


class Plain(HTTPProvider):
    kind = "plain"
    limits = Capabilities(max_output=8_192, thinking=frozenset({"enabled", "disabled"}))

    def claims(self, model: str) -> bool:
        return model.startswith("plain-")

    def url(self, model: str) -> str:
        return f"https://plain.example/v1/{quote(model, safe='')}/chat"

    def headers(self, request: ChatRequest) -> list[tuple[str, str]]:
        return [("content-type", "application/json"), ("x-key", KEY)]

    def body(self, request: ChatRequest) -> bytes:
        said = [part.text for t in request.messages for part in t.parts if isinstance(part, Text)]
        return json.dumps({"said": said, "model": request.model}).encode()

    def build(self, request: ChatRequest) -> UpstreamRequest:
        headers = tuple(self.headers(request))
        return UpstreamRequest(self.url(request.model), headers, self.body(request), request.stream)

    def stream_decoder(self) -> Decoder:
        return Lines()

    def whole(self, body: bytes) -> Batch:
        try:
            lines = json.loads(body)["lines"]
            return Lines().feed("".join(f"{line}\n" for line in lines).encode())
        except (LookupError, TypeError, ValueError, RecursionError):
            return [StreamError(UpstreamProtocolError("not plain JSON"))]

    def decoder(self, request: ChatRequest, reply: Reply) -> Decoder:
        if "event-stream" in reply.headers.get("content-type", ""):
            return self.stream_decoder()
        return WholeReply(self.whole)

    def read_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ProviderError:
        return read_error(status, body, self.kind)


class Lines:
    """The vendor's decoder; what a line means is for subclasses to get wrong."""

    def __init__(self) -> None:
        self.rest = b""
        self.blocks = 0
        self.open = ""
        self.started = False

    def feed(self, data: bytes) -> list[Event]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        events: list[Event] = []
        for line in lines:
            try:
                events += self.line(line.decode())
            except ValueError:
                return [*events, StreamError(UpstreamProtocolError("not a plain line"))]
            if line == b"end":
                break
        return events

    def close(self) -> list[Event]:
        return [StreamError(UpstreamProtocolError("the lines have no end"))]

    def line(self, line: str) -> list[Event]:
        word, _, text = line.partition(" ")
        if word == "end":
            return [*self.start(), *self.turn(""), *self.end()]
        match KINDS.get(word):
            case "thinking":
                return [*self.turn("think"), ThinkingDelta(self.blocks - 1, text)]
            case "text":
                return [*self.turn("say"), TextDelta(self.blocks - 1, text)]
            case "tool_call":
                return self.call(*text.split(" ", 2))
            case _:
                raise ValueError(line)

    def start(self) -> list[Event]:
        if self.started:
            return []
        self.started = True
        return [MessageStart("r1", "plain-1", now(), "plain")]

    def turn(self, word: str, **more: Any) -> list[Event]:
        if word and word == self.open != "call":
            return []
        events = self.start()
        if self.open:
            events.append(BlockStop(self.blocks - 1))
        if word:
            events.append(BlockStart(self.blocks, KINDS[word], **more))
            self.blocks += 1
        self.open = word
        return events

    def call(self, call_id: str = "", name: str = "", arguments: str = "") -> list[Event]:
        if not (call_id and name):
            raise ValueError("a call has an id and a name")
        return [
            *self.turn("call", id=call_id, name=name),
            ToolCallDelta(self.blocks - 1, arguments),
        ]

    def end(self) -> list[Event]:
        return [Usage(3, 7), Finish("tool_calls", "end"), Done()]
