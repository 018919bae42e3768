"""Thinking as one string beside the answer: DeepSeek's format, and that of vLLM, Groq and Ollama.

    deepseek    message = {"role", "content", "reasoning_content", "tool_calls"?}
                delta = {"content": null, "reasoning_content"}
                      | {"content", "reasoning_content": null} | {"tool_calls": […]}
    reasoning   message = {"role", "content", "reasoning", "tool_calls"?}
                delta = {"reasoning"} | {"content"} | {"tool_calls": […]}

Several blocks are one string with blank lines between them. A string carries no signatures, no
redacted thinking, and no place among texts and calls: what vendors want back of these, only a
server that remembers its replies can give. A caller who did not ask to see thinking gets OpenAI's
format.

Sources, read 2026-11-22: https://api-docs.deepseek.com/guides/thinking_mode, whose sample reads
both keys of every delta, and https://docs.vllm.ai/en/stable/features/reasoning_outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asgi_thinking import _fields as fields
from asgi_thinking.chunks import StreamEncoder
from asgi_thinking.completions import (
    JSONObject,
    completion,
    google_seal,
    plain_choice,
    plain_message,
    shown_message,
)
from asgi_thinking.messages import Choice, Thinking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asgi_thinking.dialects import Asked
    from asgi_thinking.lanes import Lane
    from asgi_thinking.messages import Block, Message

__all__ = ["DEEPSEEK", "REASONING", "ReasoningTextDialect"]


class ReasoningTextDialect:
    """Thinking in one string.

    Args:
        name: what `x-thinking-dialect` calls it.
        key: the string's key in messages and deltas.
        paired: whether every delta of prose has both this key and `content`, one of them null.
    """

    __slots__ = ("_encoder", "_key", "name", "own_keys", "plain")

    opt_in: bytes | None = None
    shows_thinking = True
    ordered = False
    in_content = False

    def __init__(self, name: str, key: str, *, paired: bool) -> None:
        self.name = name
        self.own_keys = frozenset({key})
        self.plain = not paired
        self._key = key
        self._encoder = _PairedEncoder if paired else _TextEncoder

    def encode_message(self, message: Message, asked: Asked) -> dict[str, Any]:
        """A whole reply, with the key if thinking was asked for: null where there was none."""
        write = self._thinking_message if asked.thinking else _plain_message
        choices = [
            plain_choice(index, choice, write(choice))
            for index, choice in enumerate(message.choices)
        ]
        return completion(message, choices)

    def _thinking_message(self, choice: Choice) -> JSONObject:
        message = shown_message(choice, google_seal)
        thoughts = [block.text for block in choice.blocks if isinstance(block, Thinking)]
        return {
            "role": message.pop("role"),
            "content": message.pop("content"),
            self._key: "\n\n".join(filter(None, thoughts)) or None,
            **message,
        }

    def encoder(self, asked: Asked) -> StreamEncoder:
        """An encoder that sends thinking if it was asked for."""
        if asked.thinking:
            return self._encoder(self._key, include_usage=asked.include_usage)
        return StreamEncoder(include_usage=asked.include_usage, seal=google_seal)

    def read_echo(self, message: Mapping[str, Any]) -> list[Block] | None:
        """The string as one block without a signature.

        Raises:
            InvalidRequest: the string is none; `param` is its key.
        """
        text = fields.given(message, self._key, fields.string)
        return [Thinking(text)] if text else None


def _plain_message(choice: Choice) -> JSONObject:
    return plain_message(choice, google_seal)


class _TextEncoder(StreamEncoder):
    """Fragments of thinking under a key of their own."""

    __slots__ = ("_key", "_thoughtful")

    def __init__(self, key: str, *, include_usage: bool) -> None:
        super().__init__(include_usage=include_usage, seal=google_seal)
        self._key = b'"' + key.encode() + b'":'
        self._thoughtful: set[int] = set()  # choices that have shown thinking

    def _open(self, lane: Lane) -> None:
        if lane.block.kind == "thinking":
            self._frame(lane)
        else:
            super()._open(lane)

    def _frame(self, lane: Lane) -> None:
        super()._frame(lane)
        if lane.block.kind == "thinking":
            lane.prefix = self._around(lane.block.choice)[0] + self._key

    def _begin(self, lane: Lane, text: str) -> tuple[bytes, str]:
        if lane.block.kind == "thinking":
            if lane.block.choice in self._thoughtful:
                text = "\n\n" + text
            self._thoughtful.add(lane.block.choice)
        return super()._begin(lane, text)


class _PairedEncoder(_TextEncoder):
    """The same with both keys in each delta, for readers that look at one and then at the other."""

    __slots__ = ()

    role = b'"role":"assistant","content":"","refusal":null,"reasoning_content":null'
    finish = b'"delta":{"content":"","reasoning_content":null},"logprobs":null,'

    def _frame(self, lane: Lane) -> None:
        super()._frame(lane)
        if lane.block.kind == "thinking":
            lane.prefix = self._around(lane.block.choice)[0] + b'"content":null,' + self._key
        elif lane.block.kind == "text":
            lane.suffix = b',"reasoning_content":null' + lane.suffix


DEEPSEEK: Final = ReasoningTextDialect("deepseek", "reasoning_content", paired=True)
REASONING: Final = ReasoningTextDialect("reasoning", "reasoning", paired=False)
