"""Server-sent events: an incremental decoder by the WHATWG rules, and an encoder.

An event is a pair `(name, data)` of bytes, as in `(b"message_stop", b'{"type":"message_stop"}')`;
the name is b"" where the stream gives none, which the standard reads as "message". Both are the
stream's own bytes: UTF-8 is left to the JSON parser behind, which refuses what is none.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, sections 9.2.5 and 9.2.6,
read 2026-11-22. `id` and `retry` serve reconnection, which nobody here does, and are ignored like
unknown fields.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from asgi_thinking.exceptions import UpstreamProtocolError

__all__ = ["MAX_EVENT_SIZE", "SSEDecoder", "ServerSentEvent", "encode"]

ServerSentEvent: TypeAlias = tuple[bytes, bytes]
"""Name and data."""

MAX_EVENT_SIZE: Final = 16 * 2**20
"""Bytes that one event may take by default, field names included."""

_BOM: Final = b"\xef\xbb\xbf"
_LINES: Final = 4  # an event of a name and data, cut at its line feeds: both, "" and ""
_LF: Final = 10
_CR: Final = 13


class SSEDecoder:
    """Turns the bytes of one stream, cut anywhere, into events.

    Time is linear in the bytes fed: an event that comes in many reads is joined once, when its end
    is seen. An event of more than `max_event_size` bytes raises `UpstreamProtocolError`, after the
    events before it were returned, and from then on.
    """

    __slots__ = ("_broken", "_carriage", "_head", "_limit", "_parts", "_size")

    def __init__(self, max_event_size: int = MAX_EVENT_SIZE) -> None:
        self._limit = max_event_size
        self._parts: list[bytes] = []  # what came since the last blank line
        self._size = 0
        self._head: bytes | None = b""  # until it is known whether the stream begins with a BOM
        self._carriage = False  # the last byte was a CR, to which a LF would belong
        self._broken = False

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that `data` completes.

        Raises:
            UpstreamProtocolError: an event is larger than the limit.
        """
        if self._broken:
            self._check()
        if self._head is not None:
            data = self._without_bom(data)
        if self._carriage or _CR in data:
            data = self._with_line_feeds(data)
        if self._parts:
            return self._continue(data) if data else []
        if len(data) <= self._limit and (single := _single_event(data)) is not None:
            return [single]
        return self._read(data)

    @property
    def is_between_events(self) -> bool:
        """Whether nothing of an event has come yet, nor of anything before it."""
        return not (self._parts or self._carriage or self._broken) and self._head is None

    def _continue(self, data: bytes) -> list[ServerSentEvent]:
        """The events of a read before which an event had begun."""
        parts = self._parts
        if not (b"\n\n" in data or (data[0] == _LF and parts[-1][-1] == _LF)):
            self._keep(data)
            self._check()
            return []
        parts.append(data)
        data = b"".join(parts)
        parts.clear()
        self._size = 0
        return self._read(data)

    def _read(self, data: bytes) -> list[ServerSentEvent]:
        blocks = data.split(b"\n\n")
        if tail := blocks.pop():
            self._keep(tail)
        if len(data) > self._limit:
            blocks = self._within_limit(blocks)
        events = _events(blocks)
        if not events:
            self._check()
        return events

    def close(self) -> list[ServerSentEvent]:
        """The event that the stream's end cut off before its blank line, if any.

        The standard discards it; whether it still counts is for the format behind to say, because
        servers do end streams without the last blank line.

        Raises:
            UpstreamProtocolError: an event is larger than the limit.
        """
        self._check()
        rest = (self._head or b"") + b"".join(self._parts).removesuffix(b"\n")
        self._parts.clear()
        return _events([rest])

    def _without_bom(self, data: bytes) -> bytes:
        data = (self._head or b"") + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._head = data
            return b""
        self._head = None
        return data.removeprefix(_BOM)

    def _with_line_feeds(self, data: bytes) -> bytes:
        """Write every end of line as a LF, so that one rule finds the ends of events."""
        if not data:
            return data
        if self._carriage:
            data = data.removeprefix(b"\n")
        self._carriage = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _keep(self, tail: bytes) -> None:
        self._parts.append(tail)
        self._size += len(tail)
        # One LF more is no excess: it may be the first half of the blank line.
        if self._size > self._limit and self._size > self._limit + tail.endswith(b"\n"):
            self._broken = True

    def _within_limit(self, blocks: list[bytes]) -> list[bytes]:
        for number, block in enumerate(blocks):
            if len(block) > self._limit:
                self._broken = True
                return blocks[:number]
        return blocks

    def _check(self) -> None:
        if self._broken:
            self._parts.clear()
            raise UpstreamProtocolError(
                f"an event of the upstream's stream is larger than {self._limit} bytes"
            )


def encode(data: bytes, event: bytes | None = None) -> bytes:
    r"""One event as bytes: `event: <event>`, a `data:` line for each line of `data`, a blank line.

    Source: the section on authoring of the same standard, read 2026-11-22.
    """
    head = b"" if event is None else b"event: " + event + b"\n"
    if b"\n" not in data and b"\r" not in data:
        return head + b"data: " + data + b"\n\n"
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return head + b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"


def _single_event(data: bytes) -> ServerSentEvent | None:
    """The event of a read that is one whole event, its name and its data, as most reads are."""
    lines = data.split(b"\n", 3)
    if len(lines) == _LINES:
        name, value, blank, rest = lines
        if not (blank or rest) and name[:7] == b"event: " and value[:6] == b"data: ":
            return name[7:], value[6:]
    return None


def _events(blocks: list[bytes]) -> list[ServerSentEvent]:
    """The events of whole blocks; the two forms that vendors send take the short way."""
    events: list[ServerSentEvent] = []
    last = name = b""
    for block in blocks:
        head, found, data = block.partition(b"data: ")
        if found and b"\n" not in data:
            if head != last and _is_short(head):
                last, name = head, head[7:-1]
            if head == last:
                events.append((name, data))
                continue
        events += _any_event(block)
    return events


def _is_short(head: bytes) -> bool:
    """Whether only the event's name, or nothing, stands before the data."""
    return not head or (head.startswith(b"event: ") and head.find(b"\n") == len(head) - 1)


def _any_event(block: bytes) -> list[ServerSentEvent]:
    """The event of a block by the whole of the rules; none where it has no data."""
    name, lines = b"", list[bytes]()
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")  # a comment is a line whose field is empty
        if field == b"data":
            lines.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return [(name, b"\n".join(lines))] if lines else []
