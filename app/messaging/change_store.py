"""The change log in DynamoDB, and what follows from it: one method per access pattern.

Any method may raise Unavailable. Units are those of messages, rows and changes of ordinary size.
"""

from collections.abc import Iterable
from uuid import UUID

from app.gateways.dynamodb import ConditionFailed, Table
from app.messaging import change_items, inbox_items, items
from app.messaging.expiring import ExpiringTexts
from app.messaging.groups.items import to_head
from app.messaging.groups.models import HEAD
from app.messaging.groups.store import HeadStore
from app.messaging.models import Change, Message
from app.messaging.row_models import InboxRow


class ChangeNumberTaken(Exception):
    """The number is taken, by the change `winner`."""

    def __init__(self, winner: Change) -> None:
        super().__init__(winner.number)
        self.winner = winner


class RowNotAdvanced(Exception):
    """The row is not as it was expected; `row` is the stored row, None if there is none."""

    def __init__(self, row: InboxRow | None) -> None:
        super().__init__("row not advanced")
        self.row = row


class ChangeStore:
    """Reads and writes change logs, by no rules but those that conditional writes carry."""

    def __init__(self, table: Table, texts: ExpiringTexts, heads: HeadStore) -> None:
        self._table = table
        self._texts = texts
        self._heads = heads

    async def append(self, change: Change) -> None:
        """Commit a change at its number, or raise ChangeNumberTaken. 1 WCU."""
        try:
            await self._table.put(change_items.new_change(change))
        except ConditionFailed as error:
            if error.item is None:
                raise
            raise ChangeNumberTaken(change_items.to_change(error.item)) from None

    async def change(self, group: UUID, number: int) -> Change | None:
        """Return one change, strongly consistent, None if there is none. 1 RCU."""
        item = await self._table.get(change_items.change_key(group, number), consistent=True)
        return change_items.to_change(item) if item else None

    async def changes(self, group: UUID, numbers: Iterable[int]) -> list[Change]:
        """Return these changes in order, as far as they exist, eventually consistent. 0.5 RCU for each."""
        found = await self._table.batch_get([change_items.change_key(group, number) for number in numbers])
        return sorted(map(change_items.to_change, found), key=lambda change: change.number)

    async def newest_change(self, group: UUID) -> Change | None:
        """Return the last change of a group, strongly consistent, None if there is none. 1 RCU."""
        found = await self._table.query(change_items.newest_change(group))
        return change_items.to_change(found[0]) if found else None

    async def changes_between(self, group: UUID, first: int, last: int, *, consistent: bool = False) -> list[Change]:
        """Return the changes `first`..`last`, both included, in order. 0.5 RCU for each 4 KB, about 25.

        Twice that if consistent.
        """
        if first > last:  # DynamoDB refuses an empty range
            return []
        query = change_items.changes_between(group, first, last, consistent=consistent)
        return list(map(change_items.to_change, await self._table.query(query)))

    async def changes_up_to(self, group: UUID, *, after: int, until: int) -> list[Change]:
        """Return the changes after `after` up to `until`, all of which are in the log, as a row says.

        0.5 RCU for each 25, and 1 RCU more for each 25 if a number is missing in that read.
        """
        found = await self.changes_between(group, after + 1, until)
        if len(found) < until - after:
            found = await self.changes_between(group, after + 1, until, consistent=True)
        return found

    async def apply(self, change: Change, message: Message) -> Message | None:
        """Apply a change to its message, unless it is applied; return the message as it stands, None without it. 1 WCU.

        All earlier changes of the message must have been applied, and `message` must have them.
        """
        item, _ = await self._table.try_update(change_items.apply_change(change, message))
        return (await self._texts.fill([items.to_message(item)]))[0] if item else None

    async def remove_text(self, group: UUID, number: int) -> None:
        """Remove the texts of one edit. 1 WCU."""
        await self._table.update(change_items.remove_texts(group, number))

    async def remove_texts(self, message: Message) -> None:
        """Remove the texts of a deleted message's edits, and a text that expires. 1 WCU for each of them, and 1."""
        for number in message.edits:
            await self.remove_text(message.group_uuid, number)
        if message.expires_in is not None:
            await self._texts.remove(message)
        await self._table.update(change_items.forget_texts(message))

    async def advance_row(self, change: Change, message: Message, *, user: UUID, is_last: bool) -> InboxRow:
        """Move a row from the change before this one to this one and return it, or raise RowNotAdvanced. 1 WCU.

        HEAD has the head; in a new bucket 2 more.
        """
        update = change_items.advance_change_number(change, message, user=user, is_last=is_last)
        to_row = to_head if user == HEAD else inbox_items.to_inbox_row
        try:
            if user == HEAD:
                return to_head(await self._heads.write(update, change.created_at))
            return inbox_items.to_inbox_row(await self._table.update(update))
        except ConditionFailed as error:
            raise RowNotAdvanced(to_row(error.item) if error.item else None) from None
