"""Promises of the reader of Google's error bodies."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking.wire.gemini import decode_error

TOLD = {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED"}


def read(status: int, body: Any) -> dict[str, Any]:
    """What the error of this body says."""
    return vars(decode_error(status, orjson.dumps(body), "vertex"))


@pytest.mark.parametrize("body", [{"error": TOLD}, [{"error": TOLD}], TOLD])
def test_googles_shapes(body: Any) -> None:
    """Alone, in an array, or without its wrapper."""
    expected = {
        "message": "Resource exhausted",
        "status": 429,
        "type": "rate_limit_error",
        "param": None,
        "code": "RESOURCE_EXHAUSTED",
        "provider": "vertex",
        "retry_after": None,
        "retryable": None,
    }
    assert expected == read(429, body)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}], 17.0),
        ([1, {"reason": "x"}, {"retryDelay": "soon"}, {"retryDelay": "0.25s"}], 0.25),
        ([{"retryDelay": "-3s"}], 0.0),
        ([{"retryDelay": 3}], None),
        ({"retryDelay": "3s"}, None),
        (None, None),
    ],
)
def test_the_vendor_says_how_long_to_wait(details: Any, expected: float | None) -> None:
    """In a detail of the error, not in a header."""
    assert expected == read(429, {"error": {**TOLD, "details": details}})["retry_after"]


def test_an_error_within_the_message_is_taken_out() -> None:
    """A service behind the API hands its own error's JSON on as text."""
    inner = orjson.dumps({"error": {"message": "No.", "type": "invalid_request_error"}}).decode()
    assert "No." == read(400, {"error": {**TOLD, "message": inner}})["message"]
    assert "{not JSON" == read(400, {"error": {**TOLD, "message": "{not JSON"}})["message"]


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"1", b'{"error": 1}', b"\xff"])
def test_any_other_body_is_not_shown(body: bytes) -> None:
    """Only the status is told."""
    error = decode_error(503, body, "gemini")
    assert "gemini: the upstream answered with status 503" == error.message
    assert (503, None) == (error.status, error.code)


@pytest.mark.parametrize(
    ("status", "expected"), [(302, 502), (400, 400), (529, 503), (599, 599), (600, 502)]
)
def test_the_callers_status_is_an_error(status: int, expected: int) -> None:
    """A status that is none of an error becomes a bad gateway's."""
    assert expected == read(status, {"error": TOLD})["status"]
