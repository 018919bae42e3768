"""TrueFoundry's first format for thinking, which clients ask for with `X-TFY-STRICT-OPENAI: false`.

    message = {"role", "content": [{"type": "thinking", "thinking", "signature"?},
               {"type": "redacted_thinking", "data"}, {"type": "text", "text"}], "tool_calls"?}
    delta = {"role"?, "thinking"} | {"signature"} | {"redacted_thinking"} | {"role"?, "content"}

`content` is a string where nothing was thought. A part that stood behind n tool calls says so, in
`"after": {"tool_calls": n}`; in a stream its signature or data does. `provider` stands at the top
of every reply and chunk, the finish reason is the vendor's word, and `usage` has three counts. A
caller who did not ask to see thinking gets OpenAI's format, with `provider`.

Source: "Reasoning Models (Claude Only)", indexed at https://www.truefoundry.com/llms.txt, read
2026-11-22.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from asgi_thinking import _fields as fields
from asgi_thinking.chunks import StreamEncoder
from asgi_thinking.completions import (
    JSONObject,
    Seal,
    completion,
    google_seal,
    passed_on,
    placed,
    plain_choice,
    plain_message,
    shown_message,
    signed,
    three_counts,
)
from asgi_thinking.dialects import Asked, CallSlot, among_calls
from asgi_thinking.echo import THINKING_TYPES, has_thinking, read_blocks
from asgi_thinking.lanes import Lane, members
from asgi_thinking.messages import (
    Block,
    Choice,
    Message,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asgi_thinking.events import BlockKind, BlockStart, Finish, MessageStart, Usage

__all__ = ["TRUEFOUNDRY_LEGACY", "TrueFoundryLegacyDialect"]

# What the gateway calls our kinds of providers; others go by their own name.
# Source: "Reasoning Models (Claude Only)", https://www.truefoundry.com/llms.txt, read 2026-11-22.
_PROVIDERS: Final = {"bedrock": "aws", "vertex": "google", "gemini": "google"}


class TrueFoundryLegacyDialect:
    """Thinking as parts of `content`."""

    __slots__ = ()

    name = "truefoundry-legacy"
    opt_in: bytes | None = b"x-tfy-strict-openai"
    shows_thinking = True
    ordered = True
    in_content = False
    own_keys = frozenset({"thinking", "redacted_thinking", "signature"})
    plain = False

    def encode_message(self, message: Message, asked: Asked) -> dict[str, Any]:
        """A whole reply, with thinking in the `content` array if it was asked for."""
        write = _thinking_choice if asked.thinking else _plain_choice
        choices = [write(index, choice) for index, choice in enumerate(message.choices)]
        return completion(message, choices, three_counts, _provider(message.provider))

    def encoder(self, asked: Asked) -> StreamEncoder:
        """An encoder that sends thinking as `delta.thinking` if it was asked for."""
        kind = _ThinkingEncoder if asked.thinking else _PlainEncoder
        return kind(include_usage=asked.include_usage, seal=google_seal)

    def read_echo(self, message: Mapping[str, Any]) -> list[Block | CallSlot] | None:
        """The blocks of a `content` array that has thinking in it.

        Raises:
            InvalidRequest: a field is of the wrong type; `param` as in `content[0].signature`.
        """
        if not has_thinking(message.get("content")):
            return None
        blocks = fields.required(message, "content", read_blocks)
        return among_calls(blocks, message.get("tool_calls"))


TRUEFOUNDRY_LEGACY: Final = TrueFoundryLegacyDialect()


def _provider(kind: str) -> str:
    return _PROVIDERS.get(kind, kind)


def _plain_choice(index: int, choice: Choice) -> JSONObject:
    return plain_choice(index, choice, plain_message(choice, google_seal))


def _thinking_choice(index: int, choice: Choice) -> JSONObject:
    message = shown_message(choice, google_seal)
    parts = _parts(choice.blocks)
    if any(part["type"] in THINKING_TYPES for part in parts):
        message["content"] = parts
    return {
        "index": index,
        "message": {**message, **passed_on(choice.delta_extras)},
        "finish_reason": choice.native or choice.finish,
        **passed_on(choice.extras),
    }


def _parts(blocks: Sequence[Block]) -> list[JSONObject]:
    parts: list[JSONObject] = []
    calls = 0
    for block in blocks:
        if isinstance(block, ToolCall):
            calls += 1
        elif (part := _part(block)) is not None:
            parts.append(placed(part, calls))
    return parts


def _part(block: Block) -> JSONObject | None:
    """A block as a part of `content`; None for what stands elsewhere or has nothing to say."""
    match block:
        case Thinking(text, signature, origin) if text or signature:
            return signed({"type": "thinking", "thinking": text}, signature, origin)
        case RedactedThinking(data, origin):
            return signed({"type": "redacted_thinking", "data": data}, None, origin)
        case Text(text, signature, origin) if text or signature:
            return signed({"type": "text", "text": text}, signature, origin, "thought_signature")
        case _:
            return None


class _PlainEncoder(StreamEncoder):
    """OpenAI's chunks, with this gateway's ids, `provider` and counts."""

    __slots__ = ()

    def _head_fields(self, start: MessageStart) -> JSONObject:
        provider = _provider(start.provider)
        # The gateway has milliseconds here; the same reply must always give the same bytes.
        digest = hashlib.sha256(start.id.encode()).digest()
        number = start.created * 1000 + int.from_bytes(digest[:8]) % 1000
        fields = super()._head_fields(start)
        return {**fields, "id": f"{provider}-{number}", "provider": provider}

    def _usage_fields(self, usage: Usage) -> JSONObject:
        return three_counts(usage)


class _ThinkingEncoder(_PlainEncoder):
    """The gateway's own deltas; the role comes with the first thinking and the first content."""

    __slots__ = ("_spoken",)

    finish = b'"delta":{},'

    def __init__(self, *, include_usage: bool, seal: Seal) -> None:
        super().__init__(include_usage=include_usage, seal=seal)
        self._spoken: set[tuple[int, BlockKind]] = set()

    def _around(self, choice: int) -> tuple[bytes, bytes]:
        return self._head + b'{"index":%d,"delta":{' % choice, b"}}]}\n\n"

    def _greet(self, choice: int) -> None:
        """Nothing: there is no chunk for the role alone, unless nothing else could bring it."""

    def _open(self, lane: Lane) -> None:
        block = lane.block
        match block.kind:
            case "thinking":
                self._frame(lane)
            case "redacted_thinking":
                delta = signed({"redacted_thinking": block.data}, None, block.origin)
                self._chunk(block.choice, members(self._placed(delta, block)))
            case "tool_call":
                self._introduce(block.choice)
                super()._open(lane)
            case _:
                super()._open(lane)

    def _frame(self, lane: Lane) -> None:
        super()._frame(lane)
        if lane.block.kind == "thinking":
            lane.prefix = self._around(lane.block.choice)[0] + b'"thinking":'

    def _begin(self, lane: Lane, text: str) -> tuple[bytes, str]:
        prefix, text = super()._begin(lane, text)
        if lane.block.kind == "tool_call":
            return prefix, text
        opening = self._around(lane.block.choice)[0]
        return opening + self._role(lane.block) + prefix.removeprefix(opening), text

    def _close(self, lane: Lane) -> None:
        super()._close(lane)
        block = lane.block
        if not lane.signature or block.kind not in ("thinking", "text"):
            return
        hidden = block.kind == "thinking" and not lane.flows
        key = "signature" if block.kind == "thinking" else "thought_signature"
        delta: JSONObject = {"thinking": ""} if hidden else {}
        role = self._role(block) if hidden else b""
        delta = self._placed(signed(delta, lane.signature, block.origin, key), block)
        self._chunk(block.choice, role + members(delta))

    def _placed(self, delta: JSONObject, block: BlockStart) -> JSONObject:
        return placed(delta, self._calls.get(block.choice, 0))

    def _finish_reason(self, event: Finish) -> str:
        return event.native or event.reason

    def _finish(self, event: Finish) -> None:
        self._introduce(event.choice)
        super()._finish(event)

    def _role(self, block: BlockStart) -> bytes:
        """The role, if this is the choice's first delta of its kind."""
        if (block.choice, block.kind) in self._spoken:
            return b""
        self._spoken.add((block.choice, block.kind))
        self._greeted.add(block.choice)
        return b'"role":"assistant",'

    def _introduce(self, choice: int) -> None:
        """Send the role alone where neither thinking nor content came before."""
        if choice not in self._greeted:
            self._greeted.add(choice)
            self._chunk(choice, b'"role":"assistant"')
