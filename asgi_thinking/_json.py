"""JSON as this package reads and writes it: orjson, and the few rules that it needs around it.

orjson parses up to 1,024 levels but writes only 254, so it may accept a body that could not be
sent on; `loads` therefore stops at `MAX_DEPTH`. Of its other habits these are kept: the last of
two equal keys wins, integers beyond 64 bits become floats, and NaN, Infinity and numbers beyond a
double are refused. Each habit has its test.

Source: https://github.com/ijl/orjson#deserialize, read 2026-11-22.
"""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, NoReturn

import orjson
from orjson import Fragment, dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_DEPTH", "Fragment", "InvalidJSON", "check_object", "dumps", "loads"]

MAX_DEPTH: Final = 200
"""How deep arrays and objects may stand in one another; `{}` is 1 deep."""

# body, messages, message, tool_calls, call, function: what stands around a call's arguments.
_AROUND_ARGUMENTS: Final = 6

_CONTAINERS: Final = frozenset({dict, list})

# A whole surrogate pair, or half of one in group 1.
_SURROGATES: Final = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|([89a-fA-F][0-9a-fA-F]{2}))"
)

# Each takes half a microsecond; a body with more of them is no text.
_MOST_SURROGATES: Final = 100_000


class InvalidJSON(ValueError):  # noqa: N818 (says what it is, like InvalidRequest)
    """The text is not JSON as this package takes it; the message shows nothing of it."""


def loads(data: bytes) -> Any:
    """The value of a JSON text; half surrogate pairs in escapes become U+FFFD.

    Raises:
        InvalidJSON: `data` is not UTF-8, not JSON, or deeper than `MAX_DEPTH`.
    """
    return _loads(data, MAX_DEPTH)[0]


def check_object(text: str) -> str:
    """The text of a tool call's arguments, after checking that it is a JSON object.

    It comes back as it is, but for half surrogate pairs in escapes, which become U+FFFD because no
    vendor takes them. Its depth is counted together with the levels it stands in.

    Raises:
        InvalidJSON: `text` is not JSON, is too deep, or is no object.
    """
    # Surrogates in a str have no UTF-8 form; passed on, they are refused as invalid UTF-8.
    data = text.encode(errors="surrogatepass")
    value, mended = _loads(data, MAX_DEPTH - _AROUND_ARGUMENTS)
    if not isinstance(value, dict):
        raise InvalidJSON("not a JSON object")
    return text if mended is data else mended.decode()


def _loads(data: bytes, depth: int, *, mended: bool = False) -> tuple[Any, bytes]:
    """The value, and the text it was read from: `data` itself unless it had to be mended."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        failure = error
    else:
        # Most bodies have too few brackets to be deep, wherever these stand.
        if data.count(b"[") + data.count(b"{") > depth:
            _check_depth(value, depth)
        return value, data
    whole = data if mended else _SURROGATES.sub(_mend, data, _MOST_SURROGATES)
    if whole == data:
        _refuse(data, failure)
    return _loads(whole, depth, mended=True)


def _mend(escape: re.Match[bytes]) -> bytes:
    half = escape[1] is not None
    if _backslashes(escape.string, escape.start()) % 2 == 0:
        return rb"\ufffd" if half else escape[0]
    # The backslash is itself escaped, so only the second half, if any, is an escape.
    return escape[0] if half else escape[0][:6] + rb"\ufffd"


def _backslashes(data: bytes, end: int) -> int:
    """How many stand directly before `end`; a run of millions is counted in pieces."""
    count = 0
    for stop in range(end, 0, -1024):
        piece = data[max(stop - 1024, 0) : stop]
        run = len(piece) - len(piece.rstrip(b"\\"))
        count += run
        if run < len(piece):
            break
    return count


def _check_depth(value: Any, depth: int) -> None:
    """Walk the containers level by level, so that nothing recurses."""
    level: list[Any] = [value] if type(value) in _CONTAINERS else []
    for _ in repeat(None, depth):
        level = [child for node in level for child in _children(node) if type(child) in _CONTAINERS]
        if not level:
            return
    raise InvalidJSON(f"nested deeper than {depth} levels")


def _children(node: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def _refuse(data: bytes, failure: orjson.JSONDecodeError) -> NoReturn:
    if not data.strip():
        raise InvalidJSON("empty, expected JSON")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 in data[:2]:
        raise InvalidJSON("not UTF-8: this looks like UTF-16 or UTF-32")
    if data.startswith(b"\xef\xbb\xbf"):
        raise InvalidJSON("begins with a byte order mark, expected UTF-8 without one")
    # orjson says "Recursion limit reached" up to 3.11 and "depth limit exceeded" from 3.12.
    if "ecursion" in failure.msg or "depth" in failure.msg:
        raise InvalidJSON(f"nested deeper than {MAX_DEPTH} levels")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        start = error.start
    else:
        raise InvalidJSON(f"not JSON: {failure.msg} (byte {failure.pos})")
    raise InvalidJSON(f"not UTF-8 at byte {start}")
