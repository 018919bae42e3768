"""Bedrock's providers: which API, URL, body, errors, what they claim."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic.types import ContentBlockParam, message_create_params
from pydantic import TypeAdapter

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import ConfigurationError, InvalidRequest
from asgi_thinking.messages import (
    Image,
    Opaque,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
    Turn,
)
from asgi_thinking.models import claude
from asgi_thinking.models_bedrock import bedrock_model
from asgi_thinking.providers.bedrock import (
    BedrockConverseProvider,
    BedrockInvokeProvider,
    BedrockProvider,
)
from asgi_thinking.requests import ChatRequest, ThinkingConfig, Tool
from tests.providers.bedrock_scene import CLAUDE, NOVA, REGION, asking, forget_aws

ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"
HOST = f"https://bedrock-runtime.{REGION}.amazonaws.com"
BETA = "interleaved-thinking-2025-05-14"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


def bedrock(**options: Any) -> BedrockProvider:
    """A provider with a key, which needs nothing else."""
    return BedrockProvider(REGION, api_key="k", **options)


def sent(provider: BedrockProvider, request: ChatRequest) -> dict[str, Any]:
    """The body of a request."""
    return json.loads(provider.build(request).body)


@pytest.mark.parametrize(
    ("model", "api", "stream", "end"),
    [
        (CLAUDE, None, False, "invoke"),
        (CLAUDE, None, True, "invoke-with-response-stream"),
        (CLAUDE, "converse", False, "converse"),
        (CLAUDE, "converse", True, "converse-stream"),
        (NOVA, None, False, "converse"),
        (NOVA, None, True, "converse-stream"),
    ],
)
def test_each_model_is_asked_by_the_api_that_suits_it(
    model: str, api: Any, stream: bool, end: str
) -> None:
    """Claude by InvokeModel unless the owner prefers Converse, the others by Converse."""
    built = bedrock(api=api).build(asking(model, stream=stream))

    assert f"{HOST}/model/{model}/{end}" == built.url
    kind = "application/vnd.amazon.eventstream" if stream else "application/json"
    assert {"content-type": "application/json", "accept": kind} == dict(built.headers)
    assert stream is built.stream
    assert not {"model", "modelId", "stream"} & json.loads(built.body).keys()


def test_the_entry_points_fix_the_api() -> None:
    """One speaks InvokeModel, with Claude only, the other Converse with everybody."""
    invoke = BedrockInvokeProvider(REGION, api_key="k")
    converse = BedrockConverseProvider(REGION, api_key="k")

    assert invoke.build(asking()).url.endswith("/invoke")
    assert converse.build(asking()).url.endswith("/converse")
    with pytest.raises(InvalidRequest, match=r"'us\.amazon\.nova.*is not Claude") as caught:
        invoke.build(asking(NOVA))
    assert "model" == caught.value.param
    assert "bedrock" == invoke.kind == converse.kind
    assert invoke.accepts == frozenset({""})
    assert {"", "bedrock", "bedrock-amazon"} <= converse.accepts


def test_an_unknown_api_is_a_mistake() -> None:
    """The owner is told the two that there are."""
    with pytest.raises(ConfigurationError, match="api='mantle': choose of invoke, converse"):
        bedrock(api="mantle")


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (CLAUDE, CLAUDE),
        (ARN, ARN.replace("/", "%2F")),
        ("anthropic.claude-sonnet-4-5@20250929+x", "anthropic.claude-sonnet-4-5@20250929%2Bx"),
    ],
)
def test_an_id_is_one_segment_of_the_path(model: str, path: str) -> None:
    """Slashes are encoded; what HTTP clients would decode again is left as it is."""
    provider = bedrock(families={model: "anthropic.claude-opus-5-5"})
    assert f"{HOST}/model/{path}/invoke" == provider.build(asking(model)).url


def test_only_configured_arns_are_asked_for() -> None:
    """An ARN may name somebody else's account; its family comes from the configuration."""
    provider = bedrock(families={ARN: "anthropic.claude-opus-5-5", "mine": NOVA})

    assert claude("claude-opus-5-5") == provider.capabilities(ARN)
    assert provider.claims(ARN)
    assert provider.build(asking("mine")).url.endswith("/model/mine/converse")
    with pytest.raises(InvalidRequest, match="this ARN is not configured") as caught:
        provider.build(asking(ARN + "4"))
    assert "model" == caught.value.param
    assert not provider.claims(ARN + "4")


def test_it_claims_bedrocks_ids_and_knows_its_tables() -> None:
    """Overrides of the owner come before the tables; what each API takes differs."""
    own = Capabilities(max_output=7)
    provider = bedrock(overrides={"x": own})

    assert provider.claims(CLAUDE)
    assert not provider.claims("claude-sonnet-4-5")
    assert provider.capabilities("x") is own
    assert claude(CLAUDE) == provider.capabilities(CLAUDE)
    by_converse = bedrock(api="converse").capabilities(CLAUDE)
    assert {"parallel_tool_calls", "user"} <= by_converse.unsupported
    assert bedrock_model(NOVA).accepts == provider.capabilities(NOVA)


def test_the_version_is_one_that_every_claude_takes() -> None:
    """It stands in the body, and the owner may choose another."""
    assert "bedrock-2023-05-31" == sent(bedrock(), asking())["anthropic_version"]
    body = sent(bedrock(version="2026-10-21"), asking())
    assert "2026-10-21" == body["anthropic_version"]
    assert "anthropic_beta" not in body


@pytest.mark.parametrize("api", ["invoke", "converse"])
def test_thinking_between_tools_is_asked_for_where_it_is_no_default(api: Any) -> None:
    """Budget-only models interleave thinking and tools with a beta, beside the owner's own."""
    enabled = {"thinking": ThinkingConfig("enabled", 1024), "tools": (Tool("f"),)}

    def betas(provider: BedrockProvider, model: str = CLAUDE, **fields: Any) -> Any:
        body = sent(provider, asking(model, **fields))
        return (body | body.get("additionalModelRequestFields", {})).get("anthropic_beta")

    assert [BETA] == betas(bedrock(api=api), **enabled)
    assert ["a", BETA] == betas(bedrock(api=api, betas=("a", BETA)), **enabled)
    assert ["a"] == betas(bedrock(api=api, betas=("a",)))
    assert betas(bedrock(api=api), tools=(Tool("f"),)) is None
    assert betas(bedrock(api=api), "anthropic.claude-opus-4-6-v1", **enabled) is None


def test_a_tier_is_a_header_of_invokemodel() -> None:
    """It is no field of Claude's own body here."""
    built = bedrock().build(asking(service_tier="priority"))
    assert "priority" == dict(built.headers)["x-amzn-bedrock-service-tier"]
    assert "service_tier" not in json.loads(built.body)
    for tier in ("auto", "standard"):
        headers = dict(bedrock().build(asking(service_tier=tier)).headers)
        assert "x-amzn-bedrock-service-tier" not in headers


def test_an_image_url_is_refused() -> None:
    """Neither API opens it, so the caller is told what to send instead."""
    turns = (Turn("user", (Text("?"), Image(url="https://example.org/a.png"))),)
    for api in ("invoke", "converse"):
        with pytest.raises(InvalidRequest, match="send a data: URL") as caught:
            bedrock(api=api).build(asking(messages=turns))
        assert "messages" == caught.value.param


def test_what_only_converse_reads_is_not_sent_to_invokemodel() -> None:
    """Claude's own blocks are sent, those of other forms are not, and nothing else changes."""
    kept = (Thinking("a", "c2ln"), RedactedThinking("ZGF0YQ=="), Text("b", None, "bedrock-amazon"))
    hidden = (
        Thinking("c", "c2ln", "bedrock-amazon"),
        RedactedThinking("d", "bedrock"),
        Opaque('{"type":"toolUse","toolUse":{}}', "bedrock-amazon"),
    )
    turns = (Turn("assistant", (*hidden, *kept)), Turn("user", (Text("And?"),)))
    body = sent(bedrock(), asking(messages=turns))
    types = [block["type"] for block in body["messages"][0]["content"]]
    assert ["thinking", "redacted_thinking", "text"] == types


def test_a_body_is_one_of_anthropics_own_types() -> None:
    """The SDK's types know every field but the version and the betas, which are Bedrock's."""
    request = asking(
        messages=(
            Turn("system", (Text("Be brief."),)),
            Turn("user", (Text("?"),)),
            Turn("assistant", (Thinking("a", "c2ln"), ToolCall("t", "f", "{}"))),
            Turn("tool", (Text("b"),), "t"),
        ),
        thinking=ThinkingConfig("enabled", 1024),
        tools=(Tool("f"),),
    )
    body = sent(bedrock(), request)
    assert {"anthropic_version": "bedrock-2023-05-31", "anthropic_beta": [BETA]} == {
        name: body.pop(name) for name in ("anthropic_version", "anthropic_beta")
    }
    # Lists in lists are checked lazily by the SDK's types, so blocks are checked one by one.
    blocks = [block for message in body["messages"] for block in message["content"]]
    body["messages"] = [message | {"content": "x"} for message in body["messages"]]
    body["model"] = CLAUDE
    assert body == taken(message_create_params.MessageCreateParamsNonStreaming, body)
    assert blocks == [taken(ContentBlockParam, block) for block in blocks]
    assert 4 == len(blocks)


def taken(kind: Any, value: dict[str, Any]) -> Any:
    """The value as an SDK's type gives it back: without the fields that it does not know."""
    types: TypeAdapter[Any] = TypeAdapter(kind)
    return json.loads(types.dump_json(types.validate_python(value)))


def test_the_sdk_asks_at_the_same_place() -> None:
    """Anthropic's own client for Bedrock has the same path, byte by byte."""
    client = anthropic.AnthropicBedrock(aws_region=REGION, api_key="k")
    asked = client._prepare_options(
        anthropic._models.FinalRequestOptions(
            method="post", url="/v1/messages", json_data={"model": CLAUDE, "stream": True}
        )
    )
    assert bedrock().build(asking(stream=True)).url.removeprefix(HOST) == asked.url


@pytest.mark.parametrize(
    ("options", "environment", "url"),
    [
        ({}, {}, HOST),
        ({"region": "us-gov-west-1"}, {}, "https://bedrock-runtime.us-gov-west-1.amazonaws.com"),
        ({"region": "cn-north-1"}, {}, "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
        ({}, {"AWS_USE_FIPS_ENDPOINT": "true"}, HOST.replace("runtime", "runtime-fips")),
        ({}, {"AWS_USE_FIPS_ENDPOINT": "false"}, HOST),
        ({}, {"AWS_ENDPOINT_URL": "http://all.example/"}, "http://all.example"),
        (
            {},
            {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://b"},
            "http://b",
        ),
        (
            {"base_url": "http://arg.example/x/", "region": ""},
            {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://b"},
            "http://arg.example/x",
        ),
    ],
)
def test_the_endpoint_is_found_in_its_order(
    options: dict[str, Any],
    environment: dict[str, str],
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Argument, then the service's variable, then that of all services, then the region's."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    provider = BedrockProvider(**{"region": REGION, **options}, api_key="k")
    assert f"{url}/model/{NOVA}/converse" == provider.build(asking(NOVA)).url


@pytest.mark.parametrize("region", ["", "us-east-1.evil.example/", "US"])
def test_a_region_that_is_none_is_a_mistake(region: str) -> None:
    """Nothing that is no region's name gets into a host's."""
    with pytest.raises(ConfigurationError, match="set AWS_REGION or pass region="):
        BedrockProvider(region, api_key="k")


def test_an_exception_is_named_by_its_header() -> None:
    """Status and body alone do not say which it was."""
    headers = {"x-amzn-errortype": "ThrottlingException:http://internal"}
    error = bedrock().read_error(429, b'{"message":"Too many requests"}', headers)
    assert ("Too many requests", "ThrottlingException") == (error.message, error.code)
    assert bedrock().read_error(500, b"", {}).code is None
