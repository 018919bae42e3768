"""Promises of the Messages API's request encoder."""

from __future__ import annotations

import base64
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.messages import (
    Block,
    Citation,
    File,
    Image,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
)
from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig, Tool, ToolChoice
from asgi_thinking.wire.anthropic import encode_request

CACHE = {"type": "ephemeral"}
HELLO = Turn("user", (Text("Hi"),))


def encoded(*turns: Turn, stream: bool = False, **fields: Any) -> dict[str, Any]:
    """The body, parsed, of a request with these turns and fields."""
    request = ChatRequest("claude-opus-5", turns, max_tokens=1024, **fields)
    return orjson.loads(encode_request(request, stream=stream))


def content(turn: Turn) -> Any:
    """The content that one turn becomes."""
    return encoded(turn)["messages"][0]["content"]


def test_a_plain_request_says_no_more_than_it_must() -> None:
    """Nothing is sent that the caller did not ask for."""
    expected = {
        "model": "claude-opus-5",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    }
    assert expected == encoded(HELLO)
    assert expected | {"stream": True} == encoded(HELLO, stream=True)


def test_the_url_may_name_the_model() -> None:
    """Bedrock and Vertex take no model in the body, but a version."""
    body = encode_request(
        ChatRequest("m", (HELLO,), max_tokens=1, extra={"container": "c"}),
        stream=False,
        model_in_body=False,
        extra={"anthropic_version": "vertex-2023-10-16"},
    )
    expected = {
        "max_tokens": 1,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "anthropic_version": "vertex-2023-10-16",
        "container": "c",
    }
    assert expected == orjson.loads(body)


def test_leading_instructions_become_the_system_prompt() -> None:
    """System and developer messages at the beginning are one list of text blocks."""
    body = encoded(
        Turn("system", (Text("a", cache_control=CACHE), Text(" "))),
        Turn("developer", (Text("b"),), cache_control=CACHE),
        HELLO,
    )
    expected = [
        {"type": "text", "text": "a", "cache_control": CACHE},
        {"type": "text", "text": "b", "cache_control": CACHE},
    ]
    assert expected == body["system"]
    assert ["user"] == [message["role"] for message in body["messages"]]


@pytest.mark.parametrize("role", ["system", "user"])
def test_later_instructions_stay_where_they_are(role: Any) -> None:
    """A system message in the middle keeps its place, as whatever role the model takes there."""
    request = ChatRequest("m", (HELLO, Turn("developer", (Text("Be brief."),)), HELLO))
    body = orjson.loads(encode_request(request, stream=False, mid_system=role))
    assert ["user", role, "user"] == [message["role"] for message in body["messages"]]
    assert [{"type": "text", "text": "Be brief."}] == body["messages"][1]["content"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(Text("x", "s", "gemini"), {"type": "text", "text": "x"}, id="text"),
        pytest.param(
            Text("x", citations=(Citation(0, 1, "u", "t"),), cache_control=CACHE),
            {"type": "text", "text": "x", "cache_control": CACHE},
            id="text-with-cache-control",
        ),
        pytest.param(
            Image("image/png", "QQ==", cache_control=MappingProxyType(CACHE)),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="},
                "cache_control": CACHE,
            },
            id="image",
        ),
        pytest.param(
            Image(url="https://example.org/a.png"),
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
            id="image-url",
        ),
        pytest.param(
            File("application/pdf", "QQ==", "a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="},
                "title": "a.pdf",
            },
            id="pdf",
        ),
        pytest.param(
            File("text/markdown", base64.b64encode("# Grüße".encode()).decode()),
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "# Grüße"},
            },
            id="text-file",
        ),
        pytest.param(
            File("text/plain", "/w=="),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "text/plain", "data": "/w=="},
            },
            id="text-file-that-is-none",
        ),
    ],
)
def test_every_part_of_a_user_has_its_block(part: Part, expected: dict[str, Any]) -> None:
    """Texts, images and files become the API's blocks."""
    assert [expected] == content(Turn("user", (part,)))


def test_a_messages_own_cache_control_stands_on_its_last_block() -> None:
    """Cache control of a message is that of its last block, where that can carry any."""
    blocks = content(Turn("user", (Text("a"), Text("b")), cache_control=CACHE))
    assert [False, True] == ["cache_control" in block for block in blocks]
    opaque = Turn("assistant", (Opaque('{"type":"x"}'),), cache_control=CACHE)
    assert [{"type": "x"}] == content(opaque)


def test_the_models_own_blocks_go_back_in_their_order() -> None:
    """Thinking, redacted data, opaque blocks and arguments are sent as they came."""
    body = encode_request(
        ChatRequest(
            "m",
            (
                Turn(
                    "assistant",
                    (
                        Text("\n\n"),
                        Thinking("why", "c2ln"),
                        Thinking("", "aGlkZGVu"),
                        RedactedThinking("ZGF0YQ=="),
                        Text("It is "),
                        Opaque('{"type":"server_tool_use", "id":1.0}'),
                        ToolCall("t1", "f", '{"b": 1.0, "a":  2}', cache_control=CACHE),
                        Thinking("then", "bmV4dA=="),
                        ToolCall("t2", "g", " "),
                    ),
                ),
                *(Turn("tool", (Text("r"),), name) for name in ("t1", "t2")),
            ),
        ),
        stream=False,
    )
    expected = (
        b'[{"type":"text","text":"\\n\\n"},'
        b'{"type":"thinking","thinking":"why","signature":"c2ln"},'
        b'{"type":"thinking","thinking":"","signature":"aGlkZGVu"},'
        b'{"type":"redacted_thinking","data":"ZGF0YQ=="},'
        b'{"type":"text","text":"It is "},'
        b'{"type":"server_tool_use", "id":1.0},'
        b'{"type":"tool_use","id":"t1","name":"f","input":{"b": 1.0, "a":  2},'
        b'"cache_control":{"type":"ephemeral"}},'
        b'{"type":"thinking","thinking":"then","signature":"bmV4dA=="},'
        b'{"type":"tool_use","id":"t2","name":"g","input":{}}]'
    )
    start = body.index(b'"content":') + len(b'"content":')
    assert expected == body[start : start + len(expected)]


def test_a_refusal_goes_back_as_text() -> None:
    """The API has no block for a refusal."""
    assert [{"type": "text", "text": "No."}] == content(Turn("assistant", (Refusal("No."),)))


@pytest.mark.parametrize(
    ("role", "parts", "expected"),
    [
        pytest.param("user", (Text(""), Text(" "), Text("a")), ["a"], id="user"),
        pytest.param("assistant", (Text(""), Text("\n"), Text("a")), ["\n", "a"], id="beside"),
        pytest.param("assistant", (Text("\n"), Opaque('{"text":"o"}')), ["o"], id="alone"),
        pytest.param("assistant", (Thinking("x"), Refusal(""), Text("a")), ["a"], id="unsigned"),
    ],
)
def test_what_the_api_refuses_is_not_sent(
    role: Any, parts: tuple[Block, ...], expected: list[str]
) -> None:
    """Empty text, blank text without other text, and thinking without a signature stay out."""
    assert expected == [block["text"] for block in content(Turn(role, parts))]


def test_an_empty_turn_is_no_message() -> None:
    """A turn of which nothing is left is left out."""
    body = encoded(HELLO, Turn("assistant", (Thinking("x"), Text(""))), HELLO)
    assert ["user", "user"] == [message["role"] for message in body["messages"]]


def test_the_results_of_one_round_are_one_message() -> None:
    """Consecutive tool messages become one user message; the user's next words another."""
    body = encoded(
        HELLO,
        Turn("assistant", (ToolCall("t1", "f", "{}"), ToolCall("t2", "f", ""))),
        Turn("tool", (Text("12 °C"),), "t1"),
        Turn("tool", (), "t2", is_error=True, cache_control=CACHE),
        HELLO,
    )
    expected = [
        {"type": "tool_result", "tool_use_id": "t1", "content": "12 °C"},
        {
            "type": "tool_result",
            "tool_use_id": "t2",
            "is_error": True,
            "cache_control": CACHE,
        },
    ]
    assert ["user", "assistant", "user", "user"] == [m["role"] for m in body["messages"]]
    assert expected == body["messages"][2]["content"]


def test_a_result_may_hold_images() -> None:
    """A result of more than one text is a list of blocks."""
    turn = Turn("tool", (Text("Look: "), Image(url="https://example.org/a")), "t1")
    expected = [
        {"type": "text", "text": "Look: "},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}},
    ]
    call = Turn("assistant", (ToolCall("t1", "f", ""),))
    assert expected == encoded(call, turn)["messages"][1]["content"][0]["content"]
    cached = Turn("tool", (Text("x", cache_control=CACHE),), "t1")
    expected = [{"type": "text", "text": "x", "cache_control": CACHE}]
    assert expected == encoded(call, cached)["messages"][1]["content"][0]["content"]


TOOLS = (
    Tool("f", "Does.", {"type": "object", "properties": {}}, strict=True, cache_control=CACHE),
    Tool("g"),
)


def test_tools_are_described() -> None:
    """A function's schema, strictness and cache control stand where the API has them."""
    expected = [
        {
            "name": "f",
            "description": "Does.",
            "input_schema": {"type": "object", "properties": {}},
            "strict": True,
            "cache_control": CACHE,
        },
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
    ]
    body = encoded(HELLO, tools=TOOLS)
    assert expected == body["tools"]
    assert "tool_choice" not in body


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        pytest.param(ToolChoice("none"), False, {"type": "none"}, id="none"),
        pytest.param(ToolChoice("auto"), True, {"type": "auto"}, id="auto"),
        pytest.param(ToolChoice("required"), None, {"type": "any"}, id="required"),
        pytest.param(ToolChoice("tool", "g"), None, {"type": "tool", "name": "g"}, id="tool"),
        pytest.param(
            None, False, {"type": "auto", "disable_parallel_tool_use": True}, id="one-by-one"
        ),
        pytest.param(
            ToolChoice("tool", "g"),
            False,
            {"type": "tool", "name": "g", "disable_parallel_tool_use": True},
            id="one-by-one-by-name",
        ),
    ],
)
def test_the_choice_of_tools(
    choice: ToolChoice | None, parallel: bool | None, expected: dict[str, Any]
) -> None:
    """OpenAI's tool choice and parallel calls become one object."""
    body = encoded(HELLO, tools=TOOLS, tool_choice=choice, parallel_tool_calls=parallel)
    assert expected == body["tool_choice"]


def test_only_allowed_tools_are_sent() -> None:
    """A choice of allowed tools narrows the list; without tools there is no choice either."""
    body = encoded(HELLO, tools=TOOLS, tool_choice=ToolChoice("auto", allowed=("g",)))
    assert ["g"] == [tool["name"] for tool in body["tools"]]
    for tools, allowed in ((), ()), (TOOLS, ("absent",)):
        body = encoded(HELLO, tools=tools, tool_choice=ToolChoice("auto", allowed=allowed))
        assert not {"tools", "tool_choice"} & body.keys()
    body = encoded(HELLO, parallel_tool_calls=False)
    assert not {"tools", "tool_choice"} & body.keys()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {"thinking": ThinkingConfig("enabled", 2048)},
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            id="budget",
        ),
        pytest.param(
            {"thinking": ThinkingConfig("adaptive", effort="high", display="summarized")},
            {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "high"},
            },
            id="adaptive",
        ),
        pytest.param(
            {"thinking": ThinkingConfig("disabled", effort="none")},
            {"thinking": {"type": "disabled"}},
            id="off",
        ),
        pytest.param(
            {"thinking": ThinkingConfig(effort="low")}, {"output_config": {"effort": "low"}}
        ),
        pytest.param(
            {"response_format": ResponseFormat("json_schema", "n", {"type": "object"})},
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            id="structured",
        ),
        pytest.param({"response_format": ResponseFormat("json_object")}, {}, id="json-object"),
        pytest.param(
            {"temperature": 0.0, "top_p": 0.5, "top_k": 0},
            {"temperature": 0.0, "top_p": 0.5, "top_k": 0},
            id="sampling",
        ),
        pytest.param({"stop": ("a", "b")}, {"stop_sequences": ["a", "b"]}, id="stop"),
        pytest.param({"user": "u1"}, {"metadata": {"user_id": "u1"}}, id="user"),
        pytest.param({"service_tier": "auto"}, {"service_tier": "auto"}, id="tier"),
        pytest.param({"service_tier": "default"}, {"service_tier": "standard_only"}, id="default"),
        pytest.param({"service_tier": "flex"}, {}, id="unknown-tier"),
        pytest.param({"seed": 1, "n": 1, "logprobs": True}, {}, id="unsupported"),
    ],
)
def test_settings_have_their_place(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each setting is written where the API reads it, and only if it was given."""
    plain = encoded(HELLO)
    body = encoded(HELLO, **fields)
    assert plain | expected == body


ROUNDS = st.lists(
    st.sampled_from(
        [
            (Turn("system", (Text("s"),)),),
            (Turn("user", (Text("u"), Image(url="https://example.org"))),),
            (Turn("user", (Text(""),)),),
            (
                Turn("assistant", (Thinking("t", "s"), Text("a"), ToolCall("1", "f", "{}"))),
                Turn("tool", (Text("r"),), "1"),
            ),
            (Turn("assistant", (Text(" "), RedactedThinking("d"))),),
        ]
    )
).map(lambda rounds: [turn for each in rounds for turn in each])


@given(ROUNDS, ROUNDS)
def test_a_growing_history_only_appends(before: list[Turn], after: list[Turn]) -> None:
    """The messages of a conversation that goes on begin with the bytes that they were."""
    turns = (HELLO, *before)
    first = encode_request(ChatRequest("m", turns, tools=TOOLS), stream=True)
    second = encode_request(ChatRequest("m", (*turns, *after), tools=TOOLS), stream=True)
    assert second.startswith(first[: first.index(b'],"tools":')])
