"""Writes the messages of old groups to the logs of this service, and brings the inbox rows of their members up to them.

A log grows in its order, one message at a time, so that it has no hole at any moment, and the service may go on. The
log itself says how far an interrupted run came, and what a later one finds new.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Final
from uuid import UUID

from app.cli.batches import for_each
from app.cli.bootcamp.archive import Archive, Pair
from app.cli.console import Advance
from app.cli.services import Services
from app.gateways.dynamodb import ConditionFailed, Put, TransactionRejected
from app.messaging import inbox_items, inbox_writes, items
from app.messaging.models import LAST_NUMBER, Message
from app.messaging.row_models import InboxRow, MemberState
from app.messaging.store import NumberTaken

AT_ONCE: Final = 8
"""Groups that are read or written concurrently."""
PAGE: Final = 1_000


class Merge:
    """Merges the archive into the table. `late` counts messages that are older than the end of their log."""

    def __init__(self, archive: Archive, services: Services) -> None:
        self._archive = archive
        self._table = services.table
        self._store = services.messaging
        self._ends: dict[UUID, Message] = {}
        self.written = 0
        self.late = 0

    @property
    def result(self) -> str:
        """Return what was written, in words."""
        late = f" {self.late:,} of them are older than what was there, and have its time." if self.late else ""
        return f"{self.written:,} messages written.{late}"

    async def compare(self) -> None:
        """Record in the archive which messages the logs have already: 1 RCU for each 4 KB of these logs."""
        await for_each(list(self._archive.logs()), self._read_on, at_once=AT_ONCE)

    async def _read_on(self, pair: Pair) -> Message | None:
        """Record what has come to a log since it was last read, and return its end."""
        while True:
            last = self._ends.get(pair.log)
            query = items.messages_between(pair.log, last.number + 1 if last else 1, LAST_NUMBER, consistent=True)
            page = items.to_messages(await self._table.query(replace(query, limit=PAGE)))
            if not page:
                return last
            self._archive.record_logged(page)
            self._ends[pair.log] = page[-1]

    async def write(self, advance: Advance) -> None:
        """Write what the logs do not have yet, and keep what they have."""

        async def merge(pair: Pair) -> None:
            last = await self._read_on(pair)
            for message in self._archive.missing(pair):
                last = await self._append(pair, message, last)
                advance(1)
            if last:
                for user, peer in pair.members:
                    await self._bring_up(user, peer, last)

        await for_each(list(self._archive.logs()), merge, at_once=AT_ONCE)

    async def _append(self, pair: Pair, message: Message, last: Message | None) -> Message:
        """Append a message unless the log has it, and return the end of the log."""
        while not self._archive.is_logged(message):
            entry = _placed(message, last)
            if await self._put(pair, entry):
                self._archive.record_logged([entry])
                self._ends[pair.log] = last = entry
                self.written += 1
                self.late += entry.created_at != message.created_at
            else:
                last = await self._read_on(pair)
        return last or message

    async def _put(self, pair: Pair, entry: Message) -> bool:
        """Commit a message, the first of a log with both inbox rows, and return whether its number was free."""
        if entry.number == 1:
            rows = [Put(inbox_items.inbox_item(_first_row(entry, *member)), items.ABSENT) for member in pair.members]
            with suppress(TransactionRejected):  # the number is taken, or a row is there
                await self._table.transact([items.new_message(entry), *rows])
                return True
        try:
            await self._store.append_message(entry)
        except NumberTaken:
            return False
        return True

    async def _bring_up(self, user: UUID, peer: UUID, last: Message) -> None:
        """Bring a row up to the end of its log; a row without unread messages stays so."""
        while True:
            row = await self._store.inbox_row(user, last.group_uuid)
            if row and row.last_number >= last.number:
                return
            with suppress(ConditionFailed):  # a send or the reader was faster
                await self._write_row(row, user, peer, last)
                return

    async def _write_row(self, row: InboxRow | None, user: UUID, peer: UUID, last: Message) -> None:
        if row is None:
            await self._table.put(Put(inbox_items.inbox_item(_first_row(last, user, peer)), items.ABSENT))
        elif row.unread_count or row.state is not MemberState.ACTIVE:
            await self._store.advance_inbox_row(last, user=user)
        else:
            await self._table.update(inbox_writes.reset_inbox_row(last, replace(row, read_number=last.number)))


def _first_row(last: Message, user: UUID, peer: UUID) -> InboxRow:
    return replace(inbox_items.first_inbox_row(last, user=user, peer=peer), read_number=last.number)


def _placed(message: Message, last: Message | None) -> Message:
    """Return the message after the last one of its log, in which times do not go back."""
    if last is None:
        return replace(message, number=1)
    return replace(message, number=last.number + 1, created_at=max(message.created_at, last.created_at))
