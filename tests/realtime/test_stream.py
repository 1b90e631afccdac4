"""A stream above a bus that loses, doubles and reorders: the log comes out, in order, once."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
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
from app.realtime.bus import Bus, Delivery, MemoryBus, Subscription
from app.realtime.events import EventsLost, LiveEvent, encode
from app.realtime.stream import CannotContinue, Stream
from tests.fixtures.app import Service
from tests.tools.processes import DIRECTORY

SECONDS = 10


class LossyBus(MemoryBus):
    """Treats a share of the events badly."""

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
    """Two people who write through one bus, and one of them who listens."""

    def __init__(self, service: Service, bus: Bus) -> None:
        self.store = MessagingStore(service.state["table"])
        self.bus = bus
        self.messaging = Messaging(self.store, DIRECTORY, message_max_length=100, tasks=TaskSet(), publish=bus.publish)
        self.ann, self.bob = uuid4(), uuid4()
        self.group = direct_group_uuid(self.ann, self.bob)
        self.events: list[tuple[LiveEvent | None, str | None]] = []
        self.subscription: Subscription | None = None
        self._news = asyncio.Event()

    async def send(self, count: int, sender: UUID | None = None) -> None:
        sender = sender or self.ann
        to = self.bob if sender == self.ann else self.ann
        for n in range(count):
            await self.messaging.send(Draft(sender, f"{n}", uuid4()), group=None, handle=str(to))

    @asynccontextmanager
    async def listening(self, position: str | None = None, *, catchup: Catchup | None = None) -> AsyncIterator[None]:
        async with self.bus.subscribe(self.bob, lambda: None) as self.subscription:
            catchup = catchup or Catchup(self.store)
            stream = Stream(self.bob, self.subscription, bus=self.bus, catchup=catchup)
            with suppress(CannotContinue):
                async with asyncio.timeout(SECONDS):
                    async for told in await stream.begin(position):
                        self.events.append(told)
            task = asyncio.create_task(self._listen(stream))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait({task})

    async def _listen(self, stream: Stream) -> None:
        async for told in stream.live():
            self.events.append(told)
            self._news.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not is_so():
                await self._news.wait()
                self._news.clear()

    async def look(self, end: int) -> None:
        """As the minute's look does, until the last message was told."""
        async with asyncio.timeout(SECONDS):
            while not self.numbers or self.numbers[-1] < end:
                assert self.subscription
                self.subscription.put(Delivery(encode(EventsLost(self.bob))))
                await asyncio.sleep(0.02)

    @property
    def numbers(self) -> list[int]:
        return [event.message.number for event, _ in self.events if isinstance(event, MessageAppended)]

    @property
    def position(self) -> str | None:
        return next((position for _, position in reversed(self.events) if position), None)


@pytest.mark.parametrize("seed", range(12))
async def test_what_the_bus_loses_doubles_and_swaps_comes_out_right(service: Service, seed: int) -> None:
    talk = Talk(service, LossyBus(0.5, seed))
    async with talk.listening():
        await asyncio.gather(talk.send(20), talk.send(20, talk.bob))
        await talk.look(40)
    assert talk.numbers == list(range(1, 41))


@pytest.mark.parametrize("seed", range(6))
async def test_a_stream_that_is_cut_again_and_again_tells_all(service: Service, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # repeatable
    talk = Talk(service, LossyBus(0.3, seed))
    async with talk.listening():
        await talk.send(3)
        await talk.look(3)
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
        await talk.look(end)
    first_told = list(dict.fromkeys(talk.numbers))
    assert first_told == list(range(1, end + 1))


async def test_a_message_published_between_the_rows_and_the_backlog_is_told(service: Service) -> None:
    """The row is written before the event is published; a stream that resumes just then has seen neither."""
    bus = MemoryBus()
    talk = Talk(service, bus)
    async with talk.listening():
        await talk.send(1)
        await talk.look(1)
    position = talk.position
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    await silent.send(Draft(talk.ann, "two", uuid4()), group=talk.group, handle=None)
    async with talk.listening(position):
        pass
    assert talk.numbers == [1, 1, 2]  # at least once, and in order


async def test_rows_are_told_of_after_the_messages_they_know_of(service: Service) -> None:
    talk = Talk(service, MemoryBus())
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    async with talk.listening():
        for n in range(3):
            await silent.send(Draft(talk.ann, f"{n}", uuid4()), group=None, handle=str(talk.bob))
        await talk.messaging.mark_read(talk.bob, talk.group, 3)
        await talk.until(lambda: len(talk.events) == 5)
    kinds = [type(event) for event, _ in talk.events]
    assert kinds == [MessageAppended, MessageAppended, MessageAppended, GroupChanged, MarkerMoved]
    assert talk.numbers == [1, 2, 3]


async def test_too_much_at_once_is_left_to_the_client(service: Service) -> None:
    talk = Talk(service, MemoryBus())
    await talk.send(1)
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    async with talk.bus.subscribe(talk.bob, lambda: None) as subscription:
        stream = Stream(talk.bob, subscription, bus=talk.bus, catchup=Catchup(talk.store))
        with pytest.raises(CannotContinue, match="new"):
            await stream.begin(None)
        for n in range(MESSAGES + 1):
            await silent.send(Draft(talk.ann, f"{n}"), group=talk.group, handle=None)
        await talk.send(1)
        with pytest.raises(CannotContinue, match="gap"):
            async for _ in stream.live():
                pass


async def test_a_look_that_fails_is_made_up_for_by_the_next(service: Service) -> None:
    talk = Talk(service, MemoryBus())
    await talk.send(1)
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    catchup = FailingCatchup(talk.store)
    async with talk.listening(catchup=catchup):
        await silent.send(Draft(talk.ann, "two"), group=talk.group, handle=None)
        catchup.failures = 3
        await talk.look(2)
    assert catchup.failures == 0
    assert talk.numbers == [2]


class FailingCatchup(Catchup):
    """Cannot read rows for a while."""

    failures = 0

    async def rows(self, user: UUID, *, consistent: bool = False) -> Any:
        if self.failures:
            self.failures -= 1
            raise Unavailable
        return await super().rows(user, consistent=consistent)


async def test_an_event_of_a_newer_process_makes_the_stream_look(service: Service) -> None:
    talk = Talk(service, MemoryBus())
    await talk.send(1)
    silent = Messaging(talk.store, DIRECTORY, message_max_length=100, tasks=TaskSet())
    async with talk.listening():
        await silent.send(Draft(talk.ann, "two"), group=talk.group, handle=None)
        await talk.bus.publish(EventsLost(talk.bob))
        await talk.until(lambda: bool(talk.numbers))
    assert talk.numbers == [2]
