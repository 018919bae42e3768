"""What a request comes to for one model of one provider, before and after its history is known.

An app sends the same settings, tools and all, all day long: they are decoded and reconciled once.
What a model turns out to refuse, against its record, is remembered here as well.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from asgi_thinking import _json, history, requests
from asgi_thinking._read_only import read_only
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.dialects import Asked
from asgi_thinking.exceptions import ProviderError, ThinkingError
from asgi_thinking.limits import Limits
from asgi_thinking.messages import Turn
from asgi_thinking.providers import Provider
from asgi_thinking.reconcile import OnConflict, Reconciled, history_matters, reconcile
from asgi_thinking.requests import ChatRequest

__all__ = ["HIDDEN", "SHOWN", "Fitted", "Plan", "Planner", "Terms"]

logger = logging.getLogger("asgi_thinking")

# How many requests' settings are remembered, and the longest of them in bytes.
_PLANS: Final = 256
_PLAN_SIZE: Final = 2**16

# How many models' lessons and how many refused signatures are remembered, and for how long, in
# seconds: vendors change their minds.
_LESSONS: Final = 256
_REFUSALS: Final = 10_000
_AGE: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What an owner wants of a plan, beside what the caller says.

    `shows_thinking` says that the reply's dialect shows thinking to who asks for it, and `overseen`
    that the owner looks at it in any case.
    """

    shows_thinking: bool
    overseen: bool = False
    limits: Limits | None = None


SHOWN: Final = Terms(shows_thinking=True)
HIDDEN: Final = Terms(shows_thinking=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request comes to, whatever its messages: as the caller asked, and as it will go.

    `asking` is within the owner's limits; `limited` says what they changed.
    """

    provider: Provider
    model: str
    capabilities: Capabilities
    terms: Terms
    settings: Mapping[str, Any]
    asking: ChatRequest
    asked: Asked
    limited: tuple[str, ...]
    fixed: Reconciled


@read_only
class Fitted:
    """A request that the model accepts, and what was changed to make it so."""

    request: ChatRequest
    applied: tuple[str, ...]


class Planner:
    """Makes plans; one for each service.

    `on_conflict` and `effort_budgets` are as in `Service`; `clock` gives seconds.
    """

    def __init__(
        self,
        on_conflict: OnConflict = "fix",
        effort_budgets: Mapping[str, float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on_conflict: OnConflict = on_conflict
        self.effort_budgets = effort_budgets
        self._clock = clock
        self._plans: dict[tuple[str, str, bool, bool, Limits | None, bytes], Plan] = {}
        self._learned: dict[tuple[str, str], tuple[Capabilities, Capabilities, float]] = {}
        self._refused: dict[bytes, float] = {}

    def plan(
        self, provider: Provider, model: str, settings: Mapping[str, Any], terms: Terms
    ) -> Plan:
        """What to make of a body without its messages.

        Raises:
            InvalidRequest: a setting is wrong, or conflicts are rejected and there is one.
        """
        text = _json.dumps(settings)
        limits = terms.limits
        key = (provider.name, model, terms.shows_thinking, terms.overseen, limits, text)
        capabilities = self._capabilities(provider, model)
        plan = self._plans.get(key)
        if plan is not None and plan.capabilities is capabilities:
            return plan
        asking = requests.decode_settings(settings, provider.extra_fields).but(model=model)
        asked = Asked(asking.thinking.asked, asking.include_usage)
        limited: tuple[str, ...] = ()
        if limits is not None:
            asking, limited = limits.within(asking, capabilities)
        fixed = self._reconcile(asking, capabilities, terms, asked)
        plan = Plan(provider, model, capabilities, terms, settings, asking, asked, limited, fixed)
        if len(text) <= _PLAN_SIZE:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            self._plans[key] = plan
        return plan

    def fit(
        self,
        plan: Plan,
        turns: tuple[Turn, ...],
        headers: tuple[tuple[str, str], ...] = (),
        key: str | None = None,
    ) -> Fitted:
        """The request with its messages, as the model takes them back; `key` is the caller's own.

        Raises:
            InvalidRequest: conflicts are rejected, and the history makes one.
        """
        provider, fixed = plan.provider, plan.fixed
        dropped: tuple[str, ...] = ()
        if "assistant" in [turn.role for turn in turns]:
            refused: tuple[str, ...] = ()
            if self._refused:
                turns, refused = history.without(turns, partial(self._was_refused, provider))
            turns, dropped = history.keep_verifiable(
                turns,
                provider.accepts_for(plan.model),
                keeps_unsigned=plan.capabilities.echoes_unsigned,
            )
            dropped = (*refused, *dropped)
            if history_matters(turns, plan.capabilities, fixed.request.thinking, plan.asking.tools):
                fixed = self._reconcile(
                    plan.asking.but(messages=turns),
                    plan.capabilities,
                    plan.terms,
                    plan.asked,
                )
        request = fixed.request.but(
            messages=turns,
            stream=fixed.streams,
            headers=headers,
            credential=key if provider.credentials == "client" else None,
        )
        return Fitted(request, (*plan.limited, *dropped, *fixed.applied))

    def learn(self, plan: Plan, error: ThinkingError) -> Plan | None:
        """A plan that heeds a refusal which the model's record did not foresee, if it is known.

        Nothing is learned where requests go as they are.

        Raises:
            InvalidRequest: conflicts are rejected, and the lesson makes one.
        """
        known = plan.capabilities
        if error.status != 400 or not isinstance(error, ProviderError) or self._passes:
            return None
        wiser = known.heeding(error.message)
        if wiser == known:
            return None
        provider, model = plan.provider, plan.model
        logger.warning("provider %s: %s refuses what its record allows", provider.name, model)
        if len(self._learned) >= _LESSONS:
            self._learned.clear()
        entry = (provider.capabilities(model), wiser, self._clock() + _AGE)
        self._learned[provider.name, model] = entry
        return self.plan(provider, model, plan.settings, plan.terms)

    def forget_thinking(
        self, plan: Plan, turns: tuple[Turn, ...], error: ThinkingError
    ) -> tuple[tuple[Turn, ...], tuple[str, ...]] | None:
        """The turns without what the upstream disowns and what they lost, None if it is not that.

        Vendors refuse signed thinking that they cannot verify, or that stood in another
        conversation; without any of it the request is good. Only where conflicts are fixed. It is
        left out of later requests from the start, or each of them would be refused once.
        """
        if error.status != 400 or not isinstance(error, ProviderError) or not self._fixes:
            return None
        if not plan.capabilities.disowns(error.message):
            return None
        kept, dropped = history.keep_verifiable(turns, frozenset())
        if not dropped:
            return None
        until = self._clock() + _AGE
        for seal in history.seals(turns):
            if len(self._refused) >= _REFUSALS:
                self._refused.clear()
            self._refused[_digest(plan.provider, seal)] = until
        return kept, dropped

    def _was_refused(self, provider: Provider, seal: str) -> bool:
        return bool(seal) and self._refused.get(_digest(provider, seal), 0.0) > self._clock()

    @property
    def _passes(self) -> bool:
        return self.on_conflict == "pass"

    @property
    def _fixes(self) -> bool:
        return self.on_conflict == "fix"

    def _capabilities(self, provider: Provider, model: str) -> Capabilities:
        """The model's record, with what was learned since it was made."""
        record = provider.capabilities(model)
        if not self._learned:
            return record
        base, wiser, until = self._learned.get((provider.name, model), (record, record, 0.0))
        return wiser if base == record and self._clock() < until else record

    def _reconcile(
        self, request: ChatRequest, capabilities: Capabilities, terms: Terms, asked: Asked
    ) -> Reconciled:
        if terms.limits is not None:
            capabilities = terms.limits.narrow(capabilities)
        return reconcile(
            request,
            capabilities,
            # What the owner limits is no wish to see it.
            shows_thinking=terms.shows_thinking and asked.thinking,
            overseen=terms.overseen,
            on_conflict=self.on_conflict,
            effort_budgets=self.effort_budgets,
        )


def _digest(provider: Provider, seal: str) -> bytes:
    """A signature that one provider refused, at a fraction of its length."""
    text = f"{provider.name}\0{seal}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:16]
