"""The dialect of Acme's own clients: OpenAI's, with one more key.

    message = {"role", "content", "thought", "tool_calls"?}
    delta = {"thought"} | {"content"} | {"tool_calls": […]}

Thinking is plain text: signatures and places are not kept, so the dialect is not `ordered`. A
caller who did not ask to see thinking gets OpenAI's format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asgi_thinking.chunks import StreamEncoder
from asgi_thinking.completions import completion, plain_choice, plain_message
from asgi_thinking.dialects import Asked
from asgi_thinking.lanes import Lane
from asgi_thinking.messages import Choice, Message, Thinking


class AcmeDialect:
    name = "acme"
    opt_in: bytes | None = None
    shows_thinking = True
    ordered = False
    in_content = False
    own_keys = frozenset({"thought"})
    plain = True

    def encode_message(self, message: Message, asked: Asked) -> dict[str, Any]:
        choices = [plain_choice(n, c, _message(c, asked)) for n, c in enumerate(message.choices)]
        return completion(message, choices)

    def encoder(self, asked: Asked) -> StreamEncoder:
        kind = AcmeEncoder if asked.thinking else StreamEncoder
        return kind(include_usage=asked.include_usage)

    def read_echo(self, message: Mapping[str, Any]) -> list[Thinking] | None:
        thought = message.get("thought")
        return [Thinking(thought)] if isinstance(thought, str) and thought else None


def _message(choice: Choice, asked: Asked) -> dict[str, Any]:
    thought = "".join(block.text for block in choice.blocks if isinstance(block, Thinking))
    return plain_message(choice) | ({"thought": thought} if asked.thinking and thought else {})


class AcmeEncoder(StreamEncoder):
    """Sends each fragment of thinking under its own key; all else is the base's."""

    __slots__ = ()

    def _open(self, lane: Lane) -> None:
        if lane.block.kind == "thinking":
            self._frame(lane)
        else:
            super()._open(lane)

    def _frame(self, lane: Lane) -> None:
        super()._frame(lane)
        if lane.block.kind == "thinking":
            lane.prefix = self._around(lane.block.choice)[0] + b'"thought":'


ACME = AcmeDialect()
