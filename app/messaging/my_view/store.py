"""Members' own views of groups in DynamoDB. Any method may raise Unavailable."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from app.errors import Unavailable
from app.gateways.dynamodb import ConditionFailed, Table, TransactionRejected
from app.messaging import inbox_items, inbox_queries
from app.messaging.groups.store import HeadStore
from app.messaging.items import inbox_key
from app.messaging.my_view import items
from app.messaging.my_view.items import ViewChange
from app.messaging.my_view.pins import Pins, can_be_pinned, move_row, pins_key, put_pins, restored, to_pins
from app.messaging.row_models import InboxRow

ATTEMPTS = 4
"""Attempts to write pins that others write at the same time."""


class ViewStore:
    """Writes what members set in their own rows."""

    def __init__(self, table: Table, heads: HeadStore) -> None:
        self._table = table
        self._heads = heads

    async def change(self, user: UUID, group: UUID, change: ViewChange) -> InboxRow | None:
        """Change a member's own view of a group, unless it is so already; return the row, None without one.

        1 WCU; 1 RCU more for a group of several members.
        """
        item, _ = await self._table.try_update(items.change_view(user, group, change))
        return inbox_items.to_inbox_row(await self._heads.told(item)) if item else None

    async def rewrite(self, row: InboxRow, wanted: InboxRow) -> InboxRow | None:
        """Make a row as it is wanted and return it, None if it has changed since it was read.

        1 WCU, 3 if its folder changes, 2 if its user leaves; 2 RCU more for a group of several members, whose row gets
        what the head says, so that a later message is known as one.
        """
        if stored := await self._stored(row):
            with suppress(ConditionFailed):
                item = await self._table.update(items.rewrite(stored, wanted))
                return inbox_items.to_inbox_row(await self._heads.told(item))
        return None

    async def _stored(self, row: InboxRow) -> InboxRow | None:
        """Return a row without what the head says, None if it has changed since it was read."""
        if row.peer_uuid:
            return row
        item = await self._table.get(inbox_key(row.user_uuid, row.group_uuid), consistent=True)
        stored = inbox_items.to_inbox_row(item) if item else None
        return stored if stored and stored.version == row.version else None

    async def pins(self, user: UUID, *, consistent: bool = True) -> Pins:
        """Return the pinned groups of a user. 1 RCU, 0.5 if eventually consistent."""
        item = await self._table.get(pins_key(user), consistent=consistent)
        return to_pins(item) if item else Pins(user)

    async def pinned_rows(self, pins: Pins) -> list[InboxRow]:
        """Return the rows of pinned groups, in their order, eventually consistent. 0.5 RCU for each."""
        keys = [inbox_key(pins.user_uuid, group) for group in pins.groups]
        found = await self._table.batch_get(keys, projection=inbox_queries.ROW) if keys else []
        rows = [inbox_queries.row_of(pins.user_uuid, item) for item in await self._heads.rows(found)]
        return sorted(filter(can_be_pinned, rows), key=lambda row: pins.groups.index(row.group_uuid))

    async def rewrite_pinned(self, row: InboxRow, wanted: InboxRow, before: Pins, after: Pins) -> list[InboxRow]:
        """Make a row as it is wanted and pins as `after`, in one transaction; return it, and other rows that moved.

        Return nothing if the row or the pins have changed since they were read. 2 WCU for the pins and for each row, 4
        more if its folder changes, 3 if its user leaves, and 1 RCU for each of the other rows.
        """
        stored = await self._stored(row)
        if stored is None:
            return []
        user, others = row.user_uuid, [group for group in after.groups if group != row.group_uuid]
        moved = [group for group in others if after.position(group) != before.position(group)]
        shifts = [move_row(user, group, after.position(group)) for group in moved]
        try:
            await self._table.transact([put_pins(after), items.rewrite(stored, wanted), *shifts])
        except TransactionRejected:
            return []
        found = await asyncio.gather(*(self._row(user, group) for group in moved))
        return [replace(wanted, version=row.version + 1), *filter(None, found)]

    async def _row(self, user: UUID, group: UUID) -> InboxRow | None:
        item = await self._table.get(inbox_key(user, group), consistent=True)
        return inbox_items.to_inbox_row(await self._heads.told(item)) if item else None

    async def unpin(self, user: UUID, group: UUID) -> list[UUID]:
        """Take a group that a user is in no longer out of the pins; return the groups that have moved. 1 RCU.

        2 WCU for the pins and for each of those if it was pinned.
        """
        for _ in range(ATTEMPTS):
            pins = await self.pins(user)
            if (place := pins.position(group)) is None:
                return []
            after, moved = pins.placed(group, None), pins.groups[place:]
            with suppress(TransactionRejected):
                shifts = [move_row(user, each, after.position(each)) for each in moved]
                await self._table.transact([put_pins(after), *shifts])
                return list(moved)
        raise Unavailable("Others change the pins at the same time")

    async def restore_pins(self, user: UUID, rows: Sequence[InboxRow]) -> None:
        """Make a user's pins as all rows of the user say. 1 RCU, and 2 WCU for the pins and for each row that differs.

        Raises TransactionRejected while others write them.
        """
        if writes := restored(await self.pins(user), rows):
            await self._table.transact(writes)
