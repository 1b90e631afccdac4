"""Caches: all caches of a process, and the subscription to the invalidations of other processes."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Any

from app.cache.cache import Cache, CacheContext, Count
from app.cache.specs import CacheSpec, K, V
from app.cache.valkey_cache import CHANNEL
from app.concurrency import TaskSet
from app.gateways.valkey import Valkey, ValkeyUnavailable


def discard_counts(_cache: str, _result: str, _number: int) -> None:
    """Count nothing, in processes without metrics."""


class Caches:
    """All caches of a process. Without Valkey they know of this process's invalidations only.

    Loads run in `tasks`: drain these before what the specs load from is closed.
    """

    def __init__(
        self,
        tasks: TaskSet,
        valkey: Valkey | None = None,
        *,
        count: Count = discard_counts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.valkey = valkey
        self._context = CacheContext(tasks, valkey, count, clock)
        self._caches: dict[str, Cache[Any, Any]] = {}

    @property
    def is_subscribed(self) -> bool:
        """Return whether this process receives the invalidations of others."""
        return self._context.is_subscribed

    def add(self, spec: CacheSpec[K, V]) -> Cache[K, V]:
        """Return a new cache for the spec, whose name must be unique in the service."""
        cache = Cache(spec, self._context)
        self._caches[spec.name] = cache
        return cache

    @asynccontextmanager
    async def invalidations(self, valkey: Valkey) -> AsyncIterator[None]:
        """Receive the invalidations of other processes for as long as the block lasts. Never raises for Valkey."""
        async with valkey.listen(
            on_message=self._on_message,
            on_down=lambda: self._start_epoch(is_subscribed=False),
            on_up=lambda: self._start_epoch(is_subscribed=True),
        ) as subscriber:
            with suppress(ValkeyUnavailable):  # not connected yet: the channel is subscribed on connecting
                await subscriber.subscribe(CHANNEL)
            yield

    def _start_epoch(self, *, is_subscribed: bool) -> None:
        """Discard the values of this process: the connection came up or went down, so invalidations may be lost."""
        self._context.is_subscribed = is_subscribed
        self._context.epoch += 1
        for cache in self._caches.values():
            cache.detach_pending_loads()

    def _on_message(self, _: str, payload: bytes) -> None:
        name, _, key = payload.decode().partition(" ")
        if cache := self._caches.get(name):
            cache.invalidate_local_by_key(key)


@asynccontextmanager
async def open_caches(tasks: TaskSet, valkey: Valkey | None, count: Count = discard_counts) -> AsyncIterator[Caches]:
    """Open the caches of a process, which receive the invalidations of other processes if there is a Valkey."""
    caches = Caches(tasks, valkey, count=count)
    async with caches.invalidations(valkey) if valkey else nullcontext():
        yield caches
