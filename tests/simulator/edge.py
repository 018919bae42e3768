"""All vendors behind one HTTP client, and the providers that ask them.

    ready = providers(lambda body: Reply("hm", "hello"))
    batches = [batch async for batch in ready["gemini"].stream(request)]

What a vendor refuses has the rule's name in the header `x-refused-by`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import httpx

from asgi_thinking.providers import HTTPProvider
from asgi_thinking.providers.anthropic import AnthropicProvider
from asgi_thinking.providers.bedrock import BedrockConverseProvider, BedrockProvider
from asgi_thinking.providers.gemini import GeminiProvider
from asgi_thinking.providers.openai import OpenAIProvider
from asgi_thinking.providers.vertex import VertexProvider
from tests.providers.vertex_scene import Tokens
from tests.simulator import Answer, Speaker
from tests.simulator.claude import bedrock_invoke, messages_api, vertex_claude
from tests.simulator.converse import bedrock_converse
from tests.simulator.gemini import gemini
from tests.simulator.openai import openai_compatible

__all__ = ["NAMES", "answer", "client", "providers", "transport"]

_Vendor: TypeAlias = Callable[[str, Mapping[str, str], bytes, Speaker], Answer]

# By what a path holds; the first that is found counts.
_VENDORS: Final[tuple[tuple[re.Pattern[str], _Vendor], ...]] = (
    (re.compile(r"/v1/messages$"), messages_api),
    (re.compile(r"/model/.+/invoke"), bedrock_invoke),
    (re.compile(r"/model/.+/converse"), bedrock_converse),
    (re.compile(r"/publishers/anthropic/"), vertex_claude),
    (re.compile(r":(stream)?[gG]enerateContent"), gemini),
    (re.compile(r"/chat/completions(\?|$)"), openai_compatible),
)

# By name: the base URL of each vendor of chat completions.
_CHAT: Final[Mapping[str, str]] = {
    "openai": "https://api.openai.com/v1",
    "deepseek": "https://api.deepseek.com",
    "openrouter": "https://openrouter.ai/api/v1",
    "groq": "https://api.groq.com/openai/v1",
    "xai": "https://api.x.ai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "vllm": "http://vllm.internal:8000/v1",
}
_OWN: Final = ("anthropic", "bedrock-invoke", "bedrock-converse", "vertex", "gemini")

NAMES: Final = (*_OWN, *_CHAT)
"""The names of all providers."""


def answer(path: str, headers: Mapping[str, str], body: bytes, speak: Speaker) -> Answer:
    """What the vendor answers to whom a request goes by its path; chat vendors differ by host."""
    vendor = next((vendor for place, vendor in _VENDORS if place.search(path)), None)
    if vendor is None:
        return Answer(404, {"x-refused-by": "edge.no_vendor"}, b"")
    return vendor(path, headers, body, speak)


def transport(speak: Speaker) -> httpx.MockTransport:
    """A transport on which all vendors are, and nobody else."""

    def handle(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        said = answer(path, request.headers, request.content, speak)
        return httpx.Response(said.status, headers=said.headers, content=said.body)

    return httpx.MockTransport(handle)


def client(speak: Speaker) -> httpx.AsyncClient:
    """A client that reaches all vendors."""
    return httpx.AsyncClient(transport=transport(speak))


def providers(speak: Speaker, **options: Any) -> dict[str, HTTPProvider]:
    """A provider for each vendor by name, with credentials that nobody checks, on one client.

    Nothing of this machine's environment is asked, and there is nothing to close. `options` are
    those of `HTTPProvider`.
    """
    shared = {"transport": client(speak), **options}
    tokens = Tokens()
    tokens.token = "token"
    aws = "https://bedrock-runtime.us-east-1.amazonaws.com"
    google = "https://generativelanguage.googleapis.com"
    cloud = "https://aiplatform.googleapis.com"
    own: dict[str, HTTPProvider] = {
        "anthropic": AnthropicProvider("k", base_url="https://api.anthropic.com", **shared),
        "bedrock-invoke": BedrockProvider(
            "us-east-1", api="invoke", api_key="k", base_url=aws, **shared
        ),
        "bedrock-converse": BedrockConverseProvider(
            "us-east-1", api_key="k", base_url=aws, **shared
        ),
        "vertex": VertexProvider("p", "global", credentials=tokens, base_url=cloud, **shared),
        "gemini": GeminiProvider("k", base_url=google, api_version="v1beta", **shared),
    }
    chat = {
        name: OpenAIProvider("k", base_url=url, family=name, **shared)
        for name, url in _CHAT.items()
    }
    return {**own, **chat}
