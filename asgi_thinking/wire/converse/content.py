"""The messages of a Converse request.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html, read
2026-11-22.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never

import orjson

from asgi_thinking._json import Fragment
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import (
    File,
    Image,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from asgi_thinking.wire.calls import CallIds
from asgi_thinking.wire.claude import call_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asgi_thinking.messages import Part, Turn

__all__ = ["LONGEST_NAME", "Conversation", "cache_point"]

JSONObject: TypeAlias = dict[str, Any]

_IMAGES: Final[Mapping[str, str]] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_DOCUMENTS: Final[Mapping[str, str]] = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}

# What a document's name must not have, runs of white space among it.
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9()\[\]-]+")
_LONGEST_TITLE: Final = 180  # of 200, for a number to fit behind

LONGEST_NAME: Final = 64
"""Characters of a tool's name."""

# A result that failed has to say something.
_FAILED: Final = "The tool failed."

# Blocks of the model's own tools, and what a request would name a file of the owner's with.
_REPLAYED: Final = ("toolUse", "toolResult")
_OWNED: Final = b"s3Location"
_LIFETIMES: Final = frozenset({"5m", "1h"})


class Conversation:
    """Writes the turns of one request.

    Args:
        origins: whose reasoning the model takes back.
        caches: whether it takes cache points.
    """

    __slots__ = ("_caches", "_ids", "_names", "_origins")

    def __init__(self, origins: frozenset[str], *, caches: bool) -> None:
        self._origins = origins
        self._caches = caches
        self._ids = CallIds()
        self._names: dict[str, int] = {}  # of documents, for two must not have the same

    def messages(self, turns: Sequence[Turn]) -> list[JSONObject]:
        """The turns as messages; those left empty are left out, because the API refuses them.

        The roles alternate, as the API requires: all results of one round of calls stand in one
        message, with what the user says next.

        Raises:
            InvalidRequest: an image or a document is none that the API takes.
        """
        messages: list[JSONObject] = []
        for turn in turns:
            content = [*self._result(turn)] if turn.role == "tool" else _told(self.blocks(turn))
            role = "assistant" if turn.role == "assistant" else "user"
            if content and messages and messages[-1]["role"] == role:
                messages[-1]["content"] += content
            elif content:
                messages.append({"role": role, "content": content})
        return messages

    def blocks(self, turn: Turn) -> list[JSONObject]:
        """The content of a turn, without the blank texts that the API refuses.

        Raises:
            InvalidRequest: an image or a document is none that the API takes.
        """
        blocks: list[JSONObject] = []
        for part in turn.parts:
            block = self._block(part)
            if block is None:
                continue
            blocks.append(block)
            if isinstance(part, Text | ToolCall | Image | File):
                blocks += self._cached(part.cache_control)
        if blocks and "cachePoint" not in blocks[-1]:
            blocks += self._cached(turn.cache_control)  # a message's own means its last block
        return blocks

    def _result(self, turn: Turn) -> list[JSONObject]:
        """The answer to a call, with the cache point that cannot stand within it."""
        parts = [part for part in turn.parts if isinstance(part, Text | Image | File)]
        marks = (turn.cache_control, *(part.cache_control for part in parts))
        unmarked = tuple([replace(part, cache_control=None) for part in parts])
        result: JSONObject = {
            "toolUseId": self._ids.of_result(turn.tool_call_id),
            "content": self.blocks(replace(turn, parts=unmarked, cache_control=None)),
        }
        if turn.is_error:
            result["status"] = "error"
            result["content"] = result["content"] or [{"text": _FAILED}]
        return [{"toolResult": result}, *self._cached(next(filter(None, marks), None))]

    def _cached(self, mark: Mapping[str, Any] | None) -> list[JSONObject]:
        return [cache_point(mark)] if mark and self._caches else []

    def _block(self, part: Part) -> JSONObject | None:
        """One part as a content block; None for what the API or the model would refuse."""
        match part:
            case Text(text) | Refusal(text):
                return {"text": text} if text.strip() else None
            case ToolCall(call_id, name, arguments):
                given = Fragment(arguments if arguments.strip() else "{}")
                sent = self._ids.of_call(call_id)
                called = call_name(name, LONGEST_NAME)
                return {"toolUse": {"toolUseId": sent, "name": called, "input": given}}
            case Image():
                return {"image": _image(part)}
            case File():
                return {"document": self._document(part)}
            case Thinking() | RedactedThinking() | Opaque():
                return _kept(part) if part.origin in self._origins else None
            case _ as unreachable:
                assert_never(unreachable)

    def _document(self, file: File) -> JSONObject:
        kind = _DOCUMENTS.get(file.media_type)
        if kind is None:
            raise _refused(f"{file.media_type!r} is no document that this API takes")
        name = _NOT_IN_NAMES.sub(" ", file.name).strip()[:_LONGEST_TITLE] or "document"
        count = self._names[name] = self._names.get(name, 0) + 1
        return {
            "format": kind,
            "name": name if count == 1 else f"{name} {count}",
            "source": {"bytes": file.data},
        }


def _told(content: list[JSONObject]) -> list[JSONObject]:
    """The content, with the text that has to stand beside documents."""
    names = [block["document"]["name"] for block in content if "document" in block]
    if not names or any("text" in block for block in content):
        return content
    return [{"text": ", ".join(names)}, *content]


def cache_point(mark: Mapping[str, Any]) -> JSONObject:
    """A `cache_control` as the block that stands behind what it is for."""
    lifetime = mark.get("ttl")
    if lifetime in _LIFETIMES:
        return {"cachePoint": {"type": "default", "ttl": lifetime}}
    return {"cachePoint": {"type": "default"}}


def _image(image: Image) -> JSONObject:
    if image.url:
        raise _refused("image URLs are not supported by this API; send a data: URL")
    kind = _IMAGES.get(image.media_type)
    if kind is None:
        raise _refused(f"{image.media_type!r} is no image that this API takes")
    return {"format": kind, "source": {"bytes": image.data}}


def _kept(part: Thinking | RedactedThinking | Opaque) -> JSONObject | None:
    """What only its vendor reads, as its reply had it."""
    match part:
        case Thinking(text, signature):
            told = {"text": text, "signature": signature}
            return {"reasoningContent": {"reasoningText": told}} if signature else None
        case RedactedThinking(data, origin):
            blob = data if origin else base64.b64encode(data.encode()).decode()
            return {"reasoningContent": {"redactedContent": blob}}
        case Opaque(data, origin):
            return _opaque(data) if origin else None
        case _ as unreachable:
            assert_never(unreachable)


def _opaque(data: str) -> JSONObject | None:
    """A block as a reply had it, under the key that its type names.

    It comes back from a caller, so it may be anything; what only a reply holds cannot refer to what
    the owner has in S3.
    """
    block = orjson.loads(data)
    kind = block.get("type")
    if kind not in _REPLAYED or kind not in block or _OWNED in orjson.dumps(block[kind]):
        return None
    return {kind: block[kind]}


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"messages: {why}", param="messages")
