"""Attempts, retries and early failures."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from asgi_thinking import exchange
from asgi_thinking.events import Batch, StreamError
from asgi_thinking.exceptions import (
    InvalidRequest,
    ProviderError,
    ThinkingError,
    UpstreamProtocolError,
    UpstreamStatusError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from asgi_thinking.exchange import Job, Refusal
from asgi_thinking.service import Service
from tests.scripted import ONLY, REPLY, START, Scripted, Step

pytestmark = pytest.mark.anyio

BODY = b'{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"hi"}],"stream":true}'


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    monkeypatch.setattr(exchange, "_BACKOFF", 0)


def job_for(provider: Scripted, retries: int = 2) -> Job:
    job = Service(providers={"acme": provider}, max_retries=retries).prepare([], BODY)
    assert isinstance(job, Job)
    return job


async def play(*scripts: list[Step], retries: int = 2) -> tuple[Scripted, list[Batch]]:
    provider = Scripted([*scripts])
    return provider, [batch async for batch in exchange.run(job_for(provider, retries))]


async def test_a_good_reply_passes_through_as_it_is() -> None:
    """Batches are handed on one by one, unchanged."""
    provider, batches = await play(REPLY)

    assert batches == REPLY
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        UpstreamStatusError("slow down", status=429, retry_after=0.0),
        UpstreamStatusError("overloaded", status=503),
        UpstreamStatusError("odd", status=418, retryable=True),
        UpstreamUnreachable("no connection"),
        UpstreamTimeout("no connection", code="timeout_connect"),
    ],
)
async def test_a_passing_failure_is_tried_again(failure: ProviderError) -> None:
    """Failures that may pass are retried while nothing was handed on."""
    provider, batches = await play([failure], REPLY)

    assert batches == REPLY
    assert len(provider.requests) == 2


@pytest.mark.parametrize(
    "failure",
    [
        UpstreamStatusError("no", status=400),
        UpstreamStatusError("wait long", status=429, retry_after=600),
        UpstreamStatusError("said so", status=503, retryable=False),
        UpstreamTimeout("silence", code="timeout_first_event"),
        UpstreamProtocolError("garbage", status=501),
        InvalidRequest("bad"),
    ],
)
async def test_a_lasting_failure_is_raised_at_once(failure: ThinkingError) -> None:
    """A failure that would come again is the caller's to see."""
    provider = Scripted([[failure]])

    with pytest.raises(type(failure)):
        await anext(exchange.run(job_for(provider)))

    assert len(provider.requests) == 1


async def test_attempts_are_counted() -> None:
    """After the last attempt the failure is raised."""
    provider = Scripted([[UpstreamStatusError("busy", status=503)]])

    with pytest.raises(UpstreamStatusError, match="busy"):
        await anext(exchange.run(job_for(provider, retries=1)))

    assert len(provider.requests) == 2


async def test_a_failure_in_the_first_batch_is_raised() -> None:
    """An error event before anything to show keeps its status, and may be retried."""
    provider, batches = await play(
        [[*START, StreamError(UpstreamStatusError("busy", status=503))]], REPLY
    )

    assert batches == REPLY
    assert len(provider.requests) == 2


async def test_a_failure_after_content_ends_the_stream() -> None:
    """What was already said is never said again by a second attempt."""
    error = UpstreamUnreachable("broke off")
    provider, batches = await play([START, ONLY, error])

    assert batches == [START, ONLY, [StreamError(error)]]
    assert len(provider.requests) == 1


async def test_content_and_failure_in_one_batch_are_both_handed_on() -> None:
    """A first batch that holds some of the answer is not thrown away."""
    batch = [*START, *ONLY[:2], StreamError(UpstreamUnreachable("broke off"))]

    _, batches = await play([batch])

    assert batches == [batch]


async def test_a_reply_without_an_end_is_an_error() -> None:
    """A provider that stops in the middle does not look as if it were done."""
    _, batches = await play([START, ONLY])

    last = batches[-1][0]
    assert isinstance(last, StreamError)
    assert isinstance(last.error, UpstreamProtocolError)


async def test_a_bug_in_a_provider_is_an_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """Any exception of a provider becomes an error without its text, and is logged."""
    with caplog.at_level(logging.ERROR):
        _, batches = await play([START, KeyError("secret")])

    last = batches[-1][0]
    assert isinstance(last, StreamError)
    assert last.error.message == "provider 'acme' failed"
    assert "provider acme failed" in caplog.text


async def test_closing_the_run_releases_the_provider() -> None:
    """Whoever stops reading ends the upstream request."""
    provider = Scripted([REPLY])
    batches = exchange.run(job_for(provider))
    assert await anext(batches) == START

    await batches.aclose()

    assert provider.released.is_set()


class Plain(Scripted):
    """A provider whose stream is an iterator without `aclose`."""

    def stream(self, request: Any) -> Any:
        source = super().stream(request)

        class Iterator:
            def __aiter__(self) -> Any:
                return self

            async def __anext__(self) -> Batch:
                return await anext(source)  # type: ignore[call-overload,no-any-return]

        return Iterator()


async def test_a_stream_need_not_be_a_generator() -> None:
    """Any async iterator of batches will do."""
    assert [batch async for batch in exchange.run(job_for(Plain()))] == REPLY


async def test_a_refusal_is_no_job() -> None:
    """What cannot be sent is prepared as an error."""
    prepared = Service(providers={"acme": Scripted()}).prepare([], BODY.replace(b'"hi"', b"1"))

    assert isinstance(prepared, Refusal)
    assert prepared.error.param == "messages[0].content"


async def test_backoff_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wait is about twice the one before."""
    monkeypatch.setattr(exchange, "_BACKOFF", 1.0)
    error = UpstreamStatusError("busy", status=503)

    waits = [exchange._delay(error, attempt) for attempt in range(3)]

    assert all(w and 0.75 * 2**n <= w <= 2**n for n, w in enumerate(waits))
