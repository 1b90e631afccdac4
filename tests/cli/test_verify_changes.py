"""verify and the change log: each kind of damage is found, and what follows from the log is repaired."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any, cast
from uuid import uuid4

import pytest

from app.cli.seed.synthetic import Group, SyntheticData
from app.concurrency import TaskSet
from app.gateways.dynamodb import Put, StoredItem, Table, Update
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import change_items, inbox_items, items
from app.messaging.changes import MAX_EDITS, Changes
from app.messaging.models import ChangeDraft, ChangeType, Message
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.users.service import Users
from tests.cli.conftest import Place
from tests.cli.test_verify import delete, findings

SIZE = ("--users", "20", "--groups", "40", "--messages", "160")
GROUPS = list(SyntheticData(20, 40, 160).conversations())
LONG_AGO = timedelta(days=100_000)


class Died(Exception):
    """The process is gone."""


class MortalTable:
    """A table for so many writes. With the last of them the process dies: no other call is made."""

    def __init__(self, table: Table, *, writes: int) -> None:
        self._table = table
        self._writes = writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    async def get(self, *arguments: Any, **options: Any) -> Any:
        return await self._call(self._table.get, *arguments, **options)

    async def query(self, *arguments: Any) -> Any:
        return await self._call(self._table.query, *arguments)

    async def put(self, put: Put) -> None:
        await self._write(self._table.put, put)

    async def update(self, update: Update) -> StoredItem:
        return cast("StoredItem", await self._write(self._table.update, update))

    async def try_update(self, update: Update) -> tuple[StoredItem | None, bool]:
        return cast("tuple[StoredItem | None, bool]", await self._write(self._table.try_update, update))

    async def _write(self, method: Callable[..., Awaitable[Any]], write: Put | Update) -> Any:
        self._writes -= 1
        if self._writes < 0:
            raise Died
        return await method(write)

    async def _call(self, method: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        if self._writes <= 0:
            raise Died
        return await method(*arguments, **options)


@asynccontextmanager
async def process(table: Table, *, writes: int = 10**6) -> AsyncIterator[Changes]:
    """The rules of changes over a table, in a process of their own, which dies after so many writes."""
    store, tasks = MessagingStore(cast("Table", MortalTable(table, writes=writes))), TaskSet()
    messaging = Messaging(store, cast("Users", None), message_max_length=1024, tasks=tasks)
    yield Changes(messaging, store, tasks=tasks, edit_window=LONG_AGO, delete_window=LONG_AGO, shows_edits=True)
    await tasks.drain(2)


def draft(group: Group, change: ChangeType, *, number: int = 4, **more: Any) -> ChangeDraft:
    """A change of a message, by its sender."""
    return ChangeDraft(group.message(number).user_uuid, group.uuid, number, change, uuid=uuid4(), **more)


def edit(group: Group, text: str, *, version: int = 1, number: int = 4) -> ChangeDraft:
    return draft(group, ChangeType.EDIT, number=number, text=text, version=version)


async def make(changes: Changes, *drafts: ChangeDraft) -> None:
    methods = {
        ChangeType.EDIT: changes.edit,
        ChangeType.DELETE: changes.delete,
        ChangeType.REACT: changes.react,
        ChangeType.UNREACT: changes.unreact,
    }
    for each in drafts:
        await methods[each.type](each)


async def message_of(table: OperatedTable, group: Group, number: int = 4) -> Message:
    item = await table.get(items.message_key(group.uuid, number), consistent=True)
    assert item
    return items.to_message(item)


async def break_item(table: OperatedTable, key: Any, expression: str, **values: Any) -> None:
    await table.update(Update(key, expression, {f":{name}": value for name, value in values.items()}))


async def expect(place: Place, *expected: tuple[str, Group], repaired: bool = True) -> None:
    """These defects are found, and repaired if asked to; after that, nothing is found."""
    wanted = sorted((kind, str(group.uuid)) for kind, group in expected)
    assert await findings(place) == [(*each, False) for each in wanted]
    assert await findings(place, "--repair") == [(*each, repaired) for each in wanted]
    if repaired:
        assert await findings(place) == []


async def history(table: Table, group: Group, *, number: int = 4) -> None:
    """Two edits of a message, and three reactions, one of which was taken back."""
    heart, sprout = "❤️", "🌱"
    async with process(table) as changes:
        await make(
            changes,
            edit(group, "second text", number=number),
            edit(group, "third text", version=2, number=number),
            draft(group, ChangeType.REACT, number=number, emoji=heart),
            draft(group, ChangeType.UNREACT, number=number, emoji=heart),
            draft(group, ChangeType.REACT, number=number, emoji=sprout),
        )


CRASHES: list[tuple[str, Callable[[Group], ChangeDraft], int]] = [
    ("edit", lambda group: edit(group, "fourth text", version=3), 4),
    ("delete", lambda group: draft(group, ChangeType.DELETE), 7),
    ("react", lambda group: draft(group, ChangeType.REACT, emoji="🥕"), 4),
    ("unreact", lambda group: draft(group, ChangeType.UNREACT, emoji="🌱"), 4),
]
DEATHS = [(change, writes) for _, change, all_writes in CRASHES for writes in range(1, all_writes)]


async def crashed(table: Table) -> list[tuple[Group, Group]]:
    """Groups in each of which a process died during a change, each with one where it went on to its end."""
    pairs = []
    for at, (change, writes) in enumerate(DEATHS):
        group, whole = GROUPS[at], GROUPS[len(DEATHS) + at]
        for each, most in ((group, writes), (whole, 10**6)):
            await history(table, each)
            async with process(table, writes=most) as changes:
                try:
                    await make(changes, change(each))
                except Died:
                    assert each is group
        pairs.append((group, whole))
    return pairs


def state(message: Message) -> tuple[Any, ...]:
    emojis = sorted((emoji, len(users)) for emoji, users in message.reactions.items())
    is_edited, is_deleted = bool(message.edited_at), bool(message.deleted_at)
    return message.text if is_edited else "", is_edited, is_deleted, message.version, message.edits, emojis


async def rows_of(table: OperatedTable, group: Group) -> list[tuple[int, str]]:
    found = [await table.get(items.inbox_key(user, group.uuid), consistent=True) for user, _ in group.members]
    rows = [inbox_items.to_inbox_row(item) for item in found if item]
    return [(row.change_number, row.preview) for row in rows]


async def test_a_process_that_died_after_any_write_of_a_change_is_found_and_its_change_is_finished(
    empty: Place,
) -> None:
    await empty.done("seed", *SIZE)
    async with empty.table() as table:
        pairs = await crashed(table)
        found = await findings(empty, "--repair")
        assert {group for _, group, _ in found} == {str(group.uuid) for group, _ in pairs}
        assert all(repaired for *_, repaired in found)
        assert await findings(empty) == []
        for group, whole in pairs:
            assert state(await message_of(table, group)) == state(await message_of(table, whole))
            assert await rows_of(table, group) == await rows_of(table, whole)


async def test_the_next_change_finishes_what_a_dead_process_has_begun(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    async with empty.table() as table:
        pairs = await crashed(table)
        for group, _ in pairs:
            async with process(table) as changes:
                await make(changes, draft(group, ChangeType.REACT, number=2, emoji="👍"))
        assert await findings(empty) == []
        for group, whole in pairs:
            assert state(await message_of(table, group)) == state(await message_of(table, whole))
            assert [(k - 1, text) for k, text in await rows_of(table, group)] == await rows_of(table, whole)


DIFFERENCES: list[tuple[str, dict[str, Any], str]] = [
    ("SET #text = :text", {"text": "never said"}, "text"),
    ("REMOVE #text", {}, "text"),
    ("SET #edited = :at", {"at": 86_400_000}, "time of its edit"),
    ("SET #version = :version", {"version": 9}, "version"),
    ("SET #edits = :edits", {"edits": [1]}, "edits"),
    ("SET #r_1f44d = :users", {"users": frozenset({uuid4()})}, "reactions"),
    ("REMOVE #r_1f331", {}, "reactions"),
    ("SET #deleted = :at", {"at": 86_400_000}, "time of its deletion"),
    ("SET #k = :k", {"k": 9}, "number of its last change"),
]


async def test_a_message_that_is_not_what_its_changes_make_of_it_is_found_and_repaired(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    broken = GROUPS[: len(DIFFERENCES)]
    async with empty.table() as table:
        for group in broken:
            await history(table, group)
        before = [await message_of(table, group) for group in broken]
        for group, (expression, values, _) in zip(broken, DIFFERENCES, strict=True):
            await break_item(table, items.message_key(group.uuid, 4), expression, **values)
        found = (await empty.run("verify", "--json")).records[:-1]
        details = {each["group"]: each["detail"] for each in found if each["kind"] == "message-differs"}
        for group, (*_, words) in zip(broken, DIFFERENCES, strict=True):
            assert details[str(group.uuid)] == f"message 4 has not the {words} that its changes give it"
        repaired = await findings(empty, "--repair")
        assert {group for kind, group, is_repaired in repaired if kind == "message-differs" and is_repaired} == {
            str(group.uuid) for group in broken
        }
        assert await findings(empty) == []
        assert [await message_of(table, group) for group in broken] == before


async def test_a_message_without_the_number_of_its_last_change_takes_each_change_once(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    async with empty.table() as table:
        await history(table, GROUPS[0])
        before = await message_of(table, GROUPS[0])
        await break_item(table, items.message_key(GROUPS[0].uuid, 4), "REMOVE #k")
        await expect(empty, ("message-behind", GROUPS[0]))
        assert await message_of(table, GROUPS[0]) == before


async def test_a_message_of_an_unknown_text_keeps_the_text_that_it_has(empty: Place) -> None:
    """The log has the texts of edits only."""
    await empty.done("seed", *SIZE)
    group = GROUPS[0]
    async with empty.table() as table:
        async with process(table) as changes:
            await make(changes, draft(group, ChangeType.REACT, emoji="🥕"))
        await break_item(table, items.message_key(group.uuid, 4), "SET #version = :two", two=2)
        await expect(empty, ("message-differs", group))
        assert await message_of(table, group) == replace(
            group.message(4), change_number=1, reactions={"🥕": frozenset({group.message(4).user_uuid})}
        )


async def test_a_deleted_message_of_which_something_is_left_is_found_and_repaired(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    secret = {"text": "secret"}
    left: list[tuple[str, Callable[[Group], Any], str, dict[str, Any]]] = [
        ("deletion-unfinished", lambda group: change_items.change_key(group.uuid, 1), "SET #earlier = :text", secret),
        ("deletion-unfinished", lambda group: change_items.change_key(group.uuid, 2), "SET #text = :text", secret),
        ("deletion-unfinished", lambda group: items.message_key(group.uuid, 2), "SET #edits = :n", {"n": [1, 2]}),
        ("message-differs", lambda group: items.message_key(group.uuid, 2), "SET #text = :text", secret),
        (
            "message-differs",
            lambda group: items.message_key(group.uuid, 2),
            "REMOVE #deleted SET #text = :text",
            secret,
        ),
        (
            "message-differs",
            lambda group: items.message_key(group.uuid, 2),
            "SET #r_1f44d = :user",
            {"user": frozenset({uuid4()})},
        ),
    ]
    async with empty.table() as table:
        for group, (_, key, expression, values) in zip(GROUPS, left, strict=False):
            await history(table, group, number=2)
            async with process(table) as changes:
                await make(changes, draft(group, ChangeType.DELETE, number=2))
            assert "secret" not in (await empty.done("scan", "--json", "--filter", f"group_uuid={group.uuid}")).out
            await break_item(table, key(group), expression, **values)
    await expect(empty, *((kind, group) for group, (kind, *_) in zip(GROUPS, left, strict=False)))
    assert "secret" not in (await empty.done("scan", "--json")).out


async def test_a_row_that_is_not_at_the_last_change_is_found_and_repaired(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("row-behind", "SET #k = :k", {"k": 3}),
        ("row-behind", "REMOVE #k, #changed", {}),
        ("row-behind", "SET #k = :k, #last = :last", {"k": 3, "last": 3}),
        ("row-ahead", "SET #k = :k", {"k": 9}),
        ("row-differs", "SET #changed = :at", {"at": 86_400_000}),
        ("row-differs", "SET #text = :text", {"text": "second text"}),
    ]
    async with empty.table() as table:
        for group, (_, expression, values) in zip(GROUPS, rows, strict=False):
            await history(table, group)
            await break_item(table, items.inbox_key(group.one, group.uuid), expression, **values)
        await history(table, GROUPS[10])
        await delete(table, items.inbox_key(GROUPS[10].one, GROUPS[10].uuid))
        kinds = [(kind, group) for group, (kind, *_) in zip(GROUPS, rows, strict=False)]
        await expect(empty, *kinds, ("row-missing", GROUPS[10]))
        for group in [*GROUPS[: len(rows)], GROUPS[10]]:
            assert await rows_of(table, group) == [(5, "third text")] * 2


async def test_a_row_gets_a_change_after_the_message_has_it(empty: Place) -> None:
    """A message is behind, and so are the rows: both follow the log."""
    await empty.done("seed", *SIZE)
    group = GROUPS[0]
    async with empty.table() as table:
        async with process(table, writes=1) as changes:
            with pytest.raises(Died):
                await make(changes, edit(group, "second text"))
        await expect(empty, ("message-behind", group), ("row-behind", group), ("row-behind", group))
        assert (await message_of(table, group)).text == "second text"
        assert await rows_of(table, group) == [(1, "second text")] * 2


async def test_what_a_change_log_lacks_is_reported_and_not_repaired(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    hole, lost, wrong = GROUPS[:3]
    async with empty.table() as table:
        for group in (hole, lost, wrong):
            await history(table, group, number=2)
        await delete(table, change_items.change_key(hole.uuid, 3))
        await delete(table, items.message_key(lost.uuid, 2))
        await delete(table, change_items.change_key(wrong.uuid, 5))
        await delete(table, change_items.change_key(wrong.uuid, 2))
        for user, _ in wrong.members:
            await break_item(table, items.inbox_key(user, wrong.uuid), "SET #k = :k", k=4)
        before = await message_of(table, wrong, 2)
        told = [
            ("change-hole", str(hole.uuid), False),
            ("change-hole", str(wrong.uuid), False),
            ("change-without-message", str(lost.uuid), False),
            ("hole", str(lost.uuid), False),
            ("message-differs", str(wrong.uuid), False),
        ]
        found = [each for each in await findings(empty, "--repair") if not each[0].startswith("row-")]
        assert found == sorted(told)
        assert await message_of(table, wrong, 2) == before


async def test_changes_that_are_made_meanwhile_are_no_defects(empty: Place) -> None:
    await empty.done("seed", *SIZE)

    async def change_all_the_time(changes: Changes, group: Group) -> None:
        for version in count(1):
            number = version % 3 + 2
            if version <= MAX_EDITS:
                await make(changes, edit(group, f"text {version}", number=4, version=version))
            await make(
                changes,
                draft(group, ChangeType.REACT, number=number, emoji="🌱"),
                draft(group, ChangeType.UNREACT, number=number, emoji="🌱"),
            )

    waiting = replace(empty, constants={})
    async with empty.table() as table, process(table) as changes:
        tasks = [asyncio.create_task(change_all_the_time(changes, group)) for group in GROUPS[:4]]
        for arguments in ((), ("--repair",), ()):
            assert await findings(waiting, *arguments) == []
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
    assert await findings(empty) == []
