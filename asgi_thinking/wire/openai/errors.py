"""Errors of OpenAI-compatible APIs, as bodies and within streams.

Shapes: OpenAI's `{"error": {"message", "type", "param", "code"}}`; the same with `"error": "text"`;
`{"object": "error", "message", "type", "param", "code"}` (Mistral, vLLM); `{"message"}`,
`{"detail"}` and `{"msg"}` of frameworks and proxies; Google's array around the first.

Source: https://platform.openai.com/docs/guides/error-codes,
https://openrouter.ai/docs/api-reference/errors and
https://console.groq.com/docs/errors, read 2026-11-22.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from asgi_thinking import _json
from asgi_thinking.exceptions import UpstreamStatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["decode_error", "told_error"]

# The status that an error within a stream would have had, by its `code` or `type`, where no number
# says it.
_STATUS: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "invalid_request": 400,
    "tool_use_failed": 400,
    "json_validate_failed": 400,
    "context_length_exceeded": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "insufficient_quota": 429,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
    "service_unavailable": 503,
    "overloaded_error": 529,
    "timeout_error": 504,
}

# Where a number says it: OpenRouter's `code`, Groq's `status_code`.
_NUMBERS: Final = ("status_code", "code", "status", "http_code")

_MESSAGES: Final = ("message", "detail", "msg")

# Anthropic's status for "overloaded", which OpenAI's clients do not know; gateways pass it on.
_OVERLOADED: Final = 529


def decode_error(status: int, body: bytes, provider: str) -> UpstreamStatusError:
    """The error that a reply of status `status` means; never fails, whatever the body is.

    A body that is no JSON, a proxy's HTML for one, is not shown.
    """
    root: Any = None
    with suppress(ValueError):
        root = _json.loads(body)
    return _error(_fields(root), status, provider)


def told_error(event: Mapping[str, Any], provider: str) -> UpstreamStatusError:
    """The error that an event of a stream, or a body under a good status, tells of."""
    fields = _fields(event)
    numbers = [fields.get(name) for name in _NUMBERS]
    status = next((n for n in numbers if isinstance(n, int) and 400 <= n < 600), None)
    words = [fields.get(name) for name in ("code", "type")]
    named = next(
        (_STATUS[word] for word in words if isinstance(word, str) and word in _STATUS), 502
    )
    return _error(fields, status or named, provider)


def _fields(root: Any) -> Mapping[str, Any]:
    """The innermost object that says what is the matter."""
    match root:
        case [first, *_]:
            return _fields(first)
        case {"error": str(message)} if message:
            return {**root, "message": message}
        case {"error": {} as error} | {"error": [error, *_]} if error:
            return _fields(error)
        case dict():
            return cast("dict[str, Any]", root)
        case _:
            return {}


def _error(fields: Mapping[str, Any], status: int, provider: str) -> UpstreamStatusError:
    message = next((text for name in _MESSAGES if (text := _text(fields, name))), None)
    number = 503 if status == _OVERLOADED else status
    code = fields.get("code")
    return UpstreamStatusError(
        message or f"{provider}: the upstream answered with status {status}",
        provider=provider,
        status=number if 400 <= number < 600 else 502,
        type=_text(fields, "type"),
        param=_text(fields, "param"),
        code=str(code) if isinstance(code, int) else _text(fields, "code"),
    )


def _text(fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    return value if isinstance(value, str) and value else None
