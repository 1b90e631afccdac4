"""Senders of one group inside one process take turns, so that only processes contend for a number."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from cachetools import LRUCache

REMEMBERED = 10_000


class Turns:
    """A lock per busy group, and the highest number that this process has seen of each recent one."""

    def __init__(self) -> None:
        self._locks: dict[UUID, tuple[asyncio.Lock, int]] = {}
        self._tails: LRUCache[UUID, int] = LRUCache(REMEMBERED)

    @asynccontextmanager
    async def take(self, group: UUID) -> AsyncIterator[None]:
        """Wait for one's turn; the caller's deadline bounds the wait."""
        lock, waiting = self._locks.get(group, (asyncio.Lock(), 0))
        self._locks[group] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            self._leave(group)

    def _leave(self, group: UUID) -> None:
        lock, waiting = self._locks[group]
        if waiting == 1:
            del self._locks[group]
        else:
            self._locks[group] = lock, waiting - 1

    def tail(self, group: UUID) -> int:
        """The highest number seen, 0 when none is remembered. The log may be further."""
        return self._tails.get(group) or 0

    def saw(self, group: UUID, number: int) -> None:
        self._tails[group] = max(number, self.tail(group))
