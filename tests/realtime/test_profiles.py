"""A new display name reaches the user's own streams and those of the peers."""

from typing import Any
from uuid import UUID, uuid4

from app.concurrency import TaskSet
from app.errors import Unavailable
from app.messaging.catchup import Catchup
from app.messaging.clock import now
from app.messaging.models import Draft
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.realtime.bus import MemoryBus
from app.realtime.events import ProfileChanged
from app.realtime.profiles import ProfileFanOut
from app.users.events import UserRenamed
from app.users.models import User
from tests.fixtures.app import Service
from tests.tools.processes import DIRECTORY


def user(uuid: UUID) -> User:
    return User(uuid, "ann", "Ann", "sub", now())


async def test_a_new_name_reaches_the_user_and_each_peer_once(service: Service) -> None:
    store, bus = MessagingStore(service.state["table"]), MemoryBus()
    messaging = Messaging(store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    ann, bob, eve = uuid4(), uuid4(), uuid4()
    await messaging.send(Draft(ann, "hi"), group=None, handle=str(bob))
    await messaging.send(Draft(bob, "hi"), group=None, handle=str(eve))
    async with bus.subscribe(ann) as of_ann, bus.subscribe(bob) as of_bob, bus.subscribe(eve) as of_eve:
        await ProfileFanOut(Catchup(store), bus, TaskSet()).publish(UserRenamed(user(ann)))
        for uuid, subscription in ((ann, of_ann), (bob, of_bob)):
            delivery = await subscription.next(1)
            assert delivery
            assert delivery.event == ProfileChanged(uuid, ann, "ann", "Ann")
            assert await subscription.next(0) is None
        assert await of_eve.next(0) is None


class UnavailableCatchup(Catchup):
    """Cannot read rows."""

    async def newest(self, *_: Any, **__: Any) -> Any:
        raise Unavailable


async def test_a_name_is_changed_although_its_peers_cannot_be_read(service: Service) -> None:
    bus, ann = MemoryBus(), uuid4()
    async with bus.subscribe(ann) as subscription:
        await ProfileFanOut(UnavailableCatchup(MessagingStore(service.state["table"])), bus, TaskSet()).publish(
            UserRenamed(user(ann))
        )
        assert await subscription.next(0) is None
