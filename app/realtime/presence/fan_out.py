"""PresenceFanOut: tells peers that are online of a user's presence, and ends it at once when it may not be seen."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.concurrency.publish import Publish
from app.errors import Unavailable
from app.gateways.valkey import ValkeyUnavailable
from app.messaging.catchup import Catchup
from app.messaging.events import UserBlocked
from app.messaging.row_models import InboxRow
from app.messaging.settings.events import PresenceShared
from app.realtime.bus import Bus
from app.realtime.events import PresenceChanged
from app.realtime.presence.register import Register, Seen
from app.users.events import AccountChanged, AnyAccountChanged

REPEAT_SECONDS: Final = 3.0
"""An end is published once more after this time: a change may have been on its way that read a row of before."""
MAX_UNREMOVED: Final = 10_000
"""Users whose removal is repeated until Valkey answers again."""


def visible_peers(rows: Iterable[InboxRow]) -> list[UUID]:
    """Return the peers that may see of the rows' user whether they are online, and the user of them, if both want it.

    These are the others of direct groups that are active and accepted, and in which neither has blocked the other.
    """
    return [row.peer_uuid for row in rows if row.peer_uuid and row.is_active and not (row.is_blocked or row.is_pending)]


class PresenceFanOut:
    """Publishes PresenceChanged. Receivers are peers of the inbox, of a large one those of the newest 20 groups.

    Only peers with a record, which is a decision to share presence, get anything, and of changes those that are online
    only: the others ask when they come. No method raises anything.
    """

    def __init__(
        self, register: Register, catchup: Catchup, bus: Bus, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._register = register
        self._catchup = catchup
        self._bus = bus
        self._clock = clock
        self._ends: deque[tuple[float, PresenceChanged]] = deque()
        self._unremoved: dict[UUID, None] = {}

    async def tell(self, user: UUID) -> timedelta | None:
        """Tell peers of a user's presence, unless they know; return the time to wait with it, if it came too soon.

        Once in 30 s for each user at most, over all processes: at most 10.5 RCU and 200 events.
        """
        with suppress(ValkeyUnavailable):
            seen = await self._register.tell(user)
            if not isinstance(seen, Seen):
                return seen
            peers = await self._register.seen(await self._peers(user))
            to = [peer for peer, of_peer in peers.items() if of_peer.is_online]
            await self._bus.publish(*(PresenceChanged(each, user, seen.is_online, seen.last_seen_at) for each in to))
        return None

    async def _peers(self, user: UUID) -> list[UUID]:
        """Return the peers that may see a user, none while the rows cannot be read."""
        with suppress(Unavailable):
            return visible_peers((await self._catchup.newest(user)).rows)
        return []

    async def withdraw(self, user: UUID) -> None:
        """Forget a user's presence and end it for the user and the peers, unless it is not known. Costs as `tell`."""
        self._unremoved.pop(user, None)
        try:
            if await self._register.remove(user):
                peers = await self._register.seen(await self._peers(user))
                await self._end(*(PresenceChanged.end(user, to=peer) for peer in peers))
                await self._end(*(PresenceChanged.end(peer, to=user) for peer in peers))
        except ValkeyUnavailable:
            if len(self._unremoved) < MAX_UNREMOVED:
                self._unremoved[user] = None

    async def _end(self, *ends: PresenceChanged) -> None:
        await self._bus.publish(*ends)
        self._ends.extend((self._clock() + REPEAT_SECONDS, end) for end in ends)

    async def repeat(self) -> None:
        """Publish ends once more, and try again to forget users."""
        now, due = self._clock(), list[PresenceChanged]()
        while self._ends and self._ends[0][0] <= now:
            due.append(self._ends.popleft()[1])
        if due:
            await self._bus.publish(*due)
        for user in [*self._unremoved]:
            await self.withdraw(user)

    async def on_shared(self, *events: PresenceShared) -> None:
        """End the presence of users that do not share it any more, and have the streams of the others noticed."""
        for event in events:
            if event.is_shared:
                self._unremoved.pop(event.user_uuid, None)
                await self._bus.publish(PresenceChanged(event.user_uuid, event.user_uuid, is_online=True))
            else:
                await self.withdraw(event.user_uuid)

    async def end_changed(self, *events: AccountChanged | AnyAccountChanged) -> None:
        """End the presence of users whose accounts have changed; of those that may go on it begins with a stream."""
        for event in events:
            if isinstance(event, AccountChanged):
                await self.withdraw(event.user_uuid)

    def without_blocks(self, publish: Publish) -> Publish:
        """Return a Publish that ends presence between users at UserBlocked, and hands on all other events."""

        async def publish_others(*events: object) -> None:
            for event in events:
                if not isinstance(event, UserBlocked):
                    await publish(event)
                elif await self._is_shared([event.user_uuid, event.other_uuid]):
                    user, other = event.user_uuid, event.other_uuid
                    await self._end(PresenceChanged.end(user, to=other), PresenceChanged.end(other, to=user))

        return publish_others

    async def _is_shared(self, users: Collection[UUID]) -> bool:
        with suppress(ValkeyUnavailable):
            return len(await self._register.seen(users)) == len(users)
        return False

    async def shows(self, event: PresenceChanged) -> bool:
        """Return whether the receiver of an event may have it: an end always, anything else while it shares its own."""
        return event.is_end or await self._is_shared([event.to])
