"""One completion, from a prepared request to batches of events: attempts, retries, failures.

An attempt is retried only while nothing of its reply has been handed on. A failure before that is
raised, so that the caller gets its true status; a later one becomes the stream's last event.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Final

from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.events import Batch, Done, Event, Extra, MessageStart, StreamError, Usage
from asgi_thinking.exceptions import (
    ProviderError,
    ThinkingError,
    UpstreamProtocolError,
    UpstreamUnreachable,
)
from asgi_thinking.providers import Provider
from asgi_thinking.requests import ChatRequest

__all__ = ["Job", "Refusal", "run"]

logger = logging.getLogger("asgi_thinking")

# Source: https://docs.anthropic.com/en/api/errors and openai-python 3.54, _base_client.py, which
# retry the same; read 2026-11-22.
_RETRIED: Final = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_BACKOFF: Final = 0.5  # seconds before the first retry, doubled for each further one
_LONGEST_WAIT: Final = 30.0  # seconds; an upstream that asks for more is not waited for


@dataclass(frozen=True, slots=True)
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


async def run(job: Job) -> AsyncGenerator[Batch, None]:
    """The events of the reply; close the generator to end the upstream request.

    Raises:
        ThinkingError: the upstream failed for good before anything was yielded.
    """
    attempt = 0
    while True:
        begun = False
        last: Event | None = None
        stream = job.provider.stream(job.request)
        try:
            async for batch in stream:
                last = batch[-1]
                if not begun and isinstance(last, StreamError):
                    _raise_empty(batch, last)
                begun = True
                yield batch
            if isinstance(last, Done | StreamError):
                return
            failure: ThinkingError = _ended_early(job.provider.name)
        except ThinkingError as error:
            failure = error
        except Exception as error:
            # The boundary to code that is not ours: a provider's bug must not end in silence.
            logger.exception("provider %s failed", job.provider.name)
            failure = ThinkingError(f"provider {job.provider.name!r} failed")
            failure.__cause__ = error
        finally:
            await _close(stream)
        if begun:
            yield [StreamError(failure)]
            return
        delay = _delay(failure, attempt)
        if delay is None or attempt == job.retries:
            raise failure
        logger.info("provider %s: next attempt in %.1f s", job.provider.name, delay)
        await asyncio.sleep(delay)
        attempt += 1


async def _close(stream: AsyncIterator[Batch]) -> None:
    """Release what a provider's generator holds; other iterators have no end to tell them."""
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()


def _ended_early(name: str) -> UpstreamProtocolError:
    return UpstreamProtocolError(f"provider {name!r}: the reply ended early", provider=name)


def _raise_empty(batch: Batch, failure: StreamError) -> None:
    """Raise the error of a first batch that holds nothing to show."""
    if all(isinstance(event, MessageStart | Usage | Extra | StreamError) for event in batch):
        raise failure.error


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
