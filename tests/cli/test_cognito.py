"""list-users, update-cognito-user-ids and users sync, against an emulated user pool and a real Postgres.

What an emulator cannot show stands in tests/tools/aws_emulator.py; here it matters that ListUsers of a real pool gives
its pages in no order that is promised, and that its throttling is by account and not by what a test says.
"""

import asyncio
from collections.abc import Iterable
from uuid import uuid4

import pytest
from pydantic import SecretStr

from app.errors import Unavailable
from app.gateways.postgres import open_postgres
from app.settings import DatabaseSettings
from app.users.models import NewSubject
from app.users.store import UserStore
from tests.cli.user_pool import UserPool, findings, summary
from tests.tools.command import cruddur

NOWHERE = "http://127.0.0.1:9"


async def test_no_accounts_and_no_users_are_no_failure(pool: UserPool) -> None:
    commands = (["update-cognito-user-ids", "--apply"], ["users", "sync", "--apply"], ["list-users"])
    told = await asyncio.gather(*(pool.run(*command) for command in commands))
    assert [ended.code for ended in told] == [0, 0, 0], told
    assert [ended.out.splitlines()[-1].split(".")[0] for ended in told] == [
        "no accounts and no users",
        "no accounts and no users",
        "0 accounts",
    ]


async def test_a_dry_run_shows_what_would_change_and_changes_nothing(pool: UserPool) -> None:
    await pool.users("amelie", "bruno")
    sub = pool.account("Amelie")
    pool.account("bruno")
    ended = await pool.run("update-cognito-user-ids")
    assert ended.code == 0, ended
    assert f"MOCK-amelie -> {sub}" in ended.out
    assert "2 change. Would change 2." in ended.out
    assert "--apply does it" in ended.out
    assert await pool.subs() == {"amelie": "MOCK-amelie", "bruno": "MOCK-bruno"}


async def test_handles_match_without_case_and_applying_is_idempotent(pool: UserPool) -> None:
    await pool.users("amelie", "bruno")
    subs = {"amelie": pool.account("AMELIE"), "bruno": pool.account(" bruno ")}
    first = await pool.run("update-cognito-user-ids", "--apply", "--json")
    assert (first.code, summary(first)["changed"]) == (0, 2), first
    assert await pool.subs() == subs
    second = await pool.run("update-cognito-user-ids", "--apply", "--json")
    assert (second.code, summary(second)["counts"]) == (0, {"same": 2})
    assert await pool.subs() == subs


async def test_unmatched_accounts_and_users_are_listed_and_the_others_changed(pool: UserPool) -> None:
    await pool.users("amelie", "only_here", "shared", "taken", "holder")
    sub = pool.account("amelie")
    pool.account("only_there")
    pool.account("shared")
    pool.account("Shared")
    pool.emulator.add_users(pool.id, [{"sub": str(uuid4())}, {"preferred_username": "no_sub"}, {}])
    held = pool.account("taken")
    await pool.database.execute("UPDATE users SET cognito_user_id = $1 WHERE handle = 'holder'", held)
    ended = await pool.run("update-cognito-user-ids", "--apply", "--json")
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
    changed = await pool.subs()
    assert changed["amelie"] == sub
    assert {changed[handle] for handle in ("only_here", "shared", "taken")} == {
        "MOCK-only_here",
        "MOCK-shared",
        "MOCK-taken",
    }


async def test_swapped_subs_are_changed_together(pool: UserPool) -> None:
    """Two users swap, three form a cycle, and another user gets a sub that its holder gives up."""
    handles = ("amelie", "bruno", "chloe", "denis", "elsa", "fanny", "gilles")
    await pool.users(*handles)
    subs = {handle: pool.account(handle) for handle in handles}
    held = {"amelie": "bruno", "bruno": "amelie", "chloe": "denis", "denis": "elsa", "elsa": "chloe", "fanny": "gilles"}
    await pool.database.execute(
        "UPDATE users SET cognito_user_id = held.sub FROM unnest($1::text[], $2::text[]) AS held (handle, sub)"
        " WHERE users.handle = held.handle",
        list(held),
        [subs[other] for other in held.values()],
    )
    shown = await pool.run("update-cognito-user-ids", "--json")
    assert (shown.code, findings(shown)) == (0, dict.fromkeys(handles, "change"))
    ended = await pool.run("update-cognito-user-ids", "--apply", "--json")
    assert (ended.code, summary(ended)["changed"]) == (0, 7), ended
    assert await pool.subs() == subs


async def test_a_sub_that_its_user_keeps_is_a_clash(pool: UserPool) -> None:
    """Bruno has Amélie's sub and Chloé has Bruno's; Chloé has another handle in the pool, so she keeps it."""
    await pool.users("amelie", "bruno", "chloe")
    amelie, bruno = pool.account("amelie"), pool.account("bruno")
    for handle, sub in {"chloe": bruno, "bruno": amelie}.items():
        await pool.database.execute("UPDATE users SET cognito_user_id = $1 WHERE handle = $2", sub, handle)
    ended = await pool.run("update-cognito-user-ids", "--apply", "--json")
    assert (ended.code, findings(ended)) == (2, {"amelie": "clash", "bruno": "clash", "chloe": "renamed"})
    assert await pool.subs() == {"amelie": "MOCK-amelie", "bruno": amelie, "chloe": bruno}


async def test_the_kelvin_sign_is_not_a_k(pool: UserPool) -> None:
    await pool.users("kim")
    pool.account("\N{KELVIN SIGN}im")
    ended = await pool.run("update-cognito-user-ids", "--json")
    assert (ended.code, findings(ended)) == (2, {"kim": "no account", "\N{KELVIN SIGN}im": "no user"})


async def test_a_linked_account_needs_no_handle(pool: UserPool) -> None:
    await pool.users("amelie")
    sub = str(uuid4())
    pool.emulator.add_users(pool.id, [{"sub": sub}])
    await pool.database.execute("UPDATE users SET cognito_user_id = $1", sub)
    ended = await pool.run("update-cognito-user-ids", "--json")
    assert (ended.code, findings(ended)) == (0, {"amelie": "renamed"})


async def test_relinking_is_one_transaction(pool: UserPool) -> None:
    """A sub for two users rolls everything back; a user that has changed meanwhile is left unchanged."""
    await pool.users("amelie", "bruno")
    rows = {row["handle"]: row["uuid"] for row in await pool.database.fetch("SELECT handle, uuid FROM users")}
    settings = DatabaseSettings(environment="test", database_url=SecretStr(pool.database_url))
    async with open_postgres(settings) as postgres:
        store = UserStore(postgres)
        with pytest.raises(Unavailable):
            await store.relink([NewSubject(uuid, f"MOCK-{handle}", "same") for handle, uuid in rows.items()])
        assert await pool.subs() == {"amelie": "MOCK-amelie", "bruno": "MOCK-bruno"}
        overtaken = NewSubject(rows["bruno"], "somebody else's", "second")
        first = [NewSubject(rows["amelie"], "MOCK-amelie", "first"), overtaken]
        assert [await store.relink(first) for _ in range(2)] == [1, 1], "it may be repeated"
        taken = [NewSubject(rows["amelie"], "first", "MOCK-bruno"), NewSubject(rows["bruno"], "no more", "first")]
        with pytest.raises(Unavailable):
            await store.relink(taken)
        assert await pool.subs() == {"amelie": "first", "bruno": "MOCK-bruno"}
        assert await store.by_handle("amelie"), "the pool goes on"
    assert await pool.subs() == {"amelie": "first", "bruno": "MOCK-bruno"}


@pytest.mark.soak
async def test_thousands_of_accounts_are_linked_and_created(pool: UserPool, *, is_soak: bool) -> None:
    """Four of five accounts have a user; the others are created, and then all agree.

    The emulator sorts all accounts for each page of 60, so its time grows with the square of their number.
    """
    count = 10_000 if is_soak else 5_500  # more than one batch to change, and to create
    subs = {f"user_{number:05}": str(uuid4()) for number in range(count)}
    accounts = [{"preferred_username": handle.title(), "sub": sub} for handle, sub in subs.items()]
    pool.emulator.add_users(pool.id, accounts)
    await pool.users(*(handle for handle in subs if not handle.endswith(("3", "8"))))
    linked = await pool.run("update-cognito-user-ids", "--apply")
    assert linked.code == 2, linked
    assert f"{count * 4 // 5:,} change, {count // 5:,} no user. Changed {count * 4 // 5:,}." in linked.out
    assert linked.out.splitlines()[1].startswith("no user")  # findings to resolve come first
    assert len(linked.out.splitlines()) < 60
    synced = await pool.run("users", "sync", "--apply", "--json")
    assert (synced.code, summary(synced)["created"]) == (0, count // 5), synced.err
    assert await pool.subs() == subs


async def test_accounts_that_are_not_confirmed_count_for_nothing(pool: UserPool) -> None:
    """Signing up makes such an account with any handle, so it takes no user over and clashes with none."""
    await pool.users("amelie", "bruno", "chloe")
    sub = pool.account("amelie")
    for handle in ("Amelie", "bruno", "newcomer"):
        pool.account(handle, status="UNCONFIRMED")
    invited = pool.account("chloe", status="FORCE_CHANGE_PASSWORD")
    linked = await pool.run("update-cognito-user-ids", "--apply", "--json")
    assert (linked.code, findings(linked)) == (
        2,
        {"bruno": "no account", "amelie": "change", "chloe": "change", "newcomer": "skip"},
    )
    assert await pool.subs() == {"amelie": sub, "bruno": "MOCK-bruno", "chloe": invited}
    synced = await pool.run("users", "sync", "--apply", "--json")
    assert (synced.code, findings(synced)) == (0, {"newcomer": "skip"})
    assert len(await pool.subs()) == 3


async def test_a_disabled_account_keeps_its_user(pool: UserPool) -> None:
    """An account with the same handle that came later does not get the user of the disabled one."""
    await pool.users("amelie", "bruno")
    amelie, _ = pool.account("amelie", disabled="yes"), pool.account("Amelie")
    bruno = pool.account("bruno", disabled="yes")
    await pool.database.execute("UPDATE users SET cognito_user_id = $1 WHERE handle = 'amelie'", amelie)
    ended = await pool.run("update-cognito-user-ids", "--apply")
    assert (ended.code, "(disabled)" in ended.out) == (2, True), ended
    assert await pool.subs() == {"amelie": amelie, "bruno": bruno}


async def test_clashes_are_shown_first(pool: UserPool) -> None:
    await pool.users(*(f"aaa_{n:02}" for n in range(60)), "zoe")
    for handle in ("zoe", "Zoe"):
        pool.account(handle)
    ended = await pool.run("update-cognito-user-ids")
    assert ended.out.splitlines()[1].startswith("clash")


async def test_a_user_is_disabled_and_enabled_by_handle(pool: UserPool) -> None:
    await pool.users("spammer")
    env = pool.environment
    for command, word in (("disable", "is disabled now"), ("disable", "was disabled already")):
        ended = await cruddur("users", command, "@Spammer", env=env)
        assert (ended.code, f"@spammer {word}." in ended.out) == (0, True), ended
    unknown = await cruddur("users", "disable", "nobody_here", env=env)
    assert (unknown.code, "There is no user with the handle" in unknown.complaint) == (1, True)
    refused = await cruddur("users", "enable", "spammer", env=env | {"ENVIRONMENT": "production"})
    assert (refused.code, "--production" in refused.complaint) == (4, True), refused
    assert (await cruddur("users", "enable", "spammer", env=env)).code == 0
    assert await pool.database.fetchval("SELECT disabled_at FROM users") is None


async def test_list_users_shows_the_pool_without_addresses(pool: UserPool) -> None:
    sub = pool.account("Amelie", name="Amélie\u202e", email="amelie@example.com")
    pool.emulator.add_users(pool.id, [{}])
    shown, told = await asyncio.gather(pool.run("list-users"), pool.run("list-users", "--json"))
    assert shown.code == 0, shown
    assert f"amelie  Amélie\\u202e  {sub}  confirmed" in shown.out
    assert "2 accounts" in shown.out
    assert {record["handle"]: record["sub"] for record in told.records} == {"amelie": sub, None: None}
    assert "@example.com" not in shown.out + told.out


async def test_throttling_slows_down_and_does_not_fail(pool: UserPool) -> None:
    pool.account("amelie")
    pool.emulator.fault("ListUsers", "TooManyRequestsException", times=3)  # as often as botocore tries
    ended = await pool.run("list-users", "--json", LOG_LEVEL="WARNING")
    assert (ended.code, len(ended.records)) == (0, 1), ended
    assert '"event": "aws_throttled"' in ended.err


REFUSALS = {
    "AccessDeniedException": "needs the permission cognito-idp:ListUsers",
    "UnrecognizedClientException": "AWS does not take the credentials",
}


@pytest.mark.parametrize(("code", "words"), REFUSALS.items(), ids=list(REFUSALS))
async def test_a_refusal_is_one_line_with_the_remedy(pool: UserPool, code: str, words: str) -> None:
    pool.emulator.fault("ListUsers", code)
    ended = await pool.run("update-cognito-user-ids", "--apply")
    assert (ended.code, ended.out) == (3, "")
    assert words in ended.complaint
    assert "Traceback" not in ended.err


async def test_missing_credentials_are_named_with_the_remedy(pool: UserPool) -> None:
    ended = await pool.run("list-users", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert ended.code == 3, ended
    assert "No AWS credentials: set AWS_PROFILE" in ended.complaint


async def test_an_unknown_pool_is_exit_code_1(pool: UserPool) -> None:
    ended = await cruddur("list-users", "--pool", "us-east-1_nothing00", env=pool.environment)
    assert ended.code == 1, ended
    assert "There is no user pool us-east-1_nothing00" in ended.complaint


async def test_an_unavailable_service_is_exit_code_3(pool: UserPool) -> None:
    down = ({"AWS_ENDPOINT_URL": NOWHERE}, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"})
    for ended in await asyncio.gather(*(pool.run("update-cognito-user-ids", **each) for each in down)):
        assert (ended.code, ended.out) == (3, ""), ended
        assert "does not answer" in ended.complaint


async def test_the_pool_is_the_issuer_unless_another_is_named(pool: UserPool) -> None:
    pool.account("amelie")
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool.id}"
    found, local = await asyncio.gather(
        cruddur("list-users", env=pool.environment | {"COGNITO_ISSUER_URL": issuer}),
        cruddur("list-users", env=pool.environment | {"COGNITO_ISSUER_URL": "http://127.0.0.1:1/local"}),
    )
    assert (found.code, "amelie" in found.out) == (0, True), found
    assert (local.code, "Which user pool?" in local.complaint) == (2, True), local


@pytest.mark.parametrize(
    ("flags", "typed", "code"),
    [([], "", 4), (["--production"], "no\n", 4), (["--production"], "yes\n", 0)],
)
async def test_a_change_off_this_machine_needs_consent(
    pool: UserPool, flags: Iterable[str], typed: str, code: int
) -> None:
    await pool.users("amelie")
    sub = pool.account("amelie")
    ended = await pool.run("update-cognito-user-ids", "--apply", *flags, typed=typed, ENVIRONMENT="production")
    assert ended.code == code, ended
    assert await pool.subs() == {"amelie": "MOCK-amelie" if code else sub}


async def test_help_has_examples() -> None:
    commands = (["list-users"], ["update-cognito-user-ids"], ["users"], ["users", "sync"])
    for ended in await asyncio.gather(*(cruddur(*command, "--help", env={}) for command in commands)):
        assert ended.code == 0
        assert "Examples:\n    cruddur" in ended.out
