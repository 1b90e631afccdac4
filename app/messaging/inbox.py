"""A user's rows by activity: the small inbox read whole and sorted here, the large one by the index."""

from collections.abc import Sequence
from uuid import UUID

from cachetools import LRUCache

from app.messaging.models import InboxPosition, InboxRow, MemberState
from app.messaging.store import MessagingStore

WHOLE_INBOX = 200
"""Up to this many groups an inbox is read whole."""


class Inbox:
    """Reads inbox rows, and remembers whose inbox is a large one."""

    def __init__(self, store: MessagingStore) -> None:
        self._store = store
        self._large: LRUCache[UUID, bool] = LRUCache(10_000)

    async def newest_rows(
        self, user: UUID, *, limit: int, behind: InboxPosition | None = None, consistent: bool = False
    ) -> list[InboxRow]:
        """The rows of active groups, newest activity first; only a small inbox can be read consistently."""
        if not self._large.get(user):
            rows = await self._store.inbox_rows(user, limit=WHOLE_INBOX + 1, consistent=consistent)
            if len(rows) <= WHOLE_INBOX:
                return _sorted_behind(rows, behind)[:limit]
            self._large[user] = True
        return await self._store.inbox_rows_by_activity(user, behind=behind, limit=limit)


def _sorted_behind(rows: Sequence[InboxRow], behind: InboxPosition | None) -> list[InboxRow]:
    active = [row for row in rows if row.state is MemberState.ACTIVE]
    active.sort(key=InboxPosition.of, reverse=True)
    return active if behind is None else [row for row in active if behind > InboxPosition.of(row)]
