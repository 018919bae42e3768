"""What a vendor refuses beside thinking: changed and reported, rejected by name, or passed.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/extended-thinking
and https://platform.claude.com/docs/en/about-claude/models/migration-guide.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.peers.requests_scene import CLAUDES, TOOLS, USER, Asking, JSONObject, Mode, spelled

pytestmark = pytest.mark.anyio


class Field(NamedTuple):
    """A conflict of another field, which in the body of Anthropic's API has the same name."""

    model: str
    body: JSONObject
    param: str
    fixed: Any
    applied: str


ENABLED: JSONObject = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
FIELDS = [
    Field(
        "opus-5",
        {"max_tokens": 200_000, "stream": True},
        "max_tokens",
        128_000,
        "max_tokens 200000->128000",
    ),
    Field("sonnet-4-5", {"temperature": 1.5}, "temperature", 1.0, "temperature 1.5->1"),
    Field("opus-4-1", {"temperature": 0.5, "top_p": 0.9}, "top_p", None, "top_p dropped"),
    Field("opus-4-1", {"temperature": 1, "top_p": 0.9}, "temperature", None, "temperature dropped"),
    Field("opus-4-6", {"temperature": 0.5} | ENABLED, "temperature", None, "temperature dropped"),
    Field("opus-4-6", {"top_p": 0.9} | ENABLED, "top_p", None, "top_p dropped"),
    Field("opus-4-6", {"top_k": 5} | ENABLED, "top_k", None, "top_k dropped"),
    Field("opus-4-8", {"temperature": 0.5}, "temperature", None, "temperature dropped"),
    Field("haiku-5-5", {"top_k": 5}, "top_k", None, "top_k dropped"),
    Field(
        "opus-4-6",
        {"tool_choice": "required", "tools": TOOLS} | ENABLED,
        "tool_choice",
        {"type": "auto"},
        "tool_choice required->auto",
    ),
    Field(
        "opus-5-5",
        {"tool_choice": "required", "tools": TOOLS},
        "tool_choice",
        {"type": "auto"},
        "tool_choice required->auto",
    ),
]


@pytest.mark.parametrize("name", ["anthropic", "vertex-claude"])
@pytest.mark.parametrize("row", FIELDS, ids=lambda row: f"{row.model} {row.applied}")
async def test_every_conflict_of_another_field_is_settled_as_wished(name: str, row: Field) -> None:
    """A value that only says the default is dropped and never rejected."""
    model, said = spelled(name, row.model), row.body[row.param]
    told = await Asking.of(name)(model, **row.body)
    assert (200, row.fixed, row.applied) == (
        told.status,
        told.body.get(row.param),
        told.applied,
    )
    told = await Asking.of(name, on_conflict="reject")(model, **row.body)
    assert told.status == (200 if said == 1 else 400)
    told = await Asking.of(name, on_conflict="pass")(model, **row.body)
    passed = {"type": "any"} if said == "required" else said
    assert (200, passed, "") == (told.status, told.body.get(row.param), told.applied)


@pytest.mark.parametrize("name", CLAUDES)
async def test_what_has_no_counterpart_is_passed_in_no_mode(name: str) -> None:
    """There is nothing to pass it as; several choices are refused in every mode."""
    model = spelled(name, "opus-5")
    modes: tuple[Mode, ...] = ("fix", "pass", "reject")
    for mode in modes[:2]:
        told = await Asking.of(name, on_conflict=mode)(model, seed=7, presence_penalty=0.5)
        assert "presence_penalty dropped; seed dropped" == told.applied
        assert not {"seed", "presence_penalty"} & told.sent.keys()
    ask = Asking.of(name, on_conflict="reject")
    assert "seed" == (await ask(model, seed=7)).param
    assert 200 == (await ask(model, presence_penalty=0, logprobs=False)).status
    for mode in modes:
        told = await Asking.of(name, on_conflict=mode)(model, n=2)
        assert (400, "n", None) == (told.status, told.param, told.upstream)


PREFILL = [USER, {"role": "assistant", "content": "It is"}]


@pytest.mark.parametrize("name", CLAUDES)
async def test_a_reply_that_is_to_be_continued_excludes_thinking(name: str) -> None:
    """Where a model continues replies at all; where it does not, nothing can mend it."""
    model = spelled(name, "sonnet-4-5")
    told = await Asking.of(name)(model, messages=PREFILL, **ENABLED)
    assert ("", "thinking off: prefill") == (told.claude, told.applied)
    told = await Asking.of(name, on_conflict="reject")(model, messages=PREFILL, **ENABLED)
    assert (400, "messages[1]") == (told.status, told.param)
    told = await Asking.of(name, on_conflict="pass")(model, messages=PREFILL, **ENABLED)
    assert ("enabled 2000", "") == (told.claude, told.applied)
    newer = spelled(name, "opus-4-6")
    for ask in (Asking.of(name), Asking.of(name, on_conflict="reject")):
        told = await ask(newer, messages=PREFILL)
        assert (400, "messages[1]", None) == (told.status, told.param, told.upstream)
    told = await Asking.of(name, on_conflict="pass")(newer, messages=PREFILL)
    assert 200 == told.status


@pytest.mark.parametrize("name", CLAUDES)
async def test_a_limit_that_is_only_served_by_streaming_is_streamed(name: str) -> None:
    """Upstream alone: the caller gets the whole reply that it asked for, and nothing is changed."""
    told = await Asking.of(name)(spelled(name, "opus-5"), max_tokens=30_000)
    assert ("", "application/json") == (told.applied, told.client.headers["content-type"])
    assert "stream" in told.path or told.sent["stream"]
