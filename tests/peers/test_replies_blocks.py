"""What a client gets of a reply, by every vendor and in every dialect.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/streaming,
https://platform.claude.com/docs/en/build-with-claude/extended-thinking and
https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.scene import DIALECTS, GEMINI_3, Edge, deltas
from tests.peers.vendors import (
    VENDORS,
    Blocks,
    JSONObject,
    Reply,
    call,
    hidden,
    invoked,
    text,
    thinking,
)
from tests.providers.bedrock_scene import forget_aws
from tests.providers.peers_scene import CLAUDES
from tests.wire import anthropic_transcripts as claude

pytestmark = pytest.mark.anyio

NEED: JSONObject = thinking("need weather", "c2ln")
LATER: JSONObject = thinking("and Oslo", "c2lnMg==")
TELL: JSONObject = text("Sunny.")
SIGNING = (*CLAUDES, "openrouter")

STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
EVERY_DIALECT = pytest.mark.parametrize("dialect", DIALECTS)
EVERY_VENDOR = pytest.mark.parametrize("name", VENDORS)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


async def told(
    name: str, said: Blocks, dialect: str, *, stream: bool = False, end: str = ""
) -> JSONObject:
    """The message that a client of the dialect has of a reply."""
    edge = Edge(name, GEMINI_3 if "gemini" in name else "")
    edge.says(said, stream=stream, end=end)
    return await edge.echo(dialect=dialect, stream=stream)


def content(message: JSONObject) -> str:
    """The text of a message, in an array or out of it."""
    found = message["content"]
    if isinstance(found, str):
        return found
    return "".join(part.get("text", "") for part in found)


def thoughts(message: JSONObject) -> Blocks:
    """The thinking of a message, whichever of the forms it is in; a stream's parts are merged."""
    if "thinking_blocks" in message:
        return joined(message["thinking_blocks"])
    if "reasoning_details" in message:
        return [as_block(item) for item in joined(message["reasoning_details"])]
    blocks = message.get("content_blocks") or message["content"]
    if "delta" in blocks[0]:
        blocks = merged(blocks)
    kinds = ("thinking", "redacted_thinking")
    return [{k: v for k, v in b.items() if k != "after"} for b in blocks if b["type"] in kinds]


def joined(items: Blocks) -> Blocks:
    """A stream's fragments as blocks, and whole blocks as they are, without their places."""
    slots: dict[int, JSONObject] = {}
    for number, item in enumerate(items):
        slot = slots.setdefault(item.get("index", number), {})
        for key, value in item.items():
            slot[key] = slot.get(key, "") + value if key in ("text", "thinking") else value
    return [
        {k: v for k, v in slot.items() if k not in ("index", "after")} for slot in slots.values()
    ]


def as_block(item: JSONObject) -> JSONObject:
    """One of OpenRouter's details, in Anthropic's words."""
    if item["type"] == "reasoning.encrypted":
        return {"type": "redacted_thinking", "data": item["data"]}
    signed = {"signature": item["signature"]} if "signature" in item else {}
    return {"type": "thinking", "thinking": item["text"], **signed}


def merged(parts: Blocks) -> Blocks:
    """A stream's parts as blocks, with the type that follows from their keys."""
    slots: dict[int, JSONObject] = {}
    for part in parts:
        slot = slots.setdefault(part["index"], {})
        for key, value in part["delta"].items():
            slot[key] = slot.get(key, "") + value if isinstance(value, str) else value
    kinds = {"thinking": "thinking", "data": "redacted_thinking", "text": "text"}
    return [
        {"type": next(kinds[key] for key in kinds if key in slot), **slot}
        for slot in slots.values()
    ]


@STREAMED
@EVERY_DIALECT
@EVERY_VENDOR
async def test_30_thinking_stands_beside_an_answer_that_is_whole(
    name: str, dialect: str, stream: bool
) -> None:
    """The answer is the answer alone, and the thinking is in the dialect's place."""
    message = await told(name, [thinking("need weather"), TELL], dialect, stream=stream)
    assert "Sunny." == content(message)
    (thought,) = thoughts(message)
    assert ("thinking", "need weather") == (thought["type"], thought["thinking"])
    if "reasoning_content" in message:
        assert "need weather" == message["reasoning_content"]


@EVERY_VENDOR
async def test_30_the_strict_dialect_has_the_answer_alone(name: str) -> None:
    """A client that knows OpenAI only gets nothing else."""
    edge = Edge(name)
    edge.says([thinking("need weather"), TELL])
    client = await edge.ask(dialect="openai")
    message = client.json["choices"][0]["message"]
    assert {"role": "assistant", "content": "Sunny.", "refusal": None} == message


@STREAMED
@EVERY_DIALECT
@pytest.mark.parametrize("name", SIGNING)
async def test_31_redacted_data_is_preserved(name: str, dialect: str, stream: bool) -> None:
    """Data that only the vendor reads arrives byte for byte, beside other thinking or alone."""
    data = "EmwKAhgBEgy3va3pzix/LafPsn4a"
    for said in ([hidden(data), TELL], [hidden(data), NEED, hidden("cmVk"), TELL]):
        assert said[:-1] == thoughts(await told(name, said, dialect, stream=stream))


@STREAMED
@EVERY_DIALECT
@pytest.mark.parametrize("name", SIGNING)
async def test_32_a_block_that_is_its_signature_alone_is_preserved(
    name: str, dialect: str, stream: bool
) -> None:
    """Newer models show no thinking unless asked to; the block is needed all the same."""
    said = [thinking("", "c2ln"), TELL]
    assert said[:1] == thoughts(await told(name, said, dialect, stream=stream))


@STREAMED
@EVERY_DIALECT
@pytest.mark.parametrize("name", SIGNING)
async def test_33_several_blocks_stay_several(name: str, dialect: str, stream: bool) -> None:
    """Each block keeps its own text and signature; the reasoning text joins them."""
    said = [NEED, thinking("", "c2ln"), LATER, TELL]
    message = await told(name, said, dialect, stream=stream)
    assert said[:3] == thoughts(message)


@EVERY_VENDOR
async def test_33_the_reasoning_text_joins_blocks_by_a_blank_line(name: str) -> None:
    """Who reads the text alone sees where one thought ends."""
    vendor = VENDORS[name]
    edge = Edge(name)
    edge.replies(*(vendor.reply([NEED, LATER, TELL], stream=on, end="") for on in (False, True)))
    whole = (await edge.ask()).json["choices"][0]["message"]["reasoning_content"]
    streamed = deltas(await edge.ask(stream=True))
    assert whole == "".join(delta.get("reasoning_content") or "" for delta in streamed)
    joined = {"deepseek": "need weatherand Oslo"}  # whose text is one
    assert joined.get(name, "need weather\n\nand Oslo") == whole


@EVERY_VENDOR
async def test_34_a_stream_comes_in_order(name: str) -> None:
    """Role, thinking, the whole block, content, calls, one finish reason, the end."""
    edge = Edge(name)
    edge.says([NEED, TELL, call(1, a=1)], stream=True)
    client = await edge.ask(stream=True)
    assert client.content.endswith(b"data: [DONE]\n\n")
    assert 1 == client.content.count(b"[DONE]")
    found = deltas(client)
    assert [0] == [place for place, delta in enumerate(found) if "role" in delta]
    ranks = [rank(delta) for delta in found]
    assert sorted(ranks) == ranks
    assert {0, 1, 2, 3, 4, 5} == {*ranks}
    assert 1 == client.content.count(b'"finish_reason":"tool_calls"')


def rank(delta: JSONObject) -> int:
    """What a delta brings, in the order of a reply."""
    keys = ("role", "reasoning_content", "thinking_blocks", "content", "tool_calls")
    held = [key for key in keys if delta.get(key) or (key == "role" and key in delta)]
    return (
        5 if not held else keys.index("thinking_blocks" if "thinking_blocks" in held else held[0])
    )


@STREAMED
@pytest.mark.parametrize("dialect", ["truefoundry", "portkey", "obiguard"])
@pytest.mark.parametrize("name", CLAUDES)
async def test_35_interleaved_blocks_keep_their_order(
    name: str, dialect: str, stream: bool
) -> None:
    """Blocks are numbered in their order, and say what stood before them."""
    said = [text("Well. "), NEED, text("Let me see. "), call(1), LATER, call(2)]
    message = await told(name, said, dialect, stream=stream)
    assert "Well. Let me see. " == content(message)
    assert [NEED, LATER] == thoughts(message)
    assert ["t1", "t2"] == [used["id"] for used in message["tool_calls"]]
    blocks = message.get("thinking_blocks") or message["content_blocks"]
    if stream:
        numbers = [block["index"] for block in blocks]
        assert sorted(numbers) == numbers
        assert [*range(max(numbers) + 1)] == sorted({*numbers})
        blocks = merged(blocks) if "delta" in blocks[0] else blocks
    places = [block.get("after", {}) for block in blocks if block["type"] == "thinking"]
    assert [0, 1] == [place.get("tool_calls", 0) for place in places]


@STREAMED
@EVERY_DIALECT
@EVERY_VENDOR
async def test_36_calls_are_numbered_from_zero(name: str, dialect: str, stream: bool) -> None:
    """Whatever stands between them; a call without arguments has an empty object."""
    edge = Edge(name)
    edge.says([NEED, TELL, call(1), call(2, a=[1])], stream=stream)
    client = await edge.ask(dialect=dialect, stream=stream)
    if stream:
        parts = [part for delta in deltas(client) for part in delta.get("tool_calls", [])]
        assert [0, 1] == sorted({part["index"] for part in parts})
        assert [0, 1] == [part["index"] for part in parts if "id" in part]
        spoken = ["", ""]
        for part in parts:
            spoken[part["index"]] += part["function"]["arguments"]
    else:
        used = client.json["choices"][0]["message"]["tool_calls"]
        assert not any("index" in each for each in used)
        spoken = [each["function"]["arguments"] for each in used]
    assert ["{}", '{"a":[1]}'] == spoken


@EVERY_DIALECT
@pytest.mark.parametrize("name", ["anthropic", "vertex-claude", "invoke"])
async def test_37_thinking_misplaced_in_a_text_is_ignored(name: str, dialect: str) -> None:
    """A fragment of another kind than its block is none of the answer's, and ends nothing."""
    stream = claude.sse(
        claude.START,
        claude.block_start(0, type="text", text=""),
        claude.delta(0, "text_delta", text="Sun"),
        claude.delta(0, "thinking_delta", thinking="secret"),
        claude.delta(0, "text_delta", text="ny."),
        claude.block_stop(0),
        claude.ending("end_turn"),
        claude.STOP,
    )
    edge = Edge(name)
    framed = invoked(stream) if name == "invoke" else stream
    edge.replies(Reply(framed, edge.vendor.content_type))
    message = await edge.echo(dialect=dialect, stream=True)
    assert "Sunny." == content(message)


@STREAMED
@EVERY_DIALECT
@EVERY_VENDOR
async def test_38_thinking_that_was_cut_off_is_kept(name: str, dialect: str, stream: bool) -> None:
    """A limit that struck while the model thought leaves its words, and no invented signature."""
    ends = {"gemini": "MAX_TOKENS", "vertex-gemini": "MAX_TOKENS"}
    ends |= dict.fromkeys(("openrouter", "deepseek"), "length")
    end = ends.get(name, "max_tokens")
    message = await told(name, [thinking("need wea")], dialect, stream=stream, end=end)
    (thought,) = thoughts(message)
    assert "need wea" == thought["thinking"]
    assert not thought.get("signature")
    assert "need wea" == message.get("reasoning_content", "need wea")
