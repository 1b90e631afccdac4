"""The exact cost of a sweep and of an export, in units, by DynamoDB's rules."""

from collections.abc import Awaitable
from typing import Any
from uuid import uuid4

import pytest

from app.cache import Caches
from app.concurrency import TaskSet
from app.gateways.dynamodb import Table
from app.messaging.catchup import Catchup
from app.messaging.clock import now
from app.messaging.erasure_store import MemberErasureStore
from app.messaging.groups.service import Groups
from app.messaging.models import ChangeType
from app.messaging.settings.service import UserSettingsService
from app.messaging.settings.store import SettingsStore
from app.messaging.views import Views
from app.personal_data.export import Export
from app.personal_data.sweep import Sweep, SweepTools
from app.users.models import DELETED_USER, Erasure, User
from app.users.store import UserStore
from tests.fixtures.app import Service
from tests.messaging.test_change_capacity import Changing
from tests.tools.capacity import Spent
from tests.tools.processes import DIRECTORY

GROUPS = 3


class Sweeping(Changing):
    """Ann with one message in each of three groups."""

    def sweep(self, service: Service, *, removes_messages: bool = False) -> Sweep:
        store = MemberErasureStore(Table(self.meter.client, service.state["table"].name))
        erasures = UserStore(service.state["postgres"]).erasures
        groups = Groups(self.messaging, self.store, DIRECTORY, max_members=100, tasks=TaskSet())
        tools = SweepTools(store, self.changes, erasures, groups.leave, writes_per_second=10_000, quiet_seconds=0)
        return Sweep(tools, Erasure(self.ann, now(), now(), removes_messages))


@pytest.fixture
async def sweeping(service: Service) -> Sweeping:
    sweeping = Sweeping(service)
    for peer in (sweeping.bob, uuid4(), uuid4()):
        await sweeping.send(to=peer)
    return sweeping


async def spent_by(sweeping: Sweeping, work: Awaitable[Any]) -> Spent:
    async with sweeping.meter.measure() as spent:
        await work
    return spent


async def test_a_group_costs_4_write_units_and_2_read_units(service: Service, sweeping: Sweeping) -> None:
    """Both rows, the row's deletion and that of its index entry; the end of the log and that nothing follows it.

    5 read units more are the rows of the user, three times, that there are no more, and at last that there are none.
    """
    spent = await spent_by(sweeping, sweeping.sweep(service).run())
    assert (spent.write_units, spent.index_write_units) == (4 * GROUPS, GROUPS), spent
    assert spent.read_units == 2 * GROUPS + 5, spent
    again = await spent_by(sweeping, sweeping.sweep(service).run())
    assert (again.calls, again.read_units, again.write_units) == (["Query"], 1, 0)


async def test_a_removed_message_costs_what_its_deletion_costs(service: Service, sweeping: Sweeping) -> None:
    await sweeping.change(ChangeType.REACT, emoji="😀")
    kept = await spent_by(sweeping, sweeping.sweep(service, removes_messages=True).run())
    assert kept.write_units == 4 * GROUPS + 4 * GROUPS, kept
    assert kept.read_units == 2 * GROUPS + 5 + 3 * GROUPS, kept  # the log is read again until nothing is found


class Names:
    """Stands for the users, of whom none is there."""

    async def names(self, uuids: Any) -> Any:
        return dict.fromkeys(uuids, DELETED_USER)


async def test_an_export_costs_what_its_lists_cost(service: Service) -> None:
    """3.5 read units for a group with 20 messages: markers, row and messages; 0.5 for the inbox; 1 for each of
    the two users' settings.
    """
    reading = Changing(service)
    for _ in range(20):
        await reading.send()
    names: Any = Names()
    user_settings = UserSettingsService(
        SettingsStore(Table(reading.meter.client, service.state["table"].name)), Caches(TaskSet())
    )
    groups = Groups(reading.messaging, reading.store, names, max_members=100, tasks=TaskSet())
    export = Export(
        names, reading.messaging, reading.changes, user_settings, Views(names, Catchup(reading.store)), groups
    )
    user = User(reading.ann, "ann", "Ann", "sub", now())

    async def turn() -> None:
        """Wait for nothing."""

    async with reading.meter.measure() as spent:
        lines = [line.type async for line in export.lines(user, turn)]
    assert lines == ["profile", "group", *["message"] * 20, "end"]
    assert (spent.read_units, spent.write_units) == (6, 0), spent
