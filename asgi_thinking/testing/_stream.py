"""A client's view of a streamed reply: read by the standard, judged, and added up.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6, and the
stream helper of openai-python 3.54, which adds up as most clients do; read 2026-11-22.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from asgi_thinking.echo import is_array, is_object
from asgi_thinking.testing._strict import CHUNK, ERROR, shape_faults

__all__ = ["Stream", "add_up", "null_signatures"]

JSONObject = dict[str, Any]

_LINE_END: Final = re.compile("\r\n|\n|\r")
_DONE: Final = "[DONE]"
# What a list's items may be, all in one delta, though nothing numbers them.
_WHOLE_LISTS: Final = frozenset({"annotations"})


class Stream:
    """The events of a stream, and what is wrong with its form.

    `chunks` are those before the end; `done` counts the `[DONE]`s, `error` is the error's object.
    """

    def __init__(self, data: bytes) -> None:
        self.faults: list[str] = []
        self.chunks: list[JSONObject] = []
        self.done = 0
        self.error: JSONObject | None = None
        for name, text in self._events(data):
            self._take(name, text)

    def _events(self, data: bytes) -> Iterator[tuple[str, str]]:
        """Names and data, by the standard; an event that no blank line ends is not dispatched."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.faults.append("the stream is not UTF-8")
            text = data.decode(errors="replace")
        *lines, rest = _LINE_END.split(text)
        if rest or (lines and lines[-1]):
            self.faults.append("the stream does not end with a blank line")
        name, values = "", list[str]()
        for line in lines:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if values:
                    yield name, "\n".join(values)
                name, values = "", []
            elif field == "data":
                values.append(value)
            elif field == "event":
                name = value
            elif field:
                self.faults.append(f"the stream has a line of the field {field!r}")

    def _take(self, name: str, text: str) -> None:
        if self.done or self.error is not None:
            self.faults.append("something follows the stream's end")
        if text == _DONE:
            self.done += 1
            return
        try:
            value = json.loads(text)
        except ValueError:
            self.faults.append(f"the stream has an event that is not JSON: {text[:40]!r}")
            return
        if name == "error" or (is_object(value) and "error" in value):
            self.error = value
            if name != "error":
                self.faults.append("the error's event is not named error")
            self.faults += shape_faults(value, ERROR, "the error")
        elif is_object(value):
            self.chunks.append(value)
        else:
            self.faults.append(f"the stream has an event that is no object: {text[:40]!r}")

    def form_faults(self, *, strict: bool = False, usage: bool = True) -> list[str]:
        """All that breaks a rule for streams.

        Args:
            strict: whether every chunk must be exactly OpenAI's.
            usage: whether the caller asked for usage.
        """
        found = [*self.faults]
        ends = self.done + (self.error is not None)
        if ends != 1:
            found.append(
                f"the stream has {self.done} [DONE] and {'an' if self.error else 'no'} error"
            )
        if (
            len({json.dumps([c.get(k) for k in ("id", "created", "model")]) for c in self.chunks})
            > 1
        ):
            found.append("id, created and model change within the stream")
        choices: dict[Any, _ChoiceReading] = {}
        for chunk in self.chunks:
            found += _envelope_faults(chunk, strict=strict, usage=usage)
            for choice in _choices(chunk):
                reading = choices.setdefault(choice.get("index"), _ChoiceReading())
                found += reading.read(choice, strict=strict)
        for reading in choices.values():
            found += reading.end(failed=self.error is not None)
        return list(dict.fromkeys(found))

    def _good_choices(self) -> Iterator[tuple[int, JSONObject, str | None]]:
        """Index, delta and finish reason of each choice of each chunk that has these."""
        for choice in (item for chunk in self.chunks for item in _choices(chunk)):
            index, delta = choice.get("index"), choice.get("delta")
            if isinstance(index, int) and is_object(delta):
                yield index, delta, choice.get("finish_reason")

    def messages(self) -> dict[int, JSONObject]:
        """By choice: what openai-python's helper and its like make of the deltas."""
        found: dict[int, JSONObject] = {}
        for index, delta, _ in self._good_choices():
            add_up(found.setdefault(index, {}), delta)
        return found

    def deltas(self, choice: int = 0) -> list[JSONObject]:
        """The deltas of one choice, in order."""
        return [delta for index, delta, _ in self._good_choices() if index == choice]

    def finish_reasons(self) -> dict[int, str]:
        """By choice: why it ended."""
        return {index: reason for index, _, reason in self._good_choices() if reason}


def _choices(chunk: JSONObject) -> list[JSONObject]:
    choices = chunk.get("choices")
    return choices if is_array(choices) else []


def _envelope_faults(chunk: JSONObject, *, strict: bool, usage: bool) -> Iterator[str]:
    if strict:
        yield from shape_faults(chunk, CHUNK)
    if chunk.get("object") != "chat.completion.chunk":
        yield "a chunk's object is not chat.completion.chunk"
    for key, kind in (("id", str), ("created", int), ("model", str), ("choices", list)):
        if not isinstance(chunk.get(key), kind):
            yield f"a chunk has no {key}"
    if chunk.get("choices") == []:
        if not chunk.get("usage"):
            yield "a chunk has neither choices nor usage"
        if not usage:
            yield "a chunk has only usage, for which nobody asked"
    yield from null_signatures(chunk)


class _ChoiceReading:
    """What the deltas of one choice have told so far."""

    __slots__ = ("calls", "finished", "lists", "role")

    def __init__(self) -> None:
        self.calls: dict[int, str] = {}
        self.finished = False
        self.lists: dict[str, int] = {}
        self.role = False

    def read(self, choice: JSONObject, *, strict: bool) -> Iterator[str]:
        delta = choice.get("delta")
        if not isinstance(choice.get("index"), int) or not is_object(delta):
            yield "a chunk's choice has no index or no delta"
            return
        role = delta.get("role", "assistant")
        if role != "assistant":
            yield f"a delta has the role {role!r}"
        if strict and delta and ("role" in delta) is self.role:
            yield "the role is not in the choice's first delta alone"
        self.role = self.role or "role" in delta
        if self.finished and (delta or choice.get("finish_reason")):
            yield "a delta or a second finish_reason comes after the choice's finish_reason"
        self.finished = self.finished or bool(choice.get("finish_reason"))
        yield from self._read_lists(delta)
        yield from self._read_calls(delta.get("tool_calls") or [])

    def _read_lists(self, delta: JSONObject) -> Iterator[str]:
        """A second list under one key is merged by `index`, and what has none fails there."""
        for key, items in delta.items():
            if not is_array(items):
                continue
            again = key in self.lists
            if key in _WHOLE_LISTS and not again:
                self.lists[key] = 0
                continue
            for item in items:
                index = item.get("index") if is_object(item) else None
                if not isinstance(index, int):
                    yield f"an item of a delta's {key} has no integer index"
                elif index > self.lists.get(key, 0):
                    yield f"an item of a delta's {key} has an index beyond the next"
                else:
                    self.lists[key] = max(self.lists.get(key, 0), index + 1)

    def _read_calls(self, calls: Iterable[Any]) -> Iterator[str]:
        for call in calls:
            index = call.get("index")
            function: JSONObject = call.get("function") or {}
            if ("id" in call) is (index in self.calls):
                yield "a tool call's first delta has no id, or a later one has"
            self.calls[index] = self.calls.get(index, "") + (function.get("arguments") or "")

    def end(self, *, failed: bool) -> Iterator[str]:
        """What is missing after the last chunk."""
        if failed:
            return
        if not self.role:
            yield "a choice has no role"
        if not self.finished:
            yield "a choice has no finish_reason"
        for arguments in self.calls.values():
            try:
                json.loads(arguments)
            except ValueError:
                yield "a tool call's arguments do not add up to JSON"


def null_signatures(value: Any) -> Iterator[str]:
    """A sentence for each signature that is null instead of absent."""
    if is_object(value):
        for key, item in value.items():
            if item is None and str(key).endswith("signature"):
                yield f"{key} is null, where it should be absent"
            yield from null_signatures(item)
    elif is_array(value):
        for item in value:
            yield from null_signatures(item)


def add_up(message: JSONObject, delta: JSONObject) -> None:
    """Add a delta to a message: strings and lists grow, items merge by `index`, objects merge."""
    for key, value in delta.items():
        known = message.get(key)
        if known is None or key in ("role", "index", "type"):
            message[key] = json.loads(json.dumps(value)) if known is None else value
        elif isinstance(known, str) and isinstance(value, str):
            message[key] = known + value
        elif is_object(known) and is_object(value):
            add_up(known, value)
        elif is_array(known) and is_array(value):
            _add_items(known, value)
        elif value is not None:
            message[key] = value


def _add_items(known: list[Any], items: list[Any]) -> None:
    for item in items:
        index = item.get("index") if is_object(item) else None
        same = [old for old in known if is_object(old) and old.get("index") == index]
        if index is None or not same:
            known.append(json.loads(json.dumps(item)))
        else:
            add_up(same[0], item)
