"""The public API as its users write it; never run, only read by mypy and pyright."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, assert_type

import httpx
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Scope

from asgi_thinking import (
    Asker,
    Choice,
    Outcome,
    Service,
    ThinkingError,
    ThinkingMiddleware,
    ThinkingResponse,
    __version__,
    allow_all,
)
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.dialects import Dialect
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.events import Done, Event
from asgi_thinking.exceptions import ConfigurationError, ProviderError, UpstreamTimeout
from asgi_thinking.fastapi import Thinking
from asgi_thinking.opentelemetry import Telemetry
from asgi_thinking.providers import HTTPProvider, Provider
from asgi_thinking.providers.anthropic import AnthropicProvider
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transforms import Transform, chain, copy_to, drop, redact
from asgi_thinking.transport import Reply, Timeouts, UpstreamRequest
from asgi_thinking.wire import Decoder

version: str = __version__


# -- who may ask ---------------------------------------------------------------------------------


def authorize(scope: Scope) -> str | None:
    return "me" if scope["headers"] else None


async def authorize_later(scope: Scope) -> str | None:
    return authorize(scope)


# -- doors ---------------------------------------------------------------------------------------


async def endpoint(request: Request) -> ThinkingResponse:
    reply = ThinkingResponse(service.answer(request.headers.raw, await request.body()))
    reply.headers["x-request-id"] = "1"
    return reply


provider = AnthropicProvider(
    "key",
    base_url="https://claude.example.com",
    betas=("a-beta",),
    overrides={"claude-next": Capabilities(max_output=64_000)},
    name="main",
    transport=httpx.AsyncClient(),
    timeouts=Timeouts(connect=1, first_event=60, idle=30, total=None),
)
service = Service(
    providers={"main": provider, "other": "anthropic"},
    models={"fast": "main/claude-haiku-4-5"},
    dialects=["openai", "truefoundry"],
    default_dialect="openai",
    on_conflict="reject",
    forward_headers=["x-request-id"],
)
instances: Mapping[str, Provider] = service.router.instances

starlette = Starlette(
    routes=[
        Route("/chat", endpoint, methods=["POST"]),
        Route(
            "/behind",
            endpoint,
            middleware=[Middleware(ThinkingMiddleware, service=service)],
        ),
        Mount(
            "/v1",
            routes=[],
            middleware=[
                Middleware(ThinkingMiddleware, providers=["anthropic"], authorize=authorize_later)
            ],
        ),
    ],
    middleware=[Middleware(ThinkingMiddleware, service=service, authorize=authorize)],
)
starlette.add_middleware(ThinkingMiddleware, service=service, authorize=allow_all)
wrapped: ASGIApp = ThinkingMiddleware(starlette, providers=["anthropic"], paths=["/{tenant}/chat"])

fastapi = FastAPI()
fastapi.add_middleware(ThinkingMiddleware, providers=["anthropic"], authorize=authorize)
thinking = Thinking(service)
dependency = Thinking(providers=["anthropic"], on_conflict="pass")


@fastapi.post("/v1/chat/completions", response_model=None)
async def completions(
    reply: Annotated[ThinkingResponse | None, Depends(thinking)],
) -> ThinkingResponse | dict[str, str]:
    return reply or {"error": "unknown model"}


# -- errors --------------------------------------------------------------------------------------


def describe(error: ThinkingError) -> str:
    assert_type(error.status, int)
    assert_type(error.param, str | None)
    if isinstance(error, UpstreamTimeout):
        assert_type(error.code, str | None)
    if isinstance(error, ProviderError):
        assert_type(error.retry_after, float | None)
    assert_type(error.envelope(), bytes)
    return error.message


def refuse() -> ValueError:
    return ConfigurationError("an owner's mistake is a ValueError as well")


# -- third parties -------------------------------------------------------------------------------


class NothingDecoder:
    def feed(self, data: bytes) -> list[Event]:
        return [Done()] if data else []

    def close(self) -> list[Event]:
        return []


class NothingProvider(HTTPProvider):
    kind = "nothing"

    def build(self, request: ChatRequest) -> UpstreamRequest:
        return UpstreamRequest("https://example.com", (), request.model.encode())

    def decoder(self, request: ChatRequest, reply: Reply) -> Decoder:
        assert_type(reply.status, int)
        return NothingDecoder()


third_party: Provider = NothingProvider(extra_fields=["nothing"])
dialect: Dialect = OPENAI


# -- what an owner decides, shows and hears ------------------------------------------------------


def policy(asker: Asker) -> Choice | None:
    assert_type(asker.header("x-plan"), str)
    return Choice(model="main/claude-haiku-4-5", max_tokens=2000) if asker.tenant else None


async def policy_later(asker: Asker) -> Choice | None:
    return policy(asker)


class Masked:
    def feed(self, text: str) -> str:
        return "*" * len(text)

    def close(self) -> str:
        return ""


def masked(asker: Asker) -> Transform | None:
    return Masked() if asker.tenant else None


def told(outcome: Outcome) -> None:
    assert_type(outcome.attempts, int)
    if outcome.usage is not None:
        assert_type(outcome.usage.reasoning, int | None)


async def told_later(outcome: Outcome) -> None:
    told(outcome)


queue: asyncio.Queue[str | None] = asyncio.Queue()
decided = Service(policy=policy, transform=masked, on_complete=told, max_concurrency=100)
decided_later = Service(policy=policy_later, transform=drop(), on_complete=told_later)
traced = Service(
    transform=chain(redact(r"sk-[\w-]+"), copy_to(queue.put_nowait), lambda _: str.strip),
    on_complete=Telemetry(),
)
router = APIRouter(dependencies=[Depends(dependency.enable)])
