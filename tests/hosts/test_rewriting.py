"""The host's own reply in the dialect that its caller asked for, whatever framework wrote it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.hosts.caller import calling
from tests.hosts.play import (
    COOKIES,
    FOREIGN,
    PIECES,
    SIGHTS,
    WHOLE,
    BrokenHost,
    Play,
    gates,
    interleaved,
)
from tests.hosts.setups import SETUPS, Setup, wrap

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(60),
    pytest.mark.parametrize("setup", SETUPS, ids=str),
]

ASKED = ("x-thinking-dialect", "portkey")
STRICT = ("x-thinking-dialect", "openai")


async def test_json(setup: Setup) -> None:
    """Blocks in place of the host's key, under the new length, beside the host's own headers."""
    async with setup.serving(wrap(setup.app(Play(status=201)))) as port, calling(port) as caller:
        head = await caller.ask(FOREIGN, ASKED)
        body = await caller.body()

    assert 201 == head.status
    assert ["portkey"] == head.all("x-thinking-dialect")
    assert [str(len(body))] == head.all("content-length")
    assert list(COOKIES) == [cookie.split("=")[0] for cookie in head.all("set-cookie")]
    message = json.loads(body)["choices"][0]["message"]
    assert "reasoning_content" not in message
    assert {"type": "thinking", "thinking": "thought-1 thought-2"} == message["content_blocks"][0]


async def test_json_for_the_strict(setup: Setup) -> None:
    """Whoever asks for OpenAI's format sees no thought."""
    async with setup.serving(wrap(setup.app(Play()))) as port, calling(port) as caller:
        head = await caller.ask(FOREIGN, STRICT)
        body = await caller.body()

    assert ["openai"] == head.all("x-thinking-dialect")
    assert b"thought" not in body
    assert WHOLE["usage"] == json.loads(body)["usage"]


async def test_streams_arrive_one_by_one(setup: Setup) -> None:
    """Each piece reaches the caller, rewritten, before the host says the next."""
    opened = gates()
    host = setup.app(Play(interleaved(PIECES, opened), status=201))

    async with setup.serving(wrap(host)) as port, calling(port) as caller:
        head = await caller.ask(FOREIGN | {"stream": True}, ASKED)
        body = await caller.watch(*zip(SIGHTS, opened, strict=True))

    assert 201 == head.status
    assert ["portkey"] == head.all("x-thinking-dialect")
    assert [] == head.all("content-length")
    assert list(COOKIES) == [cookie.split("=")[0] for cookie in head.all("set-cookie")]
    assert b"content_blocks" in body
    assert b"reasoning_content" not in body
    assert "thought-1 \u00e9" in body.decode()


async def test_streams_are_read_however_they_are_cut(setup: Setup) -> None:
    """Seven bytes at a time, through characters, lines and JSON alike."""
    whole = b"".join(PIECES)
    cut = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    bodies = []
    for steps in (PIECES, cut):
        host = setup.app(Play(steps))
        async with setup.serving(wrap(host)) as port, calling(port) as caller:
            await caller.ask(FOREIGN | {"stream": True}, ASKED)
            bodies.append(await caller.body())

    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("headers", [(), (ASKED,)], ids=["pass", "rewrite"])
async def test_a_host_that_breaks_off(setup: Setup, headers: Any) -> None:
    """What it said arrives; the rest is what framework and server make of it on their own."""
    ends = []
    for dress in (lambda host: host, wrap):
        host = dress(setup.app(Play([*PIECES[:2], BrokenHost()])))
        async with setup.serving(host) as port, calling(port) as caller:
            await caller.ask(FOREIGN | {"stream": True}, *headers)
            await caller.until(SIGHTS[1])
            (end,) = await asyncio.gather(caller.body(), return_exceptions=True)
            ends.append(end if isinstance(end, bytes) else type(end))

    assert ends[0] == ends[1]
