"""What clients make of earlier replies, and what is sent of it: never what the vendor refuses.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/extended-thinking,
https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking,
https://docs.portkey.ai/docs/llms.txt and https://github.com/tailcallhq/forgecode/issues/2107
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.asgi import Client
from tests.peers.scene import USER, Edge, results
from tests.peers.vendors import Blocks, JSONObject, call, hidden, text, thinking
from tests.providers.bedrock_scene import forget_aws
from tests.providers.peers_scene import CLAUDES

pytestmark = pytest.mark.anyio

CHECK = "Let me check."
NEED: JSONObject = thinking("need weather", "c2ln")
UNSIGNED: JSONObject = thinking("need weather")
ADAPTIVE = {
    "anthropic": "claude-opus-4-7",
    "vertex-claude": "claude-opus-4-7",
    "invoke": "anthropic.claude-opus-4-7",
    "converse": "anthropic.claude-opus-4-7",
}
LOST = "thinking off for this turn: its signature is lost"

EVERY_CLAUDE = pytest.mark.parametrize("name", CLAUDES)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


def calls(*numbers: int, **more: Any) -> list[JSONObject]:
    """Calls of the tool "f", as a message has them."""
    function = {"name": "f", "arguments": "{}"}
    return [{"id": f"t{n}", "type": "function", "function": function, **more} for n in numbers]


def said(content: Any = CHECK, *numbers: int, **more: Any) -> JSONObject:
    """An assistant's message with calls."""
    called = {"tool_calls": calls(*numbers)} if numbers else {}
    return {"role": "assistant", "content": content, **more, **called}


async def sent_back(edge: Edge, message: JSONObject, **body: Any) -> tuple[Blocks, Client]:
    """What goes upstream of a message, and the client's reply to the request."""
    edge.says([text("Sunny.")])
    client = await edge.ask(USER, message, *results(message), **body)
    assert 200 == client.status, client.content
    return edge.vendor.read(edge.sent[-1])[-1], client


def applied(client: Client) -> str:
    """What the client is told of changes."""
    return client.headers.get("x-thinking-applied", "")


def asked(body: JSONObject) -> Any:
    """How a Claude is asked to think."""
    return {**body, **body.get("additionalModelRequestFields", {})}.get("thinking")


FRAGMENTS: dict[str, JSONObject] = {
    "blocks": {
        "thinking_blocks": [
            {"type": "thinking", "thinking": "need "},
            {"type": "thinking", "thinking": "weather", "signature": ""},
            {"type": "thinking", "thinking": "", "signature": "c2ln"},
        ]
    },
    "content": {
        "content": [
            {"type": "thinking", "thinking": "need "},
            {"type": "thinking", "thinking": "weather", "signature": None},
            {"type": "thinking", "signature": "c2ln"},
            text(CHECK),
        ]
    },
    "parts": {
        "content_blocks": [
            {"index": 0, "delta": {"thinking": "", "signature": ""}},
            {"index": 0, "delta": {"thinking": "need "}},
            {"index": 0, "delta": {"thinking": "weather"}},
            {"index": 0, "delta": {"signature": "c2ln"}},
            {"index": 1, "delta": {"text": CHECK}},
        ]
    },
}


@pytest.mark.parametrize("form", FRAGMENTS)
@EVERY_CLAUDE
async def test_49_fragments_that_nobody_merged_are_merged(name: str, form: str) -> None:
    """A stream's fragments, sent back as they came, are one block with all of its text."""
    found, client = await sent_back(Edge(name), said(**{"content": CHECK} | FRAGMENTS[form]))
    assert [NEED, text(CHECK)] == found
    assert "dropped" not in applied(client)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "x"},
        {"type": "thinking", "thinking": "x", "signature": ""},
        {"type": "thinking", "thinking": "x", "signature": None},
        {"type": "thinking", "thinking": "", "signature": None},
        {"type": "thinking"},
    ],
)
@pytest.mark.parametrize("place", ["content", "content_blocks", "thinking_blocks"])
@EVERY_CLAUDE
async def test_50_unsigned_blocks_are_never_sent(name: str, place: str, block: JSONObject) -> None:
    """No vendor is sent thinking that it cannot verify; the caller is told of what was some."""
    whole = place == "thinking_blocks"
    message = said(**{"content": CHECK, place: [block] if whole else [block, text(CHECK)]})
    found, client = await sent_back(Edge(name), message)
    assert [text(CHECK)] == found
    told = "messages[1]: unsigned thinking dropped" in applied(client)
    assert bool(block.get("thinking")) == told


ALONE = {"reasoning_content": "need weather"}
LOSSES: dict[str, JSONObject] = {
    "OpenAI's fields alone": said(CHECK, 1),
    "no content": said(None, 1),
    "the text alone": said(CHECK, 1, **ALONE),
    "an unsigned block": said(CHECK, 1, thinking_blocks=[UNSIGNED]),
    "an unsigned part": said([UNSIGNED, text(CHECK)], 1),
    "a foreign block": said(CHECK, 1, thinking_blocks=[{**NEED, "provider": "gemini"}]),
}


@pytest.mark.parametrize("loss", LOSSES)
@EVERY_CLAUDE
async def test_51_lost_thinking_in_manual_mode_switches_it_off(name: str, loss: str) -> None:
    """A running turn whose thinking is lost goes on without, and the caller is told."""
    edge = Edge(name)
    found, client = await sent_back(edge, LOSSES[loss])
    assert call(1) == found[-1]
    assert {"text", "tool_use"} >= {block["type"] for block in found}
    assert asked(edge.sent[-1]) is None
    assert LOST in applied(client)


KEPT: dict[str, JSONObject] = {
    "thinking_blocks": said(CHECK, 1, thinking_blocks=[NEED]),
    "content": said([NEED, text(CHECK)], 1),
    "content_blocks": said(CHECK, 1, content_blocks=[NEED, text(CHECK)]),
    "redacted": said([hidden("cmVk"), text(CHECK)], 1),
}


@pytest.mark.parametrize("form", KEPT)
@EVERY_CLAUDE
async def test_51_thinking_that_is_there_stays_on(name: str, form: str) -> None:
    """Whatever form the signed thinking comes in, it counts."""
    edge = Edge(name)
    _, client = await sent_back(edge, KEPT[form])
    assert {"type": "enabled", "budget_tokens": 2030} == asked(edge.sent[-1])
    assert LOST not in applied(client)


@pytest.mark.parametrize("loss", LOSSES)
@EVERY_CLAUDE
async def test_52_lost_thinking_in_adaptive_mode_changes_nothing(name: str, loss: str) -> None:
    """A model that thinks when it wants needs no thinking in a running turn."""
    edge = Edge(name, ADAPTIVE[name])
    found, client = await sent_back(edge, LOSSES[loss], thinking={"type": "adaptive"})
    assert call(1) == found[-1]
    assert "adaptive" == asked(edge.sent[-1])["type"]
    assert LOST not in applied(client)


LONG = "call_" + "x" * 36
IDS = {
    "toolu_1": True,
    "call_abc-DEF_9": True,
    "functions.f:0": False,
    "f__thought__" + "A" * 900: False,
}


@pytest.mark.parametrize("call_id", [*IDS, LONG + "x" * 40])
@pytest.mark.parametrize("name", [*CLAUDES, "openai"])
async def test_57_ids_of_calls_fit_the_vendor(name: str, call_id: str) -> None:
    """An id that the vendor would refuse is replaced, in the call and in its result alike."""
    edge = Edge(name)
    message = said(CHECK)
    message["tool_calls"] = [{**calls(1)[0], "id": call_id}]
    await sent_back(edge, message)
    body = edge.sent[-1]
    (used,) = ids_of(body, "tool_calls", "tool_use", "toolUse")
    assert [used] == ids_of(body, "tool", "tool_result", "toolResult")
    assert len(used) <= (40 if name == "openai" else 64)
    assert (len(call_id) <= 40 and (name == "openai" or IDS.get(call_id, False))) == (
        used == call_id
    )
    assert "__thought__" not in used


def ids_of(body: JSONObject, *kinds: str) -> list[str]:
    """The ids of what is of these kinds, in whatever wire."""
    found: list[str] = []
    for turn in body["messages"]:
        if turn["role"] in kinds:
            found.append(turn["tool_call_id"])
        found += [each["id"] for kind in kinds for each in turn.get(kind) or ()]
        content = turn["content"] if isinstance(turn["content"], list) else []
        for block in content:
            if block.get("type") in kinds:
                found.append(block.get("id") or block["tool_use_id"])
            found += [block[kind]["toolUseId"] for kind in kinds if kind in block]
    return found


@EVERY_CLAUDE
async def test_60_calls_of_one_id_are_told_apart(name: str) -> None:
    """Servers that count anew in each turn give an id twice; results follow their calls."""
    edge = Edge(name)
    edge.says([text("Sunny.")])
    message = said(CHECK, 1)
    turns = [USER, message, *results(message)] * 3
    assert 200 == (await edge.ask(*turns)).status
    used = ids_of(edge.sent[-1], "tool_use", "toolUse")
    assert "t1" == used[0]
    assert 3 == len({*used})
    assert used == ids_of(edge.sent[-1], "tool_result", "toolResult")


@EVERY_CLAUDE
async def test_60_a_call_that_came_twice_is_sent_once(name: str) -> None:
    """A call that stands in the content as well, or was collected twice, is one call."""
    use = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    found, _ = await sent_back(Edge(name), said([NEED, text(CHECK), use], 1, 1))
    assert [NEED, text(CHECK), call(1)] == found


# -- and what belongs to it ------------------------------------------------------------------------


@EVERY_CLAUDE
async def test_every_form_may_stand_in_one_conversation(name: str) -> None:
    """Each message is read in its own form, whatever the dialect of this request."""
    edge = Edge(name)
    edge.says([text("Sunny.")])
    messages = [
        *(said(**{"content": CHECK} | form) for form in FRAGMENTS.values()),
        *KEPT.values(),
        said(None, 1, content_blocks=[NEED, text(CHECK)]),
        {**said([NEED, text(CHECK)]), "role": "assistantassistant"},
        {key: value for key, value in KEPT["content_blocks"].items() if key != "content"},
        said(CHECK, **ALONE),
    ]
    turns = [part for message in messages for part in (USER, message, *results(message))]
    assert 200 == (await edge.ask(*turns, dialect="openai")).status
    found = [[b for b in blocks if b["type"] != "tool_use"] for blocks in sent_turns(edge)]
    whole = [NEED, text(CHECK)]
    redacted = [hidden("cmVk"), text(CHECK)]
    assert [*[whole] * 6, redacted, *[whole] * 3, [text(CHECK)]] == found


def sent_turns(edge: Edge) -> list[Blocks]:
    return edge.vendor.read(edge.sent[-1])


@pytest.mark.parametrize("block", [NEED, hidden("cmVk"), UNSIGNED])
@pytest.mark.parametrize("form", ["content", "content_blocks", "thinking_blocks"])
@EVERY_CLAUDE
async def test_a_turn_of_thinking_alone_is_left_out(
    name: str, form: str, block: JSONObject
) -> None:
    """Gateways' own samples send such turns, and the API refuses all that end in thinking."""
    edge = Edge(name)
    edge.says([text("Sunny.")])
    client = await edge.ask(USER, {"role": "assistant", form: [block]}, USER)
    assert 200 == client.status
    assert [] == sent_turns(edge)
    assert "messages[1]: empty turn dropped" in applied(client)


@EVERY_CLAUDE
async def test_a_turn_that_ends_in_thinking_is_sent_without(name: str) -> None:
    """A reply that its limit cut off does not end the conversation; it is all or no thinking."""
    last = {**thinking("and", "c2lnMg=="), "after": {"content": len(CHECK)}}
    found, client = await sent_back(Edge(name), said(CHECK, thinking_blocks=[NEED, last]))
    assert [text(CHECK)] == found
    assert "messages[1]: thinking that nothing follows dropped" in applied(client)
