"""`Thinking.enable` on a router: the service answers in the place of its endpoints."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from functools import wraps
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient

from asgi_thinking import ThinkingMiddleware, ThinkingResponse, allow_all
from asgi_thinking.exceptions import ConfigurationError
from asgi_thinking.fastapi import Thinking
from asgi_thinking.policies import Choice
from asgi_thinking.responses import Answered
from tests.scripted import START, Scripted

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "reasoning_effort": "high",
    "max_tokens": 4000,
}
HOSTS = ASK | {"model": "gpt-5"}
GOOD = {"authorization": "Bearer good"}
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

ran: list[str] = []


def authenticate(authorization: Annotated[str, Header()] = "") -> str:
    """The host's own check."""
    if authorization != "Bearer good":
        raise HTTPException(401)
    return "user"


async def session() -> AsyncGenerator[str]:
    """A resource of the host's, which is given back."""
    ran.append("opened")
    try:
        yield "session"
    except Answered:
        ran.append("rolled back")
        raise
    finally:
        ran.append("closed")


async def own(request: Request) -> Response:
    """The host's answer, which thinks as well."""
    ran.append("own")
    assert await request.body()
    return JSONResponse(SAID)


def app(thinking: Thinking, **options: Any) -> FastAPI:
    """A host of which one router is enabled, and another not."""
    host = FastAPI()
    guard = [Depends(authenticate), Depends(session), Depends(thinking.enable)]
    router = APIRouter(prefix="/thinks", dependencies=guard)
    for path in ("/v1/chat/completions", "/{tenant}/ask", "/embeddings"):
        router.post(path)(own)
    router.get("/models")(lambda: "models")
    host.include_router(router)
    host.post("/plain/v1/chat/completions")(own)
    if options:
        host.add_middleware(ThinkingMiddleware, **options.pop("options", {}), **options)
    return host


def serve(thinking: Thinking | None = None, **options: Any) -> TestClient:
    return TestClient(app(thinking or Thinking(providers={"acme": Scripted()}), **options))


@pytest.fixture(autouse=True)
def nothing_ran() -> Iterator[None]:
    """Each test begins with a host that has done nothing."""
    ran.clear()
    yield
    ran.clear()


ON_DEMAND: dict[str, Any] = {"rewrite": "on-demand"}
AROUND: list[dict[str, Any]] = [
    ON_DEMAND,
    {"rewrite": "auto"},
    {"providers": {"other": Scripted([[START]])}, "authorize": allow_all, "paths": ["/nothing"]},
]


@pytest.mark.parametrize("around", AROUND, ids=["on-demand", "auto", "elsewhere"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/acme/ask"])
def test_the_service_answers_for_the_router(path: str, around: dict[str, Any]) -> None:
    """With any middleware around the app, on any path; the endpoint is not run."""
    client = serve(**around)

    reply = client.post(f"/thinks{path}", json=ASK, headers=GOOD)

    assert "secret thought" == reply.json()["choices"][0]["message"]["reasoning_content"]
    assert "truefoundry" == reply.headers["x-thinking-dialect"]
    assert ["opened", "rolled back", "closed"] == ran


def test_a_stream_is_streamed() -> None:
    """From the place of the endpoint, as from anywhere."""
    reply = serve(**ON_DEMAND).post(
        "/thinks/v1/chat/completions", json=ASK | {"stream": True}, headers=GOOD
    )

    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.text.endswith("data: [DONE]\n\n")


def test_the_dependencies_before_it_come_first() -> None:
    """An unauthenticated request spends nothing and reads nothing."""
    provider = Scripted()
    client = serve(Thinking(providers={"acme": provider}), **ON_DEMAND)

    assert 401 == client.post("/thinks/v1/chat/completions", json=ASK).status_code
    assert ([], []) == (provider.requests, ran)


def test_other_routers_are_left_alone() -> None:
    """What is enabled on one router holds there only."""
    client = serve(**ON_DEMAND)

    assert SAID == client.post("/plain/v1/chat/completions", json=ASK).json()
    assert ["own"] == ran


def test_other_requests_of_the_router_are_left_alone() -> None:
    """What is no chat completion is answered by its endpoint, whatever model it names."""
    client = serve(**ON_DEMAND)
    body = {"model": "claude-sonnet-4-5", "input": "text"}

    assert SAID == client.post("/thinks/embeddings", json=body, headers=GOOD).json()
    assert "models" == client.get("/thinks/models", headers=GOOD).json()


def test_the_callers_mistakes_are_replies() -> None:
    """In OpenAI's envelope, of the request's own size and fields."""
    client = serve(Thinking(providers={"acme": Scripted()}, max_body_size=500), **ON_DEMAND)
    path = "/thinks/v1/chat/completions"

    wrong = client.post(path, json=ASK | {"messages": 1}, headers=GOOD)
    assert (400, "messages") == (wrong.status_code, wrong.json()["error"]["param"])
    assert 413 == client.post(path, json=ASK | {"user": "u" * 500}, headers=GOOD).status_code
    unknown = GOOD | {"x-thinking-dialect": "nothing"}
    for body in (ASK, HOSTS):
        named = client.post(path, json=body, headers=unknown)
        assert (400, "unknown_dialect") == (named.status_code, named.json()["error"]["code"])
    assert "own" not in ran


def test_the_hosts_reply_is_rewritten_as_the_router_wants_it() -> None:
    """By this service's dialects, not by those of the middleware around the app."""
    client = serve(
        Thinking(default_dialect="openai"), options={"default_dialect": "portkey"}, **ON_DEMAND
    )
    path = "/thinks/v1/chat/completions"

    reply = client.post(path, json=HOSTS, headers=GOOD)
    assert "reasoning_content" not in reply.json()["choices"][0]["message"]
    assert "openai" == reply.headers["x-thinking-dialect"]
    untouched = serve(**ON_DEMAND).post(path, json=HOSTS, headers=GOOD)
    assert SAID == untouched.json()


def test_a_policy_is_asked_on_a_router_as_well() -> None:
    """It sees the scope behind the router, and decides about ours and the host's."""
    seen: list[tuple[str, str]] = []

    def policy(asker: Any) -> Choice | None:
        seen.append((asker.model, asker.scope["path_params"]["tenant"]))
        if asker.header("x-plan") == "none":
            raise HTTPException(402, "pay first")
        return Choice(dialects=("openai",), transform=lambda _: str.upper)

    client = serve(Thinking(providers={"acme": Scripted()}, policy=policy), **ON_DEMAND)

    for body, content in ((ASK, "the answer"), (HOSTS, "hello")):
        message = client.post("/thinks/me/ask", json=body, headers=GOOD).json()["choices"][0]
        assert {"content": content} == {
            name: message["message"][name]
            for name in ("content", "reasoning_content")
            if name in message["message"]
        }
    refused = client.post("/thinks/me/ask", json=ASK, headers=GOOD | {"x-plan": "none"})
    assert (402, "pay first") == (refused.status_code, refused.json()["error"]["message"])
    assert [("claude-sonnet-4-5", "me"), ("gpt-5", "me"), ("claude-sonnet-4-5", "me")] == seen


strict = Thinking(providers={"acme": Scripted()}, policy=lambda _: Choice(dialects=("openai",)))


async def chat(reply: Annotated[ThinkingResponse | None, Depends(strict)]) -> Response:
    """An endpoint that has what it returns from a dependency."""
    assert reply is not None
    return reply


def test_a_policy_is_asked_by_an_endpoints_dependency() -> None:
    """With the same effect."""
    host = FastAPI()
    host.post("/chat", response_model=None)(chat)

    reply = TestClient(host).post("/chat", json=ASK)

    assert "openai" == reply.headers["x-thinking-dialect"]


class Around(BaseHTTPMiddleware):
    """A middleware between ours and the router."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        ran.append("around")
        return await call_next(request)


def test_it_answers_through_other_middleware() -> None:
    """An exception of ours passes through the host's own middleware and its handlers."""
    host = app(Thinking(providers={"acme": Scripted()}))

    for kind in (ValueError, RuntimeError, HTTPException):
        host.exception_handler(kind)(lambda request, error: Response(status_code=418))
    host.add_middleware(Around)
    host.add_middleware(ThinkingMiddleware, rewrite="on-demand")

    reply = TestClient(host).post("/thinks/v1/chat/completions", json=ASK, headers=GOOD)

    assert "secret thought" in reply.text
    assert "around" == ran[0]


MISSING: list[tuple[Callable[[], Thinking], dict[str, Any], type[Exception], str]] = [
    (lambda: Thinking(default_dialect="openai"), HOSTS, ConfigurationError, 'rewrite="on-demand"'),
]


@pytest.mark.parametrize(("thinking", "body", "kind", "message"), MISSING)
def test_what_is_missing_around_the_app_is_named(
    thinking: Callable[[], Thinking], body: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """The first request says which line the host lacks."""
    with pytest.raises(kind, match=message):
        serve(thinking()).post("/thinks/v1/chat/completions", json=body, headers=GOOD)


def around(app: FastAPI) -> ThinkingMiddleware:
    return ThinkingMiddleware(app, rewrite="on-demand")


def mounted(app: FastAPI) -> FastAPI:
    host = FastAPI()
    host.mount("/sub", app)
    host.add_middleware(ThinkingMiddleware, rewrite="on-demand")
    return host


@pytest.mark.parametrize(("place", "prefix"), [(around, ""), (mounted, "/sub"), (None, "")])
def test_it_answers_wherever_the_middleware_stands(place: Any, prefix: str) -> None:
    """Around an app with an error handler of its own, above a mounted one, or nowhere."""
    host = app(Thinking(providers={"acme": Scripted()}))
    placed = host if place is None else place(host)

    reply = TestClient(placed).post(f"{prefix}/thinks/v1/chat/completions", json=ASK, headers=GOOD)

    assert 200 == reply.status_code
    assert "secret thought" in reply.text


def test_nothing_is_missing_where_nothing_is_to_be_done() -> None:
    """A model of the host's whose reply may stay as it is needs no middleware."""
    path = "/thinks/v1/chat/completions"

    assert SAID == serve().post(path, json=HOSTS, headers=GOOD).json()


def after(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator of the host's, which would have checked the caller."""

    @wraps(endpoint)
    async def checked(request: Request) -> Response: ...

    return checked


def late_parameter(host: FastAPI, enable: Any) -> None:
    async def owns(user: Annotated[str, Depends(authenticate)]) -> str: ...

    host.include_router(routed(owns, enable))


def late_router(host: FastAPI, enable: Any) -> None:
    host.router.dependencies.append(enable)
    host.include_router(routed(own, Depends(authenticate)))


def late_inclusion(host: FastAPI, enable: Any) -> None:
    host.router.dependencies.append(enable)
    host.include_router(routed(own), dependencies=[Depends(authenticate)])


def late_decorator(host: FastAPI, enable: Any) -> None:
    host.include_router(routed(after(own), enable))


def routed(endpoint: Callable[..., Any], *dependencies: Any) -> APIRouter:
    router = APIRouter(dependencies=dependencies)
    router.post("/v1/chat/completions")(endpoint)
    return router


@pytest.mark.parametrize("add", [late_parameter, late_router, late_inclusion, late_decorator])
def test_nobody_is_passed_by(add: Callable[[FastAPI, Any], None]) -> None:
    """Where a check would come later, no provider is asked, and the error says what to do."""
    provider, host = Scripted(), FastAPI()
    add(host, Depends(Thinking(providers={"acme": provider}).enable))

    with pytest.raises(ConfigurationError, match="too late to refuse the request"):
        TestClient(host).post("/v1/chat/completions", json=ASK)

    assert not provider.requests


def test_nothing_may_come_later_where_routers_are_included() -> None:
    """The last of all dependencies is found wherever it was declared."""
    provider, host = Scripted(), FastAPI(dependencies=[Depends(authenticate)])
    thinking = Thinking(providers={"acme": provider})
    host.include_router(routed(own), dependencies=[Depends(thinking.enable)])

    reply = TestClient(host).post("/v1/chat/completions", json=ASK, headers=GOOD)
    refused = TestClient(host).post("/v1/chat/completions", json=ASK)

    assert (200, 401, 1) == (reply.status_code, refused.status_code, len(provider.requests))
