"""The ids of tool calls in a conversation whose replies came from several vendors.

Claude's APIs refuse ids that are too long or have other characters than these, and two calls of
one id; other vendors give such ids, "functions.f:0" in every turn, and gateways make long ones.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/api/messages (`tool_use.id`) and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from asgi_thinking.messages import synthetic_call_id

__all__ = ["CallIds"]

_TAKEN: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class CallIds:
    """Ids as they are sent, of one conversation's calls and results in their order.

    An id that is fit for it stays; another becomes one that depends on nothing behind it, so that a
    conversation that grows stays as it was.
    """

    __slots__ = ("_answered", "_seen", "_sent", "_waiting")

    def __init__(self) -> None:
        self._sent: set[str] = set()
        # By the caller's id: how often it came, what awaits a result, and what had the last one.
        self._seen: dict[str, int] = {}
        self._waiting: dict[str, deque[str]] = {}
        self._answered: dict[str, str] = {}

    def of_call(self, call_id: str) -> str:
        """The id of a call."""
        sent, seen = _fit(call_id), self._seen.get(call_id, 0)
        while sent in self._sent:
            seen += 1
            sent = synthetic_call_id(call_id, seen)
        self._seen[call_id] = seen
        self._sent.add(sent)
        self._waiting.setdefault(call_id, deque()).append(sent)
        return sent

    def of_result(self, call_id: str) -> str:
        """The id of the first call of that id without a result, else of the last one with one."""
        if waiting := self._waiting.get(call_id):
            self._answered[call_id] = waiting.popleft()
        return self._answered.get(call_id) or _fit(call_id)


def _fit(call_id: str) -> str:
    return call_id if _TAKEN.fullmatch(call_id) else synthetic_call_id(call_id, 0)
