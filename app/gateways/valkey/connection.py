"""Connection: one connection to a server, whose faults are all ValkeyUnavailable, and the Endpoint it is made from."""

import asyncio
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from app.gateways.valkey.faults import ValkeyUnavailable, faults_translated

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

CONNECT_SECONDS = 1.0

Argument = str | bytes | int
Command = Sequence[Argument]
Address: TypeAlias = tuple[str, int]
"""Host and port."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a server, and the account, which is read anew for each connection: a password may change."""

    url: str
    password_file: Path | None = None
    address: Address | None = None
    """In place of that of the URL."""

    def at(self, address: Address) -> "Endpoint":
        """Return the endpoint of another server with the same account."""
        return replace(self, address=address)

    async def options(self) -> dict[str, Any]:
        """Return the options of the redis package's connections."""
        from redis.asyncio import connection as redis  # noqa: PLC0415  # 5 MB, needed only with VALKEY_URL

        options: dict[str, Any] = {**redis.parse_url(re.sub("^valkey", "redis", self.url))}
        if self.address:
            options["host"], options["port"] = self.address
        if self.password_file:
            options["password"] = (await asyncio.to_thread(self.password_file.read_text)).strip()
        return options


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
        self._connection: AbstractConnection | None = None

    @property
    def address(self) -> Address:
        """Return host and port of the connected server."""
        return self._connected().host, int(self._connected().port)  # type: ignore[attr-defined]  # of TCP connections

    async def connect(self) -> None:
        """Connect and authenticate within CONNECT_SECONDS."""
        from redis.asyncio import connection as redis  # noqa: PLC0415  # as above

        with faults_translated():
            async with asyncio.timeout(CONNECT_SECONDS):
                options = await self._endpoint.options()
                connection_class = options.pop("connection_class", redis.Connection)
                self._connection = connection_class(
                    **options,
                    protocol=2,
                    client_name="cruddur-messages",
                    driver_info=None,
                    socket_timeout=None,
                    socket_connect_timeout=CONNECT_SECONDS,
                )
                await self._connected().connect()  # type: ignore[no-untyped-call]  # the one untyped method

    async def send(self, commands: Sequence[Command]) -> None:
        """Send the commands in one write."""
        connection = self._connected()
        with faults_translated():
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)

    async def read(self) -> Any:
        """Return the next reply, without a time limit. An error that is no redirection raises ValkeyUnavailable."""
        from redis.exceptions import AskError, MovedError  # noqa: PLC0415  # as above

        with faults_translated():
            try:
                return await self._connected().read_response(timeout=math.inf)
            except AskError as error:
                host = error.host or self.address[0]
                return Redirection((host, error.port), is_moving=not isinstance(error, MovedError))

    async def close(self) -> None:
        """Close the connection without waiting for the server. Never raises for a fault of the connection."""
        if self._connection:
            with suppress(ValkeyUnavailable), faults_translated():
                await self._connection.disconnect(nowait=True)

    def _connected(self) -> "AbstractConnection":
        if self._connection is None:
            raise ValkeyUnavailable("not connected")
        return self._connection
