"""Reading a user's inbox by activity: a small one whole, sorted in the process, a large one by the index.

The index knows of each group only in which ten minutes (the bucket) its last activity was. Pages of a large inbox are
therefore in the order of buckets, and each page is sorted by time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cachetools import LRUCache

from app.messaging import inbox_queries
from app.messaging.inbox_store import InboxStore
from app.messaging.row_models import BucketPosition, Folder, InboxPosition, InboxRow

WHOLE_INBOX = 200
"""An inbox of at most this many groups, those left included, is read whole."""
MAX_REMEMBERED = 10_000
"""Users with a large inbox that are remembered, the most recently active ones."""
ROWS_AT_ONCE = 25
"""Rows that are read at once for a page of a large inbox, so that others' requests wait for no more than these."""
MAX_ROUNDS = 10
"""Reads of the index for one page. A page that is not full after them is shorter."""


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of an inbox; `next` is the position that the next page continues from, None on the last page."""

    rows: Sequence[InboxRow]
    next: InboxPosition | BucketPosition | None


class Inbox:
    """Reads inbox rows and remembers the users whose inbox is a large one."""

    def __init__(self, store: InboxStore) -> None:
        self._store = store
        self._large: LRUCache[UUID, bool] = LRUCache(MAX_REMEMBERED)

    async def page(
        self,
        user: UUID,
        *,
        limit: int,
        before: InboxPosition | BucketPosition | None = None,
        folder: Folder = Folder.INBOX,
    ) -> InboxPage:
        """Return a folder's rows of active groups before a position (None: from the newest on), newest activity first.

        0.5 RCU for each 4 KB, about 13 rows; of a large inbox 0.5 RCU for each row of the page and for each 27 index
        entries: 10.5 RCU for 20 rows.
        """
        position = inbox_queries.latest_position(before) if isinstance(before, BucketPosition) else before
        rows = await self._read_whole(user, before=position, folder=folder, limit=limit + 1)
        if rows is None:
            return await self.page_by_activity(user, limit=limit, before=before, folder=folder)
        return InboxPage(rows[:limit], InboxPosition.of(rows[limit - 1]) if len(rows) > limit else None)

    async def newest(self, user: UUID, *, of_large: int, consistent: bool = False) -> InboxPage:
        """Return a small inbox whole, with all folders, or the newest `of_large` rows of a large one.

        Those of a large one are in the inbox itself, and eventually consistent.

        Costs what `page` costs: at most 9.5 RCU for a small inbox, 19 if consistent, and 10.5 for 20 of a large one.
        """
        rows = await self._read_whole(user, limit=WHOLE_INBOX, consistent=consistent)
        return InboxPage(rows, None) if rows is not None else await self.page_by_activity(user, limit=of_large)

    async def _read_whole(
        self,
        user: UUID,
        *,
        limit: int,
        before: InboxPosition | None = None,
        folder: Folder | None = None,
        consistent: bool = False,
    ) -> list[InboxRow] | None:
        """Return rows of a small inbox, None if it is a large one: a process finds that out by 9.5 RCU, or 19."""
        if user in self._large:
            return None
        rows = await self._store.newest_rows(
            user, before=before, limit=limit, most=WHOLE_INBOX, folder=folder, consistent=consistent
        )
        if rows is None:
            self._large[user] = True
        return rows

    async def page_by_activity(
        self,
        user: UUID,
        *,
        limit: int,
        before: InboxPosition | BucketPosition | None = None,
        folder: Folder = Folder.INBOX,
    ) -> InboxPage:
        """Return a page of a folder of a large inbox, eventually consistent; it may be shorter and not the last."""
        rows: dict[UUID, InboxRow] = {}
        for _ in range(MAX_ROUNDS):
            wanted = min(limit - len(rows), ROWS_AT_ONCE)
            # One more: does a page follow?
            entries = await self._store.entries(user, before, limit=wanted + 1, folder=folder)
            groups = dict.fromkeys(entry.group_uuid for entry in entries[:wanted])
            found = await self._store.rows_of(user, list(groups))
            shown = [row for row in found if row.is_active and row.folder is folder]  # the index may be late
            rows |= {row.group_uuid: row for row in shown if inbox_queries.is_behind(row, before)}
            before = inbox_queries.continued(entries[wanted - 1], before) if len(entries) > wanted else None
            if before is None or len(rows) == limit:
                break
        newest = sorted(rows.values(), key=lambda row: (row.last_at, row.group_uuid), reverse=True)
        return InboxPage(newest, before)
