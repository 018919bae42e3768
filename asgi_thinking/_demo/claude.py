"""Claude, as far as the demo's conversation goes, whoever serves it.

While thinking is on, the turn that called the tool must begin with the thinking and the signature
that came with the call, or the request is refused, as Anthropic refuses it.

Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking and
https://platform.claude.com/docs/en/build-with-claude/streaming, read 2026-11-22.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asgi_thinking._demo.script import ANSWER, ARGUMENTS, THOUGHT, JSONObject
from asgi_thinking._demo.upstream import FarEnd

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Messages"]

_SIGNATURE: Final = "c2lnbmVkIGJ5IHRoZSBkZW1vJ3MgdXBzdHJlYW06IDM1OTk="
_PIECES: Final = ('{"number":', f" {ARGUMENTS['number']}}}")

_NO_THINKING: Final = (
    "messages.{}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{}`. When "
    "`thinking` is enabled, a final `assistant` message must start with a thinking block."
)
_BAD_SIGNATURE: Final = "messages.{}.content.0: Invalid `signature` in `thinking` block"

Block: TypeAlias = tuple[JSONObject, str, tuple[str, ...]]
"""A block as its start gives it, the key of its fragments, and the fragments."""


class Messages(FarEnd):
    """The Messages API's bodies; a subclass knows what they travel in."""

    def refusal(self, body: JSONObject) -> str:
        """Why the request is refused for what it brings back; "" where it is not."""
        if not _has_result(body):
            return ""
        if not _thinks(body):
            self.verdict = "no thinking came back, and thinking was off for this turn"
            return ""
        number = len(body["messages"]) - 2
        first = body["messages"][number]["content"][0]
        self.verdict = "the thinking did not come back as it was"
        if first["type"] != "thinking":
            return _NO_THINKING.format(number, first["type"])
        if (first["thinking"], first["signature"]) != ("".join(THOUGHT), _SIGNATURE):
            return _BAD_SIGNATURE.format(number)
        self.verdict = "the thinking and its signature came back unchanged"
        return ""

    def whole(self, body: JSONObject, model: str) -> JSONObject:
        """The reply in one."""
        blocks, reason = _reply(body)
        message = _message(model) | {"content": [_whole(block) for block in blocks]}
        return message | {"stop_reason": reason, "usage": {"input_tokens": 14, "output_tokens": 42}}

    def events(self, body: JSONObject, model: str) -> Iterator[JSONObject]:
        """The reply as a stream's events."""
        blocks, reason = _reply(body)
        yield _event("message_start", message=_message(model))
        for index, (start, key, fragments) in enumerate(blocks):
            yield _event("content_block_start", index=index, content_block=start)
            kind = "input_json_delta" if key == "partial_json" else f"{key}_delta"
            deltas = [{"type": kind, key: fragment} for fragment in fragments]
            if key == "thinking":
                deltas.append({"type": "signature_delta", "signature": _SIGNATURE})
            for delta in deltas:
                yield _event("content_block_delta", index=index, delta=delta)
            yield _event("content_block_stop", index=index)
        ending = {"stop_reason": reason, "stop_sequence": None}
        yield _event("message_delta", delta=ending, usage={"output_tokens": 42})
        yield _event("message_stop")


def _message(model: str) -> JSONObject:
    return {
        "id": "msg_demo",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 14, "output_tokens": 1},
    }


def _reply(body: JSONObject) -> tuple[list[Block], str]:
    """The blocks of the reply, and why it stops."""
    answer: Block = ({"type": "text", "text": ""}, "text", ANSWER)
    if _has_result(body):
        return [answer], "end_turn"
    call: JSONObject = {"type": "tool_use", "id": "toolu_demo", "name": "factor", "input": {}}
    calls = bool(body.get("tools"))
    last: Block = (call, "partial_json", _PIECES) if calls else answer
    reason = "tool_use" if calls else "end_turn"
    if not _thinks(body):
        return [last], reason
    shown = () if body["thinking"].get("display") == "omitted" else THOUGHT
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    return [(thinking, "thinking", shown), last], reason


def _thinks(body: JSONObject) -> bool:
    return bool(body.get("thinking", {}).get("type") == "enabled")


def _has_result(body: JSONObject) -> bool:
    content = body["messages"][-1]["content"]
    return any(block["type"] == "tool_result" for block in content)


def _whole(block: Block) -> JSONObject:
    start, key, fragments = block
    text = "".join(fragments)
    match key:
        case "partial_json":
            return {**start, "input": json.loads(text)}
        case "thinking":
            return {**start, "thinking": text, "signature": _SIGNATURE}
        case _:
            return {**start, key: text}


def _event(kind: str, **fields: Any) -> JSONObject:
    return {"type": kind, **fields}
