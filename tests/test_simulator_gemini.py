"""The Gemini that the conversations are proved against: each of its rules."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson
import pytest

from tests.simulator.gemini import RULES
from tests.simulator.gemini_requests import (
    CALL,
    FLASH_2,
    FLASH_3,
    MODEL,
    NEWEST,
    RESULT,
    SEARCH,
    SIGNED,
    TOOLS,
    USER,
    JSONObject,
    answer,
    calling,
    mode,
    part,
    setting,
    thinking,
    tools,
    turns,
)


class Case(NamedTuple):
    """A request that one rule refuses, with a piece of the vendor's words."""

    rule: str
    text: str
    body: Any
    model: str = FLASH_3
    more: Mapping[str, Any] = MappingProxyType({})
    status: int = 400


VERTEX: Final = {"vertex": True}
CASES: Final = (
    Case("gemini.no_such_path", "not found", turns(USER), more={"method": "count"}, status=404),
    Case("gemini.no_credential", "unregistered", turns(USER), more={"headers": {}}, status=403),
    Case(
        "gemini.no_credential", "OAuth 2", turns(USER), more={"headers": {}, **VERTEX}, status=401
    ),
    Case("gemini.no_such_model", "is not found for API", turns(USER), "gemini-9", status=404),
    Case("gemini.no_such_model", "Publisher Model", turns(USER), "gemini-9", VERTEX, 404),
    Case("gemini.json", "Invalid JSON payload", b"{"),
    Case("gemini.unknown_field", 'Unknown name "messages": Cannot', turns(USER, messages=[])),
    Case("gemini.unknown_field", "at 'contents[0].parts[0]'", part(text="a", cache_control={})),
    Case("gemini.unknown_field", "at 'generation_config.thinking", thinking(effort="low")),
    Case(
        "gemini.unknown_field",
        "\"includeServerSideToolInvocations\" at 'tool_config'",
        turns(USER, toolConfig={"includeServerSideToolInvocations": True}),
        more=VERTEX,
    ),
    Case("gemini.wrong_type", '(TYPE_INT32), "9"', setting(maxOutputTokens="9")),
    Case("gemini.wrong_type", "(TYPE_INT32), true", setting(maxOutputTokens=True)),
    Case("gemini.wrong_type", "ThinkingConfig.ThinkingLevel", thinking(thinkingLevel="MAX")),
    Case("gemini.wrong_type", "protobuf.Struct", part(functionCall={"name": "f", "args": "{}"})),
    Case("gemini.wrong_type", "Request), []", []),
    Case("gemini.not_base64", "Base64 decoding failed", part(text="a", thoughtSignature="!")),
    Case("gemini.not_base64", "failed for 1", part(text="a", thoughtSignature=1)),
    Case(
        "gemini.thinking_not_supported",
        "Thinking is not enabled for models/gemini-2.0-flash-001",
        thinking(thinkingBudget=1024),
        "gemini-2.0-flash-001",
    ),
    Case(
        "gemini.budget_and_level",
        "only one of thinking budget and thinking level",
        thinking(thinkingBudget=1024, thinkingLevel="LOW"),
    ),
    Case(
        "gemini.budget_and_level",
        "thinking_budget and thinking_level are not supported together",
        thinking(thinkingBudget=1024, thinkingLevel="LOW"),
        more=VERTEX,
    ),
    Case(
        "gemini.level_on_budget_model",
        "Thinking level is not supported for this model.",
        thinking(thinkingLevel="LOW"),
        FLASH_2,
    ),
    Case(
        "gemini.level_on_budget_model",
        "thinking_level is not supported by this model",
        thinking(thinkingLevel="LOW"),
        FLASH_2,
        VERTEX,
    ),
    Case(
        "gemini.level_not_supported",
        "Thinking level MINIMAL is not supported for this model.",
        thinking(thinkingLevel="minimal"),
        NEWEST,
    ),
    Case(
        "gemini.level_not_supported",
        "thinking_level MEDIUM is not supported by this model",
        thinking(thinkingLevel="MEDIUM"),
        "gemini-3-pro-preview",
        VERTEX,
    ),
    Case("gemini.budget_on_level_model", "Thinking budget is", thinking(thinkingBudget=-1)),
    Case(
        "gemini.budget_on_level_model", "thinking_budget", thinking(thinkingBudget=1), more=VERTEX
    ),
    Case(
        "gemini.cannot_turn_off",
        "Budget 0 is invalid. This model only works in thinking mode.",
        thinking(thinkingBudget=0),
        "gemini-2.5-pro",
    ),
    Case(
        "gemini.cannot_turn_off",
        "supported values are integers from 128 to 32768",
        thinking(thinkingBudget=0),
        "gemini-2.5-pro",
        VERTEX,
    ),
    Case(
        "gemini.budget_out_of_range",
        "The thinking budget 511 is invalid. Please choose a value between 512 and 24576.",
        thinking(thinkingBudget=511),
        "gemini-2.5-flash-lite-preview-09-2025",
    ),
    Case(
        "gemini.budget_out_of_range",
        "supported values are integers from 1 to 24576",
        thinking(thinkingBudget=24_577),
        FLASH_2,
        VERTEX,
    ),
    Case(
        "gemini.thoughts_without_thinking",
        "only enabled when thinking is enabled",
        thinking(thinkingBudget=0, includeThoughts=True),
        FLASH_2,
    ),
    Case(
        "gemini.thoughts_without_thinking",
        "Unable to submit request because Thinking_config",
        thinking(thinkingBudget=0, includeThoughts=True),
        FLASH_2,
        VERTEX,
    ),
    Case("gemini.setting_out_of_range", "top_p must be in", setting(topP=2)),
    Case(
        "gemini.setting_out_of_range", "temperature value of 3", setting(temperature=3), more=VERTEX
    ),
    Case("gemini.max_output_tokens", "[1, 65536]", setting(maxOutputTokens=65_537)),
    Case("gemini.candidates_not_enabled", "Multiple candidates", setting(candidateCount=2)),
    Case("gemini.penalty_not_enabled", "for this model", setting(presencePenalty=0.5)),
    Case("gemini.penalty_not_enabled", "models/gemini-2", setting(frequencyPenalty=1), FLASH_2),
    Case("gemini.stop_sequences", "stop_sequences", setting(stopSequences=list("abcdef"))),
    Case(
        "gemini.two_schemas",
        "response_json_schema",
        setting(responseSchema={"type": "OBJECT"}, responseJsonSchema={}),
    ),
    Case("gemini.schema_without_json", "response_mime_type", setting(responseJsonSchema={})),
    Case(
        "gemini.json_beside_tools",
        "Function calling with a response mime type: 'application/json' is unsupported",
        {**setting(responseMimeType="application/json"), "tools": TOOLS},
        FLASH_2,
    ),
    Case(
        "gemini.search_beside_functions",
        "Tool use with function calling is unsupported",
        turns(USER, tools=SEARCH),
        FLASH_2,
    ),
    Case("gemini.server_side_calls", "Please enable tool_config", turns(USER, tools=SEARCH)),
    Case("gemini.function_name", "function_declarations[0].name", tools({"name": "9"})),
    Case("gemini.function_name", "maximum length of 128", tools({"name": "f" * 129})),
    Case("gemini.duplicate_function", "found: f", tools({"name": "f"}, {"name": "f"})),
    Case(
        "gemini.parameters_not_object",
        "should be of type OBJECT",
        tools({"name": "f", "parametersJsonSchema": {"type": "string"}}),
    ),
    Case(
        "gemini.parameters_not_object",
        "should be of type OBJECT",
        tools({"name": "f", "parameters": {"properties": {"a": {"type": "STRING"}}}}),
    ),
    Case(
        "gemini.calling_without_functions",
        "without function_declarations",
        turns(USER, toolConfig={"functionCallingConfig": {"mode": "NONE"}}),
    ),
    Case("gemini.allowed_names_mode", "only be set when", mode("AUTO", "f")),
    Case("gemini.allowed_names_unknown", "must be declared: g", mode("ANY", "g")),
    Case("gemini.no_contents", "contents is not specified", {}),
    Case("gemini.no_contents", "at least one contents", {}, more=VERTEX),
    Case("gemini.invalid_role", "valid role: user, model.", turns({**USER, "role": "assistant"})),
    Case("gemini.no_parts", "contents[0].parts: contents.parts must not", turns({"parts": []})),
    Case("gemini.empty_part", "contents[0].parts[0].data: required oneof", part(text="")),
    Case("gemini.empty_part", "required oneof", part(thought=True)),
    Case("gemini.two_data", "already set", part(text="a", **CALL)),
    Case("gemini.call_after_user", "function call turn comes", turns({**MODEL, "parts": [SIGNED]})),
    Case("gemini.first_not_user", "end with a user role", turns(MODEL, USER)),
    Case(
        "gemini.response_after_call",
        "function response turn comes immediately after",
        turns({"parts": [RESULT]}),
    ),
    Case("gemini.roles_alternate", "alternate between", turns(USER, USER)),
    Case("gemini.ends_with_model", "Requests ending with a model turn", turns(USER, MODEL), NEWEST),
    Case("gemini.response_count", "number of function response parts", calling(SIGNED, CALL)),
    Case("gemini.response_count", "is equal to", turns(USER, {**MODEL, "parts": [SIGNED]})),
    Case(
        "gemini.response_name",
        "invalid argument",
        calling({"functionCall": {"name": "g"}}),
    ),
    Case(
        "gemini.response_id",
        "invalid argument",
        turns(
            USER,
            {**MODEL, "parts": [SIGNED]},
            {"parts": [{"functionResponse": {**RESULT["functionResponse"], "id": "x"}}]},
        ),
    ),
    Case("gemini.missing_signature", "`default_api:f` , position 2.", calling(CALL)),
    Case(
        "gemini.missing_signature",
        "function call `f` in the 2. content block is missing a `thought_signature`",
        calling(CALL),
        more=VERTEX,
    ),
    Case("gemini.foreign_signature", "Corrupted", calling({**CALL, "thoughtSignature": "AAAA"})),
    Case("gemini.foreign_signature", "Thought signature is not", calling(SIGNED), more=VERTEX),
    Case(
        "gemini.moved_signature",
        "Corrupted thought signature.",
        calling({**SIGNED, "functionCall": {"name": "f", "args": {"a": 2}}}),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.rule}-{n}" for n, case in enumerate(CASES)])
def test_each_rule_fires_in_the_vendors_words(case: Case) -> None:
    """A request that breaks one rule is refused by it, with Google's status and body."""
    refused = answer(case.body, case.model, **case.more)

    error = orjson.loads(refused.body)["error"]
    assert (case.status, case.rule) == (refused.status, refused.headers["x-refused-by"])
    assert case.text in error["message"]
    assert case.status == error["code"]


def test_every_rule_has_a_request_that_breaks_it() -> None:
    """No rule stands in the code that the table above does not know."""
    assert set(RULES) == {case.rule for case in CASES}


def test_every_rule_is_sourced() -> None:
    """Each rule names the page that states it, or where its words were seen."""
    assert [] == [rule for rule, page in RULES.items() if not page.startswith("https://")]


ACCEPTED: Final = (
    (turns(USER, MODEL), FLASH_3, False),  # to be continued
    (turns(USER, tools=SEARCH), FLASH_3, True),
    (
        turns(USER, tools=SEARCH, toolConfig={"includeServerSideToolInvocations": True}),
        NEWEST,
        False,
    ),
    (calling(SIGNED, CALL, results=2), NEWEST, False),
    (calling({**CALL, "thoughtSignature": "skip_thought_signature_validator"}), NEWEST, False),
    (calling({**CALL, "thoughtSignature": "skip_thought_signature_validator"}), NEWEST, True),
    (calling(CALL), FLASH_2, False),
    # What was called before the user last spoke needs no signature any more.
    (turns(*calling(CALL)["contents"], MODEL, USER), NEWEST, False),
    (setting(thinking_config={"include_thoughts": True, "thinking_level": None}), NEWEST, False),
    (setting(responseJsonSchema={}, responseMimeType="application/json"), NEWEST, False),
    (tools({"name": "f", "parameters": {"type": "OBJECT", "properties": {}}}), NEWEST, False),
    (part(inlineData={"mimeType": "image/png", "data": "_-8"}), NEWEST, False),
    (mode("ANY", "f"), NEWEST, False),
    (setting(responseMimeType="application/json"), FLASH_2, False),
)


@pytest.mark.parametrize(("body", "model", "vertex"), ACCEPTED)
def test_what_breaks_no_rule_is_answered(body: JSONObject, model: str, vertex: bool) -> None:
    """Google's own examples are taken."""
    assert 200 == answer(body, model, vertex=vertex).status
