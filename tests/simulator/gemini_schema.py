"""The messages of Gemini's API as Google reads JSON: no unknown fields, no values of another type.

Source: https://ai.google.dev/api/generate-content and google-genai 3.4.0 for what only one of the
two doors knows, read 2026-11-22. How protocol buffers read JSON:
https://protobuf.dev/programming-guides/json/, read 2026-11-22.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from typing import Any, Final

import orjson

__all__ = ["Problems", "read"]

Problems = dict[str, list[str]]
"""What is wrong with a body, by the name of the rule that it breaks."""

_PACKAGE: Final = "type.googleapis.com/google.ai.generativelanguage.v1beta"


def _fields(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


# A type is a message of this table, an enumeration, a scalar, or free; "[]" follows if it is
# repeated, "{}" if it is a map.
_MESSAGES: Final[dict[str, dict[str, str]]] = {
    "Request": {
        "contents": "Content[]",
        "systemInstruction": "Content",
        "tools": "Tool[]",
        "toolConfig": "ToolConfig",
        "generationConfig": "GenerationConfig",
        "safetySettings": "free",
        "cachedContent": "string",
        "serviceTier": "string",
        "model": "string",
    },
    "Content": {"role": "string", "parts": "Part[]"},
    "Part": {
        "text": "string",
        "thought": "bool",
        "thoughtSignature": "bytes",
        "inlineData": "Blob",
        "fileData": "FileData",
        "functionCall": "FunctionCall",
        "functionResponse": "FunctionResponse",
        **_fields("free", "executableCode codeExecutionResult videoMetadata mediaResolution"),
    },
    "Blob": {"mimeType": "string", "data": "bytes", "displayName": "string"},
    "FileData": {"mimeType": "string", "fileUri": "string", "displayName": "string"},
    "FunctionCall": {"id": "string", "name": "string", "args": "Struct"},
    "FunctionResponse": {
        "id": "string",
        "name": "string",
        "response": "Struct",
        "parts": "FunctionResponsePart[]",
        "willContinue": "bool",
        "scheduling": "string",
    },
    "FunctionResponsePart": {"inlineData": "Blob", "fileData": "FileData"},
    "Tool": {
        "functionDeclarations": "FunctionDeclaration[]",
        **_fields(
            "free",
            "googleSearch googleSearchRetrieval codeExecution urlContext googleMaps computerUse"
            " mcpServers",
        ),
    },
    "FunctionDeclaration": {
        "name": "string",
        "description": "string",
        "behavior": "string",
        "parameters": "Schema",
        "response": "Schema",
        "parametersJsonSchema": "free",
        "responseJsonSchema": "free",
    },
    "ToolConfig": {"functionCallingConfig": "FunctionCallingConfig", "retrievalConfig": "free"},
    "FunctionCallingConfig": {
        "mode": "FunctionCallingConfig.Mode",
        "allowedFunctionNames": "string[]",
    },
    "GenerationConfig": {
        **_fields("int", "maxOutputTokens topK candidateCount seed logprobs"),
        **_fields("number", "temperature topP presencePenalty frequencyPenalty"),
        "stopSequences": "string[]",
        "responseMimeType": "string",
        "responseSchema": "Schema",
        "responseJsonSchema": "free",
        "responseLogprobs": "bool",
        "thinkingConfig": "ThinkingConfig",
        **_fields("free", "responseModalities speechConfig mediaResolution imageConfig"),
    },
    "ThinkingConfig": {
        "includeThoughts": "bool",
        "thinkingBudget": "int",
        "thinkingLevel": "ThinkingConfig.ThinkingLevel",
    },
    "Schema": {
        **_fields("string", "type format title description pattern"),
        **_fields("free", "enum example default additionalProperties defs ref"),
        **_fields("int", "minItems maxItems minLength maxLength minProperties maxProperties"),
        **_fields("number", "minimum maximum"),
        **_fields("string[]", "required propertyOrdering"),
        "nullable": "bool",
        "properties": "Schema{}",
        "items": "Schema",
        "anyOf": "Schema[]",
    },
}

# What only one of the doors knows.
_STUDIO: Final[dict[str, dict[str, str]]] = {
    "Request": {"store": "bool"},
    "Part": {**_fields("free", "toolCall toolResponse partMetadata")},
    "Tool": {"fileSearch": "free"},
    "ToolConfig": {"includeServerSideToolInvocations": "bool"},
}
_VERTEX: Final[dict[str, dict[str, str]]] = {
    "Request": {**_fields("free", "labels modelArmorConfig")},
    "Tool": {**_fields("free", "retrieval enterpriseWebSearch")},
    "FunctionCallingConfig": {"streamFunctionCallArguments": "bool"},
    "GenerationConfig": {**_fields("free", "audioTimestamp routingConfig")},
}

_ENUMS: Final[dict[str, frozenset[str]]] = {
    "FunctionCallingConfig.Mode": frozenset(
        {"MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"}
    ),
    "ThinkingConfig.ThinkingLevel": frozenset(
        {"THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"}
    ),
}
_SCALARS: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "string": ((str,), "TYPE_STRING"),
    "bool": ((bool,), "TYPE_BOOL"),
    "int": ((int,), "TYPE_INT32"),
    "number": ((int, float), "TYPE_FLOAT"),
}
_HUMP: Final = re.compile(r"(?<!^)([A-Z])")
_SNAKE: Final = re.compile(r"_([a-z])")


@cache
def _message(kind: str, vertex: bool) -> dict[str, str]:
    return _MESSAGES[kind] | (_VERTEX if vertex else _STUDIO).get(kind, {})


@cache
def _snake(name: str) -> str:
    return _HUMP.sub(r"_\1", name).lower()


@cache
def _camel(name: str) -> str:
    return _SNAKE.sub(lambda match: match[1].upper(), name)


def read(value: Any, vertex: bool, problems: Problems, kind: str = "Request", at: str = "") -> Any:
    """The value with the fields' names in one spelling, without nulls; problems are noted."""
    if kind == "free":
        return value
    if kind.endswith("[]"):
        items = value if isinstance(value, list) else [value]
        return [
            read(item, vertex, problems, kind[:-2], f"{at}[{n}]") for n, item in enumerate(items)
        ]
    if kind in _MESSAGES:
        return _object(value, vertex, problems, kind, at)
    return _scalar(value, problems, kind, at)


def _object(value: Any, vertex: bool, problems: Problems, kind: str, at: str) -> Any:
    if not isinstance(value, dict):
        return _wrong(problems, at, f"{_PACKAGE}.{kind}", value)
    known, result = _message(kind, vertex), {}
    for key, item in value.items():
        name = _camel(key)
        if name not in known:
            place = f" at '{at}'" if at else ""
            text = f'Invalid JSON payload received. Unknown name "{key}"{place}: Cannot find field.'
            problems.setdefault("gemini.unknown_field", []).append(text)
        elif item is not None:
            inner = f"{at}.{_snake(name)}" if at else _snake(name)
            result[name] = _field(item, vertex, problems, known[name], inner)
    return result


def _field(value: Any, vertex: bool, problems: Problems, kind: str, at: str) -> Any:
    if not kind.endswith("{}"):
        return read(value, vertex, problems, kind, at)
    return {
        key: read(item, vertex, problems, kind[:-2], f"{at}[{n}].value")
        for n, (key, item) in enumerate(value.items())
    }


def _scalar(value: Any, problems: Problems, kind: str, at: str) -> Any:
    if kind == "bytes":
        return _bytes(value, problems, at)
    if kind == "Struct":
        named = "type.googleapis.com/google.protobuf.Struct"
        return value if isinstance(value, dict) else _wrong(problems, at, named, value)
    if kind in _ENUMS:
        word = value.upper() if isinstance(value, str) else ""
        return word if word in _ENUMS[kind] else _wrong(problems, at, f"{_PACKAGE}.{kind}", value)
    types, named = _SCALARS[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        return _wrong(problems, at, named, value)
    return value


def _bytes(value: Any, problems: Problems, at: str) -> Any:
    """Base64 in either alphabet; what is not is named."""
    try:
        base64.b64decode(value + "=" * (-len(value) % 4), altchars=_altchars(value), validate=True)
    except (ValueError, TypeError):
        text = f"Invalid value at '{at}' (TYPE_BYTES), Base64 decoding failed for "
        problems.setdefault("gemini.not_base64", []).append(text + orjson.dumps(value).decode())
    return value


def _altchars(value: str) -> bytes:
    return b"-_" if "-" in value or "_" in value else b"+/"


def _wrong(problems: Problems, at: str, named: str, value: Any) -> None:
    text = f"Invalid value at '{at}' ({named}), {orjson.dumps(value).decode()}"
    problems.setdefault("gemini.wrong_type", []).append(text)
