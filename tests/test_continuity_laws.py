"""Laws: what is remembered is restored exactly, for its tenant, and for nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from hypothesis import assume, given

from asgi_thinking.continuity import Continuity
from asgi_thinking.messages import Block, Text, Thinking, ToolCall, Turn
from asgi_thinking.stores import RedisStore
from tests.redis_server import SERVERS, Redis
from tests.remembering import expected, lost, reply_blocks, returned, rewritten, tenants
from tests.strategies import names, objects, shared, texts

Serving: TypeAlias = Callable[[], AbstractAsyncContextManager[str]]

LAW = shared(5)
SECRET = "correct horse battery staple"


_runners: list[asyncio.Runner] = []


@pytest.fixture(scope="module", autouse=True)
def _runner() -> Iterator[None]:
    """One event loop for all examples: to make one takes longer than to remember a reply."""
    with asyncio.Runner() as runner:
        _runners.append(runner)
        yield
        _runners.clear()


def recall(
    blocks: Sequence[Block], *turns: Turn, teller: str = "t", asker: str = "t"
) -> tuple[tuple[Turn, ...], tuple[int, ...]]:
    """What `asker` gets for these turns after `teller` was given a reply."""

    async def run() -> tuple[tuple[Turn, ...], tuple[int, ...]]:
        continuity = Continuity()
        await continuity.remember(teller, blocks)
        return await continuity.recall(asker, turns)

    return _runners[0].run(run())


@LAW
@given(reply_blocks)
def test_a_reply_comes_back_whole(blocks: tuple[Block, ...]) -> None:
    """A client that keeps content and tool calls alone sends back every block in its place."""
    ((turn,), missed) = recall(blocks, returned(blocks))
    assert (expected(blocks), ()) == (turn.parts, missed)


@LAW
@given(reply_blocks)
def test_no_order_of_calls_matters(blocks: tuple[Block, ...]) -> None:
    """Calls in another order are the same reply; calls in messages of their own lose nothing."""
    turn = returned(blocks)
    backwards = replace(turn, parts=turn.parts[::-1])
    ((restored,), missed) = recall(blocks, backwards)
    assert (expected(blocks), ()) == (restored.parts, missed)
    alone = [replace(turn, parts=(p,)) for p in turn.parts if isinstance(p, ToolCall)]
    split, missed = recall(blocks, *alone)
    parts = [part for each in split for part in each.parts]
    assert lost(blocks) == lost(parts)
    assert [b for b in expected(blocks) if isinstance(b, ToolCall)] == [
        part for part in parts if isinstance(part, ToolCall)
    ]
    assert () == missed


@LAW
@given(reply_blocks, texts)
def test_edited_text_costs_no_thinking(blocks: tuple[Block, ...], text: str) -> None:
    """Whatever became of the text, thinking and calls keep their order, and text comes once."""
    own = tuple(part for part in returned(blocks).parts if isinstance(part, ToolCall))
    ((turn,), _) = recall(blocks, Turn("assistant", (Text(text), *own)))
    calls = [b for b in expected(blocks) if isinstance(b, ToolCall)]
    assert calls == [part for part in turn.parts if isinstance(part, ToolCall)]
    assert lost(blocks) == lost([part for part in turn.parts if part in blocks])
    assert text == "".join(part.text for part in turn.parts if isinstance(part, Text))


@LAW
@given(reply_blocks, tenants, tenants)
def test_tenants_never_share(blocks: tuple[Block, ...], teller: str, asker: str) -> None:
    """With the very same calls, another tenant gets nothing."""
    assume(teller != asker)
    turn = returned(blocks)
    assert ((turn,), (0,)) == recall(blocks, turn, teller=teller, asker=asker)
    assert ((turn,), ()) == recall(blocks, turn, teller=teller, asker="")
    assert ((turn,), ()) == recall(blocks, turn, teller="", asker="")


@LAW
@given(reply_blocks, names, objects)
def test_a_guessed_id_redeems_nothing(
    blocks: tuple[Block, ...], name: str, arguments: dict[str, Any]
) -> None:
    """Knowing the ids of another's calls is not enough, even for the same tenant."""
    calls = [block for block in blocks if isinstance(block, ToolCall)]
    guessed = [replace(rewritten(c), name=f"{c.name}{name}") for c in calls]
    other = json.dumps({**arguments, "guessed": len(blocks)})
    guessed += [replace(rewritten(c), arguments=other) for c in calls]
    turns = tuple(Turn("assistant", (call,)) for call in guessed)
    assert (turns, tuple(range(len(turns)))) == recall(blocks, *turns)


@shared(2)
@given(objects)
def test_arguments_may_be_written_anew(arguments: dict[str, Any]) -> None:
    """Spaces, escapes, the order of keys and the form of numbers make no difference."""
    call = ToolCall("a", "f", json.dumps(arguments))
    for other in (rewritten(call), replace(call, arguments=json.dumps(arguments, indent=1))):
        _, missed = recall([Thinking("", "S"), call], Turn("assistant", (other,)))
        assert () == missed


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("", "{}"),
        ("{}", ""),
        (" { } ", "{}"),
        ('{"a":1.0,"b":-0.0}', '{"b":0,"a":1}'),
        ('{"a":9007199254740993}', '{"a":9007199254740992}'),
        ('{"a":1e400}', '{"a":1e400}'),
        ('{"a":1,"a":2}', '{"a":2}'),
        ('{"a":[1.50,{"c":2,"b":"\\u00e9"}]}', '{"a": [1.5, {"b": "é", "c": 2.0}]}'),
        ('{"a":"\\ud83d\\ude00"}', '{"a":"😀"}'),
        ('{"a":"\\ud800"}', '{"a":"\\ufffd"}'),
        ("no JSON \ud800", "no JSON \ud800"),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_the_same_arguments(said: str, sent: str) -> None:
    """What clients make of arguments when they read and write them means the same call."""
    turn = Turn("assistant", (ToolCall("a", "f", sent),))
    _, missed = recall([Thinking("", "S"), ToolCall("a", "f", said)], turn)
    assert () == missed


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ('{"a":1}', '{"a":1.5}'),
        ('{"a":1}', '{"a":true}'),
        ('{"a":0}', '{"a":false}'),
        ('{"a":null}', "{}"),
        ('{"a":"1"}', '{"a":1}'),
        ('{"a":[1,2]}', '{"a":[2,1]}'),
        ('{"a":1e300}', '{"a":1e301}'),
        ('{"A":1}', '{"a":1}'),
        ("no JSON", "no  JSON"),
    ],
)
def test_other_arguments(said: str, sent: str) -> None:
    """What no client makes of arguments by itself is another call."""
    turn = Turn("assistant", (ToolCall("a", "f", sent),))
    assert ((turn,), (0,)) == recall([Thinking("", "S"), ToolCall("a", "f", said)], turn)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The package works on asyncio only."""
    return "asyncio"


@pytest.fixture
async def server() -> AsyncIterator[Redis]:
    """A small Redis of our own."""
    async with Redis() as each:
        yield each


def patient(url: str) -> Continuity:
    """One that waits for Redis however busy the machine is."""
    return Continuity(RedisStore(url), secret=SECRET, patience=60, timeout=60)


@pytest.mark.anyio
@pytest.mark.parametrize("serving", SERVERS)
async def test_processes_remember_together(serving: Serving) -> None:
    """What one process stored in Redis another puts back, for the same tenant."""
    blocks = (Thinking("", "S"), Text("é"), ToolCall("a", "f", '{"x":1}'))
    turn = returned(blocks)
    async with serving() as url:
        one, other = (patient(url) for _ in range(2))
        await one.remember("t", blocks)
        restored = replace(turn, parts=expected(blocks))
        assert ((restored,), ()) == await other.recall("t", [turn])
        assert ((turn,), (0,)) == await other.recall("other", [turn])
        await one.aclose()
        await other.aclose()


@pytest.mark.anyio
async def test_redis_that_hangs_dies_and_returns(
    server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """Each outage costs one warning and no reply, and what was stored is found after it."""
    caplog.set_level("INFO", "asgi_thinking")
    blocks = (Thinking("", "S"), ToolCall("a", "f", "{}"))
    turn = returned(blocks)
    continuity = patient(server.url)
    await continuity.remember("t", blocks)
    server.silent = True
    continuity._patience = continuity._timeout = 0.01
    for _ in range(2):
        # In tasks of their own, for what is cancelled loses its trace in some versions of Python.
        await asyncio.create_task(continuity.remember("t", blocks))
        found = await asyncio.create_task(continuity.recall("t", [turn]))
        assert ((turn,), (0,)) == found
    server.silent = False
    continuity._patience = continuity._timeout = 60
    assert () == (await continuity.recall("t", [turn]))[1]
    await server.stop()
    assert ((turn,), (0,)) == await continuity.recall("t", [turn])
    await server.start()
    assert () == (await continuity.recall("t", [turn]))[1]
    await continuity.aclose()
    failed, again = "continuity: the store failed (%s); going on without it", "works again"
    assert [failed % "TimeoutError", failed % "ConnectionError"] == caplog.messages[::2]
    assert all(message.endswith(again) for message in caplog.messages[1::2])
