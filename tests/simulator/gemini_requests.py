"""Requests to Gemini as the simulator's tests write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from tests.simulator import Answer, Call, Reply
from tests.simulator.gemini import gemini
from tests.simulator.gemini_turns import sign

__all__ = [
    "CALL",
    "CALLS",
    "FLASH_2",
    "FLASH_3",
    "MODEL",
    "NEWEST",
    "RESULT",
    "SAID",
    "SEARCH",
    "SIGNED",
    "TOOLS",
    "USER",
    "JSONObject",
    "answer",
    "calling",
    "mode",
    "part",
    "setting",
    "thinking",
    "tools",
    "turns",
]

JSONObject = dict[str, Any]

FLASH_2: Final = "gemini-2.5-flash"
FLASH_3: Final = "gemini-3-flash-preview"
NEWEST: Final = "gemini-3.8-flash"
PLACE: Final = "/v1beta1/projects/p/locations/global/publishers/google"
KEYS: Final = {"x-goog-api-key": "k", "Authorization": "Bearer t"}

USER: Final = {"role": "user", "parts": [{"text": "hi"}]}
MODEL: Final = {"role": "model", "parts": [{"text": "hello"}]}
CALL: Final = {"functionCall": {"name": "f", "args": {"a": 1}}}
RESULT: Final = {"functionResponse": {"name": "f", "response": {"output": "1"}}}
SIGNED: Final = {**CALL, "thoughtSignature": sign(CALL, vertex=False)}
TOOLS: Final = [
    {"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}
]
SEARCH: Final = [*TOOLS, {"googleSearch": {}}]

SAID: Final = Reply("let me think", "the answer")
CALLS: Final = Reply("let me think", "", (Call("f", {"a": 1}), Call("g", {})), interleaved=True)


def answer(
    body: Any,
    model: str = FLASH_3,
    *,
    reply: Reply = SAID,
    vertex: bool = False,
    method: str = "generateContent",
    headers: Mapping[str, str] = KEYS,
) -> Answer:
    """Send a request."""
    place = PLACE if vertex else "/v1beta"
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return gemini(f"{place}/models/{model}:{method}", headers, data, lambda _: reply)


def turns(*contents: Any, **more: Any) -> JSONObject:
    """A body with a conversation."""
    return {"contents": list(contents), **more}


def thinking(**config: Any) -> JSONObject:
    """A body with a thinkingConfig."""
    return setting(thinkingConfig=config)


def setting(**config: Any) -> JSONObject:
    """A body with a generationConfig."""
    return turns(USER, generationConfig=config)


def calling(*parts: Any, results: int = 1) -> JSONObject:
    """A body with calls and their results."""
    answered = {"role": "user", "parts": [RESULT] * results}
    return turns(USER, {"role": "model", "parts": list(parts)}, answered)


def tools(*declared: Any, **more: Any) -> JSONObject:
    """A body with functions."""
    return turns(USER, tools=[{"functionDeclarations": list(declared)}], **more)


def mode(word: str, *names: str) -> JSONObject:
    """A body with a tool choice."""
    config = {"mode": word, "allowedFunctionNames": list(names)}
    return turns(USER, tools=TOOLS, toolConfig={"functionCallingConfig": config})


def part(**fields: Any) -> JSONObject:
    """A body with one part."""
    return turns({"parts": [fields]})
