"""The cost of live events by DynamoDB's rules: nothing for a message's event, little for all others."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from app.concurrency import TaskSet
from app.messaging.catchup import GROUPS, MESSAGES, NEWEST, Catchup, SyncCursor
from app.messaging.models import Message, direct_group_uuid
from app.messaging.service import Messaging
from app.realtime.bus import MemoryBus
from app.realtime.delivered import ResyncRequired
from app.realtime.events import EventsLost, LiveEvent, ProfileChanged
from app.realtime.profiles import RENAME_INTERVAL, ProfileFanOut
from app.realtime.replay import Delivery
from app.realtime.stream import Stream, StreamItem
from app.users.events import UserRenamed
from app.users.models import User
from tests.fixtures.app import Service
from tests.messaging.test_capacity import Metered, fill
from tests.tools.own_time import advance
from tests.tools.processes import DIRECTORY
from tests.tools.stored import new_inbox_row

SECONDS = 10


class Listened(Metered):
    """Two users whose events reach a stream of the second one, which is measured, too."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.bus = MemoryBus()
        self.messaging = Messaging(
            self.store,
            DIRECTORY,
            message_max_length=1024,
            tasks=TaskSet(),
            publish=self.bus.publish,
            clock=lambda: self.at,
        )
        self.catchup = Catchup(self.store)


@pytest.fixture
async def listened(service: Service) -> Listened:
    listened = Listened(service)
    for _ in range(2):
        await listened.send()
    return listened


async def test_an_event_reads_nothing_more_for_its_receiver(listened: Listened) -> None:
    async with listened.bus.subscribe(listened.bob) as subscription:
        stream = Stream(listened.bob, subscription, bus=listened.bus, catchup=listened.catchup)
        async with listened.meter.measure() as begun:
            await stream.start(None)
            assert await stream.next_items()
        assert (begun.calls, begun.read_units) == (["Query"], 0.5)

        async with listened.meter.measure() as spent:
            await listened.send()
            await next_event(stream)
        assert spent.calls == ["GetItem", "PutItem", "UpdateItem", "UpdateItem"]
        assert (spent.write_units, spent.read_units) == (3, 1), "as without any stream"

        async with listened.meter.measure() as spent:
            await listened.messaging.markers.mark_read(listened.bob, listened.group, 3)
            await next_event(stream)
            await next_event(stream)
        assert spent.calls == ["UpdateItem", "GetItem"], "the marker, and the row of the peer, which is published to"
        assert (spent.write_units, spent.read_units) == (1, 0.5)

        async with listened.meter.measure() as spent:
            await listened.messaging.typing(listened.ann, listened.group, is_typing=True)
            await next_event(stream)
        assert (spent.calls, spent.read_units) == (["GetItem", "GetItem"], 1.5), (
            "the typing member's row, and the receiver's"
        )


async def next_event(stream: Stream) -> None:
    async with asyncio.timeout(SECONDS):
        while not await stream.next_items():
            pass


async def test_a_sync_reads_the_rows_and_the_missing_messages(listened: Listened) -> None:
    async with listened.meter.measure() as spent:
        changes = await listened.catchup.difference(listened.bob, {listened.group: SyncCursor(1, 1)})
    assert [message.number for message in changes.messages] == [2]
    assert (spent.calls, spent.read_units) == (["Query", "Query"], 1.5)
    async with listened.meter.measure() as spent:
        changes = await listened.catchup.difference(
            listened.bob, {listened.group: SyncCursor(2, changes.rows[0].version)}
        )
    assert (changes.rows, changes.messages) == ([], [])
    assert (spent.calls, spent.read_units) == (["Query"], 1)


async def test_read_markers_cost_two_rows(listened: Listened) -> None:
    async with listened.meter.measure() as spent:
        await listened.messaging.markers.member_rows(listened.ann, listened.group)
    assert (spent.calls, spent.read_units) == (["GetItem", "GetItem"], 1.5)


@pytest.mark.parametrize(("groups", "newest", "sync"), [(1, 0.5, 1), (200, 9.5, 19), (10_000, 10.5, 78)])
async def test_a_stream_a_rename_and_a_sync_are_bounded_whatever_the_inbox(
    service: Service, groups: int, newest: float, sync: float
) -> None:
    """The rows are the longest, and all of one hour. `sync` is that of a client that has the newest 150 groups."""
    metered = Metered(service)
    await fill(metered, groups, minutes_apart=60 / groups)
    bus, catchup = MemoryBus(), Catchup(metered.store)
    await catchup.newest(metered.ann)  # here the process finds out whether the inbox is a large one
    async with bus.subscribe(metered.ann) as subscription:
        stream = Stream(metered.ann, subscription, bus=bus, catchup=catchup)
        async with metered.meter.measure() as opened:
            await stream.start(None)
            await stream.next_items()
        subscription.put(Delivery(EventsLost(metered.ann)))
        async with metered.meter.measure() as reconciled:
            await stream.next_items()
    assert (opened.read_units, reconciled.read_units) == (newest, newest), (opened, reconciled)

    published: list[LiveEvent] = []
    renamed = UserRenamed(User(metered.ann, "ann", "Ann", "sub", metered.at))
    async with metered.meter.measure() as spent:
        await ProfileFanOut(catchup, Kept(published), TaskSet()).publish(renamed)
    assert (spent.read_units, len(published)) == (newest, 1 + min(groups, 200 if groups <= 200 else NEWEST)), spent

    async with metered.meter.measure() as spent:
        changes = await catchup.difference(metered.ann, {})
    assert (spent.read_units, len(changes.rows)) == (sync, min(groups, GROUPS)), spent
    assert (len(opened.calls), len(spent.calls)) == ((1, 1) if groups <= 200 else (2, 12))
    known = {row.group_uuid: SyncCursor(row.last_number, row.version) for row in changes.rows}
    async with metered.meter.measure() as spent:
        changes = await catchup.difference(metered.ann, known)
    assert (spent.read_units, changes.rows, changes.gone) == (sync, [], []), spent


class Kept(MemoryBus):
    """Keeps what is published."""

    def __init__(self, published: list[LiveEvent]) -> None:
        super().__init__()
        self._published = published

    async def publish(self, *events: LiveEvent) -> None:
        self._published += events


async def test_a_sync_costs_most_when_it_names_old_groups_of_a_large_inbox_with_long_messages(service: Service) -> None:
    """The bound of any sync: 150 new rows, 150 named ones that are not among them, 100 messages in as many groups."""
    metered = Metered(service)
    await fill(metered, 400, minutes_apart=1)
    rows = sorted(await metered.store.inbox_rows(metered.ann), key=lambda row: row.last_at)[:GROUPS]
    text = "\N{GRINNING FACE}" * 1024
    for row in rows[:MESSAGES]:
        await metered.store.append_message(
            Message(row.group_uuid, row.last_number, uuid4(), row.last_by, text, row.last_at)
        )
    catchup = Catchup(metered.store)
    await catchup.newest(metered.ann)
    known = {row.group_uuid: SyncCursor(row.last_number - (at < MESSAGES), 0) for at, row in enumerate(rows)}
    async with metered.meter.measure() as spent:
        changes = await catchup.difference(metered.ann, known)
    assert (len(changes.rows), len(changes.messages)) == (2 * GROUPS, MESSAGES)
    assert (len(spent.calls), spent.read_units) == (114, 78 + 75 + 100), spent


async def test_messages_that_an_eventually_consistent_read_misses_are_read_again(
    listened: Listened, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = listened.store.messages_between

    async def behind(group: UUID, first: int, last: int, *, consistent: bool = False) -> list[Message]:
        return (await whole(group, first, last, consistent=consistent))[: None if consistent else -1]

    monkeypatch.setattr(listened.store, "messages_between", behind)
    async with listened.meter.measure() as spent:
        found = await listened.catchup.messages(listened.group, after=0, until=2)
    assert [message.number for message in found] == [1, 2]
    assert (spent.calls, spent.read_units) == (["Query", "Query"], 1.5)


async def test_renames_are_sent_once_in_an_interval(service: Service) -> None:
    metered, tasks = Metered(service), TaskSet()
    await metered.send()
    published: list[LiveEvent] = []
    fan_out = ProfileFanOut(Catchup(metered.store), Kept(published), tasks)
    async with metered.meter.measure() as spent:
        for number in range(50):
            user = User(metered.ann, "ann", f"Ann {number}", "sub", metered.at)
            await fan_out.publish(UserRenamed(user))
        assert len(published) == 2
        await advance(RENAME_INTERVAL)
        await tasks.drain(SECONDS)
    assert [event.display_name for event in published if isinstance(event, ProfileChanged)] == ["Ann 0"] * 2 + [
        "Ann 49"
    ] * 2
    assert spent.read_units == 1, "two reads of the rows for 50 names"


LONGEST = "\N{GRINNING FACE}" * 1024


@pytest.mark.parametrize(
    ("recent", "units", "is_replayed"),
    [
        ([1], 0.5 + 5.5, True),
        ([5] * 20, 1 + 20 * 5.5, True),
        ([10] * 9 + [1] * 10, 1 + 28 * 5.5, True),
        ([100], 0.5 + 11 * 5.5, True),
        ([101], 0.5 + 11 * 5.5, False),
        ([60, 60], 0.5 + 7 * 5.5 + 5 * 5.5, False),
        ([1] * 21, 1, False),
    ],
)
async def test_resuming_a_stream_is_bounded_whatever_came_meanwhile(
    service: Service, recent: list[int], units: float, is_replayed: bool
) -> None:
    """Each group has old messages, too, and all messages are the longest."""
    metered = Metered(service)
    bus, catchup = MemoryBus(), Catchup(metered.store)
    async with bus.subscribe(metered.ann) as subscription:
        await bus.publish(ProfileChanged(metered.ann, uuid4(), "ann", "Ann"))
        delivery = await subscription.next(SECONDS)
    assert delivery
    await asyncio.gather(*(spoken(metered, count) for count in recent))
    async with bus.subscribe(metered.ann) as subscription:
        stream = Stream(metered.ann, subscription, bus=bus, catchup=catchup)
        found: list[StreamItem] = []
        async with metered.meter.measure() as spent:
            await stream.start(delivery.position)
            while stream._steps:  # noqa: SLF001  # the replay
                found += await stream.next_items()
    assert spent.read_units == units, spent
    if is_replayed:
        assert len(found) == sum(recent)
    else:
        assert found[-1] == StreamItem(ResyncRequired("gap"))


async def spoken(metered: Metered, recent: int) -> None:
    """Give Ann a group with 20 messages of an hour ago and with recent ones, and nothing of it to the bus."""
    peer = uuid4()
    group = direct_group_uuid(metered.ann, peer)
    numbers = range(1, 20 + recent + 1)
    messages = [
        Message(group, n, uuid4(), peer, LONGEST, metered.at - timedelta(hours=n <= 20), reply_to=1) for n in numbers
    ]
    await asyncio.gather(*(metered.store.append_message(message) for message in messages))
    await metered.store._table.put(new_inbox_row(messages[-1], user=metered.ann, peer=peer))  # noqa: SLF001
