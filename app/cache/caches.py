"""What one process keeps, and the line on which processes tell one another what to forget."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cachetools import LRUCache

from app.cache.kinds import K, Kind, V
from app.cache.shared import CHANNEL, Shared
from app.errors import Unavailable
from app.gateways.valkey import Valkey, ValkeyAway

SIZE = 100_000
"""Entries of one kind in a process."""
COPY_SECONDS = 30.0
"""How long a process keeps a copy of what is in Valkey too."""
UNHEARD_SECONDS = 1.0
"""How long it keeps one while nobody could tell it of changes."""
QUICK_SECONDS = 0.5
"""How long to wait for a value whose last one is good enough."""
SPARE_SECONDS = 5.0
"""How long a source that is away is spared where the last value is good enough."""

T = TypeVar("T")
Count = Callable[[str, str, int], None]
"""Takes a kind's name, a result (hit, shared, miss, stale) and how many."""


def count_nothing(_kind: str, _result: str, _number: int) -> None:
    """For processes without metrics."""


@dataclass(slots=True)
class _Entry(Generic[V]):
    """A value in this process, None for what is not there. `epoch` is the time on the line at which it was read."""

    value: V | None
    until: float
    epoch: int
    is_forgotten: bool = False


class Cache(Generic[K, V]):
    """One kind of values. Loads of one key at a time are one; their failure reaches all and is not kept."""

    def __init__(self, kind: Kind[K, V], caches: "Caches") -> None:
        self._kind = kind
        self._caches = caches
        self._shared = Shared(kind, caches.valkey) if caches.valkey else None
        self._entries: LRUCache[K, _Entry[V]] = LRUCache(SIZE)
        self._flights: dict[K, asyncio.Task[dict[K, V | None]]] = {}
        self._forgets = 0

    async def get(self, key: K) -> V | None:
        """The value, or None if there is none; what `load` raises if it cannot be told."""
        return (await self.get_many([key])).get(key)

    async def get_many(self, keys: Iterable[K]) -> dict[K, V]:
        """Values of those keys that have one."""
        wanted = set(keys)
        found = {key: entry.value for key in wanted if (entry := self._fresh(key))}
        self._count("hit", len(found))
        if missing := wanted - found.keys():
            found |= await self._find(missing)
        return {key: value for key, value in found.items() if value is not None}

    async def forget(self, *keys: K) -> None:
        """After this, everybody reads anew. Never raises."""
        for key in keys:
            self.drop(key)
        if keys and self._shared:
            await self._shared.forget(keys)

    def drop(self, key: K) -> None:
        """The part of forgetting that is this process's own. A load that is under way is for those who wait already."""
        self._forgets += 1
        self._flights.pop(key, None)
        if entry := self._entries.get(key):
            entry.is_forgotten = True

    def drop_named(self, key: str) -> None:
        """As another process spells it."""
        with suppress(ValueError):
            self.drop(self._kind.key(key))

    def close_doors(self) -> None:
        """What is being loaded now is not for those who come later."""
        self._forgets += 1
        self._flights.clear()

    def _fresh(self, key: K) -> _Entry[V] | None:
        entry = self._entries.get(key)
        if entry is None or entry.is_forgotten or self._caches.clock() >= entry.until:
            return None
        return entry if entry.epoch == self._caches.epoch else None

    async def _find(self, keys: set[K]) -> dict[K, V | None]:
        forgets = self._forgets
        found, generations = await self._shared.read(keys) if self._shared else ({}, {})
        self._count("shared", len(found))
        if missing := keys - found.keys():
            last = self._last_known(missing)
            try:
                found |= await self._loaded(missing, generations, seconds=QUICK_SECONDS if last else None)
            except Unavailable:
                if last is None:
                    raise
                return found | self._go_on_with(last)
        if forgets == self._forgets:
            self._remember(found)
        return found

    async def _loaded(
        self, keys: set[K], generations: Mapping[K, bytes], *, seconds: float | None
    ) -> dict[K, V | None]:
        """What the source says. A load has its own deadline, so only who can do without waits less."""
        flights = self._board(keys, generations)
        _, late = await asyncio.wait(flights, timeout=seconds)
        if late:
            raise Unavailable("The source is slow, and there is something to go on with")
        self._count("miss", len(keys))
        found = {key: value for flight in flights for key, value in flight.result().items()}
        return {key: found[key] for key in keys}

    def _board(self, keys: set[K], generations: Mapping[K, bytes]) -> set["asyncio.Task[dict[K, V | None]]"]:
        """The loads that will bring these keys: those under way, and one for the rest."""
        under_way = {key: flight for key in keys if (flight := self._flights.get(key))}
        if rest := keys - under_way.keys():
            flight = self._caches.start(self._fly(rest, {key: generations[key] for key in rest & generations.keys()}))
            # Who shares a load without having Valkey's word for it may miss what another process forgot since.
            self._flights |= {key: flight for key in rest if self._is_local or key in generations}
            under_way |= dict.fromkeys(rest, flight)
        return set(under_way.values())

    @property
    def _is_local(self) -> bool:
        return self._shared is None or self._kind.has_copies

    async def _fly(self, keys: set[K], generations: Mapping[K, bytes]) -> dict[K, V | None]:
        """Load, and tell Valkey. What was forgotten meanwhile is loaded again, for those who boarded after that."""
        try:
            found = await self._load(keys)
        finally:
            self._land(keys)
        if self._shared and generations:
            outdated = await self._shared.fill({key: found[key] for key in generations}, generations)
            found |= await self._load(outdated) if outdated else {}
        return found

    async def _load(self, keys: Collection[K]) -> dict[K, V | None]:
        loaded = await self._kind.load(keys)
        return {key: loaded.get(key) for key in keys}

    def _land(self, keys: set[K]) -> None:
        for key in keys:
            if self._flights.get(key) is asyncio.current_task():
                del self._flights[key]

    def _remember(self, found: Mapping[K, V | None]) -> None:
        if not self._is_local:
            return
        now, most = self._caches.clock(), self._caches.copy_seconds(self._kind.seconds)
        for key, value in found.items():
            seconds = min(most, self._kind.seconds_of(value))
            self._entries[key] = _Entry(value, now + seconds, self._caches.epoch)

    def _last_known(self, keys: set[K]) -> dict[K, _Entry[V]] | None:
        """What all of these were when they were read last, if that is good enough."""
        entries = {key: entry for key in keys if (entry := self._entries.get(key)) and entry.value is not None}
        return entries if self._kind.outlives and len(entries) == len(keys) else None

    def _go_on_with(self, last: Mapping[K, _Entry[V]]) -> dict[K, V | None]:
        for entry in last.values():
            entry.until, entry.epoch = self._caches.clock() + SPARE_SECONDS, self._caches.epoch
        self._count("stale", len(last))
        return {key: entry.value for key, entry in last.items()}

    def _count(self, result: str, number: int) -> None:
        if number:
            self._caches.count(self._kind.name, result, number)


class Caches:
    """All caches of a process, and the line on which processes tell one another what to forget."""

    def __init__(
        self,
        valkey: Valkey | None = None,
        *,
        count: Count = count_nothing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.valkey = valkey
        self.count = count
        self.clock = clock
        self.epoch = 0
        self.is_told = False
        self._caches: dict[str, Cache[Any, Any]] = {}
        self._running: set[asyncio.Task[Any]] = set()

    def add(self, kind: Kind[K, V]) -> Cache[K, V]:
        cache = Cache(kind, self)
        self._caches[kind.name] = cache
        return cache

    def copy_seconds(self, seconds: float) -> float:
        """How long a process may keep a copy of what lives for these seconds."""
        if self.valkey is None:
            return seconds
        return min(seconds, COPY_SECONDS if self.is_told else UNHEARD_SECONDS)

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """In a task of its own, which nobody who waits for it can cancel."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # which reached whoever waited

    @asynccontextmanager
    async def told(self, valkey: Valkey) -> AsyncIterator[None]:
        """Hear what other processes forget."""
        async with valkey.listen(
            on_message=self._on_message,
            on_down=lambda: self._begin(is_told=False),
            on_up=lambda: self._begin(is_told=True),
        ) as subscriber:
            with suppress(ValkeyAway):  # it is not connected yet, and subscribes as soon as it is
                await subscriber.subscribe(CHANNEL)
            yield

    def _begin(self, *, is_told: bool) -> None:
        """The line went up or down, and news may have been lost: all copies are as good as forgotten."""
        self.is_told = is_told
        self.epoch += 1
        for cache in self._caches.values():
            cache.close_doors()

    def _on_message(self, _: str, payload: bytes) -> None:
        name, _, key = payload.decode().partition(" ")
        if cache := self._caches.get(name):
            cache.drop_named(key)

    async def aclose(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


@asynccontextmanager
async def open_caches(valkey: Valkey | None, count: Count = count_nothing) -> AsyncIterator[Caches]:
    """Caches that are told what others forget. Kinds are added by those who know what they keep."""
    caches = Caches(valkey, count=count)
    try:
        async with caches.told(valkey) if valkey else nullcontext():
            yield caches
    finally:
        await caches.aclose()
