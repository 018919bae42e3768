"""Promises of the encoder of chat-completions requests: the words of each family."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking.families import Switch
from asgi_thinking.messages import Text, Turn
from asgi_thinking.models_openai import FAMILIES, find_model
from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig, Tool, ToolChoice
from asgi_thinking.wire.openai import encode_request
from tests.wire.openai_transcripts import JSONObject

ASK = Turn("user", (Text("hi"),))
HINT = {"type": "ephemeral"}


def sent(request: ChatRequest, family: str = "compatible", **options: Any) -> JSONObject:
    """The body as the vendor reads it."""
    found = FAMILIES[family]
    switch = find_model(found, request.model).switch
    body: JSONObject = orjson.loads(
        encode_request(request, found, switch, **{"stream": False, **options})
    )
    return body


def test_a_plain_request_says_nothing_more() -> None:
    """What the caller did not say is not there."""
    expected = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert expected == sent(ChatRequest("m", (ASK,)))


def test_a_stream_is_asked_for_its_counts() -> None:
    """But for Mistral, which gives them unasked and refuses what it does not know."""
    options = {"stream": True, "stream_options": {"include_usage": True}}
    assert options.items() <= sent(ChatRequest("m", ()), stream=True).items()
    assert {"model", "messages", "stream"} == sent(
        ChatRequest("m", ()), "mistral", stream=True
    ).keys()


def test_settings_go_as_they_are() -> None:
    """Each in its place, and the owner's own fields last."""
    given = {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "logprobs": True,
        "top_logprobs": 3,
        "logit_bias": {"1": 2.0},
        "user": "u",
        "service_tier": "flex",
        "verbosity": "low",
        "n": 2,
        "seed": 7,
    }
    request = ChatRequest("m", (), max_tokens=9, stop=("a",), extra={"x": 1}, **given)
    expected = {**given, "model": "m", "messages": [], "stop": ["a"], "x": 1}
    assert {**expected, "max_tokens": 9} == sent(request)
    assert {**expected, "max_completion_tokens": 9} == sent(request, "openai")
    assert 7 == sent(request, "mistral")["random_seed"]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (ResponseFormat("json_object"), {"type": "json_object"}),
        (ResponseFormat("json_schema", "n"), {"type": "json_schema", "json_schema": {"name": "n"}}),
        (
            ResponseFormat("json_schema", "n", {"type": "object"}, strict=True),
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
            },
        ),
    ],
)
def test_structured_output(shape: ResponseFormat, expected: JSONObject) -> None:
    """As OpenAI has it."""
    assert expected == sent(ChatRequest("m", (), response_format=shape))["response_format"]


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("openai", {"web_search_options": {}}),
        ("openrouter", {"plugins": [{"id": "web"}]}),
        ("qwen", {"enable_search": True}),
        ("vllm", {}),
    ],
)
def test_the_vendors_own_search(family: str, expected: JSONObject) -> None:
    """It has a switch of its own everywhere."""
    body = sent(ChatRequest("m", (), web_search=True), family)
    assert {"model": "m", "messages": [], **expected} == body


TOOLS = (
    Tool("f", "Does.", {"type": "object"}, strict=True, cache_control=HINT),
    Tool("g"),
)
F: JSONObject = {
    "name": "f",
    "description": "Does.",
    "parameters": {"type": "object"},
    "strict": True,
}
G: JSONObject = {"name": "g", "parameters": {"type": "object", "properties": {}}}


def test_tools() -> None:
    """With a schema in any case, and the hint to cache them where it is known."""
    request = ChatRequest("m", (), tools=TOOLS, parallel_tool_calls=False)
    expected = [{"type": "function", "function": tool} for tool in (F, G)]
    assert expected == sent(request)["tools"]
    assert [HINT, None] == [t.get("cache_control") for t in sent(request, "openrouter")["tools"]]
    assert sent(request)["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("required"), "required"),
        (ToolChoice("tool", "f"), {"type": "function", "function": {"name": "f"}}),
        (
            ToolChoice("auto", allowed=("g",)),
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "g"}}],
                },
            },
        ),
    ],
)
def test_tool_choice(choice: ToolChoice, expected: Any) -> None:
    """As the caller said it."""
    request = ChatRequest("m", (), tools=TOOLS, tool_choice=choice)
    assert expected == sent(request, "openai")["tool_choice"]


def test_allowed_tools_are_the_only_ones_where_a_choice_cannot_name_them() -> None:
    """Other vendors get only the tools that may be called."""
    choice = ToolChoice("required", allowed=("g",))
    body = sent(ChatRequest("m", (), tools=TOOLS, tool_choice=choice), "groq")
    assert ("required", ["g"]) == (
        body["tool_choice"],
        [tool["function"]["name"] for tool in body["tools"]],
    )


ADAPTIVE, OFF = ThinkingConfig("adaptive"), ThinkingConfig("disabled")
HIGH = ThinkingConfig("adaptive", effort="high")
BUDGET = ThinkingConfig("enabled", 2048)


@pytest.mark.parametrize(
    ("family", "model", "config", "expected"),
    [
        ("openai", "gpt-5.2", HIGH, {"reasoning_effort": "high"}),
        ("openai", "gpt-5.2", ADAPTIVE, {"reasoning_effort": "medium"}),
        ("openai", "gpt-5.2", OFF, {"reasoning_effort": "none"}),
        ("openai", "o3", ADAPTIVE, {}),
        ("deepseek", "deepseek-chat", ADAPTIVE, {"thinking": {"type": "enabled"}}),
        ("deepseek", "deepseek-chat", OFF, {"thinking": {"type": "disabled"}}),
        (
            "deepseek",
            "deepseek-chat",
            HIGH,
            {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
        ),
        (
            "vllm",
            "Qwen/Qwen3-8B",
            OFF,
            {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}},
        ),
        (
            "vllm",
            "Qwen/Qwen3-8B",
            HIGH,
            {
                "chat_template_kwargs": {"enable_thinking": True, "thinking": True},
                "reasoning_effort": "high",
            },
        ),
        ("vllm", "openai/gpt-oss-20b", HIGH, {"reasoning_effort": "high"}),
        ("openrouter", "x/y", HIGH, {"reasoning": {"enabled": True, "effort": "high"}}),
        ("openrouter", "x/y", BUDGET, {"reasoning": {"enabled": True, "max_tokens": 2048}}),
        ("openrouter", "x/y", OFF, {"reasoning": {"enabled": False}}),
        ("groq", "openai/gpt-oss-20b", HIGH, {"reasoning_effort": "high"}),
        (
            "groq",
            "qwen/qwen3-32b",
            HIGH,
            {"reasoning_effort": "default", "reasoning_format": "parsed"},
        ),
        (
            "groq",
            "qwen/qwen3-32b",
            OFF,
            {"reasoning_effort": "none", "reasoning_format": "parsed"},
        ),
        ("ollama", "qwen3:8b", OFF, {"reasoning_effort": "none"}),
        ("ollama", "qwen3:8b", ADAPTIVE, {"reasoning_effort": "medium"}),
        ("xai", "grok-4.5", HIGH, {"reasoning_effort": "high"}),
        ("xai", "grok-4.3", OFF, {"reasoning_effort": "none"}),
        ("mistral", "mistral-small-latest", ADAPTIVE, {"reasoning_effort": "high"}),
        ("mistral", "mistral-small-latest", OFF, {"reasoning_effort": "none"}),
        ("mistral", "magistral-medium-latest", ADAPTIVE, {}),
        ("qwen", "qwen-plus", BUDGET, {"enable_thinking": True, "thinking_budget": 2048}),
        ("qwen", "qwen-plus", OFF, {"enable_thinking": False}),
        ("qwen", "qwq-plus", BUDGET, {"thinking_budget": 2048}),
        ("gpt-oss", "gpt-oss-120b", HIGH, {"reasoning_effort": "high"}),
        ("google", "gemini-3-pro", HIGH, {"reasoning_effort": "high"}),
        ("compatible", "m", HIGH, {"reasoning_effort": "high"}),
        ("compatible", "m", ThinkingConfig(effort="high"), {"reasoning_effort": "high"}),
    ],
)
def test_each_family_has_its_switch(
    family: str, model: str, config: ThinkingConfig, expected: JSONObject
) -> None:
    """Thinking is asked for, weighed and turned off in the vendor's own words."""
    body = sent(ChatRequest(model, (), thinking=config), family)
    assert {"model": model, "messages": [], **expected} == body


def test_what_a_switch_does_not_know_is_not_sent() -> None:
    """Neither a budget nor an effort without a place."""
    body = encode_request(
        ChatRequest("m", (), thinking=ThinkingConfig("enabled", 1, "low")),
        FAMILIES["compatible"],
        Switch(effort=""),
        stream=False,
    )
    assert {"model": "m", "messages": []} == orjson.loads(body)
