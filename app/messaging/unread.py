"""The unread counter: how many groups have unread messages, in a user's inbox and in the requests."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from uuid import UUID

from cachetools import LRUCache

from app.cache import Caches, CacheSpec, Codec
from app.concurrency import READ_SECONDS, deadline
from app.messaging.clock import now
from app.messaging.events import Event, GroupChanged, HeadMoved, MessageAppended
from app.messaging.inbox import MAX_REMEMBERED
from app.messaging.row_models import Folder
from app.messaging.store import MessagingStore

COUNTED_WHOLE = 125
"""An inbox of at most this many groups is counted whole: strongly consistent, and rows with the longest previews are
12 RCU, or up to 19 if all of them also have the most mentions."""
COUNTED_NEWEST = 20
"""Groups that are counted of a larger inbox, those of the newest ten minutes in the index, and as many requests: 11
RCU, and 0.5 RCU for each request."""
TTL = 30.0
TTL_OF_NEWEST = 2.0
"""Seconds that a count by the index is cached, as it may have been read before a change had reached the index."""
SHORTEST_TTL = 0.01
"""Seconds that a count is cached when messages expire at this moment."""


@dataclass(frozen=True, slots=True)
class UnreadCount:
    """The number of groups that are unread; if it is not complete, of the newest groups only."""

    count: int
    is_complete: bool
    requests: int = 0
    """The number of unread requests, by the same rules."""
    until: datetime | None = field(default=None, compare=False)
    """The time from which the count may differ, as messages have expired or a mute has ended. It is not cached."""

    @property
    def ttl(self) -> float:
        """Return the seconds that the count may be cached."""
        left = max((self.until - now()).total_seconds(), SHORTEST_TTL) if self.until else TTL
        return min(left, TTL if self.is_complete else TTL_OF_NEWEST)

    @classmethod
    def parse(cls, text: bytes) -> "UnreadCount":
        """Return the count that `str` has written, or raise ValueError."""
        count, requests = text.split()
        return cls(int(count.removesuffix(b"+")), not count.endswith(b"+"), int(requests))

    def __str__(self) -> str:
        return f"{self.count}{'' if self.is_complete else '+'} {self.requests}"


class UnreadCounter:
    """Counts groups with unread messages, cached: each write of a row must reach `invalidate_changed`.

    It remembers the users with a large inbox, which a process finds out by 12 RCU of its own.
    """

    def __init__(self, store: MessagingStore, caches: Caches) -> None:
        self._store = store
        self._large: LRUCache[UUID, bool] = LRUCache(MAX_REMEMBERED)
        # Shared, as copies would be wrong for a moment after a send that another process answered.
        codec: Codec[UnreadCount] = Codec(lambda count: str(count).encode(), UnreadCount.parse)
        spec = CacheSpec("unread", self._load, UUID, ttl=TTL, ttl_by_value=lambda count: count.ttl, codec=codec)
        self._counts = caches.add(spec)

    async def count(self, user: UUID) -> UnreadCount:
        """Return how many groups have unread messages: a complete count by all that was answered before this call.

        A count that is not complete is eventually consistent, and may be 2 s old. Raises Unavailable. 1 RCU for each
        4 KB of rows, about 13, and at most 12 RCU, or 21 with 20 requests in a large inbox, unless the count is cached.
        """
        return (await self._counts.get_many([user]))[user]

    async def invalidate_changed(self, *events: Event) -> None:
        """Forget the counts of users whose rows changed. As a Publish of Messaging it runs before the answer."""
        await self._counts.invalidate(
            *{event.to for event in events if isinstance(event, MessageAppended | GroupChanged | HeadMoved)}
        )

    async def _load(self, users: Collection[UUID]) -> dict[UUID, UnreadCount]:
        counts: dict[UUID, UnreadCount] = {}
        for user in users:
            async with deadline(READ_SECONDS):
                counts[user] = await self._count_whole(user) or await self._count_newest(user)
        return counts

    async def _count_whole(self, user: UUID) -> UnreadCount | None:
        """Count strongly consistent, as the count of before an invalidation could be cached again otherwise.

        Return None for a large inbox.
        """
        if user in self._large:
            return None
        unread, rows = await self._store.inbox.count_unread(user, limit=COUNTED_WHOLE + 1)
        if rows <= COUNTED_WHOLE:
            return UnreadCount(unread.count, is_complete=True, requests=unread.requests, until=unread.until)
        self._large[user] = True
        return None

    async def _count_newest(self, user: UUID) -> UnreadCount:
        found = await asyncio.gather(
            self._store.inbox.entries(user, None, limit=COUNTED_NEWEST),
            self._store.inbox.entries(user, None, limit=COUNTED_NEWEST, folder=Folder.REQUESTS),
        )
        unread = await self._store.inbox.count_unread_of(user, {entry.group_uuid for entry in chain(*found)})
        return UnreadCount(unread.count, is_complete=False, requests=unread.requests, until=unread.until)
