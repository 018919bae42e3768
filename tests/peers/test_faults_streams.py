"""What arrives does not depend on how it was cut, and holds what was negotiated and no more.

Sources, read 2026-11-22: https://html.spec.whatwg.org/multipage/server-sent-events.html,
https://docs.vllm.ai/en/stable/features/reasoning_outputs,
https://platform.openai.com/docs/api-reference/chat-streaming and
https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.dialects.clients import read_chunks
from tests.peers.scene import DIALECTS, USER, Edge, deltas, results
from tests.peers.vendors import (
    SSE,
    VENDORS,
    Blocks,
    JSONObject,
    Reply,
    call,
    hidden,
    text,
    thinking,
)
from tests.providers.bedrock_scene import forget_aws
from tests.providers.peers_scene import CLAUDES
from tests.strictness import check_completion, check_stream
from tests.wire import anthropic_transcripts as claude
from tests.wire import openai_transcripts as compatible

pytestmark = pytest.mark.anyio

SAID: Blocks = [thinking("überlegt 👍", "c2ln"), text("It is 4 °C 👍."), call(1, city="Zürich")]
EVERY_VENDOR = pytest.mark.parametrize("name", VENDORS)
OF_SSE = [name for name, vendor in VENDORS.items() if vendor.content_type == SSE]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


async def joined(edge: Edge, body: bytes, size: int = 0, **asked: Any) -> JSONObject:
    """A stream's fields, each with its fragments joined."""
    edge.replies(Reply(body, edge.vendor.content_type, size=size))
    found: JSONObject = {}
    for delta in deltas(await edge.ask(stream=True, **asked)):
        for key, value in delta.items():
            plain = [value] if isinstance(value, dict) else value or ""
            found[key] = found[key] + plain if key in found else plain
    return found


# -- 65: framing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
@EVERY_VENDOR
async def test_65_a_stream_may_be_cut_anywhere(name: str, size: int) -> None:
    """Within a character, a line, a frame or a checksum: the client gets the same."""
    body = VENDORS[name].stream(SAID, "")
    assert await joined(Edge(name), body) == await joined(Edge(name), body, size)


FRAMINGS: dict[str, tuple[tuple[bytes, bytes], ...]] = {
    "LF": (),
    "CRLF": ((b"\n", b"\r\n"),),
    "CR": ((b"\n", b"\r"),),
    "comments": ((b"\n\n", b"\n: ping\n\n: ping\n\n"),),
    "no space": ((b"data: ", b"data:"),),
    "lines": ((b',"', b',\ndata: "'),),
    "fields": ((b"data: ", b"id: 1\nretry: 5\nunknown\ndata: "),),
    "mark": ((b"", b"\xef\xbb\xbf"),),
}


@pytest.mark.parametrize(("framing", "size"), [*product(FRAMINGS, (0, 1))])
@pytest.mark.parametrize("name", OF_SSE)
async def test_65_a_stream_may_be_written_as_the_standard_allows(
    name: str, framing: str, size: int
) -> None:
    """Line ends, comments, several lines of data, unknown fields, a byte order mark."""
    body = VENDORS[name].stream(SAID, "").replace(b"\r\n", b"\n")
    expected = await joined(Edge(name), body)
    for old, new in FRAMINGS[framing]:
        body = body.replace(old, new, -1 if old else 1)
    assert expected == await joined(Edge(name), body, size)
    assert "It is 4 °C 👍." == expected["content"]


# -- 66: thinking between tags ---------------------------------------------------------------------

TAGGED: dict[str, tuple[str, str, str]] = {
    "plain": ("<think>hm</think>answer", "hm", "answer"),
    "lines": ("<think>\nhm\n</think>\n\nanswer", "hm", "answer"),
    "another name": ("<thinking>hm</thinking>answer", "hm", "answer"),
    "nested": ("<think>a <think> b</think>answer", "a <think> b", "answer"),
    "unclosed": ("<think>hm, and", "hm, and", ""),
    "no tag": ("1 < 2 <thin air", "", "1 < 2 <thin air"),
    "closed alone": ("answer</p>", "", "answer</p>"),
}


def spoken(words: str, size: int) -> bytes:
    """A stream that says words in fragments of a size."""
    fragments = [words[place : place + size] for place in range(0, len(words), size)]
    return compatible.finished(*({"content": fragment} for fragment in fragments))


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("form", TAGGED)
async def test_66_tags_may_be_split_at_any_character(form: str, size: int) -> None:
    """Where the owner said that thinking stands in tags, it never shows as the answer."""
    words, thought, answer = TAGGED[form]
    edge = Edge("openai", "some-model", think_tags=True)
    found = await joined(edge, spoken(words, size))
    assert (thought, answer) == (found.get("reasoning_content", ""), found["content"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("form", TAGGED)
async def test_66_tags_are_text_unless_the_owner_says_otherwise(form: str, stream: bool) -> None:
    """A model that explains HTML keeps its words."""
    words = TAGGED[form][0]
    edge = Edge("openai", "some-model")
    if stream:
        found = await joined(edge, spoken(words, 3))
    else:
        edge.replies(Reply(compatible.completion({"content": words})))
        found = (await edge.ask()).json["choices"][0]["message"]
    assert words == found["content"]
    assert not found.get("reasoning_content")


# -- 68: negotiation -------------------------------------------------------------------------------

STRICT: list[tuple[bytes, bytes]] = [
    (b"x-tfy-strict-openai", b"true"),
    (b"x-portkey-strict-open-ai-compliance", b"true"),
    (b"x-obiguard-strict-open-ai-compliance", b"True"),
    (b"x-portkey-provider", b"p"),
    (b"x-thinking-dialect", b"openai"),
]
FULL: Blocks = [thinking("secret", "c2ln"), text("Sunny."), call(1), call(2, a=1)]


@pytest.mark.parametrize("header", STRICT, ids=lambda pair: pair[0].decode())
@EVERY_VENDOR
async def test_68_a_strict_reply_has_no_key_of_ours(name: str, header: tuple[bytes, bytes]) -> None:
    """Not in a body, not in a stream, not in an error, whatever the vendor sent."""
    edge = Edge(name)
    for stream in (False, True):
        edge.says(FULL, stream=stream)
        counted = {"stream_options": {"include_usage": True}} if stream else {}
        client = await edge.ask(dialect="", headers=(header,), stream=stream, **counted)
        assert 200 == client.status
        assert b"secret" not in client.content
        if stream:
            check_stream(client.content)
        else:
            check_completion(client.json)


LENIENT: list[tuple[bytes, str]] = [
    (b"x-tfy-strict-openai", "truefoundry-legacy"),
    (b"x-portkey-strict-open-ai-compliance", "portkey"),
    (b"x-obiguard-strict-open-ai-compliance", "obiguard"),
]


@pytest.mark.parametrize(("header", "dialect"), LENIENT)
@EVERY_VENDOR
async def test_68_a_reply_is_in_the_dialect_that_was_asked_for(
    name: str, header: bytes, dialect: str
) -> None:
    """A gateway's own header asks for its own form, as does the dialect's name."""
    asked = []
    for given in ({"dialect": "", "headers": ((header, b"false"),)}, {"dialect": dialect}):
        edge = Edge(name)
        edge.says(FULL)
        client = await edge.ask(**given)
        assert dialect == client.headers["x-thinking-dialect"]
        asked.append({**client.json, "id": "", "created": 0})
    assert asked[0] == asked[1]


# -- 69: caching -----------------------------------------------------------------------------------

MARK = {"cache_control": {"type": "ephemeral"}}
MARKED: dict[str, tuple[JSONObject, list[str]]] = {
    "on the message": (
        {"content": [thinking("hm", "c2ln"), text("Sunny.")], **MARK},
        ["text"],
    ),
    "on the thinking": (
        {"content": [{**thinking("hm", "c2ln"), **MARK}, {**hidden("cmVk"), **MARK}, text("Hi")]},
        [],
    ),
    "on the text": ({"content": [thinking("hm", "c2ln"), text("Sunny.", **MARK)]}, ["text"]),
    "on a turn with calls": (
        {
            "content": None,
            "thinking_blocks": [{**thinking("hm", "c2ln"), **MARK}],
            "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "f", "arguments": ""}}
            ],
            **MARK,
        },
        ["tool_use"],
    ),
    "on thinking alone": ({"content": [thinking("hm", "c2ln")], **MARK}, []),
}


@pytest.mark.parametrize("place", MARKED)
@pytest.mark.parametrize("name", CLAUDES)
async def test_69_thinking_is_never_marked_for_caching(name: str, place: str) -> None:
    """The API refuses it; the mark goes to what may carry it."""
    message, expected = MARKED[place]
    edge = Edge(name, "anthropic.claude-opus-4-8" if name == "converse" else "")
    edge.says([text("Sunny.")])
    client = await edge.ask(USER, {"role": "assistant", **message}, *results(message))
    assert 200 == client.status
    turns = [turn for turn in edge.sent[0]["messages"] if turn["role"] == "assistant"]
    blocks = [block for turn in turns for block in turn["content"]]
    assert expected == [kind for before, block in pairs(blocks) for kind in marked(before, block)]


def pairs(blocks: Blocks) -> list[tuple[JSONObject, JSONObject]]:
    """Each block behind the one before it."""
    return list(zip([{}, *blocks], blocks, strict=False))


def marked(before: JSONObject, block: JSONObject) -> list[str]:
    """The kind of block that is marked here: by itself, or by Converse's point behind it."""
    if "cachePoint" in block:
        return ["tool_use" if "toolUse" in before else next(iter(before))]
    return [block["type"]] if "cache_control" in block else []


# -- 70: work --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [*DIALECTS, "openai"])
async def test_70_each_read_is_one_send(dialect: str) -> None:
    """However many tokens come in one read, they leave in one; hidden ones in none."""
    thought = [claude.delta(0, "thinking_delta", thinking="x") for _ in range(1000)]
    answer = [claude.delta(1, "text_delta", text="y") for _ in range(1000)]
    events = [
        claude.START,
        claude.block_start(0, type="thinking", thinking="", signature=""),
        *thought,
        claude.delta(0, "signature_delta", signature="c2ln"),
        claude.block_stop(0),
        claude.block_start(1, type="text", text=""),
        *answer,
        claude.block_stop(1),
        claude.ending("end_turn"),
        claude.STOP,
    ]
    body = claude.sse(*events)
    edge = Edge("anthropic")
    edge.replies(Reply(body, SSE, size=len(body) // 10))
    client = await edge.ask(dialect=dialect, stream=True)
    bodies = [message for message in client.sent if message["type"] == "http.response.body"]
    assert len(bodies) <= 11
    fragments = 1000 if dialect == "openai" else 2000
    assert fragments <= len(read_chunks(client.content)) <= fragments + 10
