"""The targets of commands in these tests: own tables on the shared engines, one with the stock conversations."""

import asyncio
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import asyncpg
import pytest
import pytest_asyncio

from app.gateways.dynamodb.operator import OperatedTable, open_operated_table
from app.settings import StoreSettings
from migrations.dynamodb_table import create_table
from migrations.postgres import migrate
from tests.cli.user_pool import UserPool
from tests.fixtures.app import KeyServer
from tests.fixtures.emulator import AwsEmulator
from tests.fixtures.engines import database_of
from tests.tools.command import SECONDS, Ended, cruddur
from tests.tools.forks import fork
from tests.tools.throttle import gate

ALONE: Final = {
    "app.cli.people.erase.WRITES_PER_SECOND": 10_000,
    "app.cli.table.changed.SETTLING_SECONDS": 0,
    "app.cli.table.group_repair.CREATION_SECONDS": 0,
    "app.personal_data.sweep.SweepTools.__init__(quiet_seconds)": 0,
}
"""Spares commands their waits for what other processes write meanwhile: in most tests there are none."""


@dataclass(frozen=True)
class Place:
    """The settings that commands are given, as variables of their environment."""

    environment: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=lambda: ALONE)

    async def run(self, *arguments: str, typed: str = "", **changes: str) -> Ended:
        """The command there; a variable that is changed to nothing is as good as not set."""
        return await cruddur(*arguments, env={**self.environment, **changes}, typed=typed, constants=self.constants)

    async def done(self, *arguments: str, **changes: str) -> Ended:
        """A command that must succeed."""
        ended = await self.run(*arguments, **changes)
        assert ended.code == 0, ended
        return ended

    async def interrupted(self, *arguments: str, how: signal.Signals, items: int) -> str:
        """Send a signal to a command that has written so many items, which must end it; return what it has printed."""
        async with gate(self.environment["DYNAMODB_ENDPOINT_URL"], items=items) as shutting:
            env = {**self.environment, "DYNAMODB_ENDPOINT_URL": shutting.url}
            process = await fork("cruddur", *arguments, env=env, constants=self.constants, stderr=subprocess.PIPE)
            async with asyncio.timeout(SECONDS):
                await shutting.is_shut.wait()
            process.send_signal(how)
            _, err = await process.communicate()
        assert process.returncode == (130 if how == signal.SIGINT else -how), err
        return err.decode()

    @property
    def table_name(self) -> str:
        return self.environment["DYNAMODB_TABLE"]

    @property
    def settings(self) -> StoreSettings:
        return StoreSettings.model_validate({name.lower(): value for name, value in self.environment.items()})

    @asynccontextmanager
    async def table(self) -> AsyncIterator[OperatedTable]:
        """The table itself, for tests that break something."""
        async with open_operated_table(self.settings) as table:
            yield table

    def elsewhere(self) -> "Place":
        """The shared engines, and a table that does not exist yet."""
        return replace(self, environment={**self.environment, "DYNAMODB_TABLE": f"test-{secrets.token_hex(6)}"})

    async def made(self) -> "Place":
        """The shared engines, and an empty table."""
        await create_table(self.settings)
        return self


@pytest.fixture(scope="session")
def engines(dynamodb_url: str, database_url: str, key_server: KeyServer) -> Place:
    """Real engines, and a table that is not there."""
    settings = {
        "ENVIRONMENT": "test",
        "DYNAMODB_ENDPOINT_URL": dynamodb_url,
        "DATABASE_URL": database_url,
        "COGNITO_ISSUER_URL": f"http://127.0.0.1:{key_server.port}/pool",
        "COGNITO_CLIENT_IDS": "web",
        "TZ": "UTC",
        "INSECURE_ALLOWED": "DATABASE_URL,DYNAMODB_ENDPOINT_URL",  # tests of production use these engines
    }
    return Place(settings).elsewhere()


@pytest_asyncio.fixture(scope="session")
async def stock(engines: Place) -> Place:
    """A table with the stock conversations, which no test changes."""
    place = await engines.elsewhere().made()
    await place.done("seed")
    return place


@pytest_asyncio.fixture
async def empty(engines: Place) -> Place:
    """An empty table of the test's own."""
    return await engines.elsewhere().made()


@pytest.fixture
async def pool(emulator: AwsEmulator, empty_database_url: str) -> AsyncIterator[UserPool]:
    await asyncio.to_thread(migrate, database_of(empty_database_url))
    database = await asyncpg.connect(empty_database_url)
    yield UserPool(emulator, emulator.new_pool(), empty_database_url, database)
    await database.close()
