"""One block of a stream on its way out, and JSON that no client's reader of lines can cut.

What stands before and after a fragment is rendered when its block starts, so that a fragment, of
which one comes for each token, costs one JSON string.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asgi_thinking.events import BlockStart

__all__ = ["Lane", "json_line", "members"]

# Characters at which a Unicode-aware `splitlines` cuts. Clients that use it on an event stream
# would cut a chunk in two; inside JSON strings the escapes mean the same.
# Source: https://docs.python.org/3/library/stdtypes.html#str.splitlines, read 2026-11-22.
_LINE_ENDS: Final = tuple((c.encode(), b"\\u%04x" % ord(c)) for c in "\x85\u2028\u2029")


def json_line(value: Any) -> bytes:
    """The value as JSON that no client's reader of lines can cut."""
    data = orjson.dumps(value)
    return data if data.isascii() else _unbroken(data)


def _unbroken(data: bytes) -> bytes:
    for end, escape in _LINE_ENDS:
        data = data.replace(end, escape)
    return data


def members(fields: Mapping[str, Any]) -> bytes:
    """The object's members as JSON, without its braces."""
    return json_line(fields)[1:-1]


class Lane:
    """One block of a stream on its way out.

    A fragment leaves as `prefix + string + suffix`, or with `middle + string` before the suffix; an
    empty prefix hides the block. `length` counts the code points of its fragments, `number` is the
    index that the dialect gave it, and `whole` collects their escaped text where the dialect
    needs it again; its first `skip` bytes are not the block's.
    """

    __slots__ = (
        "block",
        "length",
        "middle",
        "number",
        "prefix",
        "sealed",
        "sent",
        "signature",
        "skip",
        "suffix",
        "whole",
    )

    def __init__(self, block: BlockStart) -> None:
        self.block = block
        self.prefix = b""
        self.middle = b""
        self.suffix = b""
        self.length = 0
        self.number = 0
        self.skip = 0
        self.sent = False
        self.signature: str | None = None
        self.sealed: str | None = None
        self.whole: bytearray | None = None

    def fragment(self, text: str) -> bytes:
        """The next fragment's chunk."""
        self.length += len(text)
        string = orjson.dumps(text)
        if not string.isascii():
            string = _unbroken(string)
        if self.whole is not None:
            self.whole += string[1:-1]
        if self.middle:
            return b"".join((self.prefix, string, self.middle, string, self.suffix))
        return self.prefix + string + self.suffix
