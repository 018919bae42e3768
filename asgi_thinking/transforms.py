"""Changes thinking on its way to the client: redacts it, drops it, copies it elsewhere.

A transform sees thinking alone, before any dialect does; `showing.py` says what becomes of a block
that is not shown as it was thought.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, runtime_checkable

from asgi_thinking.asker import Asker
from asgi_thinking.exceptions import ConfigurationError

__all__ = [
    "Made",
    "Maker",
    "Transform",
    "TransformFactory",
    "chain",
    "copy_to",
    "drop",
    "redact",
    "transform_of",
]


@runtime_checkable
class Transform(Protocol):
    """What is shown of thinking, a fragment at a time.

    One with a true attribute `hides` shows no block at all, not even an empty or a redacted one.
    """

    def feed(self, text: str) -> str:
        """Take a fragment as the model thought it; give what is shown now, which may be less."""
        ...

    def close(self) -> str:
        """The block ends: give what was held back. The next `feed` begins another block."""
        ...


Made: TypeAlias = "Transform | Callable[[str], str] | None"
"""What a factory makes: a transform, a function for each fragment, or None to change nothing."""

TransformFactory: TypeAlias = Callable[[Asker], Made]
"""Makes the transform of one reply; called again only where several blocks are open at once."""

Maker: TypeAlias = Callable[[], Made]
"""A factory that knows who asks."""


# -- what comes with the package -----------------------------------------------------------------


def redact(
    pattern: str | re.Pattern[str], replacement: str = "[redacted]", *, longest: int = 256
) -> TransformFactory:
    r"""Put `replacement` in the place of every match, wherever the fragments are cut.

    ::

        Service(..., transform=redact(r"sk-[\w-]+"))

    Args:
        pattern: what nobody may see; it matches within one block of thinking.
        replacement: plain text.
        longest: the longest match to be found, in characters; so many are held back, each shown
            when as many more have come. A match that does not end is waited for up to 16 times as
            long, and then the reply fails rather than show its rest.

    Raises:
        ConfigurationError: the pattern is none, or `longest` is below 1.
    """
    if longest < 1:
        raise ConfigurationError(f"redact: longest must be at least 1, not {longest!r}")
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigurationError(f"redact: {pattern!r} is no pattern: {error}") from error
    return lambda _: _Redaction(compiled, replacement, longest)


def drop() -> TransformFactory:
    """Show no thinking, whatever the dialect: no block, no signature, nothing redacted."""
    return lambda _: _Drop()


def copy_to(receiver: Callable[[str | None], object]) -> TransformFactory:
    """Give each fragment to `receiver`, and None at the end of each block; show all unchanged.

    ::

        Service(..., transform=copy_to(queue.put_nowait))

    It is called on the event loop and must not block; if it raises, the reply fails.
    """
    return lambda _: _Copy(receiver)


def chain(*factories: TransformFactory) -> TransformFactory:
    """Each of these after the other: the first sees what was thought, the last what is shown."""

    def make(asker: Asker) -> Made:
        made = [transform_of(factory(asker)) for factory in factories]
        links = [link for link in made if link is not None]
        return _Chain(links) if links else None

    return make


# How much longer than `longest` a match may be of which no end is seen.
_RUNAWAY: Final = 16


class _Redaction:
    """`_text` is what is held back, from `_from` on, behind what a lookbehind may want to see."""

    __slots__ = ("_from", "_longest", "_pattern", "_replacement", "_text")

    def __init__(self, pattern: re.Pattern[str], replacement: str, longest: int) -> None:
        self._pattern = pattern
        self._replacement = replacement
        self._longest = longest
        self._text = ""
        self._from = 0

    def feed(self, text: str) -> str:
        self._text += text
        # A match that begins before this can be seen whole.
        shown = self._show(len(self._text) - self._longest, ends=False)
        if len(self._text) - self._from > self._longest * _RUNAWAY:
            raise ValueError("a match is longer than can be waited for")
        kept = max(self._from - self._longest, 0)
        self._text, self._from = self._text[kept:], self._from - kept
        return shown

    def close(self) -> str:
        shown = self._show(len(self._text), ends=True)
        self._text, self._from = "", 0
        return shown

    def _show(self, safe: int, *, ends: bool) -> str:
        """What can be shown of the text before `safe`, or of all where the block `ends`."""
        text, shown = self._text, list[str]()
        start = self._from
        while start < safe:
            match = self._pattern.search(text, start)
            if match is None or (match.start() >= safe and not ends):
                shown.append(text[start:safe])
                start = safe
                break
            shown.append(text[start : match.start()])
            start = match.start()
            if match.end() == len(text) and not ends:
                break  # it may go on
            if match.end() > start:
                shown.append(self._replacement)
                start = match.end()
            else:  # it found a place, and nothing in it
                shown.append(text[start : start + 1])
                start += 1
        self._from = start
        return "".join(shown)


class _Drop:
    __slots__ = ()

    hides = True

    def feed(self, text: str) -> str:
        del text
        return ""

    def close(self) -> str:
        return ""


class _Copy:
    __slots__ = ("_receiver",)

    def __init__(self, receiver: Callable[[str | None], object]) -> None:
        self._receiver = receiver

    def feed(self, text: str) -> str:
        self._receiver(text)
        return text

    def close(self) -> str:
        self._receiver(None)
        return ""


class _Each:
    """A function of the owner's, which knows fragments alone."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[str], str]) -> None:
        self._function = function

    def feed(self, text: str) -> str:
        return self._function(text)

    def close(self) -> str:
        return ""


class _Chain:
    __slots__ = ("_links", "hides")

    def __init__(self, links: list[Transform]) -> None:
        self._links = links
        self.hides = any(getattr(link, "hides", False) for link in links)

    def feed(self, text: str) -> str:
        for link in self._links:
            if not text:
                break
            text = link.feed(text)
        return text

    def close(self) -> str:
        rest = ""
        for link in self._links:
            rest = (link.feed(rest) if rest else "") + link.close()
        return rest


def transform_of(made: Made) -> Transform | None:
    """A transform for what a factory made, which may be a function."""
    return made if made is None or isinstance(made, Transform) else _Each(made)
