"""Requests that the simulated Claude refuses at a door, or for the thinking that they carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from tests.simulator import Answer, Reply, sealed
from tests.simulator.claude import bedrock_invoke, messages_api, vertex_claude
from tests.simulator.claude_scene import CALL, HEADERS, TOOL, body, looped, said, sent, user

__all__ = ["DOORS", "SIGNED"]

JSONObject = dict[str, Any]
Content = list[JSONObject]

ENABLED = {"type": "enabled", "budget_tokens": 2048}
SHOWN = {"type": "adaptive", "display": "summarized"}
THINKS = Reply("Let me see.", "I look.", (CALL, CALL), interleaved=True)
HIDDEN = Reply("Let me see.", "I look.", (CALL,), redacted=True)
BETA = "thinking-binding-controls-2026-08-01"

OPUS = body("claude-opus-4-8", thinking=SHOWN, tools=[TOOL])
BOUND = body("claude-opus-5-5", thinking=SHOWN, tools=[TOOL])
MANUAL = body("claude-sonnet-4-5", thinking=ENABLED, tools=[TOOL])


def posted(path: str, headers: Mapping[str, str], fields: Any) -> Answer:
    """What the Messages API answers to headers of one's own."""
    return messages_api(path, headers, orjson.dumps(fields), lambda _: Reply(text="Yes."))


def at_vertex(model: str, fields: JSONObject, **headers: str) -> Answer:
    """What Vertex AI answers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/v1/projects/p/locations/global/publishers/anthropic/models/{model}:rawPredict"
    return vertex_claude(path, named, orjson.dumps(fields), lambda _: Reply(text="Yes."))


def at_bedrock(model: str, fields: JSONObject, **headers: str) -> Answer:
    """What InvokeModel answers."""
    path = f"/model/{model}/invoke"
    return bedrock_invoke(path, headers, orjson.dumps(fields), lambda _: Reply(text="Yes."))


def cloud(version: str, **fields: Any) -> JSONObject:
    """A request as the clouds have it."""
    return body(model=None, anthropic_version=version, **fields)


VERTEX = cloud("vertex-2023-10-16")
BEDROCK = cloud("bedrock-2023-05-31")
PDF: JSONObject = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "x"},
}
CITED: JSONObject = {"type": "text", "text": "x", "citations": [{}]}
NEW = {"anthropic_version": "2026-10-21"}

DOORS: list[tuple[str, int, str, Callable[[], Answer]]] = [
    ("path", 404, "Not Found", lambda: posted("/v1/complete", HEADERS, body())),
    ("path", 404, "Not Found", lambda: vertex_claude("/v1/x", {}, b"", lambda _: Reply())),
    ("path", 404, "Unknown operation", lambda: bedrock_invoke("/x", {}, b"", lambda _: Reply())),
    (
        "credentials",
        401,
        "x-api-key header is required",
        lambda: posted("/v1/messages", {}, body()),
    ),
    (
        "credentials",
        401,
        "Request is missing required authentication credential.",
        lambda: at_vertex("claude-opus-5", VERTEX),
    ),
    (
        "credentials",
        403,
        "Missing Authentication Token",
        lambda: at_bedrock("anthropic.claude-opus-5", BEDROCK),
    ),
    (
        "body_size",
        413,
        "Request exceeds the maximum size",
        lambda: sent(body(system="x" * 32_000_000)),
    ),
    (
        "body_json",
        400,
        "The request body is not valid JSON: unexpected end of data: line 1 column 2 (char 1)",
        lambda: messages_api("/v1/messages", HEADERS, b"{", lambda _: Reply()),
    ),
    (
        "version_required",
        400,
        "anthropic-version: header is required",
        lambda: posted("/v1/messages", {"X-Api-Key": "k"}, body()),
    ),
    (
        "version_required",
        400,
        "anthropic_version: Field is required",
        lambda: at_bedrock("anthropic.claude-opus-5", body(), authorization="AWS4 x"),
    ),
    (
        "version_known",
        400,
        'anthropic-version: "2024-01-01" is not a valid version',
        lambda: sent(body(), anthropic_version="2024-01-01"),
    ),
    (
        "version_known",
        400,
        'anthropic_version: "2026-10-21" is not a valid version',
        lambda: at_bedrock(
            "anthropic.claude-opus-4-6-v1", cloud("2026-10-21"), authorization="AWS4 x"
        ),
    ),
    (
        "version_not_in_header",
        400,
        "anthropic-version: send `anthropic_version` in the body",
        lambda: at_vertex(
            "claude-opus-5", VERTEX, authorization="Bearer x", anthropic_version="2023-06-01"
        ),
    ),
    (
        "betas_known",
        400,
        (
            "Unexpected value(s) `x-2026` for the `anthropic-beta` header. Please consult our "
            "documentation at docs.anthropic.com or try again without the header."
        ),
        lambda: sent(body(), anthropic_beta=f"{BETA}, x-2026"),
    ),
    (
        "betas_known",
        400,
        "invalid beta flag",
        lambda: at_bedrock(
            "anthropic.claude-opus-5",
            BEDROCK | {"anthropic_beta": ["x-2026"]},
            authorization="AWS4 x",
        ),
    ),
    ("model_known", 404, "model: claude-opus-9", lambda: sent(body("claude-opus-9"))),
    (
        "model_known",
        400,
        "The provided model identifier is invalid.",
        lambda: at_bedrock("claude-opus-5", BEDROCK, authorization="AWS4 x"),
    ),
    (
        "extra_inputs",
        400,
        "temperature: Extra inputs are not permitted",
        lambda: sent(body(temperature=1), **NEW),
    ),
    (
        "extra_inputs",
        400,
        "model: Extra inputs are not permitted",
        lambda: at_vertex("claude-opus-5", VERTEX | {"model": "x"}, authorization="Bearer x"),
    ),
    (
        "extra_inputs",
        400,
        "stream: Extra inputs are not permitted",
        lambda: at_bedrock(
            "anthropic.claude-opus-5", BEDROCK | {"stream": True}, authorization="AWS4 x"
        ),
    ),
    (
        "citations_of_user",
        400,
        "messages.1.content.0.text.citations: Extra inputs are not permitted",
        lambda: sent(body("claude-opus-5", user(CITED)), **NEW),
    ),
    (
        "blocks_of_role",
        400,
        "messages.1.content.0: `document` blocks can only be in `user` messages",
        lambda: sent(body("claude-opus-5", said(PDF), user("x")), **NEW),
    ),
    (
        "format_supported",
        400,
        "'anthropic.claude-opus-4-8' does not support output format.",
        lambda: at_bedrock(
            "anthropic.claude-opus-4-8",
            BEDROCK | {"output_config": {"format": {"type": "json_schema", "schema": {}}}},
            authorization="AWS4 x",
        ),
    ),
]


def edited(index: int, **fields: Any) -> Callable[[Content], Content]:
    """A reply's content with a block changed."""
    return lambda content: [
        block | fields if i == index else block for i, block in enumerate(content)
    ]


def without(index: int) -> Callable[[Content], Content]:
    """A reply's content without one block."""
    return lambda content: [*content[:index], *content[index + 1 :]]


def gathered(content: Content) -> Content:
    """A reply's content with its thinking first."""
    return sorted(content, key=lambda block: block["type"] != "thinking")


def grown(first: Callable[[Content], Content] = list) -> JSONObject:
    """A conversation of three replies with thinking, the first of which is changed afterwards."""
    fields = looped(looped(BOUND, THINKS), Reply("So.", "Found."))
    fields = looped(fields, Reply("And so.", "Done."))
    turns = fields["messages"]
    kept = first(turns[1]["content"])
    return fields | {"messages": [turns[0], said(*kept), *turns[2:]]}


GEMINI = sealed("gemini", kind="thinking")
MODIFIED = (
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. "
    "These blocks must remain as they were in the original response."
)
ELSEWHERE = (
    "Invalid `signature` in `thinking` block. The block is bound to a different conversation. "
    'Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
)
HEADER = f" That setting requires the `{BETA}` value in the `anthropic-beta` header."
START = (
    "Expected `thinking` or `redacted_thinking`, but found `text`. When `thinking` is enabled, a "
    "final `assistant` message must start with a thinking block (preceeding the lastmost set of "
    "`tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous "
    "turns. To avoid this requirement, disable `thinking`. Please consult our documentation at "
    "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
)

SIGNED: list[tuple[str, str, Callable[[], JSONObject]]] = [
    (
        "signature_valid",
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        lambda: looped(OPUS, THINKS, edited(0, signature=GEMINI)),
    ),
    (
        "signature_valid",
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        lambda: grown(edited(0, thinking="I know better.")),
    ),
    (
        "redacted_data_valid",
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
        lambda: looped(OPUS, HIDDEN, edited(0, data="Zm9yZWlnbg==")),
    ),
    (
        "assistant_ends_without_thinking",
        "messages.1: The final block in an assistant message cannot be `thinking`.",
        lambda: looped(OPUS, Reply("Hm.", "Yes."), without(1)),
    ),
    (
        "turn_starts_with_thinking",
        f"messages.1.content.0.type: {START}",
        lambda: looped(MANUAL, Reply("Hm.", "I look.", (CALL,)), without(0)),
    ),
    (
        "thinking_unmodified",
        f"messages.1.content.0: {MODIFIED}",
        lambda: looped(OPUS, THINKS, edited(0, thinking="Let me see")),
    ),
    (
        "thinking_unmodified",
        f"messages.1.content.0: {MODIFIED}",
        lambda: looped(OPUS, THINKS, without(2)),
    ),
    (
        "thinking_unmodified",
        f"messages.1.content.1: {MODIFIED}",
        lambda: looped(OPUS, THINKS, gathered),
    ),
    (
        "thinking_bound",
        (
            f"messages.1.content.0: {ELSEWHERE}{HEADER} The `system` prompt differs from the "
            "one this "
            "block was created with."
        ),
        lambda: looped(BOUND, THINKS) | {"system": "Be brief."},
    ),
    (
        "thinking_bound",
        (
            f"messages.1.content.0: {ELSEWHERE}{HEADER} The `tools` list differs from the one this "
            "block was created with."
        ),
        lambda: looped(BOUND, THINKS) | {"tools": [TOOL | {"description": "Finds."}]},
    ),
    (
        "thinking_bound",
        (
            f"messages.1.content.2: {ELSEWHERE}{HEADER} Content before this block differs "
            "from when "
            "this block was created."
        ),
        lambda: grown(edited(1, text="I looked.")),
    ),
    (
        "thinking_bound",
        (
            f"messages.1.content.3: {ELSEWHERE}{HEADER} A thinking block before this block "
            "is missing "
            "from this request."
        ),
        lambda: grown(without(2)),
    ),
]
