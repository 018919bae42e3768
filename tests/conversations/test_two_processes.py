"""A conversation that outlives the process that began it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.asgi import Client
from tests.conversations.app import build
from tests.conversations.scene import (
    ROUND,
    SYSTEM,
    TOOLS,
    USER,
    JSONObject,
    Parts,
    Sent,
    expected,
    lean,
    results,
)
from tests.redis_server import SERVERS
from tests.serving import serving
from tests.simulator import Reply
from tests.simulator.edge import answer

pytestmark = pytest.mark.anyio

Server: TypeAlias = Callable[[], AbstractAsyncContextManager[str]]

ROOT: Final = Path(__file__).parents[2]
HALF: Final = 10  # replies of each process


class Upstream:
    """Anthropic's API on the loopback; `says` is what the model says next."""

    def __init__(self) -> None:
        self.says = Reply()
        self.sent: list[Sent] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body, path, headers = await request.body(), request.url.path, dict(request.headers)
        told = answer(path, headers, body, lambda _: self.says)
        self.sent.append(Sent("", path, headers, body, self.says, told.status))
        await Response(told.body, told.status, told.headers)(scope, receive, send)


@asynccontextmanager
async def process(redis: str, upstream: str) -> AsyncIterator[str]:
    """The URL of the app in a process of its own, which is killed in the end."""
    command = ("-m", "uvicorn", "--factory", "tests.conversations.app:build", "--port", "0")
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=ROOT,
        env={**os.environ, "REDIS_URL": redis, "ANTHROPIC_BASE_URL": upstream},
        stderr=asyncio.subprocess.PIPE,
    )
    assert server.stderr is not None
    try:
        line = b""
        while b"running on" not in line:
            line = await server.stderr.readline()
            assert line
        yield line.split(b"running on ")[1].split()[0].decode()
    finally:
        server.kill()
        await server.wait()


async def ask(url: str, messages: Parts, *, stream: bool) -> Client:
    """One request, and what its client gets."""
    asked: dict[str, Any] = {
        "model": "anthropic/claude-opus-5-5",
        "max_tokens": 8_000,
        "messages": messages,
        "tools": TOOLS,
        "reasoning_effort": "high",
        "stream": stream,
    }
    headers = {"x-name": "Ann", "x-thinking-dialect": "openai"}
    async with httpx.AsyncClient(timeout=30) as engine:
        reply = await engine.post(f"{url}/v1/chat/completions", json=asked, headers=headers)
    start: JSONObject = {"status": reply.status_code, "headers": reply.headers.raw}
    return Client(sent=[start, {"body": reply.content}])


async def talk(url: str, upstream: Upstream, messages: Parts, made: list[Parts]) -> None:
    """Half of the conversation; each request holds all before it as the vendor made it."""
    for turn in range(HALF):
        upstream.says, stream = ROUND[turn % len(ROUND)], bool(turn % 2)
        client = await ask(url, messages, stream=stream)
        message = lean(client, stream=stream)
        assert made == upstream.sent[-1].history
        assert "x-thinking-applied" not in client.headers
        made.append(expected(upstream.sent[-1].made))
        messages += [message, *results(message)]


@pytest.mark.parametrize("server", SERVERS)
async def test_a_process_that_is_killed_takes_nothing_along(server: Server) -> None:
    """What one process remembered the next one puts back, and so does one that it runs beside."""
    upstream, messages, made = Upstream(), [SYSTEM, USER], list[Parts]()
    async with server() as redis, serving(upstream) as vendor:
        for _ in range(2):
            async with process(redis, vendor) as url:
                await talk(url, upstream, messages, made)
    assert 2 * HALF == len(upstream.sent)


async def test_the_app_is_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends no name is not let in; the app asks where its environment says."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    upstream = Upstream()
    upstream.says = Reply("hm", "Sunny.")
    async with serving(upstream) as vendor:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", vendor)
        async with serving(build()) as url, httpx.AsyncClient() as engine:
            body = {"model": "anthropic/claude-opus-5-5", "messages": [USER]}
            refused = await engine.post(f"{url}/v1/chat/completions", json=body)
            client = await ask(url, [USER], stream=False)
    assert (401, 200, 1) == (refused.status_code, client.status, len(upstream.sent))
