"""What a caller asks for: the fields of a chat-completions body that go upstream, and no others.

Source: https://platform.openai.com/docs/api-reference/chat/create for OpenAI's fields and ranges,
read 2026-11-22; `_wishes.py` names those of the fields that ask for thinking.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from asgi_thinking import _fields as fields
from asgi_thinking import _json
from asgi_thinking import _wishes as wishes
from asgi_thinking._wishes import Effort, ThinkingConfig, ThinkingType
from asgi_thinking.conversation import AssistantReader, decode_messages
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.tools import Tool, ToolChoice, read_tooling

if TYPE_CHECKING:
    from asgi_thinking.messages import Turn

__all__ = [
    "ChatRequest",
    "Effort",
    "ResponseFormat",
    "ThinkingConfig",
    "ThinkingType",
    "Tool",
    "ToolChoice",
    "decode",
    "decode_settings",
    "decode_turns",
]


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """Structured output; `schema` belongs to type "json_schema"."""

    type: Literal["json_object", "json_schema"]
    name: str = ""
    schema: Mapping[str, Any] | None = None
    strict: bool | None = None


@dataclass(frozen=True)
class ChatRequest:
    """A chat-completions request, checked and independent of any vendor.

    `max_tokens` is in tokens, None where the caller did not say. `web_search` switches on the
    vendor's own search. `extra` holds fields that the owner allowed by name (`extra_fields=`),
    `headers` the caller's headers that go upstream, and `credential` the caller's own key where the
    owner wants it.
    """

    model: str
    messages: tuple[Turn, ...]
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None
    thinking: ThinkingConfig = wishes.UNSAID
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: Mapping[str, float] | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    web_search: bool = False
    user: str | None = None
    service_tier: str | None = None
    verbosity: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    credential: str | None = field(default=None, repr=False)

    def but(self, **changes: Any) -> Self:
        """The request with some fields changed.

        `dataclasses.replace` would set each of the thirty fields one by one, which is most of what
        a request costs; this is why the class has no slots.
        """
        request = object.__new__(type(self))
        object.__setattr__(request, "__dict__", self.__dict__ | changes)
        return request


def decode(
    body: bytes | Mapping[str, Any],
    *,
    read_assistant: AssistantReader,
    extra_fields: Collection[str] = (),
    allowed_parts: frozenset[str] = frozenset(),
) -> ChatRequest:
    """Check a chat-completions body, as it came or as `_json.loads` gave it.

    `null` equals an absent field; fields that nobody knows are passed over, but those that
    `extra_fields` names go to `extra`. What acts with the owner's rights is refused unless
    `allowed_parts` names it: `"previous_response_id"`, `"container"`, `"mcp_servers"`, `"gs://"`,
    `"s3://"`.

    Raises:
        InvalidRequest: with `param` such as `messages[2].content[0].type`; None: the body.
    """
    source = _parse(body) if isinstance(body, bytes) else body
    request = decode_settings(source, extra_fields, allowed_parts)
    return request.but(messages=decode_turns(source, read_assistant, allowed_parts))


def decode_settings(
    source: Mapping[str, Any],
    extra_fields: Collection[str] = (),
    allowed_parts: frozenset[str] = frozenset(),
) -> ChatRequest:
    """All of a body but its messages; see `decode`."""
    try:
        values = _values(source)
        values["extra"] = _extra(source, extra_fields, allowed_parts)
        if not _TOOLING.isdisjoint(source):
            tools, tool_choice, web_search = read_tooling(source)
            values |= {"tools": tools, "tool_choice": tool_choice, "web_search": web_search}
    except InvalidRequest as error:
        raise _placed(error) from None
    return _BLANK.but(**values)


def decode_turns(
    source: Mapping[str, Any],
    read_assistant: AssistantReader,
    allowed_parts: frozenset[str] = frozenset(),
) -> tuple[Turn, ...]:
    """The messages of a body; see `decode`."""
    try:
        return decode_messages(source.get("messages"), read_assistant, allowed_parts)
    except InvalidRequest as error:
        raise _placed(error) from None


def _placed(error: InvalidRequest) -> InvalidRequest:
    return InvalidRequest(f"{error.param}: {error.message}", param=error.param, code=error.code)


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        return fields.mapping(_json.loads(body))
    except (_json.InvalidJSON, InvalidRequest) as error:
        reason = str(error)
    raise InvalidRequest(f"body: {reason}")


def _values(source: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that can be read by themselves, as `ChatRequest` has them."""
    values: dict[str, Any] = {}
    name = ""
    try:
        for name, value in source.items():
            if value is not None and (read := _READERS.get(name)) is not None:
                values[name] = read(value)
    except InvalidRequest as error:
        raise fields.under(name, error) from None
    if "model" not in values:
        raise fields.invalid("required", "model")
    if "stream_options" in values:
        values["include_usage"] = values.pop("stream_options")
    # The next two succeeded `max_tokens` and `user`, and win.
    if "max_completion_tokens" in values:
        values["max_tokens"] = values.pop("max_completion_tokens")
    if "safety_identifier" in values:
        values["user"] = values.pop("safety_identifier") or values.get("user")
    if not wishes.WISHES.isdisjoint(values):
        values["thinking"] = wishes.read_together(values)
    return values


_BLANK: Final = ChatRequest("", ())

_TOOLING: Final = frozenset({"tools", "tool_choice", "web_search_options"})

# What an upstream would do with the rights of the account that the owner pays for.
_OWNED: Final = ("previous_response_id", "container", "mcp_servers")

_LEGACY: Final = {"functions": "tools", "function_call": "tool_choice"}

_REFUSED: Final = frozenset({*_OWNED, *_LEGACY})


def _extra(
    source: Mapping[str, Any], extra_fields: Collection[str], allowed: frozenset[str]
) -> dict[str, Any]:
    wanted = extra_fields
    if not _REFUSED.isdisjoint(source):
        for name in _OWNED:
            if source.get(name) is not None and name not in allowed and name not in extra_fields:
                raise fields.invalid("not allowed by this server", name)
        for name, successor in _LEGACY.items():
            if source.get(name) is not None:
                raise fields.invalid(f"not supported, send {successor}", name)
        wanted = (*extra_fields, *(name for name in _OWNED if name in allowed))
    extra: dict[str, Any] = {}
    for name in wanted:
        if source.get(name) is not None and name not in _KNOWN:
            extra[name] = source[name]
    return extra


def _include_usage(value: Any) -> bool:
    return fields.given(fields.mapping(value), "include_usage", fields.boolean) or False


def _identifier(value: Any) -> str | None:
    return fields.string(value) or None


def _stop(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise fields.wrong("a string or an array", value)
    return tuple(word for word in _STRINGS(value) if word)


_STRINGS: Final = fields.each(fields.string)


def _logit_bias(value: Any) -> Mapping[str, float]:
    bias = fields.mapping(value)
    for token in bias:
        fields.required(bias, token, _BIAS)
    return bias


_BIAS: Final = fields.number(-100, 100)


def _response_format(value: Any) -> ResponseFormat | None:
    source = fields.mapping(value)
    kind = fields.required(source, "type", _FORMAT)
    if kind == "text":
        return None
    if kind == "json_object":
        return ResponseFormat(kind)
    return fields.required(source, "json_schema", _json_schema)


_FORMAT: Final = fields.OneOf[Literal["text", "json_object", "json_schema"]](
    "text", "json_object", "json_schema"
)


def _json_schema(value: Any) -> ResponseFormat:
    source = fields.mapping(value)
    return ResponseFormat(
        "json_schema",
        fields.required(source, "name", fields.name),
        fields.given(source, "schema", fields.mapping),
        fields.given(source, "strict", fields.boolean),
    )


_TOKENS: Final = fields.integer(1)

_READERS: Final[Mapping[str, fields.Reader[Any]]] = {
    "model": fields.name,
    "stream": fields.boolean,
    "stream_options": _include_usage,
    "max_tokens": _TOKENS,
    "max_completion_tokens": _TOKENS,
    **wishes.READERS,
    "temperature": fields.number(0, 2),
    "top_p": fields.number(0, 1),
    "top_k": fields.integer(0),
    "stop": _stop,
    "n": fields.integer(1, 128),
    "seed": fields.integer(),
    "presence_penalty": fields.number(-2, 2),
    "frequency_penalty": fields.number(-2, 2),
    "logprobs": fields.boolean,
    "top_logprobs": fields.integer(0, 20),
    "logit_bias": _logit_bias,
    "parallel_tool_calls": fields.boolean,
    "response_format": _response_format,
    "user": _identifier,
    "safety_identifier": _identifier,
    "service_tier": fields.name,
    "verbosity": fields.OneOf("low", "medium", "high"),
}
"""Fields that can be read without looking at others."""

# `extra_body` is read for one thing only, and may hold more that the owner wants to go upstream.
_KNOWN: Final = (frozenset(_READERS) | _TOOLING | {"messages"}) - {"extra_body"}
