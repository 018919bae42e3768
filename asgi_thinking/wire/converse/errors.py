"""Bedrock's errors: as a reply's status and body, and as a frame of a stream.

Sources, read 2026-11-22: the errors of
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html,
https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import orjson

from asgi_thinking.exceptions import UpstreamStatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asgi_thinking.eventstream import Headers

__all__ = ["decode_error", "frame_error"]

# What an exception that comes inside a stream would have had as its HTTP status.
_STATUS: Final[Mapping[str, int]] = {
    "ValidationException": 400,
    "ServiceQuotaExceededException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ConflictException": 409,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ModelNotReadyException": 429,
    "ThrottlingException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}

# Claude's own status for overload, which proxies pass on and clients do not know.
_SHOWN: Final[Mapping[int, int]] = {529: 503}


def decode_error(
    status: int, body: bytes, provider: str, error_type: str = ""
) -> UpstreamStatusError:
    """The error that a reply of status `status` means; never fails, whatever the body is.

    Shape: `{"message"}`; gateways before the service write `{"Message"}`. `error_type` is the
    header `x-amzn-errortype`, as in "ThrottlingException:http://…"; its name becomes `code`. Any
    other body, a proxy's HTML for one, is not shown.
    """
    fields = _object(body)
    return _error(fields, _name(error_type or _text(fields, "__type")), status, provider)


def frame_error(headers: Headers, payload: bytes, provider: str) -> UpstreamStatusError:
    """The error of a frame whose `:message-type` is "exception" or "error"."""
    if headers[":message-type"] == "error":
        told = {"message": headers.get(":error-message")}
        name = _name(_text(headers, ":error-code"))
        return _error(told, name, _STATUS.get(name, 502), provider)
    name = _name(_text(headers, ":exception-type"))
    return _error(_object(payload), name, _STATUS.get(name, 502), provider)


def _error(fields: Mapping[str, Any], name: str, status: int, provider: str) -> UpstreamStatusError:
    message = _text(fields, "message") or _text(fields, "Message")
    message = message or _text(fields, "originalMessage")
    return UpstreamStatusError(
        message or f"{provider}: the upstream answered with {name or f'status {status}'}",
        provider=provider,
        status=_SHOWN.get(status, status) if 400 <= status < 600 else 502,
        code=name or None,
    )


def _name(text: str) -> str:
    """An exception's name in the service's spelling; a stream begins it in lower case."""
    name = text.partition(":")[0].rpartition("#")[2]
    return name[:1].upper() + name[1:]


def _object(body: bytes) -> Mapping[str, Any]:
    value: Any = None
    with suppress(orjson.JSONDecodeError):
        value = orjson.loads(body)
    return value if value.__class__ is dict else {}


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""
