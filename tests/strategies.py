"""What hypothesis draws: JSON, blocks, replies and turns; and the grammar that all events obey."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from asgi_thinking.events import (
    Done,
    Event,
    MessageStart,
    StreamError,
    Usage,
)
from asgi_thinking.messages import (
    Block,
    Choice,
    Citation,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
)
from asgi_thinking.testing._grammar import grammar_faults


def shared(number: int) -> settings:
    """Settings for each of a number of tests that share one law's examples."""
    return settings(max_examples=max(100, settings().max_examples // number))


# A law that holds of every vendor's wire has its examples shared by their tests.
WIRES = 4

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
signatures = st.none() | st.text("AZaz09+/=", max_size=8)
origins = st.sampled_from(["", "gemini", "openai"])

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(texts, values, max_size=2)

# Shapes near enough to the real ones that the readers get past the first check.
keys = st.sampled_from(
    [
        "type",
        "function",
        "name",
        "description",
        "parameters",
        "strict",
        "effort",
        "max_tokens",
        "exclude",
        "enabled",
        "display",
        "budget_tokens",
        "include_usage",
        "json_schema",
        "schema",
        "allowed_tools",
        "mode",
        "tools",
        "google_search",
        "cache_control",
        "role",
        "content",
        "text",
        "image_url",
        "url",
        "file",
        "file_data",
        "file_id",
        "filename",
        "tool_calls",
        "id",
        "arguments",
        "tool_call_id",
        "refusal",
        "extra_content",
        "google",
        "thought_signature",
        "is_error",
    ]
)
words = st.sampled_from(
    [
        "function",
        "allowed_tools",
        "auto",
        "required",
        "none",
        "enabled",
        "adaptive",
        "disabled",
        "high",
        "low",
        "json_schema",
        "json_object",
        "text",
        "image_url",
        "file",
        "user",
        "assistant",
        "tool",
        "system",
        "google_search",
        "{}",
        "data:,x",
        "data:image/png;base64,AA==",
        "gs://b/o",
        "https://example.com/a.png",
    ]
)
likely = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)

thinking = st.builds(Thinking, texts, signatures, origins)
redacted = st.builds(RedactedThinking, texts, origins)
opaque = st.builds(Opaque, objects.map(repr), origins)
calls = st.builds(ToolCall, names, names, texts, signatures, origins)
citations = st.builds(Citation, st.integers(0), st.integers(0), texts, texts, objects)
answers = st.builds(
    Text, texts, signatures, origins, st.lists(citations, max_size=2).map(tuple), st.none()
)
refusals = st.builds(Refusal, texts)

blocks: st.SearchStrategy[Block] = thinking | redacted | opaque | calls | answers | refusals

choices = st.builds(
    Choice,
    st.lists(blocks, max_size=5).map(tuple),
    st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    texts,
    objects,
    objects,
)
counts = st.none() | st.integers(0, 2**40)
usages = st.builds(Usage, counts, counts, counts, counts, counts)
replies = st.builds(
    Message,
    names,
    names,
    st.integers(0, 2**40),
    names,
    st.lists(choices, max_size=3).map(tuple),
    st.none() | usages,
    objects,
)

assistant_turns = st.builds(Turn, st.just("assistant"), st.lists(blocks, max_size=4).map(tuple))
user_turns = st.builds(Turn, st.just("user"), st.lists(answers, max_size=2).map(tuple))
conversations = st.lists(assistant_turns | user_turns, max_size=6).map(tuple)


def check_grammar(events: Iterable[Event]) -> None:
    """Fail unless these are the events of one whole reply, good or failed."""
    reply = [*events]
    assert isinstance(reply[0], MessageStart)
    assert isinstance(reply[-1], Done | StreamError)
    assert grammar_faults(reply) == []
