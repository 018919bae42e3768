"""Hypothesis profiles for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A loaded machine draws slowly, which says nothing about the code.
_QUIET = (HealthCheck.too_slow,)
# The same examples every time: what they cover is measured, and a change is judged by itself.
# "soak" draws new ones.
settings.register_profile(
    "dev", max_examples=100, deadline=None, derandomize=True, suppress_health_check=_QUIET
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=10_000)
settings.register_profile("soak", settings.get_profile("ci"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
