"""Cache: the values of one spec in this process, read through Valkey to their source."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, cast

from app.cache.specs import CacheSpec, K, V
from app.cache.valkey_cache import ValkeyCache
from app.concurrency import TaskSet
from app.errors import Unavailable
from app.gateways.valkey import Valkey

MAX_ENTRIES = 100_000
"""Entries of one spec in a process. One more replaces the entry that was loaded first."""
DISCONNECTED_TTL = 1.0
"""Longest time in seconds that a process keeps a value while there is a Valkey, but no invalidations come from it."""
STALE_WAIT = 0.5
"""Seconds to wait for the source where the last known value may be served instead."""
STALE_RETRY = 5.0
"""Seconds for which the last known value is served before the failing source is asked again."""

Count = Callable[[str, str, int], None]
"""Counts lookups: the spec's name, the result (hit, shared, miss, stale) and how many."""


@dataclass(slots=True)
class CacheContext:
    """The parts and the state that all caches of a process share."""

    tasks: TaskSet
    valkey: Valkey | None
    count: Count
    clock: Callable[[], float]
    epoch: int = 0
    """Grows whenever invalidations may have been lost: values of earlier epochs are not read."""
    is_subscribed: bool = False

    def local_ttl(self, ttl: float) -> float:
        """Return the longest time in seconds that a process may read a value with this ttl."""
        return ttl if self.valkey is None or self.is_subscribed else min(ttl, DISCONNECTED_TTL)


@dataclass(slots=True)
class _Entry(Generic[V]):
    """A value in this process, None for absence, with the epoch in which it was read."""

    value: V | None
    expires_at: float
    epoch: int
    is_invalidated: bool = False


class Cache(Generic[K, V]):
    """A read-through cache of one spec's values. Concurrent reads of one key share one load, and its failure."""

    def __init__(self, spec: CacheSpec[K, V], context: CacheContext) -> None:
        self._spec = spec
        self._context = context
        self._valkey = ValkeyCache(spec, context.valkey) if context.valkey else None
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._loads: dict[K, asyncio.Task[dict[K, V | None]]] = {}
        self._invalidation_count = 0

    async def get(self, key: K) -> V | None:
        """Return the key's value, or None if it has none. Raises what the spec's `load` raises."""
        if entry := self._fresh_entry(key, self._context.clock()):
            self._count("hit", 1)
            return entry.value
        return (await self.get_many([key])).get(key)

    async def get_many(self, keys: Iterable[K]) -> dict[K, V]:
        """Return the values of those keys that have one. Raises what the spec's `load` raises.

        A hit costs nothing; otherwise one or two round trips to Valkey (if there is one), and one load.
        """
        found: dict[K, V | None] = {}
        missing: set[K] = set()
        now = self._context.clock()
        for key in keys:
            if entry := self._fresh_entry(key, now):
                found[key] = entry.value
            else:
                missing.add(key)
        self._count("hit", len(found))
        if missing:
            found |= await self._read_through(missing)
        for key in [key for key, value in found.items() if value is None]:
            del found[key]
        return cast(dict[K, V], found)

    async def invalidate(self, *keys: K) -> None:
        """Make every later read of these keys, in any process, load them anew. Never raises."""
        for key in keys:
            self.invalidate_local(key)
        if keys and self._valkey:
            await self._valkey.invalidate(keys)

    def invalidate_local(self, key: K) -> None:
        """Make later reads of this process load the key anew. A running load is only for the callers it has."""
        self._invalidation_count += 1
        self._loads.pop(key, None)
        if entry := self._entries.get(key):
            entry.is_invalidated = True

    def discard_local(self, keys: Iterable[K]) -> None:
        """Drop what this process knows of these keys, so that it is not even served while the source fails."""
        for key in keys:
            self.invalidate_local(key)
            self._entries.pop(key, None)

    def discard_all_local(self) -> None:
        """Drop all that this process knows, so that it is not even served while the source fails."""
        self.detach_pending_loads()
        self._entries.clear()

    def invalidate_local_by_key(self, text: str) -> None:
        """Invalidate locally the key that another process has published as this text."""
        with suppress(ValueError):
            self.invalidate_local(self._spec.parse_key(text))

    def detach_pending_loads(self) -> None:
        """Keep later callers from joining the running loads, whose values are not stored locally either."""
        self._invalidation_count += 1
        self._loads.clear()

    def _fresh_entry(self, key: K, now: float) -> _Entry[V] | None:
        entry = self._entries.get(key)
        if entry is None or entry.is_invalidated or now >= entry.expires_at:
            return None
        return entry if entry.epoch == self._context.epoch else None

    async def _read_through(self, keys: set[K]) -> dict[K, V | None]:
        invalidation_count = self._invalidation_count
        found, generations = await self._valkey.read(keys) if self._valkey else ({}, {})
        self._count("shared", len(found))
        if missing := keys - found.keys():
            known = {key: entry for key in missing if (entry := self._entries.get(key)) and entry.value is not None}
            may_be_stale = self._spec.stale_if_error and len(known) == len(missing)
            try:
                found |= await self._load_shared(missing, generations, seconds=STALE_WAIT if may_be_stale else None)
            except Unavailable:
                if not may_be_stale:
                    raise
                return found | self._serve_stale(known)
        if invalidation_count == self._invalidation_count:
            self._store_locally(found)
        return found

    async def _load_shared(
        self, keys: set[K], generations: Mapping[K, bytes], *, seconds: float | None
    ) -> dict[K, V | None]:
        """Load the keys together with other callers. A load has its own deadline; `seconds` is for a shorter one."""
        loads = self._join_or_start(keys, generations)
        _, pending = await asyncio.wait(set(loads.values()), timeout=seconds)
        if pending:
            raise Unavailable(f"The source of the cache {self._spec.name} did not answer within {seconds} s")
        self._count("miss", len(keys))
        return {key: loads[key].result()[key] for key in keys}

    def _join_or_start(
        self, keys: set[K], generations: Mapping[K, bytes]
    ) -> dict[K, "asyncio.Task[dict[K, V | None]]"]:
        """Return the load that will bring each key: a running one, or a new one for the rest.

        A running load may also bring keys that were invalidated since: of these its value is too old.
        """
        loads = {key: load for key in keys if (load := self._loads.get(key))}
        if rest := keys - loads.keys():
            load = self._context.tasks.start(
                self._load_and_share(rest, {key: generations[key] for key in rest & generations.keys()})
            )
            # A load without a generation cannot be joined: it may miss an invalidation by another process.
            self._loads |= {key: load for key in rest if self._has_local_entries or key in generations}
            loads |= dict.fromkeys(rest, load)
        return loads

    @property
    def _has_local_entries(self) -> bool:
        return self._valkey is None or self._spec.codec is None

    async def _load_and_share(self, keys: set[K], generations: Mapping[K, bytes]) -> dict[K, V | None]:
        """Load and store in Valkey. Keys invalidated meanwhile are loaded again, for callers that joined after that."""
        try:
            found = await self._load(keys)
        finally:
            for key in keys:
                if self._loads.get(key) is asyncio.current_task():  # else detached, or replaced by a later load
                    del self._loads[key]
        if self._valkey and generations:
            outdated = await self._valkey.store_many({key: found[key] for key in generations}, generations)
            found |= await self._load(outdated) if outdated else {}
        return found

    async def _load(self, keys: Collection[K]) -> dict[K, V | None]:
        loaded = await self._spec.load(keys)
        return {key: loaded.get(key) for key in keys}

    def _store_locally(self, found: Mapping[K, V | None]) -> None:
        if not self._has_local_entries:
            return
        now, longest = self._context.clock(), self._context.local_ttl(self._spec.ttl)
        for key, value in found.items():
            expires_at = now + min(longest, self._spec.ttl_of(value))
            self._entries[key] = _Entry(value, expires_at, self._context.epoch)
            self._entries.move_to_end(key)
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def _serve_stale(self, entries: Mapping[K, _Entry[V]]) -> dict[K, V | None]:
        for entry in entries.values():
            entry.expires_at, entry.epoch = self._context.clock() + STALE_RETRY, self._context.epoch
        self._count("stale", len(entries))
        return {key: entry.value for key, entry in entries.items()}

    def _count(self, result: str, number: int) -> None:
        if number:
            self._context.count(self._spec.name, result, number)
