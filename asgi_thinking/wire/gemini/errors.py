"""Error bodies of Google's APIs.

Source: https://cloud.google.com/apis/design/errors, read 2026-11-22.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import orjson

from asgi_thinking.exceptions import UpstreamStatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["decode_error", "event_error"]

# Claude's own status for overload, which proxies have taken up and clients do not know.
_SHOWN: Final[Mapping[int, int]] = {529: 503}


def decode_error(status: int, body: bytes, provider: str) -> UpstreamStatusError:
    """The error that a reply of status `status` means; never fails, whatever the body is.

    Shape: `{"error": {"code", "message", "status", "details": [{"@type", "retryDelay"}]}}`, alone
    or in an array. Google's status becomes `code`, its `retryDelay` the seconds to wait. Any other
    body, a proxy's HTML for one, is not shown.
    """
    return _error(_told(body), status, provider)


def event_error(fields: Any, provider: str) -> UpstreamStatusError:
    """The error of a stream's `error` object, whose `code` is the HTTP status it would have had."""
    told = _object(fields)
    code = told.get("code")
    return _error(told, code if isinstance(code, int) else 502, provider)


def _error(told: Mapping[str, Any], status: int, provider: str) -> UpstreamStatusError:
    message = _message(told)
    return UpstreamStatusError(
        message or f"{provider}: the upstream answered with status {status}",
        provider=provider,
        status=_SHOWN.get(status, status) if 400 <= status < 600 else 502,
        code=_text(told, "status"),
        retry_after=_delay(told.get("details")),
    )


def _told(body: bytes) -> Mapping[str, Any]:
    root: Any = None
    with suppress(orjson.JSONDecodeError):
        root = orjson.loads(body)
    fields = _object(root[0] if root.__class__ is list and root else root)
    return _object(fields.get("error")) or fields


def _message(told: Mapping[str, Any]) -> str | None:
    """The message, without the JSON that a service behind the API wraps its own one in."""
    message = _text(told, "message")
    if message is not None and message.lstrip()[:1] in ("{", "["):
        return _text(_told(message.encode(errors="replace")), "message") or message
    return message


def _delay(details: Any) -> float | None:
    """Seconds to wait, from a `RetryInfo` such as `{"retryDelay": "17.5s"}`."""
    found: list[Any] = details if details.__class__ is list else []
    for detail in found:
        text = _text(_object(detail), "retryDelay")
        if text is not None:
            with suppress(ValueError):
                return max(0.0, float(text.removesuffix("s")))
    return None


def _text(fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    return value if isinstance(value, str) and value else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if value.__class__ is dict else {}
