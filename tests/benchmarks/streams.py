"""Memory and CPU that event streams take of one process, and the delay of a message to a stream."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from tests.benchmarks.figures import Figure, Rounds, say
from tests.benchmarks.load import Connection, connections
from tests.benchmarks.options import Options
from tests.benchmarks.processes import Server, cpu_seconds, resident_bytes
from tests.benchmarks.world import TEXT, Account, new_users, open_world, serve, write_inbox, write_users

COUNTS = (0, 500, 1_000)
STREAMS_OF_A_USER = 10
MESSAGES = 50
REST_SECONDS = 10


async def measure(options: Options) -> list[Figure]:
    """Return the memory, the CPU at rest and the delay of a message, with no other streams and with many."""
    rounds = Rounds()
    async with open_world(with_valkey=options.with_valkey) as world:
        users = new_users(2 + max(COUNTS) // STREAMS_OF_A_USER)
        (group,) = await write_inbox(world, users[0], users[1:2])
        await write_users(world, users[2:])
        sender, receiver, *others = map(world.account, users)
        body = {"message_group_uuid": str(group), "message": TEXT}
        for count in COUNTS:
            say(f"  {count} streams")
            async with serve(world) as server, open_session() as session:
                before = await warm_up(server, [receiver, *others])
                async with open_streams(session, server, others, count), open_stream(session, server, receiver) as own:
                    rounds.add(f"{count:,} streams", "memory", "MB", (resident_bytes(server.pid) - before) / 1e6)
                    rounds.add(f"{count:,} streams", "CPU at rest", "%", await percent_at_rest(server.pid))
                    async with connections(server.address, 1) as (connection,):
                        for _ in range(MESSAGES):
                            request = sender.request("POST", "/api/messages", body)
                            rounds.add(f"{count:,} streams", "delay", "ms", await delay(connection, request, own))
    return rounds.figures()


async def warm_up(server: Server, accounts: list[Account]) -> int:
    """Make a request of each user, and return the resident bytes after that."""
    async with connections(server.address, 1) as (connection,):
        for account in accounts:
            await connection.ask(account.request("GET", "/api/message_groups"))
    return resident_bytes(server.pid)


def open_session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))


@asynccontextmanager
async def open_streams(
    session: aiohttp.ClientSession, server: Server, accounts: list[Account], count: int
) -> AsyncIterator[None]:
    """Open streams of these users in turns."""
    async with AsyncExitStack() as stack:
        for number in range(count):
            await stack.enter_async_context(open_stream(session, server, accounts[number % len(accounts)]))
        yield


@asynccontextmanager
async def open_stream(
    session: aiohttp.ClientSession, server: Server, account: Account
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Open a stream of events, and read its first."""
    async with session.get(f"{server.address}/api/events", headers=account.headers) as response:
        await next_event(response)
        yield response


async def next_event(response: aiohttp.ClientResponse) -> bytes:
    """Return the data of the next event."""
    async for line in response.content:
        if line.startswith(b"data: "):
            return line
    raise RuntimeError("the stream has ended")


async def percent_at_rest(pid: int) -> float:
    """Return the share of a core that a process takes while nothing is asked of it."""
    before = cpu_seconds(pid)
    await asyncio.sleep(REST_SECONDS)
    return (cpu_seconds(pid) - before) / REST_SECONDS * 100


async def delay(connection: Connection, request: bytes, stream: aiohttp.ClientResponse) -> float:
    """Return the milliseconds from a send to the arrival of its event."""
    started = time.perf_counter()
    sending = asyncio.create_task(connection.ask(request))
    await next_event(stream)
    arrived = time.perf_counter()
    await sending
    return (arrived - started) * 1e3
