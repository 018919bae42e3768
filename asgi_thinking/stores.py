"""Where replies are remembered: in memory, in Redis, or wherever an owner's own store keeps them.

    MemoryStore()                                  for one process
    RedisStore("redis://localhost:6379/0")         for several (extra `redis`)
    RedisStore(redis.asyncio.Redis(...))           the owner's client, never closed here

Keys are digests that tell nothing. Values may hold the text of the model's thinking, but neither a
prompt nor an answer; they are as safe as the store is.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Final, Protocol

from asgi_thinking.exceptions import ConfigurationError

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

__all__ = ["MemoryStore", "RedisStore", "Store"]

_HOUR: Final = 3600.0

# Bytes beside an entry's key and value: the objects that hold them, in CPython 3.11 to 3.14.
_ENTRY: Final = 300

# Connections of one event loop; a burst of more requests than that waits its turn.
_CONNECTIONS: Final = 32


class Store(Protocol):
    """Bytes by their keys, for a while; whatever it raises costs a warning and no reply.

    An entry should last for some time after it was last written or read: a conversation reads all
    of its own with each request, and loses none while it goes on.
    """

    async def get(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """The values of the keys, in their order; None where there is none."""
        ...

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        """Keep these values, replacing others of the same keys."""
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


class MemoryStore:
    """Entries in this process; what was not used for longest makes room.

    Args:
        ttl: seconds that an entry lasts after it was last written or read.
        max_entries: how many there are at most, one for each tool call.
        max_size: bytes of them all.
        clock: seconds that never run backwards.

    Raises:
        ConfigurationError: a limit is not above 0.
    """

    def __init__(
        self,
        *,
        ttl: float = _HOUR,
        max_entries: int = 10_000,
        max_size: int = 64 * 2**20,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = {"ttl": ttl, "max_entries": max_entries, "max_size": max_size}
        _check_positive("MemoryStore", limits)
        self._ttl = ttl
        self._max_entries = max_entries
        self._max_size = max_size
        self._clock = clock
        # What lasts longest stands last, because using an entry moves it there.
        self._entries: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._size = 0
        self._lock = RLock()  # threads may have event loops of their own

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes that the entries take, about."""
        return self._size

    async def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of the keys, in their order; each lasts for `ttl` from now."""
        with self._lock:
            now = self._clock()
            self._expire(now)
            return [self._use(key, now) for key in keys]

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        """Keep these values for `ttl`, as far as there is room."""
        with self._lock:
            now = self._clock()
            self._expire(now)
            for key, value in items.items():
                self._add(key, value, now)

    async def aclose(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._size = 0

    def _use(self, key: bytes, now: float) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries[key] = now + self._ttl, entry[1]
        self._entries.move_to_end(key)
        return entry[1]

    def _add(self, key: bytes, value: bytes, now: float) -> None:
        old = self._entries.pop(key, None)
        if old is not None:
            self._size -= _cost(key, old[1])
        cost = _cost(key, value)
        if cost > self._max_size:
            return  # or it would push out all others, and then itself
        self._entries[key] = now + self._ttl, value
        self._size += cost
        while len(self._entries) > self._max_entries or self._size > self._max_size:
            self._drop_oldest()

    def _expire(self, now: float) -> None:
        while self._entries and next(iter(self._entries.values()))[0] <= now:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        key, (_, value) = self._entries.popitem(last=False)
        self._size -= _cost(key, value)


def _cost(key: bytes, value: bytes) -> int:
    return len(key) + len(value) + _ENTRY


def _check_positive(name: str, limits: Mapping[str, float]) -> None:
    for limit, value in limits.items():
        if not value > 0:
            raise ConfigurationError(f"{name}: {limit} must be above 0, not {value!r}")


class RedisStore:
    """Entries in Redis 6.2 or later, or Valkey, for all processes that share a secret.

    Each read and each write is one round trip. A connection is opened for an event loop when it
    first needs one.

    Args:
        redis: a URL (`redis://`, `rediss://`, `unix://`), or a client of `redis.asyncio` for the
            one event loop that it lives in; a cluster's client is as good.
        ttl: seconds that an entry lasts after it was last written or read.
        prefix: stands before every key.

    Raises:
        ConfigurationError: the extra `redis` is not installed, or the URL is none of Redis's.
    """

    def __init__(
        self,
        redis: str | Redis | RedisCluster,
        *,
        ttl: float = _HOUR,
        prefix: str = "asgi-thinking:",
    ) -> None:
        _check_positive("RedisStore", {"ttl": ttl})
        self._ttl = max(1, round(ttl * 1000))
        self._prefix = prefix
        self._url = redis if isinstance(redis, str) else ""
        self._owners = None if isinstance(redis, str) else redis
        self._clients: dict[asyncio.AbstractEventLoop, Redis] = {}
        if self._owners is None:
            _connect(self._url)  # nothing is sent yet, but a mistake shows now

    async def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of the keys, in their order; each lasts for `ttl` from now."""
        pipeline = self._client().pipeline(transaction=False)
        for key in keys:
            pipeline.getex(self._name(key), px=self._ttl)
        # A client of the owner's may decode what it reads.
        values: list[bytes | str | None] = await pipeline.execute()
        return [value.encode() if isinstance(value, str) else value for value in values]

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        """Keep these values for `ttl`."""
        pipeline = self._client().pipeline(transaction=False)
        for key, value in items.items():
            pipeline.set(self._name(key), value, px=self._ttl)
        await pipeline.execute()

    async def aclose(self) -> None:
        """Close the running loop's connections, unless they are the owner's."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _name(self, key: bytes) -> str:
        return self._prefix + key.hex()

    def _client(self) -> Redis | RedisCluster:
        if self._owners is not None:
            return self._owners
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            for ended in [known for known in list(self._clients) if known.is_closed()]:
                del self._clients[ended]
            client = self._clients[loop] = _connect(self._url)
        return client


def _connect(url: str) -> Redis:
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        hint = "pip install 'asgi-thinking[redis]'"
        raise ConfigurationError(f"RedisStore: redis is not installed; {hint}") from error
    try:
        # Whoever waits has a limit of its own; a connection that the server closed is opened again.
        pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType] (bare kwargs)
            url, max_connections=_CONNECTIONS, timeout=None, retry=Retry(NoBackoff(), 1)
        )
    except ValueError:
        message = "RedisStore: not a URL of Redis; redis://, rediss:// and unix:// are"
        raise ConfigurationError(message) from None  # it may hold a password
    return Redis.from_pool(pool)
