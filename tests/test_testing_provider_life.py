"""Providers that break a promise about errors, leaving, secrets or serving, one each."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from asgi_thinking.events import Batch, Done, Event, Finish
from asgi_thinking.exceptions import ProviderError, UpstreamStatusError
from asgi_thinking.requests import ChatRequest
from asgi_thinking.testing import Answer, ScriptedTransport, check_provider
from asgi_thinking.transport import Reply, UpstreamRequest
from tests.plain_vendor import JSON, KEY, REPLIES, STREAM, Lines, Plain
from tests.test_testing_provider_faults import broken

log = logging.getLogger("plain")


# -- errors ------------------------------------------------------------------------------------


class Blind(Plain):
    def read_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ProviderError:
        return UpstreamStatusError("", status=400)


class Crashing(Plain):
    def read_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ProviderError:
        return UpstreamStatusError(json.loads(body)["error"]["message"], status=status)


class Cheerful(Plain):
    async def open(self, request: ChatRequest) -> Reply:
        return await self.transport.open(self.build(request), self.timeouts)


class Silent(Lines):
    def feed(self, data: bytes) -> list[Event]:
        return super().feed(data) if data.startswith((b"think", b"t")) or self.started else []

    def close(self) -> list[Event]:
        return []


class Unasking(Cheerful):
    """Looks at no status, and at nothing but its own format."""

    def stream_decoder(self) -> Any:
        return Silent()

    def whole(self, body: bytes) -> Batch:
        return super().whole(body) if b"lines" in body else []


class Stubborn(Plain):
    async def open(self, request: ChatRequest) -> Reply:
        try:
            return await super().open(request)
        except ProviderError as error:
            raise UpstreamStatusError(error.message, status=error.status) from None


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (Blind, "an empty 401: the caller would get 400"),
        (Blind, "a 500 that is not UTF-8: the caller would get 400"),
        (Blind, "an empty 401: the error has no message"),
        (Crashing, "a 404 without an object raises TypeError: 'NoneType' object is not"),
        (Unasking, "an empty 401 raises nothing"),
        (Stubborn, "a 429 with retry-after: the error forgets retry-after"),
    ],
)
def test_errors_keep_what_the_caller_needs(provider: type[Plain], told: str) -> None:
    """The status, a message, and when to come again."""
    found = broken(provider())
    assert any(sentence.startswith(told) for sentence in found), found


class Misnaming(Plain):
    def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        return self._batches(request)

    async def _batches(self, request: ChatRequest) -> AsyncIterator[Batch]:
        """As the base, without its care."""
        reply = await self.open(request)
        decoder = self.decoder(request, reply)
        async for data in reply:
            if events := decoder.feed(data):
                yield events
        yield decoder.close()


def test_whoever_writes_a_stream_of_its_own_has_more_to_keep() -> None:
    """The name in errors, the end after a failure, and the connection's release."""
    found = broken(Misnaming(name="mine"))

    assert "an empty 401: the error names the provider 'plain'" in found
    assert "stream: StreamError comes after the reply's end" in found
    assert "after a good reply, its connection is not released" in found
    assert "after aclose in the middle of a reply, the reply's connection is not released" in found
    assert "after cancelling a request, the reply's connection is not released" in found
    assert "after the connection broke, the reply's connection is not released" in found


# -- leaving -----------------------------------------------------------------------------------


class Deaf(Plain):
    """Goes on when it is cancelled."""

    def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        return self._batches(request)

    async def _batches(self, request: ChatRequest) -> AsyncIterator[Batch]:
        inner = super().stream(request)
        try:
            async for batch in inner:
                yield batch
        except asyncio.CancelledError:
            yield [Done()]


class Glossing(Plain):
    """Takes a broken connection for the reply's end."""

    def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        return self._batches(request)

    async def _batches(self, request: ChatRequest) -> AsyncIterator[Batch]:
        try:
            async for batch in super().stream(request):
                yield batch
        except ProviderError as error:
            if error.status != 502:
                raise
            yield [Finish("stop", ""), Done()]


class Wrapping(Plain):
    """Tells errors in words that nobody knows."""

    def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        return self._batches(request)

    async def _batches(self, request: ChatRequest) -> AsyncIterator[Batch]:
        try:
            async for batch in super().stream(request):
                yield batch
        except ProviderError as error:
            raise OSError(error.message) from None


class Holding(Plain):
    async def aclose(self) -> None:
        """Close nothing."""


class Elsewhere(Plain):
    """Asks through an engine of its own."""

    async def open(self, request: ChatRequest) -> Reply:
        kind = "text/event-stream" if request.stream else "application/json"
        body = STREAM if request.stream else JSON
        own = ScriptedTransport(Answer(body, headers={"content-type": kind}))
        return await own.open(self.build(request), self.timeouts)


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (Deaf, "cancelling a request does not end its stream at once"),
        (Glossing, "a reply whose connection broke passes as a whole one"),
        (Wrapping, "a connection that broke raises OSError: the connection broke, not a Prov"),
        (Wrapping, "an empty 401 raises OSError: plain answered with 401, not a ProviderError"),
        (Holding, "aclose does not close the provider's transport"),
        (Elsewhere, "does not ask through its transport"),
    ],
)
def test_whoever_leaves_leaves_nothing_behind(provider: type[Plain], told: str) -> None:
    """Cancelled, closed, or cut off."""
    found = broken(provider())
    assert any(sentence.startswith(told) for sentence in found), found


# -- secrets -----------------------------------------------------------------------------------


class Chatty(Plain):
    def build(self, request: ChatRequest) -> UpstreamRequest:
        built = super().build(request)
        log.debug("asking %s with %s", built.body, built.headers)
        return built


class Showing(Plain):
    def __repr__(self) -> str:
        return f"Showing({KEY})"


class Echoing(Plain):
    def read_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> ProviderError:
        return UpstreamStatusError(f"{KEY} is wrong", provider=self.name, status=status)


class Borrowing(Plain):
    """Sends the caller's key, although it has its own."""

    credentials = "client"

    def headers(self, request: ChatRequest) -> list[tuple[str, str]]:
        self.credentials = "server"
        return [("x-key", request.credential or KEY)]


class Lending(Plain):
    """Sends the caller's key, because the owner wants that."""

    credentials = "client"

    def headers(self, request: ChatRequest) -> list[tuple[str, str]]:
        return [("authorization", f"Bearer {request.credential}")]


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (Chatty, "logs a key"),
        (Chatty, "logs a prompt"),
        (Showing, "tells a key in a reply, an error or its repr"),
        (Echoing, "tells a key in a reply, an error or its repr"),
        (Borrowing, "sends the caller's key upstream, though its credentials are the server's"),
    ],
)
def test_secrets_stay_where_they_belong(provider: type[Plain], told: str) -> None:
    """No key and no prompt in a log, an error or a repr."""
    assert told in broken(provider())


def test_the_callers_key_may_be_what_the_owner_wants() -> None:
    """And other secrets than those in headers can be named."""
    check_provider(Lending(), model="plain-1", replies=REPLIES, splits=1)

    told = "tells a key in a reply, an error or its repr"
    assert [told] == broken(Plain(), secrets=["59 * 61."])


def test_the_trial_is_not_logged_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    """Hundreds of made-up requests are nobody's business, and the logging is as it was."""
    level = logging.getLogger().level
    check_provider(Plain(), model="plain-1", replies=REPLIES, splits=1)

    assert [] == caplog.records
    assert level == logging.getLogger().level
    log.warning("as ever")
    assert ["as ever"] == [record.message for record in caplog.records]
