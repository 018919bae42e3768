"""The `messages` of a chat-completions body, read into turns.

What an assistant message carries beside OpenAI's own fields depends on the dialect that its reply
was written in, so a reader of assistant messages is passed in; `read_plain` is the one that knows
OpenAI's fields only. Paths in errors start at the value a function is given.

Source: https://platform.openai.com/docs/api-reference/chat/create, read 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from asgi_thinking import _fields as fields
from asgi_thinking._json import InvalidJSON, check_object
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Block, File, Image, Part, Refusal, Text, ToolCall, Turn

__all__ = [
    "GOOGLE",
    "AssistantReader",
    "decode_messages",
    "read_answer",
    "read_calls",
    "read_plain",
]

GOOGLE: Final = "gemini"
"""The origin of signatures that stand where Google's own OpenAI endpoint has them, unless they say.

Source: https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-22.
"""

AssistantReader: TypeAlias = Callable[[Mapping[str, Any]], tuple[Block, ...]]
"""Reads the blocks of an assistant message; paths in its errors start at the message."""

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]

# Source: https://platform.claude.com/docs/en/api/messages/create ("messages"), read 2026-11-22.
_MAX_MESSAGES: Final = 100_000

# What openai-python's stream helper makes of a role that a stream repeats.
_REPEATED_ASSISTANT: Final = re.compile(r"(?:assistant)+")

_MEDIA_TYPE: Final = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="

# Spellings that vendors refuse.
# Source: https://www.iana.org/assignments/media-types, read 2026-11-22.
_MEDIA_TYPES: Final = {"image/jpg": "image/jpeg"}

# What a bare base64 file is, by the end of its name; OpenAI's own file inputs are PDFs.
# Source: https://www.iana.org/assignments/media-types, read 2026-11-22.
_FILE_TYPES: Final = {
    "": "application/pdf",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "xml": "text/xml",
}

# Schemes that a vendor would open with the owner's rights.
_OWNED_SCHEMES: Final = ("gs://", "s3://")


def decode_messages(
    messages: Any, read_assistant: AssistantReader, allowed_parts: frozenset[str] = frozenset()
) -> tuple[Turn, ...]:
    """The turns of a conversation, one for each message, in order.

    `allowed_parts` names what the owner lets callers refer to: `"gs://"`, `"s3://"`.

    Raises:
        InvalidRequest: with `param` such as `messages[2].content[0].type`.
    """
    try:
        if messages is None:
            raise fields.invalid("required")
        if not fields.array(messages):
            raise fields.invalid("must hold at least one message")
        if len(messages) > _MAX_MESSAGES:
            raise fields.invalid(f"must hold at most {_MAX_MESSAGES} messages")
        return _turns(messages, read_assistant, allowed_parts)
    except InvalidRequest as error:
        raise fields.under("messages", error) from None


def _turns(
    messages: list[Any], read_assistant: AssistantReader, allowed: frozenset[str]
) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    try:
        for message in messages:
            turn = _text_turn(message) or _turn(fields.mapping(message), read_assistant, allowed)
            turns.append(turn)
    except InvalidRequest as error:
        raise fields.under(f"[{len(turns)}]", error) from None
    return tuple(turns)


def _text_turn(message: Any) -> Turn | None:
    """The turn of a message that holds a text and nothing else, as most do; None for others."""
    if message.__class__ is not dict or len(message) != _ROLE_AND_CONTENT:
        return None
    role, content = message.get("role"), message.get("content")
    if not content or content.__class__ is not str or role not in ("user", "system", "developer"):
        return None
    return Turn(role, (Text(content),))


_ROLE_AND_CONTENT: Final = 2


def _turn(
    message: Mapping[str, Any], read_assistant: AssistantReader, allowed: frozenset[str]
) -> Turn:
    role = fields.required(message, "role", _role)
    cache_control = fields.given(message, "cache_control", fields.cache_control)
    if role == "assistant":
        return Turn(role, read_assistant(message), cache_control=cache_control)
    read_content = _TEXT_CONTENT if role in ("system", "developer") else _any_content(allowed)
    parts = fields.required(message, "content", read_content)
    if role != "tool":
        return Turn(role, parts, cache_control=cache_control)
    return Turn(
        role,
        parts,
        fields.required(message, "tool_call_id", fields.name),
        fields.given(message, "is_error", fields.boolean) or False,
        cache_control,
    )


def _role(value: Any) -> Role:
    if isinstance(value, str) and _REPEATED_ASSISTANT.fullmatch(value):
        return "assistant"
    return _ROLE(value)


_ROLE: Final = fields.OneOf[Role]("system", "developer", "user", "assistant", "tool")


def _content_of(
    readers: Mapping[str, fields.Reader[Part]], *, strict: bool = True
) -> fields.Reader[tuple[Part, ...]]:
    """Content that is a string or an array of parts; empty text is no part.

    Parts of kinds without a reader are an error if `strict`, else passed over.
    """

    def read_part(value: Any) -> Part | None:
        part = fields.mapping(value)
        if not (strict or (isinstance(part.get("type"), str) and part["type"] in readers)):
            return None
        kind = fields.required(part, "type", fields.string)
        if kind not in readers:
            allowed = ", ".join(map(repr, readers))
            message = f"{fields.shown(kind)} is not supported here, only {allowed}"
            raise fields.invalid(message, "type")
        read_kind = readers[kind](part)
        return None if isinstance(read_kind, Text) and not read_kind.text else read_kind

    read_parts = fields.each(read_part)

    def read(value: Any) -> tuple[Part, ...]:
        if isinstance(value, str):
            return (Text(value),) if value else ()
        if not isinstance(value, list):
            raise fields.wrong("a string or an array", value)
        return tuple(part for part in read_parts(value) if part is not None)

    return read


def _text(part: Mapping[str, Any]) -> Text:
    cache_control = fields.given(part, "cache_control", fields.cache_control)
    return Text(fields.required(part, "text", fields.string), cache_control=cache_control)


def _refusal(part: Mapping[str, Any]) -> Refusal:
    return Refusal(fields.required(part, "refusal", fields.string))


def _image_reader(allowed: frozenset[str]) -> fields.Reader[Part]:
    def read_url(value: Any) -> Image:
        url = fields.name(value)
        scheme = url[:8].lower()
        if scheme.startswith("data:"):
            media_type, data = _data_url(url)
            if not media_type.startswith("image/"):
                raise fields.invalid(f"{fields.shown(media_type)} is no image; send a file part")
            return Image(media_type, data)
        owned = next((s for s in _OWNED_SCHEMES if scheme.startswith(s)), None)
        if owned is not None and owned not in allowed:
            raise fields.invalid(f"{owned} references are not allowed by this server")
        if owned is None and not scheme.startswith(("http://", "https://")):
            raise fields.invalid("expected a data:, http: or https: URL")
        return Image(url=url)

    def read_image(value: Any) -> Image:
        if isinstance(value, str):
            return read_url(value)
        return fields.required(fields.mapping(value), "url", read_url)

    def read(part: Mapping[str, Any]) -> Image:
        image = fields.required(part, "image_url", read_image)
        cache_control = fields.given(part, "cache_control", fields.cache_control)
        return Image(image.media_type, image.data, image.url, cache_control)

    return read


def _file(part: Mapping[str, Any]) -> File:
    file = fields.required(part, "file", _file_source)
    cache_control = fields.given(part, "cache_control", fields.cache_control)
    return File(file.media_type, file.data, file.name, cache_control)


def _file_source(value: Any) -> File:
    source = fields.mapping(value)
    if source.get("file_id") is not None:
        message = "files of the server's own account are not allowed; send file_data"
        raise fields.invalid(message, "file_id")
    name = fields.given(source, "filename", fields.string) or ""
    data = fields.required(source, "file_data", fields.name)
    if data[:5].lower() == "data:":
        return File(*fields.required(source, "file_data", _data_url), name)
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in _FILE_TYPES:
        message = "unknown kind of file; send file_data as a data: URL with its media type"
        raise fields.invalid(message, "filename")
    return File(_FILE_TYPES[ending], fields.required(source, "file_data", _base64), name)


_TEXT_CONTENT: Final = _content_of({"text": _text})


@cache  # there are as many as the owner has configurations
def _any_content(allowed: frozenset[str]) -> fields.Reader[tuple[Part, ...]]:
    return _content_of({"text": _text, "image_url": _image_reader(allowed), "file": _file})


def _data_url(url: str) -> tuple[str, str]:
    """The media type and the base64 data of a data: URL."""
    header, _, data = url[5:].partition(",")
    media_type, *parameters = header.lower().split(";")
    if not _MEDIA_TYPE.fullmatch(media_type) or parameters[-1:] != ["base64"]:
        raise fields.invalid("expected data:<media type>;base64,<data>")
    return _MEDIA_TYPES.get(media_type, media_type), _base64(data)


def _base64(data: str) -> str:
    if not data or data.encode().translate(None, _BASE64):
        raise fields.invalid("not base64")
    return data


def read_plain(message: Mapping[str, Any]) -> tuple[Block, ...]:
    """The blocks of an assistant message in OpenAI's own fields: text, refusal, tool calls."""
    return *read_answer(message), *read_calls(message)


def read_answer(message: Mapping[str, Any], *, strict: bool = True) -> tuple[Text | Refusal, ...]:
    """The text and refusal of an assistant message's `content` and `refusal`; both may be missing.

    Unless `strict`, parts of other kinds are passed over: some dialect has read them.
    """
    read = _CONTENT if strict else _LOOSE_CONTENT
    parts = fields.given(message, "content", read) or ()
    blocks = tuple(part for part in parts if isinstance(part, Text | Refusal))
    refusal = fields.given(message, "refusal", fields.string)
    if refusal and Refusal(refusal) not in blocks:
        return *blocks, Refusal(refusal)
    return blocks


_ANSWER: Final[Mapping[str, fields.Reader[Part]]] = {"text": _text, "refusal": _refusal}
_CONTENT: Final = _content_of(_ANSWER)
_LOOSE_CONTENT: Final = _content_of(_ANSWER, strict=False)


def read_calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """The tool calls of an assistant message; arguments are "" or the text of a JSON object."""
    if message.get("function_call") is not None:
        raise fields.invalid("not supported, send tool_calls", "function_call")
    return fields.given(message, "tool_calls", _CALLS) or ()


def _call(value: Any) -> ToolCall:
    call = fields.mapping(value)
    kind = fields.given(call, "type", fields.string)
    if kind not in (None, "function"):
        raise fields.invalid(f"{fields.shown(kind)} is not supported, only 'function'", "type")
    call_id = fields.required(call, "id", fields.name)
    name, arguments = fields.required(call, "function", _function)
    # Google's own OpenAI endpoint puts the signature of a call here.
    # Source: https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-22.
    signature, origin = fields.given(call, "extra_content", _extra_content) or (None, "")
    return ToolCall(
        call_id,
        name,
        arguments,
        signature,
        origin,
        fields.given(call, "cache_control", fields.cache_control),
    )


_CALLS: Final = fields.each(_call)


def _function(value: Any) -> tuple[str, str]:
    function = fields.mapping(value)
    name = fields.required(function, "name", fields.name)
    return name, fields.given(function, "arguments", _arguments) or ""


def _arguments(value: Any) -> str:
    text = fields.string(value)
    if not text:
        return text
    try:
        return check_object(text)
    except InvalidJSON as error:
        reason = str(error)
    raise fields.invalid(f"expected the text of a JSON object: {reason}")


def _extra_content(value: Any) -> tuple[str, str] | None:
    return fields.given(fields.mapping(value), "google", _google)


def _google(value: Any) -> tuple[str, str] | None:
    """A signature, and who can verify it: Google itself does not say."""
    google = fields.mapping(value)
    signature = fields.given(google, "thought_signature", fields.string)
    origin = fields.given(google, "provider", fields.string) or GOOGLE
    return (signature, origin) if signature else None
