"""Topology: the server of each key. Of a cluster it is the primary that has the slot of the key."""

import asyncio
from bisect import bisect_right
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from redis.crc import key_slot

from app.gateways.valkey.connection import Connection, faults_translated
from app.gateways.valkey.endpoint import Address, Argument, Command, Endpoint
from app.gateways.valkey.faults import ValkeyUnavailable

DISCOVER_SECONDS: Final = 2.0
"""The longest that it takes to find and connect to all servers."""

SlotRange: TypeAlias = Sequence[Any]
"""First and last slot, the primary and its replicas, as CLUSTER SLOTS returns them."""


@dataclass(frozen=True, slots=True)
class Topology:
    """The primaries of a cluster, each with the first of its slots; or the only server, which has no slots."""

    addresses: Sequence[Address]
    first_slots: Sequence[int] = ()
    replicas: Set[Address] = frozenset()

    @property
    def is_cluster(self) -> bool:
        return bool(self.first_slots)

    @property
    def primaries(self) -> Set[Address]:
        return set(self.addresses)

    def address_of(self, key: Argument) -> Address:
        """Return the server of a key or of a sharded channel."""
        if not self.is_cluster:
            return self.addresses[0]
        slot = key_slot(key if isinstance(key, bytes) else str(key).encode())
        return self.addresses[bisect_right(self.first_slots, slot) - 1]


def key_of(command: Command) -> Argument:
    """Return the key by which a command finds its server. Every command has one key, or is for any server."""
    return command[3 if command[0] == "EVAL" else min(1, len(command) - 1)]


async def connect(endpoint: Endpoint) -> tuple[Topology, dict[Address, Connection]]:
    """Connect to the server of the URL, or to all primaries of its cluster. Raises ValkeyUnavailable."""
    opened: list[Connection] = []
    try:
        with faults_translated():
            async with asyncio.timeout(DISCOVER_SECONDS):
                first = await _connect_first(endpoint, opened)
                topology = await _topology_of(first)
                for address in topology.primaries - {first.address}:
                    opened.append(Connection(endpoint.at(address)))
                    await opened[-1].connect()
    except BaseException:
        for each in opened:
            await each.aclose()
        raise
    if topology.is_cluster:
        endpoint.nodes[:] = [*topology.primaries, *topology.replicas]
    if first.address not in topology.primaries:  # a name of the cluster, or a replica
        opened.remove(first)
        await first.aclose()
    return topology, {each.address: each for each in opened}


async def _connect_first(endpoint: Endpoint, opened: list[Connection]) -> Connection:
    """Connect to the server of the URL or, if it fails, to a node of its cluster; add each connection to `opened`."""
    faults = []
    for each in (endpoint, *(endpoint.at(node) for node in endpoint.nodes)):
        opened.append(Connection(each))
        try:
            await opened[-1].connect()
            return opened[-1]
        except ValkeyUnavailable as fault:
            faults.append(fault)
            await opened.pop().aclose()
    raise faults[0]


async def _topology_of(connection: Connection) -> Topology:
    mode = (await describe(connection))["mode"]
    if mode == "sentinel":
        raise ValkeyUnavailable("Sentinel")
    if mode != "cluster":
        return Topology([connection.address])
    await connection.send([("CLUSTER", "SLOTS")])
    return parse_slots(await connection.read(), host=connection.address[0])


async def describe(connection: Connection) -> Mapping[str, str]:
    """Return what a server says of itself: server, version, mode and role."""
    await connection.send([("HELLO",)])
    reply = await connection.read()
    pairs = zip(reply[::2], reply[1::2], strict=True)
    return {name.decode(): value.decode() for name, value in pairs if isinstance(value, bytes)}


def parse_slots(ranges: Sequence[SlotRange], *, host: str) -> Topology:
    """Return the topology of a reply of CLUSTER SLOTS; `host` is that of nodes that do not know their own."""
    if not ranges:
        raise ValkeyUnavailable("ClusterDownError")

    def address_of(node: SlotRange) -> Address:
        return (node[0] or host.encode()).decode(), node[1]

    ordered = sorted((each[0], address_of(each[2])) for each in ranges)
    replicas = frozenset(address_of(node) for each in ranges for node in each[3:])
    return Topology([address for _, address in ordered], [slot for slot, _ in ordered], replicas)
