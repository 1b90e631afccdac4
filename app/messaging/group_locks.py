"""A lock for each group with a send in progress, so that only processes contend for a number."""

import asyncio
from types import TracebackType
from uuid import UUID

from cachetools import LRUCache

MAX_TAILS = 10_000


class GroupLock:
    """The lock of one group, held for a block: waiters get it in the order of their calls."""

    def __init__(self, locks: "dict[UUID, GroupLock]", group: UUID) -> None:
        self._locks = locks
        self._group = group
        self._lock = asyncio.Lock()
        self._users = 0

    async def __aenter__(self) -> None:
        self._users += 1
        try:
            await self._lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._users -= 1
        if not self._users:
            del self._locks[self._group]


class GroupLocks:
    """The locks of the groups in use, and the highest number that this process knows of each recent group."""

    def __init__(self) -> None:
        self._locks: dict[UUID, GroupLock] = {}
        self._tails: LRUCache[UUID, int] = LRUCache(MAX_TAILS)

    def of(self, group: UUID) -> GroupLock:
        """Return the group's lock, to be held at once."""
        return self._locks.get(group) or self._locks.setdefault(group, GroupLock(self._locks, group))

    def tail(self, group: UUID) -> int:
        """Return the highest number that was recorded, 0 if none is remembered. The log may reach further."""
        return self._tails.get(group) or 0

    def record_tail(self, group: UUID, number: int) -> None:
        """Remember that the log reaches at least this number."""
        self._tails[group] = max(number, self.tail(group))
