"""A provider for Acme, a made-up vendor.

Its API streams server-sent events: `{"thought": text}` and `{"say": text}` as often as it likes,
and `{"tokens": [in, out]}` at the end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Literal

from asgi_thinking import events
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import UpstreamProtocolError
from asgi_thinking.messages import Text
from asgi_thinking.providers import HTTPProvider, now
from asgi_thinking.requests import ChatRequest
from asgi_thinking.sse import SSEDecoder
from asgi_thinking.transport import Reply, UpstreamRequest

# What goes wrong with events that are not Acme's.
WRONG = (LookupError, RecursionError, TypeError, UpstreamProtocolError, ValueError)
END = (events.Finish("stop", "end"), events.Done())


class AcmeProvider(HTTPProvider):
    kind = "acme"
    limits = Capabilities(max_output=8_192, thinking=frozenset({"enabled", "disabled"}))

    def claims(self, model: str) -> bool:
        return model.startswith("acme-")

    def build(self, request: ChatRequest) -> UpstreamRequest:
        said = [[part.text for part in t.parts if isinstance(part, Text)] for t in request.messages]
        body = {"said": said, "think": request.thinking.type == "enabled"}
        headers = (("content-type", "application/json"), ("x-acme-key", os.environ["ACME_KEY"]))
        return UpstreamRequest(os.environ["ACME_URL"], headers, json.dumps(body).encode())

    def decoder(self, request: ChatRequest, reply: Reply) -> AcmeDecoder:
        del reply  # its headers would tell a stream from JSON; Acme has nothing but streams
        return AcmeDecoder(request.model)


class AcmeDecoder:
    def __init__(self, model: str) -> None:
        self._sse, self._model, self._index = SSEDecoder(), model, -1
        self._kind: str = ""

    def feed(self, data: bytes) -> list[events.Event]:
        try:
            return [event for _, item in self._sse.feed(data) for event in self._read(item)]
        except WRONG:
            return [events.StreamError(UpstreamProtocolError("acme: these are not Acme's events"))]

    def close(self) -> list[events.Event]:
        return []  # a stream without its last event is an error, which the caller reports

    def _read(self, item: bytes) -> Iterator[events.Event]:
        match json.loads(item):
            case {"thought": str(text)}:
                yield from (*self._turn("thinking"), events.ThinkingDelta(self._index, text))
            case {"say": str(text)}:
                yield from (*self._turn("text"), events.TextDelta(self._index, text))
            case last:
                yield from (*self._turn(), events.Usage(*map(int, last["tokens"])), *END)

    def _turn(self, kind: Literal["thinking", "text", ""] = "") -> Iterator[events.Event]:
        if self._index < 0:
            yield events.MessageStart("acme-1", self._model, now(), "acme")
        if self._kind not in ("", kind):
            yield events.BlockStop(self._index)
        if kind and kind != self._kind:
            self._index, self._kind = self._index + 1, kind
            yield events.BlockStart(self._index, kind)
