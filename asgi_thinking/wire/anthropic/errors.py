"""Error bodies of the Messages API, and those of the clouds that serve it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import orjson

from asgi_thinking.exceptions import UpstreamStatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["decode_error", "event_error"]

# What an error that comes inside a stream would have had as its HTTP status.
# Source: https://platform.claude.com/docs/en/api/errors, read 2026-11-22.
_STATUS: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

# Anthropic's own status for "overloaded", which OpenAI's clients do not know.
_OVERLOADED: Final = 529


def decode_error(status: int, body: bytes, provider: str) -> UpstreamStatusError:
    """The error that a reply of status `status` means; never fails, whatever the body is.

    Shapes: Anthropic's `{"type": "error", "error": {"type", "message"}}`; Google's
    `{"error": {"code", "message", "status"}}`, alone or in an array; AWS's `{"message"}`.
    Anthropic's type becomes `type` and `code`, Google's status only `code`. Any other body, a
    proxy's HTML for one, is not shown.
    """
    root: Any = None
    with suppress(orjson.JSONDecodeError):
        root = orjson.loads(body)
    fields = _object(root[0] if root.__class__ is list and root else root)
    return _error(_object(fields.get("error")) or fields, status, provider)


def event_error(fields: Mapping[str, Any], provider: str) -> UpstreamStatusError:
    """The error of an `error` event, from its `{"type", "message"}`."""
    return _error(fields, _STATUS.get(_text(fields, "type") or "", 502), provider)


def _error(fields: Mapping[str, Any], status: int, provider: str) -> UpstreamStatusError:
    vendor_type = _text(fields, "type")
    status = 503 if status == _OVERLOADED else status
    return UpstreamStatusError(
        _text(fields, "message") or f"{provider}: the upstream answered with status {status}",
        provider=provider,
        status=status if 400 <= status < 600 else 502,
        type=vendor_type,
        code=vendor_type or _text(fields, "status"),
    )


def _text(fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    return value if isinstance(value, str) and value else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if value.__class__ is dict else {}
