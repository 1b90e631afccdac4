"""The number for a badge: how many of somebody's groups have something unread."""

from collections.abc import Collection
from uuid import UUID

from app.cache import Caches, CacheSpec
from app.concurrency import READ_SECONDS, deadline
from app.messaging.events import Event, GroupChanged, MessageAppended
from app.messaging.models import MemberState
from app.messaging.store import MessagingStore


class UnreadCounter:
    """Counts are asked for all the time and cached. Whoever writes a row must say so through `forget_changed`."""

    def __init__(self, store: MessagingStore, caches: Caches) -> None:
        self._store = store
        self._counts = caches.add(
            CacheSpec(
                "unread",
                self._load,
                parse_key=UUID,
                serialize=lambda count: str(count).encode(),
                deserialize=int,
                ttl=30,
                local_copies=False,  # a copy would be wrong for a moment after a send that another process answered
            )
        )

    async def count(self, user: UUID) -> int:
        """Includes all that was answered before this call."""
        return (await self._counts.get_many([user]))[user]

    async def forget_changed(self, *events: Event) -> None:
        """Takes what Messaging publishes, before its answers: the counts of those whose rows it changed."""
        await self._counts.invalidate(
            *{event.to for event in events if isinstance(event, MessageAppended | GroupChanged)}
        )

    async def _load(self, users: Collection[UUID]) -> dict[UUID, int]:
        return {user: await self._count(user) for user in users}

    async def _count(self, user: UUID) -> int:
        """Read strongly, or what was just forgotten could be cached again. 1 RCU per 13 rows."""
        async with deadline(READ_SECONDS):
            rows = await self._store.inbox_rows(user, consistent=True)
        return sum(row.unread_count > 0 for row in rows if row.state is MemberState.ACTIVE)
