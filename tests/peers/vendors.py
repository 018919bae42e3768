"""Every vendor's wire, for replies that are written once; only the network is missing.

A reply is a list of blocks in the form of Anthropic's API, in which a text, a call and a thought
may carry Gemini's signature as well. `VENDORS[name]` writes it as that provider's upstream sends it
and reads the blocks of the assistant from what the upstream is sent.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/api/messages,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html,
https://ai.google.dev/api/generate-content and https://openrouter.ai/docs/use-cases/reasoning-tokens
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from tests.wire import anthropic_transcripts as claude
from tests.wire import converse_transcripts as converse
from tests.wire import gemini_transcripts as google
from tests.wire import openai_transcripts as compatible
from tests.wire.aws_frames import event

JSONObject = dict[str, Any]
Blocks = list[JSONObject]

__all__ = [
    "COUNTS",
    "VENDORS",
    "Blocks",
    "JSONObject",
    "Reply",
    "Vendor",
    "call",
    "hidden",
    "invoked",
    "text",
    "thinking",
]

SSE: Final = "text/event-stream"
FRAMES: Final = "application/vnd.amazon.eventstream"


def thinking(words: str, signature: str | None = None) -> JSONObject:
    """A thinking block, unsigned without a signature."""
    signed = {"signature": signature} if signature else {}
    return {"type": "thinking", "thinking": words, **signed}


def hidden(data: str) -> JSONObject:
    """A redacted block."""
    return {"type": "redacted_thinking", "data": data}


def text(words: str, **more: Any) -> JSONObject:
    """A text block."""
    return {"type": "text", "text": words, **more}


def call(number: int, signature: str | None = None, **arguments: Any) -> JSONObject:
    """A call of the tool "f"."""
    signed = {"signature": signature} if signature else {}
    return {"type": "tool_use", "id": f"t{number}", "name": "f", "input": arguments, **signed}


class Reply(NamedTuple):
    """A reply's body, content type, status and headers; reads of it have `size` bytes, if any."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    size: int = 0


class Vendor(NamedTuple):
    """How one upstream writes: a whole reply, a stream, and what it reads of the assistant.

    `whole` and `stream` take the blocks and the vendor's word for the reply's end, "" for the one
    that fits.
    """

    whole: Callable[[Blocks, str], bytes]
    stream: Callable[[Blocks, str], bytes]
    content_type: str
    read: Callable[[JSONObject], list[Blocks]]

    def reply(self, blocks: Blocks, *, stream: bool, end: str = "") -> Reply:
        """The reply in the form that was asked for."""
        if stream:
            return Reply(self.stream(blocks, end), self.content_type)
        return Reply(self.whole(blocks, end))


def calls(blocks: Blocks) -> bool:
    """Whether a reply calls tools."""
    return any(block["type"] == "tool_use" for block in blocks)


# -- Claude's own API, and InvokeModel around it ---------------------------------------------------

COUNTS: Final = {"output_tokens": 89, "output_tokens_details": {"thinking_tokens": 60}}


def claude_whole(blocks: Blocks, end: str) -> bytes:
    reason = end or ("tool_use" if calls(blocks) else "end_turn")
    usage = {**claude.USAGE, **COUNTS}
    message = {**claude.START["message"], "content": blocks, "usage": usage}
    return orjson.dumps(message | {"stop_reason": reason})


def claude_block(index: int, block: JSONObject) -> list[JSONObject]:
    """The events of one block; its texts come in two fragments."""
    opened, parts = {**block}, []
    forms = (("thinking", "thinking_delta"), ("text", "text_delta"))
    for key, kind in forms:
        if block["type"] == key:
            words, opened[key] = block[key], ""
            halves = (words[: len(words) // 2], words[len(words) // 2 :])
            parts += [claude.delta(index, kind, **{key: half}) for half in halves]
    if block["type"] == "tool_use":
        words, opened["input"] = orjson.dumps(block["input"]).decode(), {}
        parts.append(claude.delta(index, "input_json_delta", partial_json=words))
    if signature := opened.pop("signature", None):
        parts.append(claude.delta(index, "signature_delta", signature=signature))
    return [claude.block_start(index, **opened), *parts, claude.block_stop(index)]


def claude_stream(blocks: Blocks, end: str) -> bytes:
    reason = end or ("tool_use" if calls(blocks) else "end_turn")
    inner = [part for n, block in enumerate(blocks) for part in claude_block(n, block)]
    ending = {**claude.ending(reason), "usage": COUNTS}
    return claude.sse(claude.START, *inner, ending, claude.STOP)


def invoked(stream: bytes) -> bytes:
    """Anthropic's events as InvokeModel frames them."""
    lines = [line.removeprefix(b"data: ") for line in stream.splitlines() if b"data: " in line]
    return b"".join(event("chunk", bytes=base64.b64encode(line).decode()) for line in lines)


def claude_read(body: JSONObject) -> list[Blocks]:
    return [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"]


# -- Converse --------------------------------------------------------------------------------------


def converse_whole(blocks: Blocks, end: str) -> bytes:
    content = [converse_block(block) for block in blocks]
    reason = end or ("tool_use" if calls(blocks) else "end_turn")
    shown = {"usage": {"output_tokens_details": {"thinking_tokens": 60}}}
    return orjson.dumps(
        {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": reason,
            "usage": converse.USAGE,
            "additionalModelResponseFields": shown,
        }
    )


def converse_block(block: JSONObject) -> JSONObject:
    match block:
        case {"type": "thinking", "thinking": words, **rest}:
            signed = {key: rest[key] for key in ("signature",) if key in rest}
            return {"reasoningContent": {"reasoningText": {"text": words, **signed}}}
        case {"type": "redacted_thinking", "data": data}:
            blob = base64.b64encode(data.encode()).decode()
            return {"reasoningContent": {"redactedContent": blob}}
        case {"type": "text", "text": words}:
            return {"text": words}
        case _:
            use = {"toolUseId": block["id"], "name": block["name"], "input": block["input"]}
            return {"toolUse": use}


def converse_stream(blocks: Blocks, end: str) -> bytes:
    reason = end or ("tool_use" if calls(blocks) else "end_turn")
    parts = [converse.START]
    for number, block in enumerate(blocks):
        match converse_block(block):
            case {"reasoningContent": {"reasoningText": told}}:
                parts += [converse.thought(number, **{key: told[key]}) for key in told]
            case {"reasoningContent": blob}:
                parts.append(converse.thought(number, **blob))
            case {"toolUse": use}:
                given = orjson.dumps(use.pop("input")).decode()
                parts.append(converse.start(number, toolUse=use))
                parts.append(converse.delta(number, toolUse={"input": given}))
            case said:
                parts.append(converse.delta(number, **said))
        parts.append(converse.stop(number))
    shown = {"usage": {"output_tokens_details": {"thinking_tokens": 60}}}
    parts.append(event("messageStop", stopReason=reason, additionalModelResponseFields=shown))
    return b"".join([*parts, converse.METADATA])


def converse_read(body: JSONObject) -> list[Blocks]:
    return [
        [from_converse(block) for block in turn["content"]]
        for turn in body["messages"]
        if turn["role"] == "assistant"
    ]


def from_converse(block: JSONObject) -> JSONObject:
    match block:
        case {"reasoningContent": {"reasoningText": told}}:
            return thinking(told["text"], told["signature"])
        case {"reasoningContent": {"redactedContent": blob}}:
            return hidden(base64.b64decode(blob).decode())
        case {"toolUse": use}:
            return {
                "type": "tool_use",
                "id": use["toolUseId"],
                "name": use["name"],
                "input": use["input"],
            }
        case _:
            return text(block["text"])


# -- Gemini ----------------------------------------------------------------------------------------

SPENT: Final = {"promptTokenCount": 12, "candidatesTokenCount": 30, "thoughtsTokenCount": 57}


def gemini_part(block: JSONObject) -> JSONObject:
    match block:
        case {"type": "thinking", "thinking": words}:
            part = {"text": words, "thought": True}
        case {"type": "text", "text": words}:
            part = {"text": words}
        case _:
            # Gemini gives its calls ids of its own, which are not always there.
            part = {"functionCall": {"name": block["name"], "args": block["input"]}}
    return part | ({"thoughtSignature": block["signature"]} if "signature" in block else {})


def gemini_whole(blocks: Blocks, end: str) -> bytes:
    parts = [gemini_part(block) for block in blocks]
    return orjson.dumps(google.chunk(*parts, finish=end or "STOP", usageMetadata=SPENT))


def gemini_stream(blocks: Blocks, end: str) -> bytes:
    chunks = [google.chunk(gemini_part(block)) for block in blocks]
    return google.sse(*chunks, google.chunk(finish=end or "STOP", usageMetadata=SPENT))


def gemini_read(body: JSONObject) -> list[Blocks]:
    return [
        [from_gemini(part) for part in content["parts"]]
        for content in body["contents"]
        if content["role"] == "model"
    ]


def from_gemini(part: JSONObject) -> JSONObject:
    signed = {"signature": part["thoughtSignature"]} if "thoughtSignature" in part else {}
    if "functionCall" in part:
        use = part["functionCall"]
        return {"type": "tool_use", "name": use["name"], "input": use["args"], **signed}
    if part.get("thought"):
        return {"type": "thinking", "thinking": part["text"], **signed}
    return {"type": "text", "text": part["text"], **signed}


# -- chat completions: a gateway that carries signatures, and a vendor that wants its text back ----


def tool_calls(blocks: Blocks) -> Blocks:
    uses = [block for block in blocks if block["type"] == "tool_use"]
    return [
        {
            "index": number,
            "id": use["id"],
            "type": "function",
            "function": {
                "name": use["name"],
                "arguments": orjson.dumps(use["input"]).decode() if use["input"] else "",
            },
        }
        for number, use in enumerate(uses)
    ]


def details(blocks: Blocks) -> Blocks:
    thoughts = [block for block in blocks if block["type"].endswith("thinking")]
    return [
        {"format": "anthropic-claude-v1", "index": number, **detail(block)}
        for number, block in enumerate(thoughts)
    ]


def detail(block: JSONObject) -> JSONObject:
    if block["type"] == "redacted_thinking":
        return {"type": "reasoning.encrypted", "data": block["data"]}
    signed = {key: block[key] for key in ("signature",) if key in block}
    return {"type": "reasoning.text", "text": block["thinking"], **signed}


def words_of(blocks: Blocks, kind: str) -> str:
    return "".join(block[kind] for block in blocks if block["type"] == kind)


def gateway_message(blocks: Blocks) -> JSONObject:
    return {"reasoning_details": details(blocks), "content": words_of(blocks, "text")}


def deepseek_message(blocks: Blocks) -> JSONObject:
    return {
        "reasoning_content": words_of(blocks, "thinking"),
        "content": words_of(blocks, "text"),
    }


def completions(message: Callable[[Blocks], JSONObject]) -> Vendor:
    """An API in OpenAI's form that writes its thinking in this way."""

    def fields(blocks: Blocks) -> JSONObject:
        used = tool_calls(blocks)
        return message(blocks) | ({"tool_calls": used} if used else {})

    def reason(blocks: Blocks, end: str) -> str:
        return end or ("tool_calls" if calls(blocks) else "stop")

    def whole(blocks: Blocks, end: str) -> bytes:
        body = orjson.loads(compatible.completion(fields(blocks), usage=compatible.USAGE))
        body["choices"][0]["finish_reason"] = reason(blocks, end)
        return orjson.dumps(body)

    def stream(blocks: Blocks, end: str) -> bytes:
        chunks = [compatible.chunk({"role": "assistant", "content": ""})]
        chunks += [compatible.chunk({key: value}) for key, value in fields(blocks).items()]
        chunks.append(compatible.chunk(finish_reason=reason(blocks, end)))
        counts = {**compatible.HEAD, "choices": [], "usage": compatible.USAGE}
        return compatible.sse(*chunks, counts) + compatible.DONE

    return Vendor(whole, stream, SSE, completions_read)


def completions_read(body: JSONObject) -> list[Blocks]:
    return [from_message(turn) for turn in body["messages"] if turn["role"] == "assistant"]


def from_message(turn: JSONObject) -> Blocks:
    blocks: Blocks = []
    for item in turn.get("reasoning_details", []):
        if "data" in item:
            blocks.append(hidden(item["data"]))
        else:
            blocks.append(thinking(item["text"], item.get("signature")))
    if words := turn.get("reasoning_content"):
        blocks.append(thinking(words))
    blocks += [text(words) for words in (turn["content"],) if words]
    for used in turn.get("tool_calls", []):
        given = orjson.loads(used["function"]["arguments"])
        name = used["function"]["name"]
        blocks.append({"type": "tool_use", "id": used["id"], "name": name, "input": given})
    return blocks


_CLAUDE: Final = Vendor(claude_whole, claude_stream, SSE, claude_read)
_GEMINI: Final = Vendor(gemini_whole, gemini_stream, SSE, gemini_read)
VENDORS: Final[dict[str, Vendor]] = {
    "anthropic": _CLAUDE,
    "vertex-claude": _CLAUDE,
    "invoke": Vendor(
        claude_whole,
        lambda blocks, end: invoked(claude_stream(blocks, end)),
        FRAMES,
        claude_read,
    ),
    "converse": Vendor(converse_whole, converse_stream, FRAMES, converse_read),
    "gemini": _GEMINI,
    "vertex-gemini": _GEMINI,
    "openrouter": completions(gateway_message),
    "deepseek": completions(deepseek_message),
}
