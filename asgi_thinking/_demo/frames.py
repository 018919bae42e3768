"""Frames of an AWS event stream, written as `asgi_thinking.eventstream` describes them.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html (the same
frames), read 2026-11-22.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["frame"]

_STRING = 7  # the type of a header's value


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """A frame with both of its checksums; the values of all headers are texts."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    prelude = pack(">II", 16 + len(block) + len(payload), len(block))
    message = prelude + pack(">I", crc32(prelude)) + block + payload
    return message + pack(">I", crc32(message))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return pack(">B", len(key)) + key + pack(">BH", _STRING, len(text)) + text
