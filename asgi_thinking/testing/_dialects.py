"""`check_dialect`: whether a dialect keeps what the package promises of dialects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import orjson

from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.events import Done, Event, StreamError, TextDelta
from asgi_thinking.exceptions import UpstreamStatusError
from asgi_thinking.messages import Message, explode
from asgi_thinking.testing._bodies import answer_in, completion_faults
from asgi_thinking.testing._echoes import echo_faults, reading_faults, sent_back
from asgi_thinking.testing._findings import Findings
from asgi_thinking.testing._samples import SAMPLES, SECRETS, marked, told
from asgi_thinking.testing._stream import Stream, add_up
from asgi_thinking.testing._strict import CHUNK, shape_faults

__all__ = ["Client", "check_dialect"]

JSONObject = dict[str, Any]

Client: TypeAlias = Callable[[Sequence[JSONObject]], Mapping[str, Any]]
"""How a dialect's own clients make a message of the deltas of one choice."""

_SHOWN: Final = Asked(thinking=True, include_usage=True)
_ASKED: Final = (_SHOWN, Asked(thinking=True), Asked(include_usage=True), Asked())
_MEMBERS: Final = (
    *("name", "opt_in", "shows_thinking", "ordered", "in_content", "own_keys", "plain"),
    *("encode_message", "encoder", "read_echo"),
)


def check_dialect(dialect: Dialect, *, client: Client | None = None) -> None:
    """Fail unless a dialect keeps what the package promises of every dialect.

    Args:
        dialect: the dialect, as its entry point names it.
        client: how its own clients add a stream's deltas up, if not as openai-python does.

    Raises:
        Nonconformance: it breaks promises; all that were found are named.
    """
    findings = Findings(str(getattr(dialect, "name", "") or type(dialect).__name__))
    findings.add(_attribute_faults(dialect))
    if all(hasattr(dialect, member) for member in _MEMBERS):
        for what, message in SAMPLES.items():
            for asked in _ASKED:
                with findings.during(f"{what}: writing it"):
                    findings.add(_body_faults(dialect, message, asked), f"{what}: ")
            with findings.during(f"{what}: reading it back"):
                findings.add(_echo_faults(dialect, message, client), f"{what}: ")
        for what, judge in _ONCE.items():
            with findings.during(what):
                findings.add(judge(dialect))
    findings.settle()


def _attribute_faults(dialect: Dialect) -> Iterator[str]:
    missing = [name for name in _MEMBERS if not hasattr(dialect, name)]
    if missing:
        yield f"has no {', '.join(missing)}"
        return
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(dialect.name)):
        yield f"the name {dialect.name!r} is not of lower-case letters, digits and hyphens"
    opt_in = cast("object", dialect.opt_in)
    if opt_in is not None and not (isinstance(opt_in, bytes) and opt_in == opt_in.lower()):
        yield f"opt_in {opt_in!r} is not None or the bytes of a header's name in lower case"
    if not isinstance(cast("object", dialect.own_keys), frozenset):
        yield "own_keys is not a frozenset"
    for name in ("shows_thinking", "ordered", "in_content", "plain"):
        if not isinstance(getattr(dialect, name), bool):
            yield f"{name} is not True or False"


def _write(dialect: Dialect, message: Message, asked: Asked) -> JSONObject:
    body: JSONObject = orjson.loads(orjson.dumps(dialect.encode_message(message, asked)))
    return body


def _streamed(dialect: Dialect, events: Sequence[Event], asked: Asked) -> bytes:
    return dialect.encoder(asked).feed(events)


# -- what is written ---------------------------------------------------------------------------


def _body_faults(dialect: Dialect, message: Message, asked: Asked) -> Iterator[str]:
    body = _write(dialect, message, asked)
    if body != _write(dialect, message, asked):
        yield "one reply is written in two ways"
    strict = not dialect.shows_thinking
    yield from completion_faults(body, strict=strict)
    events = told(message)
    data = _streamed(dialect, events, asked)
    stream = Stream(data)
    yield from stream.form_faults(strict=strict, usage=asked.include_usage)
    if stream.done != 1 or not data.endswith(b"data: [DONE]\n\n"):
        yield "a good stream does not end with one [DONE]"
    encoder = dialect.encoder(asked)
    if b"".join([encoder.feed([event]) for event in events]) != data:
        yield "the stream's bytes depend on how its events are batched"
    if asked.include_usage and message.usage and not any(c.get("usage") for c in stream.chunks):
        yield "usage was asked for, and the stream has none"
    yield from _difference(message, body, stream)


def _difference(message: Message, body: JSONObject, stream: Stream) -> Iterator[str]:
    """Where the stream, added up, says something else than the JSON reply or the message."""
    added, reasons = stream.messages(), stream.finish_reasons()
    for index, choice in enumerate(body["choices"]):
        whole: JSONObject = choice["message"]
        total = added.get(index, {})
        answer = answer_in(whole.get("content"))
        if message.choices[index].text not in answer:
            yield "the answer is not in content"
        if answer != answer_in(total.get("content")):
            yield "the stream's content adds up to another text than the JSON reply has"
        if (whole.get("refusal") or "") != (total.get("refusal") or ""):
            yield "the stream's refusal adds up to another text than the JSON reply has"
        if whole.get("tool_calls", []) != _calls(total):
            yield "the stream's tool calls add up to others than the JSON reply has"
        if choice["finish_reason"] != reasons.get(index):
            yield "the stream's finish_reason is another than the JSON reply's"


def _calls(message: JSONObject) -> list[JSONObject]:
    calls = message.get("tool_calls", [])
    return [{k: v for k, v in call.items() if k != "index"} for call in calls]


# -- what comes back ---------------------------------------------------------------------------


def _echo_faults(dialect: Dialect, message: Message, client: Client | None) -> Iterator[str]:
    body = _write(dialect, message, _SHOWN)
    stream = Stream(_streamed(dialect, told(message), _SHOWN))
    for index, choice in enumerate(body["choices"]):
        blocks = message.choices[index].blocks
        yield from echo_faults(dialect, blocks, sent_back(choice["message"]))
        deltas = stream.deltas(index)
        added = (client or _added_up)(deltas)
        for fault in echo_faults(dialect, blocks, sent_back(added)):
            yield f"streamed, it {fault}"


def _added_up(deltas: Sequence[JSONObject]) -> JSONObject:
    message: JSONObject = {}
    for delta in deltas:
        add_up(message, delta)
    return message


# -- what is tried once ------------------------------------------------------------------------


def _hiding(dialect: Dialect) -> Iterator[str]:
    message = marked()
    asks = [Asked(include_usage=True)] + ([] if dialect.shows_thinking else [_SHOWN])
    for asked in asks:
        what = "it shows no thinking" if asked.thinking else "nobody asked to see thinking"
        body = orjson.dumps(dialect.encode_message(message, asked))
        if any(secret.encode() in body for secret in SECRETS):
            yield f"{what}, but a JSON reply holds some"
        stream = _streamed(dialect, list(explode(message)), asked)  # in one piece, to be found
        if any(secret.encode() in stream for secret in SECRETS):
            yield f"{what}, but a stream holds some"


def _plain(dialect: Dialect) -> Iterator[str]:
    """Whether a dialect that says so writes a fragment of the answer as OpenAI does."""
    events = told(SAMPLES["a thought and an answer"])
    place = next(n for n, event in enumerate(events) if isinstance(event, TextDelta))
    encoder = dialect.encoder(_SHOWN)
    encoder.feed(events[:place])
    for chunk in Stream(encoder.feed(events[place : place + 1])).chunks if dialect.plain else ():
        for fault in shape_faults(chunk, CHUNK):
            yield f"is plain, but in a fragment of the answer {fault}"


def _failing(dialect: Dialect) -> Iterator[str]:
    events = told(SAMPLES["parallel tool calls"])
    error = UpstreamStatusError("overloaded", status=503, code="overloaded_error")
    good = _streamed(dialect, events, _SHOWN)
    for place in range(len(events)):
        encoder = dialect.encoder(_SHOWN)
        sent = encoder.feed(events[:place]) if place else b""
        data = sent + encoder.feed([StreamError(error)])
        stream = Stream(data)
        yield from stream.faults
        if not good.startswith(sent):
            yield "what is sent before an error is not the beginning of the good stream"
        if stream.done or stream.error != json.loads(error.envelope()):
            yield "a failed stream does not end with the error's envelope, without [DONE]"
        if encoder.feed([Done()]):
            yield "something follows a stream's error"


def _side_by_side(dialect: Dialect) -> Iterator[str]:
    one, other = (told(SAMPLES[name]) for name in ("a tool call", "an answer"))
    first, second = dialect.encoder(_SHOWN), dialect.encoder(_SHOWN)
    data = b""
    for place in range(max(len(one), len(other))):
        if place < len(other):
            second.feed(other[place : place + 1])
        data += first.feed(one[place : place + 1]) if place < len(one) else b""
    if data != _streamed(dialect, one, _SHOWN):
        yield "two streams at a time mix"


def _keeping_alive(dialect: Dialect) -> Iterator[str]:
    events = told(SAMPLES["a thought and an answer"])
    beat = cast("object", dialect.encoder(_SHOWN).keep_alive)
    if not isinstance(beat, bytes) or not beat.endswith(b"\n"):
        yield "keep_alive is not bytes that end a line"
        return
    encoder = dialect.encoder(_SHOWN)
    kept = Stream(b"".join(encoder.feed([event]) + beat for event in events[:-1]))
    plain = Stream(_streamed(dialect, events[:-1], _SHOWN))
    if kept.chunks != plain.chunks or kept.faults != plain.faults:
        yield "keep_alive dispatches an event"


def _reading(dialect: Dialect) -> Iterator[str]:
    for name in ("a thought and an answer", "thinking between tool calls"):
        body = _write(dialect, SAMPLES[name], _SHOWN)
        yield from reading_faults(dialect, sent_back(body["choices"][0]["message"]))


_ONCE: Final[Mapping[str, Callable[[Dialect], Iterator[str]]]] = {
    "hiding thinking": _hiding,
    "writing a fragment": _plain,
    "writing an error": _failing,
    "writing two streams at a time": _side_by_side,
    "keep_alive": _keeping_alive,
    "reading what others wrote": _reading,
}
