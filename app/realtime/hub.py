"""Hub: the open streams of this process, and their events as the API shows them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from datetime import UTC, datetime
from uuid import UUID

from app.errors import Overloaded
from app.messaging.catchup import Catchup
from app.messaging.change_schemas import ChangeView
from app.messaging.events import (
    GroupChanged,
    MarkerMoved,
    MessageAppended,
    MessageChanged,
    TypingChanged,
)
from app.messaging.views import Views
from app.observability.metrics import Metrics
from app.realtime.bus import Bus
from app.realtime.delivered import ResyncRequired
from app.realtime.errors import TooManyStreams
from app.realtime.events import LiveEvent, PresenceChanged, ProfileChanged
from app.realtime.leases import MAX_USER_STREAMS, StreamLeases
from app.realtime.schemas import (
    ChangeEvent,
    EventView,
    GroupEvent,
    MessageEvent,
    PresenceEvent,
    ProfileEvent,
    ReadEvent,
    ResyncEvent,
    TypingEvent,
)
from app.realtime.stream import Shows, Stream, shows_all
from app.users.events import AccountChanged, AnyAccountChanged

RESERVED_SHARE = 0.1
"""The share of a process's streams that is kept for users that have none there."""


class Hub:
    """Opens streams, and closes them when their token expires and at shutdown."""

    def __init__(
        self,
        bus: Bus,
        catchup: Catchup,
        views: Views,
        metrics: Metrics,
        leases: StreamLeases,
        *,
        most_streams: int,
        shows: Shows = shows_all,
        streaming: Callable[[UUID], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """`shows` is that of Stream; `streaming` is entered for as long as a user has a stream."""
        self._streaming = streaming
        self._shows = shows
        self._bus = bus
        self._catchup = catchup
        self._views = views
        self._metrics = metrics
        self._leases = leases
        self._most_streams = most_streams
        self._unreserved = most_streams - int(most_streams * RESERVED_SHARE)
        self._open: Counter[UUID] = Counter()
        self._is_closing = False

    @property
    def streams(self) -> int:
        """Return the number of open streams of this process."""
        return self._open.total()

    def close(self) -> None:
        """Close all streams and open no more: their clients connect again, to another process."""
        self._is_closing = True
        self._bus.close_all()

    async def close_changed(self, *events: AccountChanged | AnyAccountChanged) -> None:
        """Close the streams of users whose accounts have changed: clients that may go on connect again."""
        for event in events:
            if isinstance(event, AnyAccountChanged):
                self._bus.close_all()
            else:
                self._bus.close(event.user_uuid)

    @asynccontextmanager
    async def open(self, user: UUID, *, until: datetime, position: str | None) -> AsyncIterator[Stream]:
        """Open a stream from a position on (None: from now on) for the block; `until` is when its token expires.

        Raises TooManyStreams, Overloaded and Unavailable. Costs what Stream.start costs.
        """
        with self._counted(user), self._streaming(user):
            async with self._leases.hold(user), self._bus.subscribe(user) as subscription:
                seconds = (until - datetime.now(UTC)).total_seconds()
                expiry = asyncio.get_running_loop().call_later(seconds, subscription.close)
                try:
                    stream = Stream(user, subscription, bus=self._bus, catchup=self._catchup, shows=self._shows)
                    await stream.start(position)
                    yield stream
                finally:
                    expiry.cancel()

    @contextmanager
    def _counted(self, user: UUID) -> Iterator[None]:
        if self._open[user] >= MAX_USER_STREAMS:
            raise TooManyStreams
        if self._is_closing or self.streams >= (self._unreserved if self._open[user] else self._most_streams):
            raise Overloaded
        self._open[user] += 1
        try:
            with self._metrics.event_stream():
                yield
        finally:
            self._open -= Counter([user])  # drops users without streams

    async def view(self, event: LiveEvent | ResyncRequired) -> EventView:
        """Return an event as its receiver sees it, with the users' present names. Raises Unavailable."""
        match event:
            case MessageAppended() | MessageChanged() | GroupChanged():
                return await self._view_with_group(event)
            case MarkerMoved():
                return ReadEvent.of(event)
            case TypingChanged():
                return TypingEvent.of(event)
            case PresenceChanged():
                return PresenceEvent.of(event)
            case ProfileChanged():
                return ProfileEvent.of(event)
            case ResyncRequired(reason):
                return ResyncEvent(type="resync", reason=reason)
        raise AssertionError("a stream hands on no other event")

    async def _view_with_group(self, event: MessageAppended | MessageChanged | GroupChanged) -> EventView:
        row = event.row
        group = await self._views.group(row)
        match event:
            case MessageAppended(message):
                views = await self._views.messages([message], viewer=row.user_uuid, rows=[row])
                return MessageEvent(type="message", message=views[0], group=group)
            case MessageChanged(change):
                return ChangeEvent(type="change", change=ChangeView.of(change), group=group)
            case GroupChanged():
                return GroupEvent(type="group", group=group)
