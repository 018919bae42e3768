"""What the middleware intercepts, what it leaves alone, and who may ask."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asgi_thinking import Service, ThinkingMiddleware, allow_all
from asgi_thinking.exceptions import ConfigurationError
from tests.asgi import JSON_HEADERS, Client, call, scope_for
from tests.scripted import Scripted

pytestmark = pytest.mark.anyio

ASK = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]}


class Host:
    """A host that keeps what reached it."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.messages: list[Message] = []
        self.channels: tuple[Any, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        self.channels = (receive, send)
        more = scope["type"] == "http"
        while more:
            self.messages.append(await receive())
            more = self.messages[-1].get("more_body", False)
        await PlainTextResponse("host")(scope, receive, send)


def wrap(host: ASGIApp, **options: Any) -> ThinkingMiddleware:
    options = {"providers": {"acme": Scripted()}, "authorize": allow_all} | options
    return ThinkingMiddleware(host, **options)


async def test_a_model_of_ours_is_answered_by_its_provider() -> None:
    """The host never hears of a request that a provider serves."""
    host = Host()

    client = await call(wrap(host), ASK)

    assert client.status == 200
    assert client.json["choices"][0]["message"]["content"] == "the answer"
    assert client.headers["x-thinking-dialect"] == "truefoundry"
    assert client.headers["content-length"] == str(len(client.content))
    assert not host.scopes


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"path": "/v1/completions"},
        {"path": "/v1/chat/completions/"},
        {"path": "/chat/completions", "root_path": "/chat/completions"},
        {"headers": [(b"content-type", b"text/plain")]},
        {"headers": [(b"content-encoding", b"gzip")]},
        {"type": "websocket"},
    ],
)
async def test_what_is_not_ours_reaches_the_host_untouched(change: dict[str, Any]) -> None:
    """The host gets the same three objects, and the middleware reads nothing."""
    host, client = Host(), Client([b"{}"])
    scope = scope_for(**change)

    await wrap(host)(scope, receive := client.receive, send := client.send)

    assert host.scopes[0] is scope
    assert host.channels == (receive, send)


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/chat/completions"},
        {"path": "/a/b/chat/completions"},
        {"path": "/api/v1/chat/completions", "root_path": "/api"},
        {"path": "/apiv/chat/completions", "root_path": "/api"},
        {"headers": [(b"content-type", b"application/json; charset=utf-8")]},
        {"headers": [(b"content-encoding", b"identity")]},
    ],
)
async def test_any_prefix_before_chat_completions_is_ours(change: dict[str, Any]) -> None:
    """The path decides by its end, without the root path."""
    host, client = Host(), Client([b"[]"])

    await wrap(host)(scope_for(**change), client.receive, client.send)

    assert client.status == 400
    assert not host.scopes


async def test_paths_narrow_what_is_intercepted() -> None:
    """With `paths` only the patterns count, parameters included."""
    app = wrap(Host(), paths=["/{tenant}/chat"])

    assert (await call(app, ASK, path="/acme/chat")).json["object"] == "chat.completion"
    assert (await call(app, ASK, path="/v1/chat/completions")).content == b"host"


async def test_a_model_of_the_hosts_arrives_byte_for_byte() -> None:
    """The body's messages are replayed as they came, then the real channel goes on."""
    host, parts = Host(), [b'{"model": "gpt', b"", b'-5", "x": "\xc3', b'\xa9"}']
    client = Client(parts)

    await wrap(host)(scope_for(), client.receive, client.send)
    client.leave()

    assert [message["body"] for message in host.messages] == parts
    assert [message["more_body"] for message in host.messages] == [True, True, True, False]
    assert (await host.channels[0]())["type"] == "http.disconnect"


async def test_without_a_model_the_host_decides() -> None:
    """A host with a default model keeps working."""
    assert (await call(wrap(Host()), {"messages": []})).content == b"host"


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"", "body: "), (b"{", "body: "), (b"[]", "body: a JSON object"), (b"[" * 9999, "body: ")],
)
async def test_a_body_that_nobody_can_read_is_refused(body: bytes, message: str) -> None:
    """Malformed bodies are answered in OpenAI's envelope."""
    client = await call(wrap(Host()), body)

    assert client.status == 400
    assert client.json["error"]["message"].startswith(message)
    assert client.json["error"]["type"] == "invalid_request_error"


async def test_a_body_over_the_limit_is_refused_before_it_is_whole() -> None:
    """Reading stops at the limit, whatever content-length says."""
    client = Client([b"x" * 60, b"x" * 60, b"never read"])

    await wrap(Host(), max_body_size=100)(scope_for(), client.receive, client.send)

    assert client.status == 413
    assert client.json["error"]["message"] == "body: larger than 100 bytes"
    assert (await client.receive())["body"] == b"never read"


async def test_a_client_that_leaves_while_sending_is_forgotten() -> None:
    """An incomplete body reaches nobody."""
    host, client = Host(), Client([b"{", b""])
    client._messages.pop()
    client.leave()

    await wrap(host)(scope_for(), client.receive, client.send)

    assert not client.sent
    assert not host.scopes


def refuse(error: BaseException | None) -> Any:
    def authorize(scope: Scope) -> str | None:
        if error is not None:
            raise error
        return None

    return authorize


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, 401),
        (PermissionError("secret reason"), 403),
        (HTTPException(402, "pay first"), 402),
    ],
)
async def test_authorize_refuses(error: BaseException | None, status: int) -> None:
    """None and exceptions keep the request from the provider."""
    provider = Scripted()

    client = await call(wrap(Host(), providers={"a": provider}, authorize=refuse(error)), ASK)

    assert client.status == status
    assert "secret" not in client.content.decode()
    assert not provider.requests


async def test_authorize_comes_before_the_callers_mistakes() -> None:
    """Who may not ask learns nothing about the request either."""
    client = await call(wrap(Host(), authorize=refuse(None)), ASK | {"messages": 1})

    assert client.status == 401
    assert client.headers["www-authenticate"] == "Bearer"


async def test_a_bug_in_authorize_lets_nobody_in() -> None:
    """An unexpected exception goes to the host's error handling, not to the provider."""
    provider = Scripted()

    with pytest.raises(ZeroDivisionError):
        await call(
            wrap(Host(), providers={"a": provider}, authorize=refuse(ZeroDivisionError())), ASK
        )

    assert not provider.requests


async def test_authorize_may_be_async() -> None:
    """A coroutine's answer counts."""

    async def authorize(scope: Scope) -> str | None:
        return dict(scope["headers"]).get(b"x-tenant", b"").decode() or None

    app = wrap(Host(), authorize=authorize)

    assert (await call(app, ASK)).status == 401
    assert (await call(app, ASK, [(b"x-tenant", b"t")])).status == 200


async def test_app_wide_nothing_is_delegated_without_authorize(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The owner's money is safe by default, and the log says so once."""
    app = wrap(Host(), authorize=None)
    with caplog.at_level(logging.WARNING):
        first, second = await call(app, ASK), await call(app, ASK)

    assert first.content == second.content == b"host"
    assert caplog.text.count("pass authorize=") == 1


async def test_the_warning_comes_at_start_where_there_is_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A server that sends lifespan events makes the warning appear before any request."""
    client = Client()
    with caplog.at_level(logging.WARNING):
        await wrap(Host(), authorize=None)({"type": "lifespan"}, client.receive, client.send)

    assert "pass authorize=" in caplog.text


async def test_without_providers_everything_is_the_hosts() -> None:
    """A middleware that serves no model intercepts nothing."""
    assert (await call(wrap(Host(), providers=()), ASK)).content == b"host"


async def chat(request: Request) -> PlainTextResponse:
    """The host's own endpoint."""
    return PlainTextResponse("host")


guarded = requires("authenticated")(chat)


class Gate:
    """A host's own authentication middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (b"authorization", b"Bearer good") not in scope["headers"]:
            await PlainTextResponse("no", 401)(scope, receive, send)
            return
        await self.app(scope, receive, send)


OURS = Middleware(ThinkingMiddleware, providers={"acme": Scripted()})
GOOD = [(b"authorization", b"Bearer good")]


async def test_on_a_route_the_routes_own_middleware_is_enough() -> None:
    """Behind a gate on the same route no `authorize` is needed, and any path will do."""
    route = Route("/ask", chat, methods=["POST"], middleware=[Middleware(Gate), OURS])
    app = Starlette(routes=[route])

    assert (await call(app, ASK, path="/ask")).status == 401
    assert (await call(app, ASK, GOOD, path="/ask")).json["object"] == "chat.completion"
    assert (await call(app, ASK, GOOD, path="/ask")).status == 200


async def test_a_decorated_endpoint_is_not_bypassed() -> None:
    """A decorator runs after the route's middleware, so the host answers."""
    app = Starlette(routes=[Route("/ask", guarded, methods=["POST"], middleware=[OURS])])

    with pytest.raises(AssertionError, match="AuthenticationMiddleware must be installed"):
        await call(app, ASK, path="/ask")


async def test_a_mount_needs_authorize() -> None:
    """The routes under a mount have checks of their own that have not run yet."""
    routes = [Route("/chat/completions", chat, methods=["POST"])]
    path = "/v1/chat/completions"
    closed = Starlette(routes=[Mount("/v1", routes=routes, middleware=[OURS])])
    ours = Middleware(ThinkingMiddleware, providers={"acme": Scripted()}, authorize=allow_all)
    opened = Starlette(routes=[Mount("/v1", routes=routes, middleware=[ours])])

    assert (await call(closed, ASK, path=path)).content == b"host"
    assert (await call(opened, ASK, path=path)).json["object"] == "chat.completion"


async def test_an_app_inside_a_route_is_not_that_route() -> None:
    """A whole app behind a route is guarded by its own routes, which have not run yet."""
    inner = wrap(Host(), authorize=None)

    class Endpoint:
        def __init__(self) -> None: ...

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await inner(scope, receive, send)

    app = Starlette(routes=[Route("/v1/chat/completions", Endpoint(), methods=["POST"])])

    assert (await call(app, ASK)).content == b"host"


async def test_lifespan_closes_the_providers() -> None:
    """When the host has shut down, connections are released before the server hears of it."""
    provider, client = Scripted(), Client()

    async def host(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})
        assert provider.closed == 0
        await send({"type": "lifespan.shutdown.complete"})

    app = wrap(host, providers={"acme": provider})
    await app({"type": "lifespan"}, client.receive, client.send)

    assert provider.closed == 1
    assert [m["type"] for m in client.sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


def test_a_service_can_be_shared_but_not_configured_twice() -> None:
    """Options beside a service would be silently lost."""
    service = Service()

    assert ThinkingMiddleware(Host(), service=service).service is service
    with pytest.raises(ConfigurationError, match="pass service= or models, not both"):
        ThinkingMiddleware(Host(), service=service, models={})


async def test_headers_of_any_iterable_kind_are_read() -> None:
    """Some servers give headers as an iterator."""
    client = Client([b"[]"])

    await wrap(Host())(scope_for(headers=iter(JSON_HEADERS)), client.receive, client.send)  # type: ignore[arg-type]

    assert client.status == 400
