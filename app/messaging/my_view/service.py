"""The rules of members' own views of groups."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias
from uuid import UUID

from app.concurrency import NUMBER_CONTENTION, READ_SECONDS, deadline
from app.errors import Unavailable
from app.messaging.errors import GroupNotFound, NumberBeyondEnd
from app.messaging.events import GroupChanged
from app.messaging.models import InboxRow, MemberState
from app.messaging.my_view.items import UNSET, ViewChange, left
from app.messaging.my_view.store import ViewStore
from app.messaging.service import Messaging
from app.publish import Publish, discard_events

ATTEMPTS = 8
"""Attempts to write a row that others write at the same time."""
Rule: TypeAlias = Callable[[InboxRow], InboxRow]
"""Returns a row as it is wanted."""


class MyView:
    """Changes members' views of groups. Every call raises GroupNotFound, and may raise Unavailable."""

    def __init__(self, messaging: Messaging, store: ViewStore, publish: Publish = discard_events) -> None:
        """Publish GroupChanged for each change."""
        self._messaging = messaging
        self._store = store
        self._publish = publish

    async def change(self, user: UUID, group: UUID, change: ViewChange) -> InboxRow:
        """Change the caller's view of a group and return the row. A repetition changes nothing.

        Raises NumberBeyondEnd for more messages to clear than there are.
        1 WCU; 1 RCU in place of it for a change of nothing; 1 RCU and 3 WCU, as the index entry moves, to archive a
        group or to take it out of the archive; 1 RCU and 1 WCU to clear it.
        """
        if change == ViewChange():
            return await self._messaging.group(user, group)
        async with deadline(READ_SECONDS):
            if change.is_plain:
                row = await self._store.change(user, group, change)
            else:
                row = await self._rewrite(await self._row(user, group, change), change.applied)
        if row is None or row.state is not MemberState.ACTIVE:
            raise GroupNotFound
        await self._publish(GroupChanged(row))  # of a repetition, too: the first answer may be lost, and its event
        return row

    async def leave(self, user: UUID, group: UUID) -> InboxRow:
        """Leave a direct group and return the row: it is in no list until the next message.

        1 RCU and 2 WCU, as the index entry goes; 1 WCU more for the message that brings it back. A repetition raises
        GroupNotFound, and costs 1 RCU.
        """
        async with deadline(READ_SECONDS):
            row = await self._store.row(user, group)
            is_member = row is not None and row.state is MemberState.ACTIVE
            row = await self._rewrite(row, left)
        if row:
            await self._publish(GroupChanged(row))
        if row is None or not is_member:
            raise GroupNotFound
        return row

    async def _row(self, user: UUID, group: UUID, change: ViewChange) -> InboxRow | None:
        """Return a row that knows the messages that are to be cleared, or raise NumberBeyondEnd without them."""
        row = await self._store.row(user, group)
        if row is None or change.cleared_number is UNSET or row.last_number >= change.cleared_number:
            return row
        try:
            await self._messaging.catch_up(row, change.cleared_number)
        except NumberBeyondEnd as error:
            error.pointer = "/cleared_number"
            raise
        row = await self._store.row(user, group)
        if row and row.last_number < change.cleared_number:
            raise Unavailable("The inbox row cannot be written at the moment, try again")
        return row

    async def _rewrite(self, row: InboxRow | None, rule: Rule) -> InboxRow | None:
        """Write what a rule makes of a row of an active member; return the row as it is stored then."""
        for attempt in range(ATTEMPTS):
            if row is None or row.state is not MemberState.ACTIVE or rule(row) == row:
                return row
            if written := await self._store.rewrite(row, rule(row)):
                return written
            await asyncio.sleep(NUMBER_CONTENTION.seconds(attempt))
            row = await self._store.row(row.user_uuid, row.group_uuid)
        raise Unavailable("Others write the inbox row at the same time")
