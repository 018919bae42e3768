"""What an owner decides about one request: who answers, in which dialect, and how much of it.

::

    def policy(asker: Asker) -> Choice | None:
        if asker.tenant == "trial":
            return Choice(model="anthropic/claude-haiku-4-5", dialects=("openai",), max_tokens=2000)
        return None

    Service(providers=["anthropic"], policy=policy)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast

from asgi_thinking.asker import Asker
from asgi_thinking.callers import Headers
from asgi_thinking.dialects import Dialect
from asgi_thinking.exceptions import (
    ConfigurationError,
    PermissionDenied,
    ThinkingError,
)
from asgi_thinking.limits import Limits
from asgi_thinking.negotiation import Negotiator
from asgi_thinking.transforms import TransformFactory

__all__ = ["Asker", "Choice", "Negotiators", "Policy", "consult", "raise_refusal", "refusal"]

_REMEMBERED: Final = 256  # how many of the negotiators that choices ask for


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What holds for one request; None leaves what the service or the caller says.

    Attributes:
        model: Who answers instead, `"<instance>/<model>"` or whatever else a caller may write.
        dialects: The names that this reply may be written in; `("openai",)` hides thinking.
        default_dialect: The name used where the request has no signal.
        on_conflict: As in `Service`.
        max_tokens: The most of the reply, in tokens; set where the caller asks for none.
        max_budget: The most of its thinking, in tokens; 0 is none, if the model can do without.
        transform: As in `Service`, and in its place.

    Raises:
        ConfigurationError: a limit is not a number of tokens.
    """

    model: str | None = None
    dialects: Sequence[str] | None = None
    default_dialect: str | None = None
    on_conflict: Literal["fix", "reject", "pass"] | None = None
    max_tokens: int | None = None
    max_budget: int | None = None
    transform: TransformFactory | None = None

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ConfigurationError(f"Choice: max_tokens must be above 0, not {self.max_tokens!r}")
        if self.max_budget is not None and self.max_budget < 0:
            raise ConfigurationError(f"Choice: max_budget must not be {self.max_budget!r}")

    @property
    def limits(self) -> Limits | None:
        """The limits, if there are any."""
        if self.max_tokens is None and self.max_budget is None:
            return None
        return Limits(self.max_tokens, self.max_budget)


Policy: TypeAlias = Callable[[Asker], "Choice | Awaitable[Choice | None] | None"]
"""From who asks to what holds for the request, None for nothing special; may be async, and may
raise a `ThinkingError`, `PermissionError` or the framework's `HTTPException` to refuse."""


async def consult(policy: Policy, asker: Asker) -> Choice | None:
    """What a policy says.

    Raises:
        ThinkingError: it refuses the request.
    """
    try:
        said = policy(asker)
        if said is None or isinstance(said, Choice):
            return said
        return await said
    except Exception as error:
        raise_refusal(error)
        raise


def raise_refusal(error: Exception) -> None:
    """Raise the refusal that an exception of the host's stands for, unless it is one already."""
    if not isinstance(error, ThinkingError) and (refused := refusal(error)) is not None:
        raise refused from error


def refusal(error: Exception) -> ThinkingError | None:
    """What an exception of the host's refuses a request with; None for one that is a failure.

    The `HTTPException` of every framework in use has `status_code`, `detail` and `headers`, of
    which only `retry-after` is passed on.
    """
    if isinstance(error, PermissionError):
        return PermissionDenied("you may not use this model")
    told = cast("Any", error)
    status = getattr(told, "status_code", None)
    if not isinstance(status, int):
        return None
    wait: float | None = None
    for name, value in dict(getattr(told, "headers", None) or {}).items():
        if name.lower() == "retry-after" and value.isdecimal():
            wait = float(value)
    return ThinkingError(str(getattr(told, "detail", "")), status=status, retry_after=wait)


class Negotiators:
    """Who decides about the dialect of a service's replies: `usual`, unless a choice says other.

    `allowed` and `default` are the service's `dialects` and `default_dialect`; `fallback` is the
    default where there is none, if it is allowed.
    """

    __slots__ = ("_allowed", "_chosen", "_default", "_explicit", "_known", "usual")

    def __init__(
        self,
        known: Mapping[str, Dialect],
        allowed: Sequence[str] | None,
        default: str | None,
        fallback: str,
    ) -> None:
        self._known = known
        self._allowed = allowed
        self._default = default or _permitted(allowed, fallback)
        self._explicit = default is not None or self._default != fallback
        self._chosen: dict[tuple[tuple[str, ...] | None, str], Negotiator] = {}
        self.usual = Negotiator(known, allowed, self._default)

    def of(self, choice: Choice | None) -> Negotiator:
        """Who decides for one request.

        Raises:
            ConfigurationError: the choice names a dialect that is not known.
        """
        if choice is None or (choice.dialects is None and choice.default_dialect is None):
            return self.usual
        allowed = self._allowed if choice.dialects is None else choice.dialects
        default = choice.default_dialect or _permitted(choice.dialects, self._default)
        key = (None if allowed is None else tuple(allowed), default)
        negotiator = self._chosen.get(key)
        if negotiator is None:
            if len(self._chosen) >= _REMEMBERED:
                self._chosen.clear()
            negotiator = self._chosen[key] = Negotiator(self._known, allowed, default)
        return negotiator

    def for_host(self, headers: Headers, choice: Choice | None) -> tuple[Dialect, bool] | None:
        """The dialect of a host's own reply, and whether nothing else will do; None: as it is.

        Raises:
            InvalidRequest: `x-thinking-dialect` names no known dialect.
        """
        negotiator = self.of(choice)
        expressly = choice is not None and choice.dialects is not None
        found = negotiator.signal(headers)
        if found is not None:
            return found[0], found[1] or expressly
        explicit = self._explicit or negotiator is not self.usual
        return (negotiator.usual, expressly) if explicit else None


def _permitted(allowed: Sequence[str] | None, usual: str) -> str:
    """The first allowed dialect where the usual one is not allowed."""
    return usual if not allowed or usual in allowed else allowed[0]
