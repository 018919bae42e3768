"""Promises of `reconcile` about what models take, but not beside thinking or beside tools."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.requests import ResponseFormat, Tool, ToolChoice
from tests.reconciling import run

TOOLS = (Tool("f"),)
CAN_STOP = Capabilities(
    max_output=10_000,
    thinking=frozenset({"adaptive", "disabled"}),
    on_by_default=True,
    efforts=("low", "high"),
    signs=False,
    tools_beside_thinking=False,
)
CANNOT = replace(CAN_STOP, thinking=frozenset({"adaptive"}), off=None)
RESTS = replace(CAN_STOP, on_by_default=False)
BESIDE = replace(CAN_STOP, tools_beside_thinking=True)


@pytest.mark.parametrize(
    ("record", "thinking", "sent", "applied"),
    [
        (CAN_STOP, "", "disabled", ("thinking off: tools",)),
        (CAN_STOP, "effort=high", "disabled", ("thinking off: tools",)),
        (CAN_STOP, "disabled", "disabled", ()),
        (RESTS, "", None, ()),
        (RESTS, "effort=high", None, ("thinking off: tools",)),
        (BESIDE, "effort=high", "adaptive", ()),
    ],
)
def test_thinking_gives_way_to_functions(
    record: Capabilities, thinking: str, sent: str | None, applied: tuple[str, ...]
) -> None:
    """Where a vendor takes one or the other; the caller is told."""
    fixed = run(record, thinking, tools=TOOLS)
    assert (sent, applied) == (fixed.request.thinking.type, fixed.applied)
    assert TOOLS == fixed.request.tools


def test_functions_are_refused_where_thinking_cannot_give_way() -> None:
    """In every mode but that which leaves it to the vendor."""
    for mode in ("fix", "reject"):
        with pytest.raises(InvalidRequest, match="Responses API takes them") as caught:
            run(CANNOT, tools=TOOLS, mode=mode)
        assert "tools" == caught.value.param
    assert TOOLS == run(CANNOT, tools=TOOLS, mode="pass").request.tools
    assert () == run(CANNOT).applied


def test_functions_beside_thinking_that_was_asked_for_are_a_conflict() -> None:
    """Thinking that nobody asked for is none."""
    with pytest.raises(InvalidRequest, match="must be absent while the model thinks") as caught:
        run(CAN_STOP, "effort=high", tools=TOOLS, mode="reject")
    assert "tools" == caught.value.param
    assert "disabled" == run(CAN_STOP, tools=TOOLS, mode="reject").request.thinking.type


def test_a_call_is_forced_while_the_model_does_not_think() -> None:
    """Where the vendor refuses it beside any thinking, asked for or not."""
    record = replace(BESIDE, forced_tools="without_thinking")
    forced = ToolChoice("required")
    for thinking, mode in (("", "auto"), ("effort=low", "auto"), ("disabled", "required")):
        fixed = run(record, thinking, tools=TOOLS, tool_choice=forced)
        assert fixed.request.tool_choice is not None
        assert mode == fixed.request.tool_choice.mode


HUSHED = replace(
    BESIDE,
    sampling="without_thinking",
    unsupported_thinking=frozenset({"stop", "top_p", "logprobs"}),
)


def test_fields_that_are_refused_beside_thinking() -> None:
    """They are dropped and told of once, and stay where the model does not think."""
    said: dict[str, Any] = {"stop": ("END",), "top_p": 0.97, "logprobs": False}
    fixed = run(HUSHED, **said)
    assert ((), None) == (fixed.request.stop, fixed.request.top_p)
    assert ("logprobs dropped", "stop dropped", "top_p dropped") == fixed.applied
    assert ("top_p dropped",) == run(HUSHED, top_p=0.5).applied
    quiet = run(HUSHED, "disabled", **said)
    assert (("END",), 0.97, ()) == (quiet.request.stop, quiet.request.top_p, quiet.applied)
    assert ("END",) == run(HUSHED, mode="pass", **said).request.stop
    with pytest.raises(InvalidRequest, match="stop must be absent while the model thinks"):
        run(HUSHED, mode="reject", stop=("END",))


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, True),
        ({"tools": TOOLS}, False),
        ({"web_search": True}, False),
    ],
)
def test_json_gives_way_to_tools(fields: dict[str, Any], kept: bool) -> None:
    """Where a model has one or the other, be the tool the vendor's own."""
    form = ResponseFormat("json_object")
    record = replace(BESIDE, json_beside_tools=False)
    fixed = run(record, response_format=form, **fields)
    assert (form if kept else None) == fixed.request.response_format
    assert (() if kept else ("response_format dropped: not beside tools",)) == fixed.applied
    assert form == run(BESIDE, response_format=form, **fields).request.response_format
    assert form == run(record, response_format=form, mode="pass", **fields).request.response_format


def test_json_stays_where_the_vendors_tool_goes() -> None:
    """A search that was dropped stands beside nothing."""
    record = replace(BESIDE, json_beside_tools=False, unsupported=frozenset({"web_search"}))
    form = ResponseFormat("json_object")
    assert form == run(record, response_format=form, web_search=True).request.response_format
