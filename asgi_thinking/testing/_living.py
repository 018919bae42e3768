"""The life of a request: what is released when it ends, whichever way, and what errors say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from asgi_thinking.events import Batch, Event
from asgi_thinking.exceptions import ProviderError, ThinkingError
from asgi_thinking.providers import HTTPProvider, Provider
from asgi_thinking.requests import ChatRequest
from asgi_thinking.testing._findings import Findings, describe
from asgi_thinking.testing._grammar import grammar_faults, is_done
from asgi_thinking.testing._replay import JSON, scripted
from asgi_thinking.testing._transport import Answer, ScriptedTransport

__all__ = ["ERRORS", "check_errors", "check_leaving", "check_stream"]

_PATIENCE: Final = 5.0  # seconds, for what must come at once

_TYPED: Final = {"content-type": JSON}
_WAIT: Final = 7.0

# Errors as vendors and what stands before them answer.
ERRORS: Final[Mapping[str, Answer]] = {
    "an empty 401": Answer(b"", 401),
    "a 403 in HTML": Answer(b"<html>denied</html>", 403, {"content-type": "text/html"}),
    "a 404 without an object": Answer(b"null", 404, _TYPED),
    "a 429 with retry-after": Answer(
        b'{"error":[1]}', 429, {**_TYPED, "retry-after": f"{_WAIT:.0f}"}
    ),
    "a 500 that is not UTF-8": Answer(b"\xff", 500),
    "a 503 with an odd body": Answer(b'[{"error":{"message":7}}]', 503, _TYPED),
}


@asynccontextmanager
async def _asking(provider: Provider, request: ChatRequest) -> AsyncGenerator[AsyncIterator[Batch]]:
    """The provider's iterator, closed at the end as the package closes it, all within patience."""
    async with asyncio.timeout(_PATIENCE):
        stream = aiter(provider.stream(request))
        try:
            yield stream
        finally:
            aclose = getattr(stream, "aclose", None)
            if aclose is not None:
                await aclose()


async def _collect(provider: Provider, request: ChatRequest) -> list[Event]:
    async with _asking(provider, request) as stream:
        return [event async for batch in stream for event in batch]


def _released(transport: ScriptedTransport, findings: Findings, when: str) -> None:
    findings.expect(transport.unreleased == 0, f"{when}, the reply's connection is not released")


async def check_stream(provider: Provider, request: ChatRequest, findings: Findings) -> list[Event]:
    """The events of a good reply, which end in `Done`."""
    with findings.during("stream"):
        events = await _collect(provider, request)
        findings.add(grammar_faults(events), "stream: ")
        findings.expect(is_done(events), "stream does not end a good reply with Done")
        return events
    return []


async def check_leaving(
    provider: HTTPProvider, request: ChatRequest, begun: Answer, findings: Findings
) -> None:
    """Whoever leaves in the middle leaves nothing behind; `begun` is the beginning of a reply."""
    waiting = Answer(begun.body, begun.status, begun.headers, end="never")
    with findings.during("aclose in the middle of a reply"), scripted(provider, waiting) as wire:
        async with _asking(provider, request) as stream:
            if begun.body:
                await anext(stream)
        _released(wire, findings, "after aclose in the middle of a reply")
    with findings.during("cancelling a request"), scripted(provider, waiting) as wire:
        async with _asking(provider, request) as stream:
            await _cancel(stream, findings)
        _released(wire, findings, "after cancelling a request")
    broken = Answer(begun.body, begun.status, begun.headers, end="broken")
    with scripted(provider, broken) as wire:
        findings.add(await _broken_faults(provider, request))
        _released(wire, findings, "after the connection broke")
    with scripted(provider) as wire, findings.during("aclose of the provider"):
        await provider.aclose()
        await provider.aclose()
        findings.expect(wire.closed > 0, "aclose does not close the provider's transport")


async def _cancel(stream: AsyncIterator[Batch], findings: Findings) -> None:
    """Cancel whoever waits for the next batch; the first ones may be there already."""

    async def read() -> None:
        async for _ in stream:
            pass

    task = asyncio.create_task(read())
    for _ in range(16):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=1)
    findings.expect(task.cancelled(), "cancelling a request does not end its stream at once")


async def _broken_faults(provider: HTTPProvider, request: ChatRequest) -> list[str]:
    try:
        events = await _collect(provider, request)
    except ProviderError:
        return []
    except Exception as error:  # noqa: BLE001 (code that is being judged may raise anything)
        return [f"a connection that broke raises {describe(error)}, not a ProviderError"]
    return ["a reply whose connection broke passes as a whole one"] if is_done(events) else []


async def check_errors(
    provider: HTTPProvider,
    request: ChatRequest,
    answers: Mapping[str, Answer],
    findings: Findings,
) -> Sequence[ThinkingError]:
    """What the error replies become: a `ProviderError` that keeps the status."""
    told: list[ThinkingError] = []
    for what, answer in {**ERRORS, **answers}.items():
        with scripted(provider, answer) as wire:
            try:
                await _collect(provider, request)
            except ProviderError as error:
                told.append(error)
                findings.add(_error_faults(provider, answer, error), f"{what}: ")
            except Exception as error:  # noqa: BLE001 (code that is being judged may raise anything)
                findings.expect(False, f"{what} raises {describe(error)}, not a ProviderError")
            else:
                findings.expect(False, f"{what} raises nothing")
            _released(wire, findings, f"after {what}")
    return told


def _error_faults(provider: HTTPProvider, answer: Answer, error: ProviderError) -> Iterator[str]:
    same = error.status == answer.status if answer.status < 500 else error.status >= 500
    if not same:
        yield f"the caller would get {error.status}"
    if not error.message:
        yield "the error has no message"
    if error.provider != provider.name:
        yield f"the error names the provider {error.provider!r}"
    if "retry-after" in answer.headers and error.retry_after is None:
        yield "the error forgets retry-after"
