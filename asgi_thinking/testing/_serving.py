"""A provider's replies as clients get them, in every dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Final

from asgi_thinking.dialects import Dialect
from asgi_thinking.messages import Message, Thinking
from asgi_thinking.registry import load_dialects
from asgi_thinking.testing._asking import CANARY, Asking
from asgi_thinking.testing._bodies import answer_in, completion_faults
from asgi_thinking.testing._replay import Received, receive, scripted
from asgi_thinking.testing._stream import Stream
from asgi_thinking.testing._transport import Answer

__all__ = ["installed_dialects", "serve", "serving_faults"]

_LEAST: Final = 3  # characters of a thought that cannot be in a reply by accident

_ASK: Final = {
    "messages": [{"role": "user", "content": CANARY}],
    "reasoning_effort": "low",
    "max_tokens": 4096,
    "stream_options": {"include_usage": True},
}


def installed_dialects() -> list[Dialect]:
    """Every dialect of every installed distribution."""
    names = sorted({point.name for point in entry_points(group="asgi_thinking.dialects")})
    return list(load_dialects(tuple(names)).values())


async def serve(
    asking: Asking, dialect: Dialect, answer: Answer | None, *, stream: bool
) -> Received:
    """Ask in a dialect; an upstream that can be scripted gives the answer."""
    body = {**_ASK, "model": f"{asking.provider.name}/{asking.model}", "stream": stream}
    with scripted(asking.provider, *([] if answer is None else [answer])):
        return await receive(asking.service, dialect, body)


def serving_faults(
    dialect: Dialect, expected: Message, received: Received, *, stream: bool
) -> Iterator[str]:
    """Where what a client receives is not what the dialect promises of the expected reply."""
    if received.status != 200 or received.is_stream is not stream:
        yield f"the reply is {received.status}: {received.body[:200].decode(errors='replace')}"
        return
    strict = not dialect.shows_thinking
    if stream:
        told = Stream(received.body)
        yield from told.form_faults(strict=strict)
        if told.error is not None:
            yield f"the stream fails: {told.error['error']['message']}"
            return
    else:
        yield from completion_faults(received.json, strict=strict)
    if expected.choices[0].text not in answer_in(received.message.get("content")):
        yield "the reply's text is not in content"
    if strict:
        yield from _leaks(expected, received)


def _leaks(expected: Message, received: Received) -> Iterator[str]:
    """Whether a thought that is not in the answer as well is in a strict reply."""
    shown = json.dumps(Stream(received.body).messages() if received.is_stream else received.json)
    answer = json.dumps([choice.text for choice in expected.choices])
    for choice in expected.choices:
        for block in choice.blocks:
            text = json.dumps(block.text)[1:-1] if isinstance(block, Thinking) else ""
            if len(text) > _LEAST and text in shown and text not in answer:
                yield "the strict reply holds thinking"
