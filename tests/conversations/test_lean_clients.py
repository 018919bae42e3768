"""Clients that keep nothing but OpenAI's own fields, in conversations of twenty replies.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/extended-thinking,
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking and
https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.conversations.scene import (
    DIALECTS,
    ROUND,
    SYSTEM,
    TOOLS,
    USER,
    JSONObject,
    Parts,
    Scene,
    expected,
    lean,
    results,
    seals,
)

pytestmark = pytest.mark.anyio

TURNS: Final = 20
BUDGET: Final[JSONObject] = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
EFFORT: Final[JSONObject] = {"reasoning_effort": "high"}
ADAPTIVE: Final[JSONObject] = {"thinking": {"type": "adaptive"}}
BETWEEN: Final[JSONObject] = {"thinking": {"type": "between_tools"}}
CLAUDES: Final[dict[str, JSONObject]] = {
    "claude-sonnet-4-5": BUDGET,
    "claude-haiku-4-5": BUDGET,
    "claude-opus-4-6": ADAPTIVE,
    "claude-opus-4-8": EFFORT,
    "claude-opus-5-5": EFFORT,
    "claude-sonnet-5-5": EFFORT,
    "claude-fable-5": {},
    "claude-fable-5-1": ADAPTIVE,
}
IN_CLOUDS: Final = ("claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-5-5", "claude-fable-5")
GEMINIS: Final = ("gemini-3-pro-preview", "gemini-3.5-flash", "gemini-3.7-flash")

MODELS: Final[dict[str, JSONObject]] = {
    **{f"anthropic/{model}": asked for model, asked in CLAUDES.items()},
    **{
        f"{place}{model}": CLAUDES[model]
        for place in ("bedrock-invoke/us.anthropic.", "bedrock-converse/us.anthropic.", "vertex/")
        for model in IN_CLOUDS
    },
    **{f"gemini/{model}": EFFORT for model in GEMINIS},
    "vertex/gemini-3.5-flash": EFFORT,
}
STREAM: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

# Clients that know OpenAI's fields alone send thinking back in one dialect: it is in their content.
OTHERS: Final = [name for name in DIALECTS if name not in ("openai", "think-tags")]

# Each model in one dialect that shows thinking, and each such dialect with several models.
SHOWN: Final = [
    (model, dialect)
    for number, model in enumerate(MODELS)
    for dialect in [OTHERS[number % len(OTHERS)]]
]


# How many signatures the replies of a round have, where they are not as many as the thoughts:
# without thoughts after results or between calls, and with Gemini's one for each reply with calls.
SEALED: Final[dict[str, list[int]]] = {
    "claude-haiku-4-5": [1, 0, 0, 0, 0],
    **{model: [1, 1, 1, 1, 0] for model in GEMINIS},
}


async def talk(scene: Scene, model: str, *ways: tuple[JSONObject, str, bool]) -> list[Parts]:
    """What a vendor made of a conversation; each request held all before it as it was made.

    Each of the `ways` is what is asked for beside the messages, in which dialect, and whether the
    reply streams; they take turns.
    """
    messages, made = [SYSTEM, USER], list[Parts]()
    for turn in range(TURNS):
        scene.says = ROUND[turn % len(ROUND)]
        asked, dialect, stream = ways[turn % len(ways)]
        client = await scene.ask(
            model, messages, dialect=dialect, stream=stream, tools=TOOLS, **asked
        )
        message = lean(client, stream=stream)
        sent = scene.sent[-1]
        assert (turn + 1, made) == (len(scene.sent), sent.history)
        assert None is client.headers.get("x-thinking-applied")
        made.append(expected(sent.made))
        messages += [message, *results(message)]
    return made


def sealed(made: list[Parts]) -> list[int]:
    """How many signatures each of the replies of a user's turn has."""
    return [len(seals(parts)) for parts in made[: len(ROUND)]]


@STREAM
@pytest.mark.parametrize("model", MODELS)
async def test_thinking_is_kept_for_strict_clients(model: str, stream: bool) -> None:
    """The vendor gets each of its tool turns back as it made it, and refuses nothing."""
    made = await talk(Scene(), model, (MODELS[model], "openai", stream))
    name = next((name for name in SEALED if model.endswith(name)), "")
    assert SEALED.get(name, [1, 3, 1, 4, 0]) == sealed(made)


@pytest.mark.parametrize(("model", "dialect"), SHOWN)
async def test_thinking_is_kept_whatever_was_shown(model: str, dialect: str) -> None:
    """A client that was shown thinking and kept none of it loses none of it."""
    asked = MODELS[model]
    await talk(Scene(), model, (asked, dialect, False), (asked, dialect, True))


@pytest.mark.parametrize("model", MODELS)
async def test_thinking_is_kept_whatever_changes(model: str) -> None:
    """Dialects, streaming and the wish to think may change from request to request."""
    asked = MODELS[model]
    # With a budget, a turn that begins without thinking goes on without it.
    silent = asked if asked is BUDGET else {}
    ways = [
        *[(asked, dialect, bool(number % 2)) for number, dialect in enumerate(["openai", *OTHERS])],
        (asked, "portkey", True),
        (silent, "openai", False),
        (silent, "truefoundry", True),
        (asked, "openai", True),
        ({}, "obiguard", True),
    ]
    await talk(Scene(), model, *ways)


@STREAM
@pytest.mark.parametrize("model", MODELS)
async def test_thinking_within_content_is_no_answer(model: str, stream: bool) -> None:
    """A client that takes the tags for the answer sends them back, and no vendor sees them."""
    scene, asked = Scene(), MODELS[model] or EFFORT
    messages, made = [SYSTEM, USER], list[Parts]()
    for said in ROUND:
        scene.says = said
        client = await scene.ask(
            model, messages, dialect="think-tags", stream=stream, tools=TOOLS, **asked
        )
        sent = scene.sent[-1]
        assert (len(made) + 1, made) == (len(scene.sent), sent.history)
        assert b"think>" not in sent.content
        message = lean(client, stream=stream)
        made.append(expected(sent.made))
        messages += [message, *results(message)]
    assert any("<think>" in (message["content"] or "") for message in messages)
