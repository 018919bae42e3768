"""Which hosts and servers the rest of these tests have run with."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.hosts.setups import OPTIONAL, SETUPS


@pytest.mark.parametrize("name", OPTIONAL)
def test_it_is_among_the_setups(name: str) -> None:
    """What is installed is tested, and what is not is named."""
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed, so nothing was tested with it; see `tox -e hosts`")

    assert any(name in (setup.host, setup.server) for setup in SETUPS)
