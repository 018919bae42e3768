"""Which dialect a reply is written in, decided from the request's headers alone.

In this order:

1. A strictness header (one that some dialect names as its `opt_in`) with any value but `false`, or
   the strictness headers of two dialects, make the reply strict. Nothing below lifts this.
2. `x-thinking-dialect: <name>` names the dialect; an unknown name is refused.
3. One strictness header with `false` asks for its dialect.
4. Any other `x-portkey-*` or `x-obiguard-*` header means strict, which is those gateways' default.
5. Otherwise the route's default.
6. A dialect that the route does not allow becomes strict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from asgi_thinking.dialects import Dialect
from asgi_thinking.exceptions import ConfigurationError, InvalidRequest

__all__ = ["DIALECT_HEADER", "STRICT", "Negotiator"]

DIALECT_HEADER: Final = b"x-thinking-dialect"
STRICT: Final = "openai"

# Clients of these gateways send some of these headers with every request, and an absent strictness
# header means strict there. Source: portkey-ai 2.3.4 and obiguard 1.0.19, read 2026-11-22.
_STRICT_BY_DEFAULT: Final = (b"x-portkey-", b"x-obiguard-")


# How the names of all these headers begin.
_EXTENSION: Final = (b"x-", b"x_", b"X-", b"X_")


class Negotiator:
    """The decision for one route; immutable and shared by all its requests.

    `usual` is the dialect of requests without a signal, and `vary` names the headers that count.
    """

    __slots__ = ("_allowed", "_known", "_opt_ins", "_prefixes", "usual", "vary")

    def __init__(
        self, known: Mapping[str, Dialect], allowed: Collection[str] | None, default: str
    ) -> None:
        """Make the decision for a route.

        Args:
            known: every dialect that can be named, by name; must hold the strict one.
            allowed: names that this route may answer in; strict is always allowed. None for all
                but those that have thinking within `content`, which clients that do not know them
                take for the answer.
            default: the name used where the request has no signal.

        Raises:
            ConfigurationError: a name in `allowed` or `default` is not known.
        """
        for name in (STRICT, default, *(allowed or ())):
            if name not in known:
                raise ConfigurationError(
                    f"dialect {name!r} is not installed; known are {', '.join(sorted(known))}"
                )
        self._known = known
        if allowed is None:
            allowed = (*(name for name, it in known.items() if not it.in_content), default)
        self._allowed = frozenset(allowed) | {STRICT}
        self._opt_ins = {d.opt_in: d.name for d in known.values() if d.opt_in is not None}
        self.vary = b", ".join((DIALECT_HEADER, *self._opt_ins))
        letters = {name[2:3] for name in (DIALECT_HEADER, *self._opt_ins, *_STRICT_BY_DEFAULT)}
        self._prefixes = frozenset(
            [start + case for start in _EXTENSION for x in letters for case in (x, x.upper())]
        )
        self.usual = self._permit(default)

    def __call__(self, headers: Iterable[tuple[bytes, bytes]]) -> Dialect:
        """The dialect of the reply.

        Raises:
            InvalidRequest: `x-thinking-dialect` names no known dialect, or several.
        """
        found = self.signal(headers)
        return self.usual if found is None else found[0]

    def signal(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[Dialect, bool] | None:
        """The dialect that the request itself asks for, and whether by one of rules 1 to 3.

        None: it does not say, and the route's default holds.

        Raises:
            InvalidRequest: as when called.
        """
        # Most requests have no such header at all.
        prefixes = self._prefixes
        extensions = [pair for pair in headers if pair[0][:3] in prefixes]
        if not extensions:
            return None
        wished, votes, refused, gateway = self._read(extensions)
        if refused or len(votes) > 1:
            return self._known[STRICT], True
        if wished:
            return self._permit(self._named(wished)), True
        if votes:
            return self._permit(votes.pop()), True
        return (self._known[STRICT], False) if gateway else None

    def _read(
        self, headers: Iterable[tuple[bytes, bytes]]
    ) -> tuple[set[bytes], set[str], bool, bool]:
        wished: set[bytes] = set()
        votes: set[str] = set()
        refused = gateway = False
        for raw, value in headers:
            name = raw.lower().replace(b"_", b"-")
            if dialect := self._opt_ins.get(name):
                votes.add(dialect)
                refused = refused or value.strip().lower() != b"false"
            elif name == DIALECT_HEADER:
                wished.add(value.strip().lower())
            elif name.startswith(_STRICT_BY_DEFAULT):
                gateway = True
        return wished, votes, refused, gateway

    def _named(self, wished: set[bytes]) -> str:
        name = b",".join(sorted(wished)).decode("latin-1")
        if name not in self._known:
            allowed = ", ".join(sorted(self._allowed))
            raise InvalidRequest(
                f"x-thinking-dialect: unknown dialect {name[:64]!r}; this route has {allowed}",
                param="x-thinking-dialect",
                code="unknown_dialect",
            )
        return name

    def _permit(self, name: str) -> Dialect:
        return self._known[name if name in self._allowed else STRICT]
