"""Run Alembic's migrations over asyncpg, in one transaction, one process at a time."""

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.settings import DatabaseSettings

LOCK = 4_327_564
LOCK_SECONDS = 10


def _run(connection: Connection) -> None:
    """Run the migrations under a lock, and give up on a locked table soon, as queries would wait behind it."""
    context.configure(connection=connection)
    with context.begin_transaction():
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
        connection.execute(text(f"set local lock_timeout = '{LOCK_SECONDS}s'"))
        context.run_migrations()


async def _connect() -> "asyncpg.Connection[asyncpg.Record]":
    """Connect with asyncpg itself, so that a URL means the same as in the service."""
    url = context.config.attributes.get("database_url") or DatabaseSettings().database_url.get_secret_value()
    return await asyncpg.connect(url, timeout=10)


async def _main() -> None:
    engine = create_async_engine("postgresql+asyncpg://", async_creator=_connect, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)


asyncio.run(_main())
