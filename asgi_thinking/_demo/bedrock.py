"""Claude by Bedrock's InvokeModel: the Messages API's bodies, and its events in binary frames.

Source:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html,
read 2026-11-22.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Final

from asgi_thinking._demo.claude import Messages
from asgi_thinking._demo.frames import frame
from asgi_thinking._demo.script import KEY, JSONObject
from asgi_thinking._demo.upstream import Answer, Call

__all__ = ["Bedrock"]

_PATH: Final = re.compile(r"/model/[a-z.]*anthropic\.([^/]+)/invoke(-with-response-stream)?")
_HEADERS: Final = {
    ":event-type": "chunk",
    ":content-type": "application/json",
    ":message-type": "event",
}


class Bedrock(Messages):
    """Answers a `POST /model/{id}/invoke` or `/invoke-with-response-stream` with an API key."""

    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"

    def __call__(self, call: Call) -> Answer:
        """Answer the call, or refuse it in AWS's form; the sample is the first delta's frame."""
        found = _PATH.fullmatch(call.path)
        if found is None:
            return Answer.whole({"message": "The operation is not known."}, 404)
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return Answer.whole({"message": "The API key is not valid."}, 403)
        body = json.loads(call.body)
        if refusal := self.refusal(body):
            return Answer.whole({"message": refusal}, 400)
        model, streams = found.groups()
        if not streams:
            return Answer.whole(self.whole(body, model))
        frames = tuple(map(_chunk, self.events(body, model)))
        self.sample = frames[2]  # after the starts of the message and of its first block
        return Answer(200, "application/vnd.amazon.eventstream", frames)


def _chunk(event: JSONObject) -> bytes:
    """One event; the padding keeps its length from telling what it says."""
    payload = {"bytes": b64encode(json.dumps(event).encode()).decode(), "p": "abcdefgh"}
    return frame(_HEADERS, json.dumps(payload, separators=(",", ":")).encode())
