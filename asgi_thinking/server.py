"""`serve`: a Starlette host with every provider whose credentials the environment has.

`ASGI_THINKING_API_KEY` is what callers must send as a bearer token; without it only a loopback
address is served. `ASGI_THINKING_TRANSPORT` chooses the engine, by default aiohttp where it is
installed.
"""

from __future__ import annotations

import gc
import hmac
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Scope

from asgi_thinking.exceptions import ConfigurationError
from asgi_thinking.middleware import Authorize, ThinkingMiddleware, allow_all
from asgi_thinking.providers import Provider
from asgi_thinking.registry import load_provider, provider_names
from asgi_thinking.responses import ThinkingResponse
from asgi_thinking.service import Service

__all__ = ["build_app", "print_providers", "run_server"]

# Models that come with somebody else's account prefix, and who serves the family: the first of
# these that is ready.
_FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "claude-*": ("anthropic", "vertex"),
    "gemini-*": ("gemini", "vertex"),
    "anthropic.claude-*": ("bedrock",),
    "*.anthropic.claude-*": ("bedrock",),
    "amazon.nova-*": ("bedrock",),
    "*.amazon.nova-*": ("bedrock",),
    "openai.gpt-oss-*": ("bedrock",),
    "deepseek.*": ("bedrock",),
    "*.deepseek.*": ("bedrock",),
    "qwen.*": ("bedrock",),
    "gpt-*": ("openai",),
}

# New objects, beyond those that are gone, until the garbage collector looks at them.
_COLLECT_AFTER: Final = 20_000


def run_server(host: str, port: int) -> int:
    """Serve until interrupted; returns the exit status."""
    try:
        app = build_app(host)
    except ConfigurationError as error:
        print(f"asgi-thinking: {error.message}", file=sys.stderr)
        return 2
    if find_spec("uvicorn") is None:
        print(
            "asgi-thinking: serve needs uvicorn: pip install 'asgi-thinking[server]'",
            file=sys.stderr,
        )
        return 2
    import uvicorn

    # What is loaded now lives as long as the server: no collection need look at it again.
    gc.collect()
    gc.freeze()
    # A request holds hundreds of objects, so some requests at once make the default collect all
    # the time, and find nothing: what is done with is freed by its count.
    gc.set_threshold(_COLLECT_AFTER)
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="info",
    )
    return 0


def print_providers() -> int:
    """Print each installed provider with its state; returns 0 if one at least is ready."""
    ready, missing = _providers()
    for name in provider_names():
        print(f"{name:18} {'ready' if name in ready else missing[name]}")
    return 0 if ready else 1


def build_app(host: str) -> ThinkingMiddleware:
    """The server's app.

    Raises:
        ConfigurationError: a public address has no key, or no provider is ready.
    """
    authorize = _authorize(host)
    ready, missing = _providers()
    if not ready:
        reasons = "; ".join(missing.values())
        raise ConfigurationError(f"no provider has credentials: {reasons}")
    models = {f"{name}/*": f"{name}/*" for name in ready}
    for family, names in _FAMILIES.items():
        if name := next((name for name in names if name in ready), None):
            models[f"*/{family}"] = f"{name}/{family}"
    service = Service(providers=ready, models=models)

    async def unknown(request: Request) -> ThinkingResponse:
        """What the middleware left: an error, because no provider serves it."""
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > service.max_body_size:
            return ThinkingResponse(service.too_large())
        return ThinkingResponse(service.answer(request.scope["headers"], await request.body()))

    async def health(request: Request) -> JSONResponse:
        del request
        return JSONResponse({"providers": sorted(ready)})

    routes = [
        Route("/", health),
        Route("/chat/completions", unknown, methods=["POST"]),
        Route("/{path:path}/chat/completions", unknown, methods=["POST"]),
    ]
    return ThinkingMiddleware(Starlette(routes=routes), service=service, authorize=authorize)


def _authorize(host: str) -> Authorize:
    key = os.environ.get("ASGI_THINKING_API_KEY", "")
    if not key and not _is_loopback(host):
        raise ConfigurationError(f"--host {host} is no loopback address: set ASGI_THINKING_API_KEY")
    if not key:
        return allow_all
    expected = f"Bearer {key}".encode()

    def check(scope: Scope) -> str | None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        given = headers.get(b"authorization", b"")
        return "owner" if hmac.compare_digest(given, expected) else None

    return check


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _providers() -> tuple[dict[str, Provider], dict[str, str]]:
    """The providers that are ready, and why the others are not."""
    default = "aiohttp" if find_spec("aiohttp") else "httpx"
    transport = os.environ.get("ASGI_THINKING_TRANSPORT") or default
    ready: dict[str, Provider] = {}
    missing: dict[str, str] = {}
    for name in provider_names():
        try:
            ready[name] = load_provider(name, transport=transport)
        except ConfigurationError as error:
            missing[name] = error.message
    return ready, missing
