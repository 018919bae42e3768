"""No more requests under way than the owner wants."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message

from asgi_thinking import Service, ThinkingResponse
from asgi_thinking.events import StreamError
from asgi_thinking.exceptions import ConfigurationError, UpstreamStatusError
from asgi_thinking.gate import Gate
from tests.asgi import Client, scope_for
from tests.scripted import ONLY, START, Scripted

pytestmark = pytest.mark.anyio

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
}
BUSY = UpstreamStatusError("busy", status=503)


class Scene:
    """A service with one place, and requests that come to it."""

    def __init__(self, *scripts: Any) -> None:
        self.provider = Scripted(list(scripts))
        self.service = Service(providers={"acme": self.provider}, max_retries=0, max_concurrency=1)

    def respond(self, **body: Any) -> ThinkingResponse:
        return ThinkingResponse(self.service.answer((), json.dumps(ASK | body).encode()))

    async def ask(self, **body: Any) -> Client:
        client = Client()
        await self.respond(**body)(scope_for(), client.receive, client.send)
        return client


@pytest.mark.parametrize("stream", [True, False])
async def test_one_request_too_many_is_refused(stream: bool) -> None:
    """With the status of a server that is busy, a time to wait, and nothing sent upstream."""
    hold, client = asyncio.Event(), Client()
    scene = Scene([START, hold, ONLY, [StreamError(BUSY)]])
    response = scene.respond(stream=stream)
    task = asyncio.create_task(response(scope_for(), client.receive, client.send))
    while not scene.provider.requests:
        await asyncio.sleep(0)

    refused = await scene.ask(stream=stream)

    assert (503, "1") == (refused.status, refused.headers["retry-after"])
    assert "x-should-retry" not in refused.headers
    assert refused.json == {
        "error": {
            "message": "this server answers at most 1 requests at once",
            "type": "server_error",
            "param": None,
            "code": "overloaded",
        }
    }
    assert "truefoundry" == refused.headers["x-thinking-dialect"]
    assert 1 == len(scene.provider.requests)
    hold.set()
    await task


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "script",
    [[START, ONLY, [StreamError(BUSY)]], [BUSY], [START, ONLY, BUSY], [START, [StreamError(BUSY)]]],
)
async def test_a_place_is_free_after_a_failure(script: list[Any], stream: bool) -> None:
    """Early or late."""
    scene = Scene(script)
    for _ in range(3):
        assert "overloaded" not in (await scene.ask(stream=stream)).content.decode()
    assert 3 == len(scene.provider.requests)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_place_is_free_after_a_good_reply(stream: bool) -> None:
    """As often as requests come one after the other."""
    scene = Scene()
    scene.provider.scripts = Scripted().scripts
    for _ in range(3):
        assert 200 == (await scene.ask(stream=stream)).status


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("leaves", [True, False], ids=["left", "cancelled"])
async def test_a_place_is_free_after_a_reply_that_nobody_hears(stream: bool, leaves: bool) -> None:
    """Whether the client leaves or the server gives the request up."""
    scene, client = Scene([START, asyncio.Event()], *Scripted().scripts), Client()
    response = scene.respond(stream=stream)
    task = asyncio.create_task(response(scope_for(), client.receive, client.send))
    while not scene.provider.requests:
        await asyncio.sleep(0)

    if leaves:
        client.leave()
    else:
        task.cancel()
    await asyncio.wait([task])

    assert task.cancelled() is not leaves
    assert 200 == (await scene.ask(stream=stream)).status


async def test_a_place_is_free_after_a_send_that_fails() -> None:
    """A server that cannot send holds none."""
    scene = Scene(*Scripted().scripts)

    async def send(message: Message) -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await scene.respond()(scope_for(), Client().receive, send)

    assert 200 == (await scene.ask()).status


async def test_what_is_not_sent_takes_no_place() -> None:
    """A refused request is answered whatever goes on, and so is one that is never run."""
    scene = Scene(*Scripted().scripts)
    scene.respond()

    assert 400 == (await scene.ask(messages=1)).status
    assert 200 == (await scene.ask()).status


def test_no_place_at_all_is_a_mistake() -> None:
    """A limit that would let nobody in is refused at construction."""
    with pytest.raises(ConfigurationError, match="max_concurrency must be above 0, not 0"):
        Service(max_concurrency=0)
    assert 0 == Gate(1).under_way
