"""Thinking that a vendor does not take back: one more request without it, and no third.

Source: https://platform.claude.com/docs/en/build-with-claude/preserved-thinking, read 2026-11-22.
"""

from __future__ import annotations

from typing import Final

import httpx
import pytest

from tests.asgi import Client
from tests.conversations.scene import (
    ROUND,
    SYSTEM,
    TOOLS,
    USER,
    JSONObject,
    Parts,
    Scene,
    echoed,
    lean,
    results,
    seals,
)

pytestmark = pytest.mark.anyio

STREAM: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
BOUND: Final = (
    "anthropic/claude-opus-5-5",
    "anthropic/claude-sonnet-5-5",
    "bedrock-invoke/us.anthropic.claude-opus-5-5",
    "bedrock-converse/us.anthropic.claude-opus-5-5",
    "vertex/claude-fable-5-1",
)
CHANGED: Final[JSONObject] = {"role": "user", "content": "Weather in Ōsaka?"}


async def ask(
    scene: Scene, model: str, messages: Parts, *, stream: bool, dialect: str = "openai"
) -> Client:
    """One request for a model that thinks."""
    return await scene.ask(
        model,
        messages,
        dialect=dialect,
        stream=stream,
        tools=TOOLS,
        reasoning_effort="high",
    )


async def begun(
    scene: Scene, model: str, *, stream: bool, dialect: str = "openai", turns: int = 2
) -> Parts:
    """The messages of a tool loop, whose client keeps all that its dialect shows."""
    messages = [SYSTEM, USER]
    for said in ROUND[:turns]:
        scene.says = said
        client = await ask(scene, model, messages, stream=stream, dialect=dialect)
        message = echoed(client, dialect, stream=stream)
        messages += [message, *results(message)]
    scene.sent.clear()
    return messages


@STREAM
@pytest.mark.parametrize("dialect", ["openai", "portkey"])
@pytest.mark.parametrize("model", BOUND)
async def test_a_changed_conversation_is_answered_without_its_thinking(
    model: str, dialect: str, stream: bool
) -> None:
    """The client changed what a model's thinking is bound to; it is told what that cost."""
    scene = Scene()
    messages = await begun(scene, model, stream=stream, dialect=dialect)
    messages[1] = CHANGED
    client = await ask(scene, model, messages, stream=stream, dialect=dialect)
    refused, healed = scene.sent
    assert (200, 400, 200) == (client.status, refused.status, healed.status)
    assert [] != [seal for turn in refused.history for seal in seals(turn)]
    assert [] == [seal for turn in healed.history for seal in seals(turn)]
    told = client.headers["x-thinking-applied"]
    assert told.startswith("messages[2]: thinking of Claude dropped")
    assert "messages[4]: thinking of Claude dropped" in told


async def test_a_changed_conversation_goes_on() -> None:
    """It is refused once; from then on its new thinking is kept, and the old left out."""
    scene = Scene()
    messages = await begun(scene, BOUND[0], stream=False)
    old = len(messages)
    messages[1] = CHANGED
    statuses: list[list[int]] = []
    for said in ROUND[2:]:
        scene.sent.clear()
        scene.says = said
        client = await ask(scene, BOUND[0], messages, stream=False)
        message = lean(client, stream=False)
        messages += [message, *results(message)]
        statuses.append([sent.status for sent in scene.sent])
    assert [[400, 200], *[[200]] * (len(ROUND) - 3)] == statuses
    thought = [bool(seals(turn)) for turn in scene.sent[-1].history]
    before = sum(turn["role"] == "assistant" for turn in messages[:old])
    assert [False] * before == thought[:before]
    assert all(thought[before:])
    assert "messages[2]: thinking that was refused dropped" in client.headers["x-thinking-applied"]


@STREAM
@pytest.mark.parametrize("model", BOUND)
async def test_a_second_refusal_is_the_clients(model: str, stream: bool) -> None:
    """What is refused without thinking too is refused for another reason."""
    scene = Scene()
    messages = await begun(scene, model, stream=stream)
    message = "messages.1.content.0: Invalid `signature` in `thinking` block. It is bound."
    told = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    body = told if "bedrock" not in model else {"message": message}
    scene.faults = [("", httpx.Response(400, json=body)) for _ in range(9)]
    client = await ask(scene, model, messages, stream=stream)
    assert (400, 2) == (client.status, len(scene.sent))
    assert message == client.json["error"]["message"]


@pytest.mark.parametrize("model", ["gemini/gemini-3.5-flash", "vertex/gemini-3.5-flash"])
async def test_geminis_changed_call_is_answered_without_its_signature(model: str) -> None:
    """A client that kept a signature and changed its call is answered all the same."""
    scene = Scene()
    messages = await begun(scene, model, stream=False, dialect="truefoundry", turns=1)
    messages[2]["tool_calls"][0]["function"]["arguments"] = '{"place": "Nara"}'
    client = await ask(scene, model, messages, stream=False, dialect="truefoundry")
    assert (200, [400, 200]) == (client.status, [sent.status for sent in scene.sent])
    assert [] == [seal for turn in scene.sent[1].history for seal in seals(turn)]
    assert "messages[2]: " in client.headers["x-thinking-applied"]


async def test_who_rejects_conflicts_is_given_the_refusal() -> None:
    """Nothing is left out of a request where its owner wants every conflict refused."""
    scene = Scene(on_conflict="reject")
    messages = await begun(scene, BOUND[0], stream=False)
    messages[1] = CHANGED
    client = await ask(scene, BOUND[0], messages, stream=False)
    assert (400, 1) == (client.status, len(scene.sent))
    assert "bound to a different conversation" in client.json["error"]["message"]
