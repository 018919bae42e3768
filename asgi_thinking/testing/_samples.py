"""Replies that every dialect is tried with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from asgi_thinking.events import (
    Event,
    FinishReason,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.messages import (
    Block,
    Choice,
    Citation,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    explode,
)

__all__ = ["SAMPLES", "SECRETS", "marked", "told"]

_ANSWER: Final = Text("It is 59 * 61.")
_SEARCH: Final = ToolCall("call_1", "search", '{"q": "primes", "n": 1e2}')
_CLOCK: Final = ToolCall("call_2", "clock", "")
_SIGNED: Final = Thinking("Is 3599 prime?", "c2lnLTE+Lz0=")


def _reply(*blocks: Block, finish: FinishReason = "stop", native: str = "end_turn") -> Message:
    choices = (Choice(blocks, finish, native),)
    return Message("msg_1", "acme-1", 1_700_000_000, "acme", choices, Usage(12, 34, 20, 4, 3))


def _calling(*blocks: Block) -> Message:
    return _reply(*blocks, finish="tool_calls", native="tool_use")


SAMPLES: Final[Mapping[str, Message]] = {
    "an answer": _reply(_ANSWER),
    "a thought and an answer": _reply(_SIGNED, _ANSWER),
    "unsigned thinking": _reply(Thinking("Is it?\n\nIt is."), _ANSWER),
    "hidden thinking": _reply(Thinking("", "c2ln"), _ANSWER),
    "redacted thinking": _reply(RedactedThinking("cmVkYWN0ZWQ="), _ANSWER),
    "several blocks of thinking": _reply(
        _SIGNED, RedactedThinking("cmVkYWN0ZWQ="), Thinking("Once more.", "c2lnLTI="), _ANSWER
    ),
    "thinking after text": _reply(Text("Let me see. "), _SIGNED, _ANSWER),
    "thinking and nothing else": _reply(_SIGNED, finish="length", native="max_tokens"),
    "a tool call": _calling(_SIGNED, _SEARCH),
    "parallel tool calls": _calling(_SIGNED, Text("I look."), _SEARCH, _CLOCK),
    "thinking between tool calls": _calling(
        _SIGNED, _SEARCH, Thinking("And now?", "c2lnLTM="), _CLOCK
    ),
    "tool calls with signatures": _calling(
        Thinking("Look it up.", origin="gemini"),
        ToolCall("call_1", "search", "{}", "Z2VtaW5p", "gemini"),
        _CLOCK,
    ),
    "text in every script": _reply(
        Thinking('π ≈ 3 "so\\", \u2028 👍\r\n\tend', "c2ln"), Text("naïve 🦄\r\n\u0000\u2029日本語")
    ),
    "a refusal": _reply(Refusal("I cannot."), finish="content_filter", native="refusal"),
    "sources": _reply(
        Text("4 °C", citations=(Citation(0, 4, "https://example.org/", "Weather", {"type": "w"}),))
    ),
    "a block of the vendor's own": _reply(
        Opaque('{"type": "server_tool_use", "id": "s", "input": {}}'), _ANSWER
    ),
    "nothing": _reply(),
    "two choices": Message(
        "msg_2",
        "acme-1",
        1_700_000_000,
        "acme",
        (Choice((_SIGNED, _ANSWER)), Choice((Thinking("Or not.", "c2lnLTQ="), Text("No.")))),
    ),
}

_PIECE: Final = 5  # characters


def told(message: Message) -> list[Event]:
    """The events of a reply, in fragments as models tell it."""
    events: list[Event] = []
    for event in explode(message):
        match event:
            case ThinkingDelta(index, text):
                events += [ThinkingDelta(index, piece) for piece in _pieces(text)]
            case TextDelta(index, text):
                events += [TextDelta(index, piece) for piece in _pieces(text)]
            case ToolCallDelta(index, text):
                events += [ToolCallDelta(index, piece) for piece in _pieces(text)]
            case _:
                events.append(event)
    return events


def _pieces(text: str) -> list[str]:
    return [text[place : place + _PIECE] for place in range(0, len(text), _PIECE)]


SECRETS: Final = ("secret-thought", "c2VjcmV0LXNpZ25hdHVyZQ==", "c2VjcmV0LWRhdGE=")


def marked() -> Message:
    """A reply whose thinking is recognisable wherever it turns up."""
    thought, signature, data = SECRETS
    return _calling(
        Thinking(thought, signature),
        RedactedThinking(data),
        _ANSWER,
        Thinking(thought, signature, "gemini"),
        _SEARCH,
    )
