"""Replies of the Converse API: one JSON object, or the frames of its stream.

A stream is `messageStart (contentBlockStart? contentBlockDelta* contentBlockStop)* messageStop
metadata`, or ends in an exception. Only calls and results have a `contentBlockStart`: the first
delta begins any other block, and usage comes after the end. Random padding in `p` is ignored.

Sources, read 2026-11-22:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
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
    MessageStart,
    StreamError,
    Usage,
)
from asgi_thinking.eventstream import MAX_FRAME_SIZE, EventStreamDecoder
from asgi_thinking.exceptions import ThinkingError, UpstreamProtocolError, UpstreamStatusError
from asgi_thinking.wire.checks import checked_text, loads
from asgi_thinking.wire.converse.blocks import (
    KINDS,
    VERBATIM,
    OpenBlock,
    unwrapped,
)
from asgi_thinking.wire.converse.endings import FAILURES, FINISH, thinking_tokens, usage_of
from asgi_thinking.wire.converse.errors import frame_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asgi_thinking.eventstream import Frame

__all__ = ["ConverseDecoder", "decode_reply"]

_FAILED: Final = frozenset({"exception", "error"})

# A call of the model's own tools, which nobody here is to run.
_SERVER_TOOL: Final = "server_tool_use"

# How JSON shows that it is not of this wire: a missing key or block, or a value of another type.
_MALFORMED: Final = (ValueError, LookupError, TypeError, AttributeError)


class _Message:
    """The events of one reply, whether it comes in frames or as a JSON object."""

    __slots__ = (
        "_blocks",
        "_called",
        "_counts",
        "_failure",
        "_head",
        "_next",
        "_origin",
        "_provider",
        "_started",
        "_stopped",
        "_text_length",
        "_thought",
        "ended",
    )

    def __init__(self, head: MessageStart, origin: str) -> None:
        self._head = head
        self._provider = head.provider
        self._origin = origin
        self._blocks: dict[Any, OpenBlock] = {}  # by the wire's index
        self._next = 0  # our next index
        self._text_length = 0
        self._called = False
        self._started = False
        self._stopped = False
        self._counts: Usage | None = None
        self._thought: int | None = None
        self._failure: UpstreamStatusError | None = None
        self.ended = False

    def feed(self, frames: Iterable[Frame]) -> list[Event]:
        """The events of some of the stream's frames."""
        events: list[Event] = []
        blocks = self._blocks
        kind: Any = ""
        try:
            for headers, payload in frames:
                if self.ended:
                    break
                kind = headers.get(":event-type", "")
                if headers.get(":message-type") in _FAILED:
                    events += self.fail(frame_error(headers, payload, self._provider))
                    break
                try:
                    event = orjson.loads(payload)
                except orjson.JSONDecodeError:
                    event = loads(payload)
                if kind != "contentBlockDelta":
                    self._other_event(kind, event, events)
                    continue
                number, delta = event["contentBlockIndex"], event["delta"]
                if (block := blocks.get(number)) is not None:
                    text = delta.get(block.key)
                    if text.__class__ is dict:
                        text = text.get(block.inner)
                    if text.__class__ is str and text:
                        block.length += len(text)
                        events.append(block.make(block.index, text))
                        continue
                self._delta(number, delta, events)
        except _MALFORMED:
            events += self.fail(self._malformed(f"event {kind!r}"))
        return events

    def read(self, body: bytes) -> list[Event]:
        """The events of a whole JSON reply."""
        events: list[Event] = []
        try:
            reply = loads(body)
            self._start(events)
            for number, block in enumerate(reply["output"]["message"]["content"]):
                self._whole(number, block, events)
            self._meter(reply, events)
            self._stop(reply, events)
        except _MALFORMED:
            return self.fail(self._malformed("reply"))
        return events

    def close(self) -> list[Event]:
        """The stream is over: an error, unless the message had come to its end."""
        if self._stopped:  # only the token counts are missing
            self.ended = True
            return [self._last()]
        message = f"{self._provider}: the stream ended before messageStop"
        return self.fail(UpstreamProtocolError(message, provider=self._provider))

    def fail(self, error: ThinkingError) -> list[Event]:
        """End the reply with an error."""
        self.ended = True
        return [StreamError(error)]

    def _malformed(self, what: str) -> UpstreamProtocolError:
        message = f"{self._provider}: malformed {what}, expected the Converse API"
        return UpstreamProtocolError(message, provider=self._provider)

    def _other_event(self, kind: Any, event: dict[str, Any], events: list[Event]) -> None:
        match kind:
            case "contentBlockStart":
                self._announce(event["contentBlockIndex"], event["start"], events)
            case "contentBlockStop":
                self._end(event["contentBlockIndex"], events)
            case "messageStart":
                self._start(events)
            case "messageStop":
                self._stop(event, events)
            case "metadata":
                self._meter(event, events)
            case _:
                pass  # `initial-response`, and what is new

    def _start(self, events: list[Event]) -> None:
        if self._started:
            raise ValueError("a second messageStart")
        self._started = True
        events.append(self._head)

    def _delta(self, number: Any, delta: dict[str, Any], events: list[Event]) -> None:
        block = self._blocks.get(number)
        if (text := delta.get("text")) is not None:
            if text:  # some models begin with an empty one, which nothing follows
                events += self._open(number, "text", events).fragment(text)
        elif (thought := delta.get("reasoningContent")) is not None:
            self._think(number, thought, events)
        elif block is not None and block.index < 0:
            block.collect(delta[block.key])
        elif (call := delta.get("toolUse")) is not None:
            if block is None or block.key != "toolUse":
                raise ValueError("input of no call")
            events += block.fragment(call["input"])
        elif (citation := delta.get("citation")) is not None:
            self._open(number, "text", events).citations.append(citation)
        else:
            for key, value in delta.items():
                if key != "type":
                    self._hide(number, key, {}, events).collect(value)

    def _think(self, number: Any, thought: dict[str, Any], events: list[Event]) -> None:
        if (blob := thought.get("redactedContent")) is not None:
            self._end(number, events)
            self._redacted(checked_text(blob), events)
        elif signature := thought.get("signature"):
            block = self._open(number, "reasoningContent", events)
            block.parts.append(checked_text(signature))
        elif text := thought.get("text"):
            events += self._open(number, "reasoningContent", events).fragment(text)

    def _announce(self, number: Any, start: dict[str, Any], events: list[Event]) -> None:
        """A block whose start says what it is; an empty one leaves that to the first delta."""
        for key, raw in start.items():
            if key == "toolUse" and raw.get("type") != _SERVER_TOOL:
                self._call(number, raw, events)
            elif key != "type":
                self._hide(number, key, raw, events)

    def _call(self, number: Any, raw: dict[str, Any], events: list[Event]) -> OpenBlock:
        self._end(number, events)
        block = self._open(number, "toolUse", events)
        start = events[-1]
        assert isinstance(start, BlockStart)  # noqa: S101 (what _open has just added)
        start.id, start.name = checked_text(raw["toolUseId"]), checked_text(raw["name"])
        self._called = True
        return block

    def _open(self, number: Any, key: str, events: list[Event]) -> OpenBlock:
        """The open block of that number, which is begun unless it is of this kind already."""
        block = self._blocks.get(number)
        if block is not None:
            if block.key == key and block.index >= 0:
                return block
            self._end(number, events)
        self._check_inside()
        kind, inner, make = KINDS[key]
        block = OpenBlock(key, inner, self._index(), make, self._text_length)
        self._blocks[number] = block
        origin = self._origin if kind == "thinking" else ""
        events.append(BlockStart(block.index, kind, origin=origin))
        return block

    def _hide(self, number: Any, key: str, raw: dict[str, Any], events: list[Event]) -> OpenBlock:
        """A new block that nobody here understands."""
        self._end(number, events)
        self._check_inside()
        block = self._blocks[number] = OpenBlock(key, raw={key: dict(raw)})
        return block

    def _end(self, number: Any, events: list[Event]) -> None:
        """The end of a block, if there is one: a stop may come for an empty text."""
        block = self._blocks.pop(number, None)
        if block is None:
            return
        if block.index < 0:
            self._opaque(block.opaque_json(), events)
            return
        if block.key == "text":
            self._text_length += block.length
        events += block.last_events()

    def _opaque(self, data: str, events: list[Event]) -> None:
        index = self._index()
        origin = self._origin or VERBATIM
        events += [BlockStart(index, "opaque", data=data, origin=origin), BlockStop(index)]

    def _redacted(self, blob: str, events: list[Event]) -> None:
        """Claude's data as Claude's own API has it, if that is what it is."""
        data = None if self._origin else unwrapped(blob)
        origin = "" if data is not None else self._origin or VERBATIM
        self._check_inside()
        index = self._index()
        events += [
            BlockStart(index, "redacted_thinking", data=data or blob, origin=origin),
            BlockStop(index),
        ]

    def _whole(self, number: int, raw: dict[str, Any], events: list[Event]) -> None:
        """A block of a JSON reply."""
        if "text" in raw:
            self._delta(number, {"text": raw["text"]}, events)
        elif "reasoningContent" in raw:
            thought = raw["reasoningContent"]
            told: dict[str, Any] = thought.get("reasoningText") or {}
            for part in (thought, {"text": told.get("text")}, {"signature": told.get("signature")}):
                self._think(number, part, events)
        elif "toolUse" in raw and raw["toolUse"].get("type") != _SERVER_TOOL:
            given = raw["toolUse"].get("input")
            block = self._call(number, raw["toolUse"], events)
            events += block.fragment(orjson.dumps(given).decode() if given else "")
        elif "citationsContent" in raw:
            content = raw["citationsContent"]
            block = self._open(number, "text", events)
            for part in content.get("content") or ():
                events += block.fragment(part["text"])
            block.citations += content.get("citations") or ()
        elif keys := [key for key in raw if key != "type"]:
            self._opaque(orjson.dumps({**raw, "type": keys[0]}).decode(), events)
        self._end(number, events)

    def _check_inside(self) -> None:
        if not self._started or self._stopped:
            raise ValueError("not between messageStart and messageStop")

    def _index(self) -> int:
        index = self._next
        self._next += 1
        return index

    def _stop(self, ending: dict[str, Any], events: list[Event]) -> None:
        """The end of the message; the stream's is the metadata, whichever comes last."""
        self._check_inside()
        for number in tuple(self._blocks):
            self._end(number, events)
        native = checked_text(ending["stopReason"])
        reason = FINISH.get(native, "stop")
        if reason == "tool_calls" and not self._called:
            reason = "stop"  # only the vendor's own tools were called
        self._stopped = True
        self._thought = thinking_tokens(ending.get("additionalModelResponseFields"))
        if self._counts is not None and self._thought is not None:
            self._counts.reasoning = self._thought
        if why := FAILURES.get(native):
            told = f"{self._provider}: {why}"
            self._failure = UpstreamStatusError(
                told, provider=self._provider, status=502, code=native
            )
        else:
            events.append(Finish(reason, native))
        if self._counts is not None:
            self._done(events)

    def _meter(self, event: dict[str, Any], events: list[Event]) -> None:
        """The token counts, after which a stream has nothing more to say."""
        self._counts = usage_of(event.get("usage"), self._thought)
        if self._stopped:
            self._done(events)

    def _done(self, events: list[Event]) -> None:
        if self._counts is not None and self._counts != Usage():
            events.append(self._counts)
        events.append(self._last())
        self.ended = True

    def _last(self) -> Event:
        return Done() if self._failure is None else StreamError(self._failure)


class ConverseDecoder:
    """Turns the bytes of one ConverseStream reply into events, however they are cut.

    Args:
        head: the first event, for the wire names neither the reply nor its model.
        origin: who can verify the reply's reasoning.
        max_frame_size: bytes that one frame may take.
    """

    __slots__ = ("_frames", "_message", "_provider")

    def __init__(
        self, head: MessageStart, origin: str = "", *, max_frame_size: int = MAX_FRAME_SIZE
    ) -> None:
        self._message = _Message(head, origin)
        self._provider = head.provider
        self._frames = EventStreamDecoder(max_frame_size)

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data`, one network read, completes."""
        message = self._message
        if message.ended:
            return []
        try:
            frames = self._frames.feed(data)
        except UpstreamProtocolError as error:
            return message.fail(self._named(error))
        return message.feed(frames)

    def close(self) -> list[Event]:
        """The upstream ended: nothing more, unless it ended early."""
        if self._message.ended:
            return []
        try:
            self._frames.close()
        except UpstreamProtocolError as error:
            return self._message.fail(self._named(error))
        return self._message.close()

    def _named(self, error: UpstreamProtocolError) -> UpstreamProtocolError:
        message = f"{self._provider}: {error.message}"
        return UpstreamProtocolError(message, provider=self._provider)


def decode_reply(body: bytes, head: MessageStart, origin: str = "") -> list[Event]:
    """The events of a JSON reply, as one batch; the arguments are those of `ConverseDecoder`.

    Shape: `{"output": {"message": {"content": [block, …]}}, "stopReason", "usage"}`. Never raises:
    a malformed body is one `StreamError`.
    """
    return _Message(head, origin).read(body)
