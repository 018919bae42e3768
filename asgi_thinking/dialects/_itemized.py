"""Streams in which a fragment of thinking stands twice: in a string, and in an item of a list.

    delta = {<string>: fragment, <list>: [{"index", …, <text>: fragment}]}
          | {<string>: "", <list>: [{"index", …, "signature"?, …}]}

Items with the same `index` are one block. Only the first of a block says its place, and only the
last its signature, because readers add up strings that come twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from asgi_thinking.completions import JSONObject, Seal
from asgi_thinking.dialects._places import PlacingEncoder
from asgi_thinking.lanes import Lane, members

__all__ = ["ItemEncoder", "ItemForm"]


@dataclass(frozen=True, slots=True)
class ItemForm:
    """The words of a dialect: the keys of the string and the list, and what stands before both."""

    string: str
    items: str
    lead: bytes = b""


class ItemEncoder(PlacingEncoder, ABC):
    """Sends each fragment twice; dialects say what an item is."""

    __slots__ = ("_form", "_numbers", "_thoughtful")

    def __init__(self, form: ItemForm, *, include_usage: bool, seal: Seal) -> None:
        super().__init__(include_usage=include_usage, seal=seal)
        self._form = form
        self._numbers: dict[int, int] = {}  # by choice: the next item's index
        self._thoughtful: set[int] = set()  # choices that have shown thinking

    @abstractmethod
    def _kind(self, lane: Lane) -> tuple[JSONObject, str]:
        """What every item of a block of thinking says, and the key of its text."""

    @abstractmethod
    def _first(self, lane: Lane) -> JSONObject:
        """What only a block's first item says."""

    @abstractmethod
    def _last(self, lane: Lane) -> JSONObject:
        """What only a block's last item says; if it is nothing, there is no such item."""

    @abstractmethod
    def _whole(self, lane: Lane) -> JSONObject | None:
        """What a block of another kind says when it ends; None if it is not among the items."""

    def _number(self, lane: Lane) -> int:
        """The index of a new item."""
        number = self._numbers.get(lane.block.choice, 0)
        self._numbers[lane.block.choice] = number + 1
        return number

    def _open(self, lane: Lane) -> None:
        super()._open(lane)
        if lane.block.kind == "thinking":
            self._frame(lane)

    def _frame(self, lane: Lane) -> None:
        super()._frame(lane)
        if lane.block.kind != "thinking":
            return
        form = self._form
        before, after = self._around(lane.block.choice)
        kind, key = self._kind(lane)
        item = members({"index": lane.number, **kind})
        lane.prefix = before + form.lead + b'"%b":' % form.string.encode()
        lane.middle = b',"%b":[{%b,"%b":' % (form.items.encode(), item, key.encode())
        lane.suffix = b"}]" + after

    def _begin(self, lane: Lane, text: str) -> tuple[bytes, str]:
        if lane.block.kind != "thinking":
            return super()._begin(lane, text)
        choice = lane.block.choice
        again = choice in self._thoughtful
        self._thoughtful.add(choice)
        lane.number = self._number(lane)
        self._frame(lane)
        # Both would not fit into the fragment: its string must be the same in both places.
        first = self._first(lane)
        if again or first:
            self._send_item(lane, first, "\n\n" if again else "")
        return lane.prefix, text

    def _close(self, lane: Lane) -> None:
        super()._close(lane)
        if lane.block.kind != "thinking":
            if (item := self._whole(lane)) is not None:
                lane.number = self._number(lane)
                self._send(lane, item, "")
        elif lane.flows:
            if last := self._last(lane):
                self._send_item(lane, last, "")
        elif lane.signature:
            lane.number = self._number(lane)
            self._send_item(lane, self._first(lane) | self._last(lane), "")

    def _send_item(self, lane: Lane, item: JSONObject, string: str) -> None:
        """Send an item of a block of thinking, without text."""
        kind, key = self._kind(lane)
        self._send(lane, {**kind, key: "", **item} if item else None, string)

    def _send(self, lane: Lane, item: JSONObject | None, string: str) -> None:
        form = self._form
        delta: JSONObject = {form.string: string}
        if item is not None:
            delta[form.items] = [{"index": lane.number, **item}]
        self._chunk(lane.block.choice, form.lead + members(delta))
