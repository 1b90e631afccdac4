"""list-users, update-cognito-user-ids and users sync, against an emulated user pool and a real Postgres.

What an emulator cannot show stands in tests/tools/aws_emulator.py; here it matters that ListUsers of a real pool gives
its pages in no order that is promised, and that its throttling is by account and not by what a test says.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from app.errors import Unavailable
from app.gateways.postgres import open_postgres
from app.settings import DatabaseSettings
from app.users.models import NewSubject
from app.users.store import UserStore
from migrations.postgres import migrate
from tests.cli.conftest import Place as CommandPlace
from tests.fixtures.emulator import AwsEmulator
from tests.fixtures.engines import database_of
from tests.tools.command import Ended, cruddur

NOWHERE = "http://127.0.0.1:9"


@dataclass
class Place:
    """A user pool, a database, and the command line with the settings of both."""

    emulator: AwsEmulator
    pool: str
    database_url: str
    database: "asyncpg.Connection[asyncpg.Record]"

    @property
    def environment(self) -> dict[str, str]:
        return self.emulator.environment | {
            "ENVIRONMENT": "test",
            "DATABASE_URL": self.database_url,
            "INSECURE_ALLOWED": "DATABASE_URL",  # tests of production use this database
        }

    async def run(self, *arguments: str, typed: str = "", **env: str) -> Ended:
        return await cruddur(*arguments, "--pool", self.pool, env=self.environment | env, typed=typed)

    def account(self, handle: str, **attributes: str) -> str:
        """Add an account to the pool and return its sub."""
        sub = str(uuid4())
        self.emulator.add_users(self.pool, [{"preferred_username": handle, "sub": sub, **attributes}])
        return sub

    async def users(self, *rows: str) -> None:
        """Add users to Postgres as the boot camp's seed did, with an invented sub."""
        await self.database.executemany(
            "INSERT INTO users (handle, display_name, cognito_user_id) VALUES ($1, $1, 'MOCK-' || $1)",
            [(handle,) for handle in rows],
        )

    async def subs(self) -> dict[str, str]:
        """Return the subs in Postgres, by handle."""
        return await self.texts("SELECT handle, cognito_user_id FROM users")

    async def texts(self, sql: str) -> dict[str, str]:
        """Return the first two columns."""
        return {row[0]: row[1] for row in await self.database.fetch(sql)}


@pytest.fixture
async def place(emulator: AwsEmulator, empty_database_url: str) -> AsyncIterator[Place]:
    await asyncio.to_thread(migrate, database_of(empty_database_url))
    database = await asyncpg.connect(empty_database_url)
    yield Place(emulator, emulator.new_pool(), empty_database_url, database)
    await database.close()


def findings(ended: Ended) -> dict[str | None, str]:
    """Return the findings by handle."""
    return {record["handle"]: record["finding"] for record in ended.records if "finding" in record}


def summary(ended: Ended) -> dict[str, Any]:
    return ended.records[-1]  # type: ignore[no-any-return]


async def test_no_accounts_and_no_users_are_no_failure(place: Place) -> None:
    commands = (["update-cognito-user-ids", "--apply"], ["users", "sync", "--apply"], ["list-users"])
    told = await asyncio.gather(*(place.run(*command) for command in commands))
    assert [ended.code for ended in told] == [0, 0, 0], told
    assert [ended.out.splitlines()[-1].split(".")[0] for ended in told] == [
        "no accounts and no users",
        "no accounts and no users",
        "0 accounts",
    ]


async def test_a_dry_run_shows_what_would_change_and_changes_nothing(place: Place) -> None:
    await place.users("amelie", "bruno")
    sub = place.account("Amelie")
    place.account("bruno")
    ended = await place.run("update-cognito-user-ids")
    assert ended.code == 0, ended
    assert f"MOCK-amelie -> {sub}" in ended.out
    assert "2 change. Would change 2." in ended.out
    assert "--apply does it" in ended.out
    assert await place.subs() == {"amelie": "MOCK-amelie", "bruno": "MOCK-bruno"}


async def test_handles_match_without_case_and_applying_is_idempotent(place: Place) -> None:
    await place.users("amelie", "bruno")
    subs = {"amelie": place.account("AMELIE"), "bruno": place.account(" bruno ")}
    first = await place.run("update-cognito-user-ids", "--apply", "--json")
    assert (first.code, summary(first)["changed"]) == (0, 2), first
    assert await place.subs() == subs
    second = await place.run("update-cognito-user-ids", "--apply", "--json")
    assert (second.code, summary(second)["counts"]) == (0, {"same": 2})
    assert await place.subs() == subs


async def test_unmatched_accounts_and_users_are_listed_and_the_others_changed(place: Place) -> None:
    await place.users("amelie", "only_here", "shared", "taken", "holder")
    sub = place.account("amelie")
    place.account("only_there")
    place.account("shared")
    place.account("Shared")
    place.emulator.add_users(place.pool, [{"sub": str(uuid4())}, {"preferred_username": "no_sub"}, {}])
    held = place.account("taken")
    await place.database.execute("UPDATE users SET cognito_user_id = $1 WHERE handle = 'holder'", held)
    ended = await place.run("update-cognito-user-ids", "--apply", "--json")
    assert ended.code == 2, ended
    assert findings(ended) == {
        "amelie": "change",
        "only_here": "no account",
        "only_there": "no user",
        "shared": "clash",
        "taken": "clash",
        "holder": "renamed",
        "no_sub": "incomplete",
        None: "incomplete",
    }
    assert summary(ended)["counts"]["incomplete"] == 3
    changed = await place.subs()
    assert changed["amelie"] == sub
    assert {changed[handle] for handle in ("only_here", "shared", "taken")} == {
        "MOCK-only_here",
        "MOCK-shared",
        "MOCK-taken",
    }


async def test_swapped_subs_are_changed_together(place: Place) -> None:
    """Two users swap, three form a cycle, and another user gets a sub that its holder gives up."""
    handles = ("amelie", "bruno", "chloe", "denis", "elsa", "fanny", "gilles")
    await place.users(*handles)
    subs = {handle: place.account(handle) for handle in handles}
    held = {"amelie": "bruno", "bruno": "amelie", "chloe": "denis", "denis": "elsa", "elsa": "chloe", "fanny": "gilles"}
    await place.database.execute(
        "UPDATE users SET cognito_user_id = held.sub FROM unnest($1::text[], $2::text[]) AS held (handle, sub)"
        " WHERE users.handle = held.handle",
        list(held),
        [subs[other] for other in held.values()],
    )
    shown = await place.run("update-cognito-user-ids", "--json")
    assert (shown.code, findings(shown)) == (0, dict.fromkeys(handles, "change"))
    ended = await place.run("update-cognito-user-ids", "--apply", "--json")
    assert (ended.code, summary(ended)["changed"]) == (0, 7), ended
    assert await place.subs() == subs


async def test_a_sub_that_its_user_keeps_is_a_clash(place: Place) -> None:
    """Bruno has Amélie's sub and Chloé has Bruno's; Chloé has another handle in the pool, so she keeps it."""
    await place.users("amelie", "bruno", "chloe")
    amelie, bruno = place.account("amelie"), place.account("bruno")
    for handle, sub in {"chloe": bruno, "bruno": amelie}.items():
        await place.database.execute("UPDATE users SET cognito_user_id = $1 WHERE handle = $2", sub, handle)
    ended = await place.run("update-cognito-user-ids", "--apply", "--json")
    assert (ended.code, findings(ended)) == (2, {"amelie": "clash", "bruno": "clash", "chloe": "renamed"})
    assert await place.subs() == {"amelie": "MOCK-amelie", "bruno": amelie, "chloe": bruno}


async def test_the_kelvin_sign_is_not_a_k(place: Place) -> None:
    await place.users("kim")
    place.account("\N{KELVIN SIGN}im")
    ended = await place.run("update-cognito-user-ids", "--json")
    assert (ended.code, findings(ended)) == (2, {"kim": "no account", "\N{KELVIN SIGN}im": "no user"})


async def test_a_linked_account_needs_no_handle(place: Place) -> None:
    await place.users("amelie")
    sub = str(uuid4())
    place.emulator.add_users(place.pool, [{"sub": sub}])
    await place.database.execute("UPDATE users SET cognito_user_id = $1", sub)
    ended = await place.run("update-cognito-user-ids", "--json")
    assert (ended.code, findings(ended)) == (0, {"amelie": "renamed"})


async def test_relinking_is_one_transaction(place: Place) -> None:
    """A sub for two users rolls everything back; a user that has changed meanwhile is left unchanged."""
    await place.users("amelie", "bruno")
    rows = {row["handle"]: row["uuid"] for row in await place.database.fetch("SELECT handle, uuid FROM users")}
    settings = DatabaseSettings(environment="test", database_url=SecretStr(place.database_url))
    async with open_postgres(settings) as postgres:
        store = UserStore(postgres)
        with pytest.raises(Unavailable):
            await store.relink([NewSubject(uuid, f"MOCK-{handle}", "same") for handle, uuid in rows.items()])
        assert await place.subs() == {"amelie": "MOCK-amelie", "bruno": "MOCK-bruno"}
        overtaken = NewSubject(rows["bruno"], "somebody else's", "second")
        first = [NewSubject(rows["amelie"], "MOCK-amelie", "first"), overtaken]
        assert [await store.relink(first) for _ in range(2)] == [1, 1], "it may be repeated"
        taken = [NewSubject(rows["amelie"], "first", "MOCK-bruno"), NewSubject(rows["bruno"], "no more", "first")]
        with pytest.raises(Unavailable):
            await store.relink(taken)
        assert await place.subs() == {"amelie": "first", "bruno": "MOCK-bruno"}
        assert await store.by_handle("amelie"), "the pool goes on"
    assert await place.subs() == {"amelie": "first", "bruno": "MOCK-bruno"}


@pytest.mark.soak
async def test_thousands_of_accounts_are_linked_and_created(place: Place, *, is_soak: bool) -> None:
    """Four of five accounts have a user; the others are created, and then all agree.

    The emulator sorts all accounts for each page of 60, so its time grows with the square of their number.
    """
    count = 10_000 if is_soak else 7_000  # more than one batch to change, and to create
    subs = {f"user_{number:05}": str(uuid4()) for number in range(count)}
    accounts = [{"preferred_username": handle.title(), "sub": sub} for handle, sub in subs.items()]
    place.emulator.add_users(place.pool, accounts)
    await place.users(*(handle for handle in subs if not handle.endswith(("3", "8"))))
    linked = await place.run("update-cognito-user-ids", "--apply")
    assert linked.code == 2, linked
    assert f"{count * 4 // 5:,} change, {count // 5:,} no user. Changed {count * 4 // 5:,}." in linked.out
    assert linked.out.splitlines()[1].startswith("no user")  # findings to resolve come first
    assert len(linked.out.splitlines()) < 60
    synced = await place.run("users", "sync", "--apply", "--json")
    assert (synced.code, summary(synced)["created"]) == (0, count // 5), synced.err
    assert await place.subs() == subs


async def test_sync_first_shows_and_then_creates_by_the_rules_of_registration(place: Place) -> None:
    await place.users("taken")
    subs = {
        "amelie": place.account("Amelie", name=" Am\u200bélie\u202e Laurent\n"),
        "nameless": place.account("nameless"),
        "long_name": place.account("long_name", name="x" * 51),
    }
    for handle in ("no spaces", "ab", "émile", "x" * 31, "taken", "twice", "Twice"):
        place.account(handle)
    shown = await place.run("users", "sync", "--json")
    assert (shown.code, list(await place.subs())) == (2, ["taken"])
    assert findings(shown) == {
        **dict.fromkeys(subs, "create"),
        **dict.fromkeys(("no spaces", "ab", "émile", "x" * 31), "bad handle"),
        **dict.fromkeys(("taken", "twice"), "clash"),
    }
    ended = await place.run("users", "sync", "--apply", "--json")
    assert (ended.code, summary(ended)["created"]) == (2, 3), ended
    assert await place.subs() == {"taken": "MOCK-taken", **subs}
    names = await place.texts("SELECT handle, display_name FROM users WHERE handle <> 'taken'")
    assert names == {"amelie": "Amélie Laurent", "nameless": "nameless", "long_name": "long_name"}
    again = await place.run("users", "sync", "--apply", "--json")
    assert (summary(again)["counts"]["same"], summary(again)["created"]) == (3, 0)


async def test_sync_creates_reserved_handles_only_when_told_to(place: Place) -> None:
    for handle, name in {"support": "Support", "adm1n_2": "A", "acme": "A", "bruno": "Cruddur Admin"}.items():
        place.account(handle, name=name)
    refused = await place.run("users", "sync", "--apply", "--json", RESERVED_HANDLES="acme")
    reserved = dict.fromkeys(("support", "adm1n_2", "acme"), "reserved")
    assert (refused.code, findings(refused)) == (2, reserved | {"bruno": "create"})
    assert await place.texts("SELECT handle, display_name FROM users") == {"bruno": "bruno"}
    created = await place.run("users", "sync", "--apply", "--allow-reserved", RESERVED_HANDLES="acme")
    assert created.code == 0, created
    assert (await place.texts("SELECT handle, display_name FROM users"))["support"] == "Support"


async def test_sync_disables_the_users_of_disabled_accounts_and_enables_none(place: Place) -> None:
    place.account("goes", disabled="yes")
    subs = {
        "stays": place.account("stays"),
        "was_disabled": place.account("was_disabled"),
        "leaves": place.account("leaves", disabled="yes"),
        "unnamed": str(uuid4()),
    }
    place.emulator.add_users(place.pool, [{"sub": subs["unnamed"], "disabled": "yes"}])
    await place.database.executemany(
        "INSERT INTO users (handle, display_name, cognito_user_id, disabled_at) VALUES ($1, $1, $2, $3)",
        [(handle, sub, datetime.now(UTC) if handle == "was_disabled" else None) for handle, sub in subs.items()],
    )
    shown = await place.run("users", "sync", "--json")
    assert {record["handle"]: record["finding"] for record in shown.records if "finding" in record} == {
        "goes": "skip",
        "leaves": "disable",
        "unnamed": "disable",
    }
    assert "--apply does it" in (await place.run("users", "sync")).out
    disabled = "SELECT handle, 'disabled' FROM users WHERE disabled_at IS NOT NULL"
    assert list(await place.texts(disabled)) == ["was_disabled"]
    applied = await place.run("users", "sync", "--apply")
    assert (applied.code, "2 disable" in applied.out) == (0, True), applied
    assert sorted(await place.texts(disabled)) == ["leaves", "unnamed", "was_disabled"]


async def test_accounts_that_are_not_confirmed_count_for_nothing(place: Place) -> None:
    """Signing up makes such an account with any handle, so it takes no user over and clashes with none."""
    await place.users("amelie", "bruno", "chloe")
    sub = place.account("amelie")
    for handle in ("Amelie", "bruno", "newcomer"):
        place.account(handle, status="UNCONFIRMED")
    invited = place.account("chloe", status="FORCE_CHANGE_PASSWORD")
    linked = await place.run("update-cognito-user-ids", "--apply", "--json")
    assert (linked.code, findings(linked)) == (
        2,
        {"bruno": "no account", "amelie": "change", "chloe": "change", "newcomer": "skip"},
    )
    assert await place.subs() == {"amelie": sub, "bruno": "MOCK-bruno", "chloe": invited}
    synced = await place.run("users", "sync", "--apply", "--json")
    assert (synced.code, findings(synced)) == (0, {"newcomer": "skip"})
    assert len(await place.subs()) == 3


async def test_a_disabled_account_keeps_its_user(place: Place) -> None:
    """An account with the same handle that came later does not get the user of the disabled one."""
    await place.users("amelie", "bruno")
    amelie, _ = place.account("amelie", disabled="yes"), place.account("Amelie")
    bruno = place.account("bruno", disabled="yes")
    await place.database.execute("UPDATE users SET cognito_user_id = $1 WHERE handle = 'amelie'", amelie)
    ended = await place.run("update-cognito-user-ids", "--apply")
    assert (ended.code, "(disabled)" in ended.out) == (2, True), ended
    assert await place.subs() == {"amelie": amelie, "bruno": bruno}


async def test_clashes_are_shown_first(place: Place) -> None:
    await place.users(*(f"aaa_{n:02}" for n in range(60)), "zoe")
    for handle in ("zoe", "Zoe"):
        place.account(handle)
    ended = await place.run("update-cognito-user-ids")
    assert ended.out.splitlines()[1].startswith("clash")


async def test_sync_gives_no_user_of_the_conversations_a_new_uuid(place: Place, engines: CommandPlace) -> None:
    there = await CommandPlace({**engines.elsewhere().environment, "DATABASE_URL": place.database_url}).made()
    environment = {name: there.environment[name] for name in ("DYNAMODB_ENDPOINT_URL", "DYNAMODB_TABLE")}
    await there.done("seed")
    juniper = await place.database.fetchval("DELETE FROM users WHERE handle = 'juniper' RETURNING uuid")
    place.account("juniper")
    refused = await place.run("users", "sync", "--apply", **environment)
    assert (refused.code, f"such as {juniper}" in refused.complaint) == (4, True), refused
    assert "juniper" not in await place.subs()
    told = await place.run("users", "sync", "--apply", "--new-uuids", **environment)
    assert (told.code, "juniper" in await place.subs()) == (0, True), told


async def test_a_user_is_disabled_and_enabled_by_handle(place: Place) -> None:
    await place.users("spammer")
    env = place.environment
    for command, word in (("disable", "is disabled now"), ("disable", "was disabled already")):
        ended = await cruddur("users", command, "@Spammer", env=env)
        assert (ended.code, f"@spammer {word}." in ended.out) == (0, True), ended
    unknown = await cruddur("users", "disable", "nobody_here", env=env)
    assert (unknown.code, "There is no user with the handle" in unknown.complaint) == (1, True)
    refused = await cruddur("users", "enable", "spammer", env=env | {"ENVIRONMENT": "production"})
    assert (refused.code, "--production" in refused.complaint) == (4, True), refused
    assert (await cruddur("users", "enable", "spammer", env=env)).code == 0
    assert await place.database.fetchval("SELECT disabled_at FROM users") is None


async def test_list_users_shows_the_pool_without_addresses(place: Place) -> None:
    sub = place.account("Amelie", name="Amélie\u202e", email="amelie@example.com")
    place.emulator.add_users(place.pool, [{}])
    shown, told = await asyncio.gather(place.run("list-users"), place.run("list-users", "--json"))
    assert shown.code == 0, shown
    assert f"amelie  Amélie\\u202e  {sub}  confirmed" in shown.out
    assert "2 accounts" in shown.out
    assert {record["handle"]: record["sub"] for record in told.records} == {"amelie": sub, None: None}
    assert "@example.com" not in shown.out + told.out


async def test_throttling_slows_down_and_does_not_fail(place: Place) -> None:
    place.account("amelie")
    place.emulator.fault("ListUsers", "TooManyRequestsException", times=3)  # as often as botocore tries
    ended = await place.run("list-users", "--json", LOG_LEVEL="WARNING")
    assert (ended.code, len(ended.records)) == (0, 1), ended
    assert '"event": "aws_throttled"' in ended.err


REFUSALS = {
    "AccessDeniedException": "needs the permission cognito-idp:ListUsers",
    "UnrecognizedClientException": "AWS does not take the credentials",
}


@pytest.mark.parametrize(("code", "words"), REFUSALS.items(), ids=list(REFUSALS))
async def test_a_refusal_is_one_line_with_the_remedy(place: Place, code: str, words: str) -> None:
    place.emulator.fault("ListUsers", code)
    ended = await place.run("update-cognito-user-ids", "--apply")
    assert (ended.code, ended.out) == (3, "")
    assert words in ended.complaint
    assert "Traceback" not in ended.err


async def test_missing_credentials_are_named_with_the_remedy(place: Place) -> None:
    ended = await place.run("list-users", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert ended.code == 3, ended
    assert "No AWS credentials: set AWS_PROFILE" in ended.complaint


async def test_an_unknown_pool_is_exit_code_1(place: Place) -> None:
    ended = await cruddur("list-users", "--pool", "us-east-1_nothing00", env=place.environment)
    assert ended.code == 1, ended
    assert "There is no user pool us-east-1_nothing00" in ended.complaint


async def test_an_unavailable_service_is_exit_code_3(place: Place) -> None:
    down = ({"AWS_ENDPOINT_URL": NOWHERE}, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"})
    for ended in await asyncio.gather(*(place.run("update-cognito-user-ids", **each) for each in down)):
        assert (ended.code, ended.out) == (3, ""), ended
        assert "does not answer" in ended.complaint


async def test_the_pool_is_the_issuer_unless_another_is_named(place: Place) -> None:
    place.account("amelie")
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{place.pool}"
    found, local = await asyncio.gather(
        cruddur("list-users", env=place.environment | {"COGNITO_ISSUER_URL": issuer}),
        cruddur("list-users", env=place.environment | {"COGNITO_ISSUER_URL": "http://127.0.0.1:1/local"}),
    )
    assert (found.code, "amelie" in found.out) == (0, True), found
    assert (local.code, "Which user pool?" in local.complaint) == (2, True), local


@pytest.mark.parametrize(
    ("flags", "typed", "code"),
    [([], "", 4), (["--production"], "no\n", 4), (["--production"], "yes\n", 0)],
)
async def test_a_change_off_this_machine_needs_consent(
    place: Place, flags: Iterable[str], typed: str, code: int
) -> None:
    await place.users("amelie")
    sub = place.account("amelie")
    ended = await place.run("update-cognito-user-ids", "--apply", *flags, typed=typed, ENVIRONMENT="production")
    assert ended.code == code, ended
    assert await place.subs() == {"amelie": "MOCK-amelie" if code else sub}


async def test_help_has_examples() -> None:
    commands = (["list-users"], ["update-cognito-user-ids"], ["users"], ["users", "sync"])
    for ended in await asyncio.gather(*(cruddur(*command, "--help", env={}) for command in commands)):
        assert ended.code == 0
        assert "Examples:\n    cruddur" in ended.out
