"""Providers whose replies say different things, or cannot be served, and whoever serves them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.dialects import Asked
from asgi_thinking.events import (
    Batch,
    Event,
    Finish,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from asgi_thinking.requests import ChatRequest
from asgi_thinking.testing import check_provider
from asgi_thinking.wire import Decoder
from tests.bent import Bent, JSONObject
from tests.plain_vendor import REPLIES, STREAM, Lines, Plain
from tests.scripted import ANSWER, END, ONLY, START, THOUGHT, Scripted
from tests.test_testing_provider_faults import broken


class Other(Plain):
    """Says other things as JSON than as a stream."""

    lines = ("think Hm, 3599?", "say It is 59 * 61.", 'call c1 f {"a":1}', "end")

    def whole(self, body: bytes) -> Batch:
        return Lines().feed("".join(f"{line}\n" for line in self.lines).encode())


class OtherText(Other):
    lines = ("think Hm, 3599?", "say It is prime.", 'call c1 f {"a": 1}', "end")


class OtherCall(Other):
    lines = ("think Hm, 3599?", "say It is 59 * 61.", "call c1 f {", "end")


class OtherBlocks(Other):
    lines = ("say It is 59 * 61.", "end")


class NoBlocks(Other):
    lines = ("end",)


class OtherEnd(Other):
    def whole(self, body: bytes) -> Batch:
        *events, _, done = super().whole(body)
        return [*events, Finish("length", "end"), done]


class TwoChoices(Other):
    def whole(self, body: bytes) -> Batch:
        *events, done = super().whole(body)
        return [*events, Finish("stop", "end", 1), done]


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (OtherText, "stream: the JSON reply has other contents in a Text"),
        (OtherCall, "stream: the JSON reply has other contents in a ToolCall"),
        (
            OtherBlocks,
            "stream: the JSON reply has other blocks, Text for Thinking Text ToolCall",
        ),
        (NoBlocks, "stream: the JSON reply has other blocks, none for Thinking Text ToolCall"),
        (OtherEnd, "stream: the JSON reply has other finish reason"),
        (TwoChoices, "stream: the JSON reply has other choices"),
    ],
)
def test_a_json_reply_says_what_the_stream_says(provider: type[Plain], told: str) -> None:
    """Up to the borders of parts, and how the JSON of a call's arguments is written."""
    assert told in broken(provider())
    check_provider(Other(), model="plain-1", replies=REPLIES, splits=1)


# -- what comes back ---------------------------------------------------------------------------


class SigningLines(Lines):
    def call(self, call_id: str = "", name: str = "", arguments: str = "") -> list[Event]:
        events = super().call(call_id, name, arguments)
        return [*events, SignatureDelta(self.blocks - 1, "signed-by-plain")]


class Signing(Plain):
    """Signs its calls, and takes no signature back."""

    def stream_decoder(self) -> Decoder:
        return SigningLines()


class Forgetting(Signing):
    """Takes them back, and does not send them."""

    accepts = frozenset({""})


class Keeping(Forgetting):
    """Sends them back."""

    def body(self, request: ChatRequest) -> bytes:
        parts = [part for turn in request.messages for part in turn.parts]
        return json.dumps([getattr(part, "signature", None) for part in parts]).encode()


class Unsigning(Forgetting):
    """Says that nobody needs them."""

    limits = Capabilities(max_output=8_192, signs=False)


def test_what_a_provider_signs_it_takes_back() -> None:
    """Or its next turn would fail, or think anew."""
    replies = {"stream": STREAM}

    assert broken(Signing(), replies) == [
        "does not accept what it gives itself: signature of Claude"
    ]
    assert broken(Forgetting(), replies) == ["does not send back the signatures that it accepts"]
    check_provider(Keeping(), model="plain-1", replies=replies)
    check_provider(Unsigning(), model="plain-1", replies=replies)


NUMBER: Any = 7
WRONG: Mapping[str, tuple[list[list[Event]], str]] = {
    "no end": ([START, ONLY], "stream does not end a good reply with Done"),
    "no start": ([ONLY, END], "stream: BlockStart comes before MessageStart"),
    "an error": (
        [START, [*ONLY[:1], TextDelta(0, NUMBER)], ONLY[2:], END],
        "stream: TextDelta holds what is no string",
    ),
    "a gap": ([START, ANSWER, END], "stream: BlockStart has index 1 where 0 is the next"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_provider_of_any_kind_is_judged_by_its_events(what: str) -> None:
    """One that knows no HTTP has its stream judged, and served."""
    script, told = WRONG[what]
    assert told in broken(Scripted([script]), None)


class Hidden(Scripted):
    """Fails only where it is asked for by a client."""

    async def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        script = [START, THOUGHT, ANSWER, END]
        if len(self.requests) > 1 and request.stream:
            script = [START, [ThinkingDelta(4, "no such block")]]
        self.requests.append(request)
        for batch in script:
            yield batch


class Iterating(Scripted):
    """Gives an iterator that nobody can close."""

    def stream(self, request: ChatRequest) -> Any:
        batches = super().stream(request)

        class Bare:
            def __aiter__(self) -> Any:
                return self

            def __anext__(self) -> Any:
                return anext(batches)

        return Bare()


def test_an_iterator_need_not_be_a_generator() -> None:
    """What cannot be closed has nothing to let go of."""
    check_provider(Iterating(), model="claude-sonnet-4-5")


def cut_short(body: JSONObject) -> JSONObject:
    body["choices"][0]["message"]["content"] = "nothing"
    return body


def unable(body: JSONObject) -> JSONObject:
    raise KeyError(body["id"])


@pytest.mark.parametrize(
    ("dialect", "told"),
    [
        (Bent(body=cut_short), "as JSON: the reply's text is not in content"),
        (Bent(body=unable), "as JSON: the reply is 500: {"),
        (
            Bent(asked=Asked(thinking=True), more={"shows_thinking": False}),
            "as a stream: the strict reply holds thinking",
        ),
    ],
)
def test_dialects_are_named_with_what_they_do(dialect: Bent, told: str) -> None:
    """A provider is served in more dialects than those that are installed."""
    found = broken(Plain(), dialects=[dialect])
    assert any(told in sentence for sentence in found), found


def test_a_reply_that_cannot_be_served_is_named() -> None:
    """With the dialect, and what a client gets instead."""
    found = broken(Hidden(), None)
    assert "served in portkey as a stream: the stream fails: provider 'acme' failed" in found
