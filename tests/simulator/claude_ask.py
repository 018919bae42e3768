"""A request to Claude as the rules see it, and the book that they are written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, takewhile
from typing import Any, NamedTuple, TypeAlias, TypeVar

from tests.simulator import Rulebook, digest, opened
from tests.simulator.claude_models import MODELS, Model

__all__ = [
    "BINDING",
    "BOOK",
    "INTERLEAVED",
    "NEWEST",
    "Ask",
    "Block",
    "Place",
    "blocks",
    "cited",
    "lowered",
    "rule",
    "sources",
]

Block: TypeAlias = dict[str, Any]

NEWEST = "2026-10-21"
BINDING = "thinking-binding-controls-2026-08-01"
INTERLEAVED = "interleaved-thinking-2025-05-14"


class Place(NamedTuple):
    """A block of thinking: where it stands and what its signature vouches for."""

    turn: int
    index: int
    block: Block
    facts: dict[str, Any]

    @property
    def path(self) -> str:
        """As the vendor's errors name the place."""
        return f"messages.{self.turn}.content.{self.index}"

    @property
    def mark(self) -> str:
        """What later blocks know this one by."""
        return digest(self.block.get("signature") or self.block.get("data"))


@dataclass
class Ask:
    """A request whose shape is right.

    `door` is "anthropic", "vertex", "bedrock" or "converse"; `name` the model as asked for, `known`
    the table's name of it.
    """

    door: str
    name: str
    known: str
    body: dict[str, Any]
    version: str = NEWEST
    betas: frozenset[str] = frozenset()
    dropped: list[str] = field(default_factory=list)

    @property
    def model(self) -> Model:
        """The model's settings."""
        return MODELS[self.known]

    @cached_property
    def mode(self) -> str:
        """How the model thinks: "off", "adaptive", "enabled" or "between_tools"."""
        kind = (self.body.get("thinking") or {}).get("type")
        if kind is None:
            return "adaptive" if self.model.on else "off"
        return "off" if kind == "disabled" else kind

    @property
    def effort(self) -> str | None:
        """The effort asked for."""
        return (self.body.get("output_config") or {}).get("effort")

    @property
    def choice(self) -> str:
        """Which tools are to be called."""
        return (self.body.get("tool_choice") or {"type": "auto"})["type"]

    @property
    def forced(self) -> bool:
        """Whether a tool has to be called."""
        return self.choice in {"any", "tool"}

    @property
    def interleaves(self) -> bool:
        """Whether the model thinks between its calls.

        https://platform.claude.com/docs/en/build-with-claude/extended-thinking, read 2026-11-22.
        """
        if self.mode != "enabled":
            return self.mode != "off"
        return self.model.interleaves == "beta" and INTERLEAVED in self.betas

    @cached_property
    def turns(self) -> list[tuple[str, list[Block]]]:
        """The messages; a string is one block of text."""
        return [(turn["role"], blocks(turn["content"])) for turn in self.body["messages"]]

    @cached_property
    def thinking(self) -> list[Place]:
        """Every block of thinking in the conversation."""
        return [
            Place(i, j, block, opened(block.get("signature") or block.get("data")))
            for i, (_, content) in enumerate(self.turns)
            for j, block in enumerate(content)
            if block["type"] in {"thinking", "redacted_thinking"}
        ]

    @cached_property
    def answering(self) -> int | None:
        """Where the assistant's turn begins that this request goes on with, if there is one.

        A user's messages that answer calls do not end the turn.
        """
        runs = takewhile(lambda run: run[0] or run[2], reversed(self._runs))
        starts = [first for is_assistant, first, _ in runs if is_assistant]
        return starts[-1] if starts else None

    @property
    def _runs(self) -> list[tuple[bool, int, bool]]:
        """Messages of one side in a row: whose, where they begin, whether they answer calls."""
        sides = groupby(enumerate(self.turns), lambda each: each[1][0] == "assistant")
        return [
            (is_assistant, run[0][0], any(_answers(content) for _, (_, content) in run))
            for is_assistant, run in ((side, list(turns)) for side, turns in sides)
        ]

    def places(self, kind: str) -> Iterator[tuple[str, int, Block]]:
        """The blocks of a kind, each with its path and its message."""
        for i, (_, content) in enumerate(self.turns):
            for j, block in enumerate(content):
                if block["type"] == kind:
                    yield f"messages.{i}.content.{j}", i, block


def _answers(content: list[Block]) -> bool:
    return any(block["type"] == "tool_result" for block in content)


def blocks(content: Any) -> list[Block]:
    """Content as blocks."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


R = TypeVar("R")
Check: TypeAlias = Callable[[R], str]

BOOK: Rulebook[Ask] = Rulebook()
"""The rules of Claude's that look at a request as a whole; the names are the functions'."""


def cited(book: Rulebook[R], prefix: str, code: str, source: str) -> Callable[[Check[R]], Check[R]]:
    """Write a rule into a book under its function's name, with the page that states it."""

    def write(check: Check[R]) -> Check[R]:
        return book.rule(f"{prefix}.{check.__name__}", source, 400, code)(check)

    return write


def rule(source: str) -> Callable[[Check[Ask]], Check[Ask]]:
    """Write a rule of Claude's."""
    return cited(BOOK, "claude", "invalid_request_error", source)


def sources(book: Rulebook[R]) -> dict[str, str]:
    """The names of a book's rules, each with the page that states it."""
    return dict(book.sources)


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers under lower-case names."""
    return {name.lower(): value for name, value in headers.items()}
