"""What hypothesis draws for dialects: replies as providers give them, and streams of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import orjson
from hypothesis import strategies as st

from asgi_thinking.events import (
    Event,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.messages import (
    Block,
    Choice,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    explode,
)
from tests.strategies import names, objects, texts, usages

signatures = st.none() | st.text("AZaz09+/=", min_size=1, max_size=8)
origins = st.sampled_from(["", "gemini", "vertex"])
arguments = st.just("") | objects.map(lambda value: orjson.dumps(value).decode())
vendor_blocks = objects.map(
    lambda value: orjson.dumps({"type": "server_tool_use", "input": value}).decode()
)

thinking = st.builds(Thinking, texts, signatures, origins)
answers = st.builds(Text, texts, signatures, origins)
calls = st.builds(ToolCall, names, names, arguments, signatures, origins)
blocks: st.SearchStrategy[Block] = (
    thinking
    | st.builds(RedactedThinking, texts, origins)
    | answers
    | calls
    | st.builds(Opaque, vendor_blocks, origins)
    | st.builds(Refusal, texts)
)
choices = st.builds(
    Choice,
    st.lists(blocks, max_size=6).map(tuple),
    st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    st.sampled_from(["", "end_turn"]),
)
replies = st.builds(
    Message,
    names,
    names,
    st.integers(0, 2**33),
    st.sampled_from(["anthropic", "bedrock", "vertex", "gemini", "openai"]),
    st.lists(choices, min_size=1, max_size=2).map(tuple),
    st.none() | usages,
)


@st.composite
def streams(draw: st.DrawFn, messages: st.SearchStrategy[Message] = replies) -> list[Event]:
    """The events of a reply, with fragments cut and signatures and usage where they may stand."""
    *events, done = explode(draw(messages))
    cut: list[Event] = []
    for event in events:
        match event:
            case TextDelta(_, text) | ThinkingDelta(_, text):
                place = draw(st.integers(0, len(text)))
                cut += [replace(event, text=part) for part in (text[:place], text[place:])]
            case ToolCallDelta(_, text):
                place = draw(st.integers(0, len(text)))
                cut += [replace(event, arguments=part) for part in (text[:place], text[place:])]
            case SignatureDelta() if draw(st.booleans()):
                start = next(n for n, e in enumerate(cut) if getattr(e, "index", -1) == event.index)
                cut.insert(start + 1, event)
            case Usage() if draw(st.booleans()):
                cut.insert(1, event)
            case _:
                cut.append(event)
    return [*cut, done]


def batches(events: Sequence[Event], places: Iterable[int]) -> list[list[Event]]:
    """The events in batches that end at these places."""
    bounds = [0, *sorted(place % len(events) for place in places), len(events)]
    cut = [list(events[a:b]) for a, b in pairwise(bounds)]
    return [batch for batch in cut if batch]


def said(blocks: Iterable[object]) -> list[Block]:
    """What must come back of a reply: thinking, redacted and text, with neighbouring texts joined.

    Who made a block matters only where something is signed, and a block with neither text nor
    signature says nothing.
    """
    kept: list[Block] = []
    for block in blocks:
        match block:
            case Thinking(text, signature) if text or signature:
                kept.append(block if signature else Thinking(text))
            case RedactedThinking():
                kept.append(block)
            case Text(text, None) if text:
                if kept and isinstance(last := kept[-1], Text) and last.signature is None:
                    kept[-1] = Text(last.text + text)
                else:
                    kept.append(Text(text))
            case Text(text, signature, origin) if signature:
                kept.append(Text(text, signature, origin))
            case _:
                pass
    return kept


def run_together(blocks: Iterable[Block]) -> list[Block]:
    """The same as a reader sees it to whom only a signature ends a thought, and who drops those of
    texts."""
    kept: list[Block] = []
    for block in said(replace(b, signature=None) if isinstance(b, Text) else b for b in blocks):
        last = kept[-1] if kept else None
        open_thought = last if isinstance(last, Thinking) and last.signature is None else None
        joins = open_thought is not None and isinstance(block, Thinking)
        kept[len(kept) - joins :] = [
            replace(block, text=open_thought.text + block.text) if joins else block
        ]
    return kept
