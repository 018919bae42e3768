"""AWS event streams: an incremental decoder of the frames that Bedrock streams.

A frame is a pair of headers and payload, as in `({":event-type": "chunk", ":message-type":
"event"}, b'{"bytes": …}')`. On the wire, numbers big-endian:

    u32 total length | u32 length of the headers | u32 CRC32 of these eight bytes
    headers: u8 length of the name | name | u8 type | value, by type
    payload | u32 CRC32 of everything before it

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html (the same
frames) and https://smithy.io/2.0/aws/amazon-eventstream.html, read 2026-11-22.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, TypeAlias
from zlib import crc32

from asgi_thinking.exceptions import UpstreamProtocolError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_FRAME_SIZE", "EventStreamDecoder", "Frame", "HeaderValue", "Headers"]

HeaderValue: TypeAlias = "bool | int | str | bytes"
"""A timestamp is milliseconds since the epoch, a UUID its sixteen bytes."""

Headers: TypeAlias = "Mapping[str, HeaderValue]"
"""Read-only: frames whose headers are equal share one mapping."""

Frame: TypeAlias = "tuple[Headers, bytes]"
"""Headers and payload."""

MAX_FRAME_SIZE: Final = 24 * 2**20 + 128 * 2**10 + 16
"""Bytes of the largest frame that the format allows: payload, headers and what is around them."""

_MAX_HEADERS: Final = 128 * 2**10
_PRELUDE: Final = Struct(">III")
_CRC: Final = Struct(">I")
_AROUND: Final = 16  # bytes of the prelude and of the last checksum
_BODY: Final = 12  # where the headers begin

# A stream's headers are a handful that repeat; one that is made to vary must not fill the memory.
_MOST_KNOWN: Final = 64

# The types of values, with the bytes that a value takes where its type says it.
_BOOLEANS: Final = {0: True, 1: False}
_INTEGERS: Final = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8}  # byte, short, integer, long, timestamp
_BYTES: Final = 6
_STRING: Final = 7
_UUID: Final = 9
_SIZES: Final = {**_INTEGERS, _UUID: 16}


class EventStreamDecoder:
    """Turns the bytes of one stream, cut anywhere, into frames, checking every checksum.

    Time is linear in the bytes fed: a frame that comes in many reads is joined once, when it is
    whole. A frame that is malformed or larger than `max_frame_size` bytes raises
    `UpstreamProtocolError`, after the frames before it were returned, and from then on.
    """

    __slots__ = ("_error", "_known", "_limit", "_need", "_place", "_rest")

    def __init__(self, max_frame_size: int = MAX_FRAME_SIZE) -> None:
        self._limit = max_frame_size
        self._rest = bytearray()  # what came of a frame that is not whole
        self._need = _BODY  # bytes that have to be there before the rest is looked at again
        self._place = 0  # of the next frame in the stream, in bytes
        self._known: dict[bytes, Headers] = {}
        self._error = ""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes.

        Raises:
            UpstreamProtocolError: a frame is malformed, or larger than the limit.
        """
        if self._error:
            self._raise()
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        frames: list[Frame] = []
        try:
            self._rest += self._read(data, frames)
        except ValueError as error:
            self._error = f"{error} (frame at byte {self._place} of the event stream)"
        if self._error and not frames:
            self._raise()
        return frames

    def close(self) -> None:
        """The stream is over.

        Raises:
            UpstreamProtocolError: it ends within a frame, or a frame was malformed.
        """
        if not self._error and self._rest:
            self._error = f"the event stream ends within the frame at byte {self._place}"
        if self._error:
            self._raise()

    def _read(self, data: bytes, frames: list[Frame]) -> bytes:
        """Add the whole frames of `data`; what comes after them is the beginning of the next."""
        start, size = 0, len(data)
        view = memoryview(data)
        self._need = _BODY
        while size - start >= _BODY:
            total, headers, checksum = _PRELUDE.unpack_from(data, start)
            if crc32(view[start : start + 8]) != checksum:
                raise ValueError("wrong checksum of a prelude")
            if headers > _MAX_HEADERS or total < headers + _AROUND or total > self._limit:
                raise ValueError(f"lengths out of bounds: {total} in all, {headers} of headers")
            end = start + total
            if end > size:
                self._need = total
                break
            # The checksum goes on where that of the prelude's first eight bytes ended.
            if crc32(view[start + 8 : end - 4], checksum) != _CRC.unpack_from(data, end - 4)[0]:
                raise ValueError("wrong checksum of a message")
            body = start + _BODY + headers
            frames.append((self._headers(data[start + _BODY : body]), data[body : end - 4]))
            self._place += total
            start = end
        return data[start:]

    def _headers(self, block: bytes) -> Headers:
        known = self._known.get(block)
        if known is None:
            try:
                known = _parse_headers(block)
            except (LookupError, UnicodeDecodeError):
                raise ValueError("malformed headers") from None
            if len(self._known) < _MOST_KNOWN:
                self._known[block] = known
        return known

    def _raise(self) -> None:
        raise UpstreamProtocolError(self._error)


def _parse_headers(block: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    place = 0
    while place < len(block):
        name_end = place + 1 + block[place]
        name = block[place + 1 : name_end].decode()
        if name in headers:
            raise ValueError("a header comes twice")
        headers[name], place = _parse_value(block, name_end)
    return headers


def _parse_value(block: bytes, place: int) -> tuple[HeaderValue, int]:
    """A header's value and where it ends; a LookupError where it is none."""
    kind = block[place]
    place += 1
    if kind in _BOOLEANS:
        return _BOOLEANS[kind], place
    if kind in (_BYTES, _STRING):
        length = block[place] << 8 | block[place + 1]
        place += 2
    else:
        length = _SIZES[kind]
    end = place + length
    value = block[place:end]
    if len(value) < length:
        raise IndexError(length)
    if kind == _STRING:
        return value.decode(), end
    if kind in _INTEGERS:
        return int.from_bytes(value, "big", signed=True), end
    return value, end
