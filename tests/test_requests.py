"""What the fields of a body mean."""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking import _json
from asgi_thinking.conversation import read_plain
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Text, Turn
from asgi_thinking.requests import (
    ChatRequest,
    ResponseFormat,
    ThinkingConfig,
    Tool,
    ToolChoice,
    decode,
)

MESSAGES = [{"role": "user", "content": "hi"}]
TURNS = (Turn("user", (Text("hi"),)),)
FUNCTION = {"type": "function", "function": {"name": "f"}}
SEARCH = {"type": "function", "function": {"name": "google_search"}}


def ask(**fields: Any) -> ChatRequest:
    """Decode a good body with these fields, through its bytes."""
    body = {"model": "m", "messages": MESSAGES, **fields}
    return decode(_json.dumps(body), read_assistant=read_plain)


def test_the_smallest_body() -> None:
    """Model and messages are enough; everything else is unsaid."""
    assert ChatRequest("m", TURNS) == ask()


def test_a_parsed_body_is_not_parsed_again() -> None:
    """A body that was parsed already may be passed as it is."""
    body = {"model": "m", "messages": MESSAGES, "seed": 1}
    assert ask(seed=1) == decode(body, read_assistant=read_plain)


def test_a_body_from_python_may_hold_what_json_has_not() -> None:
    """A value of a type that JSON does not know is named by Python's word."""
    with pytest.raises(InvalidRequest, match="messages: expected an array, got tuple"):
        decode({"model": "m", "messages": ()}, read_assistant=read_plain)


OPTIONAL = """
stream stream_options max_tokens max_completion_tokens thinking reasoning reasoning_effort
include_reasoning output_config temperature top_p top_k stop n seed presence_penalty
frequency_penalty logprobs top_logprobs logit_bias tools tool_choice parallel_tool_calls
response_format web_search_options user safety_identifier service_tier verbosity functions
function_call previous_response_id container mcp_servers store
"""


def test_null_equals_absent_for_every_optional_field() -> None:
    """Clients that write all their fields, most of them null, ask for nothing."""
    assert ask() == ask(**dict.fromkeys(OPTIONAL.split()))


def test_every_plain_field_arrives() -> None:
    """Each field that stands alone keeps its name and value."""
    plain: dict[str, Any] = {
        "stream": True,
        "temperature": 0,
        "top_p": 0.5,
        "top_k": 40,
        "n": 2,
        "seed": -(2**63),
        "presence_penalty": -2,
        "frequency_penalty": 2.0,
        "logprobs": True,
        "top_logprobs": 20,
        "logit_bias": {"50256": -100, "1": 0.5},
        "parallel_tool_calls": False,
        "service_tier": "flex",
        "verbosity": "low",
    }
    assert ChatRequest("m", TURNS, **plain) == ask(**plain)


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({"stop": "a"}, "stop", ("a",)),
        ({"stop": ["a", "", "b"]}, "stop", ("a", "b")),
        ({"stop": ""}, "stop", ()),
        ({"stream_options": {"include_usage": True}}, "include_usage", True),
        ({"stream_options": {"include_usage": None}}, "include_usage", False),
        ({"max_tokens": 1}, "max_tokens", 1),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens", 2),
        ({"max_completion_tokens": 3}, "max_tokens", 3),
        ({"user": "u"}, "user", "u"),
        ({"user": "u", "safety_identifier": "s"}, "user", "s"),
        ({"user": ""}, "user", None),
        ({"response_format": {"type": "text"}}, "response_format", None),
        (
            {"response_format": {"type": "json_object"}},
            "response_format",
            ResponseFormat("json_object"),
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": True},
                }
            },
            "response_format",
            ResponseFormat("json_schema", "s", {"type": "object"}, strict=True),
        ),
    ],
)
def test_fields_with_several_forms(fields: dict[str, Any], name: str, expected: object) -> None:
    """Where a field may be written in several ways, each is understood."""
    assert expected == getattr(ask(**fields), name)


@pytest.mark.parametrize(
    ("fields", "expected", "asked"),
    [
        ({}, ThinkingConfig(), False),
        ({"reasoning_effort": "high"}, ThinkingConfig(effort="high"), True),
        ({"reasoning_effort": "none"}, ThinkingConfig(effort="none"), False),
        ({"output_config": {"effort": "max"}}, ThinkingConfig(effort="max"), True),
        ({"output_config": {"format": {}}}, ThinkingConfig(), False),
        ({"include_reasoning": True}, ThinkingConfig(include=True), True),
        ({"include_reasoning": False}, ThinkingConfig(include=False), False),
        ({"thinking": True}, ThinkingConfig("enabled"), True),
        ({"thinking": False}, ThinkingConfig("disabled"), False),
        ({"thinking": {"type": "enabled"}}, ThinkingConfig("enabled"), True),
        ({"thinking": {"type": "between_tools"}}, ThinkingConfig("between_tools"), True),
        ({"thinking": {"type": "disabled"}}, ThinkingConfig("disabled"), False),
        ({"thinking": {"budget_tokens": 2030}}, ThinkingConfig("enabled", 2030), True),
        ({"thinking": {"type": "enabled", "budget_tokens": 0}}, ThinkingConfig("disabled"), False),
        (
            {"thinking": {"type": "adaptive", "display": "summarized"}, "reasoning_effort": "low"},
            ThinkingConfig("adaptive", None, "low", "summarized"),
            True,
        ),
        ({"reasoning": True}, ThinkingConfig("enabled", include=True), True),
        ({"reasoning": False}, ThinkingConfig("disabled", include=False), False),
        ({"reasoning": {}}, ThinkingConfig(include=True), True),
        ({"reasoning": {"summary": "auto"}}, ThinkingConfig(include=True), True),
        ({"reasoning": {"enabled": True}}, ThinkingConfig("enabled", include=True), True),
        ({"reasoning": {"enabled": False}}, ThinkingConfig("disabled", include=False), False),
        ({"reasoning": {"max_tokens": 0}}, ThinkingConfig("disabled", include=False), False),
        (
            {"reasoning": {"max_tokens": 2000}},
            ThinkingConfig("enabled", 2000, include=True),
            True,
        ),
        ({"reasoning": {"effort": "low"}}, ThinkingConfig(effort="low", include=True), True),
        ({"reasoning": {"effort": "none"}}, ThinkingConfig(effort="none", include=True), False),
        (
            {"reasoning": {"effort": "low", "exclude": True}, "include_reasoning": True},
            ThinkingConfig(effort="low", include=False),
            False,
        ),
        (
            {"reasoning": {"effort": "low"}, "include_reasoning": False},
            ThinkingConfig(effort="low", include=False),
            False,
        ),
        (
            {
                "thinking": {"type": "adaptive"},
                "reasoning": {"max_tokens": 5000, "effort": "medium"},
                "reasoning_effort": "low",
            },
            ThinkingConfig("adaptive", None, "medium", include=True),
            True,
        ),
        (
            {"output_config": {"effort": "xhigh"}, "reasoning": {"effort": "low"}},
            ThinkingConfig(effort="xhigh", include=True),
            True,
        ),
    ],
)
def test_the_ways_to_ask_for_thinking(
    fields: dict[str, Any], expected: ThinkingConfig, *, asked: bool
) -> None:
    """`thinking` decides over `reasoning` over `reasoning_effort`; what combines is combined."""
    thinking = ask(**fields).thinking
    assert (expected, asked) == (thinking, thinking.asked)


def test_tools_keep_all_that_vendors_know() -> None:
    """A function's description, schema, strictness and cache mark arrive."""
    function = {
        "name": "f",
        "description": "d",
        "parameters": {"type": "object"},
        "strict": True,
    }
    mark = {"type": "ephemeral"}
    full = Tool("f", "d", {"type": "object"}, strict=True, cache_control=mark)
    outside = {"type": "function", "function": function, "cache_control": mark}
    inside = {"type": "function", "function": {**function, "cache_control": mark}}
    assert (full, full, Tool("f")) == ask(tools=[outside, inside, FUNCTION]).tools


@pytest.mark.parametrize(
    "tool",
    [
        SEARCH,
        {"type": "function", "function": {"name": "googleSearch", "parameters": {}}},
        {"google_search": {}},
        {"googleSearch": {}},
        {"type": "google_search"},
    ],
)
def test_search_is_switched_on_by_a_tool(tool: dict[str, Any]) -> None:
    """The ways in which gateways' callers ask for grounding are no tools of the caller's."""
    request = ask(tools=[tool, FUNCTION])
    assert (True, (Tool("f"),)) == (request.web_search, request.tools)


def test_search_is_switched_on_by_its_options() -> None:
    """OpenAI's own field does the same."""
    assert ask(web_search_options={}).web_search


def test_a_callers_own_function_may_be_called_google_search() -> None:
    """A function that takes arguments is the caller's, whatever its name."""
    parameters = {"type": "object", "properties": {"q": {"type": "string"}}}
    own = {"type": "function", "function": {"name": "google_search", "parameters": parameters}}
    request = ask(
        tools=[own], tool_choice={"type": "function", "function": {"name": "google_search"}}
    )
    assert (False, (Tool("google_search", None, parameters),)) == (
        request.web_search,
        request.tools,
    )
    assert ToolChoice("tool", "google_search") == request.tool_choice


def among(mode: str, *names: str) -> dict[str, Any]:
    """A choice among the named tools."""
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


@pytest.mark.parametrize(
    ("tools", "choice", "expected"),
    [
        ([FUNCTION], "none", ToolChoice("none")),
        ([FUNCTION], "auto", ToolChoice("auto")),
        ([FUNCTION], "required", ToolChoice("required")),
        ([FUNCTION], FUNCTION, ToolChoice("tool", "f")),
        ([FUNCTION], among("auto", "f"), ToolChoice("auto", allowed=("f",))),
        ([FUNCTION], among("required", "f"), ToolChoice("required", allowed=("f",))),
        (
            [FUNCTION, SEARCH],
            among("auto", "f", "google_search"),
            ToolChoice("auto", allowed=("f",)),
        ),
        ([FUNCTION, SEARCH], among("auto", "google_search"), ToolChoice("none")),
        ([FUNCTION, SEARCH], SEARCH, None),
        ([SEARCH], "required", None),
        ([SEARCH], among("auto", "google_search"), None),
        ([], "auto", None),
        ([], "none", None),
    ],
)
def test_tool_choices(
    tools: list[Any], choice: str | dict[str, Any], expected: ToolChoice | None
) -> None:
    """Each of OpenAI's choices is understood; without functions there is nothing to choose."""
    assert expected == ask(tools=tools, tool_choice=choice).tool_choice


def test_unknown_fields_go_nowhere_unless_the_owner_names_them() -> None:
    """Only fields that the owner allowed by name come through, known ones not twice."""
    body = {"model": "m", "messages": MESSAGES, "api_base": "http://evil", "safe": 1, "seed": 2}
    assert {} == decode(body, read_assistant=read_plain).extra
    allowed = decode(body, read_assistant=read_plain, extra_fields=("safe", "seed", "absent"))
    assert ({"safe": 1}, 2) == (allowed.extra, allowed.seed)


@pytest.mark.parametrize("name", ["previous_response_id", "container", "mcp_servers"])
def test_the_owners_rights_are_lent_by_name_only(name: str) -> None:
    """Fields that act with the owner's rights are refused until the owner allows them."""
    body = {"model": "m", "messages": MESSAGES, name: "x"}
    with pytest.raises(InvalidRequest) as caught:
        decode(body, read_assistant=read_plain)
    assert name == caught.value.param
    allowed = decode(body, read_assistant=read_plain, allowed_parts=frozenset({name}))
    assert {name: "x"} == allowed.extra
    assert {name: "x"} == decode(body, read_assistant=read_plain, extra_fields={name}).extra


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "body: empty, expected JSON"),
        (b"null", "body: expected an object, got null"),
        (b"[]", "body: expected an object, got an array"),
        (b'"a"', "body: expected an object, got a string"),
        (b"{} x", "body: not JSON"),
        (b"[" * 255 + b"]" * 255, "body: nested deeper than 200 levels"),
        (b'{"a":' * 1_025 + b"1" + b"}" * 1_025, "body: nested deeper than 200 levels"),
        (b"[" * 100_000, "body: nested deeper than 200 levels"),
    ],
)
def test_a_body_that_is_no_object(body: bytes, message: str) -> None:
    """What is wrong with the body as a whole has no path."""
    with pytest.raises(InvalidRequest, match=message) as caught:
        decode(body, read_assistant=read_plain)
    assert (400, None) == (caught.value.status, caught.value.param)


def test_errors_say_where_and_what() -> None:
    """The message names the path, what was expected and what came, and never a longer text."""
    with pytest.raises(InvalidRequest) as caught:
        ask(thinking={"type": "x" * 1_000})
    expected = (
        "thinking.type: expected one of 'enabled', 'adaptive', 'disabled', 'between_tools', got '"
        + "x" * 40
        + "…'"
    )
    assert expected == caught.value.message
    with pytest.raises(InvalidRequest, match="temperature: expected a number, got a string"):
        ask(temperature="my secret")
