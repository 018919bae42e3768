"""Claude's replies by InvokeModelWithResponseStream: the Messages API's events, in AWS frames.

Source:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html,
read 2026-11-22.
"""

from __future__ import annotations

from binascii import a2b_base64
from typing import Final

import orjson

from asgi_thinking.events import Event
from asgi_thinking.eventstream import MAX_FRAME_SIZE, EventStreamDecoder, Headers
from asgi_thinking.exceptions import ProviderError, UpstreamProtocolError
from asgi_thinking.wire.anthropic import MessageDecoder
from asgi_thinking.wire.converse import frame_error

__all__ = ["InvokeDecoder"]

_FAILED: Final = frozenset({"exception", "error"})


class InvokeDecoder:
    """Turns the bytes of one stream into events, however they are cut.

    A frame's payload is `{"bytes": <base64 of one event>, "p": <padding>}`.
    """

    __slots__ = ("_chunk", "_frames", "_messages", "_provider")

    def __init__(
        self, created: int, provider: str, *, max_frame_size: int = MAX_FRAME_SIZE
    ) -> None:
        self._messages = MessageDecoder(created, provider)
        self._provider = provider
        self._frames = EventStreamDecoder(max_frame_size)
        self._chunk: Headers | None = None

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data`, one network read, completes."""
        messages = self._messages
        if messages.ended:
            return []
        payloads: list[bytes] = []
        error: ProviderError
        try:
            for headers, payload in self._frames.feed(data):
                if headers is not self._chunk:  # chunks share their headers
                    if headers.get(":message-type") in _FAILED:
                        error = frame_error(headers, payload, self._provider)
                        return self._broken_off(payloads, error)
                    if headers.get(":event-type") != "chunk":
                        continue
                    self._chunk = headers
                payloads.append(a2b_base64(orjson.loads(payload)["bytes"]))
        except UpstreamProtocolError as broken:
            return messages.fail(self._error(broken.message))
        except (ValueError, LookupError, TypeError):
            error = self._error("malformed chunk, expected base64 in `bytes`")
            return self._broken_off(payloads, error)
        return messages.feed(payloads)

    def close(self) -> list[Event]:
        """The upstream ended: nothing more, unless it ended early."""
        if self._messages.ended:
            return []
        try:
            self._frames.close()
        except UpstreamProtocolError as error:
            return self._messages.fail(self._error(error.message))
        return self._messages.close()

    def _broken_off(self, payloads: list[bytes], error: ProviderError) -> list[Event]:
        """The end of a stream that breaks off, after what came before it."""
        events = self._messages.feed(payloads)
        return events if self._messages.ended else [*events, *self._messages.fail(error)]

    def _error(self, why: str) -> UpstreamProtocolError:
        return UpstreamProtocolError(f"{self._provider}: {why}", provider=self._provider)
