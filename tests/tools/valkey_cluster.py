"""A cluster of three Valkey processes without replicas, whose slots a test can move."""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from redis import Redis

from scripts.engines.process import free_port
from scripts.engines.valkey import Valkey as Engine
from tests.fixtures.engines import running_valkey

SLOTS = 16_384
OPTIONS = ("cluster-enabled yes", "cluster-node-timeout 2000", "cluster-allow-replica-migration no")


@dataclass
class ValkeyCluster:
    """The nodes, and a client of each for the test's own commands."""

    nodes: Sequence[Engine]
    clients: Sequence[Any]

    @property
    def address(self) -> str:
        """The URL of the first node."""
        return self.nodes[0].address

    def run(self, node: int, *command: str | int) -> Any:
        """Run a command on a node, whatever its slots are."""
        return self.clients[node].execute_command(*command)

    def form(self) -> None:
        """Share the slots among the nodes, and wait until all of them know."""
        for at, _ in enumerate(self.nodes):
            first, last = SLOTS * at // len(self.nodes), SLOTS * (at + 1) // len(self.nodes) - 1
            self.run(at, "CLUSTER", "ADDSLOTSRANGE", first, last)
            self.run(at, "CLUSTER", "SET-CONFIG-EPOCH", at + 1)
            bus = int(next(line.split()[1] for line in self.nodes[at].options if line.startswith("cluster-port")))
            self.run(0, "CLUSTER", "MEET", "127.0.0.1", self.nodes[at].port, bus)
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        deadline = time.monotonic() + 20
        while not all(b"cluster_state:ok" in self.run(at, "CLUSTER", "INFO") for at, _ in enumerate(self.nodes)):
            assert time.monotonic() < deadline, "the cluster does not form"
            time.sleep(0.05)

    def owner_of(self, slot: int) -> int:
        """The node that has this slot."""
        for first, last, (_, port, *_), *_ in self.run(0, "CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return [node.port for node in self.nodes].index(port)
        raise AssertionError("no node has this slot")

    def begin_to_move(self, slot: int, *, to: int) -> None:
        """Have the node ask callers for keys that are not there to try the other one (ASK)."""
        source = self.owner_of(slot)
        self.run(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", self.identity_of(source))
        self.run(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", self.identity_of(to))

    def identity_of(self, node: int) -> str:
        return str(self.run(node, "CLUSTER", "MYID").decode())

    def move(self, slot: int, *, to: int) -> None:
        """Move an empty slot, or one whose keys may be lost, to a node."""
        identity, source = self.identity_of(to), self.owner_of(slot)
        for at in (to, source, *{0, 1, 2} - {to, source}):
            self.run(at, "CLUSTER", "SETSLOT", slot, "NODE", identity)


@contextmanager
def running_cluster() -> Iterator[ValkeyCluster]:
    """Start three nodes that form a cluster."""
    password = secrets.token_urlsafe(24)
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(running_valkey(*OPTIONS, f"cluster-port {free_port()}", password=password))
            for _ in range(3)
        ]
        clients = [
            stack.enter_context(Redis(host="127.0.0.1", port=node.port, password=password, protocol=2))
            for node in nodes
        ]
        cluster = ValkeyCluster(nodes, clients)
        for client in clients:
            client.set_response_callback("CLUSTER SLOTS", lambda reply, **_: reply)
            client.response_callbacks.clear()
        cluster.form()
        yield cluster
