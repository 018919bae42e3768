"""Promises of the Converse decoders about replies that fail."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking.events import (
    BlockStart,
    Event,
    StreamError,
    TextDelta,
    ThinkingDelta,
)
from asgi_thinking.exceptions import ThinkingError, UpstreamProtocolError, UpstreamStatusError
from asgi_thinking.wire.converse import ConverseDecoder, decode_error, decode_reply
from tests.wire.aws_frames import event, exception, frame
from tests.wire.converse_transcripts import (
    END,
    FULL,
    HEAD,
    METADATA,
    START,
    delta,
    start,
    stop,
    thought,
)


def decode(*reads: bytes, **options: Any) -> list[Event]:
    """All events of a stream."""
    decoder = ConverseDecoder(HEAD, **options)
    return [found for data in reads for found in decoder.feed(data)] + decoder.close()


def failure(events: list[Event]) -> ThinkingError:
    """The error that the events end in, which is the only one."""
    last = events[-1]
    assert isinstance(last, StreamError)
    assert not any(isinstance(found, StreamError) for found in events[:-1])
    return last.error


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttlingException", 429, "ThrottlingException"),
        ("validationException", 400, "ValidationException"),
        ("modelStreamErrorException", 424, "ModelStreamErrorException"),
        ("modelTimeoutException", 408, "ModelTimeoutException"),
        ("internalServerException", 500, "InternalServerException"),
        ("serviceUnavailableException", 503, "ServiceUnavailableException"),
        ("somethingNewException", 502, "SomethingNewException"),
    ],
)
def test_an_exception_in_the_stream_ends_it(kind: str, status: int, code: str) -> None:
    """What came before stays; then the vendor's own words, under the status it means."""
    events = decode(START, thought(0, text="a"), exception(kind, "Slow down."), END, METADATA)
    assert [HEAD, BlockStart(0, "thinking"), ThinkingDelta(0, "a")] == events[:-1]
    error = failure(events)
    assert isinstance(error, UpstreamStatusError)
    assert ("Slow down.", status, code) == (error.message, error.status, error.code)
    assert "bedrock" == error.provider


def test_an_exception_in_one_read_with_the_text_before_it() -> None:
    """Frames before the exception count, frames behind it do not."""
    events = decode(START + delta(0, text="a") + exception("throttlingException", "x") + END)
    assert [HEAD, BlockStart(0, "text"), TextDelta(0, "a")] == events[:-1]
    assert "x" == failure(events).message


def test_frames_behind_the_end_do_not_count() -> None:
    """Once the reply is whole, nothing can spoil it."""
    late = exception("internalServerException", "x")
    assert decode(START + END + METADATA) == decode(START + END + METADATA + late, late)


def test_an_error_frame_has_its_words_in_its_headers() -> None:
    """The other way to fail that the framing knows."""
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "No."}
    error = failure(decode(START, frame(headers, b"")))
    assert ("No.", 502, "InternalFailure") == (error.message, error.status, error.code)
    error = failure(decode(START, frame({":message-type": "error"}, b"")))
    assert "bedrock: the upstream answered with status 502" == error.message


def test_an_exception_may_say_nothing() -> None:
    """Its name is left, or the model's own words."""
    headers = {":message-type": "exception", ":exception-type": "throttlingException"}
    error = failure(decode(frame(headers, b"<html>")))
    assert "bedrock: the upstream answered with ThrottlingException" == error.message
    error = failure(decode(frame(headers, b'{"originalMessage":"Full."}')))
    assert "Full." == error.message


@pytest.mark.parametrize("count", [0, 1, 4, 8, len(FULL) - 2])
def test_a_stream_that_ends_early_is_an_error(count: int) -> None:
    """Without messageStop a reply is never whole."""
    error = failure(decode(*FULL[:count]))
    assert isinstance(error, UpstreamProtocolError)
    assert "bedrock: the stream ended before messageStop" == error.message


def test_a_stream_that_ends_within_a_frame_is_an_error() -> None:
    """Even where only the token counts were cut off: the connection broke."""
    error = failure(decode(START, END, METADATA[:-1]))
    assert error.message.startswith("bedrock: the event stream ends within the frame")


def test_a_broken_frame_is_an_error() -> None:
    """A wrong checksum ends the reply, and what follows is not read."""
    broken = bytearray(delta(0, text="a"))
    broken[-20] ^= 1
    error = failure(decode(START, bytes(broken), END))
    assert isinstance(error, UpstreamProtocolError)
    assert error.message.startswith("bedrock: wrong checksum of a message")
    error = failure(decode(START, delta(0, text="a" * 500), max_frame_size=400))
    assert "lengths out of bounds" in error.message


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([START, START], id="two-starts"),
        pytest.param([delta(0, text="a")], id="text-before-start"),
        pytest.param([thought(0, redactedContent="QQ==")], id="redacted-before-start"),
        pytest.param([start(0, image={})], id="opaque-before-start"),
        pytest.param([END], id="stop-before-start"),
        pytest.param([START, END, END], id="two-ends"),
        pytest.param([START, END, delta(0, text="a")], id="text-after-end"),
        pytest.param([START, delta(0, text=1)], id="text-no-string"),
        pytest.param([START, thought(0, text=["a"])], id="thought-no-string"),
        pytest.param([START, thought(0, signature=1)], id="signature-no-string"),
        pytest.param([START, thought(0, redactedContent=1)], id="redacted-no-string"),
        pytest.param([START, delta(0, toolUse={"input": "a"})], id="input-of-no-call"),
        pytest.param(
            [START, delta(0, text="a"), delta(0, toolUse={"input": "a"})], id="input-of-a-text"
        ),
        pytest.param([START, start(0, toolUse={"name": "f"})], id="call-without-id"),
        pytest.param([START, start(0, toolUse={"toolUseId": "t"})], id="call-without-name"),
        pytest.param([START, event("contentBlockDelta", delta={"text": "a"})], id="no-index"),
        pytest.param([START, event("contentBlockDelta", contentBlockIndex=0)], id="no-delta"),
        pytest.param([START, delta(0, citation=[]), stop(0)], id="citation-no-object"),
        pytest.param([START, start(0, audio={}), delta(0, audio=1)], id="opaque-no-object"),
        pytest.param([START, start(0, audio={}), delta(0, image={})], id="opaque-of-another-kind"),
        pytest.param([START, event("messageStop")], id="no-reason"),
        pytest.param([START, event("messageStop", stopReason=1)], id="reason-no-string"),
        pytest.param([START, event("metadata", usage={"inputTokens": "1"})], id="count-no-integer"),
        pytest.param([START, event("metadata", usage=[1])], id="usage-no-object"),
        pytest.param([START, frame({":event-type": "messageStop"}, b"no JSON")], id="no-json"),
        pytest.param([START, frame({":event-type": "messageStop"}, b"[]")], id="no-object"),
        pytest.param([frame({":message-type": "exception"}, b"{}"), START], id="nameless"),
    ],
)
def test_what_is_not_of_this_wire_is_an_error(frames: list[bytes]) -> None:
    """A malformed event ends the reply with one error, in one read or in many."""
    for events in (decode(*frames, METADATA), decode(b"".join([*frames, METADATA]))):
        error = failure(events)
        assert 502 == error.status
        assert error.message.startswith("bedrock: ")


def test_a_malformed_event_is_named() -> None:
    """The error says which event it was, and shows nothing of it."""
    error = failure(decode(START, delta(0, secret="x", text=["secret"])))
    assert (
        "bedrock: malformed event 'contentBlockDelta', expected the Converse API" == error.message
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"}}',
        b'{"output":{"message":{"content":{"a":1}}},"stopReason":"end_turn"}',
        b'{"output":{"message":{"content":["text"]}},"stopReason":"end_turn"}',
        b'{"output":{"message":{"content":[{"text":1}]}},"stopReason":"end_turn"}',
        b'{"output":{"message":{"content":[]}}}',
        b'{"output":{"message":{"content":[]}},"stopReason":"end_turn","usage":{"inputTokens":""}}',
    ],
)
def test_a_body_that_is_no_reply_is_an_error(body: bytes) -> None:
    """A gateway's page, or another service's answer, is one error and nothing else."""
    events = decode_reply(body, HEAD)
    assert 1 == len(events)
    assert "bedrock: malformed reply, expected the Converse API" == failure(events).message


@pytest.mark.parametrize(
    ("status", "body", "error_type", "expected"),
    [
        (
            400,
            b'{"message":"The provided model identifier is invalid."}',
            "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/",
            (400, "The provided model identifier is invalid.", "ValidationException"),
        ),
        (429, b'{"message":"Too many requests"}', "", (429, "Too many requests", None)),
        (403, b'{"Message":"No."}', "AccessDeniedException", (403, "No.", "AccessDeniedException")),
        (
            404,
            b'{"__type":"com.amazon.coral.service#UnknownOperationException"}',
            "",
            (404, "bedrock: the upstream answered with UnknownOperationException", None),
        ),
        (503, b"<html>", "", (503, "bedrock: the upstream answered with status 503", None)),
        (529, b"", "", (503, "bedrock: the upstream answered with status 529", None)),
        (302, b"", "", (502, "bedrock: the upstream answered with status 302", None)),
        (500, b'["x"]', "", (500, "bedrock: the upstream answered with status 500", None)),
        (424, b'{"message":1,"originalMessage":"a"}', "", (424, "a", None)),
    ],
)
def test_an_error_status_is_the_vendors_error(
    status: int, body: bytes, error_type: str, expected: tuple[int, str, str | None]
) -> None:
    """Status, message and exception survive; a page that is no error of AWS's is not shown."""
    error = decode_error(status, body, "bedrock", error_type)
    code = expected[2] or ("UnknownOperationException" if status == 404 else None)
    assert (*expected[:2], code) == (error.status, error.message, error.code)
    assert "bedrock" == error.provider


def test_an_error_has_openais_type() -> None:
    """Clients tell errors apart by it."""
    envelope = orjson.loads(decode_error(429, b"{}", "bedrock", "ThrottlingException").envelope())
    assert "rate_limit_error" == envelope["error"]["type"]
    assert "ThrottlingException" == envelope["error"]["code"]
