"""The Postgres gateway: a pool, a deadline on every statement, and connection faults as Unavailable."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
import structlog

from app.errors import Unavailable
from app.settings import DatabaseSettings

log = structlog.get_logger(__name__)

STATEMENT_SECONDS = 1.5
DEAD_CONNECTION = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement on a connection that Postgres is just ending
)
REFUSALS = (
    *DEAD_CONNECTION,
    OSError,
    TimeoutError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,
)

T = TypeVar("T")


class Postgres:
    """A pool of connections. Statements are parametrised and safe to repeat, and single but for `transact`."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, seconds: float = STATEMENT_SECONDS) -> None:
        self._pool = pool
        self._seconds = seconds

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """All rows."""
        return await self._run(lambda connection: connection.fetch(sql, *arguments))

    async def fetch_row(self, sql: str, *arguments: object) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self._run(lambda connection: connection.fetchrow(sql, *arguments))

    async def transact(self, work: "Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[T]]") -> T:
        """Several statements, all of them or none."""

        async def whole(connection: "asyncpg.Connection[asyncpg.Record]") -> T:
            try:
                await connection.execute("BEGIN")
                result = await work(connection)
                await connection.execute("COMMIT")
            except BaseException:
                connection.terminate()  # which rolls back, and waits for nobody
                raise
            return result

        return await self._run(whole)

    async def ping(self) -> None:
        """Prove that the database answers."""
        await self.fetch_row("SELECT 1")

    async def _run(self, work: "Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[T]]") -> T:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._run_once_more(work)
        except REFUSALS as error:
            log.warning("postgres_unavailable", cause=type(error).__name__)
            raise Unavailable("Postgres does not answer") from error

    async def _run_once_more(self, work: "Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[T]]") -> T:
        """A pooled connection may have died while it was idle. One that did is seldom alone, so all are made anew."""
        try:
            return await self._borrow(work)
        except DEAD_CONNECTION:
            await self._pool.expire_connections()
            return await self._borrow(work)

    async def _borrow(self, work: "Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[T]]") -> T:
        connection = await self._pool.acquire()
        try:
            # What the pool lends is typed as a proxy and behaves as the connection.
            return await work(connection)  # type: ignore[arg-type]  # a proxy
        except asyncio.CancelledError:
            connection.terminate()  # giving it back whole would wait for Postgres as long again
            raise
        finally:
            await self._pool.release(connection)


@asynccontextmanager
async def open_postgres(
    settings: DatabaseSettings, *, statement_seconds: float = STATEMENT_SECONDS
) -> AsyncIterator[Postgres]:
    """Open the pool. Connecting happens at the first statement, so a database that is down does not stop the start."""
    pool = await asyncpg.create_pool(
        settings.database_url.get_secret_value(),
        min_size=0,
        max_size=settings.database_pool_size,
        timeout=1,
        max_inactive_connection_lifetime=60,
        reset=_leave_as_it_is,
    )
    try:
        yield Postgres(pool, seconds=statement_seconds)
    finally:
        await _close(pool)


async def _leave_as_it_is(_: object) -> None:
    """Single statements leave nothing behind, so a connection goes back without another round trip."""


async def _close(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    try:
        async with asyncio.timeout(2):
            await pool.close()
    except TimeoutError:
        pool.terminate()
