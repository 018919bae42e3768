"""What a host's endpoints say, step by step, and what they hear: the same in every framework.

A framework's file makes an app of a play. Its `POST /v1/chat/completions` hears the body, then
gives `stream()` as an event stream or `whole` as JSON, in either case with `status` and two
cookies; its `POST /v1/other` gives the body back.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from asgi_thinking.events import BlockStart, BlockStop, TextDelta, ThinkingDelta
from tests.scripted import END, START, Scripted

__all__ = [
    "ASK",
    "COOKIES",
    "FOREIGN",
    "PIECES",
    "SIGHTS",
    "WHOLE",
    "BrokenHost",
    "Gate",
    "Play",
    "gates",
    "interleaved",
    "provider",
]

COOKIES = {"first": "1", "second": "2"}

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "reasoning_effort": "high",
    "max_tokens": 4000,
}
FOREIGN = ASK | {"model": "hosts-own"}


def _event(**more: Any) -> bytes:
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "hosts-own",
        "system_fingerprint": "fp_1",
    }
    return b"data: " + json.dumps(head | more).encode() + b"\n\n"


def _delta(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _event(choices=[choice])


# A host's own stream, with its thoughts in the key that many OpenAI-compatible servers have.
PIECES: tuple[bytes, ...] = (
    _delta({"role": "assistant", "content": "", "reasoning_content": "thought-1 \u00e9"}),
    _delta({"reasoning_content": "thought-2"}),
    _delta({"content": "answer-1"}),
    _delta({"content": "answer-2"}),
    _delta({}, "stop") + b"data: [DONE]\n\n",
)
# What a caller sees first after each of the pieces, in whichever dialect.
SIGHTS = (b"thought-1", b"thought-2", b"answer-1", b"answer-2", b"[DONE]")

WHOLE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "hosts-own",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "answer-1 answer-2",
                "refusal": None,
                "reasoning_content": "thought-1 thought-2",
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10},
}


class BrokenHost(Exception):  # noqa: N818 (a host's own mistake)
    """An exception that only the host's framework and its server know what to do with."""


Step = bytes | asyncio.Event | BrokenHost


class Gate(asyncio.Event):
    """Stops a stream; `reached` says that one waits here."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def wait(self) -> Literal[True]:
        self.reached.set()
        return await super().wait()


def gates() -> list[Gate]:
    """One gate behind each piece; whoever has seen a piece opens its gate."""
    return [Gate() for _ in SIGHTS]


def interleaved(pieces: Sequence[Any], gates: Sequence[asyncio.Event]) -> list[Any]:
    """Each piece, then its gate."""
    return [step for pair in zip(pieces, gates, strict=True) for step in pair]


@dataclass
class Play:
    """One host's part. `released` is set once its stream has ended, for whatever reason."""

    steps: Sequence[Step] = PIECES
    status: int = 200
    whole: bytes = json.dumps(WHOLE, indent=1).encode()
    error: BrokenHost | None = None
    heard: list[bytes] = field(default_factory=list)
    said: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, body: bytes) -> bool:
        """Keeps a request's body; whether it asks for a stream.

        Raises:
            BrokenHost: the play has it so.
        """
        self.heard.append(body)
        if self.error is not None:
            raise self.error
        return bool(json.loads(body).get("stream"))

    async def stream(self) -> AsyncGenerator[bytes]:
        """The pieces, with a pause at each gate until it is open."""
        try:
            for step in self.steps:
                if isinstance(step, BrokenHost):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield step
                    self.said += 1
        finally:
            self.released.set()


def provider(gates: Sequence[asyncio.Event] = ()) -> Scripted:
    """A provider that says the same as the host's own stream does."""
    batches = [
        [*START, BlockStart(0, "thinking"), ThinkingDelta(0, "thought-1")],
        [ThinkingDelta(0, "thought-2")],
        [BlockStop(0), BlockStart(1, "text"), TextDelta(1, "answer-1")],
        [TextDelta(1, "answer-2")],
        [BlockStop(1), *END],
    ]
    # The last gate comes before the end is known, for a provider ends with its last event.
    steps = interleaved(batches, gates)[:-1] if gates else batches
    return Scripted([steps])
