"""What every store promises, and the bounds of the one in memory."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest

from asgi_thinking.exceptions import ConfigurationError
from asgi_thinking.stores import MemoryStore, RedisStore, Store
from tests.redis_server import SERVERS, real

pytestmark = pytest.mark.anyio

Serving: TypeAlias = Callable[[], AbstractAsyncContextManager[str]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The package works on asyncio only."""
    return "asyncio"


@asynccontextmanager
async def memory() -> AsyncIterator[str]:
    """No server at all."""
    yield ""


@pytest.fixture(params=[memory, *SERVERS])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Each store in turn, with nothing in it."""
    serving: Serving = request.param
    async with serving() as url:
        store = RedisStore(url) if url else MemoryStore()
        yield store
        await store.aclose()


async def test_values_are_found_by_their_keys(store: Store) -> None:
    """What was put is there byte by byte, in the order of the keys, and nothing else is."""
    await store.put({b"\0\xff": b"\r\n\0\xff", b"b": b""})
    assert [None, b"", b"\r\n\0\xff"] == list(await store.get([b"c", b"b", b"\0\xff"]))
    assert [b"", b""] == list(await store.get([b"b", b"b"]))


async def test_the_last_value_counts(store: Store) -> None:
    """A value replaces the earlier one of its key."""
    await store.put({b"a": b"1", b"b": b"2"})
    await store.put({b"a": b"3"})
    assert [b"3", b"2"] == list(await store.get([b"a", b"b"]))


async def test_nothing_is_a_set_of_entries_too(store: Store) -> None:
    """No entries can be put, and no keys asked for."""
    await store.put({})
    assert [] == list(await store.get([]))


async def test_a_server_is_waited_for() -> None:
    """A process is used once it is ready, and ends with its block."""
    script = "import sys; print('Ready to accept connections', flush=True); sys.stdin.read()"
    async with real(sys.executable, "-c", script) as url:
        assert url.startswith("unix:///")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_entries_expire() -> None:
    """An entry is gone, and its memory free, once it was not used for as long as it lasts."""
    clock = Clock()
    store = MemoryStore(ttl=10, clock=clock)
    await store.put({b"used": b"1", b"unused": b"2"})
    clock.now += 9
    assert [b"1"] == await store.get([b"used"])
    clock.now += 1
    assert [b"1", None] == await store.get([b"used", b"unused"])
    assert 1 == len(store)
    clock.now += 10
    await store.put({})
    assert (0, 0) == (len(store), store.size)


async def test_the_number_of_entries_is_bounded() -> None:
    """What was not used for longest makes room."""
    store = MemoryStore(max_entries=2)
    await store.put({b"a": b"1", b"b": b"2"})
    await store.get([b"a"])
    await store.put({b"c": b"3"})
    assert [b"1", None, b"3"] == await store.get([b"a", b"b", b"c"])


async def test_the_size_of_entries_is_bounded() -> None:
    """Entries make room for a large one, but not for one that would not fit at all."""
    store = MemoryStore(max_size=3000)
    await store.put({b"a": bytes(1000), b"b": bytes(1000)})
    await store.put({b"c": bytes(2600)})
    assert [None, None, bytes(2600)] == await store.get([b"a", b"b", b"c"])
    await store.put({b"d": bytes(3000)})
    assert [None, bytes(2600)] == await store.get([b"d", b"c"])


async def test_memory_does_not_grow() -> None:
    """However much is stored and read, entries and bytes stay within their bounds."""
    clock = Clock()
    store = MemoryStore(ttl=100, max_entries=500, max_size=2**18, clock=clock)
    for number in range(50_000):
        clock.now += number % 3
        await store.put({b"%d" % (number % 2000): bytes(number % 900)})
        await store.get([b"%d" % (number % 700)])
        assert len(store) <= 500
        assert 0 <= store.size <= 2**18
    clock.now += 100
    await store.get([])
    assert (0, 0) == (len(store), store.size)


async def test_closing_forgets() -> None:
    """A closed store in memory is empty."""
    store = MemoryStore()
    await store.put({b"a": b"1"})
    await store.aclose()
    assert (0, 0) == (len(store), store.size)
    assert [None] == await store.get([b"a"])


@pytest.mark.parametrize(
    "limits", [{"ttl": 0}, {"ttl": float("nan")}, {"max_entries": 0}, {"max_size": -1}]
)
def test_limits_are_above_zero(limits: dict[str, int]) -> None:
    """A store that could keep nothing is a mistake, named by its argument."""
    with pytest.raises(ConfigurationError, match=f"MemoryStore: {next(iter(limits))} must be"):
        MemoryStore(**limits)
