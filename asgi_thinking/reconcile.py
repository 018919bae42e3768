"""Brings a request within what a model accepts, and says what was changed.

A *translation* says the caller's wish in the model's own terms ("effort high" becomes a budget) and
happens in every mode. A *conflict* is what the vendor would refuse: "fix" changes it, "reject"
raises, "pass" leaves it for the vendor to judge. What has no counterpart upstream is never passed.

Sources, all read 2026-11-22:
https://platform.claude.com/docs/en/build-with-claude/extended-thinking (budgets, sampling, forced
tools, replayed turns), https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking,
https://platform.claude.com/docs/en/build-with-claude/effort,
https://platform.claude.com/docs/en/about-claude/models/migration-guide,
https://platform.claude.com/docs/en/build-with-claude/structured-outputs (schemas) and
https://platform.claude.com/docs/en/build-with-claude/prompt-caching.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Final, assert_never

from asgi_thinking import _thinking, schemas
from asgi_thinking._thinking import Ledger, OnConflict, Thinker
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import File, Image, Text, ToolCall, Turn
from asgi_thinking.requests import (
    ChatRequest,
    ResponseFormat,
    ThinkingConfig,
    Tool,
    ToolChoice,
)

__all__ = [
    "EFFORT_BUDGETS",
    "OnConflict",
    "Reconciled",
    "applied_header",
    "history_matters",
    "reconcile",
]

EFFORT_BUDGETS: Final[Mapping[str, float]] = {
    "minimal": 0.1,
    "low": 0.2,
    "medium": 0.5,
    "high": 0.8,
    "xhigh": 0.95,
    "max": 0.95,
}
"""The share of `max_tokens` that an effort gives to thinking on models that know budgets only."""

# A reply that is not streamed gets no more than this unless the caller asks, in tokens: Anthropic's
# SDK refuses above 21,333, and an idle connection of ten minutes is cut by many a proxy.
_UNSTREAMED: Final = 21_000
# What is left for the answer beside a budget whose caller gave no max_tokens, in tokens.
_ANSWER: Final = 8_192
_HEADER_LIMIT: Final = 1_024
_UNSUPPORTED: Final = "is not supported by this model"

_DEFAULTS: Final[Mapping[str, Any]] = {
    field.name: field.default for field in fields(ChatRequest) if field.default is not MISSING
}
# Values that change nothing, which many clients always send: no reason to reject.
_NEUTRAL: Final[Mapping[str, Any]] = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logprobs": False,
    "top_logprobs": 0,
    "logit_bias": {},
    "verbosity": "medium",
    "parallel_tool_calls": True,
}


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A request that the model accepts.

    `request.stream` is still the caller's wish; `streams` says whether the upstream must be asked
    for a stream. `applied` has one entry for each change, as in "budget_tokens 500->1024".
    """

    request: ChatRequest
    applied: tuple[str, ...]
    streams: bool


def reconcile(  # noqa: PLR0913 (all but two by keyword)
    request: ChatRequest,
    capabilities: Capabilities,
    *,
    shows_thinking: bool,
    overseen: bool = False,
    on_conflict: OnConflict = "fix",
    effort_budgets: Mapping[str, float] | None = None,
) -> Reconciled:
    """Bring `request` within `capabilities`.

    After it `thinking.type` is what goes upstream (None: nothing does), `thinking.budget` belongs
    to "enabled", and `thinking.effort` is one of the vendor's own words. `shows_thinking` says that
    who asked for thinking will see it, and `overseen` that somebody will in any case;
    `effort_budgets` overrides `EFFORT_BUDGETS` word by word.

    Raises:
        InvalidRequest: more choices than the model gives, a prefill or functions that it cannot
            take, or with `on_conflict="reject"` any conflict; `param` names the place.
    """
    ledger = Ledger(on_conflict)
    within = _within_fields(request, capabilities, ledger)
    limit = _max_tokens(within, capabilities, ledger)
    within = _within_forms(within, capabilities, ledger)
    shares = {**EFFORT_BUDGETS, **effort_budgets} if effort_budgets else EFFORT_BUDGETS
    shows = overseen or (shows_thinking and within.thinking.asked)
    thinker = Thinker(capabilities, ledger, limit, shares, shows)
    config = thinker.after(within.messages, thinker.config(within.thinking))
    if within.tools and not capabilities.tools_beside_thinking:
        config = _beside_tools(thinker, config)
    changes = _beside_thinking(within, thinker, config)
    if limit != within.max_tokens and (capabilities.needs_limit or within.max_tokens is not None):
        changes["max_tokens"] = limit
    if config is not within.thinking:
        changes["thinking"] = config
    above = capabilities.streams_above
    streams = within.stream or (above is not None and limit > above)
    fixed = within.but(**changes) if changes else within
    return Reconciled(fixed, tuple(ledger.applied), streams)


def applied_header(applied: Iterable[str]) -> str:
    """The value of `x-thinking-applied`: printable ASCII, at most 1,024 bytes, no entry cut."""
    value = ""
    for entry in applied:
        clean = "".join(char if " " <= char <= "~" else "?" for char in entry)
        longer = f"{value}; {clean}" if value else clean
        if len(longer) > _HEADER_LIMIT - len("; ..."):
            return f"{value}; ..." if value else "..."
        value = longer
    return value


def _within_fields(request: ChatRequest, capabilities: Capabilities, ledger: Ledger) -> ChatRequest:
    """The request without what has no counterpart upstream, which can be passed in no mode."""
    if request.n > 1 and not capabilities.choices:
        raise InvalidRequest(f"n must be 1 for this model, not {request.n!r}", param="n")
    changes: dict[str, Any] = {}
    values = vars(request)
    # What is unsaid is the very default, which is quicker to see than equality.
    said = [name for name in capabilities.unsupported if values[name] is not _DEFAULTS[name]]
    for name in sorted(name for name in said if values[name] != _DEFAULTS[name]):
        _drop(ledger, f"{name} dropped", name, harmless=values[name] == _NEUTRAL.get(name))
        changes[name] = _DEFAULTS[name]
    if request.web_search and request.tools and not capabilities.search_beside_tools:
        _drop(ledger, "web_search dropped: not beside functions", "web_search_options")
        changes["web_search"] = False
    form = request.response_format
    if form is not None:
        searches = changes.get("web_search", request.web_search)
        alone = capabilities.json_beside_tools or not (request.tools or searches)
        changes["response_format"] = _response_format(form, capabilities, ledger, alone=alone)
    return request.but(**changes) if changes else request


def _response_format(
    form: ResponseFormat, capabilities: Capabilities, ledger: Ledger, *, alone: bool
) -> ResponseFormat | None:
    if not alone:
        entry, why = "response_format dropped: not beside tools", "must not stand beside tools"
        return None if ledger.fixes(entry, "response_format", why) else form
    if form.type == "json_object" and not capabilities.json_objects:
        _drop(ledger, "response_format json_object dropped", "response_format")
        return None
    if form.type == "json_schema" and not capabilities.structured_outputs:
        entry = "response_format json_schema dropped"
        return None if ledger.fixes(entry, "response_format", _UNSUPPORTED) else form
    return form


def _within_forms(request: ChatRequest, capabilities: Capabilities, ledger: Ledger) -> ChatRequest:
    """The request in the forms that the API takes; its history is only reported, wires mend it."""
    changes: dict[str, Any] = {}
    if request.stop and not capabilities.blank_stops:
        kept = tuple(word for word in request.stop if word.strip())
        why = "must hold more than white space"
        if kept != request.stop and ledger.fixes("stop dropped: blank", "stop", why):
            changes["stop"] = kept
    form = request.response_format
    if form is not None and form.schema is not None and capabilities.closed_schemas:
        changes["response_format"] = _closed(form, form.schema, ledger)
    most = capabilities.max_marks
    if most is not None and (surplus := _marks(request.tools, request.messages) - most) > 0:
        why = f"must stand at most {most} times"
        ledger.fixes(f"cache_control: {surplus} dropped", "cache_control", why)
    if capabilities.trims_prefill and request.messages and _trails(request.messages[-1]):
        ledger.note("prefill: trailing white space dropped")
    if capabilities.needs_tools and not request.tools and _calls(request.messages):
        ledger.note("tools defined for the calls so far")
    return request.but(**changes) if changes else request


def history_matters(
    messages: Sequence[Turn],
    accepts: Capabilities,
    config: ThinkingConfig,
    tools: Sequence[Tool] = (),
) -> bool:
    """Whether these messages could change what `reconcile` made of a request without any."""
    if _thinking.history_matters(messages, accepts, config):
        return True
    if accepts.max_marks is not None and _marks(tools, messages) > accepts.max_marks:
        return True
    return accepts.needs_tools and not tools and _calls(messages)


def _marks(tools: Sequence[Tool], messages: Sequence[Turn]) -> int:
    """How many cache marks there are."""
    own = sum(bool(tool.cache_control) for tool in tools)
    own += sum(bool(turn.cache_control) for turn in messages)
    parts = (part for turn in messages for part in turn.parts)
    return own + sum(isinstance(part, _MARKED) and bool(part.cache_control) for part in parts)


_MARKED: Final = (Text, ToolCall, Image, File)


def _calls(messages: Sequence[Turn]) -> bool:
    return any(isinstance(part, ToolCall) for turn in messages for part in turn.parts)


def _trails(turn: Turn) -> bool:
    last = turn.parts[-1] if turn.role == "assistant" and turn.parts else None
    return isinstance(last, Text) and last.text != last.text.rstrip()


def _closed(form: ResponseFormat, schema: Mapping[str, Any], ledger: Ledger) -> ResponseFormat:
    """The format with closed objects and without what the API refuses in a schema."""
    closed, found = schemas.closed(schema)
    if schemas.CLOSED in found:
        ledger.note("response_format: objects closed")
    if words := ", ".join(sorted(found - {schemas.CLOSED})):
        why = f"must not have {words} for this model"
        if not ledger.fixes(f"response_format: {words} dropped", "response_format", why):
            return form
    return replace(form, schema=closed)


def _drop(ledger: Ledger, entry: str, param: str, *, harmless: bool = False) -> None:
    if not ledger.fixes(entry, param, _UNSUPPORTED, harmless=harmless):
        ledger.note(entry)


def _max_tokens(request: ChatRequest, capabilities: Capabilities, ledger: Ledger) -> int:
    """The caller's limit, or one that suits how the reply is delivered and holds the budget."""
    most, said = capabilities.max_output, request.max_tokens
    if said is None:
        usual = most if request.stream else min(most, _UNSTREAMED)
        budget = request.thinking.budget if "enabled" in capabilities.thinking else None
        return usual if budget is None else max(usual, min(most, budget + _ANSWER))
    if said <= most:
        return said
    why = f"must be at most {most} for this model, not {said!r}"
    return most if ledger.fixes(f"max_tokens {said}->{most}", "max_tokens", why) else said


def _beside_tools(thinker: Thinker, config: ThinkingConfig) -> ThinkingConfig:
    """A reconciled `config` beside which the model takes functions."""
    ledger = thinker.ledger
    if ledger.mode == "pass" or not thinker.thinks(config):
        return config
    silent = thinker.silent()
    if silent is None:
        why = (
            "must be absent: this API takes none while the model thinks, which nothing turns off;"
            " the vendor's Responses API takes them"
        )
        raise InvalidRequest(f"tools {why}", param="tools")
    why = "must be absent while the model thinks"
    ledger.fixes("thinking off: tools", "tools", why, harmless=config.type is None)
    return silent


def _beside_thinking(
    request: ChatRequest, thinker: Thinker, config: ThinkingConfig
) -> dict[str, Any]:
    """The fields to change that the model takes, but not beside its thinking."""
    capabilities, ledger = thinker.accepts, thinker.ledger
    thinks = thinker.thinks(config)
    changes: dict[str, Any] = {}
    if request.tool_choice is not None:
        limited = capabilities.forced_tools == "without_thinking"
        hushed = thinks if limited else config.type == "enabled"
        changes["tool_choice"] = _tool_choice(
            request.tool_choice, capabilities, ledger, thinks=hushed
        )
    if not (request.temperature is request.top_p is request.top_k is None):
        changes |= _sampling(request, capabilities, ledger, thinks=thinks)
    if thinks and capabilities.unsupported_thinking:
        values, why = vars(request), "must be absent while the model thinks"
        for name in sorted(capabilities.unsupported_thinking):
            value, default = changes.get(name, values[name]), _DEFAULTS[name]
            harmless = value == _NEUTRAL.get(name)
            if value != default and ledger.fixes(f"{name} dropped", name, why, harmless=harmless):
                changes[name] = default
    return changes


def _tool_choice(
    choice: ToolChoice, capabilities: Capabilities, ledger: Ledger, *, thinks: bool
) -> ToolChoice:
    if choice.mode in {"none", "auto"}:
        return choice
    match capabilities.forced_tools:
        case "always":
            return choice
        case "without_enabled" | "without_thinking":
            refused, why = thinks, "must not force a call while the model thinks"
        case "never":
            refused, why = True, "must not force a call of this model"
        case _ as unreachable:
            assert_never(unreachable)
    if refused and ledger.fixes(f"tool_choice {choice.mode}->auto", "tool_choice", why):
        return replace(choice, mode="auto", name="")
    return choice


def _sampling(
    request: ChatRequest, capabilities: Capabilities, ledger: Ledger, *, thinks: bool
) -> dict[str, float | None]:
    """The sampling parameters to change."""
    never = capabilities.sampling == "never"
    hushed = capabilities.sampling == "without_thinking" and thinks
    why = _UNSUPPORTED if never else "must be absent while the model thinks"
    said = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    kept = {name: value for name, value in said.items() if value is not None}
    changes: dict[str, float | None] = {}
    for name, value in list(kept.items()):
        refused = never or (hushed and not (name == "top_p" and 0.95 <= value <= 1))
        harmless = value == _NEUTRAL.get(name)
        if refused and ledger.fixes(f"{name} dropped", name, why, harmless=harmless):
            changes[name] = None
            del kept[name]
    if capabilities.one_sampler and {"temperature", "top_p"} <= kept.keys():
        loser = "temperature" if kept["temperature"] == 1 else "top_p"
        why = "must not stand beside the other of temperature and top_p for this model"
        harmless = kept[loser] == 1
        if ledger.fixes(f"{loser} dropped", loser, why, harmless=harmless):
            changes[loser] = None
            del kept[loser]
    warmth, highest = kept.get("temperature", 0.0), capabilities.max_temperature
    if warmth > highest:
        why = f"must be at most {highest:g} for this model, not {warmth!r}"
        if ledger.fixes(f"temperature {warmth:g}->{highest:g}", "temperature", why):
            changes["temperature"] = highest
    return changes
