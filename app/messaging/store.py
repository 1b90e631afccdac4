"""Message groups in DynamoDB: one method per access pattern."""

from collections.abc import Sequence
from uuid import UUID

from app.gateways.dynamodb import ConditionFailed, Item, Table, TransactionRejected
from app.messaging import items
from app.messaging.errors import CannotMessage
from app.messaging.models import LAST_NUMBER, InboxPosition, InboxRow, MemberState, Message
from app.messaging.windows import Window

INDEX_PAGE = 60
"""Keys to read from the index at once: a page of rows and some that may turn out to have moved."""


class NumberTaken(Exception):
    """Another message got the number first."""

    def __init__(self, winner: Message) -> None:
        super().__init__(winner.number)
        self.winner = winner


class GroupStarted(Exception):
    """The group was started by somebody else in the meantime."""


class MarkerNotMoved(Exception):
    """The read marker is further already, or may not go there; `row` is as it stands, None if there is none."""

    def __init__(self, row: InboxRow | None) -> None:
        super().__init__("read marker not moved")
        self.row = row


class MessagingStore:
    """Reads and writes logs and inbox rows. It knows no rule but those that a condition carries."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def inbox_row(self, user: UUID, group: UUID, *, consistent: bool = True) -> InboxRow | None:
        """1 RCU; half of it if not consistent, which proves no membership for more than a moment ago."""
        item = await self._table.get(items.inbox_key(user, group), consistent=consistent)
        return items.to_inbox_row(item) if item else None

    async def inbox_rows(self, user: UUID, *, limit: int | None = None, consistent: bool = False) -> list[InboxRow]:
        """Rows in no useful order. 0.5 RCU per 4 KB, about 13 rows; twice that if consistent."""
        query = items.inbox_rows(user, limit=limit, consistent=consistent)
        return list(map(items.to_inbox_row, await self._table.query(query)))

    async def inbox_rows_by_activity(self, user: UUID, *, behind: InboxPosition | None, limit: int) -> list[InboxRow]:
        """The newest rows behind a position, by the index: for inboxes too large to read whole."""
        rows: dict[UUID, InboxRow] = {}
        newest = items.position_bucket(behind) if behind else None
        is_last = False
        while len(rows) < limit and not is_last:
            keys, newest = await self._index_keys(user, newest)
            found = await self._rows_at(keys)
            rows |= {row.group_uuid: row for row in found if behind is None or behind > InboxPosition.of(row)}
            is_last = newest is None
        return sorted(rows.values(), key=InboxPosition.of, reverse=True)[:limit]

    async def _index_keys(self, user: UUID, newest: int | None) -> tuple[list[Item], int | None]:
        """Index entries of whole buckets, each group once, and the bucket to go on with, None at the end.

        Groups move between the two queries and the index is behind by a moment: what either one shows counts.
        """
        keys = await self._table.query(items.inbox_keys_from(user, newest, limit=INDEX_PAGE))
        if len(keys) < INDEX_PAGE:
            return keys, None
        oldest = keys[-1]["activity_bucket"]
        whole = await self._table.query(items.inbox_keys_in(user, oldest))
        return list({key["sk"]: key for key in (*keys, *whole)}.values()), oldest - 1

    async def _rows_at(self, keys: Sequence[Item]) -> list[InboxRow]:
        found = await self._table.batch_get([{"pk": key["pk"], "sk": key["sk"]} for key in keys])
        rows = map(items.to_inbox_row, found)
        return [row for row in rows if row.state is MemberState.ACTIVE]

    async def inbox_rows_of(self, user: UUID, groups: Sequence[UUID]) -> list[InboxRow]:
        """The rows that there are for these groups, eventually consistent. 0.5 RCU each."""
        found = await self._table.batch_get([items.inbox_key(user, group) for group in groups])
        return list(map(items.to_inbox_row, found))

    async def message(self, group: UUID, number: int) -> Message | None:
        """One entry of the log, strongly consistent. 1 RCU."""
        item = await self._table.get(items.message_key(group, number), consistent=True)
        return items.to_message(item) if item else None

    async def newest_messages(self, group: UUID, *, limit: int, consistent: bool = False) -> list[Message]:
        """The end of the log, oldest first."""
        query = items.newest_messages(group, limit=limit, consistent=consistent)
        return list(map(items.to_message, reversed(await self._table.query(query))))

    async def messages_between(self, group: UUID, first: int, last: int, *, consistent: bool = False) -> list[Message]:
        """A stretch of the log, both ends included, oldest first."""
        query = items.messages_between(group, first, last, consistent=consistent)
        return list(map(items.to_message, await self._table.query(query)))

    async def messages_in(self, group: UUID, window: Window, *, consistent: bool = False) -> list[Message]:
        """Return a window of the log, oldest first. 0.5 RCU per 4 KB, twice that if consistent; none if it is empty."""
        if window.is_empty:
            return []
        if window.first is None:
            return await self.newest_messages(group, limit=window.limit, consistent=consistent)
        return await self.messages_between(group, window.first, window.last, consistent=consistent)

    async def messages_after(self, group: UUID, number: int) -> list[Message]:
        """Everything that landed after this number, strongly consistent."""
        return await self.messages_between(group, number + 1, LAST_NUMBER, consistent=True)

    async def messages_with_uuid(self, group: UUID, uuid: UUID, *, after: int, until: int) -> list[Message]:
        """The entries with this uuid in a stretch of the log, strongly consistent. All of the stretch is paid for."""
        query = items.messages_between(group, after + 1, until, consistent=True, uuid=uuid)
        return list(map(items.to_message, await self._table.query(query)))

    async def append_message(self, message: Message) -> None:
        """Commit a message at its number, or raise NumberTaken with whoever has it. 1 WCU."""
        try:
            await self._table.put(items.new_message(message))
        except ConditionFailed as failed:
            if failed.item is None:
                raise
            raise NumberTaken(items.to_message(failed.item)) from None

    async def start_direct_group(self, message: Message, *, peer: UUID) -> tuple[InboxRow, InboxRow]:
        """First contact: both rows and message 1 together, unless the peer has blocked the sender. 10 WCU.

        Returns the sender's row and the peer's.
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
        except TransactionRejected as rejected:
            blocked_only = set(rejected.failed) == {writes.index(writes[-1])}
            raise (CannotMessage if blocked_only else GroupStarted) from None
        return (
            items.first_inbox_row(message, user=sender, peer=peer),
            items.first_inbox_row(message, user=peer, peer=sender),
        )

    async def bump_inbox_row(self, message: Message, *, user: UUID) -> InboxRow | None:
        """Bring a row up to a message; a row that is already further is left alone. 1 WCU, 3 in a new bucket.

        Returns the row as it stands now, None if there is none.
        """
        try:
            return items.to_inbox_row(await self._table.update(items.bump_inbox_row(message, user=user)))
        except ConditionFailed as failed:
            row = items.to_inbox_row(failed.item) if failed.item else None
        is_own = user == message.user_uuid
        return await self._read_own(message, row) if is_own and row and row.read_number < message.number else row

    async def _read_own(self, message: Message, row: InboxRow) -> InboxRow:
        """Others wrote on before this sender's row was brought up to date: the own message is still read."""
        try:
            return await self.move_read_marker(message.user_uuid, message.group_uuid, message.number)
        except MarkerNotMoved as stands:
            return stands.row or row

    async def move_read_marker(self, user: UUID, group: UUID, number: int) -> InboxRow:
        """The row as it is now, or MarkerNotMoved with the row as it stands. 1 WCU."""
        try:
            item = await self._table.update(items.move_read_marker(user, group, number))
        except ConditionFailed as failed:
            raise MarkerNotMoved(items.to_inbox_row(failed.item) if failed.item else None) from None
        return items.to_inbox_row(item)
