"""Promises of the messages of chat-completions requests: orders and ids that some vendors want."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.messages import Text, ToolCall, Turn
from asgi_thinking.models_openai import FAMILIES, find_model
from asgi_thinking.requests import ChatRequest
from asgi_thinking.wire.openai import encode_request

USER = Turn("user", (Text("u"),))
SYSTEM = Turn("system", (Text("s"),))
SAID = Turn("assistant", (Text("a"),))
CALLED = Turn("assistant", (ToolCall("abcdefghi", "f", "{}"),))
RESULT = Turn("tool", (Text("1"),), "abcdefghi")


def messages(*turns: Turn, family: str = "mistral") -> Any:
    """The messages of a request, as the vendor reads them."""
    found = FAMILIES[family]
    switch = find_model(found, "m").switch
    return orjson.loads(encode_request(ChatRequest("m", turns), found, switch, stream=False))[
        "messages"
    ]


@pytest.mark.parametrize(
    ("turns", "roles"),
    [
        ((USER, CALLED, RESULT, USER), "user assistant tool assistant user"),
        ((USER, CALLED, RESULT, SYSTEM), "user assistant tool assistant user"),
        ((USER, CALLED, RESULT, SAID, USER), "user assistant tool assistant user"),
        ((USER, SAID, SYSTEM, USER), "user assistant user user"),
        ((SYSTEM, USER, SYSTEM, USER), "system user system user"),
        ((SYSTEM, USER, SYSTEM), "system user user"),
        ((SYSTEM,), "user"),
        ((USER, CALLED, RESULT), "user assistant tool"),
    ],
)
def test_mistral_gets_an_order_that_it_takes(turns: tuple[Turn, ...], roles: str) -> None:
    """The assistant speaks between a tool and the user; the system speaks before it or as one."""
    assert roles.split() == [message["role"] for message in messages(*turns)]


def test_what_stands_between_a_tool_and_the_user_is_short() -> None:
    """Other vendors get nothing there."""
    turns = USER, CALLED, RESULT, USER
    assert {"role": "assistant", "content": "OK."} == messages(*turns)[3]
    assert 4 == len(messages(*turns, family="openai"))


def test_mistral_is_told_to_go_on() -> None:
    """With the assistant's last text; a call is no text, and nobody else is told."""
    assert {"role": "assistant", "content": "a", "prefix": True} == messages(USER, SAID)[1]
    assert all("prefix" not in message for message in messages(USER, SAID, USER))
    assert "prefix" not in messages(USER, CALLED)[1]
    assert "prefix" not in messages(USER, SAID, family="openai")[1]
    assert [] == messages()


@given(st.text())
def test_mistral_gets_ids_of_nine_letters_and_digits(call_id: str) -> None:
    """The same in a call and in its result, today and tomorrow."""
    call = Turn("assistant", (ToolCall(call_id, "f", "{}"),))
    said, told = messages(call, Turn("tool", (Text("1"),), call_id))
    sent = told["tool_call_id"]
    assert re.fullmatch("[a-zA-Z0-9]{9}", sent)
    assert [sent] == [item["id"] for item in said["tool_calls"]]
    assert sent == messages(call)[0]["tool_calls"][0]["id"]


def test_ids_that_mistral_gave_go_back() -> None:
    """Others get others, the same for all time."""
    assert "abcdefghi" == messages(CALLED)[0]["tool_calls"][0]["id"]
    foreign = Turn("assistant", (ToolCall("call_1", "f", "{}"),))
    assert "74196fe72" == messages(foreign)[0]["tool_calls"][0]["id"]
