"""Dialects that do as another does, but for one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from asgi_thinking.dialects import Asked, Dialect, Encoder
from asgi_thinking.dialects.truefoundry import TRUEFOUNDRY
from asgi_thinking.events import Batch
from asgi_thinking.messages import Message
from asgi_thinking.testing import Nonconformance, check_dialect

JSONObject = dict[str, Any]


def same(value: Any) -> Any:
    return value


@dataclass
class Bent:
    """Changes what the dialect `like` writes or reads; `more` are attributes of its own."""

    like: Dialect = TRUEFOUNDRY
    body: Callable[[JSONObject], Any] = same
    data: Callable[[bytes], bytes] = same
    read: Callable[[Any], Any] | None = None
    asked: Asked | None = None
    encoders: Callable[[Encoder], Any] = same
    more: Mapping[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__.get("more") or {}
        return own[name] if name in own else getattr(self.like, name)

    def encode_message(self, message: Message, asked: Asked) -> Any:
        return self.body(self.like.encode_message(message, self.asked or asked))

    def encoder(self, asked: Asked) -> Any:
        return self.encoders(BentEncoder(self, self.like.encoder(self.asked or asked)))

    def read_echo(self, message: Mapping[str, Any]) -> Any:
        return self.read(message) if self.read else self.like.read_echo(message)


class BentEncoder:
    """Changes each piece that the dialect's own encoder writes."""

    def __init__(self, dialect: Bent, inner: Encoder) -> None:
        self.dialect = dialect
        self.inner = inner
        self.keep_alive = inner.keep_alive

    def feed(self, batch: Batch) -> bytes:
        return self.dialect.data(self.inner.feed(batch))


def broken(dialect: Any) -> list[str]:
    """What is found of a dialect that breaks promises."""
    with pytest.raises(Nonconformance) as caught:
        check_dialect(dialect)
    return list(caught.value.broken)


def told(dialect: Any, sentence: str) -> bool:
    """Whether this is among what is found of it."""
    return any(sentence in found for found in broken(dialect))
