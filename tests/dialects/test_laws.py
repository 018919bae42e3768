"""Laws of every dialect, for whatever a provider may reply."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.dialects.content_blocks import OBIGUARD, PORTKEY
from asgi_thinking.dialects.litellm import LITELLM
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.dialects.openrouter import OPENROUTER
from asgi_thinking.dialects.reasoning_text import DEEPSEEK, REASONING
from asgi_thinking.dialects.think_tags import THINK_TAGS
from asgi_thinking.dialects.truefoundry import TRUEFOUNDRY
from asgi_thinking.dialects.truefoundry_legacy import TRUEFOUNDRY_LEGACY
from asgi_thinking.events import Done, Event, StreamError
from asgi_thinking.exceptions import UpstreamStatusError
from asgi_thinking.messages import (
    Block,
    Choice,
    Message,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
    assemble,
    explode,
)
from tests.dialects import clients
from tests.dialects.drawn import batches, replies, run_together, said, streams
from tests.dialects.kept import (
    SHOWN,
    behind,
    called,
    echo,
    encode,
    messages,
    sealed,
    shown,
    signed_calls,
    vendors_own,
)
from tests.strategies import shared
from tests.strictness import check_completion, check_stream

ALL: list[Dialect] = [
    *(OPENAI, TRUEFOUNDRY, TRUEFOUNDRY_LEGACY, PORTKEY, OBIGUARD),
    *(OPENROUTER, LITELLM, DEEPSEEK, REASONING, THINK_TAGS),
]

every_dialect = pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)

# So many tests here say together that what a dialect writes, it reads.
ECHOES = 6

asks = st.builds(Asked, st.booleans(), st.booleans())


@every_dialect
@shared(len(ALL))
@given(streams(), asks, st.lists(st.integers(0), max_size=4))
def test_batches_do_not_show(
    dialect: Dialect, events: list[Event], asked: Asked, places: list[int]
) -> None:
    """However the events are batched, the bytes are the same."""
    encoder = dialect.encoder(asked)

    pieces = [encoder.feed(batch) for batch in batches(events, places)]

    assert encode(dialect, events, asked) == b"".join(pieces)


@every_dialect
@shared(len(ALL))
@given(streams(), asks)
def test_a_stream_says_what_the_whole_reply_says(
    dialect: Dialect, events: list[Event], asked: Asked
) -> None:
    """Added up, the deltas have the message's answer, refusal, calls and finish reason."""
    message = assemble(events)
    data = encode(dialect, events, asked)
    body = dialect.encode_message(message, asked)

    for choice in body["choices"]:
        whole, added = choice["message"], clients.plain(data, choice["index"])
        answer = message.choices[choice["index"]].text
        content = whole["content"]
        if isinstance(content, list):
            content = "".join(part.get("text", "") for part in content)
        assert (content or "") == added["content"]
        assert added["content"].removeprefix("" if dialect.in_content else answer) in ("", content)
        assert added["content"].endswith(answer)
        assert (whole.get("refusal") or "") == added["refusal"]
        if message.choices[choice["index"]].finish != "content_filter":
            assert whole.get("tool_calls", []) == added["tool_calls"]
        assert [choice["finish_reason"]] == clients.finish_reasons(data)[choice["index"]]


@shared(ECHOES)
@given(replies)
def test_truefoundry_echoes_are_exact(message: Message) -> None:
    """What a client sends back of a message has every thought, text and signature in its place."""
    for choice, sent in zip(message.choices, messages(TRUEFOUNDRY, message, SHOWN), strict=True):
        found = echo(TRUEFOUNDRY, sent)
        assert sealed(choice.blocks) == said(found)
        assert behind(called(choice)) == behind(found)
        assert signed_calls(choice.blocks) == signed_calls(found)


@shared(ECHOES)
@given(streams())
def test_truefoundry_streams_are_echoed_exactly(events: list[Event]) -> None:
    """The gateway's own sample and openai-python's helper both keep all that was thought."""
    data = encode(TRUEFOUNDRY, events, SHOWN)

    helped = clients.by_openai(data)
    for number, choice in enumerate(assemble(events).choices):
        found = echo(TRUEFOUNDRY, clients.by_truefoundry(data, number))
        assert sealed(choice.blocks) == said(found)
        assert signed_calls(choice.blocks) == signed_calls(found)
        assert found == echo(TRUEFOUNDRY, helped[number])


@shared(ECHOES)
@given(replies)
def test_content_arrays_are_echoed_exactly(message: Message) -> None:
    """What a client sends back of a content array has all its blocks, in order."""
    sent = messages(TRUEFOUNDRY_LEGACY, message, SHOWN)

    for choice, kept in zip(message.choices, sent, strict=True):
        found = echo(TRUEFOUNDRY_LEGACY, kept)
        assert shown(choice.blocks) == said(found)
        assert behind(called(choice)) == behind(found)


@shared(ECHOES)
@given(streams())
def test_legacy_streams_are_echoed_in_order(events: list[Event]) -> None:
    """A reader of the legacy deltas keeps thoughts, redacted data, signatures and text in order."""
    data = encode(TRUEFOUNDRY_LEGACY, events, SHOWN)

    for number, choice in enumerate(assemble(events).choices):
        expected = run_together(choice.blocks) if shown(choice.blocks) else []
        kept = echo(TRUEFOUNDRY_LEGACY, clients.by_truefoundry_legacy(data, number))
        assert expected == said(kept)


@shared(ECHOES)
@given(replies)
def test_content_blocks_are_echoed_exactly(message: Message) -> None:
    """What a client sends back of `content_blocks` has all of them, vendors' own included."""
    for choice, sent in zip(message.choices, messages(PORTKEY, message, SHOWN), strict=True):
        found = echo(PORTKEY, sent)
        assert said(choice.blocks) == said(found)
        assert behind(called(choice)) == behind(found)
        assert vendors_own(choice.blocks) == vendors_own(found)
        calls = () if choice.finish == "content_filter" else choice.blocks
        assert signed_calls(calls) == signed_calls(found)


@shared(ECHOES)
@given(streams())
def test_parts_are_echoed_exactly(events: list[Event]) -> None:
    """Parts that were only collected mean the same as those that openai-python merged."""
    data = encode(PORTKEY, events, SHOWN)

    helped = clients.by_openai(data)
    for number, choice in enumerate(assemble(events).choices):
        found = echo(PORTKEY, clients.by_portkey(data, number))
        assert said(choice.blocks) == said(found)
        assert behind(choice.blocks) == behind(found)
        assert vendors_own(choice.blocks) == vendors_own(found)
        assert said(choice.blocks) == said(echo(PORTKEY, helped[number]))
        assert signed_calls(choice.blocks) == signed_calls(found)


@given(streams(), st.booleans())
def test_strict_replies_are_openais(events: list[Event], usage: bool) -> None:
    """Whatever the provider replied, the strict dialect is accepted by OpenAI's types, closed."""
    asked = Asked(thinking=True, include_usage=usage)

    check_completion(OPENAI.encode_message(assemble(events), asked))
    check_stream(encode(OPENAI, events, asked))


@every_dialect
@shared(len(ALL))
@given(replies)
def test_nothing_thought_is_shown_unasked(dialect: Dialect, message: Message) -> None:
    """A strict reply, or one for which nobody asked to see thinking, has no thought anywhere."""
    asked = Asked(thinking=dialect is OPENAI, include_usage=True)
    marked = replace(message, choices=tuple(_mark(choice) for choice in message.choices))

    body = orjson.dumps(dialect.encode_message(marked, asked))
    stream = encode(dialect, list(explode(marked)), asked)

    assert b"#thought#" not in body + stream
    assert [None] == [dialect.read_echo(m) for m in messages(dialect, marked, asked)][:1]


def _mark(choice: Choice) -> Choice:
    """The choice with every thought, signature and redacted datum recognisable."""
    blocks: list[Block] = []
    for block in choice.blocks:
        match block:
            case Thinking():
                blocks.append(Thinking("#thought#", "#thought#", block.origin))
            case RedactedThinking():
                blocks.append(RedactedThinking("#thought#", block.origin))
            case Text() | ToolCall():
                blocks.append(replace(block, signature=None))
            case _:
                blocks.append(block)
    return replace(choice, blocks=tuple(blocks))


@every_dialect
@shared(len(ALL))
@given(streams(), asks, st.integers(0))
def test_a_failing_stream_ends_with_its_error(
    dialect: Dialect, events: list[Event], asked: Asked, place: int
) -> None:
    """Wherever it fails, the error is the last event, after what was sent of the reply."""
    error = UpstreamStatusError("overloaded", status=503, code="overloaded_error")
    begun = events[: place % len(events)]
    encoder = dialect.encoder(asked)

    sent = encoder.feed(begun)
    frame = encoder.feed([StreamError(error)])

    assert b"event: error\ndata: " + error.envelope() + b"\n\n" == frame
    assert encode(dialect, events, asked).startswith(sent)
    assert encoder.feed([Done()]) == b""
