"""Every error this package raises, and the OpenAI envelope each becomes.

    ThinkingError                 status, type, param, code; message is safe to show to the caller
    ├── ConfigurationError        the owner's mistake, raised at construction
    ├── InvalidRequest            400; `param` is the JSON path, as in messages[2].content[0].type
    ├── PayloadTooLarge           413
    ├── AuthenticationRequired    401
    ├── PermissionDenied          403
    ├── ModelNotFound             404
    ├── Overloaded                503; `max_concurrency` requests are under way
    └── ProviderError             the upstream's fault; knows provider and retry_after (seconds)
        ├── UpstreamStatusError   the upstream answered with an error, as status or in its stream
        ├── UpstreamTimeout       504; code says which of the four clocks ran out
        ├── UpstreamUnreachable   502; no connection, or it broke
        └── UpstreamProtocolError 502; what came is not the wire format, or ended too early

No message ever holds a key, a URL's query, or a body.
"""

# ruff: noqa: N818 (each name says what is the matter, as HTTP's reason phrases do)

from __future__ import annotations

from typing import Final

import orjson

__all__ = [
    "AuthenticationRequired",
    "ConfigurationError",
    "InvalidRequest",
    "ModelNotFound",
    "Overloaded",
    "PayloadTooLarge",
    "PermissionDenied",
    "ProviderError",
    "ThinkingError",
    "UpstreamProtocolError",
    "UpstreamStatusError",
    "UpstreamTimeout",
    "UpstreamUnreachable",
]

# Source: https://platform.openai.com/docs/guides/error-codes and the types of openai 3.54,
# read 2026-11-22. Statuses not listed are "server_error".
_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


class ThinkingError(Exception):
    """An error with all that OpenAI's envelope needs.

    `retry_after` is in seconds, None where nobody knows when another request may succeed.

    Shape of `envelope()`: `{"error": {"message": str, "type": str, "param": str | null,
    "code": str | null}}`.
    """

    status: int = 500

    def __init__(  # noqa: PLR0913 (all by keyword, each a field of its own)
        self,
        message: str,
        *,
        status: int | None = None,
        type: str | None = None,  # noqa: A002 (OpenAI's word)
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status or self.status
        self.type = type or _TYPES.get(self.status, "server_error")
        self.param = param
        self.code = code
        self.retry_after = retry_after

    def envelope(self) -> bytes:
        """The error as OpenAI's JSON body."""
        fields = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        return orjson.dumps({"error": fields})


class ConfigurationError(ThinkingError, ValueError):
    """The middleware, a provider or a dialect was configured in a way that cannot work."""


class InvalidRequest(ThinkingError):
    """The caller's body or headers are wrong; `param` names the place."""

    status = 400


class PayloadTooLarge(ThinkingError):
    """The caller's body is larger than `max_body_size` bytes."""

    status = 413


class AuthenticationRequired(ThinkingError):
    """`authorize` does not know the caller."""

    status = 401


class PermissionDenied(ThinkingError):
    """`authorize` refused the caller."""

    status = 403


class ModelNotFound(ThinkingError):
    """No configured provider serves the model, or the provider named does not exist."""

    status = 404


class Overloaded(ThinkingError):
    """As many requests are under way as the server lets in at once."""

    status = 503


class ProviderError(ThinkingError):
    """The upstream failed. `retry_after` is in seconds where the upstream gave one.

    `retryable` is the upstream's own word (`x-should-retry`), or None where it gave none.
    """

    status = 502

    def __init__(  # noqa: PLR0913 (all by keyword, each a field of its own)
        self,
        message: str,
        *,
        provider: str = "",
        status: int | None = None,
        type: str | None = None,  # noqa: A002 (OpenAI's word)
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(
            message, status=status, type=type, param=param, code=code, retry_after=retry_after
        )
        self.provider = provider
        self.retryable = retryable


class UpstreamStatusError(ProviderError):
    """The upstream answered with an error of its own; `status` is what the caller gets."""


class UpstreamTimeout(ProviderError):
    """One of the four clocks ran out: `code` is timeout_connect, _first_event, _idle or _total."""

    status = 504


class UpstreamUnreachable(ProviderError):
    """No connection to the upstream could be made, or it broke before the reply was whole."""


class UpstreamProtocolError(ProviderError):
    """The upstream's bytes are not its wire format, or ended before the format's own end."""
