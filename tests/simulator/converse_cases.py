"""Requests that the simulated Converse API refuses, and the words it does so in."""

from __future__ import annotations

from typing import Any

__all__ = ["CASES", "TOOLS", "base", "called", "user"]

JSONObject = dict[str, Any]

TOOLS: JSONObject = {
    "tools": [{"toolSpec": {"name": "find", "inputSchema": {"json": {"type": "object"}}}}]
}
PDF: JSONObject = {"document": {"format": "pdf", "name": "x", "source": {"bytes": "eA=="}}}
IMAGE: JSONObject = {"image": {"format": "png", "source": {"bytes": "eA=="}}}


def user(*content: JSONObject | str) -> JSONObject:
    """A user's message of texts and other blocks."""
    blocks = [{"text": each} if isinstance(each, str) else each for each in content]
    return {"role": "user", "content": blocks}


def said(*content: JSONObject | str) -> JSONObject:
    """An assistant's message of texts and other blocks."""
    return user(*content) | {"role": "assistant"}


def base(*turns: JSONObject, **fields: Any) -> JSONObject:
    """A request with the turns after a user's first one."""
    return {"messages": [user("Hi"), *turns], **fields}


def called(name: str = "find", call: str = "tooluse_1") -> JSONObject:
    """A call."""
    return {"toolUse": {"toolUseId": call, "name": name, "input": {}}}


def result(call: str = "tooluse_1", **fields: Any) -> JSONObject:
    """The answer to a call."""
    whole = {"toolUseId": call, "content": [{"text": "ok"}], **fields}
    return {"toolResult": whole}


def formed(schema: str) -> JSONObject:
    """The output config that asks for a schema."""
    structure = {"jsonSchema": {"schema": schema}}
    return {"textFormat": {"type": "json_schema", "structure": structure}}


FAILED = "1 validation error detected: Value "
MODEL = "The model returned the following errors: "

CASES: list[tuple[str, str, Any]] = [
    ("converse.parameters", "The request body is no JSON object.", []),
    (
        "converse.parameters",
        (
            'Unknown parameter in input: "thinking", must be one of: modelId, messages, system, '
            "inferenceConfig, toolConfig, guardrailConfig, additionalModelRequestFields, "
            "promptVariables, additionalModelResponseFieldPaths, requestMetadata, "
            "performanceConfig, serviceTier, outputConfig"
        ),
        base(thinking={}),
    ),
    ("converse.messages_required", "The messages field is required.", {"messages": []}),
    (
        "converse.patterns",
        (
            f"{FAILED}'a.b' at 'messages.1.content.0.toolUse.name' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"
        ),
        base(said(called("a.b")), user(result()), toolConfig=TOOLS),
    ),
    (
        "converse.patterns",
        (
            f"{FAILED}'{'x' * 65}' at 'messages.2.content.0.toolResult.toolUseId' failed to "
            "satisfy constraint: Member must have length less than or equal to 64"
        ),
        base(said(called()), user(result("x" * 65)), toolConfig=TOOLS),
    ),
    (
        "converse.first_user",
        (
            "A conversation must start with a user message. Try again with a conversation that "
            "starts with a user message."
        ),
        {"messages": [said("Hi"), user("Hi")]},
    ),
    (
        "converse.alternate",
        (
            "A conversation must alternate between user and assistant roles. Make sure the "
            "conversation alternates between user and assistant roles and try again."
        ),
        base(user("And?")),
    ),
    (
        "converse.content_required",
        (
            "The content field in the Message object at messages.1 is empty. Add a ContentBlock "
            "object to the content field and try again."
        ),
        base(said(), user("And?")),
    ),
    (
        "converse.text_not_blank",
        (
            "The text field in the ContentBlock object at messages.1.content.0 is blank. Add text "
            "to the text field, and try again."
        ),
        base(said(" "), user("And?")),
    ),
    (
        "converse.media_of_user",
        "messages.1.content.0: images and documents can only be in user messages.",
        base(said(IMAGE), user("And?")),
    ),
    (
        "converse.document_with_text",
        "messages.0.content: a document needs a text block in the same message.",
        {"messages": [user(PDF)]},
    ),
    (
        "converse.cache_point_behind_block",
        "A cachePoint must stand behind a block.",
        base(system=[{"cachePoint": {"type": "default"}}]),
    ),
    (
        "converse.tool_config_required",
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        base(said(called()), user(result())),
    ),
    (
        "converse.tool_results_required",
        "Expected toolResult blocks at messages.2.content for the following Ids: tooluse_1",
        base(said(called()), user("And?"), toolConfig=TOOLS),
    ),
    (
        "converse.tool_results_known",
        (
            "The number of toolResult blocks at messages.2.content exceeds the number of toolUse "
            "blocks of previous turn."
        ),
        base(said("Yes."), user(result()), toolConfig=TOOLS),
    ),
    (
        "converse.tool_error_explained",
        (
            "The content field at messages.2.content.0.toolResult cannot be empty when status "
            "value is error."
        ),
        base(said(called()), user(result(status="error", content=[])), toolConfig=TOOLS),
    ),
    (
        "converse.tool_result_not_blank",
        f"{MODEL}messages: text content blocks must be non-empty",
        base(said(called()), user(result(content=[{"text": ""}])), toolConfig=TOOLS),
    ),
    (
        "converse.format_schema",
        "outputConfig.textFormat: the schema is no JSON.",
        base(outputConfig=formed("{")),
    ),
    (
        "converse.response_paths",
        "additionalModelResponseFieldPaths: a path is no JSON Pointer.",
        base(additionalModelResponseFieldPaths=["usage"]),
    ),
    (
        "claude.field_required",
        f"{MODEL}messages.1.content.0.thinking.signature: Field required",
        base(said({"reasoningContent": {"reasoningText": {"text": "Hm."}}}), user("And?")),
    ),
    (
        "claude.enabled_supported",
        (
            f'{MODEL}"thinking.type.enabled" is not supported for this model. Use '
            '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        ),
        base(
            additionalModelRequestFields={"thinking": {"type": "enabled", "budget_tokens": 1024}},
            inferenceConfig={"maxTokens": 4096},
        ),
    ),
    (
        "claude.betas_known",
        f"{MODEL}invalid beta flag",
        base(additionalModelRequestFields={"anthropic_beta": ["x-2026"]}),
    ),
]
