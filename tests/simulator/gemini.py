"""Gemini by both of Google's doors: what it refuses, and how it writes what it says.

Source: https://ai.google.dev/api/generate-content,
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference and
https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

import orjson

from tests.simulator import Answer, Refused, Reply, Speaker, digest
from tests.simulator.gemini_models import find
from tests.simulator.gemini_rules import BOOK, Request
from tests.simulator.gemini_schema import Problems, read
from tests.simulator.gemini_turns import sign

__all__ = ["RULES", "gemini"]

JSONObject = dict[str, Any]

# How it answers on a path that is none, and what is no JSON, is unverified; so are Vertex's words.
_DOOR: Final = {
    "gemini.no_such_path": "https://ai.google.dev/api/generate-content",
    "gemini.no_credential": "https://github.com/PublicAffairs/openai-gemini/issues/92",
    "gemini.no_such_model": "https://github.com/wwardaww/gnome-gemini-ai/issues/22",
    "gemini.json": "https://protobuf.dev/programming-guides/json/",
}

RULES: Final = {**_DOOR, **BOOK.sources}
"""Every rule, with the page that states it or where its words were seen."""

_PATH: Final = re.compile(
    r"/(?P<version>v1|v1beta|v1beta1)/(?P<place>projects/[\w.:-]+/locations/[\w-]+/publishers/google/)?"
    r"models/(?P<model>[\w.@-]+):(?P<method>generateContent|streamGenerateContent)(?:\?(?P<query>.*))?"
)
_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
}
_JSON: Final = {"content-type": "application/json; charset=UTF-8"}
_SSE: Final = {"content-type": "text/event-stream"}


def gemini(path: str, headers: Mapping[str, str], body: bytes, speak: Speaker) -> Answer:
    """Answer a request for generateContent or streamGenerateContent, or refuse it.

    Args:
        path: with its query: "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse".
        headers: by their names in any case.
        body: JSON.
        speak: chooses what is said.
    """
    found = _PATH.fullmatch(unquote(path))
    streams = found is not None and found["method"] == "streamGenerateContent"
    sse = found is not None and "alt=sse" in (found["query"] or "")
    try:
        request = _read(found, {name.lower(): headers[name] for name in headers}, body)
        BOOK.check(request)
    except Refused as refused:
        return _refusal(refused, array=streams and not sse)
    chunks = _written(request, speak(request.body), streams=streams)
    if not streams:
        return Answer(200, _JSON, orjson.dumps(next(chunks)))
    if sse:
        body = b"".join(b"data: " + orjson.dumps(chunk) + b"\r\n\r\n" for chunk in chunks)
        return Answer(200, _SSE, body)
    return Answer(200, _JSON, b"[" + b",\r\n".join(map(orjson.dumps, chunks)) + b"]")


def _read(found: re.Match[str] | None, headers: Mapping[str, str], body: bytes) -> Request:
    if found is None:
        raise Refused("gemini.no_such_path", "The requested URL was not found on this server.", 404)
    vertex, version, model_id = bool(found["place"]), found["version"], found["model"]
    if not headers.get("authorization" if vertex else "x-goog-api-key"):
        raise _unauthorized(vertex)
    model = find(model_id)
    if model is None:
        raise Refused("gemini.no_such_model", _no_model(found, version, model_id), 404)
    try:
        value = orjson.loads(body)
    except ValueError:
        text = "Invalid JSON payload received. Unexpected end of string."
        raise Refused("gemini.json", text) from None
    problems: Problems = {}
    read_body = read(value, vertex, problems)
    return Request(vertex, model_id, model, read_body or {}, problems)


def _unauthorized(vertex: bool) -> Refused:
    if vertex:
        text = (
            "Request is missing required authentication credential. Expected OAuth 2 access token,"
            " login cookie or other valid authentication credential."
        )
        return Refused("gemini.no_credential", text, 401)
    text = (
        "Method doesn't allow unregistered callers (callers without established identity). Please"
        " use API Key or other form of API call consumer identity to call this API."
    )
    return Refused("gemini.no_credential", text, 403)


def _no_model(found: re.Match[str], version: str, model: str) -> str:
    if place := found["place"]:
        return (
            f"Publisher Model `{place}models/{model}` was not found or your project does not have"
            " access to it. Please ensure you are using a valid model version."
        )
    return (
        f"models/{model} is not found for API version {version}, or is not supported for"
        f" {found['method']}. Call ListModels to see the list of available models and their"
        " supported methods."
    )


def _refusal(refused: Refused, *, array: bool) -> Answer:
    error: JSONObject = {
        "code": refused.status,
        "message": refused.message,
        "status": _STATUSES[refused.status],
    }
    if refused.rule == "gemini.unknown_field":
        violations = [{"description": text} for text in refused.message.split("\n")]
        kind = "type.googleapis.com/google.rpc.BadRequest"
        error["details"] = [{"@type": kind, "fieldViolations": violations}]
    body: Any = {"error": error}
    headers = {**_JSON, "x-refused-by": refused.rule}
    return Answer(refused.status, headers, orjson.dumps([body] if array else body))


# -- what is said --------------------------------------------------------------------------------


def _written(request: Request, reply: Reply, *, streams: bool) -> Iterator[JSONObject]:
    """One response, or several that make up the same."""
    thinks = request.model.thinks and request.thinking.get("thinkingBudget") != 0
    parts = list(_parts(request, reply, thinks))
    signs = thinks and request.model.major >= 3 and not reply.calls
    if streams:
        parts = [piece for part in parts for piece in _halves(part)]
        if signs:
            parts.append({"text": "", "thoughtSignature": sign({}, vertex=request.vertex)})
    elif signs and reply.text:
        parts[-1]["thoughtSignature"] = sign(parts[-1], vertex=request.vertex)
    groups = [[part] for part in parts] if streams else [parts]
    for number, group in enumerate(groups or [[]], 1):
        candidate: JSONObject = {"content": {"role": "model", "parts": group}, "index": 0}
        if number >= len(groups):
            candidate["finishReason"] = "STOP"
        yield {
            "candidates": [candidate],
            "usageMetadata": _usage(reply, thinks),
            "modelVersion": request.id,
            "responseId": digest(request.body),
        }


def _parts(request: Request, reply: Reply, thinks: bool) -> Iterator[JSONObject]:
    """Thoughts are shown to who asks for them; of the calls, the first is signed."""
    shown = thinks and request.thinking.get("includeThoughts") and not reply.redacted
    thought = {"text": reply.thinking, "thought": True} if shown and reply.thinking else None
    if thought:
        yield dict(thought)
    if reply.text:
        yield {"text": reply.text}
    for number, call in enumerate(reply.calls):
        if thought and reply.interleaved and number:
            yield dict(thought)
        part: JSONObject = {"functionCall": {"name": call.name, "args": call.arguments}}
        if not number and thinks:
            part["thoughtSignature"] = sign(part, vertex=request.vertex)
        if request.model.major >= 3 and not request.vertex:
            part["functionCall"]["id"] = digest(len(request.contents), number, call.name)[:8]
        yield part


def _halves(part: JSONObject) -> Iterator[JSONObject]:
    """A text comes in two pieces, if it can."""
    text = part.get("text", "")
    middle = len(text) // 2
    if not middle:
        yield part
        return
    yield {**part, "text": text[:middle]}
    yield {**part, "text": text[middle:]}


def _usage(reply: Reply, thinks: bool) -> JSONObject:
    said = len(reply.text) + sum(len(str(call)) for call in reply.calls)
    thought = len(reply.thinking) if thinks else 0
    usage = {"promptTokenCount": 10, "candidatesTokenCount": said, "totalTokenCount": 10 + said}
    if thought:
        usage |= {"thoughtsTokenCount": thought, "totalTokenCount": 10 + said + thought}
    return usage
