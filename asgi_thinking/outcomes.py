"""What came of a request: one record for each, for a hook of the owner's and for the log.

There is no prompt, thinking, answer, signature or key in any of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

from asgi_thinking.chunks import Account
from asgi_thinking.dialects import Encoder
from asgi_thinking.events import Usage
from asgi_thinking.exceptions import ThinkingError
from asgi_thinking.messages import Message

__all__ = ["Begun", "Course", "OnComplete", "Outcome", "Watcher"]

logger = logging.getLogger("asgi_thinking")

_LONGEST_MODEL: Final = 256  # code points of what a caller calls a model


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that is about to be sent.

    `provider` is the instance and `kind` its vendor's API; `model` is what the vendor is asked for,
    `asked_model` what the caller wrote. `tenant` is whose request it is, "" where nobody said.
    """

    provider: str
    kind: str
    model: str
    asked_model: str
    dialect: str
    stream: bool
    tenant: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request that was sent to a provider.

    Attributes:
        provider: The instance that answered, or that failed last.
        kind: Its vendor's API.
        asked_model: The model as the caller wrote it, cut to 256 characters.
        model: The model as the provider was asked for it.
        response_model: The model as the provider names it; "" where none answered.
        response_id: The reply's id; "" where there is none.
        dialect: The dialect of the reply.
        stream: Whether the caller was sent a stream.
        status: The HTTP status that the caller was sent; 0 where it left before that.
        result: "complete", "failed", or "cancelled" where the caller left or the server stopped.
        error_type: The envelope's `type` where the request failed, in a stream too.
        error_code: Its `code`.
        finish_reasons: OpenAI's word for the end of each choice.
        usage: The tokens, as far as the provider said.
        first_event: Seconds until the reply began upstream; None where it never did.
        seconds: Seconds until the caller had the whole reply, or it ended otherwise.
        attempts: How often a provider was asked.
        applied: What was changed in the request, as in `x-thinking-applied`.
        tenant: Whose request it was, by `authorize`; "" where nobody said.
    """

    provider: str
    kind: str
    asked_model: str
    model: str
    response_model: str
    response_id: str
    dialect: str
    stream: bool
    status: int
    result: Literal["complete", "failed", "cancelled"]
    error_type: str | None
    error_code: str | None
    finish_reasons: tuple[str, ...]
    usage: Usage | None
    first_event: float | None
    seconds: float
    attempts: int
    applied: tuple[str, ...]
    tenant: str


OnComplete: TypeAlias = Callable[[Outcome], "Awaitable[None] | None"]
"""Takes the outcome of each request, once, after the reply; may be async. Whatever it raises is
logged and changes nothing."""


@runtime_checkable
class Watcher(Protocol):
    """An `on_complete` that is told of the beginning as well, because it measures or traces."""

    def begin(self, begun: Begun, /) -> OnComplete:
        """A request is about to be sent, in the task that answers it; the result is called once."""
        ...


class _Asked(Protocol):
    """What is known of the provider that is asked."""

    name: str
    kind: str


class Course:
    """How one request goes; made where somebody wants to know, and told by those who see it go.

    `status` is set by who sends it.
    """

    __slots__ = (
        "_applied",
        "_asked_model",
        "_attempts",
        "_dialect",
        "_error",
        "_finish",
        "_finish_reasons",
        "_first",
        "_model",
        "_provider",
        "_response",
        "_result",
        "_started",
        "_stream",
        "_tenant",
        "_usage",
        "status",
    )

    def __init__(
        self, begun: Begun, provider: _Asked, on_complete: OnComplete | Watcher | None
    ) -> None:
        self.status = 0
        self._provider = provider
        self._model = begun.model
        self._attempts = 0
        self._applied: tuple[str, ...] = ()
        self._asked_model = begun.asked_model[:_LONGEST_MODEL]
        self._dialect = begun.dialect
        self._stream = begun.stream
        self._tenant = begun.tenant
        self._result: Literal["complete", "failed", "cancelled"] = "cancelled"
        self._error: ThinkingError | None = None
        self._response = ("", "")
        self._finish_reasons: tuple[str, ...] = ()
        self._usage: Usage | None = None
        self._first: float | None = None
        self._finish: OnComplete | None
        if isinstance(on_complete, Watcher):
            self._finish = _beginning(on_complete, begun)
        else:
            self._finish = on_complete
        self._started = time.monotonic()

    def asks(self, provider: _Asked, model: str) -> None:
        """A provider is asked, perhaps again."""
        self._provider = provider
        self._model = model
        self._attempts += 1

    def began(self, applied: tuple[str, ...]) -> None:
        """The provider's reply begins."""
        self._first = time.monotonic() - self._started
        self._applied = applied

    def told(self, message: Message) -> None:
        """What a whole reply says of itself."""
        self._response = (message.model, message.id)
        self._finish_reasons = tuple([choice.finish for choice in message.choices])
        self._usage = message.usage

    def encoded(self, encoder: Encoder, failure: ThinkingError | None) -> None:
        """What a stream said of itself, as far as its encoder knows, and how it failed, if so."""
        account: object = getattr(encoder, "account", None)
        if isinstance(account, Account):
            if account.start is not None:
                self._response = (account.start.model, account.start.id)
            self._finish_reasons = tuple(account.finish_reasons)
            self._usage = account.usage
        if failure is not None:
            self.failed(failure)

    def completed(self) -> None:
        """The caller has the whole reply."""
        if self._error is None:
            self._result = "complete"

    def failed(self, error: ThinkingError) -> None:
        """The caller is told of an error."""
        self._error = error
        self._result = "failed"

    async def end(self) -> None:
        """Make the record known; nothing that fails here reaches the caller."""
        outcome = self._outcome()
        if logger.isEnabledFor(logging.INFO):
            logger.info("completion %s", _line(outcome), extra={"outcome": outcome})
        if self._finish is None:
            return
        try:
            waiting = self._finish(outcome)
            if waiting is not None:
                await waiting
        except Exception as error:  # noqa: BLE001 (code of the owner's, whatever it raises)
            _warn("on_complete", error)

    def _outcome(self) -> Outcome:
        error = self._error
        return Outcome(
            provider=self._provider.name,
            kind=self._provider.kind,
            asked_model=self._asked_model,
            model=self._model,
            response_model=self._response[0],
            response_id=self._response[1],
            dialect=self._dialect,
            stream=self._stream,
            status=self.status,
            result=self._result,
            error_type=None if error is None else error.type,
            error_code=None if error is None else error.code,
            finish_reasons=self._finish_reasons,
            usage=self._usage,
            first_event=self._first,
            seconds=time.monotonic() - self._started,
            attempts=self._attempts,
            applied=self._applied,
            tenant=self._tenant,
        )


def _beginning(watcher: Watcher, begun: Begun) -> OnComplete | None:
    try:
        return watcher.begin(begun)
    except Exception as error:  # noqa: BLE001 (code of the owner's, whatever it raises)
        _warn("on_complete.begin", error)
        return None


def _warn(name: str, error: Exception) -> None:
    logger.error("%s failed", name, exc_info=error)


def _line(outcome: Outcome) -> str:
    """The facts as `name=value`, those that are not there left out."""
    usage = outcome.usage or Usage()
    facts: dict[str, object] = {
        "provider": outcome.provider,
        "asked": outcome.asked_model,
        "model": outcome.model,
        "answered": outcome.response_model,
        "dialect": outcome.dialect,
        "stream": "yes" if outcome.stream else "no",
        "status": outcome.status,
        "result": outcome.result,
        "error": outcome.error_type,
        "code": outcome.error_code,
        "finish": ",".join(outcome.finish_reasons),
        "input": usage.input,
        "output": usage.output,
        "reasoning": usage.reasoning,
        "first_event": None if outcome.first_event is None else f"{outcome.first_event:.3f}",
        "seconds": f"{outcome.seconds:.3f}",
        "attempts": outcome.attempts,
        "applied": "; ".join(outcome.applied),
        "tenant": outcome.tenant,
    }
    told = {name: str(value) for name, value in facts.items() if value not in (None, "")}
    return " ".join(f"{name}={_safe(value)}" for name, value in told.items())


def _safe(value: str) -> str:
    """The value, quoted where it would not be read as one."""
    return value if value.isprintable() and " " not in value else repr(value)
