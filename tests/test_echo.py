"""Promises of the readers that several dialects share."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.echo import has_thinking, is_typed, read_blocks
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
    assert expected == read_blocks([item])


@pytest.mark.parametrize("items", [None, "x", [], [{"type": ""}], ["thinking"]])
def test_what_is_no_array_of_blocks(items: Any) -> None:
    """A form is claimed only where one of its items is there."""
    assert (False, False) == (is_typed(items), has_thinking(items))
