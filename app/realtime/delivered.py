"""The cursors of a stream: up to where it has delivered each group's logs, and the events that lead on from there.

An entry at or below the cursor was delivered already. An entry more than one above it follows others that the bus has
lost, and those are read from the log.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from app.messaging.catchup import MESSAGES, Catchup, SyncCursor
from app.messaging.events import GroupChanged, MessageAppended, MessageChanged
from app.messaging.inbox import InboxPage
from app.messaging.models import Change, Message
from app.messaging.row_models import InboxRow, MemberState
from app.realtime.events import LiveEvent
from app.realtime.positions import Numbers


@dataclass(frozen=True, slots=True)
class ResyncRequired:
    """The stream does not continue from what its client has: the client has to ask what has changed."""

    reason: str


Events: TypeAlias = list[LiveEvent] | ResyncRequired


class Delivered:
    """The cursor of each group. The methods that return events count them as delivered. They may raise Unavailable."""

    def __init__(self, catchup: Catchup) -> None:
        self._catchup = catchup
        self._cursors: dict[UUID, SyncCursor] = {}
        self._has_whole_inbox = True

    def begin(self, inbox: InboxPage) -> None:
        """Count all that these rows count as delivered."""
        self._has_whole_inbox = inbox.next is None
        self._cursors = {
            row.group_uuid: SyncCursor(row.last_number, row.view_version, row.change_number) for row in inbox.rows
        }

    def resume(self, rows: Collection[InboxRow], numbers: Numbers) -> None:
        """Count what these rows and a position count as delivered.

        No version of a row counts as delivered then, so that the next reconciliation delivers all that differ.
        """
        self._cursors = {
            row.group_uuid: SyncCursor(
                max(row.last_number, numbers.of(row.group_uuid, Message) or 0),
                change_number=max(row.change_number, numbers.of(row.group_uuid, Change) or 0),
            )
            for row in rows
        }

    async def message_events(self, event: MessageAppended) -> Events:
        """Return what to deliver because of a message."""
        number = event.message.number
        if number <= self._cursor(event.row).number:
            return await self.row_events(event.row)
        missing = await self._missing(event.row, until=number - 1)
        if isinstance(missing, ResyncRequired):
            return missing
        self._advance(event.row, number)
        return [*missing, event]

    async def change_events(self, event: MessageChanged) -> Events:
        """Return what to deliver because of a change."""
        row, number = event.row, event.change.number
        delivered = self._cursor(row).change_number
        if delivered is not None and number <= delivered:
            return await self.row_events(row)
        missing = await self._missing_of_both(row, until=event.change.message_number, change_until=number - 1)
        if isinstance(missing, ResyncRequired):
            return missing
        self._advance(row, self._cursor(row).number, change_number=number)
        return [*missing, event]

    async def row_events(self, row: InboxRow) -> Events:
        """Return the messages and changes that the row counts and, after them, its new version."""
        version = self._cursor(row).version
        if row.state is MemberState.LEFT:  # what follows in the logs is not for the user
            self._cursors.pop(row.group_uuid, None)
            return [GroupChanged(row)]
        missing = await self._missing_of_both(row, until=row.last_number, change_until=row.change_number)
        if isinstance(missing, ResyncRequired) or row.view_version <= version:
            return missing
        self._advance(row, row.last_number, change_number=row.change_number)
        return [*missing, GroupChanged(row)]

    async def _missing_of_both(self, row: InboxRow, *, until: int, change_until: int) -> Events:
        """Read the messages and the changes between the cursor and these numbers."""
        messages = await self._missing(row, until=until)
        changes = await self._missing_changes(row, until=change_until)
        if isinstance(messages, ResyncRequired) or isinstance(changes, ResyncRequired):
            return ResyncRequired("gap")
        return messages + changes

    async def _missing(self, row: InboxRow, *, until: int) -> Events:
        """Read the messages between the cursor and a number."""
        after = max(self._cursor(row).number, row.cleared_number)
        if until - after > MESSAGES:
            return ResyncRequired("gap")
        if until <= after:
            return []
        messages = await self._catchup.messages(row.group_uuid, after=after, until=until)
        for message in messages:
            self._advance(row, message.number)
        return [MessageAppended(message, row) for message in messages]

    async def _missing_changes(self, row: InboxRow, *, until: int) -> Events:
        """Read the changes between the cursor and a number, of a group that the client has."""
        after = self._cursor(row).change_number
        if after is None or until <= after:
            return []
        if until - after > MESSAGES:
            return ResyncRequired("gap")
        changes = await self._catchup.changes(row, after=after, until=until)
        for change in changes:
            self._advance(row, self._cursor(row).number, change_number=change.number)
        return [MessageChanged(change, row) for change in changes]

    def _cursor(self, row: InboxRow) -> SyncCursor:
        """Return the cursor of a row's group.

        A group without one is new or was left before, unless the inbox is too large to know all of it.
        """
        if cursor := self._cursors.get(row.group_uuid):
            return cursor
        if self._has_whole_inbox:
            return SyncCursor(max(0, row.last_number - MESSAGES), change_number=0)
        return SyncCursor(max(0, row.last_number - 1))

    def _advance(self, row: InboxRow, number: int, *, change_number: int | None = None) -> None:
        cursor = self._cursor(row)
        numbers = [known for known in (cursor.change_number, change_number) if known is not None]
        self._cursors[row.group_uuid] = SyncCursor(
            max(number, cursor.number), max(row.view_version, cursor.version), max(numbers, default=None)
        )
