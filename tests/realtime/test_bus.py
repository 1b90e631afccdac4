"""The promises of both buses, and below them those of one."""

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.gateways.valkey import Valkey
from app.gateways.valkey.client import CALL_SECONDS
from app.messaging.events import GroupChanged, MarkerMoved, MessageAppended, TypingChanged
from app.messaging.models import Message
from app.messaging.row_models import InboxRow
from app.realtime.bus import QUEUE_BYTES, QUEUE_EVENTS, Bus, MemoryBus, Subscription
from app.realtime.events import EventsLost, LiveEvent, ProfileChanged, decode, encode, size_of
from app.realtime.replay import USER_EVENTS, Delivery, ReplayBuffer
from app.realtime.valkey_bus import ValkeyBus
from tests.fixtures.engines import running_valkey
from tests.tools.own_time import now

SECONDS = 5


def event(to: UUID, number: int = 0) -> MarkerMoved:
    """An event with a member of its own, by which a test knows it again."""
    return MarkerMoved(to, UUID(int=0), UUID(int=number), 1)


@asynccontextmanager
async def valkey_bus(url: str, *, call_seconds: float = CALL_SECONDS) -> AsyncIterator[ValkeyBus]:
    valkey = Valkey(url, call_seconds=call_seconds)
    try:
        async with ValkeyBus(valkey).listening() as bus:
            await until(lambda: bus.is_reliable)
            yield bus
    finally:
        await valkey.aclose()


async def until(is_so: Callable[[], bool], seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110  # the connection to Valkey has no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture(params=["memory", "valkey"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield MemoryBus()
        else:
            yield await stack.enter_async_context(valkey_bus(request.getfixturevalue("valkey_url")))


async def take(subscription: Subscription, count: int, *, without: LiveEvent | None = None) -> list[Delivery]:
    """Return the next so many deliveries, leaving out those of one event."""
    found: list[Delivery] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            if (delivery := await subscription.next(SECONDS)) and delivery.event != without:
                found.append(delivery)
    return found


def numbers(deliveries: list[Delivery]) -> list[int]:
    """The numbers of these events."""
    return [event.user_uuid.int for event in (each.event for each in deliveries) if isinstance(event, MarkerMoved)]


def message(to: UUID, text: str) -> MessageAppended:
    """An event with a message of this text, of objects of its own."""
    row = InboxRow(to, uuid4(), uuid4(), 10**6, datetime.now(UTC), uuid4(), text[:120], 10**6, 10**6)
    return MessageAppended(Message(row.group_uuid, 10**6, uuid4(), uuid4(), text, datetime.now(UTC)), row)


async def test_events_come_in_order_to_each_stream_of_their_receiver_alone(bus: Bus) -> None:
    ann, bob = uuid4(), uuid4()
    async with (
        bus.subscribe(ann) as one,
        bus.subscribe(ann) as two,
        bus.subscribe(bob) as his,
    ):
        for number in range(20):
            await bus.publish(event(ann, number), event(bob, 100 + number))
        assert numbers(await take(one, 20)) == numbers(await take(two, 20)) == list(range(20))
        assert numbers(await take(his, 20)) == list(range(100, 120))


async def test_a_replay_holds_what_was_published_after_its_position(bus: Bus) -> None:
    ann = uuid4()
    started = datetime.now(UTC)
    async with bus.subscribe(ann) as subscription:
        for number in range(5):
            await bus.publish(event(ann, number), event(uuid4(), 77))
        deliveries = await take(subscription, 5)
    for at, delivery in enumerate(deliveries):
        assert delivery.position
        replay = await bus.replay_after(ann, delivery.position)
        assert replay
        assert numbers(list(replay.deliveries)) == list(range(at + 1, 5))
        assert abs(replay.at - started) < timedelta(seconds=SECONDS)
        assert await bus.replay_after(uuid4(), delivery.position) is None


@pytest.mark.parametrize("position", ["", "0", "0-0", "1795512600123-0", "deadbeef-1", "x" * 64, "+", "-"])
async def test_an_unknown_position_has_no_replay(bus: Bus, position: str) -> None:
    ann = uuid4()
    await bus.publish(event(ann))
    assert await bus.replay_after(ann, position) is None


async def test_a_subscription_that_is_not_read_is_closed_and_others_go_on(bus: Bus) -> None:
    ann = uuid4()
    async with bus.subscribe(ann) as slow, bus.subscribe(ann) as quick:
        for number in range(QUEUE_EVENTS + 1):
            await bus.publish(event(ann, number))
            assert numbers(await take(quick, 1)) == [number]
        assert (slow.closed.done(), slow.has_overflowed, await slow.next(SECONDS)) == (True, True, None)
        assert (quick.closed.done(), quick.has_overflowed) == (False, False)


async def test_closing_all_ends_a_subscription_that_waits(bus: Bus) -> None:
    ann, ends = uuid4(), []
    async with bus.subscribe(ann) as subscription:
        subscription.closed.add_done_callback(lambda _: ends.append(1))
        waiting = asyncio.ensure_future(subscription.next(SECONDS))
        bus.close_all()
        bus.close_all()
        assert await asyncio.wait_for(waiting, 1) is None
        await bus.publish(event(ann))
        assert await subscription.next(0.1) is None
    assert not subscription.has_overflowed
    assert ends == [1]


async def test_a_queue_is_bounded_in_bytes_too() -> None:
    subscription = Subscription()
    big = Delivery(message(uuid4(), "x" * (QUEUE_BYTES // 3 - 2_000)))
    for _ in range(3):
        subscription.put(big)
    assert not subscription.has_overflowed
    for _ in range(6):
        subscription.put(Delivery(message(uuid4(), "x" * 100)))
    assert subscription.has_overflowed
    assert await subscription.next(0) is None


async def test_a_queue_that_was_read_has_room_again() -> None:
    subscription = Subscription()
    for number in range(10 * QUEUE_EVENTS):
        delivery = Delivery(message(uuid4(), "x" * 1000), f"{number}")
        subscription.put(delivery)
        assert await subscription.next(0) == delivery
    assert await subscription.next(0) is None


@pytest.mark.parametrize("text", ["", "x" * 100, "\N{GRINNING FACE}" * 1000])
@pytest.mark.parametrize("kind", ["message", "group", "typing", "profile"])
def test_an_event_takes_no_more_memory_than_is_counted(kind: str, text: str) -> None:
    """Both the deliveries that wait, and what is kept of them to resume from."""
    makers: dict[str, Callable[[], LiveEvent]] = {
        "message": lambda: message(UUID(int=1), text + f"{uuid4()}"),
        "group": lambda: GroupChanged(message(UUID(int=1), text + f"{uuid4()}").row),
        "typing": lambda: TypingChanged(UUID(int=1), uuid4(), uuid4(), is_typing=True),
        "profile": lambda: ProfileChanged(UUID(int=1), uuid4(), f"{uuid4().hex[:30]}", f"{uuid4()}"),
    }
    waiting: list[Delivery] = []
    tracemalloc.start()
    for number in range(500):
        waiting.append(Delivery(makers[kind](), f"{number:>30}"))  # noqa: PERF401  # no list is built beside it
    taken, _ = tracemalloc.get_traced_memory()
    assert taken <= sum(size_of(delivery.event) for delivery in waiting)
    del waiting

    buffer = ReplayBuffer(time.time)
    buffer.join(UUID(int=1))
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(USER_EVENTS):
        buffer.add(makers[kind]())
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken - before <= max(buffer._bytes, 3000)  # noqa: SLF001  # what is counted; nothing is kept of typing
    assert len(buffer._by_user[UUID(int=1)].entries) == (0 if kind == "typing" else USER_EVENTS)  # noqa: SLF001


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"kind": "edit", "to": "x"}', b'{"kind": "typing"}'])
def test_a_payload_that_is_not_understood_counts_as_lost_events(payload: bytes) -> None:
    user = uuid4()
    assert decode(payload, to=user) == EventsLost(user)
    assert decode(encode(event(user, 3)), to=user) == event(user, 3)


async def test_a_payload_of_a_newer_version_reaches_a_stream_as_lost_events(valkey_url: str) -> None:
    ann = uuid4()
    async with valkey_bus(valkey_url) as bus, bus.subscribe(ann) as subscription:
        await bus._valkey.call("SPUBLISH", f"{{cruddur:events:{ann}}}", '1795512600123-0 {"kind": "edit"}')  # noqa: SLF001
        assert await take(subscription, 1) == [Delivery(EventsLost(ann), "1795512600123-0")]


async def test_without_valkey_the_bus_is_unreliable_and_publishing_does_not_wait() -> None:
    ann = uuid4()
    with running_valkey() as engine:
        async with valkey_bus(engine.address) as bus, bus.subscribe(ann) as subscription:
            await bus.publish(event(ann, 1))
            assert numbers(await take(subscription, 1)) == [1]
            engine.child.stop(seconds=2)
            await until(lambda: not bus.is_reliable)
            for number in range(2, 30):
                started = now()
                await bus.publish(event(ann, number))
                assert now() - started < 0.5  # 50 ms, and what a busy machine adds
            found = await take(subscription, 28, without=EventsLost(ann))  # which comes at any moment of a second
            assert numbers(found) == list(range(2, 30))  # the streams of this process get them all the same
            assert {delivery.position for delivery in found} == {None}
            engine.start()
            engine.wait_until_ready()
            await until(lambda: bus.is_reliable, 15)
            assert await _reconciles(subscription)
            await until(lambda: not bus._unnotified, 15)  # noqa: SLF001  # users of other processes
            await bus.publish(event(ann, 30))
            with suppress(TimeoutError):
                async with asyncio.timeout(SECONDS):
                    while (delivery := await subscription.next(SECONDS)) is None or not delivery.position:
                        pass
            assert delivery
            assert delivery.position


async def _reconciles(subscription: Subscription) -> bool:
    """Return whether EventsLost comes, because the subscriber is up again or events were lost."""
    async with asyncio.timeout(SECONDS):
        delivery = await subscription.next(SECONDS)
        return delivery is None or isinstance(delivery.event, EventsLost)


async def test_typing_that_was_lost_costs_no_comparison_with_the_rows(valkey_url: str) -> None:
    ann = uuid4()
    async with valkey_bus(valkey_url) as bus, bus.subscribe(ann) as subscription:
        bus._valkey._open_until = time.monotonic() + 60  # noqa: SLF001  # as after a fault
        await bus.publish(TypingChanged(ann, uuid4(), uuid4(), is_typing=True))
        assert len(await take(subscription, 1)) == 1
        assert not bus._unnotified  # noqa: SLF001
        await bus.publish(event(ann))
        assert list(bus._unnotified) == [ann]  # noqa: SLF001


async def test_another_process_is_notified_that_events_were_lost() -> None:
    """One process cannot reach Valkey for a while. Another process receives nothing, and EventsLost afterwards."""
    ann = uuid4()
    async with AsyncExitStack() as stack:
        engine = stack.enter_context(running_valkey())
        sending, hearing = [await stack.enter_async_context(valkey_bus(engine.address)) for _ in range(2)]
        subscription = await stack.enter_async_context(hearing.subscribe(ann))
        sending._valkey._open_until = time.monotonic() + 1  # noqa: SLF001  # as after a fault
        await sending.publish(event(ann))
        (delivery,) = await take(subscription, 1)
        assert delivery.event == EventsLost(ann)
