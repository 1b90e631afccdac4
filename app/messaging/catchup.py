"""What somebody missed: the difference between what they have and the log and rows as they are."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.concurrency import READ_SECONDS, deadline
from app.messaging.inbox import WHOLE_INBOX, Inbox
from app.messaging.models import InboxRow, MemberState, Message
from app.messaging.store import MessagingStore

GROUPS = 150
"""So many groups can be named at once: with the greatest numbers they still fit into a request's body."""
MESSAGES = 100
"""At most so many messages at once; who is further behind pages on."""


@dataclass(frozen=True, slots=True)
class Known:
    """What somebody has of a group: the highest number, and the version of their row; 0 for nothing."""

    number: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows that are new or changed, messages after the known numbers, and groups that one is not in (any more)."""

    rows: Sequence[InboxRow]
    messages: Sequence[Message]
    gone: Sequence[UUID]


class Catchup:
    """Reads what happened meanwhile. It serves those who poll, and streams that find a gap."""

    def __init__(self, store: MessagingStore) -> None:
        self._store = store
        self._inbox = Inbox(store)

    async def rows(self, user: UUID, *, consistent: bool = False) -> list[InboxRow]:
        """The newest 200 groups of a user."""
        async with deadline(READ_SECONDS):
            return await self._inbox.newest_rows(user, limit=WHOLE_INBOX, consistent=consistent)

    async def is_member(self, user: UUID, group: UUID) -> bool:
        """As of a moment ago. 0.5 RCU."""
        async with deadline(READ_SECONDS):
            row = await self._store.inbox_row(user, group, consistent=False)
        return row is not None and row.state is MemberState.ACTIVE

    async def messages(self, group: UUID, *, after: int, until: int) -> list[Message]:
        """All of a short stretch, strongly consistent: nothing that was committed is missing."""
        async with deadline(READ_SECONDS):
            return await self._store.messages_between(group, after + 1, until, consistent=True)

    async def changes(self, user: UUID, known: Mapping[UUID, Known]) -> Changes:
        """What differs from what the user has, as of now."""
        newest = await self.rows(user, consistent=True)
        rows = [row for at, row in enumerate(newest) if at < GROUPS or row.group_uuid in known]
        rows += await self._older_rows(user, known.keys() - {row.group_uuid for row in rows})
        has = {row.group_uuid: known.get(row.group_uuid, Known()) for row in rows}
        changed = [row for row in rows if row.version != has[row.group_uuid].version]
        named = [row for row in rows if row.group_uuid in known]
        gone = sorted(known.keys() - {row.group_uuid for row in named})
        return Changes(changed, await self._messages_behind(named, known), gone)

    async def _older_rows(self, user: UUID, groups: Iterable[UUID]) -> list[InboxRow]:
        """Named groups that are not among the newest."""
        async with deadline(READ_SECONDS):
            rows = await self._store.inbox_rows_of(user, sorted(groups))
        return [row for row in rows if row.state is MemberState.ACTIVE]

    async def _messages_behind(self, rows: Sequence[InboxRow], known: Mapping[UUID, Known]) -> list[Message]:
        stretches, left = [], MESSAGES
        for row in rows:
            number = known[row.group_uuid].number
            until = min(row.last_number, number + left)
            if until > number:
                left -= until - number
                stretches.append(self.messages(row.group_uuid, after=number, until=until))
        return [message for stretch in await asyncio.gather(*stretches) for message in stretch]
