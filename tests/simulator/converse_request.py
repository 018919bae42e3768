"""A Converse request as the Messages request that Bedrock makes of it for Claude.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html, read
2026-11-22.
"""

from __future__ import annotations

import base64
from typing import Any

import orjson

__all__ = ["as_claude"]

JSONObject = dict[str, Any]


def as_claude(body: JSONObject, most: int) -> JSONObject:
    """The request in Claude's words; without a limit, `most` tokens are asked for."""
    settings = body.get("inferenceConfig") or {}
    names = {"temperature": "temperature", "topP": "top_p", "stopSequences": "stop_sequences"}
    request: JSONObject = {
        "max_tokens": settings.get("maxTokens", most),
        "messages": [
            {"role": turn["role"], "content": _content(turn["content"])}
            for turn in body["messages"]
        ],
    }
    request |= {named: settings[name] for name, named in names.items() if name in settings}
    if body.get("system"):
        request["system"] = _content(body["system"])
    if body.get("toolConfig"):
        request |= _tools(body["toolConfig"])
    if output := _output(body.get("outputConfig") or {}):
        request["output_config"] = output
    return request | (body.get("additionalModelRequestFields") or {})


def _content(given: list[JSONObject]) -> list[JSONObject]:
    """The blocks; a cache point is a mark on the block before it."""
    content: list[JSONObject] = []
    for block in given:
        [(kind, value)] = block.items()
        if kind == "cachePoint":
            lifetime = {"ttl": value["ttl"]} if "ttl" in value else {}
            content[-1]["cache_control"] = {"type": "ephemeral", **lifetime}
        else:
            content.append(_block(kind, value))
    return content


def _block(kind: str, value: Any) -> JSONObject:
    match kind:
        case "text":
            return {"type": "text", "text": value}
        case "reasoningContent":
            return _reasoning(value)
        case "toolUse":
            called = {"id": value["toolUseId"], "name": value["name"], "input": value["input"]}
            return {"type": "tool_use", **called}
        case "toolResult":
            return {
                "type": "tool_result",
                "tool_use_id": value["toolUseId"],
                "content": _content(value["content"]),
                "is_error": value.get("status") == "error",
            }
        case "json":
            return {"type": "text", "text": orjson.dumps(value).decode()}
        case "image":
            media_type = f"image/{value['format']}"
            source = {"type": "base64", "media_type": media_type, "data": value["source"]["bytes"]}
            return {"type": "image", "source": source}
        case "document":
            return {"type": "document", "source": _document(value), "title": value["name"]}
        case _:
            return {"type": kind}


def _reasoning(value: JSONObject) -> JSONObject:
    if "redactedContent" in value:
        data = base64.b64decode(value["redactedContent"]).decode(errors="replace")
        return {"type": "redacted_thinking", "data": data}
    told = value["reasoningText"]
    signed = {"signature": told["signature"]} if "signature" in told else {}
    return {"type": "thinking", "thinking": told["text"], **signed}


def _document(value: JSONObject) -> JSONObject:
    """Bedrock reads other formats itself, and gives the model their text."""
    data = value["source"]["bytes"]
    if value["format"] == "pdf":
        return {"type": "base64", "media_type": "application/pdf", "data": data}
    return {"type": "text", "media_type": "text/plain", "data": data}


def _tools(config: JSONObject) -> JSONObject:
    tools: list[JSONObject] = []
    for tool in config["tools"]:
        if "cachePoint" in tool:
            tools[-1]["cache_control"] = {"type": "ephemeral"}
            continue
        spec = tool["toolSpec"]
        optional = {name: spec[name] for name in ("description", "strict") if name in spec}
        schema = spec["inputSchema"]["json"]
        tools.append({"name": spec["name"], "input_schema": schema, **optional})
    fields: JSONObject = {"tools": tools}
    for kind, value in (config.get("toolChoice") or {}).items():
        fields["tool_choice"] = {"type": kind, **value}
    return fields


def _output(config: JSONObject) -> JSONObject:
    fields: JSONObject = {}
    if "effort" in config:
        fields["effort"] = config["effort"]
    if form := config.get("textFormat"):
        schema = orjson.loads(form["structure"]["jsonSchema"]["schema"])
        fields["format"] = {"type": "json_schema", "schema": schema}
    return fields
