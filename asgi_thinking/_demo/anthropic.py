"""Anthropic's Messages API, as far as the demo's conversation goes, in replies of our own writing.

The user asks whether 3599 is prime; Claude thinks and, given a tool, calls it; with the tool's
result it answers. While thinking is on, the turn that called the tool must begin with the thinking
and the signature that came with the call, or the request is refused, as Anthropic refuses it.

Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking and
https://platform.claude.com/docs/en/build-with-claude/streaming, read 2026-11-22.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asgi_thinking._demo.upstream import Answer, Call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["KEY", "MODEL", "QUESTION", "RESULT", "TOOL", "Claude"]

JSONObject: TypeAlias = dict[str, Any]

KEY: Final = "demo"
MODEL: Final = "claude-sonnet-4-5"
QUESTION: Final = "Is 3599 prime?"
RESULT: Final = "59 * 61"
TOOL: Final[Mapping[str, Any]] = {
    "type": "function",
    "function": {
        "name": "factor",
        "description": "The prime factors of a number.",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "integer"}},
            "required": ["number"],
        },
    },
}

_THOUGHT: Final = ("3599 is 60^2 - 1, ", "that is (60 - 1)(60 + 1), ", "so it is not prime.")
_SIGNATURE: Final = "c2lnbmVkIGJ5IHRoZSBkZW1vJ3MgdXBzdHJlYW06IDM1OTk="
_ARGUMENTS: Final = ('{"number":', " 3599}")
_ANSWER: Final = ("No: 3599 ", "= 59 * 61.")

_NO_THINKING: Final = (
    "messages.{}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{}`. When "
    "`thinking` is enabled, a final `assistant` message must start with a thinking block."
)
_BAD_SIGNATURE: Final = "messages.{}.content.0: Invalid `signature` in `thinking` block"

Block: TypeAlias = tuple[JSONObject, str, tuple[str, ...]]
"""A block as its start gives it, the key of its fragments, and the fragments."""


class Claude:
    """Answers calls; `verdict` says what the last one with a tool's result brought back."""

    def __init__(self) -> None:
        self.verdict = ""

    def __call__(self, call: Call) -> Answer:
        """Answer a `POST /v1/messages`, streaming or not."""
        if call.path != "/v1/messages":
            return _error(404, "not_found_error", "Not found")
        if call.headers.get("x-api-key") != KEY:
            return _error(401, "authentication_error", "invalid x-api-key")
        body = json.loads(call.body)
        if refusal := self._judge(body):
            return _error(400, "invalid_request_error", refusal)
        blocks, reason = _reply(body)
        message: JSONObject = {
            "id": "msg_demo",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 14, "output_tokens": 1},
        }
        if body.get("stream"):
            parts = tuple(_events(message, blocks, reason))
            return Answer(200, "text/event-stream; charset=utf-8", parts)
        message["content"] = [_whole(block) for block in blocks]
        message |= {"stop_reason": reason, "usage": {"input_tokens": 14, "output_tokens": 42}}
        return Answer(200, "application/json", (json.dumps(message).encode(),))

    def _judge(self, body: JSONObject) -> str:
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
        if (first["thinking"], first["signature"]) != ("".join(_THOUGHT), _SIGNATURE):
            return _BAD_SIGNATURE.format(number)
        self.verdict = "the thinking and its signature came back unchanged"
        return ""


def _reply(body: JSONObject) -> tuple[list[Block], str]:
    """The blocks of the reply, and why it stops."""
    answer: Block = ({"type": "text", "text": ""}, "text", _ANSWER)
    if _has_result(body):
        return [answer], "end_turn"
    call: JSONObject = {"type": "tool_use", "id": "toolu_demo", "name": "factor", "input": {}}
    calls = bool(body.get("tools"))
    last: Block = (call, "partial_json", _ARGUMENTS) if calls else answer
    reason = "tool_use" if calls else "end_turn"
    if not _thinks(body):
        return [last], reason
    shown = () if body["thinking"].get("display") == "omitted" else _THOUGHT
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


def _events(message: JSONObject, blocks: Sequence[Block], reason: str) -> Iterator[bytes]:
    yield _event("message_start", message=message)
    for index, (start, key, fragments) in enumerate(blocks):
        yield _event("content_block_start", index=index, content_block=start)
        kind = "input_json_delta" if key == "partial_json" else f"{key}_delta"
        for fragment in fragments:
            yield _event("content_block_delta", index=index, delta={"type": kind, key: fragment})
        if key == "thinking":
            signature = {"type": "signature_delta", "signature": _SIGNATURE}
            yield _event("content_block_delta", index=index, delta=signature)
        yield _event("content_block_stop", index=index)
    ending = {"stop_reason": reason, "stop_sequence": None}
    yield _event("message_delta", delta=ending, usage={"output_tokens": 42})
    yield _event("message_stop")


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def _error(status: int, kind: str, message: str) -> Answer:
    error = {"type": "error", "error": {"type": kind, "message": message}}
    return Answer(status, "application/json", (json.dumps(error).encode(),))
