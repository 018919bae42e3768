"""Settings that the simulated Claude refuses, and the words it does so in."""

from __future__ import annotations

from typing import Any

from tests.simulator.claude_scene import TOOL, body, user

__all__ = ["SETTINGS"]

ENABLED = {"type": "enabled", "budget_tokens": 2048}
ADAPTIVE = {"type": "adaptive"}
MARKED: dict[str, Any] = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
LONG: dict[str, Any] = MARKED | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def shaped(schema: Any) -> dict[str, Any]:
    """The output config that asks for a schema."""
    return {"format": {"type": "json_schema", "schema": schema}}


OFF = "is not supported when thinking is disabled on this model."
DEPTH = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
CONSIDER = (
    "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/"
    "extended-thinking#important-considerations-when-using-extended-thinking"
)

SETTINGS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "max_tokens_ceiling",
        (
            "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for "
            "claude-sonnet-4-5"
        ),
        body(max_tokens=64_001),
    ),
    (
        "enabled_supported",
        f'"thinking.type.enabled" is not supported for this model. {DEPTH}',
        body("claude-opus-4-7", thinking=ENABLED),
    ),
    (
        "adaptive_supported",
        "adaptive thinking is not supported on this model",
        body("claude-opus-4-5", thinking=ADAPTIVE),
    ),
    (
        "disabled_supported",
        f'"thinking.type.disabled" is not supported for this model. {DEPTH}',
        body("claude-opus-5-5", thinking={"type": "disabled"}),
    ),
    (
        "disabled_supported",
        (
            '"thinking.type.disabled" is not supported for this model. Use '
            '"thinking.type.between_tools" for the lowest thinking setting, or '
            f"{DEPTH.removeprefix('Use ')}"
        ),
        body("claude-sonnet-5-5", thinking={"type": "disabled"}),
    ),
    (
        "disabled_supported",
        (
            '"thinking.type.disabled" is not supported for this model. Thinking defaults to '
            "adaptive "
            'mode when not specified; use "thinking.type.enabled" with "budget_tokens" for '
            "extended "
            "thinking."
        ),
        body("claude-mythos-preview", thinking={"type": "disabled"}),
    ),
    (
        "between_tools_supported",
        '"thinking.type.between_tools" is not supported for this model.',
        body("claude-opus-5-5", thinking={"type": "between_tools"}),
    ),
    (
        "budget_below_max_tokens",
        (
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our "
            "documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
            "#max-tokens-and-context-window-size"
        ),
        body(thinking={"type": "enabled", "budget_tokens": 4096}),
    ),
    (
        "effort_parameter",
        "This model does not support the effort parameter.",
        body("claude-haiku-4-5", output_config={"effort": "low"}),
    ),
    (
        "effort_level",
        (
            "This model does not support effort level 'xhigh'. "
            "Supported levels: high, low, max, medium."
        ),
        body("claude-sonnet-4-6", thinking=ADAPTIVE, output_config={"effort": "xhigh"}),
    ),
    (
        "effort_without_thinking",
        f"output_config.effort 'max' {OFF} Use effort 'high' or below, or enable thinking.",
        body("claude-opus-5", thinking={"type": "disabled"}, output_config={"effort": "max"}),
    ),
    (
        "effort_without_thinking",
        f"output_config.effort 'xhigh' {OFF} Use effort 'high' or below, or enable thinking.",
        body(
            "claude-sonnet-5-5",
            thinking={"type": "between_tools"},
            output_config={"effort": "xhigh"},
        ),
    ),
    (
        "sampling_default_only",
        "`temperature` is deprecated for this model.",
        body("claude-opus-4-7", temperature=0.2),
    ),
    (
        "sampling_default_only",
        "`top_k` is deprecated for this model.",
        body("claude-haiku-5-5", temperature=1, top_k=3),
    ),
    (
        "sampling_one_only",
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        body("claude-opus-4-1", temperature=0.5, top_p=0.5),
    ),
    (
        "temperature_with_thinking",
        f"`temperature` may only be set to 1 when thinking is enabled. {CONSIDER}",
        body(thinking=ENABLED, temperature=0.5),
    ),
    (
        "top_k_with_thinking",
        f"`top_k` must be unset when thinking is enabled. {CONSIDER}",
        body(thinking=ENABLED, top_k=5),
    ),
    (
        "top_p_with_thinking",
        (
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled. "
            f"{CONSIDER}"
        ),
        body(thinking=ENABLED, top_p=0.9),
    ),
    (
        "forced_tools_supported",
        'tool_choice: type "tool" and "any" are not supported for this model.',
        body("claude-fable-5-1", tools=[TOOL], tool_choice={"type": "any"}),
    ),
    (
        "forced_tools_with_thinking",
        "Thinking may not be enabled when tool_choice forces tool use.",
        body(tools=[TOOL], tool_choice={"type": "any"}, thinking=ENABLED),
    ),
    (
        "tool_choice_without_tools",
        "tool_choice: tool_choice may only be specified while providing tools.",
        body(tool_choice={"type": "auto"}),
    ),
    (
        "tool_choice_known",
        "tool_choice.name: Tool 'lose' not found in provided tools",
        body(tools=[TOOL], tool_choice={"type": "tool", "name": "lose"}),
    ),
    ("tool_names_unique", "tools: Tool names must be unique.", body(tools=[TOOL, TOOL])),
    (
        "stop_sequences_not_blank",
        "stop_sequences: each stop sequence must contain non-whitespace",
        body(stop_sequences=["END", "\n"]),
    ),
    (
        "stop_sequences_not_blank",
        "stop_sequences: each stop sequence must be non-empty",
        body(stop_sequences=[""]),
    ),
    (
        "format_supported",
        "'claude-opus-4-1' does not support output format.",
        body("claude-opus-4-1", output_config=shaped({})),
    ),
    (
        "format_objects_closed",
        (
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be "
            "explicitly "
            "set to false"
        ),
        body(output_config=shaped({"anyOf": [{"type": "object"}]})),
    ),
    (
        "format_keywords",
        "output_config.format.schema: For 'integer' type, property 'minimum' is not supported",
        body(output_config=shaped({"type": "integer", "minimum": 1})),
    ),
    (
        "cache_control_limit",
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        body("claude-opus-5", user(*[MARKED] * 4), system=[MARKED]),
    ),
    (
        "cache_control_order",
        (
            "cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' "
            "cache_control block. Note that blocks are processed in the following order: `tools`, "
            "`system`, `messages`."
        ),
        body("claude-opus-5", user(LONG), system=[MARKED]),
    ),
]
