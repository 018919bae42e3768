"""Several who would rewrite one reply: the inner one configures, and only one transforms."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_thinking import Service, ThinkingMiddleware, ThinkingResponse
from asgi_thinking.exceptions import ConfigurationError, InvalidRequest
from asgi_thinking.transforms import redact
from tests.asgi import Client, call, scope_for
from tests.rewriting import (
    ASK,
    PLAIN,
    STRICT,
    Host,
    ask,
    check_order,
    content,
    error_of,
    replying,
    streaming,
    wants,
)
from tests.scripted import Scripted
from tests.wire.openai_transcripts import completion, finished

pytestmark = pytest.mark.anyio

THOUGHT = completion({"content": "a", "reasoning_content": "so"})
QUIET = completion({"content": "a"})
STREAM = finished({"reasoning_content": "so"}, {"content": "a"})


@pytest.fixture
def anyio_backend() -> str:
    """Replies of ours need asyncio."""
    return "asyncio"


class Within:
    """A host that turns rewriting on, as a dependency of one router would."""

    def __init__(self, host: Host, *arguments: Any) -> None:
        self.host = host
        self.arguments = arguments
        self.answers: list[bool] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.answers.append(scope["asgi_thinking"].enable(*self.arguments))
        await self.host(scope, receive, send)


@pytest.mark.parametrize("host", [replying(THOUGHT), streaming(STREAM)], ids=["json", "stream"])
async def test_the_inner_middleware_writes_the_reply(host: Host) -> None:
    """What the inner one made is not made again, whatever the outer one would have."""
    inner = ThinkingMiddleware(host, default_dialect="portkey")
    outer = ThinkingMiddleware(inner, default_dialect="truefoundry")

    client = await call(outer, ASK)

    assert "portkey" == client.headers["x-thinking-dialect"]
    assert b"content_blocks" in content(client)
    assert b"thinking_blocks" not in content(client)


async def test_what_the_inner_one_leaves_is_left_by_the_outer_one() -> None:
    """A reply that need not change in the inner one's dialect does not change in the outer's."""
    inner = ThinkingMiddleware(replying(THOUGHT), default_dialect="deepseek")
    outer = ThinkingMiddleware(inner, default_dialect="portkey")

    assert THOUGHT == (await call(outer, ASK)).content


async def test_an_inner_one_that_does_not_care_leaves_it_to_the_outer_one() -> None:
    """On other paths, and without a dialect of its own, the inner middleware changes nothing."""
    elsewhere = ThinkingMiddleware(replying(THOUGHT), default_dialect="portkey", paths=["/x"])
    careless = ThinkingMiddleware(elsewhere)
    outer = ThinkingMiddleware(careless, default_dialect="litellm")

    assert "litellm" == (await call(outer, ASK)).headers["x-thinking-dialect"]


async def test_on_one_route_within_an_app() -> None:
    """The route's own middleware wins over the app's, and other routes keep the app's."""

    async def chat(request: Request) -> Response:
        await request.body()
        return Response(THOUGHT, media_type="application/json")

    ours = Middleware(ThinkingMiddleware, default_dialect="portkey")
    routes = [
        Route("/a/chat/completions", chat, methods=["POST"], middleware=[ours]),
        Route("/b/chat/completions", chat, methods=["POST"]),
    ]
    app = ThinkingMiddleware(Starlette(routes=routes), default_dialect="litellm")

    for path, dialect in [("/a/", "portkey"), ("/b/", "litellm")]:
        client = await call(app, ASK, path=f"{path}chat/completions")
        assert dialect == client.headers["x-thinking-dialect"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_reply_of_a_provider_is_not_written_twice(stream: bool) -> None:
    """A `ThinkingResponse` behind the middleware is in its own dialect already."""
    service = Service(providers={"acme": Scripted()}, default_dialect="portkey")

    async def chat(request: Request) -> Response:
        return ThinkingResponse(service.answer(request.headers.raw, await request.body()))

    app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
    asked = ASK | {"model": "claude-sonnet-4-5", "stream": stream}

    client = await call(ThinkingMiddleware(app, default_dialect="litellm"), asked)

    assert "portkey" == client.headers["x-thinking-dialect"]
    assert b"content_blocks" in content(client)


# -- on demand ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/ask"])
@pytest.mark.parametrize("headers", [(), PLAIN, STRICT])
async def test_on_demand_nothing_happens_by_itself(path: str, headers: Any) -> None:
    """Neither a signal nor a default is enough, and the scope is what it was."""
    host = replying(THOUGHT)
    app = ThinkingMiddleware(host, rewrite="on-demand", default_dialect="portkey")
    client, scope = Client([b"{}"]), scope_for(path, headers=headers)

    await app(scope, client.receive, client.send)

    assert all(a is b for a, b in zip(host.replies, client.sent, strict=True))
    assert host.scopes[0] is scope
    assert "asgi_thinking" not in scope


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/ask"])
@pytest.mark.parametrize(
    ("body", "shown"),
    [(b'{"reasoning_effort":"low"}', True), (b"{}", False), (None, True)],
)
async def test_somebody_within_turns_it_on(path: str, body: bytes | None, shown: bool) -> None:
    """With a service of its own, on any path, and with what it knows of the request."""
    within = Within(replying(THOUGHT), Service(default_dialect="portkey"), body)
    app = ThinkingMiddleware(within, rewrite="on-demand")

    client = await call(app, ASK, path=path)

    assert [True] == within.answers
    assert "portkey" == client.headers["x-thinking-dialect"]
    assert shown is (b"content_blocks" in client.content)


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_on_demand_too_only_posts(method: str) -> None:
    """Other methods have nothing to turn on."""
    host, client = replying(THOUGHT), Client()

    await ThinkingMiddleware(host, rewrite="on-demand")(
        scope_for(method=method), client.receive, client.send
    )

    assert "asgi_thinking" not in host.scopes[0]


async def test_a_service_without_a_wish_turns_it_off() -> None:
    """Within a middleware that would rewrite, the inner service's word holds."""
    within = Within(replying(THOUGHT), Service())
    app = ThinkingMiddleware(within, default_dialect="portkey")

    client = await call(app, ASK)

    assert [False] == within.answers
    assert THOUGHT == client.content


async def test_turned_on_within_two_only_the_inner_one_writes() -> None:
    """The outer middleware is told to leave the reply alone, and gets its place back."""
    within = Within(replying(THOUGHT), Service(default_dialect="deepseek"))
    inner = ThinkingMiddleware(within, rewrite="on-demand")
    seen: list[Any] = []

    async def between(scope: Scope, receive: Receive, send: Send) -> None:
        before = scope["asgi_thinking"]
        await inner(scope, receive, send)
        seen.append(before is scope["asgi_thinking"])

    client = await call(ThinkingMiddleware(between, default_dialect="portkey"), ASK)

    assert THOUGHT == client.content
    assert [True] == seen


async def test_a_bad_name_reaches_who_turns_it_on() -> None:
    """`enable` raises as the middleware would have answered."""
    app = ThinkingMiddleware(Within(replying(QUIET), Service()), rewrite="on-demand")

    with pytest.raises(InvalidRequest, match="acme"):
        await call(app, ASK, list(wants("acme")))


def test_other_words_for_rewriting_are_refused() -> None:
    """A misspelt option is found at construction."""
    with pytest.raises(ConfigurationError, match="rewrite: 'always' is not auto or on-demand"):
        ThinkingMiddleware(replying(QUIET), rewrite="always")  # type: ignore[arg-type] (the point)


# -- what changes thinking ---------------------------------------------------------------------


def hiding(*patterns: str) -> dict[str, Any]:
    return {"transform": redact(re.compile("|".join(patterns)))}


@pytest.mark.parametrize("dialect", ["truefoundry", "deepseek", "portkey"])
async def test_the_owners_transform_sees_the_hosts_thinking(dialect: str) -> None:
    """What is redacted of a provider's thinking is redacted of the host's, in both forms."""
    json = await ask(replying(THOUGHT), wants(dialect), **hiding("so"))
    stream = await ask(
        streaming(*[STREAM[at : at + 9] for at in range(0, len(STREAM), 9)]),
        wants(dialect),
        **hiding("so"),
    )

    for client in (json, stream):
        assert b"[redacted]" in content(client)
        assert b'"so"' not in content(client)
        check_order(client.sent)


async def test_a_transform_knows_who_asks() -> None:
    """It is told of the request as with a provider's reply."""
    seen: list[Any] = []

    def factory(asker: Any) -> None:
        seen.append(asker)

    await ask(replying(THOUGHT), transform=factory)

    assert "m" == seen[0].model
    assert "truefoundry" == seen[0].header("x-thinking-dialect")


def failing(asker: Any) -> Any:
    raise ZeroDivisionError


def failing_later(asker: Any) -> Any:
    return lambda text: 1 / 0


@pytest.mark.parametrize("transform", [failing, failing_later])
@pytest.mark.parametrize("host", [replying(THOUGHT), streaming(STREAM)], ids=["json", "stream"])
async def test_thinking_is_not_shown_where_its_transform_fails(
    transform: Any, host: ASGIApp
) -> None:
    """Nothing passes that was to be changed: the reply is an error, or ends in one."""
    client = await ask(host, transform=transform)

    check_order(client.sent)
    assert b'"so"' not in content(client)
    assert "transform_failed" == error_of(content(client).rpartition(b"data: ")[2])["code"]
    assert client.status == 500 or transform is failing_later


async def test_a_transform_without_thinking_changes_nothing() -> None:
    """The bytes of a reply in which nobody thinks stay the host's."""
    quiet = finished({"role": "assistant", "content": ""}, {"content": "so"}, {"content": "a"})

    assert quiet == content(await ask(streaming(quiet), **hiding("so")))
    assert QUIET == content(await ask(replying(QUIET), **hiding("so")))
