"""What Claude's APIs refuse of tools, calls and cache marks is mended, or refused before they are.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use
and https://platform.claude.com/docs/en/build-with-claude/prompt-caching.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

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
    Turn,
)
from asgi_thinking.requests import ChatRequest, ThinkingConfig, Tool
from asgi_thinking.wire.anthropic.requests import encode_request
from asgi_thinking.wire.claude import (
    answered,
    call_name,
    called_tools,
    check_messages,
    check_tools,
    input_schema,
    prefilled,
    spare_marks,
)

HI = Turn("user", (Text("Hi"),))
SHORT = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}


def calling(*names: str) -> Turn:
    """An assistant's turn with calls."""
    return Turn("assistant", tuple(ToolCall(name, "f", "{}") for name in names))


def result(name: str, text: str = "ok") -> Turn:
    """The result of a call."""
    return Turn("tool", (Text(text),), name)


def test_a_conversation_whose_calls_are_answered_stays() -> None:
    """In whatever order the results come, and if two calls have one id."""
    turns = (HI, calling("a", "b"), result("b"), result("a"), calling("a", "a"))
    turns += (result("a", "1"), result("a", "2"), HI)
    assert turns == answered(turns)
    assert (HI,) == answered((HI,))


def test_a_result_that_comes_twice_is_sent_once() -> None:
    """Clients that keep a call twice answer it twice, and the API takes one result."""
    turns = (HI, calling("a"), result("a"), result("a"), HI)
    assert (HI, calling("a"), result("a"), HI) == answered(turns)


@pytest.mark.parametrize(
    ("turns", "place", "name"),
    [
        ((HI, calling("a")), 1, "a"),
        ((HI, calling("a", "b"), result("a"), HI), 1, "b"),
        ((HI, calling("a"), HI, result("a")), 1, "a"),
        ((HI, calling("a"), calling("b"), result("a"), result("b")), 1, "a"),
        ((HI, result("a")), 1, "a"),
        ((HI, calling("a"), result("a"), HI, result("a")), 4, "a"),
        ((HI, calling("a"), result("a"), result("a", "other")), 3, "a"),
        ((HI, calling("a"), result("b"), result("a")), 2, "b"),
        ((HI, calling("x" * 50)), 1, "x" * 40 + "…"),
    ],
)
def test_calls_and_results_have_to_match(turns: tuple[Turn, ...], place: int, name: str) -> None:
    """As at OpenAI, whose error also says which message it is; ours names a call by its id."""
    with pytest.raises(InvalidRequest) as caught:
        answered(turns)
    assert f"messages[{place}]" == caught.value.param
    assert caught.value.message.startswith(f"messages[{place}]: ")
    assert repr(name) in caught.value.message


def test_something_has_to_be_said() -> None:
    """System messages and blank texts alone are no conversation."""
    check_messages([HI], [{}])
    check_messages([], [])
    with pytest.raises(InvalidRequest, match="more than white space") as caught:
        check_messages([HI], [])
    assert "messages" == caught.value.param


@pytest.mark.parametrize(
    ("names", "place", "why"),
    [
        (("f", "g", "f"), 2, "two tools"),
        (("a.b",), 0, "letters, digits"),
        (("f", "é"), 1, "letters, digits"),
        (("f" * 65,), 0, "1 to 64"),
    ],
)
def test_a_tools_name_has_to_fit(names: tuple[str, ...], place: int, why: str) -> None:
    """And to be its own."""
    check_tools([Tool("f" * 64), Tool("a_b-1")], 64)
    with pytest.raises(InvalidRequest, match=why) as caught:
        check_tools([Tool(name) for name in names], 64)
    assert f"tools[{place}].function.name" == caught.value.param


@pytest.mark.parametrize(
    ("name", "sent"), [("f-1_x", "f-1_x"), ("functions.f", "functions_f"), ("f" * 70, "f" * 64)]
)
def test_a_call_of_another_vendors_has_a_name_that_fits(name: str, sent: str) -> None:
    """The history is no reason to refuse what is asked now."""
    assert sent == call_name(name, 64)


def test_arguments_are_an_objects() -> None:
    """A schema that does not say so is taken at its word otherwise."""
    given = {"properties": {"a": {}}}
    assert {"type": "object", "properties": {}} == input_schema(None)
    assert {**given, "type": "object"} == input_schema(given)
    assert {"type": "object"} == input_schema({"type": "object"})


def test_calls_without_tools_have_some() -> None:
    """One of each name, by that name alone."""
    calls = tuple(ToolCall(f"{n}", name, "{}") for n, name in enumerate(("f", "a.b", "f")))
    assert (Tool("f"), Tool("a_b")) == called_tools([HI, Turn("assistant", calls)], 64)
    assert () == called_tools([HI], 64)


@pytest.mark.parametrize(
    ("parts", "thinks", "sent"),
    [
        ((Text("It is \n"),), False, (Text("It is"),)),
        ((Text("It is"),), False, (Text("It is"),)),
        ((Refusal("No "),), True, (Refusal("No"),)),
        ((Thinking("a", "s"), RedactedThinking("d"), Text("It ")), False, (Text("It"),)),
        ((Thinking("a", "s"), Text("It ")), True, (Thinking("a", "s"), Text("It"))),
        ((Thinking("a", "s"), Opaque("{}")), False, (Thinking("a", "s"), Opaque("{}"))),
        ((), False, ()),
    ],
)
def test_the_beginning_of_a_reply_can_be_gone_on_with(
    parts: Any, thinks: bool, sent: tuple[Any, ...]
) -> None:
    """It ends in no white space, and has no thinking where the model does not think."""
    turns = (HI, Turn("assistant", parts))
    assert (HI, Turn("assistant", sent)) == prefilled(turns, thinks=thinks)
    assert (*turns, HI) == prefilled((*turns, HI), thinks=thinks)
    assert () == prefilled((), thinks=thinks)


def marked(*marks: Any, tools: tuple[Any, ...] = ()) -> ChatRequest:
    """A request whose tools and texts have these marks."""
    turns = (Turn("user", (Text(str(n), cache_control=mark),)) for n, mark in enumerate(marks))
    named = tuple(Tool(f"f{n}", cache_control=mark) for n, mark in enumerate(tools))
    return ChatRequest("m", tuple(turns), tools=named)


def marks_of(request: ChatRequest) -> list[Any]:
    """The marks of a request, in their order."""
    places: list[Any] = [*request.tools]
    for turn in request.messages:
        places += [p for p in turn.parts if isinstance(p, Text | Image | File | ToolCall)]
        places.append(turn)
    return [place.cache_control for place in places if place.cache_control]


def test_marks_that_the_api_takes_stay() -> None:
    """Up to four, those of an hour first."""
    for request in (marked(), marked(SHORT, SHORT, tools=(LONG, SHORT)), marked(LONG, LONG)):
        assert request is spare_marks(request)


def test_the_earliest_marks_of_the_conversation_go() -> None:
    """What they cached is found from the later ones; tools and instructions keep theirs."""
    system = Turn("system", (Text("s"),), cache_control=SHORT)
    request = marked(SHORT, None, SHORT, SHORT, SHORT, tools=(SHORT,))
    request = request.but(messages=(system, *request.messages))
    spared = spare_marks(request)
    assert 4 == len(marks_of(spared))
    assert SHORT == spared.tools[0].cache_control
    kept = [bool(turn.cache_control or turn.parts[0].cache_control) for turn in spared.messages]
    assert [True, False, False, False, True, True] == kept
    many = spare_marks(marked(SHORT, tools=(SHORT,) * 6))
    assert ([None, None] + [SHORT] * 4, [None]) == (
        [tool.cache_control for tool in many.tools],
        [part.cache_control for part in many.messages[0].parts],
    )


def test_an_hour_behind_five_minutes_is_five_minutes() -> None:
    """The API wants the longer ones first."""
    assert [LONG, SHORT, SHORT, SHORT] == marks_of(spare_marks(marked(LONG, SHORT, LONG, LONG)))


def test_a_message_marked_twice_at_its_end_counts_once() -> None:
    """Its own mark is that of its last block, but a result's is another than its content's."""
    text = Text("a", cache_control=SHORT)
    twice = Turn("user", (text,), cache_control=SHORT)
    request = ChatRequest("m", (twice, twice, twice, twice))
    assert request is spare_marks(request)
    results = Turn("tool", (text,), "t", cache_control=SHORT)
    kept = spare_marks(ChatRequest("m", (results, results, results)))
    assert 4 == len(marks_of(kept))


def test_every_kind_of_block_may_be_marked() -> None:
    """And one that may not is left as it is."""
    parts = (
        Image(url="https://example.org/a", cache_control=SHORT),
        File("application/pdf", "QQ==", cache_control=SHORT),
        Thinking("t", "s"),
        ToolCall("t", "f", "{}", cache_control=SHORT),
        Text("a", cache_control=SHORT),
        Text("b", cache_control=SHORT),
    )
    kept = spare_marks(ChatRequest("m", (Turn("assistant", parts),)))
    assert (4, Thinking("t", "s")) == (len(marks_of(kept)), kept.messages[0].parts[2])


def sent(*turns: Turn, **fields: Any) -> Any:
    """The body of a Messages request."""
    return orjson.loads(encode_request(ChatRequest("m", turns, **fields), stream=False))


def test_the_messages_api_gets_tools_for_calls_without_any() -> None:
    """Which must not be called; with tools of the caller's own, there are no others."""
    turns = (HI, calling("a"), result("a"))
    schema = {"type": "object", "properties": {}}
    body = sent(*turns)
    assert [{"name": "f", "input_schema": schema}] == body["tools"]
    assert {"type": "none"} == body["tool_choice"]
    assert ["g"] == [tool["name"] for tool in sent(*turns, tools=(Tool("g"),))["tools"]]
    assert {"tools", "tool_choice"}.isdisjoint(sent(HI))


def test_the_messages_api_gets_no_thinking_in_a_prefill() -> None:
    """Where the model does not think, that is."""
    turns = (HI, Turn("assistant", (Thinking("a", "s"), Text("It is "))))
    said = {"type": "text", "text": "It is"}
    assert [said] == sent(*turns)["messages"][1]["content"]
    config = ThinkingConfig("enabled", 1024)
    assert said == sent(*turns, thinking=config)["messages"][1]["content"][1]
