"""Thinking that a model wrote into its answer, between `<think>` and `</think>`.

Servers without a reasoning parser pass on what the model wrote, so a tag may be cut anywhere, and
a template that opens the tag itself leaves a reply that begins inside it. The line ends beside a
tag belong to the tag.

Source: https://docs.vllm.ai/en/stable/features/reasoning_outputs, read 2026-11-22.
"""

from __future__ import annotations

from typing import Final

__all__ = ["TagSplitter"]

# What models call it; the closing tag is that of the opening one.
_NAMES: Final = ("think", "thinking", "thought", "reasoning", "chain_of_thought")
_OPENING: Final = tuple(f"<{name}>" for name in _NAMES)
_CLOSING: Final = tuple(f"</{name}>" for name in _NAMES)


class TagSplitter:
    """Parts the text of one choice into thinking and answer, fragment by fragment.

    What may be the beginning of a tag, and line ends before one, wait for the next fragment.
    """

    __slots__ = ("_closing", "_held", "_inside", "_trim")

    def __init__(self, *, inside: bool = False) -> None:
        """Begin in the answer, or `inside` the thinking that the template has opened."""
        self._inside = inside
        self._closing = _CLOSING
        self._held = ""
        self._trim = inside  # line ends at the beginning of what comes are the tag's

    def feed(self, text: str) -> list[tuple[bool, str]]:
        """The parts that `text` completes, each with whether it is thinking; none is empty."""
        if not (self._held or self._inside or self._trim or "<" in text):
            return [(False, text)] if text else []
        text = self._held + text
        self._held = ""
        parts: list[tuple[bool, str]] = []
        while (found := self._next_tag(text)) is not None:
            place, tag = found
            before = text[:place]
            self._add(parts, before.rstrip("\r\n") if self._inside else before)
            text = text[place + len(tag) :]
            self._turn(tag)
        rest = self._hold(text)
        self._add(parts, rest)
        return parts

    def close(self) -> list[tuple[bool, str]]:
        """What was held back, which is no tag after all."""
        parts: list[tuple[bool, str]] = []
        held = self._held
        self._held = ""
        self._add(parts, held)
        return parts

    def _tags(self) -> tuple[str, ...]:
        return self._closing if self._inside else _OPENING

    def _next_tag(self, text: str) -> tuple[int, str] | None:
        """The first tag that counts where we are, and its place."""
        found = [(place, tag) for tag in self._tags() if (place := text.find(tag)) >= 0]
        return min(found) if found else None

    def _turn(self, tag: str) -> None:
        if not self._inside:
            self._closing = (f"</{tag[1:]}",)
        self._inside = not self._inside
        self._trim = True

    def _hold(self, text: str) -> str:
        """Keep the end of `text` that may be of a tag; the rest is returned."""
        end = text.rfind("<")
        if end < 0 or not any(tag.startswith(text[end:]) for tag in self._tags()):
            end = len(text)
        if self._inside:
            end = len(text[:end].rstrip("\r\n"))
        self._held = text[end:]
        return text[:end]

    def _add(self, parts: list[tuple[bool, str]], text: str) -> None:
        if self._trim:
            text = text.lstrip("\r\n")
        if text:
            self._trim = False
            parts.append((self._inside, text))
