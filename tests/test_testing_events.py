"""What the kit finds in events, and how it compares replies."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.events import (
    BlockStart,
    BlockStop,
    Done,
    Event,
    Finish,
    MessageStart,
    SignatureDelta,
    StreamError,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from asgi_thinking.exceptions import UpstreamProtocolError
from asgi_thinking.messages import Text, Thinking
from asgi_thinking.testing._echoes import run_together
from asgi_thinking.testing._grammar import comparable, grammar_faults
from asgi_thinking.testing._stream import add_up

START = MessageStart("r1", "m", 1, "acme")
OPEN = BlockStart(0, "text")
FINISH = Finish("stop", "end")
ERROR = StreamError(UpstreamProtocolError("broken"))
WORD: Any = "word"
NO_KIND: Any = "music"

WRONG: dict[str, list[Event]] = {
    "str is no event": [START, WORD],
    "MessageStart comes twice": [START, START],
    "BlockStart comes before MessageStart": [OPEN],
    "Done comes after the reply's end": [START, FINISH, Done(), Done()],
    "Finish comes twice for a choice": [START, FINISH, FINISH],
    "BlockStart has index 1 where 0 is the next": [START, BlockStart(1, "text")],
    "BlockStart comes after its choice's Finish": [START, FINISH, OPEN],
    "BlockStart has the unknown kind 'music'": [START, BlockStart(0, NO_KIND)],
    "BlockStop is for a block that is not open": [START, BlockStop(0)],
    "ThinkingDelta is in a block of kind 'text'": [START, OPEN, ThinkingDelta(0, "hm")],
    "Done comes while a block is open": [START, OPEN, FINISH, Done()],
    "Done comes without any Finish": [START, Done()],
}


@pytest.mark.parametrize("sentence", WRONG)
def test_each_rule_of_the_grammar_has_its_sentence(sentence: str) -> None:
    """One rule broken, one sentence."""
    assert [sentence] == grammar_faults(WRONG[sentence])


def test_good_and_failed_replies_have_no_faults() -> None:
    """Whole, failed at once, failed later, or merely not over."""
    whole = [START, OPEN, TextDelta(0, "hi"), SignatureDelta(0, "c2ln"), BlockStop(0), FINISH]

    assert [] == grammar_faults([*whole, Done()])
    assert [] == grammar_faults([ERROR])
    assert [] == grammar_faults([START, OPEN, ERROR])
    assert [] == grammar_faults(whole)


def test_events_compare_without_what_may_differ() -> None:
    """The time, where fragments are cut, and that errors are equal only to themselves."""
    cut = [
        *(ThinkingDelta(0, "h"), ThinkingDelta(0, ""), ThinkingDelta(0, "m")),
        *(TextDelta(1, "a"), TextDelta(1, "b"), TextDelta(2, "c")),
        *(ToolCallDelta(3, "{"), ToolCallDelta(3, "}")),
    ]

    assert comparable([START, *cut, ERROR]) == [
        MessageStart("r1", "m", 0, "acme"),
        ThinkingDelta(0, "hm"),
        TextDelta(1, "ab"),
        TextDelta(2, "c"),
        ToolCallDelta(3, "{}"),
        (UpstreamProtocolError, 502, "broken"),
    ]


def test_unsigned_blocks_run_together() -> None:
    """Their borders are nobody's promise; those of signed blocks are."""
    blocks = [Text("a"), Text("b"), Text("c", "c2ln"), Thinking("d"), Thinking("e"), Text("")]
    assert [Text("ab"), Text("c", "c2ln"), Thinking("de")] == run_together(blocks)


def test_deltas_add_up() -> None:
    """Strings grow, objects merge, items merge by their index; anything else is replaced."""
    message: dict[str, Any] = {}
    for delta in (
        {"role": "assistant", "content": None, "n": 1, "x": {"a": "b"}, "list": [{"index": 0}]},
        {"role": "assistant", "content": "a", "n": 2, "x": {"a": "c"}},
        {"content": "b", "n": None, "list": [{"index": 0, "t": "x"}, {"t": "y"}, 7]},
    ):
        add_up(message, delta)

    assert message == {
        "role": "assistant",
        "content": "ab",
        "n": 2,
        "x": {"a": "bc"},
        "list": [{"index": 0, "t": "x"}, {"t": "y"}, 7],
    }
