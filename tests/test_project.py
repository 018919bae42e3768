"""Promises about the project itself: what is declared exists, and files stay small."""

from __future__ import annotations

import ast
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

import pytest

import asgi_thinking

ROOT: Final = Path(__file__).parent.parent
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
GROUPS: Final[dict[str, dict[str, str]]] = PROJECT["entry-points"]
SOURCES: Final = sorted(
    path
    for folder in ("asgi_thinking", "tests", "examples")
    for path in (ROOT / folder).rglob("*.py")
)
PACKAGE: Final = [path for path in SOURCES if path.is_relative_to(ROOT / "asgi_thinking")]
# Modules of SDKs and servers, and the extra that brings each.
SDKS: Final = {
    "anthropic": "anthropic",
    "boto3": "bedrock",
    "botocore": "bedrock",
    "google.auth": "vertex",
    "google.genai": "gemini",
    "aiohttp": "speed",
    "redis": "redis",
    "uvicorn": "server",
}
FORBIDDEN: Final = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "base",
    "core",
}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever it stands."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    given = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return plain | {f"{node.module}.{alias.name}" for node in given for alias in node.names}


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_files_are_small(path: Path) -> None:
    """No file is longer than 400 lines, and no function longer than 40."""
    assert len(path.read_text().splitlines()) <= 400
    lengths = {each.name: (each.end_lineno or 0) - each.lineno + 1 for each in functions(path)}
    assert {} == {name: length for name, length in lengths.items() if length > 40}


def test_file_names_say_something() -> None:
    """No file is named after nothing in particular."""
    assert [] == [named(path) for path in SOURCES if path.stem.strip("_") in FORBIDDEN]


def test_providers_are_entry_points() -> None:
    """Every provider's module is an entry point."""
    folder = ROOT / "asgi_thinking" / "providers"
    modules = {f"asgi_thinking.providers.{path.stem}" for path in folder.glob("[!_]*.py")}
    declared = GROUPS["asgi_thinking.providers"]
    assert modules == {value.partition(":")[0] for value in declared.values()}


def test_dialects_are_entry_points() -> None:
    """Every dialect's module is an entry point under the name that the dialect has."""
    folder = ROOT / "asgi_thinking" / "dialects"
    modules = {f"asgi_thinking.dialects.{path.stem}" for path in folder.glob("[!_]*.py")}
    declared = GROUPS["asgi_thinking.dialects"]
    assert modules == {value.partition(":")[0] for value in declared.values()}
    points = entry_points(group="asgi_thinking.dialects")
    assert list(declared) == [
        point.load().name for name in declared for point in points.select(name=name)
    ]


@pytest.mark.parametrize("group", GROUPS)
def test_entry_points_load(group: str) -> None:
    """What is declared is installed, loads, and is found by its name."""
    points = entry_points(group=group)
    assert GROUPS[group] == {point.name: point.value for point in points}
    assert all(callable(point.load()) or point.load().name == point.name for point in points)


@pytest.mark.parametrize("path", PACKAGE, ids=named)
def test_sdks_have_extras(path: Path) -> None:
    """A module that imports an SDK has an extra that installs it."""
    needed = {
        SDKS[sdk] for sdk in SDKS for name in imported(path) if f"{name}.".startswith(f"{sdk}.")
    }
    assert needed <= PROJECT["optional-dependencies"].keys()


def test_everything_is_in_all() -> None:
    """The extra "all" names every other one."""
    extras = dict(PROJECT["optional-dependencies"])
    assert [f"asgi-thinking[{','.join(name for name in extras if name != 'all')}]"] == extras["all"]


def test_public_names_exist() -> None:
    """What the package exports is there, and its version is in the changelog."""
    assert all(hasattr(asgi_thinking, name) for name in asgi_thinking.__all__)
    assert f"## [{asgi_thinking.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_ci_runs() -> None:
    """The script that decides over a change can be executed."""
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
