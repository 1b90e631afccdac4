"""Memory and CPU that event streams take of one process, and the delay of a message to a stream.

    .venv/bin/python -m tests.benchmarks.streams [--valkey] [--streams 1000]

Memory is resident memory of the process after the streams were opened, less what it was before. The way is from the
call's begin to the event's arrival at the receiver, while all streams are open; the median of 50, one after the other.
"""

import argparse
import asyncio
import json
import secrets
import signal
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from app.auth.issuer import LocalIssuer
from app.settings import Settings
from tests.benchmarks.http import cpu_seconds
from tests.benchmarks.world import Visitor, run
from tests.tools.servers import Server

PEOPLE = 100
MESSAGES = 50
REST = 20


def memory(pid: int) -> int:
    """Resident bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Return the lines of the stream."""
    async for line in response.content:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


async def measure(settings: Settings, issuer: LocalIssuer, *, count: int) -> None:
    async with AsyncExitStack() as stack:
        server = Server(settings)
        await server.start()
        stack.push_async_callback(server.stop, signal.SIGKILL)
        assert server.process
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None))
        )
        people = [f"person_{secrets.token_hex(4)}" for _ in range(PEOPLE)]
        tokens = [issuer.token(handle, time.time()) for handle in people]
        visitors = [Visitor(session, server.address, token) for token in tokens]
        for visitor, handle in zip(visitors, people, strict=True):
            await visitor.register(handle)
            await visitor.ask("GET", "/api/message_groups")
        before = memory(server.process.pid)
        responses = []
        for n in range(count):
            headers = {"authorization": f"Bearer {tokens[n % PEOPLE]}"}
            responses.append(await session.get(f"{server.address}/api/events", headers=headers))
            await anext(events(responses[-1]))
        more = memory(server.process.pid) - before
        print(f"{count} streams: {more / 1e6:.1f} MB more, {more / count / 1e3:.1f} kB each")
        idle = cpu_seconds(server.process.pid)
        await asyncio.sleep(REST)
        print(f"at rest: {(cpu_seconds(server.process.pid) - idle) / REST:.1%} of a core")
        ways = [await way(visitors[0], people[1], responses[1]) for _ in range(MESSAGES)]
        print(f"a message is on its way for {statistics.median(ways) * 1e3:.1f} ms")


async def way(sender: Visitor, to: str, response: aiohttp.ClientResponse) -> float:
    """Seconds from the send to its arrival."""
    started = time.perf_counter()
    _, event = await asyncio.gather(sender.send(to), anext(events(response)))
    assert event["type"] == "message"
    return time.perf_counter() - started


def main() -> None:
    """Measure on engines of our own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--valkey", action="store_true")
    parser.add_argument("--streams", type=int, default=1_000)
    options = parser.parse_args()

    async def measured(settings: Settings, issuer: LocalIssuer) -> None:
        await measure(settings, issuer, count=options.streams)

    run(measured, with_valkey=options.valkey)


if __name__ == "__main__":
    main()
