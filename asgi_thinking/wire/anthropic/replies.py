"""Replies of the Messages API, as the events of a stream and those of a JSON message.

A stream is `message_start (content_block_start content_block_delta* content_block_stop)*
message_delta* message_stop`, or ends in `error`. A JSON reply is the `message` of a `message_start`
that has everything in it already, and real streams hold that form too (programmatic tool calling),
so both take the same path.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming and
https://platform.claude.com/docs/en/api/messages, read 2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from asgi_thinking.events import (
    BlockStart,
    BlockStop,
    Done,
    Event,
    Finish,
    FinishReason,
    MessageStart,
    SignatureDelta,
    StreamError,
    TextDelta,
    Usage,
)
from asgi_thinking.exceptions import ThinkingError, UpstreamProtocolError
from asgi_thinking.wire.anthropic.blocks import STREAMED, OpenBlock
from asgi_thinking.wire.anthropic.errors import event_error
from asgi_thinking.wire.checks import checked_text, loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["COUNTS", "FINISH", "MALFORMED", "MessageDecoder", "usage_of"]

FINISH: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "length",  # unfinished: sent back as it is, it goes on
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}

# Blocks that are a text, of which a whole one can be told without being opened.
_SIMPLE: Final = ("thinking", "text")

# The vendor's token counts; the last stands in `output_tokens_details`.
COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "thinking_tokens",
)

# How JSON shows that it is not of this wire: a missing key or block, or a value of another type.
MALFORMED: Final = (ValueError, LookupError, TypeError, AttributeError)


class MessageDecoder:
    """Turns the JSON texts of one stream's events into events, whatever framing they came in.

    `ended` says whether the reply is over, well or badly; what follows is ignored.
    """

    __slots__ = (
        "_blocks",
        "_called",
        "_counts",
        "_created",
        "_explanation",
        "_next",
        "_provider",
        "_started",
        "_stop_reason",
        "_text_length",
        "ended",
    )

    def __init__(self, created: int, provider: str) -> None:
        self._created = created
        self._provider = provider
        self._blocks: dict[Any, OpenBlock] = {}  # by the wire's index
        self._next = 0  # our next index
        self._text_length = 0
        self._called = False
        self._stop_reason = "end_turn"
        self._explanation = ""
        self._counts: dict[str, int] = {}
        self._started = False
        self.ended = False

    def feed(self, payloads: Iterable[bytes]) -> list[Event]:
        """The events of some of the stream's events, each one JSON object."""
        events: list[Event] = []
        blocks = self._blocks
        kind = ""
        try:
            for payload in payloads:
                if self.ended:
                    break
                kind = ""
                try:
                    event = orjson.loads(payload)
                except orjson.JSONDecodeError:
                    event = loads(payload)
                kind = event["type"]
                if kind != "content_block_delta":
                    self._other_event(kind, event, events)
                    continue
                block = blocks[event["index"]]
                delta = event["delta"]
                if delta["type"] != block.delta:
                    block.collect(delta)
                elif (text := delta[block.key]).__class__ is not str:
                    checked_text(text)
                elif text:
                    block.length += len(text)
                    events.append(block.make(block.index, text))
        except MALFORMED:
            events += self.fail(self._malformed(f"event {kind!r}"))
        return events

    def open_block(self, index: int) -> OpenBlock:
        """The open block that has our `index`."""
        return next(block for block in self._blocks.values() if block.index == index)

    def read(self, body: bytes) -> list[Event]:
        """The events of a whole JSON reply."""
        events: list[Event] = []
        try:
            message = loads(body)
            if message["type"] == "error":
                return self.fail(event_error(message["error"], self._provider))
            if not isinstance(message["content"], list):
                return self.fail(self._malformed("reply"))
            self._start(message, events)
            self._finish(events)
        except MALFORMED:
            return self.fail(self._malformed("reply"))
        return events

    def close(self) -> list[Event]:
        """The stream is over: an error, unless it came to its own end."""
        if self.ended:
            return []
        message = f"{self._provider}: the stream ended before message_stop"
        return self.fail(UpstreamProtocolError(message, provider=self._provider))

    def fail(self, error: ThinkingError) -> list[Event]:
        """End the reply with an error."""
        self.ended = True
        return [StreamError(error)]

    def _malformed(self, what: str) -> UpstreamProtocolError:
        message = f"{self._provider}: malformed {what}, expected the Messages API"
        return UpstreamProtocolError(message, provider=self._provider)

    def _other_event(self, kind: str, event: dict[str, Any], events: list[Event]) -> None:
        match kind:
            case "content_block_start":
                self._open(event["index"], event["content_block"], events)
            case "content_block_stop":
                self._stop(event["index"], events)
            case "message_start":
                self._start(event["message"], events)
            case "message_delta":
                self._end(event["delta"], event.get("usage"), events)
            case "message_stop":
                self._finish(events)
            case "error":
                events += self.fail(event_error(event["error"], self._provider))
            case _:
                pass  # by the versioning policy, new events are to be ignored

    def _start(self, message: dict[str, Any], events: list[Event]) -> None:
        if self._started:
            raise ValueError("a second message_start")
        self._started = True
        names = checked_text(message["id"]), checked_text(message["model"])
        events.append(MessageStart(*names, self._created, self._provider))
        self._end(message, message.get("usage"), events)
        for number, block in enumerate(message.get("content") or ()):
            if block["type"] in _SIMPLE and not block.get("citations"):
                self._whole(block, events)
                continue
            self._open(number, block, events)
            self._stop(number, events)

    def _whole(self, raw: dict[str, Any], events: list[Event]) -> None:
        """A block that has no more than its text and a signature, without opening it first."""
        kind, _, key, make = STREAMED[raw["type"]]
        index = self._index()
        events.append(BlockStart(index, kind))
        if text := checked_text(raw.get(key) or ""):
            events.append(make(index, text))
        if kind == "text":
            self._text_length += len(text)
        if signature := raw.get("signature"):
            events.append(SignatureDelta(index, checked_text(signature)))
        events.append(BlockStop(index))

    def _open(self, number: Any, raw: dict[str, Any], events: list[Event]) -> None:
        if not self._started:
            raise ValueError("a block before message_start")
        if number in self._blocks:
            self._stop(number, events)
        block = self._blocks[number] = OpenBlock(raw)
        vendor_kind = raw["type"]
        if vendor_kind == "redacted_thinking":
            block.index = self._index()
            data = checked_text(raw["data"])
            events.append(BlockStart(block.index, "redacted_thinking", data=data))
        elif (streamed := STREAMED.get(vendor_kind)) is not None:
            kind, block.delta, block.key, block.make = streamed
            block.index, block.start = self._index(), self._text_length
            start = BlockStart(block.index, kind)
            if kind == "tool_call":
                self._called = True
                start.id, start.name = checked_text(raw["id"]), checked_text(raw["name"])
            events.append(start)
            events += block.fragment(raw.get(block.key) or "")

    def _stop(self, number: Any, events: list[Event]) -> None:
        block = self._blocks.pop(number)
        if block.index < 0:
            index = self._index()
            events += [BlockStart(index, "opaque", data=block.opaque_json()), BlockStop(index)]
            return
        if block.key == "text":
            self._text_length += block.length
        events += block.last_events()

    def _index(self) -> int:
        index = self._next
        self._next += 1
        return index

    def _end(
        self, ending: dict[str, Any], counts: dict[str, Any] | None, events: list[Event]
    ) -> None:
        """Take what a message, or a message_delta, says of the reply's end and of its tokens."""
        if not self._started:
            raise ValueError("message_delta before message_start")
        if reason := ending.get("stop_reason"):
            self._stop_reason = checked_text(reason)
        if details := ending.get("stop_details"):
            self._explanation = checked_text(details.get("explanation") or self._explanation)
        if counts and self._count(counts):
            events.append(usage_of(self._counts))

    def _count(self, given: dict[str, Any]) -> bool:
        """Take the counts that are given; whether any of them is news."""
        if details := given.get("output_tokens_details"):
            given = given | details
        known, changed = self._counts, False
        for key in COUNTS:
            count = given.get(key)
            if count is not None and known.get(key) != count:
                known[key] = _checked_count(count)
                changed = True
        return changed

    def _finish(self, events: list[Event]) -> None:
        if not self._started:
            raise ValueError("message_stop before message_start")
        for number in tuple(self._blocks):
            self._stop(number, events)
        native = self._stop_reason
        if native == "refusal" and self._explanation:
            index = self._index()
            events += [
                BlockStart(index, "refusal"),
                TextDelta(index, self._explanation),
                BlockStop(index),
            ]
        reason = FINISH.get(native, "stop")
        if reason == "tool_calls" and not self._called:
            reason = "stop"  # only the vendor's own tools were called
        events += [Finish(reason, native), Done()]
        self.ended = True


def _checked_count(value: Any) -> int:
    if value.__class__ is not int:
        raise TypeError("expected an integer")
    return value


def usage_of(counts: Mapping[str, int]) -> Usage:
    """Our counts of the vendor's, whose `input_tokens` are those that no cache had part in."""
    count = counts.get
    read, written = count("cache_read_input_tokens"), count("cache_creation_input_tokens")
    prompt = count("input_tokens")
    if prompt is not None:
        prompt += (read or 0) + (written or 0)
    output, thought = count("output_tokens"), count("thinking_tokens")
    if output is not None and thought is not None:
        thought = min(thought, output)  # a part of the whole, for clients subtract it
    return Usage(prompt, output, thought, read, written)
