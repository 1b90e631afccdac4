"""An export to a client that does not read: it holds little, ends, and makes room for the next one."""

import asyncio
import json
import signal
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from app.messaging import items
from app.messaging.clock import now
from app.messaging.models import Message
from app.settings import Settings
from tests.fixtures.app import Person, Service
from tests.realtime.test_live_processes import connect
from tests.tools.servers import Server

MESSAGES, LENGTH = 600, 1_000
HELD_BYTES = 300_000
"""More than waits for a client in the process and in the kernels of both sides."""


async def fill(service: Service, ann: Person, bob: Person) -> None:
    """Write a log as sends do, without the sends."""
    first = await ann.sent("1", bob)
    message = Message(ann.group_with(bob), first["number"], uuid4(), ann.uuid, "x" * LENGTH, now())
    for begin in range(2, MESSAGES + 1, 50):
        numbers = range(begin, min(begin + 50, MESSAGES + 1))
        puts = [items.new_message(replace(message, number=number, uuid=uuid4())) for number in numbers]
        await asyncio.gather(*map(service.state["table"].put, puts))


async def received(port: int, token: str, *, seconds: float) -> bytes:
    """Ask for an export, read nothing for this long, and return what then comes until the connection ends."""
    loop, found = asyncio.get_running_loop(), b""
    async with connect(port, size=4096) as connection, asyncio.timeout(seconds + 60):
        head = f"GET /api/users/me/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        await loop.sock_sendall(connection, head.encode())
        await asyncio.sleep(seconds)
        with suppress(ConnectionError):
            while data := await loop.sock_recv(connection, 65_536):
                found += data
                if found.endswith(b"0\r\n\r\n"):
                    break
    return found


@pytest.mark.parametrize("is_stalled", [True, False])
async def test_a_client_that_does_not_read_is_disconnected_and_a_slow_one_gets_all(
    service: Service, settings: Settings, ann: Person, bob: Person, is_stalled: bool
) -> None:
    await fill(service, ann, bob)
    server = Server(settings, constants={"app.http.protocol.READ_SECONDS": 2})
    await server.start()
    try:
        found = await received(server.port, ann.token, seconds=7 if is_stalled else 0.5)
        assert found.startswith(b"HTTP/1.1 200 OK")
        assert found.endswith(b"0\r\n\r\n") is not is_stalled
        assert (len(found) < HELD_BYTES) is is_stalled
        async with httpx.AsyncClient(
            base_url=server.address, headers={"authorization": f"Bearer {ann.token}"}, trust_env=False, timeout=60
        ) as client:
            whole = await client.get("/api/users/me/export")
        end = json.loads(whole.text.splitlines()[-1])
        assert end == {"type": "end", "groups": 1, "messages": MESSAGES, "edits": 0}
    finally:
        await server.stop(signal.SIGKILL)
