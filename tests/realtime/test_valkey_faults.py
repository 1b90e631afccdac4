"""A Valkey that answers and is of no use: a replica, a full one, an account without a permission."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from app.settings import Settings
from tests.fixtures.engines import running_valkey
from tests.tools.servers import Server

SECONDS = 30
Commands = Sequence[tuple[str, ...]]
FAULTS: dict[str, tuple[Commands, Commands, str]] = {
    "replica": ([("REPLICAOF", "127.0.0.1", "1")], [("REPLICAOF", "NO", "ONE")], "replica"),
    "full": (
        [("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1")],
        [("CONFIG", "SET", "maxmemory", "64mb")],
        "maxmemory-policy",
    ),
    "command": ([("ACL", "SETUSER", "default", "-zadd")], [("ACL", "SETUSER", "default", "+zadd")], "grant"),
    "key": (
        [("ACL", "SETUSER", "default", "resetkeys", "~cache:*")],
        [("ACL", "SETUSER", "default", "allkeys")],
        "grant",
    ),
    "channel": (
        [("ACL", "SETUSER", "default", "resetchannels")],
        [("ACL", "SETUSER", "default", "allchannels")],
        "grant",
    ),
    "subscribing": (
        [("ACL", "SETUSER", "default", "-ssubscribe"), ("CLIENT", "KILL", "TYPE", "pubsub")],
        [("ACL", "SETUSER", "default", "+ssubscribe")],
        "grant",
    ),
}
"""Commands that break Valkey, commands that mend it, and a word of the remedy."""


async def readiness(client: httpx.AsyncClient) -> tuple[int, str, str]:
    """Return the status, and the states of all and of Valkey."""
    answer = await client.get("/readyz")
    states = {each["name"]: each["state"] for each in answer.json()["dependencies"]}
    return answer.status_code, answer.json()["status"], states["valkey"]


async def becomes(client: httpx.AsyncClient, expected: tuple[int, str, str], kind: str) -> None:
    ends = time.monotonic() + SECONDS
    while (found := await readiness(client)) != expected:
        assert time.monotonic() < ends, (kind, found)
        await asyncio.sleep(0.2)


@pytest.mark.usefixtures("issuer")  # its keys are served
async def test_a_useless_valkey_is_seen_and_recovers_by_itself(settings: Settings) -> None:
    """Each kind has a service and a Valkey of its own, and all are waited for at the same time."""
    await asyncio.gather(*(is_seen_and_recovers(settings, kind) for kind in FAULTS))


async def is_seen_and_recovers(settings: Settings, kind: str) -> None:
    break_it, mend_it, remedy = FAULTS[kind]
    with running_valkey() as engine:
        live = settings.model_copy(update={"valkey_url": SecretStr(engine.address)})
        server = Server(live, variables={"LOG_LEVEL": "WARNING"}, stderr=asyncio.subprocess.PIPE)
        async with admin_of(engine.address) as admin, httpx.AsyncClient(base_url=server.address, timeout=60) as client:
            await server.start()
            try:
                await becomes(client, (200, "ok", "ok"), kind)
                for command in break_it:
                    await admin.execute_command(*command)
                await becomes(client, (200, "degraded", "down"), kind)
                assert "cruddur_valkey_up 0.0" in (await client.get("/metrics")).text
                for command in mend_it:
                    await admin.execute_command(*command)
                await becomes(client, (200, "ok", "ok"), kind)
                assert "cruddur_valkey_up 1.0" in (await client.get("/metrics")).text
            finally:
                await server.stop(signal.SIGTERM)
    assert server.process
    assert server.process.stderr
    lines = [json.loads(line) for line in (await server.process.stderr.read()).splitlines()]
    told = [line for line in lines if remedy in line.get("remedy", "")]
    assert 1 <= len(told) <= 3, f"{kind}: one line of each connection, not one for each attempt"


@asynccontextmanager
async def admin_of(url: str) -> AsyncIterator[Any]:
    async with Redis.from_url(url, protocol=2) as admin:
        yield admin
