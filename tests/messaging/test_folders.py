"""Folders: the part of a user's list that holds a group, and the effect of messages on it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.cache import Caches
from app.concurrency import TaskSet
from app.gateways.dynamodb import Item, Update
from app.messaging import items
from app.messaging.inbox import WHOLE_INBOX
from app.messaging.models import Message
from app.messaging.row_models import Folder
from app.messaging.unread import UnreadCount, UnreadCounter
from tests.fixtures.app import Person, Service
from tests.messaging.test_capacity import Metered, fill

FOREVER = timedelta(days=365)


async def move(metered: Metered, folder: Folder, *, user: UUID | None = None, muted: bool = False) -> None:
    """Put a row into a folder, as its user's decision does."""
    owner = user or metered.bob
    sets = "SET #v = #v + :one, #inbox = :inbox"
    values: Item = {":one": 1, ":inbox": items.index_key(owner, folder)}
    removes = " REMOVE #muted"
    if muted:
        sets, removes = f"{sets}, #muted = :muted", ""
        values[":muted"] = items.to_ms(metered.at + FOREVER)
    if folder is Folder.INBOX:
        removes = " REMOVE #folder" + removes.replace(" REMOVE ", ", ")
    else:
        sets += ", #folder = :folder"
        values[":folder"] = str(folder)
    key = items.inbox_key(owner, metered.group)
    await metered.table.update(Update(key, sets + removes, values))


@pytest.mark.parametrize(
    ("folder", "muted", "after", "units"),
    [
        (Folder.ARCHIVE, False, Folder.INBOX, (4, 2)),
        (Folder.ARCHIVE, True, Folder.ARCHIVE, (4, 0)),
        (Folder.REQUESTS, False, Folder.REQUESTS, (4, 0)),
        (Folder.INBOX, True, Folder.INBOX, (3, 0)),
    ],
)
async def test_a_message_brings_a_group_back_from_the_archive_unless_it_is_muted(
    service: Service, folder: Folder, muted: bool, after: Folder, units: tuple[int, int]
) -> None:
    """A failed condition costs 1 write unit, and only rows outside of the inbox pay it."""
    metered = Metered(service)
    await metered.send()
    await move(metered, folder, muted=muted)
    async with metered.meter.measure() as spent:
        await metered.send()
    assert (spent.write_units - spent.index_write_units, spent.index_write_units) == units, spent
    assert spent.read_units == 1, spent
    row = await metered.messaging.group(metered.bob, metered.group)
    assert (row.folder, row.last_number) == (after, 2)
    for each in Folder:
        page = await metered.messaging.inbox(metered.bob, limit=5, folder=each)
        assert list(page.rows) == ([row] if each is after else [])
        entries = await metered.store.inbox.entries(metered.bob, None, limit=5, folder=each)
        assert len(entries) == (1 if each is after else 0)


async def test_rows_that_move_between_folders_lose_no_message(service: Service) -> None:
    metered = Metered(service)
    await metered.send()
    for _ in range(5):
        moves = [move(metered, folder) for folder in (Folder.ARCHIVE, Folder.INBOX, Folder.ARCHIVE)]
        await asyncio.gather(*(metered.send() for _ in range(4)), *moves)
    row = await metered.messaging.group(metered.bob, metered.group)
    assert row.last_number == 21
    assert len(await metered.store.inbox.entries(metered.bob, None, limit=5, folder=row.folder)) == 1


async def test_a_late_projection_leaves_the_folder(service: Service) -> None:
    metered = Metered(service)
    await metered.send()
    await metered.send()
    await move(metered, Folder.ARCHIVE)
    late = await metered.store.message(metered.group, 2)
    assert isinstance(late, Message)
    row = await metered.store.advance_inbox_row(late, user=metered.bob)
    assert row is not None
    assert row.folder is Folder.ARCHIVE


@pytest.mark.parametrize("count", [UnreadCount(3, True), UnreadCount(0, False, 2)])
def test_a_count_survives_being_cached(count: UnreadCount) -> None:
    assert UnreadCount.parse(str(count).encode()) == count
    for text in (b"3", b"3+", b"", b"3 2 1"):  # of other versions
        with pytest.raises(ValueError, match=r"."):
            UnreadCount.parse(text)


@pytest.mark.parametrize("groups", [3, WHOLE_INBOX + 1])
async def test_the_counter_counts_the_inbox_without_muted_groups(service: Service, groups: int) -> None:
    metered = Metered(service)
    await fill(metered, groups, minutes_apart=15)
    counter = UnreadCounter(metered.store, Caches(TaskSet()))
    before = (await counter.count(metered.ann)).count
    await metered.send(metered.bob)
    for folder, muted, more in [
        (Folder.INBOX, False, 1),
        (Folder.INBOX, True, 0),
        (Folder.ARCHIVE, False, 0),
        (Folder.REQUESTS, False, 0),
    ]:
        await move(metered, folder, user=metered.ann, muted=muted)
        fresh = UnreadCounter(metered.store, Caches(TaskSet()))
        counted = await fresh.count(metered.ann)
        assert counted.requests == int(folder is Folder.REQUESTS)
        if groups == 3:
            assert counted.count == before + more, (folder, muted)
        assert counted.until == (items.from_ms(items.to_ms(metered.at + FOREVER)) if muted else None)


async def test_pages_of_a_folder_lead_to_the_rest_of_it(service: Service, ann: Person, new_person: Any) -> None:
    people = [await new_person(f"peer{number}") for number in range(4)]
    for person in people:
        await person.sent("hello", ann)
        if person is not people[0]:
            key = items.inbox_key(ann.uuid, person.group_with(ann))
            values: Item = {":one": 1, ":inbox": items.index_key(ann.uuid, Folder.ARCHIVE), ":folder": "archive"}
            sets = "SET #v = #v + :one, #inbox = :inbox, #folder = :folder"
            await service.state["table"].update(Update(key, sets, values))
    assert [row["handle"] for row in await ann.inbox()] == [people[0].handle]
    answer = await ann.client.get("/api/message_groups", params={"folder": "archive", "limit": 2})
    assert {row["folder"] for row in answer.json()} == {"archive"}
    rest = await ann.client.get(answer.links["next"]["url"])
    found = [row["handle"] for row in answer.json() + rest.json()]
    assert found == [person.handle for person in reversed(people[1:])]
