r"""Thinking within the answer, as models write it that nobody parses: for plain chat windows.

    content = "<think>\n" thinking "\n</think>\n\n" answer

Otherwise OpenAI's own format and nothing beyond it: closed validators accept it. What looks like
the closing tag within the thinking gets a backslash, `</think\>`, and loses it on the way back;
where there are backslashes already, one more. Only what was thought before the answer is shown,
and nothing of signatures, of redacted thinking, or of places. Clients that take the whole content
for the answer, or for JSON, show the thinking with it: this dialect is only for those who ask.

Source: https://docs.vllm.ai/en/stable/features/reasoning_outputs, read 2026-11-22.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from asgi_thinking.dialects.openai import OPENAI, StrictEncoder
from asgi_thinking.lanes import json_line
from asgi_thinking.messages import Choice, Text, Thinking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from asgi_thinking.chunks import StreamEncoder
    from asgi_thinking.dialects import Asked
    from asgi_thinking.events import Finish
    from asgi_thinking.lanes import Lane
    from asgi_thinking.messages import Block, Message

__all__ = ["THINK_TAGS", "ThinkTagsDialect"]

# The pieces that a stream has chunks for: models have a token for each tag, and there are readers
# that find a tag only where it comes alone. Source: pydantic-ai 2.38, read 2026-11-22.
_OPENING: Final = ("<think>", "\n")
_CLOSING: Final = ("\n", "</think>", "\n\n")

# What readers take for the closing tag, and the same with backslashes: LiteLLM takes both words.
# Source: https://docs.litellm.ai/docs/reasoning_content, read 2026-11-22.
_CLOSES: Final = re.compile(r"</think(?:ing)?\\*>")
_ESCAPED: Final = re.compile(r"(</think(?:ing)?\\*)\\>")
_LONGEST: Final = "</thinking"

# Clients add line ends around the tags when they send them back.
_FORM: Final = re.compile(r"\s*<think>[\r\n]*(.*?)[\r\n]*</think>[\r\n]*", re.DOTALL)


class ThinkTagsDialect:
    """Thinking between tags, in front of the answer."""

    __slots__ = ()

    name = "think-tags"
    opt_in: bytes | None = None
    shows_thinking = True
    ordered = False
    in_content = True
    own_keys: frozenset[str] = frozenset()
    plain = False

    def encode_message(self, message: Message, asked: Asked) -> dict[str, Any]:
        """A whole reply, with the tags in the content if thinking was asked for."""
        if asked.thinking:
            choices = tuple(_tagged(choice) for choice in message.choices)
            message = replace(message, choices=choices)
        return OPENAI.encode_message(message, asked)

    def encoder(self, asked: Asked) -> StreamEncoder:
        """An encoder that sends the tags if thinking was asked for."""
        if asked.thinking:
            return _TaggingEncoder(include_usage=asked.include_usage)
        return OPENAI.encoder(asked)

    def read_echo(self, message: Mapping[str, Any]) -> list[Block] | None:
        """The thinking and the answer of content that begins with the tags."""
        content = message.get("content")
        if not isinstance(content, str) or (form := _FORM.match(content)) is None:
            return None
        thought, answer = _ESCAPED.sub(r"\1>", form[1]), content[form.end() :]
        return [Thinking(thought), *([Text(answer)] if answer else [])]


THINK_TAGS: Final = ThinkTagsDialect()


def _escape(match: re.Match[str]) -> str:
    return match[0][:-1] + "\\>"


def _tagged(choice: Choice) -> Choice:
    """The choice with its first thinking as the beginning of its text."""
    thought = "\n\n".join(_thoughts(choice.blocks))
    if not thought:
        return choice
    tags = "".join((*_OPENING, _CLOSES.sub(_escape, thought), *_CLOSING))
    moved = [_moved(block, len(tags)) for block in choice.blocks]
    return replace(choice, blocks=(Text(tags), *moved))


def _thoughts(blocks: Iterable[Block]) -> Iterator[str]:
    """What was thought before the answer."""
    for block in blocks:
        if isinstance(block, Text) and block.text:
            return
        if isinstance(block, Thinking) and block.text:
            yield block.text


def _moved(block: Block, shift: int) -> Block:
    """The block with its sources' places in the longer content."""
    if not isinstance(block, Text) or not block.citations:
        return block
    moved = [replace(c, start=c.start + shift, end=c.end + shift) for c in block.citations]
    return replace(block, citations=tuple(moved))


class _TaggingEncoder(StrictEncoder):
    """Thinking as content, until the answer begins."""

    __slots__ = ("_answered", "_held")

    def __init__(self, *, include_usage: bool) -> None:
        super().__init__(include_usage=include_usage)
        self._held: dict[int, str] = {}  # by choice within the tags: what may be of a closing tag
        self._answered: set[int] = set()  # choices whose answer has begun

    def _open(self, lane: Lane) -> None:
        if lane.block.kind == "thinking" and lane.block.choice not in self._answered:
            self._frame(lane)
        else:
            super()._open(lane)

    def _begin(self, lane: Lane, text: str) -> tuple[bytes, str]:
        choice = lane.block.choice
        if lane.block.kind == "thinking":
            lane.flows = False  # every fragment must come through here
            return lane.prefix, self._within(lane, text)
        if lane.block.kind == "text":
            self._answered.add(choice)
            self._end_thinking(choice)
        return super()._begin(lane, text)

    def _within(self, lane: Lane, text: str) -> str:
        """A fragment of thinking, with what stands before it."""
        choice = lane.block.choice
        if choice not in self._held:
            self._held[choice] = ""
            self._say_tags(choice, _OPENING)
        elif not lane.sent:
            text = "\n\n" + text
        lane.sent = True
        held = self._held[choice]
        if not held and "<" not in text:
            return text
        whole = held + text
        self._held[choice] = _begun(whole)
        return _CLOSES.sub(_escape, whole)[len(held) :]

    def _end_thinking(self, choice: int) -> None:
        if self._held.pop(choice, None) is None:
            return
        self._say_tags(choice, _CLOSING)
        for lane in self._lanes:
            if lane.block.kind == "thinking" and lane.block.choice == choice:
                lane.hide()

    def _say_tags(self, choice: int, pieces: Iterable[str]) -> None:
        for piece in pieces:
            self._chunk(choice, b'"content":' + json_line(piece))

    def _finish(self, event: Finish) -> None:
        self._end_thinking(event.choice)
        super()._finish(event)


def _begun(text: str) -> str:
    """The end of the text that may be the beginning of a closing tag, with one backslash at most.

    What comes next is looked at together with it.
    """
    begun = text[text.rfind("<") :] if "<" in text else ""
    word = begun.rstrip("\\")
    if word == begun:
        return begun if _LONGEST.startswith(begun) else ""
    return word + "\\" if word in ("</think", _LONGEST) else ""
