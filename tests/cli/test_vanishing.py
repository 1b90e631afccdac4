"""The command line on messages that expire or are hidden: shown, carried over, and checked."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from app.cli.seed.synthetic import Group, SyntheticData
from app.concurrency import TaskSet
from app.gateways.dynamodb import Put, Table, Update
from app.messaging import expiring, items
from app.messaging.clock import now
from app.messaging.models import ChangeType, Draft, Message
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.users.service import Users
from tests.cli.conftest import Place
from tests.cli.test_verify import findings
from tests.cli.test_verify_changes import draft, make, process

SIZE = ("--users", "2", "--groups", "1", "--messages", "4")
NAMES = ("seed_000000", "seed_000001")
EXPIRED, UNEXPIRED, HIDDEN = "a text that has expired", "a text that will expire", "a text that is hidden"
AGE = timedelta(hours=1)


async def sent(table: Table, group: Group, text: str, *, expires_in: int | None = None) -> Message:
    """Send a message of the group's first member, an hour ago."""
    store, tasks = MessagingStore(table), TaskSet()
    users = cast("Users", None)
    messaging = Messaging(store, users, message_max_length=1024, tasks=tasks, clock=lambda: now() - AGE)
    draft = Draft(group.one, text, expires_in=expires_in)
    message = await messaging.send(draft, group=group.uuid, handle=None)
    await tasks.drain(2)
    return message


@pytest.fixture
async def source(engines: Place) -> Place:
    """A table with one group: message 5 has expired, 6 will, 7 is hidden by the other member, as is the last one, 8."""
    place = await engines.elsewhere().made()
    await place.done("seed", *SIZE)
    [group] = SyntheticData(2, 1, 4).conversations()
    async with place.table() as table, process(table) as changes:
        await sent(table, group, EXPIRED, expires_in=60)
        await sent(table, group, UNEXPIRED, expires_in=7200)
        for number in (7, 8):
            await sent(table, group, HIDDEN)
            await changes.hide(group.other, group.uuid, number)
    return place


async def test_a_conversation_is_shown_as_it_is_and_as_a_member_sees_it(source: Place) -> None:
    out = (await source.done("get-conversation", *NAMES)).out
    assert (EXPIRED in out, UNEXPIRED in out, out.count(HIDDEN), out.count("[expired]")) == (False, True, 2, 1)
    [group] = SyntheticData(2, 1, 4).conversations()
    records = (await source.done("get-conversation", *NAMES, "--json")).records
    assert [record["hidden_by"] for record in records[-2:]] == [[str(group.other)]] * 2
    assert [bool(record["expires_at"]) for record in records[-4:]] == [True, True, False, False]
    other = NAMES[1]
    out = (await source.done("get-conversation", *NAMES, "--seen-by", other)).out
    assert (HIDDEN in out, out.count("[hidden]"), UNEXPIRED in out) == (False, 2, True)


async def test_they_are_the_same_after_a_round_trip_and_an_expired_text_is_not_exported(
    source: Place, empty: Place, tmp_path: Path
) -> None:
    file = tmp_path / "group.jsonl"
    await source.done("export", *NAMES, "--output", str(file))
    assert EXPIRED not in file.read_text()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["text"] for line in lines if line.get("expires_in")] == ["", UNEXPIRED]
    await empty.done("import", str(file))
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")
    assert (await empty.done("export", *NAMES)).out == file.read_text()
    assert (await empty.done("import", str(file), "--json")).records == [{"lines": len(lines), "kept": len(lines) - 1}]
    assert UNEXPIRED in (await empty.done("get-conversation", *NAMES)).out


async def test_a_message_that_is_hidden_or_deleted_after_an_export_is_still_the_same(
    source: Place, tmp_path: Path
) -> None:
    file = tmp_path / "group.jsonl"
    await source.done("export", *NAMES, "--output", str(file))
    [group] = SyntheticData(2, 1, 4).conversations()
    async with source.table() as table, process(table) as changes:
        await changes.hide(group.one, group.uuid, 5)
        await make(changes, replace(draft(group, ChangeType.DELETE, number=6), user_uuid=group.one))
    await source.done("import", str(file))
    assert (await source.done("verify")).out.endswith("Everything fits.\n")
    assert UNEXPIRED not in (await source.done("scan", "--json")).out


async def test_a_row_that_does_not_know_of_a_deadline_is_found_and_repaired(source: Place) -> None:
    [group] = SyntheticData(2, 1, 4).conversations()
    async with source.table() as table:
        await table.update(Update(items.inbox_key(group.other, group.uuid), "REMOVE #gone", {}))
    found = await findings(source, "--repair")
    assert [kind for kind, *_ in found] == ["row-differs", "row-differs"]
    assert await findings(source) == []


async def test_a_text_that_a_dead_process_has_left_of_a_deleted_message_is_found_and_removed(source: Place) -> None:
    [group] = SyntheticData(2, 1, 4).conversations()
    async with source.table() as table, process(table) as changes:
        store = MessagingStore(table)
        message = await store.message(group.uuid, 6)
        assert message
        await make(changes, replace(draft(group, ChangeType.DELETE, number=6), user_uuid=group.one))
        await table.put(Put(expiring.put_text(message).item))
        undo = Update(items.message_key(group.uuid, 6), "SET #expires_in = :n", {":n": 7200})
        await table.update(undo)
    assert [kind for kind, *_ in await findings(source, "--repair")] == ["deletion-unfinished"]
    assert UNEXPIRED not in (await source.done("scan", "--json")).out
    assert await findings(source) == []


async def test_a_scan_says_which_messages_a_row_hides_and_which_are_gone_when(source: Place) -> None:
    [group] = SyntheticData(2, 1, 4).conversations()
    filters = ("--filter", "entity=inbox_row", "--filter", f"user_uuid={group.other}")
    [row] = (await source.done("scan", "--json", *filters)).records
    assert row["hidden"] == [7, 8]
    is_there = {number: datetime.fromisoformat(at) > now() for number, at in row["gone"].items()}
    assert is_there == {"5": False, "6": True, "7": False, "8": False}
    assert "T" in row["gone"]["6"]
