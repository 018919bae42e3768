"""Hypothesis profiles for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A loaded machine draws slowly, which says nothing about the code.
_QUIET = (HealthCheck.too_slow,)
# The same examples every time: what they cover is measured. "ci" draws new ones.
settings.register_profile(
    "dev", max_examples=100, deadline=None, derandomize=True, suppress_health_check=_QUIET
)
settings.register_profile("ci", max_examples=10_000, deadline=None, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
