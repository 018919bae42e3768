"""What `reconcile` does with the fields beside thinking, and how it reports."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.reconcile import OnConflict, applied_header
from asgi_thinking.requests import ResponseFormat, ToolChoice
from tests.reconciling import run

CLOSED = {"type": "object", "additionalProperties": False}
SCHEMA = ResponseFormat("json_schema", "answer", CLOSED)
ANYTHING = Capabilities(100_000)


@pytest.mark.parametrize(
    ("model", "thinking", "given_limit", "stream", "limit", "streams"),
    [
        ("opus-5", "", None, True, 128_000, True),
        ("opus-5", "", None, False, 21_000, False),
        ("3-5-haiku", "", None, False, 8_192, False),
        ("opus-5", "", 21_333, False, 21_333, False),
        ("opus-5", "", 21_334, False, 21_334, True),
        ("sonnet-4-5", "enabled 16000", None, False, 24_192, True),
        ("sonnet-4-5", "enabled 10000", None, False, 21_000, False),
        ("sonnet-4-5", "enabled 90000", None, False, 64_000, True),
        ("sonnet-4-5", "enabled 16000", None, True, 64_000, True),
        ("opus-5", "90000", None, False, 21_000, False),
        (ANYTHING, "", 90_000, False, 90_000, False),
    ],
)
def test_max_tokens(
    model: str | Capabilities,
    thinking: str,
    given_limit: int | None,
    *,
    stream: bool,
    limit: int,
    streams: bool,
) -> None:
    """An unsaid limit suits the delivery and the budget; Anthropic streams what is above 21,333."""
    done = run(model, thinking, max_tokens=given_limit, stream=stream)
    assert limit == done.request.max_tokens
    assert streams == done.streams
    assert stream == done.request.stream


def test_max_tokens_above_the_models() -> None:
    """A limit above the model's is lowered, or rejected, or passed."""
    done = run("3-5-haiku", max_tokens=9_000)
    assert done.request.max_tokens == 8_192
    assert done.applied == ("max_tokens 9000->8192",)
    with pytest.raises(InvalidRequest, match="must be at most 8192") as caught:
        run("3-5-haiku", max_tokens=9_000, mode="reject")
    assert caught.value.param == "max_tokens"
    assert run("3-5-haiku", max_tokens=9_000, mode="pass").request.max_tokens == 9_000


# https://platform.claude.com/docs/en/about-claude/models/migration-guide and
# https://platform.claude.com/docs/en/build-with-claude/extended-thinking, read 2026-11-22.
@pytest.mark.parametrize(
    ("model", "thinking", "said", "kept"),
    [
        ("opus-4-8", "", {"temperature": 0.2, "top_p": 0.9, "top_k": 4}, {}),
        ("opus-4-8", "adaptive", {"top_p": 0.97}, {}),
        ("opus-4-6", "adaptive", {"temperature": 0.2, "top_k": 4}, {}),
        ("opus-4-6", "", {"temperature": 0.2, "top_k": 4}, {"temperature": 0.2, "top_k": 4}),
        ("sonnet-4-5", "2000", {"top_p": 0.97}, {"top_p": 0.97}),
        ("sonnet-4-5", "2000", {"top_p": 0.9}, {}),
        ("sonnet-4-5", "disabled", {"top_p": 0.9}, {"top_p": 0.9}),
        ("sonnet-4-5", "", {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2}),
        ("sonnet-4-5", "", {"temperature": 1.0, "top_p": 0.9}, {"top_p": 0.9}),
        ("opus-4-0", "", {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2, "top_p": 0.9}),
        ("sonnet-4-5", "", {"temperature": 1.7}, {"temperature": 1.0}),
    ],
)
def test_sampling(
    model: str, thinking: str, said: dict[str, float], kept: dict[str, float]
) -> None:
    """Sampling parameters that the API refuses are removed or lowered, and each is reported."""
    done = run(model, thinking, **said)
    names = ("temperature", "top_p", "top_k")
    found = {name: getattr(done.request, name) for name in names}
    assert kept == {name: value for name, value in found.items() if value is not None}
    changed = [name for name, value in said.items() if kept.get(name) != value]
    reported = [entry.split()[0] for entry in done.applied if entry.startswith(names)]
    assert changed == reported
    passed = run(model, thinking, mode="pass", **said).request
    assert said == {name: getattr(passed, name) for name in said}


@pytest.mark.parametrize(
    ("model", "thinking", "said", "param"),
    [
        ("opus-4-8", "", {"temperature": 0.2}, "temperature"),
        ("sonnet-4-5", "2000", {"top_k": 4}, "top_k"),
        ("sonnet-4-5", "", {"temperature": 0.2, "top_p": 0.9}, "top_p"),
        ("sonnet-4-5", "", {"temperature": 1.7}, "temperature"),
        ("sonnet-4-5", "", {"seed": 7}, "seed"),
        ("sonnet-4-5", "", {"verbosity": "high"}, "verbosity"),
        ("sonnet-4-5", "", {"response_format": ResponseFormat("json_object")}, "response_format"),
        ("opus-4-1", "", {"response_format": SCHEMA}, "response_format"),
        ("fable-5-1", "", {"tool_choice": ToolChoice("required")}, "tool_choice"),
    ],
)
def test_rejected(model: str, thinking: str, said: dict[str, Any], param: str) -> None:
    """With "reject" each conflict is an error that names its field."""
    with pytest.raises(InvalidRequest, match=r"supported|must") as caught:
        run(model, thinking, mode="reject", **said)
    assert param == caught.value.param


@pytest.mark.parametrize(
    "said",
    [
        {"temperature": 1},
        {"top_p": 1.0},
        {"presence_penalty": 0},
        {"frequency_penalty": 0.0},
        {"logprobs": False},
        {"top_logprobs": 0},
        {"logit_bias": {}},
        {"verbosity": "medium"},
    ],
)
def test_habits_are_not_rejected(said: dict[str, Any]) -> None:
    """Values that change nothing are dropped even where conflicts are rejected."""
    done = run("opus-5", mode="reject", **said)
    assert [f"{name} dropped" for name in said] == list(done.applied)


@pytest.mark.parametrize("mode", ["fix", "pass"])
def test_fields_without_counterpart(mode: OnConflict) -> None:
    """Fields that the vendor has no words for are dropped, and reported, in every mode."""
    said: dict[str, Any] = {
        "seed": 7,
        "logprobs": True,
        "top_logprobs": 3,
        "logit_bias": {"1": 2.0},
        "presence_penalty": 0.5,
        "frequency_penalty": 0.5,
        "verbosity": "low",
    }
    json_object = ResponseFormat("json_object")
    done = run("opus-5", mode=mode, response_format=json_object, **said)
    assert dict.fromkeys(said) == {name: getattr(done.request, name) for name in said}
    assert done.request.response_format is None
    fields = [f"{name} dropped" for name in sorted(said)]
    assert [*fields, "response_format json_object dropped"] == list(done.applied)
    kept = run(ANYTHING, mode=mode, response_format=json_object, **said)
    assert said == {name: getattr(kept.request, name) for name in said}
    assert json_object == kept.request.response_format


def test_json_schema() -> None:
    """A JSON schema goes to the models that know structured outputs, and is dropped elsewhere."""
    assert run("sonnet-4-5", response_format=SCHEMA).request.response_format == SCHEMA
    done = run("opus-4-1", response_format=SCHEMA)
    assert done.request.response_format is None
    assert done.applied == ("response_format json_schema dropped",)
    passed = run("opus-4-1", response_format=SCHEMA, mode="pass")
    assert passed.request.response_format == SCHEMA


@pytest.mark.parametrize("mode", ["fix", "reject", "pass"])
def test_more_choices(mode: OnConflict) -> None:
    """More choices than one are refused in every mode where the model gives one."""
    with pytest.raises(InvalidRequest, match="n must be 1") as caught:
        run("opus-5", n=2, mode=mode)
    assert caught.value.param == "n"
    assert run(ANYTHING, n=2, mode=mode).request.n == 2


# https://platform.claude.com/docs/en/build-with-claude/extended-thinking, read 2026-11-22.
@pytest.mark.parametrize(
    ("model", "thinking", "mode"),
    [
        ("fable-5-1", "", "auto"),
        ("sonnet-5-5", "between_tools", "auto"),
        ("opus-5", "adaptive", None),
        ("opus-4-6", "adaptive", None),
        ("opus-4-6", "2000", "auto"),
        ("sonnet-4-5", "effort=low", "auto"),
        ("sonnet-4-5", "", None),
    ],
)
@pytest.mark.parametrize("choice", [ToolChoice("required", "", ("a",)), ToolChoice("tool", "a")])
def test_forced_tools(model: str, thinking: str, mode: str | None, choice: ToolChoice) -> None:
    """A forced call becomes "auto" where the API refuses it, and is reported."""
    done = run(model, thinking, tool_choice=choice)
    fixed = ToolChoice("auto", "", choice.allowed)
    assert (fixed if mode else choice) == done.request.tool_choice
    assert bool(mode) == (f"tool_choice {choice.mode}->auto" in done.applied)
    assert choice == run(model, thinking, tool_choice=choice, mode="pass").request.tool_choice


@pytest.mark.parametrize("mode", ["none", "auto"])
def test_unforced_tools(mode: Any) -> None:
    """A choice that forces nothing stays."""
    assert ToolChoice(mode) == run("fable-5-1", tool_choice=ToolChoice(mode)).request.tool_choice


def test_applied_header() -> None:
    """The header joins its entries and keeps whole ones only."""
    assert applied_header([]) == ""
    assert applied_header(["seed dropped"]) == "seed dropped"
    assert applied_header(["a\r\nb", "ü", "c"]) == "a??b; ?; c"
    assert applied_header(["x" * 2_000]) == "..."
    assert applied_header(["a", "x" * 2_000, "b"]) == "a; ..."


@given(st.lists(st.text(max_size=300)))
def test_applied_header_is_safe(applied: list[str]) -> None:
    """Whatever the entries, the header is printable ASCII and at most 1,024 bytes."""
    value = applied_header(applied)
    assert len(value) <= 1_024
    assert value.isascii()
    assert value.isprintable()
