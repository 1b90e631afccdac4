"""The rules of members' own views of groups."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from app.concurrency import NUMBER_CONTENTION, READ_SECONDS, deadline
from app.concurrency.publish import Publish, discard_events
from app.errors import Unavailable
from app.messaging.clock import now
from app.messaging.errors import GroupNotFound, NotInInbox, NumberBeyondEnd, TooManyPins
from app.messaging.events import GroupChanged
from app.messaging.my_view.items import UNSET, Unset, ViewChange, left
from app.messaging.my_view.pins import MAX_PINS, can_be_pinned
from app.messaging.row_models import InboxRow, MemberState
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore

ATTEMPTS = 8
"""Attempts to write a row that others write at the same time."""
Rule: TypeAlias = Callable[[InboxRow], InboxRow]
"""Returns a row as it is wanted."""


class MyView:
    """Changes members' views of groups. Every call raises GroupNotFound, and may raise Unavailable."""

    def __init__(self, messaging: Messaging, store: MessagingStore, publish: Publish = discard_events) -> None:
        """Publish GroupChanged for each change."""
        self._messaging = messaging
        self._store = store
        self._publish = publish

    async def change(self, user: UUID, group: UUID, change: ViewChange) -> InboxRow:
        """Change the caller's view of a group and return the row. A repetition changes nothing.

        Raises NumberBeyondEnd for more messages to clear than there are, and NotInInbox and TooManyPins for a pin.
        1 WCU; 1 RCU in place of it for a change of nothing; 1 RCU and 3 WCU, as the index entry moves, to archive a
        group or to take it out of the archive; 1 RCU and 1 WCU to clear it; 2 RCU and 4 WCU to pin or unpin it, and
        1 RCU and 2 WCU more for each other group whose position changes.
        """
        if change == ViewChange():
            return await self._messaging.group(user, group)
        async with deadline(READ_SECONDS):
            if change.is_plain:
                row = await self._store.views.change(user, group, change)
                rows: Sequence[InboxRow] = [row] if row else []
            else:
                row = await self._row(user, group, change)
                rows = await self._rewrite(row, change.applied, change.pin_position)
        if not rows or rows[0].state is not MemberState.ACTIVE:
            raise GroupNotFound
        await self._publish(*map(GroupChanged, rows))  # of a repetition, too: the first answer may be lost
        return rows[0]

    async def leave(self, user: UUID, group: UUID) -> InboxRow:
        """Leave a direct group and return the row: it is in no list until the next message.

        1 RCU and 2 WCU, as the index entry goes; 1 WCU more for the message that brings it back. A repetition raises
        GroupNotFound, and costs 1 RCU.
        """
        async with deadline(READ_SECONDS):
            row = await self._store.inbox_row(user, group)
            is_member = row is not None and row.state is MemberState.ACTIVE
            rows = await self._rewrite(row, left)
        await self._publish(*map(GroupChanged, rows))
        if not rows or not is_member:
            raise GroupNotFound
        return rows[0]

    async def pinned(self, user: UUID) -> Sequence[InboxRow]:
        """Return the rows of the pinned groups, in their order. 0.5 RCU, and 0.5 RCU for each."""
        async with deadline(READ_SECONDS):
            return await self._store.views.pinned_rows(await self._store.views.pins(user, consistent=False))

    async def _row(self, user: UUID, group: UUID, change: ViewChange) -> InboxRow | None:
        """Return a row that knows the messages that are to be cleared, or raise NumberBeyondEnd without them."""
        row = await self._store.inbox_row(user, group)
        if row is None or change.cleared_number is UNSET or row.last_number >= change.cleared_number:
            return row
        try:
            await self._messaging.markers.catch_up(row, change.cleared_number)
        except NumberBeyondEnd as error:
            error.pointer = "/cleared_number"
            raise
        row = await self._store.inbox_row(user, group)
        if row and row.last_number < change.cleared_number:
            raise Unavailable("The inbox row cannot be written at the moment, try again")
        return row

    async def _rewrite(
        self, row: InboxRow | None, rule: Rule, position: int | Unset | None = UNSET
    ) -> Sequence[InboxRow]:
        """Write what a rule makes of a row of an active member, and a pin; return the row as it is stored then.

        Other rows whose position has changed follow.
        """
        for attempt in range(ATTEMPTS):
            if row is None or row.state is not MemberState.ACTIVE:
                return [row] if row else []
            wanted = rule(row)
            place = row.pin_position if position is UNSET else position
            if not can_be_pinned(wanted):
                if isinstance(position, int):
                    raise NotInInbox
                place = None
            if written := await self._write(row, wanted, place):
                return written
            await asyncio.sleep(NUMBER_CONTENTION.seconds(attempt))
            row = await self._store.inbox_row(row.user_uuid, row.group_uuid)
        raise Unavailable("Others write the inbox row at the same time")

    async def _write(self, row: InboxRow, wanted: InboxRow, position: int | None) -> Sequence[InboxRow]:
        """Return the row, and others that moved, after a write; nothing if others write them at the same time."""
        if position == row.pin_position:
            written = row if wanted == row else await self._store.views.rewrite(row, wanted)
            return [written] if written else []
        pins = await self._store.views.pins(row.user_uuid)
        placed = pins.placed(row.group_uuid, position)
        if len(placed.groups) > MAX_PINS:
            raise TooManyPins
        position = placed.position(row.group_uuid)
        pinned_at = (row.pinned_at or now()) if position else None
        wanted = replace(wanted, pin_position=position, pinned_at=pinned_at)
        if (wanted, placed) == (row, pins):
            return [row]
        return await self._store.views.rewrite_pinned(row, wanted, pins, placed)
