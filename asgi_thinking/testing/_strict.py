"""OpenAI's own replies and chunks, as closed shapes: no key beyond them, no other type.

Source: https://platform.openai.com/docs/api-reference/chat and the types of openai 3.54, read
2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from asgi_thinking.echo import is_array, is_object

__all__ = ["CHUNK", "COMPLETION", "ERROR", "shape_faults"]

Shape: TypeAlias = Any
"""A type, a tuple of them, a set of values, `[shape]` for an array, or an object's keys: those that
end in "?" may be missing, and no others may be there."""

_TEXT: Final = (str, type(None))
_COUNT: Final = int

_LOGPROBS: Final = {f"{name}?": (list, type(None)) for name in ("content", "refusal")}
_USAGE: Final = {
    "prompt_tokens": _COUNT,
    "completion_tokens": _COUNT,
    "total_tokens": _COUNT,
    "prompt_tokens_details?": {
        f"{name}?": _COUNT for name in ("cached_tokens", "cache_write_tokens", "audio_tokens")
    },
    "completion_tokens_details?": {
        f"{name}_tokens?": _COUNT
        for name in ("reasoning", "audio", "accepted_prediction", "rejected_prediction")
    },
}
_FINISH: Final = frozenset({"stop", "length", "tool_calls", "content_filter"})
_CALL: Final = {
    "id": str,
    "type": frozenset({"function"}),
    "function": {"name": str, "arguments": str},
}
_SOURCE: Final = {
    "type": frozenset({"url_citation"}),
    "url_citation": {"start_index": int, "end_index": int, "title": str, "url": str},
}
_BODY: Final = {
    "id": str,
    "created": int,
    "model": str,
    "service_tier?": _TEXT,
    "system_fingerprint?": _TEXT,
}

COMPLETION: Final[Shape] = _BODY | {
    "object": frozenset({"chat.completion"}),
    "choices": [
        {
            "index": int,
            "finish_reason": _FINISH,
            "logprobs": (dict, type(None)),
            "message": {
                "role": frozenset({"assistant"}),
                "content": _TEXT,
                "refusal": _TEXT,
                "annotations?": [_SOURCE],
                "tool_calls?": [_CALL],
            },
        }
    ],
    "usage?": _USAGE,
}
CHUNK: Final[Shape] = _BODY | {
    "object": frozenset({"chat.completion.chunk"}),
    "choices": [
        {
            "index": int,
            "finish_reason": _FINISH | {None},
            "logprobs?": (dict, type(None)),
            "delta": {
                "role?": frozenset({"assistant"}),
                "content?": _TEXT,
                "refusal?": _TEXT,
                "tool_calls?": [
                    {
                        "index": int,
                        "id?": str,
                        "type?": frozenset({"function"}),
                        "function?": {"name?": str, "arguments?": str},
                    }
                ],
            },
        }
    ],
    "usage?": _USAGE,
}
ERROR: Final[Shape] = {
    "error": {"message": str, "type": str, "param": _TEXT, "code": _TEXT},
}


def shape_faults(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """What of the value is not of the shape: `choices[0].delta.thinking is not OpenAI's`."""
    where = path or "the body"
    if is_object(shape):
        yield from _object_faults(value, shape, path)
    elif is_array(shape):
        if not is_array(value):
            yield f"{where} is no array"
            return
        for position, item in enumerate(value):
            yield from shape_faults(item, shape[0], f"{path}[{position}]")
    elif isinstance(shape, frozenset):
        if value not in shape:
            yield f"{where} is {value!r}"
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is int):
        yield f"{where} is of type {type(value).__name__}"


def _object_faults(value: Any, shape: Mapping[str, Shape], path: str) -> Iterator[str]:
    if not is_object(value):
        yield f"{path or 'the body'} is no object"
        return
    prefix = f"{path}." if path else ""
    known = {name.removesuffix("?"): inner for name, inner in shape.items()}
    for name in shape:
        if not name.endswith("?") and name not in value:
            yield f"{prefix}{name} is missing"
    for name, item in value.items():
        if name in known:
            yield from shape_faults(item, known[name], f"{prefix}{name}")
        else:
            yield f"{prefix}{name} is not OpenAI's"
