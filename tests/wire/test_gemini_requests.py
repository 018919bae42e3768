"""Promises of Gemini's request encoder."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    synthetic_call_id,
)
from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig, Tool, ToolChoice
from asgi_thinking.wire.gemini import encode_request
from asgi_thinking.wire.gemini.requests import STAND_IN
from tests.strategies import WIRES, assistant_turns, shared, user_turns
from tests.wire.gemini_transcripts import JSONObject

HELLO = Turn("user", (Text("Hi"),))
OPENING = {"role": "user", "parts": [{"text": "."}]}
SIGNED = ToolCall("8xju7mua", "f", '{"a": 1.0}', "c2ln", "gemini")
TOOL = Tool("f", "Does.", {"type": "object", "properties": {}}, strict=True)
OTHER = Tool("g")


def encoded(
    *turns: Turn, signs: bool = True, server_calls: bool = False, **fields: Any
) -> JSONObject:
    """The body, parsed, of a request with these turns and fields."""
    request = ChatRequest("gemini-3-pro", turns, **fields)
    return orjson.loads(encode_request(request, signs=signs, server_calls=server_calls))


def contents(*turns: Turn, signs: bool = True) -> list[JSONObject]:
    """The contents that turns become, but for what opens a conversation in the user's place."""
    found = encoded(*turns, signs=signs)["contents"]
    return found[1:] if OPENING == found[0] else found


def parts(*blocks: Part, role: Any = "assistant", signs: bool = True) -> list[JSONObject]:
    """The parts of one turn."""
    (content,) = contents(Turn(role, blocks), signs=signs)
    assert {"assistant": "model"}.get(role, "user") == content["role"]
    return content["parts"]


def test_a_plain_request_says_no_more_than_it_must() -> None:
    """Nothing is sent that the caller did not ask for."""
    assert {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]} == encoded(HELLO)


def test_leading_instructions_become_the_system_instruction() -> None:
    """System and developer messages at the beginning; later ones are the user's."""
    system, developer = Turn("system", (Text("a"),)), Turn("developer", (Text("b"), Text("")))
    body = encoded(system, developer, HELLO, system)
    assert {"parts": [{"text": "a"}, {"text": "b"}]} == body["systemInstruction"]
    assert [{"role": "user", "parts": [{"text": "Hi"}, {"text": "a"}]}] == body["contents"]


def test_instructions_alone_are_the_conversation() -> None:
    """The API wants something to answer."""
    body = encoded(Turn("system", (Text("a"),)))
    assert {"contents": [{"role": "user", "parts": [{"text": "a"}]}]} == body


def test_what_gemini_signed_goes_back_as_it_came() -> None:
    """Texts, calls, thoughts and parts that we do not understand, each with its signature."""
    sent = parts(
        Thinking("t", "s0", "gemini"),
        Text("a", "s1", "gemini"),
        SIGNED,
        Opaque('{"type":"toolCall","toolCall":{"id":"x"},"thoughtSignature":"s2"}', "gemini"),
        Text("", "s3", "gemini"),
    )
    expected = [
        {"text": "t", "thought": True, "thoughtSignature": "s0"},
        {"text": "a", "thoughtSignature": "s1"},
        {
            "functionCall": {"name": "f", "args": {"a": 1.0}, "id": "8xju7mua"},
            "thoughtSignature": "c2ln",
        },
        {"toolCall": {"id": "x"}, "thoughtSignature": "s2"},
        {"text": "", "thoughtSignature": "s3"},
    ]
    assert expected == sent


def test_what_others_made_is_left_out() -> None:
    """Thinking and blocks of another vendor's, and signatures that Gemini cannot verify."""
    sent = parts(
        Thinking("t", "s"),
        Thinking("unsigned", None, "gemini"),
        RedactedThinking("x"),
        Opaque('{"type":"server_tool_use"}'),
        Text("a", "s", "openai"),
        Text(""),
        Refusal("no"),
        Refusal(""),
    )
    assert [{"text": "a"}, {"text": "no"}] == sent


def test_a_turn_left_empty_is_left_out() -> None:
    """The API refuses a content without parts."""
    assert contents(HELLO) == contents(Turn("assistant", (Thinking("t", "s"),)), HELLO)


def test_arguments_go_out_as_they_came() -> None:
    """Verbatim, and those of a call without any as an empty object."""
    call = ToolCall("x", "f", '{"n": 1.0,  "m": 2e3}')
    body = encode_request(ChatRequest("m", (Turn("assistant", (call,)),)), signs=False)
    assert b'"args":{"n": 1.0,  "m": 2e3}' in body
    (part,) = parts(ToolCall("x", "f", " "), signs=False)
    assert {"functionCall": {"name": "f", "args": {}}} == part


def test_a_lost_signature_has_a_stand_in() -> None:
    """On the first call of each turn, and only for models that want one."""
    first, second = ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")
    signatures = [part.get("thoughtSignature") for part in parts(Text("x"), first, second)]
    assert [None, STAND_IN, None] == signatures
    foreign = ToolCall("a", "f", "{}", "c2ln", "openai")
    assert [STAND_IN] == [part["thoughtSignature"] for part in parts(foreign)]
    assert ["c2ln", None] == [part.get("thoughtSignature") for part in parts(SIGNED, second)]
    assert ["functionCall"] == [key for part in parts(first, signs=False) for key in part]


def test_ids_go_back_where_gemini_gave_them() -> None:
    """A signed turn is Gemini's own; ids that we made up, and other vendors', stay here."""
    ours = ToolCall(synthetic_call_id("r", 0), "f", "", "c2ln", "gemini")
    theirs = ToolCall("toolu_1", "f", "")
    for call in (ours, theirs):
        answer = Turn("tool", (Text("1"),), call.id)
        asked, told = contents(Turn("assistant", (call,)), answer)
        assert "id" not in asked["parts"][0]["functionCall"]
        response = {"name": "f", "response": {"output": "1"}}
        assert [{"functionResponse": response}] == told["parts"]


def test_results_of_a_round_stand_together() -> None:
    """By the functions' names, under the ids that Gemini gave, errors as such."""
    calls = Turn("assistant", (SIGNED, ToolCall("b", "g", "")))
    conversation = contents(
        HELLO,
        calls,
        Turn("tool", (Text("1"), Text("2")), "8xju7mua"),
        Turn("tool", (Text("No."),), "b", is_error=True),
    )
    expected = [
        {"functionResponse": {"id": "8xju7mua", "name": "f", "response": {"output": "1\n2"}}},
        {"functionResponse": {"id": "b", "name": "g", "response": {"error": "No."}}},
    ]
    assert ["user", "model", "user"] == [content["role"] for content in conversation]
    assert expected == conversation[2]["parts"]


def test_a_result_without_a_call_is_refused_by_name() -> None:
    """Its function is not known."""
    with pytest.raises(InvalidRequest, match="'x' answers no tool call") as caught:
        contents(HELLO, Turn("tool", (Text("1"),), "x"))
    assert "messages" == caught.value.param


def test_images_in_a_result() -> None:
    """Within the function's response from Gemini 3 on, beside it before."""
    turns = (Turn("assistant", (SIGNED,)), Turn("tool", (Image("image/png", "QQ=="),), "8xju7mua"))
    image = {"inlineData": {"mimeType": "image/png", "data": "QQ=="}}
    response = {"id": "8xju7mua", "name": "f", "response": {"output": ""}}
    within = [{"functionResponse": response | {"parts": [image]}}]
    assert within == contents(*turns)[1]["parts"]
    assert [{"functionResponse": response}, image] == contents(*turns, signs=False)[1]["parts"]


def test_turns_of_one_role_in_a_row_are_one() -> None:
    """The roles alternate, whoever speaks twice; what the user says follows a function's result."""
    turns = [Turn("assistant", (Text("a"),)), Turn("assistant", (SIGNED,))]
    answer = Turn("tool", (Text("1"),), SIGNED.id)
    asked, said, told = contents(HELLO, HELLO, *turns, answer, HELLO)
    assert (2, 2) == (len(asked["parts"]), len(said["parts"]))
    assert ["functionResponse", "text"] == [key for part in told["parts"] for key in part]


def test_the_user_begins() -> None:
    """Where the model did, something stands in for the user."""
    body = encoded(Turn("assistant", (Text("a"),)), HELLO)
    assert ["user", "model", "user"] == [content["role"] for content in body["contents"]]
    assert OPENING == body["contents"][0]
    assert [] == encoded(Turn("assistant"))["contents"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Image("image/png", "QQ=="), {"inlineData": {"mimeType": "image/png", "data": "QQ=="}}),
        (
            File("application/pdf", "QQ==", "a.pdf"),
            {"inlineData": {"mimeType": "application/pdf", "data": "QQ=="}},
        ),
        (
            Image(url="https://example.org/a.PNG?b=c.gif#d"),
            {
                "fileData": {
                    "fileUri": "https://example.org/a.PNG?b=c.gif#d",
                    "mimeType": "image/png",
                }
            },
        ),
        (
            Image(url="gs://bucket/a"),
            {"fileData": {"fileUri": "gs://bucket/a", "mimeType": "image/jpeg"}},
        ),
    ],
)
def test_images_and_files(part: Part, expected: JSONObject) -> None:
    """As data, or as a URL that the vendor opens, with the type that its end tells."""
    assert [expected] == parts(part, role="user")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (ThinkingConfig("disabled"), {"includeThoughts": False, "thinkingBudget": 0}),
        (ThinkingConfig("between_tools"), {"includeThoughts": False, "thinkingBudget": 0}),
        (ThinkingConfig("enabled", 128), {"includeThoughts": False, "thinkingBudget": 128}),
        (
            ThinkingConfig("enabled", 128, "low", "summarized"),
            {"includeThoughts": True, "thinkingBudget": 128},
        ),
        (
            ThinkingConfig("adaptive", None, "low", "omitted"),
            {"includeThoughts": False, "thinkingLevel": "LOW"},
        ),
        (ThinkingConfig("adaptive", display="summarized"), {"includeThoughts": True}),
    ],
)
def test_thinking_is_a_level_or_a_budget(config: ThinkingConfig, expected: JSONObject) -> None:
    """Never both, and its thoughts are shown if they are summarized."""
    assert {"thinkingConfig": expected} == encoded(HELLO, thinking=config)["generationConfig"]


def test_settings_have_geminis_names() -> None:
    """Each field of the request that has a counterpart."""
    body = encoded(
        HELLO,
        max_tokens=5,
        temperature=0.0,
        top_p=0.5,
        top_k=3,
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        stop=("END",),
        n=2,
        service_tier="default",
        user="u",
    )
    expected = {
        "maxOutputTokens": 5,
        "temperature": 0.0,
        "topP": 0.5,
        "topK": 3,
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "stopSequences": ["END"],
        "candidateCount": 2,
    }
    assert expected == body["generationConfig"]
    assert "standard" == body["serviceTier"]
    assert "serviceTier" not in encoded(HELLO, service_tier="auto")


def test_structured_output() -> None:
    """JSON of any form, or of a schema."""
    anything = encoded(HELLO, response_format=ResponseFormat("json_object"))
    assert {"responseMimeType": "application/json"} == anything["generationConfig"]
    schema = MappingProxyType({"type": "object"})
    formed = encoded(HELLO, response_format=ResponseFormat("json_schema", "n", schema))
    expected = {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}}
    assert expected == formed["generationConfig"]


def test_tools_are_declared() -> None:
    """Name, description and schema, where they are given."""
    declarations = [
        {
            "name": "f",
            "description": "Does.",
            "parametersJsonSchema": {"type": "object", "properties": {}},
        },
        {"name": "g"},
    ]
    body = encoded(HELLO, tools=(TOOL, OTHER))
    assert [{"functionDeclarations": declarations}] == body["tools"]
    assert "toolConfig" not in body


@pytest.mark.parametrize(
    ("choice", "expected", "declared"),
    [
        (ToolChoice("none"), {"mode": "NONE"}, ["f", "g"]),
        (ToolChoice("auto"), {"mode": "AUTO"}, ["f", "g"]),
        (ToolChoice("required"), {"mode": "ANY"}, ["f", "g"]),
        (ToolChoice("tool", "g"), {"mode": "ANY", "allowedFunctionNames": ["g"]}, ["f", "g"]),
        (
            ToolChoice("required", allowed=("f",)),
            {"mode": "ANY", "allowedFunctionNames": ["f"]},
            ["f", "g"],
        ),
        (ToolChoice("auto", allowed=("f",)), {"mode": "AUTO"}, ["f"]),
    ],
)
def test_tool_choice(choice: ToolChoice, expected: JSONObject, declared: list[str]) -> None:
    """Names narrow forced calls; for others only the named functions are declared."""
    body = encoded(HELLO, tools=(TOOL, OTHER), tool_choice=choice)
    assert {"functionCallingConfig": expected} == body["toolConfig"]
    assert declared == [tool["name"] for tool in body["tools"][0]["functionDeclarations"]]


def test_the_vendors_search() -> None:
    """Alone, and beside functions, which AI Studio wants to be told of."""
    search = {"googleSearch": {}}
    alone = encoded(HELLO, web_search=True, server_calls=True, tool_choice=ToolChoice("auto"))
    assert [search] == alone["tools"]
    assert "toolConfig" not in alone
    both = encoded(HELLO, web_search=True, tools=(OTHER,))
    assert [{"functionDeclarations": [{"name": "g"}]}, search] == both["tools"]
    assert "toolConfig" not in both
    told = encoded(HELLO, web_search=True, tools=(OTHER,), server_calls=True)
    assert {"includeServerSideToolInvocations": True} == told["toolConfig"]


def test_fields_that_the_owner_allowed_go_upstream() -> None:
    """Objects are merged with ours, everything else is as the caller said."""
    extra = {"safetySettings": [], "generationConfig": {"topK": 1}, "labels": {"a": "b"}}
    body = encoded(HELLO, max_tokens=5, extra=extra)
    assert {"maxOutputTokens": 5, "topK": 1} == body["generationConfig"]
    assert ([], {"a": "b"}) == (body["safetySettings"], body["labels"])


@shared(WIRES)
@given(st.lists(user_turns | assistant_turns, min_size=1, max_size=6))
def test_a_conversation_only_grows(turns: list[Turn]) -> None:
    """What was sent stays as it was when the model and the user go on, so that caches hold."""
    turns = [HELLO, *map(sendable, turns)]
    said = {"text": "Hi"}
    before = contents(*turns)
    after = contents(*turns, Turn("assistant", HELLO.parts), HELLO)
    last = [*before[-1]["parts"], said] if before[-1]["role"] == "model" else [said]
    kept = before[:-1] if before[-1]["role"] == "model" else before
    model = {"role": "model", "parts": last}
    assert [*kept, model, {"role": "user", "parts": [said]}] == after


def sendable(turn: Turn) -> Turn:
    """The turn with JSON where JSON has to be."""
    return Turn(turn.role, tuple(map(_sendable, turn.parts)))


def _sendable(part: Part) -> Part:
    match part:
        case ToolCall():
            return ToolCall(part.id, part.name, "{}", part.signature, part.origin)
        case Opaque(_, origin):
            return Opaque('{"type":"x","x":{}}', origin)
        case _:
            return part
