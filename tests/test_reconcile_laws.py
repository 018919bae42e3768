"""Laws of `reconcile`: whatever the request and the model, the vendor's rules hold afterwards.

The rules are written down once more here, from the vendor's pages (all read 2026-11-22) and without
the code's own tables of what to do.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import RedactedThinking, Text, Thinking, ToolCall, Turn
from asgi_thinking.models import CLAUDE
from asgi_thinking.reconcile import reconcile
from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig, ToolChoice
from tests.strategies import shared

# So many tests say together that a fixed request is one that its model takes.
LAWS = 7

ROWS = [row for rows in CLAUDE.values() for row in rows.values()]
CALL = ToolCall("call_1", "weather", "{}")
ASSISTANT_PARTS = st.lists(
    st.sampled_from([Thinking("a", "s"), Thinking("a"), RedactedThinking("d"), Text("t"), CALL])
)
RESULT = Turn("tool", (Text("r"),), "call_1")
TURNS = st.one_of(
    st.just(Turn("user", (Text("q"),))),
    st.just(RESULT),
    st.builds(lambda parts: Turn("assistant", tuple(parts)), ASSISTANT_PARTS),
)
THINKING = st.builds(
    ThinkingConfig,
    type=st.sampled_from([None, "enabled", "adaptive", "disabled", "between_tools"]),
    budget=st.none() | st.integers(-1, 200_000),
    effort=st.sampled_from([None, "none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    display=st.sampled_from([None, "omitted", "summarized", "updates", "\u2713"]),
    include=st.none() | st.booleans(),
)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


REQUESTS = st.builds(
    ChatRequest,
    model=st.just("m"),
    messages=st.lists(TURNS, max_size=6).map(lambda turns: (*turns, RESULT)),
    stream=st.booleans(),
    max_tokens=maybe(st.integers(1, 2_000) | st.integers(1, 200_000)),
    thinking=THINKING,
    temperature=maybe(st.floats(0, 2)),
    top_p=maybe(st.floats(0, 1) | st.floats(0.9, 1)),
    top_k=maybe(st.integers(1, 100)),
    seed=maybe(st.integers()),
    presence_penalty=maybe(st.floats(-2, 2)),
    logprobs=maybe(st.booleans()),
    verbosity=st.sampled_from([None, "low", "medium"]),
    tool_choice=maybe(
        st.sampled_from(
            [
                ToolChoice("none"),
                ToolChoice("auto"),
                ToolChoice("required"),
                ToolChoice("tool", "a"),
            ]
        )
    ),
    response_format=maybe(
        st.sampled_from([ResponseFormat("json_object"), ResponseFormat("json_schema", "a", {})])
    ),
)
MODELS = st.sampled_from(ROWS)
PREFILL = Turn("assistant", (Text("Because"),))


def thinks(config: ThinkingConfig, model: Capabilities) -> bool:
    return model.on_by_default if config.type is None else config.type != "disabled"


def thinking_rules(request: ChatRequest, model: Capabilities) -> dict[str, bool]:
    """Types, budgets, displays and efforts.

    https://platform.claude.com/docs/en/build-with-claude/extended-thinking
    https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
    https://platform.claude.com/docs/en/build-with-claude/effort
    """
    config, limit = request.thinking, request.max_tokens or 0
    least, budget = model.min_budget, config.budget
    refused = model.off_refused_at
    return {
        "type": config.type is None or config.type in model.thinking,
        "a budget belongs to enabled": (config.type == "enabled") == (budget is not None),
        "1024 <= budget < max_tokens": budget is None or least <= budget < limit,
        "display has a place": config.display is None or config.type in {"adaptive", "enabled"},
        "display": config.display in {None, "omitted", "summarized"},
        "display is known": config.display is None or model.display_default is not None,
        "effort": config.effort is None or config.effort in model.efforts,
        "effort beside a budget": not (config.effort and budget) or model.effort_with_budget,
        "effort beside off": config.type != model.off or config.effort not in refused,
    }


def turn_rules(request: ChatRequest, model: Capabilities) -> dict[str, bool]:
    """The end of the conversation.

    https://platform.claude.com/docs/en/build-with-claude/extended-thinking
    https://platform.claude.com/docs/en/about-claude/models/migration-guide
    """
    config, messages = request.thinking, request.messages
    roles = "".join(turn.role[0] for turn in messages).rstrip("ut")
    start = len(roles.rstrip("at"))
    turn = [turn for turn in messages[start : len(roles)] if turn.role == "assistant"]
    calls = turn != [] and CALL in turn[-1].parts
    signed = turn != [] and not {Thinking("a", "s"), RedactedThinking("d")}.isdisjoint(
        turn[0].parts
    )
    prefilled = messages[-1] == PREFILL
    return {
        "prefill": not prefilled or model.prefill != "never",
        "prefill beside thinking": not (prefilled and thinks(config, model)),
        "a tool turn starts with thinking": config.type != "enabled" or not calls or signed,
    }


def field_rules(request: ChatRequest, model: Capabilities) -> dict[str, bool]:
    """Everything beside thinking.

    https://platform.claude.com/docs/en/about-claude/models/migration-guide
    https://platform.claude.com/docs/en/build-with-claude/extended-thinking
    https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    https://platform.claude.com/docs/en/api/openai-sdk
    """
    warm, top_p, top_k = request.temperature, request.top_p, request.top_k
    busy, choice, form = (
        thinks(request.thinking, model),
        request.tool_choice,
        request.response_format,
    )
    forced = choice in {ToolChoice("required"), ToolChoice("tool", "a")}
    enabled = request.thinking.type == "enabled"
    return {
        "sampling": model.sampling != "never" or {warm, top_p, top_k} == {None},
        "sampling beside thinking": not busy or {warm, top_k} == {None},
        "top_p beside thinking": not busy or top_p is None or 0.95 <= top_p <= 1,
        "one sampler": not model.one_sampler or None in {warm, top_p},
        "temperature": warm is None or 0 <= warm <= 1,
        "forced tools": not forced or model.forced_tools != "never",
        "forced tools beside enabled": not (forced and enabled),
        "unknown": all(not getattr(request, name) for name in model.unsupported),
        "json_object": form != ResponseFormat("json_object"),
        "json_schema": form is None or model.structured_outputs,
        "max_tokens": 0 < (request.max_tokens or 0) <= model.max_output,
    }


def broken(request: ChatRequest, model: Capabilities) -> list[str]:
    rules = thinking_rules(request, model), turn_rules(request, model), field_rules(request, model)
    return [name for group in rules for name, holds in group.items() if not holds]


@shared(LAWS)
@given(REQUESTS, MODELS, st.booleans())
def test_fixed_requests_break_no_rule(
    request: ChatRequest, model: Capabilities, shows: bool
) -> None:
    """A request that was fixed breaks no rule, and what is long is streamed."""
    done = reconcile(request, model, shows_thinking=shows)
    assert broken(done.request, model) == []
    assert done.streams == (request.stream or (done.request.max_tokens or 0) > 21_333)


@shared(LAWS)
@given(REQUESTS, MODELS)
def test_fixed_prefills_break_no_rule(request: ChatRequest, model: Capabilities) -> None:
    """A prefill is refused by name or breaks no rule."""
    prefilled = replace(request, messages=(*request.messages, PREFILL))
    with suppress(InvalidRequest):
        done = reconcile(prefilled, model, shows_thinking=True)
        assert broken(done.request, model) == []
        assert model.prefill != "never"


@shared(LAWS)
@given(REQUESTS, MODELS, st.booleans())
def test_nothing_else_changes(request: ChatRequest, model: Capabilities, shows: bool) -> None:
    """The conversation and the model stay, and a change of a field is reported by its name."""
    done = reconcile(request, model, shows_thinking=shows)
    assert request.messages == done.request.messages
    report = " ".join(done.applied)
    for name in ("temperature", "top_p", "top_k", "seed", "tool_choice", "response_format"):
        changed = getattr(request, name) != getattr(done.request, name)
        assert changed == (name in report)


@shared(LAWS)
@given(REQUESTS, MODELS, st.booleans(), st.sampled_from(["fix", "pass"]))
def test_idempotent(request: ChatRequest, model: Capabilities, shows: bool, mode: Any) -> None:
    """What was reconciled once stays as it is."""
    once = reconcile(request, model, shows_thinking=shows, on_conflict=mode)
    again = reconcile(once.request, model, shows_thinking=shows, on_conflict=mode)
    assert once.request == again.request
    assert once.streams == again.streams


@shared(LAWS)
@given(REQUESTS, MODELS, st.booleans())
def test_rejecting_leaves_translations(
    request: ChatRequest, model: Capabilities, shows: bool
) -> None:
    """Where conflicts are rejected, what is left breaks no rule and is what fixing gives."""
    with suppress(InvalidRequest):
        strict = reconcile(request, model, shows_thinking=shows, on_conflict="reject")
        assert broken(strict.request, model) == []
        assert reconcile(request, model, shows_thinking=shows) == strict


@shared(LAWS)
@given(REQUESTS, MODELS, st.booleans())
def test_passing_keeps_the_vendors_words(
    request: ChatRequest, model: Capabilities, shows: bool
) -> None:
    """With "pass" nothing is refused, and what the caller said in the vendor's words stays."""
    done = reconcile(request, model, shows_thinking=shows, on_conflict="pass")
    said, sent = request.thinking, done.request.thinking
    assert said.type in {sent.type, None} or not model.thinking
    assert said.budget in {sent.budget, None} or said.type != "enabled"
    for name in ("temperature", "top_p", "top_k", "tool_choice"):
        assert getattr(request, name) == getattr(done.request, name)
    assert request.max_tokens in {None, done.request.max_tokens}


@shared(LAWS)
@given(REQUESTS, MODELS, st.booleans())
def test_hidden_thinking_stays_hidden(
    request: ChatRequest, model: Capabilities, shows: bool
) -> None:
    """Thinking that nobody will see is never summarized, and off is never asked for."""
    sent = reconcile(request, model, shows_thinking=shows).request.thinking
    assert sent.display in {None, "omitted"} or (shows and request.thinking.asked)
    assert request.thinking.asked or not sent.asked
