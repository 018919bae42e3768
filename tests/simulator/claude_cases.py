"""Requests that one rule of the simulated Claude refuses, and the words it does so in."""

from __future__ import annotations

from typing import Any

from tests.simulator.claude_scene import TOOL, body, said, user

__all__ = ["SHAPES", "TURNS"]

ADAPTIVE = {"type": "adaptive"}
USE: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {}}
RESULT: dict[str, Any] = {"type": "tool_result", "tool_use_id": "toolu_1"}


SHAPES: list[tuple[str, str, dict[str, Any]]] = [
    ("extra_inputs", "seed: Extra inputs are not permitted", body(seed=1)),
    (
        "extra_inputs",
        "messages.1.content.0.thinking.cache_control: Extra inputs are not permitted",
        body(
            "claude-sonnet-4-5",
            said({"type": "thinking", "thinking": "", "signature": "", "cache_control": {}}),
        ),
    ),
    (
        "extra_inputs",
        "thinking.adaptive.budget_tokens: Extra inputs are not permitted",
        body("claude-opus-5-5", thinking=ADAPTIVE | {"budget_tokens": 2048}),
    ),
    (
        "extra_inputs",
        "thinking.disabled.display: Extra inputs are not permitted",
        body(thinking={"type": "disabled", "display": "omitted"}),
    ),
    (
        "extra_inputs",
        "thinking.adaptive.block_binding: Extra inputs are not permitted",
        body("claude-opus-5-5", thinking=ADAPTIVE | {"block_binding": {}}),
    ),
    ("field_required", "max_tokens: Field required", body(max_tokens=None)),
    (
        "field_required",
        "messages.1.content.0.thinking.signature: Field required",
        body("claude-sonnet-4-5", said({"type": "thinking", "thinking": "hm"})),
    ),
    (
        "field_required",
        "thinking.enabled.budget_tokens: Field required",
        body(thinking={"type": "enabled"}),
    ),
    (
        "field_required",
        "tools.0.custom.input_schema.type: Field required",
        body(tools=[{"name": "find", "input_schema": {}}]),
    ),
    ("field_type", "max_tokens: Input should be a valid integer", body(max_tokens="9")),
    ("field_type", "stream: Input should be a valid boolean", body(stream=1)),
    ("field_type", "temperature: Input should be a valid number", body(temperature="1")),
    ("field_type", "tools: Input should be a valid list", body(tools={})),
    ("field_type", "stop_sequences.0: Input should be a valid string", body(stop_sequences=[1])),
    (
        "field_type",
        "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
        body("claude-sonnet-4-5", said(USE | {"input": "{}"})),
    ),
    (
        "field_range",
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        body(thinking={"type": "enabled", "budget_tokens": 1023}),
    ),
    ("field_range", "temperature: range: 0..1", body(temperature=1.5)),
    (
        "unknown_tag",
        (
            "thinking: Input tag 'on' found using 'type' does not match any of the expected tags: "
            "'adaptive', 'between_tools', 'disabled', 'enabled'"
        ),
        body(thinking={"type": "on"}),
    ),
    (
        "unknown_value",
        "thinking.adaptive.display: Input should be 'summarized' or 'omitted'",
        body("claude-opus-5-5", thinking=ADAPTIVE | {"display": "updates"}),
    ),
    (
        "unknown_value",
        "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
        body("claude-opus-5-5", output_config={"effort": "none"}),
    ),
    (
        "pattern",
        "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
        body(tools=[TOOL | {"name": "a.b"}]),
    ),
    (
        "pattern",
        "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        body("claude-sonnet-4-5", said(USE | {"id": "a:b"})),
    ),
]

TURNS: list[tuple[str, str, dict[str, Any]]] = [
    ("messages_not_empty", "messages: at least one message is required", body(messages=[])),
    (
        "system_role_supported",
        "role 'system' is not supported on this model",
        body("claude-sonnet-5", {"role": "system", "content": "Be brief."}),
    ),
    (
        "system_role_place",
        "messages.1: role 'system' must precede an 'assistant' message or end the array",
        body("claude-opus-5", {"role": "system", "content": "Be brief."}, user("And?")),
    ),
    (
        "first_message_user",
        'messages: first message must use the "user" role',
        body(messages=[said("Hi"), user("Hi")]),
    ),
    (
        "blocks_of_role",
        "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages",
        body(messages=[user(USE)]),
    ),
    (
        "blocks_of_role",
        "messages.1.content.0: `image` blocks can only be in `user` messages",
        body(
            "claude-sonnet-4-5",
            said({"type": "image", "source": {"type": "url", "url": "https://a.test/b.png"}}),
        ),
    ),
    (
        "user_not_empty",
        "messages.1: user messages must have non-empty content",
        body("claude-opus-5", user("")),
    ),
    (
        "text_not_empty",
        "messages: text content blocks must be non-empty",
        body("claude-opus-5", user("x", "")),
    ),
    (
        "text_not_empty",
        "system: text content blocks must be non-empty",
        body(system=[{"type": "text", "text": ""}]),
    ),
    (
        "text_not_blank",
        "messages: text content blocks must contain non-whitespace text",
        body("claude-opus-5", said(" \n"), user("x")),
    ),
    (
        "tool_use_ids_unique",
        "messages.1.content.1: `tool_use` ids must be unique",
        body("claude-opus-5", said(USE, USE), user(RESULT), tools=[TOOL]),
    ),
    (
        "tool_use_answered",
        (
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
            "toolu_1. Each `tool_use` block must have a corresponding `tool_result` block "
            "in the next "
            "message."
        ),
        body("claude-opus-5", said(USE), user("Never mind", RESULT), tools=[TOOL]),
    ),
    (
        "tool_result_known",
        (
            "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: "
            "toolu_1. "
            "Each `tool_result` block must have a corresponding `tool_use` block in the previous "
            "message."
        ),
        body(messages=[user(RESULT)], tools=[TOOL]),
    ),
    (
        "tool_result_once",
        (
            "messages.2.content.1: each tool_use must have a single result. Found multiple "
            "`tool_result` blocks with id: toolu_1"
        ),
        body("claude-opus-5", said(USE), user(RESULT, RESULT), tools=[TOOL]),
    ),
    (
        "prefill_supported",
        (
            "This model does not support assistant message prefill. The conversation must "
            "end with a "
            "user message."
        ),
        body("claude-opus-4-6", said("It is")),
    ),
    (
        "prefill_whitespace",
        "messages: final assistant content cannot end with trailing whitespace",
        body("claude-sonnet-4-5", said("It is ")),
    ),
    (
        "tools_defined",
        "Requests which include `tool_use` or `tool_result` blocks must define tools.",
        body("claude-opus-5", said(USE), user(RESULT)),
    ),
]
