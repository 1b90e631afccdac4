"""Message groups in DynamoDB: one method per access pattern.

Any method may raise Unavailable. Units are those of messages and rows of ordinary size.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.errors import Unavailable
from app.gateways.dynamodb import ConditionFailed, Put, StoredItem, Table, TransactionRejected, Update, Write
from app.messaging import hiding, inbox_items, inbox_queries, inbox_writes, items
from app.messaging.block_store import BlockStore
from app.messaging.change_store import ChangeStore
from app.messaging.errors import CannotMessage
from app.messaging.expiring import ExpiringTexts, put_text
from app.messaging.groups.models import HEAD, has_head
from app.messaging.groups.store import HeadStore
from app.messaging.hiding import with_hidden
from app.messaging.inbox_store import InboxStore
from app.messaging.mention_store import MentionStore
from app.messaging.models import LAST_NUMBER, Message
from app.messaging.my_view.store import ViewStore
from app.messaging.requests.store import MAX_MESSAGES, RequestStore
from app.messaging.retention import KEEP_ALL, Retention
from app.messaging.row_models import MAX_GONE, Folder, InboxRow
from app.messaging.settings.store import SettingsStore
from app.messaging.visibility import is_uncounted
from app.messaging.windows import Window

ATTEMPTS = 4
"""Attempts to move a row that others write at the same time."""


class NumberTaken(Exception):
    """The number is taken, by the message `winner`."""

    def __init__(self, winner: Message) -> None:
        super().__init__(winner.number)
        self.winner = winner


class GroupStarted(Exception):
    """The direct group exists already: the other member started it first."""


class MarkerNotMoved(Exception):
    """The marker is at the number already or may not go there; `row` is the stored row, None if there is none."""

    def __init__(self, row: InboxRow | None) -> None:
        super().__init__("marker not moved")
        self.row = row


class MessagingStore:
    """Reads and writes logs and inbox rows, by no rules but those that conditional writes carry."""

    def __init__(self, table: Table, retention: Retention = KEEP_ALL) -> None:
        self._table = table
        self.texts = ExpiringTexts(table, retention)
        """The texts of messages that expire."""
        self.heads = HeadStore(table)
        """The heads and members of groups of several members."""
        self.inbox = InboxStore(table, self.heads, retention)
        """The inboxes of users, read as lists."""
        self.changes = ChangeStore(table, self.texts, self.heads)
        """The change logs."""
        self.mentions = MentionStore(table)
        """The mentions that rows count."""
        self.blocks = BlockStore(table)
        """The blocks of users."""
        self.requests = RequestStore(table)
        """The requests that users have to accept."""
        self.views = ViewStore(table, self.heads)
        """The members' own views of groups."""
        self.settings = SettingsStore(table)
        """The settings of users."""
        self._may_write = False

    @property
    def retention(self) -> Retention:
        """Return the rule by which the content of messages ends."""
        return self.texts.retention

    async def check(self) -> None:
        """Raise Unavailable unless table, index and grants are as the service needs them. 1 RCU.

        The first check that succeeds tries the writes and BatchGetItem, too: 8 WCU and 0.5 RCU, and nothing is written.
        """
        await self._table.get(items.probe())
        await self._table.query(inbox_queries.probe_index())
        if not self._may_write:
            await self._table.batch_get([items.probe()])
            with suppress(TransactionRejected):
                await self._table.transact(items.probe_writes())
            self._may_write = True

    async def inbox_row(self, user: UUID, group: UUID, *, consistent: bool = True) -> InboxRow | None:
        """Return a member's row of a group, None if there is none. 1 RCU, 0.5 if eventually consistent.

        Twice that for a group of several members, as the head is read, too.
        """
        if has_head(group):
            item = await self.heads.row(user, group, consistent=consistent)
        else:
            item = await self._table.get(items.inbox_key(user, group), consistent=consistent)
        return inbox_items.to_inbox_row(item) if item else None

    async def inbox_rows(
        self, user: UUID, *, limit: int | None = None, after: UUID | None = None, consistent: bool = False
    ) -> list[InboxRow]:
        """Return a user's rows by group id, all or those after one. 0.5 RCU for each 4 KB, about 13 rows.

        Twice that if consistent; 0.5 RCU more for each open row.
        """
        query = inbox_queries.inbox_rows(user, limit=limit, after=after, consistent=consistent)
        return list(map(inbox_items.to_inbox_row, await self.heads.rows(await self._table.query(query))))

    async def message(self, group: UUID, number: int) -> Message | None:
        """Return one message, strongly consistent, None if there is none. 1 RCU."""
        item = await self._table.get(items.message_key(group, number), consistent=True)
        found = [item] if item else []
        return next(iter(await self._messages(found)), None)

    async def messages_at(self, places: Iterable[tuple[UUID, int]]) -> list[Message]:
        """Return the existing messages at these groups and numbers, eventually consistent. 0.5 RCU for each."""
        found = await self._table.batch_get([items.message_key(group, number) for group, number in places])
        return await self._messages(found)

    async def _messages(self, found: Iterable[StoredItem]) -> list[Message]:
        return await self.texts.fill(items.to_messages(found))

    async def newest_messages(
        self, group: UUID, *, limit: int, after: int = 0, consistent: bool = False
    ) -> list[Message]:
        """Return the last messages after a number, oldest first. 0.5 RCU for each 4 KB, about 20.

        Twice that if consistent.
        """
        query = items.newest_messages(group, limit=limit, after=after, consistent=consistent)
        found = await self._table.query(query)
        if found and items.is_fence(found[0]):
            found = await self._table.query(replace(query, limit=limit + 1))
        return await self._messages(reversed(found))

    async def messages_between(self, group: UUID, first: int, last: int, *, consistent: bool = False) -> list[Message]:
        """Return the messages `first`..`last`, both included, oldest first. Units are those of newest_messages."""
        query = items.messages_between(group, first, last, consistent=consistent)
        return await self._messages(await self._table.query(query))

    async def messages_in(self, group: UUID, window: Window, *, consistent: bool = False) -> list[Message]:
        """Return a window of the log, oldest first. 0.5 RCU per 4 KB, twice that if consistent; none if it is empty."""
        if window.is_empty:
            return []
        if window.first is None:
            return await self.newest_messages(group, limit=window.limit, after=window.floor, consistent=consistent)
        return await self.messages_between(group, window.first, window.last, consistent=consistent)

    async def messages_after(self, group: UUID, number: int) -> list[Message]:
        """Return all messages after this number, strongly consistent. 1 RCU for each 4 KB, about 20 messages."""
        return await self.messages_between(group, number + 1, LAST_NUMBER, consistent=True)

    async def messages_with_uuid(self, group: UUID, uuid: UUID, *, after: int, until: int) -> list[Message]:
        """Return the messages with this uuid among the numbers after `after` up to `until`, strongly consistent.

        1 RCU for each 4 KB of the whole range, about 20 messages, whatever is found.
        """
        query = items.messages_between(group, after + 1, until, consistent=True, uuid=uuid)
        return await self._messages(await self._table.query(query))

    async def append_message(self, message: Message) -> None:
        """Commit a message at its number, or raise NumberTaken, or CannotMessage if the members are blocked. 1 WCU.

        The text of one that expires must have been put before.
        """
        try:
            await self._table.put(items.new_message(message))
            return
        except ConditionFailed as error:
            if error.item is None:
                raise
            if items.is_fence(error.item):
                raise CannotMessage from None
            winner = items.to_message(error.item)
        raise NumberTaken((await self.texts.fill([winner]))[0])

    async def start_direct_group(
        self, message: Message, *, peer: UUID, is_request: bool = True
    ) -> tuple[InboxRow, InboxRow]:
        """Write message 1 and both members' rows in one transaction; return the sender's row and the peer's. 10 WCU.

        The group is a request of the sender's, unless it is known to be accepted.
        2 WCU more for a message that expires, whose text is in the transaction, too.
        Raises CannotMessage if one has blocked the other, GroupStarted if the group exists.
        """
        sender = message.user_uuid
        own = inbox_items.first_inbox_row(message, user=sender, peer=peer)
        theirs = inbox_items.first_inbox_row(message, user=peer, peer=sender)
        if is_request:
            own, theirs = replace(own, awaits_acceptance=True), replace(theirs, folder=Folder.REQUESTS)
        writes: tuple[Write, ...] = (
            Put(inbox_items.inbox_item(own), items.ABSENT),
            Put(inbox_items.inbox_item(theirs), items.ABSENT),
            items.new_message(message),
            items.not_blocked_by(peer, sender),
            *([put_text(message)] if message.deadline else ()),
        )
        try:
            await self._table.transact(writes)
        except TransactionRejected as error:
            is_blocked = error.failed.keys() <= {2, 3}  # by a fence or a block; else a row exists
            raise (CannotMessage if is_blocked else GroupStarted) from None
        return own, theirs

    async def advance_inbox_row(self, message: Message, *, user: UUID) -> InboxRow | None:
        """Move a row forward to a message, unless it is there already; return the row, None if there is none.

        The sender's own message counts as read. 1 WCU, 3 when the index entry changes its bucket; 1 WCU more for a row
        in another folder than the inbox, and 2 when it comes back from there; for messages that the row is moved past,
        or a mention that it was moved past, what MentionStore.complete costs; 1 RCU for one of a request, and 1 or
        3 WCU if that has an answer. HEAD has the head.
        """
        if user == HEAD:
            return await self.heads.advance(message)
        item, is_moved = await self._move_inbox_row(message, user)
        if item is None:
            return None
        row, is_own = inbox_items.to_inbox_row(item), user == message.user_uuid
        if not is_moved and row.read_number < message.number:
            row = await (self._mark_own_read(message, row) if is_own else self.count_gone(message, row))
        late = [message.number] if not is_moved and inbox_items.mentions(message, user) else []
        numbers = [*late] if row.last_number > message.number else [*inbox_items.skipped(item), *late]
        row = await self.mentions.complete(row, [number for number in numbers if number not in row.mentioned])
        if row.is_pending and (numbers or not is_moved or message.number > MAX_MESSAGES):
            return await self.requests.follow_log(row)
        return row

    async def _move_inbox_row(self, message: Message, user: UUID) -> tuple[StoredItem | None, bool]:
        """Return the row after an attempt to move it, None if there is none, and whether it was moved."""
        update = inbox_writes.advance_inbox_row(message, user=user)
        for _ in range(ATTEMPTS):
            item, is_moved = await self._table.try_update(update)
            if is_moved or item is None or int(item["last"]["N"]) >= message.number:
                return item, is_moved
            row = inbox_items.to_inbox_row(item)
            stored = None if row.folder is Folder.INBOX else row
            with_gone = len(row.gone) < MAX_GONE
            update = inbox_writes.advance_inbox_row(message, user=user, with_gone=with_gone, stored=stored)
        raise Unavailable("Others write the inbox row at the same time")

    async def count_gone(self, message: Message, row: InboxRow) -> InboxRow:
        """Let a message that expires not count as unread after its deadline, for a row that other messages had moved.

        Return the row. 1 WCU, nothing if there is nothing to write.
        """
        if message.expires_at is None or not is_uncounted(message, row):
            return row
        item, _ = await self._table.try_update(inbox_writes.add_gone(message, message.expires_at, user=row.user_uuid))
        return inbox_items.to_inbox_row(item) if item else row

    async def _mark_own_read(self, message: Message, row: InboxRow) -> InboxRow:
        """Move the marker of a sender whose row other messages had moved past this one."""
        try:
            return await self.move_read_marker(message.user_uuid, message.group_uuid, message.number)
        except MarkerNotMoved as error:
            return error.row or row

    async def move_read_marker(self, user: UUID, group: UUID, number: int) -> InboxRow:
        """Move the read marker and return the row, or raise MarkerNotMoved. 1 WCU, 2 if it passes numbers in `gone`."""
        return await self._move_marker(inbox_writes.move_read_marker(user, group, number))

    async def move_delivered_marker(self, user: UUID, group: UUID, number: int) -> InboxRow:
        """Move the delivered marker and return the row, or raise MarkerNotMoved. 1 WCU."""
        return await self._move_marker(inbox_writes.move_delivered_marker(user, group, number))

    async def _move_marker(self, update: Update) -> InboxRow:
        try:
            item = await self._table.update(update)
        except ConditionFailed as error:
            raise MarkerNotMoved(inbox_items.to_inbox_row(error.item) if error.item else None) from None
        row = inbox_items.to_inbox_row(item)
        if drop := inbox_writes.drop_gone(row):
            with suppress(Unavailable, ConditionFailed):  # they count for nothing any more
                await self._table.update(drop)
        return replace(row, gone={number: at for number, at in row.gone.items() if number > row.read_number})

    async def hide(self, message: Message, row: InboxRow, at: datetime) -> InboxRow | None:
        """Hide a message from the user of a row, which is at the message or beyond, and return the row.

        Return None if the row has changed since it was read, or is being written. 4 WCU: message and row at once.
        """
        hidden = with_hidden(message, row, at)
        try:
            await self._table.transact(hiding.hide_writes(message, row, hidden))
        except TransactionRejected:
            return None
        return hidden
