"""The host's own reply, bytes to bytes: read as OpenAI-compatible, written in a dialect.

What need not change does not: a reply without any thinking, and one in which the host's form of it
is already the dialect's, keep their bytes. Nothing here does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

from asgi_thinking import _json
from asgi_thinking import _wishes as wishes
from asgi_thinking._host_thoughts import all_under, choices_of, deltas_of, is_text, thinks
from asgi_thinking.chunks import StreamEncoder
from asgi_thinking.dialects import Asked, Dialect, Encoder
from asgi_thinking.events import (
    Batch,
    BlockStart,
    Event,
    Extra,
    Finish,
    StreamError,
)
from asgi_thinking.exceptions import (
    InvalidRequest,
    ThinkingError,
    UpstreamProtocolError,
    UpstreamStatusError,
)
from asgi_thinking.messages import assemble
from asgi_thinking.showing import transformed_encoder, transformed_message
from asgi_thinking.sse import MAX_EVENT_SIZE, encode
from asgi_thinking.transforms import Maker
from asgi_thinking.wire.openai import OpenAIDecoder, ThinkTags, decode_reply
from asgi_thinking.wire.openai.closed import ClosedStream, is_completion
from asgi_thinking.wire.openai.thinking import THINKING_KEYS

__all__ = ["HOST", "Form", "HostStream", "overheard", "rewritten"]

JSONObject: TypeAlias = dict[str, Any]

HOST: Final = "host"
"""The provider kind of replies whose maker nobody knows."""

# What a caller whose request is not known has asked for: to get what the host gives.
_UNKNOWN: Final = Asked(thinking=True, include_usage=True)

# How a finish reason looks that is not null, with either of the two usual spacings.
_FINISHED: Final = (b'"finish_reason":"', b'"finish_reason": "')
# How a tag may begin within JSON: some languages escape the bracket.
_BRACKETS: Final = (b"<", b"\\u003c", b"\\u003C")


def overheard(body: bytes | None) -> tuple[Asked, str]:
    """What a request asks of the reply, and of which model, as far as it can be read.

    Its faults are the host's matter. Of a body that is not known (None), or no JSON object, it is
    taken to ask for what it gets.
    """
    try:
        source = _json.loads(body or b"")
    except ValueError:
        return _UNKNOWN, ""
    if source.__class__ is not dict:
        return _UNKNOWN, ""
    said: dict[str, Any] = {}
    for name, read in wishes.READERS.items():
        if source.get(name) is not None:
            try:
                said[name] = read(source[name])
            except InvalidRequest:
                continue
    match source.get("stream_options"):
        case {"include_usage": True}:
            usage = True
        case _:
            usage = False
    model = source.get("model")
    asked = Asked(wishes.read_together(said).asked, usage)
    return asked, model if isinstance(model, str) else ""


@dataclass(frozen=True, slots=True)
class Form:
    """How a reply is written; `make` makes what changes its thinking, if anything does."""

    dialect: Dialect
    asked: Asked
    think_tags: ThinkTags = False
    make: Maker | None = None

    @property
    def own_key(self) -> str:
        """The key under which the dialect has thinking as mere text; "" where it has more.

        A host that has it there as well already speaks the dialect, if that is all it has, and if
        it is to be seen as it is.
        """
        own = self.dialect.own_keys
        if len(own) != 1 or self.dialect.ordered or self.think_tags or self.make is not None:
            return ""
        return next(iter(own)) if self.asked.thinking else ""

    @property
    def native_keys(self) -> frozenset[str]:
        """The keys of the dialect's own that only a host which speaks it has, where it may."""
        if not self.asked.thinking or self.make is not None:
            return frozenset[str]()
        return self.dialect.own_keys - THINKING_KEYS


def rewritten(body: bytes, created: int, form: Form) -> bytes | None:
    """A JSON reply in another form; None where it is to stay as it is.

    Raises:
        ProviderError: it is no chat completion; an `UpstreamStatusError` is what the host said.
        ThinkingError: what changes the thinking has failed.
    """
    events = decode_reply(body, created, HOST, think_tags=form.think_tags)
    if isinstance(last := events[-1], StreamError):
        raise last.error
    value = _json.loads(body)
    if _may_stay(value, events, form):
        return None
    message = assemble(events)
    if form.make is not None:
        message = transformed_message(message, form.make)
    encoded = form.dialect.encode_message(message, form.asked)
    return None if encoded == value else orjson.dumps(encoded)


def _may_stay(value: JSONObject, events: Batch, form: Form) -> bool:
    dialect, own = form.dialect, form.own_key
    if not dialect.shows_thinking:
        return not thinks(events) and is_completion(value)
    messages: list[JSONObject] = [choice.get("message") or {} for choice in value["choices"]]
    if any(message.get(key) for key in form.native_keys for message in messages):
        return True
    if thinks(events):
        return own != "" and is_text(events) and all_under(messages, own)
    # Where a dialect says the answer in a way of its own, who asked to see thinking looks there.
    keyed = own != "" and all(own in message for message in messages)
    return dialect.plain or keyed or not form.asked.thinking


class HostStream:
    """Turns the bytes of a host's stream, cut anywhere, into those to send; one per reply.

    While nothing has to change, whole events pass byte for byte, and decoder and encoder only
    follow; from the first thinking on, everything is the encoder's. `failure` is why the stream
    cannot be read, `passes` says that all of it goes on as it is, for this or another reason, and
    `over` that the error was told and nothing may follow.
    """

    __slots__ = (
        "_closed",
        "_decoder",
        "_encoder",
        "_finished",
        "_last",
        "_native",
        "_own",
        "_plain",
        "_sent",
        "_tags",
        "_tail",
        "_verbatim",
        "failure",
        "over",
        "passes",
    )

    def __init__(self, created: int, form: Form) -> None:
        """Begin a stream; raises a `ThinkingError` where what changes the thinking has failed."""
        dialect = form.dialect
        self._decoder = OpenAIDecoder(created, HOST, think_tags=form.think_tags)
        encoder = dialect.encoder(form.asked)
        self._plain = dialect.plain or encoder.__class__ is StreamEncoder
        self._encoder: Encoder = encoder
        if form.make is not None:
            self._encoder = transformed_encoder(encoder, form.make)
        self._closed = None if dialect.shows_thinking else ClosedStream()
        self._own = form.own_key
        self._native: frozenset[str] = form.native_keys  # until a block has been written
        self._tags = bool(form.think_tags)
        self._verbatim = (self._plain or self._own != "") and form.think_tags != "opened"
        self._tail = bytearray()  # of an event that has begun
        self._last = b"\n"  # the last two bytes that came
        self._sent = False
        self._finished: set[object] = set()  # choices whose end has passed as it was
        self.failure: ThinkingError | None = None
        self.passes = False
        self.over = False

    @property
    def keep_alive(self) -> bytes:
        """What the dialect's clients take for nothing; fit for any place between two results."""
        return self._encoder.keep_alive

    def rest(self) -> bytes:
        """The beginning of an event that has not been told yet."""
        return self._joined(b"")

    def feed(self, data: bytes) -> bytes:
        """What to send for `data`; `data` itself where nothing changes and nothing waits."""
        whole = self._whole_events(data)
        if whole:
            return self._take(whole, self._decoder.feed(whole))
        if len(self._tail) <= MAX_EVENT_SIZE:
            return b""
        error = UpstreamProtocolError(f"{HOST}: an event is larger than {MAX_EVENT_SIZE} bytes")
        return self._take(b"", [StreamError(error)])

    def close(self, data: bytes) -> bytes:
        """What to send for the last of the stream."""
        whole = self._joined(data) if self._tail else data
        events, rest = self._decoder.feed(whole), self._decoder.close()
        if self._verbatim:
            # A stream that passes ends as the host has ended it.
            ending = rest[:-1] if _failure(rest) else rest
            if self._may_pass(whole, [*events, *ending], b"\n\n"):
                return whole
        return self._take(whole, [*events, *rest])

    def _whole_events(self, data: bytes) -> bytes:
        """What has come of whole events; the rest waits, because its end may change it all."""
        if data[-2:] == b"\n\n":
            self._last = b"\n\n"
            return self._joined(data) if self._tail else data
        # The last blank line, whose beginning may have come before; half a CRLF is none yet.
        edge = self._last + data
        known = len(edge) - (edge[-2:] == b"\n\r")
        place = max(edge.rfind(b"\n\n"), edge.rfind(b"\n\r", 0, known), edge.rfind(b"\r\r"))
        end = place + 2 + (edge[place + 1 : place + 3] == b"\r\n") - len(self._last)
        self._last = edge[-2:]
        if place < 0 or end <= 0:
            self._tail += data
            return b""
        whole = self._joined(data[:end])
        self._tail += data[end:]
        return whole

    def _joined(self, data: bytes) -> bytes:
        whole = bytes(self._tail) + data
        self._tail.clear()
        return whole

    def _take(self, whole: bytes, events: list[Event]) -> bytes:
        """What to send for whole events, of which `events` have been read."""
        # What is like the last chunk but for its text passes if that has.
        if self._verbatim and (self._decoder.follows or self._may_pass(whole, events)):
            if events:
                self._encoder.feed(events)
            self._sent = True
            return whole
        if self._native and self._is_native(events):
            self.passes = True
            return whole + self.rest()
        if (failure := _failure(events)) is not None:
            self.failure = failure
            if self._may_give_up(events, failure):
                self.passes = True
                return whole + self.rest()
            self.over = True
        self._verbatim = False
        if self._finished:
            events = [event for event in events if not self._has_passed(event)]
        sent = self._encoded(events) if events else b""
        if not sent and not self.over and (whole[:1] == b":" or b"\n:" in whole):
            sent = self._encoder.keep_alive  # the host's sign of life, without its words
        self._sent = self._sent or bool(sent)
        return sent

    def _may_pass(self, whole: bytes, events: list[Event], end: bytes = b"") -> bool:
        """Whether whole events can be sent as they are; `end` is what the last one lacks."""
        if self._tags and any(bracket in whole for bracket in _BRACKETS):
            return False  # the beginning of a tag would be gone before the tag is known
        if events and isinstance(events[-1], StreamError):
            return False
        if self._closed is not None:
            if not self._closed.passes(whole + end):
                return False
        elif self._own:
            if not self._is_own(whole, events):
                return False
        elif thinks(events):
            return False
        if _FINISHED[0] in whole or _FINISHED[1] in whole:
            self._finished |= _finishes(whole)
        return True

    def _has_passed(self, event: Event) -> bool:
        """Whether it is a finish that the host's own bytes have told."""
        return isinstance(event, Finish) and event.choice in self._finished

    def _encoded(self, events: list[Event]) -> bytes:
        """What the dialect makes of events, or the error of what was to change their thinking."""
        try:
            return self._encoder.feed(events)
        except ThinkingError as error:
            self.failure = error
            self.over = True
            return encode(error.envelope(), b"error")

    def _is_own(self, whole: bytes, events: list[Event]) -> bool:
        """Whether the host already speaks the dialect, in which thinking is mere text."""
        own = self._own
        if self._plain and not thinks(events):
            return True
        deltas = deltas_of(whole)
        if not (self._plain or all(own in delta for delta in deltas if delta.get("content"))):
            return False
        return is_text(events) and all_under(deltas, own)

    def _is_native(self, events: list[Event]) -> bool:
        """Whether the host speaks the dialect, in keys that nobody else has."""
        told = [event.values.keys() for event in events if isinstance(event, Extra)]
        if not all(self._native.isdisjoint(keys) for keys in told):
            return True
        if any(isinstance(event, BlockStart) for event in events):
            self._native = frozenset[str]()
        return False

    def _may_give_up(self, events: list[Event], failure: Exception) -> bool:
        """Whether a stream that cannot be read goes on as it is."""
        if thinks(events):
            return False
        if self._closed is None:
            return self._verbatim or not self._sent
        return not self._sent and not isinstance(failure, UpstreamStatusError)


def _failure(events: Batch) -> Any:
    """The error that the events end with, if they do."""
    return last.error if events and isinstance(last := events[-1], StreamError) else None


def _finishes(whole: bytes) -> set[object]:
    """The choices that are said to be complete."""
    choices = [choice for choice in choices_of(whole) if choice.get("finish_reason")]
    return {number for choice in choices if isinstance(number := choice.get("index", 0), int)}
