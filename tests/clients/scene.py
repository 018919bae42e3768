"""Simulated vendors behind a real server, for clients that are real as well.

    with Stage() as stage:
        client = OpenAI(base_url=f"{stage.url}/v1", default_headers=stage.headers("deepseek"), …)
        stage.says(SEARCH)

The server runs in a thread of its own, because most clients block.
"""

from __future__ import annotations

import socket
import threading
from typing import Any, Final, NamedTuple, Self

import uvicorn

from tests.conversations.scene import Scene, Sent, seals
from tests.simulator import Call, Reply

__all__ = [
    "ANSWER",
    "ASKED",
    "CLAUDE",
    "GEMINI",
    "RESULT",
    "SEARCH",
    "TOOLS",
    "USER",
    "Heard",
    "JSONObject",
    "Stage",
]

JSONObject = dict[str, Any]

CLAUDE: Final = "anthropic/claude-sonnet-4-5"
GEMINI: Final = "gemini/gemini-3.5-flash"
USER: Final = "Weather in Tokyo?"
RESULT: Final = "Sunny"
ASKED: Final[JSONObject] = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
TOOLS: Final[list[JSONObject]] = [
    {
        "type": "function",
        "function": {
            "name": "find",
            "description": "Finds the weather of a place.",
            "parameters": {
                "type": "object",
                "properties": {"place": {"type": "string", "description": "A town."}},
                "required": ["place"],
            },
        },
    }
]

SEARCH: Final = Reply("I look it up.", "", (Call("find", {"place": "Tokyo"}),))
ANSWER: Final = Reply("Now I know.", "It is sunny.")


class Heard(NamedTuple):
    """What a client took for the thinking and for the answer of a reply."""

    thought: str
    answer: str


class Stage:
    """A server while its `with` block runs; by default the model searches, and then answers.

    `sent` are the requests that the vendors were sent.
    """

    def __init__(self, **options: Any) -> None:
        self._scene = _Turns(**options)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(
            uvicorn.Config(self._scene.app, ws="none", lifespan="off", log_level="warning")
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    @property
    def sent(self) -> list[Sent]:
        """The requests that the vendors were sent."""
        return self._scene.sent

    @property
    def statuses(self) -> list[int]:
        """How the vendors answered."""
        return [each.status for each in self.sent]

    @property
    def kept(self) -> bool:
        """Whether the vendor got the signatures of its first reply back."""
        first, last = self.sent[0], self.sent[-1]
        return bool(seals(first.made)) and seals(last.history[0]) == seals(first.made)


class _Turns(Scene):
    """A model that searches first, and then knows."""

    def _answer(self, request: Any) -> Any:
        self.says = ANSWER if self.sent else SEARCH
        return super()._answer(request)
