"""Middleware that does harm inside of ours, made for one host name, one origin and one user."""

from __future__ import annotations

from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

__all__ = [
    "ORIGIN",
    "Known",
    "authentication",
    "cors",
    "https_redirect",
    "own_cors",
    "proxy_headers",
    "session",
    "trusted_host",
    "who",
]

ORIGIN = "https://chat.example"


class Known(AuthenticationBackend):
    """Knows everyone."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser]:
        return AuthCredentials(["authenticated"]), SimpleUser("ada")


class OwnCORS(CORSMiddleware):
    """A host's own kind."""


def cors(app: ASGIApp) -> ASGIApp:
    return CORSMiddleware(app, [ORIGIN])


def own_cors(app: ASGIApp) -> ASGIApp:
    return OwnCORS(app, [ORIGIN])


def authentication(app: ASGIApp) -> ASGIApp:
    return AuthenticationMiddleware(app, Known())


def trusted_host(app: ASGIApp) -> ASGIApp:
    return TrustedHostMiddleware(app, ["somebody.example"])


def https_redirect(app: ASGIApp) -> ASGIApp:
    return HTTPSRedirectMiddleware(app)


def proxy_headers(app: ASGIApp) -> ASGIApp:
    return ProxyHeadersMiddleware(app, "127.0.0.1")


def session(app: ASGIApp) -> ASGIApp:
    """Bears the name of Starlette's, which needs a package more."""

    class Session:
        __module__ = "starlette.middleware.sessions"
        __qualname__ = "SessionMiddleware"

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            scope["session"] = {"user": "ada"}
            await app(scope, receive, send)

    return Session()


def who(scope: Scope) -> str:
    """A host's own `authorize`, which takes everyone but says who it is."""
    user = scope.get("session", {}).get("user") or getattr(scope.get("user"), "display_name", "")
    return f"{user} from {scope['client'][0]} "
