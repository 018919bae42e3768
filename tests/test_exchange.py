"""Attempts, retries and early failures."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from asgi_thinking import exchange
from asgi_thinking.events import Batch, Event, StreamError
from asgi_thinking.exceptions import (
    InvalidRequest,
    ProviderError,
    ThinkingError,
    UpstreamProtocolError,
    UpstreamStatusError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from asgi_thinking.exchange import Job, Refusal, begin
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
    """The provider, and the batches of the reply that it gave in the end."""
    provider = Scripted([*scripts])
    async with await begin(job_for(provider, retries)) as reply:
        return provider, [reply.first, *[batch async for batch in reply.rest]]


async def collect(*script: Step) -> list[Event]:
    async with await begin(job_for(Scripted([script]))) as reply:
        return await reply.collect()


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
        await begin(job_for(provider))

    assert len(provider.requests) == 1


async def test_attempts_are_counted() -> None:
    """After the last attempt the failure is raised."""
    provider = Scripted([[UpstreamStatusError("busy", status=503)]])

    with pytest.raises(UpstreamStatusError, match="busy"):
        await begin(job_for(provider, retries=1))

    assert len(provider.requests) == 2


async def test_a_failure_in_the_first_batch_is_raised() -> None:
    """An error event before anything to show keeps its status, and may be retried."""
    provider, batches = await play(
        [[*START, StreamError(UpstreamStatusError("busy", status=503))]], REPLY
    )

    assert batches == REPLY
    assert len(provider.requests) == 2


async def test_a_failure_after_content_is_not_tried_again() -> None:
    """What was already said is never said again by a second attempt."""
    provider = Scripted([[START, ONLY, UpstreamUnreachable("broke off")], REPLY])

    async with await begin(job_for(provider)) as reply:
        with pytest.raises(UpstreamUnreachable, match="broke off"):
            await reply.collect()

    assert len(provider.requests) == 1


async def test_content_and_failure_in_one_batch_are_both_handed_on() -> None:
    """A first batch that holds some of the answer is not thrown away."""
    batch = [*START, *ONLY[:2], StreamError(UpstreamUnreachable("broke off"))]

    _, batches = await play([batch])

    assert batches == [batch]


async def test_a_reply_without_an_end_is_an_error() -> None:
    """A provider that stops in the middle does not look as if it were done."""
    with pytest.raises(UpstreamProtocolError, match="provider 'acme': the reply ended early"):
        await collect(START, ONLY)
    with pytest.raises(UpstreamProtocolError, match="ended early"):
        await collect()


async def test_a_whole_reply_is_collected() -> None:
    """All events come in order, and an upstream's own failure is the last of them."""
    failure = StreamError(UpstreamUnreachable("broke off"))

    assert await collect(*REPLY) == [event for batch in REPLY for event in batch]
    assert (await collect(START, ONLY, [failure]))[-1] is failure


@pytest.mark.parametrize("before", [[], [START]])
async def test_a_bug_in_a_provider_is_an_error_of_ours(
    before: list[Step], caplog: pytest.LogCaptureFixture
) -> None:
    """Any exception of a provider becomes an error without its text, and is logged."""
    with caplog.at_level(logging.ERROR), pytest.raises(ThinkingError, match=r"'acme' failed$"):
        await collect(*before, KeyError("secret"))

    assert "provider acme failed" in caplog.text


async def test_leaving_the_reply_releases_the_provider() -> None:
    """Whoever stops reading ends the upstream request."""
    provider = Scripted([REPLY])

    async with await begin(job_for(provider)) as reply:
        assert reply.first == START

    assert provider.released.is_set()


async def test_cancelling_the_beginning_releases_the_provider() -> None:
    """An upstream that has not answered yet is let go as well."""
    provider = Scripted([[asyncio.Event()]])
    task = asyncio.create_task(begin(job_for(provider)))
    while not provider.requests:
        await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

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
    async with await begin(job_for(Plain())) as reply:
        assert [reply.first, *[batch async for batch in reply.rest]] == REPLY


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
