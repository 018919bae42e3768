"""The table of Claude models, and the spellings of their ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.capabilities import EFFORTS
from asgi_thinking.models import CLAUDE, Family, claude, family, is_claude

# id, thinking types, on by default, off, efforts, display, forced tools, sampling, max output:
# https://platform.claude.com/docs/en/build-with-claude/extended-thinking, adaptive-thinking, effort
# and https://platform.claude.com/docs/en/about-claude/models/overview, read 2026-11-22.
TABLE = """
claude-fable-5-2      A       on  -             LMHXm omitted    never           never 128
claude-fable-5-1      A       on  -             LMHXm omitted    never           never 128
claude-mythos-5-1     A       on  -             LMHXm omitted    never           never 128
claude-fable-5        A       on  -             LMHXm omitted    always          never 128
claude-mythos-5       A       on  -             LMHXm omitted    always          never 128
claude-mythos-preview A,E     on  -             LMHm  omitted    without_enabled never 128
claude-opus-5-5       A       on  -             LMHXm omitted    never           never 128
claude-sonnet-5-5     A,B     on  between_tools LMHXm omitted    never           never 128
claude-haiku-5-5      A,D     on  disabled      LMHXm omitted    always          never 128
claude-opus-5         A,D     on  disabled      LMHXm omitted    always          never 128
claude-sonnet-5       A,D     on  disabled      LMHXm omitted    always          never 128
claude-opus-4-8       A,D     off disabled      LMHXm omitted    always          never 128
claude-opus-4-7       A,D     off disabled      LMHXm omitted    always          never 128
claude-opus-4-6       A,D,E   off disabled      LMHm  summarized without_enabled calm  128
claude-sonnet-4-6     A,D,E   off disabled      LMHm  summarized without_enabled calm  128
claude-opus-4-5       D,E     off disabled      LMH   summarized without_enabled calm  64
claude-sonnet-4-5     D,E     off disabled      -     summarized without_enabled calm  64
claude-haiku-4-5      D,E     off disabled      -     summarized without_enabled calm  64
claude-opus-4-1       D,E     off disabled      -     summarized without_enabled calm  32
claude-opus-4-0       D,E     off disabled      -     summarized without_enabled calm  32
claude-sonnet-4-0     D,E     off disabled      -     summarized without_enabled calm  64
claude-3-7-sonnet     D,E     off disabled      -     -          without_enabled calm  64
"""
TYPES = {"A": "adaptive", "B": "between_tools", "D": "disabled", "E": "enabled"}
LETTERS = dict(zip("NLMHXm", EFFORTS, strict=True))


@pytest.mark.parametrize("row", TABLE.split("\n")[1:-1])
def test_table(row: str) -> None:
    """Each documented model accepts what its vendor's pages say."""
    model, types, default, off, efforts, display, forced, sampling, most = row.split()
    known = claude(model)
    assert {TYPES[letter] for letter in types.split(",")} == known.thinking
    assert (default == "on") == known.on_by_default
    assert off == (known.off or "-")
    assert tuple(LETTERS[letter] for letter in efforts.strip("-")) == known.efforts
    assert display == (known.display_default or "-")
    assert forced == known.forced_tools
    assert {"calm": "without_thinking"}.get(sampling, sampling) == known.sampling
    assert int(most) * 1000 == known.max_output
    assert known.streams_above == 21_333
    assert not known.choices


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("claude-3-opus-20240229", 4_096),
        ("claude-3-haiku-20240307", 4_096),
        ("claude-3-5-sonnet-20241022", 8_192),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", 8_192),
        ("claude-2.1", 4_096),
        ("anthropic.claude-instant-v1", 4_096),
    ],
)
def test_models_that_do_not_think(model: str, most: int) -> None:
    """Claude 3.5 and older take no thinking and end at 4,096 or 8,192 tokens."""
    assert frozenset() == claude(model).thinking
    assert most == claude(model).max_output


@pytest.mark.parametrize(
    ("model", "name", "version"),
    [
        ("claude-opus-4-1-20250805", "opus", (4, 1)),
        ("claude-opus-4.1", "opus", (4, 1)),
        ("claude-3-7-sonnet-latest", "sonnet", (3, 7)),
        ("claude-3-7", "sonnet", (3, 7)),
        ("anthropic/claude-3-7", "sonnet", (3, 7)),
        ("claude-sonnet-4-5@20250929", "sonnet", (4, 5)),
        ("claude-sonnet-4@20250514", "sonnet", (4, 0)),
        ("claude-sonnet-4-20250514", "sonnet", (4, 0)),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "sonnet", (4, 5)),
        ("us-gov.anthropic.claude-3-7-sonnet-20250219-v1:0:200k", "sonnet", (3, 7)),
        ("anthropic.claude-opus-4-6-v1", "opus", (4, 6)),
        ("global.anthropic.claude-opus-5-5", "opus", (5, 5)),
        (
            "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0",
            "haiku",
            (4, 5),
        ),
        ("publishers/anthropic/models/claude-opus-5@default", "opus", (5, 0)),
        ("anthropic-main/claude-fable-5-1", "fable", (5, 1)),
        ("CLAUDE-OPUS-4-8", "opus", (4, 8)),
        ("claude-opus-5-fast", "opus", (5, 0)),
        ("claude-opus-4-6[1m]", "opus", (4, 6)),
        ("claude-mythos-preview", "mythos", (0, 0)),
        ("claude-sonnet-latest", "sonnet", (99, 99)),
        ("claude-2.1", "sonnet", (2, 1)),
    ],
)
def test_spellings(model: str, name: str, version: tuple[int, int]) -> None:
    """Every vendor's spelling names the same family and version."""
    assert is_claude(model)
    assert Family(name, version) == family(model)


@pytest.mark.parametrize(
    "model",
    [
        "gpt-5",
        "claude",
        "claude/gpt-5",
        "my-claude-opus-5",
        "amazon.nova-pro-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/x1y2z3",
    ],
)
def test_what_is_not_claude(model: str) -> None:
    """Other ids are not Claude's, an opaque ARN included; asked all the same, it is the newest."""
    assert not is_claude(model)
    assert family(model) is None
    assert claude("claude-fable-5-1") == claude(model)


@pytest.mark.parametrize(
    ("model", "like"),
    [
        ("claude-argon-1", "claude-fable-5-1"),
        ("claude-7", "claude-fable-5-1"),
        ("claude-opus-6", "claude-opus-5-5"),
        ("claude-opus-4-9", "claude-opus-4-8"),
        ("claude-sonnet-9-1", "claude-sonnet-5-5"),
        ("claude-haiku-4-7", "claude-opus-4-7"),
        ("claude-haiku-6", "claude-haiku-5-5"),
        ("claude-mythos-latest", "claude-mythos-5-1"),
    ],
)
def test_unreleased_models(model: str, like: str) -> None:
    """A model the table does not know is taken for the newest that it follows."""
    assert claude(like) == claude(model)


@pytest.mark.parametrize(
    ("beta", "model"),
    [
        (True, "claude-opus-4-5"),
        (True, "claude-sonnet-4-0"),
        (True, "claude-sonnet-4-6"),
        (False, "claude-opus-4-6"),
        (False, "claude-haiku-4-5"),
        (False, "claude-3-7-sonnet"),
    ],
)
def test_interleaved_beta(*, beta: bool, model: str) -> None:
    """Claude 4 to 4.5 and Sonnet 4.6 think between tool calls only with the beta header."""
    assert beta == claude(model).interleaved_beta


@pytest.mark.parametrize(
    ("model", "prefill", "structured", "one_sampler"),
    [
        ("claude-opus-4-0", "without_thinking", False, False),
        ("claude-opus-4-1", "without_thinking", False, True),
        ("claude-sonnet-4-5", "without_thinking", True, True),
        ("claude-sonnet-4-6", "never", True, True),
        ("claude-haiku-5-5", "never", True, True),
    ],
)
def test_turning_points(model: str, prefill: str, *, structured: bool, one_sampler: bool) -> None:
    """Prefill ends at 4.6, JSON schemas begin at 4.5, two samplers at once end at 4.1."""
    known = claude(model)
    assert prefill == known.prefill
    assert structured == known.structured_outputs
    assert one_sampler == known.one_sampler


@given(st.text() | st.from_regex(r"claude-[a-z0-9.@:/-]{0,40}", fullmatch=True))
def test_every_id_has_capabilities(model: str) -> None:
    """Whatever the id, the answer is a row of the table."""
    assert any(claude(model) in rows.values() for rows in CLAUDE.values())


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("claude-haiku-5-5", {"xhigh", "max"}),
        ("claude-opus-5", {"xhigh", "max"}),
        ("claude-sonnet-5-5", {"xhigh", "max"}),
        ("claude-sonnet-5", {"xhigh", "max"}),
        ("claude-opus-4-8", {"xhigh", "max"}),
        ("claude-opus-4-6", set[str]()),
    ],
)
def test_off_beside_effort(model: str, refused: set[str]) -> None:
    """Some models refuse to turn thinking off at the two highest efforts."""
    assert refused == claude(model).off_refused_at


def test_effort_beside_budget() -> None:
    """Opus 4.5 alone takes an effort and a budget at once."""
    composing = [rows for rows in CLAUDE["opus"].values() if rows.effort_with_budget]
    assert [claude("claude-opus-4-5")] == composing
