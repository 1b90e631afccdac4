"""The description that a server gives of itself, for an operator: its role, version and memory policy."""

from contextlib import aclosing, suppress
from dataclasses import dataclass

from app.gateways.valkey.connection import Connection
from app.gateways.valkey.endpoint import Endpoint
from app.gateways.valkey.faults import ValkeyUnavailable
from app.gateways.valkey.topology import describe


@dataclass(frozen=True, slots=True)
class Server:
    """A server; `memory_policy` is None if the account may not ask for it, `max_memory` is in bytes or 0."""

    name: str
    version: str
    mode: str
    role: str
    max_memory: int = 0
    memory_policy: str | None = None


async def examine(endpoint: Endpoint) -> Server:
    """Return what the server at the endpoint says of itself. Raises ValkeyUnavailable."""
    memory: dict[str, str] = {}
    async with aclosing(Connection(endpoint)) as connection:
        await connection.connect()
        told = await describe(connection)
        with suppress(ValkeyUnavailable):
            await connection.send([("INFO", "memory")])
            lines = (await connection.read()).decode().splitlines()
            memory = dict(line.split(":", 1) for line in lines if ":" in line)
    max_memory, policy = int(memory.get("maxmemory", 0)), memory.get("maxmemory_policy")
    return Server(told["server"], told["version"], told["mode"], told["role"], max_memory, policy)
