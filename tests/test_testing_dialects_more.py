"""Dialects that lose what clients send back, show what is hidden, or mix what is apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.dialects.reasoning_text import DEEPSEEK, REASONING
from asgi_thinking.dialects.think_tags import THINK_TAGS
from asgi_thinking.dialects.truefoundry import TRUEFOUNDRY
from asgi_thinking.dialects.truefoundry_legacy import TRUEFOUNDRY_LEGACY
from asgi_thinking.events import Batch, StreamError
from asgi_thinking.messages import RedactedThinking, Text, Thinking
from asgi_thinking.testing import check_dialect
from tests.bent import Bent, BentEncoder, JSONObject, broken, told

Read = Callable[[Mapping[str, Any]], Any]


# -- echoes ------------------------------------------------------------------------------------


def losing(key: str) -> Read:
    """A reader that does not see one key."""
    return lambda message: TRUEFOUNDRY.read_echo({k: v for k, v in message.items() if k != key})


def test_an_ordered_dialect_gives_everything_back() -> None:
    """Signatures and redacted data are in their places, or the dialect must not say so."""
    found = broken(Bent(read=losing("thinking_blocks")))

    assert (
        "a thought and an answer: is ordered, but its clients do not send every block back in its "
        "place: [Thinking('Is 3599 prime?', 'c2lnLTE+Lz0='), Text('It is 59 * 61.', None)] came "
        "back as [Thinking('Is 3599 prime?', None), Text('It is 59 * 61.', None)]"
    ) in found
    assert any("[RedactedThinking('cmVkYWN0ZWQ='), Text(" in sentence for sentence in found)
    assert any("ToolCall('call_2', '{}', None)] came back" in sentence for sentence in found)


def test_a_stream_is_sent_back_as_well() -> None:
    """Deltas that only clients of the dialect's own can add up need those clients."""
    found = broken(TRUEFOUNDRY_LEGACY)
    assert all(": streamed, it is ordered, but its clients do not send" in each for each in found)


def test_a_refusal_is_told_in_words() -> None:
    """Whatever a block is, the sentence shows it."""
    sentence = "[Refusal('I cannot.')] came back as []"
    assert told(Bent(body=_unrefused), sentence)


def _unrefused(body: JSONObject) -> JSONObject:
    for choice in body["choices"]:
        choice["message"].pop("refusal", None)
    return body


@pytest.mark.parametrize(
    ("dialect", "sentence"),
    [
        (
            Bent(DEEPSEEK, read=lambda _: None),
            "shows thinking, but loses its text when its clients send it back",
        ),
        (
            Bent(DEEPSEEK, read=lambda _: [Thinking("Is 3599 prime?", "made up")]),
            "makes up a signature for what its clients send back",
        ),
        (
            Bent(THINK_TAGS, read=lambda _: [Thinking("Is 3599 prime?"), Text("It is prime.")]),
            "does not give the answer back that its clients send back",
        ),
        (
            Bent(OPENAI, read=lambda _: [RedactedThinking("made up")]),
            "shows no thinking, but reads some from what its clients send back",
        ),
        (
            Bent(OPENAI, read=lambda _: [Thinking("made up", "c2ln")]),
            "reads thinking from a message that holds none",
        ),
        (
            Bent(read=lambda message: TRUEFOUNDRY.read_echo(message) or message["content"].x),
            "read_echo raised AttributeError",
        ),
        (Bent(read=lambda message: message.clear()), "read_echo changes the message that it reads"),
        (
            Bent(read=lambda message: message["thinking_blocks"]),
            "reading it back raised KeyError: 'thinking_blocks'",
        ),
    ],
)
def test_what_comes_back_is_what_was_said(dialect: Bent, sentence: str) -> None:
    """Texts at least; nothing made up; and only our own errors."""
    assert told(dialect, sentence)


def test_a_dialect_without_order_may_lose_what_it_does_not_promise() -> None:
    """Signatures, redacted data and places; not what was thought before the answer."""
    check_dialect(REASONING)
    check_dialect(Bent(like=REASONING))


# -- what is hidden ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "sentence"),
    [
        (Bent(asked=Asked(thinking=True)), "nobody asked to see thinking, but a JSON reply"),
        (Bent(asked=Asked(thinking=True)), "nobody asked to see thinking, but a stream holds"),
        (
            Bent(asked=Asked(thinking=True), more={"shows_thinking": False}),
            "it shows no thinking, but a JSON reply holds some",
        ),
        (
            Bent(asked=Asked(thinking=True), more={"shows_thinking": False}),
            "it shows no thinking, but a stream holds some",
        ),
    ],
)
def test_nothing_is_shown_unasked(dialect: Bent, sentence: str) -> None:
    """Neither to callers who did not ask, nor ever by a strict dialect."""
    assert told(dialect, sentence)


# -- streams in all their states ---------------------------------------------------------------


class Commenting(BentEncoder):
    """Says how often it is asked."""

    def feed(self, batch: Batch) -> bytes:
        return super().feed(batch) + b": fed\n\n"


class Unnamed(BentEncoder):
    """Sends an error as any other event."""

    def feed(self, batch: Batch) -> bytes:
        return super().feed(batch).replace(b"event: error\n", b"")


class Endless(BentEncoder):
    """Ends a failed stream as a good one, and goes on after it."""

    def feed(self, batch: Batch) -> bytes:
        failed = isinstance(batch[-1], StreamError)
        return super().feed(batch) + (b"data: [DONE]\n\n" if failed else b"")


class Immortal(BentEncoder):
    """Goes on after its end."""

    def feed(self, batch: Batch) -> bytes:
        return super().feed(batch) or b": bye\n\n"


class Foreseeing(BentEncoder):
    """Writes the first event of a batch otherwise if it fails later."""

    def feed(self, batch: Batch) -> bytes:
        lone = len(batch) == 1
        return super().feed(batch).replace(b'"delta":{"role"', b'"delta":{ "role"', lone)


class Mute(BentEncoder):
    def __init__(self, inner: Any) -> None:
        super().__init__(inner.dialect, inner.inner)
        self.keep_alive: Any = None


class Speaking(Mute):
    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.keep_alive = b'data: {"choices":[]}\n\n'


def of(kind: type[BentEncoder]) -> Callable[[Any], Any]:
    """Encoders of a kind."""
    return lambda inner: kind(inner.dialect, inner.inner)


class Marking(BentEncoder):
    """Knows whether it has written anything."""

    fed = False

    def feed(self, batch: Batch) -> bytes:
        self.fed = True
        return super().feed(batch)


class Shared:
    """Gives out an encoder again that has not written yet."""

    def __init__(self) -> None:
        self.kept: Marking | None = None

    def __call__(self, inner: Any) -> Marking:
        if self.kept is None or self.kept.fed:
            self.kept = Marking(inner.dialect, inner.inner)
        return self.kept


@pytest.mark.parametrize(
    ("dialect", "sentence"),
    [
        (Bent(encoders=of(Commenting)), "the stream's bytes depend on how its events are batched"),
        (Bent(encoders=of(Unnamed)), "the error's event is not named error"),
        (
            Bent(encoders=of(Endless)),
            "a failed stream does not end with the error's envelope, without [DONE]",
        ),
        (Bent(encoders=of(Immortal)), "something follows a stream's error"),
        (
            Bent(encoders=of(Foreseeing)),
            "what is sent before an error is not the beginning of the good stream",
        ),
        (Bent(encoders=Mute), "keep_alive is not bytes that end a line"),
        (Bent(encoders=Speaking), "keep_alive dispatches an event"),
        (Bent(encoders=Shared()), "two streams at a time"),
        (
            Bent(DEEPSEEK, more={"plain": True}),
            "is plain, but in a fragment of the answer choices[0].delta.reasoning_content is not",
        ),
    ],
)
def test_streams_keep_to_themselves(dialect: Bent, sentence: str) -> None:
    """However they are fed, whenever they fail, and whoever else streams."""
    assert told(dialect, sentence)
