"""Every provider, with a model whose thinking has a budget wherever the vendor still has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asgi_thinking.providers import HTTPProvider
from asgi_thinking.providers.anthropic import AnthropicProvider
from asgi_thinking.providers.bedrock import BedrockConverseProvider, BedrockProvider
from asgi_thinking.providers.gemini import GeminiProvider
from asgi_thinking.providers.openai import OpenAIProvider
from asgi_thinking.providers.vertex import VertexProvider
from tests.providers.vertex_scene import Tokens

__all__ = ["CLAUDES", "MODELS", "NAMES", "provider_of"]

_CLAUDE: Final = "anthropic.claude-3-7-sonnet-20250219-v1:0"


def _vertex(**options: Any) -> VertexProvider:
    return VertexProvider("p", "us-east5", credentials=Tokens(), **options)


def _openai(**options: Any) -> OpenAIProvider:
    return OpenAIProvider("k", **options)


def _openrouter(**options: Any) -> OpenAIProvider:
    return OpenAIProvider("k", family="openrouter", **options)


def _deepseek(**options: Any) -> OpenAIProvider:
    return OpenAIProvider("k", family="deepseek", **options)


def _anthropic(**options: Any) -> AnthropicProvider:
    return AnthropicProvider("k", **options)


def _invoke(**options: Any) -> BedrockProvider:
    return BedrockProvider("us-east-1", api_key="k", **options)


def _converse(**options: Any) -> BedrockProvider:
    return BedrockConverseProvider("us-east-1", api_key="k", **options)


def _gemini(**options: Any) -> GeminiProvider:
    return GeminiProvider("k", **options)


_PROVIDERS: Final[dict[str, tuple[Callable[..., HTTPProvider], str]]] = {
    "anthropic": (_anthropic, "claude-sonnet-4-5"),
    "invoke": (_invoke, _CLAUDE),
    "converse": (_converse, _CLAUDE),
    "vertex-claude": (_vertex, "claude-3-7-sonnet@20250219"),
    "vertex-gemini": (_vertex, "gemini-2.5-flash"),
    "gemini": (_gemini, "gemini-2.5-flash"),
    "openai": (_openai, "gpt-5-mini"),
    "openrouter": (_openrouter, "anthropic/claude-sonnet-4.5"),
    "deepseek": (_deepseek, "deepseek-v4-flash"),
}
NAMES: Final = tuple(_PROVIDERS)
CLAUDES: Final = NAMES[:4]
MODELS: Final = {name: model for name, (_, model) in _PROVIDERS.items()}


def provider_of(name: str, **options: Any) -> HTTPProvider:
    """The provider of a name, with credentials that need no vendor."""
    return _PROVIDERS[name][0](**options)
