"""`check_provider`: whether a provider keeps what the package promises of providers."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias, cast

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.dialects import Dialect
from asgi_thinking.events import Event
from asgi_thinking.exceptions import ThinkingError
from asgi_thinking.messages import Message, assemble
from asgi_thinking.providers import HTTPProvider, Provider
from asgi_thinking.requests import ChatRequest
from asgi_thinking.testing._asking import CANARY, QUESTION, STREAMED, Asking
from asgi_thinking.testing._building import building_faults
from asgi_thinking.testing._decoding import Decoding, difference
from asgi_thinking.testing._findings import Findings
from asgi_thinking.testing._living import check_errors, check_leaving, check_stream
from asgi_thinking.testing._replay import CALLERS_KEY, JSON, SSE, scripted
from asgi_thinking.testing._returning import returning_faults
from asgi_thinking.testing._serving import installed_dialects, serve, serving_faults
from asgi_thinking.testing._transport import Answer
from asgi_thinking.transport import UpstreamRequest

__all__ = ["Replies", "check_provider"]

Replies: TypeAlias = Mapping[str, "bytes | tuple[int, bytes] | Answer"]
"""Replies of the vendor's: `"stream"`, `"json"`, `"error"`, and more of each under longer names:
`"stream of a tool call"` and `"json of a tool call"` say the same, in both forms. They are
server-sent events and JSON, where an `Answer` does not say it otherwise."""

_MEMBERS: Final = (
    *("name", "kind", "extra_fields", "credentials"),
    *("claims", "capabilities", "accepts_for", "stream", "aclose"),
)
_TYPES: Final = {"stream": SSE, "json": JSON, "error": JSON}
_KEYED: Final = re.compile("auth|key|token|secret|cookie")
_STRANGE: Final = ("", "🦄", "a/b", "x" * 300)


def check_provider(  # noqa: PLR0913 (all by keyword, each with a default but the model)
    provider: Provider,
    *,
    model: str,
    replies: Replies | None = None,
    dialects: Sequence[Dialect] = (),
    secrets: Sequence[str] = (),
    splits: int = 32,
    seed: int = 0,
) -> None:
    """Fail unless a provider keeps what the package promises of every provider.

    Args:
        provider: an `HTTPProvider` is answered from `replies`, any other is asked as it is.
        model: a model of it.
        replies: what the vendor answers, see `Replies`; an error is `(429, b"…")`.
        dialects: more dialects to serve it in than those that are installed.
        secrets: what must not be told, beside the credentials that are in its request headers.
        splits: how many random cuts each reply is tried with.
        seed: which ones.

    Raises:
        Nonconformance: it breaks promises; all that were found are named.
        ValueError: the replies cannot be used.
        ConfigurationError: a dialect is installed that cannot be loaded.
        RuntimeError: an event loop is running; call it from a plain function.
    """
    answers = _answers(replies or {})
    if isinstance(provider, HTTPProvider) is not any(_is_good(name) for name in answers):
        raise ValueError("replies: an HTTPProvider needs some, and any other can have none")
    known = [*installed_dialects(), *dialects]
    findings = Findings(str(getattr(provider, "name", "") or type(provider).__name__))
    missing = [name for name in _MEMBERS if not hasattr(provider, name)]
    if findings.expect(not missing, f"has no {', '.join(missing)}"):
        judge = _Judge(provider, model, answers, findings)
        with _listening() as heard, findings.during("being asked"):
            findings.add(_attribute_faults(provider, model))
            asyncio.run(judge.run(known, splits, seed))
        findings.add(judge.leaks(secrets, "\n".join(heard)))
    findings.settle()


def _is_good(name: str) -> bool:
    return not name.startswith("error")


def _answers(replies: Replies) -> dict[str, Answer]:
    """The replies as answers, by name."""
    answers: dict[str, Answer] = {}
    for name, given in replies.items():
        kind = name.partition(" ")[0]
        if kind not in _TYPES:
            raise ValueError(f"replies: {name!r} does not begin with {', '.join(_TYPES)}")
        status, body = given if isinstance(given, tuple) else (200, given)
        typed = {"content-type": _TYPES[kind]}
        answers[name] = body if isinstance(body, Answer) else Answer(body, status, typed)
        if _is_good(name) is not (answers[name].status < 400):
            raise ValueError(f"replies[{name!r}]: {answers[name].status} is not its status")
    return answers


def _attribute_faults(provider: Provider, model: str) -> Iterator[str]:
    for name in ("name", "kind"):
        value: object = getattr(provider, name)
        if not isinstance(value, str) or not value or "/" in value:
            yield f"its {name} {value!r} is not a word without a slash"
    if provider.credentials not in ("server", "client"):
        yield f"its credentials are {provider.credentials!r}, not server or client"
    for each in (model, *_STRANGE):
        claims = cast("object", provider.claims(each))
        if not isinstance(claims, bool):
            yield f"claims({each[:16]!r}) is not True or False"
        known = cast("object", provider.capabilities(each))
        if not isinstance(known, Capabilities) or known != provider.capabilities(each):
            yield f"capabilities({each[:16]!r}) is not one and the same Capabilities"
        origins = cast("object", provider.accepts_for(each))
        if not isinstance(origins, frozenset):
            yield f"accepts_for({each[:16]!r}) is not a frozenset"


@contextmanager
def _listening() -> Generator[list[str]]:
    """What is logged while the block runs, at whatever level."""
    heard: list[str] = []
    root = logging.getLogger()
    others, level = root.handlers[:], root.level
    root.handlers[:] = [_Ear(heard)]  # nobody else wants to hear of hundreds of made-up requests
    root.setLevel(logging.DEBUG)
    try:
        yield heard
    finally:
        root.setLevel(level)
        root.handlers[:] = others


class _Ear(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(self.format(record))


class _Judge:
    """One provider's trial, and what was seen of it."""

    __slots__ = ("_answers", "_asking", "_findings", "_provider", "_seen", "_sent")

    def __init__(
        self, provider: Provider, model: str, answers: Mapping[str, Answer], findings: Findings
    ) -> None:
        self._provider = provider
        self._asking = Asking(provider, model)
        self._answers = answers
        self._findings = findings
        self._seen: list[str] = []  # what anybody may read
        self._sent: list[UpstreamRequest] = []

    async def run(self, dialects: Sequence[Dialect], splits: int, seed: int) -> None:
        """Ask for everything there is."""
        provider, findings = self._provider, self._findings
        try:
            asked = self._asking.requests()
        except ThinkingError as error:
            findings.expect(False, f"refuses the plainest question: {error.message}")
            return
        self._seen += [repr(provider), str(provider), *map(repr, asked.values())]
        question, streamed = asked[QUESTION], asked[STREAMED]
        if isinstance(provider, HTTPProvider):
            with findings.during("build"):
                findings.add(building_faults(provider, self._asking, asked))
            await self._run_http(provider, question, streamed, dialects, (splits, seed))
            return
        for request in (streamed, question):
            events = await check_stream(provider, request, findings)
            await self._serve(None, events, dialects)
        with findings.during("aclose of the provider"):
            await provider.aclose()
            await provider.aclose()

    async def _run_http(
        self,
        provider: HTTPProvider,
        question: ChatRequest,
        streamed: ChatRequest,
        dialects: Sequence[Dialect],
        cuts: tuple[int, int],
    ) -> None:
        begun = Answer()
        whole: dict[str, Message] = {}
        for name, answer in self._answers.items():
            if not _is_good(name):
                continue
            request = streamed if name.startswith("stream") else question
            decoding = Decoding(provider, request, *cuts)
            with self._findings.during(f"{name}: decoding it"):
                self._findings.add(decoding.faults(answer), f"{name}: ")
                if (
                    not begun.body
                    and (ends := decoding.ends(answer))
                    and ends[0] < len(answer.body)
                ):
                    begun = Answer(answer.body[: ends[0]], 200, answer.headers)
            with scripted(provider, answer) as wire:
                events = await check_stream(provider, request, self._findings)
                self._findings.expect(bool(wire.requests), "does not ask through its transport")
                self._findings.expect(
                    wire.unreleased == 0, "after a good reply, its connection is not released"
                )
                self._sent += wire.requests
            if message := await self._serve(answer, events, dialects):
                whole[name] = message
                with self._findings.during(f"{name}: sending it back"):
                    self._findings.add(returning_faults(provider, request, message))
        self._findings.add(_unlike(whole))
        await check_leaving(provider, streamed, begun, self._findings)
        errors = {name: a for name, a in self._answers.items() if not _is_good(name)}
        told = await check_errors(provider, question, errors, self._findings)
        self._seen += [error.message for error in told]

    async def _serve(
        self, answer: Answer | None, events: Sequence[Event], dialects: Sequence[Dialect]
    ) -> Message | None:
        """Serve a reply whose events came to their end."""
        with self._findings.during("putting its events together"):
            message = assemble(events)
            for dialect in dialects:
                await self._serve_in(dialect, answer, message)
            return message
        return None

    async def _serve_in(self, dialect: Dialect, answer: Answer | None, message: Message) -> None:
        for stream in (True, False):
            what = f"served in {dialect.name} as {'a stream' if stream else 'JSON'}"
            with self._findings.during(what):
                received = await serve(self._asking, dialect, answer, stream=stream)
                faults = serving_faults(dialect, message, received, stream=stream)
                self._findings.add(faults, f"{what}: ")
                self._seen.append(received.body.decode(errors="replace"))

    def leaks(self, secrets: Sequence[str], logged: str) -> Iterator[str]:
        """Keys and prompts where they do not belong."""
        self._seen += map(repr, self._sent)
        found = {
            value.rpartition(" ")[2]
            for request in self._sent
            for name, value in request.headers
            if _KEYED.search(name)
        }
        keys = [key for key in (*found, *secrets) if len(key) > 3]
        if any(key in logged for key in keys):
            yield "logs a key"
        if CANARY in logged:
            yield "logs a prompt"
        if any(key in text for key in keys for text in self._seen):
            yield "tells a key in a reply, an error or its repr"
        sent = "\n".join(value for request in self._sent for _, value in request.headers)
        if CALLERS_KEY in sent and self._provider.credentials == "server":
            yield "sends the caller's key upstream, though its credentials are the server's"


def _unlike(whole: Mapping[str, Message]) -> Iterator[str]:
    """Where a reply says something else as JSON than as a stream."""
    for name, message in whole.items():
        other = whole.get(f"json{name.removeprefix('stream')}") if "stream" in name else None
        if other is not None and (place := difference(message, other)):
            yield f"{name}: the JSON reply has other {place}"
