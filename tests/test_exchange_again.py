"""Requests that are made again: mended after a refusal, or sent to another provider."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from asgi_thinking import Continuity, exchange
from asgi_thinking.exceptions import (
    ConfigurationError,
    InvalidRequest,
    ProviderError,
    ThinkingError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from asgi_thinking.exchange import Job, begin
from asgi_thinking.service import Service
from tests.scripted import REPLY, Scripted

pytestmark = pytest.mark.anyio

ASK: dict[str, Any] = {
    "model": "first/claude-sonnet-4-5",
    "max_tokens": 9000,
    "messages": [{"role": "user", "content": "hi"}],
}
BUDGET = {"thinking": {"type": "enabled", "budget_tokens": 4000}}
NO_BUDGETS = '"thinking.type.enabled" is not supported for this model.'
DISOWNED = "messages.1.content.0: Invalid `signature` in `thinking` block"
SIGNED: list[dict[str, Any]] = [
    {"role": "user", "content": "hi"},
    {
        "role": "assistant",
        "content": "ho",
        "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "c2ln"}],
    },
    {"role": "user", "content": "and?"},
]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    monkeypatch.setattr(exchange, "_BACKOFF", 0)


def refusal(message: str, status: int = 400) -> ProviderError:
    return ProviderError(message, status=status, provider="acme")


def job_of(service: Service, **body: Any) -> Job:
    job = service.prepare([], json.dumps(ASK | body).encode())
    assert isinstance(job, Job)
    return job


async def applied(service: Service, **body: Any) -> tuple[str, ...]:
    """What the caller is told of changes, of a reply that began."""
    async with await begin(job_of(service, **body)) as reply:
        return reply.applied


async def test_a_refusal_that_is_understood_costs_one_more_attempt() -> None:
    """The caller gets a reply, and the next one is not refused at all."""
    provider = Scripted([[refusal(NO_BUDGETS)], REPLY])
    service = Service(providers={"first": provider}, max_retries=0)
    assert ("budget_tokens 4000->effort medium",) == (await applied(service, **BUDGET))[-1:]
    await applied(service, **BUDGET)
    types = [request.thinking.type for request in provider.requests]
    assert ["enabled", "adaptive", "adaptive"] == types


async def test_a_refusal_that_comes_again_is_the_callers() -> None:
    """Nothing is tried a third time."""
    provider = Scripted([[refusal(NO_BUDGETS)]])
    service = Service(providers={"first": provider})
    with pytest.raises(ProviderError, match="not supported"):
        await begin(job_of(service, **BUDGET))
    assert 2 == len(provider.requests)


async def test_thinking_that_is_disowned_is_left_out_once() -> None:
    """The conversation goes on without it, and the caller is told."""
    provider = Scripted([[refusal(DISOWNED)], REPLY])
    service = Service(providers={"first": provider}, max_retries=0)
    assert ("messages[1]: thinking of Claude dropped",) == await applied(service, messages=SIGNED)
    assert ["c2ln" in repr(request.messages) for request in provider.requests] == [True, False]

    stubborn = Scripted([[refusal(DISOWNED)]])
    with pytest.raises(ProviderError, match="Invalid `signature`"):
        await begin(job_of(Service(providers={"first": stubborn}), messages=SIGNED))
    assert 2 == len(stubborn.requests)


@pytest.mark.parametrize(
    "failure",
    [
        UpstreamUnreachable("gone"),
        UpstreamTimeout("late", code="timeout_first_event"),
        *[refusal("no", status) for status in (401, 402, 403, 404, 429, 500, 503, 529)],
        RuntimeError("a bug"),
    ],
    ids=lambda failure: f"{type(failure).__name__} {getattr(failure, 'status', '')}",
)
async def test_a_provider_that_fails_has_a_stand_in(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The next one in the list answers, with the model that the list names for it."""
    first, second = Scripted([[failure]]), Scripted()
    service = Service(
        providers={"first": first, "second": second},
        fallbacks=["second/claude-opus-5"],
        max_retries=0,
    )
    with caplog.at_level(logging.WARNING, "asgi_thinking"):
        told = await applied(service, **BUDGET)
    assert "fallback second/claude-opus-5" == told[0]
    assert "budget_tokens 4000->effort medium" in told
    assert ["claude-opus-5"] == [request.model for request in second.requests]
    assert "provider first failed: falling back to second" in caplog.messages


async def test_each_stand_in_gets_only_what_it_can_verify() -> None:
    """The history is fitted anew: another vendor knows nothing of the first one's signatures."""
    first = Scripted([[refusal("no", 500)]])
    second = Scripted(accepts=frozenset({"other"}))
    service = Service(
        providers={"first": first, "second": second},
        fallbacks=["second/claude-opus-5"],
        max_retries=0,
    )
    assert "messages[1]: thinking of Claude dropped" in await applied(service, messages=SIGNED)
    assert "c2ln" not in repr(second.requests[0].messages)
    assert "c2ln" in repr(first.requests[0].messages)


@pytest.mark.parametrize(("kind", "key"), [("acme", "sk-1"), ("other", None)])
async def test_the_callers_key_goes_to_its_vendor_alone(kind: str, key: str | None) -> None:
    """A stand-in of another vendor has to do with its own."""
    first = Scripted([[refusal("no", 500)]], credentials="client")
    second = Scripted(kind=kind, credentials="client")
    service = Service(
        providers={"first": first, "second": second},
        fallbacks=["second/claude-opus-5"],
        max_retries=0,
    )
    job = service.prepare([(b"x-api-key", b"sk-1")], json.dumps(ASK).encode())
    assert isinstance(job, Job)
    async with await begin(job):
        assert ("sk-1", key) == (first.requests[0].credential, second.requests[0].credential)


async def test_the_first_failure_is_told_where_all_fail() -> None:
    """A caller asked for one model, and hears why that one did not answer."""
    scripts = {name: Scripted([[refusal(name, 500)]]) for name in ("first", "second", "third")}
    service = Service(
        providers=scripts,
        fallbacks=["first/claude-sonnet-4-5", "second/claude-opus-5", "third/claude-opus-5"],
        max_retries=0,
    )
    with pytest.raises(ProviderError, match="first"):
        await begin(job_of(service))
    assert [1, 1, 1] == [len(provider.requests) for provider in scripts.values()]


@pytest.mark.parametrize(
    "failure",
    [refusal("no"), refusal("no", 422), InvalidRequest("no")],
    ids=["refused", "unfit", "ours"],
)
async def test_a_bad_request_is_bad_everywhere(failure: ThinkingError) -> None:
    """What the caller did wrong is not asked of others."""
    second = Scripted()
    service = Service(
        providers={"first": Scripted([[failure]]), "second": second},
        fallbacks=["second/claude-opus-5"],
    )
    with pytest.raises(ThinkingError, match="no"):
        await begin(job_of(service))
    assert [] == second.requests


async def test_a_stand_in_that_cannot_take_the_request_is_passed_over() -> None:
    """A conflict that is rejected there does not hide the first failure."""
    service = Service(
        providers={"first": Scripted([[refusal("down", 500)]]), "second": Scripted()},
        fallbacks=["second/claude-opus-5"],
        max_retries=0,
        on_conflict="reject",
    )
    with pytest.raises(ProviderError, match="down"):
        await begin(job_of(service, **BUDGET))


def test_a_stand_in_that_nobody_serves_is_a_mistake() -> None:
    """It is found when the service is made, not when the first one fails."""
    with pytest.raises(ConfigurationError, match=r"fallbacks: no provider serves 'gpt-5'"):
        Service(providers={"first": Scripted()}, fallbacks=["gpt-5"])


CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
LOST: list[dict[str, Any]] = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "1", "content": "1"},
]


async def test_what_is_not_remembered_may_be_an_error() -> None:
    """Where the owner wants it, a request that lost its thinking is refused, by its place."""
    service = Service(providers={"first": Scripted()}, continuity=Continuity(on_miss="error"))
    with pytest.raises(InvalidRequest) as caught:
        await begin(job_of(service, messages=LOST), "ada")
    assert ("messages[1]", 400) == (caught.value.param, caught.value.status)
    async with await begin(job_of(service, messages=LOST)) as reply:
        assert reply.notes is None  # nobody's conversation is neither remembered nor missed


async def test_without_continuity_nothing_is_remembered() -> None:
    """`continuity=None` leaves histories as they come."""
    tools = [{"type": "function", "function": {"name": "f"}}]
    service = Service(providers={"first": Scripted()}, continuity=None)
    async with await begin(job_of(service, messages=LOST, tools=tools), "ada") as reply:
        assert reply.notes is None
