"""Requests that Claude refuses at every door are mended, or refused in words of our own.

The words of the vendors' refusals and their pages are in `tests.simulator`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import orjson
import pytest
from starlette.applications import Starlette

from asgi_thinking import ThinkingMiddleware, allow_all
from tests.asgi import Client, call
from tests.grid.forms import TOOLS
from tests.simulator import Reply
from tests.simulator.edge import providers

pytestmark = pytest.mark.anyio

JSONObject = dict[str, Any]

DOORS: Final = (
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-opus-5-5",
    "bedrock-invoke/us.anthropic.claude-sonnet-4-5",
    "bedrock-converse/us.anthropic.claude-sonnet-4-5",
    "bedrock-converse/us.anthropic.claude-opus-5-5",
    "vertex/claude-opus-4-8",
)
OLD: Final = tuple(door for door in DOORS if "4-5" in door)
HI: Final[JSONObject] = {"role": "user", "content": "Weather in Tokyo?"}
MARK: Final[JSONObject] = {"type": "ephemeral"}
HOUR: Final[JSONObject] = {"type": "ephemeral", "ttl": "1h"}
MODEL: Final = {"role": "assistant", "content": "Sunny."}
PDF: Final = {"filename": "a.pdf", "file_data": "QQ=="}


def calling(*ids: str, name: str = "find") -> JSONObject:
    """An assistant's message with calls."""
    calls = [
        {"id": each, "type": "function", "function": {"name": name, "arguments": "{}"}}
        for each in ids
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(call_id: str, content: str = "Sunny", **more: Any) -> JSONObject:
    """What a tool said."""
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def tool(name: str, **more: Any) -> JSONObject:
    """A function."""
    return {"type": "function", "function": {"name": name, **more}}


def marked(*marks: JSONObject) -> list[JSONObject]:
    """A conversation whose user's messages have these marks."""
    turns = [[{**HI, "cache_control": mark}, MODEL] for mark in marks]
    return [*(message for turn in turns for message in turn), HI]


@cache
def app() -> ThinkingMiddleware:
    """One before all vendors."""
    vendors = providers(lambda _: Reply("hm", "Sunny."))
    return ThinkingMiddleware(Starlette(), providers=vendors, authorize=allow_all)


async def ask(model: str, *turns: JSONObject, **fields: Any) -> Client:
    """What a client gets."""
    body = {"model": model, "max_tokens": 4_000, "messages": list(turns) or [HI], **fields}
    return await call(app(), orjson.dumps(body))


MENDED: list[Any] = [
    pytest.param([HI, calling("a"), result("a")], {}, "", id="no tools"),
    pytest.param([HI, calling("a", name="x.y"), result("a")], {}, "", id="another's name"),
    pytest.param([HI, calling("a"), result("a"), HI], {"tools": []}, "", id="empty tools"),
    pytest.param([HI, calling("a", "a"), result("a"), result("a")], {}, "", id="twice"),
    pytest.param([HI, calling("a"), result("a", "", is_error=True)], {}, "", id="blank error"),
    pytest.param([HI, calling("a"), result("a", " ")], {}, "", id="blank result"),
    pytest.param([{**HI, "content": [{"type": "file", "file": PDF}]}], {}, "", id="document"),
    pytest.param(marked(MARK, MARK, MARK, MARK, MARK, MARK), {}, "2 dropped", id="marks"),
    pytest.param(marked(MARK, HOUR), {}, "", id="lifetimes"),
    pytest.param(
        marked(MARK, MARK), {"tools": [TOOLS[0] | {"cache_control": MARK}] * 1}, "", id="few marks"
    ),
    pytest.param([HI], {"stop": ["\n", "END"]}, "stop dropped: blank", id="blank stop"),
    pytest.param([HI], {"tools": [tool("f", parameters={"properties": {}})]}, "", id="no type"),
    pytest.param(
        [HI],
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": {"type": "object"}},
            }
        },
        "response_format",
        id="open schema",
    ),
]


@pytest.mark.parametrize("model", DOORS)
@pytest.mark.parametrize(("turns", "fields", "applied"), MENDED)
async def test_it_is_mended(
    model: str, turns: list[JSONObject], fields: JSONObject, applied: str
) -> None:
    """The client is answered, thinking or not, and told where something of its own is gone."""
    for wish in ({}, {"reasoning_effort": "high"}):
        client = await ask(model, *turns, **fields, **wish)
        assert (200, True) == (client.status, bool(client.json["choices"])), client.content
        assert applied in client.headers.get("x-thinking-applied", "")


@pytest.mark.parametrize("model", OLD)
@pytest.mark.parametrize("wish", [{}, {"thinking": {"type": "enabled", "budget_tokens": 2_000}}])
async def test_a_prefill_is_gone_on_with(model: str, wish: JSONObject) -> None:
    """Without white space at its end, and without thinking, which is turned off for it."""
    told = await ask(model, reasoning_effort="high")
    message = told.json["choices"][0]["message"]
    client = await ask(model, HI, {**message, "content": "It is \n"}, **wish)
    assert 200 == client.status, client.content
    assert "trailing white space dropped" in client.headers["x-thinking-applied"]


REFUSED: list[Any] = [
    pytest.param([HI, calling("a")], {}, "messages[1]", id="unanswered"),
    pytest.param([HI, calling("a", "b"), result("a"), HI], {}, "messages[1]", id="half"),
    pytest.param([HI, calling("a"), HI, result("a")], {}, "messages[1]", id="between"),
    pytest.param([HI, result("a")], {}, "messages[1]", id="no call"),
    pytest.param(
        [HI, calling("a"), result("a"), result("a", "Rain")], {}, "messages[3]", id="two results"
    ),
    pytest.param([{"role": "system", "content": "Hm."}], {}, "messages", id="system only"),
    pytest.param([{**HI, "content": " \n"}], {}, "messages", id="blank"),
    pytest.param([HI], {"tools": [tool("f"), tool("f")]}, "tools[1].function.name", id="same name"),
    pytest.param([HI], {"tools": [tool("a b")]}, "tools[0].function.name", id="name"),
    pytest.param([HI], {"tools": [tool("f" * 129)]}, "tools[0].function.name", id="long name"),
    pytest.param(
        [HI],
        {"tools": [tool("f", parameters={"type": "string"})]},
        "tools[0].function.parameters.type",
        id="no object",
    ),
    pytest.param(
        [HI],
        {"tools": TOOLS, "tool_choice": tool("other")},
        "tool_choice.function.name",
        id="unknown tool",
    ),
    pytest.param(marked({"ttl": "2h"}), {}, "messages[0].cache_control.ttl", id="lifetime"),
]


@pytest.mark.parametrize("model", DOORS)
@pytest.mark.parametrize(("turns", "fields", "param"), REFUSED)
async def test_it_is_refused(
    model: str, turns: list[JSONObject], fields: JSONObject, param: str
) -> None:
    """By us, with the place in the caller's own request, and why."""
    client = await ask(model, *turns, **fields)
    error = client.json["error"]
    assert (400, param) == (client.status, error["param"])
    assert error["message"].startswith(f"{param}: ")


async def test_converse_wants_the_user_to_begin() -> None:
    """Where the conversation itself begins, behind the instructions."""
    system = {"role": "system", "content": "Hm."}
    client = await ask("bedrock-converse/us.anthropic.claude-opus-5-5", system, MODEL, HI)
    assert (400, "messages[1]") == (client.status, client.json["error"]["param"])
