"""Vertex AI's provider: places, credentials, Gemini."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from google.auth.exceptions import DefaultCredentialsError, RefreshError
from google.oauth2.service_account import Credentials as ServiceAccount

from asgi_thinking.events import Done, TextDelta
from asgi_thinking.exceptions import ConfigurationError, ProviderError, UpstreamStatusError
from asgi_thinking.messages import Text, Turn
from asgi_thinking.models import claude
from asgi_thinking.models_gemini import gemini
from asgi_thinking.providers import vertex as module
from asgi_thinking.providers.vertex import VertexProvider
from asgi_thinking.requests import ChatRequest
from tests.loopback import Call, Loopback, replying
from tests.providers.vertex_scene import VARIABLES, Tokens

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("gemini-2.5-flash", (Turn("user", (Text("hi"),)),), max_tokens=100)
CLAUDE = REQUEST.but(model="claude-opus-5")
REPLY = b'{"candidates":[{"content":{"parts":[{"text":"hello"}]},"finishReason":"STOP"}]}'
JSON = (("content-type", "application/json"),)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credential of this machine is found."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def provider_of(credentials: Any = None, **options: Any) -> VertexProvider:
    options = {"project": "p", "credentials": credentials or Tokens(), **options}
    return VertexProvider(**options)


def places(**options: Any) -> tuple[str, str]:
    """Where Gemini's and Claude's models are."""
    provider = provider_of(**options)
    urls = [provider.build(request).url for request in (REQUEST, CLAUDE)]
    return (
        urls[0].removesuffix("/models/gemini-2.5-flash:generateContent"),
        urls[1].removesuffix("/models/claude-opus-5:rawPredict"),
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_gemini_is_asked_as_by_ai_studio(stream: bool) -> None:
    """Under the project and location, with a token."""
    body = b"data: " + REPLY + b"\r\n\r\n" if stream else REPLY
    kind = "text/event-stream" if stream else "application/json"
    async with Loopback(replying(body, headers=(("content-type", kind),))) as upstream:
        base = upstream.url.removesuffix("/v1/messages")
        provider = provider_of(location="us-central1", base_url=base)
        batches = [batch async for batch in provider.stream(REQUEST.but(stream=stream))]
        await provider.aclose()

    events = [event for batch in batches for event in batch]
    assert ["hello"] == [e.text for e in events if isinstance(e, TextDelta)]
    assert isinstance(events[-1], Done)
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    path = "/v1beta1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash"
    assert f"{path}:{method}" == upstream.requests[0].target
    assert "Bearer token-1" == upstream.requests[0].header("authorization")
    assert {"contents", "generationConfig"} == json.loads(upstream.requests[0].body).keys()


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_every_location_has_its_host(location: str, host: str) -> None:
    """Regions, the two that are many, and the one that is everywhere."""
    place = f"projects/p/locations/{location}/publishers"
    expected = f"https://{host}/v1beta1/{place}/google", f"https://{host}/v1/{place}/anthropic"
    assert expected == places(location=location)


def test_a_location_is_a_location() -> None:
    """What would be part of a host name is checked."""
    with pytest.raises(ConfigurationError, match=r"location 'evil\.example/' is not one of Google"):
        provider_of(location="evil.example/")


def test_places_come_from_the_vendors_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each family's own come first; then the other's, but for Claude's region and base URL."""
    monkeypatch.setenv("ANTHROPIC_VERTEX_PROJECT_ID", "claudes")
    monkeypatch.setenv("CLOUD_ML_REGION", "us-east5")
    everywhere = "https://aiplatform.googleapis.com/v1beta1"
    claudes = "projects/claudes/locations/us-east5/publishers/anthropic"
    assert (
        f"{everywhere}/projects/claudes/locations/global/publishers/google",
        f"https://us-east5-aiplatform.googleapis.com/v1/{claudes}",
    ) == places(project=None)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "googles")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west4")
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", "https://g.example/")
    monkeypatch.setenv("ANTHROPIC_VERTEX_BASE_URL", "https://c.example/v9/")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v1")
    assert (
        "https://g.example/v1/projects/googles/locations/europe-west4/publishers/google",
        f"https://c.example/v9/{claudes}",
    ) == places(project=None)
    given = "projects/p/locations/us/publishers"
    assert (
        f"https://a.example/v1/{given}/google",
        f"https://a.example/v1/{given}/anthropic",
    ) == places(location="us", base_url="https://a.example/")


def test_without_a_project_nothing_is_looked_for() -> None:
    """Neither is there one in credentials that were passed."""
    for options in ({}, {"credentials": Tokens()}):
        with pytest.raises(ConfigurationError, match="set GOOGLE_CLOUD_PROJECT"):
            VertexProvider(**options)


def test_googles_own_search_for_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file that the environment names gives the project as well."""
    (tmp_path / "key.json").write_text(json.dumps(SERVICE_ACCOUNT))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    monkeypatch.setattr(ServiceAccount, "from_service_account_info", lambda *_, **__: Tokens())
    provider = VertexProvider()
    assert "/projects/of-the-file/locations/global/" in provider.build(REQUEST).url
    (tmp_path / "key.json").write_text(json.dumps({**SERVICE_ACCOUNT, "project_id": None}))
    with pytest.raises(ConfigurationError, match="set GOOGLE_CLOUD_PROJECT"):
        VertexProvider()


SERVICE_ACCOUNT = {"type": "service_account", "project_id": "of-the-file"}


def test_without_credentials_it_cannot_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to do, with and without google-auth."""

    def nothing(**_: Any) -> None:
        raise DefaultCredentialsError("no")  # type: ignore[no-untyped-call]  # google-auth

    monkeypatch.setattr("google.auth.default", nothing)
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        VertexProvider("p")

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(module, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r"install 'asgi-thinking\[vertex\]'"):
        VertexProvider("p")


async def headers_of(provider: VertexProvider) -> dict[str, str]:
    """The headers that one request's credentials add."""
    built = provider.build(REQUEST)
    added = (await provider.authorize(built, REQUEST)).headers[len(built.headers) :]
    return dict(added)


async def test_a_token_is_fetched_off_the_loop_once_for_all() -> None:
    """Requests that come together wait for one refresh, in a thread, and the loop goes on."""
    tokens = Tokens()
    tokens.gate.clear()
    provider = provider_of(tokens)
    waiting = [asyncio.create_task(headers_of(provider)) for _ in range(5)]
    await tokens.asked()
    tokens.gate.set()

    assert [{"authorization": "Bearer token-1"}] * 5 == await asyncio.gather(*waiting)
    assert (1, 1) == (tokens.fetched, len(tokens.threads))
    assert threading.current_thread() not in tokens.threads


async def test_who_leaves_while_a_token_is_fetched_does_not_fetch_another() -> None:
    """The thread of a cancelled request goes on, and the next one waits for it."""
    tokens = Tokens()
    tokens.gate.clear()
    provider = provider_of(tokens)
    first = asyncio.create_task(headers_of(provider))
    await tokens.asked()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.create_task(headers_of(provider))
    await asyncio.sleep(0)  # it has seen that there is no token yet
    tokens.gate.set()

    assert {"authorization": "Bearer token-1"} == await second
    assert 1 == tokens.fetched


async def test_a_project_for_quotas_is_named() -> None:
    """Credentials of a user are billed to it."""
    tokens: Any = Tokens()
    tokens._quota_project_id = "q"
    assert {"authorization": "Bearer token-1", "x-goog-user-project": "q"} == await headers_of(
        provider_of(tokens)
    )


async def test_a_refused_token_is_renewed_once() -> None:
    """A 401 drops the token, and the request goes out again with another."""

    async def handler(call: Call) -> None:
        good = call.request.header("authorization") == "Bearer token-2"
        answer = replying(REPLY, headers=JSON) if good else replying(b"{}", status=401)
        await answer(call)

    tokens = Tokens()
    async with Loopback(handler) as upstream:
        provider = provider_of(tokens, base_url=upstream.url.removesuffix("/v1/messages"))
        first = [batch async for batch in provider.stream(REQUEST)]
        second = [batch async for batch in provider.stream(REQUEST)]
        await provider.aclose()

    assert first == second
    assert (2, 3) == (tokens.fetched, len(upstream.requests))


@pytest.mark.parametrize("retryable", [False, True])
async def test_a_token_that_is_not_given_is_an_error(retryable: bool) -> None:
    """It says no more than its kind, and whether another attempt may help."""
    failure = RefreshError("secret", retryable=retryable)  # type: ignore[no-untyped-call]  # google-auth
    provider = provider_of(Tokens(failure))

    with pytest.raises(ProviderError, match=r"gave no access token \(RefreshError\)") as caught:
        await headers_of(provider)

    assert (retryable, 502) == (caught.value.retryable, caught.value.status)
    assert {"authorization": "Bearer token-1"} == await headers_of(provider)


async def test_an_error_status_is_the_vendors_error() -> None:
    """In Google's form."""
    body = b'[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}]'
    async with Loopback(replying(body, status=429, headers=JSON)) as upstream:
        provider = provider_of(base_url=upstream.url.removesuffix("/v1/messages"))
        with pytest.raises(UpstreamStatusError, match="Quota") as caught:
            await anext(aiter(provider.stream(REQUEST)))
        await provider.aclose()

    assert (429, "RESOURCE_EXHAUSTED") == (caught.value.status, caught.value.code)


def test_it_claims_both_families_and_knows_their_tables() -> None:
    """Overrides of the owner come before the tables."""
    own = gemini("gemini-2.5-pro")
    provider = provider_of(overrides={"x": own})

    assert all(map(provider.claims, ["gemini-3-flash", "claude-opus-5@default"]))
    assert not provider.claims("gpt-5")
    assert own is provider.capabilities("x")
    assert gemini("gemini-3-flash") == provider.capabilities("gemini-3-flash")
    assert claude("claude-opus-5") == provider.capabilities("claude-opus-5")
    origins = [provider.accepts_for(model) for model in ("gemini-3-flash", "claude-opus-5")]
    assert [frozenset({"vertex"}), frozenset({""})] == origins
    assert frozenset({"vertex", ""}) == provider.accepts
