"""Conversations whose clients see thinking that is not what was thought.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/extended-thinking,
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking and
https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from asgi_thinking.transforms import TransformFactory, chain, copy_to, drop, redact
from tests.conversations.scene import (
    DIALECTS,
    ROUND,
    SYSTEM,
    TOOLS,
    USER,
    JSONObject,
    Scene,
    echoed,
    expected,
    results,
    seals,
)

pytestmark = pytest.mark.anyio

STREAM: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
DIALECT: Final = pytest.mark.parametrize("dialect", DIALECTS)
MODELS: Final[dict[str, JSONObject]] = {
    "anthropic/claude-sonnet-4-5": {"thinking": {"type": "enabled", "budget_tokens": 2_000}},
    "anthropic/claude-opus-5-5": {"reasoning_effort": "high"},
    "bedrock-converse/us.anthropic.claude-opus-4-6": {"thinking": {"type": "adaptive"}},
    "vertex/claude-opus-4-6": {"thinking": {"type": "adaptive"}},
    "gemini/gemini-3.7-flash": {"reasoning_effort": "high"},
}
ALTERED: Final[dict[str, TransformFactory]] = {
    "redacted": redact(r"\w+", "#"),
    "in part": redact("more|Once"),
    "dropped": drop(),
}
CALLING: Final = tuple(reply for reply in ROUND if reply.calls)


@STREAM
@DIALECT
@pytest.mark.parametrize("altered", ALTERED)
@pytest.mark.parametrize("model", MODELS)
async def test_a_tool_turn_goes_back_as_it_was_thought(
    model: str, altered: str, dialect: str, stream: bool
) -> None:
    """A client that echoes what it was shown loses nothing: vendors get back what they made."""
    scene = Scene(transform=ALTERED[altered])
    messages, made = [SYSTEM, USER], list[Any]()
    for says in CALLING:
        scene.says = says
        client = await scene.ask(
            model, messages, dialect=dialect, stream=stream, tools=TOOLS, **MODELS[model]
        )
        sent = scene.sent[-1]
        assert (200, made) == (client.status, sent.history)
        made.append(expected(sent.made))
        message = echoed(client, dialect, stream=stream)
        messages += [message, *results(message)]
    assert any(seals(parts) for parts in made)
    assert len(scene.sent) == len(CALLING)


@pytest.mark.parametrize("dialect", ["truefoundry", "truefoundry-legacy", "portkey", "obiguard"])
async def test_what_a_client_kept_is_more_than_what_is_forgotten(dialect: str) -> None:
    """Where nothing is remembered, the thinking that a client was shown goes back as it came."""
    before, after = Scene(), Scene(transform=copy_to(lambda _: None))
    model = "anthropic/claude-opus-4-6"
    asked = MODELS["vertex/claude-opus-4-6"]
    before.says = ROUND[0]
    client = await before.ask(model, [USER], dialect=dialect, tools=TOOLS, **asked)
    message = echoed(client, dialect, stream=False)

    await after.ask(
        model, [USER, message, *results(message)], dialect=dialect, tools=TOOLS, **asked
    )

    assert [before.sent[0].made] == after.sent[0].history


@STREAM
@DIALECT
async def test_nothing_of_what_is_hidden_reaches_the_client(dialect: str, stream: bool) -> None:
    """Neither the thought nor what signs it, nor an empty place where it was."""
    scene = Scene(transform=drop())
    model, asked = "anthropic/claude-opus-4-6", {"thinking": {"type": "adaptive"}}
    for says in ROUND:
        scene.says = says
        client = await scene.ask(
            model, [USER], dialect=dialect, stream=stream, tools=TOOLS, **asked
        )
        assert says.thinking.encode() not in client.content
        assert not any(seal.encode() in client.content for seal in seals(scene.sent[-1].made))
        assert b"redacted_thinking" not in client.content
        assert b'"type":"thinking"' not in client.content


@STREAM
@DIALECT
@pytest.mark.parametrize("asked", [{}, {"reasoning_effort": "high"}], ids=["unasked", "asked"])
@pytest.mark.parametrize("model", ["anthropic/claude-opus-5-5", "gemini/gemini-3.7-flash"])
async def test_a_side_channel_hears_what_nobody_is_shown(
    model: str, asked: JSONObject, dialect: str, stream: bool
) -> None:
    """Thinking is asked for in readable form even where the client will see none of it."""
    heard: list[str | None] = []
    scene = Scene(transform=chain(copy_to(heard.append), drop()))
    scene.says = ROUND[0]

    client = await scene.ask(model, [USER], dialect=dialect, stream=stream, **asked)

    assert 200 == client.status
    assert "I look it up." == "".join(part for part in heard if part is not None)
    assert None is heard[-1]
    assert b"look it up" not in client.content


@STREAM
async def test_unaltered_thinking_keeps_its_signature(stream: bool) -> None:
    """Who only looks on changes nothing of the reply."""
    plain, watched = Scene(), Scene(transform=copy_to(lambda _: None))
    told: list[bytes] = []
    for scene in (plain, watched):
        scene.says = ROUND[1]
        asked = MODELS["anthropic/claude-opus-5-5"]
        client = await scene.ask(
            "anthropic/claude-opus-5-5",
            [USER],
            dialect="portkey",
            stream=stream,
            tools=TOOLS,
            **asked,
        )
        told.append(client.content)
    assert told[0].count(b'"signature"') == told[1].count(b'"signature"') > 0


@STREAM
async def test_a_failing_transform_fails_the_reply(stream: bool) -> None:
    """Rather an error than what nobody was to see: as a status, or within the stream."""

    def fail(text: str) -> str:
        raise RuntimeError(text)

    scene = Scene(transform=lambda _: fail)
    scene.says = ROUND[0]
    asked = MODELS["anthropic/claude-opus-5-5"]

    client = await scene.ask("anthropic/claude-opus-5-5", [USER], stream=stream, **asked)

    assert (200 if stream else 500) == client.status
    assert b"transform_failed" in client.content
    assert b"look it up" not in client.content
    assert b"[DONE]" not in client.content
