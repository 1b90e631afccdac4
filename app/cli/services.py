"""The table and Postgres, opened for a command, with the stores and the rules of the service over them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from app.cache import Caches
from app.cli.failures import Failure
from app.cli.target import announce, announce_database, is_local
from app.concurrency import TaskSet
from app.errors import Unavailable
from app.gateways.aws import Aws, open_aws
from app.gateways.dynamodb.client import region_of
from app.gateways.dynamodb.operator import OperatedTable, open_operated_table
from app.gateways.postgres import Postgres, open_postgres
from app.messaging.retention import KEEP_ALL, Retention
from app.messaging.store import MessagingStore
from app.moderation.store import OperatorReadStore
from app.settings import DatabaseSettings, StoreSettings, TableSettings, changed_settings
from app.users.service import Users
from app.users.store import UserStore
from migrations.dynamodb_table import INDEX

ACCOUNT_SECONDS: Final = 4
"""Patience with STS, which a private network may not reach."""
STATEMENT_SECONDS: Final = 120
"""A statement of a command may change every row; a request's may not."""


@dataclass(frozen=True, slots=True)
class Services:
    """The table and the users, with the rules that the service has for them."""

    table: OperatedTable
    messaging: MessagingStore
    user_store: UserStore
    users: Users
    reads: OperatorReadStore
    retention: Retention
    """The installation's rule, also where messages are read as the table has them."""


@asynccontextmanager
async def open_services(settings: StoreSettings, *, as_stored: bool = False) -> AsyncIterator[Services]:
    """Open Postgres and the table, after saying on standard error where they are.

    Messages that have ended are read without their texts, unless they are wanted as the table has them.
    """
    retention = Retention.of_days(settings.message_retention_days)
    async with open_database(settings) as postgres, open_table(settings) as table:
        user_store = UserStore(postgres)
        users = users_over(user_store)
        store = MessagingStore(table, KEEP_ALL if as_stored else retention)
        yield Services(table, store, user_store, users, OperatorReadStore(postgres), retention)


@asynccontextmanager
async def open_users(settings: DatabaseSettings) -> AsyncIterator[Users]:
    """Open Postgres, after saying on standard error where it is, for the service's rules about users."""
    async with open_user_store(settings) as store:
        yield users_over(store)


def users_over(store: UserStore) -> Users:
    """Return the service's rules about users over this store, with a cache for this command."""
    return Users(store, Caches(TaskSet()))


@asynccontextmanager
async def open_user_store(settings: DatabaseSettings) -> AsyncIterator[UserStore]:
    """Open Postgres, after saying on standard error where it is."""
    async with open_database(settings) as postgres:
        yield UserStore(postgres)


@asynccontextmanager
async def open_database(settings: DatabaseSettings) -> AsyncIterator[Postgres]:
    """Open Postgres, after saying on standard error where it is."""
    announce_database(settings)
    async with open_postgres(settings, statement_seconds=STATEMENT_SECONDS) as postgres:
        yield postgres


@asynccontextmanager
async def open_table(settings: TableSettings, *, name: str | None = None) -> AsyncIterator[OperatedTable]:
    """Open the table of this name, else that of the settings, after saying on standard error where it is."""
    chosen = changed_settings(settings, dynamodb_table=name) if name else settings
    await announce_table(chosen)
    async with open_operated_table(chosen) as table:
        yield table


async def require_own_table(table: OperatedTable) -> None:
    """Raise a Failure if the table is not there, or not one of this service."""
    found = await table.describe()
    if found is None:
        raise Failure(f"There is no table {table.name} here: `cruddur schema-load` creates it.")
    if not _is_own(found):
        raise Failure(
            f"{table.name} is not a table of this service, which has the keys pk and sk and the index {INDEX}:"
            " is DYNAMODB_TABLE right?"
        )


async def is_own_table(table: OperatedTable) -> bool:
    """Return whether the table is there, and one of this service."""
    found = await table.describe()
    return found is not None and _is_own(found)


def _is_own(found: Mapping[str, Any]) -> bool:
    keys = [key["AttributeName"] for key in found["KeySchema"]]
    indexes = [index["IndexName"] for index in found.get("GlobalSecondaryIndexes", ())]
    return keys == ["pk", "sk"] and INDEX in indexes


async def announce_table(settings: TableSettings) -> None:
    """Say on standard error where the table is."""
    if settings.dynamodb_endpoint_url:
        engine = "local engine" if is_local(settings) else f"{settings.environment} engine"
        place = f"{engine} {settings.dynamodb_endpoint_url}"
    else:
        async with open_aws(settings) as aws:
            place = f"{await aws_account(aws)}, region {region_of(settings)}"
    announce(f"{place}, table {settings.dynamodb_table}")


@asynccontextmanager
async def open_announced_aws(settings: TableSettings) -> AsyncIterator[Aws]:
    """Open AWS's services, after saying on standard error where the table is."""
    await announce_table(settings)
    async with open_aws(settings) as aws:
        yield aws


async def aws_account(aws: Aws) -> str:
    """Return the account that the credentials belong to, in words. No command needs STS to answer that."""
    try:
        async with asyncio.timeout(ACCOUNT_SECONDS):
            return f"AWS account {(await aws.call('sts', 'get_caller_identity'))['Account']}"
    except (Unavailable, TimeoutError):
        return "AWS account unknown"
