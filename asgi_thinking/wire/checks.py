"""What every decoder asks of a vendor's JSON."""

from __future__ import annotations

from typing import Any

import orjson

from asgi_thinking import _json

__all__ = ["checked_text", "loads"]


def loads(data: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _json.loads(data)  # which mends half surrogate pairs


def checked_text(value: Any) -> str:
    """The value, if it is a string.

    Raises:
        TypeError: it is none.
    """
    if value.__class__ is not str:
        raise TypeError("expected a string")
    return value
