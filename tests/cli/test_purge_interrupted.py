"""purge that ended anywhere, with whatever came before and after it: what is left fits, and nothing comes back."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from app.cli.seed.synthetic import SyntheticData, user_uuid
from app.concurrency import TaskSet
from app.gateways.dynamodb import StoredItem
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import change_items
from app.messaging.clock import now
from app.messaging.groups.items import head_key
from app.messaging.groups.models import GroupDraft
from app.messaging.groups.service import Groups
from app.messaging.groups.stored import Head
from app.messaging.items import message_key, to_message
from app.messaging.models import Change, ChangeType, Draft, Message
from app.messaging.retention import Retention
from app.messaging.retention_store import RetentionStore
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from tests.cli.conftest import Place
from tests.cli.test_purge import DAYS, NAMES, OLD, SIZE, sent
from tests.cli.test_verify import findings
from tests.cli.test_verify_groups import change
from tests.tools.processes import DIRECTORY

FIRST, OTHER = SyntheticData(4, 2, 40).conversations()
LATE = "an edit that no process has applied"


def keeping(place: Place, days: str = DAYS) -> Place:
    return Place({**place.environment, "MESSAGE_RETENTION_DAYS": days})


async def items(place: Place) -> str:
    return (await place.done("scan", "--json")).out


async def head_of(place: Place) -> str:
    (head,) = [each for each in (await place.done("scan", "--json")).records if each["entity"] == "head"]
    return str(head["group_uuid"])


async def purge_part(table: OperatedTable, *kinds: type) -> None:
    """Do what a purge does with messages or with rows and heads: it has come so far."""
    store = RetentionStore(table, Retention.of_days(int(DAYS)))
    async for page in table.scan():
        for item in page:
            entity = change_items.to_entity(item)
            if isinstance(entity, Message) and Message in kinds and store.is_overdue(entity, now()):
                await store.end(entity)
            elif Message not in kinds and isinstance(entity, kinds) and store.is_preview_overdue(item, now()):
                await store.end_preview(item)


async def of_several(table: OperatedTable, *users: UUID, days: float) -> UUID:
    """A group of several members that had its last message some days ago, and of which the rows were told."""
    at, tasks, store = now() - timedelta(days=days), TaskSet(), MessagingStore(table)
    messaging = Messaging(store, DIRECTORY, message_max_length=1024, tasks=tasks, clock=lambda: at)
    groups = Groups(messaging, store, DIRECTORY, max_members=10, tasks=tasks)
    group = (await groups.create(GroupDraft(users[0], "Allotment", users[1:], uuid4()))).group_uuid
    await messaging.send(Draft(users[0], OLD), group=group, handle=None)
    await tasks.drain(2)
    await store.heads.bump(group)
    return group


async def left_behind(table: OperatedTable, number: int, *, days: float) -> None:
    """An edit of some days ago that a process has committed, and not applied."""
    by = to_message(await found(table, number)).user_uuid
    at = now() - timedelta(days=days)
    last = await MessagingStore(table).changes.newest_change(FIRST.uuid)
    number_of_edit = last.number + 1 if last else 1
    texts = {"text": LATE, "earlier_text": OLD, "version": 2}
    edit = Change(FIRST.uuid, number_of_edit, uuid4(), by, at, ChangeType.EDIT, number, **texts)  # type: ignore[arg-type]
    await table.put(change_items.new_change(edit))


async def found(table: OperatedTable, number: int) -> StoredItem:
    item = await table.get(message_key(FIRST.uuid, number), consistent=True)
    assert item
    return item


@pytest.fixture
async def source(empty: Place) -> Place:
    """Two direct groups and one of several members, all of whose messages have ended."""
    await empty.done("seed", *SIZE)
    async with empty.table() as table:
        for group in (FIRST, OTHER):
            await sent(table, group, OLD, days=31)
        await of_several(table, *map(user_uuid, range(3)), days=31)
    return empty


@pytest.mark.parametrize("messages_first", [True, False])
async def test_what_an_interrupted_purge_leaves_fits(source: Place, messages_first: bool) -> None:
    parts: list[Sequence[type]] = [(Message,), (Head,), (InboxRow,)]
    place = keeping(source)
    async with source.table() as table:
        for part in parts if messages_first else reversed(parts):
            await purge_part(table, *part)
            assert await findings(place) == []
    assert OLD not in await items(source)
    assert await findings(source) == []


async def test_with_a_longer_retention_previews_follow_the_messages_that_were_ended(source: Place) -> None:
    async with source.table() as table:
        await purge_part(table, Message)
    place = keeping(source, "60")
    assert {kind for kind, *_ in await findings(place)} == {"row-differs", "head-differs"}
    assert all(is_repaired for *_, is_repaired in await findings(place, "--repair"))
    assert await findings(place) == []
    assert OLD not in await items(source)


async def test_a_head_that_is_restored_has_no_deadline_of_the_retention(source: Place) -> None:
    group = await head_of(source)
    await source.done("purge", MESSAGE_RETENTION_DAYS=DAYS)
    async with source.table() as table:
        await change(table, head_key(UUID(group)), "SET #members = :members", members=7)
    assert ("head-differs", group, True) in await findings(source, "--repair")
    assert await findings(source) == []


@pytest.mark.parametrize("days", [31, 29])
async def test_a_text_of_an_edit_that_was_not_applied_leaves_the_table_too(source: Place, days: float) -> None:
    place = keeping(source)
    async with source.table() as table:
        number = await sent(table, FIRST, OLD, days=31)
        await left_behind(table, number, days=days)
    await place.done("purge")
    assert (LATE in await items(source)) is (days == 29)
    assert OLD not in await items(source) or days == 29
    await findings(place, "--repair")  # applies it
    assert await findings(place) == []
    await place.done("purge")
    assert await findings(place) == []
    async with source.table() as table:
        stored = await found(table, number)
    assert (to_message(stored).version, "text" in stored, "ended" in stored) == (2, False, True)


async def test_an_export_has_no_preview_that_has_ended(source: Place, engines: Place, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    await keeping(source).done("export", *NAMES, "--output", str(file))
    assert OLD not in file.read_text()
    group = await head_of(source)
    of_several = tmp_path / "several.jsonl"
    await keeping(source).done("export", group, "--output", str(of_several))
    assert OLD not in of_several.read_text()
    other = await engines.elsewhere().made()
    await other.done("import", str(file))
    await other.done("import", str(of_several))
    assert await findings(other) == []


async def test_an_import_of_texts_that_have_ended_since_brings_none_back(source: Place, tmp_path: Path) -> None:
    file, place = tmp_path / "before.jsonl", keeping(source)
    async with source.table() as table:
        await left_behind(table, await sent(table, FIRST, OLD, days=31), days=31)
    await findings(source, "--repair")
    await source.done("export", "--all", "--output", str(file))
    await place.done("purge")
    await place.done("import", str(file))
    left = await items(source)
    assert (OLD in left, LATE in left) == (False, False)
    assert await findings(place) == []


async def test_a_text_that_would_expire_later_is_ended_once(source: Place) -> None:
    place = keeping(source)
    async with source.table() as table:
        number = await sent(table, FIRST, OLD, days=31, expires_in=60 * 86_400)
    await place.done("purge")
    (again,) = (await place.done("purge", "--json")).records
    assert again["messages"] == 0
    async with source.table() as table:
        assert to_message(await found(table, number)).ended_at
    assert await findings(place) == []
