"""Pinned groups: at most ten, in an order without gaps, whatever else is pinned meanwhile."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.errors import Unavailable
from app.messaging.errors import GroupNotFound, NotInInbox, TooManyPins
from app.messaging.events import GroupChanged
from app.messaging.models import direct_group_uuid
from app.messaging.my_view.items import ViewChange
from app.messaging.my_view.pins import MAX_PINS
from app.messaging.my_view.service import MyView
from app.messaging.row_models import Folder, InboxRow
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.messaging.test_capacity import Metered
from tests.messaging.test_my_view import change


class Pinning(Metered):
    """Ann with some groups, and her view."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.view = MyView(self.messaging, self.store, self._publish)
        self.heard: dict[UUID, InboxRow] = {}

    async def _publish(self, *events: Any) -> None:
        for event in events:
            assert isinstance(event, GroupChanged)
            known = self.heard.get(event.row.group_uuid)
            if known is None or known.version <= event.row.version:
                self.heard[event.row.group_uuid] = event.row

    async def start(self, count: int) -> list[UUID]:
        peers = [uuid4() for _ in range(count)]
        await asyncio.gather(*(self.send(to=peer) for peer in peers))
        return [direct_group_uuid(self.ann, peer) for peer in peers]

    async def pin(self, group: UUID, position: int | None) -> InboxRow:
        return await self.view.change(self.ann, group, ViewChange(pin_position=position))

    async def order(self) -> list[UUID]:
        """The pinned groups, which rows, their item and what was heard must agree about."""
        rows = await self.store.inbox_rows(self.ann, consistent=True)
        pinned = sorted((row for row in rows if row.pin_position), key=lambda row: row.pin_position or 0)
        assert [row.pin_position for row in pinned] == list(range(1, len(pinned) + 1))
        assert all(row.pinned_at for row in pinned)
        assert all((row.pinned_at is None) == (row.pin_position is None) for row in rows)
        assert {self.heard[row.group_uuid] for row in pinned} == set(pinned)
        assert await self.view.pinned(self.ann) == pinned
        assert len(pinned) <= MAX_PINS
        return [row.group_uuid for row in pinned]


@pytest.fixture
def pinning(service: Service) -> Pinning:
    return Pinning(service)


async def test_pins_keep_their_order_and_repetitions_change_nothing(pinning: Pinning) -> None:
    a, b, c = await pinning.start(3)
    for group, position, expected in [
        (a, 1, [a]),
        (b, 1, [b, a]),
        (c, 2, [b, c, a]),
        (a, 1, [a, b, c]),
        (a, 10, [b, c, a]),
        (c, None, [b, a]),
        (c, 7, [b, a, c]),
        (b, None, [a, c]),
    ]:
        first = await pinning.pin(group, position)
        before = await pinning.store.inbox_rows(pinning.ann, consistent=True)
        assert await pinning.pin(group, position) == first
        assert await pinning.store.inbox_rows(pinning.ann, consistent=True) == before
        assert await pinning.order() == expected


async def test_an_eleventh_pin_is_refused_however_many_come_at_once(pinning: Pinning) -> None:
    groups = await pinning.start(14)
    for group in groups[:7]:
        await pinning.pin(group, 1)

    async def insist(group: UUID) -> bool:
        for _ in range(20):
            with suppress(Unavailable):  # others write at the same time
                try:
                    await pinning.pin(group, random.choice([1, 5, 10]))  # noqa: S311
                except TooManyPins:
                    return False
                return True
        raise AssertionError("it was never its turn")

    pinned = await asyncio.gather(*map(insist, groups[7:]))
    assert sum(pinned) == 3
    assert len(await pinning.order()) == MAX_PINS
    await pinning.pin(groups[0], 10)
    assert (await pinning.order())[-1] == groups[0]


async def test_only_the_inbox_has_pins(pinning: Pinning) -> None:
    a, b, c = await pinning.start(3)
    for group in (a, b, c):
        await pinning.pin(group, 10)
    row = await pinning.view.change(pinning.ann, a, ViewChange(is_archived=True))
    assert (row.folder, row.pin_position, row.pinned_at) == (Folder.ARCHIVE, None, None)
    assert await pinning.order() == [b, c]
    with pytest.raises(NotInInbox):
        await pinning.pin(a, 1)
    assert (await pinning.view.change(pinning.ann, a, ViewChange(is_archived=True))).version == row.version
    both = ViewChange(is_archived=False, pin_position=1, muted_until=None)
    assert (await pinning.view.change(pinning.ann, a, both)).pin_position == 1
    assert await pinning.order() == [a, b, c]
    await pinning.view.leave(pinning.ann, b)
    assert await pinning.order() == [a, c]
    with pytest.raises(GroupNotFound):
        await pinning.pin(b, 1)


async def test_messages_leave_pins_and_their_cost(pinning: Pinning) -> None:
    await pinning.send()
    await pinning.pin(pinning.group, 1)
    async with pinning.meter.measure() as spent:
        await pinning.send(pinning.bob)
    assert (spent.write_units, spent.read_units) == (3, 1), spent
    assert (await pinning.messaging.group(pinning.ann, pinning.group)).pin_position == 1


async def test_a_pin_costs_4_write_units_and_2_for_each_group_that_moves(pinning: Pinning) -> None:
    groups = await pinning.start(4)
    for others, group in enumerate(groups):
        async with pinning.meter.measure() as spent:
            await pinning.pin(group, 1)
        assert (spent.write_units, spent.index_write_units, spent.read_units) == (4 + 2 * others, 0, 2 + others), spent
    async with pinning.meter.measure() as spent:
        await pinning.pin(groups[-1], 1)
    assert (spent.write_units, spent.read_units) == (0, 1), spent
    async with pinning.meter.measure() as spent:
        assert len(await pinning.view.pinned(pinning.ann)) == 4
    assert spent.read_units == 2.5, spent
    async with pinning.meter.measure() as spent:
        await pinning.view.change(pinning.ann, groups[-1], ViewChange(is_archived=True))
    assert spent.write_units - spent.index_write_units == 4 + 2 * 3, spent


@pytest.mark.parametrize("seed", range(3))
async def test_racing_pins_archives_and_sends_end_in_one_order(service: Service, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # repeatable
    pinning = Pinning(service)
    groups = await pinning.start(5)
    calls: list[Callable[[UUID], Awaitable[Any]]] = [
        lambda group: pinning.pin(group, rng.choice([None, 1, 2, 3, 10])),
        lambda group: pinning.view.change(pinning.ann, group, ViewChange(is_archived=rng.random() < 0.5)),
        lambda group: pinning.view.change(pinning.ann, group, ViewChange(is_marked_unread=rng.random() < 0.5)),
    ]
    for _ in range(6):
        racing = (rng.choice(calls)(rng.choice(groups)) for _ in range(4))
        done = await asyncio.gather(*racing, return_exceptions=True)
        assert all(not isinstance(each, Exception) or isinstance(each, NotInInbox | Unavailable) for each in done), done
        order = await pinning.order()
        rows = {row.group_uuid: row for row in await pinning.store.inbox_rows(pinning.ann, consistent=True)}
        assert all(rows[group].folder is Folder.INBOX for group in order)


async def test_pins_over_http(ann: Person, bob: Person, eve: Person) -> None:
    for person in (bob, eve):
        await person.sent("hello", ann)
    assert (await change(ann, bob, pin_position=1))["pin_position"] == 1
    pinned = await change(ann, eve, pin_position=1)
    assert (pinned["pin_position"], pinned["pinned_at"] is not None) == (1, True)
    listed = await ann.get("/api/users/me/pins")
    assert [(row["handle"], row["pin_position"]) for row in listed] == [(eve.handle, 1), (bob.handle, 2)]
    assert {row["uuid"]: row for row in await ann.inbox()} == {row["uuid"]: row for row in listed}
    assert (await change(ann, eve, pin_position=0))["pin_position"] is None
    assert [row["handle"] for row in await ann.get("/api/users/me/pins")] == [bob.handle]
    await change(ann, eve, is_archived=True)
    path = f"/api/message_groups/{ann.group_with(eve)}/view"
    problem_of(await ann.client.patch(path, json={"pin_position": 1}), 409, "not-in-inbox")
    for value in (-1, 11, 1.5, "1", True, None):
        problem_of(await ann.client.patch(path, json={"pin_position": value}), 422, "invalid-body")
    assert await bob.get("/api/users/me/pins") == []
