"""Writes synthetic groups, and keeps what an earlier run has written, or what the users have changed since."""

from collections.abc import Iterator
from itertools import count
from typing import Final
from uuid import UUID

from app.cli.batches import batched, for_each
from app.cli.changed_messages import at_change
from app.cli.changes import ensure_change
from app.cli.console import Advance
from app.cli.seed.several import SeveralGroup
from app.cli.seed.synthetic import Group
from app.cli.services import Services
from app.gateways.dynamodb import ConditionFailed, Put
from app.gateways.dynamodb.operator import WRITE_BATCH
from app.messaging import inbox_items, inbox_writes, items
from app.messaging.groups.stored import copied_head

AT_ONCE: Final = 8
"""Groups that are written concurrently."""


async def write_several(services: Services, group: SeveralGroup) -> None:
    """Write a group of several users, and keep one that has a head, which is written last."""
    heads = services.messaging.heads
    if await heads.head(group.uuid):
        return
    numbers = range(1, group.size + 1)
    await services.table.put_all([items.message_item(group.message(number)) for number in numbers])
    await heads.prepare(group.members(), group.rows())
    await heads.transact([copied_head(group.head())])


class Writer:
    """Writes groups of two concurrently: of each the changes and messages in their order, then the inbox rows."""

    def __init__(self, services: Services, advance: Advance) -> None:
        self._table = services.table
        self._store = services.messaging
        self._advance = advance
        self.written = 0
        self.kept = 0

    async def write_all(self, groups: Iterator[Group]) -> None:
        """Write the groups, and count those that are kept."""

        async def write(group: Group) -> None:
            if not (await self._write_log(group) and await self._write_rows(group)):
                self.kept += 1

        await for_each(groups, write, at_once=AT_ONCE)

    async def _write_log(self, group: Group) -> bool:
        """Write what is missing of the log; return False for a group in which the users have made other changes."""
        first = await self._first_to_write(group)
        self._advance(min(first - 1, group.size))
        for numbers in batched(range(first, group.size + 1), WRITE_BATCH):
            for change in filter(None, map(group.change, numbers)):
                if not await ensure_change(self._store.changes, change):
                    return False
            await self._table.put_all([items.message_item(group.message(number)) for number in numbers])
            self.written += len(numbers)
            self._advance(len(numbers))
        return True

    async def _first_to_write(self, group: Group) -> int:
        """Return the first number that is missing, behind all numbers of a log that has gone on by itself.

        Only the last batch of an interrupted run may have a hole.
        """
        newest = await self._store.newest_messages(group.uuid, limit=WRITE_BATCH, consistent=True)
        if any(message != group.message(message.number) for message in newest):
            return max(group.size, newest[-1].number) + 1
        there = {message.number for message in newest}
        end = max(there, default=0)
        return next(number for number in count(max(1, end - WRITE_BATCH + 1)) if number not in there)

    async def _write_rows(self, group: Group) -> bool:
        """Write the rows; return False for a group in which the one that is written last is at the end already."""
        row = await self._store.inbox_row(group.other, group.uuid)
        if row and row.last_number >= group.size:
            return False
        for user, peer in group.members:
            await self._write_row(group, user, peer)
        return True

    async def _write_row(self, group: Group, user: UUID, peer: UUID) -> None:
        last, change = group.message(group.size), group.last_change()
        first = inbox_items.first_inbox_row(last, user=user, peer=peer)
        try:
            await self._table.put(Put(inbox_items.inbox_item(at_change(first, change)), condition=items.ABSENT))
        except ConditionFailed:  # of an interrupted run, after verify --repair
            row = await self._store.advance_inbox_row(last, user=user)
            if row and change and row.last_number == last.number and row.change_number < change.number:
                await self._table.update(inbox_writes.reset_inbox_row(last, at_change(row, change)))
