"""One stream: subscribe, read what was missed, go live. No event is left out, and none comes twice in a row."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias
from uuid import UUID

from cachetools import LRUCache

from app.concurrency import full_jitter
from app.errors import Unavailable
from app.messaging.catchup import Catchup
from app.messaging.events import (
    GroupChanged,
    HeadMoved,
    MarkerMoved,
    MessageAppended,
    MessageChanged,
    TypingChanged,
)
from app.messaging.inbox import InboxPage
from app.messaging.row_models import InboxRow, MemberState
from app.realtime.bus import Bus, Subscription
from app.realtime.delivered import Delivered, Events, ResyncRequired
from app.realtime.events import EventsLost, LiveEvent, PresenceChanged, ProfileChanged
from app.realtime.missed import REPLAY_GROUPS, Missed
from app.realtime.positions import Numbers, read_position
from app.realtime.replay import Delivery

RECONCILE_INTERVAL = 60.0
"""Seconds between two comparisons with the rows while the bus is reliable: the longest that a loss goes unnoticed."""
UNRELIABLE_RECONCILE_INTERVAL = 2.0
"""Seconds between two comparisons with the rows while the bus is not reliable."""
HEARTBEAT_SECONDS = 15.0
"""The longest that a stream hands on nothing."""
REMEMBERED_ROWS = 64
"""Rows of groups of several members that a stream remembers, about 1 kB each, to join them with what a head says."""


@dataclass(frozen=True, slots=True)
class StreamItem:
    """An event, and the position after it where a stream can resume. Without an event it is a heartbeat."""

    event: LiveEvent | ResyncRequired | None = None
    position: str | None = None


Step: TypeAlias = Callable[[], Awaitable[list[StreamItem]]]
Withheld: TypeAlias = MarkerMoved | TypingChanged | PresenceChanged
Shows: TypeAlias = Callable[[Withheld], Awaitable[bool]]


async def shows_all(_: Withheld) -> bool:
    """Return True, where no member hides anything."""
    return True


class Stream:
    """The events of one user on one connection, in order.

    It works in steps: each one reads what one delivery or one inbox row requires, and returns at most MESSAGES + 1
    items. Planned steps come before the next delivery.
    """

    def __init__(
        self, user: UUID, subscription: Subscription, *, bus: Bus, catchup: Catchup, shows: Shows = shows_all
    ) -> None:
        """`shows` says at delivery whether the user may have what was published before, and may raise Unavailable."""
        self._shows = shows
        self._user = user
        self._subscription = subscription
        self._bus = bus
        self._catchup = catchup
        self._delivered = Delivered(catchup)
        self._rows: LRUCache[UUID, InboxRow] = LRUCache(REMEMBERED_ROWS)
        self._steps: deque[Step] = deque()
        self._numbers = Numbers()
        self._reconciled_at = 0.0
        self.is_over = False
        """Return whether `next_items` has nothing more to return."""

    @property
    def closed(self) -> "asyncio.Future[None]":
        """Done when the stream is to end soon, whether or not its client reads."""
        return self._subscription.closed

    def close(self) -> None:
        """End the stream soon."""
        self._subscription.close()

    async def start(self, position: str | None) -> None:
        """Read the user's rows, and resume after a position with the first items, or from now on if it is None.

        Raises Unavailable. 0.5 RCU for each 13 rows, at most 10.5 RCU. A replay reads the messages and changes after
        the numbers that the position has. Of other logs with activity since two minutes before it reads 10 entries, and
        10 more for each 10 that came in that time: at most 300 messages and 300 changes in all.
        """
        inbox = await self._catchup.newest(self._user)
        self._delivered.begin(inbox)
        self._schedule_reconciliation()
        self._steps.append(partial(self._resume, position, inbox))

    async def next_items(self) -> list[StreamItem]:
        """Return the next items, at most MESSAGES + 1 and maybe none, after 15 s and the reads at the latest.

        ResyncRequired is the last item of a stream that cannot continue. Raises Unavailable, after which the stream has
        to end. An event costs nothing, a lost message 1 RCU and a comparison with the rows 0.5 RCU for each 13 of them.
        """
        step = self._steps.popleft() if self._steps else self._take_delivery
        return [self._with_numbers(item) for item in await step()]

    def _with_numbers(self, item: StreamItem) -> StreamItem:
        """Add to a position up to where logs were delivered, so that a stream that resumes there repeats nothing."""
        match item.event:
            case MessageAppended(message):
                self._numbers.add(message)
            case MessageChanged(change):
                self._numbers.add(change)
        return replace(item, position=self._numbers.position(item.position)) if item.position else item

    async def _resume(self, position: str | None, inbox: InboxPage) -> list[StreamItem]:
        """Plan the messages first, from the log, as the bus may have lost some; then the events that were published."""
        if position is None:
            return [StreamItem(ResyncRequired("new"))]
        of_bus, numbers = read_position(position)
        replay = await self._bus.replay_after(self._user, of_bus)
        if replay is None:
            return [StreamItem(ResyncRequired("expired"))]
        self._numbers = numbers
        by_group = {row.group_uuid: row for row in (*replay.rows, *inbox.rows)}  # a large inbox has more rows
        missed = Missed(self._catchup, numbers, replay.at)
        active = missed.active([*by_group.values()])
        if len(active) > REPLAY_GROUPS:
            return [StreamItem(ResyncRequired("gap"))]
        self._delivered.resume(by_group.values(), numbers)
        self._steps.extend(partial(self._replay_logs, missed, row, inbox) for row in active)
        self._steps.extend(partial(self._deliver, delivery) for delivery in replay.deliveries)
        return []

    async def _replay_logs(self, missed: Missed, row: InboxRow, inbox: InboxPage) -> list[StreamItem]:
        """Return a group's messages and changes since the position. With too many the stream goes on as a new one."""
        found = await missed.of(row)
        if found is None:
            self._steps.clear()
            self._numbers = Numbers()
            self._delivered.begin(inbox)
            return [StreamItem(ResyncRequired("gap"))]
        return list(map(StreamItem, found))

    async def _take_delivery(self) -> list[StreamItem]:
        delivery = await self._subscription.next(min(HEARTBEAT_SECONDS, self._seconds_to_reconciliation()))
        if self.closed.done():
            self.is_over = True
            return [StreamItem(ResyncRequired("overflow"))] if self._subscription.has_overflowed else []
        if delivery is None:
            if self._seconds_to_reconciliation() <= 0:
                await self._reconcile()
            return [StreamItem()]
        return await self._deliver(delivery)

    async def _deliver(self, delivery: Delivery) -> list[StreamItem]:
        return self._to_items(await self._events_for(delivery.event), delivery.position)

    def _to_items(self, events: Events, position: str | None = None) -> list[StreamItem]:
        """Give the position to the last of the events that one delivery became, and end the stream at a gap."""
        if isinstance(events, ResyncRequired):
            self.is_over = True
            return [StreamItem(events)]
        last = len(events) - 1
        return [StreamItem(event, position if at == last else None) for at, event in enumerate(events)]

    async def _events_for(self, event: LiveEvent) -> Events:
        """Return what to deliver because of an event."""
        match event:
            case MessageAppended():
                return await self._delivered.message_events(event)
            case MessageChanged():
                return await self._delivered.change_events(event)
            case GroupChanged():
                return await self._delivered.row_events(self._remember(event.row))
            case HeadMoved():
                return await self._head_events(event)
            case MarkerMoved() | TypingChanged() | PresenceChanged() | ProfileChanged():
                is_shown = isinstance(event, ProfileChanged) or await self._may_have(event)
                return [event] if is_shown else []
            case EventsLost():
                await self._reconcile()
        return []

    async def _head_events(self, event: HeadMoved) -> Events:
        """Return what to deliver because of an event of the head, if the user's row says that the user is a member."""
        group = event.row.group_uuid
        known = self._rows.get(group) or await self._catchup.row(self._user, group)
        row = self._remember(known.told_by(event.row)) if known else None
        if row is None or row.state is MemberState.LEFT:
            return []
        if event.message:
            return await self._delivered.message_events(MessageAppended(event.message, row))
        if event.change:
            return await self._delivered.change_events(MessageChanged(event.change, row))
        return await self._delivered.row_events(row)

    def _remember(self, row: InboxRow) -> InboxRow:
        """Return the row of a group of several with the newest that the stream knows of it, and remember that."""
        if row.peer_uuid:
            return row
        if known := self._rows.get(row.group_uuid):
            row = (row if row.version > known.version else known).told_by(known).told_by(row)
        self._rows[row.group_uuid] = row
        return row

    async def _may_have(self, event: Withheld) -> bool:
        """Return whether to deliver an event: what counts for a moment only not while that cannot be known."""
        if isinstance(event, MarkerMoved):
            return await self._shows(event)
        with suppress(Unavailable):
            return await self._shows(event)
        return False

    async def _reconcile(self) -> None:
        """Plan a comparison with each row, the oldest activity first. If they cannot be read, the next one does it."""
        self._schedule_reconciliation()
        with suppress(Unavailable):
            inbox = await self._catchup.newest(self._user)
            self._steps.extendleft(partial(self._reconcile_row, row) for row in inbox.rows)

    async def _reconcile_row(self, row: InboxRow) -> list[StreamItem]:
        with suppress(Unavailable):
            return self._to_items(await self._delivered.row_events(self._remember(row)))
        return []

    def _schedule_reconciliation(self) -> None:
        self._reconciled_at = asyncio.get_running_loop().time() - full_jitter(UNRELIABLE_RECONCILE_INTERVAL / 2)

    def _seconds_to_reconciliation(self) -> float:
        interval = RECONCILE_INTERVAL if self._bus.is_reliable else UNRELIABLE_RECONCILE_INTERVAL
        return self._reconciled_at + interval - asyncio.get_running_loop().time()
