"""Measures the cost of an attacker to others and to the operator: bystanders' calls under each attack, and units.

The attacker is one account, or a socket without one, in a process of its own at a low priority (attacker.py). It makes
up to 400 calls a second, or keeps up to 300 connections. The bystanders are many accounts, none of which meets a limit,
at another address. A round of each kind measures them alone, then from the begin of the attack on, and then counts the
units of the attack without them: by then it has used up what an account may do at once.
"""

import asyncio
import json
import re
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Final

import aiohttp

from app.cli.capacity.pricing import DAY_SECONDS, MONTH_HOURS, Prices
from app.gateways.dynamodb.operator import OperatedTable, open_operated_table
from app.messaging import inbox_items
from app.messaging.models import direct_group_uuid
from app.users.models import NewUser
from tests.benchmarks.attacker import KINDS, NUISANCES, Means
from tests.benchmarks.figures import Figure, Rounds, say
from tests.benchmarks.load import RequestFailed, connections, request_bytes
from tests.benchmarks.options import Options
from tests.benchmarks.processes import Server
from tests.benchmarks.streams import open_stream
from tests.benchmarks.world import (
    TEXT,
    Account,
    World,
    message,
    new_users,
    open_world,
    serve_app,
    write_group,
    write_users,
)

PAIRS: Final = 60
TARGETS: Final = 20
"""Bystanders with an event stream. Each attacker has a group with each of them."""
BYSTANDER_ADDRESS: Final = "127.0.0.2"
STEPS_A_SECOND: Final = 20
"""Sends, each followed by a read, of all bystanders."""
PHASE_SECONDS: Final = 8.0
COUNTED_SECONDS: Final = 4.0
ATTACK_SECONDS: Final = PHASE_SECONDS + COUNTED_SECONDS + 1
SPENDING_SECONDS: Final = {"large inbox": 15.0, "syncs": 60.0}
"""The more seconds that an account needs to use up what it may do at once, where other limits hold it back."""
CALM_SECONDS: Final = 2.0
"""The pause after an attack, so that the next begins with a service that has nothing left to do."""
FAILED_SECONDS: Final = 10.0
"""The duration that a failed call counts with."""
LOG: Final = 2_000
INBOX: Final = 2_125
STRANGERS: Final = 4_000
UNITS: Final = re.compile(r"^cruddur_dynamodb_(read|write)_units_total\{.*\} ([0-9.e+]+)$", re.MULTILINE)


@dataclass(slots=True)
class Seen:
    """The seconds of the bystanders' sends and reads."""

    send: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bystanders:
    """Pairs of users, and the requests of each: a send to its group, and a read of its newest messages."""

    pairs: Sequence[tuple[Account, Account]]

    async def write(self, table: OperatedTable) -> None:
        for one, other in self.pairs:
            await write_group(table, one.user, other.user, 0, messages=TARGETS)

    def requests(self, step: int) -> tuple[bytes, bytes]:
        one, other = self.pairs[step % len(self.pairs)][:: 1 if step // len(self.pairs) % 2 else -1]
        group = direct_group_uuid(one.user.uuid, other.user.uuid)
        body = {"message_group_uuid": str(group), "message": TEXT}
        return one.request("POST", "/api/messages", body), other.request("GET", f"/api/messages/{group}?limit=20")

    async def observe(self, address: str, seconds: float) -> Seen:
        """Make a step at each tick, whether or not the earlier ones are answered, and measure from the tick on."""
        seen, steps = Seen(), list[asyncio.Task[None]]()
        for step in range(int(seconds * STEPS_A_SECOND)):
            steps.append(asyncio.create_task(self._step(address, step, seen)))
            await asyncio.sleep(1 / STEPS_A_SECOND)
        await asyncio.gather(*steps)
        return seen

    async def _step(self, address: str, step: int, seen: Seen) -> None:
        for request, seconds in zip(self.requests(step), (seen.send, seen.read), strict=True):
            seconds.append(await duration(address, request))


async def duration(address: str, request: bytes) -> float:
    """Return the seconds of a call on a connection of its own."""
    started = time.perf_counter()
    try:
        async with connections(address, 1, source=BYSTANDER_ADDRESS) as (connection,):
            await connection.ask(request)
    except (OSError, RequestFailed):
        return FAILED_SECONDS
    return time.perf_counter() - started


async def measure(options: Options) -> list[Figure]:
    """Return for each attack what bystanders see, what the attacker gets, and what it costs."""
    rounds = Rounds()
    async with open_world(with_valkey=options.with_valkey) as world:
        bystanders, attackers = await write_users_and_groups(world)
        async with serve_app(world) as server, watched(server, bystanders):
            await bystanders.observe(server.address, PHASE_SECONDS)
            count = ceil(options.rounds / 3)  # a round takes six minutes
            for number in range(count):
                for kind, means in attackers.items():
                    say(f"  round {number + 1} of {count}: {kind}")
                    await add_round(rounds, kind, server, bystanders, means)
    return rounds.figures()


async def write_users_and_groups(world: World) -> tuple[Bystanders, Mapping[str, Means]]:
    """Write the bystanders, and for each kind of attack an account with its groups."""
    users, strangers = new_users(2 * PAIRS), new_users(STRANGERS)
    await write_users(world, [*users, *strangers])
    accounts = list(map(world.account, users))
    bystanders = Bystanders(list(zip(accounts[::2], accounts[1::2], strict=True)))
    targets = users[: 2 * TARGETS : 2]
    async with open_operated_table(world.settings) as table:
        await bystanders.write(table)
        means = {kind: await write_attacker(world, table, kind, targets, strangers) for kind in KINDS}
    return bystanders, means


async def write_attacker(
    world: World, table: OperatedTable, kind: str, targets: Sequence[NewUser], strangers: Sequence[NewUser]
) -> Means:
    (attacker,) = new_users(1)
    await write_users(world, [attacker])
    groups = [
        await write_group(table, attacker, peer, 0, messages=LOG if kind == "after 0" and not at else 1)
        for at, peer in enumerate(targets)
    ]
    if kind in {"large inbox", "syncs"}:
        await write_large_inbox(table, attacker, strangers[:INBOX])
    return Means(world.account(attacker).token, list(map(str, groups)), [user.handle for user in strangers])


async def write_large_inbox(table: OperatedTable, owner: NewUser, peers: Sequence[NewUser]) -> None:
    """Write the owner's rows of groups that were all active at the same time."""
    now, rows = datetime.now(UTC), []
    for peer in peers:
        newest = message(direct_group_uuid(owner.uuid, peer.uuid), 1, peer, now)
        rows.append(inbox_items.first_inbox_row(newest, user=owner.uuid, peer=peer.uuid))
    await table.put_all(list(map(inbox_items.inbox_item, rows)))


@asynccontextmanager
async def watched(server: Server, bystanders: Bystanders) -> AsyncIterator[None]:
    """Read an event stream of each target."""
    connector = aiohttp.TCPConnector(limit=0, local_addr=(BYSTANDER_ADDRESS, 0))
    async with AsyncExitStack() as stack:
        session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        await stack.enter_async_context(session)
        readers = [asyncio.create_task(watch(session, server, one)) for one, _ in bystanders.pairs[:TARGETS]]
        try:
            yield
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.wait(readers)


async def watch(session: aiohttp.ClientSession, server: Server, account: Account) -> None:
    """Read a stream, and open it again a second after its end."""
    while True:
        try:
            async with open_stream(session, server, account) as stream:
                async for _ in stream.content.iter_any():
                    pass
        except (aiohttp.ClientError, RuntimeError):
            pass
        await asyncio.sleep(1)


async def add_round(rounds: Rounds, kind: str, server: Server, bystanders: Bystanders, means: Means) -> None:
    """Measure the bystanders alone, then under the attack, and the units while the attack goes on without them."""
    await asyncio.sleep(CALM_SECONDS)
    alone = await bystanders.observe(server.address, PHASE_SECONDS)
    spending = SPENDING_SECONDS.get(kind, 0)
    attack_seconds = ATTACK_SECONDS + spending
    program = (sys.executable, "-m", "tests.benchmarks.attacker", server.address, kind, str(attack_seconds))
    attacker = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE)
    await begin(attacker, means)
    add_seen(rounds, kind, alone, await bystanders.observe(server.address, PHASE_SECONDS))
    await asyncio.sleep(spending)
    before, started = await units(server), time.monotonic()
    await asyncio.sleep(COUNTED_SECONDS)
    after, seconds = await units(server), time.monotonic() - started
    add_outcomes(rounds, kind, await outcomes(attacker), attack_seconds)
    add_cost(rounds, kind, *((late - early) / seconds for early, late in zip(before, after, strict=True)))


async def begin(attacker: Process, means: Means) -> None:
    """Start the attack."""
    assert attacker.stdin
    assert attacker.stdout
    attacker.stdin.write(json.dumps(asdict(means)).encode())
    attacker.stdin.close()
    await attacker.stdout.readline()


async def outcomes(attacker: Process) -> Mapping[str, int]:
    """Wait for the end of the attack, and return how many calls or connections had which outcome."""
    assert attacker.stdout
    counted: Mapping[str, int] = json.loads(await attacker.stdout.readline())
    await attacker.wait()
    return counted


def add_seen(rounds: Rounds, kind: str, alone: Seen, attacked: Seen) -> None:
    """Add the median and the 99th percentile of the bystanders' calls, and how the latter compare."""
    for call in ("send", "read"):
        p99 = [
            add_call(rounds, kind, f"{call} {side}", getattr(seen, call))
            for side, seen in (("alone", alone), ("attacked", attacked))
        ]
        rounds.add(kind, f"{call}, p99 against alone", "×", p99[1] / p99[0])
    calls = attacked.send + attacked.read
    rounds.add(kind, "bystanders' calls served", "%", 100 * (1 - calls.count(FAILED_SECONDS) / len(calls)))


def add_call(rounds: Rounds, kind: str, name: str, seconds: Sequence[float]) -> float:
    """Add the median of a call, and add and return its 99th percentile."""
    ordered = sorted(seconds)
    rounds.add(kind, f"{name}, median", "ms", ordered[len(ordered) // 2] * 1e3)
    return rounds.add(kind, f"{name}, p99", "ms", ordered[int(0.99 * len(ordered))] * 1e3)


def add_outcomes(rounds: Rounds, kind: str, counted: Mapping[str, int], seconds: float) -> None:
    """Add how fast the attacker was, and which part of its calls was served."""
    name = "connections" if kind in NUISANCES else "calls"
    total = counted.get("connections", 0) if kind in NUISANCES else sum(counted.values())
    served = total - counted.get("closed by the server", 0) if kind in NUISANCES else counted.get("200", 0)
    rounds.add(kind, f"attacker's {name}", "/s", total / seconds)
    rounds.add(kind, "of them served", "%", 100 * served / max(1, total))


def add_cost(rounds: Rounds, kind: str, reads: float, writes: float) -> None:
    """Add the units a second, and their price on demand if the attack goes on for a day and for a month."""
    rounds.add(kind, "reads", "RCU/s", reads)
    rounds.add(kind, "writes", "WCU/s", writes)
    for name, seconds in (("day", DAY_SECONDS), ("month", MONTH_HOURS * 3_600)):
        rounds.add(kind, f"cost of a {name}", "$", Prices().requests(reads=reads * seconds, writes=writes * seconds))


async def units(server: Server) -> tuple[float, float]:
    """Return the read and the write units of the process so far, from its counters."""
    async with connections(server.address, 1, source=BYSTANDER_ADDRESS) as (connection,):
        text = (await connection.ask(request_bytes("GET", "/metrics", {}))).decode()
    found = UNITS.findall(text)
    reads, writes = (sum(float(value) for of, value in found if of == kind) for kind in ("read", "write"))
    return reads, writes
