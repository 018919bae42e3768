"""What every decoder asks of a vendor's JSON, and encoders of the names of tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from asgi_thinking import _json
from asgi_thinking._fields import shown
from asgi_thinking.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asgi_thinking.requests import Tool

__all__ = ["check_names", "checked_text", "loads"]


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


def check_names(tools: Sequence[Tool], fits: Callable[[str], object], rule: str) -> None:
    """Refuse names of tools that an API does not take, as `rule` says, and those of two tools.

    Raises:
        InvalidRequest: `param` is such as `tools[1].function.name`.
    """
    seen: set[str] = set()
    for number, tool in enumerate(tools):
        why = "" if fits(tool.name) else f"must be {rule}"
        if tool.name in seen:
            why = "must not be the name of two tools"
        if why:
            place = f"tools[{number}].function.name"
            raise InvalidRequest(f"{place}: {shown(tool.name)} {why}", param=place)
        seen.add(tool.name)
