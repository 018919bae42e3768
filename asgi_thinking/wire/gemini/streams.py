"""Streams of Gemini, from bytes.

Source: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent, read
2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asgi_thinking import _json
from asgi_thinking.exceptions import UpstreamProtocolError
from asgi_thinking.sse import MAX_EVENT_SIZE
from asgi_thinking.wire.gemini.framing import Framing
from asgi_thinking.wire.gemini.replies import ReplyDecoder

if TYPE_CHECKING:
    from asgi_thinking.events import Event

__all__ = ["GeminiDecoder"]


class GeminiDecoder:
    """Turns the bytes of one streamed reply into events, however they are framed and cut."""

    __slots__ = ("_framing", "_provider", "_reply")

    def __init__(
        self,
        created: int,
        provider: str,
        model: str = "",
        *,
        max_event_size: int = MAX_EVENT_SIZE,
    ) -> None:
        self._reply = ReplyDecoder(created, provider, model)
        self._provider = provider
        self._framing = Framing(max_event_size)

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data`, one network read, completes."""
        if self._reply.ended:
            return []
        try:
            payloads = self._framing.feed(data)
        except UpstreamProtocolError as error:
            return self._reply.fail(self._named(error))
        return self._reply.feed(payloads) if payloads else []

    def close(self) -> list[Event]:
        """The upstream ended: the end of the reply, or an error if it was cut off."""
        if self._reply.ended:
            return []
        try:
            payloads = self._framing.close()
        except UpstreamProtocolError as error:
            return self._reply.fail(self._named(error))
        if not all(map(_is_json, payloads)):
            message = f"{self._provider}: the reply ended in the middle of an object"
            return self._reply.fail(UpstreamProtocolError(message, provider=self._provider))
        return self._reply.feed(payloads) + self._reply.close()

    def _named(self, error: UpstreamProtocolError) -> UpstreamProtocolError:
        message = f"{self._provider}: {error.message}"
        return UpstreamProtocolError(message, provider=self._provider)


def _is_json(data: bytes) -> bool:
    try:
        _json.loads(data)
    except _json.InvalidJSON:
        return False
    return True
