"""What holds of every reply's body, whatever the dialect; and more where it is to be OpenAI's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from asgi_thinking.echo import is_array, is_object
from asgi_thinking.testing._stream import null_signatures
from asgi_thinking.testing._strict import COMPLETION, shape_faults

__all__ = ["answer_in", "completion_faults"]

JSONObject = dict[str, Any]


def completion_faults(body: Any, *, strict: bool = False) -> Iterator[str]:
    """All that breaks a rule for JSON replies; `strict`: it must be exactly OpenAI's."""
    if strict:
        yield from shape_faults(body, COMPLETION)
    if not is_object(body) or not is_array(body.get("choices")):
        yield "the reply has no choices"
        return
    if body.get("object") != "chat.completion":
        yield "the reply's object is not chat.completion"
    for key, kind in (("id", str), ("created", int), ("model", str)):
        if not isinstance(body.get(key), kind):
            yield f"the reply has no {key}"
    for position, choice in enumerate(body["choices"]):
        yield from _choice_faults(choice, position)
    yield from null_signatures(body)


def _choice_faults(choice: JSONObject, position: int) -> Iterator[str]:
    if choice.get("index") != position:
        yield f"choices[{position}] has the index {choice.get('index')!r}"
    if not isinstance(choice.get("finish_reason"), str):
        yield "a choice has no finish_reason"
    message = choice.get("message")
    if not is_object(message) or message.get("role") != "assistant":
        yield "a choice has no message of the role assistant"
        return
    if "content" not in message:
        yield "a message has no content"
    if message.get("tool_calls", [0]) == []:
        yield "a message has empty tool_calls, where they should be absent"
    for call in message.get("tool_calls") or ():
        try:
            json.loads(call["function"]["arguments"])
        except (ValueError, LookupError, TypeError):
            yield "a tool call's arguments are not JSON"


def answer_in(content: Any) -> str:
    """The text of `content`, a string or an array of parts."""
    if is_array(content):
        return "".join(part.get("text", "") for part in content)
    return content or ""
