"""What Claude's APIs refuse of tools, calls and cache marks, whichever cloud they stand in.

What can be mended is mended, so that every request of a conversation is mended alike; what cannot
be is refused here, in words that name the place in the caller's own request.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use,
https://platform.claude.com/docs/en/build-with-claude/prompt-caching,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html and, for
the refusal of calls without results, https://platform.openai.com/docs/guides/function-calling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

from asgi_thinking._fields import shown
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import (
    File,
    Image,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
)
from asgi_thinking.requests import ChatRequest, Tool
from asgi_thinking.wire.checks import check_names

__all__ = [
    "answered",
    "call_name",
    "called_tools",
    "check_messages",
    "check_tools",
    "input_schema",
    "mended",
    "prefilled",
    "spare_marks",
]

JSONObject: TypeAlias = Mapping[str, Any]

_SYSTEM_ROLES: Final = frozenset({"system", "developer"})
_USERS_OWN: Final = _SYSTEM_ROLES | {"user"}
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_-]")

# What may have a cache mark.
_MARKED: Final = (Text, ToolCall, Image, File)

# A request's breakpoints, of which an hour's stand before those of five minutes.
_MOST_MARKS: Final = 4
_LONG: Final = "1h"

# Without a schema a function takes no arguments; the APIs want an object's schema all the same.
_NO_PARAMETERS: Final[dict[str, Any]] = {"type": "object", "properties": {}}


def mended(request: ChatRequest, longest_name: int) -> ChatRequest:
    """The request with the calls, tools and cache marks that every API of Claude's takes.

    Raises:
        InvalidRequest: calls and results do not match, or a tool's name is wrong.
    """
    check_tools(request.tools, longest_name)
    turns = answered(request.messages)
    return spare_marks(request if turns is request.messages else request.but(messages=turns))


def check_messages(turns: Sequence[Turn], messages: Sequence[object]) -> None:
    """Refuse a conversation of which nothing is left to send.

    Raises:
        InvalidRequest: system messages and blank texts are all there is.
    """
    if turns and not messages:
        why = "at least one must be a user's or an assistant's, and hold more than white space"
        raise InvalidRequest(f"messages: {why}", param="messages")


def answered(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The turns, where every call has one result right behind it.

    A client that has a call twice answers it twice; the second result goes if it says the same.

    Raises:
        InvalidRequest: a call has no result, or a result no call; `param` is such as `messages[3]`.
    """
    if _USERS_OWN.issuperset([turn.role for turn in turns]):
        return turns
    kept: list[Turn] = []
    waiting: list[str] = []
    called = asked = 0
    for number, turn in enumerate(turns):
        if turn.role == "tool":
            if turn.tool_call_id in waiting:
                waiting.remove(turn.tool_call_id)
            elif turn in kept[called + 1 :]:
                continue
            else:
                why = "answers no call of the assistant's message before it, or one answered before"
                raise _misplaced(number, f"tool_call_id {shown(turn.tool_call_id)} {why}")
        elif waiting:
            break
        elif turn.role == "assistant":
            called, asked = len(kept), number
            waiting = [part.id for part in turn.parts if isinstance(part, ToolCall)]
        else:
            called = len(kept)
        kept.append(turn)
    if waiting:
        missing = ", ".join(map(shown, waiting))
        why = "its tool_calls must be followed by a tool message for each; there is none for"
        raise _misplaced(asked, f"{why} {missing}")
    return turns if len(kept) == len(turns) else tuple(kept)


def _misplaced(number: int, why: str) -> InvalidRequest:
    place = f"messages[{number}]"
    return InvalidRequest(f"{place}: {why}", param=place)


def check_tools(tools: Sequence[Tool], longest: int) -> None:
    """Refuse names that the API does not take, and those of two tools.

    Raises:
        InvalidRequest: `param` is such as `tools[1].function.name`.
    """
    rule = f"1 to {longest} letters, digits, _ or -"
    check_names(tools, lambda name: _fits(name, longest), rule)


def call_name(name: str, longest: int) -> str:
    """The name of a call in the history; another vendor's may be none that the API takes."""
    return name if _fits(name, longest) else _NOT_IN_NAMES.sub("_", name)[:longest]


def _fits(name: str, longest: int) -> bool:
    return len(name) <= longest and not _NOT_IN_NAMES.search(name)


def input_schema(parameters: JSONObject | None) -> JSONObject:
    """The schema of a tool's arguments, which has to say that it is an object's."""
    if parameters is None:
        return _NO_PARAMETERS
    if parameters.get("type") is None:
        return {**parameters, "type": "object"}
    return parameters


def called_tools(turns: Sequence[Turn], longest: int) -> tuple[Tool, ...]:
    """Tools for the calls of a conversation whose caller sends none any more.

    The APIs refuse calls and results where no tool is defined.
    """
    if _USERS_OWN.issuperset([turn.role for turn in turns]):
        return ()
    calls = [part for turn in turns for part in turn.parts if isinstance(part, ToolCall)]
    names = dict.fromkeys(call_name(call.name, longest) for call in calls)
    return tuple(Tool(name) for name in names)


def prefilled(turns: Sequence[Turn], *, thinks: bool) -> Sequence[Turn]:
    """The turns, the last of which may be the beginning of the reply.

    It must not end in white space, nor have thinking where the model does not think.
    """
    last = turns[-1] if turns else None
    if last is None or last.role != "assistant" or not last.parts:
        return turns
    *before, end = last.parts
    if not isinstance(end, Text | Refusal):
        return turns  # such as a tool of the vendor's own, which it goes on with
    if not thinks:
        before = [part for part in before if not isinstance(part, Thinking | RedactedThinking)]
    text = end.text.rstrip()
    if len(before) == len(last.parts) - 1 and text == end.text:
        return turns
    return (*turns[:-1], replace(last, parts=(*before, replace(end, text=text))))


class _Mark(NamedTuple):
    """A cache mark: the number of its tool or turn, and of its part; a turn's own has none.

    `first` says that it stands before the conversation: on a tool or in a system message.
    """

    first: bool
    number: int
    part: int | None
    lifetime: str | None


def spare_marks(request: ChatRequest) -> ChatRequest:
    """The request with as many cache marks as the APIs take, in the order that they want.

    Those of the conversation go first, the earliest before the others: what has been cached under
    them is found from the later ones.
    """
    marks = _marks(request)
    if not marks:
        return request
    kept = _kept(marks)
    shorter = _shorter(kept)
    if len(kept) == len(marks) and not shorter:
        return request
    return _with_marks(request, {*kept}, shorter)


def _marks(request: ChatRequest) -> list[_Mark]:
    """All marks, in the order in which the APIs read them."""
    found = [
        _Mark(True, -1 - number, None, tool.cache_control.get("ttl"))
        for number, tool in enumerate(request.tools)
        if tool.cache_control
    ]
    for number, turn in enumerate(request.messages):
        first = turn.role in _SYSTEM_ROLES
        for place, part in enumerate(turn.parts):
            if isinstance(part, _MARKED) and (mark := part.cache_control):
                found.append(_Mark(first, number, place, mark.get("ttl")))
        if mark := turn.cache_control:
            # A message's own means its last block, but a result's its whole.
            ends = [each[1:3] for each in found[-1:]] == [(number, len(turn.parts) - 1)]
            if turn.role == "tool" or not ends:
                found.append(_Mark(first, number, None, mark.get("ttl")))
    return found


def _kept(marks: list[_Mark]) -> list[_Mark]:
    surplus = len(marks) - _MOST_MARKS
    if surplus <= 0:
        return marks
    told = [mark for mark in marks if not mark.first]
    dropped = {*[*told, *(mark for mark in marks if mark.first)][:surplus]}
    return [mark for mark in marks if mark not in dropped]


def _shorter(marks: list[_Mark]) -> set[_Mark]:
    """Those of an hour that stand behind one of five minutes."""
    lifetimes = [mark.lifetime == _LONG for mark in marks]
    brief = lifetimes.index(False) if False in lifetimes else len(marks)
    return {mark for mark in marks[brief:] if mark.lifetime == _LONG}


def _with_marks(request: ChatRequest, kept: set[_Mark], shorter: set[_Mark]) -> ChatRequest:
    def fitting(known: JSONObject | None, number: int, place: int | None, first: bool) -> Any:
        mark = _Mark(first, number, place, known.get("ttl")) if known else None
        if known is None or mark not in kept:
            return None
        brief = {name: value for name, value in known.items() if name != "ttl"}
        return brief if mark in shorter else known

    tools = tuple(
        replace(tool, cache_control=fitting(tool.cache_control, -1 - number, None, True))
        for number, tool in enumerate(request.tools)
    )
    turns: list[Turn] = []
    for number, turn in enumerate(request.messages):
        first = turn.role in _SYSTEM_ROLES
        parts = [
            replace(part, cache_control=fitting(part.cache_control, number, place, first))
            if isinstance(part, _MARKED)
            else part
            for place, part in enumerate(turn.parts)
        ]
        own = fitting(turn.cache_control, number, None, first)
        turns.append(replace(turn, parts=tuple(parts), cache_control=own))
    return request.but(tools=tools, messages=tuple(turns))
