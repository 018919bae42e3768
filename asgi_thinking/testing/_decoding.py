"""What a decoder promises, tried on the replies that a third party gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from asgi_thinking.events import BlockStart, Done, Event, StreamError
from asgi_thinking.messages import Block, Message, ToolCall, assemble
from asgi_thinking.providers import HTTPProvider
from asgi_thinking.requests import ChatRequest
from asgi_thinking.testing._echoes import run_together
from asgi_thinking.testing._grammar import comparable, grammar_faults, is_done, is_over
from asgi_thinking.testing._transport import Answer, ScriptedReply, cut

__all__ = ["Decoding", "difference"]

# Bodies and frames that are nobody's format, or nearly somebody's.
_GARBAGE: Final = (
    *(
        b"",
        b"\x00",
        b"\xff\xfe\xff",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'"x"',
        b"1e999",
        b"<html></html>",
    ),
    *(b"data: null\n\n", b"data: []\n\n", b"data: {}\n\n", b'data: "x"\n\n', b"data: {\n\n"),
    *(b"data: \xff\n\n", b'data: {"error":"x"}\n\n', b'event: error\ndata: {"error":{}}\n\n'),
    b"data: " + b"[" * 10_000 + b"\n\n",
    b"[" * 10_000,
)
_MOST_ENDS: Final = 64


class Decoding:
    """Decodes the answers to one request, as often and in as many ways as need be."""

    __slots__ = ("_provider", "_random", "_request", "_splits")

    def __init__(
        self, provider: HTTPProvider, request: ChatRequest, splits: int, seed: int
    ) -> None:
        self._provider = provider
        self._request = request
        self._splits = splits
        self._random = Random(seed)  # noqa: S311 (the same places every time, no secret)

    def decode(self, answer: Answer, places: Sequence[int] = ()) -> list[Event]:
        """The events of an answer that is cut at these places."""
        decoder = self._provider.decoder(self._request, ScriptedReply(answer))
        events: list[Event] = []
        for piece in cut(answer.body, places):
            events += decoder.feed(piece)
            if is_over(events):
                return events  # nobody reads on
        events += decoder.close()
        return events

    def ends(self, answer: Answer) -> list[int]:
        """The places in the body after which there are events that were not there before."""
        decoder = self._provider.decoder(self._request, ScriptedReply(answer))
        found: list[int] = []
        for place in range(len(answer.body)):
            if events := decoder.feed(answer.body[place : place + 1]):
                found.append(place + 1)
                if is_over(events):
                    break
        return found

    def faults(self, answer: Answer) -> Iterator[str]:
        """All that the decoder does wrong with a good answer, and with what is left of it."""
        events = self.decode(answer)
        yield from grammar_faults(events)
        calls = [e for e in events if isinstance(e, BlockStart) and e.kind == "tool_call"]
        if not all(call.id and call.name for call in calls):
            yield "a tool call has no id or no name"
        last = events[-1] if events else None
        if not isinstance(last, Done):
            error = f": {last.error}" if isinstance(last, StreamError) else ""
            yield f"the decoder does not end a good reply with Done{error}"
            return
        yield from self._split_faults(answer, comparable(events))
        yield from self._cut_off_faults(answer, assemble(events))
        yield from self._garbage_faults(answer)

    def _split_faults(self, answer: Answer, expected: list[object]) -> Iterator[str]:
        size = len(answer.body)
        if comparable(self.decode(answer)) != expected:
            yield "the decoder gave other events when it got the same bytes again"
            return
        for _ in range(self._splits):
            places = [self._random.randrange(size) for _ in range(self._random.randint(1, 3))]
            if comparable(self.decode(answer, places)) != expected:
                at = ", ".join(map(str, sorted(places)))
                yield f"the decoder gave other events when its bytes were cut at {at}"
                return
        if comparable(self.decode(answer, range(size))) != expected:
            yield "the decoder gave other events when its bytes came one by one"

    def _cut_off_faults(self, answer: Answer, whole: Message) -> Iterator[str]:
        """A reply that was cut off must not pass as one that is whole."""
        places = {place + off for place in self.ends(answer) for off in (-1, 0)}
        within = sorted(place for place in places if place < len(answer.body))
        for place in within[:: len(within) // _MOST_ENDS + 1]:
            events = self.decode(Answer(answer.body[:place], 200, answer.headers))
            yield from grammar_faults(events)
            if is_done(events) and difference(whole, assemble(events)):
                yield f"a reply that was cut off at {place} passes as a whole one"
                return

    def _garbage_faults(self, answer: Answer) -> Iterator[str]:
        told: dict[str, None] = {}
        for body in (*_GARBAGE, *self._spoiled(answer.body)):
            spoiled = Answer(body, 200, answer.headers)
            try:
                events = self.decode(spoiled)
            except Exception as error:  # noqa: BLE001 (code that is being judged may raise anything)
                sentence = f"the decoder raised {type(error).__name__} for bytes that are damaged"
                told[f"{sentence}, where a StreamError is its last event"] = None
                continue
            for fault in grammar_faults(events):
                told[f"for bytes that are damaged: {fault}"] = None
        yield from told

    def _spoiled(self, body: bytes) -> Iterator[bytes]:
        for _ in range(self._splits):
            start = self._random.randrange(len(body))
            stop = start + self._random.randint(1, 12)
            noise = self._random.choice((b"", b"\x00", b"null", b"[]", b'"', b"}", b"9", b"\n\n"))
            yield body[:start] + noise + body[stop:]
            yield body[:start] + noise + body[start:]


def difference(one: Message, other: Message) -> str:
    """Where two replies say different things; "" where only the borders of parts differ."""
    if len(one.choices) != len(other.choices):
        return "choices"
    for mine, theirs in zip(one.choices, other.choices, strict=True):
        if place := _unlike(run_together(mine.blocks), run_together(theirs.blocks)):
            return place
        if (mine.finish, mine.native) != (theirs.finish, theirs.native):
            return "finish reason"
    return ""


def _unlike(mine: Sequence[Block], theirs: Sequence[Block]) -> str:
    kinds = [[type(block).__name__ for block in blocks] for blocks in (mine, theirs)]
    if kinds[0] != kinds[1]:
        return f"blocks, {' '.join(kinds[1]) or 'none'} for {' '.join(kinds[0]) or 'none'}"
    for one, other in zip(mine, theirs, strict=True):
        if _plain(one) != _plain(other):
            return f"contents in a {type(one).__name__}"
    return ""


def _plain(block: Block) -> object:
    """The block, with a call's arguments as the value that their JSON has."""
    if not isinstance(block, ToolCall):
        return block
    try:
        return replace(block, arguments=""), json.loads(block.arguments)
    except ValueError:
        return block
