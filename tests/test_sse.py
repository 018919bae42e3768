"""Promises of the SSE decoder and encoder."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.exceptions import UpstreamProtocolError
from asgi_thinking.sse import SSEDecoder, encode

Events = list[tuple[bytes, bytes]]


def decode(*reads: bytes, limit: int = 2**20) -> Events:
    """All events of a stream, the one that its end cut off included."""
    decoder = SSEDecoder(limit)
    events = [event for data in reads for event in decoder.feed(data)]
    return events + decoder.close()


def one_by_one(stream: bytes) -> list[bytes]:
    """The stream as reads of one byte."""
    return [stream[i : i + 1] for i in range(len(stream))]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream as reads between the given places."""
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


def reference(stream: bytes) -> Events:
    """A plain decoder of a whole stream: line after line, as the standard tells it."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events: Events = []
    name, buffer, seen = b"", b"", False
    for line in [*text.split(b"\n"), b""]:
        if line == b"":
            events += [(name, buffer[:-1])] if seen else []
            name, buffer, seen = b"", b"", False
            continue
        field, colon, value = line.partition(b":")
        value = value[1:] if colon and value[:1] == b" " else value
        if field == b"data":
            buffer, seen = buffer + value + b"\n", True
        if field == b"event":
            name = value
    return events


LINES = st.sampled_from(
    [
        b"event: message_stop",
        b"event:error",
        b"event",
        b'data: {"a":1}',
        b"data:x",
        b"data:  two",
        b"data",
        b"data: ",
        b"data: data: data: ",
        "data: grüße 👍".encode(),
        b"xdata: no",
        b"event: data: ",
        b": comment",
        b":",
        b"id: 1",
        b"retry: 3",
        b"unknown",
        b"",
        b"",
        b"\xff\x00",
    ]
)
ENDS = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"])
STREAMS = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"]),
    st.lists(st.tuples(LINES, ENDS).map(b"".join)).map(b"".join),
    LINES,
).map(b"".join)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"data: 1\n\ndata: 2\n\n", [(b"", b"1"), (b"", b"2")], id="data-alone"),
        pytest.param(b"event: a\ndata: 1\n\n", [(b"a", b"1")], id="named"),
        pytest.param(
            b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", [(b"a", b"1"), (b"b", b"2")], id="names"
        ),
        pytest.param(b"data: 1\nevent: a\n\n", [(b"a", b"1")], id="name-after-data"),
        pytest.param(b"event: a\n\ndata: 1\n\n", [(b"", b"1")], id="no-data-resets-the-name"),
        pytest.param(b"event: a\nevent: b\ndata: 1\n\n", [(b"b", b"1")], id="last-name-counts"),
        pytest.param(b"data:1\n\ndata:  1\n\n", [(b"", b"1"), (b"", b" 1")], id="one-space"),
        pytest.param(b"data: a\ndata\ndata: b\n\n", [(b"", b"a\n\nb")], id="lines-are-joined"),
        pytest.param(b"data\n\n", [(b"", b"")], id="empty-data-is-data"),
        pytest.param(b": hi\n\n:\ndata: 1\n: x\n\n", [(b"", b"1")], id="comments"),
        pytest.param(b"id: 1\nretry: 9\nfoo: x\ndata: 1\n\n", [(b"", b"1")], id="unknown-fields"),
        pytest.param(b"data: 1\r\n\r\ndata: 2\r\n\r\n", [(b"", b"1"), (b"", b"2")], id="crlf"),
        pytest.param(b"data: 1\r\rdata: 2\r\r", [(b"", b"1"), (b"", b"2")], id="cr"),
        pytest.param(b"data: 1\n\r\n\rdata: 2\r\n\n", [(b"", b"1"), (b"", b"2")], id="mixed"),
        pytest.param(b"\n\n\n\ndata: 1\n\n\n\n\n", [(b"", b"1")], id="blank-lines"),
        pytest.param(b"\xef\xbb\xbfdata: 1\n\n", [(b"", b"1")], id="bom"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\n", [], id="only-one-bom"),
        pytest.param(b"data: 1\n\ndata: 2\n", [(b"", b"1"), (b"", b"2")], id="cut-off-end"),
        pytest.param(b"\xef\xbb", [], id="half-a-bom"),
    ],
)
def test_follows_the_standard(stream: bytes, expected: Events) -> None:
    """A stream means what the standard says, whole and byte by byte."""
    assert expected == decode(stream)
    assert expected == decode(*one_by_one(stream))


@given(STREAMS, st.lists(st.integers(0, 10**4)))
def test_agrees_with_a_plain_decoder_at_every_split(stream: bytes, places: list[int]) -> None:
    """Any stream, cut anywhere, gives the events that reading it line after line gives."""
    expected = reference(stream)
    assert expected == decode(stream)
    assert expected == decode(*one_by_one(stream))
    assert expected == decode(*cut(stream, places))


def test_an_event_is_returned_by_the_read_that_ends_it() -> None:
    """No event waits for the read after its blank line, even where a LF may still follow a CR."""
    decoder = SSEDecoder()
    assert [] == decoder.feed(b"data: 1\r\n")
    assert [(b"", b"1")] == decoder.feed(b"\r")
    assert [] == decoder.feed(b"")
    assert [] == decoder.feed(b"\n")
    assert [(b"", b"2")] == decoder.feed(b"data: 2\n\nda")
    assert [(b"", b"3")] == decoder.feed(b"ta: 3\n\n")
    assert [] == decoder.close()


def outcome(limit: int, *reads: bytes) -> tuple[Events, bool]:
    """The events that came before the limit was hit, and whether it was."""
    decoder = SSEDecoder(limit)
    events: Events = []
    try:
        for data in reads:
            events += decoder.feed(data)
        return events + decoder.close(), False
    except UpstreamProtocolError:
        with pytest.raises(UpstreamProtocolError, match=f"larger than {limit} bytes"):
            decoder.feed(b"data: 1\n\n")
        return events, True


def test_an_event_of_exactly_the_limit_passes() -> None:
    """The limit counts the bytes of one event, without the blank line."""
    assert ([(b"", b"123")], False) == outcome(9, b"data: 123\n\n")
    assert ([(b"", b"123")], False) == outcome(9, b"data: 123\n")
    assert ([(b"", b"123")], False) == outcome(9, *one_by_one(b"data: 123\n\n"))
    assert ([], True) == outcome(8, b"data: 123\n\n")
    assert ([], True) == outcome(8, b"data: 123")
    assert ([], True) == outcome(8, *one_by_one(b"data: 123"))


def test_events_before_one_that_is_too_large_are_not_lost() -> None:
    """What came before the event that breaks the limit is returned first."""
    assert ([(b"", b"1")], True) == outcome(8, b"data: 1\n\ndata: 123\n\ndata: 2\n\n")
    assert ([(b"", b"1")], True) == outcome(8, b"data: 1\n\ndata: 123")


@given(STREAMS, st.integers(3, 60), st.lists(st.integers(0, 10**4)))
def test_the_limit_is_the_same_at_every_split(stream: bytes, limit: int, places: list[int]) -> None:
    """Whether an event is too large does not depend on how the stream was cut."""
    expected = outcome(limit, stream)
    assert expected == outcome(limit, *one_by_one(stream))
    assert expected == outcome(limit, *cut(stream, places))


class Metered(bytes):
    """A read that counts the bytes which are looked at or copied through it."""

    work = 0

    def __contains__(self, item: object) -> bool:
        Metered.work += len(self)
        return super().__contains__(item)  # type: ignore[operator]  # bytes accept bytes

    def __radd__(self, other: bytes) -> Metered:
        Metered.work += len(other) + len(self)
        return Metered(other + bytes(self))

    def split(self, *args: object) -> list[bytes]:  # type: ignore[override]  # one use
        Metered.work += len(self)
        return super().split(*args)  # type: ignore[arg-type]  # one use


class Naive:
    """The decoder that everyone writes first: it looks at all that it holds, at every read."""

    def __init__(self) -> None:
        self.buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The blocks that `data` completes."""
        self.buffer += data
        *blocks, self.buffer = self.buffer.split(b"\n\n")
        return blocks


def work(decoder: SSEDecoder | Naive, size: int) -> int:
    """Bytes looked at or copied for one event of `size` bytes in reads of a TCP segment."""
    stream = b"data: " + b"x" * size + b"\n\n"
    Metered.work = 0
    reads = [Metered(stream[i : i + 1460]) for i in range(0, len(stream), 1460)]
    assert 1 == sum(len(decoder.feed(data)) for data in reads)
    return Metered.work


def test_one_giant_event_costs_linear_work() -> None:
    """An event four times as large costs four times the work, where the naive way costs sixteen."""
    small, large = (work(SSEDecoder(), size) for size in (2**16, 2**18))
    assert large <= 5 * small
    small, large = (work(Naive(), size) for size in (2**16, 2**18))
    assert large >= 10 * small


def test_a_giant_event_arrives_whole() -> None:
    """4 MB in reads of a TCP segment come out as they went in."""
    data = b"0123456789abcdef" * 2**18
    stream = b"event: a\ndata: " + data + b"\n\n"
    reads = [stream[i : i + 1460] for i in range(0, len(stream), 1460)]
    assert [(b"a", data)] == decode(*reads, limit=2**23)


@given(st.binary(), st.sampled_from([None, b"error"]))
def test_what_is_encoded_is_decoded(data: bytes, name: bytes | None) -> None:
    """Encoded data comes back, its ends of lines as LF."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert [(name or b"", lines)] == decode(encode(data, name))


def test_encodes_the_short_form() -> None:
    """The bytes are the form that vendors send."""
    assert b"event: error\ndata: {}\n\n" == encode(b"{}", b"error")
    assert b"data: [DONE]\n\n" == encode(b"[DONE]")
    assert b"data: a\ndata: b\n\n" == encode(b"a\nb")
