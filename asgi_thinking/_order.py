"""Which middleware inside of ours does harm, because what providers answer never reaches it.

Middleware inside of ours is a chain of `app` attributes. What is known of each kind is a table, and
nothing is imported to look at it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["harmful"]

_DEEPEST: Final = 32  # far more middleware than any app has

# Where frameworks keep the next app within; Quart and Litestar have names of their own.
_WITHIN: Final = ("app", "asgi_app", "asgi_handler")


_MEND: Final = (
    "let it stand outside: in Starlette and FastAPI, add_middleware() it after ThinkingMiddleware, "
    "or name it before in middleware=[...]"
)


@dataclass(frozen=True, slots=True)
class _Harm:
    """What is amiss while a kind of middleware stands inside, and what to do.

    `to_scope` is whether it matters only to an owner's function that looks at the scope.
    """

    reason: str
    mend: str = _MEND
    to_scope: bool = False


_UNREADABLE: Final = "scripts in browsers may not read what providers answer"

# By the class's module and name; subclasses count. Each was tried inside and outside, 2026-11-22:
# starlette 1.10.0, uvicorn 0.54.0, litestar 2.25.0, asgi-correlation-id 5.0.1 and
# opentelemetry-instrumentation-asgi 0.66b2. GZip is not here: inside it compresses what the host
# says, and outside that and what providers say, and both are right.
_HARMS: Final = {
    "starlette.middleware.cors.CORSMiddleware": _Harm(_UNREADABLE),
    "litestar.middleware._internal.cors.CORSMiddleware": _Harm(
        _UNREADABLE, "name ThinkingMiddleware in Litestar's middleware=[...], not around the app"
    ),
    "starlette.middleware.authentication.AuthenticationMiddleware": _Harm(
        "it has no say in what providers answer, and authorize= and policy= see no user"
    ),
    "starlette.middleware.sessions.SessionMiddleware": _Harm(
        "authorize= and policy= see no session", to_scope=True
    ),
    "starlette.middleware.trustedhost.TrustedHostMiddleware": _Harm(
        "providers answer under any host name"
    ),
    "starlette.middleware.httpsredirect.HTTPSRedirectMiddleware": _Harm(
        "providers answer plain HTTP"
    ),
    "uvicorn.middleware.proxy_headers.ProxyHeadersMiddleware": _Harm(
        "authorize= and policy= see the proxy's address and scheme", to_scope=True
    ),
    "opentelemetry.instrumentation.asgi.OpenTelemetryMiddleware": _Harm(
        "requests that providers answer have no span"
    ),
    "asgi_correlation_id.middleware.CorrelationIdMiddleware": _Harm(
        "requests that providers answer have no correlation id"
    ),
}


def harmful(app: object, *, looks: bool) -> list[str]:
    """What to change in the order of middleware, a sentence for each kind, or nothing.

    `app` is what our middleware calls, and `looks` whether a function of the owner's, `authorize`
    or `policy`, looks at the scope.
    """
    found: dict[str, None] = {}
    for kind in _kinds(app):
        for base in kind.__mro__:
            harm = _HARMS.get(f"{base.__module__}.{base.__qualname__}")
            if harm is not None and (looks or not harm.to_scope):
                found[_sentence(kind.__name__, harm)] = None
    return list(found)


def _sentence(name: str, harm: _Harm) -> str:
    return f"asgi_thinking: {name} stands inside ThinkingMiddleware: {harm.reason}; {harm.mend}"


def _kinds(app: object) -> Iterator[type]:
    """The classes of all middleware from `app` inward."""
    for _ in range(_DEEPEST):
        yield type(app)
        # Starlette's, which makes the stack only when it is first called.
        for entry in getattr(app, "user_middleware", ()):
            if isinstance(cls := getattr(entry, "cls", None), type):
                yield cls
        inner = [each for name in _WITHIN if (each := getattr(app, name, None)) is not None]
        if not inner:
            return
        app = inner[0]
