"""Hosts that do not listen for their caller's leaving."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hosts.caller import calling
from tests.hosts.play import FOREIGN, PIECES, SIGHTS, Play, gates, interleaved
from tests.hosts.setups import DEAF, SETUPS, Setup, wrap

SETUPS_OF_THE_DEAF = [each for each in SETUPS if each.host in DEAF]
if not SETUPS_OF_THE_DEAF:
    pytest.skip(f"none of {', '.join(DEAF)} is installed", allow_module_level=True)


@pytest.mark.anyio
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "headers", [(), (("x-thinking-dialect", "portkey"),)], ids=["pass", "rewrite"]
)
@pytest.mark.parametrize("setup", SETUPS_OF_THE_DEAF, ids=str)
async def test_a_host_that_does_not_listen_goes_on(setup: Setup, headers: Any) -> None:
    """It writes to its end into nothing, and the server serves the next caller."""
    opened = gates()
    play = Play(interleaved(PIECES, opened))

    async with setup.serving(wrap(setup.app(play))) as port:
        async with calling(port) as caller:
            await caller.ask(FOREIGN | {"stream": True}, *headers)
            await caller.until(SIGHTS[0])
        for gate in opened:
            gate.set()
        await play.released.wait()
        async with calling(port) as caller:
            assert 200 == (await caller.ask(FOREIGN)).status
