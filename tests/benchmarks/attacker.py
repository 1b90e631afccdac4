"""An attacker in a process of its own: `python -m tests.benchmarks.attacker ADDRESS KIND SECONDS`, its means on stdin.

It writes a line when it begins, and at the end another with the outcomes of its calls, as JSON. Its priority is low, so
that on a small machine it takes no processor from the service that a machine of its own would not take either.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, cycle
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import uvloop

from tests.benchmarks.load import Connection, RequestFailed, request_bytes

CONNECTIONS: Final = 32
"""Connections with calls, each with one at a time."""
CALLS_A_SECOND: Final = 400
SOCKETS: Final = 300
"""Connections of an attack by sockets: more than an address may have."""
SOCKETS_A_SECOND: Final = 200
PRIORITY: Final = 10
FILE: Final = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
"""A request for the greatest file."""


@dataclass(frozen=True, slots=True)
class Means:
    """The attacker's token, its groups, the greatest of which is the first, and the handles of other users."""

    token: str
    groups: list[str]
    handles: list[str]

    def call(self, method: str, path: str, body: object = None) -> bytes:
        return request_bytes(method, path, {"authorization": f"Bearer {self.token}"}, body)

    def sends(self, **fields: Any) -> Iterator[bytes]:
        """Yield sends to the groups in turns."""
        for group in cycle(self.groups):
            yield self.call("POST", "/api/messages", {"message_group_uuid": group, "message": "x" * 100, **fields})


def first_contacts(means: Means) -> Iterator[bytes]:
    for handle in cycle(means.handles):
        yield means.call("POST", "/api/messages", {"handle": handle, "message": "x" * 100})


def repeated_from_zero(means: Means) -> Iterator[bytes]:
    while True:
        body = {"message_group_uuid": means.groups[0], "message": "x", "uuid": str(uuid4()), "after": 0}
        yield means.call("POST", "/api/messages", body)


def searches(means: Means) -> Iterator[bytes]:
    for number in count():
        yield means.call("GET", f"/api/users?q=user_{number % 256:02x}&limit=100")


def bad_tokens(_means: Means) -> Iterator[bytes]:
    while True:
        yield request_bytes("GET", "/api/users/me", {"authorization": f"Bearer {uuid4().hex}.{uuid4().hex}.x"})


def downloads(_means: Means) -> Iterator[bytes]:
    return cycle([FILE])


def wrong_keys(means: Means) -> Iterator[bytes]:
    body = {"groups": {f"{number:x}": 1 for number in range(200)}}
    return cycle([means.call("POST", "/api/sync", body)])


CALLS: Final[Mapping[str, Callable[[Means], Iterator[bytes]]]] = {
    "messages": Means.sends,
    "typing": lambda means: cycle([means.call("POST", f"/api/message_groups/{g}/typing") for g in means.groups]),
    "padded texts": lambda means: means.sends(message="x" + " " * 15_900),
    "after 0": repeated_from_zero,
    "large inbox": lambda means: cycle([means.call("GET", "/api/message_groups?limit=100")]),
    "syncs": lambda means: cycle([means.call("POST", "/api/sync", {"groups": {}})]),
    "first contacts": first_contacts,
    "searches": searches,
    "wrong keys": wrong_keys,
    "bad tokens": bad_tokens,
    "downloads": downloads,
}
"""The calls of an attack by its name, one after the other."""

Outcomes = Counter[str]


async def call(address: tuple[str, int], requests: Iterator[bytes], end: float) -> Outcomes:
    """Make calls at the most that the pace allows, and return how many had which status."""
    outcomes, due = Outcomes(), count(time.monotonic(), 1 / CALLS_A_SECOND)

    async def work() -> None:
        connection: Connection | None = None
        while (at := max(next(due), time.monotonic())) < end:
            await asyncio.sleep(at - time.monotonic())
            try:
                connection = connection or (await connect(Connection, address))[1]
                await connection.ask(next(requests))
                outcomes["200"] += 1
            except RequestFailed as failure:
                outcomes[str(failure.status)] += 1
                connection = connection if failure.status else None
            except OSError:
                outcomes["0"] += 1
        if connection:
            connection.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return outcomes


async def connect(protocol: Callable[[], Any], address: tuple[str, int]) -> tuple[Any, Any]:
    return await asyncio.get_running_loop().create_connection(protocol, *address)


class Nuisance(asyncio.Protocol):
    """A connection that begins with these bytes, then sends others now and then, and reads only if it is said to."""

    def __init__(self, begin: bytes, drip: bytes, seconds: float, *, reads: bool = True) -> None:
        self._begin, self._drip, self._seconds, self._reads = begin, drip, seconds, reads
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._begin)

    async def run(self, end: float) -> None:
        """Go on until the server closes the connection, or until the end."""
        if not self._reads:
            self._transport.pause_reading()
        while not self.closed.done() and time.monotonic() < end:
            await asyncio.wait([self.closed], timeout=min(self._seconds, end - time.monotonic()))
            if self._drip and not self._transport.is_closing() and not self._transport.get_write_buffer_size():
                self._transport.write(self._drip)
        self._transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


def slow_bodies(means: Means) -> Callable[[], Nuisance]:
    head = means.call("POST", "/api/messages", "x" * 9_000)[:-8_000]
    return lambda: Nuisance(head, b"x", 1)


GET: Final = b"GET / HTTP/1.1\r\nHost: x\r\n"
NUISANCES: Final[Mapping[str, Callable[[Means], Callable[[], Nuisance]]]] = {
    "slow bodies": slow_bodies,
    "silent sockets": lambda _: lambda: Nuisance(b"", b"", 1),
    "endless heads": lambda _: lambda: Nuisance(GET + b"A: ", b"x" * 65_536, 0.001),
    "pipelined requests": lambda _: lambda: Nuisance((GET + b"\r\n") * 2_000, b"", 1),
    "unread answers": lambda _: (
        lambda: Nuisance(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 6, b"", 1, reads=False)
    ),
}
"""The connections of an attack by its name."""


KINDS: Final = (*CALLS, *NUISANCES)


async def annoy(address: tuple[str, int], nuisance: Callable[[], Nuisance], end: float) -> Outcomes:
    """Keep connections open, replace those that the server closes, and return how many there were."""
    outcomes, due = Outcomes(), count(time.monotonic(), 1 / SOCKETS_A_SECOND)

    async def work() -> None:
        while (at := max(next(due), time.monotonic())) < end:
            await asyncio.sleep(at - time.monotonic())
            with suppress(OSError):
                _, connection = await connect(nuisance, address)
                outcomes["connections"] += 1
                await connection.run(end)
                outcomes["closed by the server"] += connection.closed.done()

    await asyncio.gather(*(work() for _ in range(SOCKETS)))
    return outcomes


async def attack(url: str, kind: str, seconds: float, means: Means) -> Outcomes:
    """Attack for so long."""
    place, end = urlsplit(url), time.monotonic() + seconds
    address = place.hostname or "", place.port or 80
    if kind in CALLS:
        return await call(address, CALLS[kind](means), end)
    return await annoy(address, NUISANCES[kind](means), end)


def main() -> None:
    """Attack as the command line says."""
    url, kind, seconds = sys.argv[1:]
    os.nice(PRIORITY)
    means = Means(**json.load(sys.stdin))
    print(flush=True)
    print(json.dumps(uvloop.run(attack(url, kind, float(seconds), means))), flush=True)


if __name__ == "__main__":
    main()
