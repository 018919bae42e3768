"""Middleware inside of ours that providers' replies pass by: what that costs, and who is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from litestar import Litestar, post
from litestar.config.cors import CORSConfig
from litestar.middleware import DefineMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware, allow_all
from asgi_thinking.fastapi import Thinking
from asgi_thinking.policies import Asker
from tests.asgi import Client, call
from tests.hosts.neighbours import Tracing, correlation, marking, tracing
from tests.order_scene import (
    ORIGIN,
    Known,
    authentication,
    cors,
    https_redirect,
    own_cors,
    proxy_headers,
    session,
    trusted_host,
    who,
)
from tests.scripted import Scripted

pytestmark = pytest.mark.timeout(30)

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
}
HEADERS = [
    (b"host", b"nobody.example"),
    (b"origin", ORIGIN.encode()),
    (b"x-forwarded-for", b"203.0.113.7"),
]


@pytest.fixture
def anyio_backend() -> str:
    """Replies of ours need asyncio."""
    return "asyncio"


Authorize = Callable[[Scope], Any]


def wrap(app: ASGIApp, **options: Any) -> ThinkingMiddleware:
    options = {"providers": {"acme": Scripted()}, "authorize": allow_all} | options
    return ThinkingMiddleware(app, **options)


async def heard(neighbour: Callable[[ASGIApp], ASGIApp], side: str) -> tuple[Client, list[str]]:
    """A reply of a provider's, and what `authorize` said of who asks."""
    said: list[str] = []

    def authorize(scope: Scope) -> str:
        said.append(who(scope))
        return said[-1]

    def ours(app: ASGIApp) -> ASGIApp:
        return wrap(app, authorize=authorize)

    host = Starlette()
    app = ours(neighbour(host)) if side == "inside" else neighbour(ours(host))
    return await call(app, ASK, HEADERS), said


# -- what it costs -----------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("neighbour", "header"),
    [
        (cors, "access-control-allow-origin"),
        (own_cors, "access-control-allow-origin"),
        (correlation, "x-request-id"),
    ],
)
async def test_inside_its_headers_are_missing(
    neighbour: Callable[[ASGIApp], ASGIApp], header: str
) -> None:
    """What providers answer has them only where it stands outside."""
    inside, _ = await heard(neighbour, "inside")
    outside, _ = await heard(neighbour, "outside")

    assert [200, 200] == [inside.status, outside.status]
    assert [False, True] == [header in inside.headers, header in outside.headers]


@pytest.mark.anyio
@pytest.mark.parametrize(("neighbour", "status"), [(trusted_host, 400), (https_redirect, 307)])
async def test_inside_it_refuses_nobody(
    neighbour: Callable[[ASGIApp], ASGIApp], status: int
) -> None:
    """Providers answer whom it would send away."""
    inside, _ = await heard(neighbour, "inside")
    outside, _ = await heard(neighbour, "outside")

    assert [200, status] == [inside.status, outside.status]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("neighbour", "said"),
    [
        (authentication, "ada from 127.0.0.1 "),
        (session, "ada from 127.0.0.1 "),
        (proxy_headers, " from 203.0.113.7 "),
    ],
)
async def test_inside_authorize_does_not_see_its_work(
    neighbour: Callable[[ASGIApp], ASGIApp], said: str
) -> None:
    """What it puts into the scope comes too late for `authorize`."""
    _, inside = await heard(neighbour, "inside")
    _, outside = await heard(neighbour, "outside")

    assert [" from 127.0.0.1 "] == inside
    assert [said] == outside


@pytest.mark.anyio
async def test_inside_it_traces_nothing() -> None:
    """Requests that providers answer have a span only where it stands outside."""
    inside, outside = Tracing(), Tracing()

    await heard(inside, "inside")
    await heard(outside, "outside")

    assert (0, 1) == (len(inside.requests()), len(outside.requests()))


# -- who is told -------------------------------------------------------------------------------


HARMFUL = [
    (cors, "CORSMiddleware stands inside ThinkingMiddleware: scripts in browsers"),
    (own_cors, "OwnCORS stands inside ThinkingMiddleware: scripts in browsers"),
    (authentication, "AuthenticationMiddleware stands inside"),
    (session, "Session stands inside"),
    (trusted_host, "TrustedHostMiddleware stands inside"),
    (https_redirect, "HTTPSRedirectMiddleware stands inside"),
    (proxy_headers, "ProxyHeadersMiddleware stands inside"),
    (tracing, "OpenTelemetryMiddleware stands inside"),
    (correlation, "CorrelationIdMiddleware stands inside"),
]
STARTING: Scope = {"type": "lifespan"}


async def started(app: ASGIApp) -> None:
    """Begins a lifespan, as servers do before the first request."""
    client = Client()
    client.leave()

    async def send(_: Any) -> None: ...

    await app(dict(STARTING), client.receive, send)


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """A host that has nothing to start and one thing to say."""
    if scope["type"] == "http":
        await PlainTextResponse("host")(scope, receive, send)


@pytest.mark.anyio
@pytest.mark.parametrize(("neighbour", "words"), HARMFUL)
@pytest.mark.parametrize("start", [True, False], ids=["at start", "at the first request"])
async def test_harmful_order_is_told_once(
    neighbour: Callable[[ASGIApp], ASGIApp],
    words: str,
    start: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One warning names the middleware, the harm, and the mend."""
    app = wrap(neighbour(marking(nothing)), authorize=who)

    for act in [started] * start + [lambda app: call(app, ASK)] * 2:
        await act(app)
        (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]

    assert logging.WARNING == record.levelno
    assert words in record.getMessage()
    assert "let it stand outside" in record.getMessage()


@pytest.mark.anyio
@pytest.mark.parametrize(("neighbour", "words"), HARMFUL)
async def test_outside_nothing_is_told(
    neighbour: Callable[[ASGIApp], ASGIApp], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The mend helps."""
    await call(neighbour(wrap(marking(nothing), authorize=who)), ASK)

    assert words not in caplog.text
    assert "stands inside" not in caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize("neighbour", [GZipMiddleware, BaseHTTPMiddleware, wrap])
async def test_harmless_order_is_not_told(
    neighbour: Callable[[ASGIApp], ASGIApp], caplog: pytest.LogCaptureFixture
) -> None:
    """GZip inside compresses the host's replies, which is right; others are not judged."""
    await call(wrap(neighbour(nothing), authorize=who), ASK)

    assert "stands inside" not in caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize("neighbour", [session, proxy_headers])
async def test_what_nobody_looks_at_is_not_missed(
    neighbour: Callable[[ASGIApp], ASGIApp], caplog: pytest.LogCaptureFixture
) -> None:
    """`allow_all` looks neither at sessions nor at addresses."""
    await call(wrap(neighbour(nothing)), ASK)

    assert "stands inside" not in caplog.text


def indifferent(_: Asker) -> None:
    """A policy that decides nothing."""


@pytest.mark.anyio
@pytest.mark.parametrize("neighbour", [session, proxy_headers])
async def test_a_policy_may_look_at_it(
    neighbour: Callable[[ASGIApp], ASGIApp], caplog: pytest.LogCaptureFixture
) -> None:
    """A policy is given the scope, as `authorize` is."""
    await call(wrap(neighbour(nothing), policy=indifferent), ASK)

    assert 1 == caplog.text.count("stands inside")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "options",
    [{"authorize": None}, {"providers": ()}, {"providers": (), "policy": indifferent}],
    ids=["no authorize", "no providers", "a policy alone"],
)
async def test_where_no_provider_answers_the_order_is_right(
    options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The host's replies go through everything inside."""
    app = wrap(cors(nothing), **options)

    await started(app)
    await call(app, ASK)

    assert "stands inside" not in caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize("framework", [Starlette, FastAPI])
async def test_an_app_wrapped_whole_is_looked_into(
    framework: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Its middleware stands inside, although the stack is not made before the first request."""
    host = framework(middleware=[Middleware(CORSMiddleware, allow_origins=[ORIGIN])])
    host.add_middleware(trusted_host)  # whatever that makes is not known yet

    await call(wrap(host), ASK)

    assert 1 == caplog.text.count("CORSMiddleware stands inside")


@pytest.mark.anyio
@pytest.mark.parametrize("framework", [Starlette, FastAPI])
@pytest.mark.parametrize("first", [True, False], ids=["added first", "added last"])
async def test_what_is_added_later_stands_outside(
    framework: Callable[..., Any], first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The mend is right for `add_middleware`, in this order of words and no other."""
    host = framework()
    adding = [
        lambda: host.add_middleware(CORSMiddleware, allow_origins=[ORIGIN]),
        lambda: host.add_middleware(wrap),
    ]
    for add in adding if first else reversed(adding):
        add()

    client = await call(host, ASK, HEADERS)

    assert first is ("access-control-allow-origin" not in client.headers)
    assert first is ("CORSMiddleware stands inside" in caplog.text)


@pytest.mark.anyio
async def test_on_a_route_what_stands_inside_is_not_passed_by() -> None:
    """Without `authorize` the route's own middleware is to check, which inside it could not."""
    provider = Scripted()
    ours = Middleware(ThinkingMiddleware, providers={"acme": provider})
    guard = Middleware(AuthenticationMiddleware, backend=Known())

    async def own(_: Request) -> PlainTextResponse:
        return PlainTextResponse("host")

    for middleware, asked in (([ours, guard], 0), ([guard, ours], 1)):
        host = Starlette(routes=[Route("/ask", own, methods=["POST"], middleware=middleware)])
        assert 200 == (await call(host, ASK, path="/ask")).status
        assert asked == len(provider.requests)


@pytest.mark.anyio
@pytest.mark.parametrize("first", [True, False], ids=["inside", "outside"])
async def test_what_a_dependency_answers_goes_through_everything(first: bool) -> None:
    """Its reply begins where the endpoint's would, and no order does harm."""
    thinking = Thinking(providers={"acme": Scripted()})
    host = FastAPI(dependencies=[Depends(thinking.enable)])

    @host.post("/v1/chat/completions")
    async def own() -> None: ...

    host.add_middleware(CORSMiddleware, allow_origins=[ORIGIN])
    host.add_middleware(ThinkingMiddleware, rewrite="on-demand")
    host.user_middleware.sort(key=lambda each: first is (each.cls is CORSMiddleware))

    client = await call(host, ASK, HEADERS)

    assert 200 == client.status
    assert ORIGIN == client.headers["access-control-allow-origin"]


@pytest.mark.anyio
async def test_litestar_has_cors_around_all_that_it_is_given(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Around a Litestar app we stand outside of it, among its middleware inside."""

    async def own() -> None: ...

    def litestar(*middleware: Any) -> Litestar:
        return Litestar(
            [post("/v1/chat/completions")(own)],
            cors_config=CORSConfig([ORIGIN]),
            middleware=middleware,
            openapi_config=None,
            logging_config=None,
        )

    around = await call(wrap(litestar()), ASK, HEADERS)
    assert "access-control-allow-origin" not in around.headers
    assert "name ThinkingMiddleware in Litestar's middleware=[...]" in caplog.text

    caplog.clear()
    ours = DefineMiddleware(ThinkingMiddleware, providers={"a": Scripted()}, authorize=allow_all)
    among = await call(litestar(ours), ASK, HEADERS)
    assert ORIGIN == among.headers["access-control-allow-origin"]
    assert "stands inside" not in caplog.text
