"""The third party's package of the examples: its own tests, and what its README shows."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from asgi_thinking.events import Done, TextDelta

FOLDER: Final = Path(__file__).parent.parent / "examples" / "custom_provider"
README: Final = (FOLDER / "README.md").read_text()
MODULES: Final = ("acme_provider", "acme_dialect", "test_acme")


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """What installing the package leaves behind, by its own pyproject.toml."""
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
    metadata = tmp_path / "acme_provider-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {project['name']}\nVersion: 1\n")
    lines = [
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in points.items())
        for group, points in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("ACME_KEY", "")
    monkeypatch.setenv("ACME_URL", "")
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def test_the_packages_own_tests_pass() -> None:
    """As they do in an environment that has nothing but the two wheels."""
    module = importlib.import_module("test_acme")
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]

    for test in tests:
        test()
    assert len(tests) == 3


def test_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Python, from top to bottom, gives what the text says."""
    monkeypatch.setenv("ACME_KEY", "a-key-that-opens-nothing")
    monkeypatch.setenv("ACME_URL", "https://acme.example/chat")
    shown: dict[str, Any] = {}
    for block in re.findall(r"(?s)```python\n(.*?)```", README):
        exec(block, shown)

    assert [TextDelta(0, "Hi.")] == [e for e in shown["events"] if isinstance(e, TextDelta)]
    assert Done() == shown["events"][-1]
    assert ["acme"] == [*shown["app"].service.router.instances]
    assert shown["message"]["reasoning_content"] == "Hm."
    assert shown["message"]["content"] == "Hi."


def test_the_readme_shows_what_is_there() -> None:
    """Its entry points and its links."""
    [points] = re.findall(r"(?s)```toml\n(.*?)```", README)

    assert points in (FOLDER / "pyproject.toml").read_text()
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (FOLDER / link).is_file(), link
