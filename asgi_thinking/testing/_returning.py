"""Whether a provider takes back what its own replies hold, as its next turns need it."""

from __future__ import annotations

from collections.abc import Iterator

from asgi_thinking.history import keep_verifiable
from asgi_thinking.messages import Message, Text, Thinking, ToolCall, Turn
from asgi_thinking.providers import HTTPProvider
from asgi_thinking.requests import ChatRequest

__all__ = ["returning_faults"]


def returning_faults(
    provider: HTTPProvider, request: ChatRequest, message: Message
) -> Iterator[str]:
    """What is lost of a reply that a client sends back whole, with the results of its calls."""
    blocks = message.choices[0].blocks if message.choices else ()
    said = Turn("assistant", blocks)
    results = tuple(
        Turn("tool", (Text("42"),), tool_call_id=block.id)
        for block in blocks
        if isinstance(block, ToolCall)
    )
    accepts = provider.accepts_for(request.model)
    turns, dropped = keep_verifiable((*request.messages, said, *results), accepts)
    for what in dropped:
        _, place, reason = what.partition(": ")
        if place and " of " in reason:
            yield f"does not accept what it gives itself: {reason.replace(' dropped', '')}"
    if not results or not provider.capabilities(request.model).signs:
        return
    body = provider.build(request.but(messages=turns)).body
    kept = [part for turn in turns if turn.role == "assistant" for part in turn.parts]
    for part in kept:
        if isinstance(part, Thinking | ToolCall) and (part.signature or "").encode() not in body:
            yield "does not send back the signatures that it accepts"
