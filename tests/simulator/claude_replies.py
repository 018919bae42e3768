"""What Claude answers: the blocks of a reply, as JSON and as the events of a stream.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/api/messages/create and
https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from tests.simulator import Call, Reply, digest, sealed
from tests.simulator.claude_ask import BINDING, Ask, Block
from tests.simulator.claude_signatures import VENDOR, Prefix, last_mark

__all__ = ["Said", "compose", "events", "message"]

_IDS = {
    "anthropic": ("msg_01", "toolu_01"),
    "vertex": ("msg_vrtx_01", "toolu_vrtx_01"),
    "bedrock": ("msg_bdrk_01", "toolu_bdrk_01"),
    "converse": ("", "tooluse_"),
}


class Said(NamedTuple):
    """A reply: its id and model, its blocks, why it ended, and what it cost."""

    id: str
    model: str
    content: list[Block]
    stop_reason: str
    usage: dict[str, Any]
    transformations: list[Block] | None


def compose(ask: Ask, reply: Reply) -> Said:
    """What the model says to a request that was accepted.

    Thinking is left out where the request turned it off or forces a tool, and begun anew after
    results only where the model interleaves; a budget always has some at the turn's beginning.
    Calls are left out without tools; forcing one makes one.
    """
    writer = _Writer(ask, reply)
    thought = ""
    for kind, said in _parts(ask, reply):
        if kind == "thinking":
            thought += said
            writer.think(said)
        elif kind == "text":
            writer.content.append({"type": "text", "text": said})
        else:
            writer.call(said)
    content = writer.finished()
    calls = any(block["type"] == "tool_use" for block in content)
    return Said(
        _IDS[ask.door][0] + writer.reply,
        ask.name,
        content,
        "tool_use" if calls else "end_turn",
        _usage(ask, content, thought),
        _transformations(ask),
    )


def _parts(ask: Ask, reply: Reply) -> Iterator[tuple[str, Any]]:
    calls = _calls(ask, reply)
    text = reply.text or ("" if calls else "Done.")
    thinks = ask.mode != "off" and not ask.forced
    resumes = ask.answering is not None
    opening = reply.thinking
    if ask.mode == "enabled" and not resumes:
        opening = opening or "Let me think."
    begins = ask.interleaves if resumes else ask.mode != "between_tools"
    if thinks and opening and begins:
        yield "thinking", opening
    if text:
        yield "text", text
    between = thinks and reply.interleaved and ask.interleaves and bool(reply.thinking)
    for number, call in enumerate(calls):
        if between and (number or text):
            yield "thinking", f"{reply.thinking} ({number + 1})"
        yield "call", call


def _calls(ask: Ask, reply: Reply) -> tuple[Call, ...]:
    tools = ask.body.get("tools") or []
    if not tools or ask.choice == "none":
        return ()
    calls = reply.calls
    if ask.choice == "tool":
        name = ask.body["tool_choice"]["name"]
        calls = tuple(call for call in calls if call.name == name) or (Call(name, {}),)
    elif ask.choice == "any":
        calls = calls or (Call(tools[0]["name"], {}),)
    one = (ask.body.get("tool_choice") or {}).get("disable_parallel_tool_use")
    return calls[:1] if one else calls


class _Writer:
    """Collects the blocks and signs them when their number is known."""

    def __init__(self, ask: Ask, reply: Reply) -> None:
        self.content: list[Block] = []
        self._ask = ask
        self._prefix = Prefix(ask)
        self._before = self._prefix.messages(len(ask.turns), [])
        self.reply = digest(ask.known, self._prefix.system, self._prefix.tools, self._before)
        self._redacted = reply.redacted
        shown = (ask.body.get("thinking") or {}).get("display") or ask.model.display
        self._shows = shown != "omitted"

    def think(self, thinking: str) -> None:
        if self._redacted:
            self.content.append({"type": "redacted_thinking", "data": ""})
        else:
            shown = thinking if self._shows else ""
            self.content.append({"type": "thinking", "thinking": shown, "signature": ""})

    def call(self, call: Call) -> None:
        number = sum(block["type"] == "tool_use" for block in self.content)
        self.content.append(
            {
                "type": "tool_use",
                "id": f"{_IDS[self._ask.door][1]}{digest(self.reply, number)}",
                "name": call.name,
                "input": call.arguments,
            }
        )

    def finished(self) -> list[Block]:
        places = [i for i, block in enumerate(self.content) if "thinking" in block["type"]]
        previous = last_mark(self._ask)
        for number, index in enumerate(places):
            block = self.content[index]
            hides = block["type"] == "redacted_thinking"
            signature = sealed(
                VENDOR,
                kind=block["type"],
                model=self._ask.known,
                reply=self.reply,
                number=number,
                count=len(places),
                behind=self.content[index - 1]["type"] if index else "",
                shown="" if hides or not block["thinking"] else digest(block["thinking"]),
                system=self._prefix.system,
                tools=self._prefix.tools,
                messages=self._prefix.messages(len(self._ask.turns), self.content[:index]),
                previous=previous,
            )
            block["data" if hides else "signature"] = signature
            previous = digest(signature)
        return self.content


def _usage(ask: Ask, content: list[Block], thought: str) -> dict[str, Any]:
    spoken = [block for block in content if "thinking" not in block["type"]]
    thinking = len(thought) // 4 + 1 if thought else 0
    usage: dict[str, Any] = {
        "input_tokens": len(orjson.dumps(ask.body)) // 4 + 1,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": thinking + len(orjson.dumps(spoken)) // 4 + 1,
        "service_tier": "standard",
    }
    if thinking:
        usage["output_tokens_details"] = {"thinking_tokens": thinking}
    return usage


def _transformations(ask: Ask) -> list[Block] | None:
    if BINDING not in ask.betas:
        return None
    reason = "prefix_binding_mismatch"
    return [{"type": "thinking_dropped", "path": path, "reason": reason} for path in ask.dropped]


def message(said: Said) -> dict[str, Any]:
    """The reply as one JSON object."""
    body: dict[str, Any] = {
        "id": said.id,
        "type": "message",
        "role": "assistant",
        "model": said.model,
        "content": said.content,
        "stop_reason": said.stop_reason,
        "stop_sequence": None,
        "stop_details": None,
        "usage": said.usage,
    }
    if said.transformations is not None:
        body["input_transformations"] = said.transformations
    return body


def events(said: Said) -> Iterator[dict[str, Any]]:
    """The reply as the events of a stream."""
    usage = {**said.usage, "output_tokens": 1}
    usage.pop("output_tokens_details", None)
    head = message(said) | {"content": [], "stop_reason": None, "usage": usage}
    yield {"type": "message_start", "message": head}
    for index, block in enumerate(said.content):
        start, deltas = _opened(block)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        if not index:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ending = {"stop_reason": said.stop_reason, "stop_sequence": None, "stop_details": None}
    counted = {
        name: said.usage[name]
        for name in ("output_tokens", "output_tokens_details")
        if name in said.usage
    }
    yield {"type": "message_delta", "delta": ending, "usage": counted}
    yield {"type": "message_stop"}


def _opened(block: Block) -> tuple[Block, list[Block]]:
    """A block as it opens, and what it then receives."""
    match block["type"]:
        case "thinking":
            told = [
                {"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])
            ]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*told, signed]
        case "text":
            told = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
            return {**block, "text": ""}, told
        case "tool_use":
            arguments = orjson.dumps(block["input"]).decode() if block["input"] else ""
            given = ["", *pieces(arguments)] if arguments else [""]
            told = [{"type": "input_json_delta", "partial_json": piece} for piece in given]
            return {**block, "input": {}}, told
        case _:
            return block, []


def pieces(text: str) -> list[str]:
    """A text in the pieces that a stream has it in."""
    half = (len(text) + 1) // 2
    return [piece for piece in (text[:half], text[half:]) if piece] or [""]
