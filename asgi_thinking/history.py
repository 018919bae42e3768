"""What clients send back of earlier replies, whatever dialect each was written in.

Of forms this module knows nothing: it asks the dialects' `read_echo`, puts text and tool calls in
their places, and drops what the provider could not verify. Each message is treated by itself, so a
history that only grows stays equal from turn to turn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never

from asgi_thinking.conversation import AssistantReader, read_answer, read_calls
from asgi_thinking.dialects import CallSlot, Dialect
from asgi_thinking.messages import (
    Block,
    File,
    Image,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
)
from asgi_thinking.replay import is_verifiable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["keep_verifiable", "reader", "seals", "without"]

Piece: TypeAlias = Block | CallSlot
Signed: TypeAlias = Text | ToolCall

_NAMES: Final = {Thinking: "thinking", RedactedThinking: "redacted thinking", Opaque: "block"}


def reader(dialects: Sequence[Dialect]) -> AssistantReader:
    """A reader of assistant messages that knows the forms of these dialects.

    Forms that keep the order of blocks come first, in the order of `dialects`; the first form whose
    blocks somebody can verify counts, else the first with any thinking. `content` decides what the
    text is: a form's text that differs from it was edited, and only the form's thinking is kept.

    The reader raises `InvalidRequest` with `param` such as `tool_calls[0].function.arguments`.
    """
    forms = sorted(dialects, key=lambda dialect: not dialect.ordered)

    def read(message: Mapping[str, Any]) -> tuple[Block, ...]:
        pieces, form, claimed = _echo(forms, message)
        answer = read_answer(message, strict=not claimed)
        if form is not None and form.in_content:
            answer = tuple(block for block in answer if isinstance(block, Refusal))
        calls = _once(read_calls(message))
        if pieces is None:
            return *answer, *calls
        return _place_calls(_place_answer(pieces, answer), calls)

    return read


def _once(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """The calls, each once: no vendor takes two of one id, and there is one result for both."""
    if len(calls) < 2:
        return calls
    found: dict[tuple[str, str, str], ToolCall] = {}
    for call in calls:
        found.setdefault((call.id, call.name, call.arguments), call)
    return tuple(found.values())


def _echo(
    forms: Sequence[Dialect], message: Mapping[str, Any]
) -> tuple[Sequence[Piece] | None, Dialect | None, bool]:
    """The pieces of the form that counts, that form, and whether the message is of any at all."""
    found: Sequence[Piece] | None = None
    counts: Dialect | None = None
    claimed = False
    for form in forms:
        pieces = form.read_echo(message)
        if pieces is None:
            continue
        claimed = True
        if any(not isinstance(piece, CallSlot) and is_verifiable(piece) for piece in pieces):
            return pieces, form, claimed
        if found is None and any(isinstance(piece, Thinking) for piece in pieces):
            found, counts = pieces, form
    return found, counts, claimed


def _place_answer(pieces: Sequence[Piece], answer: Sequence[Text | Refusal]) -> list[Piece]:
    """Put `content` behind the thinking that leads, unless the form has the same text in place."""
    texts = [block for block in answer if isinstance(block, Text)]
    ordered = "".join(piece.text for piece in pieces if isinstance(piece, Text))
    if not texts or ordered == "".join(text.text for text in texts):
        told = {piece for piece in pieces if isinstance(piece, Refusal)}
        return [*pieces, *(b for b in answer if isinstance(b, Refusal) and b not in told)]
    kept = [piece for piece in pieces if not (isinstance(piece, Text | Refusal) and piece.text)]
    # Thinking between tool calls was not first, whatever became of the text.
    first_call = next((i for i, p in enumerate(kept) if isinstance(p, CallSlot | ToolCall)), None)
    place = len(kept) if first_call is None else first_call
    return [*kept[:place], *answer, *kept[place:]]


def _place_calls(pieces: Sequence[Piece], calls: Sequence[ToolCall]) -> tuple[Block, ...]:
    """Put each call into its slot, and the calls without a slot at the end.

    A form's own `ToolCall` has nothing but a signature for the call of that id. A signature that
    stands on the call itself comes first, unless the form's says of another provider that it is
    its: Gemini's place for signatures, on the call, names no provider, and Vertex shares it.
    """
    signatures = {piece.id: piece for piece in pieces if isinstance(piece, ToolCall)}
    waiting = dict(enumerate(_signed(call, signatures.get(call.id)) for call in calls))
    placed: list[Block] = []
    for piece in pieces:
        if isinstance(piece, CallSlot):
            call = waiting.pop(piece.position, None)
            placed += [] if call is None else [call]
        elif not isinstance(piece, ToolCall):
            placed.append(piece)
    return *placed, *waiting.values()


def _signed(call: ToolCall, echo: ToolCall | None) -> ToolCall:
    if echo is None or not echo.signature:
        return call
    if call.signature and echo.origin in ("", call.origin):
        return call
    return replace(call, signature=echo.signature, origin=echo.origin)


def keep_verifiable(
    turns: Sequence[Turn], accepts: frozenset[str], *, keeps_unsigned: bool = False
) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
    """The turns as a provider that verifies the origins `accepts` takes them, and what was dropped.

    Thinking without a signature goes, unless `keeps_unsigned` says that the vendor wants it back,
    and so does every block whose origin is not accepted; text and calls only lose their signature.
    Claude's thinking goes from turns that end in it, and assistant turns go that are left empty.
    What was dropped reads as `messages[3]: unsigned thinking dropped`, where 3 counts the turns
    that came in.
    """
    kept: list[Turn] = []
    dropped: list[str] = []
    for number, turn in enumerate(turns):
        if turn.role != "assistant":
            kept.append(turn)
            continue
        reasons: dict[str, None] = {}
        found = [
            _verifiable(part, accepts, reasons, keeps_unsigned=keeps_unsigned)
            for part in _whole(turn.parts)
        ]
        parts = _ended([part for part in found if part is not None], reasons)
        if parts:
            kept.append(turn if parts == turn.parts else replace(turn, parts=parts))
        else:
            reasons["empty turn dropped"] = None
        dropped += (f"messages[{number}]: {reason}" for reason in reasons)
    return tuple(kept), tuple(dropped)


def seals(turns: Sequence[Turn]) -> list[str]:
    """The signatures of the turns, and what stands for one: redacted data."""
    return [seal for turn in turns for part in turn.parts if (seal := _seal(part))]


def without(
    turns: Sequence[Turn], refused: Callable[[str], bool]
) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
    """The turns without the thinking and the signatures that are `refused`, and what was dropped.

    What was dropped reads as in `keep_verifiable`; a turn left empty stays.
    """
    kept: list[Turn] = []
    dropped: list[str] = []
    for number, turn in enumerate(turns):
        if not any(refused(seal) for seal in seals([turn])):
            kept.append(turn)
            continue
        parts: list[Part] = []
        for part in turn.parts:
            if not refused(_seal(part)):
                parts.append(part)
            elif isinstance(part, Text | ToolCall):
                parts.append(replace(part, signature=None, origin=""))
        kept.append(replace(turn, parts=tuple(parts)))
        dropped.append(f"messages[{number}]: thinking that was refused dropped")
    return tuple(kept), tuple(dropped)


def _seal(part: Part) -> str:
    match part:
        case Thinking() | Text() | ToolCall():
            return part.signature or ""
        case RedactedThinking(data):
            return data
        case _:
            return ""


def _whole(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts, with a signature that comes alone on the unsigned fragments right before it.

    Clients that only collect a stream's fragments send them back so.
    """
    whole: list[Part] = []
    for part in parts:
        signed = part
        if isinstance(part, Thinking) and part.signature and not part.text:
            fragments: list[str] = []
            while whole and isinstance(last := whole[-1], Thinking) and _signs(part, last):
                fragments.append(last.text)
                del whole[-1]
            signed = replace(part, text="".join(reversed(fragments)))
        whole.append(signed)
    return tuple(whole)


def _signs(signed: Thinking, fragment: Thinking) -> bool:
    return not fragment.signature and fragment.origin == signed.origin


def _ended(parts: list[Part], reasons: dict[str, None]) -> tuple[Part, ...]:
    """The parts, without Claude's thinking if they end in it; `reasons` says so.

    A reply that its limit cut off, or a client that kept no more, leaves a turn so, and the API
    refuses the whole conversation for it: "The final block in an assistant message cannot be
    `thinking`". Of a turn's thinking it wants all or none.

    Source: https://github.com/tailcallhq/forgecode/issues/2107 and
    https://platform.claude.com/docs/en/build-with-claude/extended-thinking, read 2026-11-22.
    """
    if not (parts and _is_claudes_thinking(parts[-1])):
        return tuple(parts)
    reasons["thinking that nothing follows dropped"] = None
    return tuple([part for part in parts if not _is_claudes_thinking(part)])


def _is_claudes_thinking(part: Part) -> bool:
    match part:
        case Thinking(_, signature, origin):
            return bool(signature) and origin.partition("?")[0] == ""
        case RedactedThinking(_, origin):
            return origin.partition("?")[0] == ""
        case _:
            return False


def _verifiable(
    part: Part, accepts: frozenset[str], reasons: dict[str, None], *, keeps_unsigned: bool
) -> Part | None:
    """The part without what nobody could verify, None if nothing is left; `reasons` says why."""
    match part:
        case Thinking() if (
            not part.signature
            and keeps_unsigned
            and (not part.origin or _is_of(part.origin, accepts))
        ):
            return part
        case Thinking() if not part.signature:
            if not (part.origin and _is_of(part.origin, accepts)):
                reasons["unsigned thinking dropped"] = None
            return None  # a vendor that does not sign thinking does not want it back, either
        case Thinking() | RedactedThinking() | Opaque():
            if _is_of(part.origin, accepts):
                return part
            reasons[f"{_NAMES[type(part)]} of {_shown(part.origin)} dropped"] = None
            return None
        case Text() | ToolCall():
            unsigned = _unsign(part, accepts, reasons)
            empty = isinstance(unsigned, Text) and not (unsigned.text or unsigned.signature)
            return None if empty else unsigned
        case Refusal() | Image() | File():
            return part
        case _ as unreachable:
            assert_never(unreachable)


def _unsign(part: Signed, accepts: frozenset[str], reasons: dict[str, None]) -> Signed:
    if part.signature is None or (part.signature and _is_of(part.origin, accepts)):
        return part
    if part.signature:
        reasons[f"signature of {_shown(part.origin)} dropped"] = None
    return replace(part, signature=None, origin="")


def _is_of(origin: str, accepts: frozenset[str]) -> bool:
    """Whether one of these is who can verify; what else its vendor wants back follows a "?"."""
    return origin in accepts or origin.partition("?")[0] in accepts


def _shown(origin: str) -> str:
    """An origin for a report; it came from the caller, so it is cut."""
    return repr(origin[:32]) if origin else "Claude"
