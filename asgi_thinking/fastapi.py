"""`Thinking`: the same service as a FastAPI dependency, of an endpoint or of a whole router.

An endpoint's dependency only prepares the reply. The upstream is asked when the endpoint returns
it, and by then every other dependency of the endpoint, its router and its app has had its say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from starlette.requests import Request

from asgi_thinking._asgi import KEY
from asgi_thinking._rewrite import HostReply
from asgi_thinking.exceptions import ConfigurationError, ThinkingError
from asgi_thinking.exchange import Job, Refusal
from asgi_thinking.policies import Choice
from asgi_thinking.responses import Answered, ThinkingResponse
from asgi_thinking.service import Service, ServiceOptions

__all__ = ["Thinking"]


class Thinking:
    """Gives the endpoint a `ThinkingResponse`, or None where the model is not ours.

    ::

        thinking = Thinking(providers=["anthropic"])

        @app.post("/v1/chat/completions", dependencies=[Depends(authenticate)])
        async def completions(reply: Annotated[ThinkingResponse | None, Depends(thinking)]):
            return reply or JSONResponse({"error": {"message": "unknown model"}}, 404)

    Or answers for all endpoints of a router, once the dependencies before it have let the request
    in::

        router = APIRouter(dependencies=[Depends(authenticate), Depends(thinking.enable)])
        app.add_middleware(ThinkingMiddleware, rewrite="on-demand")

    Args:
        service: a `Service` to share; otherwise one is made of `options`, which are its arguments.
    """

    def __init__(self, service: Service | None = None, **options: Unpack[ServiceOptions]) -> None:
        if service is not None and options:
            raise ConfigurationError(f"pass a service or {', '.join(options)}, not both")
        self.service = service or Service(**options)

    async def __call__(self, request: Request) -> ThinkingResponse | None:
        """Read the body and prepare the reply; the caller's mistakes become replies as well."""
        prepared, _ = await self._prepare(request, await self._body(request))
        return None if prepared is None else ThinkingResponse(prepared)

    async def enable(self, request: Request) -> None:
        """Answer a chat completion in the place of its endpoint, or rewrite the endpoint's reply.

        Where a provider serves the model the endpoint is not run, and dependencies with `yield` end
        before the reply begins, as they do when an exception is raised. It has to be the last of
        the dependencies: one that came later would be too late to refuse the request.
        Otherwise the endpoint answers, and the `ThinkingMiddleware` around the app writes its reply
        in this service's dialect. Requests that are no chat completions are left alone.

        Raises:
            Answered: the app is to answer; it has a handler for that from now on.
            ConfigurationError: a dependency, or a decorator of the endpoint, would come later; or
                the endpoint's reply is to be rewritten, and there is no middleware around the app
                that does so on demand.
        """
        if request.method != "POST":
            return
        body = await self._body(request)
        if body is not None and b'"messages"' not in body:
            return
        prepared, choice = await self._prepare(request, body)
        if prepared is None:
            prepared = self._rewrite(request, body, choice)
        if prepared is not None:
            self._check_last(request)
            # The handlers of the app that runs the dependency; it may be mounted in another one.
            handlers, _ = request.scope["starlette.exception_handlers"]
            handlers[Answered] = _answer
            raise Answered(ThinkingResponse(prepared))

    def _check_last(self, request: Request) -> None:
        """See that whoever may refuse the request has had a say, for the reply costs money."""
        scope = request.scope
        # Of routers that were included, only FastAPI's own note knows all dependencies.
        note: dict[str, object] = scope.get("fastapi") or {}
        route: object = note.get("effective_route_context") or scope.get("route")
        known: object = getattr(route, "dependant", None)
        dependencies: Sequence[object] = getattr(known, "dependencies", ())
        calls = [getattr(dependency, "call", None) for dependency in dependencies]
        if calls[-1:] != [self.enable]:
            later = "a dependency of the route"
        elif hasattr(scope.get("endpoint"), "__wrapped__"):
            later = "a decorator of the endpoint"
        else:
            return
        raise ConfigurationError(
            f"Thinking.enable: {later} would come too late to refuse the request; make it the last "
            "of all dependencies, or give the endpoint Depends(thinking) and return its reply"
        )

    def _rewrite(
        self, request: Request, body: bytes | None, choice: Choice | None
    ) -> Refusal | None:
        """Have the endpoint's reply rewritten, unless the request's headers are wrong."""
        reply: HostReply | None = request.scope.get(KEY)
        try:
            if reply is not None:
                reply.enable(self.service, body, choice)
                return None
            wanted = self.service.for_host(request.scope["headers"], choice) is not None
        except ThinkingError as error:
            return Refusal(error, self.service.vary)
        if wanted:
            raise ConfigurationError(
                "Thinking.enable: nothing around the app rewrites its replies; add "
                'app.add_middleware(ThinkingMiddleware, rewrite="on-demand")'
            )
        return None

    async def _body(self, request: Request) -> bytes | None:
        """The body, None where it is too large."""
        limit = self.service.max_body_size
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            return None
        body = await request.body()
        return body if len(body) <= limit else None

    async def _prepare(
        self, request: Request, body: bytes | None
    ) -> tuple[Job | Refusal | None, Choice | None]:
        """What to do with the request, and what the service's policy has decided about it."""
        service = self.service
        if body is None:
            return service.too_large(), None
        try:
            choice = await service.choose(body, request.scope)
        except ThinkingError as refused:
            return Refusal(refused, service.vary), None
        return service.prepare(request.scope["headers"], body, choice), choice


async def _answer(_: Request, answered: Answered) -> ThinkingResponse:
    """The app's handler of what is no error."""
    return answered.response
