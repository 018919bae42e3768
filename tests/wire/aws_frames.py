"""Frames of an AWS event stream, written as the format's description has them."""

from __future__ import annotations

import struct
from binascii import crc32
from typing import Any

import orjson

__all__ = ["event", "exception", "frame", "header", "wrapped"]


def header(name: str, value: str | bytes, kind: int = 7) -> bytes:
    """One header; the value of a type other than text is given as its bytes."""
    data = value.encode() if isinstance(value, str) else value
    length = struct.pack(">H", len(data)) if kind in (6, 7) else b""
    return bytes([len(name)]) + name.encode() + bytes([kind]) + length + data


def wrapped(headers: bytes, payload: bytes) -> bytes:
    """A frame around headers and payload."""
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """A frame whose headers are texts."""
    return wrapped(b"".join(header(name, value) for name, value in headers.items()), payload)


def event(kind: str, /, **fields: Any) -> bytes:
    """An event as Bedrock frames it, padding included."""
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return frame(headers, orjson.dumps({**fields, "p": "abcdefgh"}))


def exception(kind: str, message: str) -> bytes:
    """An exception in the stream."""
    headers = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return frame(headers, orjson.dumps({"message": message}))
