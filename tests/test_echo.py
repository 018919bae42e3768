"""Promises of the readers that several dialects share."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.echo import calls_before, has_thinking, is_typed, read_blocks
from asgi_thinking.messages import Block, Opaque, Thinking


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param({"type": "thinking", "thinking": "", "signature": ""}, [], id="says nothing"),
        pytest.param({"type": "thinking"}, [], id="no text"),
        pytest.param(
            {"type": "thinking", "signature": "c2ln", "provider": "gemini"},
            [Thinking("", "c2ln", "gemini")],
            id="hidden",
        ),
        pytest.param({"type": "text", "text": ""}, [], id="empty text"),
        pytest.param({"type": "tool_use", "id": "a"}, [], id="a call"),
        pytest.param({"type": "image_url"}, [], id="OpenAI's own part"),
        pytest.param({"type": ["thinking"]}, [], id="no type"),
        pytest.param("text", [], id="no object"),
        pytest.param(
            {"type": "x", "provider": "gemini"}, [Opaque('{"type":"x"}', "gemini")], id="opaque"
        ),
        pytest.param(
            {"type": "x", "provider": 1}, [Opaque('{"type":"x","provider":1}')], id="its own"
        ),
    ],
)
def test_an_item_is_a_block_or_nothing(item: Any, expected: list[Block]) -> None:
    """Unknown types are kept as they are; what is no block at all is passed over."""
    assert [(0, block) for block in expected] == read_blocks([item])


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"tool_calls": 2}, 2),
        ({"tool_calls": 0}, 0),
        ({"tool_calls": -1}, 0),
        ({"tool_calls": "2"}, 0),
        ({}, 0),
        ("2", 0),
    ],
)
def test_a_block_may_say_how_many_calls_stood_before_it(after: Any, expected: int) -> None:
    """Whatever else it says is not for this reader."""
    assert expected == calls_before({"after": after})
    item = {"type": "thinking", "thinking": "hm", "signature": "c2ln", "after": after}
    assert [(expected, Thinking("hm", "c2ln"))] == read_blocks([item])


def test_a_vendors_own_block_comes_back_without_its_place() -> None:
    """What we wrote beside it goes, what the vendor wrote stays."""
    ((before, block),) = read_blocks([{"type": "x", "after": {"tool_calls": 1}}])
    assert (1, Opaque('{"type":"x"}')) == (before, block)
    assert [(0, Opaque('{"type":"x","after":"y"}'))] == read_blocks([{"type": "x", "after": "y"}])


@pytest.mark.parametrize("items", [None, "x", [], [{"type": ""}], ["thinking"]])
def test_what_is_no_array_of_blocks(items: Any) -> None:
    """A form is claimed only where one of its items is there."""
    assert (False, False) == (is_typed(items), has_thinking(items))
