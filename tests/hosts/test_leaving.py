"""A caller who leaves, or does not read: the host hears of it as it does on its own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.hosts.caller import calling
from tests.hosts.play import FOREIGN, PIECES, SIGHTS, Play, gates, interleaved
from tests.hosts.setups import LISTENING, SETUPS, Setup, wrap

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(60),
    pytest.mark.parametrize(
        "headers", [(), (("x-thinking-dialect", "portkey"),)], ids=["pass", "rewrite"]
    ),
]


@pytest.mark.parametrize("setup", LISTENING, ids=str)
async def test_leaving_ends_the_hosts_stream(setup: Setup, headers: Any) -> None:
    """A host that listens for its caller's leaving still hears of it."""
    play = Play(interleaved(PIECES, gates()))

    async with setup.serving(wrap(setup.app(play))) as port, calling(port) as caller:
        await caller.ask(FOREIGN | {"stream": True}, *headers)
        await caller.until(SIGHTS[0])
        assert not play.released.is_set()
        await caller.leave()
        await play.released.wait()


@pytest.mark.parametrize("setup", SETUPS, ids=str)
async def test_a_caller_who_does_not_read_stops_the_host(setup: Setup, headers: Any) -> None:
    """No queue grows between the host and the server."""
    count, size = 64, 2**18
    piece = PIECES[2].replace(b"answer-1", b"x" * size)
    play = Play([*PIECES[:2], *[piece] * count, *PIECES[-1:]])

    async with (
        setup.serving(wrap(setup.app(play))) as port,
        calling(port, patience=2**14) as caller,
    ):
        await caller.ask(FOREIGN | {"stream": True}, *headers)
        # Where nothing happens for so many turns of the loop, nothing will.
        before, idle = -1, 0
        while idle < 1_000 or not play.said:
            idle = idle + 1 if play.said == before else 0
            before = play.said
            await asyncio.sleep(0)
        assert 0 < play.said < count // 2
        assert not play.released.is_set()
        got = await caller.body()

    assert count * size <= got.count(b"x")
    assert play.released.is_set()
