"""A connection to Valkey, with one error for whatever goes wrong on it."""

import asyncio
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

CONNECT_SECONDS = 1.0

Argument = str | bytes | int
Command = Sequence[Argument]


class ValkeyUnavailable(Exception):
    """Valkey did not do it, or not in time. Whether a command was carried out is unknown; go on without it."""


class Wire:
    """A connection of the redis package: whatever goes wrong on it is ValkeyUnavailable."""

    def __init__(self, url: str) -> None:
        from redis.asyncio.connection import Connection, parse_url  # noqa: PLC0415  # its 5 MB are for those who use it

        options: dict[str, Any] = {**parse_url(re.sub("^valkey", "redis", url))}
        connection_class = options.pop("connection_class", Connection)
        self._connection: AbstractConnection = connection_class(
            **options,
            protocol=2,
            client_name="cruddur-messages",
            driver_info=None,
            socket_timeout=None,
            socket_connect_timeout=CONNECT_SECONDS,
        )

    async def connect(self) -> None:
        with _faults():
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._connection.connect()  # type: ignore[no-untyped-call]  # their one method without types

    async def send(self, commands: Sequence[Command]) -> None:
        with _faults():
            await self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)

    async def read(self) -> Any:
        """The next answer, for however long that takes. An error that Valkey answers is ValkeyUnavailable too."""
        with _faults():
            return await self._connection.read_response(timeout=math.inf)

    async def close(self) -> None:
        with _faults():
            await self._connection.disconnect(nowait=True)


@contextmanager
def _faults() -> Iterator[None]:
    from redis.exceptions import RedisError  # noqa: PLC0415  # as above

    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise ValkeyUnavailable(type(error).__name__) from error
