"""`ThinkingMiddleware`: answers `POST …/chat/completions`, and leaves the rest to the host.

Requests that are not ours reach the host with the same scope, the same bytes and the same message
boundaries. Nothing about a request is kept on the middleware.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias, Unpack

from starlette.exceptions import HTTPException
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asgi_thinking.exceptions import (
    AuthenticationRequired,
    ConfigurationError,
    PayloadTooLarge,
    PermissionDenied,
    ThinkingError,
)
from asgi_thinking.exchange import Refusal
from asgi_thinking.responses import ThinkingResponse
from asgi_thinking.service import Service, ServiceOptions

__all__ = ["Authorize", "ThinkingMiddleware", "allow_all"]

logger = logging.getLogger("asgi_thinking")

Authorize: TypeAlias = Callable[[Scope], "str | Awaitable[str | None] | None"]
"""From the ASGI scope to a tenant's name, or None to refuse with 401; may be async, and may raise
`PermissionError` or Starlette's `HTTPException` to refuse in another way."""

_SUFFIX: Final = "/chat/completions"
_DEEPEST: Final = 32  # middleware on one route, far more than anyone has
_NO_AUTHORIZE: Final = (
    "asgi_thinking: requests are left to the host, because nothing says who may spend the owner's "
    "money; pass authorize= to ThinkingMiddleware (allow_all where everyone may)"
)


def allow_all(scope: Scope) -> str:
    """Let every caller in; written out so that nothing is open by accident."""
    del scope
    return "anonymous"


class ThinkingMiddleware:
    """Pure ASGI middleware for a whole app, a mount, a router or one route.

    Args:
        app: the host.
        service: a `Service` to share; otherwise one is made of `options`, its arguments.
        authorize: who may have requests answered by a provider. Needed everywhere but on a
            Starlette `Route` with an undecorated endpoint, behind whose own middleware we stand.
        paths: path patterns as Starlette's routes have them; by default every path that ends in
            `/chat/completions`, and inside a `Route` that route.

    Raises:
        ConfigurationError: at construction, for whatever cannot work.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: Service | None = None,
        authorize: Authorize | None = None,
        paths: Sequence[str] | None = None,
        **options: Unpack[ServiceOptions],
    ) -> None:
        if service is not None and options:
            raise ConfigurationError(f"pass service= or {', '.join(options)}, not both")
        self.app = app
        self.service = service or Service(**options)
        self._authorize = authorize
        self._paths = None if paths is None else [compile_path(path)[0] for path in paths]
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        if scope["method"] != "POST" or not self._matches(scope) or not self._may_delegate(scope):
            await self.app(scope, receive, send)
            return
        headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        if not isinstance(headers, (list, tuple)):
            headers = scope["headers"] = list(headers)  # the host will want to read them as well
        if not _is_plain_json(headers):
            await self.app(scope, receive, send)
            return
        messages = await _read(receive, self.service.max_body_size)
        if messages is None:
            return
        response = await self._prepare(scope, headers, messages)
        if response is None:
            await self.app(scope, _replay(messages, receive), send)
        else:
            del messages  # not to be held for as long as the reply streams
            await response(scope, receive, send)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lifespan, websocket and what is yet to come."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        if self._authorize is None and self.service.router.instances:
            self._warn()

        async def send_and_close(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await self.service.aclose()
            await send(message)

        await self.app(scope, receive, send_and_close)

    def _matches(self, scope: Scope) -> bool:
        path: str = scope["path"]
        root: str = scope.get("root_path", "")
        if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("/", ""):
            path = path[len(root) :]
        if self._paths is not None:
            return any(pattern.match(path) for pattern in self._paths)
        return path.endswith(_SUFFIX) or self._route(scope) is not None

    def _route(self, scope: Scope) -> Route | None:
        """The Starlette route whose middleware we are, if we are one's."""
        route = scope.get("route")
        if not isinstance(route, Route):
            return None
        inner: object = route.app
        for _ in range(_DEEPEST):
            if inner is self:
                return route
            inner = getattr(inner, "app", None)
        return None

    def _may_delegate(self, scope: Scope) -> bool:
        """Whether the caller's right to ask has been, or will be, looked at."""
        if not self.service.router.instances:
            return False
        if self._authorize is not None:
            return True
        route = self._route(scope)
        # A decorator on the endpoint, such as Starlette's @requires, would run after us: too late.
        if route is not None and not hasattr(route.endpoint, "__wrapped__"):
            return True
        self._warn()
        return False

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            logger.warning(_NO_AUTHORIZE)

    async def _prepare(
        self, scope: Scope, headers: Sequence[tuple[bytes, bytes]], messages: list[Message]
    ) -> ThinkingResponse | None:
        """The reply to a request whose caller may ask; None leaves it to the host."""
        body: bytes = messages[0].get("body", b"")
        if len(messages) > 1 or body.__class__ is not bytes:
            body = b"".join([message.get("body", b"") for message in messages])
        if len(body) <= self.service.max_body_size:
            prepared = self.service.prepare(headers, body)
        else:
            limit = f"body: larger than {self.service.max_body_size} bytes"
            prepared = Refusal(PayloadTooLarge(limit))
        if prepared is None:
            return None
        try:
            return ThinkingResponse(prepared, tenant=await self._tenant(scope))
        except ThinkingError as error:
            return ThinkingResponse(Refusal(error))

    async def _tenant(self, scope: Scope) -> str:
        """Who asks, "" if nobody was to say.

        Raises:
            ThinkingError: they may not.
        """
        if self._authorize is None:
            return ""
        try:
            tenant = self._authorize(scope)
            if not (tenant is None or isinstance(tenant, str)):
                tenant = await tenant
        except HTTPException as error:
            raise ThinkingError(str(error.detail), status=error.status_code) from error
        except PermissionError as error:
            raise PermissionDenied("you may not use this model") from error
        if tenant is None:
            raise AuthenticationRequired("authentication is required", code="invalid_api_key")
        return tenant


def _is_plain_json(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether the body is JSON as it stands; coded or other bodies are the host's matter."""
    for raw, value in headers:
        name = raw.lower()
        if name == b"content-type" and b"json" not in value.lower():
            return False
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            return False
    return True


async def _read(receive: Receive, limit: int) -> list[Message] | None:
    """The body's messages, up to the first beyond `limit` bytes; None if the client left."""
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        messages.append(message)
        size += len(message.get("body", b""))
        if size > limit or not message.get("more_body", False):
            return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """A `receive` that gives the messages already read, then goes on with the real one."""
    pending = iter(messages)

    async def receive_replayed() -> Message:
        message = next(pending, None)
        return await receive() if message is None else message

    return receive_replayed
