"""seed: stock and crowd, the same every time, resumed after it was stopped, patient with throttles."""

import asyncio
import json
import secrets
import signal
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from pydantic import SecretStr

from app.cli.seed.conversations import CONVERSATIONS
from app.cli.seed.stock import planned_messages, seed, seed_if_empty
from app.cli.seed.synthetic import SyntheticData
from app.concurrency import Backoff
from app.gateways.dynamodb import Table
from app.gateways.dynamodb.operator import OperatedTable
from app.gateways.postgres import open_postgres
from app.messaging import items
from app.messaging.change_items import change_item
from app.messaging.models import ChangeDraft, ChangeType
from app.messaging.store import MessagingStore
from app.settings import Settings
from app.users.store import UserStore
from migrations.dynamodb_table import create_table
from migrations.postgres import migrate
from tests.cli.conftest import Place
from tests.cli.test_verify_changes import Died, MortalTable, process
from tests.fixtures.engines import database_of
from tests.tools.faults import throttled

SIZE = ("--users", "20", "--groups", "40", "--messages", "6000")


async def test_synthetic_data_is_written_once(empty: Place) -> None:
    [told] = (await empty.done("seed", "--users", "10", "--groups", "15", "--messages", "160", "--json")).records
    assert (told["users"], told["groups"], told["messages"], told["groups_kept"]) == (10, 15, 160, 0)
    ended = await empty.done("seed", "--users", "10", "--groups", "15", "--messages", "160")
    assert "15 groups were there already" in ended.out
    assert "160 messages in 15 logs, 30 inbox rows, 1 changes." in (await empty.done("verify")).out
    assert len((await empty.done("list-conversations", "seed_000003", "--json")).records) == 4


async def test_two_seeds_are_the_same(empty: Place, engines: Place) -> None:
    other = await engines.elsewhere().made()
    tables = []
    for place in (empty, other):
        await place.done("seed", "--users", "4", "--groups", "3", "--messages", "30")
        tables.append(sorted((await place.done("scan", "--json")).out.splitlines()))
    assert tables[0] == tables[1]


async def test_a_seed_of_nothing_writes_nothing(empty: Place) -> None:
    [told] = (await empty.done("seed", "--users", "0", "--json")).records
    assert (told["users"], told["messages"]) == (0, 0)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_an_interrupted_seed_goes_on(empty: Place, how: signal.Signals) -> None:
    err = await empty.interrupted("seed", *SIZE, how=how, items=200)
    if how == signal.SIGINT:
        assert err.splitlines()[-1] == "Interrupted. The same command goes on from here."
    [told] = (await empty.done("seed", *SIZE, "--json")).records
    assert told["messages"] < 6000, "it does not begin anew"
    assert (
        "6,000 messages in 40 logs, 80 inbox rows, 115 changes.\nEverything fits." in (await empty.done("verify")).out
    )


async def test_a_seed_keeps_newer_messages(empty: Place) -> None:
    size = ("--users", "2", "--groups", "1", "--messages", "5")
    await empty.done("seed", *size)
    [group] = SyntheticData(2, 1, 5).conversations()
    async with empty.table() as table:
        said = items.message_item(group.message(6)) | {"text": "said since"}
        await table.put_all([said])
    await empty.done("seed", "--users", "2", "--groups", "1", "--messages", "9")
    ended = await empty.done("get-conversation", "seed_000000", "seed_000001", "--json")
    assert [record["message"] for record in ended.records][5:] == ["said since"]


async def test_a_seed_ends_whole_after_an_interruption_and_a_repair(empty: Place) -> None:
    """verify --repair gives an unfinished log its rows, which is no sign that the seed was finished."""
    size = ("--users", "4", "--groups", "3", "--messages", "120")
    begun, holed, _ = SyntheticData(4, 3, 120).conversations()
    async with empty.table() as table:
        changes = [
            change for group, end in ((begun, 11), (holed, 41)) for n in range(1, end) if (change := group.change(n))
        ]
        await table.put_all([change_item(change) for change in changes])
        await table.put_all([items.message_item(begun.message(number)) for number in range(1, 11)])
        await table.put_all([items.message_item(holed.message(n)) for n in range(1, 41) if n not in (38, 39)])
    assert (await empty.run("verify", "--repair")).code == 1
    [told] = (await empty.done("seed", *size, "--json")).records
    assert told["messages"] == 30 + 3 + 40
    assert "120 messages in 3 logs, 6 inbox rows, 3 changes.\nEverything fits." in (await empty.done("verify")).out
    assert (await empty.done("seed", *size, "--json")).records[0]["groups_kept"] == 3


async def test_stock_conversations_end_whole_after_an_interruption_and_a_repair(empty: Place) -> None:
    conversation = CONVERSATIONS[0]
    messages = planned_messages(conversation, datetime.now(UTC) - timedelta(days=3))
    async with empty.table() as table:
        store = MessagingStore(table)
        await store.start_direct_group(messages[0], peer=messages[1].user_uuid)
        for message in messages[1:40]:
            await store.append_message(message)
    await empty.run("verify", "--repair")
    await empty.done("seed")
    assert (
        "191 messages in 9 logs, 2 of groups of several, 22 inbox rows, 24 changes.\nEverything fits."
        in (await empty.done("verify")).out
    )
    found = (await empty.done("get-conversation", *conversation.between, "--limit", "200", "--json")).records
    assert [each["message"] for each in found] == ["" if line.is_deleted else line.text for line in conversation.lines]
    assert [each["created_at"] for each in found] == sorted(each["created_at"] for each in found)


async def everything(place: Place) -> list[str]:
    """Return all items, each with its attributes in one order: the engine has none."""
    found = (await place.done("scan", "--json")).records
    return sorted(json.dumps(item, sort_keys=True) for item in found)


async def test_stock_conversations_that_were_changed_since_stay_as_they_are(empty: Place) -> None:
    await empty.done("seed")
    [long, other] = [planned_messages(CONVERSATIONS[at], datetime.now(UTC))[0] for at in (0, 1)]
    async with empty.table() as table, process(table) as changes:
        for first, text in ((long, "said anew"), (other, "said anew, too")):
            draft = ChangeDraft(first.user_uuid, first.group_uuid, 1, ChangeType.EDIT, text=text, version=1)
            await changes.edit(draft)
    before = await everything(empty)
    await empty.done("seed")
    assert await everything(empty) == before
    assert "26 changes.\nEverything fits." in (await empty.done("verify")).out


@pytest.mark.parametrize("writes", [20, 60, 120, 205, 220, 240, 255, 260])
async def test_stock_conversations_end_whole_after_a_crash(empty: Place, writes: int) -> None:
    async with empty.table() as table, open_postgres(empty.settings) as postgres:
        store = MessagingStore(cast("Table", MortalTable(table, writes=writes)))
        with suppress(Died):
            await seed(UserStore(postgres), store, with_views=False)
    await empty.done("seed")
    assert (
        "191 messages in 9 logs, 2 of groups of several, 22 inbox rows, 24 changes.\nEverything fits."
        in (await empty.done("verify")).out
    )


async def test_one_long_conversation_and_one_large_inbox(empty: Place) -> None:
    [told] = (await empty.done("seed", "--inbox", "250", "--messages", "300", "--json")).records
    assert (told["users"], told["groups"], told["messages"]) == (251, 250, 300)
    [told] = (await empty.done("seed", "--conversation", "700", "--json")).records
    assert (told["groups"], told["messages"]) == (1, 698)
    rows = (await empty.done("list-conversations", "seed_000000", "--limit", "300", "--json")).records
    assert sorted(row["last_number"] for row in rows)[-2:] == [2, 700]
    assert len(rows) == 250
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")
    wrong = await empty.run("seed", "--conversation", "5", "--users", "3")
    assert (wrong.code, "--conversation stands alone" in wrong.complaint) == (2, True), wrong


async def test_a_seed_off_this_machine_needs_consent(empty: Place) -> None:
    ended = await empty.run("seed", ENVIRONMENT="production")
    assert ended.code == 4
    assert (await empty.done("scan", "--json")).out == ""


class Throttling:
    """Passes calls on after so many throttles of each."""

    def __init__(self, client: Any, *, throttles: int) -> None:
        self._client = client
        self._left = throttles
        self.exceptions = client.exceptions

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        async def call(**request: Any) -> Any:
            if self._left:
                self._left -= 1
                raise throttled(name)
            return await method(**request)

        call.__name__ = name
        return call


async def test_a_throttled_seed_slows_down_and_does_not_fail(empty: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gateways.dynamodb.table.DYNAMODB_REQUEST", Backoff(0, 0))
    monkeypatch.setattr("app.gateways.dynamodb.operator.DYNAMODB_COMMAND", Backoff(0.001, 0.001))
    [group] = SyntheticData(2, 1, 30).conversations()
    async with empty.table() as table:
        patient = OperatedTable(Throttling(table._client, throttles=100), table.name)  # type: ignore[arg-type]  # noqa: SLF001
        await patient.put_all([items.message_item(group.message(number)) for number in range(1, 31)])
        found = [item async for page in patient.scan() for item in page]
    assert len(found) == 30
    assert patient.consumed.write_units == 30


async def test_stock_conversations_that_the_table_has_lost_are_written_again(
    settings: Settings, empty_database_url: str
) -> None:
    await asyncio.to_thread(migrate, database_of(empty_database_url))
    for _ in range(2):  # the second table is as the first one after its engine's crash
        place = settings.model_copy(
            update={"database_url": SecretStr(empty_database_url), "dynamodb_table": f"test-{secrets.token_hex(4)}"}
        )
        await create_table(place)
        assert str(await seed_if_empty(place)).startswith("5 people, 9 conversations")
        assert await seed_if_empty(place) is None


async def test_groups_of_several_have_members_an_admin_and_one_that_has_left(stock: Place) -> None:
    groups = [each for each in (await stock.done("list-conversations", "juniper", "--json")).records if each["role"]]
    assert [(each["display_name"], each["role"], each["unread_count"]) for each in groups] == [
        ("Autumn fair 🍎", "owner", 2),
        ("Tool shed", "member", 0),
    ]
    fair, shed = [
        {each["handle"]: each["role"] for each in (await stock.done("members", uuid, "--json")).records}
        for uuid in (group["message_group_uuid"] for group in groups)
    ]
    assert fair == {"juniper": "owner", "osman": "admin", "priya": "member", "theo": "member"}
    assert shed == {"osman": "owner", "juniper": "member", "priya": "member"}
    of_theo = (await stock.done("list-conversations", "theo", "--json")).records
    assert [each["display_name"] for each in of_theo if each["role"]] == ["Autumn fair 🍎"]
    of_juniper = groups[0]["unread_mention_count"], groups[1]["unread_mention_count"]
    assert of_juniper == (0, 0)


async def test_groups_of_several_are_written_once_and_fit(empty: Place) -> None:
    size = ("--users", "12", "--groups", "3", "--messages", "9", "--several", "4", "--group-size", "11")
    ended = await empty.done("seed", *size)
    assert "There are now 4 groups of 11 members." in ended.out
    told = (await empty.done("verify")).out
    assert told == "49 messages in 7 logs, 4 of groups of several, 50 inbox rows, 0 changes.\nEverything fits.\n"
    before = sorted((await empty.done("scan", "--json")).out.splitlines())
    await empty.done("seed", *size)
    assert sorted((await empty.done("scan", "--json")).out.splitlines()) == before
    rows = (await empty.done("list-conversations", "seed_000003", "--json")).records
    assert {each["member_count"] for each in rows if each["role"]} == {11}
    wrong = await empty.run("seed", "--users", "5", "--several", "1")
    assert (wrong.code, "need so many" in wrong.complaint) == (2, True), wrong
