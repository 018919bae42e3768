"""Promises of the encoder of chat-completions requests: the messages of each family."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.messages import (
    File,
    Image,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
    assemble,
)
from asgi_thinking.models_openai import FAMILIES, find_model
from asgi_thinking.requests import ChatRequest
from asgi_thinking.wire.openai import decode_reply, encode_request
from tests.strategies import WIRES, conversations, shared
from tests.wire.openai_transcripts import JSONObject, completion

HINT = {"type": "ephemeral"}


def messages(*turns: Turn, family: str = "compatible", **options: Any) -> Any:
    """The messages of a request, as the vendor reads them."""
    found = FAMILIES[family]
    switch = find_model(found, "m").switch
    request = ChatRequest("m", turns)
    body = encode_request(request, found, switch, **{"stream": False, **options})
    return orjson.loads(body)["messages"]


def test_roles_are_the_vendors() -> None:
    """Only OpenAI knows developers."""
    turns = Turn("system", (Text("a"),)), Turn("developer", (Text("b"),))
    assert ["system", "developer"] == [m["role"] for m in messages(*turns, family="openai")]
    assert ["system", "system"] == [m["role"] for m in messages(*turns)]


PARTS = (
    Text("look", cache_control=HINT),
    Image("image/png", "QQ=="),
    Image(url="https://e.org/a.png"),
    File("application/pdf", "QQ==", "a.pdf"),
    File("text/plain", "QQ=="),
)


def test_what_a_user_shows() -> None:
    """Texts, images and files are parts; hints to cache go where they are understood."""
    items: list[JSONObject] = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}},
        {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="},
        },
        {"type": "file", "file": {"file_data": "data:text/plain;base64,QQ=="}},
    ]
    turn = Turn("user", PARTS, cache_control=HINT)
    assert items == messages(turn)[0]["content"]
    cached = [items[0] | {"cache_control": HINT}, *items[1:4], items[4] | {"cache_control": HINT}]
    assert cached == messages(turn, family="openrouter")[0]["content"]


def test_text_is_a_string_where_that_says_everything() -> None:
    """Several texts are parts, but for vendors that want one string."""
    one, two = Turn("user", (Text("a"),)), Turn("user", (Text("a"), Text("b")))
    hinted = replace(one, cache_control=HINT)
    assert "a" == messages(one)[0]["content"] == messages(hinted)[0]["content"]
    parts = [{"type": "text", "text": text} for text in "ab"]
    assert parts == messages(two)[0]["content"]
    assert "ab" == messages(two, family="deepseek")[0]["content"]
    cached = [parts[0] | {"cache_control": HINT}]
    assert cached == messages(hinted, family="openrouter")[0]["content"]
    assert "" == messages(Turn("user", (), cache_control=HINT), family="deepseek")[0]["content"]
    assert [] == messages(Turn("user", (), cache_control=HINT), family="qwen")[0]["content"]


def test_results_answer_their_call() -> None:
    """A tool's turn names the call; what no part can say is left out."""
    turn = Turn("tool", (Text("42"), Refusal("x")), "call_1")
    expected = {
        "role": "tool",
        "tool_call_id": "call_1",
        "content": [{"type": "text", "text": "42"}],
    }
    assert [expected] == messages(turn)
    assert "" == messages(Turn("tool", (), "call_1"))[0]["content"]


CALL = ToolCall("call_1", "f", '{"a": 1.0}', "c2ln", "gemini")
SAID = Turn("assistant", (Thinking("why"), Text("One "), Refusal("moment."), CALL))


@pytest.mark.parametrize(("family", "fits"), [("openai", False), ("openrouter", True)])
def test_an_id_may_be_too_long_for_openai(family: str, fits: bool) -> None:
    """It is replaced in the call and in its result; gateways want back what they gave."""
    for call_id, stays in (("c" * 40, True), ("c" * 41, fits)):
        call = Turn("assistant", (ToolCall(call_id, "f", ""),))
        said, told = messages(call, Turn("tool", tool_call_id=call_id), family=family)
        (used,) = said["tool_calls"]
        assert used["id"] == told["tool_call_id"]
        assert stays is (used["id"] == call_id)
        assert len(used["id"]) <= 41


def test_what_the_assistant_said() -> None:
    """Text is a string, calls keep their arguments to the letter, empty ones are an object."""
    function = {"name": "f", "arguments": '{"a": 1.0}'}
    expected = {
        "role": "assistant",
        "content": "One moment.",
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
    }
    assert [expected] == messages(SAID)
    bare = Turn("assistant", (ToolCall("c", "g", " "),))
    (message,) = messages(bare)
    assert (None, "{}") == (message["content"], message["tool_calls"][0]["function"]["arguments"])


def test_a_turn_that_says_nothing_is_left_out() -> None:
    """Thinking that nobody takes back leaves no message."""
    assert [] == messages(Turn("assistant", (Thinking("why"),)), Turn("assistant"))


def test_googles_signature_goes_back_to_google() -> None:
    """Where it came from, and to nobody else."""
    (call,) = messages(SAID, family="google")[0]["tool_calls"]
    assert {"google": {"thought_signature": "c2ln"}} == call["extra_content"]
    assert "extra_content" not in messages(SAID, family="openai")[0]["tool_calls"][0]


@pytest.mark.parametrize(
    ("family", "key"),
    [("deepseek", "reasoning_content"), ("groq", "reasoning"), ("openai", None), ("google", None)],
)
def test_plain_thinking_goes_back_under_the_vendors_key(family: str, key: str | None) -> None:
    """Blocks are parted by a blank line; OpenAI takes none back."""
    turn = Turn("assistant", (Thinking("a"), Thinking("", "x"), Thinking("b"), Text("c")))
    (message,) = messages(turn, family=family)
    more = {key: "a\n\nb"} if key else {}
    assert {"role": "assistant", "content": "c", **more} == message


def test_deepseek_gets_thinking_in_every_turn() -> None:
    """Where none is known an empty one stands for it; the answer after a call needs one too."""
    turns = Turn("assistant", (CALL,)), Turn("assistant", (Text("a"),)), SAID
    thoughts = [m.get("reasoning_content") for m in messages(*turns, family="deepseek")]
    assert [None, None, "why"] == thoughts
    owed = messages(*turns, family="deepseek", owes_echo=True)
    assert ["", "", "why"] == [m.get("reasoning_content") for m in owed]


def test_mistral_gets_its_parts_back() -> None:
    """Thinking stands in the content, in its place."""
    reference = '{"type":"reference","reference_ids":[1]}'
    detail = Opaque('{"type":"reasoning.new"}', "openai")
    parts = (
        Text("a"),
        Thinking("b"),
        Thinking("c", "c2ln", "mistral"),
        RedactedThinking("ZA==", "mistral"),
        Opaque(reference, "openai"),
        detail,
        Text(""),
        CALL,
    )
    (message,) = messages(Turn("assistant", parts), family="mistral")
    assert [
        {"type": "text", "text": "a"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "b"}]},
        {"type": "thinking", "thinking": [{"type": "text", "text": "c"}], "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZA=="},
        {"type": "reference", "reference_ids": [1]},
    ] == message["content"]
    assert "a" == messages(Turn("assistant", (Text("a"),)), family="mistral")[0]["content"]


DETAILS: list[JSONObject] = [
    {
        "type": "reasoning.text",
        "text": "a",
        "signature": "c2ln",
        "format": "anthropic-claude-v1",
        "index": 0,
    },
    {"type": "reasoning.text", "text": "b", "format": "unknown", "index": 1},
    {
        "type": "reasoning.summary",
        "summary": "c",
        "id": "rs_1",
        "format": "openai-responses-v1",
        "index": 0,
    },
    {
        "type": "reasoning.encrypted",
        "data": "ZGF0YQ==",
        "id": "rs_1",
        "format": "openai-responses-v1",
        "index": 0,
    },
    {"type": "reasoning.text", "text": "d", "format": "google-gemini-v1", "index": 4},
    {"type": "reasoning.encrypted", "data": "Z2Vt", "format": "google-gemini-v1", "index": 5},
    {"type": "reasoning.new", "x": 1, "index": 6},
]


def test_a_gateways_details_go_back_as_they_came() -> None:
    """Item by item, whatever vendor's they are; other opaque blocks do not."""
    body = completion({"content": "e", "reasoning": "abcd", "reasoning_details": DETAILS})
    blocks = assemble(decode_reply(body, 1, "openai")).choices[0].blocks
    turn = Turn("assistant", (*blocks, Opaque("[]"), Opaque('{"type":7}')))
    expected = {"role": "assistant", "content": "e", "reasoning_details": DETAILS}
    assert [expected] == messages(turn, family="openrouter")


@pytest.mark.parametrize("origin", ["?index=x", "?type=7&id=", "?%ff=%00&index=9", "??", "a?b?c"])
def test_an_origin_that_a_caller_made_up_does_no_harm(origin: str) -> None:
    """What cannot be read of it is not sent."""
    (message,) = messages(Turn("assistant", (Thinking("a", "s", origin),)), family="openrouter")
    (item,) = message["reasoning_details"]
    assert "a" == item["text"]
    assert item["index"] in (0, 9)


def test_thinking_of_another_kind_goes_nowhere() -> None:
    """Families that take strings back get no redacted data, and no opaque blocks."""
    parts = RedactedThinking("ZGF0YQ=="), Opaque("{}"), Text("a")
    for family in ("deepseek", "groq", "openai", "vllm"):
        assert [{"role": "assistant", "content": "a"}] == messages(
            Turn("assistant", parts), family=family
        )


@shared(WIRES)
@given(conversations, st.sampled_from(sorted(FAMILIES)))
def test_a_history_that_grows_stays_as_it_was(turns: tuple[Turn, ...], family: str) -> None:
    """No message depends on what follows, but for the last where a vendor wants an order."""
    safe = tuple(
        replace(turn, parts=tuple(p for p in turn.parts if not isinstance(p, Opaque)))
        for turn in turns
    )
    whole = messages(*safe, family=family)
    for length in range(len(safe)):
        part = messages(*safe[:length], family=family)
        kept = max(0, len(part) - FAMILIES[family].ordered)
        assert whole[:kept] == part[:kept]
