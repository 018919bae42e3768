"""The content blocks of a Converse reply, from their first delta to their end.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlockDelta.html, read
2026-11-22.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from asgi_thinking.events import (
    Annotation,
    BlockStop,
    Event,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from asgi_thinking.wire.checks import checked_text, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asgi_thinking.events import BlockKind

__all__ = ["KINDS", "VERBATIM", "OpenBlock", "unwrapped"]

JSONObject: TypeAlias = dict[str, Any]

# By the key of a block's deltas: our kind of it, the key of their texts within, what those become.
KINDS: Final[Mapping[str, tuple[BlockKind, str, Callable[[int, str], Event]]]] = {
    "text": ("text", "", TextDelta),
    "reasoningContent": ("thinking", "text", ThinkingDelta),
    "toolUse": ("tool_call", "input", ToolCallDelta),
}

VERBATIM: Final = "bedrock"
"""The origin of what Claude says in a form that only Converse has, and takes back."""


@dataclass(slots=True)
class OpenBlock:
    """A block that has begun and not ended.

    `key` names its deltas on the wire, `inner` their texts where these are objects, "" where nobody
    is to look for one. `index` is ours, -1 for an opaque block, which gets one only when it ends;
    `raw` is what is known of that one, under its key. `start` counts the code points of the answer
    before a text block, `length` those of the texts emitted. Texts of an opaque block, and
    signatures, come in `parts`.

    Every method raises ValueError, LookupError, TypeError or AttributeError for JSON that is not of
    this wire.
    """

    key: str
    inner: str = ""
    index: int = -1
    make: Callable[[int, str], Event] = TextDelta
    start: int = 0
    length: int = 0
    raw: JSONObject = field(default_factory=dict[str, Any])
    parts: list[str] = field(default_factory=list[str])
    citations: list[JSONObject] = field(default_factory=list[JSONObject])

    def fragment(self, value: Any) -> list[Event]:
        """The event of a text; none for an empty one."""
        if not (text := checked_text(value)):
            return []
        self.length += len(text)
        return [self.make(self.index, text)]

    def collect(self, value: Any) -> None:
        """Keep a delta of an opaque block: a call's input is text, a result is a list of parts."""
        known = self.raw[self.key]
        if value.__class__ is list:
            known["content"] = [*known.get("content", ()), *value]
            return
        for name, part in value.items():
            if name == "input":
                self.parts.append(checked_text(part))
            else:
                known[name] = part

    def last_events(self) -> list[Event]:
        """What a block that we know ends with: sources, signature, stop."""
        events: list[Event] = [self._annotation(citation) for citation in self.citations]
        if self.parts:
            events.append(SignatureDelta(self.index, "".join(self.parts)))
        events.append(BlockStop(self.index))
        return events

    def opaque_json(self) -> str:
        """A block that we do not know, as a request sends it back, with its key as its type."""
        if self.parts:
            # Input that the token limit cut off is no JSON.
            with suppress(ValueError):
                self.raw[self.key]["input"] = loads("".join(self.parts).encode())
        return orjson.dumps({"type": self.key, **self.raw}).decode()

    def _annotation(self, citation: JSONObject) -> Annotation:
        """A source of the whole block."""
        location: JSONObject = citation.get("location") or {}
        web: JSONObject = location.get("web") or {}
        names = checked_text(web.get("url") or ""), checked_text(citation.get("title") or "")
        return Annotation(self.index, self.start, self.start + self.length, *names, raw=citation)


def unwrapped(blob: str) -> str | None:
    """Claude's redacted data, which is base64, from the base64 that JSON has for any bytes.

    None if the blob is not the base64 of a base64 text.
    """
    try:
        data = base64.b64decode(blob, validate=True)
        base64.b64decode(data, validate=True)
    except binascii.Error:
        return None
    return data.decode("ascii") if base64.b64encode(data) == blob.encode() else None
