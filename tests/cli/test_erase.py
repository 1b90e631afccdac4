"""The command erase, and what the other commands make of erased users."""

import json
from typing import Any
from uuid import UUID

from app.cli.conversations.lines import ErasureLine
from app.cli.people.directory import Account, Directory, Status
from app.cli.services import open_services
from app.messaging import inbox_items
from app.messaging.row_models import InboxRow
from tests.cli.conftest import Place

SIZE = ("--users", "6", "--groups", "6", "--messages", "40")


async def users_of(place: Place) -> dict[UUID, str]:
    async with open_services(place.settings) as services:
        return {user.uuid: user.handle for user in await services.user_store.whole_users(after=None, limit=100)}


async def rows_of(place: Place, user: UUID) -> list[InboxRow]:
    async with open_services(place.settings) as services:
        return await services.messaging.inbox_rows(user, consistent=True)


async def test_erase_and_what_others_make_of_it(engines: Place, empty_database_url: str, tmp_path: Any) -> None:
    empty = Place({**engines.elsewhere().environment, "DATABASE_URL": empty_database_url})
    await empty.made()
    await empty.done("migrate")
    await empty.done("seed", *SIZE)
    users = await users_of(empty)
    rows = {user: await rows_of(empty, user) for user in users}
    user = max(rows, key=lambda each: len(rows[each]))
    handle, row = users[user], rows[user][0]
    assert (await empty.run("erase", handle)).code == 4  # standard input is empty
    ended = await empty.run("erase", handle, "--yes", "--json")
    assert ended.code == 0, ended
    assert ended.records[-1]["left"] == 0
    assert ended.records[-1]["removed"]["groups"] == len(rows[user])
    assert await rows_of(empty, user) == []
    again = await empty.run("erase", handle, "--yes")
    assert (again.code, "nothing was left" in again.err) == (1, True)
    verified = await empty.run("verify", "--json")
    assert verified.code == 0, verified

    file = tmp_path / "all.jsonl"
    await empty.done("export", "--all", "--output", str(file))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["user_uuid"] for each in lines if each["entity"] == "erasure"] == [str(user)]
    assert handle not in file.read_text()

    async with empty.table() as table:  # as a restore brings it back
        await table.put_all([inbox_items.inbox_item(row)])
    found = await empty.run("verify", "--json")
    assert [each["kind"] for each in found.records[:-1]] == ["erased-row"]
    swept = await empty.run("erase", "--resume", "--all", "--json")
    assert swept.code == 0, swept
    assert swept.records[0]["removed"]["groups"] == len(rows[user]) + 1
    assert (await empty.run("verify")).code == 0


async def test_users_export_writes_what_the_user_gets(stock: Place, tmp_path: Any) -> None:
    file = tmp_path / "juniper.jsonl"
    await stock.done("users", "export", "juniper", "--output", str(file))
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    kinds = [line["type"] for line in lines]
    assert (kinds[0], kinds[-1]) == ("profile", "end")
    assert (lines[-1]["groups"], lines[-1]["messages"]) == (kinds.count("group"), kinds.count("message"))
    assert kinds.count("group") > 1
    printed = await stock.done("users", "export", "juniper")
    assert printed.out.splitlines()[1:] == file.read_text(encoding="utf-8").splitlines()[1:]


async def test_an_import_carries_erasures_and_brings_no_user_back(
    engines: Place, empty_database_url: str, tmp_path: Any
) -> None:
    place = Place({**engines.elsewhere().environment, "DATABASE_URL": empty_database_url})
    await place.made()
    await place.done("migrate")
    await place.done("seed", *SIZE)
    before, after = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
    await place.done("export", "--all", "--output", str(before))
    users = await users_of(place)
    user = next(iter(users))
    await place.done("erase", users[user], "--yes")
    await place.done("export", "--all", "--output", str(after))
    there = await (Place({**place.elsewhere().environment})).made()  # the table is lost, and Postgres is not
    again = await there.run("import", str(before))
    assert (again.code, f"@{users[user]} is not there" in again.err) == (1, True), again
    assert user not in await users_of(there)
    async with open_services(there.settings) as services:
        (line,) = [line for line in map(json.loads, after.read_text().splitlines()) if line["entity"] == "erasure"]
        erasure = ErasureLine.model_validate(line).value()
        assert await services.user_store.erasures.stored(after=None, limit=9) == [erasure]
        assert await services.user_store.erasures.add_all([erasure]) == 0
    swept = await there.run("erase", "--resume", "--all", "--json")
    assert swept.records[-1]["left"] == 0
    assert await rows_of(there, user) == []


def test_accounts_of_erased_users_stay_without_a_user() -> None:
    accounts = [
        Account(username=sub, sub=sub, handle=handle, status="CONFIRMED")
        for sub, handle in (("a", "ann"), ("b", "bob"))
    ]
    found = Directory(accounts, [], None, {"a"}).missing()
    assert sorted((each.kind, each.handle, each.change is None) for each in found) == [
        (Status.CREATE, "bob", False),
        (Status.SKIP, "ann", True),
    ]
    assert [each.kind for each in Directory(accounts, [], None, {"a"}).links()] == [Status.NO_USER, Status.SKIP]
