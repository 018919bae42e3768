"""A policy behind the middleware: who is asked when, and what becomes of the request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import Scope

from asgi_thinking import Service, ThinkingMiddleware, ThinkingResponse, allow_all
from asgi_thinking.asker import Asker
from asgi_thinking.exceptions import ThinkingError
from asgi_thinking.policies import Choice
from asgi_thinking.transforms import redact
from tests.asgi import Client, call
from tests.scripted import Scripted

pytestmark = pytest.mark.anyio

ASK: dict[str, Any] = {
    "model": "acme/claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "reasoning_effort": "high",
    "max_tokens": 4000,
}
HOSTS = ASK | {"model": "gpt-5"}
SAID: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "gpt-5",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "hello", "reasoning_content": "hosts own"},
            "finish_reason": "stop",
        }
    ],
}


CHUNKS: list[dict[str, Any]] = [
    {"delta": {"role": "assistant", "content": ""}, "finish_reason": None},
    {"delta": {"reasoning_content": "hosts "}, "finish_reason": None},
    {"delta": {"reasoning_content": "own"}, "finish_reason": None},
    {"delta": {"content": "hello"}, "finish_reason": None},
    {"delta": {}, "finish_reason": "stop"},
]


def events() -> Iterator[str]:
    """The same answer as a stream."""
    for choice in CHUNKS:
        chunk = {**SAID, "object": "chat.completion.chunk", "choices": [{"index": 0, **choice}]}
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


async def own(request: Request) -> Response:
    """The host's answer, which thinks as well."""
    if (await request.json()).get("stream"):
        return StreamingResponse(events(), media_type="text/event-stream")
    return JSONResponse(SAID)


def authorize(scope: Scope) -> str | None:
    """Whoever says who they are."""
    headers = dict(scope["headers"])
    name: str = headers.get(b"x-name", b"").decode()
    return name or None


class Scene:
    """A host behind the middleware, whose policy says what the test writes down."""

    def __init__(self, says: Choice | Exception | None = None, **options: Any) -> None:
        self.says = says
        self.asked: list[Asker] = []
        self.provider = Scripted()
        service = {"providers": {"acme": self.provider}, "policy": self.policy}
        host = Starlette(routes=[Route("/v1/chat/completions", own, methods=["POST"])])
        self.app = ThinkingMiddleware(host, **{"authorize": authorize, **service, **options})

    async def policy(self, asker: Asker) -> Choice | None:
        self.asked.append(asker)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    async def ask(self, body: Any = ASK, *headers: tuple[bytes, bytes], name: str = "me") -> Client:
        return await call(self.app, body, [(b"x-name", name.encode()), *headers])


def shown(client: Client) -> str | None:
    text: str | None = client.json["choices"][0]["message"].get("reasoning_content")
    return text


async def test_it_sees_who_asks_for_what() -> None:
    """After `authorize`, and before anything is sent."""
    scene = Scene()

    assert 200 == (await scene.ask(ASK, (b"x-plan", b"trial"))).status

    [asker] = scene.asked
    assert ("acme/claude-sonnet-4-5", "me") == (asker.model, asker.tenant)
    assert ("trial", "/v1/chat/completions") == (asker.header("x-plan"), asker.scope["path"])
    assert 1 == len(scene.provider.requests)


async def test_it_decides_about_the_reply() -> None:
    """Model, dialect and limits are its own, and are reported."""
    scene = Scene(Choice(model="acme/claude-haiku-4-5", dialects=("openai",), max_tokens=2000))

    client = await scene.ask()

    assert shown(client) is None
    assert "openai" == client.headers["x-thinking-dialect"]
    assert (
        "model acme/claude-sonnet-4-5->acme/claude-haiku-4-5; dialect truefoundry->openai; "
        "max_tokens 4000->2000; effort high->budget_tokens 1600"
    ) == client.headers["x-thinking-applied"]
    [request] = scene.provider.requests
    assert ("claude-haiku-4-5", 2000) == (request.model, request.max_tokens)


async def test_it_refuses() -> None:
    """In the envelope, with the status and the time to wait, and nothing is sent."""
    scene = Scene(ThinkingError("slow down", status=429, retry_after=7))

    for body in (ASK, HOSTS):
        client = await scene.ask(body)
        assert (429, "7") == (client.status, client.headers["retry-after"])
        assert "rate_limit_error" == client.json["error"]["type"]
        assert "x-thinking-dialect" in client.headers["vary"]
    assert [] == scene.provider.requests


async def test_who_may_not_ask_is_not_even_considered() -> None:
    """`authorize` comes first."""
    scene = Scene()

    assert 401 == (await scene.ask(name="")).status
    assert [] == scene.asked


async def test_a_request_that_cannot_be_sent_may_be_made_good() -> None:
    """A conflict with one model is none with the one that the policy chooses."""
    wrong = ASK | {"thinking": {"type": "enabled", "budget_tokens": 9000}}

    assert 400 == (await Scene(on_conflict="reject").ask(wrong)).status
    assert 200 == (await Scene(Choice(on_conflict="fix"), on_conflict="reject").ask(wrong)).status


async def test_authorize_refuses_in_our_words_too() -> None:
    """An error of this package's is the reply, with its status and its time to wait."""

    def busy(scope: Scope) -> str:
        raise ThinkingError(f"too many for {scope['path']}", status=429, retry_after=2)

    client = await Scene(authorize=busy).ask()

    assert (429, "2") == (client.status, client.headers["retry-after"])
    assert "too many for /v1/chat/completions" == client.json["error"]["message"]


async def test_a_broken_authorize_is_the_hosts_failure() -> None:
    """A mistake in it is raised, and nothing is sent upstream."""

    def broken(scope: Scope) -> str:
        return str(scope["name"])

    scene = Scene(authorize=broken)

    with pytest.raises(KeyError, match="name"):
        await scene.ask()
    assert [] == scene.provider.requests


# -- models of the host's ------------------------------------------------------------------------


async def test_the_host_answers_what_is_not_ours() -> None:
    """With its own body, read again; the policy knows who asks there as well."""
    scene = Scene()

    assert SAID == (await scene.ask(HOSTS)).json
    assert [("gpt-5", "me")] == [(asker.model, asker.tenant) for asker in scene.asked]


async def test_it_hides_the_thinking_of_the_hosts_replies() -> None:
    """Where a choice says so, though the caller has asked for nothing and for everything."""
    scene = Scene(Choice(dialects=("openai",)))

    for headers in ([], [(b"x-thinking-dialect", b"truefoundry")]):
        client = await scene.ask(HOSTS, *headers)
        assert shown(client) is None
        assert "openai" == client.headers["x-thinking-dialect"]


async def test_it_gives_the_hosts_models_to_a_provider() -> None:
    """If the caller may ask one; who may not is told so, and the host is not asked instead."""
    scene = Scene(Choice(model="acme/claude-haiku-4-5"))

    assert "claude-sonnet-4-5" == (await scene.ask(HOSTS)).json["model"]
    assert 401 == (await scene.ask(HOSTS, name="")).status
    assert ["me", ""] == [asker.tenant for asker in scene.asked]
    assert 1 == len(scene.provider.requests)


async def test_without_a_provider_it_decides_about_the_host_alone() -> None:
    """No right to spend is needed for that, and a choice of a model is not heeded."""
    for options in ({"providers": {}}, {"authorize": None}):
        scene = Scene(Choice(dialects=("openai",), model="acme/claude-haiku-4-5"), **options)
        client = await scene.ask(ASK)
        assert ("hello", None) == (client.json["choices"][0]["message"]["content"], shown(client))
        assert [("acme/claude-sonnet-4-5", "")] == [(a.model, a.tenant) for a in scene.asked]
        assert [] == scene.provider.requests


async def test_a_body_that_is_too_large_is_not_looked_into() -> None:
    """Ours is refused before the policy is asked, the host's is its own matter."""
    scene = Scene(max_body_size=10)

    assert 413 == (await scene.ask()).status
    assert [] == scene.asked
    scene = Scene(max_body_size=10, providers={})
    assert 200 == (await scene.ask()).status
    assert [""] == [asker.model for asker in scene.asked]


TRUEFOUNDRY = (b"x-thinking-dialect", b"truefoundry")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_transform_is_applied_to_the_hosts_replies(stream: bool) -> None:
    """Of the service, or of a choice, wherever thinking would be shown."""
    hide = redact("own", "###")
    for says, options in ((None, {"transform": hide}), (Choice(transform=hide), {})):
        scene = Scene(says, **options)
        told = (await scene.ask(HOSTS | {"stream": stream}, TRUEFOUNDRY)).content.decode()
        assert "hosts ###" in told
        assert "own" not in told
        assert ("[DONE]" in told) is stream
    plain = await Scene().ask(HOSTS | {"stream": stream}, TRUEFOUNDRY)
    assert b"own" in plain.content


@pytest.mark.parametrize("stream", [False, True])
async def test_a_transform_that_fails_shows_nothing_of_the_hosts_replies(stream: bool) -> None:
    """Rather an error, though the host's own reply would have been good."""

    def fail(text: str) -> str:
        raise RuntimeError(text)

    scene = Scene(transform=lambda _: fail)

    client = await scene.ask(HOSTS | {"stream": stream}, TRUEFOUNDRY)

    assert b"transform_failed" in client.content
    assert b"hosts" not in client.content


# -- routes --------------------------------------------------------------------------------------


def routed(service: Service) -> Starlette:
    """Each way in which a part of an app is ours, or decides by itself."""

    async def answer(request: Request) -> ThinkingResponse:
        body, plan = await request.body(), request.path_params["plan"]
        choice = Choice(max_tokens=100) if plan == "trial" else None
        return ThinkingResponse(service.answer(request.headers.raw, body, choice))

    own_service = [Middleware(ThinkingMiddleware, service=service)]
    guarded = [Middleware(ThinkingMiddleware, service=service, authorize=allow_all)]
    return Starlette(
        routes=[
            Route("/route/{plan}/chat/completions", own, methods=["POST"], middleware=own_service),
            Mount("/mount/{plan}", routes=[Route("/chat/completions", own)], middleware=guarded),
            Route("/handler/{plan}", answer, methods=["POST"]),
        ]
    )


@pytest.mark.parametrize("path", ["/route/trial/chat/completions", "/mount/trial/chat/completions"])
async def test_it_knows_the_path(path: str) -> None:
    """What the host's router found in it stands in the scope."""
    seen: list[str] = []

    def policy(asker: Asker) -> Choice:
        seen.append(asker.scope["path_params"]["plan"])
        return Choice(max_tokens=100)

    provider = Scripted()
    app = routed(Service(providers={"acme": provider}, policy=policy))

    assert 200 == (await call(app, ASK, path=path)).status
    assert (["trial"], [100]) == (seen, [request.max_tokens for request in provider.requests])


async def test_a_handler_decides_by_itself() -> None:
    """What it chooses holds for its reply."""
    provider = Scripted()
    app = routed(Service(providers={"acme": provider}))

    for plan in ("trial", "paid"):
        assert 200 == (await call(app, ASK, path=f"/handler/{plan}")).status
    assert [100, 4000] == [request.max_tokens for request in provider.requests]


async def test_paths_may_have_parameters() -> None:
    """As Starlette's routes have them, converters included; nothing else is ours."""
    provider = Scripted()
    paths = ["/t/{tenant}/chat/completions", "/n/{number:int}/chat", "/all/{rest:path}"]
    host = Starlette(routes=[Route("/{path:path}", own, methods=["POST"])])
    app = ThinkingMiddleware(host, providers={"acme": provider}, authorize=allow_all, paths=paths)

    for path, count in (
        ("/t/acme/chat/completions", 1),
        ("/t/acme/other/chat/completions", 1),
        ("/n/12/chat", 2),
        ("/n/twelve/chat", 2),
        ("/all/of/this", 3),
        ("/v1/chat/completions", 3),
    ):
        assert 200 == (await call(app, json.dumps(ASK).encode(), path=path)).status
        assert (path, count) == (path, len(provider.requests))
