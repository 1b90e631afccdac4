"""Behind PgBouncer in transaction mode: the service, the watch of accounts, migrations and the command line."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from app.gateways.postgres import open_postgres
from app.gateways.postgres.connect import Connector
from app.settings import Settings
from migrations.postgres import migrate, rollback, versions
from scripts.engines.pgbouncer import PgBouncer
from tests.cli.conftest import Place
from tests.fixtures.app import Service, people_of, running
from tests.fixtures.engines import database_of
from tests.fixtures.setup import set_up
from tests.http.faulty import changed
from tests.tools.command import cruddur
from tests.tools.servers import environment

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="PgBouncer comes from the packages of a Debian or Ubuntu"
)


@pytest_asyncio.fixture
async def pgbouncer(request: pytest.FixtureRequest, empty_database_url: str) -> AsyncIterator[PgBouncer]:
    """In front of a database of the test's own, with two connections to it."""
    await asyncio.to_thread(set_up, request, "debian")
    with tempfile.TemporaryDirectory(prefix="cruddur-") as folder:
        await asyncio.to_thread(os.chmod, folder, 0o711)
        engine = PgBouncer(Path(folder), empty_database_url)
        try:
            engine.start()
            await asyncio.to_thread(engine.wait_until_ready)
            yield engine
        finally:
            engine.stop()


@pytest.fixture
async def pooled_url(pgbouncer: PgBouncer) -> str:
    await asyncio.to_thread(migrate, database_of(pgbouncer.address))
    return pgbouncer.address


async def test_migrations_go_up_and_down(pgbouncer: PgBouncer) -> None:
    database = database_of(pgbouncer.address)
    for _ in range(3):
        await asyncio.to_thread(migrate, database)
        assert all(each.is_applied for each in await asyncio.to_thread(versions, database))
        await asyncio.to_thread(rollback, database, "base")


async def test_processes_with_other_statements_never_get_each_others_answers(
    pooled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process has its own order of statements, so their names would clash on the shared connections."""
    # At once 40 processes of Postgres start.
    monkeypatch.setattr(Connector.__init__, "__kwdefaults__", {"seconds": 30})
    async with AsyncExitStack() as stack:
        opened = [open_postgres(database_of(pooled_url), statement_seconds=30) for _ in range(4)]
        pools = [await stack.enter_async_context(each) for each in opened]

        async def ask(at: int, number: int) -> None:
            row = await pools[at].fetch_row(f"SELECT $1::int AS given, {at} AS pool, pg_sleep(0.001)", number)
            assert row
            assert (row["given"], row["pool"]) == (number, at)

        await asyncio.gather(*(ask(number % 4, number) for number in range(400)))


async def test_statements_stay_prepared_without_a_pooler(database_url: str) -> None:
    async with open_postgres(database_of(database_url)) as postgres:
        for _ in range(3):
            await postgres.fetch_row("SELECT $1::int", 1)
        rows = await postgres.fetch("SELECT statement FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1%'")
        assert len(rows) == 1


async def test_the_service_works_with_several_processes(settings: Settings, issuer: Any, pooled_url: str) -> None:
    pooled = changed(settings, database_url=pooled_url)
    async with AsyncExitStack() as stack:
        services: list[Service] = [await stack.enter_async_context(running(pooled)) for _ in range(3)]
        makers = [await stack.enter_async_context(people_of(service, issuer)) for service in services]
        people = await asyncio.gather(*(makers[number % 3](f"person{number}") for number in range(9)))
        for person, other in pairwise(people):
            await person.sent("hello", other)
        assert [len(await person.inbox()) for person in people] == [1, *[2] * 7, 1]
        renamed = await asyncio.gather(
            *(each.client.patch("/api/users/me", json={"display_name": f"New {each.handle}"}) for each in people)
        )
        assert {answer.status_code for answer in renamed} == {200}
        for service in services:
            async with service.client() as client:
                assert (await client.get("/readyz")).status_code == 200


async def test_an_account_that_is_disabled_is_noticed(settings: Settings, issuer: Any, pooled_url: str) -> None:
    async with running(changed(settings, database_url=pooled_url)) as service, people_of(service, issuer) as new_person:
        ann = await new_person("ann")
        environment = {"ENVIRONMENT": "test", "DATABASE_URL": pooled_url}
        ended = await cruddur("users", "disable", ann.handle, "--yes", env=environment)
        assert ended.code == 0, ended
        async with asyncio.timeout(10):
            while (await ann.client.get("/api/message_groups")).status_code != 403:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def test_the_command_line_works(settings: Settings, pooled_url: str) -> None:
    place = await Place(environment(changed(settings, database_url=pooled_url))).elsewhere().made()
    await place.done("seed")
    assert "juniper" in (await place.done("list-conversations", "osman")).out
    await place.done("migrate")
    await place.done("migrations")
    await place.done("verify")


async def test_a_pooler_whose_postgres_is_away_is_unavailable(settings: Settings, pooled_url: str) -> None:
    nowhere = urlsplit(pooled_url)._replace(path=f"/none_{uuid4().hex}").geturl()
    async with running(changed(settings, database_url=nowhere)) as service, service.client() as client:
        answer = await client.get("/readyz")
        found = {each["name"]: each for each in answer.json()["dependencies"]}
        assert found["postgres"]["state"] == "down"


@pytest.mark.parametrize("prepared", ["on", "off"])
async def test_a_setting_overrides_the_detection(pooled_url: str, prepared: str) -> None:
    database = database_of(pooled_url, database_prepared_statements=prepared)
    async with open_postgres(database) as postgres:
        assert await postgres.fetch_row("SELECT $1::int", 1)
    connection = await asyncpg.connect(pooled_url, statement_cache_size=0)
    left = await connection.fetchval("SELECT count(*) FROM pg_prepared_statements")
    assert left == (1 if prepared == "on" else 0)
    await connection.close()
