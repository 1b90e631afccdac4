"""The exact cost of each operation, in calls and in units, by DynamoDB's rules."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.cache import Caches
from app.concurrency import TaskSet
from app.concurrency.publish import Publish, discard_events
from app.gateways import dynamodb as gateway
from app.gateways.dynamodb import Table, marshal_item
from app.messaging import items
from app.messaging.clock import now
from app.messaging.errors import AfterTooOld, GroupNotFound, MessageTooLong
from app.messaging.events import GroupChanged
from app.messaging.inbox import WHOLE_INBOX
from app.messaging.log import NUMBERS_AFTER
from app.messaging.models import Draft, Message, direct_group_uuid
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.unread import COUNTED_WHOLE, UnreadCount, UnreadCounter
from app.messaging.windows import Window
from app.settings import LONGEST_MESSAGE
from tests.fixtures.app import Service
from tests.tools.capacity import Meter
from tests.tools.capacity_rules import item_size
from tests.tools.processes import DIRECTORY, raw_client
from tests.tools.stored import new_inbox_row

TEXT = "A text of one hundred characters, which is what the data model counts with. It goes on until it is 100".ljust(
    100
)[:100]


class Metered:
    """A service whose DynamoDB calls are measured, at a time of the test's choice, and two users."""

    def __init__(
        self, service: Service, publish: Publish = discard_events, *, meter: gateway.Meter | None = None
    ) -> None:
        self.meter = Meter(raw_client(service))
        self.table = Table(self.meter.client, service.state["table"].name, meter=meter)
        self.store = MessagingStore(self.table)
        self.at = now()
        self.messaging = Messaging(
            self.store,
            DIRECTORY,
            message_max_length=1024,
            tasks=TaskSet(),
            publish=publish,
            clock=lambda: self.at,
        )
        self.ann, self.bob = uuid4(), uuid4()
        self.group = direct_group_uuid(self.ann, self.bob)

    async def send(self, sender: UUID | None = None, *, to: UUID | None = None, **draft: Any) -> int:
        message = Draft(sender or self.ann, TEXT, **draft)
        peer = to or (self.ann if sender == self.bob else self.bob)
        return (await self.messaging.send(message, group=None, handle=str(peer))).number


@pytest.fixture
def metered(service: Service) -> Metered:
    return Metered(service)


async def test_the_first_message_of_a_group_costs_10_write_units(metered: Metered) -> None:
    async with metered.meter.measure() as spent:
        await metered.send()
    assert spent.calls == ["GetItem", "GetItem", "TransactWriteItems"]  # the row, and the peer's settings
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (10, 2, 2), spent


async def test_a_send_within_a_bucket_costs_3_write_units(metered: Metered) -> None:
    await metered.send()
    async with metered.meter.measure() as spent:
        await metered.send(uuid=uuid4(), after=1)
    assert spent.calls == ["GetItem", "PutItem", "UpdateItem", "UpdateItem"]
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (3, 0, 1), spent


async def test_send_without_a_uuid_cannot_be_a_repetition_and_compares_nothing(metered: Metered) -> None:
    await metered.send()
    async with metered.meter.measure() as spent:
        await metered.send()
    assert (len(spent.calls), spent.write_units, spent.read_units) == (4, 3, 1), spent


async def test_send_without_after_compares_the_newest_sixteen(metered: Metered) -> None:
    for _ in range(20):
        await metered.send()
    async with metered.meter.measure() as spent:
        await metered.send(uuid=uuid4())
    assert spent.calls == ["GetItem", "Query", "PutItem", "UpdateItem", "UpdateItem"]
    assert (spent.write_units, spent.read_units) == (3, 2), spent


async def test_a_send_after_others_wrote_reads_their_messages(metered: Metered) -> None:
    await metered.send()
    await metered.send(metered.bob)
    async with metered.meter.measure() as spent:
        await metered.send(uuid=uuid4(), after=1)
    assert (len(spent.calls), spent.write_units, spent.read_units) == (5, 3, 2), spent


async def test_a_send_with_any_after_compares_500_messages_at_most(metered: Metered) -> None:
    await metered.send()
    entries = [
        Message(metered.group, number, uuid4(), metered.bob, TEXT, metered.at)
        for number in range(2, NUMBERS_AFTER + 101)
    ]
    await asyncio.gather(*(metered.store.append_message(entry) for entry in entries))
    for user in (metered.ann, metered.bob):
        await metered.store.advance_inbox_row(entries[-1], user=user)
    async with metered.meter.measure() as spent:
        with pytest.raises(AfterTooOld):
            await metered.send(uuid=uuid4(), after=0)
    assert spent.calls == ["GetItem", "Query"]
    assert (spent.write_units, spent.read_units) == (0, 27), spent
    async with metered.meter.measure() as spent:
        await metered.send(uuid=uuid4(), after=101)
    assert spent.calls == ["GetItem", "Query", "PutItem", "UpdateItem", "UpdateItem"]
    assert (spent.write_units, spent.read_units) == (3, 27), spent


async def test_a_send_into_a_new_bucket_costs_7_write_units(metered: Metered) -> None:
    await metered.send()
    metered.at += timedelta(minutes=10)
    async with metered.meter.measure() as spent:
        await metered.send(uuid=uuid4(), after=1)
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (7, 4, 1), spent


async def test_a_repeated_send_writes_no_message(metered: Metered) -> None:
    await metered.send()
    uuid = uuid4()
    await metered.send(uuid=uuid, after=1)
    async with metered.meter.measure() as spent:
        assert await metered.send(uuid=uuid, after=1) == 2
    assert spent.calls == ["GetItem", "Query", "UpdateItem", "UpdateItem"]
    assert (spent.write_units, spent.read_units) == (2, 2), spent


async def test_marking_read_costs_one_write_unit_and_half_a_read_unit(metered: Metered) -> None:
    """The read is that of the peer's row: the event goes to members only."""
    await metered.send()
    async with metered.meter.measure() as spent:
        await metered.messaging.markers.mark_read(metered.bob, metered.group, 1)
    assert spent.calls == ["UpdateItem", "GetItem"]
    assert (spent.write_units, spent.read_units) == (1, 0.5), spent


@pytest.mark.parametrize(("longest", "send", "page"), [(1024, 7, 52.5), (LONGEST_MESSAGE, 18, 198)])
async def test_a_text_costs_four_bytes_a_character_at_most(
    metered: Metered, longest: int, send: float, page: float
) -> None:
    """The longest texts have characters of four bytes each. White space is stored, so it counts."""
    messaging = Messaging(
        metered.store, DIRECTORY, message_max_length=longest, tasks=TaskSet(), clock=lambda: metered.at
    )
    await metered.send()
    text = "\N{GRINNING FACE}" * longest
    for number in range(1, 101):
        draft = Draft(metered.ann, text, uuid4(), after=number, reply_to=number)
        async with metered.meter.measure() as spent:
            await messaging.send(draft, group=metered.group, handle=None)
        assert spent.write_units == send, spent
    async with metered.meter.measure() as spent:
        history = await messaging.history(metered.bob, metered.group, Window.newest(100))
    assert len(history.messages) == 100
    assert spent.read_units == page, spent
    for padded in (f" {text}", f"{text}\n", "x".rjust(longest + 1)):
        with pytest.raises(MessageTooLong):
            await messaging.send(Draft(metered.ann, padded), group=metered.group, handle=None)


@pytest.mark.parametrize(("groups", "units"), [(20, 1), (50, 2), (100, 4)])
async def test_an_inbox_page_of_20_costs_one_query(metered: Metered, groups: int, units: float) -> None:
    for _ in range(groups):
        await metered.send(to=uuid4())
    async with metered.meter.measure() as spent:
        page = await metered.messaging.inbox(metered.ann, limit=20)
    assert len(page.rows) == 20
    assert spent.calls == ["Query"]
    assert (spent.read_units, spent.write_units) == (units, 0), spent


async def test_the_counter_costs_one_query_and_is_cached(metered: Metered) -> None:
    counter = UnreadCounter(metered.store, Caches(TaskSet()))
    for _ in range(20):
        await metered.send(to=uuid4())
    async with metered.meter.measure() as spent:
        assert await counter.count(metered.ann) == UnreadCount(0, is_complete=True)
    assert (spent.calls, spent.read_units) == (["Query"], 2), spent
    async with metered.meter.measure() as spent:
        assert await counter.count(metered.ann) == UnreadCount(0, is_complete=True)
    assert spent.calls == []


LONGEST_PREVIEW = "\N{ARABIC LETTER BEH}" * 80


async def fill(metered: Metered, count: int, *, minutes_apart: float) -> None:
    """Give Ann that many groups, whose rows have the longest previews."""
    await asyncio.gather(*(_fill(metered, range(at, count, 32), minutes_apart) for at in range(32)))


async def _fill(metered: Metered, ages: range, minutes_apart: float) -> None:
    for age in ages:
        peer, at = uuid4(), metered.at - timedelta(minutes=minutes_apart * age)
        message = Message(direct_group_uuid(metered.ann, peer), 123_456, uuid4(), peer, LONGEST_PREVIEW, at)
        await metered.store._table.put(new_inbox_row(message, user=metered.ann, peer=peer))  # noqa: SLF001


@pytest.mark.parametrize(
    ("groups", "calls", "units"),
    [
        (COUNTED_WHOLE, ["Query"], 12),
        (WHOLE_INBOX + 1, ["Query", "Query", "BatchGetItem"], 11),
    ],
)
async def test_the_counter_costs_12_units_however_many_groups(
    metered: Metered, groups: int, calls: list[str], units: float
) -> None:
    counter = UnreadCounter(metered.store, Caches(TaskSet()))
    await fill(metered, groups, minutes_apart=15)
    await counter.count(metered.ann)  # here the process finds out whether the inbox is a large one
    await counter.invalidate_changed(GroupChanged((await metered.store.inbox_rows(metered.ann, limit=1))[0]))
    async with metered.meter.measure() as spent:
        await counter.count(metered.ann)
    assert (spent.calls, spent.read_units) == (calls, units), spent


@pytest.mark.parametrize("minutes_apart", [0, 1, 4, 15])
async def test_a_page_of_a_large_inbox_costs_its_rows_and_their_index_entries(
    metered: Metered, minutes_apart: float
) -> None:
    metered.at = datetime(2026, 11, 24, 9, 55, tzinfo=UTC)
    await fill(metered, WHOLE_INBOX + 1, minutes_apart=minutes_apart)
    page = await metered.messaging.inbox(metered.ann, limit=20)  # here the process finds out that it is a large one
    async with metered.meter.measure() as spent:
        assert await metered.messaging.inbox(metered.ann, limit=20) == page
    assert spent.calls == ["Query", "BatchGetItem"]
    assert spent.read_units == 10.5, spent
    async with metered.meter.measure() as spent:
        await metered.messaging.inbox(metered.ann, limit=20, before=page.next)
    assert spent.calls == ["Query", "BatchGetItem"]
    assert spent.read_units == 10.5, spent


@pytest.fixture
async def talk(metered: Metered) -> Metered:
    for _ in range(80):
        await metered.send()
    return metered


@pytest.mark.parametrize(
    "window", [Window.newest(50), Window.before(70, 50), Window.around(40, 50), Window.after(5, 50)]
)
async def test_a_page_of_50_costs_a_row_and_one_query(talk: Metered, window: Window) -> None:
    """One row to prove membership, strongly consistent, and one eventually consistent Query."""
    async with talk.meter.measure() as spent:
        history = await talk.messaging.history(talk.ann, talk.group, window)
    assert len(history.messages) == 50
    assert spent.calls == ["GetItem", "Query"]
    assert spent.of("GetItem").read_units == 1, spent
    assert spent.of("Query").read_units == 1.5, spent


async def test_a_non_member_costs_one_read(talk: Metered) -> None:
    async with talk.meter.measure() as spent:
        with pytest.raises(GroupNotFound):
            await talk.messaging.history(uuid4(), talk.group, Window.newest(50))
    assert (spent.calls, spent.read_units) == (["GetItem"], 1), spent


async def test_items_have_the_sizes_of_the_chart(talk: Metered) -> None:
    (message,) = await talk.store.newest_messages(talk.group, limit=1)
    # A number is stored without its trailing zeros, so the time of day counts.
    assert item_size(marshal_item(items.message_item(message))) in range(205, 209)
    row = new_inbox_row(message, user=talk.ann, peer=talk.bob)
    assert item_size(marshal_item(row.item)) <= 320
    assert message.created_at <= datetime.now(UTC)
