"""A stream on a bus that loses, doubles and reorders events delivers the log in order, each message once."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.concurrency import TaskSet
from app.errors import Unavailable
from app.messaging.catchup import MESSAGES, Catchup
from app.messaging.events import GroupChanged, MarkerMoved, MessageAppended
from app.messaging.models import Draft, direct_group_uuid
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.realtime.bus import QUEUE_EVENTS, Bus, MemoryBus, Subscription
from app.realtime.delivered import ResyncRequired
from app.realtime.events import EventsLost, LiveEvent
from app.realtime.replay import Delivery
from app.realtime.stream import Stream, StreamItem
from tests.fixtures.app import Service
from tests.tools.processes import DIRECTORY

SECONDS = 10


class LossyBus(MemoryBus):
    """Loses, doubles or reorders a share of the events."""

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        self._share = share
        self._random = random.Random(seed)  # noqa: S311  # repeatable
        self._late: list[LiveEvent] = []

    async def publish(self, *events: LiveEvent) -> None:
        for event in events:
            kept = [event]
            if self._random.random() < self._share:
                kept = self._random.choice([[], [event, event], self._swap(event)])
            await super().publish(*kept)

    def _swap(self, event: LiveEvent) -> list[LiveEvent]:
        late, self._late = self._late, [event]
        return late


class Talk:
    """Two users that write to each other through one bus, and a stream of one of them."""

    def __init__(self, service: Service, bus: Bus) -> None:
        self.store = MessagingStore(service.state["table"])
        self.bus = bus
        self.messaging = Messaging(self.store, DIRECTORY, message_max_length=100, tasks=TaskSet(), publish=bus.publish)
        self.ann, self.bob = uuid4(), uuid4()
        self.group = direct_group_uuid(self.ann, self.bob)
        self.items: list[StreamItem] = []
        self.subscription: Subscription | None = None
        self._news = asyncio.Event()

    async def send(self, count: int, sender: UUID | None = None) -> None:
        sender = sender or self.ann
        to = self.bob if sender == self.ann else self.ann
        for n in range(count):
            await self.messaging.send(Draft(sender, f"{n}", uuid4()), group=None, handle=str(to))

    @asynccontextmanager
    async def listening(self, position: str | None = None, *, catchup: Catchup | None = None) -> AsyncIterator[None]:
        async with self.bus.subscribe(self.bob) as self.subscription:
            catchup = catchup or Catchup(self.store)
            stream = Stream(self.bob, self.subscription, bus=self.bus, catchup=catchup)
            await stream.start(position)
            async with asyncio.timeout(SECONDS):
                self.items += [item for item in await stream.next_items() if not isinstance(item.event, ResyncRequired)]
                while stream._steps:  # noqa: SLF001  # the replay, before anything is live
                    self.items += await stream.next_items()
            task = asyncio.create_task(self._listen(stream))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait({task})

    async def _listen(self, stream: Stream) -> None:
        while not stream.is_over:
            self.items += await stream.next_items()
            self._news.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not is_so():
                await self._news.wait()
                self._news.clear()

    async def reconcile(self, end: int) -> None:
        """Have the stream compare with the rows, as it does every minute, until the message `end` was delivered."""
        async with asyncio.timeout(SECONDS):
            while not self.numbers or self.numbers[-1] < end:
                assert self.subscription
                self.subscription.put(Delivery(EventsLost(self.bob)))
                await asyncio.sleep(0.02)

    @property
    def numbers(self) -> list[int]:
        return [item.event.message.number for item in self.items if isinstance(item.event, MessageAppended)]

    @property
    def position(self) -> str | None:
        return next((item.position for item in reversed(self.items) if item.position), None)


@pytest.mark.parametrize("seed", range(12))
async def test_what_the_bus_loses_doubles_or_swaps_is_delivered_in_order_and_once(service: Service, seed: int) -> None:
    talk = Talk(service, LossyBus(0.5, seed))
    async with talk.listening():
        await asyncio.gather(talk.send(20), talk.send(20, talk.bob))
        await talk.reconcile(40)
    assert talk.numbers == list(range(1, 41))


@pytest.mark.parametrize("seed", range(6))
async def test_a_stream_that_is_cut_again_and_again_delivers_all(service: Service, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # repeatable
    talk = Talk(service, LossyBus(0.3, seed))
    async with talk.listening():
        await talk.send(3)
        await talk.reconcile(3)
    position = talk.position
    for _ in range(6):
        await talk.send(rng.randrange(3))
        async with talk.listening(position):
            await talk.send(rng.randrange(1, 4))
            await asyncio.sleep(rng.uniform(0, 0.02))
        position = talk.position or position
    await talk.send(1)
    end = (await talk.messaging.group(talk.ann, talk.group)).last_number
    async with talk.listening(position):
        await talk.reconcile(end)
    first_delivered = list(dict.fromkeys(talk.numbers))
    assert first_delivered == list(range(1, end + 1))


async def test_a_message_appended_between_the_rows_and_the_replay_is_delivered(service: Service) -> None:
    """The row is written before the event is published; a stream that resumes in between has neither."""
    bus = MemoryBus()
    talk = Talk(service, bus)
    async with talk.listening():
        await talk.send(1)
        await talk.reconcile(1)
    position = talk.position
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    await silent.send(Draft(talk.ann, "two", uuid4()), group=talk.group, handle=None)
    async with talk.listening(position):
        pass
    assert talk.numbers == [1, 2]


async def test_a_row_is_delivered_after_the_messages_that_it_counts(service: Service) -> None:
    talk = Talk(service, MemoryBus())
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    async with talk.listening():
        for n in range(3):
            await silent.send(Draft(talk.ann, f"{n}", uuid4()), group=None, handle=str(talk.bob))
        await talk.messaging.markers.mark_read(talk.bob, talk.group, 3)
        await talk.until(lambda: len(talk.items) == 5)
    kinds = [type(item.event) for item in talk.items]
    assert kinds == [MessageAppended, MessageAppended, MessageAppended, GroupChanged, MarkerMoved]
    assert talk.numbers == [1, 2, 3]


async def test_a_gap_of_more_than_a_page_ends_the_stream_with_resync(service: Service) -> None:
    talk = Talk(service, MemoryBus())
    await talk.send(1)
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    async with talk.bus.subscribe(talk.bob) as subscription:
        stream = Stream(talk.bob, subscription, bus=talk.bus, catchup=Catchup(talk.store))
        await stream.start(None)
        assert await stream.next_items() == [StreamItem(ResyncRequired("new"))]
        assert not stream.is_over
        for n in range(MESSAGES + 1):
            await silent.send(Draft(talk.ann, f"{n}"), group=talk.group, handle=None)
        await talk.send(1)
        async with asyncio.timeout(SECONDS):
            while not (items := await stream.next_items()):
                pass
        assert items == [StreamItem(ResyncRequired("gap"))]
        assert stream.is_over


async def test_a_replay_of_more_than_a_page_begins_with_resync_and_goes_on(service: Service) -> None:
    """A client that resumes again and again from the same position does not end up in a loop."""
    talk = Talk(service, MemoryBus())
    async with talk.listening():
        await talk.send(1)
        await talk.until(lambda: talk.position is not None)
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    for n in range(MESSAGES + 1):
        await silent.send(Draft(talk.ann, f"{n}"), group=talk.group, handle=None)
    async with talk.bus.subscribe(talk.bob) as subscription:
        stream = Stream(talk.bob, subscription, bus=talk.bus, catchup=Catchup(talk.store))
        await stream.start(talk.position)
        async with asyncio.timeout(SECONDS):
            while not (items := await stream.next_items()):
                pass
            assert items == [StreamItem(ResyncRequired("gap"))]
            await talk.send(1)
            (live,) = await stream.next_items()
        assert isinstance(live.event, MessageAppended)
        assert live.event.message.number == MESSAGES + 3
        assert not stream.is_over


async def test_a_stream_that_is_not_read_ends_with_resync(service: Service) -> None:
    talk = Talk(service, MemoryBus())
    async with talk.bus.subscribe(talk.bob) as subscription:
        stream = Stream(talk.bob, subscription, bus=talk.bus, catchup=Catchup(talk.store))
        await stream.start(None)
        await talk.send(QUEUE_EVENTS + 1)
        assert stream.closed.done()
        assert await stream.next_items() == [StreamItem(ResyncRequired("new"))]
        assert await stream.next_items() == [StreamItem(ResyncRequired("overflow"))]
        assert stream.is_over


async def test_a_position_is_that_of_the_last_event_of_a_delivery(service: Service) -> None:
    """A client that breaks off before it resumes from an earlier position, and misses nothing."""
    talk = Talk(service, MemoryBus())
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    async with talk.listening():
        for n in range(3):
            await silent.send(Draft(talk.ann, f"{n}", uuid4()), group=None, handle=str(talk.bob))
        await talk.send(1)
        await talk.until(lambda: len(talk.numbers) == 4)
    assert [bool(item.position) for item in talk.items] == [False, False, False, True]


async def test_a_reconciliation_that_fails_is_made_up_for_by_the_next(service: Service) -> None:
    talk = Talk(service, MemoryBus())
    await talk.send(1)
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    catchup = FailingCatchup(talk.store)
    async with talk.listening(catchup=catchup):
        await silent.send(Draft(talk.ann, "two"), group=talk.group, handle=None)
        catchup.failures = 3
        await talk.reconcile(2)
    assert catchup.failures == 0
    assert talk.numbers == [2]


class FailingCatchup(Catchup):
    """Fails to read rows for a number of times."""

    failures = 0

    async def newest(self, user: UUID, **_: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise Unavailable
        return await super().newest(user)


async def test_lost_events_are_read_from_the_log(service: Service) -> None:
    talk = Talk(service, MemoryBus())
    await talk.send(1)
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    async with talk.listening():
        await silent.send(Draft(talk.ann, "two"), group=talk.group, handle=None)
        await talk.bus.publish(EventsLost(talk.bob))
        await talk.until(lambda: bool(talk.numbers))
    assert talk.numbers == [2]
