"""What an owner decides about each request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from asgi_thinking import Service
from asgi_thinking.asker import Asker
from asgi_thinking.exceptions import ConfigurationError, ModelNotFound, PermissionDenied
from asgi_thinking.exceptions import ThinkingError as Error
from asgi_thinking.exchange import Job, Refusal
from asgi_thinking.limits import Limits
from asgi_thinking.policies import Choice, Policy, consult, refusal
from asgi_thinking.transforms import drop, redact
from tests.scripted import Scripted, going

pytestmark = pytest.mark.anyio

ASK: dict[str, Any] = {
    "model": "acme/claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "max_tokens": 5000,
}
BODY = json.dumps(ASK).encode()
PORTKEY = [(b"x-thinking-dialect", b"portkey")]


def service(**options: Any) -> Service:
    other = Scripted(name="other", kind="other")
    return Service(providers={"acme": Scripted(), "other": other}, **options)


def prepare(choice: Choice, headers: Any = (), body: dict[str, Any] | None = None) -> Job:
    job = service().prepare(headers, json.dumps(ASK | (body or {})).encode(), choice)
    assert isinstance(job, Job), job
    return job


def applied(job: Job) -> tuple[str, ...]:
    """All that is reported of a job."""
    return (*job.decided, *going(job).applied)


# -- what it can choose ------------------------------------------------------------------------


def test_it_chooses_who_answers() -> None:
    """Whatever the caller and its headers say, and it is reported."""
    headers = [(b"x-thinking-provider", b"acme")]

    job = prepare(Choice(model="other/claude-haiku-4-5"), headers)

    assert ("other", "claude-haiku-4-5") == (job.plan.provider.name, going(job).request.model)
    assert ("model acme/claude-sonnet-4-5->other/claude-haiku-4-5",) == applied(job)
    assert () == applied(prepare(Choice(model="acme/claude-sonnet-4-5")))


def test_it_chooses_for_models_that_nobody_serves() -> None:
    """A model of the host's is ours if the policy says so; no model at all is never ours."""
    choice = Choice(model="other/claude-haiku-4-5")

    assert "other" == prepare(choice, body={"model": "gpt-5"}).plan.provider.name
    assert service().prepare((), b"{}", choice) is None
    refused = service().prepare((), b'{"model": 1}', choice)
    assert isinstance(refused, Refusal)
    assert "model" == refused.error.param


def test_a_choice_that_nobody_serves_is_an_error() -> None:
    """It is the owner's mistake, and is not answered by somebody else."""
    refused = service().prepare((), BODY, Choice(model="nobody/model"))

    assert isinstance(refused, Refusal)
    assert isinstance(refused.error, ConfigurationError)
    assert "policy: no provider serves 'nobody/model'" == refused.error.message


def test_it_chooses_the_dialects() -> None:
    """Strict is strict, whatever the caller asks for; and what changes is reported."""
    strict = Choice(dialects=("openai",))

    assert ("openai", ("dialect truefoundry->openai",)) == told(prepare(strict))
    assert ("openai", ("dialect portkey->openai",)) == told(prepare(strict, PORTKEY))
    assert ("portkey", ()) == told(prepare(Choice(dialects=["portkey", "obiguard"]), PORTKEY))
    assert ("obiguard", ("dialect truefoundry->obiguard",)) == told(
        prepare(Choice(dialects=["obiguard", "portkey"]))
    )
    assert ("portkey", ()) == told(prepare(Choice(default_dialect="obiguard"), PORTKEY))
    assert "obiguard" == told(prepare(Choice(default_dialect="obiguard")))[0]


def told(job: Job) -> tuple[str, tuple[str, ...]]:
    return job.manner.dialect.name, applied(job)


def test_a_dialect_that_is_not_known_is_an_error() -> None:
    """As it is at construction."""
    refused = service().prepare((), BODY, Choice(dialects=("nothing",)))

    assert isinstance(refused, Refusal)
    assert "dialect 'nothing' is not installed" in refused.error.message


def test_dialects_without_end_are_not_all_remembered() -> None:
    """A policy that makes up a new list for each request makes nothing grow."""
    shared = service()
    for number in range(300):
        choice = Choice(dialects=("openai",) * (number + 1))
        assert isinstance(shared.prepare((), BODY, choice), Job)
    assert len(shared._negotiators._chosen) <= 256


def test_it_chooses_what_becomes_of_conflicts() -> None:
    """For one request, and the lessons of each way are kept."""
    wrong = json.dumps(ASK | {"thinking": {"type": "enabled", "budget_tokens": 9000}}).encode()
    shared = service()
    for _ in range(2):
        assert isinstance(shared.prepare((), wrong, Choice(on_conflict="reject")), Refusal)
        assert isinstance(shared.prepare((), wrong, Choice(on_conflict="fix")), Job)
        assert isinstance(shared.prepare((), wrong), Job)
    mode: Any = "guess"
    refused = shared.prepare((), wrong, Choice(on_conflict=mode))
    assert isinstance(refused, Refusal)
    assert "on_conflict: 'guess' is not fix, reject or pass" == refused.error.message


def test_it_limits_tokens() -> None:
    """Both limits hold, and are reported."""
    wish = {"thinking": {"type": "enabled", "budget_tokens": 4000}}

    job = prepare(Choice(max_tokens=3000, max_budget=2000), body=wish)

    request = going(job).request
    assert (3000, 2000) == (request.max_tokens, request.thinking.budget)
    assert ("max_tokens 5000->3000", "budget_tokens 4000->2000") == applied(job)
    assert Choice().limits is None
    assert Limits(budget=0) == Choice(max_budget=0).limits


def test_it_chooses_the_transform() -> None:
    """In the place of the service's own, which holds otherwise."""
    own, other = redact("a"), drop()
    shared = service(transform=own)

    for choice, expected in ((None, own), (Choice(), own), (Choice(transform=other), other)):
        job = shared.prepare((), BODY, choice)
        assert isinstance(job, Job)
        assert job.manner.transform is expected
        assert shared.transform(choice) is expected


def test_answer_heeds_a_choice_as_well() -> None:
    """A handler may decide by itself."""
    choice = Choice(model="other/claude-haiku-4-5")
    job = service().answer((), json.dumps(ASK | {"model": "gpt-5"}).encode(), choice)
    refused = service().answer((), b'{"model": "gpt-5"}', Choice(max_tokens=1))

    assert isinstance(job, Job)
    assert isinstance(refused, Refusal)
    assert isinstance(refused.error, ModelNotFound)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_tokens": 0}, "Choice: max_tokens must be above 0, not 0"),
        ({"max_budget": -1}, "Choice: max_budget must not be -1"),
    ],
)
def test_a_limit_is_a_number_of_tokens(limits: dict[str, int], message: str) -> None:
    """What is none is refused where it is written."""
    with pytest.raises(ConfigurationError, match=message):
        Choice(**limits)


# -- the host's own replies --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "choice", "headers", "expected"),
    [
        ({}, None, (), None),
        ({}, Choice(max_tokens=1), (), None),
        ({"default_dialect": "portkey"}, None, (), ("portkey", False)),
        ({"dialects": ["portkey"]}, None, (), ("portkey", False)),
        ({}, None, PORTKEY, ("portkey", True)),
        ({}, Choice(dialects=("openai",)), (), ("openai", True)),
        ({}, Choice(dialects=("openai",)), PORTKEY, ("openai", True)),
        ({}, Choice(default_dialect="obiguard"), (), ("obiguard", False)),
    ],
)
def test_it_chooses_for_the_hosts_replies_too(
    options: dict[str, Any], choice: Choice | None, headers: Any, expected: Any
) -> None:
    """What a choice says of dialects is as explicit as what a request says."""
    found = service(**options).for_host(headers, choice)

    assert expected == (None if found is None else (found[0].name, found[1]))


# -- asking it ---------------------------------------------------------------------------------


async def asked(policy: Policy) -> Choice | None:
    return await consult(policy, Asker("m", "me"))


async def later(asker: Asker) -> Choice | None:
    return Choice(model=asker.tenant)


async def test_a_policy_may_be_async() -> None:
    """It may look into a database; it may have nothing to say, either way."""

    async def silent(asker: Asker) -> None:
        assert "me" == asker.tenant

    assert Choice(model="me") == await asked(later)
    assert Choice(model="m") == await asked(lambda asker: Choice(model=asker.model))
    assert await asked(silent) is None
    assert await asked(lambda _: None) is None


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (Error("slow down", status=429, retry_after=3), 429, "slow down"),
        (PermissionError("internal"), 403, "you may not use this model"),
        (HTTPException(402, "pay first"), 402, "pay first"),
    ],
)
async def test_it_refuses_as_authorize_does(error: Exception, status: int, message: str) -> None:
    """By this package's errors, Python's own, or the framework's."""

    def policy(_: Asker) -> Choice:
        raise error

    with pytest.raises(Error, match=message) as caught:
        await asked(policy)
    assert status == caught.value.status
    assert isinstance(caught.value, PermissionDenied) is isinstance(error, PermissionError)


def test_a_framework_says_when_to_come_again() -> None:
    """In the header of its exception; what is no number of seconds is left out."""
    for value, seconds in (("7", 7.0), ("Sun, 22 Nov 2026 16:00:00 GMT", None)):
        refused = refusal(HTTPException(429, "slow down", {"x-plan": "1", "Retry-After": value}))
        assert refused is not None
        assert seconds == refused.retry_after


async def test_a_broken_policy_is_the_hosts_failure() -> None:
    """A mistake in it is raised, as any mistake of a host's, and nothing is sent upstream."""

    def policy(_: Asker) -> Choice:
        raise KeyError("plan")

    with pytest.raises(KeyError):
        await asked(policy)


async def test_a_service_asks_its_policy() -> None:
    """With the model as the caller wrote it, "" where there is none, and all of the scope."""
    seen: list[Asker] = []
    shared = service(policy=seen.append)
    scope: dict[str, Any] = {"headers": [(b"x-plan", b"trial")]}

    for body in (BODY, b"{}", b"no JSON", b'{"model": 1}'):
        assert await shared.choose(body, scope, "me") is None

    assert [Asker("acme/claude-sonnet-4-5", "me", scope), *3 * [Asker("", "me", scope)]] == seen
    assert "trial" == seen[0].header("x-plan")
    assert await service().choose(BODY, scope) is None
