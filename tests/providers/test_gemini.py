"""AI Studio's provider: URL, headers, key."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from google import genai

from asgi_thinking.events import Done, TextDelta
from asgi_thinking.exceptions import (
    AuthenticationRequired,
    ConfigurationError,
    UpstreamStatusError,
)
from asgi_thinking.messages import Text, ToolCall, Turn
from asgi_thinking.models_gemini import gemini
from asgi_thinking.providers.gemini import GeminiProvider
from asgi_thinking.requests import ChatRequest, Tool
from tests.loopback import Loopback, replying

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("gemini-2.5-flash", (Turn("user", (Text("hi"),)),), max_tokens=100)
REPLY = b'{"candidates":[{"content":{"parts":[{"text":"hello"}]},"finishReason":"STOP"}]}'
JSON = (("content-type", "application/json; charset=UTF-8"),)
GOOGLE = "https://generativelanguage.googleapis.com"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credential of this machine is found."""
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GOOGLE_GENAI_API_VERSION", raising=False)


def base(upstream: Loopback) -> str:
    return upstream.url.removesuffix("/v1/messages")


@pytest.mark.parametrize(
    ("stream", "body", "headers"),
    [
        (False, REPLY, JSON),
        (True, b"data: " + REPLY + b"\r\n\r\n", (("content-type", "text/event-stream"),)),
        (False, b"data: " + REPLY + b"\r\n\r\n", (("content-type", "text/event-stream"),)),
        (True, b"[" + REPLY + b"]", JSON),
        (True, REPLY, JSON),
    ],
)
async def test_a_reply_is_decoded_by_what_it_is(
    stream: bool, body: bytes, headers: tuple[tuple[str, str], ...]
) -> None:
    """JSON, SSE and arrays give the same answer, whichever was asked for."""
    async with Loopback(replying(body, headers=headers)) as upstream:
        provider = GeminiProvider("k", base_url=base(upstream) + "/")
        batches = [batch async for batch in provider.stream(REQUEST.but(stream=stream))]
        await provider.aclose()

    events = [event for batch in batches for event in batch]
    assert ["hello"] == [e.text for e in events if isinstance(e, TextDelta)]
    assert isinstance(events[-1], Done)
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    assert f"/v1beta/models/gemini-2.5-flash:{method}" == upstream.requests[0].target
    assert "k" == upstream.requests[0].header("x-goog-api-key")
    sent = json.loads(upstream.requests[0].body)
    assert [{"role": "user", "parts": [{"text": "hi"}]}] == sent["contents"]


async def test_an_error_status_is_the_vendors_error() -> None:
    """Status, message and the vendor's own word survive."""
    body = b'[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}]'
    async with Loopback(replying(body, status=429, headers=JSON)) as upstream:
        provider = GeminiProvider("k", base_url=base(upstream), name="main")
        with pytest.raises(UpstreamStatusError, match="Quota") as caught:
            await anext(aiter(provider.stream(REQUEST)))
        await provider.aclose()

    error = caught.value
    assert (429, "RESOURCE_EXHAUSTED", "main") == (error.status, error.code, error.provider)


def test_the_model_is_one_segment_of_the_path() -> None:
    """Google's own spelling, and nothing that could choose another method."""
    provider = GeminiProvider("k")
    urls = {
        "google/gemini-2.5-flash": "gemini-2.5-flash",
        "Gemini-2.5-flash:countTokens": "gemini-2.5-flash%3Acounttokens",
        "a/../b?c": "a%2F..%2Fb%3Fc",
    }
    for model, segment in urls.items():
        url = provider.build(REQUEST.but(model=model)).url
        assert f"{GOOGLE}/v1beta/models/{segment}:generateContent" == url


def test_what_the_model_wants_is_sent() -> None:
    """Signatures from Gemini 3 on, and AI Studio is told of the search beside functions."""
    call = Turn("assistant", (ToolCall("a", "f", "{}"),))
    request = REQUEST.but(messages=(call,), tools=(Tool("f"),), web_search=True)
    provider = GeminiProvider("k")
    for model, keys in {"gemini-2.5-pro": 1, "gemini-3.1-pro": 2}.items():
        body = json.loads(provider.build(request.but(model=model)).body)
        assert keys == len(body["contents"][1]["parts"][0])
        assert {"includeServerSideToolInvocations": True} == body["toolConfig"]


def test_headers_of_the_caller_go_along() -> None:
    """Those that the owner forwards."""
    headers = provider_headers(GeminiProvider("k"), headers=(("idempotency-key", "i"),))
    assert {"content-type": "application/json", "idempotency-key": "i"} == headers


def provider_headers(provider: GeminiProvider, **change: Any) -> dict[str, str]:
    return dict(provider.build(REQUEST.but(**change)).headers)


def test_it_claims_gemini_and_knows_its_table() -> None:
    """Overrides of the owner come before the table."""
    own = gemini("gemini-2.5-pro")
    provider = GeminiProvider("k", overrides={"gemini-x": own})

    assert provider.claims("gemini-anything")
    assert not provider.claims("claude-opus-5")
    assert own is provider.capabilities("gemini-x")
    assert gemini("gemini-3-flash") == provider.capabilities("gemini-3-flash")


async def key_of(provider: GeminiProvider, **change: Any) -> str:
    """The key of one request, as it leaves."""
    request = REQUEST.but(**change)
    upstream = await provider.authorize(provider.build(request), request)
    return dict(upstream.headers)["x-goog-api-key"]


async def test_keys_are_found_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argument, then the variables in the order of the vendor's SDK."""
    monkeypatch.setenv("GEMINI_API_KEY", "gemini")
    assert "gemini" == await key_of(GeminiProvider())
    monkeypatch.setenv("GOOGLE_API_KEY", "google")
    assert "google" == await key_of(GeminiProvider())
    assert "arg" == await key_of(GeminiProvider("arg"))


async def test_the_callers_own_key_is_needed_where_the_owner_says_so() -> None:
    """With `credentials="client"` the server has no key to lend."""
    provider = GeminiProvider(credentials="client")

    assert "theirs" == await key_of(provider, credential="theirs")
    with pytest.raises(AuthenticationRequired, match="send your own key as x-api-key"):
        await key_of(provider)


def test_without_any_key_it_cannot_be_built() -> None:
    """The error says what to do."""
    with pytest.raises(ConfigurationError, match="set GEMINI_API_KEY or pass api_key="):
        GeminiProvider()


def test_base_url_and_version_are_found_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argument, then a client's, then the environment's, then Google's."""

    def place(**options: Any) -> str:
        url = GeminiProvider("k", **options).build(REQUEST).url
        return url.removesuffix("/models/gemini-2.5-flash:generateContent")

    options: Any = {"base_url": "https://client.example/", "api_version": "v2"}
    client = genai.Client(api_key="c", http_options=options)
    assert f"{GOOGLE}/v1beta" == place()
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "beta")
    assert f"{GOOGLE}/v1beta" == place()
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v1")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://env.example/a/")
    assert "https://env.example/a/v1" == place()
    assert "https://client.example/v2" == place(client=client)
    given = place(client=client, base_url="https://arg.example", api_version="v3")
    assert "https://arg.example/v3" == given
    client.close()


async def test_a_configured_client_gives_its_key_and_headers() -> None:
    """What the SDK says of itself is left out."""
    options: Any = {"headers": {"X-Owner": "1"}}
    with genai.Client(api_key="c", http_options=options) as client:
        provider = GeminiProvider(client=client)
        assert "c" == await key_of(provider)
        assert "arg" == await key_of(GeminiProvider("arg", client=client))
        expected = {"content-type": "application/json", "x-owner": "1"}
        assert expected == provider_headers(provider)


def test_a_client_that_is_more_than_a_key_is_refused_by_name() -> None:
    """Vertex AI has a provider of its own, and what is no client is none."""
    with pytest.raises(ConfigurationError, match=re.escape("builtins.object cannot be reduced")):
        GeminiProvider(client=object())
    with (
        genai.Client(vertexai=True, api_key="c") as client,
        pytest.raises(ConfigurationError, match="use VertexProvider"),
    ):
        GeminiProvider(client=client)
