"""The record of what a model accepts."""

from __future__ import annotations

import pytest

from asgi_thinking.capabilities import EFFORTS, Capabilities
from asgi_thinking.requests import Effort


@pytest.mark.parametrize(
    ("efforts", "asked", "expected"),
    [
        (("low", "medium", "high"), "max", "high"),
        (("low", "medium", "high", "max"), "xhigh", "high"),
        (("low", "medium", "high", "max"), "max", "max"),
        (("low", "medium", "high"), "minimal", "low"),
        (("low", "high"), "medium", "low"),
        ((), "high", None),
    ],
)
def test_nearest_effort(
    efforts: tuple[Effort, ...], asked: Effort, expected: Effort | None
) -> None:
    """An effort becomes the highest supported one that is not above it, else the lowest."""
    assert expected == Capabilities(1, efforts=efforts).nearest(asked)


def test_efforts_are_their_own_nearest() -> None:
    """A model that takes every effort changes none."""
    every = Capabilities(1, efforts=EFFORTS)
    assert list(EFFORTS) == [every.nearest(effort) for effort in EFFORTS]
