"""Inboxes in DynamoDB: their newest rows, the entries of their index, and how many of their groups are unread.

Any method may raise Unavailable. Units are those of rows of ordinary size.
"""

from collections.abc import Iterable, Sequence
from heapq import nlargest
from uuid import UUID

from app.gateways.dynamodb import Table
from app.messaging import inbox_queries, items
from app.messaging.clock import now
from app.messaging.groups.store import HeadStore
from app.messaging.retention import Retention
from app.messaging.row_models import BucketPosition, Folder, InboxPosition, InboxRow, UnreadRows


class InboxStore:
    """Reads the rows of a user by activity, by group, and by whether they are unread."""

    def __init__(self, table: Table, heads: HeadStore, retention: Retention) -> None:
        self._table = table
        self._heads = heads
        self._retention = retention

    async def newest_rows(
        self,
        user: UUID,
        *,
        before: InboxPosition | None,
        limit: int,
        most: int,
        folder: Folder | None = None,
        consistent: bool = False,
    ) -> list[InboxRow] | None:
        """Return a user's active rows before a position (None: the newest), newest activity first, by reading them all.

        They are those of a folder, or of all.

        Return None for a user with more than `most` rows. 0.5 RCU for each 4 KB, about 13 of all rows; twice that if
        consistent. 0.5 RCU for each open row of a group of several members more.
        """
        found = await self._table.query(inbox_queries.whole_inbox(user, limit=most + 1, consistent=consistent))
        if len(found) > most:
            return None
        end = inbox_queries.activity_at(before) if before else None
        active = [
            item
            for item in await self._heads.rows(found)
            if inbox_queries.is_listed(item, folder) and (end is None or inbox_queries.activity(item) < end)
        ]
        return [inbox_queries.row_of(user, item) for item in nlargest(limit, active, inbox_queries.activity)]

    async def count_unread(self, user: UUID, *, limit: int) -> tuple[UnreadRows, int]:
        """Count the active rows that are unread, or marked so, among the first `limit` by group id.

        Strongly consistent. Return how many rows were read for that, too. 1 RCU for each 4 KB of rows, about 13.
        """
        found, read = await self._table.select(inbox_queries.unread_rows(user, limit=limit))
        return inbox_queries.count_unread(await self._heads.rows(found), now(), self._retention), read

    async def count_unread_of(self, user: UUID, groups: Iterable[UUID]) -> UnreadRows:
        """Count those of these groups that are unread, or marked so, eventually consistent. 0.5 RCU for each."""
        keys = [items.inbox_key(user, group) for group in groups]
        found = await self._table.batch_get(keys, projection=inbox_queries.UNREAD)
        return inbox_queries.count_unread(await self._heads.rows(found), now(), self._retention)

    async def entries(
        self,
        user: UUID,
        start: InboxPosition | BucketPosition | None,
        *,
        limit: int,
        folder: Folder = Folder.INBOX,
    ) -> list[BucketPosition]:
        """Return a folder's entries of the index, newest bucket first, eventually consistent.

        They begin with the bucket of an InboxPosition, after a BucketPosition, or with the newest (None). 0.5 RCU for
        each 4 KB, 27 entries.
        """
        found = await self._table.query(inbox_queries.inbox_entries(user, start, limit=limit, folder=folder))
        return list(map(inbox_queries.to_inbox_entry, found))

    async def rows_of(self, user: UUID, groups: Sequence[UUID]) -> list[InboxRow]:
        """Return the existing rows of these groups, eventually consistent. 0.5 RCU for each group."""
        keys = [items.inbox_key(user, group) for group in groups]
        found = await self._table.batch_get(keys, projection=inbox_queries.ROW)
        return [inbox_queries.row_of(user, item) for item in await self._heads.rows(found)]
