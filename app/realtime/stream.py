"""One stream: subscribe, read what was missed, go live; nothing is left out and nothing is told twice in a row.

For each group the stream remembers up to where it has told. What comes below that was told already; what comes above it
by more than one had something before it that the bus lost, and the log has that.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from app.concurrency import full_jitter
from app.errors import Unavailable
from app.messaging.catchup import MESSAGES, Catchup, SyncCursor
from app.messaging.events import GroupChanged, MarkerMoved, MessageAppended, TypingChanged
from app.messaging.inbox import WHOLE_INBOX
from app.messaging.models import InboxRow, Message
from app.realtime.bus import Bus, Delivery, Missed, Subscription
from app.realtime.events import EventsLost, LiveEvent, ProfileChanged, decode

LOOK_SECONDS = 60.0
"""Between two looks at the rows while the bus is whole: an upper bound for whatever could get lost unnoticed."""
LOOK_OFTEN_SECONDS = 2.0
"""The same while the bus is not whole."""
OVERLAP = timedelta(seconds=2 * LOOK_SECONDS)
"""What an earlier stream has not found out by its last look is younger than this; so are the clocks' differences."""

HEARTBEAT_SECONDS = 15.0
"""After so long without an event there is nothing to tell but that the line is alive."""

Told: TypeAlias = AsyncIterator[tuple[LiveEvent | None, str | None]]
"""Events with the position after each, None where a stream cannot resume; no event is a heartbeat."""


class CannotContinue(Exception):
    """The stream cannot tell everything from here on; its client has to ask for what changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Stream:
    """What is told to one user on one connection, in order."""

    def __init__(self, user: UUID, subscription: Subscription, *, bus: Bus, catchup: Catchup) -> None:
        self._user = user
        self._subscription = subscription
        self._bus = bus
        self._catchup = catchup
        self._told: dict[UUID, SyncCursor] = {}
        self._has_whole_inbox = True
        self._looked_at = 0.0

    async def begin(self, position: str | None) -> Told:
        """What was missed since a position. CannotContinue when that is not known; then all from now on is live."""
        rows = await self._catchup.rows(self._user)
        self._has_whole_inbox = len(rows) < WHOLE_INBOX
        self._told = {row.group_uuid: SyncCursor(row.last_number, row.version) for row in rows}
        self._plan_look()
        if position is None:
            raise CannotContinue("new")
        missed = await self._bus.since(self._user, position)
        if missed is None:
            raise CannotContinue("expired")
        return self._missed(missed, rows)

    async def _missed(self, missed: Missed, rows: Sequence[InboxRow]) -> Told:
        """First the messages, from the log, as the bus may have lost some; then the rest, as it was told.

        No version of a row counts as told yet, so that the next look shows all that differ from what was told.
        """
        self._told = {row.group_uuid: SyncCursor(row.last_number) for row in rows}
        since = missed.at - OVERLAP
        for row in reversed([row for row in rows if row.last_at >= since]):
            for message in await self._messages_since(row, since):
                yield MessageAppended(message, row), None
        for delivery in missed.deliveries:
            event = self._decode(delivery)
            if not isinstance(event, TypingChanged):  # which is over by now
                async for told in self._numbered(self._settle(event), delivery.position):
                    yield told

    async def _messages_since(self, row: InboxRow, since: datetime) -> list[Message]:
        after = max(0, row.last_number - MESSAGES)
        messages = await self._catchup.messages(row.group_uuid, after=after, until=row.last_number)
        young = [message for message in messages if message.created_at >= since]
        if len(young) == MESSAGES:
            raise CannotContinue("gap")
        return young

    async def live(self) -> Told:
        """Events from now on. Raises Over at the end, CannotContinue before it."""
        while True:
            delivery = await self._subscription.next(min(HEARTBEAT_SECONDS, self._seconds_to_look()))
            events = self._settle(self._decode(delivery)) if delivery else self._look_in_time()
            async for told in self._numbered(events, delivery.position if delivery else None):
                yield told
            if delivery is None:
                yield None, None

    async def _numbered(self, events: AsyncIterator[LiveEvent], position: str | None) -> Told:
        """The position belongs to the last of the events that one delivery became."""
        last: LiveEvent | None = None
        async for event in events:
            if last is not None:
                yield last, None
            last = event
        if last is not None:
            yield last, position

    def _decode(self, delivery: Delivery) -> LiveEvent:
        return decode(delivery.payload, to=self._user)

    def _settle(self, event: LiveEvent) -> AsyncIterator[LiveEvent]:
        """What is to be told because of an event."""
        match event:
            case MessageAppended():
                return self._message(event)
            case GroupChanged():
                return self._row(event.row)
            case MarkerMoved() | TypingChanged():
                return self._of_group(event)
            case ProfileChanged():
                return _just(event)
            case EventsLost():
                return self._look()

    async def _message(self, event: MessageAppended) -> AsyncIterator[LiveEvent]:
        number, told = event.message.number, self._known(event.row)
        if number <= told.number:
            async for other in self._row(event.row):
                yield other
            return
        async for missing in self._missing(event.row, until=number - 1):
            yield missing
        self._tell(event.row, number)
        yield event

    async def _row(self, row: InboxRow) -> AsyncIterator[LiveEvent]:
        """A row's new version, after the messages that it knows of."""
        version = self._known(row).version
        async for missing in self._missing(row, until=row.last_number):
            yield missing
        if row.version > version:
            self._tell(row, row.last_number)
            yield GroupChanged(row)

    async def _missing(self, row: InboxRow, *, until: int) -> AsyncIterator[LiveEvent]:
        """Messages that were not told yet, from the log."""
        after = self._known(row).number
        if until - after > MESSAGES:
            raise CannotContinue("gap")
        if until > after:
            for message in await self._catchup.messages(row.group_uuid, after=after, until=until):
                self._tell(row, message.number)
                yield MessageAppended(message, row)

    async def _of_group(self, event: MarkerMoved | TypingChanged) -> AsyncIterator[LiveEvent]:
        """What says nothing of the receiver's row: whether they are still in the group is looked up."""
        if event.user_uuid == self._user or await self._catchup.is_member(self._user, event.group_uuid):
            yield event

    async def _look_in_time(self) -> AsyncIterator[LiveEvent]:
        if self._seconds_to_look() <= 0:
            async for event in self._look():
                yield event

    async def _look(self) -> AsyncIterator[LiveEvent]:
        """Compare with the rows. While they cannot be read there is nothing to tell, and the next look may do."""
        self._plan_look()
        with suppress(Unavailable):
            for row in reversed(await self._catchup.rows(self._user)):
                async for event in self._row(row):
                    yield event

    def _known(self, row: InboxRow) -> SyncCursor:
        """A group that is not known is new or was left before, unless the inbox is too large to know all of it."""
        known = self._told.get(row.group_uuid)
        return known or SyncCursor(max(0, row.last_number - (MESSAGES if self._has_whole_inbox else 1)))

    def _tell(self, row: InboxRow, number: int) -> None:
        known = self._known(row)
        self._told[row.group_uuid] = SyncCursor(max(number, known.number), max(row.version, known.version))

    def _plan_look(self) -> None:
        self._looked_at = asyncio.get_running_loop().time() - full_jitter(LOOK_OFTEN_SECONDS / 2)

    def _seconds_to_look(self) -> float:
        pause = LOOK_SECONDS if self._bus.is_whole else LOOK_OFTEN_SECONDS
        return self._looked_at + pause - asyncio.get_running_loop().time()


async def _just(event: LiveEvent) -> AsyncIterator[LiveEvent]:
    yield event
