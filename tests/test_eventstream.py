"""Promises of the decoder of AWS event streams."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.eventstream import EventStreamDecoder
from asgi_thinking.exceptions import UpstreamProtocolError
from tests.wire.aws_frames import frame, header, wrapped

Frames = list[tuple[Any, bytes]]

FIRST = frame({":event-type": "a", ":message-type": "event"}, b'{"text":"Gr\xc3\xbc\xc3\x9fe"}')
EMPTY = frame({}, b"")
LAST = frame({":event-type": "b"}, bytes(range(256)))
STREAM = FIRST + EMPTY + FIRST + LAST
FRAMES: Frames = [
    ({":event-type": "a", ":message-type": "event"}, b'{"text":"Gr\xc3\xbc\xc3\x9fe"}'),
    ({}, b""),
    ({":event-type": "a", ":message-type": "event"}, b'{"text":"Gr\xc3\xbc\xc3\x9fe"}'),
    ({":event-type": "b"}, bytes(range(256))),
]


def decode(*reads: bytes, limit: int = 2**20) -> Frames:
    """All frames of a stream."""
    decoder = EventStreamDecoder(limit)
    frames = [found for data in reads for found in decoder.feed(data)]
    decoder.close()
    return frames


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream as reads between the given places."""
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


def theirs(stream: bytes) -> Frames:
    """The frames as botocore reads them."""
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    return [(message.headers, message.payload) for message in buffer]


def test_frames_come_out_whatever_the_reads() -> None:
    """Whole, byte by byte and one frame a read, the frames are the same, and botocore's."""
    assert FRAMES == decode(STREAM)
    assert FRAMES == decode(*cut(STREAM, list(range(len(STREAM)))))
    assert FRAMES == decode(FIRST, EMPTY, b"", FIRST, LAST)
    assert FRAMES == theirs(STREAM)


@given(st.lists(st.integers(0, 10_000)))
def test_every_split_gives_the_same_frames(places: list[int]) -> None:
    """The frames do not depend on how the network cut the stream."""
    assert FRAMES == decode(*cut(STREAM, places))


def test_a_frame_leaves_with_the_read_that_completes_it() -> None:
    """Nothing that is complete waits for a later read."""
    decoder = EventStreamDecoder()
    assert [] == decoder.feed(FIRST[:-1])
    assert FRAMES[:2] == decoder.feed(FIRST[-1:] + EMPTY + LAST[:13])
    assert FRAMES[3:] == decoder.feed(LAST[13:])


VALUES = st.one_of(
    st.tuples(st.just(7), st.text(max_size=20).map(str.encode)),
    st.tuples(st.just(6), st.binary(max_size=20)),
    st.sampled_from([(0, b""), (1, b"")]),
    *(
        st.tuples(st.just(kind), st.binary(min_size=size, max_size=size))
        for kind, size in ((2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16))
    ),
)
HEADERS = st.dictionaries(st.text("abc:-", min_size=1, max_size=5), VALUES, max_size=4)


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=50)), max_size=5))
def test_all_types_of_headers_are_read_as_botocore_reads_them(
    given_frames: list[tuple[dict[str, tuple[int, bytes]], bytes]],
) -> None:
    """Booleans, integers, bytes, texts, timestamps and UUIDs have botocore's values."""
    stream = b"".join(
        wrapped(b"".join(header(n, v, kind) for n, (kind, v) in headers.items()), payload)
        for headers, payload in given_frames
    )
    assert theirs(stream) == decode(stream)


@given(st.integers(0, len(FIRST) - 1), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(place: int, change: int) -> None:
    """A byte that was changed on its way ends the stream with an error, wherever it is."""
    changed = bytearray(FIRST)
    changed[place] ^= change
    with pytest.raises(UpstreamProtocolError, match="checksum"):
        decode(bytes(changed))


def test_what_came_before_a_broken_frame_is_not_lost() -> None:
    """The frames before it come first; then the error stays, and says where it happened."""
    decoder = EventStreamDecoder()
    assert FRAMES[:1] == decoder.feed(FIRST + LAST[:-1] + b"\0")
    where = rf"wrong checksum of a message \(frame at byte {len(FIRST)} of"
    for _ in range(2):
        with pytest.raises(UpstreamProtocolError, match=where):
            decoder.feed(FIRST)
    with pytest.raises(UpstreamProtocolError, match=where):
        decoder.close()


def prelude(total: int, headers: int) -> bytes:
    """The beginning of a frame of these lengths."""
    whole = wrapped(b"", b"")
    lengths = struct.pack(">II", total, headers)
    checksum = struct.pack(">I", zlib.crc32(lengths))
    return lengths + checksum + whole[12:]


@pytest.mark.parametrize(
    ("total", "headers"), [(1001, 0), (15, 0), (0, 0), (100, 85), (200_000, 2**17 + 1)]
)
def test_lengths_out_of_bounds_are_refused_at_once(total: int, headers: int) -> None:
    """Nobody waits for a frame that is too large, or that cannot be."""
    with pytest.raises(UpstreamProtocolError, match=f"lengths out of bounds: {total} in all"):
        EventStreamDecoder(1000 if headers < 2**17 else 2**20).feed(prelude(total, headers))


def test_a_frame_of_the_limit_is_taken() -> None:
    """The limit is the largest size, not the first that is refused."""
    assert FRAMES[:1] == decode(FIRST, limit=len(FIRST))
    with pytest.raises(UpstreamProtocolError, match="out of bounds"):
        decode(FIRST, limit=len(FIRST) - 1)


@pytest.mark.parametrize("length", [1, 11, 12, 40])
def test_a_stream_that_ends_within_a_frame_is_an_error(length: int) -> None:
    """What was cut off is never taken for an end."""
    with pytest.raises(UpstreamProtocolError, match=f"ends within the frame at byte {len(LAST)}"):
        decode(LAST + FIRST[:length])


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (b"\x05ab", "malformed headers"),
        (b"\x01a", "malformed headers"),
        (b"\x01a\x0a", "malformed headers"),
        (b"\x01a\x07\x00", "malformed headers"),
        (b"\x01a\x07\x00\x05ab", "malformed headers"),
        (b"\x01a\x05\x00", "malformed headers"),
        (b"\x01\xff\x00", "malformed headers"),
        (b"\x01a\x07\x00\x01\xff", "malformed headers"),
        (b"\x01a\x00\x01a\x01", "a header comes twice"),
    ],
)
def test_headers_that_are_none_are_an_error(block: bytes, why: str) -> None:
    """A block of headers that ends too early, or is no UTF-8, ends the stream."""
    with pytest.raises(UpstreamProtocolError, match=why):
        decode(wrapped(block, b""))


def test_headers_that_vary_are_not_all_remembered() -> None:
    """Equal headers are read once, and a stream of many different ones keeps few of them."""
    different = [frame({"n": str(number)}, b"") for number in range(100)]
    decoder = EventStreamDecoder()
    frames = decoder.feed(b"".join(different) * 2)
    assert [{"n": str(number)} for number in range(100)] * 2 == [found[0] for found in frames]
    assert frames[0][0] is frames[100][0]
    assert frames[99][0] is not frames[199][0]
