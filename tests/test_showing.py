"""What becomes of a reply whose thinking is not shown as it was thought."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given

from asgi_thinking.asker import Asker
from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.dialects.truefoundry import TRUEFOUNDRY
from asgi_thinking.events import (
    BlockStart,
    BlockStop,
    Done,
    Event,
    Extra,
    Finish,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from asgi_thinking.exceptions import ThinkingError
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
from asgi_thinking.showing import (
    ShowingEncoder,
    transformed_encoder,
    transformed_message,
)
from asgi_thinking.transforms import Made, TransformFactory, drop, redact
from tests.scripted import END, START
from tests.strategies import replies, shared

ASKED = Asked(thinking=True, include_usage=True)
SEEN = Thinking("plain", "c2ln")
SECRET = Thinking("a secret", "c2ln")
HIDDEN = Thinking("", "c2ln")
REDACTED = RedactedThinking("data")
ANSWER = Text("the answer")
CALL = ToolCall("call_1", "find", "{}")

hide_secrets = redact("secret", "###")


def reply(*blocks: Block) -> Message:
    return Message("msg_1", "claude", 1, "acme", (Choice(blocks),))


def shown(factory: TransformFactory, *blocks: Block) -> tuple[Block, ...]:
    """The blocks of a reply that are shown."""
    [choice] = transformed_message(reply(*blocks), lambda: factory(Asker())).choices
    return choice.blocks


@shared(2)
@given(replies)
def test_what_is_shown_as_thought_is_unchanged(message: Message) -> None:
    """A transform that changes nothing costs no signature; an empty block is not shown."""
    kept = [
        Choice(
            tuple(b for b in choice.blocks if not (isinstance(b, Thinking) and _is_void(b))),
            choice.finish,
            choice.native,
            choice.extras,
            choice.delta_extras,
        )
        for choice in message.choices
    ]
    told = transformed_message(message, lambda: str)

    assert kept == [*told.choices]


def _is_void(block: Thinking) -> bool:
    return not block.text and block.signature is None


@shared(2)
@given(replies)
def test_dropped_thinking_leaves_no_trace(message: Message) -> None:
    """Of a reply without thinking, everything else is the same; blocks count from 0 again."""
    told = transformed_message(message, lambda: drop()(Asker()))
    kinds = (Thinking, RedactedThinking)

    assert [
        [b for b in choice.blocks if not isinstance(b, kinds)] for choice in message.choices
    ] == [[*choice.blocks] for choice in told.choices]
    starts = [event.index for event in explode(told) if isinstance(event, BlockStart)]
    assert [*range(len(starts))] == starts


def test_what_is_not_what_was_thought_is_unsigned() -> None:
    """Altered text never leaves with a signature; what nobody altered before it does."""
    assert (SEEN, Thinking("a ###"), ANSWER) == shown(hide_secrets, SEEN, SECRET, ANSWER)


def test_after_what_was_altered_nothing_can_be_verified() -> None:
    """Half of a turn's thinking, sent back, would be refused as well."""
    told = shown(hide_secrets, SECRET, SEEN, REDACTED, HIDDEN, CALL)

    assert (Thinking("a ###"), Thinking("plain"), CALL) == told


def test_what_cannot_be_read_is_shown_as_it_is() -> None:
    """Redacted and hidden thinking of the vendor's is not altered by who alters text."""
    assert (REDACTED, HIDDEN, ANSWER) == shown(hide_secrets, REDACTED, HIDDEN, ANSWER)


def test_nothing_is_shown_of_what_is_hidden() -> None:
    """Neither an empty block nor a redacted one."""
    assert (ANSWER, CALL) == shown(drop(), SECRET, REDACTED, HIDDEN, ANSWER, CALL)


def test_an_empty_remainder_is_no_block() -> None:
    """A function that leaves nothing of a block leaves no block."""
    assert (ANSWER,) == shown(lambda _: lambda _: "", SECRET, ANSWER)


def test_a_factory_may_leave_a_reply_alone() -> None:
    """Then it is the very same message, and the very same encoder."""
    message, encoder = reply(SECRET), TRUEFOUNDRY.encoder(ASKED)

    assert transformed_message(message, lambda: None) is message
    assert transformed_encoder(encoder, lambda: None) is encoder


def fragments(text: str, start: BlockStart) -> list[Event]:
    deltas: list[Event] = [ThinkingDelta(start.index, letter) for letter in text]
    return [start, *deltas, SignatureDelta(start.index, "c2ln"), BlockStop(start.index)]


def test_a_stream_shows_what_the_whole_reply_does() -> None:
    """Fragment by fragment, in batches of one event, the same is shown."""
    first = fragments("a secret, told", BlockStart(0, "thinking"))
    answer: list[Event] = [BlockStart(1, "text"), TextDelta(1, "the answer"), BlockStop(1)]
    events = [*START, *first, *answer, *END]
    encoder = transformed_encoder(TRUEFOUNDRY.encoder(ASKED), lambda: hide_secrets(Asker()))
    whole = TRUEFOUNDRY.encoder(ASKED)

    told = b"".join([encoder.feed([event]) for event in events])

    assert b"secret" not in told
    assert b"c2ln" not in told
    expected = transformed_message(assemble(events), lambda: hide_secrets(Asker()))
    assert expected.choices[0].blocks == (Thinking("a ###, told"), Text("the answer"))
    assert whole.feed([*explode(expected)]).count(b"[DONE]") == told.count(b"[DONE]")
    assert encoder.keep_alive == whole.keep_alive


def test_fragments_that_are_not_held_back_are_shown_at_once() -> None:
    """Each becomes a fragment of the same block, and a signature comes last."""
    encoder = transformed_encoder(TRUEFOUNDRY.encoder(ASKED), lambda: str)
    encoder.feed(START)

    told = [encoder.feed([event]) for event in fragments("ab", BlockStart(0, "thinking"))]

    assert [False, True, True, False, True] == [bool(data) for data in told]
    assert b"c2ln" in told[-1]


def test_an_encoder_without_an_account_has_none_behind_a_transform() -> None:
    """What a third party's encoder does not know, nobody makes up."""
    assert isinstance(transformed_encoder(OPENAI.encoder(ASKED), lambda: str), ShowingEncoder)


def test_a_batch_of_which_nothing_is_shown_sends_nothing() -> None:
    """Where all is held back, the encoder is not asked."""
    encoder = transformed_encoder(TRUEFOUNDRY.encoder(ASKED), lambda: hide_secrets(Asker()))
    encoder.feed(START)

    assert b"" == encoder.feed([BlockStart(0, "thinking"), ThinkingDelta(0, "s")])


def counting(made: list[str]) -> Callable[[], Made]:
    """Makes redactions, and counts them."""

    def make() -> Made:
        made.append("made")
        return hide_secrets(Asker())

    return make


def interleaved(texts: Iterable[str]) -> list[Event]:
    """Choices whose blocks of thinking are open at once."""
    shares = [*texts]
    starts: list[Event] = [BlockStart(n, "thinking", n) for n in range(len(shares))]
    rounds = zip(*shares, strict=True)
    deltas: list[Event] = [
        ThinkingDelta(n, letter) for each in rounds for n, letter in enumerate(each)
    ]
    stops: list[Event] = [BlockStop(n) for n in range(len(shares))]
    finishes: list[Event] = [Finish("stop", "", n) for n in range(len(shares))]
    return [*START, *starts, *deltas, *stops, *finishes, Done()]


def test_blocks_that_are_open_at_once_have_transforms_of_their_own() -> None:
    """What is held back of one is not mixed into another; each is used again."""
    made: list[str] = []
    encoder = transformed_encoder(TRUEFOUNDRY.encoder(ASKED), counting(made))

    told = encoder.feed(interleaved(["a secret", "is found"]))

    assert b'"thinking":"a ###"' in told
    assert b'"thinking":"is found"' in told
    assert 2 == len(made)


def test_a_redacted_block_beside_an_open_one_is_dropped_with_it() -> None:
    """Whether redacted thinking is shown does not depend on what is open."""
    encoder = transformed_encoder(TRUEFOUNDRY.encoder(ASKED), lambda: drop()(Asker()))
    block = BlockStart(1, "redacted_thinking", data="opaque data")

    told = encoder.feed([*START, BlockStart(0, "thinking"), block, BlockStop(1), BlockStop(0)])

    assert b"opaque data" not in told


PROBABLE = Extra("choice", {"logprobs": {"content": [{"token": "secret"}]}, "finished": 1})


@pytest.mark.parametrize(
    ("factory", "thought", "told"),
    [(hide_secrets, "a secret", False), (drop(), "plain", False), (hide_secrets, "plain", True)],
)
def test_no_token_is_told_of_thinking_that_is_not_shown(
    factory: TransformFactory, thought: str, told: bool
) -> None:
    """Some servers give log probabilities for the tokens of thinking as well."""
    start = BlockStart(0, "thinking")
    answer: list[Event] = [BlockStart(1, "text"), TextDelta(1, "the answer"), BlockStop(1)]
    only = Extra("choice", {"logprobs": None})
    encoder = transformed_encoder(TRUEFOUNDRY.encoder(ASKED), lambda: factory(Asker()))

    before = encoder.feed([*START, PROBABLE, only, *fragments(thought, start)[:3], PROBABLE])
    after = encoder.feed([*fragments(thought, start)[3:], *answer, PROBABLE])

    assert b"token" not in before
    assert (b"token" in after) is told
    assert b"finished" in before
    assert b"finished" in after


def refuse() -> Made:
    raise RuntimeError("a secret")


def fail(text: str) -> str:
    raise RuntimeError(text)


def broken() -> Made:
    return fail


@pytest.mark.parametrize("make", [refuse, broken])
def test_a_transform_that_fails_shows_nothing(
    make: Callable[[], Made], caplog: pytest.LogCaptureFixture
) -> None:
    """The reply fails instead, and neither the caller nor the log learns what was thought."""
    with caplog.at_level(logging.ERROR), pytest.raises(ThinkingError) as caught:
        transformed_message(reply(SECRET), make)

    assert "transform_failed" == caught.value.code
    assert "the transform of thinking failed: RuntimeError" in caplog.text
    assert "secret" not in caplog.text + caught.value.message


def test_a_transform_may_say_why_it_fails() -> None:
    """An error that is made for the caller reaches it."""

    def make() -> Made:
        raise ThinkingError("not for you", status=451)

    with pytest.raises(ThinkingError, match="not for you"):
        transformed_encoder(TRUEFOUNDRY.encoder(ASKED), make)


def test_a_factory_that_changes_its_mind_fails() -> None:
    """A block that would be shown untransformed beside another is not shown."""
    makes = iter([hide_secrets(Asker()), None])
    encoder = transformed_encoder(TRUEFOUNDRY.encoder(ASKED), lambda: next(makes))

    with pytest.raises(ThinkingError, match="could not be shown"):
        encoder.feed(interleaved(["a secret", "is found"]))
