"""Replies worth remembering, and what a client that keeps only OpenAI's fields sends back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from asgi_thinking.messages import (
    Block,
    Opaque,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
    Turn,
)
from asgi_thinking.replay import is_verifiable
from tests.strategies import names, objects, opaque, origins, redacted, signatures, texts

__all__ = ["expected", "lost", "reply_blocks", "returned", "rewritten", "tenants"]

tenants = names

_sealed = st.text("AZaz09+/=", min_size=1, max_size=8)
_thinking = st.builds(Thinking, texts, _sealed, origins)
_answers = st.builds(Text, texts, signatures, origins)
_calls = st.builds(ToolCall, texts, names, objects.map(json.dumps), signatures, origins)


def _with_ids(blocks: list[Block]) -> tuple[Block, ...]:
    """The blocks with an id of its own for each call."""
    return tuple(
        replace(block, id=f"{block.id}_{number}") if isinstance(block, ToolCall) else block
        for number, block in enumerate(blocks)
    )


# Blocks of which something can be verified and something was called.
reply_blocks: st.SearchStrategy[tuple[Block, ...]] = (
    st.lists(_thinking | redacted | opaque | _answers | _calls, min_size=1, max_size=8)
    .map(_with_ids)
    .filter(lambda blocks: any(isinstance(b, ToolCall) for b in blocks))
    .filter(lambda blocks: any(is_verifiable(b) for b in blocks))
)


def rewritten(call: ToolCall) -> ToolCall:
    """A call as a client sends it back: unsigned, its arguments read and written anew."""
    arguments = _written(json.loads(call.arguments))
    return replace(call, arguments=arguments, signature=None, origin="")


def _written(value: Any) -> str:
    """JSON as no server here writes it: other spaces, escapes and order of keys."""
    if isinstance(value, dict):
        pairs = [f"{json.dumps(name)} : {_written(value[name])}" for name in reversed(value)]
        return "{ " + " , ".join(pairs) + " }"
    if isinstance(value, list):
        return "[ " + " , ".join(_written(member) for member in value) + " ]"
    if isinstance(value, int) and not isinstance(value, bool):
        return json.dumps(float(value))
    return json.dumps(value)


def returned(blocks: Sequence[Block]) -> Turn:
    """The assistant's message of a client that keeps content and tool calls alone."""
    answer = "".join(block.text for block in blocks if isinstance(block, Text))
    calls = [rewritten(block) for block in blocks if isinstance(block, ToolCall)]
    return Turn("assistant", (*([Text(answer)] if answer else []), *calls))


def expected(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The reply's blocks, with arguments as the client wrote them; no origin without signature."""
    kept: list[Block] = []
    for block in blocks:
        known: Block = block
        if isinstance(known, ToolCall):
            known = replace(known, arguments=rewritten(known).arguments)
        if isinstance(known, Text | ToolCall):
            sealed = (known.signature, known.origin) if known.signature else (None, "")
            known = replace(known, signature=sealed[0], origin=sealed[1])
        if known != Text(""):
            kept.append(known)
    return tuple(kept)


def lost(blocks: Sequence[Block]) -> list[Block]:
    """What no field of OpenAI's can hold."""
    return [b for b in blocks if isinstance(b, Thinking | RedactedThinking | Opaque)]
