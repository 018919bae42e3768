"""`Thinking`: the same service as a FastAPI dependency.

The dependency only prepares the reply. The upstream is asked when the endpoint returns it, and by
then every other dependency of the endpoint, its router and its app has had its say.
"""

from __future__ import annotations

from typing import Unpack

from starlette.requests import Request

from asgi_thinking.exceptions import ConfigurationError, PayloadTooLarge
from asgi_thinking.exchange import Refusal
from asgi_thinking.responses import ThinkingResponse
from asgi_thinking.service import Service, ServiceOptions

__all__ = ["Thinking"]


class Thinking:
    """Gives the endpoint a `ThinkingResponse`, or None where the model is not ours.

    ::

        thinking = Thinking(providers=["anthropic"])

        @app.post("/v1/chat/completions", dependencies=[Depends(authenticate)])
        async def completions(reply: Annotated[ThinkingResponse | None, Depends(thinking)]):
            return reply or JSONResponse({"error": {"message": "unknown model"}}, 404)

    Args:
        service: a `Service` to share; otherwise one is made of `options`, which are its arguments.
    """

    def __init__(self, service: Service | None = None, **options: Unpack[ServiceOptions]) -> None:
        if service is not None and options:
            raise ConfigurationError(f"pass a service or {', '.join(options)}, not both")
        self.service = service or Service(**options)

    async def __call__(self, request: Request) -> ThinkingResponse | None:
        """Read the body and prepare the reply; the caller's mistakes become replies as well."""
        limit = self.service.max_body_size
        length = request.headers.get("content-length", "0")
        too_large = not length.isdecimal() or int(length) > limit
        body = b"" if too_large else await request.body()
        if too_large or len(body) > limit:
            return ThinkingResponse(Refusal(PayloadTooLarge(f"body: larger than {limit} bytes")))
        prepared = self.service.prepare(request.scope["headers"], body)
        return None if prepared is None else ThinkingResponse(prepared)
