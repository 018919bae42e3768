"""How headers and a body become a job."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from asgi_thinking import Service
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import ConfigurationError, ModelNotFound
from asgi_thinking.exchange import Job, Refusal
from asgi_thinking.messages import Text, Turn
from tests.scripted import Scripted, going

ASK: dict[str, Any] = {
    "model": "acme/claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "max_tokens": 5000,
}


def prepare(
    headers: list[tuple[bytes, bytes]] | None = None,
    provider: Scripted | None = None,
    body: dict[str, Any] | None = None,
    **options: Any,
) -> Job:
    service = Service(providers={"acme": provider or Scripted()}, **options)
    job = service.prepare(headers or [], json.dumps(ASK | (body or {})).encode())
    assert isinstance(job, Job), job
    return job


def test_a_job_says_what_goes_upstream_and_how_the_reply_is_written() -> None:
    """Model, dialect, stream and changes are settled before anything is sent."""
    job = prepare(
        [(b"x-thinking-dialect", b"portkey")], body={"reasoning_effort": "low", "stream": True}
    )

    assert going(job).request.model == "claude-sonnet-4-5"
    assert going(job).request.thinking.budget == 1024
    assert job.manner.dialect.name == "portkey"
    assert job.manner.asked.thinking
    assert job.manner.stream
    assert going(job).request.stream
    assert going(job).applied


def test_a_reply_too_long_to_wait_for_is_streamed_upstream_only() -> None:
    """An explicit `max_tokens` that the API serves only by streaming does not change the reply."""
    job = prepare(body={"max_tokens": 60_000})

    assert going(job).request.stream
    assert not job.manner.stream


def test_thinking_that_nobody_can_verify_is_dropped_and_reported() -> None:
    """Unsigned thinking of another vendor does not reach the upstream."""
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "reasoning_content": "unsigned"},
        {"role": "user", "content": "c"},
    ]

    job = prepare(body={"messages": messages})

    assert "unsigned" not in repr(going(job).request.messages)
    assert any("messages[1]" in change for change in going(job).applied)


def test_on_conflict_decides_about_requests_that_would_be_refused() -> None:
    """The same request is mended or refused, as the owner wants."""
    wrong = {"thinking": {"type": "enabled", "budget_tokens": 9000}}
    service = Service(providers={"acme": Scripted()}, on_conflict="reject")

    assert going(prepare(body=wrong)).applied
    assert isinstance(service.prepare([], json.dumps(ASK | wrong).encode()), Refusal)


def test_only_named_headers_of_the_caller_go_upstream() -> None:
    """`idempotency-key` and what the owner names; never a credential by default."""
    headers = [
        (b"idempotency-key", b"1"),
        (b"x-trace", b"2"),
        (b"authorization", b"Bearer secret"),
        (b"x-api-key", b"secret"),
    ]

    job = prepare(headers, forward_headers=["X-Trace"])

    assert going(job).request.headers == (("idempotency-key", "1"), ("x-trace", "2"))
    assert going(job).request.credential is None
    assert "secret" not in repr(going(job).request)


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ([(b"X-API-Key", b"sk-1")], "sk-1"),
        ([(b"authorization", b"Bearer sk-2")], None),
        ([(b"authorization", b"Bearer sk-3"), (b"x-portkey-api-key", b"p")], "sk-3"),
        ([(b"authorization", b"Bearer OPENAI_API_KEY"), (b"x-obiguard-api-key", b"p")], None),
        ([(b"authorization", b"Basic eA=="), (b"x-obiguard-api-key", b"p")], None),
        ([(b"x-portkey-api-key", b"p")], None),
    ],
)
def test_the_callers_own_key_is_used_only_where_the_owner_wants_it(
    headers: list[tuple[bytes, bytes]], key: str | None
) -> None:
    """An `Authorization` for us is not taken for a vendor's key, nor an SDK's dummy."""
    assert going(prepare(headers, Scripted(credentials="client"))).request.credential == key


def test_extra_fields_are_the_providers_choice() -> None:
    """A field that nobody named does not go upstream."""
    body = {"container": None, "acme_mode": "x", "other": 1}

    assert going(prepare(body=body)).request.extra == {}
    provider = Scripted(extra_fields=frozenset({"acme_mode"}))
    assert going(prepare(provider=provider, body=body)).request.extra == {"acme_mode": "x"}


def test_a_model_of_nobody_is_the_hosts_or_an_error() -> None:
    """`prepare` leaves it to the host; `answer` is for hosts that have none."""
    service = Service(providers={"acme": Scripted()})
    body = b'{"model": "gpt-5"}'

    assert service.prepare([], body) is None
    refusal = service.answer([], body)
    assert isinstance(refusal, Refusal)
    assert isinstance(refusal.error, ModelNotFound)
    assert "'gpt-5'" in refusal.error.message


@pytest.mark.parametrize("body", [b"{}", b'{"model": 1}'])
def test_a_missing_model_is_named(body: bytes) -> None:
    """Without a model there is nobody to ask."""
    refusal = Service().answer([], body)

    assert isinstance(refusal, Refusal)
    assert refusal.error.param == "model"


def test_answer_gives_a_job_where_there_is_one() -> None:
    """A model of ours is prepared by either door."""
    service = Service(providers={"acme": Scripted()})

    assert isinstance(service.answer([], json.dumps(ASK).encode()), Job)


def test_the_default_is_an_allowed_dialect() -> None:
    """Where the usual default is not allowed, the first allowed one is it."""
    assert prepare(dialects=["portkey", "openai"]).manner.dialect.name == "portkey"
    assert prepare(dialects=["openai", "truefoundry"]).manner.dialect.name == "truefoundry"
    assert prepare(default_dialect="obiguard").manner.dialect.name == "obiguard"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_conflict": "guess"}, "on_conflict: 'guess' is not fix, reject or pass"),
        ({"providers": "anthropic"}, r"pass a list, \['anthropic'\]"),
        ({"providers": {"acme": object()}}, r"providers\['acme'\]: object is no Provider"),
        ({"providers": ["nobody"]}, "provider 'nobody' is not installed"),
        ({"dialects": ["nobody"]}, "dialect 'nobody' is not installed"),
        ({"models": {"a": "nobody/b"}}, "no provider instance 'nobody'"),
    ],
)
def test_what_cannot_work_is_an_error_at_construction(
    options: dict[str, Any], message: str
) -> None:
    """The owner hears of a mistake at start, not from a user."""
    with pytest.raises(ConfigurationError, match=message):
        Service(**options)


def test_a_sequence_of_names_is_short_for_instances_of_the_same_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`["anthropic"]` is `{"anthropic": "anthropic"}`; an instance is called by its own name."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")

    service = Service(providers={"main": "anthropic"})

    assert [*Service(providers=["anthropic"]).router.instances] == ["anthropic"]
    assert service.router.instances["main"].name == "main"
    assert service.router.instances["main"].kind == "anthropic"


@pytest.mark.anyio
async def test_closing_closes_every_provider() -> None:
    """Connections are released once for each instance."""
    providers = {"a": Scripted(), "b": Scripted()}

    await Service(providers=providers).aclose()

    assert [provider.closed for provider in providers.values()] == [1, 1]


class Growing(Scripted):
    """A provider that comes to know more of its models."""

    def capabilities(self, model: str) -> Capabilities:
        return replace(super().capabilities(model), max_output=self.known)

    known = 4096


def test_equal_settings_are_settled_once() -> None:
    """The same settings give the same values, and nothing of the messages is among them."""
    service = Service(providers={"acme": Scripted()})
    first, second = (
        service.prepare(
            [], json.dumps(ASK | {"messages": [{"role": "user", "content": c}]}).encode()
        )
        for c in "ab"
    )

    assert going(first).request.thinking is going(second).request.thinking
    assert [Turn("user", (Text("b"),))] == list(going(second).request.messages)


def test_what_a_provider_learns_of_its_models_counts_at_once() -> None:
    """Settled settings do not outlive the record that they were settled by."""
    provider = Growing()
    service = Service(providers={"acme": provider})
    limits: list[int | None] = []
    for provider.known in (4096, 2048):
        job = service.prepare([], json.dumps(ASK).encode())
        limits.append(going(job).request.max_tokens)

    assert [4096, 2048] == limits


def test_settings_that_never_come_again_are_no_leak() -> None:
    """However many and however long settings are, few of them and none of the long are kept."""
    service = Service(providers={"acme": Scripted()})
    tracemalloc.start()
    try:
        for number in range(2000):
            service.prepare([], json.dumps(ASK | {"user": f"user {number}"}).encode())
        for number in range(20):
            long = {"stop": [f"{number}" + "x" * 1_000_000]}
            service.prepare([], json.dumps(ASK | long).encode())
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 8_000_000


def test_a_conversation_is_looked_at_whatever_the_settings() -> None:
    """A prefill that the model refuses beside thinking is met where the same settings passed."""
    service = Service(providers={"acme": Scripted()})
    thinking = ASK | {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    prefill = [*ASK["messages"], {"role": "assistant", "content": "I"}]
    plain = service.prepare([], json.dumps(thinking).encode())
    filled = service.prepare([], json.dumps(thinking | {"messages": prefill}).encode())

    assert "enabled" == going(plain).request.thinking.type
    assert going(filled).request.thinking.type is None
    assert ("thinking off: prefill",) == going(filled).applied


@pytest.mark.anyio
async def test_a_service_that_remembers_nothing_has_nothing_to_release() -> None:
    """Without continuity there is no store to close."""
    await Service(continuity=None).aclose()
