"""The messages of a host's reply that is rewritten, one by one, from its start to its end.

There are no tasks, queues or timers; each message of the host's leads to at most one `send`, but
for those that were held back.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import Message, Send

from asgi_thinking._asgi import BODY, START, UNSEEN, marked, send_error
from asgi_thinking._host_reply import Form, HostStream, rewritten
from asgi_thinking.exceptions import (
    ProviderError,
    ThinkingError,
    UpstreamProtocolError,
    UpstreamStatusError,
)
from asgi_thinking.service import MAX_BODY_SIZE
from asgi_thinking.sse import encode

__all__ = ["Course", "Manner", "StreamCourse", "WholeCourse"]

logger = logging.getLogger("asgi_thinking")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a reply is sent; `strictly`: the caller would have an error rather than thinking.

    `keep_alive` is in seconds.
    """

    form: Form
    strictly: bool
    vary: bytes
    keep_alive: float
    warned: set[str]

    def warn(self, error: ThinkingError) -> None:
        """Tell the owner, once, why a reply stays as it is, unless it is what the host said."""
        if not isinstance(error, UpstreamStatusError) and error.message not in self.warned:
            self.warned.add(error.message)
            logger.warning("asgi_thinking: a reply is not rewritten: %s", error.message)


# How an event stream begins and no JSON does: data, event, id, retry, a comment, a mark of order.
_FIELDS: Final = (b"d", b"e", b"i", b"r", b":", b"\xef")


class Course(ABC):
    """The messages of a reply that is rewritten, from its start on."""

    __slots__ = ("_held", "_manner", "_send", "_step")

    def __init__(self, send: Send, manner: Manner) -> None:
        self._send = send
        self._manner = manner
        self._held: list[Message] = []  # as they are to be sent if they need not change
        self._step: Callable[[Message], Awaitable[None]] = send

    def take(self, message: Message) -> Awaitable[None]:
        """Take a message of the host's."""
        return self._step(message)

    async def begin(self, start: Message, *, sealed: bool) -> None:
        """Take the start, of a reply that cannot be read if it is `sealed`."""
        self._held.append(start)
        if sealed:
            await self._give_up(_unreadable("it is compressed, or a part of something"))
        else:
            await self._begin(start)

    async def finish(self) -> None:
        """The host has returned."""
        if len(self._held) > 1:
            await self._give_up(_unreadable("the host left it unfinished"))
        else:
            await self._release()

    @abstractmethod
    async def _begin(self, start: Message) -> None: ...

    def _marked(self, start: Message, size: int | None = None) -> Message:
        return marked(start, self._manner.form.dialect.name, self._manner.vary, size)

    @property
    def _holds_start(self) -> bool:
        return bool(self._held) and self._held[0]["type"] == START

    async def _release(self) -> None:
        held, self._held = self._held, []
        for message in held:
            await self._send(message)

    async def _give_up(self, error: ThinkingError) -> None:
        """Let the reply be as it is, or refuse it where it might show what must not be shown."""
        manner = self._manner
        # What was to hide something has failed, unless the host is to blame.
        if not manner.strictly and isinstance(error, ProviderError):
            manner.warn(error)
            self._step = self._send
            await self._release()
            return
        self._step = _swallow
        if self._holds_start:
            await send_error(self._send, error, manner.vary, manner.form.dialect.name)
        else:
            await self._send({"type": BODY, "body": self._said(error)})
        self._held.clear()

    def _said(self, error: ThinkingError) -> bytes:
        """The error, within a reply that has begun."""
        return error.envelope()


class WholeCourse(Course):
    """A JSON reply, which is held back until all of it is known."""

    __slots__ = ("_instead", "_size")

    def __init__(self, send: Send, manner: Manner) -> None:
        super().__init__(send, manner)
        self._instead: StreamCourse | None = None

    async def finish(self) -> None:
        """The host has returned."""
        await (super().finish() if self._instead is None else self._instead.finish())

    async def _begin(self, start: Message) -> None:
        del start  # held back
        self._size = 0
        self._step = self._collect

    async def _collect(self, message: Message) -> None:
        kind = message["type"]
        if kind == BODY:
            if self._is_stream(message.get("body", b"")):
                await self._read_as_stream(message)
                return
            self._held.append(message)
            self._size += len(message.get("body", b""))
            if self._size > MAX_BODY_SIZE:
                await self._give_up(_unreadable(f"it has more than {MAX_BODY_SIZE} bytes"))
            elif not message.get("more_body", False):
                await self._rewrite()
            return
        if kind in UNSEEN:
            await self._give_up(_unreadable("it is a file that the server sends"))
            await self._step(message)
            return
        if self._holds_start:  # then the start goes before, whatever this may be
            await self._send(self._marked(self._held.pop(0)))
        await self._send(message)

    def _is_stream(self, data: bytes) -> bool:
        """Whether what is called JSON begins as a stream: Litestar goes by annotations."""
        return self._holds_start and len(self._held) == 1 and bytes(data[:1]) in _FIELDS

    async def _read_as_stream(self, message: Message) -> None:
        (start,), self._held = self._held, []
        self._instead = stream = StreamCourse(self._send, self._manner)
        self._step = stream.take
        await stream.begin(start, sealed=False)
        await stream.take(message)

    async def _rewrite(self) -> None:
        bodies = [message.get("body", b"") for message in self._held if message["type"] == BODY]
        try:
            body = rewritten(b"".join(bodies), int(time.time()), self._manner.form)
        except ThinkingError as error:
            await self._give_up(error)
            return
        self._step = self._send
        if body is None:
            await self._release()
            return
        last = {**self._held[-1], "body": body}
        self._held = [self._marked(self._held[0], len(body)), last] if self._holds_start else [last]
        await self._release()


class StreamCourse(Course):
    """An event stream, whose start is held back only where an error may have to come instead.

    Where the host speaks for long and nothing of it is to be shown, comments say that it does.
    """

    __slots__ = ("_quiet", "_stream")

    async def _begin(self, start: Message) -> None:
        try:
            self._stream = HostStream(int(time.time()), self._manner.form)
        except ThinkingError as error:
            await self._give_up(error)
            return
        self._quiet: float | None = None  # since when nothing of what came was sent, in seconds
        self._held = [self._marked(start)]
        self._step = self._read
        if not self._manner.strictly:
            await self._release()

    async def finish(self) -> None:
        """Tell what is left of a stream that the host has not ended."""
        if self._step == self._read:
            await self._read({"type": BODY, "more_body": True}, ends=True)
        await super().finish()

    async def _read(self, message: Message, *, ends: bool = False) -> None:
        """Take a message; `ends`: the host has returned without its last one."""
        if message["type"] != BODY:
            await self._beside(message)
            return
        data = message.get("body", b"")
        if data.__class__ is not bytes:
            data = bytes(data)
        last = not message.get("more_body", False)
        stream = self._stream
        body = stream.close(data) if last or ends else stream.feed(data)
        if stream.failure is not None and not await self._may_go_on(stream.failure):
            return
        if stream.over and not last:
            self._step = _swallow
            last = True
        elif last or ends or stream.passes:
            self._step = self._send
        if not (body or last or ends):
            body = self._sign_of_life()
        if body or last:
            self._quiet = None
            if self._held:
                await self._release()
            if body is not data or last is message.get("more_body", False):
                message = {**message, "body": body, "more_body": not last}
            await self._send(message)

    def _sign_of_life(self) -> bytes:
        """A comment, where the caller has heard nothing for long though the host has spoken."""
        now = time.monotonic()
        if self._quiet is None:
            self._quiet = now
        return self._stream.keep_alive if now - self._quiet > self._manner.keep_alive else b""

    async def _may_go_on(self, failure: ThinkingError) -> bool:
        """Whether a stream that cannot be read is answered all the same."""
        if self._manner.strictly and self._held:
            await self._give_up(failure)
            return False
        if self._stream.passes:
            self._manner.warn(failure)
        return True

    async def _beside(self, message: Message) -> None:
        """Take a message that is no part of the body, or is one that nobody can read."""
        if message["type"] not in UNSEEN:
            await self._release()
            await self._send(message)
            return
        if not self._manner.strictly and (rest := self._stream.rest()):
            self._held.append({"type": BODY, "body": rest, "more_body": True})
        await self._give_up(_unreadable("it is a file that the server sends"))
        await self._step(message)

    def _said(self, error: ThinkingError) -> bytes:
        return encode(error.envelope(), b"error")


async def _swallow(message: Message) -> None:
    """Take what the host says after the reply is over."""


def _unreadable(why: str) -> UpstreamProtocolError:
    return UpstreamProtocolError(f"the host's reply cannot be read: {why}")
