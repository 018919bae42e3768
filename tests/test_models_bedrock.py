"""Promises of what is known of Bedrock's models."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking.messages import Text, Turn
from asgi_thinking.models import claude
from asgi_thinking.models_bedrock import ORIGINS, bedrock_model, canonical, is_bedrock_id
from asgi_thinking.reconcile import reconcile
from asgi_thinking.requests import ChatRequest, ThinkingConfig

ARN = "arn:aws:bedrock:us-east-1:123456789012"


@pytest.mark.parametrize(
    ("model", "vendor", "style"),
    [
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic", "anthropic"),
        ("us-gov.anthropic.claude-3-7-sonnet-20250219-v1:0", "anthropic", "anthropic"),
        ("global.anthropic.claude-opus-5-5", "anthropic", "anthropic"),
        (f"{ARN}:inference-profile/eu.anthropic.claude-sonnet-4-6", "anthropic", "anthropic"),
        ("claude-opus-5-5", "anthropic", "anthropic"),
        ("us.amazon.nova-2-lite-v1:0", "amazon", "nova"),
        ("bedrock/US.Amazon.Nova-2-Lite-v1:0", "amazon", "nova"),
        ("amazon.nova-pro-v1:0", "amazon", "nova"),
        ("amazon.nova-premier-v1:0", "amazon", "nova"),
        ("amazon.titan-text-express-v1", "amazon", "none"),
        ("openai.gpt-oss-120b-1:0", "openai", "openai"),
        ("qwen.qwen3-32b-v1:0", "qwen", "qwen"),
        ("qwen.qwen3-coder-480b-a35b-v1:0", "qwen", "none"),
        ("us.deepseek.r1-v1:0", "deepseek", "none"),
        ("deepseek.v3-v1:0", "deepseek", "none"),
        ("meta.llama3.1-8b-instruct-v1:0", "meta", "none"),
        ("moonshotai.kimi-k2.5", "moonshotai", "none"),
        ("mistral.mistral-large-3-675b-instruct", "mistral", "none"),
        ("newvendor.model-1", "", "none"),
        (f"{ARN}:application-inference-profile/a1b2c3", "", "none"),
    ],
)
def test_an_id_names_its_vendor_and_family(model: str, vendor: str, style: str) -> None:
    """With any prefix, with a version or without, alone or at the end of an ARN."""
    known = bedrock_model(model)
    assert (vendor, style) == (known.vendor, known.style)
    assert (vendor == "anthropic") is known.is_claude
    assert (vendor == "anthropic") is (known.by_invoke is not None)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("anthropic.claude-opus-5-5", True),
        ("us.amazon.nova-2-lite-v1:0", True),
        ("openai.gpt-oss-20b-1:0", True),
        ("US.Amazon.Nova-2-Lite-v1:0", True),
        ("claude-opus-5-5", False),
        ("gpt-oss-20b", False),
        ("newvendor.model-1", False),
        ("anthropic/claude-opus-5-5", False),
        (f"{ARN}:inference-profile/eu.anthropic.claude-sonnet-4-6", False),
    ],
)
def test_bedrocks_own_ids_are_known(model: str, expected: bool) -> None:
    """Other vendors' spellings are theirs, and ARNs have to be configured."""
    assert expected is is_bedrock_id(model)


@pytest.mark.parametrize(
    ("given", "own"),
    [
        ("us.amazon.nova-2-lite-v1:0", "us.amazon.nova-2-lite-v1:0"),
        ("bedrock/us.amazon.nova-2-lite-v1:0", "us.amazon.nova-2-lite-v1:0"),
        ("bedrock/converse/US.Anthropic.Claude-Opus-5-5", "us.anthropic.claude-opus-5-5"),
        (f"{ARN}:application-inference-profile/A1b2", f"{ARN}:application-inference-profile/A1b2"),
        (f"bedrock/{ARN}:inference-profile/a", f"{ARN}:inference-profile/a"),
        ("learn:A/b", "learn:A/b"),
        ("Mine", "Mine"),
        ("a/Mine", "a/Mine"),
    ],
)
def test_bedrocks_own_spelling(given: str, own: str) -> None:
    """Gateways put a prefix before it, and callers capitals into it; other names stay."""
    assert own == canonical(given)


def test_claude_is_claude_everywhere() -> None:
    """Its table counts; Converse cannot say all that it takes."""
    known = bedrock_model("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    assert claude("claude-sonnet-4-5") == known.by_invoke
    assert {"parallel_tool_calls", "user"} == known.accepts.unsupported - claude(
        "claude-sonnet-4-5"
    ).unsupported
    assert 1024 == known.accepts.min_budget


def test_some_claudes_take_no_schema_here() -> None:
    """What AWS does not list is not asked for."""
    assert not bedrock_model("anthropic.claude-opus-4-7").accepts.structured_outputs
    assert bedrock_model("anthropic.claude-opus-4-6-v1").accepts.structured_outputs
    assert bedrock_model("anthropic.claude-opus-5-5").accepts.structured_outputs


def test_every_model_has_an_origin_of_its_vendor() -> None:
    """Claude's blocks are its family's; what only Converse writes is the vendor's."""
    assert "" == bedrock_model("anthropic.claude-opus-5-5").origin
    assert {"", "bedrock"} == bedrock_model("anthropic.claude-opus-5-5").origins
    assert {"bedrock-deepseek"} == bedrock_model("us.deepseek.r1-v1:0").origins
    assert "bedrock-other" == bedrock_model("newvendor.model-1").origin
    for model in ("us.deepseek.r1-v1:0", "newvendor.model-1", "amazon.titan-text-express-v1"):
        assert bedrock_model(model).origins <= ORIGINS


def thinking_of(model: str, **said: Any) -> ThinkingConfig:
    """How a model is asked to think, by what the caller said."""
    request = ChatRequest("m", (Turn("user", (Text("hi"),)),), thinking=ThinkingConfig(**said))
    accepts = bedrock_model(model).accepts
    return reconcile(request, accepts, shows_thinking=True).request.thinking


@pytest.mark.parametrize(
    ("model", "said", "expected"),
    [
        ("us.amazon.nova-2-lite-v1:0", {"effort": "max"}, ("adaptive", "high")),
        ("us.amazon.nova-2-lite-v1:0", {"type": "enabled", "budget": 4000}, ("adaptive", "medium")),
        ("us.amazon.nova-2-lite-v1:0", {"effort": "none"}, (None, None)),
        ("us.amazon.nova-2-lite-v1:0", {"type": "disabled"}, ("disabled", None)),
        ("amazon.nova-pro-v1:0", {"effort": "high"}, (None, None)),
        ("openai.gpt-oss-20b-1:0", {"effort": "minimal"}, ("adaptive", "low")),
        ("openai.gpt-oss-20b-1:0", {"effort": "none"}, ("adaptive", "low")),
        ("qwen.qwen3-32b-v1:0", {"effort": "medium"}, ("adaptive", "low")),
        ("qwen.qwen3-32b-v1:0", {"effort": "none"}, (None, None)),
        ("us.deepseek.r1-v1:0", {"effort": "high"}, ("adaptive", None)),
        ("us.deepseek.r1-v1:0", {"type": "enabled", "budget": 1024}, ("adaptive", None)),
        ("us.deepseek.r1-v1:0", {}, (None, None)),
    ],
)
def test_a_wish_is_brought_into_the_models_words(
    model: str, said: dict[str, Any], expected: tuple[str | None, str | None]
) -> None:
    """Efforts that a model does not know become its nearest, and budgets become efforts."""
    config = thinking_of(model, **said)
    assert expected == (config.type, config.effort)
    assert config.display is None or config.display == "omitted"
    assert config.budget is None
