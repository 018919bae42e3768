"""Says whether a reply is exactly OpenAI's, by its own library's types, closed and strict."""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any

import orjson
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, ConfigDict, create_model

JSONObject = dict[str, Any]


@cache
def closed(model: type[BaseModel]) -> type[BaseModel]:
    """The model without its tolerance: no further keys, and no conversions."""
    fields: dict[str, Any] = {
        name: (_closed_type(field.annotation), ... if field.is_required() else field.default)
        for name, field in model.model_fields.items()
    }
    config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())
    return create_model(f"Closed{model.__name__}", __config__=config, **fields)


def _closed_type(annotation: Any) -> Any:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _closed_type(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(_closed_type(argument) for argument in arguments)]  # noqa: UP007 (made of values)
    if origin is list:
        return list[_closed_type(arguments[0])]  # type: ignore[misc] (made of values)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return closed(annotation)
    return annotation


def check_completion(body: JSONObject) -> None:
    """Fail unless this is a reply as OpenAI writes it."""
    closed(ChatCompletion).model_validate(body)
    assert body["choices"]
    for choice in body["choices"]:
        message = choice["message"]
        assert "logprobs" in choice
        assert {"content", "refusal"} <= set(message)
        assert message.get("tool_calls") != []
        assert choice["finish_reason"] != "content_filter" or "tool_calls" not in message
        for call in message.get("tool_calls", []):
            orjson.loads(call["function"]["arguments"])
    _check_sum(body.get("usage"))


def check_stream(data: bytes) -> None:
    """Fail unless this is a stream that ended well, as OpenAI writes it."""
    assert data.endswith(b"\n\n")
    *bodies, done = data.decode().removesuffix("\n\n").split("\n\n")
    assert done == "data: [DONE]"
    chunks = [orjson.loads(body.removeprefix("data: ")) for body in bodies]
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    choices: dict[int, JSONObject] = {}
    usage: JSONObject | None = None
    for chunk in chunks:
        closed(ChatCompletionChunk).model_validate(chunk)
        assert usage is None
        usage = chunk.get("usage")
        assert bool(chunk["choices"]) is (usage is None)
        for choice in chunk["choices"]:
            _check_choice(choice, choices.setdefault(choice["index"], {}))
    assert all(choice["finish_reason"] for choice in choices.values())
    for choice in choices.values():
        for arguments in choice["calls"].values():
            orjson.loads(arguments)
    _check_sum(usage)


def _check_choice(choice: JSONObject, seen: JSONObject) -> None:
    delta = choice["delta"]
    assert ("role" in delta) is (not seen)
    calls = seen.setdefault("calls", {})
    for call in delta.get("tool_calls", []):
        assert ("id" in call) is (call["index"] not in calls)
        calls[call["index"]] = calls.get(call["index"], "") + call["function"]["arguments"]
    assert not (seen.get("finish_reason") and delta)
    seen["finish_reason"] = choice["finish_reason"] or seen.get("finish_reason")


def _check_sum(usage: JSONObject | None) -> None:
    counts = usage or {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert counts["total_tokens"] == counts["prompt_tokens"] + counts["completion_tokens"]
