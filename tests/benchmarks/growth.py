"""Cost of calls as data grows: inboxes of up to 10,000 groups, logs of up to a million messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final
from uuid import UUID, uuid4

from app.cli.capacity.service_metrics import Operation, read_metrics
from app.gateways.dynamodb.operator import open_operated_table
from tests.benchmarks.figures import Figure, Rounds, say
from tests.benchmarks.load import RequestFailed, connections
from tests.benchmarks.options import Options
from tests.benchmarks.processes import Server, cpu_seconds
from tests.benchmarks.world import (
    TEXT,
    Account,
    World,
    new_users,
    open_world,
    serve,
    write_group,
    write_rows,
    write_users,
)

INBOXES: Final = (20, 200, 2_000, 10_000)
LOGS: Final = (100, 10_000, 100_000)
LONGEST_LOG: Final = 1_000_000
LAST_NUMBER: Final = 1_000
"""The last message of each group of the inboxes, whose logs are not written: read markers need the rows only."""
REQUESTS: Final = 30

FAR: Final = 250
"""Messages between an old `after` and the end of the log, and those that are sent meanwhile."""

Make = Callable[[], bytes]
"""Returns the next request."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose cost may grow: its operation, its requests, and requests to make before each of them.

    Its CPU is compared with that of the call `base` of the same size, or with its own of the smallest size.
    """

    name: str
    operation: str
    make: Make
    make_change: Make | None = None
    base: str | None = None


async def measure(options: Options) -> list[Figure]:
    """Return the cost of an inbox page, of the counter after a change, of a page of a log and of a send, by size."""
    rounds = Rounds()
    async with open_world() as world:
        calls = {f"{size:,} groups": inbox_calls(*await write_inbox_rows(world, size)) for size in INBOXES}
        for size in (*LOGS, LONGEST_LOG) if options.is_long else LOGS:
            calls[f"{size:,} messages"] = log_calls(*await write_log(world, size), size)
        async with serve(world) as server:
            for number in range(1 + options.rounds):
                await add_round(rounds if number else Rounds(), server, calls)  # the first one warms up
                say(f"  round {number} of {options.rounds}" if number else "  warmed up")
    return rounds.figures()


async def write_inbox_rows(world: World, size: int) -> tuple[Account, UUID]:
    """Write a user with rows of so many groups; return the user and the newest group."""
    say(f"  writing an inbox of {size:,} groups")
    owner, *peers = new_users(1 + size)
    groups = await write_rows(world, owner, peers, last=LAST_NUMBER)
    return world.account(owner), groups[0]


async def write_log(world: World, size: int) -> tuple[Account, UUID]:
    """Write two users with a group of so many messages; return a user and the group."""
    say(f"  writing a log of {size:,} messages")
    writer, peer = new_users(2)
    await write_users(world, [writer, peer])
    async with open_operated_table(world.settings) as table:
        return world.account(writer), await write_group(table, writer, peer, 0, size)


def inbox_calls(owner: Account, group: UUID) -> list[Call]:
    """Return the calls whose cost may grow with the number of groups."""
    numbers = iter(range(1, LAST_NUMBER + 1))

    def mark_read() -> bytes:
        return owner.request("PUT", f"/api/message_groups/{group}/read", {"number": next(numbers)})

    page, counter = owner.request("GET", "/api/message_groups?limit=20"), owner.request("GET", "/api/messages/counter")
    return [
        Call("inbox page", "list_message_groups", lambda: page),
        Call("counter after a change", "count_unread_groups", lambda: counter, mark_read),
    ]


def log_calls(writer: Account, group: UUID, size: int) -> list[Call]:
    """Return the calls whose cost may grow with the number of messages."""
    ends = count(size)

    def send(**more: object) -> bytes:
        body = {"message_group_uuid": str(group), "message": TEXT, "uuid": str(uuid4())}
        return writer.request("POST", "/api/messages", body | more)

    page = writer.request("GET", f"/api/messages/{group}?limit=20")
    return [
        Call("newest 20", "list_messages", lambda: page),
        Call("send", "send_message", send),
        Call("send with after 0", "send_message", lambda: send(after=0), base="send"),
        Call("send with an old after", "send_message", lambda: send(after=max(0, next(ends) - FAR)), base="send"),
    ]


async def add_round(rounds: Rounds, server: Server, calls: Mapping[str, list[Call]]) -> None:
    """Measure each call, and compare its CPU with its base's."""
    known: dict[tuple[str, str], float] = {}
    smallest: dict[str, str] = {}
    for size, each_of in calls.items():
        for call in each_of:
            subject = f"{call.name}, {size}"
            try:
                cpu, units = await cost(server, call)
            except RequestFailed as failure:
                say(f"  {subject}: {failure}")
                continue
            rounds.add(subject, "CPU", "µs", cpu * 1e6)
            rounds.add(subject, "units", "RCU", units)
            known[call.name, size] = cpu
            base = (call.base, size) if call.base else (call.name, smallest.setdefault(call.name, size))
            if base in known and base != (call.name, size):
                rounds.add(subject, f"CPU against {call.base or 'the smallest'}", "×", cpu / known[base])


async def cost(server: Server, call: Call) -> tuple[float, float]:
    """Return the CPU seconds and the read units of one call, without those of the changes before.

    A refusal is an answer too: a send with an `after` that is too old may get one.
    """
    seconds, before = 0.0, await metrics(server, call.operation)
    async with connections(server.address, 1) as (connection,):
        for _ in range(REQUESTS):
            if call.make_change:
                await connection.ask(call.make_change())
            started = cpu_seconds(server.pid)
            try:
                await connection.ask(call.make())
            except RequestFailed as failure:
                if failure.status not in range(400, 500):
                    raise
            seconds += cpu_seconds(server.pid) - started
    units = (await metrics(server, call.operation)).read_units - before.read_units
    return seconds / REQUESTS, units / REQUESTS


async def metrics(server: Server, operation: str) -> Operation:
    """Return the counters of an operation so far."""
    return (await read_metrics([server.address], token=None)).operations.get(operation, Operation())
