"""Which model an id names, in every spelling, and what an owner says about one that says nothing.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/about-claude/models/overview,
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html,
https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai and
https://ai.google.dev/gemini-api/docs/models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from asgi_thinking import ThinkingMiddleware, allow_all
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.models import claude
from asgi_thinking.models_gemini import gemini
from asgi_thinking.providers import HTTPProvider, WholeReply
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transport import Reply, UpstreamRequest
from asgi_thinking.wire import Decoder
from asgi_thinking.wire.anthropic import decode_reply
from tests.asgi import call
from tests.peers.requests_scene import CLAUDES, REPLIES, USER, Asking, JSONObject, spelled

pytestmark = pytest.mark.anyio

# One model, as vendors and gateways write it.
SPELLINGS: Final = (
    *("claude-opus-4-6", "claude-opus-4.6", "CLAUDE-OPUS-4-6", "Claude-Opus-4.6"),
    *("claude-opus-4-6-20260205", "claude-opus-4-6@20260205", "claude-opus-4-6@default"),
    *("anthropic.claude-opus-4-6-v1", "anthropic.claude-opus-4-6-v1:0", "claude-4.6-opus"),
    *("us.anthropic.claude-opus-4-6-v1", "global.anthropic.claude-opus-4-6-v1:0"),
    *("us-gov.anthropic.claude-opus-4-6-v1", "US.Anthropic.Claude-Opus-4-6-v1"),
    *("vertex_ai/claude-opus-4-6", "vertex_ai/claude-opus-4.6@20260205"),
    *("bedrock/us.anthropic.claude-opus-4-6-v1", "anthropic/claude-opus-4.6"),
    "bedrock/converse/anthropic.claude-opus-4-6-v1:0",
)

# What may go upstream. Bedrock's ids say by whom they are served, which none of the others' does.
_BEDROCK: Final = r"/model/((us|global|us-gov)\.)?anthropic\.claude-opus-4-6-v1(:0)?/.*"
OWN: Final[Mapping[str, str]] = {
    "anthropic": "claude-opus-4-6(-20260205)?",
    "vertex-claude": ".*/models/claude-opus-4-6(@20260205|@default)?:rawPredict",
    "invoke": _BEDROCK,
    "converse": _BEDROCK,
}


@pytest.mark.parametrize("name", CLAUDES)
@pytest.mark.parametrize("model", SPELLINGS)
async def test_05_every_spelling_names_the_same_class(name: str, model: str) -> None:
    """Opus 4.6 alone of its neighbours takes both "max" and a budget, but no "xhigh"."""
    ask = Asking.of(name)
    told = await ask(model, reasoning_effort="max")
    assert ("adaptive summarized max", "") == (told.claude, told.applied)
    told = await ask(model, thinking={"type": "enabled", "budget_tokens": 2_000})
    assert ("enabled 2000", "") == (told.claude, told.applied)
    assert "effort xhigh->high" == (await ask(model, reasoning_effort="xhigh")).applied


@pytest.mark.parametrize("name", CLAUDES)
async def test_05_what_goes_upstream_is_the_vendors_spelling(name: str) -> None:
    """A vendor knows an id in its own spelling only: no prefix of a gateway's, no capitals."""
    ask = Asking.of(name)
    bedrock = name in ("invoke", "converse")
    for model in SPELLINGS:
        if ("anthropic." in model.lower() or not bedrock) and model != "claude-4.6-opus":
            told = await ask(model)
            found = told.sent.get("model", told.path)
            assert re.fullmatch(OWN[name], found), (model, found)


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        *(
            (spelling, "gemini-2.5-pro")
            for spelling in (
                *("gemini-2.5-pro", "gemini-2-5-pro", "Gemini-2.5-Pro", "GEMINI-2-5-PRO"),
                *("google/gemini-2.5-pro", "vertex_ai/gemini-2.5-pro", "models/gemini-2.5-pro"),
                *("google.gemini-2.5-pro", "gemini/gemini-2.5-pro"),
            )
        ),
        ("gemini-2.5-pro-preview-05-06", "gemini-2.5-pro-preview-05-06"),
        ("gemini-2.5-pro-001", "gemini-2.5-pro-001"),
        ("gemini-2.5-pro@001", "gemini-2.5-pro@001"),
    ],
)
@pytest.mark.parametrize("name", ["gemini", "vertex-gemini"])
async def test_05_every_spelling_names_the_same_gemini(name: str, model: str, sent: str) -> None:
    """The largest of 2.5 thinks with a budget of 128 at least; upstream it has Google's name."""
    told = await Asking.of(name)(model, reasoning_effort="none")
    assert {"includeThoughts": False, "thinkingBudget": 128} == told.gemini
    assert told.path.endswith(f"/models/{sent}:generateContent")


@pytest.mark.parametrize("name", CLAUDES)
@pytest.mark.parametrize(
    "model", ["newfamily-7", "newfamily-7-20270101", "opus-9-1", "sonnet-7", "haiku-6", "quartz"]
)
async def test_06_an_unreleased_model_is_of_the_newest_class(name: str, model: str) -> None:
    """It thinks as it likes, with an effort, and gets neither budgets nor sampling parameters."""
    told = await Asking.of(name)(
        spelled(name, model),
        thinking={"type": "enabled", "budget_tokens": 9_000},
        temperature=0.5,
    )
    assert "adaptive summarized high" == told.claude
    assert "0.5" not in str(told.sent)


@pytest.mark.parametrize(
    ("name", "model", "expected"),
    [
        ("gemini", "gemini-5-krypton", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini", "gemini-6.1-flash", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("vertex-gemini", "gemini-4-argon", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
    ],
)
async def test_06_an_unreleased_gemini_thinks_at_a_level(
    name: str, model: str, expected: JSONObject
) -> None:
    """As every one since Gemini 3 does."""
    assert expected == (await Asking.of(name)(model, reasoning_effort="high")).gemini


ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/x1y2"
PROFILE: Final = (
    "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-8"
)
WISH: Final[JSONObject] = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}


@pytest.mark.parametrize("name", ["invoke", "converse"])
async def test_07_an_opaque_arn_has_the_family_that_the_owner_gives_it(name: str) -> None:
    """With all that follows from it: the form of thinking, and the wire."""
    families = {
        ARN: "anthropic.claude-sonnet-4-5-20250929-v1:0",
        f"{ARN}z": "us.anthropic.claude-opus-5-5",
        PROFILE: "anthropic.claude-opus-4-8",
    }
    ask = Asking.of(name, {"families": families})
    for arn, form in (
        (ARN, "enabled 2000"),
        (f"{ARN}z", "adaptive summarized low"),
        (PROFILE, "adaptive summarized low"),
        (f"bedrock/{ARN}", "enabled 2000"),
        (f"bedrock/converse/{ARN}z", "adaptive summarized low"),
    ):
        told = await ask(arn, **WISH)
        assert (form, f"/model/{arn[arn.index('arn:') :]}/{name}") == (told.claude, told.path)


@pytest.mark.parametrize("name", ["invoke", "converse"])
async def test_07_an_opaque_arn_honours_a_capability_override(name: str) -> None:
    """The owner's record stands above what the family says."""
    own = replace(claude("claude-opus-5"), efforts=("low", "medium"))
    options = {"families": {ARN: "anthropic.claude-opus-5"}, "overrides": {ARN: own}}
    told = await Asking.of(name, options)(ARN, reasoning_effort="max")
    assert ("adaptive summarized medium", "effort max->medium") == (told.claude, told.applied)


@pytest.mark.parametrize("name", ["invoke", "converse"])
async def test_07_an_arn_that_nobody_configured_is_not_asked_for(name: str) -> None:
    """It may name somebody else's account; the error says what is missing."""
    ask = Asking.of(name)
    for arn in (ARN, PROFILE, f"bedrock/{ARN}"):
        told = await ask(arn)
        assert (400, "model", None) == (told.status, told.param, told.upstream)
        assert "families=" in told.client.json["error"]["message"]


# A record that no table has: budgets of at least 3,000 tokens.
LEAST: Final = Capabilities(
    max_output=9_000, thinking=frozenset({"enabled", "disabled"}), min_budget=3_000
)


@pytest.mark.parametrize(
    ("name", "key", "model"),
    [
        ("anthropic", "claude-opus-4-8", "claude-opus-4-8"),
        ("anthropic", "claude-opus-4-8", "us.anthropic.claude-opus-4.8-v1:0"),
        ("anthropic", "claude-in-house", "claude-in-house"),
        ("vertex-claude", "claude-opus-4-8", "vertex_ai/Claude-Opus-4.8"),
        ("vertex-claude", "claude-opus-4-8", "claude-opus-4-8"),
        ("invoke", "us.anthropic.claude-opus-4-8", "us.anthropic.claude-opus-4-8"),
        ("invoke", "us.anthropic.claude-opus-4-8", "bedrock/us.anthropic.claude-opus-4-8"),
        ("converse", "us.anthropic.claude-opus-4-8", "US.anthropic.claude-opus-4-8"),
    ],
)
async def test_07_an_owners_record_holds_for_every_spelling(
    name: str, key: str, model: str
) -> None:
    """No caller gets around it by spelling the id another way."""
    told = await Asking.of(name, {"overrides": {key: LEAST}})(model, **WISH)
    assert ("enabled 3000", 9_000) == (told.claude, told.max_tokens)
    assert "max_tokens 10000->9000; budget_tokens 2000->3000" == told.applied


@pytest.mark.parametrize("name", ["gemini", "vertex-gemini"])
async def test_07_an_owners_record_holds_for_a_gemini(name: str) -> None:
    """However it is spelled."""
    own = replace(gemini("gemini-3-pro"), efforts=("medium",))
    ask = Asking.of(name, {"overrides": {"gemini-3-pro": own}})
    for model in ("gemini-3-pro", "google/Gemini-3-Pro"):
        told = await ask(model, reasoning_effort="high")
        assert {"includeThoughts": True, "thinkingLevel": "MEDIUM"} == told.gemini


async def test_07_a_deployments_name_has_the_family_that_the_owner_gives_it() -> None:
    """As Azure's customers name their deployments; the name goes upstream as it is."""
    families = {"our-chat": "gpt-5-mini", "our-old": "gpt-4o", "our-r1": "deepseek-r1"}
    ask = Asking.of("openai", {"families": families})
    told = await ask("our-chat", reasoning_effort="max")
    assert ("our-chat", "high") == (told.sent["model"], told.sent["reasoning_effort"])
    told = await ask("our-old", reasoning_effort="max")
    assert ("thinking dropped", False) == (told.applied, "reasoning_effort" in told.sent)
    own = Asking.of("openai", {"families": {"big": "gpt-5-pro"}, "overrides": {"gpt-5-pro": LEAST}})
    assert 9_000 == (await own("big")).sent["max_completion_tokens"]


async def test_07_a_deployment_is_the_providers_without_a_prefix() -> None:
    """Its owner has named it, so that it is one of the models that the provider claims."""
    ask = Asking.of("openai", {"families": {"our-chat": "gpt-5-mini"}})
    client = await call(ask.app, {"model": "our-chat", "messages": [USER]})
    assert (200, 1) == (client.status, len(ask.requests))


class Acme(HTTPProvider):
    """A third party's provider, as short as they come, with a record of its own."""

    kind = "acme"
    accepts = frozenset({""})
    limits = LEAST

    def build(self, request: ChatRequest) -> UpstreamRequest:
        wish = request.thinking
        body = {"kind": wish.type, "budget": wish.budget, "limit": request.max_tokens}
        return UpstreamRequest("https://acme.example/v1/messages", (), orjson.dumps(body))

    def decoder(self, request: ChatRequest, reply: Reply) -> Decoder:
        return WholeReply(lambda body: decode_reply(body, 1, request.model))


@pytest.mark.parametrize(
    ("body", "kind", "budget", "applied"),
    [
        ({"reasoning_effort": "high"}, "enabled", 7_200, "effort high->budget_tokens 7200"),
        ({"reasoning_effort": "minimal"}, "enabled", 3_000, "effort minimal->budget_tokens 3000"),
        ({"reasoning_effort": "none"}, None, None, ""),
        ({"thinking": {"type": "disabled"}}, "disabled", None, ""),
        ({"thinking": {"type": "adaptive"}}, "enabled", 4_500, "thinking.type adaptive->enabled"),
        ({"reasoning": {"max_tokens": 1_024}}, "enabled", 3_000, "budget_tokens 1024->3000"),
    ],
)
async def test_07_a_third_partys_record_is_all_that_its_requests_follow(
    body: JSONObject, kind: str | None, budget: int | None, applied: str
) -> None:
    """Its provider gets a request that the record allows, and never sees the caller's words."""
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(orjson.loads(request.content))
        return httpx.Response(200, json=REPLIES["/v1/messages"])

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    provider = Acme(transport=client)
    app = ThinkingMiddleware(Starlette(), providers={"acme": provider}, authorize=allow_all)
    told = await call(app, {"model": "acme/m", "messages": [USER], "max_tokens": 20_000, **body})
    assert [{"kind": kind, "budget": budget, "limit": 9_000}] == sent
    assert (
        told.headers["x-thinking-applied"]
        .removeprefix("max_tokens 20000->9000")
        .startswith(f"; {applied}" if applied else "")
    )
