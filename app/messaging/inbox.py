"""Reading a user's inbox by activity: a small one whole, sorted in the process, a large one by the index.

The index knows of each group only in which ten minutes (the bucket) its last activity was. To sort the groups of a
bucket by time, all their rows are read. Of a bucket with too many groups for that (many conversations that were begun
at once, or imported) a page takes as many as it needs, in the order of the index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from cachetools import LRUCache

from app.messaging import items
from app.messaging.models import BucketPosition, InboxPosition, InboxRow, MemberState
from app.messaging.store import MessagingStore

WHOLE_INBOX = 200
"""An inbox of at most this many groups, those left included, is read whole."""
SORTED_BUCKET = 35
"""Index entries that are read beyond a page. A bucket whose end is not among them is too large to be sorted by time."""
SHOWN_BEFORE = 4
"""Rows to read at most in place of those of a page's first bucket that the page before may have shown."""
MAX_ROUNDS = 5
"""Reads of the index for one page. A page that is not full after them is shorter."""


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of an inbox; `next` is the position that the next page continues from, None on the last page."""

    rows: Sequence[InboxRow]
    next: InboxPosition | BucketPosition | None


class Inbox:
    """Reads inbox rows and remembers the users whose inbox is a large one."""

    def __init__(self, store: MessagingStore) -> None:
        self._store = store
        self._large: LRUCache[UUID, bool] = LRUCache(10_000)

    async def page(
        self,
        user: UUID,
        *,
        limit: int,
        before: InboxPosition | BucketPosition | None = None,
        consistent: bool = False,
    ) -> InboxPage:
        """Return the rows of active groups before a position (None: from the newest on), newest activity first.

        `consistent` counts for a small inbox only. 0.5 RCU for each 4 KB, about 13 rows, twice that if consistent; of
        a large inbox 0.5 RCU for each row of the page, for each other group in the ten minutes of its end, at most 35,
        and for each 27 index entries: 12 RCU for 20 rows.
        """
        if user not in self._large:
            position = items.start_of(before.bucket) if isinstance(before, BucketPosition) else before
            rows = await self._store.newest_inbox_rows(
                user, before=position, limit=limit + 1, most=WHOLE_INBOX, consistent=consistent
            )
            if rows is not None:
                return InboxPage(rows[:limit], InboxPosition.of(rows[limit - 1]) if len(rows) > limit else None)
            self._large[user] = True
        return await self.page_by_activity(user, limit=limit, before=before)

    async def page_by_activity(
        self, user: UUID, *, limit: int, before: InboxPosition | BucketPosition | None = None
    ) -> InboxPage:
        """Return a page of a large inbox, eventually consistent; it may be shorter and not the last."""
        rows: list[InboxRow] = []
        for _ in range(MAX_ROUNDS):
            if isinstance(before, BucketPosition):
                page = await self._read_bucket(user, before, limit - len(rows))
            else:
                page = await self._read_buckets(user, before, limit - len(rows))
            rows += page.rows
            before = page.next
            if before is None or len(rows) >= limit:
                break
        return InboxPage(sorted(rows, key=InboxPosition.of, reverse=True), before)

    async def _read_buckets(self, user: UUID, before: InboxPosition | None, limit: int) -> InboxPage:
        """Return rows of whole buckets, exactly sorted; of the first bucket alone, if it is too large for that."""
        most = limit + SORTED_BUCKET
        entries = await self._store.inbox_entries(user, before, limit=most)
        is_end = len(entries) < most
        others = [entry for entry in entries if before is None or entry.group_uuid != before.group_uuid]
        buckets = [list(of_bucket) for _, of_bucket in groupby(others, attrgetter("bucket"))]
        if not is_end and len(buckets) == 1:
            return await self._page_in_bucket(user, entries[:limit])
        whole = buckets if is_end else buckets[:-1]
        taken = _as_many_as_needed(whole, before, limit)
        rows = await self._rows(user, [entry for bucket in taken for entry in bucket], before)
        if len(rows) > limit:
            return InboxPage(rows[:limit], InboxPosition.of(rows[limit - 1]))
        return InboxPage(rows, None if is_end and len(taken) == len(whole) else _after_bucket(taken[-1][-1]))

    async def _read_bucket(self, user: UUID, before: BucketPosition, limit: int) -> InboxPage:
        """Return rows of the rest of a bucket, in the order of the index."""
        entries = await self._store.inbox_entries(user, before, limit=limit)
        if len(entries) == limit:
            return await self._page_in_bucket(user, entries)
        rows = await self._rows(user, entries, items.start_of(before.bucket))
        return InboxPage(rows, _after_bucket(before))

    async def _page_in_bucket(self, user: UUID, entries: Sequence[BucketPosition]) -> InboxPage:
        rows = await self._rows(user, entries, items.start_of(entries[-1].bucket))
        return InboxPage(rows, entries[-1])

    async def _rows(
        self, user: UUID, entries: Sequence[BucketPosition], before: InboxPosition | None
    ) -> list[InboxRow]:
        """Return the rows that are still active and before the position, newest first. The index may be behind them."""
        groups = dict.fromkeys(entry.group_uuid for entry in entries)
        found = await self._store.inbox_rows_of(user, list(groups))
        active = [row for row in found if row.state is MemberState.ACTIVE]
        rows = [row for row in active if before is None or before > InboxPosition.of(row)]
        return sorted(rows, key=InboxPosition.of, reverse=True)


def _as_many_as_needed(
    buckets: Sequence[list[BucketPosition]], before: InboxPosition | None, limit: int
) -> Sequence[list[BucketPosition]]:
    """Return the first buckets, which hold a page; the page before may have shown some groups of the first one."""
    needed = limit
    if before and buckets and items.bucket(before.last_at) == (first := buckets[0][0].bucket):
        needed += min(len(buckets[0]), SHOWN_BEFORE) if before != items.start_of(first) else 0
    for count, bucket in enumerate(buckets, 1):
        needed -= len(bucket)
        if needed <= 0:
            return buckets[:count]
    return buckets


def _after_bucket(position: BucketPosition) -> InboxPosition:
    """Return the position after all rows of a bucket."""
    return items.start_of(position.bucket - 1)
