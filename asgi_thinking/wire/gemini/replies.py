"""Replies of Gemini: one JSON object, or a stream of them.

Each object is `{"candidates": [{"content": {"parts": [part, …]}, "finishReason"}], "usageMetadata",
"modelVersion", "responseId"}`; the parts of a stream's objects follow one another. A stream has no
end of its own but that of the body: it is whole if its candidates gave their reasons to finish.

Source: https://ai.google.dev/api/generate-content and
https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-22.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from asgi_thinking import _json
from asgi_thinking.events import (
    BlockKind,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Extra,
    Finish,
    MessageStart,
    SignatureDelta,
    StreamError,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.exceptions import ThinkingError, UpstreamProtocolError, UpstreamStatusError
from asgi_thinking.messages import synthetic_call_id
from asgi_thinking.wire.checks import checked_text
from asgi_thinking.wire.gemini.errors import event_error
from asgi_thinking.wire.gemini.finishing import (
    BLOCK_REASONS,
    FAILURES,
    FINISH,
    FINISH_REASONS,
    NEVER_AGAIN,
)
from asgi_thinking.wire.gemini.sources import sources_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MALFORMED", "ORIGINS", "ReplyDecoder", "decode_reply"]

JSONObject: TypeAlias = dict[str, Any]

ORIGINS: Final = frozenset({"gemini", "vertex"})
"""Who can verify signatures: AI Studio and Vertex AI refuse one another's, as "corrupted".

Source: https://github.com/google-gemini/gemini-cli/issues/13467, read 2026-11-22.
"""

# What of a part is about it and not in it.
_ABOUT: Final = frozenset({"text", "thought", "thoughtSignature", "partMetadata"})

_COUNTS: Final = frozenset({"promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"})

# The most candidates that a request can ask for.
_MOST_CHOICES: Final = 128

# How JSON shows that it is not of this wire: a missing key, or a value of another type.
MALFORMED: Final = (ValueError, LookupError, TypeError, AttributeError)


class _Choice:
    """One candidate.

    `index` is the open block's, -1 where none is; `kind` what may still be added to it: "" once it
    is signed, for a signature vouches for a part as it is. `answer` says whether it is a text.
    """

    __slots__ = (
        "answer",
        "blocked",
        "called",
        "cited",
        "explanation",
        "grounding",
        "index",
        "kind",
        "native",
        "number",
        "texts",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.index = -1
        self.kind = ""
        self.answer = False
        self.blocked = False
        self.called = False
        self.native = ""
        self.explanation = ""
        self.texts: list[str] = []
        self.grounding: list[JSONObject] = []
        self.cited: list[JSONObject] = []

    def finish(self) -> Finish:
        """Why it finished.

        Gemini has no word for calls, and those who go by the vendor's words would take its "STOP"
        for an answer.
        """
        reason = "content_filter" if self.blocked else FINISH.get(self.native, "stop")
        if reason == "stop" and self.called:
            return Finish("tool_calls", "tool_calls", self.number)
        return Finish(reason, self.native, self.number)


class ReplyDecoder:
    """Turns the JSON texts of one reply into events, whatever framing they came in.

    `ended` says whether the reply is over, well or badly; what follows is ignored.
    """

    __slots__ = (
        "_block_reason",
        "_call_ids",
        "_calls",
        "_choices",
        "_counts",
        "_created",
        "_explanation",
        "_id",
        "_model",
        "_next",
        "_provider",
        "ended",
    )

    def __init__(self, created: int, provider: str, model: str = "") -> None:
        """`model` is what was asked for, in case the reply does not name its own.

        `provider` is also who can verify what the reply signs.
        """
        self._created = created
        self._provider = provider
        self._model = model
        self._id = ""  # until the reply has started
        self._choices: dict[int, _Choice] = {}
        self._next = 0  # our next index
        self._calls = 0
        self._call_ids: set[str] = set()
        self._counts: JSONObject = {}
        self._block_reason = ""
        self._explanation = ""
        self.ended = False

    def feed(self, payloads: Iterable[bytes]) -> list[Event]:
        """The events of some of the reply's objects, each one JSON text."""
        events: list[Event] = []
        try:
            for payload in payloads:
                if self.ended:
                    break
                try:
                    reply = orjson.loads(payload)
                except orjson.JSONDecodeError:
                    reply = _json.loads(payload)  # which mends half surrogate pairs
                for item in reply if reply.__class__ is list else (reply,):
                    self._take(item, events)
        except MALFORMED:
            events += self.fail(self._protocol_error("malformed reply, expected Gemini's"))
        return events

    def close(self) -> list[Event]:
        """The reply is over: its end, or an error if it has not come to one."""
        if self.ended:
            return []
        if self._block_reason and not any(choice.native for choice in self._choices.values()):
            choice = self._choice(0)
            choice.blocked = True
            choice.native, choice.explanation = self._block_reason, self._explanation
        choices = self._choices.values()
        if not choices or not all(choice.native for choice in choices):
            return self.fail(self._protocol_error("the reply ended before its finish reason"))
        events: list[Event] = []
        try:
            for choice in choices:
                self._settle(choice, events)
        except MALFORMED:
            return events + self.fail(self._protocol_error("malformed sources"))
        if failed := [choice for choice in choices if choice.native in FAILURES]:
            return events + self.fail(self._failure(failed[0]))
        events += self._usage()
        events += [choice.finish() for choice in choices]
        events.append(Done())
        self.ended = True
        return events

    def fail(self, error: ThinkingError) -> list[Event]:
        """End the reply with an error; its tokens were spent all the same."""
        self.ended = True
        return [*self._usage(), StreamError(error)]

    def _protocol_error(self, what: str) -> UpstreamProtocolError:
        return UpstreamProtocolError(f"{self._provider}: {what}", provider=self._provider)

    def _failure(self, choice: _Choice) -> UpstreamStatusError:
        """The error of a model that could not finish, which another attempt mostly can."""
        native = choice.native
        return UpstreamStatusError(
            choice.explanation or f"{self._provider}: {FAILURES[native]}",
            provider=self._provider,
            status=502,
            code=native,
            retryable=False if native in NEVER_AGAIN else None,
        )

    def _take(self, reply: JSONObject, events: list[Event]) -> None:
        if self.ended:
            return
        if "error" in reply:
            events += self.fail(event_error(reply["error"], self._provider))
            return
        if not self._id:
            self._start(reply, events)
        for candidate in reply.get("candidates") or ():
            self._candidate(candidate, events)
        counts: Any = reply.get("usageMetadata")
        if counts.__class__ is dict and not _COUNTS.isdisjoint(counts):
            self._counts = counts  # cumulative: the last one says it all
        if feedback := reply.get("promptFeedback"):
            reason = feedback.get("blockReason") or ""
            self._block_reason = BLOCK_REASONS.get(reason, str(reason))
            self._explanation = checked_text(feedback.get("blockReasonMessage") or "")

    def _start(self, reply: JSONObject, events: list[Event]) -> None:
        """The reply begins; one without an id is known by what it says first."""
        self._id = checked_text(reply.get("responseId") or "") or (
            "gemini-" + hashlib.sha256(orjson.dumps(reply)).hexdigest()[:24]
        )
        model = checked_text(reply.get("modelVersion") or "") or self._model
        events.append(MessageStart(self._id, model, self._created, self._provider))

    def _candidate(self, candidate: JSONObject, events: list[Event]) -> None:
        choice = self._choice(candidate.get("index") or 0)
        if content := candidate.get("content"):
            for part in content.get("parts") or ():
                self._part(choice, part, events)
        # Older models gave a reason with every object of a stream: the last one counts.
        if reason := candidate.get("finishReason"):
            native = FINISH_REASONS.get(reason, str(reason))
            choice.native = "" if native == "FINISH_REASON_UNSPECIFIED" else native
            choice.explanation = checked_text(candidate.get("finishMessage") or "")
        if metadata := candidate.get("groundingMetadata"):
            choice.grounding.append(metadata)
        if metadata := candidate.get("citationMetadata"):
            choice.cited.append(metadata)

    def _choice(self, number: int) -> _Choice:
        choice = self._choices.get(number)
        if choice is None:
            if number not in range(_MOST_CHOICES):
                raise ValueError("more candidates than can be asked for")
            choice = self._choices[number] = _Choice(number)
        return choice

    def _part(self, choice: _Choice, part: JSONObject, events: list[Event]) -> None:
        text = part.get("text")
        if text is None:
            self._other_part(choice, part, events)
            return
        if text.__class__ is not str:
            raise TypeError("expected a string")
        kind: BlockKind = "thinking" if part.get("thought") else "text"
        signature = part.get("thoughtSignature")
        if not (text or signature):
            return
        if kind != choice.kind or signature:
            self._stop(choice, events)
            choice.index, choice.answer = self._index(), kind == "text"
            choice.kind = "" if signature else kind
            origin = self._provider if signature else ""
            events.append(BlockStart(choice.index, kind, choice.number, origin=origin))
        if text and kind == "thinking":
            events.append(ThinkingDelta(choice.index, text))
        elif text:
            choice.texts.append(text)
            events.append(TextDelta(choice.index, text))
        if signature:
            events.append(SignatureDelta(choice.index, checked_text(signature)))

    def _other_part(self, choice: _Choice, part: JSONObject, events: list[Event]) -> None:
        """A call, or a part that we do not understand: the vendor's own tools, images."""
        if call := part.get("functionCall"):
            self._stop(choice, events)
            self._call(choice, call, part.get("thoughtSignature"), events)
        elif kinds := part.keys() - _ABOUT:
            self._stop(choice, events)
            data = orjson.dumps({"type": min(kinds), **part}).decode()
            index = self._index()
            start = BlockStart(index, "opaque", choice.number, data=data, origin=self._provider)
            events += [start, BlockStop(index)]
        else:
            self._part(choice, part | {"text": ""}, events)

    def _call(self, choice: _Choice, call: JSONObject, signature: Any, events: list[Event]) -> None:
        if call.get("partialArgs") or call.get("willContinue"):
            raise ValueError("arguments in parts, which were not asked for")
        choice.called = True
        call_id = checked_text(call.get("id") or "")
        if not call_id or call_id in self._call_ids:
            call_id = synthetic_call_id(self._id, self._calls)
        self._calls += 1
        self._call_ids.add(call_id)
        index, name, arguments = self._index(), checked_text(call["name"]), call.get("args")
        origin = self._provider if signature else ""
        events.append(BlockStart(index, "tool_call", choice.number, call_id, name, origin=origin))
        if signature:
            events.append(SignatureDelta(index, checked_text(signature)))
        if arguments:
            events.append(ToolCallDelta(index, orjson.dumps(arguments).decode()))
        events.append(BlockStop(index))

    def _stop(self, choice: _Choice, events: list[Event]) -> None:
        if choice.index >= 0:
            events.append(BlockStop(choice.index))
        choice.index, choice.kind, choice.answer = -1, "", False

    def _index(self) -> int:
        index = self._next
        self._next += 1
        return index

    def _settle(self, choice: _Choice, events: list[Event]) -> None:
        """What a candidate ends with: its sources, its last block, why it was refused."""
        sources = sources_of(choice.index, "".join(choice.texts), choice.grounding, choice.cited)
        if sources and not choice.answer:
            # The sources are the whole answer's, so that any text may carry them.
            self._stop(choice, events)
            choice.index = self._index()
            events.append(BlockStart(choice.index, "text", choice.number))
            for source in sources:
                source.index = choice.index
        events += sources
        self._stop(choice, events)
        if choice.explanation and choice.finish().reason == "content_filter":
            index = self._index()
            events.append(BlockStart(index, "refusal", choice.number))
            events += [TextDelta(index, choice.explanation), BlockStop(index)]
        if choice.grounding:
            values = {"groundingMetadata": choice.grounding[-1]}
            events.append(Extra("choice", values, choice.number))

    def _usage(self) -> list[Event]:
        """Our counts of the vendor's, whose candidates do not include their thoughts."""
        if not self._counts:
            return []
        prompt, thoughts = self._count("promptTokenCount"), self._count("thoughtsTokenCount")
        if prompt is not None:
            prompt += self._count("toolUsePromptTokenCount") or 0
        output = (self._count("candidatesTokenCount") or 0) + (thoughts or 0)
        return [Usage(prompt, output, thoughts, self._count("cachedContentTokenCount"))]

    def _count(self, key: str) -> int | None:
        count = self._counts.get(key)
        return count if count.__class__ is int else None


def decode_reply(body: bytes, created: int, provider: str, model: str = "") -> list[Event]:
    """The events of a JSON reply, as one batch; an array of a stream's objects is one reply too.

    Never raises: an error or malformed body is a `StreamError`.
    """
    reply = ReplyDecoder(created, provider, model)
    return reply.feed((body,)) + reply.close()
