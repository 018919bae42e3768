"""Promises about the tools of a Converse request."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking.messages import Text, ToolCall, Turn
from asgi_thinking.models_bedrock import BedrockModel, bedrock_model
from asgi_thinking.requests import ChatRequest, Tool, ToolChoice
from asgi_thinking.wire.converse import encode_request

CLAUDE = bedrock_model("us.anthropic.claude-opus-4-6-v1")
PLAIN = bedrock_model("meta.llama4-scout-17b-instruct-v1:0")
HI = Turn("user", (Text("hi"),))
CALLED = (
    HI,
    Turn("assistant", (ToolCall("call_1", "h", "{}"), ToolCall("call_2", "h", "{}"))),
    Turn("tool", (Text("a"),), "call_1"),
    Turn("tool", (Text("a"),), "call_2"),
)
TOOLS = (
    Tool("f", "Does.", {"type": "object"}, strict=True, cache_control={"type": "ephemeral"}),
    Tool("g", ""),
)
F = {
    "name": "f",
    "description": "Does.",
    "inputSchema": {"json": {"type": "object"}},
    "strict": True,
}
NOTHING = {"json": {"type": "object", "properties": {}}}
G = {"name": "g", "inputSchema": NOTHING}
POINT = {"cachePoint": {"type": "default"}}


def config_of(*turns: Turn, model: BedrockModel = CLAUDE, **fields: Any) -> Any:
    """The tools of a request of these turns."""
    request = ChatRequest("m", turns or (HI,), **fields)
    return orjson.loads(encode_request(request, model)).get("toolConfig")


def test_tools_have_their_schemas() -> None:
    """A tool without a schema takes no arguments; cache points only where the model has them."""
    assert {"tools": [{"toolSpec": F}, POINT, {"toolSpec": G}]} == config_of(tools=TOOLS)
    assert {"tools": [{"toolSpec": F}, {"toolSpec": G}]} == config_of(tools=TOOLS, model=PLAIN)
    assert config_of() is None


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), None),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("tool", "g"), {"tool": {"name": "g"}}),
    ],
)
def test_a_choice_has_the_apis_words(choice: ToolChoice, expected: Any) -> None:
    """The default is not said: not every model knows the field."""
    assert expected == config_of(tools=TOOLS, tool_choice=choice).get("toolChoice")


def test_only_allowed_tools_are_offered() -> None:
    """The API cannot narrow the choice itself."""
    choice = ToolChoice("auto", allowed=("g",))
    assert {"tools": [{"toolSpec": G}]} == config_of(tools=TOOLS, tool_choice=choice)


def test_no_tool_may_be_called() -> None:
    """The tools are left out, unless the conversation has calls that need them."""
    none = ToolChoice("none")
    assert config_of(tools=TOOLS, tool_choice=none) is None
    kept = config_of(*CALLED, tools=TOOLS, tool_choice=none)
    assert {"tools": [{"toolSpec": F}, POINT, {"toolSpec": G}]} == kept


def test_a_conversation_with_calls_has_tools() -> None:
    """The API wants to see them even if the caller offers none any more: those that were called."""
    expected = {"tools": [{"toolSpec": {"name": "h", "inputSchema": NOTHING}}]}
    assert expected == config_of(*CALLED)
