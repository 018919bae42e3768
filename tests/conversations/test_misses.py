"""Conversations whose memory is lost, or does not answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import pytest

from asgi_thinking import Continuity, MemoryStore, RedisStore
from tests.conversations.scene import (
    ROUND,
    SYSTEM,
    TOOLS,
    USER,
    JSONObject,
    Parts,
    Scene,
    lean,
    results,
    seals,
)
from tests.redis_server import Redis

pytestmark = pytest.mark.anyio

STREAM: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
BUDGET: Final[JSONObject] = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
EFFORT: Final[JSONObject] = {"reasoning_effort": "high"}
SECRET: Final = "correct horse battery"
MODELS: Final[dict[str, tuple[JSONObject, str]]] = {
    "anthropic/claude-sonnet-4-5": (BUDGET, "thinking off for this turn: its signature is lost"),
    "anthropic/claude-opus-4-6": (EFFORT, ""),
    "anthropic/claude-opus-5-5": (EFFORT, ""),
    "bedrock-invoke/us.anthropic.claude-sonnet-4-5": (
        BUDGET,
        "thinking off for this turn: its signature is lost",
    ),
    "bedrock-converse/us.anthropic.claude-fable-5": ({}, ""),
    "vertex/claude-opus-4-6": (EFFORT, ""),
    "vertex/gemini-3.5-flash": (EFFORT, ""),
    "gemini/gemini-3.7-flash": (EFFORT, ""),
}


class Failing(MemoryStore):
    """A store that may be down: then it raises, whatever it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False

    async def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        self._check()
        return await super().get(keys)

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        self._check()
        await super().put(items)

    def _check(self) -> None:
        if self.down:
            raise ConnectionError("the password is hunter2")


def remembering(store: MemoryStore, on_miss: Literal["drop", "error"] = "drop") -> Scene:
    """A scene with this store."""
    return Scene(continuity=Continuity(store, on_miss=on_miss))


async def answered(
    scene: Scene, model: str, messages: Parts, *, stream: bool, asked: JSONObject = EFFORT
) -> str:
    """The next reply, put into the messages with what follows; what was reported of its request."""
    client = await scene.ask(model, messages, stream=stream, tools=TOOLS, **asked)
    message = lean(client, stream=stream)
    messages += [message, *results(message)]
    return client.headers.get("x-thinking-applied", "")


@STREAM
@pytest.mark.parametrize("model", MODELS)
async def test_a_conversation_goes_on_while_the_store_is_down(
    model: str, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Its thinking is missing for as long, the log says so once, and it comes back afterwards."""
    store, (asked, told) = Failing(), MODELS[model]
    scene = remembering(store)
    messages = [SYSTEM, USER]
    scene.says = ROUND[0]
    await answered(scene, model, messages, stream=stream, asked=asked)
    store.down = True
    lost = [await answered(scene, model, messages, stream=stream, asked=asked) for _ in range(2)]
    warned = [line for line in caplog.records if line.levelno == logging.WARNING]
    store.down = False
    found = await answered(scene, model, messages, stream=stream, asked=asked)

    first, second, third, last = [sent.history for sent in scene.sent]
    assert [] == first
    assert [] == [seal for turn in (*second, *third) for seal in seals(turn)]
    assert [seals(scene.sent[0].made), [], []] == [seals(turn) for turn in last]
    assert ["continuity: the store failed (ConnectionError); going on without it"] == [
        line.message for line in warned
    ]
    assert ([told, told], "") == (lost, found)


@STREAM
async def test_redis_may_go_and_come_back(stream: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A server that is not there costs no reply; once it is back, so is what it holds."""
    model = "anthropic/claude-opus-5-5"
    async with Redis() as server:
        continuity = Continuity(RedisStore(server.url), secret=SECRET, patience=5, timeout=5)
        scene = Scene(continuity=continuity)
        messages = [SYSTEM, USER]
        scene.says = ROUND[0]
        await answered(scene, model, messages, stream=stream)
        await server.stop()
        await answered(scene, model, messages, stream=stream)
        await server.start()
        await answered(scene, model, messages, stream=stream)
        await continuity.aclose()
    assert [[seals(scene.sent[0].made)], [[]]] == [
        [seals(turn) for turn in sent.history[:1]] for sent in (scene.sent[2], scene.sent[1])
    ]
    warned = [line for line in caplog.records if line.levelno == logging.WARNING]
    assert 1 == len(warned)


@STREAM
async def test_a_miss_may_be_an_error(stream: bool) -> None:
    """Who wants no turn without its thinking is told which message has lost it."""
    store = MemoryStore()
    scene = remembering(store, "error")
    messages = [SYSTEM, USER]
    for said in (*ROUND, ROUND[0]):
        scene.says = said
        await answered(scene, "anthropic/claude-opus-5-5", messages, stream=stream)
    number = next(n for n, message in enumerate(messages) if message.get("tool_calls"))
    edited = [*messages]
    edited[number] = {**messages[number], "tool_calls": [CALLED]}
    edited[number + 1] = {**messages[number + 1], "tool_call_id": "x"}
    client = await scene.ask("anthropic/claude-opus-5-5", edited, tools=TOOLS, stream=stream)
    error = client.json["error"]
    assert (400, f"messages[{number}]", 6) == (client.status, error["param"], len(scene.sent))
    assert error["message"].startswith(f"messages[{number}]: ")


CALLED: Final[JSONObject] = {
    "id": "x",
    "type": "function",
    "function": {"name": "find", "arguments": "{}"},
}


@STREAM
async def test_a_miss_is_an_error_while_the_store_is_down(stream: bool) -> None:
    """A store that is down remembers nothing."""
    store = Failing()
    scene = remembering(store, "error")
    messages = [SYSTEM, USER]
    scene.says = ROUND[0]
    await answered(scene, "anthropic/claude-opus-5-5", messages, stream=stream)
    store.down = True
    client = await scene.ask("anthropic/claude-opus-5-5", messages, tools=TOOLS, stream=stream)
    assert (400, "messages[2]") == (client.status, client.json["error"]["param"])
    assert b"hunter2" not in client.content
    store.down = False
    assert "" == await answered(scene, "anthropic/claude-opus-5-5", messages, stream=stream)
