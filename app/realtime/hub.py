"""Hub: the open streams of this process, and what they tell, in the words of the contract."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

import structlog

from app.errors import Overloaded, Unavailable
from app.messaging.catchup import Catchup
from app.messaging.events import GroupChanged, MarkerMoved, MessageAppended, TypingChanged
from app.messaging.models import InboxRow
from app.messaging.schemas import MessageGroupView, MessageView
from app.metrics import Metrics
from app.realtime.bus import Bus, Over
from app.realtime.errors import TooManyStreams
from app.realtime.events import LiveEvent, ProfileChanged
from app.realtime.schemas import (
    EventView,
    GroupEvent,
    MessageEvent,
    ProfileEvent,
    ReadEvent,
    ResyncEvent,
    TypingEvent,
)
from app.realtime.stream import CannotContinue, Stream, Told
from app.users.schemas import UserShortView
from app.users.service import Users

log = structlog.get_logger(__name__)

STREAMS_OF_USER = 10
Views: TypeAlias = AsyncIterator[tuple[EventView | None, str | None]]
"""As Told, in the words of the contract."""


class Hub:
    """Opens streams, and ends them: with their token, at shutdown, or when nobody reads them."""

    def __init__(self, bus: Bus, catchup: Catchup, users: Users, metrics: Metrics, *, most_streams: int) -> None:
        self._bus = bus
        self._catchup = catchup
        self._users = users
        self._metrics = metrics
        self._most_streams = most_streams
        self._open: Counter[UUID] = Counter()
        self._is_closing = False

    @property
    def streams(self) -> int:
        """How many are open in this process."""
        return self._open.total()

    def close(self) -> None:
        """End all streams and open no more: their clients come back to another process."""
        self._is_closing = True
        self._bus.end_all()

    @asynccontextmanager
    async def open(
        self, user: UUID, *, until: datetime, position: str | None, ended: Callable[[], None]
    ) -> AsyncIterator[Views]:
        """What is told to a user from a position on. Raises TooManyStreams, Overloaded or Unavailable at once.

        `until` is when the token expires. `ended` is called when the stream is over, whether or not its client reads.
        """
        with self._counted(user):
            async with self._bus.subscribe(user, ended) as subscription:
                stream = Stream(user, subscription, bus=self._bus, catchup=self._catchup)
                seconds = (until - datetime.now(UTC)).total_seconds()
                expiry = asyncio.get_running_loop().call_later(seconds, subscription.end)
                try:
                    begun = await _begin(stream, position)
                    yield self._views(stream, begun)
                finally:
                    expiry.cancel()

    @contextmanager
    def _counted(self, user: UUID) -> Iterator[None]:
        if self._is_closing or self.streams >= self._most_streams:
            raise Overloaded
        if self._open[user] >= STREAMS_OF_USER:
            raise TooManyStreams
        self._open[user] += 1
        try:
            with self._metrics.event_stream():
                yield
        finally:
            self._open[user] -= 1
            self._open += Counter()  # without those who have none

    async def _views(self, stream: Stream, begun: "Told | CannotContinue") -> Views:
        try:
            if isinstance(begun, CannotContinue):
                yield _resync(begun.reason), None
            else:
                async for event, position in begun:
                    yield await self._view(event) if event else None, position
            async for event, position in stream.live():
                yield await self._view(event) if event else None, position
        except Over as over:
            if over.overflowed:
                yield _resync("overflow"), None
        except CannotContinue as cannot:
            yield _resync(cannot.reason), None
        except Unavailable:
            log.warning("stream_ended_unavailable")  # its client comes back to where it was

    async def _view(self, event: LiveEvent) -> EventView:
        match event:
            case MessageAppended(message, row):
                names = await self._users.names({message.user_uuid, row.peer_uuid})
                view = MessageView.of(message, names[message.user_uuid])
                group = MessageGroupView.of(row, names[row.peer_uuid])
                return MessageEvent(type="message", message=view, group=group)
            case GroupChanged(row):
                return GroupEvent(type="group", group=await self._group(row))
            case MarkerMoved(_, group_uuid, user_uuid, number):
                return ReadEvent(type="read", message_group_uuid=group_uuid, user_uuid=user_uuid, number=number)
            case TypingChanged(_, group_uuid, user_uuid, is_typing):
                return TypingEvent(
                    type="typing", message_group_uuid=group_uuid, user_uuid=user_uuid, is_typing=is_typing
                )
            case ProfileChanged(_, uuid, handle, display_name):
                user = UserShortView(uuid=uuid, handle=handle, display_name=display_name)
                return ProfileEvent(type="profile", user=user)
        raise AssertionError("a stream tells of nothing else")

    async def _group(self, row: InboxRow) -> MessageGroupView:
        return MessageGroupView.of(row, (await self._users.names([row.peer_uuid]))[row.peer_uuid])


async def _begin(stream: Stream, position: str | None) -> Told | CannotContinue:
    try:
        return await stream.begin(position)
    except CannotContinue as cannot:
        return cannot


def _resync(reason: str) -> ResyncEvent:
    return ResyncEvent(type="resync", reason=reason)
