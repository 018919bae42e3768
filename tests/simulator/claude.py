"""Claude behind three doors: Anthropic's Messages API, Google's Vertex AI, Bedrock's InvokeModel.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/api/overview,
https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai and
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from tests.simulator import Answer, Refused, Speaker, digest
from tests.simulator import claude_history as _history  # noqa: F401 (writes its rules)
from tests.simulator import claude_rules as _rules  # noqa: F401 (writes its rules)
from tests.simulator.claude_ask import BINDING, BOOK, INTERLEAVED, NEWEST, Ask, lowered, sources
from tests.simulator.claude_models import MODELS, canonical
from tests.simulator.claude_replies import Said, compose, events, message
from tests.simulator.claude_shapes import SHAPES, check_body
from tests.wire.aws_frames import event

__all__ = ["CLAUDE_RULES", "bedrock_invoke", "messages_api", "vertex_claude"]

_OVERVIEW = "https://platform.claude.com/docs/en/api/overview"
_VERSIONS = "https://platform.claude.com/docs/en/api/versioning"
_BETAS = "https://platform.claude.com/docs/en/api/beta-headers"
_VERTEX = "https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai"
_INVOKE = "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html"

CLAUDE_RULES = {
    "claude.path": _OVERVIEW,
    "claude.credentials": "https://platform.claude.com/docs/en/api/errors",
    "claude.body_size": "https://platform.claude.com/docs/en/api/errors#request-size-limits",
    "claude.body_json": "https://platform.claude.com/docs/en/api/errors",
    "claude.version_required": _VERSIONS,
    "claude.version_known": _VERSIONS,
    "claude.version_not_in_header": _VERTEX,
    "claude.betas_known": _BETAS,
    "claude.model_known": "https://platform.claude.com/docs/en/about-claude/models/overview",
    **SHAPES,
    **sources(BOOK),
}
"""Every rule of Claude's, with the page that states it."""

# As the SDK 2.12.0 lists them; of the clouds, those that they are documented to take.
_BETAS_KNOWN = {
    "anthropic": frozenset(
        {
            *(INTERLEAVED, BINDING, "thinking-display-updates-2026-08-18"),
            *("structured-outputs-2025-11-13", "context-1m-2025-08-07", "fast-mode-2026-02-01"),
            *("token-efficient-tools-2025-02-19", "output-128k-2025-02-19", "pdfs-2024-09-25"),
            *("prompt-caching-2024-07-31", "extended-cache-ttl-2025-04-11", "compact-2026-01-12"),
            *("context-management-2025-06-27", "thinking-token-count-2026-05-13"),
            *("files-api-2025-04-14", "task-budgets-2026-03-13", "output-300k-2026-03-24"),
        }
    ),
    "vertex": frozenset({INTERLEAVED, BINDING, "context-1m-2025-08-07"}),
    "bedrock": frozenset({INTERLEAVED, BINDING, "context-1m-2025-08-07"}),
}
_BETAS_KNOWN["converse"] = _BETAS_KNOWN["bedrock"]

_OLD_VERSIONS = {
    "anthropic": ("2023-06-01", "2023-01-01"),
    "vertex": ("vertex-2023-10-16",),
    "bedrock": ("bedrock-2023-05-31",),
}
_LIMITS = {"anthropic": 32_000_000, "vertex": 30_000_000, "bedrock": 20_000_000}

_VERTEX_PATH = re.compile(
    r"/v1/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/([^/:]+):"
    r"(?:stream)?[rR]awPredict"
)
_INVOKE_PATH = re.compile(r"/model/([^/]+)/invoke(-with-response-stream)?")


def messages_api(path: str, headers: Mapping[str, str], body: bytes, speak: Speaker) -> Answer:
    """`POST /v1/messages`: JSON, or server-sent events for a body with `"stream": true`."""
    try:
        ask = _of_anthropic(path, lowered(headers), body)
    except Refused as refused:
        return _error(refused, "req_01")
    return _answered(compose(ask, speak(ask.body)), stream=ask.body.get("stream") is True)


def _of_anthropic(path: str, headers: Mapping[str, str], body: bytes) -> Ask:
    if path != "/v1/messages":
        raise Refused("claude.path", "Not Found", 404, "not_found_error")
    if "x-api-key" not in headers and "authorization" not in headers:
        message = "x-api-key header is required"
        raise Refused("claude.credentials", message, 401, "authentication_error")
    version = _version("anthropic", headers.get("anthropic-version"), "anthropic-version: header")
    fields = read_json("anthropic", body)
    betas = read_betas("anthropic", _split(headers.get("anthropic-beta", "")))
    check_body("anthropic", fields, sampling=version != NEWEST, betas=betas)
    model = fields["model"]
    ask = Ask("anthropic", model, find_model("anthropic", model), fields, version, betas)
    BOOK.check(ask)
    return ask


def vertex_claude(path: str, headers: Mapping[str, str], body: bytes, speak: Speaker) -> Answer:
    """`POST …/publishers/anthropic/models/{model}:rawPredict` and `:streamRawPredict`.

    What is wrong on the way to the model is refused in Google's words, the rest in Anthropic's.
    """
    try:
        ask = _of_vertex(path, lowered(headers), body)
    except Refused as refused:
        return _google_error(refused) if refused.code.isupper() else _error(refused, "req_vrtx_01")
    return _answered(compose(ask, speak(ask.body)), stream=ask.body.get("stream") is True)


def _of_vertex(path: str, headers: Mapping[str, str], body: bytes) -> Ask:
    match = _VERTEX_PATH.fullmatch(path)
    if match is None:
        raise Refused("claude.path", "Not Found", 404, "NOT_FOUND")
    if not headers.get("authorization", "").startswith("Bearer "):
        message = "Request is missing required authentication credential."
        raise Refused("claude.credentials", message, 401, "UNAUTHENTICATED")
    if "anthropic-version" in headers:
        message = "anthropic-version: send `anthropic_version` in the body"
        raise Refused("claude.version_not_in_header", message, 400, "invalid_request_error")
    model = unquote(match[1])
    known = find_model("vertex", model)
    fields = read_json("vertex", body)
    betas = read_betas("vertex", _split(headers.get("anthropic-beta", "")))
    ask = _ask_with_version("vertex", model, known, fields, betas)
    BOOK.check(ask)
    return ask


def bedrock_invoke(
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    speak: Speaker,
    profiles: Mapping[str, str] | None = None,
) -> Answer:
    """`POST /model/{id}/invoke` and `/invoke-with-response-stream`.

    `profiles` names the models behind ids that do not say them, such as the ARNs of application
    inference profiles.
    """
    try:
        ask = _of_bedrock(path, lowered(headers), body, profiles or {})
    except Refused as refused:
        return aws_error(refused)
    said = compose(ask, speak(ask.body))._replace(model=ask.known)
    if path.endswith("stream"):
        return Answer(200, aws_headers(said, stream=True), b"".join(_chunks(said)))
    return Answer(200, aws_headers(said, stream=False), orjson.dumps(message(said)))


def _of_bedrock(
    path: str, headers: Mapping[str, str], body: bytes, profiles: Mapping[str, str]
) -> Ask:
    model = aws_model(_INVOKE_PATH.fullmatch(path), headers)
    known = find_model("bedrock", profiles.get(model, model))
    fields = read_json("bedrock", body)
    given = fields.get("anthropic_beta") if isinstance(fields, dict) else None
    betas = read_betas("bedrock", given if isinstance(given, list) else [])
    ask = _ask_with_version("bedrock", model, known, fields, betas)
    BOOK.check(ask)
    return ask


def read_json(door: str, body: bytes) -> Any:
    """The body of a request that is not too large."""
    if len(body) > _LIMITS[door]:
        message = "Request exceeds the maximum size"
        raise Refused("claude.body_size", message, 413, "request_too_large")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"The request body is not valid JSON: {error}"
        raise Refused("claude.body_json", message, 400, "invalid_request_error") from None


def read_betas(door: str, betas: list[Any]) -> frozenset[str]:
    """The features asked for."""
    unknown = [str(beta) for beta in betas if beta not in _BETAS_KNOWN[door]]
    if not unknown:
        return frozenset(betas)
    message = (
        f"Unexpected value(s) `{'`, `'.join(unknown)}` for the `anthropic-beta` header. Please "
        "consult our documentation at docs.anthropic.com or try again without the header."
    )
    if door in {"bedrock", "converse"}:
        message = "invalid beta flag"
    raise Refused("claude.betas_known", message, 400, "invalid_request_error")


def find_model(door: str, model: str) -> str:
    """The table's name of a model."""
    known = canonical(door, model)
    if known is not None:
        return known
    if door == "bedrock":
        message = "The provided model identifier is invalid."
        raise Refused("claude.model_known", message, 400, "invalid_request_error")
    raise Refused("claude.model_known", f"model: {model}", 404, "not_found_error")


def _split(header: str) -> list[str]:
    return [beta.strip() for beta in header.split(",") if beta.strip()]


def _version(door: str, given: Any, name: str) -> str:
    """The version, if there is one that the door knows."""
    if given is None:
        message = f"{name} is required"
        raise Refused("claude.version_required", message, 400, "invalid_request_error")
    if given == NEWEST or given in _OLD_VERSIONS[door]:
        return str(given)
    message = f'{name.partition(":")[0]}: "{given}" is not a valid version'
    raise Refused("claude.version_known", message, 400, "invalid_request_error")


def _ask_with_version(door: str, model: str, known: str, fields: Any, betas: frozenset[str]) -> Ask:
    """The request of a cloud, which has its version in the body.

    On Bedrock the newest one is for models from 4.7 on
    (https://platform.claude.com/docs/en/api/versioning, read 2026-11-22).
    """
    given = fields.get("anthropic_version") if isinstance(fields, dict) else ""
    version = _version(door, given, "anthropic_version: Field")
    if door == "bedrock" and version == NEWEST and MODELS[known].display == "summarized":
        message = f'anthropic_version: "{version}" is not a valid version'
        raise Refused("claude.version_known", message, 400, "invalid_request_error")
    check_body(door, fields, sampling=version != NEWEST, betas=betas)
    return Ask(door, model, known, fields, version, betas)


def _answered(said: Said, *, stream: bool) -> Answer:
    headers = {"content-type": "application/json", "request-id": f"req_{said.id[-16:]}"}
    if not stream:
        return Answer(200, headers, orjson.dumps(message(said)))
    headers["content-type"] = "text/event-stream; charset=utf-8"
    lines = [
        b"event: %s\ndata: %s\n\n" % (each["type"].encode(), orjson.dumps(each))
        for each in events(said)
    ]
    return Answer(200, headers, b"".join(lines))


def _error(refused: Refused, prefix: str) -> Answer:
    request_id = f"{prefix}{digest(refused.message)}"
    error = {"type": refused.code, "message": refused.message}
    headers = {
        "content-type": "application/json",
        "request-id": request_id,
        "x-refused-by": refused.rule,
    }
    body = {"type": "error", "error": error, "request_id": request_id}
    return Answer(refused.status, headers, orjson.dumps(body))


def _google_error(refused: Refused) -> Answer:
    headers = {"content-type": "application/json; charset=UTF-8", "x-refused-by": refused.rule}
    error = {"code": refused.status, "message": refused.message, "status": refused.code}
    return Answer(refused.status, headers, orjson.dumps({"error": error}))


def aws_model(match: re.Match[str] | None, headers: Mapping[str, str]) -> str:
    """The model that a path names, of a request that somebody signed."""
    if match is None:
        raise Refused("claude.path", "Unknown operation", 404, "UnknownOperationException")
    if "authorization" not in headers:
        code = "MissingAuthenticationTokenException"
        raise Refused("claude.credentials", "Missing Authentication Token", 403, code)
    return unquote(match[1])


def aws_error(refused: Refused) -> Answer:
    """An error body of AWS.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html, read 2026-11-22.
    """
    kind = refused.code if refused.code.endswith("Exception") else "ValidationException"
    status = refused.status if kind == refused.code else 400
    headers = {
        "content-type": "application/json",
        "x-amzn-requestid": digest(refused.message),
        "x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/",
        "x-refused-by": refused.rule,
    }
    return Answer(status, headers, orjson.dumps({"message": refused.message}))


def aws_headers(said: Said, *, stream: bool) -> dict[str, str]:
    """The headers of a reply."""
    return {
        "content-type": "application/vnd.amazon.eventstream" if stream else "application/json",
        "x-amzn-requestid": digest(said.id, said.content),
    }


def _chunks(said: Said) -> list[bytes]:
    told = [each for each in events(said) if each["type"] != "ping"]
    told[-1] |= {
        "amazon-bedrock-invocationMetrics": {
            "inputTokenCount": said.usage["input_tokens"],
            "outputTokenCount": said.usage["output_tokens"],
            "invocationLatency": 1000,
            "firstByteLatency": 500,
        }
    }
    return [event("chunk", bytes=base64.b64encode(orjson.dumps(each)).decode()) for each in told]
