"""The reads and deletions of an erasure in DynamoDB: one method per access pattern.

Any method may raise Unavailable. Units are those of messages and rows of ordinary size.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from app.gateways.dynamodb import ConditionFailed, Delete, StoredItem, Table
from app.messaging import erasure_items, inbox_items, items
from app.messaging.groups.items import head_key
from app.messaging.groups.member_items import member_key, members
from app.messaging.groups.models import has_head
from app.messaging.models import LAST_NUMBER, Message
from app.messaging.row_models import InboxRow

PAGE = 100
"""Items and messages that are read at once."""


class MemberErasureStore:
    """Ends memberships, and deletes rows and logs."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def items_of(self, user: UUID) -> list[StoredItem]:
        """Return the first items under a user's key, strongly consistent, if there are any. 1 RCU for each 4 KB."""
        return await self._table.query(erasure_items.items_of(user, limit=PAGE))

    async def rows_of(self, user: UUID) -> AsyncIterator[InboxRow]:
        """Yield all rows of a user, strongly consistent. 1 RCU for each 4 KB."""
        query = erasure_items.items_of(user, limit=PAGE)
        while found := await self._table.query(query):
            for item in found:
                if row := erasure_items.to_row(item):
                    yield row
            query = replace(query, after=erasure_items.key_of(found[-1]))

    async def close(self, row: InboxRow, peer: UUID) -> InboxRow | None:
        """End a membership of a direct group and the peer's sends; return the peer's row if it has changed. 2 WCU."""
        with suppress(ConditionFailed):
            await self._table.update(erasure_items.leave(row.user_uuid, row.group_uuid))
        with suppress(ConditionFailed):
            peer_row = await self._table.update(erasure_items.refuse_sends(peer, row.group_uuid))
            return inbox_items.to_inbox_row(peer_row)
        return None

    async def end(self, row: InboxRow) -> None:
        """End a membership of a group of several by its items alone, which are those of no member any more. 2 WCU."""
        await self._table.delete(Delete(member_key(row.group_uuid, row.user_uuid)))
        with suppress(ConditionFailed):
            await self._table.update(erasure_items.leave(row.user_uuid, row.group_uuid))

    async def has_members(self, group: UUID) -> bool:
        """Return whether a group of several has members, strongly consistent. 1 RCU."""
        return bool(await self._table.query(replace(members(group), limit=1)))

    async def items_of_group(self, group: UUID, *, without: UUID | None = None) -> AsyncIterator[StoredItem]:
        """Yield all items of a group that no user is a member of, of which the caller deletes each: the head is last.

        Rows of former members come first, as the log tells of them; that of the user `without` is left out.
        """
        if has_head(group):
            users = set[UUID]()
            async for message in self.messages(group):
                users |= {message.user_uuid, *(message.event.users if message.event else ())}
            for user in users - {without}:
                row = await self._table.get(items.inbox_key(user, group), consistent=True)
                if row and "state" in row:
                    yield row
        while found := await self.log_entries(group):
            for item in found:
                yield item
        if head := await self._table.get(head_key(group), consistent=True):
            yield head

    async def delete(self, item: StoredItem) -> None:
        """Delete an item. 1 WCU, 2 for a row, which has an index entry."""
        await self._table.delete(erasure_items.delete(item))

    async def messages(self, group: UUID) -> AsyncIterator[Message]:
        """Yield all messages of a group, each page strongly consistent. 1 RCU for each 4 KB, about 20 messages."""
        query = replace(items.messages_between(group, 1, LAST_NUMBER, consistent=True), limit=PAGE)
        while found := await self._table.query(query):
            for message in items.to_messages(found):
                yield message
            query = replace(query, after=erasure_items.key_of(found[-1]))

    async def log_entries(self, group: UUID) -> list[StoredItem]:
        """Return the keys of the first messages and changes of a group; none if there are none. 1 RCU for each 4 KB."""
        return await self._table.query(erasure_items.log_entries(group, limit=PAGE))
