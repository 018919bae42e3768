"""The provider of OpenAI-compatible vendors: URL, family, headers, keys."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.events import Done, TextDelta, ThinkingDelta
from asgi_thinking.exceptions import (
    AuthenticationRequired,
    ConfigurationError,
    UpstreamStatusError,
)
from asgi_thinking.messages import Text, ToolCall, Turn
from asgi_thinking.models_openai import FAMILIES
from asgi_thinking.providers.openai import OpenAIProvider
from asgi_thinking.requests import ChatRequest, ThinkingConfig
from tests.loopback import Loopback, replying
from tests.wire.openai_transcripts import completion, finished

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("gpt-5-mini", (Turn("user", (Text("hi"),)),), max_tokens=100)
JSON = (("content-type", "application/json"),)
DEEPSEEK = "https://api.deepseek.com"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of this machine is found."""
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    for family in FAMILIES.values():
        monkeypatch.delenv(family.key, raising=False)


def base(upstream: Loopback) -> str:
    return upstream.url.removesuffix("/v1/messages")


def body_of(provider: OpenAIProvider, request: ChatRequest = REQUEST) -> Any:
    return json.loads(provider.build(request).body)


async def sent_with(provider: OpenAIProvider, **change: Any) -> dict[str, str]:
    """The headers of one request, as they leave."""
    request = ChatRequest("m", (), **change)
    upstream = await provider.authorize(provider.build(request), request)
    return dict(upstream.headers)


async def key_of(provider: OpenAIProvider) -> str | None:
    """The authorization of one request."""
    return (await sent_with(provider)).get("authorization")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_is_decoded_by_its_content_type(stream: bool) -> None:
    """JSON and SSE give the same answer, whichever was asked for; tags are looked for on demand."""
    said = {"content": "<think>why</think>hello"}
    reply = replying(finished(said)) if stream else replying(completion(said), headers=JSON)
    async with Loopback(reply) as upstream:
        provider = OpenAIProvider("k", base_url=f"{base(upstream)}/v1/", think_tags=True)
        batches = [batch async for batch in provider.stream(REQUEST)]
        await provider.aclose()

    events = [event for batch in batches for event in batch]
    assert [e.text for e in events if isinstance(e, ThinkingDelta)] == ["why"]
    assert [e.text for e in events if isinstance(e, TextDelta)] == ["hello"]
    assert isinstance(events[-1], Done)
    assert upstream.requests[0].target == "/v1/chat/completions"
    assert upstream.requests[0].header("authorization") == "Bearer k"
    assert json.loads(upstream.requests[0].body)["model"] == "gpt-5-mini"


@pytest.mark.parametrize(("status", "expected"), [(429, 429), (529, 503), (413, 413)])
async def test_an_error_status_is_the_vendors_error(status: int, expected: int) -> None:
    """Status, message, type and waiting time survive."""
    body = b'{"error":{"message":"Slow down","type":"rate","code":429}}'
    more = (*JSON, ("retry-after", "3"))
    async with Loopback(replying(body, status=status, headers=more)) as upstream:
        provider = OpenAIProvider("k", base_url=base(upstream), name="main")
        with pytest.raises(UpstreamStatusError, match="Slow down") as caught:
            await anext(aiter(provider.stream(REQUEST)))
        await provider.aclose()

    error = caught.value
    assert (expected, "rate", "429") == (error.status, error.type, error.code)
    assert (3, "main") == (error.retry_after, error.provider)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, "https://api.openai.com/v1/chat/completions"),
        ("http://localhost:8000/v1/", "http://localhost:8000/v1/chat/completions"),
        ("https://x.test/v1?api-version=1", "https://x.test/v1/chat/completions?api-version=1"),
    ],
)
def test_the_endpoint_stands_below_the_base_url(given: str | None, sent: str) -> None:
    """A query of the owner's stays."""
    assert OpenAIProvider("k", base_url=given).build(REQUEST).url == sent


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "/v1", "https://"])
def test_a_base_url_has_to_be_one(url: str) -> None:
    """What is none is refused at once, without being shown."""
    with pytest.raises(ConfigurationError, match="base_url must be") as caught:
        OpenAIProvider("k", base_url=url)
    assert url not in caught.value.message.removesuffix("https:// or http://")


def test_the_environment_may_name_the_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes after the argument and a client's."""
    monkeypatch.setenv("OPENAI_BASE_URL", "https://env.test/v1")
    assert OpenAIProvider("k").build(REQUEST).url.startswith("https://env.test/")
    client = openai.AsyncOpenAI(api_key="k", base_url="https://client.test/v1")
    assert OpenAIProvider(client=client).build(REQUEST).url.startswith("https://client.test/")
    both = OpenAIProvider(client=client, base_url="https://arg.test")
    assert both.build(REQUEST).url.startswith("https://arg.test/")


def test_the_words_are_those_of_the_family() -> None:
    """It follows from the URL, from the model where that says nothing, or from the owner."""
    thinking = ThinkingConfig("disabled")
    request = ChatRequest("deepseek-chat", (), thinking=thinking)
    off = {"thinking": {"type": "disabled"}}
    assert off.items() <= body_of(OpenAIProvider("k", base_url=DEEPSEEK), request).items()
    anywhere = OpenAIProvider("k", base_url="http://localhost:8000/v1")
    assert off.items() <= body_of(anywhere, request).items()
    assert "gpt-oss" == anywhere.family("gpt-oss-20b").name
    vllm = OpenAIProvider("k", base_url="http://localhost:8000/v1", family="vllm")
    assert "chat_template_kwargs" in body_of(vllm, request)
    with pytest.raises(ConfigurationError, match="no family 'x'; there are ollama, openai"):
        OpenAIProvider("k", family="x")


def test_blocks_are_accepted_by_family() -> None:
    """Only gateways can take other vendors' signatures back, Claude's among them."""
    gateway = OpenAIProvider("k", base_url="https://openrouter.ai/api/v1")
    assert {"", "google-gemini-v1", "openai-responses-v1"} <= gateway.accepts
    assert frozenset() == OpenAIProvider("k").accepts
    assert frozenset() == OpenAIProvider("k", base_url="http://localhost:1/v1").accepts


def test_it_claims_its_vendors_models() -> None:
    """A gateway and a server of one's own claim none."""
    assert OpenAIProvider("k").claims("gpt-5")
    assert not OpenAIProvider("k").claims("claude-opus-5")
    assert OpenAIProvider("k", base_url=DEEPSEEK).claims("deepseek-chat")
    assert not OpenAIProvider("k", base_url="https://openrouter.ai/api/v1").claims("gpt-5")
    assert not OpenAIProvider("k", base_url="http://localhost:1/v1").claims("gpt-5")


def test_the_owner_knows_his_models() -> None:
    """Overrides come before the table, whose record is always the same object."""
    own = Capabilities(max_output=7)
    provider = OpenAIProvider("k", overrides={"mine": own})
    assert provider.capabilities("mine") is own
    assert provider.capabilities("gpt-5") is provider.capabilities("gpt-5")


def test_the_owner_names_what_says_nothing_itself() -> None:
    """A deployment is of the family that its model is of, where the URL tells of none."""
    families = {"ours": "deepseek-chat", "theirs": "gpt-5"}
    provider = OpenAIProvider("k", base_url="http://localhost:1/v1", families=families)
    assert ("deepseek", "openai") == (provider.family("ours").name, provider.family("theirs").name)
    assert provider.capabilities("gpt-5") is provider.capabilities("theirs")
    assert provider.claims("ours")
    assert not provider.claims("gpt-5")


CALLED = Turn("assistant", (ToolCall("c", "f", "{}"),))


@pytest.mark.parametrize(
    ("model", "config", "expected"),
    [
        ("deepseek-chat", ThinkingConfig(), ""),
        ("deepseek-chat", ThinkingConfig("adaptive"), ""),
        ("deepseek-chat", ThinkingConfig("disabled"), None),
        ("deepseek-r1", ThinkingConfig(), None),
    ],
)
def test_deepseek_is_owed_thinking_while_it_thinks(
    model: str, config: ThinkingConfig, expected: str | None
) -> None:
    """Turns with calls have it, if only empty; the first generation refused it."""
    provider = OpenAIProvider("k", base_url=DEEPSEEK)
    (message,) = body_of(provider, ChatRequest(model, (CALLED,), thinking=config))["messages"]
    assert message.get("reasoning_content") == expected


def test_other_vendors_words_are_never_passed_on() -> None:
    """What a caller said of thinking reaches OpenAI in OpenAI's words, or not at all."""
    request = ChatRequest("gpt-5", (), thinking=ThinkingConfig("adaptive", 1024, "high", "omitted"))
    assert {"model", "messages", "reasoning_effort"} == body_of(OpenAIProvider("k"), request).keys()


async def test_keys_are_found_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argument, the vendor's variable, OpenAI's."""
    monkeypatch.setenv("OPENAI_API_KEY", "own")
    assert await key_of(OpenAIProvider()) == "Bearer own"
    monkeypatch.setenv("OPENAI_BASE_URL", DEEPSEEK)
    assert await key_of(OpenAIProvider()) == "Bearer own"
    monkeypatch.setenv("DEEPSEEK_API_KEY", "theirs")
    assert await key_of(OpenAIProvider()) == "Bearer theirs"
    assert await key_of(OpenAIProvider("arg")) == "Bearer arg"
    assert await key_of(OpenAIProvider("")) is None


async def test_a_key_goes_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI's is not sent to a URL that the owner wrote in the code, nor others' to OpenAI."""
    monkeypatch.setenv("OPENAI_API_KEY", "own")
    assert await key_of(OpenAIProvider(base_url="http://localhost:8000/v1")) is None
    assert await key_of(OpenAIProvider(base_url="http://localhost:11434/v1")) is None
    with pytest.raises(ConfigurationError, match="set DEEPSEEK_API_KEY or pass api_key="):
        OpenAIProvider(base_url=DEEPSEEK)
    monkeypatch.setenv("DEEPSEEK_API_KEY", "theirs")
    assert await key_of(OpenAIProvider(family="deepseek")) == "Bearer own"


def test_without_any_key_it_cannot_be_built() -> None:
    """The error says what to do."""
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY or pass api_key="):
        OpenAIProvider()


async def test_the_callers_own_key_is_needed_where_the_owner_says_so() -> None:
    """With `credentials="client"` the server has no key to lend."""
    provider = OpenAIProvider(credentials="client")
    assert (await sent_with(provider, credential="theirs"))["authorization"] == "Bearer theirs"
    with pytest.raises(AuthenticationRequired, match="send your own key as x-api-key"):
        await sent_with(provider)


async def test_a_configured_client_gives_its_headers() -> None:
    """Key and own headers are taken over; what the SDK says of itself is not."""
    client = openai.AsyncOpenAI(api_key="k", organization="o", default_headers={"x-owner": "1"})
    provider = OpenAIProvider(client=client, headers={"x-title": "t"})
    assert await sent_with(provider, headers=(("idempotency-key", "i"),)) == {
        "content-type": "application/json",
        "x-owner": "1",
        "OpenAI-Organization": "o",
        "x-title": "t",
        "idempotency-key": "i",
        "authorization": "Bearer k",
    }


def test_a_client_that_is_more_than_headers_is_refused_by_name() -> None:
    """Clients of other clouds, those that fetch tokens, and what is none."""
    fetched: Any = str
    azure = openai.AsyncAzureOpenAI(api_key="k", api_version="1", azure_endpoint="https://x.test")
    for client, name in (
        (azure, r"openai\.lib\.azure\.AsyncAzureOpenAI"),
        (openai.AsyncOpenAI(api_key=fetched), r"openai\.AsyncOpenAI"),
        (object(), r"builtins\.object"),
    ):
        with pytest.raises(ConfigurationError, match=f"{name} cannot be reduced to headers"):
            OpenAIProvider(client=client)
