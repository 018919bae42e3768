"""The error tree and the envelope each error becomes."""

from __future__ import annotations

import json

import pytest

from asgi_thinking import exceptions
from asgi_thinking.exceptions import (
    AuthenticationRequired,
    ConfigurationError,
    InvalidRequest,
    ModelNotFound,
    PayloadTooLarge,
    PermissionDenied,
    ProviderError,
    ThinkingError,
    UpstreamProtocolError,
    UpstreamStatusError,
    UpstreamTimeout,
    UpstreamUnreachable,
)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ThinkingError("m"), 500, "server_error"),
        (ConfigurationError("m"), 500, "server_error"),
        (InvalidRequest("m"), 400, "invalid_request_error"),
        (PayloadTooLarge("m"), 413, "invalid_request_error"),
        (AuthenticationRequired("m"), 401, "authentication_error"),
        (PermissionDenied("m"), 403, "permission_error"),
        (ModelNotFound("m"), 404, "not_found_error"),
        (ProviderError("m"), 502, "server_error"),
        (UpstreamStatusError("m", status=429), 429, "rate_limit_error"),
        (UpstreamStatusError("m", status=503, type="overloaded_error"), 503, "overloaded_error"),
        (UpstreamTimeout("m"), 504, "server_error"),
        (UpstreamUnreachable("m"), 502, "server_error"),
        (UpstreamProtocolError("m"), 502, "server_error"),
    ],
)
def test_each_error_has_its_status_and_type(error: ThinkingError, status: int, kind: str) -> None:
    """Status and type follow from the class unless the upstream gave its own."""
    assert (status, kind) == (error.status, error.type)


def test_the_envelope_is_openais() -> None:
    """An error becomes OpenAI's error object with all four keys, null where unknown."""
    error = InvalidRequest("n: must be at least 1", param="n", code="c")
    expected = {
        "error": {
            "message": "n: must be at least 1",
            "type": "invalid_request_error",
            "param": "n",
            "code": "c",
        }
    }
    assert expected == json.loads(error.envelope())
    assert {"message": "m", "type": "server_error", "param": None, "code": None} == json.loads(
        ThinkingError("m").envelope()
    )["error"]


def test_upstream_errors_know_when_to_come_again() -> None:
    """The provider, the wait in seconds and the upstream's own word on retries are kept."""
    error = UpstreamStatusError("m", provider="anthropic", retry_after=1.5, retryable=False)
    assert ("anthropic", 1.5, False) == (error.provider, error.retry_after, error.retryable)
    assert ("", None, None) == (
        (other := ProviderError("m")).provider,
        other.retry_after,
        other.retryable,
    )


def test_the_message_is_the_exceptions_text() -> None:
    """What the caller reads is what a traceback shows."""
    assert "m" == str(ThinkingError("m")) == ThinkingError("m").message


def test_a_configuration_error_is_a_value_error() -> None:
    """Owners may catch their own mistake with the standard library's word for it."""
    assert issubclass(ConfigurationError, ValueError)


def test_every_error_is_in_the_tree_and_public() -> None:
    """Whoever catches `ThinkingError` catches all, and the docstring draws each of them."""
    for name in exceptions.__all__:
        assert issubclass(getattr(exceptions, name), ThinkingError)
        assert name in (exceptions.__doc__ or "")
