"""What is remembered for one caller is put back for nobody else, whatever another one sends."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from tests.conversations.scene import (
    ROUND,
    SYSTEM,
    TOOLS,
    USER,
    JSONObject,
    Parts,
    Scene,
    Sent,
    lean,
    results,
    seals,
)
from tests.strategies import names, shared

Headers = tuple[tuple[bytes, bytes], ...]

LAW: Final = shared(10)
SECRET: Final = "Ann's own thought"
MODELS: Final = (
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-opus-5-5",
    "bedrock-invoke/us.anthropic.claude-opus-4-6",
    "bedrock-converse/us.anthropic.claude-opus-5-5",
    "vertex/claude-fable-5",
    "vertex/gemini-3.5-flash",
    "gemini/gemini-3.7-flash",
)
KEYED: Final = (b"authorization", b"x-api-key", b"x-portkey-api-key", b"x-obiguard-api-key")
NOBODY: Final[list[Headers]] = [
    (),
    ((b"authorization", b""),),
    ((b"authorization", b"Bearer OPENAI_API_KEY"),),
    ((b"x-api-key", b" "),),
]


class Talk(NamedTuple):
    """A tool turn: of which model, what it says, and whether it streams."""

    model: str
    said: int
    stream: bool


talks = st.builds(Talk, st.sampled_from(MODELS), st.integers(0, len(ROUND) - 2), st.booleans())
keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)


def named(name: str) -> Headers:
    """A caller whom `authorize` gives this name."""
    return ((b"x-name", name.encode()),)


def tenant(scope: Scope) -> str:
    """The caller's name, "" where only the keys can tell."""
    name: bytes = dict(scope["headers"]).get(b"x-name", b"")
    return name.decode()


@st.composite
def keyholders(draw: st.DrawFn) -> tuple[Headers, Headers]:
    """Two callers with different keys, each in any of the headers that keys come in."""
    found: list[Headers] = []
    for key in draw(st.lists(keys, min_size=2, max_size=2, unique=True)):
        header = draw(st.sampled_from(KEYED))
        bearer = header == b"authorization" or draw(st.booleans())
        found.append(((header, f"Bearer {key}".encode() if bearer else key.encode()),))
    return found[0], found[1]


async def asked(scene: Scene, talk: Talk, messages: Parts, who: Headers) -> JSONObject:
    """The reply, as a client keeps it that knows OpenAI's fields alone."""
    client = await scene.ask(
        talk.model,
        messages,
        headers=who,
        dialect="portkey",
        stream=talk.stream,
        tools=TOOLS,
        reasoning_effort="high",
    )
    return lean(client, stream=talk.stream)


def held(sent: Sent) -> list[str]:
    """The signatures of the assistant's turns in a request."""
    return [seal for turn in sent.history for seal in seals(turn)]


async def robbed(talk: Talk, one: Headers, other: Headers) -> None:
    """One has a tool turn; the other sends all that the first one's client knows of it."""
    scene = Scene(authorize=tenant)
    scene.says = ROUND[talk.said]._replace(thinking=SECRET)
    message = await asked(scene, talk, [SYSTEM, USER], one)
    own = seals(scene.sent[0].made)
    replayed = [SYSTEM, USER, message, *results(message)]
    await asked(scene, talk, replayed, other)
    await asked(scene, talk, replayed, one)

    _, stolen, back = scene.sent
    assert [] != own == held(back)
    assert [] == held(stolen)
    assert not any(word.encode() in stolen.content for word in (SECRET, *own))


@LAW
@given(talks, st.lists(names, min_size=2, max_size=2, unique=True))
def test_a_name_tells_callers_apart(talk: Talk, callers: list[str]) -> None:
    """Whoever `authorize` says is another gets nothing, with whatever ids and arguments."""
    asyncio.run(robbed(talk, named(callers[0]), named(callers[1])))


@LAW
@given(talks, keyholders())
def test_a_key_tells_callers_apart(talk: Talk, callers: tuple[Headers, Headers]) -> None:
    """Where nobody gives names, another key gets nothing, in whichever header it comes."""
    asyncio.run(robbed(talk, *callers))


@pytest.mark.parametrize("nobody", NOBODY)
@pytest.mark.parametrize("model", MODELS)
def test_nobody_gets_nothing(model: str, nobody: Headers) -> None:
    """Without a name and a key nothing is put back."""
    for said in range(len(ROUND) - 1):
        asyncio.run(robbed(Talk(model, said, stream=False), named("Ann"), nobody))
        asyncio.run(robbed(Talk(model, said, stream=True), KEY, nobody))


KEY: Final[Headers] = ((b"authorization", b"Bearer sk-1"),)


@pytest.mark.parametrize("claim", ["sk-1", "Bearer sk-1", "key Bearer sk-1", "name Ann"])
@pytest.mark.parametrize("owner", [KEY, named("Ann")])
def test_a_name_is_no_key(owner: Headers, claim: str) -> None:
    """Who is named like another's key, or has a key like another's name, gets nothing."""
    for other in (named(claim), ((b"x-api-key", claim.encode()),)):
        if (owner, claim, other[0][0]) != (KEY, "Bearer sk-1", b"x-api-key"):  # the same key
            asyncio.run(robbed(Talk(MODELS[1], 0, stream=False), owner, other))


async def told_apart(talk: Talk, callers: list[Headers]) -> None:
    """Two have the same conversation, to the id; only what the model thought is another."""
    scene = Scene(authorize=tenant)
    kept: list[tuple[Parts, list[str]]] = []
    for number, who in enumerate(callers):
        scene.says = ROUND[talk.said]._replace(thinking=f"thought {number}", redacted=False)
        message = await asked(scene, talk, [SYSTEM, USER], who)
        replayed = [SYSTEM, USER, message, *results(message)]
        kept.append((replayed, seals(scene.sent[-1].made)))
    for who, (replayed, own) in zip(callers, kept, strict=True):
        await asked(scene, talk, replayed, who)
        assert own == held(scene.sent[-1])
    assert kept[0][1] != kept[1][1]


CLAUDES: Final = [model for model in MODELS if "claude" in model]


@LAW
@given(talks.filter(lambda talk: talk.model in CLAUDES), keyholders())
def test_each_has_their_own(talk: Talk, callers: tuple[Headers, Headers]) -> None:
    """The same calls with the same ids bring everybody their own thinking back."""
    asyncio.run(told_apart(talk, [*callers]))


async def guessed(talk: Talk, calls: list[JSONObject]) -> None:
    """The owner's own client makes calls up."""
    scene = Scene(authorize=tenant)
    scene.says = ROUND[talk.said]._replace(thinking=SECRET)
    message = await asked(scene, talk, [SYSTEM, USER], KEY)
    changed = {**message, "tool_calls": calls}
    await asked(scene, talk, [SYSTEM, USER, changed, *results(changed)], KEY)
    assert [] == held(scene.sent[-1])


def forged(arguments: list[str]) -> list[JSONObject]:
    """Calls that nobody made."""
    return [
        {
            "id": f"toolu_{number}",
            "type": "function",
            "function": {"name": "find", "arguments": each},
        }
        for number, each in enumerate(arguments)
    ]


written = st.sampled_from(["{}", '{"place": "Oslo"}', '{"place": "T\\u014dky\\u014d"}', ""])


@LAW
@given(talks, st.lists(written, min_size=1, max_size=3).map(forged))
def test_a_guess_finds_nothing(talk: Talk, calls: list[JSONObject]) -> None:
    """Calls that the model never made bring nothing back, not even to their owner."""
    asyncio.run(guessed(talk, calls))
