"""One record for each request that is sent to a provider."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import Message

from asgi_thinking import Service, ThinkingResponse
from asgi_thinking.dialects import Asked, Encoder
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.events import Batch, StreamError, Usage
from asgi_thinking.exceptions import UpstreamStatusError, UpstreamUnreachable
from asgi_thinking.outcomes import Begun, Course, OnComplete, Outcome
from asgi_thinking.transforms import drop
from tests.asgi import Client, scope_for
from tests.scripted import ONLY, REPLY, START, Scripted

pytestmark = pytest.mark.anyio

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "a secret prompt"}],
    "reasoning_effort": "high",
    "max_tokens": 4000,
}
BUSY = UpstreamStatusError("busy with a secret", status=503, code="overloaded_error")

COMPLETE = Outcome(
    provider="acme",
    kind="acme",
    asked_model="claude-sonnet-4-5",
    model="claude-sonnet-4-5",
    response_model="claude-sonnet-4-5",
    response_id="msg_1",
    dialect="truefoundry",
    stream=False,
    status=200,
    result="complete",
    error_type=None,
    error_code=None,
    finish_reasons=("stop",),
    usage=Usage(3, 7),
    first_event=0.0,
    seconds=0.0,
    attempts=1,
    applied=("effort high->budget_tokens 3200",),
    tenant="",
)


def respond(
    provider: Scripted, on_complete: Any = None, tenant: str = "", **body: Any
) -> ThinkingResponse:
    options: dict[str, Any] = body.pop("options", {})
    service = Service(
        providers={"acme": provider}, max_retries=0, on_complete=on_complete, **options
    )
    prepared = service.answer((), json.dumps(ASK | body).encode())
    return ThinkingResponse(prepared, tenant=tenant)


async def run(response: ThinkingResponse) -> Client:
    client = Client()
    await response(scope_for(), client.receive, client.send)
    return client


def timeless(outcomes: list[Outcome]) -> list[Outcome]:
    """The outcomes without the times, which must make sense."""
    for outcome in outcomes:
        assert 0 <= (outcome.first_event or 0) <= outcome.seconds < 60
    return [
        replace(outcome, seconds=0.0, first_event=None if outcome.first_event is None else 0.0)
        for outcome in outcomes
    ]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("options", [{}, {"transform": drop()}], ids=["plain", "transformed"])
async def test_a_good_reply_is_complete(stream: bool, options: dict[str, Any]) -> None:
    """What the provider said of itself is known, streamed or not, and however it is shown."""
    outcomes: list[Outcome] = []

    await run(respond(Scripted(), outcomes.append, "me", stream=stream, options=options))

    expected = replace(COMPLETE, stream=stream, tenant="me")
    if "transform" in options:
        assert len(outcomes) == 1
        expected = replace(expected, applied=outcomes[0].applied)
    assert [expected] == timeless(outcomes)


async def test_a_hook_may_be_async() -> None:
    """It is awaited, after the reply has been sent."""
    sent: list[int] = []
    client = Client()

    async def on_complete(outcome: Outcome) -> None:
        await asyncio.sleep(0)
        sent.append(len(client.sent))
        assert outcome.result == "complete"

    await respond(Scripted(), on_complete)(scope_for(), client.receive, client.send)

    assert [2] == sent


@pytest.mark.parametrize("stream", [True, False])
async def test_an_early_failure_is_failed(stream: bool) -> None:
    """With the envelope's type and code, and what the provider never said left open."""
    outcomes: list[Outcome] = []

    await run(respond(Scripted([[BUSY]]), outcomes.append, stream=stream))

    assert [
        replace(
            COMPLETE,
            stream=stream,
            status=503,
            result="failed",
            error_type="server_error",
            error_code="overloaded_error",
            response_model="",
            response_id="",
            finish_reasons=(),
            usage=None,
            first_event=None,
            applied=(),
        )
    ] == timeless(outcomes)


@pytest.mark.parametrize("last", [[StreamError(BUSY)], UpstreamUnreachable("broke off")])
async def test_a_late_failure_of_a_stream_is_failed(last: Any) -> None:
    """Though its status was good; what was known until then is told."""
    outcomes: list[Outcome] = []

    await run(respond(Scripted([[START, ONLY, last]]), outcomes.append, stream=True))

    [outcome] = outcomes
    assert ("failed", 200, "server_error") == (outcome.result, outcome.status, outcome.error_type)
    assert ("msg_1", (), None) == (outcome.response_id, outcome.finish_reasons, outcome.usage)


@pytest.mark.parametrize("stream", [True, False])
async def test_who_leaves_cancels(stream: bool) -> None:
    """Once, and with what had been sent by then."""
    outcomes: list[Outcome] = []
    provider, client = Scripted([[START, asyncio.Event()]]), Client()
    response = respond(provider, outcomes.append, stream=stream)
    task = asyncio.create_task(response(scope_for(), client.receive, client.send))
    if stream:
        await client.until(2)

    client.leave()
    await task

    [outcome] = outcomes
    assert ("cancelled", 200 if stream else 0) == (outcome.result, outcome.status)


async def test_a_client_that_cannot_be_sent_to_has_left() -> None:
    """A server whose `send` raises says the same."""
    outcomes: list[Outcome] = []

    async def send(message: Message) -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await respond(Scripted(), outcomes.append)(scope_for(), Client().receive, send)

    assert ["cancelled"] == [outcome.result for outcome in outcomes]


async def test_attempts_and_fallbacks_are_counted() -> None:
    """Every time a provider was asked, and who answered in the end."""
    outcomes: list[Outcome] = []
    failing, other = Scripted([[BUSY]]), Scripted()
    service = Service(
        providers={"acme": failing, "other": other},
        max_retries=1,
        fallbacks=["other/claude-haiku-4-5"],
        on_complete=outcomes.append,
    )

    await run(ThinkingResponse(service.answer((), json.dumps(ASK).encode())))

    [outcome] = outcomes
    assert ("other", "claude-haiku-4-5", 3) == (outcome.provider, outcome.model, outcome.attempts)
    assert "fallback other/claude-haiku-4-5" in outcome.applied
    assert "claude-sonnet-4-5" == outcome.asked_model


async def test_what_is_never_sent_has_no_outcome() -> None:
    """A refused request has cost nobody anything."""
    outcomes: list[Outcome] = []

    client = await run(respond(Scripted(), outcomes.append, messages=1))

    assert (400, []) == (client.status, outcomes)


def broken(_: Outcome) -> None:
    raise RuntimeError("the hook broke")


async def broken_later(_: Outcome) -> None:
    raise RuntimeError("the hook broke")


class BrokenWatcher:
    """Fails before anything is sent."""

    def begin(self, begun: Begun) -> OnComplete:
        raise RuntimeError("the hook broke")


@pytest.mark.parametrize("hook", [broken, broken_later, BrokenWatcher()])
async def test_a_broken_hook_is_logged_and_costs_nothing(
    hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller's reply is the same."""
    with caplog.at_level(logging.ERROR):
        client = await run(respond(Scripted(), hook))

    assert 200 == client.status
    assert "the answer" in client.json["choices"][0]["message"]["content"]
    assert "the hook broke" in caplog.text


class Watching:
    """A hook that wants to know of the beginning."""

    def __init__(self) -> None:
        self.seen: list[Begun | str] = []

    def begin(self, begun: Begun) -> Callable[[Outcome], None]:
        self.seen.append(begun)
        return lambda outcome: self.seen.append(outcome.result)


async def test_a_watcher_sees_the_beginning_and_the_end() -> None:
    """In this order, around what is sent upstream."""
    watching = Watching()

    await run(respond(Scripted(), watching, "me", model="acme/claude-sonnet-4-5"))

    begun = Begun(
        provider="acme",
        kind="acme",
        model="claude-sonnet-4-5",
        asked_model="acme/claude-sonnet-4-5",
        dialect="truefoundry",
        stream=False,
        tenant="me",
    )
    assert [begun, "complete"] == watching.seen


async def test_the_log_has_one_line_for_each_request(caplog: pytest.LogCaptureFixture) -> None:
    """With the same facts, quoted where they need to be, and nothing that was said."""
    with caplog.at_level(logging.INFO, "asgi_thinking"):
        await run(respond(Scripted(), tenant="me and you"))
        await run(respond(Scripted([[BUSY]])))

    good, bad = [r for r in caplog.records if r.getMessage().startswith("completion ")]
    facts = "provider=acme asked=claude-sonnet-4-5 model=claude-sonnet-4-5 "
    assert good.getMessage().startswith("completion " + facts + "answered=claude-sonnet-4-5 ")
    assert " finish=stop input=3 output=7 first_event=0.0" in good.getMessage()
    assert good.getMessage().endswith(
        " attempts=1 applied='effort high->budget_tokens 3200' tenant='me and you'"
    )
    assert "result=failed error=server_error code=overloaded_error" in bad.getMessage()
    assert isinstance(vars(good)["outcome"], Outcome)
    assert "secret" not in caplog.text


async def test_without_a_log_and_a_hook_there_is_no_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody pays for what nobody reads."""
    monkeypatch.delattr(Course, "end")

    assert 200 == (await run(respond(Scripted()))).status


class Plain:
    """A third party's encoder, which keeps no account."""

    keep_alive = b""

    def __init__(self, encoder: Encoder) -> None:
        self._feed = encoder.feed

    def feed(self, batch: Batch) -> bytes:
        return self._feed(batch)


async def test_what_an_encoder_does_not_know_stays_open() -> None:
    """Its replies have an outcome as well, and so has one that never began."""
    begun = Begun("acme", "acme", "m", "m", "openai", stream=True, tenant="")
    outcomes: list[Outcome] = []
    course = Course(begun, Scripted(), outcomes.append)
    encoder = Plain(OPENAI.encoder(Asked()))
    for batch in REPLY:
        encoder.feed(batch)

    for each in (OPENAI.encoder(Asked()), encoder):
        course.encoded(each, None)
    course.completed()
    await course.end()

    assert (None, "", "complete") == (
        outcomes[0].usage,
        outcomes[0].response_id,
        outcomes[0].result,
    )
