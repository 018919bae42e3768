"""A provider for Acme, a made-up vendor.

Its API streams server-sent events: `{"thought": text}` and `{"say": text}` as often as it likes,
and `{"tokens": [in, out]}` at the end.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

from asgi_thinking import events
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.messages import Text
from asgi_thinking.providers import HTTPProvider
from asgi_thinking.requests import ChatRequest
from asgi_thinking.sse import SSEDecoder
from asgi_thinking.transport import Reply, UpstreamRequest


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
        self._sse, self._model, self._open, self._index = SSEDecoder(), model, "", -1

    def feed(self, data: bytes) -> list[events.Event]:
        return [event for _, item in self._sse.feed(data) for event in self._read(json.loads(item))]

    def close(self) -> list[events.Event]:
        return []  # a stream without its last event is an error, which the caller reports

    def _read(self, item: dict[str, Any]) -> Iterator[events.Event]:
        [(key, said)] = item.items()
        if not self._open:
            yield events.MessageStart("acme-1", self._model, int(time.time()), "acme")
        elif key != self._open:
            yield events.BlockStop(self._index)
        if key == "tokens":
            yield from (events.Usage(*said), events.Finish("stop", "end"), events.Done())
        elif key != self._open:
            self._open, self._index = key, self._index + 1
            yield events.BlockStart(self._index, "thinking" if key == "thought" else "text")
        if key == "thought":
            yield events.ThinkingDelta(self._index, said)
        elif key == "say":
            yield events.TextDelta(self._index, said)
