"""A conversation that grows stays as it was, to the byte, whatever its clients send back.

Newer Claude models refuse thinking whose conversation is not the one that it was made in.

Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking, read 2026-11-22.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.dialects.content_blocks import PORTKEY
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.dialects.truefoundry import TRUEFOUNDRY
from asgi_thinking.dialects.truefoundry_legacy import TRUEFOUNDRY_LEGACY
from asgi_thinking.exchange import Job
from asgi_thinking.messages import Choice, Message
from asgi_thinking.service import Service
from tests.dialects import drawn
from tests.peers.scene import GEMINI_3, TOOLS, results
from tests.peers.vendors import JSONObject
from tests.providers.peers_scene import MODELS, provider_of
from tests.scripted import going
from tests.strategies import shared

# One provider of each wire, and one that wants thinking back as plain text.
WIRES = {
    "anthropic": "",
    "converse": "",
    "gemini": GEMINI_3,
    "openrouter": "",
    "deepseek": "",
}
FORMS: list[Dialect] = [OPENAI, TRUEFOUNDRY, TRUEFOUNDRY_LEGACY, PORTKEY]
ASKED = Asked(thinking=True)

words = st.text("abc é👍", min_size=1, max_size=5).filter(str.strip)


@st.composite
def rounds(draw: st.DrawFn) -> list[JSONObject]:
    """What a user says, the reply as a client of some dialect keeps it, and its calls' results."""
    user = {"role": "user", "content": draw(words)}
    choice: Choice = draw(drawn.choices)
    reply = Message("m", "m", 1, "anthropic", (choice,))
    body = draw(st.sampled_from(FORMS)).encode_message(reply, ASKED)
    message: JSONObject = orjson.loads(orjson.dumps(body["choices"][0]["message"]))
    return [user, message, *(results(message) if message.get("tool_calls") else ())]


conversations = st.lists(rounds(), min_size=1, max_size=4)


@cache
def service(name: str, number: int = 0) -> Service:
    """One of several that are alike."""
    del number
    return Service(providers={"p": provider_of(name)})


def build(name: str, turns: list[JSONObject], where: Service) -> tuple[bytes, tuple[str, ...]]:
    """What goes upstream of a conversation, and what the caller is told of changes."""
    body: dict[str, Any] = {
        "model": f"p/{WIRES[name] or MODELS[name]}",
        "max_tokens": 3000,
        "reasoning_effort": "high",
        "messages": turns,
        "tools": TOOLS,
    }
    job = where.prepare([], orjson.dumps(body))
    assert isinstance(job, Job)
    provider: Any = job.plan.provider
    fitted = going(job)
    return provider.build(fitted.request).body, fitted.applied


def messages(body: bytes) -> list[str]:
    """The JSON text of each message, as it is."""
    text = body.decode()
    key = next(key for key in ('"messages":[', '"contents":[') if key in text)
    place = text.index(key) + len(key)
    found: list[str] = []
    while text[place] != "]":
        place += text[place] == ","
        end = json.JSONDecoder().raw_decode(text, place)[1]
        found.append(text[place:end])
        place = end
    return found


def histories(turns: list[list[JSONObject]]) -> list[list[JSONObject]]:
    """What a client has sent after each round, with what the user says next."""
    found: list[list[JSONObject]] = []
    sent: list[JSONObject] = []
    for user, *reply in turns:
        found.append([*sent, user])
        sent = [*sent, user, *reply]
        if len(reply) > 1:
            found.append(sent)
    return [*found, [*sent, {"role": "user", "content": "And then?"}]]


@pytest.mark.parametrize("name", WIRES)
@shared(2 * len(WIRES))
@given(conversations)
def test_what_was_sent_is_sent_again(name: str, turns: list[list[JSONObject]]) -> None:
    """Each is the same in the next request; two wires may add to the last of a user."""
    before: list[str] = []
    for history in histories(turns):
        found = messages(build(name, history, service(name))[0])
        kept = max(0, len(before) - (name in ("converse", "gemini")))
        assert before[:kept] == found[:kept]
        assert all(new.startswith(old[:-2]) for old, new in zip(before, found, strict=False))
        before = found


@pytest.mark.parametrize("name", WIRES)
@shared(2 * len(WIRES))
@given(conversations)
def test_the_same_conversation_is_sent_the_same(name: str, turns: list[list[JSONObject]]) -> None:
    """Nothing depends on time, chance, or on what was asked before."""
    history = histories(turns)[-1]
    expected = build(name, history, service(name))
    assert expected == build(name, history, service(name))
    assert expected == build(name, history, service(name, 1))
