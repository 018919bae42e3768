"""Promises of the Messages API's error reader."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.wire.anthropic import decode_error
from tests.strategies import WIRES, shared

ANTHROPIC = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
GOOGLE = {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}


def read(status: int, body: Any) -> tuple[str, int, str, str | None, str | None]:
    """What the error of a reply is."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    error = decode_error(status, data, "vertex")
    assert "vertex" == error.provider
    return error.message, error.status, error.type, error.param, error.code


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(
            529,
            ANTHROPIC,
            ("Overloaded", 503, "overloaded_error", None, "overloaded_error"),
            id="overloaded",
        ),
        pytest.param(
            400,
            {"error": {"type": "invalid_request_error", "message": "No."}},
            ("No.", 400, "invalid_request_error", None, "invalid_request_error"),
            id="invalid",
        ),
        pytest.param(
            429,
            GOOGLE,
            ("Quota exceeded", 429, "rate_limit_error", None, "RESOURCE_EXHAUSTED"),
            id="google",
        ),
        pytest.param(
            429,
            [GOOGLE],
            ("Quota exceeded", 429, "rate_limit_error", None, "RESOURCE_EXHAUSTED"),
            id="google-in-an-array",
        ),
        pytest.param(
            400, {"message": "Bad"}, ("Bad", 400, "invalid_request_error", None, None), id="aws"
        ),
    ],
)
def test_the_vendors_words_are_kept(
    status: int, body: Any, expected: tuple[str, int, str, str | None, str | None]
) -> None:
    """Message and type of every cloud that serves this API come through."""
    assert expected == read(status, body)


@pytest.mark.parametrize(
    "body", [b"", b"<html>secret</html>", b"\xff", b"[]", b'["secret"]', b'{"error":"secret"}']
)
def test_other_bodies_are_not_shown(body: bytes) -> None:
    """What is no error of this API gives its status, and nothing of itself."""
    expected = ("vertex: the upstream answered with status 404", 404, "not_found_error", None, None)
    assert expected == read(404, body)


def test_a_status_that_is_no_error_becomes_a_bad_gateway() -> None:
    """A redirect of the upstream is not the caller's to follow."""
    assert ("vertex: the upstream answered with status 302", 502) == read(302, b"")[:2]


@shared(WIRES)
@given(st.integers(100, 999), st.recursive(st.none() | st.text(), st.lists) | st.binary())
def test_no_body_makes_it_raise(status: int, body: Any) -> None:
    """Any body gives an error with a status that a client understands."""
    assert 400 <= read(status, body)[1] < 600
