"""The cost of live events by DynamoDB's rules: nothing for a message's event, little for all others."""

import asyncio

import pytest

from app.concurrency import TaskSet
from app.messaging.catchup import Catchup, SyncCursor
from app.messaging.service import Messaging
from app.realtime.bus import MemoryBus
from app.realtime.stream import Stream
from tests.fixtures.app import Service
from tests.messaging.test_capacity import Metered
from tests.tools.processes import DIRECTORY

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
            await listened.messaging.mark_read(listened.bob, listened.group, 3)
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
        changes = await listened.catchup.changes(listened.bob, {listened.group: SyncCursor(1, 1)})
    assert [message.number for message in changes.messages] == [2]
    assert (spent.calls, spent.read_units) == (["Query", "Query"], 2)
    async with listened.meter.measure() as spent:
        changes = await listened.catchup.changes(listened.bob, {listened.group: SyncCursor(2, changes.rows[0].version)})
    assert (changes.rows, changes.messages) == ([], [])
    assert (spent.calls, spent.read_units) == (["Query"], 1)


async def test_read_markers_cost_two_rows(listened: Listened) -> None:
    async with listened.meter.measure() as spent:
        await listened.messaging.read_markers(listened.ann, listened.group)
    assert (spent.calls, spent.read_units) == (["GetItem", "GetItem"], 1.5)
