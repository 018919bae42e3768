"""What was found broken, a sentence for each promise, and the failure that tells it all."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager

__all__ = ["Findings", "Nonconformance"]


class Nonconformance(AssertionError):  # noqa: N818 (it says what is the matter)
    """A provider or a dialect breaks promises; `broken` has a sentence for each of them.

    Its text has a line for each: `acme: the decoder gave other events when its bytes were cut at
    17`.
    """

    def __init__(self, name: str, broken: Iterable[str]) -> None:
        self.name = name
        self.broken = tuple(broken)
        super().__init__("\n".join(f"{name}: {sentence}" for sentence in self.broken))


class Findings:
    """Collects sentences, each once, so that one run names all that is wrong."""

    __slots__ = ("_broken", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._broken: dict[str, None] = {}

    def expect(self, holds: bool, otherwise: str) -> bool:
        """Note the sentence `otherwise` unless the promise holds; whether it does."""
        if not holds:
            self._broken[otherwise] = None
        return holds

    def add(self, sentences: Iterable[str], where: str = "") -> None:
        """Note sentences, with what comes before each."""
        for sentence in sentences:  # one by one: what they come from may fail in the middle
            self._broken[f"{where}{sentence}"] = None

    @contextmanager
    def during(self, what: str) -> Generator[None]:
        """Note an exception of the block instead of raising it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 (code that is being judged may raise anything)
            self._broken[f"{what} raised {describe(error)}"] = None

    def settle(self) -> None:
        """Raise what was found.

        Raises:
            Nonconformance: something was.
        """
        if self._broken:
            raise Nonconformance(self._name, self._broken)


def describe(error: BaseException) -> str:
    """An exception as a sentence has it."""
    return f"{type(error).__name__}: {error}"
