"""Connections to Postgres: over several hosts, with a password that may change, and behind a pooler."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import asyncpg
import structlog

from app.gateways.postgres.faults import FAULTS
from app.gateways.postgres.password import password_of
from app.settings import DatabaseSettings

log = structlog.get_logger(__name__)

CONNECT_SECONDS: Final = 1.0
"""Deadline of a connection to one of the hosts."""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@contextmanager
def terminated_on_error(connection: Connection) -> Iterator[None]:
    """Terminate the connection if the block raises anything, without waiting for Postgres, which then rolls back."""
    try:
        yield
    except BaseException:
        connection.terminate()
        raise


class Connector:
    """Opens connections, for asyncpg's pool or one by one.

    A pooler that shares connections by transaction, as PgBouncer does, keeps no statement prepared for a client: a name
    may be unknown to the next connection, or worse, name another client's statement. So a connection asks first whether
    the server process is the one that it was told of, which is not the case behind a pooler. From then on statements
    are not prepared, but sent in one message with their parameters.
    """

    def __init__(self, settings: DatabaseSettings, *, seconds: float = CONNECT_SECONDS) -> None:
        self._url = settings.database_url.get_secret_value()
        self._hosts = deque(settings.parsed_url.hosts)
        self._prepares = settings.database_prepared_statements
        self._passwords = password_of(settings)
        self._seconds = seconds

    async def __call__(self, *_: object, **options: Any) -> Connection:
        """Return a connection. Raises the fault of the last host if none can be used."""
        for _host in range(len(self._hosts)):
            try:
                return await self._connect(*self._hosts[0], options)
            except asyncio.CancelledError:
                self._hosts.rotate(-1)
                raise
            except FAULTS as error:
                self._hosts.rotate(-1)  # the next connection begins with the next host
                fault = error
        raise fault

    async def _connect(self, host: str, port: int, options: dict[str, Any]) -> Connection:
        connect = {"host": host, "port": port, "timeout": self._seconds, "password": self._passwords(host, port)}
        if self._prepares != "off":
            connection: Connection = await asyncpg.connect(self._url, **options | connect)
            with terminated_on_error(connection):
                if self._prepares == "on" or not await _is_pooled(connection):
                    return connection
            log.info("postgres_pooler_found", prepared_statements="off")
            self._prepares = "off"
            connection.terminate()
        return await asyncpg.connect(self._url, **options | connect, statement_cache_size=0)


async def _is_pooled(connection: Connection) -> bool:
    """Return whether another process than the server's own answers; no statement is prepared for the question."""
    is_direct = f"pg_backend_pid() = {connection.get_server_pid()}"
    try:
        await connection.execute(f"SELECT 1 / ({is_direct})::int")
    except asyncpg.DivisionByZeroError:
        return True
    return False
