"""The chat completions that the conversations are proved against: each vendor's rules."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import orjson
import pytest

from tests.simulator import digest, sealed
from tests.simulator.openai import RULES
from tests.simulator.openai_requests import (
    ASSISTANT,
    CALLED,
    MODELS,
    RESULT,
    TOOLS,
    USER,
    JSONObject,
    answer,
    calling,
    chat,
    send,
)


class Case(NamedTuple):
    """A request that one rule refuses, with a piece of the vendor's words."""

    rule: str
    text: str
    body: JSONObject
    status: int = 400

    @property
    def vendor(self) -> str:
        """Whose rule it is."""
        return self.rule.partition(".")[0]


def on(vendor: str, *messages: JSONObject, **fields: Any) -> JSONObject:
    """A body, as `chat` makes it."""
    return chat(vendor, *messages, **fields)


def openai(**fields: Any) -> JSONObject:
    """A body for OpenAI."""
    return chat("openai", **fields)


def named(name: str) -> JSONObject:
    """A body for OpenAI with a function of this name."""
    return openai(tools=[{"type": "function", "function": {"name": name}}])


LONG_CALL: Final = {**CALLED, "id": "x" * 41}
SIGNATURE: Final = sealed("openrouter", signs=digest("before"))
DETAIL: Final = {"type": "reasoning.text", "text": "after", "signature": SIGNATURE}

CASES: Final = (
    # OpenAI
    Case("openai.no_messages", "Invalid 'messages': empty array", openai(messages=[])),
    Case("openai.role", "'system', 'assistant', 'user'", on("openai", {"role": "ai"})),
    Case("openai.unknown_field", "Unknown parameter: 'thinking'.", openai(thinking={})),
    Case(
        "openai.unknown_field",
        "Unknown parameter: 'messages[1].reasoning_content'.",
        on("openai", USER, {**ASSISTANT, "reasoning_content": "a"}, USER),
    ),
    Case(
        "openai.unknown_field",
        "Unknown parameter: 'messages[1].tool_calls[0].extra_content'.",
        calling("openai", tool_calls=[{**CALLED, "extra_content": {}}]),
    ),
    Case("openai.max_tokens_name", "Use 'max_completion_tokens' instead.", openai(max_tokens=9)),
    Case("openai.output_limit", "at most 128000 comp", openai(max_completion_tokens=128_001)),
    Case("openai.stream_options", "when 'stream' is enabled", openai(stream_options={})),
    Case("openai.web_search", "not supported with this model", openai(web_search_options={})),
    Case("openai.verbosity", "'verbosity' does not", openai(model="gpt-4.1", verbosity="low")),
    Case(
        "openai.effort_not_supported",
        "Unrecognized request argument supplied: reasoning_effort",
        openai(model="gpt-4o", reasoning_effort="low"),
    ),
    Case(
        "openai.effort",
        "Supported values are: 'none', 'low', 'medium', and 'high'.",
        openai(model="gpt-5.1-2025-11-13", reasoning_effort="minimal"),
    ),
    Case(
        "openai.effort",
        "Supported values are: 'medium'.",
        openai(model="gpt-5.2-chat-latest", reasoning_effort="high"),
    ),
    Case(
        "openai.tools_beside_reasoning",
        "Function tools with reasoning_effort are not supported for gpt-5.4",
        openai(model="gpt-5.4", reasoning_effort="low", tools=TOOLS),
    ),
    Case(
        "openai.tools_beside_reasoning",
        "or set reasoning_effort to 'none'",
        openai(model="gpt-5.6-sol", tools=TOOLS),
    ),
    Case("openai.temperature", "'temperature' does not support 0.2", openai(temperature=0.2)),
    Case("openai.sampling", "'top_p' is not supported", openai(top_p=0.9)),
    Case("openai.sampling", "'stop' is not supported", openai(stop="END")),
    Case("openai.temperature_range", "<= 2, but got 3", openai(model="gpt-4o", temperature=3)),
    Case("openai.stop", "maximum length 4", openai(model="gpt-4o", stop=list("abcde"))),
    Case("openai.choice_without_tools", "only allowed when", openai(tool_choice="auto")),
    Case("openai.choice_without_tools", "'tools' are", openai(parallel_tool_calls=False)),
    Case("openai.function_name", "Invalid 'tools[0].function.name': string does", named("a.b")),
    Case("openai.function_name", "maximum length 64, but got a string with", named("f" * 65)),
    Case(
        "openai.call_id",
        "Invalid 'messages[1].tool_calls[0].id': string too long.",
        calling("openai", tool_calls=[LONG_CALL]),
    ),
    Case("openai.no_calls", "'messages[1].tool_calls': empty", calling("openai", tool_calls=[])),
    Case("openai.null_content", "got null", on("openai", {**ASSISTANT, "content": None})),
    Case(
        "openai.assistant_part",
        "Invalid value: 'input_audio'. Supported values are: 'text' and 'refusal'.",
        on("openai", {**ASSISTANT, "content": [{"type": "input_audio"}]}),
    ),
    Case("openai.orphan_result", "must be a response to a prec", on("openai", USER, RESULT)),
    Case(
        "openai.unanswered_call",
        "did not have response messages: abcdefghi",
        calling("openai", USER),
    ),
    # DeepSeek
    Case(
        "deepseek.thinking_type",
        "unknown variant `auto`",
        on("deepseek", thinking={"type": "auto"}),
    ),
    Case("deepseek.effort", "unknown variant `none`", on("deepseek", reasoning_effort="none")),
    Case(
        "deepseek.flat_content",
        "sequence, expected a string",
        on("deepseek", {**USER, "content": []}),
    ),
    Case("deepseek.forced_call", "this tool_choice", on("deepseek", tool_choice="required")),
    Case(
        "deepseek.json_schema",
        "This response_format type is unavailable now",
        on("deepseek", response_format={"type": "json_schema", "json_schema": {}}),
    ),
    Case("deepseek.output_limit", "[1, 393216]", on("deepseek", max_tokens=400_000)),
    Case("deepseek.temperature", "[0, 2]", on("deepseek", temperature=2.5)),
    Case("deepseek.orphan_result", "preceding message", on("deepseek", USER, RESULT)),
    Case("deepseek.unanswered_call", "insufficient tool messages", calling("deepseek", USER)),
    Case(
        "deepseek.echo",
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        calling("deepseek", RESULT),
    ),
    Case(
        "deepseek.echo",
        "must be passed back",
        calling("deepseek", RESULT, ASSISTANT, USER, reasoning_content="a"),
    ),
    # OpenRouter
    Case(
        "openrouter.effort_and_budget",
        'Only one of "reasoning.effort" and "reasoning.max_tokens"',
        on("openrouter", reasoning={"effort": "low", "max_tokens": 1024}),
    ),
    Case("openrouter.effort", "expected one of", on("openrouter", reasoning={"effort": "max"})),
    Case(
        "openrouter.details_changed",
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        on("openrouter", USER, {**ASSISTANT, "reasoning_details": [DETAIL]}, USER),
    ),
    Case(
        "openrouter.unanswered_call",
        "No tool output found for function call abcdefghi.",
        calling("openrouter"),
    ),
    # Groq
    Case("groq.role", "'role' has invalid value", on("groq", {**USER, "role": "developer"})),
    Case("groq.unknown_field", "property 'logprobs' is unsupported", on("groq", logprobs=True)),
    Case(
        "groq.unknown_field",
        "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' :"
        " property 'reasoning_content' is unsupported)]",
        on("groq", USER, {**ASSISTANT, "reasoning_content": "a"}),
    ),
    Case("groq.effort", "one of `low` or `medium`", on("groq", reasoning_effort="none")),
    Case(
        "groq.effort",
        "`reasoning_effort` is not supported with this model",
        on("groq", model="llama-3.3-70b-versatile", reasoning_effort="low"),
    ),
    Case("groq.reasoning_format", "not supported with", on("groq", reasoning_format="parsed")),
    Case(
        "groq.reasoning_format",
        "JSON mode or tool calling",
        on("groq", model="qwen/qwen3-32b", reasoning_format="raw", tools=TOOLS),
    ),
    Case("groq.choices", "'n' : number must be at most 1", on("groq", n=2)),
    Case("groq.output_limit", "equal to `65536`", on("groq", max_completion_tokens=65_537)),
    # xAI
    Case(
        "xai.effort_not_supported",
        "Model grok-4-fast-reasoning does not support parameter reasoningEffort.",
        on("xai", model="grok-4-fast-reasoning", reasoning_effort="low"),
    ),
    Case("xai.effort", "Invalid reasoning effort: max", on("xai", reasoning_effort="max")),
    Case("xai.parameter", "does not support parameter stop.", on("xai", stop="END")),
    Case(
        "xai.parameter",
        "Model grok-4-1-fast-non-reasoning does not support parameter presencePenalty.",
        on("xai", model="grok-4-1-fast-non-reasoning", presence_penalty=0),
    ),
    # Mistral
    Case("mistral.role", "'developer' found", on("mistral", {**USER, "role": "developer"}), 422),
    Case("mistral.unknown_field", "stream_options", on("mistral", stream_options={}), 422),
    Case(
        "mistral.unknown_field",
        "assistant",
        on("mistral", {**ASSISTANT, "reasoning_content": ""}, USER),
        422,
    ),
    Case("mistral.temperature", "less than or equal to 1.5", on("mistral", temperature=1.6), 422),
    Case("mistral.effort", "not supported", on("mistral", reasoning_effort="low")),
    Case(
        "mistral.call_id",
        "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.",
        calling("mistral", tool_calls=[{**CALLED, "id": "call_1"}]),
    ),
    Case(
        "mistral.order",
        "Unexpected role 'user' after role 'tool'",
        calling("mistral", RESULT, USER),
    ),
    Case("mistral.last_role", "Expected last role User or Tool", on("mistral", USER, ASSISTANT)),
    Case("mistral.unanswered_call", "Not the same number", calling("mistral", USER)),
    Case(
        "mistral.unanswered_call",
        "of function calls and responses",
        on("mistral", ASSISTANT, RESULT),
    ),
    # vLLM
    Case("vllm.effort", "Input should be 'none'", on("vllm", reasoning_effort="ultra")),
    Case("vllm.template_arguments", "valid dictionary", on("vllm", chat_template_kwargs=[1])),
    Case("vllm.output_limit", "max_tokens must be at least 1, got 0.", on("vllm", max_tokens=0)),
    Case("vllm.temperature", "must be non-negative, got -1.", on("vllm", temperature=-1)),
    Case(
        "vllm.arguments",
        "Expecting value",
        calling("vllm", tool_calls=[{**CALLED, "function": {"name": "f", "arguments": ""}}]),
    ),
)


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.rule}-{number}" for number, case in enumerate(CASES)]
)
def test_each_rule_fires_in_the_vendors_words(case: Case) -> None:
    """A request that breaks one rule is refused by it, with the vendor's status and words."""
    refused = answer(case.vendor, case.body)

    assert (case.status, case.rule) == (refused.status, refused.headers["x-refused-by"])
    assert case.text in refused.body.decode().replace('\\"', '"')


KEYLESS: Final = ("vllm", "no_credential")  # a server of one's own asks nobody for a key


@pytest.mark.parametrize("vendor", MODELS)
def test_each_door_refuses_what_is_no_request(vendor: str) -> None:
    """A wrong path, no key, an unknown model and a body that is no JSON have their own rules."""
    body = orjson.dumps(chat(vendor, model="?"))
    refused = {
        "no_such_path": send(vendor, body, path="/responses"),
        "no_credential": send(vendor, body, key=""),
        "no_such_model": send(vendor, body),
        "json": send(vendor, b"{"),
    }
    fired = {reply.headers["x-refused-by"] for reply in refused.values()}

    assert {f"{vendor}.{end}" for end in refused if (vendor, end) != KEYLESS} == fired
    assert all(reply.status in (400, 401, 404) for reply in refused.values())


def test_every_rule_has_a_request_that_breaks_it() -> None:
    """No rule stands in the code that the tests do not know."""
    ends = ("no_such_path", "no_credential", "no_such_model", "json")
    doors = {f"{vendor}.{end}" for vendor in MODELS for end in ends} - {".".join(KEYLESS)}

    assert {case.rule for case in CASES} | doors == set(RULES)


def test_every_rule_is_sourced() -> None:
    """Each rule names the page that states it, or where its words were seen."""
    assert [] == [rule for rule, page in RULES.items() if not page.startswith("https://")]


@pytest.mark.parametrize(
    ("vendor", "key"),
    [
        ("openai", "error"),
        ("deepseek", "error"),
        ("openrouter", "error"),
        ("groq", "error"),
        ("xai", "code"),
        ("mistral", "object"),
        ("vllm", "error"),
    ],
)
def test_an_error_has_the_vendors_shape(vendor: str, key: str) -> None:
    """Each vendor writes its errors in its own way."""
    assert key in orjson.loads(send(vendor, b"{").body)


def test_openai_says_which_parameter_it_refuses() -> None:
    """The parameter and the code stand beside the words."""
    error = orjson.loads(answer("openai", openai(temperature=0)).body)["error"]

    assert ("temperature", "unsupported_value") == (error["param"], error["code"])


ACCEPTED: Final = (
    ("openai", openai(model="gpt-5.4", reasoning_effort="none", tools=TOOLS, temperature=0.5)),
    ("openai", openai(model="gpt-5.4", tools=TOOLS)),
    ("openai", openai(model="gpt-6-sol", reasoning_effort="none", tools=TOOLS)),
    ("groq", on("groq", model="llama-3.3-70b-versatile", max_completion_tokens=32_768)),
    ("openai", openai(model="gpt-4o-search-preview", web_search_options={}, max_tokens=9)),
    ("openai", openai(tools=TOOLS, tool_choice="auto", reasoning_effort="minimal")),
    ("openai", openai(tool_choice="none", stream=True, stream_options={"include_usage": True})),
    ("openai", calling("openai", RESULT, {**ASSISTANT, "content": [{"type": "text"}]}, USER)),
    ("deepseek", calling("deepseek", RESULT, reasoning_content="")),
    ("deepseek", {**calling("deepseek", RESULT), "thinking": {"type": "disabled"}}),
    ("deepseek", on("deepseek", USER, ASSISTANT, USER)),
    ("groq", on("groq", model="qwen/qwen3-32b", reasoning_format="parsed")),
    ("xai", on("xai", model="grok-4-1-fast-non-reasoning", stop="END")),
    ("mistral", calling("mistral", RESULT)),
    ("mistral", on("mistral", USER, {**ASSISTANT, "prefix": True})),
    ("mistral", on("mistral", {**ASSISTANT, "content": [{"type": "thinking"}]}, USER)),
    ("vllm", calling("vllm", RESULT)),
)


@pytest.mark.parametrize(("vendor", "body"), ACCEPTED)
def test_what_breaks_no_rule_is_answered(vendor: str, body: JSONObject) -> None:
    """The vendors' own examples are taken."""
    assert 200 == answer(vendor, body).status
