"""Claude by Anthropic's Messages API, in replies of our own writing.

Source: https://platform.claude.com/docs/en/api/messages and
https://platform.claude.com/docs/en/api/errors, read 2026-11-22.
"""

from __future__ import annotations

import json
from typing import Final

from asgi_thinking._demo.claude import Messages
from asgi_thinking._demo.script import KEY, QUESTION, JSONObject
from asgi_thinking._demo.upstream import Answer, Call

__all__ = ["KEY", "MODEL", "QUESTION", "Claude"]

MODEL: Final = "claude-sonnet-4-5"


class Claude(Messages):
    """Answers a `POST /v1/messages`, streaming or not."""

    model = MODEL

    def __call__(self, call: Call) -> Answer:
        """Answer the call, or refuse it in the API's form."""
        if call.path != "/v1/messages":
            return _error(404, "not_found_error", "Not found")
        if call.headers.get("x-api-key") != KEY:
            return _error(401, "authentication_error", "invalid x-api-key")
        body = json.loads(call.body)
        if refusal := self.refusal(body):
            return _error(400, "invalid_request_error", refusal)
        if not body.get("stream"):
            return Answer.whole(self.whole(body, body["model"]))
        events = self.events(body, body["model"])
        return Answer(200, "text/event-stream; charset=utf-8", tuple(map(_sse, events)))


def _sse(event: JSONObject) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _error(status: int, kind: str, message: str) -> Answer:
    return Answer.whole({"type": "error", "error": {"type": kind, "message": message}}, status)
