"""What clients send back of a dialect's replies, against what the replies held."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, assert_never

from asgi_thinking import history
from asgi_thinking.dialects import Dialect
from asgi_thinking.echo import is_array, is_object
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import (
    Block,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from asgi_thinking.testing._findings import describe

__all__ = ["echo_faults", "reading_faults", "run_together", "sent_back"]

JSONObject = dict[str, Any]

# What a field may turn out to hold.
_WRONG: Final[tuple[Any, ...]] = (
    None,
    0,
    True,
    "x",
    [],
    {},
    [0],
    [{}],
    [[]],
    {"type": 1},
    [{"type": "thinking"}],
)

# Replies to which nobody has added anything.
_PLAIN: Final[Sequence[JSONObject]] = (
    {"role": "assistant"},
    {"role": "assistant", "content": "hi"},
    {"role": "assistant", "content": [{"type": "text", "text": "hi"}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ],
    },
)


def sent_back(message: Mapping[str, Any]) -> JSONObject:
    """A message as clients send it back: without what is null."""
    return {key: copy.deepcopy(value) for key, value in message.items() if value is not None}


def run_together(blocks: Iterable[object]) -> list[Block]:
    """Blocks without what no client keeps: sources, empty blocks, borders between unsigned ones.

    Who made a block matters only where something is signed.
    """
    kept: list[Block] = []
    for block in blocks:
        match block:
            case Text(text, signature, origin) if text or signature:
                found: Block = Text(text, signature or None, origin if signature else "")
            case Thinking(text, signature, origin) if text or signature:
                found = Thinking(text, signature or None, origin if signature else "")
            case ToolCall():
                origin = block.origin if block.signature else ""
                arguments = block.arguments or "{}"
                found = replace(block, arguments=arguments, origin=origin)
            case RedactedThinking() | Refusal():
                found = block
            case _:
                continue
        _append(kept, found)
    return kept


def _append(kept: list[Block], block: Block) -> None:
    match kept[-1] if kept else None, block:
        case Text(before, None), Text(text, None):
            kept[-1] = Text(before + text)
        case Thinking(before, None), Thinking(text, None):
            kept[-1] = Thinking(before + text)
        case _:
            kept.append(block)


def echo_faults(dialect: Dialect, blocks: Sequence[Block], message: JSONObject) -> Iterator[str]:
    """What a message that a client sends back has lost of the blocks, or made up."""
    kept = run_together(history.reader((dialect,))(message))
    if dialect.ordered:
        expected = run_together(blocks)
        if expected != kept:
            yield (
                "is ordered, but its clients do not send every block back in its place: "
                f"{_shown(expected)} came back as {_shown(kept)}"
            )
        return
    if not dialect.shows_thinking:
        if any(isinstance(block, Thinking | RedactedThinking) for block in kept):
            yield "shows no thinking, but reads some from what its clients send back"
        return
    yield from _text_faults(blocks, kept)


def _text_faults(blocks: Sequence[Block], kept: Sequence[Block]) -> Iterator[str]:
    """What a dialect may not lose that declares itself without order: the texts.

    What was thought after the answer began has no place in some of them.
    """
    thought = "".join(block.text for block in kept if isinstance(block, Thinking))
    place = 0
    for block in blocks:
        if isinstance(block, Text):
            break
        if isinstance(block, Thinking):
            place = thought.find(block.text, place)
            if place < 0:
                yield "shows thinking, but loses its text when its clients send it back"
                break
    if _answer(blocks) != _answer(kept):
        yield "does not give the answer back that its clients send back"
    if not _signatures(kept) <= _signatures(blocks):
        yield "makes up a signature for what its clients send back"


def _answer(blocks: Iterable[Block]) -> str:
    return "".join(block.text for block in blocks if isinstance(block, Text))


def _signatures(blocks: Iterable[Block]) -> set[str]:
    return {
        block.signature
        for block in blocks
        if isinstance(block, Thinking | Text | ToolCall) and block.signature
    }


def _shown(blocks: Iterable[Block]) -> str:
    return "[" + ", ".join(type(block).__name__ + _detail(block) for block in blocks) + "]"


def _detail(block: Block) -> str:
    match block:
        case Thinking() | Text():
            return f"({block.text[:24]!r}, {block.signature!r})"
        case ToolCall():
            return f"({block.id!r}, {block.arguments[:24]!r}, {block.signature!r})"
        case RedactedThinking(data) | Opaque(data):
            return f"({data[:24]!r})"
        case Refusal(text):
            return f"({text[:24]!r})"
        case _ as unreachable:
            assert_never(unreachable)


def reading_faults(dialect: Dialect, echo: JSONObject) -> Iterator[str]:
    """What `read_echo` does with messages that are not its own, or not as it wrote them."""
    told: dict[str, None] = {}
    for message in (*copy.deepcopy(_PLAIN), *_spoiled(echo)):
        before = copy.deepcopy(message)
        try:
            blocks = dialect.read_echo(message) or ()
        except InvalidRequest:
            blocks = ()
        except Exception as error:  # noqa: BLE001 (code that is being judged may raise anything)
            blocks = ()
            sentence = f"read_echo raised {describe(error)}, where only InvalidRequest may be"
            told[sentence] = None
        if before in _PLAIN and any(_is_thinking(block) for block in blocks):
            told["reads thinking from a message that holds none"] = None
        if message != before:
            told["read_echo changes the message that it reads"] = None
    yield from told


def _is_thinking(block: object) -> bool:
    return isinstance(block, Thinking | RedactedThinking)


def _spoiled(value: Any) -> Iterator[Any]:
    """The value with one place of it wrong, for each place and each way."""
    if is_object(value):
        for key, item in value.items():
            for wrong in (*_WRONG, *_spoiled(item)):
                yield {**value, key: copy.deepcopy(wrong)}
    elif is_array(value):
        for position, item in enumerate(value):
            for wrong in (*_WRONG, *_spoiled(item)):
                yield [*value[:position], copy.deepcopy(wrong), *value[position + 1 :]]
