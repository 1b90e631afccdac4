"""CPU of one service process per request, and requests per second, for the most frequent calls.

    .venv/bin/python -m tests.benchmarks.http
    .venv/bin/python -m tests.benchmarks.http --valkey    with a cache that processes share

The unit is one bare, unsigned aiohttp POST that is answered at once with 20 items, measured in the same run: times
differ between machines, ratios hardly. Medians of 5 rounds.
"""

import argparse
import asyncio
import os
import secrets
import signal
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from app.auth.issuer import LocalIssuer
from app.settings import Settings
from tests.benchmarks.dynamodb_client import ANSWER
from tests.benchmarks.world import Visitor, run
from tests.tools.servers import Server

ROUNDS = 5
REQUESTS = 300
AT_ONCE = 8
GROUPS = 21
TICKS = os.sysconf("SC_CLK_TCK")

Call = Callable[[], Awaitable[object]]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def rate(call: Call, pid: int) -> tuple[float, float]:
    """Requests per second, and CPU seconds of the process per request."""

    async def some() -> None:
        for _ in range(REQUESTS // AT_ONCE):
            await call()

    started, before = time.perf_counter(), cpu_seconds(pid)
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    count = REQUESTS // AT_ONCE * AT_ONCE
    return count / (time.perf_counter() - started), (cpu_seconds(pid) - before) / count


async def bare_call(session: aiohttp.ClientSession) -> float:
    """CPU seconds of our own process for one POST that another answers at once."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=ANSWER, content_type="application/json")

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"

    async def post() -> None:
        async with session.post(url, data=b"{}") as response:
            await response.json()

    _, both = await rate(post, os.getpid())
    await runner.cleanup()
    return both / 2  # the server is in the same process, and about as dear


async def populate(visitor: Visitor, session: aiohttp.ClientSession, address: str, issuer: LocalIssuer) -> str:
    """The visitor's inbox of 21 groups; the handle of the one with 40 messages."""
    handles = [f"peer_{secrets.token_hex(4)}" for _ in range(GROUPS)]
    for handle in handles:
        await Visitor(session, address, issuer.token(handle, time.time())).register(handle)
        await visitor.send(handle)
    for _ in range(40):
        await visitor.send(handles[0])
    return handles[0]


async def measure(settings: Settings, issuer: LocalIssuer) -> None:
    async with AsyncExitStack() as stack:
        server = Server(settings)
        await server.start()
        stack.push_async_callback(server.stop, signal.SIGKILL)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        visitor = Visitor(session, server.address, issuer.token("visitor", time.time()))
        await visitor.register(f"visitor_{secrets.token_hex(4)}")
        peer = await populate(visitor, session, server.address, issuer)
        inbox: Any = await visitor.ask("GET", "/api/message_groups")
        group = inbox[0]["uuid"]
        calls: dict[str, Call] = {
            "health check": lambda: visitor.ask("GET", "/api/health-check"),
            "20 messages": lambda: visitor.ask("GET", f"/api/messages/{group}?limit=20"),
            "inbox of 21": lambda: visitor.ask("GET", "/api/message_groups?limit=21"),
            "counter": lambda: visitor.ask("GET", "/api/messages/counter"),
            "send": lambda: visitor.send(peer),
        }
        assert server.process
        unit = statistics.median([await bare_call(session) for _ in range(ROUNDS)])
        print(f"unit: {unit * 1e6:.0f} µs for a bare call")
        for name, call in calls.items():
            rounds = [await rate(call, server.process.pid) for _ in range(ROUNDS + 1)][1:]
            per_second, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
            print(f"{name:14} {per_second:6.0f}/s  {cpu * 1e6:6.0f} µs CPU  {cpu / unit:5.1f} bare calls")


def main() -> None:
    """Measure on engines of our own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--valkey", action="store_true")
    run(measure, with_valkey=parser.parse_args().valkey)


if __name__ == "__main__":
    main()
