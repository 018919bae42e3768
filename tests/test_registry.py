"""Entry points become providers and dialects, or a clear error."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from asgi_thinking import registry
from asgi_thinking.exceptions import ConfigurationError


def install(folder: Path, name: str, group: str, **points: str) -> None:
    """Put a distribution's metadata, and a module, where the import system looks."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{key} = {value}\n" for key, value in points.items())
    (info / "entry_points.txt").write_text(f"[asgi_thinking.{group}]\n{lines}")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path that holds a made-up module."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "acme_thinking.py").write_text("NOTHING = 1\nclass Acme: pass\n")
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


def test_our_own_dialects_and_providers_are_entry_points() -> None:
    """What the package brings is found the way a third party's is."""
    dialects = registry.load_dialects(registry.BUILT_IN_DIALECTS)

    assert set(registry.BUILT_IN_DIALECTS) == {dialect.name for dialect in dialects.values()}
    assert "anthropic" in registry.provider_names()


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("acme_thinking:NOTHING", "the entry point is not callable"),
        ("acme_thinking:Acme", "Acme is no Provider"),
        ("acme_thinking:Missing", "of acme cannot be loaded"),
        ("acme_missing:Acme", "of acme cannot be loaded: No module named 'acme_missing'"),
    ],
)
def test_a_broken_entry_point_says_what_is_wrong(site: Path, point: str, message: str) -> None:
    """An entry point that gives no provider is reported with its name."""
    install(site, "acme", "providers", acme=point)

    with pytest.raises(ConfigurationError, match=f"provider 'acme'.*{message}"):
        registry.load_provider("acme")


def test_a_name_that_nobody_installed_is_an_error() -> None:
    """The error lists what is installed."""
    with pytest.raises(
        ConfigurationError, match="'acme' is not installed; installed are anthropic"
    ):
        registry.load_provider("acme")


def test_two_distributions_may_not_claim_one_name(site: Path) -> None:
    """Which of two providers answers is never a matter of chance."""
    install(site, "one", "providers", acme="acme_thinking:Acme")
    install(site, "two", "providers", acme="acme_thinking:Other")

    with pytest.raises(ConfigurationError, match="'acme' is claimed by several of one, two"):
        registry.load_provider("acme")
