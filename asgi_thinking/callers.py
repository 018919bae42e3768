"""What the headers of a request say of its caller: whose it is, and with which key to ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

__all__ = ["Headers", "caller_key", "owner"]

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

# Values that SDKs send where their user configured no key. Source: portkey-ai 2.3.4 and obiguard
# 1.0.19, read 2026-11-22.
_DUMMY_KEYS: Final = frozenset({"OPENAI_API_KEY", ""})
_GATEWAY_KEYS: Final = (b"x-portkey-api-key", b"x-obiguard-api-key")


def owner(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Whose request it is where nobody says so: the first of the keys that it carries."""
    given = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    for name in (*_GATEWAY_KEYS, b"authorization", b"x-api-key"):
        key = given.get(name, "")
        if key and key.removeprefix("Bearer").strip() not in _DUMMY_KEYS:
            return f"key {key}"
    return ""


def caller_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The caller's own key: `x-api-key`, or `authorization` beside a gateway's key header."""
    given = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    if key := given.get(b"x-api-key"):
        return key
    if not any(name in given for name in _GATEWAY_KEYS):
        return None
    scheme, _, key = given.get(b"authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" and key not in _DUMMY_KEYS else None
