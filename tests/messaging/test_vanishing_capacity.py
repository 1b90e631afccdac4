"""The exact cost of hiding messages, and of messages that expire, in calls and in units, by DynamoDB's rules."""

from datetime import timedelta

import pytest

from app.messaging.catchup import Catchup, SyncCursor
from app.messaging.clock import now
from app.messaging.errors import CannotMessage
from app.messaging.models import Block, ChangeType
from app.messaging.windows import Window
from tests.fixtures.app import Service
from tests.messaging.test_change_capacity import CHANGE, Changing

LONG = 3600


async def start(service: Service) -> Changing:
    changing = Changing(service)
    await changing.send()
    return changing


async def test_hiding_a_message_costs_4_write_units_and_2_read_units_once(service: Service) -> None:
    changing = await start(service)
    async with changing.meter.measure() as spent:
        await changing.changes.hide(changing.bob, changing.group, 1)
    assert spent.calls == ["GetItem", "GetItem", "TransactWriteItems"]
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (4, 0, 2), spent
    async with changing.meter.measure() as spent:
        await changing.changes.hide(changing.bob, changing.group, 1)
    assert (spent.calls, spent.read_units) == (["GetItem", "GetItem"], 2), spent


async def test_reading_costs_the_same_with_hidden_messages(service: Service) -> None:
    changing = await start(service)
    for _ in range(49):
        await changing.send()
    async with changing.meter.measure() as before:
        await changing.messaging.history(changing.bob, changing.group, Window.newest(50))
    for number in range(1, 51, 5):
        await changing.changes.hide(changing.bob, changing.group, number)
    for user in (changing.ann, changing.bob):
        async with changing.meter.measure() as after:
            await changing.messaging.history(user, changing.group, Window.newest(50))
        assert (after.calls, after.read_units) == (before.calls, before.read_units), after
    async with changing.meter.measure() as spent:
        await changing.messaging.inbox(changing.bob, limit=20)
    assert (spent.calls, spent.read_units) == (["Query"], 0.5), spent


async def test_new_texts_cost_half_a_read_unit_each_only_for_a_user_that_has_hidden_a_message(
    service: Service,
) -> None:
    changing = await start(service)
    await changing.send()
    for number, version in ((1, 1), (2, 1), (2, 2)):
        await changing.change(ChangeType.EDIT, number, text=f"{version}", version=version)
    await changing.changes.hide(changing.bob, changing.group, 1)
    for user, calls, units in (
        (changing.ann, ["GetItem", "Query"], 1.5),
        (changing.bob, ["GetItem", "Query", "BatchGetItem"], 2),
    ):
        async with changing.meter.measure() as spent:
            await changing.changes.after(user, changing.group, 0, limit=50)
        assert (spent.calls, spent.read_units) == (calls, units), spent


async def test_a_sync_of_a_user_that_has_hidden_messages_costs_nothing_more_without_new_texts(
    service: Service,
) -> None:
    changing = await start(service)
    await changing.changes.hide(changing.bob, changing.group, 1)
    async with changing.meter.measure() as spent:
        difference = await Catchup(changing.store).difference(changing.bob, {changing.group: SyncCursor(1, 0, 0)})
    assert (spent.calls, spent.read_units) == (["Query"], 1), spent
    assert [row.hidden for row in difference.rows] == [(1,)]


async def test_a_message_that_expires_and_is_refused_writes_nothing(service: Service) -> None:
    changing = await start(service)
    await changing.store.blocks.block(Block(changing.bob, changing.ann, now()))
    async with changing.meter.measure() as spent:
        with pytest.raises(CannotMessage):
            await changing.send(expires_in=LONG)
    assert spent.write_units == 0, spent


async def test_a_message_that_expires_costs_1_write_unit_more_and_the_first_one_2(service: Service) -> None:
    changing = Changing(service)
    async with changing.meter.measure() as spent:
        await changing.send(expires_in=LONG)
    assert spent.calls == ["GetItem", "GetItem", "TransactWriteItems"]
    assert (spent.write_units, spent.read_units) == (12, 2), spent
    async with changing.meter.measure() as spent:
        await changing.send(expires_in=LONG, after=1)
    assert spent.calls == ["GetItem", "PutItem", "PutItem", "UpdateItem", "UpdateItem"]
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (4, 0, 1), spent


async def test_reading_a_text_costs_half_a_read_unit_until_it_expires(service: Service) -> None:
    expired = Changing(service)
    expired.at -= timedelta(seconds=2 * LONG)
    await expired.send(expires_in=LONG)
    await expired.send(expires_in=3 * LONG)
    async with expired.meter.measure() as spent:
        history = await expired.messaging.history(expired.bob, expired.group, Window.newest(50))
    assert [bool(message.text) for message in history.messages] == [False, True]
    assert (spent.calls, spent.read_units) == (["GetItem", "Query", "BatchGetItem"], 1 + 0.5 + 0.5), spent


async def test_a_read_marker_that_passes_messages_that_expire_costs_2_write_units(service: Service) -> None:
    changing = await start(service)
    for _ in range(2):
        await changing.send(expires_in=LONG)
    for number, units in ((1, 1), (3, 2)):
        async with changing.meter.measure() as spent:
            row = await changing.messaging.markers.mark_read(changing.bob, changing.group, number)
        assert (spent.write_units, spent.index_write_units) == (units, 0), (number, spent)
    assert row.gone == {}
    async with changing.meter.measure() as spent:
        await changing.send(changing.bob)
    assert spent.write_units == 3, spent


async def test_deleting_a_message_that_expires_costs_2_write_units_more(service: Service) -> None:
    changing = await start(service)
    await changing.send(expires_in=LONG)
    async with changing.meter.measure() as spent:
        await changing.change(ChangeType.DELETE, 2)
    assert (len(spent.calls), spent.write_units, spent.read_units) == (len(CHANGE) + 3, 6, 2.5), spent


async def test_a_row_with_all_that_it_may_know_of_is_one_write_unit(service: Service) -> None:
    """40 unread messages that expire, 20 hidden ones, and the longest preview."""
    changing = await start(service)
    for _ in range(22):
        await changing.send()
    for number in range(1, 23):
        await changing.changes.hide(changing.bob, changing.group, number)
    await changing.messaging.markers.mark_read(changing.bob, changing.group, 23)
    for _ in range(41):
        await changing.send(expires_in=LONG)
    row = await changing.store.inbox_row(changing.bob, changing.group)
    assert row
    assert (len(row.gone), len(row.hidden)) == (40, 20)
    async with changing.meter.measure() as spent:
        await changing.send()
    assert spent.write_units == 3, spent
