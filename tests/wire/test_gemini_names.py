"""Promises of what becomes of functions' names on their way to Gemini."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Text, ToolCall, Turn
from asgi_thinking.requests import ChatRequest, Tool
from asgi_thinking.wire.gemini import encode_request

HELLO = Turn("user", (Text("Hi"),))


def encoded(*turns: Turn, tools: tuple[str, ...] = ()) -> Any:
    """The body, parsed, of a request with these turns and functions."""
    request = ChatRequest("gemini-3-pro", turns, tools=tuple(map(Tool, tools)))
    return orjson.loads(encode_request(request))


@pytest.mark.parametrize("name", ["f", "_f", "a.b:c-d_1", "F" * 128])
def test_a_name_that_gemini_takes_goes_there(name: str) -> None:
    """As it is, in declarations and in calls."""
    body = encoded(HELLO, Turn("assistant", (ToolCall("1", name, "{}"),)), tools=(name,))
    assert name == body["tools"][0]["functionDeclarations"][0]["name"]
    assert name == body["contents"][1]["parts"][0]["functionCall"]["name"]


@pytest.mark.parametrize("name", ["3d", "-f", "a b", "a/b", "é", "F" * 129])
def test_a_name_that_gemini_refuses_is_refused_here(name: str) -> None:
    """In words that name the tool; the caller's own names stay the caller's."""
    with pytest.raises(InvalidRequest, match="must be 1 to 128 letters") as caught:
        encoded(HELLO, tools=("f", name))
    assert "tools[1].function.name" == caught.value.param


def test_two_functions_of_one_name_are_refused_here() -> None:
    """The second of them is named."""
    with pytest.raises(InvalidRequest, match="must not be the name of two tools") as caught:
        encoded(HELLO, tools=("f", "g", "f"))
    assert "tools[2].function.name" == caught.value.param


@pytest.mark.parametrize(
    ("name", "sent"), [("3d", "_3d"), ("a b/c", "_a_b_c"), ("F" * 200, "_" + "F" * 127)]
)
def test_another_vendors_call_gets_a_name_that_gemini_takes(name: str, sent: str) -> None:
    """In the history, where the result is of the same function."""
    called = Turn("assistant", (ToolCall("1", name, "{}"),))
    _, said, told = encoded(HELLO, called, Turn("tool", (Text("x"),), "1"))["contents"]
    assert sent == said["parts"][0]["functionCall"]["name"]
    assert sent == told["parts"][0]["functionResponse"]["name"]
