"""Claude on Vertex AI: rawPredict, in Anthropic's wire format."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from anthropic import AnthropicVertex
from anthropic.types import message_create_params
from pydantic import TypeAdapter

from asgi_thinking import Service
from asgi_thinking.events import Done, TextDelta
from asgi_thinking.exceptions import UpstreamStatusError
from asgi_thinking.exchange import Job
from asgi_thinking.messages import Text, Thinking, Turn
from asgi_thinking.providers.vertex import VertexProvider
from asgi_thinking.requests import ChatRequest, ThinkingConfig, Tool
from tests.loopback import Loopback, replying
from tests.providers.vertex_scene import VARIABLES, Tokens
from tests.scripted import going

pytestmark = pytest.mark.anyio

HELLO = Turn("user", (Text("hi"),))
REQUEST = ChatRequest("claude-opus-5", (HELLO,), max_tokens=100)
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "vertex_event"},
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {"type": "message_stop"},
]
STREAM = b"".join(
    b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode())
    for event in EVENTS
)
JSON = (("content-type", "application/json"),)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is found."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def provider_of(**options: Any) -> VertexProvider:
    return VertexProvider("p", "us-east5", credentials=Tokens(), **options)


def body_of(**change: Any) -> dict[str, Any]:
    """The body of one request, parsed."""
    return json.loads(provider_of().build(REQUEST.but(**change)).body)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_is_decoded_by_its_content_type(stream: bool) -> None:
    """JSON and SSE give the same answer, and Vertex's own events say nothing."""
    reply = replying(STREAM) if stream else replying(json.dumps(MESSAGE).encode(), headers=JSON)
    async with Loopback(reply) as upstream:
        provider = provider_of(base_url=upstream.url.removesuffix("/v1/messages"))
        batches = [batch async for batch in provider.stream(REQUEST.but(stream=stream))]
        await provider.aclose()

    events = [event for batch in batches for event in batch]
    assert ["hello"] == [e.text for e in events if isinstance(e, TextDelta)]
    assert isinstance(events[-1], Done)
    method = "streamRawPredict" if stream else "rawPredict"
    path = "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-5"
    assert f"{path}:{method}" == upstream.requests[0].target
    assert "Bearer token-1" == upstream.requests[0].header("authorization")
    sent = json.loads(upstream.requests[0].body)
    assert "model" not in sent
    assert stream is sent.get("stream", False)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (
            b'{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}',
            "Quota",
            "RESOURCE_EXHAUSTED",
        ),
        (
            b'{"type":"error","error":{"type":"rate_limit_error","message":"Slow"}}',
            "Slow",
            "rate_limit_error",
        ),
        (b"<html>", "vertex: the upstream answered with status 429", None),
    ],
)
async def test_errors_have_either_shape(body: bytes, message: str, code: str | None) -> None:
    """Google's for what Vertex refuses, Anthropic's for what the model does."""
    async with Loopback(replying(body, status=429, headers=JSON)) as upstream:
        provider = provider_of(base_url=upstream.url.removesuffix("/v1/messages"))
        with pytest.raises(UpstreamStatusError) as caught:
            await anext(aiter(provider.stream(REQUEST)))
        await provider.aclose()

    error = caught.value
    assert (message, code, 429, "vertex") == (
        error.message,
        error.code,
        error.status,
        error.provider,
    )


def test_an_overloaded_model_is_unavailable() -> None:
    """Anthropic's own status for it is none that clients know."""
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    assert 503 == provider_of().read_error(529, body, {}).status


def test_the_version_suits_the_parameters() -> None:
    """Sampling parameters exist in the older version only."""
    assert "2026-10-21" == body_of()["anthropic_version"]
    assert "vertex-2023-10-16" == body_of(temperature=0.5)["anthropic_version"]


def test_betas_go_into_a_header() -> None:
    """The owner's own, and thinking between tools where it is no default."""
    beta = "interleaved-thinking-2025-05-14"
    budget = {"thinking": ThinkingConfig("enabled", 1024), "tools": (Tool("f"),)}

    def betas(model: str, **options: Any) -> str | None:
        built = provider_of(**options).build(REQUEST.but(model=model, **budget))
        return dict(built.headers).get("anthropic-beta")

    assert beta == betas("claude-sonnet-4-5")
    assert f"a,{beta}" == betas("claude-sonnet-4-5", betas=("a",))
    assert "a" == betas("claude-haiku-4-5", betas=("a",))
    assert "anthropic-beta" not in dict(provider_of().build(REQUEST).headers)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("claude-opus-5", "claude-opus-5"),
        ("claude-opus-5-5@default", "claude-opus-5-5@default"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5@20251001"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5@20251001"),
        ("anthropic.claude-3-7-sonnet@20250219", "claude-3-7-sonnet@20250219"),
        ("anthropic/claude-opus-4.1", "claude-opus-4-1"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5@20250929"),
        ("claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet-v2@20241022"),
        ("vertex_ai/Claude-Opus-4.6", "claude-opus-4-6"),
    ],
)
def test_vertex_spelling_is_sent(given: str, sent: str) -> None:
    """Ids as Anthropic, Bedrock and gateways spell them become Vertex's."""
    url = provider_of().build(REQUEST.but(model=given)).url
    assert f"/models/{sent}:rawPredict" == url[url.index("/models/") :]


def test_each_family_gets_the_signatures_that_it_made() -> None:
    """A conversation that went through both families keeps what the one asked now can verify."""
    service = Service(providers={"vertex": provider_of()})
    echo = {
        "role": "assistant",
        "content": None,
        "thinking_blocks": [
            {"type": "thinking", "thinking": "g", "signature": "s", "provider": "vertex"},
            {"type": "thinking", "thinking": "c", "signature": "s"},
        ],
        "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ],
    }
    result = {"role": "tool", "tool_call_id": "1", "content": "1"}
    for model, kept in (("claude-opus-5", "c"), ("gemini-3-pro", "g")):
        messages = [{"role": "user", "content": "hi"}, echo, result]
        body = json.dumps({"model": model, "messages": messages}).encode()
        job = service.prepare([], body)
        assert isinstance(job, Job)
        assert [kept] == [
            p.text for p in going(job).request.messages[1].parts if isinstance(p, Thinking)
        ]
        assert ["messages[1]: "] == [
            entry[:13] for entry in going(job).applied if "dropped" in entry
        ]


@pytest.mark.parametrize("stream", [False, True])
def test_the_sdk_sends_the_same(stream: bool) -> None:
    """URL and body are those that the vendor's own client for Vertex makes."""
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        if stream:
            return httpx2.Response(
                200, headers={"content-type": "text/event-stream"}, content=STREAM
            )
        return httpx2.Response(200, json=MESSAGE)

    request = REQUEST.but(stream=stream, thinking=ThinkingConfig("adaptive", None, "high"))
    ours = provider_of().build(request)
    asked: Any = {**json.loads(ours.body), "model": request.model}
    del asked["anthropic_version"]
    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        AnthropicVertex(
            region="us-east5", project_id="p", access_token="t", http_client=http, max_retries=0
        ) as sdk,
    ):
        reply = sdk.messages.create(**asked)
        assert stream is hasattr(reply, "close")
    assert ours.url == str(sent[0].url)
    assert json.loads(sent[0].content) == json.loads(ours.body)


def test_a_request_is_one_of_the_sdks_own_types() -> None:
    """The SDK's types take the body, and know every field in it but the version."""
    body = body_of(
        thinking=ThinkingConfig("adaptive", None, "high", "summarized"),
        tools=(Tool("f", "Does.", {"type": "object"}),),
        stop=("END",),
        user="u",
    )
    del body["anthropic_version"]
    body |= {"model": "m"}
    types: TypeAdapter[Any] = TypeAdapter(message_create_params.MessageCreateParamsNonStreaming)
    taken = json.loads(types.dump_json(types.validate_python(body)))
    # Lists in lists are checked lazily by the SDK's types.
    assert body | {"messages": []} == taken | {"messages": []}
