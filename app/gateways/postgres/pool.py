"""Postgres: a connection pool with a deadline for every statement."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar, cast

import asyncpg
import structlog

from app.errors import Unavailable
from app.gateways.postgres.connect import Connector, terminated_on_error
from app.gateways.postgres.faults import DEAD_CONNECTION, FAULTS, unavailable
from app.settings import DatabaseSettings

log = structlog.get_logger(__name__)

STATEMENT_SECONDS = 1.5
"""Deadline of a statement or transaction, connecting included."""
CLOSE_SECONDS = 2.0
"""Longest wait at a stop for connections that are in use."""
T = TypeVar("T")


class Postgres:
    """A connection pool. Statements take parameters and must be safe to repeat: one on a dead connection is sent twice.

    Every method raises Unavailable when Postgres refuses, fails or does not answer in time, whatever is wrong with it,
    its schema or its grants; and asyncpg's UniqueViolationError.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, seconds: float = STATEMENT_SECONDS) -> None:
        self._pool = pool
        self._seconds = seconds

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Return all rows of one statement."""
        return await self._run(lambda connection: connection.fetch(sql, *arguments))

    async def fetch_row(self, sql: str, *arguments: object) -> asyncpg.Record | None:
        """Return the first row of one statement, or None."""
        return await self._run(lambda connection: connection.fetchrow(sql, *arguments))

    async def transact(self, work: "Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[T]]") -> T:
        """Run `work` in a transaction and return its result. Any exception rolls it back and closes the connection."""

        async def in_transaction(connection: "asyncpg.Connection[asyncpg.Record]") -> T:
            with terminated_on_error(connection):
                await connection.execute("BEGIN")
                result = await work(connection)
                await connection.execute("COMMIT")
            return result

        return await self._run(in_transaction)

    async def _run(self, work: "Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[T]]") -> T:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._retry_dead_connection(work)
        except asyncpg.UniqueViolationError:
            raise
        except (*FAULTS, Unavailable) as error:
            fault = unavailable(error)
            log.warning("postgres_unavailable", cause=type(error).__name__, detail=fault.detail, remedy=fault.remedy)
            raise fault from error

    async def _retry_dead_connection(self, work: "Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[T]]") -> T:
        """Run the work, and once more on a new connection if the pooled one has died while it was idle.

        A dead connection is seldom the only one, so all are replaced.
        """
        try:
            return await self._borrow(work)
        except DEAD_CONNECTION:
            await self._pool.expire_connections()
            return await self._borrow(work)

    async def _borrow(self, work: "Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[T]]") -> T:
        connection = await self._pool.acquire()
        try:
            return await work(cast("asyncpg.Connection[asyncpg.Record]", connection))  # a proxy with all its methods
        except asyncio.CancelledError:
            connection.terminate()  # releasing it open would wait for Postgres as long again
            raise
        finally:
            await self._pool.release(connection)


@asynccontextmanager
async def open_postgres(
    settings: DatabaseSettings, *, statement_seconds: float = STATEMENT_SECONDS
) -> AsyncIterator[Postgres]:
    """Open the pool, which connects at the first statement: a database that is down does not keep the service down."""
    pool = await asyncpg.create_pool(
        min_size=0,
        max_size=settings.database_pool_size,
        max_inactive_connection_lifetime=60,
        connect=Connector(settings),
        reset=_skip_reset,
    )
    try:
        yield Postgres(pool, seconds=statement_seconds)
    finally:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await pool.close()
        except TimeoutError:
            pool.terminate()


async def _skip_reset(_: object) -> None:
    """Reset nothing, which saves a round trip: single statements leave nothing behind in a connection."""
