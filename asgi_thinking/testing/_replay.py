"""`replay`: what a client receives for the bytes of an upstream."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import orjson

from asgi_thinking.dialects import Dialect
from asgi_thinking.echo import is_object
from asgi_thinking.exchange import Job
from asgi_thinking.providers import HTTPProvider, Provider
from asgi_thinking.registry import load_dialects
from asgi_thinking.responses import ThinkingResponse
from asgi_thinking.service import Service
from asgi_thinking.testing._stream import Stream
from asgi_thinking.testing._transport import Answer, ScriptedTransport
from asgi_thinking.transport import UpstreamRequest

__all__ = ["CALLERS_KEY", "JSON", "SSE", "Received", "receive", "replay", "scripted", "service_for"]

JSONObject = dict[str, Any]

SSE: Final = "text/event-stream"
JSON: Final = "application/json"

CALLERS_KEY: Final = "callers-own-key"


@dataclass(frozen=True, slots=True)
class Received:
    """What a client receives; `sent` is what the upstream was asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: tuple[UpstreamRequest, ...] = ()

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream of events."""
        return self.headers.get("content-type", "").startswith(SSE)

    @property
    def json(self) -> Any:
        """The body of a reply that is no stream."""
        return orjson.loads(self.body)

    @property
    def chunks(self) -> list[JSONObject]:
        """The chunks of a stream, without its end."""
        return Stream(self.body).chunks

    @property
    def done(self) -> bool:
        """Whether a stream ended with `[DONE]`."""
        return Stream(self.body).done == 1

    @property
    def error(self) -> JSONObject | None:
        """The error's `{"message", "type", "param", "code"}`, if there is one."""
        body = Stream(self.body).error if self.is_stream else self.json
        return body.get("error") if is_object(body) else None

    @property
    def message(self) -> JSONObject:
        """The first choice's message; a stream's deltas are added up as openai-python does it."""
        if self.is_stream:
            return Stream(self.body).messages().get(0, {})
        message: JSONObject = self.json["choices"][0]["message"]
        return message


def replay(  # noqa: PLR0913 (all by keyword, each with a default but the model)
    provider: HTTPProvider,
    answer: bytes | Answer,
    *,
    model: str,
    dialect: str | Dialect = "truefoundry",
    stream: bool = True,
    body: Mapping[str, Any] | None = None,
    splits: Sequence[int] = (),
) -> Received:
    """What a client receives when the upstream gives this answer; no network is used.

    Args:
        provider: asked through the whole package, with a scripted transport in place of its own.
        answer: the upstream's bytes; server-sent events if `stream`, else JSON, where an `Answer`
            does not say it otherwise.
        model: as the provider knows it.
        dialect: an installed dialect's name, or a dialect.
        stream: whether the client asks for a stream.
        body: more members of the client's request, or others; it asks to see thinking.
        splits: the places at which the answer is cut into network reads.

    Raises:
        RuntimeError: an event loop is running; call it from a plain function.
    """
    kind = SSE if stream else JSON
    given = answer if isinstance(answer, Answer) else Answer(answer, headers={"content-type": kind})
    if splits:
        given = replace(given, cuts=splits)
    known = load_dialects((dialect,))[dialect] if isinstance(dialect, str) else dialect
    asked: JSONObject = {
        "messages": [{"role": "user", "content": "hi"}],
        "reasoning_effort": "low",
        "max_tokens": 4096,
        "stream": stream,
    } | dict(body or {})
    with scripted(provider, given) as transport:
        served = {**asked, "model": f"{provider.name}/{model}"}
        received = asyncio.run(receive(service_for(provider), known, served))
    return replace(received, sent=tuple(transport.requests))


@contextmanager
def scripted(provider: Provider, *answers: Answer) -> Generator[ScriptedTransport]:
    """A provider over HTTP is answered from a script while the block runs."""
    transport = ScriptedTransport(*answers)
    if not isinstance(provider, HTTPProvider):
        yield transport
        return
    own, provider.transport = provider.transport, transport
    try:
        yield transport
    finally:
        provider.transport = own


def service_for(provider: Provider) -> Service:
    """The package around a provider: it remembers nothing and asks once."""
    return Service(providers={provider.name: provider}, max_retries=0, continuity=None)


async def receive(service: Service, dialect: Dialect, body: Mapping[str, Any]) -> Received:
    """What a client receives of the service in the dialect."""
    stand_in = "truefoundry" if dialect.shows_thinking else "openai"
    headers = [
        (b"x-thinking-dialect", stand_in.encode()),
        (b"x-api-key", CALLERS_KEY.encode()),
    ]
    job = service.answer(headers, orjson.dumps(body))
    if isinstance(job, Job):
        # The dialect itself may be installed nowhere yet.
        job = replace(job, manner=replace(job.manner, dialect=dialect))
    sent: list[JSONObject] = []

    stay = asyncio.get_running_loop().create_future  # this client never leaves

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        sent.append(dict(message))

    await ThinkingResponse(job)({"type": "http"}, stay, send)
    start, *rest = sent
    given = cast("list[tuple[bytes, bytes]]", start["headers"])
    named = {name.decode(): value.decode() for name, value in given}
    return Received(start["status"], named, b"".join(message["body"] for message in rest))
