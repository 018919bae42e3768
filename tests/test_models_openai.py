"""Promises of the tables of OpenAI-compatible vendors."""

from __future__ import annotations

import dataclasses

import pytest

from asgi_thinking.models_openai import FAMILIES, family_of, find_model
from asgi_thinking.reconcile import reconcile
from asgi_thinking.requests import ChatRequest, ThinkingConfig


@pytest.mark.parametrize(
    ("url", "family"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://x.openai.azure.com/openai/v1", "openai"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://ai-gateway.vercel.sh/v1", "openrouter"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("http://localhost:11434/v1", "ollama"),
        ("https://ollama.com/v1", "ollama"),
        ("https://api.x.ai/v1", "xai"),
        ("https://notx.ai/v1", "compatible"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "qwen"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "google"),
        ("https://us-east5-aiplatform.googleapis.com/v1", "google"),
        ("http://localhost:8000/v1", "compatible"),
        ("", "compatible"),
    ],
)
def test_a_base_url_tells_the_family(url: str, family: str) -> None:
    """By the end of its host, or the port that a server is known by."""
    assert family == family_of(url).name
    assert family == family_of(url, "m" if family == "compatible" else "gpt-5").name


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-5-mini", "openai"),
        ("o3", "openai"),
        ("deepseek-reasoner", "deepseek"),
        ("deepseek-r1:8b", "ollama"),
        ("deepseek-ai/DeepSeek-R1", "vllm"),
        ("grok-4", "xai"),
        ("magistral-medium-latest", "mistral"),
        ("mistral-small-latest", "mistral"),
        ("qwen3-max", "qwen"),
        ("qwen-plus", "qwen"),
        ("qwq-plus", "qwen"),
        ("Qwen/Qwen3-32B", "vllm"),
        ("qwen3:0.6b", "ollama"),
        ("gpt-oss:120b", "ollama"),
        ("gpt-oss-120b", "gpt-oss"),
        ("openai/gpt-oss-20b", "gpt-oss"),
        ("gemini-3-pro", "google"),
        ("llama-3", "compatible"),
    ],
)
def test_a_model_tells_the_family_where_the_url_does_not(model: str, family: str) -> None:
    """Vendors' own ids, those of a model hub, and Ollama's with their tags."""
    assert family == family_of("http://localhost:8000/v1", model).name


@pytest.mark.parametrize(
    ("family", "model", "efforts", "off"),
    [
        ("openai", "gpt-9", "low medium high xhigh max", None),
        ("openai", "gpt-6-astra", "low medium high xhigh", None),
        ("openai", "gpt-6.1-sol", "low medium high xhigh", None),
        ("openai", "gpt-6-sol", "low medium high xhigh", "disabled"),
        ("openai", "gpt-5.6-sol", "low medium high xhigh", "disabled"),
        ("openai", "gpt-5.1-chat-latest", "medium", None),
        ("openai", "gpt-5-chat-latest", "", "disabled"),
        ("openai", "gpt-5.2", "low medium high xhigh", "disabled"),
        ("openai", "gpt-5.1", "low medium high", "disabled"),
        ("openai", "gpt-5-pro", "high", None),
        ("openai", "gpt-5-mini", "minimal low medium high", None),
        ("openai", "o3-mini", "low medium high", None),
        ("openai", "gpt-4o", "", "disabled"),
        ("openai", "gpt-4.1", "", "disabled"),
        ("openai", "my-deployment", "minimal low medium high xhigh max", "disabled"),
        ("deepseek", "deepseek-v4-pro", "minimal low medium high xhigh max", "disabled"),
        ("deepseek", "deepseek-r1", "", None),
        ("groq", "openai/gpt-oss-20b", "low medium high", None),
        ("groq", "qwen/qwen3-32b", "", "disabled"),
        ("groq", "llama-3.3-70b", "", "disabled"),
        ("xai", "grok-4.5", "low medium high", None),
        ("xai", "grok-4.3", "low medium high", "disabled"),
        ("xai", "grok-3-mini", "low high", None),
        ("xai", "grok-4-fast-reasoning", "", None),
        ("xai", "grok-4-fast-non-reasoning", "", "disabled"),
        ("mistral", "mistral-large-latest", "low medium high", "disabled"),
        ("mistral", "mistral-small-latest", "high", "disabled"),
        ("mistral", "magistral-small", "", None),
        ("mistral", "codestral-latest", "", "disabled"),
        ("qwen", "qwen3-235b-thinking", "", None),
        ("vllm", "openai/gpt-oss-20b", "low medium high", None),
        ("openrouter", "a/b", "minimal low medium high xhigh", "disabled"),
    ],
)
def test_what_models_accept(family: str, model: str, efforts: str, off: str | None) -> None:
    """The efforts of each, and whether anything turns its thinking off."""
    accepts = find_model(FAMILIES[family], model).accepts
    assert (tuple(efforts.split()), off) == (accepts.efforts, accepts.off)


def test_thinking_goes_back_where_the_vendor_says_so() -> None:
    """DeepSeek wants it since it thinks between tool calls, and refused it before."""
    echoes = {
        model: find_model(family_of("", model), model).accepts.echoes_unsigned
        for model in ("deepseek-chat", "deepseek-r1", "gpt-5", "gpt-oss-20b", "qwen-plus")
    }
    expected = [True, False, False, True, False]
    assert expected == list(echoes.values())


def test_every_family_is_whole() -> None:
    """A record for any model, fields that exist, and a place for what is sent back."""
    fields = {field.name for field in dataclasses.fields(ChatRequest)}
    for name, family in FAMILIES.items():
        assert name == family.name
        for pattern, model in family.models:
            assert model.accepts.unsupported <= fields
            assert not (model.accepts.echoes_unsigned and not family.echo), pattern
        assert find_model(family, "no such model") is family.models[-1][1]


@pytest.mark.parametrize("model", ["gpt-5.2", "deepseek-chat", "grok-4.5"])
def test_the_wish_to_think_hard_reaches_the_model(model: str) -> None:
    """An effort that the model takes is not changed by what it accepts."""
    accepts = find_model(family_of("", model), model).accepts
    request = ChatRequest(model, (), max_tokens=9000, thinking=ThinkingConfig(effort="high"))
    fixed = reconcile(request, accepts, shows_thinking=True)
    assert ("high", ()) == (fixed.request.thinking.effort, fixed.applied)


def test_openai_gets_no_temperature_beside_thinking() -> None:
    """Its thinking models refuse sampling parameters, the newer ones only while they think."""
    for model, effort, kept in (
        ("gpt-5", "low", None),
        ("gpt-5.2", "low", None),
        ("gpt-5.2", None, 0.5),
    ):
        accepts = find_model(FAMILIES["openai"], model).accepts
        thinking = ThinkingConfig(effort="low" if effort else None)
        request = ChatRequest(model, (), temperature=0.5, thinking=thinking)
        assert kept == reconcile(request, accepts, shows_thinking=True).request.temperature
