"""Replies with tool calls, remembered for clients that keep nothing but OpenAI's own fields.

Such clients lose the signatures of thinking and calls, and vendors refuse the next turn of a tool
loop without them, or do not think in it. So what a reply needs to be sent back whole is stored
under each of its calls, and put back when an assistant's message returns with the call alone.

A key is an HMAC of the tenant and the whole call, so nobody obtains what another tenant stored, nor
anything by guessing ids; a call that the client changed finds nothing, as its signature would be
refused. Arguments may be written anew (spaces, order of keys, 1.0 for 1).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Literal, TypeVar

import orjson

from asgi_thinking import _json
from asgi_thinking.events import Batch, Finish
from asgi_thinking.exceptions import ConfigurationError, ThinkingError
from asgi_thinking.messages import Assembler, Block, Choice, Message, ToolCall, Turn
from asgi_thinking.replay import (
    Segment,
    is_verifiable,
    put_back,
    read_segment,
    split,
    write_segment,
)
from asgi_thinking.stores import MemoryStore, Store

__all__ = ["Continuity", "Notes"]

logger = logging.getLogger("asgi_thinking")

_SECRET_SIZE: Final = 16  # bytes, at least
_MAX_REPLY: Final = 2**20  # bytes of one reply's values

# What JavaScript holds exactly; beyond it, a client writes another integer than it read.
# Source: https://tc39.es/ecma262/#sec-number.max_safe_integer, read 2026-11-22.
_SAFE: Final = 2**53 - 1

T = TypeVar("T")


class Continuity:
    """Remembers replies, and puts back what a client could not keep.

    Args:
        store: where replies are remembered; by default in this process.
        secret: makes the keys, at least 16 bytes; every process that shares a store needs the same.
            With a `MemoryStore` it is random unless given.
        on_miss: what becomes of a request whose assistant's message called tools and is not
            remembered: "drop" goes on without its thinking, "error" refuses the request. This is
            for the caller of `recall` to see to.
        patience: seconds that a reply waits, at most, for being stored.
        timeout: seconds that a request waits, at most, for what was stored.

    `restored` and `missed` count the assistant's turns that were put back and those that were not
    remembered, since this object was made.

    Raises:
        ConfigurationError: the secret is missing or too short, or another argument is wrong.
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        secret: bytes | str | None = None,
        on_miss: Literal["drop", "error"] = "drop",
        patience: float = 0.05,
        timeout: float = 0.5,
    ) -> None:
        if on_miss not in ("drop", "error"):
            raise ConfigurationError(f"Continuity: on_miss {on_miss!r} is not drop or error")
        for name, limit in (("patience", patience), ("timeout", timeout)):
            if not limit > 0:
                raise ConfigurationError(f"Continuity: {name} must be above 0, not {limit!r}")
        self.on_miss: Literal["drop", "error"] = on_miss
        self._store: Store = MemoryStore() if store is None else store
        self._secret = _secret(self._store, secret)
        self._patience = patience
        self._timeout = timeout
        self._failing = False
        self.restored = 0
        self.missed = 0

    async def remember(
        self, tenant: str, blocks: Sequence[Block], *, keeps_unsigned: bool = False
    ) -> None:
        """Store what replay needs of one choice of a reply, whose blocks come in order.

        Nothing is stored without a tenant, without a call, or of a reply that is complete in
        OpenAI's own fields. `keeps_unsigned` says that the vendor wants thinking without a
        signature back.
        """
        calls = [block for block in blocks if isinstance(block, ToolCall)]
        if tenant and calls:
            items = self._items(tenant, calls, blocks, keeps_unsigned)
            if items:
                await self._attempt(self._store.put(items), self._patience, None)

    async def recall(
        self, tenant: str, turns: Sequence[Turn], *, altered: bool = False
    ) -> tuple[tuple[Turn, ...], tuple[int, ...]]:
        """The turns with blocks put back, and the numbers of those that are not remembered.

        Only the assistant's turns with calls and nothing to verify are looked up, all by one read.
        `altered` says that clients are not shown all as it was thought: then every turn with calls
        is looked up, and one that is remembered whole comes back as it was.
        A turn of which any call is not found counts as not remembered; what its other calls bring
        back is put back, unless the model thought it after a call that is not there.
        """
        wanted = {
            number: [self._key(tenant, part) for part in turn.parts if isinstance(part, ToolCall)]
            for number, turn in enumerate(turns)
            if tenant and _calls(turn) and (altered or _is_incomplete(turn))
        }
        if not wanted:
            return tuple(turns), ()
        keys = [key for each in wanted.values() for key in each]
        known = await self._attempt(self._read(keys), self._timeout, {})
        whole, missed = list(turns), list[int]()
        reached: dict[str, int] = {}
        for number, own in wanted.items():
            segments = _following([known.get(key) for key in own], reached)
            if None in segments and not _is_incomplete(turns[number]):
                continue  # what the client kept is more
            if any(segment is not None and not segment.bare for segment in segments):
                parts = put_back(turns[number].parts, segments, self._mark)
                whole[number] = replace(turns[number], parts=parts)
                self.restored += 1
            if None in segments:
                missed.append(number)
        self.missed += len(missed)
        return tuple(whole), tuple(missed)

    async def aclose(self) -> None:
        """Release the store's connections."""
        await self._store.aclose()

    def _items(
        self, tenant: str, calls: Sequence[ToolCall], blocks: Sequence[Block], keeps_unsigned: bool
    ) -> dict[bytes, bytes]:
        """What to store of a reply, nothing where it is not worth it."""
        keys = [self._key(tenant, call) for call in calls]
        segments = split(blocks, keys[0].hex()[:16], self._mark, keeps_unsigned=keeps_unsigned)
        # That nothing is missing is worth knowing only to those who refuse what is not remembered.
        if self.on_miss == "drop" and all(segment.bare for segment in segments):
            return {}
        values = [write_segment(segment) for segment in segments]
        size = sum(map(len, values))
        if size > _MAX_REPLY:
            logger.debug("continuity: a reply of %d bytes is too large to be remembered", size)
            return {}
        return dict(zip(keys, values, strict=True))

    async def _read(self, keys: Sequence[bytes]) -> dict[bytes, Segment | None]:
        values = await self._store.get(keys)
        return {key: read_segment(value) for key, value in zip(keys, values, strict=True) if value}

    async def _attempt(self, operation: Awaitable[T], limit: float, otherwise: T) -> T:
        """The outcome of the store's operation, or `otherwise` if it fails or takes too long."""
        try:
            async with asyncio.timeout(limit):
                outcome = await operation
        except Exception as error:  # noqa: BLE001 (no store may cost the reply, whatever it raises)
            if not self._failing:
                # Its message is not ours and may hold what was to be stored.
                failure = type(error).__name__
                logger.warning("continuity: the store failed (%s); going on without it", failure)
            self._failing = True
            return otherwise
        if self._failing:
            logger.info("continuity: the store works again")
        self._failing = False
        return outcome

    def _key(self, tenant: str, call: ToolCall) -> bytes:
        return self._digest("call", tenant, call.id, call.name, _canonical(call.arguments))

    def _mark(self, answer: str) -> str:
        return self._digest("answer", answer).hex()[:16] if answer else ""

    def _digest(self, *fields: str) -> bytes:
        data = bytearray()
        for field in fields:
            text = field.encode(errors="surrogatepass")
            # With its length, so that no two lists of fields are the same bytes.
            data += len(text).to_bytes(8, "big") + text
        return hmac.digest(self._secret, data, "sha256")


class Notes:
    """What one reply will be remembered by; `tenant` is who may have it back, "" for nobody."""

    __slots__ = ("_assembler", "_continuity", "_ended", "_keeps_unsigned", "_tenant")

    def __init__(self, continuity: Continuity, tenant: str, *, keeps_unsigned: bool) -> None:
        self._continuity = continuity
        self._tenant = tenant
        self._keeps_unsigned = keeps_unsigned
        self._assembler = Assembler()
        self._ended: list[int] = []

    def feed(self, batch: Batch) -> bool:
        """Take a batch of a stream; whether `keep` has to be awaited before it is sent on."""
        with suppress(ThinkingError):  # a reply that fails is not remembered
            self._assembler.feed(batch)
        self._ended += [event.choice for event in batch if isinstance(event, Finish)]
        return bool(self._ended)

    async def keep(self) -> None:
        """Remember the choices that have ended."""
        ended, self._ended = self._ended, []
        for number in ended:
            await self._remember(self._assembler.choice(number))

    async def keep_whole(self, message: Message) -> None:
        """Remember a reply that came whole."""
        for choice in message.choices:
            await self._remember(choice)

    async def _remember(self, choice: Choice) -> None:
        await self._continuity.remember(
            self._tenant, choice.blocks, keeps_unsigned=self._keeps_unsigned
        )


def _secret(store: Store, given: bytes | str | None) -> bytes:
    if given is None:
        if isinstance(store, MemoryStore):
            return secrets.token_bytes(32)
        raise ConfigurationError(
            f"Continuity: {type(store).__name__} needs a secret, the same in every process"
        )
    secret = given.encode() if isinstance(given, str) else given
    if len(secret) < _SECRET_SIZE:
        raise ConfigurationError(f"Continuity: secret must have at least {_SECRET_SIZE} bytes")
    return secret


def _calls(turn: Turn) -> bool:
    return turn.role == "assistant" and any(isinstance(part, ToolCall) for part in turn.parts)


def _is_incomplete(turn: Turn) -> bool:
    return not any(is_verifiable(part) for part in turn.parts)


def _following(segments: Sequence[Segment | None], reached: dict[str, int]) -> list[Segment | None]:
    """The segments that have all before them of their reply, or nothing that would need it.

    `reached` counts the calls of each reply that have been met; no call is met twice.
    """
    kept: list[Segment | None] = [None] * len(segments)
    found = [(segment.number, n, segment) for n, segment in enumerate(segments) if segment]
    for number, place, segment in sorted(found, key=lambda each: each[:2]):
        follows = number == reached.get(segment.group, 0)
        if follows:
            reached[segment.group] = number + 1
        if follows or segment.bare:
            kept[place] = segment
    return kept


def _canonical(arguments: str) -> str:
    """Arguments as every client means them; text that is no JSON is as it is."""
    if not arguments:
        return "{}"
    try:
        value = _plain(_json.loads(arguments.encode(errors="surrogatepass")))
    except (_json.InvalidJSON, RecursionError):
        return arguments
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _plain(value: Any) -> Any:
    """The value with each number in the one form that all languages agree on."""
    kind = value.__class__
    if kind is dict:
        return {name: _plain(member) for name, member in value.items()}
    if kind is list:
        return [_plain(member) for member in value]
    if kind is float and value.is_integer() and abs(value) <= _SAFE:
        return int(value)
    return float(value) if kind is int and abs(value) > _SAFE else value
