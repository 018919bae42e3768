"""Replies are remembered, found again, and cost nothing when the store fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from asgi_thinking.continuity import Continuity
from asgi_thinking.exceptions import ConfigurationError
from asgi_thinking.messages import (
    Block,
    Part,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
    Turn,
)
from asgi_thinking.stores import MemoryStore

pytestmark = pytest.mark.anyio

SECRET = b"0123456789abcdef"

FIRST, SECOND = Thinking("one", "S1"), Thinking("two", "S2")
A, B, C = ToolCall("a", "f", '{"x":1}'), ToolCall("b", "f", ""), ToolCall("c", "g", "{}")
REPLY = (FIRST, Text("abc"), A, SECOND, B)
ASKED = Turn("user", (Text("hi"),))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The package works on asyncio only."""
    return "asyncio"


def turn(*parts: Part) -> Turn:
    return Turn("assistant", parts)


class Recording(MemoryStore):
    """A store in memory that tells what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[list[bytes]] = []
        self.written: list[dict[bytes, bytes]] = []

    async def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        self.read.append([*keys])
        return await super().get(keys)

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        self.written.append({**items})
        await super().put(items)


async def test_a_reply_is_restored() -> None:
    """A message with its text and calls alone is the whole reply again, others stay the same."""
    continuity = Continuity()
    await continuity.remember("t", REPLY)
    turns = (ASKED, turn(Text("abc"), A, B), Turn("tool", (Text("1"),), "a"))
    assert ((ASKED, turn(*REPLY), turns[2]), ()) == await continuity.recall("t", turns)


async def test_what_is_found_and_what_is_missed_is_counted() -> None:
    """An owner can tell whether what is remembered is enough."""
    continuity = Continuity()
    await continuity.remember("t", REPLY)
    for _ in range(2):
        await continuity.recall("t", (ASKED, turn(Text("abc"), A, B), turn(C)))
    assert (2, 2) == (continuity.restored, continuity.missed)


async def test_calls_split_over_messages_are_restored() -> None:
    """Each message gets what belongs to its calls, in any number of messages."""
    continuity = Continuity()
    await continuity.remember("t", REPLY)
    turns = [turn(Text("abc"), A), Turn("tool", (Text("1"),), "a"), turn(B)]
    expected = (turn(FIRST, Text("abc"), A), turns[1], turn(SECOND, B))
    assert (expected, ()) == await continuity.recall("t", turns)


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("x", "f", '{"x":1}'),
        ToolCall("a", "x", '{"x":1}'),
        ToolCall("a", "f", '{"x":2}'),
        ToolCall("a", "f", '{"x":true}'),
        ToolCall("a", "f", '{"x":"1"}'),
        ToolCall("a", "f", ""),
        ToolCall("a", "f", "x"),
        ToolCall("", "af", '{"x":1}'),
    ],
)
async def test_another_call_finds_nothing(call: ToolCall) -> None:
    """A call that differs in id, name or arguments is not remembered, and what follows neither."""
    continuity = Continuity()
    await continuity.remember("t", REPLY)
    turns = (ASKED, turn(Text("abc"), call, B))
    assert (turns, (1,)) == await continuity.recall("t", turns)


async def test_an_edited_call_takes_only_what_follows() -> None:
    """What the model thought before the call that was edited is put back, and the loss reported."""
    continuity = Continuity()
    await continuity.remember("t", REPLY)
    turns = (turn(Text("abc"), A, C),)
    assert ((turn(FIRST, Text("abc"), A, C),), (0,)) == await continuity.recall("t", turns)


async def test_no_call_is_met_twice() -> None:
    """A call that is repeated brings its thinking back once."""
    continuity = Continuity()
    await continuity.remember("t", REPLY)
    turns = (turn(A, B), turn(A))
    assert ((turn(FIRST, A, SECOND, B), turn(A)), (1,)) == await continuity.recall("t", turns)


async def test_a_call_without_a_loss_needs_nothing_before_it() -> None:
    """A client that kept a reply's thinking, but split its calls, misses nothing."""
    continuity = Continuity()
    await continuity.remember("t", (FIRST, A, B))
    turns = (turn(FIRST, A), turn(B))
    assert (turns, ()) == await continuity.recall("t", turns)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (Text("abc"),),
        (Thinking("x"), Text("abc")),
        (Thinking("x", "S"), A),
        (RedactedThinking("x"), A),
        (A, ToolCall("b", "f", "", "S", "gemini")),
    ],
)
async def test_only_incomplete_calls_are_looked_up(parts: tuple[Part, ...]) -> None:
    """The store is not read for messages that have something to verify, or no call."""
    store = Recording()
    continuity = Continuity(store)
    assert ((turn(*parts),), ()) == await continuity.recall("t", [turn(*parts)])
    assert [] == store.read


async def test_one_read_and_one_write() -> None:
    """All calls of a reply are written at once, and all of a conversation are read at once."""
    store = Recording()
    continuity = Continuity(store)
    await continuity.remember("t", REPLY)
    await continuity.remember("t", (FIRST, C))
    assert [2, 1] == [len(items) for items in store.written]
    whole, _ = await continuity.recall("t", [turn(A, B), ASKED, turn(C)])
    assert (turn(FIRST, A, SECOND, B), ASKED, turn(FIRST, C)) == whole
    assert [[*store.written[0], *store.written[1]]] == store.read


@pytest.mark.parametrize(
    "blocks",
    [
        (),
        (FIRST, Text("abc")),
        (Text("abc"), A),
        (Thinking("x"), A),
        (Thinking("x", ""), Text("y", ""), A),
    ],
)
async def test_what_the_client_can_keep_is_not_stored(blocks: tuple[Block, ...]) -> None:
    """Nothing is written without a call, or without anything to verify."""
    store = Recording()
    await Continuity(store).remember("t", blocks)
    assert [] == store.written


async def test_nothing_without_a_tenant() -> None:
    """Callers whom nobody can tell apart share nothing, and are told of no loss."""
    store = Recording()
    continuity = Continuity(store, on_miss="error")
    await continuity.remember("", REPLY)
    turns = (turn(Text("abc"), A, B),)
    assert (turns, ()) == await continuity.recall("", turns)
    assert ([], []) == (store.read, store.written)


async def test_replies_without_loss_are_known_where_misses_matter() -> None:
    """Who refuses what is not remembered does not refuse a reply that had nothing to lose."""
    continuity = Continuity(on_miss="error")
    await continuity.remember("t", (Text("abc"), A))
    turns = (turn(Text("abc"), A), turn(C))
    assert (turns, (1,)) == await continuity.recall("t", turns)


async def test_unsigned_thinking_for_vendors_that_want_it() -> None:
    """Unsigned thinking is remembered where the caller says that it goes back."""
    continuity = Continuity()
    await continuity.remember("t", (Thinking("hm"), A), keeps_unsigned=True)
    whole, _ = await continuity.recall("t", [turn(Thinking("hm, cut"), A)])
    assert (turn(Thinking("hm"), A),) == whole


async def test_values_hold_no_answer_and_no_arguments() -> None:
    """Neither keys nor values hold the tenant, the answer or the call; values hold thinking."""
    store = Recording()
    call = ToolCall("call-id", "call-name", '{"x":"call-arguments"}')
    blocks = (Thinking("thought", "SIGNATURE"), Text("the answer"), call)
    await Continuity(store, secret=SECRET).remember("the tenant", blocks)
    ((key, value),) = store.written[0].items()
    assert all(word not in key + value for word in (b"tenant", b"answer", b"call-", b"0123456789"))
    assert b"thought" in value
    assert 32 == len(key)


async def test_a_large_reply_is_not_stored(caplog: pytest.LogCaptureFixture) -> None:
    """A reply of more than a mebibyte is left out, with a line for who looks."""
    caplog.set_level(logging.DEBUG, "asgi_thinking")
    store = Recording()
    await Continuity(store).remember("t", (Thinking("x" * 2**20, "S"), A))
    assert [] == store.written
    (line,) = caplog.messages
    assert line.startswith("continuity: a reply of 10486")


async def test_processes_share_a_secret() -> None:
    """What one process stored another finds with the same secret, and only with that."""
    store = MemoryStore()
    await Continuity(store, secret=SECRET).remember("t", REPLY)
    turns = [turn(Text("abc"), A, B)]
    for secret, found in ((SECRET, True), (SECRET.decode(), True), (b"x" * 16, False)):
        _, missed = await Continuity(store, secret=secret).recall("t", turns)
        assert found is not missed


class Failing:
    """A store that does what a test says: it raises, waits for ever, or gives some values."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.cancelled = 0

    async def get(self, keys: Sequence[bytes]) -> Any:
        return await self._do()

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        await self._do()

    async def aclose(self) -> None:
        self.outcome = "closed"

    async def _do(self) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if isinstance(self.outcome, asyncio.Event):
            try:
                await self.outcome.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return self.outcome


TURNS = (turn(Text("abc"), A, B),)


async def test_a_store_that_fails_costs_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A failure is told once until the store works again, and shows nothing of what it says."""
    caplog.set_level(logging.INFO, "asgi_thinking")
    store = Failing(OSError("secret"))
    continuity = Continuity(store, secret=SECRET)
    for outcome in (OSError("secret"), [None, None], ValueError("secret")):
        store.outcome = outcome
        await continuity.remember("t", REPLY)
        assert (TURNS, (0,)) == await continuity.recall("t", TURNS)
    failed = "continuity: the store failed (%s); going on without it"
    expected = [failed % "OSError", "continuity: the store works again", failed % "ValueError"]
    assert expected == caplog.messages


async def test_a_store_that_hangs_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """A write and a read that take too long are cancelled, and cost one warning."""
    store = Failing(asyncio.Event())
    continuity = Continuity(store, secret=SECRET, patience=0.001, timeout=0.001)
    # In tasks of their own, for what is cancelled loses its trace in some versions of Python.
    await asyncio.create_task(continuity.remember("t", REPLY))
    assert (TURNS, (0,)) == await asyncio.create_task(continuity.recall("t", TURNS))
    assert 2 == store.cancelled
    assert ["continuity: the store failed (TimeoutError); going on without it"] == caplog.messages


async def test_a_caller_who_leaves_is_not_held(caplog: pytest.LogCaptureFixture) -> None:
    """Cancelling the request cancels the store's operation, which is no failure."""
    store = Failing(asyncio.Event())
    continuity = Continuity(store, secret=SECRET, timeout=60)
    task = asyncio.create_task(continuity.recall("t", TURNS))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert (1, []) == (store.cancelled, caplog.messages)


@pytest.mark.parametrize(
    "values", [None, [], [None], ["x", 1], [b"x", b"[]"], [None] * 3, [b"", b""]]
)
async def test_a_store_may_give_anything(values: Any) -> None:
    """Values that were never stored are as good as none."""
    continuity = Continuity(Failing(values), secret=SECRET)
    assert (TURNS, (0,)) == await continuity.recall("t", TURNS)


async def test_closing_closes_the_store() -> None:
    """The store is released together with its only user."""
    store = Failing(None)
    await Continuity(store, secret=SECRET).aclose()
    assert "closed" == store.outcome


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"store": Failing(None)}, "Failing needs a secret, the same in every process"),
        ({"store": Failing(None), "secret": b"x" * 15}, "secret must have at least 16 bytes"),
        ({"secret": ""}, "secret must have at least 16 bytes"),
        ({"on_miss": "fail"}, "on_miss 'fail' is not drop or error"),
        ({"patience": 0}, "patience must be above 0, not 0"),
        ({"timeout": -1.0}, "timeout must be above 0, not -1.0"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, Any], message: str) -> None:
    """What cannot work is refused at construction."""
    with pytest.raises(ConfigurationError, match=f"^Continuity: {message}$"):
        Continuity(**arguments)
