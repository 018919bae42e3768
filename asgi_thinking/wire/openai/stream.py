"""The stream of chat completions as bytes.

A live stream is read a chunk at a time, and nearly every chunk is like the one before it but for
its text. So what stands before and after the text is remembered, and what a read has between is
looked at alone; only a read of another form is taken apart.

Source: https://platform.openai.com/docs/api-reference/chat-streaming, read 2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from asgi_thinking import _json
from asgi_thinking.events import TextDelta, ThinkingDelta
from asgi_thinking.exceptions import UpstreamProtocolError
from asgi_thinking.sse import MAX_EVENT_SIZE, SSEDecoder
from asgi_thinking.wire.openai.replies import DONE, CompletionDecoder

if TYPE_CHECKING:
    from asgi_thinking.events import Event
    from asgi_thinking.wire.openai.replies import ThinkTags

__all__ = ["OpenAIDecoder"]

# No read begins with this.
_NO_READ: Final = b"\n\n\n"


class OpenAIDecoder:
    """Turns the bytes of one `text/event-stream` reply into events, however they are cut.

    `follows` says whether the last read was one chunk, and like the read before but for its text.
    """

    __slots__ = (
        *("_block", "_completion", "_head", "_limit", "_make"),
        *("_provider", "_sse", "_tail", "_thoughts", "follows"),
    )

    def __init__(
        self,
        created: int,
        provider: str,
        *,
        think_tags: ThinkTags = False,
        max_event_size: int = MAX_EVENT_SIZE,
    ) -> None:
        self._completion = CompletionDecoder(created, provider, think_tags=think_tags)
        self._provider = provider
        self._sse = SSEDecoder(max_event_size)
        self._limit = max_event_size
        self._head = self._tail = _NO_READ
        self._make: type[TextDelta | ThinkingDelta] = TextDelta
        self._block = 0
        self._thoughts: list[str] = []
        self.follows = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data`, one network read, completes."""
        rest = data.removeprefix(self._head)
        if rest is not data and (text := self._text(rest)) and len(data) <= self._limit:
            make = self._make
            if make is ThinkingDelta:
                self._thoughts.append(text)
            self.follows = True
            return [make(self._block, text)]
        self._head = _NO_READ
        self.follows = False
        completion = self._completion
        if completion.ended:
            return []
        apart = self._sse.is_between_events
        try:
            frames = self._sse.feed(data)
        except UpstreamProtocolError as error:
            return completion.fail(self._named(error))
        events = completion.feed(frames)
        if apart and len(frames) == 1 == len(events) and self._sse.is_between_events:
            self._learn(data, events[0])
        return events

    def _text(self, rest: bytes) -> str:
        """The text between the remembered beginning and end of a read; "" if there is more."""
        string = rest.removesuffix(self._tail)
        if string is rest:
            return ""
        try:
            text = orjson.loads(string)
        except orjson.JSONDecodeError:
            return ""
        return text if isinstance(text, str) else ""

    def _learn(self, data: bytes, event: Event) -> None:
        """Remember what stands around the text of a read that is one chunk, if that is clear."""
        choice = self._completion.only
        if choice is None or not isinstance(event, (TextDelta, ThinkingDelta)):
            return
        string = orjson.dumps(event.text)
        before, found, after = data.partition(string)
        # It must be a member's value, and the one that was read.
        if found and before.rstrip(b" ").endswith(b":") and string not in after:
            self._head, self._tail = before, after
            self._make, self._block = type(event), event.index
            self._thoughts = choice.thoughts

    def close(self) -> list[Event]:
        """The upstream ended: the last event if only its blank line is missing, or an error."""
        completion = self._completion
        if completion.ended:
            return []
        try:
            frames = self._sse.close()
        except UpstreamProtocolError as error:
            return completion.fail(self._named(error))
        events = completion.feed([frame for frame in frames if _is_whole(frame[1])])
        return events + completion.close()

    def _named(self, error: UpstreamProtocolError) -> UpstreamProtocolError:
        message = f"{self._provider}: {error.message}"
        return UpstreamProtocolError(message, provider=self._provider)


def _is_whole(data: bytes) -> bool:
    if data[:6] == DONE:
        return True
    try:
        _json.loads(data)
    except ValueError:
        return False
    return True
