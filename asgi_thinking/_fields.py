"""Readers of typed JSON fields, which know where in the body they are.

A reader takes a JSON value and gives what it means, or raises `InvalidRequest` whose `param` is the
path from that value to the wrong one ("" is the value itself); whoever holds the value puts its own
place in front, so that no path is built for a body without mistakes. `null` equals an absent field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar

from asgi_thinking.exceptions import InvalidRequest

__all__ = [
    "OneOf",
    "Reader",
    "array",
    "boolean",
    "cache_control",
    "each",
    "given",
    "integer",
    "invalid",
    "mapping",
    "name",
    "number",
    "required",
    "shown",
    "string",
    "under",
    "wrong",
]

T = TypeVar("T")
Reader: TypeAlias = Callable[[Any], T]
JSONObject: TypeAlias = Mapping[str, Any]

_KINDS: Final[Mapping[type, str]] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def invalid(message: str, at: str = "") -> InvalidRequest:
    """The error for the value at path `at`."""
    return InvalidRequest(message, param=at)


def under(place: str, error: InvalidRequest) -> InvalidRequest:
    """The same error, seen from the value that holds the wrong one at `place`."""
    inner = error.param or ""
    dot = "." if inner and not inner.startswith("[") else ""
    return InvalidRequest(error.message, param=f"{place}{dot}{inner}", code=error.code)


def shown(value: str) -> str:
    """A word of the caller's for an error message: quoted, and cut where it is no word any more."""
    return repr(value if len(value) <= 40 else value[:40] + "…")


def wrong(expected: str, value: Any) -> InvalidRequest:
    """The error for a value of another type; it names the type and never the value."""
    return invalid(f"expected {expected}, got {_kind(value)}")


def _kind(value: object) -> str:
    """JSON's word for the type; a parsed body may come from Python and hold other types."""
    return _KINDS.get(type(value), type(value).__name__)


def given(source: JSONObject, field: str, read: Reader[T]) -> T | None:
    """What `field` says, or None where it is absent or null."""
    value = source.get(field)
    if value is None:
        return None
    try:
        return read(value)
    except InvalidRequest as error:
        raise under(field, error) from None


def required(source: JSONObject, field: str, read: Reader[T]) -> T:
    """What `field` says; it must be there."""
    value = source.get(field)
    if value is None:
        raise invalid("required", field)
    try:
        return read(value)
    except InvalidRequest as error:
        raise under(field, error) from None


def string(value: Any) -> str:
    """Any string."""
    if not isinstance(value, str):
        raise wrong("a string", value)
    return value


def name(value: Any) -> str:
    """A string that is not empty."""
    if not isinstance(value, str):
        raise wrong("a string", value)
    if not value:
        raise invalid("must not be empty")
    return value


def boolean(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong("a boolean", value)
    return value


def mapping(value: Any) -> JSONObject:
    """An object."""
    if not isinstance(value, dict):
        raise wrong("an object", value)
    return value  # pyright: ignore[reportUnknownVariableType] (JSON: keys are strings)


def array(value: Any) -> list[Any]:
    """An array."""
    if not isinstance(value, list):
        raise wrong("an array", value)
    return value  # pyright: ignore[reportUnknownVariableType] (JSON)


def integer(low: int | None = None, high: int | None = None) -> Reader[int]:
    """An integer within bounds; one beyond 64 bits is none, since JSON gave it as a float."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong("an integer", value)
        if (low is not None and value < low) or (high is not None and value > high):
            raise _out_of_range(value, low, high)
        return value

    return read


def number(low: float | None = None, high: float | None = None) -> Reader[float]:
    """A number within bounds; JSON has none that is not finite."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong("a number", value)
        if (low is not None and value < low) or (high is not None and value > high):
            raise _out_of_range(value, low, high)
        return value

    return read


def _out_of_range(value: float, low: float | None, high: float | None) -> InvalidRequest:
    if low is not None and value < low:
        return invalid(f"must be at least {low}, got {value}")
    return invalid(f"must be at most {high}, got {value}")


class OneOf(Generic[T]):
    """A reader of one of a few words, as in `OneOf[Effort]("low", "high")`."""

    __slots__ = ("_words",)

    def __init__(self, *words: T) -> None:
        self._words: dict[Any, T] = {word: word for word in words}

    def __call__(self, value: Any) -> T:
        """The word that `value` is."""
        if isinstance(value, str) and value in self._words:
            return self._words[value]
        allowed = ", ".join(map(repr, self._words))
        found = shown(value) if isinstance(value, str) else _kind(value)
        raise invalid(f"expected one of {allowed}, got {found}")


def each(read: Reader[T]) -> Reader[tuple[T, ...]]:
    """An array whose items are all read alike."""

    def read_all(value: Any) -> tuple[T, ...]:
        items: list[T] = []
        for item in array(value):
            try:
                items.append(read(item))
            except InvalidRequest as error:
                raise under(f"[{len(items)}]", error) from None
        return tuple(items)

    return read_all


_EPHEMERAL: Final = OneOf("ephemeral")
_LIFETIME: Final = OneOf("5m", "1h")


def cache_control(value: Any) -> JSONObject:
    """`{"type": "ephemeral", "ttl": "5m" or "1h"}`; what else stands in it is passed over.

    Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching, read 2026-11-22.
    """
    source = mapping(value)
    given(source, "type", _EPHEMERAL)
    lifetime = given(source, "ttl", _LIFETIME)
    return {"type": "ephemeral"} if lifetime is None else {"type": "ephemeral", "ttl": lifetime}
