"""Conversations in which a vendor fails for a while and another one answers in its place.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/api/errors and
https://platform.claude.com/docs/en/build-with-claude/extended-thinking
"""

from __future__ import annotations

import asyncio
from typing import Final

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conversations.drawn import Step, steps
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
from tests.strategies import shared

pytestmark = pytest.mark.anyio

STREAM: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
CLAUDE: Final = "anthropic/claude-opus-5-5"
GEMINI: Final = "gemini/gemini-3.5-flash"
BEDROCK: Final = "bedrock-converse/us.anthropic.claude-opus-5-5"
HOSTS: Final = {
    CLAUDE: "api.anthropic.com",
    GEMINI: "generativelanguage.googleapis.com",
    BEDROCK: "bedrock-runtime.us-east-1.amazonaws.com",
}


def failures() -> dict[str, httpx.Response | Exception]:
    """What a vendor may fail with through no fault of the request."""
    return {
        "quota": httpx.Response(429, json={"error": {"message": "Too many requests"}}),
        "crash": httpx.Response(500, json={"error": {"message": "Internal server error"}}),
        "page": httpx.Response(503, text="<html>Service Unavailable</html>"),
        "key": httpx.Response(401, json={"error": {"message": "Invalid key"}}),
        "slow to connect": httpx.ConnectTimeout(""),
        "slow to answer": httpx.ReadTimeout(""),
        "unreachable": httpx.ConnectError(""),
        "gone": httpx.RemoteProtocolError("closed"),
    }


async def answered(
    scene: Scene, model: str, messages: Parts, *, stream: bool, keeps: bool = False
) -> str:
    """The next reply, put into the messages with what follows; what was reported of its request."""
    dialect = "portkey" if keeps else "openai"
    client = await scene.ask(
        model,
        messages,
        dialect=dialect,
        stream=stream,
        tools=TOOLS,
        reasoning_effort="high",
    )
    message = echoed(client, dialect, stream=stream) if keeps else lean(client, stream=stream)
    messages += [message, *results(message)]
    return client.headers.get("x-thinking-applied", "")


@STREAM
@pytest.mark.parametrize("keeps", [False, True], ids=["lean", "whole messages"])
@pytest.mark.parametrize("failure", failures())
@pytest.mark.parametrize(("first", "second"), [(CLAUDE, GEMINI), (GEMINI, CLAUDE)])
async def test_another_vendor_takes_one_turn_of_a_tool_loop(
    first: str, second: str, failure: str, keeps: bool, stream: bool
) -> None:
    """It gets nothing that only the first can verify, who has all of its own back afterwards."""
    scene = Scene(fallbacks=[second])
    messages = [SYSTEM, USER]
    applied = list[str]()
    for number, said in enumerate(ROUND[:4]):
        scene.says = said
        scene.faults = [(HOSTS[first], failures()[failure])] if number == 2 else []
        applied.append(await answered(scene, first, messages, stream=stream, keeps=keeps))

    one, two, failed, other, last = scene.sent
    assert [HOSTS[first]] * 3 == [one.host, two.host, failed.host]
    assert (HOSTS[second], HOSTS[first]) == (other.host, last.host)
    own = [seals(one.made), seals(two.made)]
    assert own == [seals(turn) for turn in failed.history]
    assert [[], []] == [seals(turn) for turn in other.history]
    assert [*own, []] == [seals(turn) for turn in last.history]
    assert not any(" of " in told for told in applied[:2])
    assert applied[2].startswith(f"fallback {second}; messages[2]: ")
    assert f"{'signature' if 'gemini' in second else 'thinking'} of " in applied[3]
    assert "messages[7]: " in applied[3]


@STREAM
async def test_the_same_models_other_house_loses_nothing(stream: bool) -> None:
    """Bedrock verifies what Anthropic signed, and the other way round."""
    scene = Scene(fallbacks=[BEDROCK])
    messages = [SYSTEM, USER]
    applied = list[str]()
    for number, said in enumerate(ROUND[:4]):
        scene.says = said
        scene.faults = [(HOSTS[CLAUDE], httpx.Response(529))] if number in (1, 2) else []
        applied.append(await answered(scene, CLAUDE, messages, stream=stream))

    one, _, two, _, three, last = scene.sent
    assert [HOSTS[BEDROCK]] * 2 == [two.host, three.host]
    assert [seals(sent.made) for sent in (one, two, three)] == [seals(t) for t in last.history]
    assert ["", f"fallback {BEDROCK}", f"fallback {BEDROCK}", ""] == applied


def broken(*events: JSONObject) -> httpx.Response:
    """A stream of Anthropic's that fails behind its first events."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    lines = [
        b"event: %s\ndata: %s\n\n" % (each["type"].encode(), orjson.dumps(each))
        for each in (*events, error)
    ]
    return httpx.Response(
        200, headers={"content-type": "text/event-stream"}, content=b"".join(lines)
    )


START: Final[JSONObject] = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": [],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
}
OPENED: Final[JSONObject] = {
    "type": "content_block_start",
    "index": 0,
    "content_block": {"type": "text", "text": ""},
}
SPOKEN: Final[JSONObject] = {
    "type": "content_block_delta",
    "index": 0,
    "delta": {"type": "text_delta", "text": "One mo"},
}


async def test_a_stream_that_fails_before_it_speaks_falls_back() -> None:
    """A status of 200 alone is no reply."""
    scene = Scene(fallbacks=[GEMINI])
    messages = [SYSTEM, USER]
    scene.says = ROUND[0]
    await answered(scene, CLAUDE, messages, stream=True)
    scene.faults = [(HOSTS[CLAUDE], broken(START))]
    applied = await answered(scene, CLAUDE, messages, stream=True)
    assert [HOSTS[CLAUDE], HOSTS[CLAUDE], HOSTS[GEMINI]] == [sent.host for sent in scene.sent]
    assert applied.startswith(f"fallback {GEMINI}; ")


async def test_a_stream_that_fails_later_can_be_asked_for_again() -> None:
    """What has been said is not said again by another; nothing of it is remembered."""
    scene = Scene(fallbacks=[GEMINI])
    messages = [SYSTEM, USER]
    scene.says = ROUND[0]
    await answered(scene, CLAUDE, messages, stream=True)
    scene.faults = [(HOSTS[CLAUDE], broken(START, OPENED, SPOKEN))]
    client = await scene.ask(CLAUDE, messages, tools=TOOLS, stream=True, reasoning_effort="high")
    assert (200, 2) == (client.status, len(scene.sent))
    assert b"One mo" in client.content
    assert b"Overloaded" in client.content
    assert "" == await answered(scene, CLAUDE, messages, stream=True)
    assert [scene.sent[0].made] == scene.sent[2].history


async def test_no_other_vendor_is_asked_what_nobody_could_answer() -> None:
    """A request that is itself at fault gets its own refusal, and so does one that all refuse."""
    scene = Scene(fallbacks=[GEMINI, CLAUDE])
    scene.faults = [(HOSTS[CLAUDE], httpx.Response(400, text="messages: too long"))]
    client = await scene.ask(CLAUDE, [USER])
    assert (400, [HOSTS[CLAUDE]]) == (client.status, [sent.host for sent in scene.sent])
    scene.sent.clear()
    scene.faults = [
        (HOSTS[CLAUDE], httpx.Response(529)),
        (HOSTS[GEMINI], httpx.Response(500)),
    ]
    client = await scene.ask(CLAUDE, [USER])
    assert [HOSTS[CLAUDE], HOSTS[GEMINI]] == [sent.host for sent in scene.sent]
    assert 503 == client.status
    assert client.json["error"]["message"].startswith("anthropic: ")


SECONDS: Final = (
    "anthropic/claude-sonnet-4-5",
    "gemini/gemini-3.5-flash",
    "bedrock-converse/us.anthropic.claude-opus-5-5",
    "deepseek/deepseek-v4-flash",
)
fallbacks = st.lists(st.sampled_from(SECONDS), unique=True, min_size=1, max_size=3)


async def failing(ways: list[tuple[Step, int]], seconds: list[str]) -> None:
    """A conversation in which the first of the vendors that are asked fail."""
    scene = Scene(fallbacks=seconds)
    messages = [SYSTEM, USER]
    for step, failures in ways:
        scene.sent.clear()
        scene.says = step.reply
        scene.faults = [("", httpx.Response(500)) for _ in range(failures)]
        client = await scene.ask(
            step.model,
            messages,
            dialect=step.dialect,
            stream=step.stream,
            tools=TOOLS,
            **step.asked,
        )
        statuses = [sent.status for sent in scene.sent]
        others = len([second for second in seconds if second != step.model])
        answered = failures <= others
        assert [500] * min(failures, others + 1) + [200] * answered == statuses
        assert (200 if answered else 500) == client.status
        if answered:
            message = echoed(client, step.dialect, stream=step.stream)
            messages += [message, *results(message)]


@shared(20)
@given(st.lists(st.tuples(steps, st.integers(0, 3)), min_size=2, max_size=5), fallbacks)
def test_no_fallback_refuses_what_others_said(
    ways: list[tuple[Step, int]], seconds: list[str]
) -> None:
    """Whoever answers in another's place takes the conversation as it is, and so does the next."""
    asyncio.run(failing(ways, seconds))
