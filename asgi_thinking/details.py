"""The items of `reasoning_details`, in which OpenRouter and others carry any vendor's thinking.

    {"type": "reasoning.text", "text", "signature"?, "id"?, "format", "index"}
    {"type": "reasoning.summary", "summary", "id"?, "format", "index"}
    {"type": "reasoning.encrypted", "data", "id"?, "format", "index"}

They have to come back as they were. `format` names who can verify an item, and so becomes a
block's origin; what else has to come back stands behind it, as in
`openai-responses-v1?type=reasoning.summary&id=rs_1&index=2`. Claude's format is the origin "", as
everywhere, and an index that counts the items is not said.

Source: https://openrouter.ai/docs/use-cases/reasoning-tokens, read 2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never
from urllib.parse import parse_qsl, urlencode

from asgi_thinking.messages import RedactedThinking, Thinking

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DETAIL_TEXTS",
    "ENCRYPTED",
    "FORMATS",
    "GEMINI_FORMAT",
    "UNKNOWN_FORMAT",
    "detail_item",
    "detail_origin",
]

JSONObject: TypeAlias = dict[str, Any]

ENCRYPTED: Final = "reasoning.encrypted"
_TEXT: Final = "reasoning.text"
_SUMMARY: Final = "reasoning.summary"

DETAIL_TEXTS: Final[Mapping[str, str]] = {_TEXT: "text", _SUMMARY: "summary"}
"""The items that have text, and the key of it."""

_CLAUDE: Final = "anthropic-claude-v1"
GEMINI_FORMAT: Final = "google-gemini-v1"
UNKNOWN_FORMAT: Final = "unknown"

FORMATS: Final = frozenset(
    {GEMINI_FORMAT, "openai-responses-v1", "azure-openai-responses-v1", "xai-responses-v1"}
)
"""The formats that are origins of blocks; Claude's is the origin ""."""


def detail_origin(item: Mapping[str, Any], position: int) -> str:
    """The origin of the block that an item becomes, `position` items after the first."""
    vendor = item.get("format")
    if not isinstance(vendor, str) or vendor in (_CLAUDE, UNKNOWN_FORMAT):
        vendor = ""
    more: list[tuple[str, str | int]] = []
    if item.get("type") == _SUMMARY:
        more.append(("type", _SUMMARY))
    if isinstance(name := item.get("id"), str) and name:
        more.append(("id", name))
    if isinstance(index := item.get("index"), int) and index != position:
        more.append(("index", index))
    return f"{vendor}?{urlencode(more)}" if more else vendor


def detail_item(block: Thinking | RedactedThinking, position: int) -> JSONObject:
    """The item that a block was, to be sent back `position` items after the first."""
    vendor, _, query = block.origin.partition("?")
    more = dict(parse_qsl(query))
    item: JSONObject
    match block:
        case RedactedThinking(data):
            item = {"type": ENCRYPTED, "data": data}
        case Thinking(text, signature):
            kind = more.get("type", _TEXT)
            item = {"type": kind, DETAIL_TEXTS.get(kind, "text"): text}
            if signature:
                item["signature"] = signature
            elif not vendor:
                vendor = UNKNOWN_FORMAT
        case _ as unreachable:
            assert_never(unreachable)
    if name := more.get("id"):
        item["id"] = name
    item["format"] = vendor or _CLAUDE
    item["index"] = int(number) if (number := more.get("index", "")).isdecimal() else position
    return item
