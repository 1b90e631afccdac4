"""users sync, against an emulated user pool and a real Postgres."""

from datetime import UTC, datetime
from uuid import uuid4

from tests.cli.conftest import Place as CommandPlace
from tests.cli.user_pool import UserPool, findings, summary


async def test_sync_first_shows_and_then_creates_by_the_rules_of_registration(pool: UserPool) -> None:
    await pool.users("taken")
    subs = {
        "amelie": pool.account("Amelie", name=" Am\u200bélie\u202e Laurent\n"),
        "nameless": pool.account("nameless"),
        "long_name": pool.account("long_name", name="x" * 51),
    }
    for handle in ("no spaces", "ab", "émile", "x" * 31, "taken", "twice", "Twice"):
        pool.account(handle)
    shown = await pool.run("users", "sync", "--json")
    assert (shown.code, list(await pool.subs())) == (2, ["taken"])
    assert findings(shown) == {
        **dict.fromkeys(subs, "create"),
        **dict.fromkeys(("no spaces", "ab", "émile", "x" * 31), "bad handle"),
        **dict.fromkeys(("taken", "twice"), "clash"),
    }
    ended = await pool.run("users", "sync", "--apply", "--json")
    assert (ended.code, summary(ended)["created"]) == (2, 3), ended
    assert await pool.subs() == {"taken": "MOCK-taken", **subs}
    names = await pool.texts("SELECT handle, display_name FROM users WHERE handle <> 'taken'")
    assert names == {"amelie": "Amélie Laurent", "nameless": "nameless", "long_name": "long_name"}
    again = await pool.run("users", "sync", "--apply", "--json")
    assert (summary(again)["counts"]["same"], summary(again)["created"]) == (3, 0)


async def test_sync_creates_reserved_handles_only_when_told_to(pool: UserPool) -> None:
    for handle, name in {"support": "Support", "adm1n_2": "A", "acme": "A", "bruno": "Cruddur Admin"}.items():
        pool.account(handle, name=name)
    refused = await pool.run("users", "sync", "--apply", "--json", RESERVED_HANDLES="acme")
    reserved = dict.fromkeys(("support", "adm1n_2", "acme"), "reserved")
    assert (refused.code, findings(refused)) == (2, reserved | {"bruno": "create"})
    assert await pool.texts("SELECT handle, display_name FROM users") == {"bruno": "bruno"}
    created = await pool.run("users", "sync", "--apply", "--allow-reserved", RESERVED_HANDLES="acme")
    assert created.code == 0, created
    assert (await pool.texts("SELECT handle, display_name FROM users"))["support"] == "Support"


async def test_sync_disables_the_users_of_disabled_accounts_and_enables_none(pool: UserPool) -> None:
    pool.account("goes", disabled="yes")
    subs = {
        "stays": pool.account("stays"),
        "was_disabled": pool.account("was_disabled"),
        "leaves": pool.account("leaves", disabled="yes"),
        "unnamed": str(uuid4()),
    }
    pool.emulator.add_users(pool.id, [{"sub": subs["unnamed"], "disabled": "yes"}])
    await pool.database.executemany(
        "INSERT INTO users (handle, display_name, cognito_user_id, disabled_at) VALUES ($1, $1, $2, $3)",
        [(handle, sub, datetime.now(UTC) if handle == "was_disabled" else None) for handle, sub in subs.items()],
    )
    shown = await pool.run("users", "sync", "--json")
    assert {record["handle"]: record["finding"] for record in shown.records if "finding" in record} == {
        "goes": "skip",
        "leaves": "disable",
        "unnamed": "disable",
    }
    assert "--apply does it" in (await pool.run("users", "sync")).out
    disabled = "SELECT handle, 'disabled' FROM users WHERE disabled_at IS NOT NULL"
    assert list(await pool.texts(disabled)) == ["was_disabled"]
    applied = await pool.run("users", "sync", "--apply")
    assert (applied.code, "2 disable" in applied.out) == (0, True), applied
    assert sorted(await pool.texts(disabled)) == ["leaves", "unnamed", "was_disabled"]


async def test_sync_gives_no_user_of_the_conversations_a_new_uuid(pool: UserPool, engines: CommandPlace) -> None:
    there = await CommandPlace({**engines.elsewhere().environment, "DATABASE_URL": pool.database_url}).made()
    environment = {name: there.environment[name] for name in ("DYNAMODB_ENDPOINT_URL", "DYNAMODB_TABLE")}
    await there.done("seed")
    juniper = await pool.database.fetchval("DELETE FROM users WHERE handle = 'juniper' RETURNING uuid")
    pool.account("juniper")
    refused = await pool.run("users", "sync", "--apply", **environment)
    assert (refused.code, f"such as {juniper}" in refused.complaint) == (4, True), refused
    assert "juniper" not in await pool.subs()
    told = await pool.run("users", "sync", "--apply", "--new-uuids", **environment)
    assert (told.code, "juniper" in await pool.subs()) == (0, True), told
