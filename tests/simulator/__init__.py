"""Vendors that answer on no network and refuse what the real ones refuse, in their own words.

Each vendor is a function from a request to an `Answer`. What it would say is a `Reply`, which a
`Speaker` chooses from the conversation; how it is written, signed and checked is the vendor's part.
Signatures carry what they sign, so that a later request is judged without any state.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import orjson

__all__ = [
    "Answer",
    "Call",
    "Refused",
    "Reply",
    "Rulebook",
    "Speaker",
    "digest",
    "opened",
    "sealed",
]


class Call(NamedTuple):
    """A call of a tool: its name and its arguments."""

    name: str
    arguments: dict[str, Any]


class Reply(NamedTuple):
    """What the model says: thinking, then text, then calls; what is empty is not said.

    With `interleaved`, each call has its own thinking before it. `redacted` hides the thinking in
    data that only the vendor can read.
    """

    thinking: str = ""
    text: str = ""
    calls: tuple[Call, ...] = ()
    interleaved: bool = False
    redacted: bool = False


class Answer(NamedTuple):
    """A response of the vendor; a stream's body is whole, for others to cut."""

    status: int
    headers: dict[str, str]
    body: bytes


Speaker: TypeAlias = Callable[[Mapping[str, Any]], Reply]
"""Chooses what to say from the vendor's own request body."""


class Refused(Exception):  # noqa: N818 (a refusal, which is an answer)
    """A request that the vendor refuses; `rule` names the rule that fired."""

    def __init__(self, rule: str, message: str, status: int = 400, code: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.status = status
        self.code = code


R = TypeVar("R")


class Rulebook(Generic[R]):
    """A vendor's rules by name, in the order in which they are checked.

    A rule is a function from a request to the vendor's words, "" where there is nothing to refuse.
    """

    def __init__(self) -> None:
        self.rules: dict[str, tuple[Callable[[R], str], int, str]] = {}
        self.sources: dict[str, str] = {}

    def rule(
        self, name: str, source: str, status: int = 400, code: str = ""
    ) -> Callable[[Callable[[R], str]], Callable[[R], str]]:
        """Write a rule into the book, with the status and the code of its refusals.

        `source` is the page that states it, or where its words were seen.
        """

        def write(check: Callable[[R], str]) -> Callable[[R], str]:
            self.rules[name] = check, status, code
            self.sources[name] = source
            return check

        return write

    def check(self, request: R) -> None:
        """Raise `Refused` by the first rule that the request breaks."""
        for name, (check, status, code) in self.rules.items():
            if message := check(request):
                raise Refused(name, message, status, code)


def digest(*values: Any) -> str:
    """A short fingerprint of JSON values."""
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def sealed(vendor: str, **facts: Any) -> str:
    """A signature of a vendor: base64 of what it vouches for."""
    return base64.b64encode(orjson.dumps({"vendor": vendor, **facts})).decode()


def opened(signature: Any) -> dict[str, Any]:
    """What a signature vouches for; an empty object where it is nobody's."""
    try:
        facts = orjson.loads(base64.b64decode(signature, validate=True))
    except (ValueError, TypeError):
        return {}
    return facts if isinstance(facts, dict) else {}
