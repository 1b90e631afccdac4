"""Connection: one connection to Valkey, whose faults are all ValkeyUnavailable."""

import asyncio
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

CONNECT_SECONDS = 1.0

Argument = str | bytes | int
Command = Sequence[Argument]


class ValkeyUnavailable(Exception):
    """Valkey failed or did not answer in time. Whether a command was executed is unknown; callers go on without it."""


class Connection:
    """A connection of the redis package, for one writer and one reader. Its faults are raised as ValkeyUnavailable."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import connection as redis  # noqa: PLC0415  # 5 MB, needed only with VALKEY_URL

        options: dict[str, Any] = {**redis.parse_url(re.sub("^valkey", "redis", url))}
        connection_class = options.pop("connection_class", redis.Connection)
        self._connection: AbstractConnection = connection_class(
            **options,
            protocol=2,
            client_name="cruddur-messages",
            driver_info=None,
            socket_timeout=None,
            socket_connect_timeout=CONNECT_SECONDS,
        )

    async def connect(self) -> None:
        """Connect and authenticate within CONNECT_SECONDS."""
        with _faults_translated():
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._connection.connect()  # type: ignore[no-untyped-call]  # the one untyped method

    async def send(self, commands: Sequence[Command]) -> None:
        """Send the commands in one write."""
        with _faults_translated():
            await self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)

    async def read(self) -> Any:
        """Return the next reply, without a time limit. An error reply raises ValkeyUnavailable, too."""
        with _faults_translated():
            return await self._connection.read_response(timeout=math.inf)

    async def close(self) -> None:
        """Close the connection without waiting for the server. Never raises for a fault of the connection."""
        with suppress(ValkeyUnavailable), _faults_translated():
            await self._connection.disconnect(nowait=True)


@contextmanager
def _faults_translated() -> Iterator[None]:
    from redis.exceptions import RedisError  # noqa: PLC0415  # as above

    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise ValkeyUnavailable(type(error).__name__) from error
