"""verify: what is wrong with groups of several members is found, what is derived is repaired, and nothing else is."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.cli.seed.synthetic import user_uuid
from app.gateways.dynamodb import Delete, Key, Update
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import items
from app.messaging.clock import now
from app.messaging.groups.creation import first_row
from app.messaging.groups.items import head_key
from app.messaging.groups.member_items import member_key, new_member, new_row
from app.messaging.groups.models import Member, Role, SystemEvent, SystemEventType, new_group_uuid
from app.messaging.inbox_items import bucket
from app.messaging.items import index_key
from app.messaging.models import Message, MessageKind
from app.messaging.row_models import Folder
from tests.cli.conftest import Place
from tests.cli.groups import World, world_of
from tests.cli.test_verify import findings

USERS = [user_uuid(number) for number in range(6)]
OWNER, ADMIN, MEMBER, LEFT, REMOVED, STRANGER = USERS
OLD = bucket(now() - timedelta(hours=2))


async def seeded(place: Place) -> Place:
    await place.done("seed", "--users", "6", "--groups", "0")
    return place


async def change(table: OperatedTable, key: Key, expression: str, **values: Any) -> None:
    await table.update(Update(key, expression, {f":{name}": value for name, value in values.items()}))


async def test_groups_in_which_all_has_happened_fit(empty: Place) -> None:
    await seeded(empty)
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
        young = await world.create(OWNER, MEMBER)
        await world.send(MEMBER, "hi", young)
        table = world.services.table
        await change(table, items.inbox_key(MEMBER, group), "SET #cleared = :end, #text = :none", end=9, none="")
        archive = index_key(ADMIN, Folder.ARCHIVE)
        expression = "SET #folder = :archive, #inbox = :inbox"
        await change(table, items.inbox_key(ADMIN, group), expression, archive="archive", inbox=archive)
    assert await findings(empty) == []
    told = (await empty.done("verify")).out
    assert "in 2 logs, 2 of groups of several, 7 inbox rows" in told


HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "number": ("SET #last = :last", {"last": 3}),
    "time": ("SET #at = :at", {"at": 86_400_000}),
    "sender": ("SET #by = :by", {"by": uuid4()}),
    "preview": ("SET #text = :text", {"text": "never said"}),
    "deadline": ("SET #until = :until", {"until": 86_400_000}),
    "change": ("SET #k = :k, #changed = :at", {"k": 3, "at": 86_400_000}),
    "system messages": ("SET #systems = :systems", {"systems": frozenset({2, 9})}),
    "number of members": ("SET #members = :members", {"members": 7}),
}


@pytest.mark.parametrize("name", HEADS)
async def test_a_head_that_differs_from_its_logs_is_repaired(empty: Place, name: str) -> None:
    await seeded(empty)
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
    expression, values = HEADS[name]
    async with empty.table() as table:
        before = await table.get(head_key(group), consistent=True)
        await change(table, head_key(group), f"{expression}, #v = #v + :one", one=1, **values)
    (found, _) = (await empty.run("verify", "--json")).records
    assert found["kind"] == "head-differs"
    assert name in found["detail"]
    assert await findings(empty, "--repair") == [("head-differs", str(group), True)]
    assert await findings(empty) == []
    async with empty.table() as table:
        after = await table.get(head_key(group), consistent=True)
    assert before
    assert after
    changing = {"v", "structure", "bumped"}
    assert {n: v for n, v in after.items() if n not in changing} == {
        n: v for n, v in before.items() if n not in changing
    }


ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "row-ahead": ("SET #hv = :hv", {"hv": 99}),
    "row-behind": ("SET #hv = :hv REMOVE #open", {"hv": 3}),
    "row-differs title": ("SET #title = :title", {"title": "Other"}),
    "row-differs preview": ("SET #text = :text", {"text": "never said"}),
    "row-differs index": ("SET #activity_bucket = :bucket", {"bucket": 7}),
    "row-differs role": ("SET #role = :role", {"role": "admin"}),
    "row-differs mentions": ("SET #mentioned = :mentioned", {"mentioned": frozenset({12})}),
    "read-beyond": ("SET #read = :read", {"read": 99}),
    "row-missing": ("SET #state = :left REMOVE #inbox", {"left": "left"}),
}


@pytest.mark.parametrize("name", ROWS)
async def test_a_row_that_does_not_follow_head_and_member_is_repaired(empty: Place, name: str) -> None:
    await seeded(empty)
    expression, values = ROWS[name]
    kind = name.split(maxsplit=1)[0]
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
        await change(world.services.table, items.inbox_key(MEMBER, group), expression, **values)
        before = await world.store.inbox_row(OWNER, group)
    assert await findings(empty) == [(kind, str(group), False)]
    assert await findings(empty, "--repair") == [(kind, str(group), True)]
    assert await findings(empty) == []
    async with world_of(empty) as world:
        after, row = await world.store.inbox_row(OWNER, group), await world.store.inbox_row(MEMBER, group)
        assert before
        assert after
        assert row
        assert (row.preview, row.role, row.title, row.state) == ("hello", Role.MEMBER, "Greenhouse", "active")
        assert after.unread_mentions == before.unread_mentions
        assert after.view_version >= before.view_version
        assert [each.group_uuid for each in await world.store.inbox_rows(MEMBER)] == [group]


async def test_a_mention_that_a_process_left_out_is_repaired(empty: Place) -> None:
    await seeded(empty)
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
        await change(world.services.table, items.inbox_key(OWNER, group), "REMOVE #mentioned")
    assert await findings(empty, "--repair") == [("row-differs", str(group), True)]
    assert await findings(empty) == []
    async with world_of(empty) as world:
        row = await world.store.inbox_row(OWNER, group)
        assert row
        assert row.unread_mentions == [9]


async def test_rows_and_members_without_one_another_are_repaired(empty: Place) -> None:
    await seeded(empty)
    async with world_of(empty) as world:
        table = world.services.table
        no_member, no_row = await world.group_of_all(USERS), await world.group_of_all(USERS)
        await table.delete(Delete(member_key(no_member, MEMBER)))
        await table.delete(Delete(items.inbox_key(MEMBER, no_row)))
    expected = sorted(
        [
            ("row-without-member", str(no_member), True),
            ("head-differs", str(no_member), True),
            ("row-missing", str(no_row), True),
        ]
    )
    assert await findings(empty, "--repair") == expected
    assert await findings(empty) == []
    async with world_of(empty) as world:
        gone, back = await world.store.inbox_row(MEMBER, no_member), await world.store.inbox_row(MEMBER, no_row)
        assert gone
        assert back
        assert (gone.state, back.state, back.unread_count, back.title) == ("left", "active", 0, "Greenhouse")


async def test_rows_that_were_not_told_are_told(empty: Place) -> None:
    """A process has ended after it wrote the head, in the one group before and in the other after it said so."""
    await seeded(empty)
    async with world_of(empty) as world:
        table = world.services.table
        marked, unmarked = await world.group_of_all(USERS), await world.group_of_all(USERS)
        for group in (marked, unmarked):
            await change(table, head_key(group), "SET #bumped = :bumped", bumped=OLD - 2)
        sent_at = now() - timedelta(hours=2)
        for group in (marked, unmarked):
            message = await world.store.message(group, 9)
            assert message
            ms = items.to_ms(sent_at)
            await change(table, items.message_key(group, 9), "SET #at = :at", at=ms)
            await change(table, head_key(group), "SET #at = :at, #v = #v + :one", at=ms, one=1)
            await change(table, items.inbox_key(MEMBER, group), "REMOVE #open")
        pending = "SET #inbox = :inbox, #activity_bucket = :bucket"
        await change(table, head_key(marked), pending, inbox="BUMP", bucket=OLD)
    expected = sorted(("rows-untold", str(group), True) for group in (marked, unmarked))
    assert await findings(empty, "--repair") == expected
    assert await findings(empty) == []
    async with world_of(empty) as world:
        assert await world.store.heads.pending(10) == []
        for group in (marked, unmarked):
            item = await world.services.table.get(items.inbox_key(MEMBER, group), consistent=True)
            assert item
            assert item["at"] == {"N": str(ms)}


async def unfinished(world: World, *, age: timedelta) -> UUID:
    """Write what a creation has written when its process ends before the head."""
    group = new_group_uuid(OWNER, uuid4())
    event = SystemEvent(SystemEventType.CREATED, users=(MEMBER,), title="Never")
    message = Message(group, 1, uuid4(), OWNER, "", now() - age, MessageKind.SYSTEM, event=event)
    members = [Member(group, user, Role.MEMBER, message.created_at, OWNER) for user in (OWNER, MEMBER)]
    rows = [first_row(message, user, title="Never", members=2, shows_history=False) for user in (OWNER, MEMBER)]
    for put in [*map(new_member, members), *map(new_row, rows[:1])]:
        await world.services.table.put(put)
    return group


async def test_remains_of_a_creation_are_removed_and_one_that_runs_is_not(empty: Place) -> None:
    await seeded(empty)
    async with world_of(empty) as world:
        old, running = await unfinished(world, age=timedelta(hours=3)), await unfinished(world, age=timedelta(0))
    assert await findings(empty, "--repair") == [("group-unfinished", str(old), True)]
    assert await findings(empty) == []
    left = {record["pk"] for record in (await empty.done("scan", "--json")).records if "pk" in record}
    assert left == set()
    told = (await empty.done("scan", "--json")).records
    assert {record["group_uuid"] for record in told} == {str(running)}


async def test_a_group_without_members_is_deleted_whole(empty: Place) -> None:
    await seeded(empty)
    async with world_of(empty) as world:
        table = world.services.table
        kept = await world.group_of_all(USERS)
        left = await world.create(OWNER, MEMBER)
        await world.send(OWNER, "the last word", left)
        for user in (OWNER, MEMBER):
            await world.groups.leave(user, left)
        await world.settle(left)
    assert await findings(empty) == [], "it may have been left a moment ago"
    async with empty.table() as table:
        await change(table, head_key(left), "SET #at = :at", at=items.to_ms(now() - timedelta(hours=2)))
    assert await findings(empty, "--repair") == [("group-abandoned", str(left), True)]
    assert await findings(empty) == []
    told = (await empty.done("scan", "--json")).records
    assert {record["group_uuid"] for record in told} == {str(kept)}


async def test_a_log_without_a_head_is_reported_only(empty: Place) -> None:
    await seeded(empty)
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
        head = await world.services.table.get(head_key(group), consistent=True)
        assert head
        await world.services.table.delete(Delete(head_key(group)))
    assert await findings(empty, "--repair") == [("head-missing", str(group), False)]


async def test_a_hole_in_a_log_is_reported_only(empty: Place) -> None:
    await seeded(empty)
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
        await world.services.table.delete(Delete(items.message_key(group, 3)))
    assert await findings(empty, "--repair") == [("hole", str(group), False)]


async def test_an_unknown_member_is_found(empty: Place) -> None:
    await seeded(empty)
    stranger = uuid4()
    async with world_of(empty) as world:
        group = await world.create(OWNER, MEMBER, stranger)
        await world.settle(group)
    (found, _) = (await empty.run("verify", "--json")).records
    assert (found["kind"], found["user"]) == ("unknown-user", str(stranger))
