"""Upstream formats: a pure encoder of requests and decoder of replies for each vendor's API."""

from __future__ import annotations

from typing import Protocol

from asgi_thinking.events import Batch, Event

__all__ = ["Decoder"]


class Decoder(Protocol):
    """Turns the bytes of one streamed reply into events; never raises for what the bytes say.

    A failure, malformed bytes included, is a `StreamError` event, after which nothing comes.
    """

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data`, one network read, completes; possibly none."""
        ...

    def close(self) -> Batch:
        """The upstream ended: what is left, or a `StreamError` if the format's end is missing."""
        ...
