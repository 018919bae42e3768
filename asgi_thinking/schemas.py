"""JSON schemas within what Claude's structured outputs take.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["CLOSED", "closed"]

CLOSED: Final = ""
"""What `closed` reports for an object that was open because its schema did not say."""

# What a schema must not say, by its type.
_BEYOND: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(
        ("integer", "number"),
        frozenset({"minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"}),
    ),
    "string": frozenset({"minLength", "maxLength"}),
    "array": frozenset({"maxItems", "uniqueItems"}),
}
# Lists of values, not of schemas, unless an argument is named so.
_VALUES: Final = frozenset({"default", "enum", "examples"})


def closed(schema: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The schema with closed objects, and what was changed: words dropped, and `CLOSED`."""
    found: dict[str, None] = {}
    return _closed(dict(schema), found), {*found}


def _closed(value: Any, found: dict[str, None]) -> Any:
    if isinstance(value, list):
        return [_closed(item, found) for item in value]  # pyright: ignore[reportUnknownVariableType] (JSON)
    if not isinstance(value, dict):
        return value
    given: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType] (JSON)
    schema: dict[str, Any] = {
        name: inner if name in _VALUES and isinstance(inner, list) else _closed(inner, found)
        for name, inner in given.items()
    }
    kind = schema.get("type")
    kinds: list[Any] = kind if isinstance(kind, list) else [kind]  # pyright: ignore[reportUnknownVariableType] (JSON)
    for word in {word for each in kinds for word in _BEYOND.get(str(each), ()) if word in schema}:
        found[word] = None
        del schema[word]
    if "object" in kinds and schema.get("additionalProperties") is not False:
        found["additionalProperties" if "additionalProperties" in schema else CLOSED] = None
        schema["additionalProperties"] = False
    return schema
