"""The models of the grid: one of every class, at every vendor that has it."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["TARGETS", "Target"]


class Target(NamedTuple):
    """A model at a provider of `tests.simulator.edge`."""

    provider: str
    model: str

    @property
    def name(self) -> str:
        """As a request asks for it."""
        return f"{self.provider}/{self.model}"


_CLAUDES: Final = (
    *("opus-4-1", "sonnet-4-5", "haiku-4-5", "opus-4-5", "opus-4-6", "sonnet-4-6", "opus-4-8"),
    *("sonnet-5", "opus-5", "opus-5-5", "sonnet-5-5", "haiku-5-5", "fable-5", "fable-5-1"),
    "mythos-preview",
)
# One of each class in the clouds, whose differences are few.
_IN_CLOUDS: Final = ("sonnet-4-5", "opus-4-6", "opus-4-7", "sonnet-5-5", "fable-5-1")
_GEMINIS: Final = (
    *("2.5-pro", "2.5-flash", "2.5-flash-lite", "3-flash-preview", "3.1-pro-preview"),
    *("3.5-flash", "3.7-flash"),
)

TARGETS: Final = (
    *(Target("anthropic", f"claude-{model}") for model in _CLAUDES),
    *(Target("bedrock-invoke", f"us.anthropic.claude-{model}") for model in _IN_CLOUDS),
    *(Target("bedrock-converse", f"us.anthropic.claude-{model}") for model in _IN_CLOUDS),
    *(Target("vertex", f"claude-{model}") for model in _IN_CLOUDS),
    *(Target("gemini", f"gemini-{model}") for model in _GEMINIS),
    *(Target("vertex", f"gemini-{model}") for model in ("2.5-pro", "3.5-flash")),
    *(Target("openai", f"gpt-{model}") for model in ("5-mini", "5.1", "5.2", "5.4", "5.6", "6")),
    Target("openai", "o3"),
    Target("deepseek", "deepseek-v4-flash"),
    Target("openrouter", "anthropic/claude-sonnet-4.5"),
    Target("groq", "openai/gpt-oss-120b"),
    Target("xai", "grok-4.5"),
    Target("mistral", "magistral-medium-latest"),
    Target("vllm", "Qwen/Qwen3-8B"),
)
"""Every model that the grid asks."""
