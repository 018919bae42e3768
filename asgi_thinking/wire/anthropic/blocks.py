"""The content blocks of a reply, from their start to their stop.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming, read 2026-11-22.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from asgi_thinking.events import (
    Annotation,
    BlockKind,
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

__all__ = ["STREAMED", "OpenBlock"]

JSONObject: TypeAlias = dict[str, Any]

# The blocks that come in fragments: our kind, the type and key of the fragments, what they become.
STREAMED: Final[Mapping[str, tuple[BlockKind, str, str, Callable[[int, str], Event]]]] = {
    "thinking": ("thinking", "thinking_delta", "thinking", ThinkingDelta),
    "text": ("text", "text_delta", "text", TextDelta),
    "tool_use": ("tool_call", "input_json_delta", "partial_json", ToolCallDelta),
}


@dataclass(slots=True)
class OpenBlock:
    """A block that has started and not stopped.

    `raw` is the block as its start gave it. `index` is ours, -1 for an opaque block, which gets one
    only when it stops; `parts` are the fragments of its strings. `delta` and `key` are the type and
    key of the fragments that `make` turns into events. `start` counts the code points of the answer
    before a text block, `length` those of the fragments emitted.

    Every method raises ValueError, LookupError, TypeError or AttributeError for JSON that is not of
    this wire.
    """

    raw: JSONObject
    index: int = -1
    delta: str = ""
    key: str = ""
    make: Callable[[int, str], Event] = TextDelta
    start: int = 0
    length: int = 0
    parts: dict[str, list[str]] | None = None

    def fragment(self, value: Any) -> list[Event]:
        """The event of a fragment; none for an empty one."""
        if not (text := checked_text(value)):
            return []
        self.length += len(text)
        return [self.make(self.index, text)]

    def collect(self, delta: JSONObject) -> None:
        """Keep a delta that becomes an event only when the block stops.

        A signature replaces the one that the start may have had. Other deltas of a block that we
        know are ignored, by the vendor's versioning policy.
        """
        kind = delta["type"]
        if kind == "citations_delta":
            citations: list[JSONObject] = self.raw.get("citations") or []
            citations.append(delta["citation"])
            self.raw["citations"] = citations
        elif self.index < 0:
            self._collect_opaque(delta)
        elif kind == "signature_delta":
            self.raw["signature"] = delta["signature"]

    def last_events(self) -> list[Event]:
        """What a block that we know ends with: sources, whole arguments, signature, stop."""
        raw = self.raw
        events: list[Event] = []
        if self.key == "text":
            events += [self._annotation(citation) for citation in raw.get("citations") or ()]
        elif self.key == "partial_json" and not self.length and raw.get("input"):
            events += self.fragment(orjson.dumps(raw["input"]).decode())
        if signature := raw.get("signature"):
            events.append(SignatureDelta(self.index, checked_text(signature)))
        events.append(BlockStop(self.index))
        return events

    def opaque_json(self) -> str:
        """A block that we do not know, with all its fragments: what a later request sends back."""
        raw = self.raw
        for key, parts in (self.parts or {}).items():
            if key == "partial_json":
                # Arguments that max_tokens cut off are no JSON; the start's empty ones stay.
                with suppress(ValueError):
                    raw["input"] = loads("".join(parts).encode())
            elif isinstance(raw.get(key), str) and key != "signature":
                raw[key] += "".join(parts)
            else:
                raw[key] = parts[-1] if key == "signature" else "".join(parts)
        return orjson.dumps(raw).decode()

    def _collect_opaque(self, delta: JSONObject) -> None:
        self.parts = self.parts or {}
        for key, value in delta.items():
            if key != "type" and isinstance(value, str):
                self.parts.setdefault(key, []).append(value)
            elif key != "type":
                self.raw[key] = value

    def _annotation(self, citation: JSONObject) -> Annotation:
        """A source of the whole block: the vendor cuts the text where its sources change."""
        url = citation.get("url") or ""
        title = citation.get("title") or citation.get("document_title") or ""
        end = self.start + self.length
        names = checked_text(url), checked_text(title)
        return Annotation(self.index, self.start, end, *names, raw=citation)
