"""Redis: what is sent to it, who owns its connections, and what becomes of a server that fails."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import pytest
import redis.asyncio
import redis.exceptions

from asgi_thinking.exceptions import ConfigurationError
from asgi_thinking.stores import RedisStore
from tests.redis_server import SERVERS, Redis

pytestmark = pytest.mark.anyio

Serving: TypeAlias = Callable[[], AbstractAsyncContextManager[str]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The package works on asyncio only."""
    return "asyncio"


@pytest.fixture
async def server() -> AsyncIterator[Redis]:
    """A small Redis of our own."""
    async with Redis() as each:
        yield each


async def lifetime(url: str, key: str) -> int:
    """Milliseconds that an entry has left."""
    async with redis.asyncio.Redis.from_url(url) as client:
        left: int = await client.pttl(key)
    return left


@pytest.mark.parametrize("serving", SERVERS)
async def test_entries_last_from_their_last_use(serving: Serving) -> None:
    """Writing and reading each give an entry its whole lifetime."""
    async with serving() as url:
        short, long = RedisStore(url, ttl=10), RedisStore(url, ttl=1000)
        await short.put({b"a": b"1"})
        assert 0 < await lifetime(url, "asgi-thinking:61") <= 10_000
        await long.get([b"a"])
        assert 10_000 < await lifetime(url, "asgi-thinking:61") <= 1_000_000
        await short.aclose()
        await long.aclose()


async def test_one_round_trip_each(server: Redis) -> None:
    """A write is a SET for each entry, a read a GETEX for each key, all on one connection."""
    store = RedisStore(server.url, ttl=0.25, prefix="p:")
    await store.put({b"a": b"1", b"b": b"2"})
    await store.get([b"b", b"c"])
    expected = [
        [b"SET", b"p:61", b"1", b"PX", b"250"],
        [b"SET", b"p:62", b"2", b"PX", b"250"],
        [b"GETEX", b"p:62", b"PX", b"250"],
        [b"GETEX", b"p:63", b"PX", b"250"],
    ]
    assert expected == server.commands
    assert 1 == server.connections
    await store.aclose()


async def test_prefixes_part_their_users(server: Redis) -> None:
    """Stores of different prefixes share a server and no entry."""
    one, other = RedisStore(server.url, prefix="one:"), RedisStore(server.url, prefix="other:")
    await one.put({b"a": b"1"})
    assert [None] == await other.get([b"a"])
    await one.aclose()
    await other.aclose()


@pytest.mark.parametrize("decode", [False, True])
async def test_the_owners_client_is_the_owners(server: Redis, decode: bool) -> None:
    """A client that was given is used as it is, decoding or not, and stays open."""
    client = redis.asyncio.Redis.from_url(server.url, decode_responses=decode)
    store = RedisStore(client)
    await store.put({b"a": b"1"})
    await store.aclose()
    assert [b"1", None] == await store.get([b"a", b"b"])
    assert 1 == server.connections
    await client.aclose()


async def test_a_closed_store_connects_anew(server: Redis) -> None:
    """Closing ends the connections, and a later use makes new ones."""
    store = RedisStore(server.url)
    await store.put({b"a": b"1"})
    await store.aclose()
    await store.aclose()
    assert [b"1"] == await store.get([b"a"])
    assert 2 == server.connections
    await store.aclose()


async def test_a_server_that_is_down_is_an_error(server: Redis) -> None:
    """A refused connection is raised at once; a server that comes back is used again."""
    store = RedisStore(server.url)
    await store.put({b"a": b"1"})
    await server.stop()
    with pytest.raises(redis.exceptions.ConnectionError):
        await store.get([b"a"])
    await server.start()
    assert [b"1"] == await store.get([b"a"])
    await store.aclose()


async def test_a_restarted_server_is_no_error(server: Redis) -> None:
    """A connection that broke while it was idle is opened again, unseen."""
    store = RedisStore(server.url)
    await store.put({b"a": b"1"})
    await server.stop()
    await server.start()
    assert [b"1"] == await store.get([b"a"])
    await store.aclose()


async def test_whoever_gives_up_leaves_nothing_behind(server: Redis) -> None:
    """Operations that were cancelled take no connection away and mix up no answers."""
    store = RedisStore(f"{server.url}?max_connections=1")
    for _ in range(3):
        server.silent = not server.silent
        await abandoned(store)
        server.silent = False
        await store.put({b"a": b"1", b"b": b"2"})
        server.silent = True
        await abandoned(store)
    server.silent = False
    assert [b"1", b"2"] == await store.get([b"a", b"b"])
    await store.aclose()


async def abandoned(store: RedisStore) -> None:
    """A read that is cancelled while it waits."""
    task = asyncio.create_task(store.get([b"b"]))
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def test_more_requests_than_connections_wait(server: Redis) -> None:
    """A burst takes turns on the connections there are."""
    store = RedisStore(f"{server.url}?max_connections=2")
    await store.put({b"a": b"1"})
    found = await asyncio.gather(*[store.get([b"a"]) for _ in range(20)])
    assert [[b"1"]] * 20 == found
    assert server.connections <= 2
    await store.aclose()


def test_each_event_loop_has_its_own_client() -> None:
    """A loop's client goes when a later loop needs one and the first has ended."""
    store = RedisStore("redis://127.0.0.1:1")
    for _ in range(3):
        with pytest.raises(redis.exceptions.ConnectionError):
            asyncio.run(store.get([b"a"]))
        assert 1 == len(store._clients)


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the redis package the error says how to install it."""
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'asgi-thinking\[redis\]'"):
        RedisStore("redis://localhost")


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://u:secret@h", "redis://h:port"])
def test_a_wrong_url_is_not_shown(url: str) -> None:
    """A URL that is none of Redis's is refused at construction, and may hold a password."""
    with pytest.raises(ConfigurationError) as caught:
        RedisStore(url)
    assert "RedisStore: not a URL of Redis" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_lifetime_is_above_zero() -> None:
    """A store that could keep nothing is a mistake."""
    with pytest.raises(ConfigurationError, match="RedisStore: ttl must be above 0, not 0"):
        RedisStore("redis://localhost", ttl=0)
