"""A third party's provider whose reply the test writes down, event by event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Literal

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.events import (
    Batch,
    BlockStart,
    BlockStop,
    Done,
    Event,
    Finish,
    MessageStart,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    Usage,
)
from asgi_thinking.exchange import Job
from asgi_thinking.models import claude
from asgi_thinking.plans import Fitted
from asgi_thinking.requests import ChatRequest

START: list[Event] = [MessageStart("msg_1", "claude-sonnet-4-5", 1_700_000_000, "acme")]
THOUGHT: list[Event] = [
    BlockStart(0, "thinking"),
    ThinkingDelta(0, "secret thought"),
    SignatureDelta(0, "c2lnbmF0dXJl"),
    BlockStop(0),
]
ANSWER: list[Event] = [BlockStart(1, "text"), TextDelta(1, "the answer"), BlockStop(1)]
ONLY: list[Event] = [BlockStart(0, "text"), TextDelta(0, "the answer"), BlockStop(0)]
END: list[Event] = [Usage(3, 7), Finish("stop", "end_turn"), Done()]
REPLY: list[list[Event]] = [START, THOUGHT, ANSWER, END]

Step = Batch | BaseException | asyncio.Event


@dataclass
class Scripted:
    """Plays one script an attempt: batches are yielded, events awaited, errors raised."""

    scripts: list[Iterable[Step]] = field(default_factory=lambda: [REPLY])
    name: str = "acme"
    kind: str = "acme"
    accepts: frozenset[str] = frozenset({""})
    extra_fields: frozenset[str] = frozenset()
    credentials: Literal["server", "client"] = "server"
    requests: list[ChatRequest] = field(default_factory=list)
    closed: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def claims(self, model: str) -> bool:
        return model.startswith("claude-")

    def capabilities(self, model: str) -> Capabilities:
        return claude(model)

    def accepts_for(self, model: str) -> frozenset[str]:
        del model
        return self.accepts

    async def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        self.requests.append(request)
        script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
        try:
            for step in script:
                if isinstance(step, BaseException):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield step
        finally:
            self.released.set()

    async def aclose(self) -> None:
        self.closed += 1


def going(prepared: object) -> Fitted:
    """What a prepared request sends upstream; it must be a job."""
    assert isinstance(prepared, Job), prepared
    return prepared.fit(prepared.plan, prepared.turns)
