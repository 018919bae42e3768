"""All vendors behind one HTTP client."""

from __future__ import annotations

import re
from typing import Final

import pytest

from asgi_thinking.events import Done, TextDelta, ThinkingDelta
from asgi_thinking.exceptions import UpstreamStatusError
from asgi_thinking.messages import Text, Turn
from asgi_thinking.requests import ChatRequest, ThinkingConfig
from tests.simulator import Reply
from tests.simulator.edge import NAMES, answer, client, providers

pytestmark = pytest.mark.anyio

SAID: Final = Reply("let me think", "hello")
ASKED: Final = (Turn("user", (Text("hi"),)),)
SHOWN: Final = ThinkingConfig("adaptive", display="summarized")

MODELS: Final = (
    ("anthropic", "claude-opus-4-8"),
    ("bedrock-invoke", "us.anthropic.claude-opus-4-8"),
    ("bedrock-converse", "us.anthropic.claude-opus-4-8"),
    ("vertex", "claude-opus-4-8"),
    ("vertex", "gemini-3.8-flash"),
    ("gemini", "gemini-3.8-flash"),
    ("openai", "gpt-5-mini"),
    ("deepseek", "deepseek-v4-flash"),
    ("openrouter", "anthropic/claude-sonnet-4.5"),
    ("groq", "openai/gpt-oss-120b"),
    ("xai", "grok-4.5"),
    ("mistral", "magistral-medium-latest"),
    ("vllm", "Qwen/Qwen3-8B"),
)


def test_every_provider_has_a_model_in_these_tests() -> None:
    """No provider is left out below."""
    assert set(NAMES) == {name for name, _ in MODELS} == set(providers(lambda _: SAID))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("name", "model"), MODELS)
async def test_a_ready_provider_is_answered(name: str, model: str, stream: bool) -> None:
    """Each vendor takes its provider's request, and thinks before it speaks."""
    provider = providers(lambda _: SAID)[name]
    request = ChatRequest(model, ASKED, max_tokens=2048, thinking=SHOWN, stream=stream)
    events = [event async for batch in provider.stream(request) for event in batch]

    assert "hello" == "".join(event.text for event in events if isinstance(event, TextDelta))
    thought = "".join(event.text for event in events if isinstance(event, ThinkingDelta))
    assert ("" if name == "openai" else "let me think") == thought
    assert isinstance(events[-1], Done)


async def test_a_refusal_is_the_providers_error() -> None:
    """What a vendor refuses arrives with its status and words."""
    request = ChatRequest("gemini-9", ASKED, max_tokens=9)

    with pytest.raises(UpstreamStatusError, match=re.escape("models/gemini-9 is not found")):
        await anext(aiter(providers(lambda _: SAID)["gemini"].stream(request)))


async def test_nobody_else_is_there() -> None:
    """A path that is no vendor's leads nowhere."""
    reply = await client(lambda _: SAID).post("https://example.com/v1/models", json={})

    assert (404, "edge.no_vendor") == (reply.status_code, reply.headers["x-refused-by"])
    assert 404 == answer("/", {}, b"", lambda _: SAID).status
