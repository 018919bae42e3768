"""Laws of the formats of OpenRouter, LiteLLM and those that have thinking as text alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.litellm import LITELLM
from asgi_thinking.dialects.openrouter import OPENROUTER
from asgi_thinking.dialects.reasoning_text import DEEPSEEK, REASONING, ReasoningTextDialect
from asgi_thinking.dialects.think_tags import THINK_TAGS
from asgi_thinking.events import Event
from asgi_thinking.messages import Block, Choice, Message, Text, Thinking, assemble
from tests.dialects import clients
from tests.dialects.drawn import replies, said, streams
from tests.dialects.kept import (
    SHOWN,
    behind,
    called,
    echo,
    encode,
    messages,
    sealed,
    signed_calls,
)
from tests.strategies import shared
from tests.strictness import check_completion, check_stream

LAWS = 8

both_texts = pytest.mark.parametrize("dialect", [DEEPSEEK, REASONING], ids=lambda it: it.name)

# What may be of a tag, or stands beside one.
pieces = st.sampled_from(
    ["</think", "</", "think", "ing", "\\", ">", "<", "\n", "a", "é", "<think>"]
)
tagged = st.lists(pieces, max_size=12).map("".join)
thoughts = st.lists(st.builds(Thinking, tagged), max_size=3)
tagged_choices = st.builds(
    lambda first, answer, late: Choice((*first, *([Text(answer)] if answer else []), *late)),
    thoughts,
    st.just("") | st.just("27") | tagged,
    thoughts,
)
tagged_replies = st.builds(
    Message,
    st.just("id"),
    st.just("model"),
    st.just(0),
    st.just("anthropic"),
    st.lists(tagged_choices, min_size=1, max_size=2).map(tuple),
)


def without_texts_seals(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks without the signatures for which LiteLLM has no place."""
    return tuple(replace(b, signature=None) if isinstance(b, Text) else b for b in blocks)


def thought(choice: Choice) -> str:
    """All that was thought, as one text."""
    return "\n\n".join(b.text for b in choice.blocks if isinstance(b, Thinking) and b.text)


@shared(LAWS)
@given(replies)
def test_openrouter_echoes_are_exact(message: Message) -> None:
    """What a client sends back of a message has every thought, text and signature in its place."""
    for choice, sent in zip(message.choices, messages(OPENROUTER, message, SHOWN), strict=True):
        found = echo(OPENROUTER, sent)
        assert sealed(choice.blocks) == said(found)
        assert behind(called(choice)) == behind(found)
        assert signed_calls(choice.blocks) == signed_calls(found)


@shared(LAWS)
@given(streams())
def test_openrouter_streams_are_echoed_exactly(events: list[Event]) -> None:
    """Items that were only collected mean the same as those that openai-python merged."""
    data = encode(OPENROUTER, events, SHOWN)

    helped = clients.by_openai(data)
    for number, choice in enumerate(assemble(events).choices):
        found = echo(OPENROUTER, clients.by_openrouter(data, number))
        assert sealed(choice.blocks) == said(found)
        assert behind(choice.blocks) == behind(found)
        assert signed_calls(choice.blocks) == signed_calls(found)
        assert said(found) == said(echo(OPENROUTER, helped[number]))
        assert (helped[number].get("reasoning") or "") == thought(choice)


@shared(LAWS)
@given(replies)
def test_litellm_echoes_are_exact(message: Message) -> None:
    """What a client sends back of a message has all but the signatures of texts, in order."""
    for choice, sent in zip(message.choices, messages(LITELLM, message, SHOWN), strict=True):
        found = echo(LITELLM, sent)
        assert sealed(without_texts_seals(called(choice))) == said(found)
        assert behind(called(choice)) == behind(found)
        assert signed_calls(called(choice)) == signed_calls(found)


@shared(LAWS)
@given(streams())
def test_litellm_streams_are_echoed_exactly(events: list[Event]) -> None:
    """Fragments that were only collected mean the same as blocks that openai-python merged."""
    data = encode(LITELLM, events, SHOWN)

    helped = clients.by_openai(data)
    for number, choice in enumerate(assemble(events).choices):
        found = echo(LITELLM, clients.by_litellm(data, number))
        assert sealed(without_texts_seals(choice.blocks)) == said(found)
        assert behind(choice.blocks) == behind(found)
        assert signed_calls(choice.blocks) == signed_calls(found)
        assert sealed(without_texts_seals(choice.blocks)) == said(echo(LITELLM, helped[number]))
        assert (helped[number].get("reasoning_content") or "") == thought(choice)


@both_texts
@shared(LAWS)
@given(streams())
def test_texts_are_echoed_whole(dialect: ReasoningTextDialect, events: list[Event]) -> None:
    """The one string has all that was thought, whole and streamed, and comes back so."""
    message = assemble(events)
    (key,) = dialect.own_keys
    data = encode(dialect, events, SHOWN)

    helped = clients.by_openai(data)
    for number, sent in enumerate(messages(dialect, message, SHOWN)):
        expected = thought(message.choices[number])
        assert (expected or None) == sent[key]
        assert (
            expected == clients.by_text(key)(data, number)[key] == (helped[number].get(key) or "")
        )
        assert [Thinking(expected)] * bool(expected) == echo(dialect, sent)


@shared(LAWS)
@given(streams(tagged_replies), st.booleans())
def test_tags_are_openais_and_echoed(events: list[Event], usage: bool) -> None:
    """Closed validators accept them, and no thought gets out of its tags, or the answer into them.

    Of line ends beside a tag nobody knows whose they are.
    """
    asked = Asked(thinking=True, include_usage=usage)
    message = assemble(events)
    data = encode(THINK_TAGS, events, asked)

    check_completion(THINK_TAGS.encode_message(message, asked))
    check_stream(data)
    for number, sent in enumerate(messages(THINK_TAGS, message, asked)):
        blocks = message.choices[number].blocks
        place = next((i for i, b in enumerate(blocks) if isinstance(b, Text)), len(blocks))
        first, answer = thought(Choice(blocks[:place])), message.choices[number].text
        expected = [Thinking(first.strip("\n")), *([Text(answer.lstrip("\n"))])]
        assert sent["content"] == clients.plain(data, number)["content"]
        if first:
            assert [block for block in expected if block != Text("")] == echo(THINK_TAGS, sent)
        else:
            assert answer == sent["content"]
