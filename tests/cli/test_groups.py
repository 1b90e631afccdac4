"""Commands for groups of several members: scan names their items, and a copied table is the same."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.cli.seed.synthetic import user_uuid
from tests.cli.conftest import Place
from tests.cli.groups import world_of
from tests.cli.test_transfer import new_installation

USERS = [user_uuid(number) for number in range(6)]


async def test_a_scan_names_heads_and_members(empty: Place) -> None:
    await empty.done("seed", "--users", "6", "--groups", "0")
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
    (head,) = (await empty.done("scan", "--filter", "entity=head", "--json")).records
    shown = {name: head[name] for name in ("group_uuid", "title", "member_count", "systems", "shows_history")}
    assert shown == {
        "group_uuid": str(group),
        "title": "Greenhouse",
        "member_count": 3,
        "systems": [1, 2, 4, 5, 6, 7, 8],
        "shows_history": True,
    }
    members = (await empty.done("scan", "--filter", "entity=member", "--json")).records
    assert {(each["user_uuid"], each["role"]) for each in members} == {
        (str(USERS[0]), "owner"),
        (str(USERS[1]), "admin"),
        (str(USERS[2]), "member"),
    }
    told = (await empty.done("scan", "--filter", "role=owner", "--filter", "entity=member")).out.split()
    assert told[-2:] == [str(USERS[0]), "owner"]


async def made(engines: Place, database_url: str) -> Place:
    """An installation of its own with six users and groups in which all has happened."""
    place = await new_installation(engines, database_url)
    await place.done("seed", "--users", "6", "--groups", "3", "--messages", "12")
    return place


async def items_of(place: Place) -> list[str]:
    return sorted((await place.done("scan", "--json")).out.splitlines())


async def test_a_copied_table_is_the_same(engines: Place, database_url: str, tmp_path: Path) -> None:
    source, target = await made(engines, database_url), await new_installation(engines, database_url)
    async with world_of(source) as world:
        for _ in range(2):
            await world.group_of_all(USERS)
        told = await world.create(USERS[0], USERS[2], title="Not told yet")
        await world.groups.update(USERS[0], told, title="Renamed", shows_history=None)
        message = await world.store.message(told, 1)
        row = await world.store.inbox_row(USERS[2], told)
        assert message
        assert row
        assert await world.store.hide(message, row, message.created_at)
    file = tmp_path / "all.jsonl"
    await source.done("export", "--all", "--output", str(file))
    [report] = (await target.done("import", str(file), "--json")).records
    assert await items_of(source) == await items_of(target)
    assert (await target.done("export", "--all")).out == file.read_text()
    assert (await target.done("verify")).out.endswith("Everything fits.\n")
    [again] = (await target.done("import", str(file), "--json")).records
    assert again == {"lines": report["lines"], "kept": report["written"]}


async def test_a_later_export_brings_groups_up_to_it_and_an_earlier_one_changes_nothing(
    engines: Place, database_url: str, tmp_path: Path
) -> None:
    source, target = await made(engines, database_url), await new_installation(engines, database_url)
    files = [tmp_path / f"{name}.jsonl" for name in ("before", "after")]
    async with world_of(source) as world:
        group = await world.group_of_all(USERS)
        await source.done("export", "--all", "--output", str(files[0]))
        await world.groups.remove(USERS[0], group, USERS[2])
        await world.groups.add(USERS[1], group, [USERS[3]])
        await world.groups.leave(USERS[0], group)
        await world.send(USERS[3], "I am back", group)
        await world.settle(group)
    await source.done("export", "--all", "--output", str(files[1]))
    for file in (files[0], files[1], files[0]):
        await target.done("import", str(file))
    assert await items_of(source) == await items_of(target)
    assert (await target.done("verify")).out.endswith("Everything fits.\n")


async def test_an_export_of_a_user_has_the_groups_of_a_former_member(empty: Place) -> None:
    await empty.done("seed", "--users", "6", "--groups", "0")
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
    alone, of_user = [
        (await empty.done("export", *names)).records for names in ([str(group)], ["--user", "seed_000003"])
    ]
    assert alone == of_user
    assert [line["entity"] for line in alone][-8:] == ["message", "head", *["inbox_row"] * 5, "end"]


@pytest.mark.parametrize(
    ("entity", "change", "complaint"),
    [
        ("head", {"last_number": 12}, "the head of group"),
        ("head", {"digest": "x"}, "digest"),
        ("head", {"members": [{}]}, "members.0"),
        ("inbox_row", {"last_number": 12}, "the row of group"),
        ("inbox_row", {"title": None}, "no group of several members"),
        ("message", {"event": {"type": "never"}}, "event"),
    ],
)
async def test_a_wrong_line_of_a_group_is_named(
    empty: Place, tmp_path: Path, entity: str, change: dict[str, Any], complaint: str
) -> None:
    await empty.done("seed", "--users", "6", "--groups", "0")
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
    lines = (await empty.done("export", str(group))).records
    at = next(at for at, line in enumerate(lines) if line["entity"] == entity)
    lines[at] |= change
    file = tmp_path / "wrong.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    ended = await empty.run("import", str(file))
    assert (ended.code, f"line {at + 1}" in ended.complaint, complaint in ended.complaint) == (2, True, True), ended


async def test_a_group_that_goes_on_is_exported_whole(
    engines: Place, empty: Place, database_url: str, tmp_path: Path
) -> None:
    """Members come and go, and write, while it is read."""
    source = await made(engines, database_url)
    async with world_of(source) as world:
        group = await world.group_of_all(USERS)

        async def go_on() -> None:
            while True:
                await world.groups.add(USERS[0], group, [USERS[3], USERS[4]])
                await world.send(USERS[4], "hello", group, mentions=[USERS[1]])
                await world.groups.update(USERS[0], group, title=f"Title {uuid4().hex[:6]}", shows_history=None)
                await world.groups.remove(USERS[1], group, USERS[4])
                await world.groups.leave(USERS[3], group)

        going = asyncio.create_task(go_on())
        files = [tmp_path / f"{number}.jsonl" for number in range(4)]
        for file in files:
            await source.done("export", str(group), "--output", str(file))
        assert not going.done(), going
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
    for file in (files[2], files[0], files[3], files[1]):
        await empty.done("import", str(file))
        found = (await empty.run("verify", "--json")).records[:-1]
        assert {each["kind"] for each in found} <= {"unknown-user", "row-differs"}, found
        assert all("mentions" in each["detail"] for each in found if each["kind"] == "row-differs"), found
    ends = [json.loads(file.read_text().splitlines()[-1])["messages"] for file in files]
    assert ends == sorted(ends)
    assert len({*ends}) == len(ends), "it goes on between the exports"
