"""Run Alembic's migrations over asyncpg, in one transaction, one process at a time."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.gateways.postgres.connect import Connector
from app.settings import DatabaseSettings

LOCK = 4_327_564
LOCK_SECONDS = 10
CONNECT_SECONDS = 10


def _run(connection: Connection) -> None:
    """Run the migrations under a lock, and give up on a locked table soon, as queries would wait behind it."""
    context.configure(connection=connection)
    with context.begin_transaction():
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
        connection.execute(text(f"set local lock_timeout = '{LOCK_SECONDS}s'"))
        context.run_migrations()


async def _main() -> None:
    """Connect as the service does, so that the settings mean the same; no statement outlives its execution."""
    settings = context.config.attributes.get("database") or DatabaseSettings()
    arguments = {
        "async_creator_fn": Connector(settings, seconds=CONNECT_SECONDS),
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": lambda: "",
    }
    engine = create_async_engine("postgresql+asyncpg://", connect_args=arguments, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)


asyncio.run(_main())
