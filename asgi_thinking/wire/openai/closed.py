"""Whether a reply is exactly OpenAI's: nothing beyond its types, at any level, and nothing missing.

Source: https://platform.openai.com/docs/api-reference/chat, and the types of openai 3.54; read
2026-11-22.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeAlias

import orjson

from asgi_thinking.sse import SSEDecoder
from asgi_thinking.wire.openai.thinking import is_array, is_object

__all__ = ["ClosedStream", "is_completion"]

_Check: TypeAlias = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return value.__class__ is str


def _is_count(value: Any) -> bool:
    return value.__class__ is int


def _is_number(value: Any) -> bool:
    return value.__class__ in (int, float)


def _one_of(*words: str) -> _Check:
    return lambda value: value in words


def _maybe(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


def _each(check: _Check) -> _Check:
    return lambda value: is_array(value) and all(map(check, value))


def _fields(checks: Mapping[str, _Check], required: Collection[str] = ()) -> _Check:
    needed = frozenset(required)

    def check(value: Any) -> bool:
        if not is_object(value) or not needed <= value.keys():
            return False
        return all(key in checks and checks[key](item) for key, item in value.items())

    return check


_LIKELY: Final[Mapping[str, _Check]] = {
    "token": _is_text,
    "bytes": _maybe(_each(_is_count)),
    "logprob": _is_number,
}
_TOKENS: Final = _maybe(_each(_fields({**_LIKELY, "top_logprobs": _each(_fields(_LIKELY))})))
_LOGPROBS: Final = _maybe(_fields({"content": _TOKENS, "refusal": _TOKENS}))

_INPUT_COUNTS: Final = ("cached_tokens", "audio_tokens", "cache_write_tokens")
_OUTPUT_COUNTS: Final = (
    *("reasoning_tokens", "audio_tokens"),
    *("accepted_prediction_tokens", "rejected_prediction_tokens"),
)
_TOTALS: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_USAGE: Final = _fields(
    {
        **dict.fromkeys(_TOTALS, _is_count),
        "prompt_tokens_details": _maybe(
            _fields(dict.fromkeys(_INPUT_COUNTS, _maybe(_is_count))),
        ),
        "completion_tokens_details": _maybe(
            _fields(dict.fromkeys(_OUTPUT_COUNTS, _maybe(_is_count))),
        ),
    },
    _TOTALS,
)

_FINISH: Final = _one_of("stop", "length", "tool_calls", "content_filter")
_FUNCTION: Final[Mapping[str, _Check]] = {"name": _maybe(_is_text), "arguments": _maybe(_is_text)}
_CALL: Final[Mapping[str, _Check]] = {
    "id": _maybe(_is_text),
    "type": _maybe(_one_of("function")),
    "function": _maybe(_fields(_FUNCTION)),
}
_PAGE: Final = _fields(
    {"start_index": _is_count, "end_index": _is_count, "title": _is_text, "url": _is_text}
)
_SOURCE: Final = _fields({"type": _one_of("url_citation"), "url_citation": _PAGE})
_MESSAGE: Final = _fields(
    {
        "role": _one_of("assistant"),
        "content": _maybe(_is_text),
        "refusal": _maybe(_is_text),
        "annotations": _each(_SOURCE),
        "tool_calls": _each(_fields(_CALL, _CALL)),
    },
    ("role", "content", "refusal"),
)
_DELTA: Final = _fields(
    {
        "role": _maybe(_one_of("assistant")),
        "content": _maybe(_is_text),
        "refusal": _maybe(_is_text),
        "tool_calls": _maybe(_each(_fields({**_CALL, "index": _is_count}, ("index",)))),
    }
)
_ENVELOPE: Final[Mapping[str, _Check]] = {
    "id": _is_text,
    "created": _is_count,
    "model": _is_text,
    "service_tier": _maybe(_one_of("auto", "default", "flex", "scale", "priority", "fast")),
    "system_fingerprint": _maybe(_is_text),
}
_REQUIRED: Final = ("id", "object", "created", "model", "choices")

is_completion: Final[_Check] = _fields(
    {
        **_ENVELOPE,
        "object": _one_of("chat.completion"),
        "choices": _each(
            _fields(
                {
                    "index": _is_count,
                    "message": _MESSAGE,
                    "logprobs": _LOGPROBS,
                    "finish_reason": _FINISH,
                },
                ("index", "message", "logprobs", "finish_reason"),
            )
        ),
        "usage": _USAGE,
    },
    _REQUIRED,
)
"""Whether a JSON reply is exactly OpenAI's."""

_is_chunk: Final = _fields(
    {
        **_ENVELOPE,
        "object": _one_of("chat.completion.chunk"),
        "choices": _each(
            _fields(
                {
                    "index": _is_count,
                    "delta": _DELTA,
                    "logprobs": _LOGPROBS,
                    "finish_reason": _maybe(_FINISH),
                },
                ("index", "delta", "finish_reason"),
            )
        ),
        "usage": _maybe(_USAGE),
        "obfuscation": _is_text,  # OpenAI's padding against the guessing of lengths
    },
    _REQUIRED,
)


class ClosedStream:
    """Whether the events of one stream are exactly OpenAI's, so far."""

    __slots__ = ("_greeted",)

    def __init__(self) -> None:
        self._greeted: set[int] = set()

    def passes(self, data: bytes) -> bool:
        """Whether the next whole events are exactly OpenAI's; comments are nobody's."""
        for name, body in SSEDecoder(len(data)).feed(data):
            if name or not (body == b"[DONE]" or self._is_chunk(body)):
                return False
        return True

    def _is_chunk(self, body: bytes) -> bool:
        try:
            chunk = orjson.loads(body)
        except orjson.JSONDecodeError:
            return False
        if not _is_chunk(chunk) or bool(chunk["choices"]) is bool(chunk.get("usage")):
            return False
        for choice in chunk["choices"]:
            index = choice["index"]
            if choice["delta"].get("role") and index in self._greeted:
                return False  # clients that add up deltas would add up the roles
            self._greeted.add(index)
        return True
