"""Cost of groups of several members against direct groups: sends, and inboxes of which half are of several."""

import statistics
import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid4

from app.cli.capacity.service_metrics import Operation, read_metrics
from app.concurrency import TaskSet
from app.gateways.dynamodb.operator import open_operated_table
from app.limits import NO_LIMITS
from app.messaging.groups.creation import Creation, Invitations
from app.messaging.groups.models import GroupDraft
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.users.models import NewUser
from app.users.suspensions import NO_SUSPENSIONS
from tests.benchmarks.figures import Figure, Rounds, say
from tests.benchmarks.load import connections
from tests.benchmarks.options import Options
from tests.benchmarks.processes import Server, cpu_seconds
from tests.benchmarks.world import TEXT, Account, World, new_users, open_world, serve, write_inbox, write_users
from tests.tools.processes import DIRECTORY

MEMBERS: Final = (10, 100)
INBOXES: Final = (20, 50, 100)
REQUESTS: Final = 25


async def measure(options: Options) -> list[Figure]:
    """Return time, CPU and units of a send by the number of members, and of an inbox page by its groups."""
    rounds = Rounds()
    async with open_world() as world:
        sends = {"direct": await write_direct(world)}
        for members in MEMBERS:
            sends[f"{members} members"] = await write_group_of(world, members)
        inboxes = {(size, mix): await write_mixed(world, size, mix) for size in INBOXES for mix in (False, True)}
        async with serve(world) as server:
            for number in range(1 + options.rounds):
                kept = rounds if number else Rounds()  # the first one warms up
                await add_sends(kept, server, sends)
                await add_inboxes(kept, server, inboxes)
                say(f"  round {number} of {options.rounds}" if number else "  warmed up")
    return rounds.figures()


async def write_direct(world: World) -> tuple[Account, UUID]:
    """Write a direct group; return a member and the group."""
    owner, peer = new_users(2)
    (group,) = await write_inbox(world, owner, [peer])
    return world.account(owner), group


async def write_group_of(world: World, members: int) -> tuple[Account, UUID]:
    """Write a group of so many members; return its owner and the group."""
    owner, *others = new_users(members)
    await write_users(world, [owner, *others])
    (group,) = await create_groups(world, owner, [others])
    return world.account(owner), group


async def write_mixed(world: World, size: int, is_mixed: bool) -> Account:  # a key of its table
    """Write an inbox of so many groups, all of them direct or half of them of three members; return its user."""
    owner, *peers = new_users(1 + size)
    direct = size // 2 if is_mixed else size
    await write_inbox(world, owner, peers[:direct])
    rest = peers[direct:]
    await write_users(world, rest)
    await create_groups(world, owner, [[peer, peers[0]] for peer in rest])
    return world.account(owner)


async def create_groups(world: World, owner: NewUser, groups: Sequence[Sequence[NewUser]]) -> list[UUID]:
    """Create groups of the owner and others by the service's own rules; return their ids."""
    tasks = TaskSet()
    async with open_operated_table(world.settings) as table:
        store = MessagingStore(table)
        messaging = Messaging(store, DIRECTORY, message_max_length=1024, tasks=tasks)
        invitations = Invitations(store, NO_LIMITS, NO_SUSPENSIONS)
        creation = Creation(messaging, store, invitations, max_members=100, tasks=tasks)
        drafts = [GroupDraft(owner.uuid, "Group", tuple(o.uuid for o in others), uuid4()) for others in groups]
        return [(await creation.create(draft)).group_uuid for draft in drafts]


async def add_sends(rounds: Rounds, server: Server, sends: dict[str, tuple[Account, UUID]]) -> None:
    """Measure sends to each group, and compare them with those to the direct one."""
    known: dict[str, tuple[float, float]] = {}
    for name, (sender, group) in sends.items():
        before, times = await metrics(server, "send_message"), list[float]()
        cpu = cpu_seconds(server.pid)
        async with connections(server.address, 1) as (connection,):
            for _ in range(REQUESTS):
                body = {"message_group_uuid": str(group), "message": TEXT, "uuid": str(uuid4())}
                request = sender.request("POST", "/api/messages", body)
                started = time.perf_counter()
                await connection.ask(request)
                times.append(time.perf_counter() - started)
        cpu = (cpu_seconds(server.pid) - cpu) / REQUESTS
        after, seconds = await metrics(server, "send_message"), statistics.median(times)
        rounds.add(f"send, {name}", "time", "ms", seconds * 1e3)
        rounds.add(f"send, {name}", "CPU", "µs", cpu * 1e6)
        rounds.add(f"send, {name}", "units", "WCU", (after.write_units - before.write_units) / REQUESTS)
        known[name] = seconds, cpu
        if name != "direct":
            rounds.add(f"send, {name}", "time against direct", "×", seconds / known["direct"][0])
            rounds.add(f"send, {name}", "CPU against direct", "×", cpu / known["direct"][1])


async def add_inboxes(rounds: Rounds, server: Server, inboxes: dict[tuple[int, bool], Account]) -> None:
    """Measure the first page of 20 of each inbox, and compare those with groups of several with those without."""
    known: dict[int, float] = {}
    for (size, is_mixed), owner in inboxes.items():
        name = f"inbox of {size}{', half of several' if is_mixed else ''}"
        page, before = (
            owner.request("GET", "/api/message_groups?limit=20"),
            await metrics(server, "list_message_groups"),
        )
        cpu = cpu_seconds(server.pid)
        async with connections(server.address, 1) as (connection,):
            for _ in range(REQUESTS):
                await connection.ask(page)
        cpu = (cpu_seconds(server.pid) - cpu) / REQUESTS
        after = await metrics(server, "list_message_groups")
        rounds.add(name, "CPU", "µs", cpu * 1e6)
        rounds.add(name, "units", "RCU", (after.read_units - before.read_units) / REQUESTS)
        if is_mixed:
            rounds.add(name, "CPU against direct", "×", cpu / known[size])
        known[size] = cpu


async def metrics(server: Server, operation: str) -> Operation:
    """Return the counters of an operation so far."""
    return (await read_metrics([server.address], token=None)).operations.get(operation, Operation())
