"""Which framework behind which server, and where the suite finds each.

A framework is a module with `app(play)`, a server one with `serving(app)`. Those that the usual
test environment lacks are in `optional`; the tests run with those of them that are installed,
which in the environment `hosts` is all.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from starlette.types import ASGIApp

from asgi_thinking import ThinkingMiddleware, allow_all
from tests.hosts.play import Play, provider
from tests.scripted import Scripted

__all__ = ["DEAF", "LISTENING", "OPTIONAL", "SETUPS", "Setup", "wrap"]


@dataclass(frozen=True)
class Setup:
    """A host to be made, and a server to run it."""

    host: str
    server: str = "uvicorn-h11"

    def __str__(self) -> str:
        return f"{self.host}-{self.server}"

    def app(self, play: Play) -> ASGIApp:
        """The host, on its own."""
        made: ASGIApp = _module(self.host).app(play)
        return made

    def serving(self, app: ASGIApp) -> AbstractAsyncContextManager[int]:
        """The port where the server listens, while the block runs."""
        name, _, parser = self.server.partition("-")
        server: AbstractAsyncContextManager[int] = _module(name).serving(app, parser)
        return server


def _module(name: str) -> Any:
    return import_module(f"tests.hosts.{'optional' if name in OPTIONAL else 'usual'}.{name}")


OPTIONAL = ("blacksheep", "django", "falcon", "granian", "hypercorn", "quart")
_MISSING = {name for name in OPTIONAL if find_spec(name) is None}
_ALL = (
    Setup("bare"),
    Setup("starlette"),
    Setup("starlette", "uvicorn-httptools"),
    Setup("fastapi"),
    Setup("fastapi", "uvicorn-httptools"),
    Setup("litestar"),
    Setup("quart"),
    Setup("django"),
    Setup("blacksheep"),
    Setup("falcon"),
    Setup("starlette", "hypercorn"),
    Setup("starlette", "granian"),
    Setup("fastapi", "hypercorn"),
    Setup("fastapi", "granian"),
)
SETUPS = [setup for setup in _ALL if _MISSING.isdisjoint((setup.host, setup.server))]

# Frameworks that do not listen for their caller's leaving while a stream is under way: with and
# without us they write on. Tried with BlackSheep 2.6.4 and Falcon 4.4.0 on 2026-11-22.
DEAF = frozenset({"blacksheep", "falcon"})
LISTENING = [setup for setup in SETUPS if setup.host not in DEAF]


def wrap(host: ASGIApp, acme: Scripted | None = None, **options: Any) -> ThinkingMiddleware:
    """The middleware around a host, with a provider of Claude's models."""
    return ThinkingMiddleware(
        host, providers={"acme": acme or provider()}, authorize=allow_all, **options
    )
