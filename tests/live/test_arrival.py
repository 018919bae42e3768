"""What the upstream says arrives when it is said; nothing is hurried, held back or lost."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from tests.live.stack import ASK, PIECES, SETUPS, WHOLE, Setup, stack
from tests.loopback import Call, replying
from tests.wire.anthropic_transcripts import STOP, block_stop, delta, ending, sse

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

# What the caller sees first after each of the upstream's pieces.
SIGHTS = (b'"role":"assistant"', b"thought-1", b"thought-2", b"answer-1", b"answer-2", b"[DONE]")


@pytest.mark.parametrize("setup", SETUPS, ids=str)
async def test_events_arrive_one_by_one(setup: Setup) -> None:
    """Each piece reaches the caller before the upstream sends the next."""
    seen = [asyncio.Event() for _ in PIECES]

    async def handler(call: Call) -> None:
        await call.head(200, ("content-type", "text/event-stream"))
        for piece, event in zip(PIECES, seen, strict=True):
            await call.chunk(piece)
            await event.wait()
        await call.end()

    async with stack(setup, handler) as it, it.caller() as caller:
        await caller.post(ASK | {"stream": True})
        assert 200 == (await caller.head()).status
        for sight, event in zip(SIGHTS, seen, strict=True):
            seen_now = b""
            while sight not in seen_now:
                seen_now += await caller.chunk()
            assert 1 == seen_now.count(sight)
            event.set()
        assert b"" == await caller.body()


@pytest.mark.parametrize("setup", SETUPS, ids=str)
@pytest.mark.parametrize("joined", [False, True], ids=["apart", "in one write"])
async def test_a_whole_stream_at_once(setup: Setup, joined: bool) -> None:
    """An upstream that sends everything at once ends the reply just as well."""
    pieces = (b"".join(PIECES),) if joined else PIECES

    async with stack(setup, replying(*pieces)) as it, it.caller() as caller:
        _, body = await caller.ask(ASK | {"stream": True})

    assert sorted(SIGHTS, key=body.find) == list(SIGHTS)
    assert body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("setup", SETUPS, ids=str)
async def test_connections_are_used_again(setup: Setup) -> None:
    """Requests in turn, whole and streamed, need one connection on either side."""

    async def handler(call: Call) -> None:
        if json.loads(call.request.body).get("stream"):
            await replying(*PIECES)(call)
        else:
            await replying(WHOLE, headers=(("content-type", "application/json"),))(call)

    async with stack(setup, handler) as it, it.caller() as caller:
        for turn in range(6):
            head, body = await caller.ask(ASK | {"stream": turn % 2 == 1})
            assert 200 == head.status
            assert b"thought-1" in body
        assert 1 == len(it.upstream.peers)
        assert 6 == it.upstream.peers[0].requests


@pytest.mark.parametrize("setup", [Setup("httpx", "h11"), Setup("aiohttp", "httptools")], ids=str)
async def test_a_caller_who_does_not_read_stops_the_upstream(setup: Setup) -> None:
    """No queue grows: the upstream's writes wait, and go on when the caller reads again."""
    count, size = 256, 2**18
    written = 0
    done = asyncio.Event()

    async def handler(call: Call) -> None:
        nonlocal written
        raw = call.peer.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)
        await call.head(200, ("content-type", "text/event-stream"))
        for piece in PIECES[:4]:
            await call.chunk(piece)
        for _ in range(count):
            await call.chunk(sse(delta(1, "text_delta", text="x" * size)))
            written += size
        await call.chunk(sse(block_stop(1), ending("end_turn"), STOP))
        await call.end()
        done.set()

    async with stack(setup, handler) as it, it.caller(patience=2**14) as caller:
        await caller.post(ASK | {"stream": True})
        await caller.head()
        # Everything is in one loop: where nothing happens for so many turns, nothing will.
        before, idle = -1, 0
        while idle < 2_000:
            idle = idle + 1 if written == before else 0
            before = written
            await asyncio.sleep(0)
        assert 0 < written < count * size // 2
        assert not done.is_set()

        got, chunk = 0, b" "
        while chunk:
            chunk = await caller.chunk()
            got += chunk.count(b"x")
        assert done.is_set()
        # The delimiters of the stream have an x or two of their own.
        assert got - count * size in range(2 * count)
