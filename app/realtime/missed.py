"""The messages and changes that a resumed stream reads from the logs, as the bus may have lost some of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol, TypeVar
from uuid import UUID

from app.messaging.catchup import MESSAGES, Catchup
from app.messaging.events import MessageAppended, MessageChanged
from app.messaging.models import Change, Message
from app.messaging.row_models import InboxRow
from app.realtime.positions import Numbers

REPLAY_OVERLAP: Final = timedelta(seconds=120)
"""A resumed stream starts to read a log without a number this long before its position: it covers the losses that the
earlier stream had not noticed, with two comparisons with the rows, and the difference between two clocks."""
REPLAY_GROUPS, REPLAY_CHUNK = 20, 10
"""Groups of which a resumed stream reads the logs, and entries that it reads of each at once. It has MESSAGES entries
in all; with more groups or entries the client has to ask what has changed."""

Entry = TypeVar("Entry", Message, Change)


class _Read(Protocol[Entry]):
    """Reads the entries of one of a group's logs after `after` up to `until`."""

    async def __call__(self, *, after: int, until: int) -> list[Entry]: ...


class Missed:
    """The entries of logs since a stream's position, MESSAGES in all."""

    def __init__(self, catchup: Catchup, numbers: Numbers, at: datetime) -> None:
        """`numbers` and `at` are those of the position: up to where logs were delivered, and the time."""
        self._catchup = catchup
        self._numbers = numbers
        self._since = at - REPLAY_OVERLAP
        self._left = MESSAGES

    def active(self, rows: Sequence[InboxRow]) -> list[InboxRow]:
        """Return the rows of groups with entries since the position, the oldest activity first."""
        found = [row for row in rows if self._has_messages(row) or self._has_changes(row)]
        return sorted(found, key=lambda row: max(row.last_at, row.changed_at) if row.changed_at else row.last_at)

    def _has_messages(self, row: InboxRow) -> bool:
        return row.last_at >= self._since and row.last_number > (self._numbers.of(row.group_uuid, Message) or 0)

    def _has_changes(self, row: InboxRow) -> bool:
        if row.changed_at is None or row.changed_at < self._since:
            return False
        return row.change_number > (self._numbers.of(row.group_uuid, Change) or 0)

    async def of(self, row: InboxRow) -> list[MessageAppended | MessageChanged] | None:
        """Return what a group has since the position, or None if with that there are too many in all.

        0.5 RCU for each 10 entries. Raises Unavailable.
        """
        found: list[MessageAppended | MessageChanged] = []
        group = row.group_uuid
        if self._has_messages(row):
            messages = await self._entries(partial(self._catchup.messages, group), group, Message, row.last_number)
            found += [MessageAppended(each, row) for each in messages if each.number > row.cleared_number]
        if self._has_changes(row):
            changes = await self._entries(partial(self._catchup.changes, row), group, Change, row.change_number)
            found += [MessageChanged(each, row) for each in changes]
        self._left -= len(found)
        return found if self._left >= 0 else None

    async def _entries(self, read: _Read[Entry], group: UUID, kind: type[Entry], until: int) -> list[Entry]:
        """Return what follows the number that the position has of a log; too many are cut off.

        Without a number read all since then: backwards until a chunk has an older entry, or there are too many.
        """
        if known := self._numbers.of(group, kind):
            return await read(after=known, until=min(until, known + self._left + 1))
        found: list[Entry] = []
        while until and len(found) <= self._left:
            after = max(0, until - REPLAY_CHUNK)
            chunk = await read(after=after, until=until)
            recent = [entry for entry in chunk if entry.created_at >= self._since]
            found = recent + found
            until = after if len(recent) == len(chunk) else 0
        return found
