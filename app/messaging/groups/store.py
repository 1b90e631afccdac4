"""Heads and members of groups in DynamoDB: one method per access pattern.

Any method may raise Unavailable. Units are those of items of ordinary size.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from app.errors import Unavailable
from app.gateways.dynamodb import ConditionFailed, Put, StoredItem, Table, TransactionRejected, Update, Write, to_bytes
from app.messaging.clock import now
from app.messaging.groups import items, member_items, stored
from app.messaging.groups.models import Member
from app.messaging.inbox_items import bucket, to_inbox_row
from app.messaging.items import inbox_key, to_messages
from app.messaging.models import Message
from app.messaging.row_models import InboxRow

ATTEMPTS = 4
"""Attempts to write a row that its user changes at the same time."""
WRITES_AT_ONCE = 8
"""Rows of one group that are written at the same time."""
T = TypeVar("T")


class HeadStore:
    """Reads and writes heads, members, and what members' rows have from the head."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def head(self, group: UUID) -> InboxRow | None:
        """Return a group's head, strongly consistent, None without one. 1 RCU."""
        item = await self._table.get(items.head_key(group), consistent=True)
        return items.to_head(item) if item else None

    async def digest(self, group: UUID) -> bytes | None:
        """Return the digest of a group's creation, None if there is no such group. 1 RCU."""
        item = await self._table.get(items.head_key(group), consistent=True)
        return to_bytes(item["digest"]["B"]) if item else None

    async def row(self, user: UUID, group: UUID, *, consistent: bool) -> StoredItem | None:
        """Return a member's row with what the head says, None without row or head. 2 RCU, half if not consistent."""
        row, head = await asyncio.gather(
            self._table.get(inbox_key(user, group), consistent=consistent),
            self._table.get(items.head_key(group), consistent=consistent),
        )
        return items.told_by(head, row) if row and head else None

    async def rows(self, found: Sequence[StoredItem]) -> list[StoredItem]:
        """Return rows with what the heads of the open ones among them say, eventually consistent. 0.5 RCU for each.

        Rows of a group that is being created are left out.
        """
        groups = [item["sk"]["S"][4:] for item in found if "open" in item and "state" not in item]
        if not groups:
            return list(found)
        heads = {head["pk"]["S"]: head for head in await self._table.batch_get([*map(items.head_key, groups)])}
        return [
            items.told_by(heads[item["sk"]["S"]], item) if item["sk"]["S"] in heads else item
            for item in found
            if "open" not in item or "state" in item or item["sk"]["S"] in heads
        ]

    async def told(self, row: StoredItem) -> StoredItem:
        """Return a row with what the head says, strongly consistent. 1 RCU, nothing for a direct group."""
        if "title" not in row:
            return row
        head = await self._table.get({"pk": row["sk"]["S"], "sk": "META"}, consistent=True)
        return items.told_by(head, row) if head else row

    async def advance(self, message: Message) -> InboxRow | None:
        """Move a group's head forward to a message, unless it is there already; return it, None without one.

        It costs what `write` does.
        """
        try:
            return items.to_head(await self.write(items.advance_head(message), message.created_at))
        except ConditionFailed as error:
            return items.to_head(error.item) if error.item else None

    async def write(self, update: Update, at: datetime) -> StoredItem:
        """Write a head for what was at a time, or raise ConditionFailed; return it. 1 WCU.

        In a new bucket 2 more, as the same write says that rows are to be told: a process that ends after it has left
        nothing behind that others cannot find. The bucket is that of the write: rows may be closed since a message
        whose head is written late.
        """
        written = bucket(max(at, now()))
        try:
            return await self._table.update(items.in_known_bucket(update, written))
        except ConditionFailed as error:
            if error.item is None or not items.is_new_bucket(error.item, written):
                raise
        return await self._table.update(items.in_new_bucket(update, written))

    async def bump(self, group: UUID) -> bool:
        """Tell the rows of all members what the head says, and return whether that is all.

        1 RCU for each 4 KB of members, about 50, and 2; 3 WCU for each row, 1 if its index entry stays, and 2.
        """
        head = await self._table.get(items.head_key(group), consistent=True)
        if head is None or "inbox" not in head:
            return True
        await _for_each(await self.members(group), partial(self._tell, head))
        _, is_finished = await self._table.try_update(items.finish_bump(head))
        return is_finished

    async def _tell(self, head: StoredItem, user: UUID, *, is_last: bool = False) -> None:
        """Tell a row what a head says, unless it knows more. 1 WCU more for a row in another folder than the inbox."""
        row: StoredItem | None = None
        for _ in range(ATTEMPTS):
            row, is_told = await self._table.try_update(items.tell_row(head, user, row, is_last=is_last))
            if is_told or row is None or "state" in row or "folder" not in row:
                return
            if int(row["hv"]["N"]) > int(head["v"]["N"]):
                return
        raise Unavailable("Others write the inbox row at the same time")

    async def pending(self, limit: int) -> list[UUID]:
        """Return groups whose rows are to be told of the head, eventually consistent. 0.5 RCU."""
        return [UUID(item["pk"]["S"][4:]) for item in await self._table.query(items.pending_bumps(limit))]

    async def close(self, user: UUID, group: UUID, at: datetime) -> None:
        """Tell an open row for the last time what the head says, if the next write of the head tells it again.

        It does so unless the group has become active since the row was read. 1 WCU and 1 RCU.
        """
        head = await self._table.get(items.head_key(group), consistent=True)
        if head and items.is_new_bucket(head, bucket(at - items.QUIET)):
            await self._tell(head, user, is_last=True)

    async def members(self, group: UUID) -> list[UUID]:
        """Return the users that are members of a group, strongly consistent. 1 RCU for each 4 KB, about 40."""
        return [member.user_uuid for member in await self.list_members(group)]

    async def list_members(self, group: UUID) -> list[Member]:
        """Return the members of a group by their ids, strongly consistent. 1 RCU for each 4 KB, about 40."""
        return list(map(member_items.to_member, await self._table.query(member_items.members(group))))

    async def system_messages(self, group: UUID, *, consistent: bool = False) -> list[Message]:
        """Return the system messages of a group, in order. 0.5 RCU for each 4 KB of its log, 1 if consistent."""
        return to_messages(await self._table.query(stored.system_messages(group, consistent=consistent)))

    async def member_rows(self, group: UUID, users: Iterable[UUID]) -> list[InboxRow]:
        """Return the rows of members, eventually consistent. 0.5 RCU for each."""
        found = await self._table.batch_get([inbox_key(user, group) for user in users])
        return list(map(to_inbox_row, found))

    async def mark_sent(self, message: Message) -> InboxRow | None:
        """Mark the sender's own message read; return the sender's row, None if there was nothing to write. 1 WCU."""
        return await self._row_after(member_items.mark_sent(message))

    async def add_mention(self, message: Message, user: UUID) -> InboxRow | None:
        """Add an unread mention to a member's row; return the row, None if there was nothing to add. 1 WCU."""
        return await self._row_after(member_items.add_mention(message, user))

    async def drop_mention(self, message: Message, user: UUID) -> InboxRow | None:
        """Take a mention away from a member's row; return the row, None if it had none. 1 WCU."""
        return await self._row_after(member_items.drop_mention(message, user))

    async def _row_after(self, update: Update) -> InboxRow | None:
        item, is_changed = await self._table.try_update(update)
        return to_inbox_row(item) if item and is_changed else None

    async def prepare(self, members: Sequence[Member], rows: Sequence[InboxRow]) -> None:
        """Write members and rows of a group that has no head yet, and which no user sees. 3 WCU for each member.

        What an earlier attempt has written stays.
        """

        async def put(item: Put) -> None:
            with suppress(ConditionFailed):  # an earlier attempt has written it
                await self._table.put(item)

        await _for_each([*map(member_items.new_member, members), *map(member_items.new_row, rows)], put)

    async def transact(self, writes: Sequence[Write]) -> bool:
        """Apply all of these writes, or none; return whether they are applied."""
        try:
            await self._table.transact(writes)
        except TransactionRejected:
            return False
        return True


async def _for_each(values: Iterable[T], write: Callable[[T], Awaitable[None]]) -> None:
    """Write something for each value, WRITES_AT_ONCE at the same time."""
    turns = asyncio.Semaphore(WRITES_AT_ONCE)

    async def write_in_turn(value: T) -> None:
        async with turns:
            await write(value)

    await asyncio.gather(*map(write_in_turn, values))
