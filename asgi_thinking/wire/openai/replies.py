"""Replies of chat completions: one JSON object, or the chunks of a stream.

Nothing here knows a vendor: what servers do differently is read by its form. A stream ends with
`[DONE]`, or, at servers that leave it out, when every choice has its finish reason. What it says
beside the vocabulary becomes `Extra`; an error ends it, whatever has come before.

Source: https://platform.openai.com/docs/api-reference/chat-streaming, read 2026-11-22.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import orjson

from asgi_thinking import _json
from asgi_thinking.events import (
    Done,
    Event,
    Extra,
    Finish,
    FinishReason,
    MessageStart,
    StreamError,
)
from asgi_thinking.exceptions import ThinkingError, UpstreamProtocolError, UpstreamStatusError
from asgi_thinking.wire.openai.choices import ChoiceReader
from asgi_thinking.wire.openai.counts import count, groq_usage, read_usage
from asgi_thinking.wire.openai.errors import told_error
from asgi_thinking.wire.openai.tags import TagSplitter
from asgi_thinking.wire.openai.thinking import Reply, is_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asgi_thinking.sse import ServerSentEvent

__all__ = ["DONE", "CompletionDecoder", "ThinkTags", "decode_reply"]

JSONObject: TypeAlias = dict[str, Any]

ThinkTags: TypeAlias = bool | Literal["opened"]
"""Whether to look for `<think>` in the answer; "opened": the reply begins inside it."""

# OpenAI's words, and those that servers pass on from other APIs.
# Source: https://docs.mistral.ai/api, https://docs.z.ai/api-reference,
# https://platform.claude.com/docs/en/api/messages, read 2026-11-22.
_FINISH: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "sensitive": "content_filter",
}

# Finish reasons of replies that broke off, and the status that each would have had.
# Source: https://openrouter.ai/docs/api-reference/errors, https://docs.z.ai/api-reference and
# https://api-docs.deepseek.com/api/create-chat-completion, read 2026-11-22.
_BROKEN: Final[Mapping[str, int]] = {
    "error": 502,
    "network_error": 502,
    "insufficient_system_resource": 503,
}

# What is ours to say, of a chunk and of a choice.
_ENVELOPE: Final = frozenset({"id", "object", "created", "model", "usage", "error"})
_CHOICE: Final = frozenset({"index", "message", "finish_reason"})

# More than any API gives; an index beyond is no index.
_CHOICES: Final = 1024

# Bytes in which no JSON text can be deeper than `_json` takes it.
_SHALLOW: Final = 2 * _json.MAX_DEPTH

DONE: Final = b"[DONE]"

# How JSON shows that it is not of this wire: a missing key, or a value of another type.
_MALFORMED: Final = (ValueError, LookupError, TypeError, AttributeError)


class CompletionDecoder:
    """Turns the chunks of one stream into events, whatever framing they came in.

    `ended` says whether the reply is over, well or badly; what follows is ignored.
    """

    __slots__ = (
        "_choices",
        "_created",
        "_envelope",
        "_provider",
        "_reply",
        "_said",
        "_started",
        "_tags",
        "_usage",
        "ended",
    )

    def __init__(self, created: int, provider: str, *, think_tags: ThinkTags = False) -> None:
        self._created = created
        self._provider = provider
        self._tags = think_tags
        self._reply = Reply(provider)
        self._choices: dict[int, ChoiceReader] = {}
        self._envelope: JSONObject | None = None  # of the last chunk
        self._said: JSONObject = {}
        self._usage: Any = None
        self._started = False
        self.ended = False

    def feed(self, frames: Iterable[ServerSentEvent]) -> list[Event]:
        """The events of some of the stream's chunks, each with the name of its event, or b""."""
        events: list[Event] = []
        try:
            for name, data in frames:
                if self.ended:
                    break
                if data[:6] == DONE:
                    self._end(events)
                    break
                chunk = _loads(data)
                if name == b"error":
                    raise told_error(chunk, self._provider)
                self._chunk(chunk, data, events)
        except UpstreamStatusError as error:
            # What has its finish reason is whole, and its blocks are.
            for choice in [choice for choice in self._choices.values() if choice.native]:
                choice.close(events)
            events += self.fail(error)
        except _MALFORMED:
            events += self.fail(self._protocol_error("malformed chunk"))
        return events

    def read(self, body: bytes) -> list[Event]:
        """The events of a whole JSON reply."""
        events: list[Event] = []
        try:
            self._chunk(_json.loads(body), body, events)
            self._end(events)
        except UpstreamStatusError as error:
            return self.fail(error)
        except _MALFORMED:
            return self.fail(self._protocol_error("malformed reply"))
        return [events[-1]] if isinstance(events[-1], StreamError) else events

    def close(self) -> list[Event]:
        """The stream is over: its end if all choices have one, else an error."""
        if self.ended:
            return []
        if self._choices and all(choice.native for choice in self._choices.values()):
            events: list[Event] = []
            self._end(events)
            return events
        return self.fail(self._protocol_error("the stream ended before its finish_reason"))

    @property
    def only(self) -> ChoiceReader | None:
        """The reply's one choice, if there is but one and its text is told as it comes."""
        return self._choices.get(0) if len(self._choices) == 1 and not self._tags else None

    def fail(self, error: ThinkingError) -> list[Event]:
        """End the reply with an error."""
        self.ended = True
        return [StreamError(error)]

    def _protocol_error(self, what: str) -> UpstreamProtocolError:
        message = f"{self._provider}: {what}, expected a chat completion"
        return UpstreamProtocolError(message, provider=self._provider)

    def _chunk(self, chunk: JSONObject, data: bytes, events: list[Event]) -> None:
        """Take a chunk; from one to the next, all but the choices is usually the same."""
        choices = chunk.pop("choices", None)
        chunk.pop("obfuscation", None)  # padding against the guessing of lengths; Mistral calls it
        chunk.pop("p", None)
        usage: JSONObject | None = None
        if chunk != self._envelope:
            if not self._open_chunk(chunk, choices, data, events):
                return
            usage = chunk.get("usage") or groq_usage(chunk)
        for position, choice in enumerate(choices or ()):
            number = choice.get("index", position)
            reader = self._choices.get(number) or self._open_choice(number)
            delta = choice.pop("delta", None) or choice.pop("message", None)
            if delta:
                reader.feed(delta, events)
            if choice != reader.quiet:
                self._read_choice(reader, number, choice, events)
        if usage and usage != self._usage:
            self._usage = usage
            events.append(read_usage(usage))

    def _open_chunk(
        self, chunk: JSONObject, choices: Any, data: bytes, events: list[Event]
    ) -> bool:
        """Take what a chunk says beside its choices; False if it is none, or too early."""
        if chunk.get("error") or (not choices and chunk.get("object") == "error"):
            raise told_error(chunk, self._provider)
        if choices is None and "usage" not in chunk:
            return False  # some server's sign of life
        news = {
            key: value
            for key, value in chunk.items()
            if not (key in _ENVELOPE or value is None or self._said.get(key) == value)
        }
        self._said |= news
        if self._started:
            events += [Extra("body", news)] if news else ()
        elif choices or chunk.get("id") or chunk.get("usage"):
            self._start(chunk, data, events)
        else:
            return False  # Azure begins with a chunk about the prompt, not yet about the reply
        self._envelope = chunk
        return True

    def _start(self, chunk: JSONObject, data: bytes, events: list[Event]) -> None:
        """Begin the reply; one without an id gets one that only depends on its bytes."""
        self._started = True
        digest = hashlib.sha256(data + b"%d" % self._created).digest()
        name = chunk.get("id") or "chatcmpl-" + base64.urlsafe_b64encode(digest)[:22].decode()
        created = count(chunk, "created") or self._created
        self._reply.id = str(name)
        model = str(chunk.get("model") or "")
        events.append(MessageStart(self._reply.id, model, created, self._provider))
        if self._said:
            events.append(Extra("body", dict(self._said)))

    def _read_choice(
        self, reader: ChoiceReader, number: int, choice: JSONObject, events: list[Event]
    ) -> None:
        """Take what a choice says beside its delta, and remember it if that is nothing."""
        more = {
            key: value
            for key, value in choice.items()
            if not (key in _CHOICE or value is None or _is_null(value))
        }
        if more.get("error"):
            raise told_error(more, self._provider)
        if more:
            events.append(Extra("choice", more, number))
        if reason := choice.get("finish_reason"):
            self._finish(reader, str(reason))
        elif not more:
            reader.quiet = choice

    def _open_choice(self, number: Any) -> ChoiceReader:
        if number.__class__ is not int or not 0 <= number < _CHOICES:
            raise ValueError("an index that is none")
        tags = TagSplitter(inside=self._tags == "opened") if self._tags else None
        reader = self._choices[number] = ChoiceReader(number, self._reply, tags)
        return reader

    def _finish(self, choice: ChoiceReader, reason: str) -> None:
        if (status := _BROKEN.get(reason)) is not None:
            message = f"{self._provider}: the reply broke off with finish_reason {reason!r}"
            raise UpstreamStatusError(message, provider=self._provider, status=status, code=reason)
        choice.native = reason

    def _end(self, events: list[Event]) -> None:
        """The wire's own end; finish reasons wait for it, because servers repeat and mend them."""
        if not self._choices:
            events += self.fail(self._protocol_error("a reply without choices"))
            return
        finishes: list[Event] = []
        for number, choice in sorted(self._choices.items()):
            choice.close(events)
            reason = _FINISH.get(choice.native, "stop")
            if reason == "stop" and choice.called:
                reason = "tool_calls"
            elif reason == "tool_calls" and not (choice.called or choice.native == "function_call"):
                reason = "stop"
            finishes.append(Finish(reason, choice.native, number))
        events += finishes
        events.append(Done())
        self.ended = True


def decode_reply(
    body: bytes, created: int, provider: str, *, think_tags: ThinkTags = False
) -> list[Event]:
    """The events of a JSON reply, as one batch.

    Shape: `{"id", "model", "choices": [{"index", "message", "finish_reason"}, …], "usage"}`. Never
    raises: an error or malformed body is one `StreamError`.
    """
    return CompletionDecoder(created, provider, think_tags=think_tags).read(body)


def _loads(data: bytes) -> Any:
    """A chunk's value; only what is long can be too deep."""
    if len(data) > _SHALLOW:
        return _json.loads(data)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _json.loads(data)


def _is_null(value: Any) -> bool:
    """Whether it is an object in which everything is null, as `logprobs` often is."""
    return is_object(value) and not any(part is not None for part in value.values())
