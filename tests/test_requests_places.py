"""Fields of tools and cache marks that every vendor would refuse are refused by name.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/prompt-caching and
https://platform.openai.com/docs/guides/function-calling.
"""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.conversation import read_plain
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.requests import ChatRequest, decode

MARK = {"type": "ephemeral"}


def read(tool: Any = None, **message: Any) -> ChatRequest:
    """The request of one message and one tool."""
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a", **message}]}
    return decode(body | {"tools": tool and [tool]}, read_assistant=read_plain)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (MARK, MARK),
        ({}, MARK),
        ({"ttl": "1h"}, {**MARK, "ttl": "1h"}),
        ({**MARK, "ttl": "5m", "scope": "x"}, {**MARK, "ttl": "5m"}),
        ({**MARK, "ttl": None}, MARK),
    ],
)
def test_cache_marks_are_what_the_vendor_knows(given: Any, kept: Any) -> None:
    """Of one kind and two lifetimes."""
    assert kept == read(cache_control=given).messages[0].cache_control


@pytest.mark.parametrize(
    ("given", "place"),
    [({"type": "permanent"}, "type"), ({"ttl": "2h"}, "ttl"), ({"ttl": 300}, "ttl")],
)
def test_other_cache_marks_are_refused(given: Any, place: str) -> None:
    """With the place that they stand in, in messages, parts and tools."""
    part = {"type": "text", "text": "a", "cache_control": given}
    tool = {"type": "function", "function": {"name": "f"}, "cache_control": given}
    for start, fields in (
        ("messages[0]", {"cache_control": given}),
        ("messages[0].content[0]", {"content": [part]}),
        ("tools[0]", {"tool": tool}),
    ):
        with pytest.raises(InvalidRequest, match="expected one of") as caught:
            read(**fields)
        assert f"{start}.cache_control.{place}" == caught.value.param


def test_a_tools_arguments_are_an_object() -> None:
    """A schema may leave it unsaid, but not say otherwise."""

    def function(schema: Any) -> Any:
        return {"type": "function", "function": {"name": "f", "parameters": schema}}

    for schema in ({"type": "object"}, {"properties": {}}, {"type": None}, {"type": ["object"]}):
        assert schema == read(function(schema)).tools[0].parameters
    with pytest.raises(InvalidRequest, match="must be 'object', not 'array'") as caught:
        read(function({"type": "array"}))
    assert "tools[0].function.parameters.type" == caught.value.param
