"""Measures what a process takes: its start, its memory at rest and after many requests, and two in place of one."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Final

from tests.benchmarks.figures import Figure, Rounds, say
from tests.benchmarks.load import AT_ONCE, Request, repeat
from tests.benchmarks.options import Options
from tests.benchmarks.processes import Server, children, cpu_seconds, resident_bytes
from tests.benchmarks.routes import reads, send
from tests.benchmarks.world import GROUPS, World, new_users, open_world, serve, write_inbox

STARTS: Final = 3
EARLY: Final = 10_000
LATE: Final = 100_000
TRIES: Final = 8
CONNECTIONS: Final = 2 * AT_ONCE
"""The connections of two processes, so that each has as many as one process alone."""
REQUESTS: Final = 800


async def measure(options: Options) -> list[Figure]:
    """Return the figures of one process without Valkey, then those of one and of two with it."""
    rounds = Rounds()
    async with open_world() as world:
        requests = await write_requests(world)
        await add_starts(rounds, world)
        await add_memory(rounds, world, in_turns(requests))
    async with open_world(with_valkey=True) as world:
        requests = await write_requests(world)
        await add_two_processes(rounds, world, requests["20 messages"], options.rounds)
    return rounds.figures()


async def write_requests(world: World) -> Mapping[str, Request]:
    """Write a user with an inbox, and return the user's requests by name."""
    user, *peers = new_users(1 + GROUPS)
    groups, owner = await write_inbox(world, user, peers), world.account(user)
    return reads(owner, groups) | {"send": send(owner, groups[:AT_ONCE])}


def in_turns(requests: Mapping[str, Request]) -> Request:
    """Return a counter, a page of messages, an inbox and a send in turns."""
    kinds = cycle([requests[name] for name in ("counter", "20 messages", f"inbox of {GROUPS}", "send")])

    def request(connection: int) -> bytes:
        make = next(kinds)
        return make(connection)

    return request


async def add_starts(rounds: Rounds, world: World) -> None:
    """Measure how long a process takes until it answers, and its memory then."""
    for _ in range(STARTS):
        async with serve(world) as server:
            rounds.add("start", "time", "s", server.start_seconds)
            rounds.add("start", "CPU", "s", cpu_seconds(server.pid))
            rounds.add("start", "memory", "MB", resident_bytes(server.pid) / 1e6)
    say("  started")


async def add_memory(rounds: Rounds, world: World, request: Request) -> None:
    """Measure the memory of a process after many requests, and after ten times as many."""
    async with serve(world) as server:
        await repeat(server, request, EARLY)
        early = resident_bytes(server.pid)
        for done in range(EARLY, LATE, EARLY):
            say(f"  {done:,} of {LATE:,} requests")
            await repeat(server, request, EARLY)
        late = resident_bytes(server.pid)
    rounds.add(f"{EARLY:,} requests", "memory", "MB", early / 1e6)
    rounds.add(f"{LATE:,} requests", "memory", "MB", late / 1e6)
    rounds.add(f"{LATE:,} requests", f"memory against {EARLY:,}", "×", late / early)


async def add_two_processes(rounds: Rounds, world: World, request: Request, count: int) -> None:
    """Measure the CPU of a request in one process and in two, and how evenly two of them share the load."""
    async with serve(world) as alone, serve(world, "--workers", "2") as pair:
        both = workers(pair)
        for number in range(1 + count):
            one = sum(await cpu(alone, [alone.pid], request, at_once=AT_ONCE))
            two = sum(await cpu(pair, both, request))
            if number == 0:
                continue  # warmed up
            rounds.add("one process", "CPU of a request", "µs", one / REQUESTS * 1e6)
            rounds.add("two processes", "CPU of a request", "µs", two / REQUESTS * 1e6)
            rounds.add("two processes", "CPU against one", "×", two / one)
        shares = [max(each) / sum(each) * 100 for each in [await cpu(pair, both, request) for _ in range(TRIES)]]
    for share in shares:
        rounds.add("two processes", "share of the busier", "%", share)
    rounds.add("two processes", "share in the worst try", "%", max(shares))


def workers(supervisor: Server) -> list[int]:
    """Return the processes of uvicorn's supervisor that serve."""
    started = [pid for pid in children(supervisor.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    if len(started) != 2:
        raise RuntimeError(f"uvicorn has {len(started)} workers in place of 2")
    return started


async def cpu(server: Server, pids: Sequence[int], request: Request, *, at_once: int = CONNECTIONS) -> list[float]:
    """Make requests, and return the CPU seconds of each process."""
    before = list(map(cpu_seconds, pids))
    await repeat(server, request, REQUESTS, at_once=at_once)
    return [cpu_seconds(pid) - seconds for pid, seconds in zip(pids, before, strict=True)]
