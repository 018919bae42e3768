"""What it costs to rewrite a chunk of the host's own stream: beside a wrapper that does nothing.

    python -m tests.benchmarks.rewriting

Prints microseconds a chunk over the wrapper's, the best of several rounds, for streams that think
and for streams in which nothing has to change. In process, without a server.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware
from tests.asgi import scope_for
from tests.scripted import Scripted

ROUNDS, CHUNKS = 9, 5_000
DIALECTS = ("openai", "truefoundry", "truefoundry-legacy", "portkey", "deepseek", "openrouter")
START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream")],
}
ASKED = json.dumps({"model": "own", "stream": True, "reasoning_effort": "high", "messages": []})


class Silent:
    """Middleware that puts a function of its own before `send`, and nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def pass_on(message: Message) -> None:
            await send(message)

        await self.app(scope, receive, pass_on)


class Host:
    """Streams a chunk for each delta; the chunks are made beforehand."""

    def __init__(self, *deltas: dict[str, str]) -> None:
        self.chunks = [_chunk(delta) for delta in deltas] + [b"data: [DONE]\n\n"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(START)
        for chunk in self.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _chunk(delta: dict[str, str]) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    head = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "own"}
    return f"data: {json.dumps(head | {'choices': [choice]})}\n\n".encode()


THINKING = Host(*[{"reasoning_content": f"word {n} "} for n in range(CHUNKS)])
PLAIN = Host(*[{"content": f"word {n} "} for n in range(CHUNKS)])


async def receive() -> Message:
    return {"type": "http.request", "body": ASKED.encode(), "more_body": False}


async def send(message: Message) -> None: ...


async def cost(app: ASGIApp, headers: Sequence[tuple[bytes, bytes]]) -> float:
    """Microseconds a chunk."""
    best = float("inf")
    for _ in range(ROUNDS):
        scope = scope_for(headers=[(b"content-type", b"application/json"), *headers])
        begun = time.perf_counter()
        await app(scope, receive, send)
        best = min(best, time.perf_counter() - begun)
    return best / CHUNKS * 1e6


async def main() -> None:
    for what, host in {"thinking": THINKING, "no thinking": PLAIN}.items():
        bare = await cost(Silent(host), [])
        app = ThinkingMiddleware(host, providers={"acme": Scripted()})
        for dialect in DIALECTS:
            ours = await cost(app, [(b"x-thinking-dialect", dialect.encode())])
            print(f"{what:12} {dialect:20} {ours - bare:5.2f} µs a chunk over {bare:.2f}")  # noqa: T201 (what the script is for)


if __name__ == "__main__":
    asyncio.run(main())
