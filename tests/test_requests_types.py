"""A wrong value in any field is an error at its path, and never anything else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking import _json
from asgi_thinking.conversation import read_plain
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.requests import ChatRequest, decode
from tests.strategies import likely, shared

MESSAGES = [{"role": "user", "content": "hi"}]
FUNCTION = {"type": "function", "function": {"name": "f"}}


def ask(fields: dict[str, Any]) -> ChatRequest:
    """Decode a body that is good but for these fields, through its bytes."""
    body = {"model": "m", "messages": MESSAGES, **fields}
    return decode(_json.dumps(body), read_assistant=read_plain)


def tool(**function: Any) -> dict[str, Any]:
    """A function tool with these fields."""
    return {"tools": [FUNCTION, {"type": "function", "function": function}]}


def choice(**fields: Any) -> dict[str, Any]:
    """A tool, and a choice with these fields."""
    return {"tools": [FUNCTION], "tool_choice": fields}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"),
    ({"model": ""}, "model"),
    ({"model": 1}, "model"),
    ({"model": ["m"]}, "model"),
    ({"stream": "true"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"stream_options": True}, "stream_options"),
    ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"max_tokens": "8000"}, "max_tokens"),
    ({"max_tokens": 2.0**70}, "max_tokens"),
    ({"max_tokens": "x", "max_completion_tokens": 5}, "max_tokens"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"temperature": "1"}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": 2.1}, "temperature"),
    ({"top_p": 1.1}, "top_p"),
    ({"top_p": -1}, "top_p"),
    ({"top_k": -1}, "top_k"),
    ({"top_k": 1.0}, "top_k"),
    ({"stop": 1}, "stop"),
    ({"stop": {"a": "b"}}, "stop"),
    ({"stop": ["a", 1]}, "stop[1]"),
    ({"n": 0}, "n"),
    ({"n": 129}, "n"),
    ({"n": True}, "n"),
    ({"seed": "1"}, "seed"),
    ({"presence_penalty": 2.5}, "presence_penalty"),
    ({"frequency_penalty": -2.5}, "frequency_penalty"),
    ({"logprobs": "yes"}, "logprobs"),
    ({"top_logprobs": 21}, "top_logprobs"),
    ({"top_logprobs": -1}, "top_logprobs"),
    ({"logit_bias": []}, "logit_bias"),
    ({"logit_bias": {"1": "x"}}, "logit_bias.1"),
    ({"logit_bias": {"1": 101}}, "logit_bias.1"),
    ({"logit_bias": {"1": None}}, "logit_bias.1"),
    ({"parallel_tool_calls": 0}, "parallel_tool_calls"),
    ({"user": 1}, "user"),
    ({"safety_identifier": {}}, "safety_identifier"),
    ({"service_tier": ""}, "service_tier"),
    ({"verbosity": "loud"}, "verbosity"),
    ({"response_format": "json"}, "response_format"),
    ({"response_format": {}}, "response_format.type"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"response_format": {"type": ["text"]}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
        "response_format.json_schema.name",
    ),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": []}}},
        "response_format.json_schema.schema",
    ),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "strict": 1}}},
        "response_format.json_schema.strict",
    ),
    ({"reasoning_effort": "ultra"}, "reasoning_effort"),
    ({"reasoning_effort": 3}, "reasoning_effort"),
    ({"reasoning_effort": []}, "reasoning_effort"),
    ({"output_config": "high"}, "output_config"),
    ({"output_config": {"effort": "ultra"}}, "output_config.effort"),
    ({"include_reasoning": "true"}, "include_reasoning"),
    ({"thinking": "on"}, "thinking"),
    ({"thinking": 1}, "thinking"),
    ({"thinking": {}}, "thinking.type"),
    ({"thinking": {"type": "auto"}}, "thinking.type"),
    ({"thinking": {"type": "enabled", "budget_tokens": -1}}, "thinking.budget_tokens"),
    ({"thinking": {"type": "enabled", "budget_tokens": "1024"}}, "thinking.budget_tokens"),
    ({"thinking": {"type": "enabled", "budget_tokens": True}}, "thinking.budget_tokens"),
    ({"thinking": {"type": "adaptive", "display": 1}}, "thinking.display"),
    ({"reasoning": "high"}, "reasoning"),
    ({"reasoning": {"effort": "ultra"}}, "reasoning.effort"),
    ({"reasoning": {"max_tokens": -1}}, "reasoning.max_tokens"),
    ({"reasoning": {"exclude": 0}}, "reasoning.exclude"),
    ({"reasoning": {"enabled": "yes"}}, "reasoning.enabled"),
    ({"reasoning": {"summary": 1}}, "reasoning.summary"),
    ({"tools": {}}, "tools"),
    ({"tools": [1]}, "tools[0]"),
    ({"tools": [{}]}, "tools[0].type"),
    ({"tools": [{"type": 1}]}, "tools[0].type"),
    ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0].type"),
    ({"tools": [{"type": "web_search_20250305"}]}, "tools[0].type"),
    ({"tools": [{"google_search": True}]}, "tools[0].google_search"),
    ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ({"tools": [{"type": "function", "function": []}]}, "tools[0].function"),
    ({"tools": [{**FUNCTION, "cache_control": True}]}, "tools[0].cache_control"),
    (tool(), "tools[1].function.name"),
    (tool(name=""), "tools[1].function.name"),
    (tool(name=1), "tools[1].function.name"),
    (tool(name="g", description=1), "tools[1].function.description"),
    (tool(name="g", parameters="{}"), "tools[1].function.parameters"),
    (tool(name="g", strict="true"), "tools[1].function.strict"),
    (tool(name="g", cache_control=1), "tools[1].function.cache_control"),
    ({"web_search_options": True}, "web_search_options"),
    ({"tool_choice": 1}, "tool_choice"),
    ({"tool_choice": "any"}, "tool_choice"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tool_choice": FUNCTION}, "tool_choice.function.name"),
    (choice(), "tool_choice.type"),
    (choice(type="custom"), "tool_choice.type"),
    (choice(type="function"), "tool_choice.function"),
    (choice(type="function", function={}), "tool_choice.function.name"),
    (choice(type="function", function={"name": "g"}), "tool_choice.function.name"),
    (choice(type="allowed_tools"), "tool_choice.allowed_tools"),
    (choice(type="allowed_tools", allowed_tools={}), "tool_choice.allowed_tools.mode"),
    (
        choice(type="allowed_tools", allowed_tools={"mode": "none", "tools": []}),
        "tool_choice.allowed_tools.mode",
    ),
    (
        choice(type="allowed_tools", allowed_tools={"mode": "auto", "tools": []}),
        "tool_choice.allowed_tools.tools",
    ),
    (
        choice(type="allowed_tools", allowed_tools={"mode": "auto", "tools": [{"type": "mcp"}]}),
        "tool_choice.allowed_tools.tools[0].type",
    ),
    (
        choice(
            type="allowed_tools",
            allowed_tools={
                "mode": "auto",
                "tools": [FUNCTION, {"type": "function", "function": {"name": "g"}}],
            },
        ),
        "tool_choice.allowed_tools.tools[1].function.name",
    ),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"function_call": "auto"}, "function_call"),
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"container": "c"}, "container"),
    ({"mcp_servers": [{}]}, "mcp_servers"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": {}}, "messages"),
    ({"messages": "hi"}, "messages"),
]


@pytest.mark.parametrize(
    ("fields", "path"), WRONG, ids=[f"{path}-{n}" for n, (_, path) in enumerate(WRONG)]
)
def test_a_wrong_value_is_an_error_at_its_path(fields: dict[str, Any], path: str) -> None:
    """The error is OpenAI's 400, `param` is the place, and the message begins with it."""
    with pytest.raises(InvalidRequest) as caught:
        ask(fields)
    error = caught.value
    assert (400, "invalid_request_error", path) == (error.status, error.type, error.param)
    assert error.message.startswith(f"{path}: ")


@pytest.mark.parametrize("name", ["model", "messages"])
def test_what_is_required_must_be_there(name: str) -> None:
    """A body without model or messages says which of them is missing."""
    body = {"model": "m", "messages": MESSAGES}
    del body[name]
    with pytest.raises(InvalidRequest) as caught:
        decode(body, read_assistant=read_plain)
    assert name == caught.value.param


FAMILIES = {
    "sampling": "temperature top_p top_k n seed presence_penalty frequency_penalty stop logit_bias"
    " logprobs top_logprobs",
    "length": "max_tokens max_completion_tokens stream stream_options verbosity service_tier",
    "thinking": "thinking reasoning reasoning_effort include_reasoning output_config",
    "tools": "tools tool_choice parallel_tool_calls web_search_options functions function_call",
    "rest": "model messages response_format user safety_identifier previous_response_id container"
    " mcp_servers",
}


@pytest.mark.parametrize("names", FAMILIES.values(), ids=FAMILIES)
@shared(len(FAMILIES))
@given(st.data())
def test_any_json_in_any_field_is_read_or_refused(names: str, data: st.DataObject) -> None:
    """Whatever JSON a field holds, the answer is a request or an error with a path."""
    fields = data.draw(st.dictionaries(st.sampled_from(names.split()), likely, min_size=1))
    try:
        ask(fields)
    except InvalidRequest as error:
        path = error.param
    else:
        path = next(iter(fields))
    assert path
    assert path.split(".")[0].split("[")[0] in {*fields, "tools"}
