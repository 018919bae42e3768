"""How many requests may be under way at once."""

from __future__ import annotations

from typing import Final

from asgi_thinking.exceptions import ConfigurationError, Overloaded

__all__ = ["Gate"]

# Seconds. A place is free as soon as any reply ends, and clients' SDKs wait at least this long.
_RETRY_AFTER: Final = 1.0


class Gate:
    """Lets in up to `limit` requests at once, and no one waits: a queue would only hide the load.

    Who is not let in gets 503, the status of a server that cannot do more at the moment. 429 would
    say that this caller sends too much, and would keep load balancers from asking another process.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4 and
    https://www.rfc-editor.org/rfc/rfc6585#section-4, read 2026-11-22.
    """

    __slots__ = ("_limit", "under_way")

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ConfigurationError(f"max_concurrency must be above 0, not {limit!r}")
        self._limit = limit
        self.under_way = 0

    def enter(self) -> None:
        """Take a place, until `leave`.

        Raises:
            Overloaded: there is none.
        """
        if self.under_way >= self._limit:
            raise Overloaded(
                f"this server answers at most {self._limit} requests at once",
                code="overloaded",
                retry_after=_RETRY_AFTER,
            )
        self.under_way += 1

    def leave(self) -> None:
        """Give the place back."""
        self.under_way -= 1
