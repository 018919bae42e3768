"""What of a host's reply is thinking, in its events and in its own JSON."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, TypeAlias

from asgi_thinking import _json
from asgi_thinking.events import (
    Batch,
    BlockStart,
    Extra,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from asgi_thinking.sse import SSEDecoder
from asgi_thinking.wire.openai.thinking import THINKING_KEYS, is_array, is_object

__all__ = ["all_under", "choices_of", "deltas_of", "is_text", "thinks"]

JSONObject: TypeAlias = dict[str, Any]

# Every key under which a host may carry thinking, read by our decoder or not.
_THOUGHTS: Final = THINKING_KEYS | {
    *("thinking", "redacted_thinking", "signature"),
    *("content_blocks", "provider_specific_fields"),
}

_QUIET_KINDS: Final = frozenset({"text", "refusal", "tool_call", "opaque"})
_TOLD: Final = (TextDelta, ToolCallDelta)


def thinks(events: Batch) -> bool:
    """Whether there is anything of thinking, signatures and unknown forms of it included."""
    for event in events:
        if isinstance(event, _TOLD):
            continue
        match event:
            case BlockStart(kind=kind, origin=origin):
                if kind not in _QUIET_KINDS or (origin and kind != "opaque"):
                    return True
            case ThinkingDelta() | SignatureDelta():
                return True
            case Extra(values=values):
                if not _THOUGHTS.isdisjoint(values):
                    return True
            case _:
                pass
    return False


def is_text(events: Batch) -> bool:
    """Whether all thinking among the events is text and nothing else."""
    return not any(
        isinstance(event, SignatureDelta)
        or (isinstance(event, BlockStart) and (event.origin or event.kind == "redacted_thinking"))
        for event in events
    )


def all_under(messages: Iterable[JSONObject], key: str) -> bool:
    """Whether messages, or deltas, have their thinking under this key and nowhere else."""
    for message in messages:
        used = [name for name in _THOUGHTS & message.keys() if message[name] not in (None, "", [])]
        if used not in ([], [key]) or message.get("content").__class__ is list:
            return False
    return True


def choices_of(whole: bytes) -> list[JSONObject]:
    """The choices of whole events, of which the last may be cut off; nothing counts after the end.

    What the decoder has not read may be anything.
    """
    choices: list[JSONObject] = []
    for _, data in SSEDecoder(len(whole) + 2).feed(whole + b"\n\n"):
        if data[:6] == b"[DONE]":
            break
        with suppress(ValueError):
            chunk = _json.loads(data)
            found = chunk.get("choices") if is_object(chunk) else None
            choices += filter(is_object, found if is_array(found) else ())
    return choices


def deltas_of(whole: bytes) -> list[JSONObject]:
    """The deltas of these choices."""
    return [delta for choice in choices_of(whole) if is_object(delta := choice.get("delta"))]
