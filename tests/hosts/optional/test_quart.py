"""Quart has a place for ASGI middleware of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hosts.caller import calling
from tests.hosts.play import ASK, COOKIES, FOREIGN, SIGHTS, Play, gates, provider
from tests.hosts.setups import Setup, wrap

pytest.importorskip("quart")


@pytest.mark.anyio
@pytest.mark.timeout(60)
@pytest.mark.parametrize("body", [ASK, FOREIGN], ids=["delegate", "rewrite"])
async def test_around_its_asgi_app(body: Any) -> None:
    """The app stays what it is, for tests and commands that need a `Quart`."""
    setup, opened = Setup("quart"), gates()
    host: Any = setup.app(Play())
    host.asgi_app = wrap(host.asgi_app, provider(opened))

    async with setup.serving(host) as port, calling(port) as caller:
        head = await caller.ask(body | {"stream": True}, ("x-thinking-dialect", "portkey"))
        await caller.watch(*zip(SIGHTS, opened, strict=True))

    assert ["portkey"] == head.all("x-thinking-dialect")
    assert (len(COOKIES) if body is FOREIGN else 0) == len(head.all("set-cookie"))
