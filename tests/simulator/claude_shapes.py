"""Which fields a request to Claude may have, of which types: the words are those of the API.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/api/messages/create and the request
types of the SDK 2.12.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

from tests.simulator import Refused

__all__ = ["SHAPES", "check_body"]

Check: TypeAlias = Callable[[Any, str], None]

_CREATE = "https://platform.claude.com/docs/en/api/messages/create"

SHAPES = {
    "claude.extra_inputs": _CREATE,
    "claude.field_required": _CREATE,
    "claude.field_type": _CREATE,
    "claude.field_range": _CREATE,
    "claude.unknown_tag": _CREATE,
    "claude.unknown_value": _CREATE,
    "claude.pattern": _CREATE,
}
"""The rules of this module, each with its page."""


def _refused(rule: str, path: str, message: str) -> Refused:
    return Refused(f"claude.{rule}", f"{path}: {message}", 400, "invalid_request_error")


def text(pattern: str = "") -> Check:
    """A string, of a pattern if there is one."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise _refused("field_type", path, "Input should be a valid string")
        if pattern and not re.fullmatch(pattern, value):
            raise _refused("pattern", path, f"String should match pattern '^{pattern}$'")

    return check


def whole(minimum: int) -> Check:
    """A whole number."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _refused("field_type", path, "Input should be a valid integer")
        if value < minimum:
            message = f"Input should be greater than or equal to {minimum}"
            raise _refused("field_range", path, message)

    return check


def share(value: Any, path: str) -> None:
    """A number from 0 to 1."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _refused("field_type", path, "Input should be a valid number")
    if not 0 <= value <= 1:
        raise _refused("field_range", path, "range: 0..1")


def boolean(value: Any, path: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise _refused("field_type", path, "Input should be a valid boolean")


def anything(value: Any, path: str) -> None:
    """An object that the API does not look into."""
    if not isinstance(value, dict):
        raise _refused("field_type", path, "Input should be a valid dictionary")


def words(*allowed: str) -> Check:
    """One of some words."""

    def check(value: Any, path: str) -> None:
        if value not in allowed:
            *others, last = map(repr, allowed)
            expected = f"{', '.join(others)} or {last}" if others else last
            raise _refused("unknown_value", path, f"Input should be {expected}")

    return check


def each(of: Check) -> Check:
    """An array."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise _refused("field_type", path, "Input should be a valid list")
        for index, item in enumerate(value):
            of(item, f"{path}.{index}")

    return check


def either(first: type, of: Check) -> Check:
    """A value of the type, or what `of` takes."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, first):
            of(value, path)

    return check


def record(required: Mapping[str, Check], **optional: Check) -> Check:
    """An object of these fields and no others; those that are optional may be null."""

    def check(value: Any, path: str) -> None:
        anything(value, path)
        prefix = f"{path}." if path else ""
        for name, of in required.items():
            if name not in value:
                raise _refused("field_required", f"{prefix}{name}", "Field required")
            of(value[name], f"{prefix}{name}")
        for name, given in value.items():
            if name in optional:
                if given is not None:
                    optional[name](given, f"{prefix}{name}")
            elif name not in required:
                raise _refused("extra_inputs", f"{prefix}{name}", "Extra inputs are not permitted")

    return check


def tagged(kinds: Mapping[str, Check], default: str = "") -> Check:
    """An object whose `type` says which of the shapes it has, and stands in the path."""

    def check(value: Any, path: str) -> None:
        anything(value, path)
        kind = value.get("type", default)
        if kind not in kinds:
            expected = ", ".join(map(repr, sorted(kinds)))
            message = (
                f"Input tag '{kind}' found using 'type' does not match any of the expected tags: "
                f"{expected}"
            )
            raise _refused("unknown_tag", path, message)
        kinds[kind](value, f"{path}.{kind}")

    return check


_TAG = words  # the tag was looked at already, and is a field all the same
_CACHED = tagged({"ephemeral": record({"type": _TAG("ephemeral")}, ttl=words("5m", "1h"))})
_IMAGE = words("image/jpeg", "image/png", "image/gif", "image/webp")
_URL = record({"type": _TAG("url"), "url": text()})


def _base64(media_type: Check) -> Check:
    return record({"type": _TAG("base64"), "media_type": media_type, "data": text()})


_TEXT = record(
    {"type": _TAG("text"), "text": text()}, cache_control=_CACHED, citations=each(anything)
)


def _media(*, urls: bool) -> dict[str, Check]:
    """Images and documents; https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
    (read 2026-11-22): Bedrock opens no URLs."""
    url = {"url": _URL} if urls else {}
    plain = record({"type": _TAG("text"), "media_type": words("text/plain"), "data": text()})
    document = {"base64": _base64(words("application/pdf")), "text": plain, **url}
    return {
        "image": record(
            {"type": _TAG("image"), "source": tagged({"base64": _base64(_IMAGE), **url})},
            cache_control=_CACHED,
        ),
        "document": record(
            {"type": _TAG("document"), "source": tagged(document)},
            cache_control=_CACHED,
            title=text(),
            context=text(),
            citations=anything,
        ),
    }


_ID = "[a-zA-Z0-9_-]+"


def _content(*, urls: bool) -> Check:
    media = _media(urls=urls)
    result = each(tagged({"text": _TEXT, **media}))
    return tagged(
        {
            "text": _TEXT,
            **media,
            "thinking": record({"type": _TAG("thinking"), "signature": text(), "thinking": text()}),
            "redacted_thinking": record({"type": _TAG("redacted_thinking"), "data": text()}),
            "tool_use": record(
                {
                    "type": _TAG("tool_use"),
                    "id": text(_ID),
                    "name": text("[a-zA-Z0-9_-]{1,128}"),
                    "input": anything,
                },
                cache_control=_CACHED,
            ),
            "tool_result": record(
                {"type": _TAG("tool_result"), "tool_use_id": text(_ID)},
                content=either(str, result),
                is_error=boolean,
                cache_control=_CACHED,
            ),
        }
    )


_SCHEMA = record({"type": words("json_schema"), "schema": anything})
_INPUT_SCHEMA = words("object")


def _input_schema(value: Any, path: str) -> None:
    """A schema of an object; what is in it is checked elsewhere."""
    anything(value, path)
    if "type" not in value:
        raise _refused("field_required", f"{path}.type", "Field required")
    _INPUT_SCHEMA(value["type"], f"{path}.type")


_TOOL = tagged(
    {
        "custom": record(
            {"name": text("[a-zA-Z0-9_-]{1,128}"), "input_schema": _input_schema},
            type=_TAG("custom"),
            description=text(),
            strict=boolean,
            cache_control=_CACHED,
            eager_input_streaming=boolean,
            defer_loading=boolean,
        )
    },
    default="custom",
)
_CHOICE = tagged(
    {
        "auto": record({"type": _TAG("auto")}, disable_parallel_tool_use=boolean),
        "any": record({"type": _TAG("any")}, disable_parallel_tool_use=boolean),
        "tool": record({"type": _TAG("tool"), "name": text()}, disable_parallel_tool_use=boolean),
        "none": record({"type": _TAG("none")}),
    }
)


def _thinking(*, binding: bool, updates: bool) -> Check:
    """https://platform.claude.com/docs/en/build-with-claude/thinking, read 2026-11-22."""
    shown = words("summarized", "omitted", *(("updates",) if updates else ()))
    bound = record({}, prefix_mismatch_behavior=words("error", "drop_block"))
    more = {"display": shown} | ({"block_binding": bound} if binding else {})
    return tagged(
        {
            "enabled": record({"type": _TAG("enabled"), "budget_tokens": whole(1024)}, **more),
            "adaptive": record({"type": _TAG("adaptive")}, **more),
            "disabled": record({"type": _TAG("disabled")}),
            "between_tools": record({"type": _TAG("between_tools")}),
        }
    )


_OWN: dict[str, dict[str, Check]] = {
    "anthropic": {
        "stream": boolean,
        "cache_control": _CACHED,
        "service_tier": words("auto", "standard_only"),
        "speed": words("standard", "fast"),
        "inference_geo": text(),
        "container": either(str, anything),
    },
    "vertex": {"stream": boolean},
    "bedrock": {"anthropic_beta": each(text())},
    "converse": {"anthropic_beta": each(text())},
}
_REQUIRED: dict[str, dict[str, Check]] = {
    "anthropic": {"model": text()},
    "vertex": {"anthropic_version": text()},
    "bedrock": {"anthropic_version": text()},
    "converse": {},
}


@cache
def _body(door: str, *, sampling: bool, binding: bool, updates: bool) -> Check:
    sampled = {"temperature": share, "top_p": share, "top_k": whole(0)} if sampling else {}
    urls = door in {"anthropic", "vertex"}
    message = record(
        {
            "role": words("user", "assistant", "system"),
            "content": either(str, each(_content(urls=urls))),
        }
    )
    return record(
        {**_REQUIRED[door], "max_tokens": whole(0), "messages": each(message)},
        system=either(str, each(tagged({"text": _TEXT}))),
        thinking=_thinking(binding=binding, updates=updates),
        output_config=record(
            {}, effort=words("low", "medium", "high", "xhigh", "max"), format=_SCHEMA
        ),
        tools=each(_TOOL),
        tool_choice=_CHOICE,
        stop_sequences=each(text()),
        metadata=record({}, user_id=text()),
        **sampled,
        **_OWN[door],
    )


def check_body(door: str, body: Any, *, sampling: bool, betas: frozenset[str]) -> None:
    """Raises `Refused` where the body has not the shape that the door takes."""
    shape = _body(
        door,
        sampling=sampling,
        binding="thinking-binding-controls-2026-08-01" in betas,
        updates="thinking-display-updates-2026-08-18" in betas,
    )
    shape(body, "")
