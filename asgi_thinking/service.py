"""The configuration that all doors share, and how a request's headers and body become a job."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypedDict

from asgi_thinking import _json, history, requests
from asgi_thinking.continuity import Continuity
from asgi_thinking.dialects import Dialect
from asgi_thinking.exceptions import (
    ConfigurationError,
    InvalidRequest,
    ModelNotFound,
    ThinkingError,
)
from asgi_thinking.exchange import Job, Manner, Policy, Refusal
from asgi_thinking.negotiation import Negotiator
from asgi_thinking.plans import Planner
from asgi_thinking.providers import Provider
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
    fallbacks: Sequence[str]
    continuity: Continuity | Literal["memory"] | None
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
        fallbacks: models, written as callers write them, that are asked in their order where the
            provider fails through no fault of the request: `["bedrock/global.anthropic.…"]`.
        continuity: remembers replies with tool calls for clients that cannot keep signatures;
            "memory" is a `Continuity()` of this service's own, None remembers nothing.
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
        fallbacks: Sequence[str] = (),
        continuity: Continuity | Literal["memory"] | None = "memory",
        keep_alive: float = 15.0,
    ) -> None:
        if on_conflict not in ("fix", "reject", "pass"):
            raise ConfigurationError(f"on_conflict: {on_conflict!r} is not fix, reject or pass")
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
        self._forward = frozenset(name.lower().encode() for name in (*_FORWARDED, *forward_headers))
        self.max_body_size = max_body_size
        self._policy = Policy(
            Planner(on_conflict, effort_budgets),
            Continuity() if continuity == "memory" else continuity,
            tuple(self._target(model) for model in fallbacks),
            max_retries,
        )
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
        messages = {"messages": value.pop("messages", None)}
        shows = dialect.shows_thinking
        plan = self._policy.planner.plan(provider, model, value, shows_thinking=shows)
        turns = requests.decode_turns(messages, self._read_assistant)
        remembers = self._policy.continuity is not None and (
            plan.asking.tools or (len(turns) > 1 and any(turn.role == "tool" for turn in turns))
        )
        stream = plan.asking.stream
        takes_key = provider.credentials == "client" or self._policy.fallbacks
        return Job(
            self._policy,
            Manner(dialect, plan.asked, stream, self._negotiate.vary, self._keep_alive),
            plan,
            turns,
            self._forwarded(headers),
            _caller_key(headers) if takes_key else None,
            _owner(headers) if remembers else None,
        )

    def _forwarded(self, headers: Headers) -> tuple[tuple[str, str], ...]:
        wanted = [pair for pair in headers if pair[0].lower() in self._forward]
        if not wanted:
            return ()
        return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in wanted])

    async def aclose(self) -> None:
        """Release the connections of the providers and of what remembers replies."""
        for provider in self.router.instances.values():
            await provider.aclose()
        if self._policy.continuity is not None:
            await self._policy.continuity.aclose()

    def _target(self, model: str) -> tuple[Provider, str]:
        """Who serves a model of the configuration, and under which name."""
        found = self.router(model, ())
        if found is None:
            raise ConfigurationError(f"fallbacks: no provider serves {model!r}")
        return found


def _instances(providers: Mapping[str, Provider | str] | Sequence[str]) -> dict[str, Provider]:
    if isinstance(providers, str):
        raise ConfigurationError(f"providers: pass a list, [{providers!r}]")
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
    if value.__class__ is not dict:
        raise InvalidRequest("body: a JSON object is required")
    parsed: dict[str, Any] = value
    return parsed


def _owner(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Whose request it is where nobody says so: the first of the keys that it carries."""
    given = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    for name in (*_GATEWAY_KEYS, b"authorization", b"x-api-key"):
        key = given.get(name, "")
        if key and key.removeprefix("Bearer").strip() not in _DUMMY_KEYS:
            return f"key {key}"
    return ""


def _caller_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The caller's own key: `x-api-key`, or `authorization` beside a gateway's key header."""
    given = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    if key := given.get(b"x-api-key"):
        return key
    if not any(name in given for name in _GATEWAY_KEYS):
        return None
    scheme, _, key = given.get(b"authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" and key not in _DUMMY_KEYS else None
