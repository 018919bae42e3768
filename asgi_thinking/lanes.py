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
    empty prefix hides the block, and `flows` says that the next fragment is a further one of a
    block that is shown. `number` is the index that the dialect gave it. `whole` collects the
    fragments' strings where the dialect needs the text again; its first `skip` escaped bytes are
    not the block's. Elsewhere `length` counts the code points of the fragments.
    """

    __slots__ = (
        "block",
        "flows",
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
        self.flows = False
        self.length = 0
        self.number = 0
        self.skip = 0
        self.sent = False
        self.signature: str | None = None
        self.sealed: str | None = None
        self.whole: bytearray | None = None

    def hide(self) -> None:
        """Send nothing of the block any more."""
        self.prefix = b""
        self.flows = False

    def collected(self) -> bytes:
        """The text that `whole` holds, as one JSON string."""
        strings = bytes(self.whole or b'""')
        # Only where strings meet do two quotes; beside an escaped one, either pair is as good.
        return b'"' + strings[1 + self.skip : -1].replace(b'""', b"") + b'"'

    def fragment(self, text: str) -> bytes:
        """The next fragment's chunk."""
        string = orjson.dumps(text)
        if not string.isascii():
            string = _unbroken(string)
        if self.whole is None:
            self.length += len(text)
        else:
            self.whole += string
        if self.middle:
            return b"".join((self.prefix, string, self.middle, string, self.suffix))
        return self.prefix + string + self.suffix
