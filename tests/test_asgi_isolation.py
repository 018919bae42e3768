"""Requests do not meet: not in one loop, not in several, not where middleware is stacked."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware, allow_all
from asgi_thinking.events import Batch, BlockStart, BlockStop, TextDelta
from asgi_thinking.messages import Text
from asgi_thinking.providers.anthropic import AnthropicProvider
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transport import UpstreamRequest
from tests.asgi import JSON_HEADERS, Client, call, scope_for
from tests.engines import our_tasks
from tests.live.stack import PIECES
from tests.loopback import Loopback, replying
from tests.scripted import END, REPLY, START, Scripted

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
}

REASONED = {
    "id": "1",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "reasoning_content": "thought", "content": "answer"},
            "finish_reason": "stop",
        }
    ],
}

# What a request is about, set outside the middleware, and by the host within.
outside: ContextVar[str] = ContextVar("outside", default="nothing")
inside: ContextVar[str] = ContextVar("inside", default="nothing")


pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def anyio_backend() -> str:
    """Replies of ours need asyncio."""
    return "asyncio"


class Echo(Scripted):
    """Answers each request with its own text and context, one batch at a time, in between others.

    All wait for each other, so that they are under way together.
    """

    def __init__(self, together: int = 1) -> None:
        super().__init__()
        self.barrier = asyncio.Barrier(together)

    async def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        (part,) = request.messages[0].parts
        assert isinstance(part, Text)
        yield START
        await self.barrier.wait()
        yield [BlockStart(0, "text"), TextDelta(0, part.text)]
        await self.barrier.wait()
        yield [TextDelta(0, f" in {outside.get()}"), BlockStop(0)]
        yield END


def about(topic: str, **more: Any) -> dict[str, Any]:
    return ASK | {"messages": [{"role": "user", "content": topic}]} | more


FOREIGN = ASK | {"model": "gpt-5", "reasoning_effort": "low"}
ASKED = [(b"x-thinking-dialect", b"portkey")]


class Rewritten:
    """A host whose replies can be rewritten; all are about the context, and under way together."""

    def __init__(self, together: int = 1) -> None:
        self.barrier = asyncio.Barrier(together)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = json.loads((await receive())["body"])
        inside.set("left by the host")
        said = {"reasoning_content": "thought", "content": f"answer {outside.get()}"}
        key, kind = ("message", b"application/json")
        if body.get("stream"):
            key, kind = ("delta", b"text/event-stream")
        choice = {"index": 0, key: {"role": "assistant", **said}, "finish_reason": "stop"}
        reply = {"id": "1", "created": 1, "model": "m", "choices": [choice]}
        raw = json.dumps(reply).encode()
        if key == "delta":
            raw = b"data: %b\n\ndata: [DONE]\n\n" % raw
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.barrier.wait()
        await send({"type": "http.response.body", "body": raw[:30], "more_body": True})
        await self.barrier.wait()
        await send({"type": "http.response.body", "body": raw[30:]})


async def host(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what it sees of the context, and leaves a word in it."""
    inside.set("left by the host")
    await PlainTextResponse(outside.get())(scope, receive, send)


def wrap(app: Any, *providers: Any, **options: Any) -> ThinkingMiddleware:
    named = {f"p{n}": provider for n, provider in enumerate(providers)}
    return ThinkingMiddleware(app, providers=named, authorize=allow_all, **options)


# -- one loop ----------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
async def test_concurrent_requests_do_not_mix(stream: bool) -> None:
    """Fifty at once through one middleware: each reply is about its own request only."""
    count = 50
    app = wrap(host, Echo(count))

    async def one(number: int) -> Client:
        outside.set(f"context-{number}.")
        return await call(app, about(f"topic-{number}.", stream=stream))

    clients = await asyncio.gather(*map(one, range(count)))

    for number, client in enumerate(clients):
        for mine in (f"topic-{number}.", f"context-{number}."):
            assert mine.encode() in client.content
        assert 1 == client.content.count(b"topic-") == client.content.count(b"context-")


@pytest.mark.anyio
async def test_context_goes_in_and_comes_out() -> None:
    """The host runs in the caller's own context: what it sets, outer middleware sees."""
    outside.set("a request")

    client = await call(wrap(host, Scripted()), ASK | {"model": "gpt-5"})

    assert b"a request" == client.content
    assert "left by the host" == inside.get()


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
async def test_cancellation_from_outside_is_passed_on(stream: bool) -> None:
    """A server that cancels a request sees it cancelled, with nothing left running."""
    provider = Scripted([[*REPLY[:2], asyncio.Event()]])
    client = Client([json.dumps(ASK | {"stream": stream}).encode()])
    before = asyncio.all_tasks()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await wrap(host, provider)(scope_for(), client.receive, client.send)

    assert provider.released.is_set()
    assert before == asyncio.all_tasks()


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
async def test_concurrent_rewrites_do_not_mix(stream: bool) -> None:
    """Fifty replies of the host's at once: each is rewritten for its own request only."""
    count = 50
    app = wrap(Rewritten(count), Scripted())
    dialects = ("portkey", "openai", "truefoundry")

    async def one(number: int) -> Client:
        outside.set(f"context-{number}.")
        asked = (b"x-thinking-dialect", dialects[number % 3].encode())
        return await call(app, FOREIGN | {"stream": stream}, [asked])

    clients = await asyncio.gather(*map(one, range(count)))

    for number, client in enumerate(clients):
        assert dialects[number % 3] == client.headers["x-thinking-dialect"]
        assert {f"context-{number}.".encode()} == set(re.findall(rb"context-\d+\.", client.content))
        assert (number % 3 == 0) is (b"content_blocks" in client.content)
        assert (number % 3 == 1) is (b"thought" not in client.content)
    assert "left by the host" != inside.get()


@pytest.mark.anyio
async def test_context_goes_in_and_comes_out_of_a_rewrite() -> None:
    """The host still runs in the caller's own context."""
    outside.set("a request")

    client = await call(wrap(Rewritten(), Scripted()), FOREIGN, ASKED)

    assert b"content_blocks" in client.content
    assert b"answer a request" in client.content
    assert "left by the host" == inside.get()


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
async def test_nothing_of_a_request_stays_on_the_middleware(stream: bool) -> None:
    """What it has is its configuration, and what it has said already."""
    app = wrap(Rewritten(), Scripted())
    requests = [(ASK, ()), (FOREIGN, ASKED), (FOREIGN, ())]
    await call(app, ASK)  # looks around, once
    before = repr(vars(app))

    for body, headers in requests:
        await call(app, body | {"stream": stream}, headers)
        assert before == repr(vars(app))


# -- stacks ------------------------------------------------------------------------------------


async def chat(_: Request) -> PlainTextResponse:
    return PlainTextResponse("host")


@pytest.mark.anyio
async def test_mounted_twice_one_acts() -> None:
    """The outer one answers what it can, alone; the inner one gets the rest whole."""
    outer, inner = Scripted(), Scripted()
    app = wrap(wrap(host, inner, models={"other": "p0/claude-haiku-4-5"}), outer)

    ours, others, hosts = [
        await call(app, ASK | {"model": model}) for model in ("claude-sonnet-4-5", "other", "gpt-5")
    ]

    assert 1 == len(outer.requests) == len(inner.requests)
    assert "claude-haiku-4-5" == inner.requests[0].model
    for client in (ours, others):
        assert "the answer" == client.json["choices"][0]["message"]["content"]
        assert 1 == [name for name, _ in client.sent[0]["headers"]].count(b"x-thinking-dialect")
    assert b"nothing" == hosts.content


@pytest.mark.anyio
async def test_mounted_twice_the_inner_one_may_configure_alone() -> None:
    """An outer one that may not delegate leaves everything to the route's own."""
    outer, inner = Scripted(), Scripted()
    own = [Middleware(ThinkingMiddleware, providers={"p": inner}, default_dialect="openai")]
    route = Route("/chat/completions", chat, methods=["POST"], middleware=own)
    app = ThinkingMiddleware(
        Starlette(routes=[Mount("/v1", routes=[route])]), providers={"p": outer}
    )

    client = await call(app, ASK)

    assert "openai" == client.headers["x-thinking-dialect"]
    assert (0, 1) == (len(outer.requests), len(inner.requests))
    assert b"host" == (await call(app, ASK | {"model": "gpt-5"})).content


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
async def test_mounted_twice_one_rewrites(stream: bool) -> None:
    """The host's reply is changed once, and says so once."""
    app = wrap(wrap(Rewritten(), Scripted()), Scripted())

    client = await call(app, FOREIGN | {"stream": stream}, ASKED)

    once = await call(app.app, FOREIGN | {"stream": stream}, ASKED)
    assert b"content_blocks" in client.content
    assert once.content == client.content
    assert 1 == [name for name, _ in client.sent[0]["headers"]].count(b"x-thinking-dialect")


@pytest.mark.anyio
@pytest.mark.parametrize("root", ["", "/api", "/api/v1", "/chat/completions"])
async def test_a_root_path_counts_to_a_segments_end(root: str) -> None:
    """Servers put the root path in front of the path, or leave it away."""
    app = wrap(host, Scripted())

    for path in ("/v1/chat/completions", f"{root}/v1/chat/completions"):
        client = Client([json.dumps(ASK).encode()])
        await app(scope_for(path, root_path=root, raw_path=None), client.receive, client.send)
        assert "chat.completion" == client.json["object"]


# -- several loops -----------------------------------------------------------------------------


class Moving(AnthropicProvider):
    """Asks the upstream that is up now."""

    url = ""

    def build(self, request: ChatRequest) -> UpstreamRequest:
        return replace(super().build(request), url=self.url)


@pytest.mark.parametrize("engine", ["httpx", "aiohttp"])
def test_one_middleware_serves_several_loops_in_turn(engine: str) -> None:
    """Test clients make a loop for each call; nothing of a former one is needed or in the way."""
    provider = Moving("k", transport=engine)
    app = wrap(host, provider)

    async def use() -> None:
        async with Loopback(replying(*PIECES)) as upstream:
            provider.url = upstream.url
            for _ in range(2):
                client = await call(app, ASK | {"stream": True})
                assert client.content.endswith(b"data: [DONE]\n\n")
            assert 1 == len(upstream.peers)
            await app.service.aclose()
            await upstream.idle()
        assert set() == our_tasks()

    for _ in range(3):
        asyncio.run(use())


# -- other event loops -------------------------------------------------------------------------


def by_hand(app: Any, body: dict[str, Any], headers: Any = ()) -> Client:
    """One request, driven as by an event loop that is not asyncio's."""
    client = Client([json.dumps(body).encode()])

    async def send(message: Message) -> None:
        client.sent.append(message)

    scope = scope_for(headers=[*JSON_HEADERS, *headers])
    with pytest.raises(StopIteration):
        app(scope, client.receive, send).send(None)
    return client


@pytest.mark.parametrize("headers", [(), ASKED], ids=["pass", "rewrite"])
def test_the_hosts_replies_need_no_asyncio(headers: Any) -> None:
    """Under trio as well, hosts are passed and rewritten; nothing of ours runs beside them."""
    reply = {"type": "http.response.body", "body": json.dumps(REASONED).encode()}

    async def trios(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        await send(reply)

    client = by_hand(wrap(trios, Scripted()), FOREIGN, headers)

    assert bool(headers) is (b"content_blocks" in client.content)


def test_providers_need_asyncio_and_say_so() -> None:
    """The error says what is missing, before anything is sent or asked."""
    provider = Scripted()

    with pytest.raises(RuntimeError, match="asyncio"):
        by_hand(wrap(host, provider), ASK)

    assert [] == provider.requests
