"""verify: each kind of damage is found, what is derived is repaired, and the repaired table is clean."""

from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from app.cli.seed.synthetic import Group, SyntheticData
from app.gateways.dynamodb import Item, Key, Update, marshal_item
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import inbox_items, items
from app.messaging.row_models import Folder, InboxRow
from app.messaging.store import MessagingStore
from tests.cli.conftest import Place
from tests.tools.stored import new_inbox_row

SIZE = ("--users", "12", "--groups", "12", "--messages", "60")
GROUPS = list(SyntheticData(12, 12, 60).conversations())


async def delete(table: OperatedTable, key: Key) -> None:
    client: Any = table._client  # noqa: SLF001  # the service never deletes
    await client.delete_item(TableName=table.name, Key=marshal_item(key))


async def row_of(table: OperatedTable, group: Group, *, user: UUID | None = None) -> InboxRow:
    item = await table.get(items.inbox_key(user or group.one, group.uuid), consistent=True)
    assert item
    return inbox_items.to_inbox_row(item)


async def findings(place: Place, *arguments: str) -> list[tuple[str, str | None, bool]]:
    """Kind, group and whether it was repaired; and the exit code fits."""
    ended = await place.run("verify", "--json", *arguments)
    *found, summary = ended.records
    assert ended.code == (1 if found else 0), ended
    assert sum(summary["found"].values()) == len(found)
    return sorted((each["kind"], each.get("group"), each["repaired"]) for each in found)


async def test_wrong_inbox_rows_are_repaired_from_their_logs(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    behind, ahead, missing, alone, beyond = GROUPS[:5]
    async with empty.table() as table:
        await table.put(items.new_message(behind.sent(6)))
        await delete(table, items.message_key(ahead.uuid, 5))
        await delete(table, items.inbox_key(missing.one, missing.uuid))
        for user, _ in alone.members:
            await delete(table, items.inbox_key(user, alone.uuid))
        row, of_peer = await row_of(table, beyond), await row_of(table, beyond, user=beyond.other)
        wrong = replace(row, read_number=99), replace(of_peer, received_number=99)
        await table.put_all([inbox_items.inbox_item(each) for each in wrong])
    kinds = {
        behind: ("row-behind", 2),
        ahead: ("row-ahead", 2),
        missing: ("row-missing", 1),
        alone: ("row-missing", 2),
        beyond: ("read-beyond", 2),
    }
    expected = [(kind, str(group.uuid)) for group, (kind, count) in kinds.items() for _ in range(count)]
    assert await findings(empty) == sorted((*each, False) for each in expected)
    assert await findings(empty, "--repair") == sorted((*each, True) for each in expected)
    assert await findings(empty) == []
    async with empty.table() as table:
        assert (await row_of(table, behind)).last_number == 6
        assert (await row_of(table, ahead)).last_number == 4
        assert (await row_of(table, beyond)).read_number == 5
        assert (await row_of(table, beyond, user=beyond.other)).delivered_number == 5


DIFFERENCES: list[tuple[str, str, dict[str, Any]]] = [
    ("preview", "#text = :text", {":text": "never said"}),
    ("time", "#at = :at", {":at": 86_400_000}),
    ("sender", "#by = :by", {":by": uuid4()}),
    ("index key", "#activity_bucket = :bucket", {":bucket": 7}),
    ("index key", "#inbox = :inbox", {":inbox": f"IN#{uuid4()}"}),
]


async def test_a_row_that_differs_from_the_end_of_its_log_is_found_and_repaired(empty: Place) -> None:
    """Numbers fit, and yet the inbox would show or sort the group wrongly."""
    await empty.done("seed", *SIZE)
    broken = GROUPS[: len(DIFFERENCES)]
    async with empty.table() as table:
        before = [await row_of(table, group) for group in GROUPS]
        for group, (_, change, values) in zip(broken, DIFFERENCES, strict=True):
            await table.update(Update(items.inbox_key(group.one, group.uuid), f"SET {change}", values))
        left = GROUPS[len(DIFFERENCES)]
        key = items.inbox_key(left.one, left.uuid)
        await table.update(Update(key, "SET #state = :left REMOVE #inbox, #activity_bucket", {":left": "left"}))
    found = (await empty.run("verify", "--json")).records[:-1]
    words = {each["group"]: (each["kind"], each["detail"].partition("'s ")[2]) for each in found}
    named = zip(broken, DIFFERENCES, strict=True)
    assert words == {str(group.uuid): ("row-differs", name) for group, (name, *_) in named}
    assert {kind for kind, _, repaired in await findings(empty, "--repair") if repaired} == {"row-differs"}
    assert await findings(empty) == []
    async with empty.table() as table:
        after = [await row_of(table, group) for group in GROUPS]
    changed = {row.group_uuid for row, now in zip(before, after, strict=True) if row.version != now.version}
    assert changed == {group.uuid for group in broken}
    assert [replace(row, version=0) for row in after if row.group_uuid in changed] == [
        replace(row, version=0) for row in before if row.group_uuid in changed
    ]


async def test_defects_of_logs_are_reported_and_not_repaired(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    hole, emptied, doubled, foreign = GROUPS[:4]
    stranger = uuid4()
    async with empty.table() as table:
        await delete(table, items.message_key(hole.uuid, 3))
        for number in range(1, 6):
            await delete(table, items.message_key(emptied.uuid, number))
        second = uuid4()
        await table.put(items.new_message(replace(doubled.message(1), group_uuid=second)))
        for user, peer in doubled.members:
            last = replace(doubled.message(1), group_uuid=second)
            await table.put(new_inbox_row(last, user=user, peer=peer))
        await table.put(items.new_message(replace(foreign.sent(6), user_uuid=stranger)))
    told = [
        ("double-group", None, False),
        ("hole", str(hole.uuid), False),
        ("row-without-log", str(emptied.uuid), False),
        ("row-without-log", str(emptied.uuid), False),
    ]
    found = await findings(empty, "--repair")
    assert [each for each in found if each[0] not in ("row-behind", "unknown-user")] == told
    assert [each for each in await findings(empty) if each[0] != "unknown-user"] == told


async def test_a_clean_table_gives_a_summary(stock: Place) -> None:
    ended = await stock.done("verify")
    assert ended.out == "191 messages in 9 logs, 2 of groups of several, 22 inbox rows, 24 changes.\nEverything fits.\n"
    assert "read units" in ended.err


async def test_rows_in_folders_fit_and_a_wrong_index_key_is_repaired_to_that_of_the_folder(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    archived, wrong = GROUPS[:2]
    async with empty.table() as table:
        rows = [replace(await row_of(table, group), folder=Folder.ARCHIVE) for group in (archived, wrong)]
        await table.put_all([inbox_items.inbox_item(row) for row in rows])
    assert await findings(empty) == []
    async with empty.table() as table:
        change = Update(items.inbox_key(wrong.one, wrong.uuid), "SET #inbox = :inbox", {":inbox": f"IN#{wrong.one}"})
        await table.update(change)
    assert await findings(empty, "--repair") == [("row-differs", str(wrong.uuid), True)]
    assert await findings(empty) == []
    async with empty.table() as table:
        assert replace(await row_of(table, wrong), version=rows[1].version) == rows[1]


async def test_pins_that_differ_from_their_rows_are_found_and_made_as_the_rows_say(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    users = Counter(user for group in GROUPS for user, _ in group.members)
    (user, _), *_ = users.most_common()
    one, other, *_ = (group for group in GROUPS if user in dict(group.members))
    async with empty.table() as table:
        view = MessagingStore(table).views
        for group in (one, other):
            row = await row_of(table, group, user=user)
            pins = await view.pins(user)
            placed = pins.placed(group.uuid, 1)
            wanted = replace(row, pin_position=1, pinned_at=row.last_at)
            assert await view.rewrite_pinned(row, wanted, pins, placed)
    assert await findings(empty) == []
    key = items.inbox_key(user, other.uuid)
    archive = {":folder": "archive", ":inbox": items.index_key(user, Folder.ARCHIVE)}
    damages: list[tuple[str, Item]] = [
        ("REMOVE #pin", {}),
        ("SET #pin = :n", {":n": 7}),
        ("SET #folder = :folder, #inbox = :inbox", {**archive}),
    ]
    for damage, values in damages:
        async with empty.table() as table:
            await table.update(Update(key, damage, values))
        assert await findings(empty) == [("pins-differ", None, False)]
        assert await findings(empty, "--repair") == [("pins-differ", None, True)]
        assert await findings(empty) == []
        async with empty.table() as table:
            rows = await MessagingStore(table).inbox_rows(user, consistent=True)
            pinned = sorted((row.pin_position, row.group_uuid) for row in rows if row.pin_position)
            assert [group for _, group in pinned] == list((await MessagingStore(table).views.pins(user)).groups)
