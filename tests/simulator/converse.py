"""Claude behind Bedrock's Converse API.

The shape of a request is checked against the service's own description, which botocore carries;
what the service refuses beyond that is here, and what the model refuses is that of its own API.

Sources, read 2026-11-22:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from itertools import pairwise
from typing import Any

import orjson
from botocore import loaders, model, validate

from tests.simulator import Answer, Refused, Rulebook, Speaker
from tests.simulator.claude import (
    aws_error,
    aws_headers,
    aws_model,
    find_model,
    read_betas,
    read_json,
)
from tests.simulator.claude_ask import BOOK, Ask, cited, lowered, sources
from tests.simulator.claude_models import MODELS
from tests.simulator.claude_replies import Said, compose, pieces
from tests.simulator.claude_shapes import check_body
from tests.simulator.converse_request import as_claude
from tests.wire.aws_frames import event

__all__ = ["CONVERSE_RULES", "bedrock_converse"]

JSONObject = dict[str, Any]

_API = "https://docs.aws.amazon.com/bedrock/latest/APIReference"
_CONVERSE = f"{_API}/API_runtime_Converse.html"
_MESSAGE = f"{_API}/API_runtime_Message.html"
_CALLING = "https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html"
_TOOL_USE = "https://docs.aws.amazon.com/bedrock/latest/userguide/tool-use-inference-call.html"

_PATH = re.compile(r"/model/([^/]+)/converse(?:-stream)?")

_BOOK: Rulebook[JSONObject] = Rulebook()
_rule = partial(cited, _BOOK, "converse", "ValidationException")


@cache
def _validator() -> tuple[validate.ParamValidator, model.Shape]:
    description = loaders.Loader().load_service_model("bedrock-runtime", "service-2")
    shape = model.ServiceModel(description, "bedrock-runtime").shape_for("ConverseRequest")
    return validate.ParamValidator(), shape


@_rule(f"{_CONVERSE}#API_runtime_Converse_RequestSyntax")
def parameters(body: JSONObject) -> str:
    if not isinstance(body, dict):
        return "The request body is no JSON object."
    validator, shape = _validator()
    report = validator.validate({"modelId": "anthropic.claude", **body}, shape)
    return report.generate_report() if report.has_errors() else ""


def _blocks(body: JSONObject, kind: str) -> Iterator[tuple[str, Any]]:
    for i, turn in enumerate(body["messages"]):
        for j, block in enumerate(turn["content"]):
            if kind in block:
                yield f"messages.{i}.content.{j}", block[kind]


_NAME = (re.compile(r"[a-zA-Z0-9_-]+"), 64)
_ID = (re.compile(r"[a-zA-Z0-9_.:-]+"), 64)


def _names(body: JSONObject) -> Iterator[tuple[str, str, tuple[re.Pattern[str], int]]]:
    for i, tool in enumerate((body.get("toolConfig") or {}).get("tools", ()), 1):
        if "toolSpec" in tool:
            yield f"toolConfig.tools.{i}.member.toolSpec.name", tool["toolSpec"]["name"], _NAME
    for path, block in _blocks(body, "toolUse"):
        yield f"{path}.toolUse.name", block["name"], _NAME
        yield f"{path}.toolUse.toolUseId", block["toolUseId"], _ID
    for path, block in _blocks(body, "toolResult"):
        yield f"{path}.toolResult.toolUseId", block["toolUseId"], _ID


@_rule(_CONVERSE)
def messages_required(body: JSONObject) -> str:
    return "" if body.get("messages") else "The messages field is required."


@_rule(f"{_API}/API_runtime_ToolSpecification.html")
def patterns(body: JSONObject) -> str:
    for path, name, (pattern, longest) in _names(body):
        failed = f"1 validation error detected: Value '{name}' at '{path}' failed to satisfy "
        if len(name) > longest:
            return f"{failed}constraint: Member must have length less than or equal to {longest}"
        if not pattern.fullmatch(name):
            return (
                f"{failed}constraint: Member must satisfy regular expression pattern: "
                f"{pattern.pattern}"
            )
    return ""


@_rule(_CALLING)
def first_user(body: JSONObject) -> str:
    if body["messages"][0]["role"] == "user":
        return ""
    return (
        "A conversation must start with a user message. Try again with a conversation that starts "
        "with a user message."
    )


@_rule(_CALLING)
def alternate(body: JSONObject) -> str:
    roles = [turn["role"] for turn in body["messages"]]
    if all(one != other for one, other in pairwise(roles)):
        return ""
    return (
        "A conversation must alternate between user and assistant roles. Make sure the "
        "conversation alternates between user and assistant roles and try again."
    )


@_rule(_MESSAGE)
def content_required(body: JSONObject) -> str:
    for i, turn in enumerate(body["messages"]):
        if not turn["content"]:
            return (
                f"The content field in the Message object at messages.{i} is empty. Add a "
                "ContentBlock object to the content field and try again."
            )
    return ""


@_rule(_MESSAGE)
def text_not_blank(body: JSONObject) -> str:
    for path, text in _blocks(body, "text"):
        if not text.strip():
            return (
                f"The text field in the ContentBlock object at {path} is blank. Add text to the "
                "text field, and try again."
            )
    return ""


@_rule(_MESSAGE)
def media_of_user(body: JSONObject) -> str:
    for kind in ("image", "document"):
        for path, _ in _blocks(body, kind):
            if body["messages"][int(path.split(".")[1])]["role"] != "user":
                return f"{path}: images and documents can only be in user messages."
    return ""


@_rule(_MESSAGE)
def document_with_text(body: JSONObject) -> str:
    for i, turn in enumerate(body["messages"]):
        kinds = {kind for block in turn["content"] for kind in block}
        if "document" in kinds and "text" not in kinds:
            return f"messages.{i}.content: a document needs a text block in the same message."
    return ""


@_rule(f"{_API}/API_runtime_CachePointBlock.html")
def cache_point_behind_block(body: JSONObject) -> str:
    tools = (body.get("toolConfig") or {}).get("tools", [])
    for blocks in (
        body.get("system") or [],
        tools,
        *(turn["content"] for turn in body["messages"]),
    ):
        if "cachePoint" in (blocks or [{}])[0]:
            return "A cachePoint must stand behind a block."
    return ""


@_rule(_TOOL_USE)
def tool_config_required(body: JSONObject) -> str:
    used = [*_blocks(body, "toolUse"), *_blocks(body, "toolResult")]
    if not used or body.get("toolConfig"):
        return ""
    return "The toolConfig field must be defined when using toolUse and toolResult content blocks."


def _ids(turn: JSONObject, kind: str) -> list[str]:
    return [block[kind]["toolUseId"] for block in turn["content"] if kind in block]


@_rule(_TOOL_USE)
def tool_results_required(body: JSONObject) -> str:
    turns = [*body["messages"], {"content": []}]
    for i, (turn, answer) in enumerate(pairwise(turns)):
        answered = _ids(answer, "toolResult")
        if missing := [call for call in _ids(turn, "toolUse") if call not in answered]:
            return (
                f"Expected toolResult blocks at messages.{i + 1}.content for the following Ids: "
                f"{', '.join(missing)}"
            )
    return ""


@_rule(_TOOL_USE)
def tool_results_known(body: JSONObject) -> str:
    turns = [{"content": []}, *body["messages"]]
    for i, (turn, answer) in enumerate(pairwise(turns)):
        if len(_ids(answer, "toolResult")) > len(_ids(turn, "toolUse")):
            return (
                f"The number of toolResult blocks at messages.{i}.content exceeds the number of "
                "toolUse blocks of previous turn."
            )
    return ""


@_rule(f"{_API}/API_runtime_ToolResultBlock.html")
def tool_error_explained(body: JSONObject) -> str:
    for path, result in _blocks(body, "toolResult"):
        if result.get("status") == "error" and not result["content"]:
            field = f"The content field at {path}.toolResult"
            return f"{field} cannot be empty when status value is error."
    return ""


# Unlike Anthropic's own API, which takes blank results.
@_rule(f"{_API}/API_runtime_ToolResultContentBlock.html")
def tool_result_not_blank(body: JSONObject) -> str:
    for _, result in _blocks(body, "toolResult"):
        for block in result["content"]:
            if "text" in block and not block["text"].strip():
                failed = "contain non-whitespace text" if block["text"] else "be non-empty"
                return (
                    "The model returned the following errors: messages: text content blocks must "
                    f"{failed}"
                )
    return ""


@_rule(f"{_API}/API_runtime_JsonSchemaDefinition.html")
def format_schema(body: JSONObject) -> str:
    form = (body.get("outputConfig") or {}).get("textFormat")
    try:
        schema = orjson.loads(form["structure"]["jsonSchema"]["schema"]) if form else {}
    except orjson.JSONDecodeError:
        schema = None
    return "" if isinstance(schema, dict) else "outputConfig.textFormat: the schema is no JSON."


@_rule(f"{_CONVERSE}#bedrock-runtime_Converse-request-additionalModelResponseFieldPaths")
def response_paths(body: JSONObject) -> str:
    paths = body.get("additionalModelResponseFieldPaths") or ()
    if all(path.startswith("/") and path != "/" for path in paths):
        return ""
    return "additionalModelResponseFieldPaths: a path is no JSON Pointer."


CONVERSE_RULES = sources(_BOOK)
"""The rules of the service itself, each with the page that states it."""


def bedrock_converse(
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    speak: Speaker,
    profiles: Mapping[str, str] | None = None,
) -> Answer:
    """`POST /model/{id}/converse` and `/converse-stream`, for Claude.

    `profiles` names the models behind ids that do not say them. The speaker is given the body as
    the API had it.
    """
    try:
        fields, ask = _read(path, lowered(headers), body, profiles or {})
    except Refused as refused:
        return aws_error(refused)
    said = compose(ask, speak(fields))
    more = _asked_for(fields, said)
    if path.endswith("stream"):
        return Answer(200, aws_headers(said, stream=True), b"".join(_events(said, more)))
    return Answer(200, aws_headers(said, stream=False), orjson.dumps(_whole(said, more)))


def _read(
    path: str, headers: Mapping[str, str], body: bytes, profiles: Mapping[str, str]
) -> tuple[JSONObject, Ask]:
    name = aws_model(_PATH.fullmatch(path), headers)
    known = find_model("bedrock", profiles.get(name, name))
    fields = read_json("bedrock", body)
    _BOOK.check(fields)
    request = as_claude(fields, MODELS[known].max_output)
    try:
        betas = read_betas("converse", request.get("anthropic_beta") or [])
        check_body("converse", request, sampling=True, betas=betas)
        ask = Ask("converse", name, known, request, "bedrock-2023-05-31", betas)
        BOOK.check(ask)
    except Refused as refused:
        message = f"The model returned the following errors: {refused.message}"
        raise Refused(refused.rule, message, 400, "ValidationException") from None
    return fields, ask


def _asked_for(fields: JSONObject, said: Said) -> JSONObject | None:
    """The fields of the model's own reply that the request names; only usage has any."""
    found: JSONObject = {}
    for path in fields.get("additionalModelResponseFieldPaths") or ():
        _, _, name = path.rpartition("/")
        if path == f"/usage/{name}" and name in said.usage:
            found.setdefault("usage", {})[name] = said.usage[name]
    return found or None


def _whole(said: Said, more: JSONObject | None) -> JSONObject:
    content: list[JSONObject] = []
    for block in said.content:
        match block["type"]:
            case "thinking":
                told = {"text": block["thinking"], "signature": block["signature"]}
                content.append({"reasoningContent": {"reasoningText": told}})
            case "redacted_thinking":
                content.append({"reasoningContent": {"redactedContent": _blob(block["data"])}})
            case "tool_use":
                call = {"toolUseId": block["id"], "name": block["name"], "input": block["input"]}
                content.append({"toolUse": call})
            case _:
                content.append({"text": block["text"]})
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": said.stop_reason,
        **_ending(said),
        **({"additionalModelResponseFields": more} if more else {}),
    }


def _ending(said: Said) -> JSONObject:
    read, written = said.usage["input_tokens"], said.usage["output_tokens"]
    usage = {"inputTokens": read, "outputTokens": written, "totalTokens": read + written}
    cached = {"cacheReadInputTokens": 0, "cacheWriteInputTokens": 0}
    return {"usage": usage | cached, "metrics": {"latencyMs": 1000}}


def _blob(data: str) -> str:
    return base64.b64encode(data.encode()).decode()


def _events(said: Said, more: JSONObject | None) -> Iterator[bytes]:
    yield event("messageStart", role="assistant")
    for index, block in enumerate(said.content):
        if block["type"] == "tool_use":
            start = {"toolUse": {"toolUseId": block["id"], "name": block["name"]}}
            yield event("contentBlockStart", contentBlockIndex=index, start=start)
        for delta in _deltas(block):
            yield event("contentBlockDelta", contentBlockIndex=index, delta=delta)
        yield event("contentBlockStop", contentBlockIndex=index)
    extra = {"additionalModelResponseFields": more} if more else {}
    yield event("messageStop", stopReason=said.stop_reason, **extra)
    yield event("metadata", **_ending(said))


def _deltas(block: JSONObject) -> list[JSONObject]:
    match block["type"]:
        case "thinking":
            texts = pieces(block["thinking"]) if block["thinking"] else []
            told = [{"reasoningContent": {"text": piece}} for piece in texts]
            return [*told, {"reasoningContent": {"signature": block["signature"]}}]
        case "redacted_thinking":
            return [{"reasoningContent": {"redactedContent": _blob(block["data"])}}]
        case "tool_use":
            given = orjson.dumps(block["input"]).decode()
            return [{"toolUse": {"input": piece}} for piece in pieces(given)]
        case _:
            return [{"text": piece} for piece in pieces(block["text"])]
