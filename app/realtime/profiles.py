"""Live events of users: a new display name reaches the user's peers."""

from uuid import UUID

from app.concurrency import TaskSet
from app.concurrency.throttle import Throttle
from app.errors import Unavailable
from app.messaging.catchup import Catchup
from app.realtime.bus import Bus
from app.realtime.events import ProfileChanged
from app.users.events import UserRenamed
from app.users.models import User

RENAME_INTERVAL = 10.0
"""Seconds between two names of a user that the peers are sent."""


class ProfileFanOut:
    """Sends a new name to the user and to the peers of its inbox, of a large one to those of the newest 20 groups.

    Users whose requests the user has not accepted are not told.

    Peers are sent the first name at once and then the newest one in each 10 s.
    """

    def __init__(self, catchup: Catchup, bus: Bus, tasks: TaskSet) -> None:
        self._catchup = catchup
        self._bus = bus
        self._throttle: Throttle[UUID, User] = Throttle(tasks, self._fan_out, interval=RENAME_INTERVAL)

    async def publish(self, *events: UserRenamed) -> None:
        """Publish a ProfileChanged for each receiver, or nothing while the rows cannot be read. Raises nothing.

        At most 10.5 RCU and 201 events, once in 10 s for each user.
        """
        for event in events:
            await self._throttle.submit(event.user.uuid, event.user)

    async def _fan_out(self, uuid: UUID, user: User) -> None:
        try:
            rows = (await self._catchup.newest(uuid)).rows
        except Unavailable:
            return
        to = (uuid, *(row.peer_uuid for row in rows if row.peer_uuid and not row.is_request))
        await self._bus.publish(*(ProfileChanged(each, uuid, user.handle, user.display_name) for each in to))
