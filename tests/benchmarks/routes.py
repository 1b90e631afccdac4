"""CPU and throughput of the most frequent calls of one process, in bare calls."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from uuid import UUID

from tests.benchmarks.figures import Figure, Rounds, say
from tests.benchmarks.load import AT_ONCE, Request, rate
from tests.benchmarks.options import Options
from tests.benchmarks.unit import run_client, serve_answer
from tests.benchmarks.world import (
    GROUPS,
    MESSAGES,
    TEXT,
    Account,
    World,
    new_users,
    open_world,
    serve,
    write_inbox,
    write_rows,
)

WARM_UP = 0.3
LAST_NUMBER = 1_000_000
"""The last message of groups whose log is not written: as many read markers can be moved in each."""


async def measure(options: Options) -> list[Figure]:
    """Return for each call its CPU, in bare calls and microseconds, and the requests that one process answers."""
    rounds = Rounds()
    async with open_world(with_valkey=options.with_valkey) as world, serve_answer(world.folder) as answer:
        requests = await write_requests(world)
        async with serve(world) as server:
            for request in requests.values():
                await rate(server, request, seconds=WARM_UP)
            with run_client("bare", answer) as bare:
                for number in range(options.rounds):
                    seconds = await asyncio.to_thread(bare.cpu, at_once=AT_ONCE)
                    unit = rounds.add("bare call", "CPU", "µs", seconds * 1e6)
                    for name, request in requests.items():
                        measured = await rate(server, request)
                        rounds.add(name, "CPU", "µs", measured.cpu * 1e6)
                        rounds.add(name, "bare calls", "", measured.cpu * 1e6 / unit)
                        rounds.add(name, "requests", "/s", measured.per_second)
                    say(f"  round {number + 1} of {options.rounds}")
    return rounds.figures()


async def write_requests(world: World) -> Mapping[str, Request]:
    """Write users, each for one kind of request, so that writes do not change what is read; return the requests."""
    reader, sender, marker, *peers = new_users(3 + GROUPS)
    read = await write_inbox(world, reader, peers)
    sent = await write_inbox(world, sender, peers[:AT_ONCE])
    marked = await write_rows(world, marker, peers[:AT_ONCE], last=LAST_NUMBER)
    return reads(world.account(reader), read) | {
        "mark read": mark_read(world.account(marker), marked),
        "send": send(world.account(sender), sent),
    }


def reads(reader: Account, groups: Sequence[UUID]) -> dict[str, Request]:
    """Return the requests of a reader with these groups, by name. A sync finds the groups as they were written."""

    def same(method: str, path: str, body: object = None) -> Request:
        request = reader.request(method, path, body)
        return lambda _: request

    known = {str(group): {"number": MESSAGES, "version": 1} for group in groups}
    return {
        "health check": same("GET", "/api/health-check"),
        "counter": same("GET", "/api/messages/counter"),
        "search": same("GET", "/api/users?q=user_"),
        "sync of 21 groups": same("POST", "/api/sync", {"groups": known}),
        "20 messages": same("GET", f"/api/messages/{groups[0]}?limit=20"),
        "50 messages": same("GET", f"/api/messages/{groups[0]}?limit=50"),
        "inbox of 21": same("GET", f"/api/message_groups?limit={GROUPS}"),
    }


def mark_read(marker: Account, groups: Sequence[UUID]) -> Request:
    """Return requests that move a read marker, of each connection in a group of its own."""
    numbers = count(1)
    return lambda connection: marker.request(
        "PUT", f"/api/message_groups/{groups[connection]}/read", {"number": next(numbers)}
    )


def send(sender: Account, groups: Sequence[UUID]) -> Request:
    """Return the send of each connection to a group of its own."""
    bodies = [{"message_group_uuid": str(group), "message": TEXT} for group in groups]
    requests = [sender.request("POST", "/api/messages", body) for body in bodies]
    return lambda connection: requests[connection]
