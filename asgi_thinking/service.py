"""The configuration that all doors share, and how a request's headers and body become a job."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Literal, TypedDict

from asgi_thinking import _json, history, requests
from asgi_thinking.callers import Headers, caller_key, owner
from asgi_thinking.continuity import Continuity
from asgi_thinking.dialects import Dialect
from asgi_thinking.exceptions import (
    ConfigurationError,
    InvalidRequest,
    ModelNotFound,
    PayloadTooLarge,
    ThinkingError,
)
from asgi_thinking.exchange import Job, Manner, Policy, Refusal
from asgi_thinking.gate import Gate
from asgi_thinking.outcomes import OnComplete, Watcher
from asgi_thinking.plans import HIDDEN, SHOWN, Planner, Terms
from asgi_thinking.policies import Asker, Choice, Negotiators, consult
from asgi_thinking.policies import Policy as OwnersPolicy
from asgi_thinking.providers import Provider
from asgi_thinking.reconcile import OnConflict
from asgi_thinking.registry import (
    BUILT_IN_DIALECTS,
    load_dialects,
    load_provider,
)
from asgi_thinking.routing import Router
from asgi_thinking.transforms import TransformFactory

__all__ = ["DEFAULT_DIALECT", "MAX_BODY_SIZE", "Service", "ServiceOptions"]

DEFAULT_DIALECT: Final = "truefoundry"
MAX_BODY_SIZE: Final = 32 * 2**20

_FORWARDED: Final = ("idempotency-key",)
# What nearly every request carries, and nothing here is decided by: passed over at once.
_ORDINARY: Final = frozenset(
    {
        *(b"host", b"connection", b"content-type", b"content-length", b"transfer-encoding"),
        *(b"accept", b"accept-encoding", b"accept-language", b"user-agent", b"authorization"),
    }
)
_SHOWN_MODEL: Final = 64  # code points of a caller's model in a header


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
    policy: OwnersPolicy | None
    transform: TransformFactory | None
    on_complete: OnComplete | Watcher | None
    max_concurrency: int | None


class Service:
    """Providers, dialects and limits; make one and share it between routes.

    `vary` names the headers that choose a dialect, as the header of that name has it.

    Args:
        providers: instance names and what they are, a provider or an installed provider's name:
            `{"anthropic-main": "anthropic"}`; a sequence of names is short for the same name twice.
        models: `{"fast": "anthropic/claude-haiku-4-5", "*/claude-*": "anthropic/claude-*"}`.
        dialects: names that replies may be written in; by default all built-in ones but
            "think-tags".
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
        policy: decides about each request, once its caller is known: `policies.Policy`.
        transform: makes what changes, drops or copies the thinking of a reply on its way to the
            client: `transforms.redact`, `drop`, `copy_to`, or a factory of your own.
        on_complete: is given the `Outcome` of each request that was sent to a provider.
        max_concurrency: requests under way at once, streams included; beyond it the answer is 503
            with `retry-after: 1`. None for any number.

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
        policy: OwnersPolicy | None = None,
        transform: TransformFactory | None = None,
        on_complete: OnComplete | Watcher | None = None,
        max_concurrency: int | None = None,
    ) -> None:
        instances = _instances(providers)
        self.router = Router(
            instances, models or {}, virtual_keys or {}, provider_headers=provider_headers
        )
        known = load_dialects(tuple(dict.fromkeys((*BUILT_IN_DIALECTS, *(dialects or ())))))
        self._negotiators = Negotiators(known, dialects, default_dialect, DEFAULT_DIALECT)
        self._negotiate, self.vary = self._negotiators.usual, self._negotiators.usual.vary
        self._read_assistant = history.reader(tuple(known.values()))
        self._forward = frozenset(name.lower().encode() for name in (*_FORWARDED, *forward_headers))
        self._ordinary = _ORDINARY - self._forward
        self.max_body_size, self._keep_alive = max_body_size, keep_alive
        self.policy, self._transform = policy, transform
        memory = Continuity() if continuity == "memory" else continuity
        targets = tuple(self._target(model, "fallbacks") for model in fallbacks)
        gate = None if max_concurrency is None else Gate(max_concurrency)
        planner = Planner(_conflicts(on_conflict), effort_budgets)
        self._policy = Policy(planner, memory, targets, max_retries, gate, on_complete)
        self._policies = {on_conflict: self._policy}

    def prepare(
        self, headers: Headers, body: bytes, choice: Choice | None = None
    ) -> Job | Refusal | None:
        """What to do with a request: a job, an error to answer with, or None: it is not ours.

        `choice` is what was decided about it; the service's own policy is not asked.
        """
        dialect: Dialect | None = None
        try:
            value = _parse(body)
            model = value.get("model")
            if choice is not None and choice.model is not None and model is not None:
                found: tuple[Provider, str] | None = self._target(choice.model, "policy")
            else:
                found = self.router(model, headers) if isinstance(model, str) else None
            if found is None:
                return None
            negotiate = self._negotiate if choice is None else self._negotiators.of(choice)
            ordinary = self._ordinary
            telling = [pair for pair in headers if pair[0] not in ordinary]
            dialect = negotiate(telling) if telling else negotiate.usual
            forwarded = self._forwarded(telling) if telling else ()
            return self._job(*found, dialect, headers, forwarded, value, choice)
        except ThinkingError as error:
            return Refusal(error, self.vary, dialect.name if dialect else "")

    def answer(self, headers: Headers, body: bytes, choice: Choice | None = None) -> Job | Refusal:
        """As `prepare`, for a host that has no answer of its own: what is not ours is refused."""
        prepared = self.prepare(headers, body, choice)
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
        return Refusal(error, self.vary)

    def too_large(self) -> Refusal:
        """The answer to a request whose body has more than `max_body_size` bytes."""
        return Refusal(PayloadTooLarge(f"body: larger than {self.max_body_size} bytes"))

    async def choose(
        self, body: bytes, scope: Mapping[str, Any], tenant: str = ""
    ) -> Choice | None:
        """What the policy says of a request; None without a policy.

        Raises:
            ThinkingError: it refuses the request.
        """
        if self.policy is None:
            return None
        return await consult(self.policy, Asker(_asked_model(body), tenant, scope))

    @property
    def keep_alive(self) -> float:
        """Seconds of silence before a streaming reply sends a comment."""
        return self._keep_alive

    def for_host(
        self, headers: Headers, choice: Choice | None = None
    ) -> tuple[Dialect, bool] | None:
        """The dialect for a reply that the host gives, and whether it was chosen expressly.

        None: the reply is the host's affair, as neither the request nor the configuration names a
        dialect.

        Raises:
            InvalidRequest: `x-thinking-dialect` names no known dialect.
        """
        return self._negotiators.for_host(headers, choice)

    def transform(self, choice: Choice | None = None) -> TransformFactory | None:
        """What makes the transform of a reply's thinking, the host's own replies included."""
        if choice is not None and choice.transform is not None:
            return choice.transform
        return self._transform

    def _job(  # noqa: PLR0913, PLR0917 (what is known of a request, taken apart once)
        self,
        provider: Provider,
        model: str,
        dialect: Dialect,
        headers: Headers,
        forwarded: tuple[tuple[str, str], ...],
        value: dict[str, Any],
        choice: Choice | None,
    ) -> Job:
        messages = {"messages": value.pop("messages", None)}
        policy, terms = self._policy, SHOWN if dialect.shows_thinking else HIDDEN
        transform = self._transform
        if choice is not None:
            policy, transform = self._policy_of(choice), self.transform(choice)
        if transform is not None or choice is not None:
            limits = None if choice is None else choice.limits
            terms = Terms(dialect.shows_thinking, transform is not None, limits)
        plan = policy.planner.plan(provider, model, value, terms)
        turns = requests.decode_turns(messages, self._read_assistant)
        remembers = policy.continuity is not None and (
            plan.asking.tools or (len(turns) > 1 and any(turn.role == "tool" for turn in turns))
        )
        takes_key = provider.credentials == "client" or policy.fallbacks
        stream, vary, wait = plan.asking.stream, self.vary, self._keep_alive
        return Job(
            policy,
            Manner(dialect, plan.asked, stream, vary, wait, transform),
            plan,
            turns,
            forwarded,
            caller_key(headers) if takes_key else None,
            owner(headers) if remembers else None,
            () if choice is None else self._decided(choice, headers, dialect, value["model"]),
        )

    def _policy_of(self, choice: Choice) -> Policy:
        mode = choice.on_conflict or self._policy.planner.on_conflict
        if mode not in self._policies:
            planner = Planner(_conflicts(mode), self._policy.planner.effort_budgets)
            self._policies[mode] = replace(self._policy, planner=planner)
        return self._policies[mode]

    def _decided(
        self, choice: Choice, headers: Headers, dialect: Dialect, asked: str
    ) -> tuple[str, ...]:
        """What a choice changed of what the caller would have got, for `x-thinking-applied`."""
        decided: list[str] = []
        if choice.model is not None and choice.model != asked:
            decided.append(f"model {asked[:_SHOWN_MODEL]}->{choice.model}")
        usual = self._negotiate(headers).name
        if usual != dialect.name:
            decided.append(f"dialect {usual}->{dialect.name}")
        return tuple(decided)

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

    def _target(self, model: str, where: str) -> tuple[Provider, str]:
        """Who serves a model of the configuration, and under which name."""
        found = self.router(model, ())
        if found is None:
            raise ConfigurationError(f"{where}: no provider serves {model!r}")
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


def _conflicts(mode: OnConflict) -> OnConflict:
    if mode not in ("fix", "reject", "pass"):
        raise ConfigurationError(f"on_conflict: {mode!r} is not fix, reject or pass")
    return mode


def _parse(body: bytes) -> dict[str, Any]:
    try:
        value = _json.loads(body)
    except ValueError as error:
        raise InvalidRequest(f"body: {error}") from error
    if value.__class__ is not dict:
        raise InvalidRequest("body: a JSON object is required")
    parsed: dict[str, Any] = value
    return parsed


def _asked_model(body: bytes) -> str:
    """The model that a body names, "" where it names none; its faults are for others to find."""
    with suppress(InvalidRequest):
        model = _parse(body).get("model")
        if isinstance(model, str):
            return model
    return ""
