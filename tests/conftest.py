"""Hypothesis profiles and the recordings of real traffic, for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A loaded machine draws slowly, which says nothing about the code.
_QUIET = (HealthCheck.too_slow,)
settings.register_profile("dev", max_examples=100, deadline=None, suppress_health_check=_QUIET)
settings.register_profile("ci", max_examples=10_000, deadline=None, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The directory of recorded provider replies."""
    found = os.environ.get("ASGI_THINKING_RECORDINGS")
    reason = "ASGI_THINKING_RECORDINGS names no directory of recorded provider replies"
    return Path(found) if found else pytest.skip(reason)
