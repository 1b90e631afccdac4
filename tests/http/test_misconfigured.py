"""A database or a table that is not as the service needs it: 503 everywhere, never 500, and `/readyz` says why."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from app.settings import Settings
from migrations.dynamodb_table import table_definition
from migrations.postgres import migrate
from tests.fixtures.app import Person, running
from tests.fixtures.engines import database_of
from tests.http.faulty import changed
from tests.http.problem import problem_of
from tests.tools.command import cruddur
from tests.tools.scripted_server import Received, answer, scripted_server
from tests.tools.servers import environment

ROLE_GRANTS = "grant usage on schema public to {role}; grant select, insert, update on users to {role};"
SCHEMA_FAULTS = {
    "no schema": (None, "cruddur migrate"),
    "the schema of an older version": ("alter table users drop column disabled_at cascade", "cruddur migrate"),
    "no changes of accounts": ("drop table account_changes", "cruddur migrate"),
    "no unique handles": ("alter table users drop constraint users_handle_key", "cruddur migrate"),
    "no trigger": ("alter table users disable trigger record_account_change", "cruddur migrate"),
    "another schema on the path": ("alter schema public rename to elsewhere", "cruddur migrate"),
    "no grants": ("select", "denies the role a privilege"),
    "no grant on one table": (ROLE_GRANTS, "denies the role a privilege"),
    "reading only": (
        "grant usage on schema public to {role}; grant select on users, account_changes to {role};",
        "denies the role a privilege",
    ),
    "a read-only database": ("alter database {database} set default_transaction_read_only = on", "is read-only"),
    "a wrong password": ("alter role {role} password 'another'", "refuses the role or its password"),
    "a role that may not sign in": ("alter role {role} nologin", "refuses the role or its password"),
    "no connection left": ("alter role {role} connection limit 0", "no connection left"),
    "a renamed database": ("", "no such database"),
}
"""Statements that spoil the database, and a part of what `/readyz` says of it."""


@asynccontextmanager
async def role_of(owner: str, database: str) -> AsyncIterator[tuple[str, str]]:
    """The name and the URL of a role of the test's own, which owns nothing."""
    role = f"role_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(owner)
    await connection.execute(f"create role {role} login password 'kX9vQ2mR7t'")
    parts = urlsplit(owner)
    try:
        yield role, f"postgresql://{role}:kX9vQ2mR7t@{parts.hostname}:{parts.port}/{database}"
    finally:
        await connection.execute("set default_transaction_read_only = off")
        await connection.execute(f"drop owned by {role}; drop role {role}")
        await connection.close()


@pytest.mark.parametrize("fault", SCHEMA_FAULTS)
async def test_a_database_of_another_kind_is_503_and_not_ready(
    settings: Settings, ann: Person, empty_database_url: str, fault: str
) -> None:
    statements, cause = SCHEMA_FAULTS[fault]
    database = urlsplit(empty_database_url).path[1:]
    owner = await asyncpg.connect(empty_database_url)
    if statements is not None:
        await asyncio.to_thread(migrate, database_of(empty_database_url))
    async with role_of(empty_database_url, database if statements != "" else "no_such_database") as (role, url):
        if "role" not in (statements or "") and fault not in ("no grants", "a renamed database"):
            await owner.execute(f"grant all on all tables in schema public to {role}")
        if statements:
            await owner.execute(statements.format(role=role, database=database))
        await assert_unavailable(changed(settings, database_url=url), ann, "postgres", cause)
        ended = await cruddur("doctor", "--json", env=environment(changed(settings, database_url=url)))
        [found] = [record for record in ended.records if record["check"] == "postgres"]
        assert not found["ok"]
        assert cause in found["detail"]
        await owner.close()


async def assert_unavailable(settings: Settings, ann: Person, dependency: str, cause: str) -> None:
    """Every route that needs the dependency is 503, and readiness names it with the cause; no secret is shown."""
    async with running(settings) as service, service.client(authorization=f"Bearer {ann.token}") as client:
        ready = await client.get("/readyz")
        found = {each["name"]: each for each in ready.json()["dependencies"]}
        assert ready.status_code == 503
        assert {name for name, each in found.items() if each["state"] == "down"} == {dependency}
        assert cause in found[dependency]["detail"], found[dependency]
        assert "kX9vQ2mR7t" not in ready.text
        for each in await asyncio.gather(*needed(client)):
            if each.status_code >= 500:
                problem_of(each, 503, "unavailable")
        assert (await client.get("/healthz")).status_code == 200


def needed(client: httpx.AsyncClient) -> list[Any]:
    return [
        client.get("/api/users/me"),
        client.get("/api/users"),
        client.post("/api/users", json={"handle": f"h{uuid4().hex[:12]}", "display_name": "H"}),
        client.get("/api/message_groups"),
        client.get(f"/api/messages/{uuid4()}"),
        client.get("/api/messages/counter"),
        client.post("/api/messages", json={"message": "x", "handle": "somebody"}),
        client.post("/api/sync", json={"groups": []}),
    ]


def without_index(definition: dict[str, Any]) -> None:
    del definition["GlobalSecondaryIndexes"]
    attributes = definition["AttributeDefinitions"]
    definition["AttributeDefinitions"] = [each for each in attributes if each["AttributeName"] in ("pk", "sk")]


def with_other_keys(definition: dict[str, Any]) -> None:
    """Give the range key another name."""
    definition["KeySchema"][1]["AttributeName"] = "sort"
    definition["AttributeDefinitions"][1]["AttributeName"] = "sort"


def with_a_number_as_key(definition: dict[str, Any]) -> None:
    definition["AttributeDefinitions"][1]["AttributeType"] = "N"


def with_another_index(definition: dict[str, Any]) -> None:
    definition["GlobalSecondaryIndexes"][0]["IndexName"] = "message-group-sk-index"


def with_other_index_keys(definition: dict[str, Any]) -> None:
    definition["GlobalSecondaryIndexes"][0]["KeySchema"][1]["AttributeName"] = "sk"
    definition["AttributeDefinitions"] = definition["AttributeDefinitions"][:3]


TABLE_FAULTS: dict[str, Callable[[dict[str, Any]], None] | None] = {
    "no table": None,
    "no index": without_index,
    "other keys": with_other_keys,
    "a key of another type": with_a_number_as_key,
    "an index of another name": with_another_index,
    "an index with other keys": with_other_index_keys,
}


@pytest.mark.parametrize("fault", TABLE_FAULTS)
async def test_a_table_of_another_kind_is_503_and_not_ready(settings: Settings, ann: Person, fault: str) -> None:
    wrong = changed(settings, dynamodb_table=f"test-{secrets.token_hex(6)}")
    change = TABLE_FAULTS[fault]
    if change:
        async with running(settings) as service:
            definition = table_definition(wrong)
            change(definition)
            client: Any = service.state["table"]._client  # noqa: SLF001  # only a test makes wrong tables
            await client.create_table(**definition)
    cause = f"The DynamoDB table {wrong.dynamodb_table} is not as" if change else "There is no DynamoDB table"
    await assert_unavailable(wrong, ann, "dynamodb", cause)


REFUSALS = {
    "AccessDeniedException": "must have dynamodb:",
    "UnrecognizedClientException": "not valid here or have expired",
    "ExpiredTokenException": "not valid here or have expired",
    "ResourceNotFoundException": "There is no DynamoDB table",
    "ValidationException": "is not as the service needs it",
    "SomethingNewException": "SomethingNewException",
}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("operation", ["", "Query", "BatchGetItem", "TransactWriteItems"])
async def test_a_refusal_of_any_call_is_503_and_not_ready(
    settings: Settings, ann: Person, code: str, operation: str
) -> None:
    """Permissions and states that no engine on this machine has: what AWS answers is scripted."""

    def script(received: Received) -> bytes:
        called = received.headers["x-amz-target"].rpartition(".")[2]
        if operation in ("", called):
            return answer({"__type": f"com.amazon.coral.service#{code}", "message": "kX9vQ2mR7t"}, 400)
        return answer({"Items": [], "Count": 0, "ScannedCount": 0, "Responses": {}, "Attributes": {}})

    async with scripted_server(script) as server:
        refused = changed(settings, dynamodb_endpoint_url=f"http://127.0.0.1:{server.port}")
        await assert_unavailable(refused, ann, "dynamodb", REFUSALS[code])
