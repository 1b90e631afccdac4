"""Events that cost their sender little cost their receivers little: no reads, and no place of other events."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.concurrency import TaskSet
from app.gateways.dynamodb import Update
from app.messaging import items
from app.messaging import service as service_of_messaging
from app.messaging.catchup import Catchup
from app.messaging.errors import GroupNotFound
from app.messaging.events import GroupChanged, MarkerMoved, MessageAppended, TypingChanged
from app.messaging.models import Draft, Message
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.realtime.bus import QUEUE_EVENTS, MemoryBus, Subscription
from app.realtime.events import LiveEvent, ProfileChanged, conflation_key, order_of
from app.realtime.replay import Delivery
from app.realtime.stream import Stream
from tests.fixtures.app import Service
from tests.messaging.test_capacity import Metered
from tests.tools.own_time import advance
from tests.tools.processes import DIRECTORY

SECONDS = 10
FLOOD = 3 * QUEUE_EVENTS
CALLS = 180
INTERVAL = 20
"""Seconds, which only a test that advances the clock lets pass."""


class Talkers(Metered):
    """Two members of a group, and a bus whose events are kept."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.service = service
        self.bus = MemoryBus()
        self.events: list[LiveEvent] = []
        self.tasks = TaskSet()
        self.messaging = Messaging(
            self.store, DIRECTORY, message_max_length=100, tasks=self.tasks, publish=self._publish
        )

    async def _publish(self, *events: LiveEvent) -> None:
        self.events += events
        await self.bus.publish(*events)

    async def say(self) -> None:
        await self.messaging.send(Draft(self.ann, "hi", uuid4()), group=None, handle=str(self.bob))

    async def type(self, *states: bool, user: UUID | None = None) -> None:
        user = user or self.ann
        await asyncio.gather(*(self.messaging.typing(user, self.group, is_typing=state) for state in states))

    async def leave(self, user: UUID) -> None:
        row = items.inbox_key(user, self.group)
        await self.service.state["table"].update(Update(row, "SET #state = :value", {":value": "left"}))

    def typing_of(self, user: UUID) -> list[bool]:
        return [e.is_typing for e in self.events if isinstance(e, TypingChanged) and e.user_uuid == user]


@pytest.fixture
async def talkers(service: Service, monkeypatch: pytest.MonkeyPatch) -> Talkers:
    monkeypatch.setattr(service_of_messaging, "TYPING_INTERVAL", INTERVAL)
    talkers = Talkers(service)
    await talkers.say()
    return talkers


async def an_interval_later(talkers: Talkers) -> None:
    """Return at the end of the interval, after the work that it begins."""
    await advance(INTERVAL)
    await talkers.tasks.drain(SECONDS)


async def test_typing_is_published_at_once_and_then_once_in_an_interval(talkers: Talkers) -> None:
    async with talkers.meter.measure() as spent:
        await talkers.type(*[True] * CALLS)
        assert talkers.typing_of(talkers.ann) == [True]
        await talkers.type(*[True] * CALLS, False)
        assert talkers.typing_of(talkers.ann) == [True]
        await an_interval_later(talkers)
    assert talkers.typing_of(talkers.ann) == [True, False]
    assert (spent.calls, spent.read_units) == (["GetItem"] * 4, 3), "two rows for each event, whatever was called"
    await an_interval_later(talkers)
    await an_interval_later(talkers)
    await talkers.type(True)
    assert talkers.typing_of(talkers.ann) == [True, False, True]


async def test_each_member_has_intervals_of_its_own(talkers: Talkers) -> None:
    await talkers.type(True, True)
    await talkers.type(True, user=talkers.bob)
    assert (talkers.typing_of(talkers.ann), talkers.typing_of(talkers.bob)) == ([True], [True])


async def test_a_message_withdraws_the_typing_that_was_not_published_yet(talkers: Talkers) -> None:
    await talkers.type(True, True)
    await talkers.say()
    await an_interval_later(talkers)
    assert talkers.typing_of(talkers.ann) == [True]


async def test_membership_is_proved_again_in_each_interval(talkers: Talkers) -> None:
    await talkers.type(True, True)
    await talkers.leave(talkers.ann)
    await an_interval_later(talkers)
    assert talkers.typing_of(talkers.ann) == [True]
    with pytest.raises(GroupNotFound):
        await talkers.type(True)


async def test_a_former_member_receives_neither_typing_nor_markers(talkers: Talkers) -> None:
    await talkers.leave(talkers.ann)
    talkers.events.clear()
    await talkers.messaging.markers.mark_read(talkers.bob, talkers.group, 1)
    await talkers.type(True, user=talkers.bob)
    assert {event.to for event in talkers.events} == {talkers.bob}


async def test_a_refusal_is_no_proof_for_other_calls(talkers: Talkers) -> None:
    stranger = uuid4()
    calls = [talkers.messaging.typing(stranger, talkers.group, is_typing=True) for _ in range(5)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in found] == [GroupNotFound] * 5
    await talkers.say()
    await talkers.type(True)  # nothing of a refusal is kept


@pytest.mark.parametrize("kind", ["typing", "read", "profile", "group"])
async def test_a_flood_of_cheap_events_does_not_hold_up_a_message(talkers: Talkers, kind: str) -> None:
    """The stream cannot read while they come; then it reads nothing from the table, and delivers the newest."""
    row = (await talkers.store.inbox_rows(talkers.bob))[0]
    async with talkers.bus.subscribe(talkers.bob) as subscription:
        stream = Stream(talkers.bob, subscription, bus=talkers.bus, catchup=Catchup(talkers.store))
        await stream.start(None)
        await stream.next_items()
        for number in range(FLOOD):
            await talkers.bus.publish(cheap_event(kind, row, number))
        await talkers.say()
        assert not subscription.has_overflowed
        async with talkers.meter.measure() as spent, asyncio.timeout(SECONDS):
            found = [*await stream.next_items(), *await stream.next_items()]
        assert [type(item.event) for item in found] == [type(cheap_event(kind, row, 0)), MessageAppended]
        assert found[0].event == cheap_event(kind, row, FLOOD - 1)
        assert spent.calls == []


def cheap_event(kind: str, row: InboxRow, number: int) -> LiveEvent:
    match kind:
        case "typing":
            return TypingChanged(row.user_uuid, row.group_uuid, row.last_by, is_typing=number % 2 == 0)
        case "read":
            return MarkerMoved(row.user_uuid, row.group_uuid, row.last_by, number)
        case "profile":
            return ProfileChanged(row.user_uuid, row.last_by, "bob", f"Bob {number}")
    return GroupChanged(version_of(row, 2 + number))


def version_of(row: InboxRow, version: int) -> InboxRow:
    return InboxRow(
        row.user_uuid, row.group_uuid, row.peer_uuid, row.last_number, row.last_at, row.last_by, row.preview, 0, version
    )


ROW = InboxRow(UUID(int=1), UUID(int=2), UUID(int=3), 1, datetime(2026, 11, 24, tzinfo=UTC), UUID(int=3), "hi", 0, 1)
MESSAGE = Message(ROW.group_uuid, 1, UUID(int=4), ROW.last_by, "hi", ROW.last_at)
EVENTS = st.one_of(
    st.builds(cheap_event, st.sampled_from(["typing", "read", "profile", "group"]), st.just(ROW), st.integers(0, 20)),
    st.builds(lambda version: MessageAppended(MESSAGE, version_of(ROW, version)), st.integers(1, 20)),
)


@given(st.lists(st.one_of(EVENTS, st.none()), max_size=40))
def test_what_waits_is_all_messages_in_order_and_the_newest_of_each_key(steps: list[LiveEvent | None]) -> None:
    """Each event is published, each None takes a delivery."""
    asyncio.run(check_conflation(steps))


async def check_conflation(steps: list[LiveEvent | None]) -> None:
    subscription, taken = Subscription(), []
    for position, event in enumerate(steps):
        if event is not None:
            subscription.put(Delivery(event, f"{position:02}"))
        elif delivery := await subscription.next(0):
            taken.append(delivery)
    while delivery := await subscription.next(0):
        taken.append(delivery)
    published = [event for event in steps if event is not None]
    found = [delivery.event for delivery in taken]
    assert [e for e in found if isinstance(e, MessageAppended)] == [
        e for e in published if isinstance(e, MessageAppended)
    ]
    positions = [delivery.position or "" for delivery in taken]
    assert positions == sorted(positions)
    for key in {conflation_key(event) for event in published} - {None}:
        newest = max(map(order_of, [event for event in published if conflation_key(event) == key]))
        assert newest in [order_of(event) for event in found if conflation_key(event) == key]
