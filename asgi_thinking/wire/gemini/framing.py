"""The three ways in which the replies of one stream are told apart.

With `alt=sse` they are server-sent events, without it the elements of a JSON array, pretty-printed
or not; and an error may come as plain JSON between events.

Source: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent, read
2026-11-22; the last is what google-genai 3.4.0 reads (`_api_client.py`).
"""

from __future__ import annotations

import re
from typing import Final

from asgi_thinking.exceptions import UpstreamProtocolError
from asgi_thinking.sse import MAX_EVENT_SIZE, SSEDecoder

__all__ = ["Framing"]

# No line of an event stream begins like this: its JSON stands behind `data:`.
_BARE: Final = (b"\n{", b"\n[")
_BARE_STARTS: Final = (b"{", b"[")

_OUTSIDE: Final = re.compile(rb'["{}]')
_QUOTED: Final = re.compile(rb'["\\]')


class Framing:
    """Turns the bytes of one stream, cut anywhere, into the JSON texts of its replies.

    Time is linear in the bytes fed; a text of more than `limit` bytes raises
    `UpstreamProtocolError`, after the texts before it were returned, and from then on.
    """

    __slots__ = ("_limit", "_line_starts", "_objects", "_sse")

    def __init__(self, limit: int = MAX_EVENT_SIZE) -> None:
        self._limit = limit
        self._line_starts = True
        self._sse = SSEDecoder(limit)
        self._objects: _Objects | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The texts that `data` completes.

        Raises:
            UpstreamProtocolError: a text is larger than the limit.
        """
        if self._objects is not None:
            return self._objects.feed(data)
        start = self._bare(data)
        if start is None:
            self._line_starts = data.endswith(b"\n") if data else self._line_starts
            return [text for _, text in self._sse.feed(data)]
        events = self._sse.feed(data[:start]) if start else []
        events += self._sse.close()
        self._objects = _Objects(self._limit)
        return [text for _, text in events] + self._objects.feed(data[start:])

    def close(self) -> list[bytes]:
        """The text that the stream's end cut off; whole if only its blank line is missing.

        Raises:
            UpstreamProtocolError: a text is larger than the limit.
        """
        if self._objects is not None:
            return self._objects.close()
        return [text for _, text in self._sse.close()]

    def _bare(self, data: bytes) -> int | None:
        """Where JSON begins that is no event's."""
        if self._line_starts and data.startswith(_BARE_STARTS):
            return 0
        # Looking for two bytes is ten times as quick as looking for a pattern.
        places = [data.find(start) for start in _BARE if start in data]
        return min(places) + 1 if places else None


class _Objects:
    """Cuts the outermost objects out of JSON, whatever stands between them."""

    __slots__ = ("_broken", "_depth", "_limit", "_parts", "_quoted", "_size", "_skip")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []  # of the object that has begun
        self._size = 0
        self._depth = 0
        self._quoted = False
        self._skip = 0  # 1 after a backslash: whatever comes next is no mark
        self._broken = False

    def feed(self, data: bytes) -> list[bytes]:
        self._check()
        found: list[bytes] = []
        start, place = 0, self._skip
        while mark := (_QUOTED if self._quoted else _OUTSIDE).search(data, place):
            place = mark.end()
            match mark[0]:
                case b"\\":
                    place += 1
                case b'"':
                    self._quoted = not self._quoted
                case b"{":
                    start = start if self._depth else mark.start()
                    self._depth += 1
                case _ if self._depth > 1:
                    self._depth -= 1
                case _ if self._depth:
                    self._depth = 0
                    self._keep(data[start:place])
                    if self._broken:
                        return found
                    found.append(self._take())
                case _:
                    pass
        self._skip = max(0, place - len(data))
        if self._depth:
            self._keep(data[start:])
        return found

    def close(self) -> list[bytes]:
        self._check()
        return [self._take()] if self._depth else []

    def _keep(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        self._broken = self._size > self._limit

    def _take(self) -> bytes:
        whole = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return whole

    def _check(self) -> None:
        if self._broken:
            self._parts.clear()
            raise UpstreamProtocolError(
                f"an element of the upstream's stream is larger than {self._limit} bytes"
            )
