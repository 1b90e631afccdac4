"""Router: the connections to the only server, or to the primaries of a cluster, and the way of each command to one."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from app.gateways.valkey.connection import Connection, Redirection
from app.gateways.valkey.endpoint import Address, Command, Endpoint, Replies
from app.gateways.valkey.faults import ValkeyUnavailable
from app.gateways.valkey.multiplexer import Multiplexer
from app.gateways.valkey.topology import Topology, connect, key_of, parse_slots

MAX_REDIRECTIONS: Final = 5
"""Servers that a command follows its slot to."""


class Router:
    """Connects, tries the commands that the service needs, and then sends each command to the server of its key.

    All connections fail together: a fault of one, or a command that is refused, is a fault of the whole.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        trial: Sequence[Command],
        *,
        on_open: Callable[[], None],
        on_fault: Callable[[ValkeyUnavailable], None],
    ) -> None:
        """`on_open` is called when the trial has passed; `on_fault` for each fault, before replies are cancelled."""
        self._endpoint = endpoint
        self._trial = trial
        self._on_open = on_open
        self._on_fault = on_fault
        self._topology = Topology(())
        self._multiplexers: dict[Address, Multiplexer] = {}
        self._only: Multiplexer | None = None
        self._connecting = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._started_at = time.monotonic()
        self._opening = self._start(self._open())

    @property
    def seconds_waiting(self) -> float:
        """Return for how long a server has been silent, or the connections are being made."""
        if not self._opening.done():
            return time.monotonic() - self._started_at
        return max((each.seconds_waiting for each in self._multiplexers.values()), default=0.0)

    def submit(self, commands: Sequence[Command]) -> Replies:
        """Send the commands, each in the order in which its server gets them; return the future of their replies."""
        if self._only and self._opening.done():
            return self._only.submit(commands)
        return self._start(self._execute_when_open(commands))

    def close_soon(self) -> None:
        """Close all connections without waiting; the replies of all calls are cancelled."""
        for task in self._tasks:
            task.cancel()
        for each in self._multiplexers.values():
            each.close_soon()

    async def aclose(self) -> None:
        """Close all connections and wait until they are closed."""
        self.close_soon()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self._multiplexers.values():
            await each.aclose()

    def _start(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open(self) -> None:
        try:
            self._topology, connections = await connect(self._endpoint)
        except ValkeyUnavailable as fault:
            raise self._failure(fault) from None
        self._multiplexers = {each: Multiplexer(made, self._on_fault) for each, made in connections.items()}
        if not self._topology.is_cluster:
            (self._only,) = self._multiplexers.values()
        await self._execute(self._trial)
        self._on_open()

    def _failure(self, fault: ValkeyUnavailable) -> asyncio.CancelledError:
        """Report the fault; return what to raise, as replies are cancelled when a connection fails."""
        self._on_fault(fault)
        return asyncio.CancelledError()

    async def _execute_when_open(self, commands: Sequence[Command]) -> list[Any]:
        await asyncio.shield(self._opening)
        return await self._execute(commands)

    async def _execute(self, commands: Sequence[Command]) -> list[Any]:
        """Send all commands before the first reply is awaited."""
        addresses = [self._topology.address_of(key_of(command)) for command in commands]
        submitted = [
            self._multiplexers[each].submit([command]) for each, command in zip(addresses, commands, strict=True)
        ]
        return [await self._follow(*each) for each in zip(commands, submitted, strict=True)]

    async def _follow(self, command: Command, replies: Replies) -> Any:
        """Return the reply to a command, which follows its slot to where that has moved, or moves just now."""
        (reply,) = await replies
        for _ in range(MAX_REDIRECTIONS):
            if not isinstance(reply, Redirection):
                return reply
            multiplexer = await self._multiplexer_at(reply.address)
            if reply.is_moving:
                _, reply = await multiplexer.submit([("ASKING",), command])
            else:
                if self._topology.address_of(key_of(command)) != reply.address:
                    self._topology = await self._topology_by(multiplexer, reply.address)
                (reply,) = await multiplexer.submit([command])
        raise self._failure(ValkeyUnavailable("ClusterDownError"))

    async def _topology_by(self, multiplexer: Multiplexer, address: Address) -> Topology:
        """Return the topology that a server knows, after connecting to all servers that are new."""
        (ranges,) = await multiplexer.submit([("CLUSTER", "SLOTS")])
        try:
            topology = parse_slots(ranges, host=address[0])
        except ValkeyUnavailable as fault:
            raise self._failure(fault) from None
        for each in topology.primaries:
            await self._multiplexer_at(each)
        return topology

    async def _multiplexer_at(self, address: Address) -> Multiplexer:
        async with self._connecting:
            if address not in self._multiplexers:
                connection = Connection(self._endpoint.at(address))
                try:
                    await connection.connect()
                except ValkeyUnavailable as fault:
                    raise self._failure(fault) from None
                self._multiplexers[address] = Multiplexer(connection, self._on_fault)
        return self._multiplexers[address]
