"""Promises of the encoder of Converse requests."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import (
    File,
    Image,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
)
from asgi_thinking.models_bedrock import BedrockModel, bedrock_model
from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig
from asgi_thinking.wire.converse import encode_request

CLAUDE = bedrock_model("us.anthropic.claude-opus-4-6-v1")
ALWAYS = bedrock_model("us.anthropic.claude-opus-5-5")
NOVA = bedrock_model("us.amazon.nova-2-lite-v1:0")
GPT = bedrock_model("openai.gpt-oss-120b-1:0")
QWEN = bedrock_model("qwen.qwen3-32b-v1:0")
R1 = bedrock_model("us.deepseek.r1-v1:0")

HI = Turn("user", (Text("hi"),))
MARK = {"type": "ephemeral"}
CALL = ToolCall("call_1", "f", '{"a": 1.0}')


def body_of(*turns: Turn, model: BedrockModel = CLAUDE, **fields: Any) -> dict[str, Any]:
    """The body of a request of these turns."""
    betas = fields.pop("betas", ())
    request = ChatRequest("m", turns or (HI,), **fields)
    return orjson.loads(encode_request(request, model, betas=betas))


def content_of(*parts: Part, role: Any = "user", model: BedrockModel = CLAUDE) -> list[Any]:
    """The content of a turn; the assistant's stands between a user's, and may be left out."""
    turn = Turn(role, parts)
    turns = (HI, turn, HI) if role == "assistant" else (turn,)
    messages = body_of(*turns, model=model)["messages"]
    return next((each["content"] for each in messages if each["role"] == role), [])


def test_a_plain_request_says_no_more_than_it_must() -> None:
    """Only what was asked for stands in the body."""
    assert {"messages": [{"role": "user", "content": [{"text": "hi"}]}]} == body_of()


def test_settings_have_their_place() -> None:
    """What every model has is `inferenceConfig`; the tier, the schema and the owner's are apart."""
    body = body_of(
        max_tokens=100,
        temperature=0.5,
        top_p=0.9,
        stop=("a", "b"),
        service_tier="flex",
        response_format=ResponseFormat("json_schema", "n", {"type": "object"}),
        extra={"requestMetadata": {"a": "b"}},
    )
    del body["messages"]
    schema = {"schema": '{"type":"object"}', "name": "n"}
    text = {"type": "json_schema", "structure": {"jsonSchema": schema}}
    settings = {"maxTokens": 100, "temperature": 0.5, "topP": 0.9, "stopSequences": ["a", "b"]}
    assert {
        "inferenceConfig": settings,
        "outputConfig": {"textFormat": text},
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"a": "b"},
    } == body


@pytest.mark.parametrize("tier", [None, "auto", "scale"])
def test_other_tiers_are_not_said(tier: str | None) -> None:
    """Bedrock has no word for them."""
    assert ["messages"] == list(body_of(service_tier=tier))


def test_a_schema_needs_no_name() -> None:
    """And plain JSON mode has no counterpart."""
    form = ResponseFormat("json_schema")
    body = body_of(response_format=form)
    assert {"schema": "{}"} == body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert "outputConfig" not in body_of(response_format=ResponseFormat("json_object"))


CLAUDE_THINKS = ThinkingConfig("enabled", 2048, display="summarized")


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        (
            CLAUDE,
            CLAUDE_THINKS,
            {"thinking": {"type": "enabled", "budget_tokens": 2048, "display": "summarized"}},
        ),
        (CLAUDE, ThinkingConfig("adaptive", effort="max"), {"thinking": {"type": "adaptive"}}),
        (CLAUDE, ThinkingConfig("disabled"), {"thinking": {"type": "disabled"}}),
        (CLAUDE, ThinkingConfig(), None),
        (
            NOVA,
            ThinkingConfig("adaptive", effort="low"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
        ),
        (
            NOVA,
            ThinkingConfig("adaptive"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
        ),
        (NOVA, ThinkingConfig("disabled"), {"reasoningConfig": {"type": "disabled"}}),
        (NOVA, ThinkingConfig(), None),
        (GPT, ThinkingConfig("adaptive", effort="high"), {"reasoning_effort": "high"}),
        (GPT, ThinkingConfig("adaptive"), None),
        (GPT, ThinkingConfig(), None),
        (QWEN, ThinkingConfig("adaptive", effort="low"), {"reasoning_config": "low"}),
        (QWEN, ThinkingConfig("adaptive"), {"reasoning_config": "high"}),
        (QWEN, ThinkingConfig("disabled"), None),
        (R1, ThinkingConfig("adaptive", effort="high"), None),
    ],
)
def test_each_family_is_asked_for_thinking_in_its_own_way(
    model: BedrockModel, thinking: ThinkingConfig, expected: Any
) -> None:
    """The fields are the model's own, and go where the API passes them on."""
    body = body_of(model=model, thinking=thinking)
    assert expected == body.get("additionalModelRequestFields")


def test_claudes_effort_is_the_apis_own() -> None:
    """It is said once, beside the schema; other families have their own fields for it."""
    thinking = ThinkingConfig("adaptive", effort="max")
    assert {"effort": "max"} == body_of(thinking=thinking)["outputConfig"]
    assert "outputConfig" not in body_of(thinking=ThinkingConfig("adaptive", effort="none"))
    assert "outputConfig" not in body_of(model=GPT, thinking=thinking)


def test_claude_is_asked_how_much_it_thought() -> None:
    """The API's own counts do not say."""
    path = ["/usage/output_tokens_details"]
    assert path == body_of(thinking=CLAUDE_THINKS)["additionalModelResponseFieldPaths"]
    assert path == body_of(model=ALWAYS)["additionalModelResponseFieldPaths"]
    assert "additionalModelResponseFieldPaths" not in body_of()
    high = ThinkingConfig("adaptive", effort="high")
    assert "additionalModelResponseFieldPaths" not in body_of(model=NOVA, thinking=high)


def test_nova_decides_for_itself_at_its_highest() -> None:
    """There it refuses the usual settings; below it, it takes them."""
    given: Any = {"max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "stop": ("a",), "model": NOVA}
    high = body_of(**given, thinking=ThinkingConfig("adaptive", effort="high"))
    assert {"stopSequences": ["a"]} == high["inferenceConfig"]
    low = body_of(**given, thinking=ThinkingConfig("adaptive", effort="low"))
    assert ["maxTokens", "temperature", "topP", "stopSequences"] == list(low["inferenceConfig"])


def test_top_k_and_betas_are_the_models_own_fields() -> None:
    """Claude and Nova each have a place for `top_k`; betas are Claude's."""
    fields = body_of(top_k=5, betas=("b",))["additionalModelRequestFields"]
    assert {"top_k": 5, "anthropic_beta": ["b"]} == fields
    fields = body_of(top_k=5, betas=("b",), model=NOVA)["additionalModelRequestFields"]
    assert {"inferenceConfig": {"topK": 5}} == fields


def test_system_messages_at_the_beginning_have_their_own_place() -> None:
    """Later ones are the user's; blank ones, and empty turns, are left out."""
    body = body_of(
        Turn("system", (Text("a"), Text(" "))),
        Turn("developer", (Text("b", cache_control=MARK),)),
        HI,
        Turn("assistant", (Text("\n\n"),)),
        Turn("assistant", (Text("c"),)),
        Turn("system", (Text("d"),)),
    )
    assert [{"text": "a"}, {"text": "b"}, {"cachePoint": {"type": "default"}}] == body["system"]
    assert [
        {"role": "user", "content": [{"text": "hi"}]},
        {"role": "assistant", "content": [{"text": "c"}]},
        {"role": "user", "content": [{"text": "d"}]},
    ] == body["messages"]


def test_roles_alternate() -> None:
    """All answers to one round of calls stand in one message, with what the user says next."""
    calls = Turn("assistant", (CALL, ToolCall("call_2", "g", "")))
    good = Turn("tool", (Text("12 °C"),), "call_1")
    bad = Turn("tool", (Text(""), Image("image/png", "QQ==")), "call_2", is_error=True)
    messages = body_of(HI, calls, good, bad, HI)["messages"]
    assert ["user", "assistant", "user"] == [message["role"] for message in messages]
    image = {"image": {"format": "png", "source": {"bytes": "QQ=="}}}
    failed = {"toolUseId": "call_2", "content": [image], "status": "error"}
    assert [
        {"toolResult": {"toolUseId": "call_1", "content": [{"text": "12 °C"}]}},
        {"toolResult": failed},
        {"text": "hi"},
    ] == messages[2]["content"]


def test_a_tool_may_answer_nothing() -> None:
    """The API takes an empty answer."""
    messages = body_of(HI, Turn("assistant", (CALL,)), Turn("tool", (), "call_1"))["messages"]
    assert [{"toolResult": {"toolUseId": "call_1", "content": []}}] == messages[2]["content"]


def test_arguments_go_out_as_they_are() -> None:
    """The caller's JSON text is not written anew; none at all is an empty object."""
    results = (Turn("tool", (Text("a"),), name) for name in ("call_1", "call_2"))
    turns = (HI, Turn("assistant", (CALL, ToolCall("call_2", "g", " "))), *results)
    encoded = encode_request(ChatRequest("m", turns), CLAUDE)
    assert b'{"toolUseId":"call_1","name":"f","input":{"a": 1.0}}' in encoded
    assert b'{"toolUseId":"call_2","name":"g","input":{}}' in encoded


def test_ids_of_other_vendors_are_put_into_the_apis_form() -> None:
    """A call and its answer still belong together, and other calls do not."""
    ids = ("c" * 64, "c" * 65, "a.b:c", "Grüße")
    turns = [Turn("assistant", tuple(ToolCall(name, "f", "{}") for name in ids))]
    turns += [Turn("tool", (Text("a"),), name) for name in ids]
    messages = body_of(HI, *turns)["messages"]
    called = [block["toolUse"]["toolUseId"] for block in messages[1]["content"]]
    answered = [block["toolResult"]["toolUseId"] for block in messages[2]["content"]]
    assert called == answered
    assert 4 == len(set(called))
    assert ids[0] == called[0]
    assert max(map(len, called)) <= 64


def test_claudes_reasoning_goes_back_as_it_came() -> None:
    """Order, text, signature and data survive; data is wrapped as Converse wraps it."""
    data = base64.b64encode(b"ZGF0YQ==").decode()
    assert [
        {"reasoningContent": {"reasoningText": {"text": "why", "signature": "c2ln"}}},
        {"text": "b"},
        {"reasoningContent": {"redactedContent": data}},
        {"reasoningContent": {"redactedContent": "not wrapped"}},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": "c2ln"}}},
        {"text": "No."},
    ] == content_of(
        Thinking("why", "c2ln"),
        Text("b"),
        RedactedThinking("ZGF0YQ=="),
        RedactedThinking("not wrapped", "bedrock"),
        Thinking("", "c2ln"),
        Refusal("No."),
        role="assistant",
    )


SEARCH = {"toolUseId": "t", "name": "nova_grounding", "input": {}, "type": "server_tool_use"}


def opaque(origin: str, **block: Any) -> Opaque:
    return Opaque(orjson.dumps(block).decode(), origin)


def test_only_the_models_own_vendor_gets_its_reasoning_back() -> None:
    """Claude's goes to Claude, Nova's to Nova; what is unsigned or nobody's goes nowhere."""
    parts = (
        Thinking("a", None),
        Thinking("b", "c2ln"),
        Thinking("c", "c2ln", "bedrock-amazon"),
        RedactedThinking("ZGF0YQ==", "bedrock-amazon"),
        RedactedThinking("ZGF0YQ==", "gemini"),
        opaque("", type="server_tool_use", id="s"),
        opaque("bedrock-amazon", type="toolUse", toolUse=SEARCH),
    )
    theirs = {"reasoningContent": {"reasoningText": {"text": "c", "signature": "c2ln"}}}
    hidden = {"reasoningContent": {"redactedContent": "ZGF0YQ=="}}
    assert [theirs, hidden, {"toolUse": SEARCH}] == content_of(*parts, role="assistant", model=NOVA)
    ours = {"reasoningContent": {"reasoningText": {"text": "b", "signature": "c2ln"}}}
    assert [ours] == content_of(*parts, role="assistant")


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "image": {"format": "png"}},
        {"type": "toolUse"},
        {"toolUse": {}},
        {"type": ["toolUse"], "toolUse": {}},
        {
            "type": "toolResult",
            "toolResult": {"content": [{"image": {"source": {"s3Location": {"uri": "s3://a"}}}}]},
        },
    ],
)
def test_a_block_that_no_reply_has_is_not_sent(block: Any) -> None:
    """A caller may claim anything of a block; what would open the owner's files goes nowhere."""
    assert [] == content_of(opaque("bedrock-amazon", **block), role="assistant", model=NOVA)


def test_images_and_documents() -> None:
    """Each has the API's word for its format, and a document a name that the API takes."""
    assert [
        {"text": "my report pdf, document, document 2"},
        {"image": {"format": "jpeg", "source": {"bytes": "QQ=="}}},
        {"document": {"format": "pdf", "name": "my report pdf", "source": {"bytes": "QQ=="}}},
        {"document": {"format": "txt", "name": "document", "source": {"bytes": "QQ=="}}},
        {"document": {"format": "md", "name": "document 2", "source": {"bytes": "QQ=="}}},
    ] == content_of(
        Image("image/jpeg", "QQ=="),
        File("application/pdf", "QQ==", " my__report.pdf"),
        File("text/plain", "QQ==", "…"),
        File("text/markdown", "QQ=="),
    )
    long = content_of(File("text/csv", "QQ==", "n" * 500), File("text/csv", "QQ==", "n" * 400))
    assert ["n" * 180, f"{'n' * 180} 2"] == [block["document"]["name"] for block in long[1:]]


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (Image(url="https://example.org/a.png"), "image URLs are not supported"),
        (Image("image/tiff", "QQ=="), "'image/tiff' is no image"),
        (File("application/json", "QQ=="), "'application/json' is no document"),
    ],
)
def test_what_the_api_cannot_take_is_refused(part: Part, why: str) -> None:
    """The caller is told, instead of the vendor being asked."""
    with pytest.raises(InvalidRequest, match=why) as caught:
        content_of(part)
    assert "messages" == caught.value.param


def test_cache_points_stand_behind_what_they_are_for() -> None:
    """A message's own means its last block, an answer's cannot stand within it."""
    hour = {"type": "ephemeral", "ttl": "1h"}
    point = {"cachePoint": {"type": "default"}}
    long = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert [{"text": "a"}, long, {"text": "b"}] == content_of(
        Text("a", cache_control=hour), Text("b")
    )
    turns = (
        Turn("user", (Text("a"), Text("b", cache_control=hour)), cache_control=MARK),
        Turn("assistant", (CALL, ToolCall("call_2", "g", "")), cache_control=hour),
        Turn("tool", (Text("a"), Text("b", cache_control=MARK)), "call_1"),
        Turn("tool", (Text("a"),), "call_2"),
        Turn("user", (Text("c"),), cache_control=MARK),
    )
    first, second, third = (message["content"] for message in body_of(*turns)["messages"])
    assert [{"text": "a"}, {"text": "b"}, long] == first
    assert long == second[2]
    texts = {"toolUseId": "call_1", "content": [{"text": "a"}, {"text": "b"}]}
    assert [{"toolResult": texts}, point] == third[:2]
    assert [{"text": "c"}, point] == third[3:]
    assert all("cachePoint" not in str(m["content"]) for m in body_of(*turns, model=R1)["messages"])


def test_a_tool_that_failed_says_something() -> None:
    """The API refuses a failure without words, and takes a result without any."""
    call = Turn("assistant", (CALL,))
    for is_error, said in ((True, [{"text": "The tool failed."}]), (False, [])):
        result = Turn("tool", (Text(" "),), "call_1", is_error)
        block = body_of(HI, call, result)["messages"][2]["content"][0]["toolResult"]
        assert said == block["content"]
    told = Turn("tool", (Text("No."),), "call_1", is_error=True)
    block = body_of(HI, call, told)["messages"][2]["content"][0]["toolResult"]
    assert ([{"text": "No."}], "error") == (block["content"], block["status"])


def test_the_user_begins() -> None:
    """The API refuses a conversation that the assistant begins; the caller is told which it is."""
    with pytest.raises(InvalidRequest, match=r"messages\[1\]: must be a user's") as caught:
        body_of(Turn("system", (Text("a"),)), Turn("assistant", (Text("b"),)), HI)
    assert "messages[1]" == caught.value.param
