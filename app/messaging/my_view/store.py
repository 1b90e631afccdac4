"""Members' own views of groups in DynamoDB. Any method may raise Unavailable."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from app.gateways.dynamodb import ConditionFailed, Table, TransactionRejected
from app.messaging import inbox_items, inbox_queries
from app.messaging.items import inbox_key
from app.messaging.models import InboxRow
from app.messaging.my_view import items
from app.messaging.my_view.items import ViewChange
from app.messaging.my_view.pins import Pins, can_be_pinned, move_row, pins_key, put_pins, restored, to_pins


class ViewStore:
    """Writes what members set in their own rows."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def change(self, user: UUID, group: UUID, change: ViewChange) -> InboxRow | None:
        """Change a member's own view of a group, unless it is so already; return the row, None without one. 1 WCU."""
        try:
            return inbox_items.to_inbox_row(await self._table.update(items.change_view(user, group, change)))
        except ConditionFailed as error:
            return inbox_items.to_inbox_row(error.item) if error.item else None

    async def row(self, user: UUID, group: UUID) -> InboxRow | None:
        """Return a member's row of a group, strongly consistent, None if there is none. 1 RCU."""
        item = await self._table.get(inbox_key(user, group), consistent=True)
        return inbox_items.to_inbox_row(item) if item else None

    async def rewrite(self, row: InboxRow, wanted: InboxRow) -> InboxRow | None:
        """Make a row as it is wanted and return it, None if it has changed since it was read.

        1 WCU, 3 if its folder changes, 2 if its user leaves.
        """
        with suppress(ConditionFailed):
            return inbox_items.to_inbox_row(await self._table.update(items.rewrite(row, wanted)))
        return None

    async def pins(self, user: UUID, *, consistent: bool = True) -> Pins:
        """Return the pinned groups of a user. 1 RCU, 0.5 if eventually consistent."""
        item = await self._table.get(pins_key(user), consistent=consistent)
        return to_pins(item) if item else Pins(user)

    async def pinned_rows(self, pins: Pins) -> list[InboxRow]:
        """Return the rows of pinned groups, in their order, eventually consistent. 0.5 RCU for each."""
        keys = [inbox_key(pins.user_uuid, group) for group in pins.groups]
        found = await self._table.batch_get(keys, projection=inbox_queries.ROW) if keys else []
        rows = [inbox_queries.row_of(pins.user_uuid, item) for item in found]
        return sorted(filter(can_be_pinned, rows), key=lambda row: pins.groups.index(row.group_uuid))

    async def rewrite_pinned(self, row: InboxRow, wanted: InboxRow, before: Pins, after: Pins) -> list[InboxRow]:
        """Make a row as it is wanted and pins as `after`, in one transaction; return it, and other rows that moved.

        Return nothing if the row or the pins have changed since they were read. 2 WCU for the pins and for each row, 4
        more if its folder changes, 3 if its user leaves, and 1 RCU for each of the other rows.
        """
        moved = [group for group in after.groups if after.position(group) != before.position(group)]
        others = [group for group in moved if group != row.group_uuid]
        user = row.user_uuid
        shifts = [move_row(user, group, after.position(group)) for group in others]
        try:
            await self._table.transact([put_pins(after), items.rewrite(row, wanted), *shifts])
        except TransactionRejected:
            return []
        found = await asyncio.gather(*(self.row(user, group) for group in others))
        return [replace(wanted, version=row.version + 1), *filter(None, found)]

    async def restore_pins(self, user: UUID, rows: Sequence[InboxRow]) -> None:
        """Make a user's pins as all rows of the user say. 1 RCU, and 2 WCU for the pins and for each row that differs.

        Raises TransactionRejected while others write them.
        """
        if writes := restored(await self.pins(user), rows):
            await self._table.transact(writes)
