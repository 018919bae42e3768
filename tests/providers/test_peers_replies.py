"""What other gateways make wrong of a vendor's reply, and what is right, for every provider.

Sources: github.com/Portkey-AI/gateway 1.15.2 and github.com/BerriAI/litellm 1.106.2, tried on
loopback, and their issues; read 2026-11-22.
"""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import orjson
import pytest

from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.dialects.content_blocks import PORTKEY
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.dialects.truefoundry import TRUEFOUNDRY
from asgi_thinking.events import Event, StreamError, TextDelta, Usage
from asgi_thinking.exceptions import UpstreamStatusError
from asgi_thinking.messages import Text, Turn
from asgi_thinking.requests import ChatRequest
from tests.loopback import Call, Loopback, replying
from tests.providers.bedrock_scene import forget_aws
from tests.providers.peers_scene import MODELS, NAMES, provider_of
from tests.wire import anthropic_transcripts as claude
from tests.wire import gemini_transcripts as google
from tests.wire import openai_transcripts as compatible
from tests.wire.aws_frames import event, exception
from tests.wire.converse_transcripts import END, START, delta, stop

pytestmark = pytest.mark.anyio

JSONObject = dict[str, Any]

SSE = (("content-type", "text/event-stream"),)
AWS = (("content-type", "application/vnd.amazon.eventstream"),)
JSON = (("content-type", "application/json"),)
DIALECTS = (OPENAI, TRUEFOUNDRY, PORTKEY)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


class Script(NamedTuple):
    """A stream: what begins it, what ends it well, what fails it, and its headers.

    Every one says "hello" and has 60 tokens of input, 50 of them cached, and 9 of output.
    """

    begin: bytes
    end: bytes
    fail: bytes
    headers: tuple[tuple[str, str], ...]


def invoked(stream: bytes) -> bytes:
    """Anthropic's events as InvokeModel frames them."""
    lines = [line.removeprefix(b"data: ") for line in stream.splitlines() if b"data: " in line]
    return b"".join(event("chunk", bytes=base64.b64encode(line).decode()) for line in lines)


COUNTS = {"input_tokens": 10, "cache_read_input_tokens": 50, "output_tokens": 9}
HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
CLAUDE = Script(
    claude.sse(
        {"type": "message_start", "message": {**HEAD, "usage": COUNTS}},
        claude.block_start(0, type="text", text=""),
        claude.delta(0, "text_delta", text="hello"),
    ),
    claude.sse(
        claude.block_stop(0),
        {**claude.ending("end_turn"), "usage": {"output_tokens": 9}},
        claude.STOP,
    ),
    claude.sse({"type": "error", "error": {"type": "overloaded_error", "message": "Slow down."}}),
    SSE,
)
FAILED = {"error": {"code": 503, "message": "Slow down.", "status": "UNAVAILABLE"}}
SPENT = {"promptTokenCount": 60, "cachedContentTokenCount": 50, "candidatesTokenCount": 9}
GOOGLE = Script(
    google.sse(google.chunk({"text": "hello"})),
    google.sse(google.chunk(finish="STOP", usageMetadata={**SPENT, "totalTokenCount": 69})),
    google.sse(FAILED),
    SSE,
)
TOTAL = {"prompt_tokens": 60, "completion_tokens": 9, "total_tokens": 69}
CACHED = {"prompt_tokens_details": {"cached_tokens": 50}}
OPEN = Script(
    compatible.sse(compatible.chunk({"role": "assistant", "content": "hello"})),
    compatible.sse(
        compatible.chunk(finish_reason="stop"),
        {**compatible.chunk(), "choices": [], "usage": TOTAL | CACHED},
    )
    + compatible.DONE,
    compatible.sse({"error": {"message": "Slow down.", "code": 502}}),
    SSE,
)
CONVERSE = Script(
    START + delta(0, text="hello"),
    stop(0)
    + END
    + event(
        "metadata",
        usage={
            "inputTokens": 10,
            "cacheReadInputTokens": 50,
            "outputTokens": 9,
            "totalTokens": 69,
        },
    ),
    exception("throttlingException", "Slow down."),
    AWS,
)
SCRIPTS = {
    "anthropic": CLAUDE,
    "invoke": Script(
        invoked(CLAUDE.begin),
        invoked(CLAUDE.end),
        exception("throttlingException", "Slow down."),
        AWS,
    ),
    "converse": CONVERSE,
    "vertex-claude": CLAUDE,
    "vertex-gemini": GOOGLE,
    "gemini": GOOGLE,
    "openai": OPEN,
    "openrouter": OPEN,
    "deepseek": OPEN,
}
OF_SSE = [name for name, script in SCRIPTS.items() if script.headers == SSE]


def request_of(name: str) -> ChatRequest:
    turns = (Turn("user", (Text("hi"),)),)
    return ChatRequest(MODELS[name], turns, max_tokens=100, stream=True)


def base(upstream: Loopback) -> str:
    return upstream.url.removesuffix("/v1/messages")


async def events_of(
    name: str, stream: bytes, headers: tuple[tuple[str, str], ...] | None = None
) -> list[Event]:
    """The events of an upstream that sends these bytes, in reads of 7."""
    reads = [stream[place : place + 7] for place in range(0, len(stream), 7)]
    async with Loopback(replying(*reads, headers=headers or SCRIPTS[name].headers)) as upstream:
        provider = provider_of(name, base_url=base(upstream))
        batches = [batch async for batch in provider.stream(request_of(name))]
        await provider.aclose()
    return [found for batch in batches for found in batch]


def chunks(dialect: Dialect, events: list[Event]) -> list[Any]:
    """The chunks of a stream, and what stands for its end."""
    data = dialect.encoder(Asked(thinking=True, include_usage=True)).feed(events)
    lines = [line.partition(b"data: ")[2] for line in data.split(b"\n") if b"data: " in line]
    return [orjson.loads(line) if line.startswith(b"{") else line for line in lines]


def reasons(found: list[Any]) -> list[str]:
    """The finish reasons of a stream."""
    choices = [choice for body in found if isinstance(body, dict) for choice in body["choices"]]
    return [choice["finish_reason"] for choice in choices if choice["finish_reason"]]


FRAMINGS: dict[str, tuple[tuple[bytes, bytes], ...]] = {
    "LF": ((b"\r\n", b"\n"),),
    "CRLF": ((b"\r\n", b"\n"), (b"\n", b"\r\n")),
    "CR": ((b"\r\n", b"\n"), (b"\n", b"\r")),
    "no space": ((b"data: ", b"data:"), (b"event: ", b"event:")),
    "comments": ((b"\r\n", b"\n"), (b"\n\n", b"\n\n: keepalive\n\n")),
    "fields": ((b"data: ", b"id: 1\nretry: 5\ndata: "),),
}


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", OF_SSE)
async def test_a_stream_may_be_written_as_the_standard_allows(name: str, framing: str) -> None:
    """Portkey reads one way only; with others nothing arrives, or the stream ends unnoticed."""
    stream = SCRIPTS[name].begin + SCRIPTS[name].end
    expected = await events_of(name, stream)
    for old, new in FRAMINGS[framing]:
        stream = stream.replace(old, new)
    found = await events_of(name, b"\xef\xbb\xbf" + stream)
    assert expected[1:] == found[1:]
    assert ["hello"] == [event.text for event in found if isinstance(event, TextDelta)]


@pytest.mark.parametrize("name", NAMES)
async def test_a_stream_that_breaks_off_is_no_good_reply(name: str) -> None:
    """Portkey ends it without a word, LiteLLM as if the model had stopped."""
    events = await events_of(name, SCRIPTS[name].begin)
    assert isinstance(events[-1], StreamError)
    for dialect in DIALECTS:
        *before, last = chunks(dialect, events)
        assert [] == reasons(before)
        assert {"message", "type", "param", "code"} == last["error"].keys()


@pytest.mark.parametrize("name", NAMES)
async def test_an_error_in_a_stream_is_one(name: str) -> None:
    """Portkey makes a finish reason of it, LiteLLM a 500; its words are lost by the former."""
    events = await events_of(name, SCRIPTS[name].begin + SCRIPTS[name].fail)
    for dialect in DIALECTS:
        *before, last = chunks(dialect, events)
        assert [] == reasons(before)
        assert "Slow down." == last["error"]["message"]
    error = events[-1]
    assert isinstance(error, StreamError)
    assert error.error.status in (429, 502, 503)


@pytest.mark.parametrize("name", NAMES)
async def test_tokens_are_counted_alike(name: str) -> None:
    """Portkey counts cached tokens in for some vendors and not for others, and twice for some."""
    events = await events_of(name, SCRIPTS[name].begin + SCRIPTS[name].end)
    assert any(isinstance(found, Usage) for found in events)
    for dialect in DIALECTS:
        found = chunks(dialect, events)
        (usage,) = [body["usage"] for body in found[:-1] if body.get("usage")]
        assert TOTAL == {key: usage[key] for key in TOTAL}
        assert 50 == usage["prompt_tokens_details"]["cached_tokens"]
        assert ({*TOTAL, *CACHED} | {"completion_tokens_details"}) >= usage.keys()
        assert b"[DONE]" == found[-1]
        assert 1 == len(reasons(found))


@pytest.mark.parametrize("name", NAMES)
async def test_who_leaves_ends_the_upstream_request(name: str) -> None:
    """Portkey reads on to the end, and the tokens are paid for."""

    async def handler(call: Call) -> None:
        await call.head(200, *SCRIPTS[name].headers)
        await call.chunk(SCRIPTS[name].begin)
        await call.peer.closed.wait()

    async with Loopback(handler) as upstream:
        provider = provider_of(name, base_url=base(upstream))
        reply = provider.stream(request_of(name))
        assert await anext(aiter(reply))
        await reply.aclose()  # type: ignore[attr-defined]  # it is an async generator
        await upstream.peers[0].closed.wait()
        await provider.aclose()


# 529 is Anthropic's own, which gateways pass on.
STATUSES = [(name, status, status) for name in NAMES for status in (413, 429, 503)]
STATUSES += [(name, 529, 503) for name in ("anthropic", "vertex-claude", "openrouter")]


@pytest.mark.parametrize(("name", "status", "expected"), STATUSES)
async def test_a_refusal_keeps_its_meaning(name: str, status: int, expected: int) -> None:
    """LiteLLM answers 500 for 529 and 400 for 413, and drops the time to wait."""
    body = orjson.dumps({"error": {"message": "Slow down.", "type": "x"}, "message": "Slow down."})
    headers = (*JSON, ("retry-after", "7"))
    async with Loopback(replying(body, status=status, headers=headers)) as upstream:
        provider = provider_of(name, base_url=base(upstream))
        with pytest.raises(UpstreamStatusError) as caught:
            await anext(aiter(provider.stream(request_of(name))))
        await provider.aclose()
    error = caught.value
    assert (expected, "Slow down.", 7.0) == (error.status, error.message, error.retry_after)


async def test_a_server_tools_input_is_no_call_of_the_clients() -> None:
    """Portkey streams it as a call with the index -1."""
    stream = claude.sse(
        {"type": "message_start", "message": {**HEAD, "usage": COUNTS}},
        claude.block_start(0, **claude.SEARCH, input={}),
        claude.delta(0, "input_json_delta", partial_json='{"query":"x"}'),
        claude.block_stop(0),
        claude.ending("end_turn"),
        claude.STOP,
    )
    for name, sent in (
        ("anthropic", stream),
        ("vertex-claude", stream),
        ("invoke", invoked(stream)),
    ):
        events = await events_of(name, sent)
        for dialect in DIALECTS:
            assert b"tool_calls" not in dialect.encoder(Asked(thinking=True)).feed(events)


async def test_calls_are_numbered_on_their_own() -> None:
    """LiteLLM numbers them by content block, so that lists get gaps."""
    thinks = claude.block_start(0, type="thinking", thinking="hm", signature="c2ln")
    stream = claude.sse(
        {"type": "message_start", "message": {**HEAD, "usage": COUNTS}},
        *(thinks, claude.block_stop(0)),
        *(
            claude.block_start(1, type="tool_use", id="t1", name="f", input={}),
            claude.block_stop(1),
        ),
        *({**thinks, "index": 2}, claude.block_stop(2)),
        *(
            claude.block_start(3, type="tool_use", id="t2", name="f", input={}),
            claude.block_stop(3),
        ),
        claude.ending("tool_use"),
        claude.STOP,
    )
    events = await events_of("anthropic", stream)
    for dialect in DIALECTS:
        calls = [
            call
            for body in chunks(dialect, events)[:-1]
            for choice in body["choices"]
            for call in choice["delta"].get("tool_calls", ())
        ]
        starts = [(call["index"], call["id"]) for call in calls if "id" in call]
        assert [(0, "t1"), (1, "t2")] == starts


async def test_geminis_thoughts_are_blocks_in_streams_too() -> None:
    """LiteLLM has them in whole replies only."""
    stream = google.sse(
        google.chunk({"text": "hm", "thought": True}),
        google.chunk({"text": "a"}, finish="STOP"),
    )
    for name in ("gemini", "vertex-gemini"):
        deltas = [
            choice["delta"]
            for body in chunks(TRUEFOUNDRY, await events_of(name, stream))[:-1]
            for choice in body["choices"]
        ]
        (block,) = [block for delta in deltas for block in delta.get("thinking_blocks", ())]
        assert ("thinking", "hm") == (block["type"], block["thinking"])
