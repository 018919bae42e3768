"""Anthropic's provider: URL, headers, version, credentials."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic.lib.credentials import AccessToken

from asgi_thinking.events import Done, TextDelta
from asgi_thinking.exceptions import (
    AuthenticationRequired,
    ConfigurationError,
    UpstreamStatusError,
)
from asgi_thinking.messages import Text, Turn
from asgi_thinking.models import claude
from asgi_thinking.providers import anthropic as module
from asgi_thinking.providers.anthropic import AnthropicProvider
from asgi_thinking.requests import ChatRequest, ThinkingConfig, Tool
from tests.loopback import Call, Loopback, replying

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest(
    "claude-sonnet-4-5", (Turn("user", (Text("hi"),)),), max_tokens=100, stream=False
)
MESSAGE = json.dumps(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
).encode()
STREAM = b"".join(
    b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode())
    for event in (
        {
            "type": "message_start",
            "message": {"id": "msg_1", "model": "m", "content": [], "usage": {"input_tokens": 1}},
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "hello"},
        },
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    )
)
JSON = (("content-type", "application/json"),)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    for name in ("API_KEY", "AUTH_TOKEN", "BASE_URL", "PROFILE"):
        monkeypatch.delenv(f"ANTHROPIC_{name}", raising=False)
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))


def base(upstream: Loopback) -> str:
    return upstream.url.removesuffix("/v1/messages")


def headers_of(provider: AnthropicProvider, request: ChatRequest = REQUEST) -> dict[str, str]:
    return dict(provider.build(request).headers)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_is_decoded_by_its_content_type(stream: bool) -> None:
    """JSON and SSE give the same answer, whichever was asked for."""
    reply = replying(STREAM) if stream else replying(MESSAGE, headers=JSON)
    async with Loopback(reply) as upstream:
        provider = AnthropicProvider("k", base_url=base(upstream))
        batches = [batch async for batch in provider.stream(REQUEST)]
        await provider.aclose()

    events = [event for batch in batches for event in batch]
    assert [e.text for e in events if isinstance(e, TextDelta)] == ["hello"]
    assert isinstance(events[-1], Done)
    assert upstream.requests[0].target == "/v1/messages"
    assert upstream.requests[0].header("x-api-key") == "k"
    assert json.loads(upstream.requests[0].body)["model"] == "claude-sonnet-4-5"


async def test_an_error_status_is_the_vendors_error() -> None:
    """Status, message, kind, waiting time and the vendor's advice survive."""
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    more = (*JSON, ("retry-after", "3"), ("x-should-retry", "true"))
    async with Loopback(replying(body, status=529, headers=more)) as upstream:
        provider = AnthropicProvider("k", base_url=base(upstream), name="main")
        with pytest.raises(UpstreamStatusError, match="Overloaded") as caught:
            await anext(aiter(provider.stream(REQUEST)))
        await provider.aclose()

    assert caught.value.status == 503
    assert caught.value.code == "overloaded_error"
    assert caught.value.retry_after == 3
    assert caught.value.retryable is True
    assert caught.value.provider == "main"


@pytest.mark.parametrize(
    ("change", "version"),
    [({}, "2026-10-21"), ({"temperature": 0.5}, "2023-06-01"), ({"top_k": 3}, "2023-06-01")],
)
def test_the_version_suits_the_parameters(change: dict[str, Any], version: str) -> None:
    """Sampling parameters exist in the older version only."""
    request = ChatRequest("claude-sonnet-4-5", (), max_tokens=1, **change)

    assert headers_of(AnthropicProvider("k"), request)["anthropic-version"] == version
    fixed = AnthropicProvider("k", version="2030-01-01")
    assert headers_of(fixed, request)["anthropic-version"] == "2030-01-01"


def test_thinking_between_tools_is_asked_for_where_it_is_no_default() -> None:
    """Budget-only models interleave thinking and tools with a beta, beside the owner's own."""
    budget = ThinkingConfig("enabled", 1024)
    tools = ChatRequest("claude-sonnet-4-5", (), max_tokens=1, thinking=budget, tools=(Tool("f"),))
    beta = "interleaved-thinking-2025-05-14"

    assert headers_of(AnthropicProvider("k"), tools)["anthropic-beta"] == beta
    assert headers_of(AnthropicProvider("k", betas=("a",)), tools)["anthropic-beta"] == f"a,{beta}"
    assert headers_of(AnthropicProvider("k", betas=(beta,)), tools)["anthropic-beta"] == beta
    assert "anthropic-beta" not in headers_of(AnthropicProvider("k"))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("claude-3-7-sonnet-latest", "claude-3-7-sonnet-latest"),
        ("claude-opus-4-1-20250805", "claude-opus-4-1-20250805"),
        ("claude-3-7", "claude-3-7"),
        ("claude-opus-4.1", "claude-opus-4-1"),
        ("anthropic.claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929"),
        ("anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("claude-opus-5-5@default", "claude-opus-5-5"),
        ("Anthropic/Claude-Opus-4.6", "claude-opus-4-6"),
        ("My-Model", "My-Model"),
    ],
)
def test_the_vendors_own_spelling_is_sent(given: str, sent: str) -> None:
    """Ids as Bedrock, Vertex and gateways spell them become Anthropic's; others stay."""
    body = AnthropicProvider("k").build(ChatRequest(given, (), max_tokens=1)).body

    assert json.loads(body)["model"] == sent


def test_it_claims_claude_and_knows_its_table() -> None:
    """Overrides of the owner come before the table."""
    own = claude("claude-haiku-4-5")
    provider = AnthropicProvider("k", overrides={"claude-x": own})

    assert provider.claims("claude-anything")
    assert not provider.claims("gpt-5")
    assert provider.capabilities("claude-x") is own
    assert provider.capabilities("claude-opus-5") == claude("claude-opus-5")


UNSECRET = {"content-type", "anthropic-version"}


async def sent_with(provider: AnthropicProvider, **change: Any) -> dict[str, str]:
    """The credential headers of one request, as they leave."""
    request = ChatRequest("m", (), max_tokens=1, **change)
    sent = dict((await provider.authorize(provider.build(request), request)).headers)
    return {name: value for name, value in sent.items() if name not in UNSECRET}


async def test_credentials_are_found_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argument, then key, then token of the environment."""
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token")
    assert await sent_with(AnthropicProvider()) == {"authorization": "Bearer token"}
    monkeypatch.setenv("ANTHROPIC_API_KEY", "env")
    assert await sent_with(AnthropicProvider()) == {"x-api-key": "env"}
    assert await sent_with(AnthropicProvider("arg")) == {"x-api-key": "arg"}


async def test_the_callers_own_key_is_needed_where_the_owner_says_so() -> None:
    """With `credentials="client"` the server has no key to lend."""
    provider = AnthropicProvider(credentials="client")

    assert await sent_with(provider, credential="theirs") == {"x-api-key": "theirs"}
    with pytest.raises(AuthenticationRequired, match="send your own key as x-api-key"):
        await sent_with(provider)


def test_without_any_credential_it_cannot_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without the SDK, the error says what to do."""
    with pytest.raises(ConfigurationError, match=r"pass api_key=.*not found"):
        AnthropicProvider()
    monkeypatch.delenv("ANTHROPIC_CONFIG_DIR")
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(ConfigurationError, match="set ANTHROPIC_API_KEY, pass api_key="):
        AnthropicProvider()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"install 'asgi-thinking\[anthropic\]'"):
        AnthropicProvider()


def test_the_base_url_is_found_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argument, then a client's, then the environment's, then Anthropic's."""
    client = anthropic.AsyncAnthropic(api_key="k", base_url="https://client.example/")
    assert AnthropicProvider("k").build(REQUEST).url == "https://api.anthropic.com/v1/messages"
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://env.example")
    assert AnthropicProvider("k").build(REQUEST).url == "https://env.example/v1/messages"
    given = AnthropicProvider(client=client)
    assert given.build(REQUEST).url == "https://client.example/v1/messages"
    both = AnthropicProvider(client=client, base_url="https://arg.example/a/")
    assert both.build(REQUEST).url == "https://arg.example/a/v1/messages"


async def test_a_configured_client_gives_its_headers() -> None:
    """Key and own headers are taken over; what the SDK says of itself is not."""
    client = anthropic.AsyncAnthropic(api_key="k", default_headers={"x-owner": "1"})

    headers = await sent_with(AnthropicProvider(client=client))

    assert headers == {"x-owner": "1", "Authorization": "Bearer k"}


async def test_a_token_is_fetched_and_renewed_once_after_a_401() -> None:
    """A client with a credential source is asked again when the API refuses its token."""
    asked: list[bool] = []

    async def credentials(*, force_refresh: bool = False) -> AccessToken:
        asked.append(force_refresh)
        return AccessToken(f"token-{len(asked)}")

    async def handler(call: Call) -> None:
        good = call.request.header("authorization") == "Bearer token-2"
        error = b'{"error":{"type":"authentication_error","message":"expired"}}'
        answer = (
            replying(MESSAGE, headers=JSON) if good else replying(error, status=401, headers=JSON)
        )
        await answer(call)

    async with Loopback(handler) as upstream:
        client = anthropic.AsyncAnthropic(credentials=credentials, base_url=base(upstream))
        provider = AnthropicProvider(client=client)
        first = [batch async for batch in provider.stream(REQUEST)]
        second = [batch async for batch in provider.stream(REQUEST)]
        await provider.aclose()
        await client.close()

    assert first == second
    assert asked == [False, True]
    assert len(upstream.requests) == 3


@pytest.mark.parametrize("status", [401, 403])
async def test_a_fixed_key_is_not_tried_twice(status: int) -> None:
    """Only a token can be renewed."""
    async with Loopback(replying(b"no", status=status)) as upstream:
        provider = AnthropicProvider("k", base_url=base(upstream))
        with pytest.raises(UpstreamStatusError):
            await anext(aiter(provider.stream(REQUEST)))
        await provider.aclose()

    assert len(upstream.requests) == 1


def test_a_client_that_is_more_than_headers_is_refused_by_name() -> None:
    """Clients that sign requests, or are none, cannot be reduced to headers."""
    signing = anthropic.AsyncAnthropicBedrock(
        aws_access_key="a", aws_secret_key="b", aws_region="us-east-1"
    )

    with pytest.raises(
        ConfigurationError, match="AsyncAnthropicBedrock cannot be reduced to headers"
    ):
        AnthropicProvider(client=signing)
    with pytest.raises(ConfigurationError, match=r"builtins\.object cannot be reduced"):
        AnthropicProvider(client=object())
