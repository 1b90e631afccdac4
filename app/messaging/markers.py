"""Read and delivered markers: how far members have come in a group's log, and the events of that."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from app.concurrency import READ_SECONDS, deadline
from app.concurrency.publish import Publish
from app.errors import Unavailable
from app.messaging.errors import GroupNotFound, NumberBeyondEnd
from app.messaging.events import GroupChanged, MarkerMoved
from app.messaging.groups.members import Members
from app.messaging.groups.models import has_head
from app.messaging.projection import Projection
from app.messaging.row_models import InboxRow, MemberState
from app.messaging.store import MarkerNotMoved, MessagingStore

Move: TypeAlias = Callable[[UUID, UUID, int], Awaitable[InboxRow]]
"""Moves a marker of a user in a group to a number and returns the row, or raises MarkerNotMoved."""
ReadRow: TypeAlias = Callable[[UUID, UUID], Awaitable[InboxRow]]
"""Returns a member's row of a group, strongly consistent, or raises GroupNotFound."""


class Markers:
    """Moves and reads the markers of members. Any method may raise Unavailable."""

    def __init__(
        self, store: MessagingStore, read_row: ReadRow, projection: Projection, members: Members, publish: Publish
    ) -> None:
        """Publish GroupChanged to the user of a row, and MarkerMoved to the user and the other member."""
        self._store = store
        self._read_row = read_row
        self._projection = projection
        self._members = members
        self._publish = publish

    async def mark_read(self, user: UUID, group: UUID, number: int) -> InboxRow:
        """Move the read marker forward to a number and return the row; a lower number leaves it unchanged.

        Raises GroupNotFound, and NumberBeyondEnd for a number that the group does not have. 1 WCU and 0.5 RCU.
        """
        return await self._mark(user, group, number, self._store.move_read_marker)

    async def mark_delivered(self, user: UUID, group: UUID, number: int) -> InboxRow:
        """Move the delivered marker as `mark_read` moves the read one, which counts for both. 1 WCU and 0.5 RCU."""
        return await self._mark(user, group, number, self._store.move_delivered_marker)

    async def _mark(self, user: UUID, group: UUID, number: int, move: Move) -> InboxRow:
        async with deadline(READ_SECONDS):
            if has_head(group):  # the row of a member may not know the end of the log
                known = await self._read_row(user, group)
                if known.last_number < number:
                    await self.catch_up(known, number)
                return await self._move_marker(user, group, number, move, known=known)
            row = await self._move_marker(user, group, number, move)
            if row.last_number < number:
                await self.catch_up(row, number)
                row = await self._move_marker(user, group, number, move)
        if row.last_number < number:
            raise Unavailable("The inbox row cannot be written at the moment, try again")
        return row

    async def catch_up(self, row: InboxRow, number: int) -> None:
        """Bring a row that is behind the log, or the head, up to a message, or raise NumberBeyondEnd. 1 RCU and 2 WCU.

        A process ended between commit and projection.
        """
        end = await self._store.message(row.group_uuid, number)
        if end is None:
            raise NumberBeyondEnd
        await self._projection.project(end, row)

    async def _move_marker(
        self, user: UUID, group: UUID, number: int, move: Move, *, known: InboxRow | None = None
    ) -> InboxRow:
        """Return the row after an attempt to move a marker, with what `known` says of the group."""
        try:
            row = await move(user, group, number)
        except MarkerNotMoved as error:
            if error.row is None or error.row.state is not MemberState.ACTIVE:
                raise GroupNotFound from None
            row = error.row
            if number not in {row.read_number, row.delivered_number}:
                return row  # else it was moved before: by a call, perhaps, whose answer was lost, and with it the event
        row = row.told_by(known) if known else row
        if row.read_number == number:  # a move of the delivered marker leaves the version as it is
            await self._publish(GroupChanged(row))
        await self._publish(MarkerMoved.of(row, to=user))
        await self.share(row)
        return row

    async def share(self, row: InboxRow) -> None:
        """Publish a member's markers to the peer, unless the group is blocked, or a request. 0.5 RCU.

        In a group of several members only the last sender is told, for 1 RCU. Raises nothing: others can read them.
        """
        other = row.peer_uuid or row.last_by
        if row.is_blocked or row.is_pending or other == row.user_uuid:
            return
        with suppress(Unavailable):
            if await self.is_member(other, row.group_uuid):
                await self._publish(MarkerMoved.of(row, to=other))

    async def is_member(self, user: UUID, group: UUID) -> bool:
        """Return whether a user is an active member, eventually consistent: whether to publish to the user. 0.5 RCU."""
        row = await self._store.inbox_row(user, group, consistent=False)
        return row is not None and row.state is MemberState.ACTIVE

    async def member_rows(self, user: UUID, group: UUID) -> list[InboxRow]:
        """Return the members' rows, the others' eventually consistent, or raise GroupNotFound. 1.5 RCU.

        Of a group of several members 2 RCU, and 0.5 RCU for each other member. Until a request is accepted, each of the
        two gets the own row only: 1 RCU.
        """
        async with deadline(READ_SECONDS):
            row = await self._read_row(user, group)
            if row.is_pending:
                return [row]
            if row.peer_uuid is None:
                return [row, *await self._store.heads.member_rows(group, {*await self._members.of(row)} - {user})]
            peer = await self._store.inbox_row(row.peer_uuid, group, consistent=False)
        if peer and row.peer_read is not None:
            peer = replace(peer, read_number=row.peer_read, received_number=row.peer_delivered)
        return [row, peer] if peer else [row]
