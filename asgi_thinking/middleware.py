"""`ThinkingMiddleware`: answers `POST …/chat/completions`, and leaves the rest to the host.

Requests that are not ours reach the host with the same scope, the same bytes and the same message
boundaries. Where the host's own reply is to be rewritten, it gets a copy of the scope, in which
nothing invites it to compress, and what it adds to that is carried back. Nothing about a request is
kept on the middleware.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, TypeAlias, Unpack

from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asgi_thinking._asgi import KEY, Overhearing, carry_back, send_error, without_shortcuts
from asgi_thinking._order import harmful
from asgi_thinking._read_only import read_only
from asgi_thinking._rewrite import HostReply
from asgi_thinking.exceptions import (
    AuthenticationRequired,
    ConfigurationError,
    InvalidRequest,
    ThinkingError,
)
from asgi_thinking.exchange import Refusal
from asgi_thinking.policies import Choice, raise_refusal
from asgi_thinking.responses import ThinkingResponse
from asgi_thinking.service import Service, ServiceOptions
from asgi_thinking.wire.openai import ThinkTags

__all__ = ["Authorize", "ThinkingMiddleware", "allow_all"]

logger = logging.getLogger("asgi_thinking")

Authorize: TypeAlias = Callable[[Scope], "str | Awaitable[str | None] | None"]
"""From the ASGI scope to a tenant's name, or None to refuse with 401; may be async, and may raise
`PermissionError` or Starlette's `HTTPException` to refuse in another way."""

_SUFFIX: Final = "/chat/completions"
_DEEPEST: Final = 32  # middleware on one route, far more than anyone has
_NO_AUTHORIZE: Final = (
    "asgi_thinking: no provider is asked, only the host's own replies are rewritten, because "
    "nothing says who may spend the owner's money; pass authorize= to ThinkingMiddleware "
    "(allow_all where everyone may)"
)


def allow_all(scope: Scope) -> str:
    """Let every caller in; written out so that nothing is open by accident."""
    del scope
    return "anonymous"


@read_only
class _Verdict:
    """What becomes of a request: our response, or the host's, in the way that was chosen."""

    response: ThinkingResponse | None = None
    choice: Choice | None = None
    tenant: str = ""


_HOSTS: Final = _Verdict()


class ThinkingMiddleware:
    """Pure ASGI middleware for a whole app, a mount, a router or one route.

    Args:
        app: the host.
        service: a `Service` to share; otherwise one is made of `options`, its arguments.
        authorize: who may have requests answered by a provider. Needed everywhere but on a
            Starlette `Route` with an undecorated endpoint, whose middleware all stands outside.
        paths: path patterns as Starlette's routes have them; by default every path that ends in
            `/chat/completions`, and inside a `Route` that route.
        rewrite: which replies of the host's are written in the negotiated dialect. "auto": those
            to requests whose headers name a dialect, and all if `default_dialect` is given (or
            `dialects` without the usual default); nobody is asked, for nothing is spent.
            "on-demand": those for which somebody within calls `scope["asgi_thinking"].enable`,
            whatever their path; every POST pays about two microseconds for the chance.
        think_tags: whether the host's models write their thinking into the answer, between
            `<think>` and `</think>`; "opened" if the reply begins inside.

    Raises:
        ConfigurationError: at construction, for whatever cannot work.
    """

    def __init__(  # noqa: PLR0913 (keywords of a public constructor)
        self,
        app: ASGIApp,
        *,
        service: Service | None = None,
        authorize: Authorize | None = None,
        paths: Sequence[str] | None = None,
        rewrite: Literal["auto", "on-demand"] = "auto",
        think_tags: ThinkTags = False,
        **options: Unpack[ServiceOptions],
    ) -> None:
        if service is not None and options:
            raise ConfigurationError(f"pass service= or {', '.join(options)}, not both")
        if rewrite not in ("auto", "on-demand"):
            raise ConfigurationError(f"rewrite: {rewrite!r} is not auto or on-demand")
        self.app = app
        self.service = service or Service(**options)
        self._authorize = authorize
        self._paths = None if paths is None else [compile_path(path)[0] for path in paths]
        self._on_demand = rewrite == "on-demand"
        self._think_tags: ThinkTags = think_tags
        self._told: set[str] = set()  # why replies were not rewritten
        self._warned = False
        self._ordered = False  # whether the order of middleware has been looked at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        if scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        response = await self._post(scope, receive, send)
        if response is not None:  # sent from here, for each frame between costs every token
            await response(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> ThinkingResponse | None:
        """The reply to a request, or None once the host has answered it."""
        matches = self._matches(scope)
        if not (matches or self._on_demand):
            await self.app(scope, receive, send)
            return None
        headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        if not isinstance(headers, (list, tuple)):
            headers = scope["headers"] = list(headers)  # the host will want to read them as well
        messages: list[Message] = []
        verdict = _HOSTS
        delegates = matches and self._may_delegate(scope)
        decides = matches and self.service.policy is not None
        if (delegates or decides) and _is_plain_json(headers):
            if delegates and not self._ordered:
                self._look_around()
            read = await _read(receive, self.service.max_body_size)
            if read is None:
                return None
            messages = read
            verdict = await self._judge(scope, messages, delegates=delegates)
            if verdict.response is not None:
                return verdict.response
        await self._ask_host(scope, receive, send, messages, verdict)
        return None

    def _ask_host(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        messages: list[Message],
        verdict: _Verdict,
    ) -> Awaitable[None]:
        """The host's answer; `messages` are those of the body that have been read."""
        if messages:
            receive = _replay(messages, receive)
        if self._on_demand:
            return self._ask_on_demand(scope, receive, send)
        try:
            if self.service.for_host(scope["headers"], verdict.choice) is not None:
                return self._ask_and_rewrite(scope, receive, send, verdict)
        except InvalidRequest as error:
            return send_error(send, error, self.service.vary)
        return self.app(scope, receive, send)

    async def _ask_and_rewrite(
        self, scope: Scope, receive: Receive, send: Send, verdict: _Verdict
    ) -> None:
        """Let the host answer, and write its reply in a dialect."""
        heard = Overhearing(self.service.max_body_size)
        reply = HostReply(scope, send, self._think_tags, self._told, heard)
        reply.enable(self.service, None, verdict.choice, verdict.tenant)
        inner = without_shortcuts(scope)
        inner[KEY] = reply
        try:
            await self.app(inner, heard.around(receive), reply.send)
        finally:
            carry_back(inner, scope)
        await reply.finish()

    async def _ask_on_demand(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the host answer, and somebody within decide whether that is rewritten."""
        outer = scope.get(KEY)
        reply = scope[KEY] = HostReply(scope, send, self._think_tags, self._told)
        try:
            await self.app(scope, receive, reply.send)
        finally:
            scope.pop(KEY) if outer is None else scope.update({KEY: outer})
        await reply.finish()

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lifespan, websocket and what is yet to come."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        if self._authorize is None and self.service.router.instances:
            self._warn()
        elif self.service.router.instances and not self._ordered:
            self._look_around()

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
        # What runs after us runs too late: a decorator on the endpoint, such as Starlette's
        # @requires, and middleware of the route that stands inside of ours.
        if route is not None and not (
            hasattr(self.app, "app") or hasattr(route.endpoint, "__wrapped__")
        ):
            return True
        self._warn()
        return False

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            logger.warning(_NO_AUTHORIZE)

    def _look_around(self) -> None:
        """Say what in the order of middleware does harm where providers answer."""
        self._ordered = True
        looks = self._authorize not in (None, allow_all) or self.service.policy is not None
        for sentence in harmful(self.app, looks=looks):
            logger.warning(sentence)

    async def _judge(self, scope: Scope, messages: list[Message], *, delegates: bool) -> _Verdict:
        """What becomes of a request; `delegates`: providers may be asked, if its caller may ask."""
        service, headers = self.service, scope["headers"]
        body: bytes = messages[0].get("body", b"")
        if len(messages) > 1 or body.__class__ is not bytes:
            body = b"".join([message.get("body", b"") for message in messages])
        small = len(body) <= service.max_body_size
        if not delegates:
            return await self._consult(scope, body if small else b"")
        prepared = service.prepare(headers, body) if small else service.too_large()
        if prepared is None and service.policy is None:
            return _HOSTS
        tenant, refused = "", None
        try:
            tenant = await self._tenant(scope)
        except ThinkingError as error:
            refused = Refusal(error)
        if prepared is not None and (refused or service.policy is None or not small):
            return _Verdict(ThinkingResponse(refused or prepared, tenant=tenant))
        verdict = await self._consult(scope, body, tenant)
        if verdict.choice is not None:
            prepared = service.prepare(headers, body, verdict.choice)
        if verdict.response is not None or prepared is None:
            return verdict
        # Who may not ask is left to the host, but for what the policy wants a provider to answer.
        return _Verdict(ThinkingResponse(refused or prepared, tenant=tenant))

    async def _consult(self, scope: Scope, body: bytes, tenant: str = "") -> _Verdict:
        """What the service's policy says."""
        try:
            choice = await self.service.choose(body, scope, tenant)
        except ThinkingError as error:
            return _Verdict(ThinkingResponse(Refusal(error, self.service.vary)))
        return _Verdict(None, choice, tenant)

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
        except Exception as error:
            raise_refusal(error)
            raise
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
