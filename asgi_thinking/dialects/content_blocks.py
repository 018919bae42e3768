"""Portkey's format for thinking, which Obiguard shares: blocks beside the answer.

    message = {"role", "content", "content_blocks": [block, …], "tool_calls"?}
    delta = {"content", "role"} | {"content_blocks": [{"index", "delta": part}]}
          | {"content", "content_blocks": [{"index", "delta": {"text"}}]} | {"tool_calls": […]}
    part = {"thinking": "", "signature": ""} | {"thinking"} | {"signature"} | {"data"} | {"text"}

Blocks are those of Anthropic's API without tool calls; the parts of a stream have no `type`, which
follows from their key. `provider` stands at the top of every reply and chunk, the finish reason is
the vendor's word, and the last chunk carries `usage`. A caller who did not ask to see thinking gets
OpenAI's format, but for `provider` and the place of `usage`.

Members of a block beyond the vendor's: `provider` names who can verify its signature, unless that
is Claude's family, and `after` says how many tool calls stood before it, unless none did. Gemini
signs texts and tool calls as well: their key is `thought_signature`, as this gateway has it for
calls. Of a block that is known to its vendor alone, `block_type` keeps the type in a stream.

Source: "Thinking Mode", indexed at https://docs.portkey.ai/docs/llms.txt and
https://docs.obiguard.ai/llms.txt, and https://github.com/Portkey-AI/gateway 1.15.2; read
2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from asgi_thinking import _fields as fields
from asgi_thinking.chunks import KEEP_ALIVE, StreamEncoder
from asgi_thinking.completions import (
    JSONObject,
    Seal,
    completion,
    passed_on,
    placed,
    plain_message,
    shown_message,
    signed,
    usage_object,
)
from asgi_thinking.dialects import Asked, CallSlot, among_calls
from asgi_thinking.echo import (
    calls_before,
    has_thinking,
    is_array,
    is_object,
    is_typed,
    read_block,
    read_blocks,
    read_seals,
)
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.lanes import Lane, json_line
from asgi_thinking.messages import (
    Block,
    Choice,
    Message,
    Opaque,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asgi_thinking.events import Annotation, Finish, MessageStart, Usage

__all__ = ["OBIGUARD", "PORTKEY", "ContentBlocksDialect"]

# What the gateways call our kinds of providers; others go by their own name.
# Source: https://github.com/Portkey-AI/gateway src/globals.ts 1.15.2, read 2026-11-22.
_PROVIDERS: Final = {"vertex": "vertex-ai", "gemini": "google"}

# Who made a signature that a tool call carries without saying so: only Gemini signs calls.
_SIGNS_CALLS: Final = "gemini"

# The keys of a stream's parts whose values are fragments of one string, and the type each tells.
_FRAGMENTS: Final = {
    "thinking": "thinking",
    "signature": "thinking",
    "data": "redacted_thinking",
    "text": "text",
    "thought_signature": "text",
}


class ContentBlocksDialect:
    """Thinking in `content_blocks`.

    Args:
        name: what `x-thinking-dialect` calls it.
        opt_in: the gateway's strictness header, in lower case.
        keep_alive: bytes that the gateway's clients take for nothing.
    """

    __slots__ = ("_keep_alive", "name", "opt_in")

    shows_thinking = True
    ordered = True
    in_content = False
    own_keys = frozenset({"content_blocks"})
    plain = False

    def __init__(self, name: str, opt_in: bytes, keep_alive: bytes) -> None:
        self.name = name
        self.opt_in: bytes | None = opt_in
        self._keep_alive = keep_alive

    def encode_message(self, message: Message, asked: Asked) -> dict[str, Any]:
        """A whole reply, with `content_blocks` if thinking was asked for."""
        write = _thinking_choice if asked.thinking else _plain_choice
        choices = [write(index, choice) for index, choice in enumerate(message.choices)]
        return completion(message, choices, _usage, _provider(message.provider))

    def encoder(self, asked: Asked) -> StreamEncoder:
        """An encoder that sends `content_blocks` if thinking was asked for."""
        kind = _ThinkingEncoder if asked.thinking else _PlainEncoder
        return kind(include_usage=False, seal=_seal, keep_alive=self._keep_alive)

    def read_echo(self, message: Mapping[str, Any]) -> list[Block | CallSlot] | None:
        """The blocks of `content_blocks`, whole or in parts, or of a `content` array with thinking.

        A `ToolCall` among them holds nothing but the signature for the call of its id.

        Raises:
            InvalidRequest: a field is of the wrong type; `param` as in `content_blocks[0].data`.
        """
        if is_typed(message.get("content_blocks")):
            blocks = fields.required(message, "content_blocks", read_blocks)
        elif has_thinking(message.get("content")):
            blocks = fields.required(message, "content", read_blocks)
        else:
            blocks = _read_parts(message.get("content_blocks"))
        calls = message.get("tool_calls")
        return [*among_calls(blocks, calls), *read_seals(calls, "function", _SIGNS_CALLS)] or None


PORTKEY: Final = ContentBlocksDialect("portkey", b"x-portkey-strict-open-ai-compliance", KEEP_ALIVE)

# Obiguard's own Python client fails on comments; an empty line dispatches nothing in any client.
# Source: obiguard 1.0.19 on https://pypi.org/project/obiguard/, read 2026-11-22.
OBIGUARD: Final = ContentBlocksDialect("obiguard", b"x-obiguard-strict-open-ai-compliance", b"\n")


def _provider(kind: str) -> str:
    return _PROVIDERS.get(kind, kind)


def _usage(usage: Usage) -> JSONObject:
    """OpenAI's counts; this gateway always has `cached_tokens`."""
    counts = usage_object(usage)
    details = {"cached_tokens": 0, **counts.pop("prompt_tokens_details", {})}
    answer = {key: counts.pop(key) for key in ("completion_tokens_details",) if key in counts}
    return {**counts, "prompt_tokens_details": details, **answer}


def _seal(signature: str, origin: str) -> tuple[JSONObject, JSONObject]:
    provider = "" if origin == _SIGNS_CALLS else origin
    return signed({}, signature, provider, "thought_signature"), {}


# -- whole replies -----------------------------------------------------------------------------


def _choice(choice: Choice, index: int, message: JSONObject, reason: str) -> JSONObject:
    extras = passed_on(choice.extras)
    return {
        "message": {**message, **passed_on(choice.delta_extras)},
        "index": index,
        "logprobs": extras.pop("logprobs", None),
        "finish_reason": reason,
        **extras,
    }


def _plain_choice(index: int, choice: Choice) -> JSONObject:
    return _choice(choice, index, plain_message(choice, _seal), choice.finish)


def _thinking_choice(index: int, choice: Choice) -> JSONObject:
    message = shown_message(choice, _seal)
    calls = {key: message.pop(key) for key in ("tool_calls",) if key in message}
    if blocks := _blocks(choice.blocks):
        message["content_blocks"] = blocks
    return _choice(choice, index, {**message, **calls}, choice.native or choice.finish)


def _blocks(blocks: Sequence[Block]) -> list[JSONObject]:
    items: list[JSONObject] = []
    calls = 0
    for block in blocks:
        if isinstance(block, ToolCall):
            calls += 1
        elif (item := _block(block)) is not None:
            items.append(placed(item, calls))
    return items


def _block(block: Block) -> JSONObject | None:
    """A block as Anthropic has it; None for what stands elsewhere or has nothing to say."""
    match block:
        case Thinking(text, signature, origin) if text or signature:
            return signed({"type": "thinking", "thinking": text}, signature, origin)
        case RedactedThinking(data, origin):
            return signed({"type": "redacted_thinking", "data": data}, None, origin)
        case Text(text, signature, origin, citations) if text or signature:
            fields = signed({"type": "text", "text": text}, signature, origin, "thought_signature")
            if sources := [citation.raw for citation in citations if citation.raw]:
                fields["citations"] = sources
            return fields
        case Opaque(data, origin):
            return signed(orjson.loads(data), None, origin)
        case _:
            return None


# -- streams -----------------------------------------------------------------------------------


class _PlainEncoder(StreamEncoder):
    """OpenAI's chunks in this gateway's order of keys; the last one carries `usage`."""

    __slots__ = ("_held",)

    finish = b'"delta":{},'

    def __init__(self, *, include_usage: bool, seal: Seal, keep_alive: bytes) -> None:
        super().__init__(include_usage=include_usage, seal=seal, keep_alive=keep_alive)
        self._held: list[Finish] = []

    def _head_fields(self, start: MessageStart) -> JSONObject:
        return {**super()._head_fields(start), "provider": _provider(start.provider)}

    def _around(self, choice: int) -> tuple[bytes, bytes]:
        after = b'},"index":%d,"logprobs":null,"finish_reason":null}]}\n\n' % choice
        return self._head + b'{"delta":{', after

    def _finish(self, event: Finish) -> None:
        """Wait for the usage, which may come later."""
        self._held.append(event)

    def _end(self) -> None:
        usage = b""
        if self.account.usage is not None:
            usage = b',"usage":' + json_line(_usage(self.account.usage))
        for event in self._held:
            self._send_finish(event, usage if event is self._held[-1] else b"")


class _ThinkingEncoder(_PlainEncoder):
    """Blocks in parts; a text goes into `content` as well."""

    __slots__ = ("_blocks",)

    role = b'"content":"","role":"assistant"'

    def __init__(self, *, include_usage: bool, seal: Seal, keep_alive: bytes) -> None:
        super().__init__(include_usage=include_usage, seal=seal, keep_alive=keep_alive)
        self._blocks: dict[int, int] = {}

    def _open(self, lane: Lane) -> None:
        block = lane.block
        match block.kind:
            case "thinking":
                first: JSONObject = {"thinking": "", "signature": ""}
            case "text":
                first = {"text": ""}
            case "redacted_thinking":
                first = {"data": block.data or ""}
            case "opaque":
                first = orjson.loads(block.data or "{}")
                first["block_type"] = first.pop("type", "")
            case _:
                super()._open(lane)
                return
        # Calls have no number here: a list with gaps would break openai-python's stream helper.
        lane.number = self._blocks.get(block.choice, 0)
        self._blocks[block.choice] = lane.number + 1
        first = placed(signed(first, None, block.origin), self._calls.get(block.choice, 0))
        self._part(lane, first)
        if block.kind in ("thinking", "text"):
            self._frame(lane)

    def _frame(self, lane: Lane) -> None:
        super()._frame(lane)
        before, after = self._around(lane.block.choice)
        part = b'"content_blocks":[{"index":%d,"delta":{' % lane.number
        if lane.block.kind == "thinking":
            lane.prefix, lane.suffix = before + part + b'"thinking":', b"}}]" + after
        elif lane.block.kind == "text":
            lane.middle, lane.suffix = b"," + part + b'"text":', b"}}]" + after

    def _close(self, lane: Lane) -> None:
        super()._close(lane)
        if lane.signature and lane.block.kind == "thinking":
            self._part(lane, {"signature": lane.signature})
        elif lane.signature and lane.block.kind == "text":
            self._part(lane, {"thought_signature": lane.signature})

    def _cite(self, event: Annotation) -> None:
        super()._cite(event)
        if event.raw:
            self._part(self._lanes[event.index], {"citation": event.raw})

    def _finish_reason(self, event: Finish) -> str:
        return event.native or event.reason

    def _part(self, lane: Lane, delta: Mapping[str, Any]) -> None:
        item = {"index": lane.number, "delta": delta}
        self._chunk(lane.block.choice, b'"content_blocks":' + json_line([item]))


# -- what clients send back --------------------------------------------------------------------


class _Fragments(list[str]):
    """The fragments of one text, in order."""


def _read_parts(items: Any) -> list[tuple[int, Block]]:
    """The blocks of a stream's parts, whether a client has merged them or only collected them."""
    slots: dict[int, tuple[int, JSONObject]] = {}
    for position, item in enumerate(items if is_array(items) else ()):
        if not is_object(item) or not is_object(delta := item.get("delta")):
            continue
        if not isinstance(index := item.get("index"), int):
            continue
        slot = slots.setdefault(index, (position, {}))[1]
        for key, value in delta.items():
            # Kept apart until all are there: adding to a long text again and again takes minutes.
            old = slot.get(key)
            if isinstance(old, _Fragments) and isinstance(value, str):
                old.append(value)
            else:
                fragment = key in _FRAGMENTS and isinstance(value, str)
                slot[key] = _Fragments([value]) if fragment else value
    blocks: list[tuple[int, Block]] = []
    for position, slot in (slots[index] for index in sorted(slots)):
        merged = {k: "".join(v) if isinstance(v, _Fragments) else v for k, v in slot.items()}
        try:
            block = read_block(_typed(merged))
        except InvalidRequest as error:
            raise fields.under(f"content_blocks[{position}].delta", error) from None
        if block is not None:
            blocks.append((calls_before(slot), block))
    return blocks


def _typed(slot: JSONObject) -> JSONObject:
    """A merged part with its type, which follows from its keys."""
    if "type" in slot:
        return slot
    if "block_type" in slot:
        return {"type": slot.pop("block_type"), **slot}
    return {"type": next((_FRAGMENTS[key] for key in slot if key in _FRAGMENTS), ""), **slot}
