"""How the clients of each dialect put a stream together, and what they send back of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

JSONObject = dict[str, Any]


# Where a call's signature stands, outside of OpenAI's fields.
_BESIDE_CALLS = ("extra_content", "provider_specific_fields")


def read_chunks(data: bytes) -> list[JSONObject]:
    """The chunks of a stream that ended well."""
    *bodies, done, rest = data.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [orjson.loads(body.removeprefix(b"data: ")) for body in bodies]


def deltas(data: bytes, choice: int = 0) -> list[JSONObject]:
    """The deltas of one choice."""
    return [
        item["delta"]
        for chunk in read_chunks(data)
        for item in chunk["choices"]
        if item["index"] == choice
    ]


def finish_reasons(data: bytes) -> dict[int, list[str]]:
    """The finish reasons of each choice; a good stream has one."""
    reasons: dict[int, list[str]] = {}
    for chunk in read_chunks(data):
        for item in chunk["choices"]:
            found = reasons.setdefault(item["index"], [])
            found += [item["finish_reason"]] if item.get("finish_reason") else []
    return reasons


def by_openai(data: bytes) -> list[JSONObject]:
    """What the stream helper of openai-python makes of each choice, as a client sends it back."""
    state = ChatCompletionStreamState()
    for chunk in read_chunks(data):
        state.handle_chunk(ChatCompletionChunk.construct(**chunk))
    choices = state.current_completion_snapshot.choices
    return [c.message.model_dump(exclude_none=True) for c in choices]


def plain(data: bytes, choice: int = 0) -> JSONObject:
    """OpenAI's own fields, added up by hand as most clients do."""
    message: JSONObject = {"role": "assistant", "content": "", "refusal": ""}
    calls: dict[int, JSONObject] = {}
    for delta in deltas(data, choice):
        message["content"] += delta.get("content") or ""
        message["refusal"] += delta.get("refusal") or ""
        for part in delta.get("tool_calls", []):
            call = calls.setdefault(
                part["index"],
                {"id": part.get("id"), "type": "function", "function": {"arguments": ""}},
            )
            function = call["function"]
            fragment = {"arguments": "", **part["function"]}
            call |= {key: part[key] for key in _BESIDE_CALLS if key in part}
            arguments = function["arguments"] + fragment["arguments"]
            call["function"] = {**function, **fragment, "arguments": arguments}
    return {**message, "tool_calls": list(calls.values())}


def by_truefoundry(data: bytes, choice: int = 0) -> JSONObject:
    """The gateway's own sample: blocks that came whole are kept as they came."""
    blocks = [b for delta in deltas(data, choice) for b in delta.get("thinking_blocks", [])]
    return {**plain(data, choice), "thinking_blocks": blocks}


# What a delta may say of a block.
_BESIDE = ("signature", "provider", "after")


def by_truefoundry_legacy(data: bytes, choice: int = 0) -> JSONObject:
    """A reader of the gateway's first deltas, which keeps what came in order."""
    parts: list[JSONObject] = []
    for delta in deltas(data, choice):
        last = parts[-1] if parts else {"type": ""}
        if "thinking" in delta:
            if last["type"] != "thinking" or "signature" in last:
                parts.append(last := {"type": "thinking", "thinking": ""})
            last["thinking"] += delta["thinking"]
        if "signature" in delta:
            last |= {key: delta[key] for key in _BESIDE if key in delta}
        if "redacted_thinking" in delta:
            rest = {key: delta[key] for key in _BESIDE if key in delta}
            parts.append({"type": "redacted_thinking", "data": delta["redacted_thinking"], **rest})
        if delta.get("content"):
            if last["type"] != "text":
                parts.append(last := {"type": "text", "text": ""})
            last["text"] += delta["content"]
    return {**plain(data, choice), "content": parts}


def by_portkey(data: bytes, choice: int = 0) -> JSONObject:
    """The gateway's own sample: parts are collected as they came."""
    parts = [p for delta in deltas(data, choice) for p in delta.get("content_blocks", [])]
    return {**plain(data, choice), "content_blocks": parts}


def _collected(data: bytes, key: str, choice: int) -> list[JSONObject]:
    """The items of a list that a reader only puts one behind the other."""
    return [item for delta in deltas(data, choice) for item in delta.get(key, [])]


def by_openrouter(data: bytes, choice: int = 0) -> JSONObject:
    """A reader that keeps the details of thinking as they came."""
    return {
        **plain(data, choice),
        "reasoning_details": _collected(data, "reasoning_details", choice),
    }


def by_litellm(data: bytes, choice: int = 0) -> JSONObject:
    """A reader that keeps fragments of blocks as they came."""
    return {**plain(data, choice), "thinking_blocks": _collected(data, "thinking_blocks", choice)}


def by_text(key: str) -> Callable[[bytes], JSONObject]:
    """A reader that adds up the one string that has the thinking."""

    def read(data: bytes, choice: int = 0) -> JSONObject:
        thought = "".join(delta.get(key) or "" for delta in deltas(data, choice))
        return {**plain(data, choice), key: thought}

    return read
