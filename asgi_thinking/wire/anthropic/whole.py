"""JSON replies of the Messages API.

One of nothing but thinking, text and calls, which is nearly every one, is read straight into a
message. Any other takes the stream's way, which has a rule for everything that may be there, and
whatever is wrong does.

Source: https://platform.claude.com/docs/en/api/messages, read 2026-11-22.
"""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, Final

import orjson

from asgi_thinking.messages import Block, Choice, Message, Text, Thinking, ToolCall
from asgi_thinking.whole import Whole
from asgi_thinking.wire.anthropic.replies import COUNTS, FINISH, MALFORMED, MessageDecoder, usage_of

if TYPE_CHECKING:
    from asgi_thinking.events import Batch

__all__ = ["decode_reply"]

_STRINGS: Final = frozenset({str})
_COUNTS: Final = frozenset({int, NoneType})


def decode_reply(body: bytes, created: int, provider: str) -> Batch:
    """The events of a JSON reply, as one batch.

    Shape: `{"id", "model", "content": [block, …], "stop_reason", "stop_details", "usage"}`. Never
    raises: an error or malformed body is one `StreamError`.
    """
    try:
        message = _message(orjson.loads(body), created, provider)
    except MALFORMED:
        message = None
    return MessageDecoder(created, provider).read(body) if message is None else Whole(message)


def _message(reply: dict[str, Any], created: int, provider: str) -> Message | None:
    """The reply, or None if anything in it is out of the ordinary."""
    named, model, native = reply["id"], reply["model"], reply["stop_reason"]
    blocks = tuple([_block(raw) for raw in reply["content"]])
    kinds = {block.__class__ for block in blocks}
    reason = FINISH.get(native)
    if reply["type"] != "message" or native == "refusal" or reason is None or NoneType in kinds:
        return None
    if reason == "tool_calls" and ToolCall not in kinds:
        return None
    counts: dict[str, Any] = reply["usage"]
    counts |= counts.get("output_tokens_details") or {}
    said = set(map(type, map(counts.get, COUNTS)))
    if not (
        named.__class__ is model.__class__ is str
        and reply["content"].__class__ is list
        and int in said <= _COUNTS
    ):
        return None
    choice = Choice(blocks, reason, native)  # type: ignore[arg-type]  # None is in no blocks here
    return Message(named, model, created, provider, (choice,), usage_of(counts))


def _block(raw: dict[str, Any]) -> Block | None:
    """A block that has no more than its text, its signature or its arguments."""
    match raw["type"]:
        case "thinking":
            text, signature = raw["thinking"], raw.get("signature") or None
            if text.__class__ is str and (signature is None or signature.__class__ is str):
                return Thinking(text, signature)
        case "text" if not (raw.get("citations") or raw.get("signature")):
            if raw["text"].__class__ is str:
                return Text(raw["text"])
        case "tool_use":
            called, name, given = raw["id"], raw["name"], raw["input"]
            if {called.__class__, name.__class__} <= _STRINGS and given.__class__ is dict:
                return ToolCall(called, name, orjson.dumps(given).decode() if given else "")
        case _:
            pass
    return None
