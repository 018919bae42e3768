"""How long the upstream's request outlives a caller who left: median and worst, in milliseconds.

    python -m tests.benchmarks.disconnect

Caller, uvicorn and upstream share one loop, whose clock says when the caller closed its connection
and when the upstream saw its own close. The promise is 50 ms, at every moment of a request.
"""

from __future__ import annotations

import asyncio
import statistics

from tests.live.stack import ASK, PIECES, Setup, stack
from tests.loopback import Call

TRIES = 40
PROMISE = 50.0
SETUPS = (Setup("httpx", "h11"), Setup("aiohttp", "httptools"))
MOMENTS = ("before the first byte", "in mid-stream", "waiting for a whole reply")


async def outlived(setup: Setup, moment: str) -> list[float]:
    """Milliseconds, one for each try."""
    waiting, forever = asyncio.Event(), asyncio.Event()
    found: list[float] = []

    async def handler(call: Call) -> None:
        if moment == "in mid-stream":
            await call.head(200, ("content-type", "text/event-stream"))
            for piece in PIECES[:2]:
                await call.chunk(piece)
        waiting.set()
        await forever.wait()

    async with stack(setup, handler) as it:
        for number in range(TRIES):
            waiting.clear()
            async with it.caller() as caller:
                await caller.post(ASK | {"stream": moment != MOMENTS[2]})
                await waiting.wait()
                if moment == "in mid-stream":
                    await caller.head()
                peer = it.upstream.peers[number]
                left = asyncio.get_running_loop().time()
                await caller.leave()
                await peer.closed.wait()
                assert peer.closed_at is not None
                found.append((peer.closed_at - left) * 1e3)
    return found


async def main() -> None:
    for setup in SETUPS:
        for moment in MOMENTS:
            found = await outlived(setup, moment)
            verdict = "" if max(found) < PROMISE else f"   over {PROMISE:.0f} ms!"
            middle = statistics.median(found)
            print(f"{setup!s:24} {moment:26} {middle:6.2f} {max(found):6.2f} ms{verdict}")  # noqa: T201 (what the script is for)


if __name__ == "__main__":
    asyncio.run(main())
