"""The configuration that all doors share, and how a request's headers and body become a job."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypedDict, cast

from asgi_thinking import _json, history, requests
from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.exceptions import (
    ConfigurationError,
    InvalidRequest,
    ModelNotFound,
    ThinkingError,
)
from asgi_thinking.exchange import Job, Refusal
from asgi_thinking.negotiation import Negotiator
from asgi_thinking.providers import Provider
from asgi_thinking.reconcile import reconcile
from asgi_thinking.registry import BUILT_IN_DIALECTS, load_dialects, load_provider
from asgi_thinking.routing import Router

__all__ = ["DEFAULT_DIALECT", "MAX_BODY_SIZE", "Service", "ServiceOptions"]

DEFAULT_DIALECT: Final = "truefoundry"
MAX_BODY_SIZE: Final = 32 * 2**20

# Values that SDKs send where their user configured no key. Source: portkey-ai 2.3.4 and obiguard
# 1.0.19, read 2026-11-22.
_DUMMY_KEYS: Final = frozenset({"OPENAI_API_KEY", ""})
_GATEWAY_KEYS: Final = (b"x-portkey-api-key", b"x-obiguard-api-key")
_FORWARDED: Final = ("idempotency-key",)

Headers = Sequence[tuple[bytes, bytes]]


class ServiceOptions(TypedDict, total=False):
    """The arguments of `Service`, for those who take them on its behalf."""

    providers: Mapping[str, Provider | str] | Sequence[str]
    models: Mapping[str, str] | None
    dialects: Sequence[str] | None
    default_dialect: str | None
    on_conflict: Literal["fix", "reject", "pass"]
    effort_budgets: Mapping[str, float] | None
    provider_headers: bool
    virtual_keys: Mapping[str, str] | None
    forward_headers: Collection[str]
    max_body_size: int
    max_retries: int
    keep_alive: float


class Service:
    """Providers, dialects and limits; make one and share it between routes.

    Args:
        providers: instance names and what they are, a provider or an installed provider's name:
            `{"anthropic-main": "anthropic"}`; a sequence of names is short for the same name twice.
        models: `{"fast": "anthropic/claude-haiku-4-5", "*/claude-*": "anthropic/claude-*"}`.
        dialects: names that replies may be written in; by default all built-in ones.
        default_dialect: used where the request has no signal.
        on_conflict: what happens to a request that the model would refuse: "fix" changes it and
            says so in `x-thinking-applied`, "reject" answers 400, "pass" sends it as it is.
        effort_budgets: for models that know budgets only, the share of `max_tokens` of each effort.
        provider_headers: whether a header of the caller may choose the instance.
        virtual_keys: instances by the value of a virtual-key header.
        forward_headers: the caller's headers that go upstream, beside `idempotency-key`.
        max_body_size: bytes of a request's body.
        max_retries: further attempts after the first.
        keep_alive: seconds of silence before a streaming reply sends a comment.

    Raises:
        ConfigurationError: a name is unknown, or a provider has no credentials.
    """

    def __init__(  # noqa: PLR0913 (keywords of a public constructor)
        self,
        *,
        providers: Mapping[str, Provider | str] | Sequence[str] = (),
        models: Mapping[str, str] | None = None,
        dialects: Sequence[str] | None = None,
        default_dialect: str | None = None,
        on_conflict: Literal["fix", "reject", "pass"] = "fix",
        effort_budgets: Mapping[str, float] | None = None,
        provider_headers: bool = True,
        virtual_keys: Mapping[str, str] | None = None,
        forward_headers: Collection[str] = (),
        max_body_size: int = MAX_BODY_SIZE,
        max_retries: int = 2,
        keep_alive: float = 15.0,
    ) -> None:
        if on_conflict not in ("fix", "reject", "pass"):
            raise ConfigurationError(f"on_conflict: {on_conflict!r} is not fix, reject or pass")
        if isinstance(providers, str):
            raise ConfigurationError(f"providers: pass a list, [{providers!r}]")
        self.router = Router(
            _instances(providers),
            models or {},
            virtual_keys or {},
            provider_headers=provider_headers,
        )
        known = load_dialects(tuple(dict.fromkeys((*BUILT_IN_DIALECTS, *(dialects or ())))))
        default = default_dialect or _default(dialects)
        self._negotiate = Negotiator(known, dialects, default)
        self._read_assistant = history.reader(tuple(known.values()))
        self._on_conflict: Literal["fix", "reject", "pass"] = on_conflict
        self._effort_budgets = effort_budgets
        self._forward = frozenset(name.lower().encode() for name in (*_FORWARDED, *forward_headers))
        self.max_body_size = max_body_size
        self._max_retries = max_retries
        self._keep_alive = keep_alive

    def prepare(self, headers: Headers, body: bytes) -> Job | Refusal | None:
        """What to do with a request: a job, an error to answer with, or None: it is not ours."""
        dialect: Dialect | None = None
        try:
            value = _parse(body)
            model = value.get("model")
            found = self.router(model, headers) if isinstance(model, str) else None
            if found is None:
                return None
            dialect = self._negotiate(headers)
            return self._job(*found, dialect, headers, value)
        except ThinkingError as error:
            return Refusal(error, self._negotiate.vary, dialect.name if dialect else "")

    def answer(self, headers: Headers, body: bytes) -> Job | Refusal:
        """As `prepare`, for a host that has no answer of its own: what is not ours is refused."""
        prepared = self.prepare(headers, body)
        if prepared is not None:
            return prepared
        model = _parse(body).get("model")
        error: ThinkingError
        if isinstance(model, str):
            known = ", ".join(self.router.instances) or "none"
            error = ModelNotFound(
                f"model {model[:128]!r}: no provider serves it; configured are {known}",
                param="model",
                code="model_not_found",
            )
        else:
            error = InvalidRequest("model: a string is required", param="model")
        return Refusal(error, self._negotiate.vary)

    def _job(
        self,
        provider: Provider,
        model: str,
        dialect: Dialect,
        headers: Headers,
        value: dict[str, Any],
    ) -> Job:
        request = requests.decode(
            value, read_assistant=self._read_assistant, extra_fields=provider.extra_fields
        )
        turns, dropped = history.keep_verifiable(request.messages, provider.accepts)
        asked = Asked(request.thinking.asked, request.include_usage)
        fixed = reconcile(
            request.but(model=model, messages=turns, headers=self._forwarded(headers)),
            provider.capabilities(model),
            shows_thinking=dialect.shows_thinking,
            on_conflict=self._on_conflict,
            effort_budgets=self._effort_budgets,
        )
        upstream = fixed.request
        if provider.credentials == "client":
            upstream = upstream.but(credential=_caller_key(headers))
        return Job(
            provider,
            upstream.but(stream=True) if fixed.streams else upstream,
            dialect,
            asked,
            request.stream,
            (*dropped, *fixed.applied),
            self._negotiate.vary,
            self._max_retries,
            self._keep_alive,
        )

    def _forwarded(self, headers: Headers) -> tuple[tuple[str, str], ...]:
        return tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in headers
            if name.lower() in self._forward
        )

    async def aclose(self) -> None:
        """Release the providers' connections."""
        for provider in self.router.instances.values():
            await provider.aclose()


def _instances(providers: Mapping[str, Provider | str] | Sequence[str]) -> dict[str, Provider]:
    named = providers if isinstance(providers, Mapping) else {name: name for name in providers}
    instances: dict[str, Provider] = {}
    for name, given in named.items():
        provider: object = load_provider(given) if isinstance(given, str) else given
        if not isinstance(provider, Provider):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"providers[{name!r}]: {type(provider).__name__} is no Provider"
            )
        provider.name = name
        instances[name] = provider
    return instances


def _default(dialects: Sequence[str] | None) -> str:
    """The first allowed dialect where the usual default is not allowed."""
    if not dialects or DEFAULT_DIALECT in dialects:
        return DEFAULT_DIALECT
    return dialects[0]


def _parse(body: bytes) -> dict[str, Any]:
    try:
        value = _json.loads(body)
    except ValueError as error:
        raise InvalidRequest(f"body: {error}") from error
    if not isinstance(value, dict):
        raise InvalidRequest("body: a JSON object is required")
    return cast("dict[str, Any]", value)


def _caller_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The caller's own key: `x-api-key`, or `authorization` beside a gateway's key header."""
    given = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    if key := given.get(b"x-api-key"):
        return key
    if not any(name in given for name in _GATEWAY_KEYS):
        return None
    scheme, _, key = given.get(b"authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" and key not in _DUMMY_KEYS else None
