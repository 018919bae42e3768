"""The messages of a chat-completions request.

Each message depends on no later turn, so those of a history that grows stay as they were; but for
the last one of those to Mistral, which is told to go on with it, or gets it as the user's.

Source: https://platform.openai.com/docs/api-reference/chat/create, read 2026-11-22; the places of
thinking: `models_openai.py`.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never

import orjson

from asgi_thinking._json import Fragment
from asgi_thinking.details import detail_item
from asgi_thinking.messages import (
    File,
    Image,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
    synthetic_call_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asgi_thinking.families import Family
    from asgi_thinking.messages import Part

__all__ = ["encode_turns"]

JSONObject: TypeAlias = dict[str, Any]

_LONGEST_ID: Final = 40  # of a tool call, in code points
_NINE: Final = re.compile(r"[a-zA-Z0-9]{9}")

# What the assistant says where a vendor wants a word between a tool's and the user's.
_BRIDGE: Final = "OK."


def encode_turns(turns: Iterable[Turn], family: Family, *, owes_echo: bool) -> list[JSONObject]:
    """The turns as messages; an assistant's that says nothing is left out.

    `owes_echo` says that the vendor wants thinking in every turn, be it empty.
    """
    messages = [_message(turn, family, owes_echo=owes_echo) for turn in turns]
    said = [message for message in messages if message is not None]
    return _ordered(said) if family.ordered else said


def _ordered(messages: Iterable[JSONObject]) -> list[JSONObject]:
    """The messages in an order that Mistral takes.

    It wants no system message after the assistant or a tool or at the end, and no user right after
    a tool.

    Source: https://github.com/mistralai/mistral-common, `protocol/instruct/validator.py`, read
    2026-11-22.
    """
    ordered: list[JSONObject] = []
    before = ""
    for message in messages:
        if message["role"] == "system" and before in ("assistant", "tool"):
            message["role"] = "user"
        if message["role"] == "user" and before == "tool":
            ordered.append({"role": "assistant", "content": _BRIDGE})
        ordered.append(message)
        before = message["role"]
    if before == "system":
        ordered[-1]["role"] = "user"
    elif before == "assistant" and "tool_calls" not in ordered[-1]:
        ordered[-1]["prefix"] = True
    return ordered


def _message(turn: Turn, family: Family, *, owes_echo: bool) -> JSONObject | None:
    match turn.role:
        case "assistant":
            return _assistant(turn, family, owes_echo=owes_echo)
        case "tool":
            content = _content(turn, family)
            call_id = _call_id(turn.tool_call_id, family)
            return {"role": "tool", "tool_call_id": call_id, "content": content}
        case "developer" if not family.developer:
            return {"role": "system", "content": _content(turn, family)}
        case _:
            return {"role": turn.role, "content": _content(turn, family)}


def _content(turn: Turn, family: Family) -> str | list[JSONObject]:
    """A string where that says everything, else parts."""
    texts = [part.text for part in turn.parts if isinstance(part, Text)]
    if len(texts) == len(turn.parts) and (family.flat or len(texts) < 2):
        hint = turn.cache_control or any(part.cache_control for part in _texts(turn.parts))
        if not (hint and family.caches):
            return "".join(texts)
    return _parts(turn, family)


def _texts(parts: Sequence[Part]) -> Iterable[Text]:
    return (part for part in parts if isinstance(part, Text))


def _parts(turn: Turn, family: Family) -> list[JSONObject]:
    parts: list[JSONObject] = []
    for part in turn.parts:
        if not isinstance(part, Text | Image | File):
            continue
        item = _part(part)
        if family.caches and part.cache_control:
            item["cache_control"] = part.cache_control
        parts.append(item)
    if family.caches and turn.cache_control and parts:
        parts[-1]["cache_control"] = turn.cache_control  # a message's own means its last part
    return parts


def _part(part: Text | Image | File) -> JSONObject:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Image():
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            return {"type": "image_url", "image_url": {"url": url}}
        case File():
            file: JSONObject = {"filename": part.name} if part.name else {}
            file["file_data"] = f"data:{part.media_type};base64,{part.data}"
            return {"type": "file", "file": file}
        case _ as unreachable:
            assert_never(unreachable)


def _assistant(turn: Turn, family: Family, *, owes_echo: bool) -> JSONObject | None:
    """The assistant's message; thinking goes where the vendor takes it back, or nowhere."""
    calls = [_call(part, family) for part in turn.parts if isinstance(part, ToolCall)]
    thoughts = _thoughts(turn.parts, family)
    content = _answer(turn, family)
    if not (calls or content or thoughts):
        return None
    message: JSONObject = {"role": "assistant", "content": content or (None if calls else "")}
    if thoughts:
        message[family.echo] = thoughts
    elif owes_echo:
        message[family.echo] = ""
    if calls:
        message["tool_calls"] = calls
    return message


def _answer(turn: Turn, family: Family) -> Any:
    """The answer and the refusal, with the thinking in its place where that is part of it."""
    if family.echo == "content" and any(
        isinstance(part, Thinking | RedactedThinking | Opaque) for part in turn.parts
    ):
        return [item for part in turn.parts if (item := _content_item(part)) is not None]
    return "".join(part.text for part in turn.parts if isinstance(part, Text | Refusal))


def _content_item(part: Part) -> JSONObject | Fragment | None:
    match part:
        case Thinking(text, signature):
            item: JSONObject = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
            return item | ({"signature": signature} if signature else {})
        case RedactedThinking(data):
            return {"type": "redacted_thinking", "data": data}
        case Text(text) | Refusal(text):
            return {"type": "text", "text": text} if text else None
        case Opaque(data) if not _detail_type(data):
            return Fragment(data)
        case _:
            return None


def _thoughts(parts: Sequence[Part], family: Family) -> str | list[JSONObject | Fragment]:
    """What goes under the key that takes thinking back."""
    match family.echo:
        case "reasoning_details":
            return _details(parts)
        case "reasoning" | "reasoning_content":
            return "\n\n".join(p.text for p in parts if isinstance(p, Thinking) and p.text)
        case "" | "content":
            return ""
        case _ as unreachable:
            assert_never(unreachable)


def _details(parts: Sequence[Part]) -> list[JSONObject | Fragment]:
    items: list[JSONObject | Fragment] = []
    for part in parts:
        match part:
            case Thinking() | RedactedThinking():
                items.append(detail_item(part, len(items)))
            case Opaque(data) if _detail_type(data):
                items.append(Fragment(data))
            case _:
                pass
    return items


def _detail_type(data: str) -> bool:
    """Whether an opaque block was an item of `reasoning_details`."""
    match orjson.loads(data):
        case {"type": str(kind)}:
            return kind.startswith("reasoning.")
        case _:
            return False


def _call_id(call_id: str, family: Family) -> str:
    """The id, or another in its place where the vendor would refuse it.

    Others want theirs back, for what they say of a call elsewhere names it.

    Source, read 2026-11-22: https://github.com/agno-agi/agno/issues/5382 for OpenAI and
    https://mistralai.github.io/mistral-common/usage/tools/ for Mistral.
    """
    match family.call_ids:
        case "any":
            return call_id
        case "short":
            return call_id if len(call_id) <= _LONGEST_ID else synthetic_call_id(call_id, 0)
        case "nine":
            return call_id if _NINE.fullmatch(call_id) else _nine(call_id)
        case _ as unreachable:
            assert_never(unreachable)


def _nine(call_id: str) -> str:
    """Nine letters and digits that stand for an id."""
    return hashlib.sha256(call_id.encode(errors="surrogatepass")).hexdigest()[:9]


def _call(call: ToolCall, family: Family) -> JSONObject:
    function = {"name": call.name, "arguments": call.arguments if call.arguments.strip() else "{}"}
    item: JSONObject = {
        "id": _call_id(call.id, family),
        "type": "function",
        "function": function,
    }
    if call.signature and call.origin in family.accepts:
        item["extra_content"] = {"google": {"thought_signature": call.signature}}
    return item
