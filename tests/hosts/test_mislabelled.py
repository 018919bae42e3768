"""A stream that its framework calls JSON, as Litestar does for handlers annotated `object`."""

from __future__ import annotations

import pytest
from litestar import Litestar, Request, post
from litestar.response import Stream

from tests.hosts.caller import calling
from tests.hosts.play import FOREIGN, PIECES, SIGHTS, Play, gates, interleaved
from tests.hosts.setups import Setup, wrap


@pytest.mark.anyio
@pytest.mark.timeout(60)
async def test_it_is_rewritten_one_by_one() -> None:
    """Its first byte says what it is, and nothing is held back."""
    opened = gates()
    play = Play(interleaved(PIECES, opened))

    async def completions(request: Request) -> object:
        await request.body()
        return Stream(play.stream())

    host = Litestar([post("/v1/chat/completions")(completions)], openapi_config=None)
    async with Setup("litestar").serving(wrap(host)) as port, calling(port) as caller:
        head = await caller.ask(FOREIGN | {"stream": True}, ("x-thinking-dialect", "portkey"))
        body = await caller.watch(*zip(SIGHTS, opened, strict=True))

    assert ["application/json"] == head.all("content-type")
    assert b"content_blocks" in body
    assert b"reasoning_content" not in body
