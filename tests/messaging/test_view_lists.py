"""A member's own view of a group: muted, archived, left."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.cache import Caches
from app.concurrency import TaskSet
from app.messaging.catchup import Catchup, SyncCursor
from app.messaging.clock import now
from app.messaging.errors import GroupNotFound
from app.messaging.events import GroupChanged
from app.messaging.my_view.items import ViewChange
from app.messaging.my_view.service import MyView
from app.messaging.row_models import Folder, InboxRow, MemberState
from app.messaging.unread import UnreadCounter
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.messaging.test_capacity import Metered
from tests.messaging.test_my_view import change, counted

PAST = "2020-01-31T12:00:00Z"
FOREVER = "9999-12-31T23:59:59.999Z"


async def listed(person: Person) -> dict[str, list[Any]]:
    """The handles of a person's groups by folder."""
    return {
        folder: [row["handle"] for row in await person.get("/api/message_groups", folder=folder)] for folder in Folder
    }


async def test_a_muted_group_counts_for_nothing_until_it_ends(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    before, of_ann = (await bob.inbox())[0], await ann.inbox()
    assert await counted(bob) == 1
    muted = await change(bob, ann, muted_until=FOREVER)
    assert muted == before | {"muted_until": FOREVER, "version": before["version"] + 1}
    assert await change(bob, ann, muted_until=FOREVER) == muted == (await bob.inbox())[0]
    await ann.sent("two", bob)
    assert (await counted(bob), (await bob.inbox())[0]["unread_count"]) == (0, 2)
    ended = await change(bob, ann, muted_until=PAST)
    assert (ended["muted_until"], ended["version"]) == (None, muted["version"] + 2)
    assert await change(bob, ann, muted_until="0001-01-01T00:00:00Z") == ended
    assert await counted(bob) == 1
    assert (await ann.inbox())[0] == of_ann[0] | {
        name: value
        for name, value in (await ann.inbox())[0].items()
        if name in {"message", "created_at", "last_number", "read_number", "version"}
    }, "the other member notices nothing"


async def test_a_mute_ends_by_itself_and_the_cached_count_with_it(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    await change(bob, ann, muted_until=(now() + timedelta(seconds=1.5)).isoformat())
    assert await counted(bob) == 0
    await asyncio.sleep(2)
    assert await counted(bob) == 1


@pytest.mark.parametrize(
    ("at", "stored"),
    [
        ("2030-01-31T12:00:00Z", "2030-01-31T12:00:00.000Z"),
        ("2030-01-31T12:00:00.123999+02:00", "2030-01-31T10:00:00.123Z"),
    ],
)
async def test_times_come_back_in_utc_to_the_millisecond(ann: Person, bob: Person, at: str, stored: str) -> None:
    await ann.sent("one", bob)
    assert (await change(bob, ann, muted_until=at))["muted_until"] == stored
    assert (await bob.inbox())[0]["muted_until"] == stored


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, 1.5, True, "", "2030-01-31", "2030-01-31T12:00:00", "2030-02-31T12:00:00Z", "10000-01-01T00:00:00Z"),
        *("9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "2030-01-31 12:00:00Z", "٢٠٣٠-01-31T12:00:00Z", {}),
    ],
)
async def test_other_times_are_refused(ann: Person, bob: Person, value: Any) -> None:
    await ann.sent("one", bob)
    path = f"/api/message_groups/{ann.group_with(bob)}/view"
    problem_of(await bob.client.patch(path, json={"muted_until": value}), 422, "invalid-body")
    problem_of(await bob.client.patch(path, json={"is_archived": None}), 422, "invalid-body")


async def test_an_archived_group_comes_back_with_a_message_unless_it_is_muted(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    before = (await bob.inbox())[0]
    archived = await change(bob, ann, is_archived=True)
    assert archived == before | {"folder": "archive", "version": before["version"] + 1}
    assert await change(bob, ann, is_archived=True) == archived
    assert await listed(bob) == {"inbox": [], "requests": [], "archive": [ann.handle]}
    assert await bob.get(f"/api/message_groups/{ann.group_with(bob)}") == archived
    assert await counted(bob) == 0
    await ann.sent("two", bob)
    assert await listed(bob) == {"inbox": [ann.handle], "requests": [], "archive": []}
    assert await counted(bob) == 1
    await change(bob, ann, is_archived=True, muted_until=FOREVER)
    await ann.sent("three", bob)
    assert await listed(bob) == {"inbox": [], "requests": [], "archive": [ann.handle]}
    back = await change(bob, ann, is_archived=False)
    assert (back["folder"], back["unread_count"]) == ("inbox", 3)
    assert await change(bob, ann, is_archived=False) == back == (await bob.inbox())[0]
    assert {row["folder"] for row in await ann.inbox()} == {"inbox"}


async def test_a_group_that_was_left_is_in_no_list_until_the_next_message(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    group, of_ann = ann.group_with(bob), await ann.inbox()
    await change(bob, ann, is_archived=True)
    answer = await bob.client.delete(f"/api/message_groups/{group}")
    assert (answer.status_code, answer.json()["state"]) == (200, "left")
    problem_of(await bob.client.delete(f"/api/message_groups/{group}"), 404, "group-not-found")
    assert await listed(bob) == {folder: [] for folder in Folder}
    assert (await counted(bob), await ann.inbox()) == (0, of_ann)
    known = {str(group): {"number": 1, "version": 1, "change_number": 0}}
    synced = (await bob.client.post("/api/sync", json={"groups": known})).json()
    assert synced == {"groups": [], "messages": [], "changes": [], "gone": [str(group)]}
    for path in (f"/api/messages/{group}", f"/api/message_groups/{group}"):
        problem_of(await bob.client.get(path), 404, "group-not-found")
    refused = await bob.client.patch(f"/api/message_groups/{group}/view", json={"is_archived": True})
    problem_of(refused, 404, "group-not-found")
    assert [row["number"] for row in await ann.get(f"/api/message_groups/{group}/read")] == [1, 0]
    await ann.sent("two", bob)
    (row,) = await bob.inbox()
    assert (row["state"], row["folder"], row["unread_count"]) == ("active", "inbox", 2)
    assert await bob.numbers(group) == [1, 2]


async def test_an_own_message_brings_a_group_back_that_was_left(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    await bob.client.delete(f"/api/message_groups/{ann.group_with(bob)}")
    await bob.sent("two", ann)
    assert [row["last_number"] for row in await bob.inbox()] == [2]


async def test_a_group_of_others_cannot_be_left(ann: Person, bob: Person, eve: Person) -> None:
    await ann.sent("one", bob)
    for group in (ann.group_with(bob), uuid4()):
        problem_of(await eve.client.delete(f"/api/message_groups/{group}"), 404, "group-not-found")


async def test_the_cost_of_archiving_muting_and_leaving(service: Service) -> None:
    metered = Metered(service)
    await metered.send()
    view = MyView(metered.messaging, metered.store)
    ann, group = metered.ann, metered.group

    async def spent_by(wanted: ViewChange | None) -> tuple[float, float, float]:
        async with metered.meter.measure() as spent:
            await (view.change(ann, group, wanted) if wanted else view.leave(ann, group))
        return spent.write_units - spent.index_write_units, spent.index_write_units, spent.read_units

    assert await spent_by(ViewChange(muted_until=now())) == (1, 0, 0)
    assert await spent_by(ViewChange(is_archived=True)) == (1, 2, 1)
    assert await spent_by(ViewChange(is_archived=True)) == (0, 0, 1)
    assert await spent_by(ViewChange(is_archived=False, muted_until=None)) == (1, 2, 1)
    assert await spent_by(None) == (1, 1, 1)
    with pytest.raises(GroupNotFound):
        await view.leave(ann, group)
    async with metered.meter.measure() as spent:
        await metered.send(metered.bob)
    assert (spent.write_units - spent.index_write_units, spent.index_write_units) == (3, 1), spent


async def test_racing_changes_of_a_view_and_sends_lose_nothing(service: Service) -> None:
    """The row of the event with the greatest version is the row that is stored, and a sync has it."""
    for _ in range(4):
        heard = list[InboxRow]()

        async def publish(*events: Any, heard: list[InboxRow] = heard) -> None:
            heard += [event.row for event in events if hasattr(event, "row")]

        metered = Metered(service, publish)
        await metered.send()
        view = MyView(metered.messaging, metered.store, publish)
        ann, group = metered.ann, metered.group
        wanted = [ViewChange(is_archived=True), ViewChange(is_archived=False), ViewChange(is_marked_unread=True)]
        calls = [view.change(ann, group, each) for each in wanted]
        await asyncio.gather(*calls, *(metered.send(metered.bob) for _ in range(3)))
        row = await metered.messaging.group(ann, group)
        assert (row.last_number, row.state) == (4, MemberState.ACTIVE)
        assert max((each for each in heard if each.user_uuid == ann), key=lambda each: each.version) == row
        entries = await asyncio.gather(*(metered.store.inbox.entries(ann, None, limit=2, folder=f) for f in Folder))
        assert [len(each) for each in entries] == [int(folder is row.folder) for folder in Folder]
        missing = await Catchup(metered.store).difference(ann, {group: SyncCursor(4, row.version - 1)})
        assert missing.rows == [row]


async def test_each_change_of_the_counter_reaches_the_next_count(service: Service) -> None:
    metered = Metered(service)
    counter = UnreadCounter(metered.store, Caches(TaskSet()))
    await metered.send()

    async def publish(*events: Any) -> None:
        assert all(isinstance(event, GroupChanged) for event in events)
        await counter.invalidate_changed(*events)

    view = MyView(metered.messaging, metered.store, publish)
    bob, group, muted = metered.bob, metered.group, now() + timedelta(days=1)
    for wanted, count in [
        (ViewChange(muted_until=muted), 0),
        (ViewChange(muted_until=None), 1),
        (ViewChange(is_archived=True), 0),
        (ViewChange(is_archived=False), 1),
        (None, 0),
    ]:
        await (view.change(bob, group, wanted) if wanted else view.leave(bob, group))
        assert (await counter.count(bob)).count == count, wanted
