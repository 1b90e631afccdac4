"""Catching up: the difference between what a client has and the present log and rows."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from app.concurrency import READ_SECONDS, deadline
from app.errors import Unavailable
from app.messaging.hidden import without_hidden_texts
from app.messaging.inbox import Inbox, InboxPage
from app.messaging.models import Change, Message
from app.messaging.row_models import InboxRow
from app.messaging.store import MessagingStore

GROUPS = 150
"""The most groups that a client can name at once: with the greatest numbers they still fit into a request's body."""
NEWEST = 20
"""Rows of a large inbox that streams compare with, and whose peers learn of a new name: 10.5 RCU."""
MESSAGES = 100
"""The most messages, and the most changes, at once; a client that is further behind reads pages of the log."""


@dataclass(frozen=True, slots=True)
class SyncCursor:
    """A client's state of a group: the highest numbers of messages and changes, and the version of the user's row.

    0 for nothing; None as the number of a change for a client that asks for none.
    """

    number: int = 0
    version: int = 0
    change_number: int | None = None


NOTHING = SyncCursor()


@dataclass(frozen=True, slots=True)
class Difference:
    """New and changed rows, messages and changes after the known numbers, and named groups that the user is not in."""

    rows: Sequence[InboxRow]
    messages: Sequence[Message]
    changes: Sequence[Change]
    gone: Sequence[UUID]
    named: Sequence[InboxRow] = ()
    """The rows of the groups that the client has named."""


class Catchup:
    """Reads what a client has missed, for clients that poll and for streams that find a gap.

    Any method may raise Unavailable.
    """

    def __init__(self, store: MessagingStore) -> None:
        self._store = store
        self._inbox = Inbox(store.inbox)

    async def newest(self, user: UUID, *, consistent: bool = False) -> InboxPage:
        """Return the rows of a user's inbox, or the newest 20 of a large one, eventually consistent.

        0.5 RCU for each 13 rows of an ordinary size, at most 8.5, twice that if consistent; 10.5 RCU for a large inbox,
        which is eventually consistent all the same.
        """
        async with deadline(READ_SECONDS):
            return await self._inbox.newest(user, of_large=NEWEST, consistent=consistent)

    async def row(self, user: UUID, group: UUID) -> InboxRow | None:
        """Return a user's row of a group, also of one that the user has left, None if there is none. 1 RCU.

        2 RCU for a group of several members.
        """
        async with deadline(READ_SECONDS):
            return await self._store.inbox_row(user, group)

    async def messages(self, group: UUID, *, after: int, until: int) -> list[Message]:
        """Return the messages after `after` up to `until`, all of which are in the log.

        0.5 RCU for each 20 messages, and 1 RCU more for each 20 if a number is missing in that read.
        """
        async with deadline(READ_SECONDS):
            found = await self._store.messages_between(group, after + 1, until)
            if len(found) < until - after:
                found = await self._store.messages_between(group, after + 1, until, consistent=True)
            return found

    async def changes(self, row: InboxRow, *, after: int, until: int) -> list[Change]:
        """Return the changes after `after` up to `until`, all of which are in the log, as the row's user sees them.

        0.5 RCU for each 25, and what `without_hidden_texts` costs.
        """
        async with deadline(READ_SECONDS):
            found = await self._store.changes.changes_up_to(row.group_uuid, after=after, until=until)
            return await without_hidden_texts(self._store, row, found)

    async def quoted(self, messages: Sequence[Message]) -> dict[tuple[UUID, int], Message]:
        """Return the messages that these reply to, by group and number, as far as they can be read.

        0.5 RCU for each that is not among these messages and was not read with them.
        """
        known = {_place(message): message for message in messages}
        known |= {_place(message.quoted): message.quoted for message in messages if message.quoted}
        wanted = {(message.group_uuid, message.reply_to) for message in messages if message.reply_to}
        with suppress(Unavailable):
            async with deadline(READ_SECONDS):
                found = await self._store.messages_at(wanted - known.keys())
            known |= {_place(message): message for message in found}
        return {place: known[place] for place in wanted & known.keys()}

    async def difference(self, user: UUID, known: Mapping[UUID, SyncCursor]) -> Difference:
        """Return what differs from what the client has, strongly consistent but for the rows of a large inbox.

        Of rows that are not named only the 150 newest count. 1 RCU for each 13 rows, at most 17, and 0.5 RCU for each
        20 messages and each 25 changes, at most 100 of both; of a large inbox 78 RCU, and 0.5 RCU for each named group
        that is not among those 150.
        """
        rows = await self._rows(user, known.keys())
        changed = [row for row in rows if row.view_version != known.get(row.group_uuid, NOTHING).version]
        named = [(row, known[row.group_uuid]) for row in rows if row.group_uuid in known]
        gone = sorted(known.keys() - {row.group_uuid for row, _ in named})
        messages = _first((row, max(has.number, row.cleared_number), row.last_number) for row, has in named)
        changes = _first(
            (row, has.change_number, row.change_number) for row, has in named if has.change_number is not None
        )
        found, found_changes = await asyncio.gather(
            asyncio.gather(*[self.messages(row.group_uuid, after=after, until=end) for row, after, end in messages]),
            asyncio.gather(*[self.changes(row, after=after, until=end) for row, after, end in changes]),
        )
        return Difference(changed, [*chain(*found)], [*chain(*found_changes)], gone, [row for row, _ in named])

    async def _rows(self, user: UUID, named: Set[UUID]) -> list[InboxRow]:
        """Return the newest rows, and the active rows of other named groups, which are eventually consistent."""
        async with deadline(READ_SECONDS):
            newest = (await self._inbox.newest(user, of_large=GROUPS, consistent=True)).rows
        rows = [row for at, row in enumerate(newest) if at < GROUPS or row.group_uuid in named]
        async with deadline(READ_SECONDS):
            older = await self._store.inbox.rows_of(user, sorted(named - {row.group_uuid for row in rows}))
        return rows + [row for row in older if row.is_active]


def _place(message: Message) -> tuple[UUID, int]:
    return message.group_uuid, message.number


def _first(ranges: Iterable[tuple[InboxRow, int, int]]) -> Iterator[tuple[InboxRow, int, int]]:
    """Yield the ranges of rows' logs, `after` to `until`, that have MESSAGES entries in all; the last one cut."""
    left = MESSAGES
    for row, after, until in ranges:
        if (end := min(until, after + left)) > after:
            left -= end - after
            yield row, after, end
