"""One completion, from a prepared request to batches of events: attempts, retries, failures.

An attempt is retried only while nothing of its reply has been handed on. A failure before that is
raised, so that the caller gets its true status.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from asgi_thinking._read_only import read_only
from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.events import Batch, Done, Extra, MessageStart, StreamError, Usage
from asgi_thinking.exceptions import (
    ProviderError,
    ThinkingError,
    UpstreamProtocolError,
    UpstreamUnreachable,
)
from asgi_thinking.providers import Provider
from asgi_thinking.requests import ChatRequest
from asgi_thinking.whole import Whole

__all__ = ["Job", "Refusal", "Reply", "begin"]

logger = logging.getLogger("asgi_thinking")

# Source: https://docs.anthropic.com/en/api/errors and openai-python 3.54, _base_client.py, which
# retry the same; read 2026-11-22.
_RETRIED: Final = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_BACKOFF: Final = 0.5  # seconds before the first retry, doubled for each further one
_UNSHOWN: Final = frozenset({MessageStart, Usage, Extra, StreamError})
_LONGEST_WAIT: Final = 30.0  # seconds; an upstream that asks for more is not waited for


@read_only
class Job:
    """A request ready to be sent, and how its reply is to be written.

    `request.stream` is what the upstream is asked for, `stream` what the caller asked for;
    `applied` says what was changed to make the request acceptable; `vary` is the reply's header.
    """

    provider: Provider
    request: ChatRequest
    dialect: Dialect
    asked: Asked
    stream: bool
    applied: tuple[str, ...]
    vary: bytes
    retries: int
    keep_alive: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is answered with an error and never sent."""

    error: ThinkingError
    vary: bytes = b""
    dialect: str = ""


class Reply:
    """A reply that has begun: its `first` batch, and the `rest`, as the provider gives them.

    The rest is iterated as it is, without a generator around it, because each token pays for one.
    Whoever iterates asks `failure` what an exception means, a premature end included.
    """

    __slots__ = ("_provider", "first", "rest")

    def __init__(self, provider: str, first: Batch, rest: AsyncIterator[Batch]) -> None:
        self._provider = provider
        self.first = first
        self.rest = rest

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await _close(self.rest)

    async def collect(self) -> Batch:
        """All events of a reply that came to its end.

        Raises:
            ThinkingError: it did not; an upstream's own failure is the last event.
        """
        if self.first.__class__ is Whole:
            return self.first
        events = list(self.first)
        try:
            while not isinstance(events[-1], (Done, StreamError)):
                events += await anext(self.rest)
        except Exception as error:
            raise self.failure(error) from error
        return events

    async def read_on(self) -> None:
        """Let the provider read to the end, so that its connection can be used again.

        The caller has its reply by then: whatever fails now is of no concern to it.
        """
        if self.first.__class__ is not Whole:
            with suppress(Exception):
                await anext(self.rest, None)

    def failure(self, error: Exception) -> ThinkingError:
        """What the caller is told of an exception."""
        return _failure(self._provider, error)


async def begin(job: Job) -> Reply:
    """Send the request, as often as need be, until its reply begins.

    Raises:
        ThinkingError: the upstream failed for good.
    """
    name, attempt = job.provider.name, 0
    while True:
        stream = aiter(job.provider.stream(job.request))
        try:
            first = await anext(stream)
            if first.__class__ is not Whole:
                _raise_empty(first)
        except Exception as error:  # noqa: BLE001 (what it means is said by _failure)
            await _close(stream)
            failure = _failure(name, error)
        except BaseException:
            await _close(stream)
            raise
        else:
            return Reply(name, first, stream)
        delay = _delay(failure, attempt)
        if delay is None or attempt == job.retries:
            raise failure
        logger.info("provider %s: next attempt in %.1f s", name, delay)
        await asyncio.sleep(delay)
        attempt += 1


def _failure(name: str, error: Exception) -> ThinkingError:
    """The error that an exception of a provider stands for."""
    if isinstance(error, ThinkingError):
        return error
    if isinstance(error, StopAsyncIteration):
        return UpstreamProtocolError(f"provider {name!r}: the reply ended early", provider=name)
    # The boundary to code that is not ours: a bug must neither end in silence nor be shown.
    logger.error("provider %s failed", name, exc_info=error)
    return ThinkingError(f"provider {name!r} failed")


async def _close(stream: AsyncIterator[Batch]) -> None:
    """Release what a provider's generator holds; other iterators have no end to tell them."""
    aclose = getattr(stream, "aclose", None)
    if aclose is not None:
        await aclose()


def _raise_empty(batch: Batch) -> None:
    """Raise the error of a first batch that holds nothing to show."""
    last = batch[-1]
    if isinstance(last, StreamError) and all(event.__class__ in _UNSHOWN for event in batch):
        raise last.error


def _delay(error: ThinkingError, attempt: int) -> float | None:
    """Seconds until the next attempt; None where another would fail as well."""
    if not isinstance(error, ProviderError) or error.retryable is False:
        return None
    retried = isinstance(error, UpstreamUnreachable) or error.code == "timeout_connect"
    timed_out = error.status == 504 and error.code is not None and error.code.startswith("timeout_")
    if not retried and not error.retryable and (timed_out or error.status not in _RETRIED):
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= _LONGEST_WAIT else None
    backoff: float = _BACKOFF * 2**attempt
    return backoff * random.uniform(0.75, 1)  # noqa: S311 (spreads load, no secret)
