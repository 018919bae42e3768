"""Checks the installed wheel as somebody gets it who asked for no extra; run with `python -I`."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

SDKS = ("aiohttp", "anthropic", "boto3", "botocore", "google.auth", "google.genai", "openai")


def files() -> None:
    """The wheel has the package with its type marker and its licence, and nothing else."""
    names = [str(path) for path in metadata.files("asgi-thinking") or ()]
    assert "asgi_thinking/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    for name in names:
        top = name.partition("/")[0]
        assert top in {"asgi_thinking", ".."} or top.endswith(".dist-info"), name
        assert "test" not in name.removeprefix("asgi_thinking/testing"), name


def imports() -> None:
    """Every dialect loads, and the import needs no extra and imports no SDK."""
    import asgi_thinking

    assert asgi_thinking.__version__ == metadata.version("asgi-thinking")
    for point in metadata.entry_points(group="asgi_thinking.dialects"):
        point.load()
    for point in metadata.entry_points(group="asgi_thinking.providers"):
        point.load()
    found = [name for name in SDKS if name in sys.modules]
    assert found == [], f"imported on start: {found}"


def commands() -> None:
    """The command line works without extras; `providers` fails only for want of credentials."""
    for arguments in (["--help"], ["demo", "--help"], ["serve", "--help"], ["providers"]):
        command = [sys.executable, "-I", "-m", "asgi_thinking", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0 or arguments == ["providers"], done.stderr
        assert done.stdout.strip(), arguments
        assert "Traceback" not in done.stderr, done.stderr


if __name__ == "__main__":
    files()
    imports()
    commands()
    print("the wheel is whole")
