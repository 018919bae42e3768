"""What a provider is asked: requests as they reach it, fitted to what it says of its model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import orjson

from asgi_thinking.exceptions import ThinkingError
from asgi_thinking.exchange import Refusal
from asgi_thinking.providers import Provider
from asgi_thinking.requests import ChatRequest
from asgi_thinking.testing._replay import CALLERS_KEY, service_for

__all__ = ["CANARY", "QUESTION", "STREAMED", "Asking"]

JSONObject = dict[str, Any]

CANARY: Final = "canary-of-the-prompt"

_USER: Final = {"role": "user", "content": f"Is 3599 prime? ({CANARY})"}
_TOOL: Final = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Looks things up.",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    },
}
_CALL: Final = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "search", "arguments": '{"q": "3599", "n": 1e2}'},
}
_TURNS: Final = [
    {"role": "system", "content": "Be brief."},
    _USER,
    {"role": "assistant", "content": "I look.", "reasoning_content": "Hm.", "tool_calls": [_CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "59 * 61"},
    {"role": "assistant", "content": "No.", "reasoning_content": "I know."},
    {"role": "user", "content": "Ünïcode 🦄\r\n\u2028?"},
]

QUESTION: Final = "a question"
STREAMED: Final = "a streamed question"
_BODIES: Final[Mapping[str, JSONObject]] = {
    QUESTION: {"messages": [_USER]},
    STREAMED: {"messages": [_USER], "stream": True, "reasoning_effort": "low"},
    "a question with thinking": {"messages": [_USER], "thinking": {"type": "enabled"}},
    "a conversation with a tool's result": {"messages": _TURNS, "tools": [_TOOL]},
    "a question with every setting": {
        "messages": [_USER],
        "temperature": 0.5,
        "stop": ["END"],
        "seed": 7,
        "user": "u",
        "response_format": {"type": "json_object"},
    },
    "a forced tool call": {"messages": [_USER], "tools": [_TOOL], "tool_choice": "required"},
}


class Asking:
    """Asks a provider for one model, as the package asks it."""

    __slots__ = ("model", "provider", "service")

    def __init__(self, provider: Provider, model: str) -> None:
        self.provider = provider
        self.model = model
        self.service = service_for(provider)

    def fitted(self, body: Mapping[str, Any], model: str = "") -> ChatRequest:
        """The request that reaches the provider for a client's body, for another model if said.

        Raises:
            ThinkingError: it does not come so far.
        """
        named = f"{self.provider.name}/{model or self.model}"
        whole = orjson.dumps({"max_tokens": 4096, **body, "model": named})
        job = self.service.answer([(b"x-api-key", CALLERS_KEY.encode())], whole)
        if isinstance(job, Refusal):
            raise job.error
        return job.fit(job.plan, job.turns).request

    def requests(self) -> dict[str, ChatRequest]:
        """Requests of every sort as they reach the provider.

        Raises:
            ThinkingError: not even the plainest ones do.
        """
        found = {what: self.fitted(_BODIES[what]) for what in (QUESTION, STREAMED)}
        for what, body in _BODIES.items():
            with suppress(ThinkingError):  # what a model does not take is refused before
                found[what] = self.fitted(body)
        return found
