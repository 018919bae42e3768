"""Promises of the format that has thinking within the answer."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.dialects.think_tags import THINK_TAGS
from asgi_thinking.events import (
    Annotation,
    BlockStart,
    BlockStop,
    Event,
    Finish,
    TextDelta,
    ThinkingDelta,
)
from asgi_thinking.messages import Text, Thinking, assemble
from tests.dialects.clients import deltas, plain
from tests.dialects.reply import EVENTS, TOOL_CALLS, TOOL_DELTAS, one_choice

ASKED = Asked(thinking=True)


def encode(events: list[Event], asked: Asked = ASKED) -> bytes:
    return THINK_TAGS.encoder(asked).feed(events)


def whole(events: list[Event], asked: Asked = ASKED) -> dict[str, Any]:
    return THINK_TAGS.encode_message(assemble(events), asked)["choices"][0]["message"]


def thoughts(*texts: str) -> list[Event]:
    """A block of thinking in fragments."""
    return [BlockStart(0, "thinking"), *(ThinkingDelta(0, text) for text in texts), BlockStop(0)]


def test_a_message_begins_with_the_first_thinking() -> None:
    """What was thought after the answer began is not shown: only the beginning is ever read."""
    message = {
        "role": "assistant",
        "content": '<think>\n27 is "3³"\n</think>\n\nIt is 27.',
        "refusal": None,
        "tool_calls": TOOL_CALLS,
    }

    assert str(message) == str(whole(EVENTS))


def test_in_a_stream_each_tag_comes_alone() -> None:
    """There are readers that look for a delta that is the tag, as a model's token is."""
    said = ["", "<think>", "\n", "27 ", 'is "3³"', "\n", "</think>", "\n\n", "It is ", "27."]
    expected = [{"content": text} for text in said]
    expected[0] = {"role": "assistant", "content": "", "refusal": None}

    assert [*expected, *TOOL_DELTAS, {}] == deltas(encode(EVENTS))


def test_tags_are_closed_where_no_answer_follows() -> None:
    """Blocks with nothing between them share the tags."""
    events = one_choice(
        [
            *thoughts("one"),
            *(BlockStart(1, "redacted_thinking", data="x"), BlockStop(1)),
            *(BlockStart(2, "thinking"), ThinkingDelta(2, "two"), BlockStop(2)),
        ]
    )

    expected = "<think>\none\n\ntwo\n</think>\n\n"
    assert expected == whole(events)["content"] == plain(encode(events))["content"]


def test_thinking_that_goes_on_beside_the_answer_is_hidden() -> None:
    """Once the tags are closed nothing more is put into them, or behind them."""
    events = one_choice(
        [
            *(BlockStart(0, "thinking"), ThinkingDelta(0, "hm"), BlockStart(1, "text")),
            *(TextDelta(1, "27"), ThinkingDelta(0, "late"), BlockStop(0), BlockStop(1)),
            *(BlockStart(2, "thinking"), ThinkingDelta(2, "later"), BlockStop(2)),
        ]
    )

    assert "<think>\nhm\n</think>\n\n27" == plain(encode(events))["content"]


@pytest.mark.parametrize(
    ("fragments", "shown"),
    [
        pytest.param(["a</think>b"], "a</think\\>b", id="whole"),
        pytest.param([*"a</think>b"], "a</think\\>b", id="by letters"),
        pytest.param(["</", "thinking", ">"], "</thinking\\>", id="the other word"),
        pytest.param(["</think\\", "\\", "\\>"], "</think\\\\\\\\>", id="backslashes"),
        pytest.param(["</think\\", "ing>"], "</think\\ing>", id="no tag"),
        pytest.param(["</th", "<", "/think", "ing\\x>"], "</th</thinking\\x>", id="nearly"),
        pytest.param(["<think>", "</Think>"], "<think></Think>", id="other tags"),
    ],
)
def test_a_closing_tag_in_the_thinking_closes_nothing(fragments: list[str], shown: str) -> None:
    """It gets a backslash, wherever a stream cuts it, and loses it on the way back."""
    events = one_choice(
        [*thoughts(*fragments), BlockStart(1, "text"), TextDelta(1, "27"), BlockStop(1)]
    )

    content = whole(events)["content"]

    assert f"<think>\n{shown}\n</think>\n\n27" == content == plain(encode(events))["content"]
    found = [Thinking("".join(fragments)), Text("27")]
    assert found == THINK_TAGS.read_echo({"content": content})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("27", None, id="plain"),
        pytest.param("27 <think>\nhm\n</think>", None, id="not at the beginning"),
        pytest.param("<think>\nhm", None, id="open"),
        pytest.param([{"type": "text", "text": "<think>a</think>"}], None, id="parts"),
        pytest.param(None, None, id="null"),
        pytest.param("<think>hm</think>27", [Thinking("hm"), Text("27")], id="bare"),
        pytest.param(
            "<think>\n\nhm\n\n</think>\n\n\n\n27", [Thinking("hm"), Text("27")], id="pydantic-ai"
        ),
        pytest.param(" <think>\r\nhm\r\n</think>\r\n", [Thinking("hm")], id="no answer"),
        pytest.param("<think>\n\n</think>\n\n27", [Thinking(""), Text("27")], id="no thought"),
    ],
)
def test_what_an_echo_is(content: Any, expected: list[Any] | None) -> None:
    """Tags count at the beginning only; line ends beside them are the tags'."""
    assert expected == THINK_TAGS.read_echo({"role": "assistant", "content": content})


def test_sources_keep_their_places_in_the_longer_content() -> None:
    """Offsets count the code points of the content, of which the tags are part."""
    events = one_choice(
        [
            *thoughts("hm"),
            *(BlockStart(1, "text"), TextDelta(1, "Paris")),
            *(Annotation(1, 0, 5, "https://example.com", "Page"), BlockStop(1)),
        ]
    )

    message = whole(events)

    place = message["annotations"][0]["url_citation"]
    assert "Paris" == message["content"][place["start_index"] : place["end_index"]]


@pytest.mark.parametrize(
    "events", [EVENTS, one_choice([], Finish("stop", ""))], ids=["all", "none"]
)
def test_without_thinking_it_is_openais_format(events: list[Event]) -> None:
    """Nobody asked for it, or nothing was thought."""
    asked = Asked(thinking=events is not EVENTS)

    assert OPENAI.encode_message(assemble(events), asked)["choices"][0]["message"] == whole(
        events, asked
    )
    assert OPENAI.encoder(asked).feed(events) == encode(events, asked)
