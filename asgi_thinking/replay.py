"""What is kept of a reply with tool calls, so that it can be sent back whole.

Each call keeps a `Segment`: what stands between the call before it and itself, and with the last
call also what follows. So it makes no difference whether a client sends the calls of a reply back
in one message or in several, and in which order. Of texts only the places are kept.

Segments are stored as `[1, group, number, length, mark, [piece, ...]]`, where a piece is::

    ["thinking", text, signature or null, origin]    ["redacted", data, origin]
    ["text", start, length, signature or null, origin]    ["opaque", data, origin]
    ["call", signature or null, origin]

`group` names the reply, `number` counts its calls. `length` (code points) and `mark` (a keyed hash)
are those of the whole answer, in which the texts have their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, assert_never

from asgi_thinking import _json
from asgi_thinking.messages import (
    Block,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)

__all__ = ["Mark", "Segment", "is_verifiable", "put_back", "read_segment", "split", "write_segment"]

Mark: TypeAlias = Callable[[str], str]
"""A keyed hash of an answer: it tells whether a text is the same, and nothing of the text."""

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class _Said:
    """The place of a text in the whole answer, in code points, and its signature."""

    start: int
    length: int
    signature: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class _Called:
    """The place of the segment's call, and the call's signature."""

    signature: str | None
    origin: str


_Piece: TypeAlias = Thinking | RedactedThinking | Opaque | _Said | _Called


@dataclass(frozen=True, slots=True)
class Segment:
    """What one call of a reply brings back."""

    group: str
    number: int
    length: int
    mark: str
    pieces: tuple[_Piece, ...]

    @property
    def bare(self) -> bool:
        """Whether it brings nothing back that the client could have lost."""
        return not any(_is_worth(piece) for piece in self.pieces)


def is_verifiable(part: Part) -> bool:
    """Whether somebody can verify the part, as it is or by its signature."""
    match part:
        case RedactedThinking() | Opaque():
            return True
        case Thinking() | Text() | ToolCall():
            return bool(part.signature)
        case _:
            return False


def _is_worth(piece: _Piece) -> bool:
    return bool(piece.signature) if isinstance(piece, _Said | _Called) else True


def split(
    blocks: Sequence[Block], group: str, mark: Mark, *, keeps_unsigned: bool = False
) -> tuple[Segment, ...]:
    """The segments of a choice of a reply, one for each of its calls, in order.

    Thinking without a signature is left out, unless `keeps_unsigned` says that its vendor wants it
    back. Refusals and citations are not kept.
    """
    runs: list[list[_Piece]] = []
    run: list[_Piece] = []
    answer = "".join(block.text for block in blocks if isinstance(block, Text))
    spoken = 0
    for block in blocks:
        match block:
            case Thinking(signature=signature):
                run += [block] if signature or keeps_unsigned else []
            case RedactedThinking() | Opaque():
                run.append(block)
            case Text(text):
                place = _Said(spoken, len(text), *_signature(block))
                run += [place] if text or place.signature else []
                spoken += len(text)
            case ToolCall():
                runs.append([*run, _Called(*_signature(block))])
                run = []
            case Refusal():
                pass
            case _ as unreachable:
                assert_never(unreachable)
    if runs:
        runs[-1] += run
    whole = len(answer), mark(answer)
    return tuple(Segment(group, n, *whole, tuple(pieces)) for n, pieces in enumerate(runs))


def _signature(block: Text | ToolCall) -> tuple[str | None, str]:
    """The signature and its origin; without the one, the other says nothing."""
    return (block.signature, block.origin) if block.signature else (None, "")


def write_segment(segment: Segment) -> bytes:
    """The segment as it is stored."""
    pieces = [_written(piece) for piece in segment.pieces]
    head = (_VERSION, segment.group, segment.number, segment.length, segment.mark)
    return _json.dumps([*head, pieces])


def _written(piece: _Piece) -> list[str | int | None]:
    match piece:
        case Thinking(text, signature, origin):
            return ["thinking", text, signature, origin]
        case RedactedThinking(data, origin):
            return ["redacted", data, origin]
        case Opaque(data, origin):
            return ["opaque", data, origin]
        case _Said(start, length, signature, origin):
            return ["text", start, length, signature, origin]
        case _Called(signature, origin):
            return ["call", signature, origin]
        case _ as unreachable:
            assert_never(unreachable)


def read_segment(value: bytes) -> Segment | None:
    """The segment of a stored value; None for what was never written, or by another version."""
    try:
        stored = _json.loads(value)
    except _json.InvalidJSON:
        return None
    match stored:
        case [version, str() as group, int() as number, int() as length, str() as mark, given] if (
            version == _VERSION and given.__class__ is list
        ):
            pieces = [_read(piece) for piece in given]
        case _:
            return None
    known = tuple([piece for piece in pieces if piece is not None])
    # A segment is a call's, so it has exactly one.
    whole = len(known) == len(pieces) and sum(isinstance(p, _Called) for p in known) == 1
    return Segment(group, number, length, mark, known) if whole else None


def _read(piece: Any) -> _Piece | None:
    match piece:
        case ["thinking", str() as text, str() | None as signature, str() as origin]:
            return Thinking(text, signature, origin)
        case ["redacted", str() as data, str() as origin]:
            return RedactedThinking(data, origin)
        case ["opaque", str() as data, str() as origin]:
            return Opaque(data, origin)
        case [
            "text",
            int() as start,
            int() as length,
            str() | None as signature,
            str() as origin,
        ]:
            return _Said(start, length, signature, origin)
        case ["call", str() | None as signature, str() as origin]:
            return _Called(signature, origin)
        case _:
            return None


def put_back(
    parts: Sequence[Part], segments: Sequence[Segment | None], mark: Mark
) -> tuple[Part, ...]:
    """The parts of an assistant's turn with what its calls bring back, in the reply's order.

    `segments` are those of the turn's calls, in order. Text that is still what the reply said is
    put in its places; any other stands before the first call. What nobody could verify makes room.
    """
    calls = [part for part in parts if isinstance(part, ToolCall)]
    found = _in_order([(s, call) for s, call in zip(segments, calls, strict=True) if s is not None])
    texts = [part for part in parts if isinstance(part, Text)]
    said = _cut([segment for segment, _ in found], texts, mark)
    placed: list[Part] = []
    for segment, call in found:
        for piece in segment.pieces:
            match piece:
                case _Said():
                    placed += _spoken(piece, said)
                case _Called(signature, origin):
                    placed.append(replace(call, signature=signature, origin=origin))
                case _:
                    placed.append(piece)
    own = [p for p in parts if isinstance(p, Refusal) or (said is None and isinstance(p, Text))]
    first = next((n for n, p in enumerate(placed) if isinstance(p, ToolCall)), len(placed))
    lost = [call for s, call in zip(segments, calls, strict=True) if s is None]
    return *placed[:first], *own, *placed[first:], *lost


def _in_order(found: list[tuple[Segment, ToolCall]]) -> list[tuple[Segment, ToolCall]]:
    """Replies as the message has them, and within each its calls as the model made them."""
    groups = dict.fromkeys(segment.group for segment, _ in found)
    places = {group: place for place, group in enumerate(groups)}
    return sorted(found, key=lambda pair: (places[pair[0].group], pair[0].number))


def _cut(segments: Sequence[Segment], texts: Sequence[Text], mark: Mark) -> dict[int, Text] | None:
    """The text at each place of the reply; None where the texts are no longer what it said."""
    answer = "".join(text.text for text in texts)
    said: dict[int, Text] = {}
    end = 0
    for segment in segments:
        for piece in segment.pieces:
            if isinstance(piece, _Said) and piece.length:
                if piece.start != end or piece.length < 0:
                    return None
                end += piece.length
                said[piece.start] = Text(answer[piece.start : end], piece.signature, piece.origin)
    whole = (len(answer), mark(answer))
    if end != whole[0] or any((s.length, s.mark) != whole for s in segments):
        return None
    if said:
        # What the client wants cached reaches to the end of the text.
        last = [*said][-1]
        said[last] = replace(said[last], cache_control=texts[-1].cache_control)
    return said


def _spoken(piece: _Said, said: dict[int, Text] | None) -> list[Part]:
    if not piece.length:
        return [Text("", piece.signature, piece.origin)]
    return [] if said is None else [said[piece.start]]
