"""What a provider answers, in front of any host and behind any server; the host hears nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.hosts.caller import calling
from tests.hosts.play import ASK, FOREIGN, SIGHTS, Play, gates, provider
from tests.hosts.setups import SETUPS, Setup, wrap

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(60),
    pytest.mark.parametrize("setup", SETUPS, ids=str),
]


@pytest.mark.parametrize(
    ("headers", "key"),
    [((), "thinking_blocks"), ((("x-thinking-dialect", "portkey"),), "content_blocks")],
    ids=["default", "portkey"],
)
async def test_json(setup: Setup, headers: Any, key: str) -> None:
    """The reply is whole, as long as it says, and in the dialect that was asked for."""
    play, acme = Play(), provider()

    async with setup.serving(wrap(setup.app(play), acme)) as port, calling(port) as caller:
        head = await caller.ask(ASK, *headers)
        body = await caller.body()

    assert 200 == head.status
    assert [str(len(body))] == head.all("content-length")
    assert ["application/json"] == head.all("content-type")
    message = json.loads(body)["choices"][0]["message"]
    assert "answer-1answer-2" == message["content"]
    assert {"type": "thinking", "thinking": "thought-1thought-2"} == message[key][0]
    assert (1, []) == (len(acme.requests), play.heard)


async def test_streams_arrive_one_by_one(setup: Setup) -> None:
    """Each event reaches the caller before the provider says the next."""
    play, opened = Play(), gates()

    async with (
        setup.serving(wrap(setup.app(play), provider(opened))) as port,
        calling(port) as caller,
    ):
        head = await caller.ask(ASK | {"stream": True})
        body = await caller.watch(*zip(SIGHTS, opened, strict=True))

    assert ["text/event-stream; charset=utf-8"] == head.all("content-type")
    assert ["truefoundry"] == head.all("x-thinking-dialect")
    assert body.endswith(b"data: [DONE]\n\n")
    assert [] == play.heard


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_leaving_ends_the_providers_work(setup: Setup, stream: bool) -> None:
    """In mid-stream, and while a whole reply is waited for."""
    opened = gates()
    acme = provider(opened)

    async with (
        setup.serving(wrap(setup.app(Play()), acme)) as port,
        calling(port) as caller,
    ):
        await caller.send(ASK | {"stream": stream})
        if stream:
            await caller.head()
            await caller.until(SIGHTS[0])
        await opened[0].reached.wait()
        assert not acme.released.is_set()
        await caller.leave()
        await acme.released.wait()


async def test_a_body_over_the_limit_is_answered(setup: Setup) -> None:
    """The caller, who is still sending, gets the answer, and others are served."""
    app = wrap(setup.app(Play()), max_body_size=1000)

    async with setup.serving(app) as port:
        async with calling(port) as caller:
            sending = asyncio.create_task(caller.send(ASK | {"user": "x" * 2**21}))
            assert 413 == (await caller.head()).status
            assert b"body: larger than 1000 bytes" in await caller.body()
            await asyncio.gather(sending, return_exceptions=True)  # some servers close
        async with calling(port) as caller:
            assert 200 == (await caller.ask(ASK)).status


async def test_the_connection_serves_whoever_answers(setup: Setup) -> None:
    """One connection carries provider's replies, the host's, and both in streams, in turn."""
    play = Play()

    async with setup.serving(wrap(setup.app(play))) as port, calling(port) as caller:
        for body in (ASK, FOREIGN) * 2:
            for stream in (True, False):
                head = await caller.ask(body | {"stream": stream})
                assert 200 == head.status
                assert b"answer-1" in await caller.body()

    assert 4 == len(play.heard)
