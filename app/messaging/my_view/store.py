"""Members' own views of groups in DynamoDB. Any method may raise Unavailable."""

from contextlib import suppress
from uuid import UUID

from app.gateways.dynamodb import ConditionFailed, StoredItem, Table
from app.messaging import inbox_items
from app.messaging.groups.store import HeadStore
from app.messaging.items import inbox_key
from app.messaging.models import InboxRow
from app.messaging.my_view import items
from app.messaging.my_view.items import ViewChange


class ViewStore:
    """Writes what members set in their own rows."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._heads = HeadStore(table)

    async def change(self, user: UUID, group: UUID, change: ViewChange) -> InboxRow | None:
        """Change a member's own view of a group, unless it is so already; return the row, None without one.

        1 WCU; 1 RCU more for a group of several members.
        """
        try:
            item: StoredItem | None = await self._table.update(items.change_view(user, group, change))
        except ConditionFailed as error:
            item = error.item
        return inbox_items.to_inbox_row(await self._heads.told(item)) if item else None

    async def row(self, user: UUID, group: UUID) -> InboxRow | None:
        """Return a member's row of a group, strongly consistent, None if there is none.

        1 RCU, 2 for a group of several members.
        """
        item = await self._table.get(inbox_key(user, group), consistent=True)
        item = await self._heads.told(item) if item else None
        return inbox_items.to_inbox_row(item) if item else None

    async def rewrite(self, row: InboxRow, wanted: InboxRow) -> InboxRow | None:
        """Make a row as it is wanted and return it, None if it has changed since it was read.

        1 WCU, 3 if its folder changes, 2 if its user leaves; 2 RCU more for a group of several members, whose row gets
        what the head says, so that a later message is known as one.
        """
        stored: InboxRow | None = row
        if row.peer_uuid is None:
            item = await self._table.get(inbox_key(row.user_uuid, row.group_uuid), consistent=True)
            stored = inbox_items.to_inbox_row(item) if item else None
        if stored is None or stored.version != row.version:
            return None
        with suppress(ConditionFailed):
            item = await self._table.update(items.rewrite(stored, wanted))
            return inbox_items.to_inbox_row(await self._heads.told(item))
        return None
