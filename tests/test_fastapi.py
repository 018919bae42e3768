"""The FastAPI dependency, behind the route's own checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException
from fastapi.responses import PlainTextResponse
from starlette.responses import Response
from starlette.testclient import TestClient

from asgi_thinking import Service, ThinkingResponse
from asgi_thinking.exceptions import ConfigurationError
from asgi_thinking.fastapi import Thinking
from tests.scripted import Scripted

ASK = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]}
GOOD = {"authorization": "Bearer good"}

provider = Scripted()
thinking = Thinking(providers={"acme": provider}, max_body_size=2000)


def authenticate(authorization: Annotated[str, Header()] = "") -> str:
    """The host's own check."""
    if authorization != "Bearer good":
        raise HTTPException(401)
    return "user"


User = Annotated[str, Depends(authenticate)]
Reply = Annotated[ThinkingResponse | None, Depends(thinking)]


async def own(reply: Reply, user: User) -> Response:
    """An endpoint whose check comes after the dependency in its signature."""
    return reply or PlainTextResponse(f"host says hello to {user}")


async def parsed(reply: Reply, body: dict[str, Any]) -> Response:
    """An endpoint that reads the body as well."""
    return reply or PlainTextResponse(str(body["model"]))


def app() -> FastAPI:
    host = FastAPI()
    host.post("/signature/chat/completions", response_model=None)(own)
    guard = [Depends(authenticate)]
    host.post("/route/chat/completions", dependencies=guard, response_model=None)(parsed)
    router = APIRouter(dependencies=guard)
    router.post("/router/chat/completions", response_model=None)(parsed)
    host.include_router(router)
    return host


@pytest.fixture
def client() -> Iterator[TestClient]:
    """A client of the host; the provider's memory is fresh."""
    provider.requests.clear()
    with TestClient(app()) as client:
        yield client


PATHS = ["/signature", "/route", "/router"]


@pytest.mark.parametrize("path", PATHS)
def test_the_hosts_check_comes_first(client: TestClient, path: str) -> None:
    """Wherever the check stands, an unauthenticated request spends nothing."""
    reply = client.post(f"{path}/chat/completions", json=ASK)

    assert reply.status_code == 401
    assert not provider.requests


@pytest.mark.parametrize("path", PATHS)
def test_behind_the_check_the_provider_answers(client: TestClient, path: str) -> None:
    """An authenticated request is answered in the dialect that its headers ask for."""
    headers = GOOD | {"x-thinking-dialect": "openai"}

    reply = client.post(f"{path}/chat/completions", json=ASK, headers=headers)

    assert reply.json()["choices"][0]["message"]["content"] == "the answer"
    assert reply.headers["x-thinking-dialect"] == "openai"


def test_a_model_of_the_hosts_is_left_to_the_endpoint(client: TestClient) -> None:
    """The dependency gives None, and the body can still be read."""
    body = ASK | {"model": "gpt-5"}

    assert client.post("/route/chat/completions", json=body, headers=GOOD).text == "gpt-5"
    reply = client.post("/signature/chat/completions", json=body, headers=GOOD)
    assert reply.text == "host says hello to user"


def test_the_callers_mistakes_are_replies(client: TestClient) -> None:
    """A wrong body is answered in OpenAI's envelope, with the JSON path."""
    body = ASK | {"messages": [{"role": "user", "content": 1}]}

    reply = client.post("/signature/chat/completions", json=body, headers=GOOD)

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "messages[0].content"


def chunks() -> Iterator[bytes]:
    """A body whose length is not announced."""
    yield json.dumps(ASK).encode()
    yield b" " * 3000


@pytest.mark.parametrize("content", [b" " * 3000, chunks()])
def test_a_body_over_the_limit_is_refused(client: TestClient, content: Any) -> None:
    """Announced or not, a larger body is not prepared."""
    reply = client.post("/signature/chat/completions", content=content, headers=GOOD)

    assert reply.status_code == 413


def test_a_service_can_be_shared_but_not_configured_twice() -> None:
    """Options beside a service would be silently lost."""
    service = Service()

    assert Thinking(service).service is service
    with pytest.raises(ConfigurationError, match="pass a service or models, not both"):
        Thinking(service, models={})
