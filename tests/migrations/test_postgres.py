"""The schema's versions: up, down, up again, and what the schema promises."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast
from uuid import uuid4

import asyncpg
import pytest

from app.gateways.postgres import Postgres
from app.users.search_store import SearchStore
from migrations.postgres import MigrationFailed, migrate, rollback
from tests.fixtures.engines import database_of

ADD = "insert into users (display_name, handle, cognito_user_id) values ($1, $2, $3)"
TABLE_NAMES = ["account_changes", "alembic_version", "erasures", "operator_reads", "reports", "search_keys", "users"]
TABLES = "select array_agg(table_name order by table_name) from information_schema.tables where table_schema = 'public'"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """On the newest schema; nothing that is written through it stays."""
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def tables(url: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(TABLES)
    finally:
        await connection.close()


async def test_every_version_goes_up_and_down_again(empty_database_url: str) -> None:
    for _ in range(2):
        await asyncio.to_thread(migrate, database_of(empty_database_url))
        assert await tables(empty_database_url) == TABLE_NAMES
        await asyncio.to_thread(rollback, database_of(empty_database_url), "base")
        assert await tables(empty_database_url) == ["alembic_version"]


async def test_migrations_started_at_the_same_time_run_one_after_the_other(empty_database_url: str) -> None:
    def start() -> subprocess.Popen[bytes]:
        environment = {"ENVIRONMENT": "test", "DATABASE_URL": empty_database_url}
        script = "from app.settings import DatabaseSettings; from migrations.postgres import migrate"
        command = [sys.executable, "-c", f"{script}; migrate(DatabaseSettings())"]
        return subprocess.Popen(command, env=os.environ | environment)

    starts = [start() for _ in range(3)]
    assert [await asyncio.to_thread(process.wait) for process in starts] == [0, 0, 0]
    assert await tables(empty_database_url) == TABLE_NAMES


async def test_a_failed_migration_is_told_in_one_sentence() -> None:
    with pytest.raises(MigrationFailed, match="could not be migrated"):
        await asyncio.to_thread(migrate, database_of("postgresql://nobody@127.0.0.1:1/nothing"))


@pytest.mark.parametrize(
    ("display_name", "handle"),
    [
        ("", "amelie"),
        ("x" * 51, "amelie"),
        ("Amelie", "am"),
        ("Amelie", "a" * 31),
        ("Amelie", "Amelie"),
        ("Amelie", "amélie"),
        ("Amelie", "ame-lie"),
        ("Amelie", "amelie\n"),
    ],
)
async def test_the_schema_refuses_what_the_service_would(
    connection: "asyncpg.Connection[asyncpg.Record]", display_name: str, handle: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(ADD, display_name, handle, "subject")


@pytest.mark.parametrize(
    ("second", "constraint"),
    [(("schema_test_a", "other"), "users_handle_key"), (("schema_test_b", "sub"), "users_cognito_user_id_key")],
)
async def test_handles_and_subjects_are_unique(
    connection: "asyncpg.Connection[asyncpg.Record]", second: tuple[str, str], constraint: str
) -> None:
    await connection.execute(ADD, "A", "schema_test_a", "sub")
    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        await connection.execute(ADD, "B", *second)
    assert caught.value.constraint_name == constraint


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("uuid = any(array['00000000-0000-0000-0000-000000000001'::uuid])", "users_pkey"),
        ("cognito_user_id = 'sub'", "users_cognito_user_id_key"),
        ("handle = 'amelie'", "users_handle_key"),
        ("handle >= 'am' and handle < 'am~' and handle > 'ama' order by handle limit 20", "users_handle_key"),
    ],
)
async def test_every_query_has_its_index(
    connection: "asyncpg.Connection[asyncpg.Record]", query: str, index: str
) -> None:
    await connection.execute("set local enable_seqscan = off; set local enable_sort = off")
    plan = await connection.fetch(f"explain select * from users where {query}")  # noqa: S608
    assert index in "\n".join(row[0] for row in plan)
    assert "Sort" not in plan[0][0]


class Explained:
    """In place of the Postgres gateway: a question that is asked is explained, and has no answer."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection
        self.nodes: list[dict[str, Any]] = []

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        plan = json.loads(await self.connection.fetchval(f"explain (analyze, format json) {sql}", *arguments))
        self.nodes = list(nodes_of(plan[0]["Plan"]))
        return []


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes_of(part)


@pytest.mark.parametrize("text", ["a", "anna", "berg a", "berg maria", "anna berg"])
@pytest.mark.parametrize("after", ["", "schema_test_500"])
async def test_a_search_reads_a_range_of_its_index_as_long_as_a_page(
    connection: "asyncpg.Connection[asyncpg.Record]", text: str, after: str
) -> None:
    await connection.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
    await connection.execute(
        """
        insert into users (display_name, handle, cognito_user_id)
        select 'Anna Maria Berg', 'schema_test_' || n, 'schema_test_' || n from generate_series(1, 1000) as n
        """
    )
    await connection.execute("analyze users; analyze search_keys")
    explained = Explained(connection)
    await SearchStore(cast(Postgres, explained)).by_key(text, after=after, limit=20)
    of_keys = [node for node in explained.nodes if node.get("Relation Name") == "search_keys"]
    assert {node["Node Type"] for node in of_keys} <= {"Index Only Scan", "Index Scan"}
    assert 20 <= sum(node["Actual Rows"] * node["Actual Loops"] for node in of_keys) <= 2 * 6 * 20, (
        "not the whole range"
    )


async def test_hidden_users_have_keys_again_after_a_step_back(empty_database_url: str) -> None:
    await asyncio.to_thread(migrate, database_of(empty_database_url), "0006")
    keys, connection = "select key from search_keys order by key", await asyncpg.connect(empty_database_url)
    await connection.execute(ADD, "Ann Berg", "ann", "sub")
    everything = ["ann", "ann berg", "berg ann"]
    for _ in range(2):
        await asyncio.to_thread(migrate, database_of(empty_database_url))
        assert [row["key"] for row in await connection.fetch(keys)] == everything
        await connection.execute("update users set is_discoverable = false, about = 'Tea'")
        assert await connection.fetch(keys) == []
        await connection.execute("update users set display_name = 'Bo Berg'")
        assert await connection.fetch(keys) == []
        await connection.execute("update users set display_name = 'Ann Berg'")
        await asyncio.to_thread(rollback, database_of(empty_database_url))
        assert [row["key"] for row in await connection.fetch(keys)] == everything
    await connection.execute("update users set display_name = 'Ann'")
    assert [row["key"] for row in await connection.fetch(keys)] == ["ann"]
    await connection.close()


async def test_the_question_for_changed_accounts_has_its_index(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await connection.execute("set local enable_seqscan = off")
    plan = await connection.fetch("explain select * from account_changes where xid >= '5'::xid8")
    assert "account_changes_xid" in "\n".join(row[0] for row in plan)


async def test_every_change_of_an_account_is_recorded_and_kept_for_a_day(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    recorded = "select subjects from account_changes order by id"
    await connection.execute("delete from account_changes")
    await connection.execute(ADD, "A", "schema_test_a", "sub")
    await connection.execute("update users set display_name = 'B' where handle = 'schema_test_a'")
    assert await connection.fetch(recorded) == []
    await connection.execute("update users set disabled_at = now() where handle = 'schema_test_a'")
    await connection.execute("update users set cognito_user_id = 'new' where handle = 'schema_test_a'")
    await connection.execute("update account_changes set changed_at = now() - interval '25 hours'")
    await connection.execute("delete from users where handle = 'schema_test_a'")
    assert [row["subjects"] for row in await connection.fetch(recorded)] == [["new"]]


@pytest.mark.parametrize("steps", [["table", "up"], ["up", "down"]])
async def test_the_operators_command_migrates_and_rolls_back(
    empty_database_url: str, dynamodb_url: str, steps: list[str]
) -> None:
    environment = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": empty_database_url,
        "DYNAMODB_ENDPOINT_URL": dynamodb_url,
        "DYNAMODB_TABLE": f"test-{uuid4()}",
    }
    command = [sys.executable, "-m", "migrations", *steps]
    done = await asyncio.to_thread(subprocess.run, command, env=os.environ | environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    connection = await asyncpg.connect(empty_database_url)
    versions = await connection.fetchval("select array_agg(version_num) from alembic_version")
    await connection.close()
    assert versions == ["0007" if steps[-1] == "up" else "0006"]
