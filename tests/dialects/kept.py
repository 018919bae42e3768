"""What a client keeps of a reply, and what must come back of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from asgi_thinking.dialects import Asked, CallSlot, Dialect
from asgi_thinking.events import Event
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
from tests.dialects.drawn import said

SHOWN = Asked(thinking=True)


def encode(dialect: Dialect, events: list[Event], asked: Asked) -> bytes:
    return dialect.encoder(asked).feed(events)


def messages(dialect: Dialect, message: Message, asked: Asked) -> list[dict[str, Any]]:
    body = orjson.loads(orjson.dumps(dialect.encode_message(message, asked)))
    return [choice["message"] for choice in body["choices"]]


def echo(dialect: Dialect, message: dict[str, Any]) -> list[Any]:
    return list(dialect.read_echo(message) or ())


def shown(blocks: tuple[Block, ...]) -> list[Block]:
    """What a reply that holds any thought must give back of itself."""
    kept = said(blocks)
    thoughtful = any(isinstance(block, Thinking | RedactedThinking) for block in kept)
    return kept if thoughtful else []


def sealed(blocks: tuple[Block, ...]) -> list[Block]:
    """The same where signatures of texts and of calls are kept with the thoughts."""
    signed = any(isinstance(block, Text | ToolCall) and block.signature for block in blocks)
    return said(blocks) if signed else shown(blocks)


def signed_calls(blocks: Iterable[Block]) -> list[tuple[str, str | None]]:
    signed = (block for block in blocks if isinstance(block, ToolCall) and block.signature)
    return [(call.id, call.signature) for call in signed]


def behind(blocks: Iterable[object]) -> list[int]:
    """How many calls, or their slots, stand before each thought."""
    found: list[int] = []
    calls = 0
    for block in blocks:
        calls += isinstance(block, CallSlot) or (isinstance(block, ToolCall) and bool(block.name))
        if isinstance(block, RedactedThinking) or block_says(block):
            found.append(calls)
    return found


def block_says(block: object) -> bool:
    return isinstance(block, Thinking) and bool(block.text or block.signature)


def called(choice: Choice) -> tuple[Block, ...]:
    """The blocks as a client sees them, who is told of no calls in a refused reply."""
    if choice.finish != "content_filter":
        return choice.blocks
    return tuple(block for block in choice.blocks if not isinstance(block, ToolCall))


def vendors_own(blocks: Iterable[Block]) -> list[tuple[Any, str]]:
    return [(orjson.loads(b.data), b.origin) for b in blocks if isinstance(b, Opaque)]
