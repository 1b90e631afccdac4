"""Reading a user's inbox by activity: a small one whole, sorted in the process, a large one by the index."""

from collections.abc import Sequence
from uuid import UUID

from cachetools import LRUCache

from app.messaging.models import InboxPosition, InboxRow, MemberState
from app.messaging.store import MessagingStore

WHOLE_INBOX = 200
"""An inbox of at most this many groups, those left included, is read whole."""


class Inbox:
    """Reads inbox rows and remembers the users whose inbox is a large one."""

    def __init__(self, store: MessagingStore) -> None:
        self._store = store
        self._large: LRUCache[UUID, bool] = LRUCache(10_000)

    async def newest_rows(
        self, user: UUID, *, limit: int, before: InboxPosition | None = None, consistent: bool = False
    ) -> list[InboxRow]:
        """Return the rows of active groups before a position (None: from the newest on), newest activity first.

        `consistent` counts for a small inbox only. 0.5 RCU for each 4 KB, about 13 rows, twice that if consistent; of
        a large inbox 0.5 RCU for each row of the page and for each 4 KB of index entries.
        """
        if not self._large.get(user):
            rows = await self._store.inbox_rows(user, limit=WHOLE_INBOX + 1, consistent=consistent)
            if len(rows) <= WHOLE_INBOX:
                return _by_activity(rows, before)[:limit]
            self._large[user] = True
        return await self._store.inbox_rows_by_activity(user, before=before, limit=limit)


def _by_activity(rows: Sequence[InboxRow], before: InboxPosition | None) -> list[InboxRow]:
    active = [row for row in rows if row.state is MemberState.ACTIVE]
    active.sort(key=InboxPosition.of, reverse=True)
    return active if before is None else [row for row in active if before > InboxPosition.of(row)]
