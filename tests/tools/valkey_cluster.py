"""A cluster of three Valkey primaries, with or without a replica of each, whose slots a test can move."""

import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from scripts.engines.process import free_port
from scripts.engines.valkey import Valkey as Engine
from tests.fixtures.engines import running_valkey

SLOTS = 16_384
PRIMARIES = 3
OPTIONS = (
    "cluster-enabled yes",
    "cluster-node-timeout 2000",
    "cluster-allow-replica-migration no",
    "cluster-replica-validity-factor 0",  # a replica takes over, however long it has not heard of its primary
    "repl-diskless-sync-delay 0",
)


@dataclass
class ValkeyCluster:
    """The nodes, first the primaries and then a replica of each, and a client of each for the test's own commands."""

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
        """Share the slots among the primaries, and wait until all nodes know and replicas have followed."""
        for at, _ in enumerate(self.nodes):
            first, last = SLOTS * at // PRIMARIES, SLOTS * (at + 1) // PRIMARIES - 1
            if at < PRIMARIES:
                self.run(at, "CLUSTER", "ADDSLOTSRANGE", first, last)
            self.run(at, "CLUSTER", "SET-CONFIG-EPOCH", at + 1)
            bus = int(next(line.split()[1] for line in self.nodes[at].options if line.startswith("cluster-port")))
            self.run(0, "CLUSTER", "MEET", "127.0.0.1", self.nodes[at].port, bus)
        self.wait_until_whole()
        for at in range(PRIMARIES, len(self.nodes)):
            self.run(at, "CLUSTER", "REPLICATE", self.identity_of(at - PRIMARIES))
            _wait_until(lambda at=at: b"master_link_status:up" in self.run(at, "INFO", "replication"))  # type: ignore[misc]

    def wait_until_whole(self) -> None:
        for at, _ in enumerate(self.nodes):
            _wait_until(lambda at=at: b"cluster_state:ok" in self.run(at, "CLUSTER", "INFO"))  # type: ignore[misc]
            _wait_until(lambda at=at: self._nodes_known_to(at) == len(self.nodes))  # type: ignore[misc]

    def _nodes_known_to(self, node: int) -> int:
        return len(self.run(node, "CLUSTER", "NODES").splitlines())

    def fail_over(self, primary: int) -> None:
        """Kill a primary, and wait until its replica has taken over."""
        replica = primary + PRIMARIES
        self.nodes[primary].child.stop(signal.SIGKILL, seconds=2)
        _wait_until(lambda: b"role:master" in self.run(replica, "INFO", "replication"))

    def owner_of(self, slot: int, *, by: int = 0) -> int:
        """The node that has this slot, as another node knows it."""
        for first, last, (_, port, *_), *_ in self.run(by, "CLUSTER", "SLOTS"):
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
        self.run(to, "CLUSTER", "BUMPEPOCH")  # else the claim of the node before may win in the gossip of the nodes
        for at in (to, source, *{0, 1, 2} - {to, source}):
            self.run(at, "CLUSTER", "SETSLOT", slot, "NODE", identity)
            _wait_until(lambda at=at: self.owner_of(slot, by=at) == to)  # type: ignore[misc]


def _client_of(node: Engine, authority: Path | None) -> Redis:
    if authority is None:
        return Redis(host="127.0.0.1", port=node.port, password=node.password, protocol=2)
    trusted = str(authority)
    return Redis(host="localhost", port=node.port, password=node.password, protocol=2, ssl=True, ssl_ca_certs=trusted)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the cluster does not form"
        time.sleep(0.05)


@contextmanager
def running_cluster(
    *further: str, with_replicas: bool = False, engine_class: type[Engine] = Engine, authority: Path | None = None
) -> Iterator[ValkeyCluster]:
    """Start nodes that form a cluster; `further` are lines of their configuration. With an authority they encrypt."""
    password = secrets.token_urlsafe(24)
    options = (*OPTIONS, f"masterauth {password}", *further)
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(
                running_valkey(*options, f"cluster-port {free_port()}", password=password, engine_class=engine_class)
            )
            for _ in range(PRIMARIES * (1 + with_replicas))
        ]
        clients = [stack.enter_context(_client_of(node, authority)) for node in nodes]
        cluster = ValkeyCluster(nodes, clients)
        for client in clients:
            client.set_response_callback("CLUSTER SLOTS", lambda reply, **_: reply)
            client.response_callbacks.clear()
        cluster.form()
        yield cluster
