"""Connection: one connection to a server, whose faults are all ValkeyUnavailable.

Everything of this package that imports this module imports the redis package, which takes 5 MB and 0.2 s.
"""

import asyncio
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import connection as redis
from redis.exceptions import AskError, MovedError, RedisError

from app.gateways.valkey.endpoint import Address, Command, Endpoint
from app.gateways.valkey.faults import ValkeyUnavailable, fault_of

CONNECT_SECONDS = 1.0
OPTIONS: Final[Mapping[str, Any]] = {
    "protocol": 2,
    "client_name": "cruddur-messages",
    "driver_info": None,
    "socket_timeout": None,
    "socket_connect_timeout": CONNECT_SECONDS,
}


@contextmanager
def faults_translated() -> Iterator[None]:
    """Raise ValkeyUnavailable in place of the errors of the redis package and of the socket."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise fault_of(error) from error


@dataclass(frozen=True, slots=True)
class Redirection:
    """The reply of a cluster's node to a command for a slot that it does not have, or that moves just now."""

    address: Address
    is_moving: bool
    """The command is for this address only after ASKING."""


class Connection:
    """A connection of the redis package, for one writer and one reader. Its faults are raised as ValkeyUnavailable."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connection: redis.AbstractConnection | None = None
        self.address: Address = "", 0
        """Host and port of the connected server."""

    async def connect(self) -> None:
        """Connect and authenticate within CONNECT_SECONDS."""
        with faults_translated():
            async with asyncio.timeout(CONNECT_SECONDS):
                options = await self._options()
                self.address = options["host"], options["port"]
                connection_class = options.pop("connection_class", redis.Connection)
                self._connection = connection_class(**options, **OPTIONS)
                await self._connected().connect()

    async def _options(self) -> dict[str, Any]:
        endpoint = self._endpoint
        parsed = redis.parse_url(re.sub("^valkey", "redis", endpoint.url))
        options: dict[str, Any] = {"host": "localhost", "port": 6379, **parsed}
        if endpoint.address:
            options["host"], options["port"] = endpoint.address
        if endpoint.password_file:
            options["password"] = (await asyncio.to_thread(endpoint.password_file.read_text)).strip()
        return options

    async def send(self, commands: Sequence[Command]) -> None:
        """Send the commands in one write."""
        connection = self._connected()
        with faults_translated():
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)

    async def read(self) -> Any:
        """Return the next reply, without a time limit. An error that is no redirection raises ValkeyUnavailable."""
        with faults_translated():
            try:
                return await self._connected().read_response(timeout=math.inf)
            except AskError as error:
                host = error.host or self.address[0]
                return Redirection((host, error.port), is_moving=not isinstance(error, MovedError))

    async def aclose(self) -> None:
        """Close the connection without waiting for the server. Never raises for a fault of the connection."""
        if self._connection:
            with suppress(ValkeyUnavailable), faults_translated():
                await self._connection.disconnect(nowait=True)

    def _connected(self) -> redis.AbstractConnection:
        if self._connection is None:
            raise ValkeyUnavailable("not connected")
        return self._connection
