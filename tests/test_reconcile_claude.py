"""What Claude's APIs alone refuse is brought within what they take, and reported.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/structured-outputs,
https://platform.claude.com/docs/en/build-with-claude/prompt-caching and
https://platform.claude.com/docs/en/api/messages/create.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import Text, ToolCall, Turn
from asgi_thinking.models import claude
from asgi_thinking.models_bedrock import bedrock_model
from asgi_thinking.models_gemini import gemini
from asgi_thinking.reconcile import history_matters
from asgi_thinking.requests import ResponseFormat, ThinkingConfig, Tool
from tests.reconciling import QUESTION, run

MARK = {"type": "ephemeral"}
CALL = Turn("assistant", (ToolCall("t", "f", "{}"),))
RESULT = Turn("tool", (Text("ok"),), "t")


def shaped(schema: Any) -> ResponseFormat:
    """A format of a schema."""
    return ResponseFormat("json_schema", "a", schema, strict=True)


@pytest.mark.parametrize(
    ("schema", "sent", "applied"),
    [
        (
            {"type": "object", "additionalProperties": False},
            {"type": "object", "additionalProperties": False},
            (),
        ),
        (
            {"type": "object", "properties": {"a": {"type": ["object", "null"]}}},
            {
                "type": "object",
                "properties": {"a": {"type": ["object", "null"], "additionalProperties": False}},
                "additionalProperties": False,
            },
            ("response_format: objects closed",),
        ),
        (
            {"anyOf": [{"type": "string", "minLength": 1, "enum": ["minLength"]}]},
            {"anyOf": [{"type": "string", "enum": ["minLength"]}]},
            ("response_format: minLength dropped",),
        ),
        (
            {"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": 3},
            {"type": "array", "items": {"type": "integer"}},
            ("response_format: maxItems, minimum dropped",),
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "object", "additionalProperties": False},
            ("response_format: additionalProperties dropped",),
        ),
        (
            {"properties": {"enum": {"type": "object"}}, "default": [{"type": "object"}]},
            {
                "properties": {"enum": {"type": "object", "additionalProperties": False}},
                "default": [{"type": "object"}],
            },
            ("response_format: objects closed",),
        ),
    ],
)
def test_a_schema_is_one_that_the_api_takes(
    schema: Any, sent: Any, applied: tuple[str, ...]
) -> None:
    """Objects are closed, and bounds that it refuses are left out; both are said."""
    done = run("sonnet-4-5", response_format=shaped(schema))
    assert (shaped(sent), applied) == (done.request.response_format, done.applied)


def test_bounds_of_a_schema_may_be_rejected_or_passed() -> None:
    """Closing an object changes nothing for the caller; dropping a bound does."""
    bound = shaped({"type": "string", "maxLength": 3})
    with pytest.raises(InvalidRequest, match="maxLength") as caught:
        run("sonnet-4-5", response_format=bound, mode="reject")
    assert "response_format" == caught.value.param
    assert bound == run("sonnet-4-5", response_format=bound, mode="pass").request.response_format
    opened = shaped({"type": "object"})
    done = run("sonnet-4-5", response_format=opened, mode="reject")
    assert ("response_format: objects closed",) == done.applied


def test_a_record_may_say_otherwise() -> None:
    """Each of these rules is a field of the record, which an owner may replace."""
    known = claude("claude-sonnet-4-5")
    free = replace(known, closed_schemas=False, blank_stops=True, max_marks=9)
    opened = shaped({"type": "object"})
    marks = (Turn("user", (Text("a", cache_control=MARK),)),) * 9
    done = run(free, response_format=opened, stop=(" ",), messages=marks)
    assert (opened, (" ",), ()) == (done.request.response_format, done.request.stop, done.applied)


def test_a_format_without_a_schema_stays() -> None:
    """There is nothing to close."""
    assert shaped(None) == run("sonnet-4-5", response_format=shaped(None)).request.response_format


def test_blank_stop_sequences_go() -> None:
    """The API refuses them; others take them."""
    done = run("opus-5", stop=("\n", "END", " "))
    assert (("END",), ("stop dropped: blank",)) == (done.request.stop, done.applied)
    with pytest.raises(InvalidRequest, match="white space") as caught:
        run("opus-5", stop=("\n",), mode="reject")
    assert "stop" == caught.value.param
    assert ("\n",) == run("opus-5", stop=("\n",), mode="pass").request.stop
    assert ("\n",) == run(gemini("gemini-2.5-pro"), stop=("\n",)).request.stop


def test_too_many_cache_marks_are_said() -> None:
    """Whichever of them the wire leaves out."""
    tools = (Tool("f", cache_control=MARK), Tool("g"))
    turns = (Turn("user", (Text("a", cache_control=MARK), Text("b"))),) * 3
    own = Turn("user", (Text("a"),), cache_control=MARK)
    done = run("opus-5", tools=tools, messages=(*turns, own, own))
    assert ("cache_control: 2 dropped",) == done.applied
    assert () == run("opus-5", tools=tools, messages=turns).applied


def test_a_prefills_trailing_white_space_is_said() -> None:
    """The API takes none."""
    done = run("sonnet-4-5", messages=(QUESTION, Turn("assistant", (Text("It is "),))))
    assert ("prefill: trailing white space dropped",) == done.applied
    for parts in ((Text("It is"),), ()):
        assert () == run("sonnet-4-5", messages=(QUESTION, Turn("assistant", parts))).applied


def test_tools_for_calls_without_any_are_said() -> None:
    """The API takes no call where no tool is defined."""
    turns = (QUESTION, CALL, RESULT)
    assert ("tools defined for the calls so far",) == run("opus-5", messages=turns).applied
    assert () == run("opus-5", messages=turns, tools=(Tool("f"),)).applied


def test_a_history_that_is_mended_matters() -> None:
    """So that what is said of it is said; elsewhere nothing is mended."""
    silent = ThinkingConfig()
    marked = (Turn("user", (Text("a", cache_control=MARK),)),) * 5
    called = (QUESTION, CALL, RESULT)
    tools = (Tool("f", cache_control=MARK),)
    for known in (claude("claude-opus-5"), bedrock_model("anthropic.claude-opus-5").accepts):
        assert history_matters(marked, known, silent)
        assert not history_matters(marked[1:], known, silent)
        assert history_matters(marked[1:], known, silent, tools)
        assert not history_matters(called, known, silent, tools)
        assert history_matters(called, known, silent)
        assert not history_matters([QUESTION], known, silent)
        assert history_matters([QUESTION, Turn("assistant", (Text("a"),))], known, silent)
    assert not history_matters(marked, gemini("gemini-2.5-pro"), silent)
