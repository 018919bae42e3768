"""The Messages API's stream as bytes.

A live stream is read an event at a time, and nearly every event is like the one before it but for
its text. So what stands before the text is remembered, and what a read adds to it is looked at
alone; only a read of another form is taken apart.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming, read 2026-11-22.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import orjson

from asgi_thinking.events import TextDelta, ThinkingDelta, ToolCallDelta
from asgi_thinking.exceptions import UpstreamProtocolError
from asgi_thinking.sse import MAX_EVENT_SIZE, SSEDecoder
from asgi_thinking.wire.anthropic.blocks import OpenBlock
from asgi_thinking.wire.anthropic.replies import MessageDecoder
from asgi_thinking.wire.checks import loads

if TYPE_CHECKING:
    from asgi_thinking.events import Event

__all__ = ["AnthropicDecoder"]

# Other events are to be ignored: `ping`, Vertex's own `vertex_event`, and whatever is new.
_NAMES: Final = frozenset(
    {
        b"message_start",
        b"content_block_start",
        b"content_block_delta",
        b"content_block_stop",
        b"message_delta",
        b"message_stop",
        b"error",
        b"",
    }
)

_FRAGMENTS: Final = (TextDelta, ThinkingDelta, ToolCallDelta)

# What ends a fragment's read; between the braces the API puts any number of spaces.
_TAIL: Final = b"}}\n\n"

# No read begins with this.
_NO_HEAD: Final = b"\n\n\n"


class AnthropicDecoder:
    """Turns the bytes of one `text/event-stream` reply into events, however they are cut."""

    __slots__ = ("_block", "_head", "_limit", "_messages", "_provider", "_sse")

    def __init__(
        self, created: int, provider: str, *, max_event_size: int = MAX_EVENT_SIZE
    ) -> None:
        self._messages = MessageDecoder(created, provider)
        self._provider = provider
        self._sse = SSEDecoder(max_event_size)
        self._limit = max_event_size
        # How the last read began, before its text's opening quote, if it was one whole fragment of
        # `_block`; every read of another form forgets it.
        self._head = _NO_HEAD
        self._block = OpenBlock({})

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data`, one network read, completes."""
        rest = data.removeprefix(self._head)
        if rest is not data:
            # The usual tail is cut off; any other is looked at more closely.
            string = rest.removesuffix(_TAIL)
            if string is rest:
                string = _string(rest)
            try:
                text = orjson.loads(string)
            except orjson.JSONDecodeError:
                text = None
            if isinstance(text, str) and text and len(data) <= self._limit:
                block = self._block
                make = block.make
                if make is TextDelta:  # sources stand at offsets; of others the first one counted
                    block.length += len(text)
                return [make(block.index, text)]
        messages = self._messages
        if messages.ended:
            return []
        self._head = _NO_HEAD
        whole = self._sse.is_between_events
        try:
            frames = self._sse.feed(data)
        except UpstreamProtocolError as error:
            return messages.fail(self._named(error))
        events = messages.feed([payload for name, payload in frames if name in _NAMES])
        if whole and len(frames) == 1 == len(events):
            self._learn(data, events[0])
        return events

    def _learn(self, data: bytes, event: Event) -> None:
        """Remember how the read of a fragment began."""
        if isinstance(event, _FRAGMENTS):
            block = self._messages.open_block(event.index)
            key = data.find(b'"%b":' % block.key.encode(), data.find(b'"delta"'))
            quote = data.find(b'"', key + len(block.key) + len('"":'))
            text = event.arguments if isinstance(event, ToolCallDelta) else event.text
            with suppress(orjson.JSONDecodeError):
                if orjson.loads(_string(data[quote:])) == text:
                    self._head, self._block = data[:quote], block

    def close(self) -> list[Event]:
        """The upstream ended: the last event if only its blank line is missing, or an error."""
        if self._messages.ended:
            return []
        try:
            frames = self._sse.close()
        except UpstreamProtocolError as error:
            return self._messages.fail(self._named(error))
        whole = [payload for name, payload in frames if name in _NAMES and _is_json(payload)]
        events = self._messages.feed(whole)
        return events + self._messages.close()

    def _named(self, error: UpstreamProtocolError) -> UpstreamProtocolError:
        message = f"{self._provider}: {error.message}"
        return UpstreamProtocolError(message, provider=self._provider)


def _string(rest: bytes) -> bytes:
    """The JSON string that a read ends with, if nothing but the tail follows it.

    A JSON string has no line end in it, so with its tail it is the end of just the event that the
    read's head begins.
    """
    string = rest.rstrip(b"} \n")
    tail = rest[len(string) :].replace(b" ", b"")
    return string if tail == _TAIL and string.endswith(b'"') else b""


def _is_json(data: bytes) -> bool:
    try:
        loads(data)
    except ValueError:
        return False
    return True
