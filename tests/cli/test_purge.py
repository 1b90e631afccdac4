"""purge: texts that have ended leave the table, and nothing else does; what stays can be verified and exported."""

import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.cli.seed.synthetic import Group, SyntheticData
from app.concurrency import TaskSet
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging.clock import now
from app.messaging.models import ChangeType, Draft
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from tests.cli.conftest import Place
from tests.cli.test_verify import findings
from tests.cli.test_verify_changes import draft, make, process
from tests.tools.processes import DIRECTORY

SIZE = ("--users", "4", "--groups", "2", "--messages", "40")
NAMES = ("seed_000000", "seed_000001")
OLD, EDITED, RECENT = "a text of last month", "a text of last month, edited", "a text of yesterday"
DAYS = "30"


async def sent(table: OperatedTable, group: Group, text: str, *, days: float, expires_in: int | None = None) -> int:
    """Send a message of the group's first member, some days ago; return its number."""
    at, tasks = now() - timedelta(days=days), TaskSet()
    messaging = Messaging(MessagingStore(table), DIRECTORY, message_max_length=1024, tasks=tasks, clock=lambda: at)
    message = await messaging.send(Draft(group.one, text, expires_in=expires_in), group=group.uuid, handle=None)
    await tasks.drain(2)
    return message.number


@pytest.fixture
async def source(empty: Place) -> Place:
    """A table with two groups of old messages: the first has two older ones, one of which is edited, and a recent one.

    All messages of the other group have ended, the last one by a deadline of its sender, too.
    """
    await empty.done("seed", *SIZE)
    first, other = SyntheticData(4, 2, 40).conversations()
    async with empty.table() as table, process(table) as changes:
        await sent(table, first, OLD, days=31)
        number = await sent(table, first, OLD, days=31)
        edit = replace(draft(first, ChangeType.EDIT, number=number), user_uuid=first.one, text=EDITED, version=1)
        await make(changes, edit)
        await sent(table, first, RECENT, days=1)
        await sent(table, other, OLD, days=31)
    return empty


async def test_without_a_retention_nothing_is_removed(source: Place) -> None:
    ended = await source.run("purge")
    assert (ended.code, "MESSAGE_RETENTION_DAYS is not set" in ended.err) == (2, True)
    assert OLD in (await source.done("scan", "--json")).out


async def test_a_dry_run_counts_and_changes_nothing(source: Place) -> None:
    before = (await source.done("scan", "--json")).records
    (counted,) = (await source.done("purge", "--dry-run", "--json", MESSAGE_RETENTION_DAYS=DAYS)).records
    assert counted["messages"] > 3
    assert counted["dry_run"]
    assert sorted(map(str, (await source.done("scan", "--json")).records)) == sorted(map(str, before))


async def test_texts_and_previews_that_have_ended_leave_the_table_and_the_rest_fits(source: Place) -> None:
    before = await findings(source)
    (removed,) = (await source.done("purge", "--json", MESSAGE_RETENTION_DAYS=DAYS)).records
    left = (await source.done("scan", "--json")).out
    assert OLD not in left
    assert left.count(RECENT) == 3  # the message, and the previews of two rows
    assert before == []
    assert await findings(source) == []
    assert await findings(source, "--repair") == []
    assert removed["previews"] == 2
    (again,) = (await source.done("purge", "--json", MESSAGE_RETENTION_DAYS=DAYS)).records
    assert (again["messages"], again["previews"]) == (0, 0)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_an_interrupted_purge_goes_on_and_leaves_nothing(source: Place, how: signal.Signals) -> None:
    place = Place({**source.environment, "MESSAGE_RETENTION_DAYS": DAYS})
    whole = (await place.done("purge", "--dry-run", "--json")).records[0]["messages"]
    await place.interrupted("purge", how=how, items=18)  # previews and edits may be the first five
    (rest,) = (await place.done("purge", "--json")).records
    assert 0 < rest["messages"] < whole
    assert OLD not in (await source.done("scan", "--json")).out
    assert await findings(source) == []


async def test_an_export_has_no_text_that_has_ended_and_can_be_read_anywhere(
    source: Place, engines: Place, tmp_path: Path
) -> None:
    file, purged = tmp_path / "all.jsonl", tmp_path / "purged.jsonl"
    await source.done("export", *NAMES, "--output", str(file), MESSAGE_RETENTION_DAYS=DAYS)
    assert OLD not in file.read_text()
    assert RECENT in file.read_text()
    await source.done("purge", MESSAGE_RETENTION_DAYS=DAYS)
    await source.done("import", str(file))
    await source.done("export", *NAMES, "--output", str(purged))
    assert purged.read_text() == file.read_text()
    other = await engines.elsewhere().made()
    await other.done("import", str(purged))
    assert await findings(other) == []
    assert "[expired]" in (await other.done("get-conversation", *NAMES)).out


async def test_operators_see_no_text_that_has_ended(source: Place) -> None:
    out = (await source.done("get-conversation", *NAMES, MESSAGE_RETENTION_DAYS=DAYS)).out
    assert (OLD in out, RECENT in out, "[expired]" in out) == (False, True, True)
    other = "seed_000002"
    assert OLD in (await source.done("list-conversations", other)).out
    assert OLD not in (await source.done("list-conversations", other, MESSAGE_RETENTION_DAYS=DAYS)).out
