"""Message groups in DynamoDB: one method per access pattern.

Any method may raise Unavailable. Units are those of messages and rows of ordinary size.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from heapq import nlargest
from uuid import UUID

from app.gateways.dynamodb import ConditionFailed, Table, TransactionRejected
from app.messaging import items
from app.messaging.block_store import BlockStore
from app.messaging.change_store import ChangeStore
from app.messaging.errors import CannotMessage
from app.messaging.mention_store import MentionStore
from app.messaging.models import LAST_NUMBER, BucketPosition, InboxPosition, InboxRow, Message
from app.messaging.windows import Window


class NumberTaken(Exception):
    """The number is taken, by the message `winner`."""

    def __init__(self, winner: Message) -> None:
        super().__init__(winner.number)
        self.winner = winner


class GroupStarted(Exception):
    """The direct group exists already: the other member started it first."""


class MarkerNotMoved(Exception):
    """The read marker is at the number already or may not go there; `row` is the stored row, None if there is none."""

    def __init__(self, row: InboxRow | None) -> None:
        super().__init__("read marker not moved")
        self.row = row


class MessagingStore:
    """Reads and writes logs and inbox rows, by no rules but those that conditional writes carry."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.changes = ChangeStore(table)
        """The change logs."""
        self.mentions = MentionStore(table)
        """The mentions that rows count."""
        self.blocks = BlockStore(table)
        """The blocks of users."""
        self._may_write = False

    async def check(self) -> None:
        """Raise Unavailable unless table, index and grants are as the service needs them. 1 RCU.

        The first check that succeeds tries the writes and BatchGetItem, too: 8 WCU and 0.5 RCU, and nothing is written.
        """
        await self._table.get(items.probe())
        await self._table.query(items.probe_index())
        if not self._may_write:
            await self._table.batch_get([items.probe()])
            with suppress(TransactionRejected):
                await self._table.transact(items.probe_writes())
            self._may_write = True

    async def inbox_row(self, user: UUID, group: UUID, *, consistent: bool = True) -> InboxRow | None:
        """Return a member's row of a group, None if there is none. 1 RCU, 0.5 if eventually consistent."""
        item = await self._table.get(items.inbox_key(user, group), consistent=consistent)
        return items.to_inbox_row(item) if item else None

    async def inbox_rows(self, user: UUID, *, limit: int | None = None, consistent: bool = False) -> list[InboxRow]:
        """Return a user's rows by group id. 0.5 RCU for each 4 KB, about 13 rows; twice that if consistent."""
        query = items.inbox_rows(user, limit=limit, consistent=consistent)
        return list(map(items.to_inbox_row, await self._table.query(query)))

    async def newest_inbox_rows(
        self, user: UUID, *, before: InboxPosition | None, limit: int, most: int, consistent: bool = False
    ) -> list[InboxRow] | None:
        """Return a user's active rows before a position (None: the newest), newest activity first, by reading them all.

        Return None for a user with more than `most` rows. 0.5 RCU for each 4 KB, about 13 of all rows; twice that if
        consistent.
        """
        found = await self._table.query(items.whole_inbox(user, limit=most + 1, consistent=consistent))
        if len(found) > most:
            return None
        end = items.activity_at(before) if before else None
        active = [item for item in found if items.is_active(item) and (end is None or items.activity(item) < end)]
        return [items.row_of(user, item) for item in nlargest(limit, active, items.activity)]

    async def count_unread(self, user: UUID, *, limit: int) -> tuple[int, int]:
        """Return how many active rows have unread messages, among the first `limit` by group id, and how many rows
        were read for that; strongly consistent. 1 RCU for each 4 KB of rows, about 13.
        """
        return await self._table.count(items.unread_rows(user, limit=limit))

    async def count_unread_of(self, user: UUID, groups: Iterable[UUID]) -> int:
        """Return in how many of these groups the user has unread messages, eventually consistent. 0.5 RCU for each."""
        keys = [items.inbox_key(user, group) for group in groups]
        return sum(map(items.is_unread, await self._table.batch_get(keys, projection=items.UNREAD)))

    async def inbox_entries(
        self, user: UUID, start: InboxPosition | BucketPosition | None, *, limit: int
    ) -> list[BucketPosition]:
        """Return entries of the index, newest bucket first (None: from the newest on), eventually consistent.

        They begin with the bucket of an InboxPosition, or after a BucketPosition. 0.5 RCU for each 4 KB, 27 entries.
        """
        found = await self._table.query(items.inbox_entries(user, start, limit=limit))
        return list(map(items.to_inbox_entry, found))

    async def inbox_rows_of(self, user: UUID, groups: Sequence[UUID]) -> list[InboxRow]:
        """Return the existing rows of these groups, eventually consistent. 0.5 RCU for each group."""
        keys = [items.inbox_key(user, group) for group in groups]
        return [items.row_of(user, item) for item in await self._table.batch_get(keys, projection=items.ROW)]

    async def message(self, group: UUID, number: int) -> Message | None:
        """Return one message, strongly consistent, None if there is none. 1 RCU."""
        item = await self._table.get(items.message_key(group, number), consistent=True)
        return items.to_message(item) if item and not items.is_fence(item) else None

    async def messages_at(self, places: Iterable[tuple[UUID, int]]) -> list[Message]:
        """Return the existing messages at these groups and numbers, eventually consistent. 0.5 RCU for each."""
        found = await self._table.batch_get([items.message_key(group, number) for group, number in places])
        return items.to_messages(found)

    async def newest_messages(self, group: UUID, *, limit: int, consistent: bool = False) -> list[Message]:
        """Return the last messages, oldest first. 0.5 RCU for each 4 KB, about 20; twice that if consistent."""
        query = items.newest_messages(group, limit=limit, consistent=consistent)
        found = await self._table.query(query)
        if found and items.is_fence(found[0]):
            found = await self._table.query(replace(query, limit=limit + 1))
        return items.to_messages(reversed(found))

    async def messages_between(self, group: UUID, first: int, last: int, *, consistent: bool = False) -> list[Message]:
        """Return the messages `first`..`last`, both included, oldest first. Units are those of newest_messages."""
        query = items.messages_between(group, first, last, consistent=consistent)
        return items.to_messages(await self._table.query(query))

    async def messages_in(self, group: UUID, window: Window, *, consistent: bool = False) -> list[Message]:
        """Return a window of the log, oldest first. 0.5 RCU per 4 KB, twice that if consistent; none if it is empty."""
        if window.is_empty:
            return []
        if window.first is None:
            return await self.newest_messages(group, limit=window.limit, consistent=consistent)
        return await self.messages_between(group, window.first, window.last, consistent=consistent)

    async def messages_after(self, group: UUID, number: int) -> list[Message]:
        """Return all messages after this number, strongly consistent. 1 RCU for each 4 KB, about 20 messages."""
        return await self.messages_between(group, number + 1, LAST_NUMBER, consistent=True)

    async def messages_with_uuid(self, group: UUID, uuid: UUID, *, after: int, until: int) -> list[Message]:
        """Return the messages with this uuid among the numbers after `after` up to `until`, strongly consistent.

        1 RCU for each 4 KB of the whole range, about 20 messages, whatever is found.
        """
        query = items.messages_between(group, after + 1, until, consistent=True, uuid=uuid)
        return list(map(items.to_message, await self._table.query(query)))

    async def append_message(self, message: Message) -> None:
        """Commit a message at its number, or raise NumberTaken, or CannotMessage if the members are blocked. 1 WCU."""
        try:
            await self._table.put(items.new_message(message))
        except ConditionFailed as error:
            if error.item is None:
                raise
            if items.is_fence(error.item):
                raise CannotMessage from None
            raise NumberTaken(items.to_message(error.item)) from None

    async def start_direct_group(self, message: Message, *, peer: UUID) -> tuple[InboxRow, InboxRow]:
        """Write message 1 and both members' rows in one transaction; return the sender's row and the peer's. 10 WCU.

        Raises CannotMessage if one has blocked the other, GroupStarted if the group exists.
        """
        sender = message.user_uuid
        writes = (
            items.new_inbox_row(message, user=sender, peer=peer),
            items.new_inbox_row(message, user=peer, peer=sender),
            items.new_message(message),
            items.not_blocked_by(peer, sender),
        )
        try:
            await self._table.transact(writes)
        except TransactionRejected as error:
            is_started = not error.failed.keys().isdisjoint({0, 1})  # a row exists
            raise (GroupStarted if is_started else CannotMessage) from None
        return (
            items.first_inbox_row(message, user=sender, peer=peer),
            items.first_inbox_row(message, user=peer, peer=sender),
        )

    async def advance_inbox_row(self, message: Message, *, user: UUID) -> InboxRow | None:
        """Move a row forward to a message, unless it is there already; return the row, None if there is none.

        The sender's own message counts as read. 1 WCU, 3 when the index entry changes its bucket; for messages that the
        row is moved past, or a mention that it was moved past, what MentionStore.complete costs.
        """
        late: Sequence[int] = ()
        try:
            item = await self._table.update(items.advance_inbox_row(message, user=user))
        except ConditionFailed as error:
            if error.item is None:
                return None
            item = error.item
            late = [message.number] if items.mentions(message, user) else []
        row = items.to_inbox_row(item)
        if user == message.user_uuid and row.read_number < message.number:
            row = await self._mark_own_read(message, row)
        numbers = [*late] if row.last_number > message.number else [*items.skipped(item), *late]
        return await self.mentions.complete(row, [number for number in numbers if number not in row.mentioned])

    async def _mark_own_read(self, message: Message, row: InboxRow) -> InboxRow:
        """Move the marker of a sender whose row other messages had moved past this one."""
        try:
            return await self.move_read_marker(message.user_uuid, message.group_uuid, message.number)
        except MarkerNotMoved as error:
            return error.row or row

    async def move_read_marker(self, user: UUID, group: UUID, number: int) -> InboxRow:
        """Move the read marker and return the row, or raise MarkerNotMoved. 1 WCU."""
        try:
            item = await self._table.update(items.move_read_marker(user, group, number))
        except ConditionFailed as error:
            raise MarkerNotMoved(items.to_inbox_row(error.item) if error.item else None) from None
        return items.to_inbox_row(item)
