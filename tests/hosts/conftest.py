"""The event loop of the tests that run real servers."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """What is under test needs asyncio."""
    return "asyncio"
