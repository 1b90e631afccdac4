"""The exact cost of each operation on a group of several members, by DynamoDB's rules."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from app.cache import Caches
from app.concurrency import TaskSet
from app.concurrency.publish import discard_events
from app.gateways.dynamodb import Meter
from app.gateways.dynamodb.consumed import Consumed
from app.limits import Limits
from app.limits.caller import CallerMeter, caller
from app.limits.rates import WRITE_CAPACITY
from app.messaging.groups.fan_out import FanOut
from app.messaging.groups.members import Members
from app.messaging.groups.models import GroupDraft
from app.messaging.groups.service import Groups
from app.messaging.models import Draft
from app.messaging.service import Messaging
from app.messaging.windows import Window
from tests.fixtures.app import Service
from tests.messaging.test_capacity import TEXT, Metered
from tests.tools.processes import DIRECTORY


class Grouped(Metered):
    """A group of Ann and others, whose calls are measured with what goes on behind them."""

    def __init__(self, service: Service, meter: Meter | None = None) -> None:
        super().__init__(service, meter=meter)
        self.tasks = TaskSet()
        self.fan_out = FanOut(
            self.store.heads, Members(self.store.heads, Caches(TaskSet())), self.tasks, discard_events
        )
        self.messaging = Messaging(
            self.store,
            DIRECTORY,
            message_max_length=1024,
            tasks=self.tasks,
            publish=self.fan_out.publish,
            clock=lambda: self.at,
        )
        self.groups = Groups(
            self.messaging,
            self.store,
            DIRECTORY,
            max_members=100,
            tasks=self.tasks,
            publish=self.fan_out.publish,
        )
        self.several = UUID(int=0)
        self.members: tuple[UUID, ...] = ()

    async def create(self, members: int) -> None:
        self.members = tuple(uuid4() for _ in range(members - 1))
        row = await self.groups.create(GroupDraft(self.ann, "Launch", self.members, uuid4()))
        self.several = row.group_uuid
        await self.drain()

    async def say(self, sender: UUID | None = None, **draft: object) -> int:
        message = Draft(sender or self.ann, TEXT, **draft)  # type: ignore[arg-type]
        return (await self.messaging.send(message, group=self.several, handle=None)).number

    async def drain(self) -> None:
        """Wait for what goes on in the background."""
        await self.tasks.drain(10)


@pytest.fixture
def grouped(service: Service) -> Grouped:
    return Grouped(service)


@pytest.mark.parametrize("members", [2, 10, 100])
async def test_a_send_within_a_bucket_costs_3_write_units_whatever_the_members(grouped: Grouped, members: int) -> None:
    await grouped.create(members)
    await grouped.say()  # which reads and caches the members
    async with grouped.meter.measure() as spent:
        await grouped.say(uuid=uuid4(), after=2)
    assert sorted(spent.calls) == ["GetItem", "GetItem", "PutItem", "UpdateItem", "UpdateItem"]
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (3, 0, 2), spent


@pytest.mark.parametrize("members", [10, 100])
async def test_a_new_bucket_costs_3_for_each_member_in_the_background(grouped: Grouped, members: int) -> None:
    await grouped.create(members)
    grouped.at += timedelta(minutes=11)
    async with grouped.meter.measure() as spent:
        await grouped.say()
        answered = spent.write_units
        await grouped.drain()
    assert answered <= 5 + spent.index_write_units
    assert spent.write_units == 5 + 3 * members + 2, spent
    async with grouped.meter.measure() as again:
        await grouped.say()
        await grouped.drain()
    assert again.write_units == 3, again


async def test_a_mention_costs_a_write_unit_for_each_member(grouped: Grouped) -> None:
    await grouped.create(5)
    async with grouped.meter.measure() as spent:
        await grouped.say(mentions=frozenset(grouped.members[:2]))
    assert spent.write_units == 5, spent


async def test_creation_costs_3_write_units_for_each_member_and_4(grouped: Grouped) -> None:
    async with grouped.meter.measure() as spent:
        await grouped.create(10)
    assert (spent.write_units, spent.index_write_units) == (34, 10), spent


async def test_history_and_markers_read_the_head_too(grouped: Grouped) -> None:
    await grouped.create(5)
    await grouped.say()
    async with grouped.meter.measure() as read:
        await grouped.messaging.history(grouped.members[0], grouped.several, Window.newest(20))
    assert (read.read_units, read.write_units) == (2.5, 0), read
    async with grouped.meter.measure() as marked:
        await grouped.messaging.markers.mark_read(grouped.members[0], grouped.several, 2)
    assert (marked.read_units, marked.write_units) == (3, 1), marked


async def test_an_inbox_reads_the_heads_of_active_groups_only(grouped: Grouped) -> None:
    for _ in range(3):
        await grouped.create(3)
    async with grouped.meter.measure() as active:
        page = await grouped.messaging.inbox(grouped.ann, limit=20)
    assert (len(page.rows), active.read_units) == (3, 0.5 + 3 * 0.5), active
    for row in page.rows:
        await grouped.store.heads.close(grouped.ann, row.group_uuid, grouped.at + timedelta(minutes=13))
    async with grouped.meter.measure() as quiet:
        page = await grouped.messaging.inbox(grouped.ann, limit=20)
    assert (len(page.rows), quiet.read_units) == (3, 0.5), quiet


async def test_a_change_is_charged_for_all_rows_and_a_send_for_its_own(service: Service) -> None:
    """A hundred members and a title that changes again and again cost the account that changes it, not the operator."""
    grouped = Grouped(service, meter=CallerMeter(Consumed()))
    await grouped.create(40)
    quota = Limits().of(str(uuid4()))
    caller.set(quota)
    grouped.at += timedelta(minutes=11)
    await grouped.say()
    await grouped.drain()
    assert quota.seconds_until(WRITE_CAPACITY, 1) < 2
    await grouped.groups.update(grouped.ann, grouped.several, title="Landing", shows_history=None)
    await grouped.drain()
    assert quota.seconds_until(WRITE_CAPACITY, 1) > 10
