"""A member's own view of a group: marked unread, until the group is read or answered."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from app.cache import Caches
from app.concurrency import TaskSet
from app.messaging.catchup import Catchup, SyncCursor
from app.messaging.errors import GroupNotFound
from app.messaging.events import GroupChanged
from app.messaging.inbox import WHOLE_INBOX
from app.messaging.my_view.items import ViewChange
from app.messaging.my_view.service import MyView
from app.messaging.unread import COUNTED_WHOLE, UnreadCounter
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.messaging.test_capacity import Metered, fill
from tests.messaging.test_receipts import Heard, mark

MARK, UNMARK = ViewChange(is_marked_unread=True), ViewChange(is_marked_unread=False)


async def change(person: Person, other: Person, **fields: Any) -> dict[str, Any]:
    answer = await person.client.patch(f"/api/message_groups/{person.group_with(other)}/view", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


async def counted(person: Person) -> int:
    return (await person.get("/api/messages/counter"))["count"]  # type: ignore[no-any-return]


async def test_a_group_that_is_marked_unread_counts_and_its_markers_stay(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    await mark(bob, ann, "read", 1)
    of_ann, before = await ann.inbox(), (await bob.inbox())[0]
    assert (await counted(bob), before["is_marked_unread"]) == (0, False)
    marked = await change(bob, ann, is_marked_unread=True)
    assert marked == before | {"is_marked_unread": True, "version": before["version"] + 1}
    assert await change(bob, ann, is_marked_unread=True) == marked == (await bob.inbox())[0]
    assert await change(bob, ann) == marked
    assert (await counted(bob), await counted(ann), await ann.inbox()) == (1, 0, of_ann)
    unmarked = await change(bob, ann, is_marked_unread=False)
    assert unmarked == before | {"version": before["version"] + 2}
    assert (await counted(bob), (await bob.inbox())[0]) == (0, unmarked)


@pytest.mark.parametrize("number", [2, 3])
async def test_reading_up_to_the_marker_or_beyond_takes_the_mark_away(ann: Person, bob: Person, number: int) -> None:
    for text in ("one", "two", "three"):
        await ann.sent(text, bob)
    await mark(bob, ann, "read", 2)
    await change(bob, ann, is_marked_unread=True)
    await mark(bob, ann, "read", 1)
    await mark(bob, ann, "delivered", 3)
    assert (await bob.inbox())[0]["is_marked_unread"], "a lower number changes nothing, and a delivery reads nothing"
    answer = (await mark(bob, ann, "read", number)).json()
    assert (answer["is_marked_unread"], answer["read_number"]) == (False, number)
    assert (await bob.inbox())[0] == answer
    assert await counted(bob) == (1 if number == 2 else 0)


async def test_an_own_message_takes_the_mark_away_and_another_does_not(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    await change(bob, ann, is_marked_unread=True)
    await ann.sent("two", bob)
    assert (await bob.inbox())[0]["is_marked_unread"]
    await bob.sent("three", ann)
    assert not (await bob.inbox())[0]["is_marked_unread"]
    assert await counted(bob) == 0


@pytest.mark.parametrize("body", [{"is_marked_unread": None}, {"is_marked_unread": 1}, {"other": True}, []])
async def test_a_wrong_view_is_refused(ann: Person, bob: Person, body: Any) -> None:
    await ann.sent("one", bob)
    path = f"/api/message_groups/{ann.group_with(bob)}/view"
    problem_of(await bob.client.patch(path, json=body), 422, "invalid-body")
    problem_of(await bob.client.patch(f"/api/message_groups/{uuid4()}/view", json={}), 404, "group-not-found")


async def test_a_mark_costs_one_write_unit_and_the_counter_what_it_did(service: Service) -> None:
    metered = Metered(service)
    await metered.send()
    view = MyView(metered.messaging, metered.store)
    for wanted in (MARK, MARK, UNMARK):
        async with metered.meter.measure() as spent:
            await view.change(metered.ann, metered.group, wanted)
        assert (spent.calls, spent.write_units, spent.index_write_units) == (["UpdateItem"], 1, 0), spent
    with pytest.raises(GroupNotFound):
        await view.change(uuid4(), metered.group, MARK)
    await view.change(metered.ann, metered.group, MARK)
    async with metered.meter.measure() as spent:
        await metered.messaging.markers.mark_read(metered.ann, metered.group, 1)
    assert spent.write_units == 1, spent


@pytest.mark.parametrize(("groups", "units"), [(20, 2), (COUNTED_WHOLE, 12), (WHOLE_INBOX + 1, 11)])
async def test_marked_groups_are_counted_in_inboxes_of_any_size(service: Service, groups: int, units: float) -> None:
    """All messages are read, and the newest five groups are marked."""
    metered = Metered(service)
    await fill(metered, groups, minutes_apart=15)
    view, counter = MyView(metered.messaging, metered.store), UnreadCounter(metered.store, Caches(TaskSet()))
    for row in (await metered.messaging.inbox(metered.ann, limit=20)).rows:
        await metered.messaging.markers.mark_read(metered.ann, row.group_uuid, row.last_number)
    before = (await counter.count(metered.ann)).count
    for row in (await metered.messaging.inbox(metered.ann, limit=5)).rows:
        marked = await view.change(metered.ann, row.group_uuid, MARK)
        await counter.invalidate_changed(GroupChanged(marked))
    async with metered.meter.measure() as spent:
        count = await counter.count(metered.ann)
    assert count.count == before + 5
    assert spent.read_units <= units, spent


async def test_racing_marks_and_reads_end_as_the_row_says_on_every_device(service: Service) -> None:
    """The row of the event with the greatest version is the row that is stored, and a sync has it."""
    for _ in range(6):
        heard = Heard()
        metered = Metered(service, heard.publish)
        await metered.send()
        view = MyView(metered.messaging, metered.store, heard.publish)
        ann, group = metered.ann, metered.group
        calls = [view.change(ann, group, wanted) for wanted in (MARK, UNMARK, MARK)]
        await asyncio.gather(*calls, *(metered.messaging.markers.mark_read(ann, group, 1) for _ in range(3)))
        row = await metered.messaging.group(ann, group)
        assert max((each for each in heard.rows if each.user_uuid == ann), key=lambda each: each.version) == row
        missing = await Catchup(metered.store).difference(ann, {group: SyncCursor(1, row.version - 1)})
        assert missing.rows == [row]
        await metered.messaging.markers.mark_read(ann, group, 1)
        assert not (await metered.messaging.group(ann, group)).is_marked_unread
