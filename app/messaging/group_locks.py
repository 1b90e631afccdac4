"""A lock for each group with a send in progress, so that only processes contend for a number; and the ends of logs."""

import asyncio
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple
from uuid import UUID

from cachetools import LRUCache

MAX_TAILS = 10_000


class Tail(NamedTuple):
    """The number and the time of the newest known message of a group; they order like the numbers."""

    number: int
    at: datetime


EMPTY = Tail(0, datetime(1970, 1, 1, tzinfo=UTC))


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
    """The locks of the groups in use, and the newest message that this process knows of each recent group."""

    def __init__(self) -> None:
        self._locks: dict[UUID, GroupLock] = {}
        self._tails: LRUCache[UUID, Tail] = LRUCache(MAX_TAILS)

    def of(self, group: UUID) -> GroupLock:
        """Return the group's lock, to be held at once."""
        return self._locks.get(group) or self._locks.setdefault(group, GroupLock(self._locks, group))

    def tail(self, group: UUID) -> Tail:
        """Return the newest message that was recorded, EMPTY if none is remembered. The log may reach further."""
        return self._tails.get(group) or EMPTY

    def record_tail(self, group: UUID, tail: Tail) -> None:
        """Remember that the log reaches at least to this message."""
        self._tails[group] = max(tail, self.tail(group))
