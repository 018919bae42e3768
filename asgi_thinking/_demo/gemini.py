"""Gemini 3 by Google's generateContent API, in replies of our own writing.

It signs its calls, not its thoughts: a call that comes back without its signature is refused, as
Google refuses it, unless it brings what Google takes in place of one that is lost.

Source: https://ai.google.dev/api/generate-content and
https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-22.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from asgi_thinking._demo.script import ANSWER, ARGUMENTS, KEY, THOUGHT, JSONObject
from asgi_thinking._demo.upstream import Answer, Call, FarEnd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Gemini"]

_PATH: Final = re.compile(r"/v1beta/models/([^/:]+):(?:generate|(stream)Generate)Content(\?.*)?")
_SIGNATURE: Final = "c2lnbmVk"

# By the signature that comes back: what is said of the turn, and why it is refused.
_JUDGED: Final[Mapping[str | None, tuple[str, str]]] = {
    _SIGNATURE: ("the call came back with its thoughtSignature", ""),
    "skip_thought_signature_validator": (
        "the call came back with Google's stand-in for a lost thoughtSignature",
        "",
    ),
    None: (
        "the call came back without its thoughtSignature",
        "Function call `{}` in the {}. content block is missing a `thought_signature`.",
    ),
}
_CHANGED: Final = (
    "the thoughtSignature did not come back as it was",
    "Corrupted thought signature.",
)


class Gemini(FarEnd):
    """Answers a `POST …:generateContent` or `…:streamGenerateContent`, the latter with SSE."""

    model = "gemini-3.5-flash"

    def __call__(self, call: Call) -> Answer:
        """Answer the call, or refuse it in Google's form; the sample is the first thought."""
        found = _PATH.fullmatch(call.path)
        if found is None:
            return _error(404, "NOT_FOUND", "Not found")
        if call.headers.get("x-goog-api-key") != KEY:
            return _error(400, "INVALID_ARGUMENT", "API key not valid.")
        body = json.loads(call.body)
        if refusal := self._refusal(body["contents"]):
            return _error(400, "INVALID_ARGUMENT", refusal)
        model, streams = found[1], found[2]
        parts = _reply(body)
        if not streams:
            return Answer.whole(_response(model, *parts, last=True))
        replies = [_response(model, part) for part in parts]
        replies.append(_response(model, {"text": ""}, last=True))
        events = tuple(map(_sse, replies))
        self.sample = events[0]
        return Answer(200, "text/event-stream", events)

    def _refusal(self, contents: Sequence[JSONObject]) -> str:
        """Why the request is refused for what it brings back; "" where it is not."""
        for number, content in enumerate(contents, 1):
            calls = [part for part in content["parts"] if "functionCall" in part]
            for call in calls[:1]:  # of calls in parallel, the first is signed
                said, refusal = _JUDGED.get(call.get("thoughtSignature"), _CHANGED)
                self.verdict = said
                if refusal:
                    return refusal.format(call["functionCall"]["name"], number)
        return ""


def _reply(body: JSONObject) -> list[JSONObject]:
    """The parts of the reply."""
    answer: list[JSONObject] = [{"text": text} for text in ANSWER]
    if any("functionResponse" in part for part in body["contents"][-1]["parts"]):
        return answer
    config = body.get("generationConfig", {}).get("thinkingConfig", {})
    shown = THOUGHT if config.get("includeThoughts") else ()
    thoughts: list[JSONObject] = [{"text": text, "thought": True} for text in shown]
    call = {"functionCall": {"id": "factor1", "name": "factor", "args": ARGUMENTS}}
    last = [call | {"thoughtSignature": _SIGNATURE}] if body.get("tools") else answer
    return [*thoughts, *last]


def _response(model: str, *parts: JSONObject, last: bool = False) -> JSONObject:
    ending: JSONObject = {"finishReason": "STOP"} if last else {}
    candidate: JSONObject = {"content": {"parts": parts, "role": "model"}, **ending, "index": 0}
    counts = {"promptTokenCount": 14, "candidatesTokenCount": 12, "thoughtsTokenCount": 30}
    usage = {"usageMetadata": {**counts, "totalTokenCount": 56}} if last else {}
    return {"candidates": [candidate], **usage, "modelVersion": model, "responseId": "demo"}


def _sse(response: JSONObject) -> bytes:
    return b"data: %b\r\n\r\n" % json.dumps(response, separators=(",", ":")).encode()


def _error(status: int, name: str, message: str) -> Answer:
    error: JSONObject = {"code": status, "message": message, "status": name}
    return Answer.whole({"error": error}, status)
