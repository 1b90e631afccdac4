"""Both buses keep the same promises; what only one of them meets is below."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.gateways.valkey import Valkey
from app.messaging.events import TypingChanged
from app.realtime.bus import (
    QUEUE_BYTES,
    QUEUE_EVENTS,
    RESUME_BYTES,
    RESUME_SECONDS,
    Backlog,
    Bus,
    Delivery,
    MemoryBus,
    Over,
    Subscription,
)
from app.realtime.events import EventsLost, LiveEvent, decode, encode
from app.realtime.valkey_bus import ValkeyBus
from tests.fixtures.engines import running_valkey
from tests.tools.own_time import now

SECONDS = 5


def nothing() -> None:
    """Nobody is told of an end."""


def event(to: UUID, number: int = 0) -> TypingChanged:
    """One that can be told from others by its typist."""
    return TypingChanged(to, UUID(int=0), UUID(int=number), is_typing=True)


@asynccontextmanager
async def valkey_bus(url: str) -> AsyncIterator[ValkeyBus]:
    valkey = Valkey(url)
    try:
        async with ValkeyBus(valkey).listening() as bus:
            await until(lambda: bus.is_whole)
            yield bus
    finally:
        await valkey.aclose()


async def until(is_so: Callable[[], bool], seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110  # a line to another process has no event of ours
            await asyncio.sleep(0.01)


@pytest.fixture(params=["memory", "valkey"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield MemoryBus()
        else:
            yield await stack.enter_async_context(valkey_bus(request.getfixturevalue("valkey_url")))


async def take(subscription: Subscription, count: int) -> list[Delivery]:
    found: list[Delivery] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            if delivery := await subscription.next(SECONDS):
                found.append(delivery)
    return found


def typists(deliveries: list[Delivery]) -> list[int]:
    """Which events they are."""
    return [told.user_uuid.int for each in deliveries if isinstance(told := told_by(each), TypingChanged)]


def told_by(delivery: Delivery) -> LiveEvent:
    return decode(delivery.payload, to=UUID(int=0))


async def test_events_come_in_order_to_each_stream_of_their_receiver_alone(bus: Bus) -> None:
    ann, bob = uuid4(), uuid4()
    async with (
        bus.subscribe(ann, nothing) as one,
        bus.subscribe(ann, nothing) as two,
        bus.subscribe(bob, nothing) as his,
    ):
        for number in range(20):
            await bus.publish(event(ann, number), event(bob, 100 + number))
        assert typists(await take(one, 20)) == typists(await take(two, 20)) == list(range(20))
        assert typists(await take(his, 20)) == list(range(100, 120))


async def test_a_position_leads_to_what_came_after_it(bus: Bus) -> None:
    ann = uuid4()
    started = datetime.now(UTC)
    async with bus.subscribe(ann, nothing) as subscription:
        for number in range(5):
            await bus.publish(event(ann, number), event(uuid4(), 77))
        deliveries = await take(subscription, 5)
    for at, delivery in enumerate(deliveries):
        assert delivery.position
        missed = await bus.since(ann, delivery.position)
        assert missed
        assert typists(list(missed.deliveries)) == list(range(at + 1, 5))
        assert abs(missed.at - started) < timedelta(seconds=SECONDS)
        assert await bus.since(uuid4(), delivery.position) is None


@pytest.mark.parametrize("position", ["", "0", "0-0", "1795512600123-0", "deadbeef-1", "x" * 64, "+", "-"])
async def test_a_position_of_nowhere_leads_nowhere(bus: Bus, position: str) -> None:
    ann = uuid4()
    await bus.publish(event(ann))
    assert await bus.since(ann, position) is None


async def test_a_slow_reader_is_cut_off(bus: Bus) -> None:
    ann, ends = uuid4(), []
    async with bus.subscribe(ann, lambda: ends.append("slow")) as slow, bus.subscribe(ann, nothing) as quick:
        for number in range(QUEUE_EVENTS + 1):
            await bus.publish(event(ann, number))
            assert typists(await take(quick, 1)) == [number]
        with pytest.raises(Over) as over:
            await take(slow, 1)
    assert over.value.overflowed
    assert ends == ["slow"]


async def test_the_end_of_all(bus: Bus) -> None:
    ann, ends = uuid4(), []
    async with bus.subscribe(ann, lambda: ends.append(1)) as subscription:
        bus.end_all()
        bus.end_all()
        with pytest.raises(Over) as over:
            await subscription.next(SECONDS)
    assert not over.value.overflowed
    assert ends == [1]


async def test_a_queue_is_bounded_in_bytes_too() -> None:
    subscription = Subscription(nothing)
    big = Delivery(b"x" * (QUEUE_BYTES // 3))
    for _ in range(3):
        subscription.put(big)
    subscription.put(Delivery(b"x" * 100))
    with pytest.raises(Over):
        await subscription.next(0)


async def test_a_queue_that_was_read_has_room_again() -> None:
    subscription = Subscription(nothing)
    for number in range(10 * QUEUE_EVENTS):
        subscription.put(Delivery(b"x" * 1000, f"{number}"))
        assert await subscription.next(0) == Delivery(b"x" * 1000, f"{number}")
    assert await subscription.next(0) is None


def test_a_backlog_is_bounded_in_bytes_and_in_time() -> None:
    now = time.time()
    backlog = Backlog(lambda: now)
    users = [uuid4() for _ in range(3)]
    payload = b"x" * 10_000
    first = backlog.add(users[0], payload)
    assert first.position
    for number in range(RESUME_BYTES // len(payload) - 1):
        backlog.add(users[number % 3], payload)
    assert backlog.since(users[0], first.position)
    last = backlog.add(users[1], payload)
    assert backlog.since(users[0], first.position) is None
    assert last.position
    now += RESUME_SECONDS + 1
    assert backlog.since(users[1], last.position) is None
    assert not backlog._of  # noqa: SLF001  # nothing is kept of users whose events are gone


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"kind": "edit", "to": "x"}', b'{"kind": "typing"}'])
def test_what_is_not_understood_means_look(payload: bytes) -> None:
    user = uuid4()
    assert decode(payload, to=user) == EventsLost(user)
    assert decode(encode(event(user, 3)), to=user) == event(user, 3)


async def test_without_valkey_streams_look_often_and_publishing_does_not_wait() -> None:
    ann = uuid4()
    with running_valkey() as engine:
        async with valkey_bus(engine.address) as bus, bus.subscribe(ann, nothing) as subscription:
            await bus.publish(event(ann, 1))
            assert typists(await take(subscription, 1)) == [1]
            engine.child.stop(seconds=2)
            await until(lambda: not bus.is_whole)
            for number in range(2, 30):
                started = now()
                await bus.publish(event(ann, number))
                assert now() - started < 0.5  # 50 ms, and what a busy machine adds
            found = await take(subscription, 28)
            assert typists(found) == list(range(2, 30))  # whoever is in this process is told all the same
            assert {delivery.position for delivery in found} == {None}
            engine.start()
            engine.wait_until_ready()
            await until(lambda: bus.is_whole, 15)
            assert await _is_told_to_look(subscription)
            await until(lambda: not bus._untold, 15)  # noqa: SLF001  # whom other processes have
            await bus.publish(event(ann, 30))
            with suppress(TimeoutError):
                async with asyncio.timeout(SECONDS):
                    while (delivery := await subscription.next(SECONDS)) is None or not delivery.position:
                        pass
            assert delivery
            assert delivery.position


async def _is_told_to_look(subscription: Subscription) -> bool:
    """By the line's coming up, or by the event that says that others were lost."""
    async with asyncio.timeout(SECONDS):
        delivery = await subscription.next(SECONDS)
        return delivery is None or isinstance(told_by(delivery), EventsLost)


async def test_another_process_is_told_of_what_did_not_reach_it() -> None:
    """One process cannot reach Valkey for a while; another one, which can, hears nothing and is told so afterwards."""
    ann = uuid4()
    async with AsyncExitStack() as stack:
        engine = stack.enter_context(running_valkey())
        sending, hearing = [await stack.enter_async_context(valkey_bus(engine.address)) for _ in range(2)]
        subscription = await stack.enter_async_context(hearing.subscribe(ann, nothing))
        sending._valkey._open_until = time.monotonic() + 1  # noqa: SLF001  # as after a fault
        await sending.publish(event(ann))
        (delivery,) = await take(subscription, 1)
        assert told_by(delivery) == EventsLost(ann)
