"""Replies with tool calls that a service remembers, by whom, and what it lets go of."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asgi_thinking import Continuity, Service, ThinkingMiddleware, ThinkingResponse
from asgi_thinking.events import (
    Batch,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Finish,
    SignatureDelta,
    StreamError,
    ThinkingDelta,
    ToolCallDelta,
)
from asgi_thinking.exceptions import UpstreamUnreachable
from asgi_thinking.messages import Text, Thinking, Turn
from asgi_thinking.requests import ChatRequest
from tests.asgi import Client, scope_for
from tests.scripted import START, Scripted

pytestmark = pytest.mark.anyio

TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
CALL = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "reasoning_effort": "high",
    "max_tokens": 4000,
    "tools": TOOLS,
}
LOST = {
    "messages": [
        *ASK["messages"],
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "t1", "content": "1"},
    ]
}
SAID: list[Event] = [
    BlockStart(0, "thinking"),
    ThinkingDelta(0, "secret thought"),
    SignatureDelta(0, "c2lnbmF0dXJl"),
    BlockStop(0),
    BlockStart(1, "tool_call", id="t1", name="f"),
    ToolCallDelta(1, "{}"),
    BlockStop(1),
]
END: list[Event] = [Finish("tool_calls", "tool_use"), Done()]
CALLS: list[list[Event]] = [START, SAID, END]
REMEMBERED = Thinking("secret thought", "c2lnbmF0dXJl")
KEY = (b"authorization", b"Bearer key-1")


def answer(
    service: Service, headers: Any = (KEY,), tenant: str = "", **body: Any
) -> ThinkingResponse:
    prepared = service.answer(headers, json.dumps(ASK | body).encode())
    return ThinkingResponse(prepared, tenant=tenant)


async def run(response: Any) -> Client:
    client = Client()
    await response(scope_for(), client.receive, client.send)
    return client


def serving(*scripts: Any, **options: Any) -> tuple[Scripted, Service]:
    provider = Scripted([*(scripts or (CALLS,))])
    return provider, Service(providers={"acme": provider}, max_retries=0, **options)


def thought(provider: Scripted) -> list[Any]:
    """The thinking that went upstream with the last request."""
    return [p for t in provider.requests[-1].messages for p in t.parts if isinstance(p, Thinking)]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_thinking_that_the_client_cannot_keep_is_put_back(stream: bool) -> None:
    """The next turn has it, though the client sent the call alone."""
    provider, service = serving()
    await run(answer(service, stream=stream))
    await run(answer(service, **LOST))
    assert [REMEMBERED] == thought(provider)


async def test_it_is_remembered_before_the_client_sees_the_end() -> None:
    """A client that asks on at once is not ahead of what it asks for."""
    provider, service = serving()
    client = Client()

    async def send(message: Any) -> None:
        if b'"finish_reason":"tool_calls"' in message.get("body", b""):
            await run(answer(service, **LOST))
        await client.send(message)

    await answer(service, stream=True)(scope_for(), client.receive, send)
    assert [REMEMBERED] == thought(provider)


async def test_a_reply_that_fails_is_not_remembered() -> None:
    """Its calls were never the client's to answer."""
    failing = [START, SAID, [StreamError(UpstreamUnreachable("gone"))]]
    provider, service = serving(failing, CALLS)
    await run(answer(service, stream=True))
    await run(answer(service, **LOST))
    assert [] == thought(provider)


async def test_without_tools_nothing_is_noted() -> None:
    """A reply that can have no calls costs nothing to remember."""
    provider, service = serving()
    await run(answer(service, tools=None))
    await run(answer(service, **LOST))
    assert [] == thought(provider)


OTHER = (b"authorization", b"Bearer key-2")


@pytest.mark.parametrize(
    ("first", "then", "same"),
    [
        ([KEY], [KEY], True),
        ([KEY], [OTHER], False),
        ([KEY], [], False),
        ([], [], False),
        ([(b"X-API-Key", b"k")], [(b"x-api-key", b"k")], True),
        ([(b"x-portkey-api-key", b"k"), KEY], [(b"x-portkey-api-key", b"k"), OTHER], True),
        ([(b"x-obiguard-api-key", b"k"), KEY], [(b"x-portkey-api-key", b"k")], True),
        ([(b"x-portkey-api-key", b"k"), KEY], [KEY], False),
        ([(b"authorization", b"Bearer OPENAI_API_KEY")], 2 * [KEY], False),
        ([(b"authorization", b"Bearer OPENAI_API_KEY")] * 2, [], False),
    ],
)
async def test_the_key_of_a_request_says_whose_it_is(first: Any, then: Any, same: bool) -> None:
    """A gateway's own key before others; an SDK's dummy is nobody's."""
    provider, service = serving()
    await run(answer(service, first))
    await run(answer(service, then, **LOST))
    assert [REMEMBERED] * same == thought(provider)


@pytest.mark.parametrize(
    ("first", "then", "same"),
    [
        ("ada", "ada", True),
        ("ada", "bob", False),
        ("ada", "", False),
        ("key Bearer key-1", "", False),
    ],
)
async def test_a_tenants_name_says_it_better(first: str, then: str, same: bool) -> None:
    """Whatever keys requests carry; and no name is another's key."""
    provider, service = serving()
    await run(answer(service, tenant=first))
    await run(answer(service, tenant=then, **LOST))
    assert [REMEMBERED] * same == thought(provider)


async def test_who_is_let_in_is_whose_it_is() -> None:
    """The middleware's `authorize` names the tenant."""
    provider, service = serving()

    def authorize(scope: Any) -> str:
        return str(dict(scope["headers"])[b"x-user"].decode())

    app = ThinkingMiddleware(lambda *_: asyncio.sleep(0), service=service, authorize=authorize)
    for user, same in (("ada", False), ("bob", False), ("ada", True)):
        body = ASK | (LOST if provider.requests else {})
        client = Client([json.dumps(body).encode()])
        headers = [(b"x-user", user.encode()), (b"content-type", b"application/json")]
        await app(scope_for(headers=headers), client.receive, client.send)
        assert [REMEMBERED] * same == thought(provider)


async def test_closing_forgets() -> None:
    """What a service remembered goes with it; one that remembers nothing has nothing to close."""
    provider, service = serving()
    await run(answer(service))
    await service.aclose()
    await run(answer(service, **LOST))
    assert [] == thought(provider)
    await Service(continuity=None).aclose()


async def test_several_services_may_remember_together() -> None:
    """They are given the same `Continuity`."""
    continuity = Continuity()
    provider, service = serving(continuity=continuity)
    await run(answer(service))
    other, second = serving(continuity=continuity)
    await run(answer(second, **LOST))
    assert [REMEMBERED] == thought(other)
    assert 1 == len(provider.requests)


async def test_a_response_answers_once() -> None:
    """It gave its request away, and says so to whoever asks again."""
    _, service = serving()
    response = answer(service)
    await run(response)
    with pytest.raises(RuntimeError, match="answers one request"):
        await run(response)


class Forgetful(Scripted):
    """A provider that keeps nothing of a request once it is sent, as those over HTTP do."""

    def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        return super().stream(request.but(messages=()))


def held(text: str) -> bool:
    """Whether anything in this process still has the turn."""
    return any(isinstance(o, Turn) and o.parts == (Text(text),) for o in gc.get_objects())


async def test_a_conversation_is_let_go_of_once_its_reply_begins() -> None:
    """A stream of many minutes does not hold the many megabytes that were asked with."""
    hold = asyncio.Event()
    service = Service(providers={"acme": Forgetful([[START, hold, SAID, END]])})
    asked = {"messages": [{"role": "user", "content": "a long story"}], "stream": True}
    response, client = answer(service, **asked), Client()
    assert held("a long story")
    task = asyncio.create_task(response(scope_for(), client.receive, client.send))
    await client.until(2)
    assert not held("a long story")
    hold.set()
    await task
    assert client.content.endswith(b"data: [DONE]\n\n")
