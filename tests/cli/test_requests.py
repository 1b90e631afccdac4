"""verify, export and seeds know requests: rows that do not fit are found and repaired, and a request moves as it is."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from app.cli.seed.conversations import PEOPLE
from app.cli.seed.synthetic import Group
from app.gateways.dynamodb import Table
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import inbox_items, items
from app.messaging.models import direct_group_uuid
from app.messaging.row_models import Folder, InboxRow
from app.messaging.store import MessagingStore
from tests.cli.conftest import Place
from tests.cli.test_verify import GROUPS, SIZE, delete, findings
from tests.cli.test_verify_changes import break_item

JUNIPER, ROSA = PEOPLE[0].uuid, PEOPLE[-1].uuid
REQUEST = direct_group_uuid(JUNIPER, ROSA)


async def rows(table: Table) -> tuple[InboxRow, InboxRow]:
    """Juniper's row of the stock request, and Rosa's."""
    found = [await MessagingStore(table).inbox_row(user, REQUEST) for user in (JUNIPER, ROSA)]
    assert found[0]
    assert found[1]
    return found[0], found[1]


async def asked(table: OperatedTable, group: Group) -> None:
    """Make a group of synthetic users a request of the first one's, which has messages of both."""
    key = items.inbox_key(group.other, group.uuid)
    await break_item(table, key, "SET #folder = :f, #inbox = :i", f="requests", i=f"REQUEST#{group.other}")
    await break_item(table, items.inbox_key(group.one, group.uuid), "SET #awaits = :yes", yes=True)


async def test_the_stock_conversations_have_a_request_that_fits(empty: Place) -> None:
    await empty.done("seed")
    async with empty.table() as table:
        own, theirs = await rows(table)
        assert (own.folder, own.unread_count, own.is_active) == (Folder.REQUESTS, 2, True)
        assert (theirs.folder, theirs.awaits_acceptance) == (Folder.INBOX, True)
    assert await findings(empty) == []


@pytest.mark.parametrize("damage", ["REMOVE #awaits", "REMOVE #folder"])
async def test_rows_of_a_request_that_differ_are_found_and_follow_the_receivers(empty: Place, damage: str) -> None:
    await empty.done("seed")
    async with empty.table() as table:
        user = ROSA if damage == "REMOVE #awaits" else JUNIPER
        await break_item(table, items.inbox_key(user, REQUEST), damage)
        if user == JUNIPER:
            index = f"IN#{JUNIPER}"
            await break_item(table, items.inbox_key(user, REQUEST), "SET #inbox = :i", i=index)
        for options, is_repaired in (((), False), (("--repair",), True)):
            assert await findings(empty, *options) == [("request-differs", str(REQUEST), is_repaired)]
        own, theirs = await rows(table)
        assert own.is_request is theirs.awaits_acceptance is (user == ROSA)
    assert await findings(empty) == []


async def test_an_answer_that_the_rows_do_not_know_of_is_found_in_the_log(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    async with empty.table() as table:
        store, answered = MessagingStore(table), GROUPS[:2]
        for group in answered:
            await asked(table, group)
        await break_item(table, items.inbox_key(answered[1].other, answered[1].uuid), "SET #state = :left", left="left")
        wanted = sorted(("request-differs", str(group.uuid)) for group in answered)
        assert await findings(empty, "--repair") == [(*each, True) for each in wanted]
        assert await findings(empty) == []
        for group in answered:
            for user in (group.one, group.other):
                row = await store.inbox_row(user, group.uuid)
                assert row
                assert (row.is_pending, row.is_active) == (False, True)


@pytest.mark.parametrize("user", [JUNIPER, ROSA])
async def test_a_row_that_is_missing_comes_back_as_one_of_a_request(empty: Place, user: UUID) -> None:
    await empty.done("seed")
    async with empty.table() as table:
        before = await rows(table)
        await delete(table, items.inbox_key(user, REQUEST))
        assert await findings(empty, "--repair") == [("row-missing", str(REQUEST), True)]
        for was, row in zip(before, await rows(table), strict=True):
            assert (row.folder, row.awaits_acceptance) == (was.folder, was.awaits_acceptance)
    assert await findings(empty) == []


async def test_requests_are_the_same_after_a_round_trip(engines: Place, empty: Place, tmp_path: Path) -> None:
    """Also one that is declined, which is in no list and not in the index."""
    source, file = await engines.elsewhere().made(), tmp_path / "all.jsonl"
    await source.done("seed")
    async with source.table() as table:
        own, theirs = await rows(table)
        await MessagingStore(table).requests.decline(own)
        before = await rows(table)
    await source.done("export", "--all", "--output", str(file))
    for _ in range(2):
        await empty.done("import", str(file))
    assert await findings(empty) == []
    async with empty.table() as table:
        assert await rows(table) == before == (replace(before[0], folder=Folder.REQUESTS), theirs)
        item = await table.get(items.inbox_key(JUNIPER, REQUEST))
        assert item
        assert "inbox" not in item
        assert inbox_items.to_inbox_row(item).is_declined
