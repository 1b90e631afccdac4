"""A lock for each group with a send in progress, so that only processes contend for a number."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from cachetools import LRUCache

MAX_TAILS = 10_000


class GroupLocks:
    """The locks of the groups in use, and the highest number that this process knows of each recent group."""

    def __init__(self) -> None:
        self._locks: dict[UUID, tuple[asyncio.Lock, int]] = {}
        self._tails: LRUCache[UUID, int] = LRUCache(MAX_TAILS)

    @asynccontextmanager
    async def hold(self, group: UUID) -> AsyncIterator[None]:
        """Hold the group's lock for the block. Waiters get it in the order of their calls."""
        lock, users = self._locks.get(group, (asyncio.Lock(), 0))
        self._locks[group] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            self._release(group)

    def _release(self, group: UUID) -> None:
        lock, users = self._locks[group]
        if users == 1:
            del self._locks[group]
        else:
            self._locks[group] = lock, users - 1

    def tail(self, group: UUID) -> int:
        """Return the highest number that was recorded, 0 if none is remembered. The log may reach further."""
        return self._tails.get(group) or 0

    def record_tail(self, group: UUID, number: int) -> None:
        """Remember that the log reaches at least this number."""
        self._tails[group] = max(number, self.tail(group))
