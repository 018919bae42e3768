"""How `reconcile` says a wish about thinking in the words of each model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Opaque, RedactedThinking, Text, Thinking, ToolCall, Turn
from asgi_thinking.models import claude
from asgi_thinking.reconcile import OnConflict, reconcile
from asgi_thinking.requests import ChatRequest
from tests.reconciling import QUESTION, config, run

CALL = ToolCall("call_1", "weather", "{}")
RESULT = Turn("tool", (Text("rain"),), "call_1")
LOST = (QUESTION, Turn("assistant", (CALL,)), RESULT)
PREFILL = (QUESTION, Turn("assistant", (Text("Because"),)))

# Model | what the caller said | what goes upstream | what is reported. max_tokens is 8,000.
# https://platform.claude.com/docs/en/build-with-claude/extended-thinking, adaptive-thinking, effort
TRANSLATED = """
sonnet-4-5 | effort=high | enabled 6400 | effort high->budget_tokens 6400
sonnet-4-5 | effort=minimal | enabled 1024 | effort minimal->budget_tokens 1024
sonnet-4-5 | effort=low | enabled 1600 | effort low->budget_tokens 1600
sonnet-4-5 | effort=medium | enabled 4000 | effort medium->budget_tokens 4000
sonnet-4-5 | effort=xhigh | enabled 7600 | effort xhigh->budget_tokens 7600
sonnet-4-5 | effort=max | enabled 7600 | effort max->budget_tokens 7600
sonnet-4-5 | enabled | enabled 4000 | effort medium->budget_tokens 4000
sonnet-4-5 | enabled effort=none | enabled 4000 | effort medium->budget_tokens 4000
sonnet-4-5 | include | enabled 4000 include | effort medium->budget_tokens 4000
sonnet-4-5 | 3000 | enabled 3000 |
sonnet-4-5 | enabled 3000 | enabled 3000 |
sonnet-4-5 | enabled 3000 effort=high | enabled 3000 | effort high dropped
sonnet-4-5 | enabled 3000 effort=none | enabled 3000 | effort none dropped
opus-4-5 | effort=max | enabled 7600 effort=high | effort max->budget_tokens 7600
opus-4-5 | enabled 2000 effort=low | enabled 2000 effort=low |
opus-4-5 | enabled 2000 effort=xhigh | enabled 2000 effort=high | effort xhigh->high
opus-4-6 | enabled 2000 | enabled 2000 |
opus-4-6 | 2000 | enabled 2000 |
opus-4-6 | effort=max | adaptive effort=max display=summarized |
opus-4-8 | effort=minimal | adaptive effort=low display=summarized | effort minimal->low
opus-4-8 | effort=xhigh | adaptive effort=xhigh display=summarized |
opus-4-8 | effort=high exclude | adaptive effort=high display=omitted exclude |
opus-4-8 | adaptive | adaptive display=summarized |
opus-4-8 | adaptive effort=none | adaptive display=summarized | effort none dropped
opus-4-8 | adaptive 2000 effort=low | adaptive effort=low display=summarized |\
 budget_tokens 2000 dropped
opus-4-8 | include | adaptive display=summarized include |
opus-4-8 | 2047 | adaptive effort=low display=summarized | budget_tokens 2047->effort low
opus-4-8 | 8191 | adaptive effort=medium display=summarized |\
 budget_tokens 8191->effort medium
opus-4-8 | 8192 | adaptive effort=high display=summarized | budget_tokens 8192->effort high
opus-4-8 | 24576 | adaptive effort=xhigh display=summarized |\
 budget_tokens 24576->effort xhigh
opus-4-8 | 49152 | adaptive effort=max display=summarized | budget_tokens 49152->effort max
opus-4-8 | 9000 effort=max | adaptive effort=max display=summarized | budget_tokens 9000 dropped
opus-4-8 | 9000 effort=minimal | adaptive effort=low display=summarized | effort minimal->low;\
 budget_tokens 9000 dropped
opus-4-8 | 9000 effort=none | adaptive effort=high display=summarized | effort none dropped;\
 budget_tokens 9000->effort high
opus-4-8 | | |
opus-4-8 | exclude | exclude |
opus-4-8 | effort=none | exclude |
sonnet-5 | | |
sonnet-5 | effort=none | disabled exclude | effort none->disabled
sonnet-5-5 | effort=none | between_tools exclude | effort none->between_tools
sonnet-5-5 | between_tools effort=low | between_tools effort=low |
opus-5 | disabled effort=high | disabled effort=high exclude |
sonnet-4-5 | disabled effort=high | disabled exclude | effort high dropped
3-5-haiku | disabled | exclude |
3-5-haiku | effort=none | exclude |
3-5-haiku | | |
"""

# As above, then the field that is to blame. Everything here the API answers with 400:
# https://platform.claude.com/docs/en/about-claude/models/migration-guide and the pages above.
CONFLICTS = """
sonnet-4-5 | enabled 500 | enabled 1024 | budget_tokens 500->1024 | thinking.budget_tokens
sonnet-4-5 | enabled 8000 | enabled 7999 | budget_tokens 8000->7999 | thinking.budget_tokens
sonnet-4-5 | adaptive | enabled 4000 | thinking.type adaptive->enabled;\
 effort medium->budget_tokens 4000 | thinking.type
opus-4-8 | enabled 9000 | adaptive effort=high display=summarized |\
 thinking.type enabled->adaptive; budget_tokens 9000->effort high | thinking.type
opus-4-8 | enabled 9000 effort=max | adaptive effort=max display=summarized | thinking.type\
 enabled->adaptive; budget_tokens 9000 dropped | thinking.type
opus-4-6 | effort=xhigh | adaptive effort=high display=summarized | effort xhigh->high\
 | reasoning_effort
fable-5-1 | disabled effort=high | adaptive effort=low display=omitted exclude\
 | thinking off->effort low, display omitted | thinking.type
fable-5-1 | effort=none | adaptive effort=low display=omitted exclude\
 | thinking off->effort low, display omitted | reasoning_effort
sonnet-5-5 | disabled | between_tools exclude | thinking.type disabled->between_tools\
 | thinking.type
sonnet-5-5 | between_tools effort=max include | between_tools effort=high include\
 | effort max->high | reasoning_effort
opus-5 | between_tools | disabled exclude | thinking.type between_tools->disabled | thinking.type
opus-5 | disabled display=summarized | disabled exclude | display dropped | thinking.display
opus-5 | disabled effort=xhigh | disabled effort=high exclude | effort xhigh->high\
 | reasoning_effort
3-7-sonnet | enabled 2000 display=omitted | enabled 2000 | display dropped | thinking.display
opus-4-8 | adaptive display=updates | adaptive display=summarized | display->summarized\
 | thinking.display
3-5-haiku | enabled 2000 | exclude | thinking dropped | thinking.type
3-5-haiku | 2000 | exclude | thinking dropped | thinking.budget_tokens
3-5-haiku | effort=high | exclude | thinking dropped | reasoning_effort
3-5-haiku | include | exclude | thinking dropped | include_reasoning
"""


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.split("\n")[1:-1]]


@pytest.mark.parametrize("mode", ["fix", "reject", "pass"])
@pytest.mark.parametrize(("model", "said", "expected", "applied"), rows(TRANSLATED))
def test_translated(model: str, said: str, expected: str, applied: str, mode: OnConflict) -> None:
    """A wish with a counterpart is said in the model's own terms, in every mode."""
    done = run(model, said, mode=mode)
    assert config(expected) == done.request.thinking
    assert applied == "; ".join(done.applied)


@pytest.mark.parametrize(("model", "said", "expected", "applied", "param"), rows(CONFLICTS))
def test_fixed_or_rejected(model: str, said: str, expected: str, applied: str, param: str) -> None:
    """What the API would refuse is fixed and reported, or rejected by the name of the field."""
    done = run(model, said)
    assert config(expected) == done.request.thinking
    assert applied == "; ".join(done.applied)
    with pytest.raises(InvalidRequest, match=r"not supported|must be|cannot turn off") as caught:
        run(model, said, mode="reject")
    assert param == caught.value.param


@pytest.mark.parametrize(
    ("model", "said", "expected"),
    [
        ("sonnet-4-5", "enabled 500", "enabled 500"),
        ("sonnet-4-5", "adaptive", "adaptive display=summarized"),
        ("opus-4-8", "enabled 9000", "enabled 9000 display=summarized"),
        ("opus-4-6", "effort=xhigh", "adaptive effort=xhigh display=summarized"),
        ("fable-5-1", "effort=none", "disabled"),
        ("fable-5-1", "disabled effort=minimal", "disabled effort=low"),
        ("sonnet-5-5", "disabled", "disabled exclude"),
        ("opus-5", "disabled effort=max", "disabled effort=max exclude"),
        ("opus-5", "disabled display=omitted", "disabled display=omitted exclude"),
        ("3-7-sonnet", "enabled 2000 display=omitted", "enabled 2000 display=omitted"),
        ("opus-4-8", "adaptive display=updates", "adaptive display=updates"),
        ("3-5-haiku", "enabled 2000 effort=minimal", "enabled 2000"),
        ("3-5-haiku", "effort=minimal display=omitted", ""),
    ],
)
def test_passed(model: str, said: str, expected: str) -> None:
    """With "pass" the caller's own words go upstream, whatever the API will say."""
    assert config(expected) == run(model, said, mode="pass").request.thinking


@pytest.mark.parametrize(
    ("model", "said", "expected", "applied"),
    [
        ("opus-4-8", "adaptive", "omitted", ()),
        ("opus-4-8", "adaptive display=omitted", "omitted", ()),
        ("opus-4-8", "adaptive display=summarized", "omitted", ("display summarized->omitted",)),
        ("sonnet-4-5", "enabled 2000", None, ()),
        ("sonnet-4-5", "enabled 2000 display=omitted", "omitted", ()),
        ("sonnet-4-5", "enabled 2000 display=summarized", None, ("display summarized->omitted",)),
        ("mythos-preview", "enabled 2000", None, ()),
    ],
)
def test_hidden_display(
    model: str, said: str, expected: str | None, applied: tuple[str, ...]
) -> None:
    """Where nobody sees thinking it is omitted; "enabled" says so only if the caller did."""
    done = run(model, said, shows=False)
    assert expected == done.request.thinking.display
    assert applied == done.applied


@pytest.mark.parametrize(
    ("model", "said", "expected"),
    [
        ("opus-4-8", "adaptive display=omitted", "omitted"),
        ("sonnet-4-5", "enabled 2000 display=omitted", "omitted"),
        ("sonnet-4-5", "enabled 2000 display=summarized", "summarized"),
        ("mythos-preview", "enabled 2000", "summarized"),
        ("mythos-preview", "enabled 2000 display=summarized", "summarized"),
    ],
)
def test_shown_display(model: str, said: str, expected: str | None) -> None:
    """Where thinking is seen the caller's display wins, and no default is said."""
    done = run(model, said)
    assert expected == done.request.thinking.display
    assert done.applied == ()


@pytest.mark.parametrize(
    ("model", "said", "expected"),
    [
        ("sonnet-4-5", "effort=high", "exclude"),
        ("sonnet-4-5", "enabled 2000", "exclude"),
        ("opus-4-6", "enabled 2000 include", "exclude"),
        ("mythos-preview", "enabled 2000", "adaptive effort=low display=summarized"),
    ],
)
def test_no_room_to_think(model: str, said: str, expected: str) -> None:
    """Where max_tokens leaves no room for the least budget, thinking is off or at its least."""
    done = run(model, said, max_tokens=1_024)
    assert config(expected) == done.request.thinking
    assert done.applied[0] == "thinking off: max_tokens 1024 leaves no room for it"
    with pytest.raises(InvalidRequest, match="max_tokens must be above 1024"):
        run(model, said, max_tokens=1_024, mode="reject")
    assert (run(model, said, max_tokens=9, mode="pass").request.thinking.budget or 0) >= 1_024


def test_own_effort_budgets() -> None:
    """`effort_budgets` overrides the share of one effort and leaves the others."""
    known, high = claude("claude-sonnet-4-5"), config("effort=high")
    asked = ChatRequest("m", (QUESTION,), max_tokens=8_000, thinking=high)
    shares = {"high": 0.5}
    done = reconcile(asked, known, shows_thinking=True, effort_budgets=shares)
    assert config("enabled 4000") == done.request.thinking
    low = replace(asked, thinking=config("effort=low"))
    done = reconcile(low, known, shows_thinking=True, effort_budgets=shares)
    assert config("enabled 1600") == done.request.thinking


@pytest.mark.parametrize(
    ("model", "messages", "expected"),
    [
        ("sonnet-4-5", LOST, "exclude"),
        ("sonnet-4-5", (*LOST, QUESTION), "exclude"),
        ("sonnet-4-5", (QUESTION, Turn("assistant", (Thinking("a"), CALL)), RESULT), "exclude"),
        ("opus-4-6", LOST, "adaptive effort=low display=summarized"),
        ("opus-4-8", LOST, "adaptive effort=low display=summarized"),
        ("sonnet-4-5", (QUESTION, Turn("assistant", (Thinking("", "sig"), CALL)), RESULT), "kept"),
        (
            "sonnet-4-5",
            (QUESTION, Turn("assistant", (RedactedThinking("x"), CALL)), RESULT),
            "kept",
        ),
        (
            "sonnet-4-5",
            (QUESTION, Turn("assistant", (Thinking("a", "sig"), CALL)), RESULT, *LOST[1:]),
            "kept",
        ),
        ("sonnet-4-5", (*LOST, Turn("assistant", (Text("rain"),)), QUESTION), "kept"),
        ("sonnet-4-5", (QUESTION,), "kept"),
        ("sonnet-4-5", (), "kept"),
    ],
)
def test_lost_signature(model: str, messages: tuple[Turn, ...], expected: str) -> None:
    """A tool turn without its signed thinking turns a budget's thinking off, as the API demands."""
    wanted = "enabled 2000" if expected == "kept" else expected
    said = "2000"
    assert config(wanted) == run(model, said, messages=messages).request.thinking


def test_lost_signature_is_said() -> None:
    """The lost signature is reported, or rejected with its place, or passed."""
    done = run("sonnet-4-5", "2000", messages=LOST)
    assert "thinking off for this turn: its signature is lost" in done.applied
    done = run("opus-4-6", "2000", messages=LOST)
    assert "thinking.type enabled->adaptive: the turn's signature is lost" in done.applied
    for model in ("sonnet-4-5", "opus-4-6"):
        with pytest.raises(InvalidRequest, match="signed thinking") as caught:
            run(model, "2000", messages=LOST, mode="reject")
        assert caught.value.param == "messages[1]"
        passed = run(model, "2000", messages=LOST, mode="pass")
        assert config("enabled 2000") == passed.request.thinking


def test_a_paused_tool_of_the_vendors_is_no_prefill() -> None:
    """A turn that ends in a block of the model's own is gone on with, and keeps its thinking."""
    paused = (QUESTION, Turn("assistant", (Thinking("a", "sig"), Opaque("{}"))))
    done = run("opus-4-6", "2000", messages=paused)
    assert (config("enabled 2000"), ()) == (done.request.thinking, done.applied)


def test_prefill_beside_thinking() -> None:
    """A prefill turns thinking off where that is all it takes."""
    done = run("sonnet-4-5", "2000", messages=PREFILL)
    assert config("exclude") == done.request.thinking
    assert done.applied == ("thinking off: prefill",)
    assert run("sonnet-4-5", messages=PREFILL).applied == ()
    default_on = replace(claude("claude-sonnet-5"), prefill="without_thinking")
    assert config("disabled exclude") == run(default_on, messages=PREFILL).request.thinking
    with pytest.raises(InvalidRequest, match="while the model thinks"):
        run("sonnet-4-5", "2000", messages=PREFILL, mode="reject")
    passed = run("sonnet-4-5", "2000", messages=PREFILL, mode="pass")
    assert config("enabled 2000") == passed.request.thinking


@pytest.mark.parametrize("mode", ["fix", "reject"])
def test_prefill_refused(mode: OnConflict) -> None:
    """From 4.6 on a prefill is refused, and no fix would mean the same."""
    always_thinks = replace(claude("claude-fable-5-1"), prefill="without_thinking")
    for model in ("opus-4-6", always_thinks):
        with pytest.raises(InvalidRequest, match="does not continue a reply") as caught:
            run(model, messages=PREFILL, mode=mode)
        assert caught.value.param == "messages[1]"
    assert run("opus-4-6", messages=PREFILL, mode="pass").request.messages == PREFILL
    assert LOST[:2] == run("opus-4-6", messages=LOST[:2], mode=mode).request.messages
