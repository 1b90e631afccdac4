"""import-bootcamp: the boot camp's table and users become logs and rows that verify finds whole."""

import asyncio
import itertools
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.gateways.dynamodb.operator import OperatedTable, open_operated_table
from app.messaging.models import Message, direct_group_uuid
from app.messaging.row_models import InboxRow
from app.messaging.store import MessagingStore
from migrations.postgres import migrate
from tests.cli.conftest import Place
from tests.fixtures.engines import database_of
from tests.tools.bootcamp_table import create_old_table
from tests.tools.command import Ended

ANDREW, BAYKO, LONDO = (UUID(int=n, version=4) for n in (1, 2, 3))
NAMES = {ANDREW: ("AndrewBrown", "Andrew Brown"), BAYKO: ("bayko", "Andrew Bayko"), LONDO: ("londo", "Londo Mollari")}
GROUP = "5ae290ed-55d1-47a0-bc6d-fe2bc2700399"
LATER = itertools.count(100)
START = datetime(2026, 11, 20, 8, tzinfo=UTC)


@dataclass
class OldTable:
    """A table of the boot camp's shape, the service's empty table, and a database of its own."""

    place: Place
    table: OperatedTable
    database: "asyncpg.Connection[asyncpg.Record]"

    async def put(self, *found: dict[str, Any]) -> None:
        await self.table.put_all(found)

    async def run(self, *arguments: str, **changes: str) -> Ended:
        return await self.place.run("import-bootcamp", self.table.name, *arguments, **changes)

    async def applied(self, *arguments: str, code: int = 0, **changes: str) -> dict[str, Any]:
        """Apply, expect this exit code, and return the summary."""
        ended = await self.run("--timezone", "UTC", "--apply", "--json", *arguments, **changes)
        assert ended.code == code, ended
        return ended.records[-1]  # type: ignore[no-any-return]

    async def log(self, one: UUID, other: UUID) -> list[Message]:
        async with self.place.table() as table:
            return await MessagingStore(table).messages_after(direct_group_uuid(one, other), 0)

    async def row(self, user: UUID, peer: UUID) -> InboxRow:
        async with self.place.table() as table:
            row = await MessagingStore(table).inbox_row(user, direct_group_uuid(user, peer))
        assert row
        return row

    async def require_whole(self) -> None:
        ended = await self.place.run("verify")
        assert ended.code == 0, ended

    async def users(self) -> dict[UUID, tuple[str, str, str]]:
        rows = await self.database.fetch("SELECT uuid, handle, display_name, cognito_user_id FROM users")
        return {UUID(int=row["uuid"].int): tuple(row)[1:] for row in rows}

    async def snapshot(self) -> list[str]:
        return sorted([json.dumps(item, sort_keys=True) async for page in self.table.scan() for item in page])


@pytest.fixture
async def old(engines: Place, empty_database_url: str) -> AsyncIterator[OldTable]:
    await asyncio.to_thread(migrate, database_of(empty_database_url))
    place = engines.elsewhere()
    place = await Place({**place.environment, "DATABASE_URL": empty_database_url}).made()
    database = await asyncpg.connect(empty_database_url)
    settings = engines.elsewhere().settings
    async with open_operated_table(settings) as table:
        await create_old_table(table)
        yield OldTable(place, table, database)
    await database.close()


def named(user: UUID) -> dict[str, Any]:
    handle, name = NAMES[user]
    return {"user_uuid": str(user), "user_handle": handle, "user_display_name": name}


def at(minute: float, *, naive: bool = False) -> str:
    time = START + timedelta(minutes=minute)
    return (time.replace(tzinfo=None) if naive else time).isoformat()


def message(minute: float, by: UUID, text: str = "", *, group: str = GROUP, **changes: Any) -> dict[str, Any]:
    uuid = str(uuid4())
    item = {"pk": f"MSG#{group}", "sk": at(minute), "message": text or f"minute {minute}", "message_uuid": uuid}
    return {name: value for name, value in (item | named(by) | changes).items() if value is not ...}


def row(owner: UUID, other: UUID, *, group: str = GROUP, minute: float = 99, **changes: Any) -> dict[str, Any]:
    item = {"pk": f"GRP#{owner}", "sk": at(minute), "message_group_uuid": group, "message": "the last"}
    return {name: value for name, value in (item | named(other) | changes).items() if value is not ...}


def rows(one: UUID = ANDREW, other: UUID = BAYKO, *, group: str = GROUP) -> list[dict[str, Any]]:
    minute = next(LATER)  # rows of one owner at one time would be one row
    return [row(one, other, group=group, minute=minute), row(other, one, group=group, minute=minute)]


def seed(count: int = 104) -> list[dict[str, Any]]:
    """The boot camp's seed, with both of its time formats."""
    return [
        *rows(),
        *(message(n, (ANDREW, BAYKO)[n % 2], sk=at(n, naive=n % 3 == 0)) for n in range(count)),
    ]


async def test_the_boot_camps_seed_is_shown_first_and_brought_over_once(old: OldTable) -> None:
    await old.put(*seed())
    before = await old.snapshot()
    dry = await old.run("--timezone", "UTC")
    assert dry.code == 0, dry
    assert "Old groups: 1, of pairs: 1. Messages: 104, there already: 0, new: 104. New users: 2." in dry.out
    assert "Nothing was written" in dry.out
    assert (await old.log(ANDREW, BAYKO), await old.users()) == ([], {})
    done = await old.run("--timezone", "UTC", "--apply")
    assert done.code == 0, done
    assert f"{GROUP}  {direct_group_uuid(ANDREW, BAYKO)}  @andrewbrown @bayko" in done.out
    log = await old.log(ANDREW, BAYKO)
    assert [each.text for each in log] == [f"minute {n}" for n in range(104)]
    assert [each.created_at for each in log] == [START + timedelta(minutes=n) for n in range(104)]
    assert (await old.users())[ANDREW] == ("andrewbrown", "Andrew Brown", f"MOCK-{ANDREW}")
    for user, peer in ((ANDREW, BAYKO), (BAYKO, ANDREW)):
        assert ((await old.row(user, peer)).last_number, (await old.row(user, peer)).unread_count) == (104, 0)
    await old.require_whole()
    assert (await old.applied())["missing"] == 0
    assert await old.log(ANDREW, BAYKO) == log
    assert await old.snapshot() == before, "the old table is only read"


async def test_a_later_run_takes_what_is_new(old: OldTable) -> None:
    await old.put(*seed(20))
    await old.applied()
    async with old.place.table() as table:
        store = MessagingStore(table)
        (last,) = await store.newest_messages(direct_group_uuid(ANDREW, BAYKO), limit=1)
        said = Message(last.group_uuid, 21, uuid4(), ANDREW, "said here", START + timedelta(minutes=30))
        await store.append_message(said)
        for user in (ANDREW, BAYKO):
            await store.advance_inbox_row(said, user=user)
    await old.put(message(25, ANDREW, "late"), message(40, ANDREW, "new"))
    summary = await old.applied()
    assert (summary["written"], summary["late"], summary["messages"]) == (2, 1, 22)
    log = await old.log(ANDREW, BAYKO)
    assert [each.text for each in log[20:]] == ["said here", "late", "new"]
    assert sorted(each.created_at for each in log) == [each.created_at for each in log]
    assert (await old.row(BAYKO, ANDREW)).unread_count == 3, "what was unread stays unread"
    await old.require_whole()


async def test_groups_of_a_pair_become_one_log_by_time(old: OldTable) -> None:
    groups = [str(uuid4()) for _ in range(3)]
    for n, group in enumerate(groups):
        await old.put(*rows(group=group), *(message(3 * k + n, ANDREW, group=group) for k in range(10)))
    ended = await old.run("--timezone", "UTC", "--apply", "--json")
    moved = {each["old_group"]: each["group"] for each in ended.records if "old_group" in each}
    assert moved == dict.fromkeys(groups, str(direct_group_uuid(ANDREW, BAYKO)))
    assert [each.text for each in await old.log(ANDREW, BAYKO)] == [f"minute {n}" for n in range(30)]
    await old.require_whole()


async def test_members_are_found_with_one_row_no_row_or_a_row_twice(old: OldTable) -> None:
    one, none, twice, alone, crowd = (str(uuid4()) for _ in range(5))
    await old.put(
        row(ANDREW, BAYKO, group=one, minute=96),
        message(1, ANDREW, "one", group=one),
        *(message(n, by, f"none {n}", group=none) for n, by in ((2, BAYKO), (3, LONDO))),
        row(ANDREW, LONDO, group=twice),
        row(ANDREW, LONDO, group=twice, minute=98),
        message(4, LONDO, "twice", group=twice),
        message(5, ANDREW, "alone", group=alone),
        *(message(n, by, group=crowd) for n, by in ((6, ANDREW), (7, BAYKO), (8, LONDO))),
        row(ANDREW, BAYKO, group=str(uuid4()), minute=97),
    )
    ended = await old.run("--apply", "--json")
    assert ended.code == 1, ended
    assert "3 groups or items" in ended.complaint
    left = {each["left_behind"]: each["reason"] for each in ended.records if "left_behind" in each}
    assert (left[f"group {alone}"], left[f"group {crowd}"]) == (
        "only one member is known: 1 messages",
        "has more than two members: 3 messages",
    )
    assert "nothing in it can be brought over: 0 messages" in left.values()
    logs = [await old.log(*pair) for pair in ((ANDREW, BAYKO), (BAYKO, LONDO), (ANDREW, LONDO))]
    assert [[each.text for each in log] for log in logs] == [["one"], ["none 2", "none 3"], ["twice"]]
    await old.require_whole()


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"message": ...}, "has no text"),
    ({"message": " \n "}, "has no text"),
    ({"message": 5}, "has no text"),
    ({"message": ["a", "list"]}, "has no text"),
    ({"user_uuid": ...}, "has no user_uuid"),
    ({"user_uuid": "MOCK"}, "has no user_uuid"),
    ({"sk": "yesterday"}, "its sk is not a time"),
    ({"sk": "N#000000000001"}, "its sk is not a time"),
    ({"sk": "2999-01-01T00:00:00+00:00"}, "its time is in the future: is --timezone right?"),
    ({"sk": "1969-12-31T23:59:59+00:00"}, "its time is before 1970"),
    ({"pk": "MSG#"}, "is neither a message nor a group row"),
    ({"pk": "something"}, "is neither a message nor a group row"),
    ({"pk": "GRP#andrew", "message_group_uuid": GROUP}, "its key has no user's uuid"),
    ({"pk": f"GRP#{ANDREW}"}, "has no message_group_uuid"),
    (named(LONDO), "its sender is not a member of the group"),
]


async def test_what_cannot_be_brought_over_is_listed_with_the_reason(old: OldTable) -> None:
    broken = [message(10 + n, ANDREW, **change) for n, (change, _) in enumerate(HOSTILE)]
    await old.put(*rows(), message(1, ANDREW, "first"), *broken, message(90, BAYKO, "last"))
    ended = await old.run("--timezone", "UTC", "--apply", "--json")
    assert ended.code == 1, ended
    left = {each["left_behind"]: each["reason"] for each in ended.records if "left_behind" in each}
    expected = {f"{item['pk']} {item['sk']}": why for item, (_, why) in zip(broken, HOSTILE, strict=True)}
    assert left == expected
    assert [each.text for each in await old.log(ANDREW, BAYKO)] == ["first", "last"]
    await old.require_whole()
    shown = await old.run("--timezone", "UTC")
    assert "Traceback" not in shown.err
    assert "left behind" in shown.out


async def test_odd_messages_are_brought_over_whole(old: OldTable) -> None:
    same, shared = str(uuid4()), str(uuid4())
    long = "".join(chr(0x1F600 + n % 50) for n in range(40_000))
    await old.put(
        *rows(),
        message(1, ANDREW, "no uuid", message_uuid=...),
        message(2, ANDREW, "a bad uuid", message_uuid="5"),
        message(3, ANDREW, "no names", user_handle=..., user_display_name=...),
        message(4, ANDREW, long),
        message(5, ANDREW, "n\0l"),
        *(message(minute, ANDREW, "same", message_uuid=same) for minute in (6, 7)),
        *(message(minute, ANDREW, f"shared {minute}", message_uuid=shared) for minute in (8, 9)),
        message(9, BAYKO, "the same time", sk=at(9, naive=True)),
    )
    await old.applied()
    log = await old.log(ANDREW, BAYKO)
    texts = [each.text for each in log]
    assert texts[:3] == ["no uuid", "a bad uuid", "no names"]
    assert "".join(texts[3:6]) == long
    assert sorted(texts[6:]) == ["nl", "same", "shared 8", "shared 9", "the same time"]
    assert len({each.uuid for each in log}) == len(log)
    assert (await old.applied())["written"] == 0
    await old.require_whole()


async def test_naive_times_need_their_zone(old: OldTable) -> None:
    await old.put(*rows(), message(0, ANDREW, sk="2026-07-01T12:00:00"), message(0, BAYKO, sk="2026-11-01T12:00:00"))
    refused = await old.run()
    assert (refused.code, "give --timezone" in refused.complaint) == (2, True), refused
    wrong = await old.run("--timezone", "Moon/Base")
    assert (wrong.code, "is not a time zone" in wrong.complaint) == (2, True), wrong
    assert (await old.run("--timezone", "Europe/Berlin", "--apply")).code == 0
    assert [each.created_at.hour for each in await old.log(ANDREW, BAYKO)] == [10, 11]


async def test_users_come_from_the_old_database_by_uuid(old: OldTable, database_url: str) -> None:
    """Nothing was unique there, and everyone's subject was MOCK."""
    name = f"old_{uuid4().hex}"
    admin = await asyncpg.connect(database_url)
    await admin.execute(f"CREATE DATABASE {name}")
    url = database_url.rpartition("/")[0] + f"/{name}"
    source = await asyncpg.connect(url)
    try:
        missing = await old.run("--timezone", "UTC", OLD_DATABASE_URL=url)
        assert (missing.code, "has no table users" in missing.complaint) == (1, True), missing
        await source.execute(
            "CREATE TABLE users (uuid uuid, display_name text, handle text, email text, cognito_user_id text NOT NULL)"
        )
        twin, real = UUID(int=4), str(uuid4())
        await source.executemany(
            "INSERT INTO users VALUES ($1, $2, $3, $4, $5)",
            [
                (ANDREW, "Andrew B.", "AndrewBrown", "a@example.com", "MOCK"),
                (BAYKO, "Bayko", "bayko", None, "MOCK"),
                (twin, "Twin", "BAYKO", None, real),
                (UUID(int=5), "x" * 60, "no handle at all!", None, "MOCK"),
            ],
        )
        await old.put(*seed(6), message(50, LONDO, group="other"), message(51, ANDREW, group="other"))
        summary = await old.applied(OLD_DATABASE_URL=url)
    finally:
        await source.close()
        await admin.execute(f"DROP DATABASE {name} WITH (force)")
        await admin.close()
    users = await old.users()
    assert summary["users"] == {"new": 3, "new, other handle": 2}
    assert users[ANDREW] == ("andrewbrown", "Andrew B.", f"MOCK-{ANDREW}")
    assert users[LONDO] == ("londo", "Londo Mollari", f"MOCK-{LONDO}")
    assert {users[BAYKO][0], users[twin][0]} > {"bayko"}
    assert users[twin][1:] == ("Twin", real)
    assert users[UUID(int=5)][0].startswith("user_")
    await old.require_whole()


async def test_a_handle_alone_is_no_proof_unless_the_operator_says_so(old: OldTable) -> None:
    """The boot camp's database was created anew, so its users have other uuids than the table."""
    anew = uuid4()
    await old.database.execute(
        "INSERT INTO users (uuid, handle, display_name, cognito_user_id) VALUES ($1, 'andrewbrown', 'Andrew', 's')",
        anew,
    )
    await old.put(*seed(4))
    dry = await old.run("--timezone", "UTC", "--match-handles", "--json")
    assert {each["user"]: each["finding"] for each in dry.records if "finding" in each} == {
        str(ANDREW): f"same handle, {anew}",
        str(BAYKO): "new",
    }
    assert (await old.applied("--match-handles"))["written"] == 4
    assert {each.user_uuid for each in await old.log(anew, BAYKO)} == {anew, BAYKO}
    await old.require_whole()


async def test_without_that_a_person_gets_a_handle_of_its_own(old: OldTable) -> None:
    await old.database.execute(
        "INSERT INTO users (handle, display_name, cognito_user_id) VALUES ('andrewbrown', 'Another', 's')"
    )
    await old.put(*seed(4))
    await old.applied()
    assert (await old.users())[ANDREW][:2] == (f"user_{ANDREW.hex[:20]}", "Andrew Brown")
    await old.require_whole()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_an_interrupted_run_goes_on(old: OldTable, how: signal.Signals) -> None:
    await old.put(*seed(1_200))
    command = ("import-bootcamp", old.table.name, "--timezone", "UTC", "--apply")
    await old.place.interrupted(*command, how=how, items=300)
    assert 0 < (await old.applied())["written"] < 1_000, "it does not begin anew"
    assert [each.text for each in await old.log(ANDREW, BAYKO)] == [f"minute {n}" for n in range(1_200)]
    assert (await old.row(ANDREW, BAYKO)).unread_count == 0
    await old.require_whole()


async def test_two_runs_at_once_write_each_message_once(old: OldTable) -> None:
    await old.put(*seed(400), *rows(ANDREW, LONDO, group="other"), message(5, LONDO, group="other"))
    await asyncio.gather(old.applied(), old.applied(), old.applied())
    assert [each.text for each in await old.log(ANDREW, BAYKO)] == [f"minute {n}" for n in range(400)]
    await old.require_whole()


async def test_a_wrong_table_is_one_line(old: OldTable, stock: Place) -> None:
    own = await old.place.run("import-bootcamp", old.place.table_name)
    assert (own.code, "is the service's own table" in own.complaint) == (2, True), own
    ours = await old.place.run("import-bootcamp", stock.table_name)
    assert (ours.code, "not a table of the boot camp's kind" in ours.complaint) == (2, True), ours
    none = await old.place.run("import-bootcamp", "no-such-table")
    assert (none.code, "There is no table no-such-table" in none.complaint) == (1, True), none
    refused = await old.run("--apply", ENVIRONMENT="production")
    assert (refused.code, "--production" in refused.complaint) == (4, True), refused
