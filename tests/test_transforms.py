"""What is shown of thinking, a fragment at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.asker import Asker
from asgi_thinking.exceptions import ConfigurationError
from asgi_thinking.transforms import (
    TransformFactory,
    chain,
    copy_to,
    drop,
    redact,
    transform_of,
)

ASKER = Asker("claude-sonnet-4-5", "tenant")


def shown(factory: TransformFactory, fragments: Iterable[str]) -> list[str]:
    """What each fragment of one block shows, and last what its end does."""
    transform = transform_of(factory(ASKER))
    assert transform is not None
    return [*(transform.feed(fragment) for fragment in fragments), transform.close()]


def cut(text: str, places: Sequence[int]) -> list[str]:
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


letters = st.text("abk-1", max_size=60)
cuts = st.lists(st.integers(0, 60), max_size=8)


@given(letters, cuts)
def test_matches_are_found_wherever_fragments_are_cut(text: str, places: list[int]) -> None:
    """What is shown is what one replacement in the whole block would show."""
    for pattern in (r"k-1", r"\bab+", r"(?<=a)k", r"b{2,5}", r"a(?!b)", r"1$"):
        expected = re.sub(pattern, "#", text)
        assert expected == "".join(shown(redact(pattern, "#", longest=8), cut(text, places)))


def test_a_match_that_goes_on_is_waited_for() -> None:
    """A secret longer than what is held back is not shown in part, as long as it goes on."""
    fragments = ["the key is sk-", *"0123456789" * 3, " and so on"]

    told = shown(redact(r"sk-\w+", longest=8), fragments)

    assert "the key is [redacted] and so on" == "".join(told)
    assert "the ke" == told[0]


def test_a_match_without_end_shows_nothing() -> None:
    """What cannot be waited for any longer fails, rather than be shown."""
    transform = transform_of(redact(r"x+", longest=2)(ASKER))
    assert transform is not None

    with pytest.raises(ValueError, match="longer than can be waited for"):
        transform.feed("x" * 33)


def test_a_place_without_text_hides_nothing() -> None:
    """A pattern that matches between characters leaves them all, at the block's end too."""
    assert "a b" == "".join(shown(redact(r"\b", longest=1), ["a ", "b"]))
    assert "a1" == "".join(shown(redact(r"$", "!", longest=1), ["a", "1"]))


def test_blocks_are_apart() -> None:
    """A match does not reach from one block into the next."""
    transform = transform_of(redact("ab", "#")(ASKER))
    assert transform is not None

    assert "a" == transform.feed("a") + transform.close()
    assert "b" == transform.feed("b") + transform.close()


def test_a_replacement_is_plain_text() -> None:
    """Nothing in it refers to what it hides."""
    assert r"\1" == "".join(shown(redact("(a)", r"\1"), ["a"]))


@pytest.mark.parametrize(
    ("pattern", "longest", "message"),
    [("(", 8, "redact: '\\(' is no pattern"), ("a", 0, "longest must be at least 1, not 0")],
)
def test_what_cannot_redact_is_refused_at_construction(
    pattern: str, longest: int, message: str
) -> None:
    """A mistake of the owner's shows before the first request."""
    with pytest.raises(ConfigurationError, match=message):
        redact(pattern, longest=longest)


def test_drop_shows_nothing() -> None:
    """Neither fragments nor blocks."""
    assert ["", "", ""] == shown(drop(), ["a", "b"])


def test_a_copy_has_every_fragment_and_every_end() -> None:
    """The side channel gets what was thought, and the client the same."""
    copied: list[str | None] = []

    assert ["a", "b", ""] == shown(copy_to(copied.append), ["a", "b"])
    assert ["a", "b", None] == copied


def test_a_function_is_asked_for_each_fragment() -> None:
    """What a factory makes may be as simple as that."""
    assert ["A", "B", ""] == shown(lambda _: str.upper, ["a", "b"])


def test_a_chain_passes_on_what_each_shows() -> None:
    """The first sees what was thought, the last what is shown, held back or not."""
    before: list[str | None] = []
    after: list[str | None] = []
    chained = chain(copy_to(before.append), redact("ab", "#", longest=2), copy_to(after.append))

    assert "x#" == "".join(shown(chained, ["x", "a", "b"]))
    assert ["x", "a", "b", None] == before
    assert ["x", "#", None] == after


def test_a_chain_of_nothing_is_nothing() -> None:
    """Where no factory wants to change a reply, none is changed."""
    assert chain(lambda _: None)(ASKER) is None
    assert chain(lambda _: None, drop())(ASKER) is not None


def test_a_factory_knows_who_asks() -> None:
    """It may change the thinking of some and not of others."""

    def factory(asker: Asker) -> type[str] | None:
        return str if asker.tenant == "tenant" and asker.model.startswith("claude-") else None

    assert ["a", ""] == shown(factory, ["a"])
    assert transform_of(factory(Asker())) is None


def test_an_asker_reads_headers() -> None:
    """By name in any case; the first counts, and none is ""."""
    scope = {"headers": [(b"host", b"h"), (b"X-Plan", b"trial"), (b"x-plan", b"paid")]}

    assert "trial" == Asker(scope=scope).header("x-PLAN")
    assert "" == Asker(scope=scope).header("x-user")
