"""Providers that break one promise each, and the sentence that tells it."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Mapping
from typing import Any

import pytest

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.events import (
    BlockStart,
    Event,
    Finish,
    MessageStart,
    StreamError,
    TextDelta,
)
from asgi_thinking.exceptions import InvalidRequest, UpstreamProtocolError
from asgi_thinking.requests import ChatRequest
from asgi_thinking.testing import Nonconformance, check_provider
from asgi_thinking.wire import Decoder
from tests.plain_vendor import ERROR, JSON, KEY, REPLIES, STREAM, Lines, Plain
from tests.scripted import Scripted

log = logging.getLogger("plain")


def broken(provider: Any, replies: Mapping[str, Any] | None = REPLIES, **more: Any) -> list[str]:
    """What is found of a provider that breaks promises."""
    with pytest.raises(Nonconformance) as caught:
        check_provider(provider, model="plain-1", replies=replies, splits=4, **more)
    assert str(caught.value).startswith(f"{caught.value.name}: {caught.value.broken[0]}")
    return list(caught.value.broken)


def test_a_provider_that_keeps_its_promises_passes() -> None:
    """With replies in every form, with one form, and as one that knows no HTTP."""
    check_provider(Plain(), model="plain-1", replies=REPLIES)
    check_provider(Plain(), model="plain-1", replies={"json": JSON}, splits=1)
    check_provider(Scripted(), model="claude-sonnet-4-5")


@pytest.mark.parametrize(
    ("provider", "replies", "told"),
    [
        (Plain, {}, "needs some"),
        (Plain, {"error": ERROR}, "needs some"),
        (Scripted, REPLIES, "can have none"),
        (Plain, {"streams": STREAM}, "'streams' does not begin with stream, json, error"),
        (Plain, {"stream": (500, b"")}, "500 is not its status"),
        (Plain, {"stream": STREAM, "error": b"{}"}, "200 is not its status"),
    ],
)
def test_replies_must_be_usable(provider: Any, replies: Any, told: str) -> None:
    """What nothing could be learnt from is the caller's mistake, not the provider's."""
    with pytest.raises(ValueError, match=told):
        check_provider(provider(), model="plain-1", replies=replies)


# -- attributes --------------------------------------------------------------------------------


class Claiming(Plain):
    def claims(self, model: str) -> Any:
        return "yes"


class Fickle(Plain):
    sizes = itertools.count(4096)

    def capabilities(self, model: str) -> Capabilities:
        return Capabilities(max_output=next(self.sizes))


class Listing(Plain):
    def accepts_for(self, model: str) -> Any:
        return ["plain"]


class Nameless(Plain):
    kind = "plain/vendor"


class Anybodys(Plain):
    credentials: Any = "anybody"


class Unready(Plain):
    def capabilities(self, model: str) -> Capabilities:
        raise KeyError(model)


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (Claiming, "claims('plain-1') is not True or False"),
        (Fickle, "capabilities('plain-1') is not one and the same Capabilities"),
        (Listing, "accepts_for('plain-1') is not a frozenset"),
        (Nameless, "its kind 'plain/vendor' is not a word without a slash"),
        (Anybodys, "its credentials are 'anybody', not server or client"),
        (Unready, "being asked raised KeyError: 'plain-1'"),
    ],
)
def test_attributes_are_what_they_are_called(provider: type[Plain], told: str) -> None:
    """Names, claims, capabilities, origins and credentials."""
    assert told in broken(provider(name="plain"))


def test_what_is_missing_is_named() -> None:
    """An object that is no provider at all is not asked anything."""
    [told] = broken(object(), None)

    assert told.startswith("has no name, kind, extra_fields, credentials, claims, capabilities, ")


# -- requests ----------------------------------------------------------------------------------


class Random(Plain):
    def body(self, request: ChatRequest) -> bytes:
        return os.urandom(8)


class Meddling(Plain):
    def body(self, request: ChatRequest) -> bytes:
        object.__setattr__(request, "user", "me")
        return b""


class Bare(Plain):
    def url(self, model: str) -> str:
        return "plain.example"


class Keyed(Plain):
    def url(self, model: str) -> str:
        return "https://me:word@plain.example/#top"


class Loud(Plain):
    def headers(self, request: ChatRequest) -> list[tuple[str, str]]:
        return [("X-Key", KEY), ("x-said", "a\r\nb: c")]


class Texting(Plain):
    def body(self, request: ChatRequest) -> Any:
        return "text"


class Steered(Plain):
    def url(self, model: str) -> str:
        return f"https://{model}.example/v1?model={model}"

    def headers(self, request: ChatRequest) -> list[tuple[str, str]]:
        return [("x-key", KEY), (f"x-{len(request.model)}", "model")]


class Climbing(Plain):
    def url(self, model: str) -> str:
        return f"https://plain.example/{model}"


class Raising(Plain):
    def url(self, model: str) -> str:
        raise KeyError(model)


class Refusing(Plain):
    limits = Capabilities(max_output=8_192, prefill="never")

    def url(self, model: str) -> str:
        if model != "plain-1":
            raise InvalidRequest("no such model")
        return super().url(model)


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (Random, "build makes two different requests of a question"),
        (Meddling, "build changes a question that it is given"),
        (Bare, "build gives a URL that does not begin with https:// or http:// and a host"),
        (Keyed, "build gives a URL with credentials or a fragment"),
        (Loud, "build gives the header 'X-Key', which is no name in lower case"),
        (Loud, "build gives the header x-said a value with control characters"),
        (Texting, "build gives a body that is not bytes"),
        (Steered, "the model id 'plain-1@evil.example' changes the host"),
        (Steered, "the model id 'plain-1+x' changes the URL's query"),
        (Steered, "the model id 'plain-1+x' changes which headers are sent"),
        (Climbing, "the model id 'plain-1/v2/keys' is not one segment of the URL's path"),
        (Raising, "build raised KeyError: 'plain-1'"),
    ],
)
def test_build_is_pure_and_steered_by_nobody(provider: type[Plain], told: str) -> None:
    """A request is a function of what was asked, and the place it goes to is not."""
    assert told in broken(provider())


class Toolless(Plain):
    limits = Capabilities(max_output=8_192, unsupported=frozenset({"tools"}))


def test_an_id_may_be_refused() -> None:
    """A provider that knows its models need not build requests for others, nor of all sorts."""
    check_provider(Refusing(), model="plain-1", replies=REPLIES, splits=1)
    check_provider(Toolless(), model="plain-1", replies=REPLIES, splits=1)


def test_a_question_that_does_not_get_through_ends_the_trial() -> None:
    """There is nothing to learn from a provider that takes not even that."""
    told = broken(Plain(name="a/b"))

    assert "its name 'a/b' is not a word without a slash" in told
    assert told[1].startswith("refuses the plainest question: ")


# -- decoders ----------------------------------------------------------------------------------


class Endless(Lines):
    def end(self) -> list[Event]:
        return [Finish("stop", "end")]

    def close(self) -> list[Event]:
        return []


class Failing(Lines):
    def end(self) -> list[Event]:
        return [StreamError(UpstreamProtocolError("never good"))]


class Forgetful(Lines):
    """Keeps nothing of what a read cut in two."""

    def feed(self, data: bytes) -> list[Event]:
        self.rest = b""
        return super().feed(data if data.endswith(b"\n") else data + b"\n")


class Slow(Lines):
    """Reads no line that a read ends before."""

    def feed(self, data: bytes) -> list[Event]:
        if len(data) == 1:
            return []
        return super().feed(data)


class Dicing(Lines):
    numbers = itertools.count()

    def start(self) -> list[Event]:
        return [
            MessageStart(f"r{next(self.numbers)}", "plain-1", 1, "plain") for _ in super().start()
        ]


class Trusting(Lines):
    """Takes a connection's end for the reply's."""

    def close(self) -> list[Event]:
        return [*self.start(), *self.turn(""), *self.end()]


class Fragile(Lines):
    def line(self, line: str) -> list[Event]:
        if line.partition(" ")[0] not in ("think", "say", "call", "end"):
            raise KeyError(line)
        return super().line(line)


class Anonymous(Lines):
    def call(self, call_id: str = "", name: str = "", arguments: str = "") -> list[Event]:
        return self.turn("call", id="", name="f")


class Ungrammatical(Lines):
    def turn(self, word: str, **more: Any) -> list[Event]:
        events = super().turn(word, **more)
        return [e for e in events if not isinstance(e, BlockStart)] if word == "call" else events


class Numeric(Lines):
    def line(self, line: str) -> list[Event]:
        events = super().line(line)
        number: Any = 7
        if isinstance(events[-1], TextDelta) and "\x00" in line:
            events[-1].text = number
        return events


@pytest.mark.parametrize(
    ("decoder", "told"),
    [
        (Endless, "stream: the decoder does not end a good reply with Done"),
        (Failing, "stream: the decoder does not end a good reply with Done: never good"),
        (Forgetful, "stream: the decoder gave other events when its bytes were cut at "),
        (Slow, "stream: the decoder gave other events when its bytes came one by one"),
        (Dicing, "stream: the decoder gave other events when it got the same bytes again"),
        (Trusting, "passes as a whole one"),
        (Fragile, "stream: the decoder raised KeyError for bytes that are damaged, where a"),
        (Anonymous, "stream: a tool call has no id or no name"),
        (Ungrammatical, "stream: ToolCallDelta is for a block that is not open"),
        (Numeric, "stream: for bytes that are damaged: TextDelta holds what is no string"),
    ],
)
def test_decoders_are_tried_in_every_way(decoder: type[Lines], told: str) -> None:
    """Whole, cut, cut off, damaged, and again."""

    class Judged(Plain):
        def stream_decoder(self) -> Decoder:
            return decoder()

    found = broken(Judged())
    assert any(told in sentence for sentence in found), found
