"""Sessions, in cookies that Starlette signs."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware
from tests.hosts.caller import calling
from tests.hosts.play import ASK, FOREIGN, SIGHTS, Play, gates, provider
from tests.hosts.setups import Setup, wrap

sessions = pytest.importorskip("starlette.middleware.sessions", exc_type=ImportError)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

SETUP = Setup("starlette")
ASKED = ("x-thinking-dialect", "portkey")


def session(app: ASGIApp) -> ASGIApp:
    """Sessions in signed cookies."""
    made: ASGIApp = sessions.SessionMiddleware(app, secret_key="not secret")
    return made


def signing_in(app: ASGIApp) -> ASGIApp:
    """A host that keeps something in its caller's session."""

    async def host(scope: Scope, receive: Receive, send: Send) -> None:
        scope.get("session", {})["user"] = "ada"
        await app(scope, receive, send)

    return host


@pytest.mark.parametrize("side", ["inside", "outside"])
@pytest.mark.parametrize("headers", [(ASKED,), ()], ids=["rewrite", "pass"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
async def test_the_hosts_session_survives(side: str, headers: Any, stream: bool) -> None:
    """Its cookie is set, beside the two that the endpoint sets."""
    host = signing_in(SETUP.app(Play()))
    app = wrap(session(host)) if side == "inside" else session(wrap(host))

    async with SETUP.serving(app) as port, calling(port) as caller:
        head = await caller.ask(FOREIGN | {"stream": stream}, *headers)
        await caller.body()

    names = [cookie.split("=")[0] for cookie in head.all("set-cookie")]
    assert ["first", "second", "session"] == names


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
async def test_authorize_sees_the_session_outside_of_us(stream: bool) -> None:
    """Whoever signed in with the host may ask a provider; others are refused."""

    def authorize(scope: Scope) -> str | None:
        user: str | None = scope["session"].get("user")
        return user

    host = signing_in(SETUP.app(Play()))
    app = session(ThinkingMiddleware(host, providers={"a": provider()}, authorize=authorize))

    async with SETUP.serving(app) as port, calling(port) as caller:
        assert 401 == (await caller.ask(ASK | {"stream": stream})).status
        await caller.body()
        signed = await caller.ask(b"signing in", path="/v1/other")
        await caller.body()
        (cookie,) = signed.all("set-cookie")
        head = await caller.ask(ASK | {"stream": stream}, ("cookie", cookie.split(";")[0]))
        assert b"answer-1" in await caller.body()

    assert 200 == head.status


@pytest.mark.parametrize("side", ["inside", "outside"])
async def test_streams_arrive_one_by_one(side: str) -> None:
    """A session holds no event back."""
    opened = gates()
    host, acme = SETUP.app(Play()), provider(opened)
    app = wrap(session(host), acme) if side == "inside" else session(wrap(host, acme))

    async with SETUP.serving(app) as port, calling(port) as caller:
        await caller.ask(ASK | {"stream": True})
        await caller.watch(*zip(SIGHTS, opened, strict=True))


async def test_inside_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The real one bears the name that the warning looks for."""

    def authorize(scope: Scope) -> str:
        return "ada" if "session" in scope else "nobody"

    app = ThinkingMiddleware(
        session(SETUP.app(Play())), providers={"a": provider()}, authorize=authorize
    )
    async with SETUP.serving(app) as port, calling(port) as caller:
        assert 200 == (await caller.ask(ASK)).status
        await caller.body()

    assert 1 == caplog.text.count("SessionMiddleware stands inside")
