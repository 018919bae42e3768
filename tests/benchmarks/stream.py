"""What an event of a stream costs in process: wire decoder, exchange, dialect encoder, response.

    python -m tests.benchmarks.stream

Prints microseconds an upstream event for each dialect, the best of several rounds: once with every
event in a read of its own (as a slow model sends them) and once with many in one read (a burst).
No network; the upstream's bytes are made beforehand.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

from starlette.types import Message

from asgi_thinking import Service, ThinkingResponse
from asgi_thinking.events import Batch
from asgi_thinking.registry import BUILT_IN_DIALECTS
from asgi_thinking.requests import ChatRequest
from asgi_thinking.wire.anthropic import AnthropicDecoder
from tests.asgi import scope_for
from tests.live.stack import ASK, PIECES
from tests.scripted import Scripted
from tests.wire.anthropic_transcripts import delta, sse

ROUNDS, DELTAS = 5, 4_000
DIALECTS = BUILT_IN_DIALECTS
READS = (
    PIECES[0],
    *[sse(delta(0, "thinking_delta", thinking="some words "))] * DELTAS,
    PIECES[3],
    *[sse(delta(1, "text_delta", text="some words "))] * DELTAS,
    PIECES[5],
)
BURSTS = tuple(b"".join(READS[at : at + 32]) for at in range(0, len(READS), 32))


class Replay(Scripted):
    """Decodes bytes as the real provider does."""

    reads: tuple[bytes, ...] = READS

    async def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        decoder = AnthropicDecoder(0, "anthropic")
        for data in self.reads:
            yield decoder.feed(data)


async def receive() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def send(message: Message) -> None: ...


async def cost(reads: tuple[bytes, ...], dialect: str) -> float:
    """Microseconds an event."""
    provider = Replay()
    provider.reads = reads
    service = Service(providers={"acme": provider}, dialects=DIALECTS)
    headers = [(b"x-thinking-dialect", dialect.encode())]
    body = json.dumps(ASK | {"stream": True}).encode()
    best = float("inf")
    for _ in range(ROUNDS):
        response = ThinkingResponse(service.answer(headers, body))
        begun = time.perf_counter()
        await response(scope_for(), receive, send)
        best = min(best, time.perf_counter() - begun)
    return best / len(READS) * 1e6


async def main() -> None:
    for dialect in DIALECTS:
        single, burst = await cost(READS, dialect), await cost(BURSTS, dialect)
        print(f"{dialect:20} one a read {single:5.2f} µs   32 a read {burst:5.2f} µs")  # noqa: T201 (what the script is for)


if __name__ == "__main__":
    asyncio.run(main())
