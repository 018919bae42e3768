"""Requests to the simulated Claude, and what it says to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tests.simulator import Answer, Call, Reply
from tests.simulator.claude import messages_api

__all__ = [
    "CALL",
    "HEADERS",
    "TOOL",
    "YES",
    "body",
    "looped",
    "refusal",
    "reply",
    "results",
    "said",
    "sent",
    "user",
]

JSONObject = dict[str, Any]

HEADERS = {"x-api-key": "sk-test", "anthropic-version": "2023-06-01"}
TOOL: JSONObject = {"name": "find", "input_schema": {"type": "object", "properties": {}}}
YES = Reply(text="Yes.")
CALL = Call("find", {"what": "it"})


def user(*content: JSONObject | str) -> JSONObject:
    """A user's message of texts and other blocks."""
    texts = [{"type": "text", "text": each} if isinstance(each, str) else each for each in content]
    return {"role": "user", "content": texts}


def said(*content: JSONObject | str) -> JSONObject:
    """An assistant's message of texts and other blocks."""
    return user(*content) | {"role": "assistant"}


def results(content: list[JSONObject]) -> JSONObject:
    """The message that answers every call of a reply."""
    calls = [block["id"] for block in content if block["type"] == "tool_use"]
    return user(*[{"type": "tool_result", "tool_use_id": call, "content": "ok"} for call in calls])


def body(model: str | None = "claude-sonnet-4-5", *turns: JSONObject, **fields: Any) -> JSONObject:
    """A request with the turns after a user's first one; a field that is None is left out."""
    whole = {"model": model, "max_tokens": 4096, "messages": [user("Hi"), *turns], **fields}
    return {name: value for name, value in whole.items() if value is not None}


def sent(fields: Any, answer: Reply = YES, **headers: str) -> Answer:
    """What the Messages API answers; a header's underscores are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return messages_api("/v1/messages", HEADERS | named, orjson.dumps(fields), lambda _: answer)


def reply(fields: JSONObject, answer: Reply, **headers: str) -> list[JSONObject]:
    """The content of a reply to a request that is accepted."""
    answered = sent(fields, answer, **headers)
    assert (200, "") == (answered.status, answered.headers.get("x-refused-by", ""))
    return list(orjson.loads(answered.body)["content"])


def looped(
    fields: JSONObject,
    answer: Reply,
    change: Callable[[list[JSONObject]], list[JSONObject]] = list,
    **headers: str,
) -> JSONObject:
    """The request that goes on after a reply, whose content `change` has had in hand."""
    content = reply(fields, answer, **headers)
    turns = [*fields["messages"], said(*change(content)), results(content)]
    if turns[-1]["content"] == []:
        turns[-1] = user("And?")
    return fields | {"messages": turns}


def refusal(answered: Answer) -> tuple[int, str, str]:
    """The status, the rule and the text of a refusal in Anthropic's words."""
    told = orjson.loads(answered.body)
    return answered.status, answered.headers["x-refused-by"], told["error"]["message"]
