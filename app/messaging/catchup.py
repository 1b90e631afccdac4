"""Catching up: the difference between what a client has and the present log and rows."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.concurrency import READ_SECONDS, deadline
from app.messaging.inbox import Inbox, InboxPage
from app.messaging.models import InboxRow, MemberState, Message
from app.messaging.store import MessagingStore

GROUPS = 150
"""The most groups that a client can name at once: with the greatest numbers they still fit into a request's body."""
NEWEST = 20
"""Rows of a large inbox that streams compare with, and whose peers learn of a new name: 10.5 RCU."""
MESSAGES = 100
"""The most messages at once; a client that is further behind reads pages of the log."""


@dataclass(frozen=True, slots=True)
class SyncCursor:
    """A client's state of a group: the highest number, and the version of the user's row; 0 for nothing."""

    number: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """New and changed rows, messages after the known numbers, and named groups of which the user is no member."""

    rows: Sequence[InboxRow]
    messages: Sequence[Message]
    gone: Sequence[UUID]


class Catchup:
    """Reads what a client has missed, for clients that poll and for streams that find a gap.

    Any method may raise Unavailable.
    """

    def __init__(self, store: MessagingStore) -> None:
        self._store = store
        self._inbox = Inbox(store)

    async def newest(self, user: UUID) -> InboxPage:
        """Return the rows of a user's inbox, or the newest 20 of a large one, eventually consistent.

        0.5 RCU for each 13 rows of an ordinary size, at most 8.5; 10.5 RCU for a large inbox.
        """
        async with deadline(READ_SECONDS):
            return await self._inbox.newest(user, of_large=NEWEST)

    async def messages(self, group: UUID, *, after: int, until: int) -> list[Message]:
        """Return the messages after `after` up to `until`, all of which are in the log.

        0.5 RCU for each 20 messages, and 1 RCU more for each 20 if a number is missing in that read.
        """
        async with deadline(READ_SECONDS):
            found = await self._store.messages_between(group, after + 1, until)
            if len(found) < until - after:
                found = await self._store.messages_between(group, after + 1, until, consistent=True)
            return found

    async def changes(self, user: UUID, known: Mapping[UUID, SyncCursor]) -> Changes:
        """Return what differs from what the client has, strongly consistent but for the rows of a large inbox.

        Of rows that are not named only the 150 newest count. 1 RCU for each 13 rows, at most 17, and 0.5 RCU for each
        20 messages, at most 100; of a large inbox 78 RCU, and 0.5 RCU for each named group that is not among those 150.
        """
        async with deadline(READ_SECONDS):
            newest = (await self._inbox.newest(user, of_large=GROUPS, consistent=True)).rows
        rows = [row for at, row in enumerate(newest) if at < GROUPS or row.group_uuid in known]
        rows += await self._older_rows(user, known.keys() - {row.group_uuid for row in rows})
        has = {row.group_uuid: known.get(row.group_uuid, SyncCursor()) for row in rows}
        changed = [row for row in rows if row.version != has[row.group_uuid].version]
        named = [row for row in rows if row.group_uuid in known]
        gone = sorted(known.keys() - {row.group_uuid for row in named})
        return Changes(changed, await self._messages_after(named, known), gone)

    async def _older_rows(self, user: UUID, groups: Iterable[UUID]) -> list[InboxRow]:
        """Return the active rows of named groups that are not among the newest, eventually consistent."""
        async with deadline(READ_SECONDS):
            rows = await self._store.inbox_rows_of(user, sorted(groups))
        return [row for row in rows if row.state is MemberState.ACTIVE]

    async def _messages_after(self, rows: Sequence[InboxRow], known: Mapping[UUID, SyncCursor]) -> list[Message]:
        ranges, left = [], MESSAGES
        for row in rows:
            number = known[row.group_uuid].number
            until = min(row.last_number, number + left)
            if until > number:
                left -= until - number
                ranges.append(self.messages(row.group_uuid, after=number, until=until))
        return [message for found in await asyncio.gather(*ranges) for message in found]
