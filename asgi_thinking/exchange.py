"""One completion, from a prepared request to batches of events: attempts, fallbacks, failures.

An attempt is made again only while nothing of its reply has been handed on. A failure before that
is raised, so that the caller gets its true status.
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
from asgi_thinking.continuity import Continuity, Notes
from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.events import Batch, Done, Extra, MessageStart, StreamError, Usage
from asgi_thinking.exceptions import (
    InvalidRequest,
    ProviderError,
    ThinkingError,
    UpstreamProtocolError,
    UpstreamUnreachable,
)
from asgi_thinking.gate import Gate
from asgi_thinking.messages import Turn
from asgi_thinking.outcomes import Begun, Course, OnComplete, Watcher
from asgi_thinking.plans import Fitted, Plan, Planner
from asgi_thinking.providers import Provider
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transforms import TransformFactory
from asgi_thinking.whole import Whole

__all__ = ["Job", "Manner", "Policy", "Refusal", "Reply", "begin"]

logger = logging.getLogger("asgi_thinking")

# Source: https://docs.anthropic.com/en/api/errors and openai-python 3.54, _base_client.py, which
# retry the same; read 2026-11-22.
_RETRIED: Final = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
# What is wrong with us and not with the request: keys, quotas, models that are not there.
_PROVIDERS_OWN: Final = frozenset({401, 402, 403, 404, 408, 409, 429})
_BACKOFF: Final = 0.5  # seconds before the first retry, doubled for each further one
_UNSHOWN: Final = frozenset({MessageStart, Usage, Extra, StreamError})
_LONGEST_WAIT: Final = 30.0  # seconds; an upstream that asks for more is not waited for


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for every request of a service.

    `fallbacks` are asked in their order where a provider fails.
    """

    planner: Planner
    continuity: Continuity | None
    fallbacks: tuple[tuple[Provider, str], ...]
    retries: int
    gate: Gate | None = None
    on_complete: OnComplete | Watcher | None = None


@read_only
class Manner:
    """How a reply is written; `vary` is a header, `keep_alive` is in seconds.

    `transform` is applied to its thinking first.
    """

    dialect: Dialect
    asked: Asked
    stream: bool
    vary: bytes
    keep_alive: float
    transform: TransformFactory | None = None


@read_only
class Job:
    """A request ready to be sent.

    `turns` are as the caller sent them, `headers` those that go upstream, `key` is the caller's
    own for the vendor. `owner` is whose replies are remembered where nobody says it better, "" if
    that is not known, and None where nothing has to be remembered. `decided` says what an owner's
    policy changed, in words of `x-thinking-applied`.
    """

    policy: Policy
    manner: Manner
    plan: Plan
    turns: tuple[Turn, ...]
    headers: tuple[tuple[str, str], ...]
    key: str | None
    owner: str | None
    decided: tuple[str, ...] = ()

    @property
    def asked_model(self) -> str:
        """The model as the caller wrote it."""
        model: str = self.plan.settings["model"]
        return model

    def begun(self, tenant: str) -> Begun:
        """The request for those who watch."""
        plan, manner = self.plan, self.manner
        provider, dialect = plan.provider, manner.dialect.name
        return Begun(
            provider.name,
            provider.kind,
            plan.model,
            self.asked_model,
            dialect,
            manner.stream,
            tenant,
        )

    def fit(self, plan: Plan, turns: tuple[Turn, ...]) -> Fitted:
        """The request as it goes to a plan's model; the caller's key goes to its vendor alone."""
        key = self.key if plan.provider.kind == self.plan.provider.kind else None
        return self.policy.planner.fit(plan, turns, self.headers, key)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is answered with an error and never sent."""

    error: ThinkingError
    vary: bytes = b""
    dialect: str = ""


class Reply:
    """A reply that has begun: its `first` batch, and the `rest`, as the provider gives them.

    The rest is iterated as it is, without a generator around it, because each token pays for one.
    Whoever iterates asks `failure` what an exception means, a premature end included. `applied`
    says what was changed to make the request acceptable; `notes` are kept by who sends the reply.
    """

    __slots__ = ("_provider", "applied", "first", "notes", "rest")

    def __init__(
        self,
        provider: str,
        first: Batch,
        rest: AsyncIterator[Batch],
        applied: tuple[str, ...] = (),
        notes: Notes | None = None,
    ) -> None:
        self._provider = provider
        self.first = first
        self.rest = rest
        self.applied = applied
        self.notes = notes

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


async def begin(job: Job, tenant: str = "", course: Course | None = None) -> Reply:
    """Send the request, as often and to as many as need be, until its reply begins.

    `tenant` says whose conversation it is, better than the job does; `course` is told who is asked.

    Raises:
        ThinkingError: all failed for good; it is the error of the first.
    """
    memory = _Memory(job, tenant)
    turns = await memory.recalled()
    try:
        return await _Attempts(job, job.plan, turns, memory, course).begin()
    except ThinkingError as error:
        if not (job.policy.fallbacks and _may_fall_back(error)):
            raise
        reply = await _fall_back(job, turns, memory, course)
        if reply is None:
            raise
        return reply


class _Memory:
    """What is remembered for one request, if anything is."""

    __slots__ = ("_altered", "_continuity", "_tenant", "_turns")

    def __init__(self, job: Job, tenant: str) -> None:
        self._turns = job.turns
        self._altered = job.manner.transform is not None
        # Names and keys are told apart: no caller's key is another's name.
        self._tenant = f"name {tenant}" if tenant else job.owner
        self._continuity = job.policy.continuity if job.owner is not None else None

    async def recalled(self) -> tuple[Turn, ...]:
        """The turns, with what the client could not keep.

        Raises:
            InvalidRequest: something is not remembered, and that is an error.
        """
        if self._continuity is None or not self._tenant:
            return self._turns
        turns, missed = await self._continuity.recall(
            self._tenant, self._turns, altered=self._altered
        )
        if missed and self._continuity.on_miss == "error":
            place = f"messages[{missed[0]}]"
            raise InvalidRequest(f"{place}: its thinking is not remembered", param=place)
        return turns

    def notes(self, plan: Plan) -> Notes | None:
        """What the reply will be remembered by; only one with calls is."""
        if self._continuity is None or not (self._tenant and plan.asking.tools):
            return None
        unsigned = plan.capabilities.echoes_unsigned
        return Notes(self._continuity, self._tenant, keeps_unsigned=unsigned)


async def _fall_back(
    job: Job, turns: tuple[Turn, ...], memory: _Memory, course: Course | None
) -> Reply | None:
    """The reply of the first fallback that gives one."""
    first = job.plan
    for provider, model in job.policy.fallbacks:
        if (provider, model) == (first.provider, first.model):
            continue
        logger.warning("provider %s failed: falling back to %s", first.provider.name, provider.name)
        with suppress(ThinkingError):
            plan = job.policy.planner.plan(provider, model, first.settings, first.terms)
            reply = await _Attempts(job, plan, turns, memory, course).begin()
            reply.applied = (f"fallback {provider.name}/{model}", *reply.applied)
            return reply
    return None


class _Attempts:
    """The attempts of one model at one request."""

    __slots__ = ("_applied", "_course", "_healed", "_job", "_memory", "_plan", "_turns")

    def __init__(
        self,
        job: Job,
        plan: Plan,
        turns: tuple[Turn, ...],
        memory: _Memory,
        course: Course | None,
    ) -> None:
        self._job = job
        self._course = course
        self._memory = memory
        self._plan = plan
        self._turns = turns
        self._applied: tuple[str, ...] = job.decided
        self._healed = False

    async def begin(self) -> Reply:
        """Ask until the reply begins, or it is clear that it will not."""
        fitted, attempt = self._job.fit(self._plan, self._turns), 0
        name = self._plan.provider.name
        while True:
            if self._course is not None:
                self._course.asks(self._plan.provider, self._plan.model)
            try:
                first, rest = await _ask(self._plan.provider, fitted.request)
            except ThinkingError as failure:
                if self._mend(failure):
                    fitted = self._job.fit(self._plan, self._turns)
                    continue
                delay = _delay(failure, attempt)
                if delay is None or attempt == self._job.policy.retries:
                    raise
            else:
                applied = (*self._applied, *fitted.applied)
                return Reply(name, first, rest, applied, self._memory.notes(self._plan))
            logger.info("provider %s: next attempt in %.1f s", name, delay)
            await asyncio.sleep(delay)
            attempt += 1

    def _mend(self, failure: ThinkingError) -> bool:
        """Whether the request can be made such that this refusal does not come again."""
        planner = self._job.policy.planner
        if wiser := planner.learn(self._plan, failure):
            self._plan = wiser
            return True
        if self._healed:
            return False
        kept = planner.forget_thinking(self._plan, self._turns, failure)
        if kept is None:
            return False
        self._healed = True
        self._turns, dropped = kept
        self._applied = (*self._applied, *dropped)
        return True


async def _ask(provider: Provider, request: ChatRequest) -> tuple[Batch, AsyncIterator[Batch]]:
    """The first batch of the reply, and the rest."""
    stream = aiter(provider.stream(request))
    try:
        first = await anext(stream)
        if first.__class__ is not Whole:
            _raise_empty(first)
    except Exception as error:
        await _close(stream)
        failure = _failure(provider.name, error)
        if failure is error:
            raise
        raise failure from error
    except BaseException:
        await _close(stream)
        raise
    return first, stream


def _may_fall_back(error: ThinkingError) -> bool:
    """Whether another provider may do better: not where the request itself is at fault."""
    return error.status >= 500 or error.status in _PROVIDERS_OWN


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
