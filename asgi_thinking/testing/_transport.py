"""An engine that answers without a network, from a script."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from asgi_thinking.exceptions import UpstreamProtocolError, UpstreamUnreachable
from asgi_thinking.transport import Timeouts, UpstreamRequest

__all__ = ["Answer", "ScriptedReply", "ScriptedTransport", "cut"]


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """The data in pieces that end at these places; none is empty."""
    bounds = sorted({0, len(data), *(place for place in places if 0 < place < len(data))})
    return [data[a:b] for a, b in pairwise(bounds)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an upstream answers.

    Attributes:
        body: all its bytes.
        status: the HTTP status.
        headers: names in lower case.
        cuts: the places in the body at which one network read ends and the next begins.
        end: what follows the body: its "good" end, a connection that is "broken", or "never"
            anything.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cuts: Sequence[int] = ()
    end: Literal["good", "broken", "never"] = "good"


class ScriptedTransport:
    """Gives one answer after the other, the last one again and again.

    Pass it as `transport=` to an `HTTPProvider`. `requests` are those that were sent; `unreleased`
    counts the replies that nobody has closed yet, `closed` how often the transport was.
    """

    name = "scripted"

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[UpstreamRequest] = []
        self.unreleased = 0
        self.closed = 0

    async def open(self, request: UpstreamRequest, timeouts: Timeouts) -> ScriptedReply:
        """The next answer.

        Raises:
            UpstreamUnreachable: the script has none.
        """
        del timeouts
        self.requests.append(request)
        if not self.answers:
            raise UpstreamUnreachable("the script has no answer")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(0)  # whoever waits can be cancelled here, as with a network
        self.unreleased += 1
        return ScriptedReply(answer, self)

    async def aclose(self) -> None:
        """Count that it was closed; it may be used again."""
        self.closed += 1


class ScriptedReply:
    """One answer, as a `Reply`; without a transport only its status and headers matter."""

    def __init__(self, answer: Answer, transport: ScriptedTransport | None = None) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self._pieces = cut(answer.body, answer.cuts)
        self._end = answer.end
        self._transport = transport

    def __aiter__(self) -> ScriptedReply:
        return self

    async def __anext__(self) -> bytes:
        data = await self.receive()
        if not data:
            raise StopAsyncIteration
        return data

    async def receive(self) -> bytes:
        """The next piece, b"" at a good end.

        Raises:
            UpstreamUnreachable: the connection broke.
        """
        await asyncio.sleep(0)
        if self._pieces:
            return self._pieces.pop(0)
        if self._end == "never":
            await asyncio.Event().wait()
        if self._end == "broken":
            raise UpstreamUnreachable("the connection broke")
        return b""

    def failure(self, error: Exception) -> Exception:
        """The error itself."""
        return error

    async def read(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            UpstreamProtocolError: it is longer than `limit` bytes.
        """
        body = b"".join([data async for data in self])
        if len(body) > limit:
            raise UpstreamProtocolError(f"the body is larger than {limit} bytes")
        return body

    async def aclose(self) -> None:
        """Let go of the connection; may be called again."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.unreleased -= 1
