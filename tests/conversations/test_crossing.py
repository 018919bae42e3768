"""Conversations that change their vendor and their dialect from reply to reply.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/extended-thinking
and https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking import Continuity
from tests.conversations.drawn import BUDGET, EFFORT, SPOKEN, Step, steps
from tests.conversations.scene import (
    ROUND,
    SYSTEM,
    TOOLS,
    USER,
    JSONObject,
    Scene,
    echoed,
    lean,
    results,
    seals,
)
from tests.strategies import shared

pytestmark = pytest.mark.anyio

STREAM: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
CLAUDES: Final[dict[str, JSONObject]] = {
    "claude-sonnet-4-5": BUDGET,
    "claude-opus-4-6": EFFORT,
    "claude-opus-5-5": EFFORT,
}


class Told(NamedTuple):
    """What was reported of each request, and what its client kept."""

    applied: list[str]
    messages: list[JSONObject]


async def talk(scene: Scene, steps: Sequence[Step]) -> Told:
    """The conversation; no vendor refuses anything, and none is asked twice."""
    messages, applied = [SYSTEM, USER], list[str]()
    for number, step in enumerate(steps, 1):
        scene.says = step.reply
        client = await scene.ask(
            step.model,
            messages,
            dialect=step.dialect,
            stream=step.stream,
            tools=TOOLS,
            **step.asked,
        )
        assert (200, number) == (client.status, len(scene.sent)), client.content
        applied.append(client.headers.get("x-thinking-applied", ""))
        message = (
            lean(client, stream=step.stream)
            if step.plain
            else echoed(client, step.dialect, stream=step.stream)
        )
        messages += [message, *results(message)]
    return Told(applied, messages)


@STREAM
@pytest.mark.parametrize("bedrock", ["bedrock-invoke", "bedrock-converse"])
@pytest.mark.parametrize("model", CLAUDES)
@pytest.mark.parametrize("calls", [True, False], ids=["calls", "texts"])
async def test_thinking_finds_its_way_home(
    model: str, bedrock: str, stream: bool, calls: bool
) -> None:
    """After a round through three vendors Claude has its own thinking back, and nobody else's."""
    scene = Scene()
    asked = CLAUDES[model]
    replies = ROUND[:4] if calls else [SPOKEN] * 4
    ways = (
        (f"anthropic/{model}", "portkey"),
        ("gemini/gemini-3.5-flash", "truefoundry"),
        (f"{bedrock}/us.anthropic.{model}", "openai"),
        (f"anthropic/{model}", "portkey"),
    )
    steps = [Step(*way, stream, said, asked) for way, said in zip(ways, replies, strict=True)]
    applied, _ = await talk(scene, steps)

    first, second, third, last = scene.sent
    assert first.made == last.history[0]
    assert (seals(third.made) if calls else []) == seals(last.history[2])
    assert [] == seals(last.history[1]) == seals(second.history[0])
    assert first.made == third.history[0] or bedrock == "bedrock-converse"
    assert seals(first.made) == seals(third.history[0])
    lost = "messages[4]: unsigned thinking dropped; messages[4]: signature of 'gemini' dropped"
    assert ["", lost, lost] == [applied[0], *applied[2:]]
    assert applied[1].startswith("messages[2]: thinking of Claude dropped")


@STREAM
async def test_a_turn_that_did_not_begin_with_thinking(stream: bool) -> None:
    """A model that wants a tool turn to begin with thinking answers without, and says so."""
    asked = {"reasoning_effort": "none"}
    first = Step("anthropic/claude-sonnet-5-5", "openai", stream, ROUND[1], asked)
    second = Step("anthropic/claude-sonnet-4-5", "openai", stream, ROUND[0], BUDGET)
    scene = Scene()
    applied, _ = await talk(scene, [first, second])
    assert ["text", "thinking"] == [part["type"] for part in scene.sent[0].made[:2]]
    assert scene.sent[0].made == scene.sent[1].history[0]
    assert "thinking off for this turn: its signature is lost" == applied[1]


@shared(20)
@given(st.lists(steps, min_size=2, max_size=6))
def test_no_vendor_refuses_what_others_said(ways: list[Step]) -> None:
    """Any vendors may take turns in a conversation, whatever its client keeps of them."""
    asyncio.run(talk(Scene(), ways))


@shared(20)
@given(st.lists(steps, min_size=2, max_size=6))
def test_who_was_served_here_misses_nothing(ways: list[Step]) -> None:
    """Where a loss is an error, none comes of replies that were given here, by whatever vendor."""
    scene = Scene(continuity=Continuity(on_miss="error"))
    asyncio.run(talk(scene, [way._replace(plain=True) for way in ways]))
