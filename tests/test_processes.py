"""Real server processes on the shared engines: killed in the middle of things, and stopped politely."""

import asyncio
import json
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest

from app.messaging.store import MessagingStore
from app.settings import Settings
from tests.fixtures.app import Person, Service


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A uvicorn process as the container starts it, which can be killed and started again on its port."""

    settings: Settings
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        arguments = ["--host", "127.0.0.1", "--port", str(self.port), "--timeout-graceful-shutdown", "10"]
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app", "--no-access-log", *arguments,
            env=environment(self.settings), stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with httpx.AsyncClient() as client, asyncio.timeout(20):
            while not await answers(client, self.address):  # noqa: ASYNC110  # another process has no event of ours
                await asyncio.sleep(0.05)

    async def stop(self, how: signal.Signals) -> int:
        """The exit code."""
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(how)
        async with asyncio.timeout(15):
            return await self.process.wait()


async def answers(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(f"{address}/healthz")).status_code == 200
    except httpx.TransportError:
        return False


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the environment of a process, which has nothing else."""
    return {
        "ENVIRONMENT": "test",
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "DYNAMODB_ENDPOINT_URL": str(settings.dynamodb_endpoint_url),
        "DYNAMODB_TABLE": settings.dynamodb_table,
        "COGNITO_ISSUER_URL": settings.cognito_issuer_url,
        "COGNITO_CLIENT_IDS": ",".join(settings.cognito_client_ids),
        "VALKEY_URL": settings.valkey_url.get_secret_value() if settings.valkey_url else "",
        "LOG_LEVEL": "ERROR",
    }


@asynccontextmanager
async def servers(settings: Settings, count: int) -> AsyncIterator[list[Server]]:
    started = [Server(settings) for _ in range(count)]
    await asyncio.gather(*(server.start() for server in started))
    try:
        yield started
    finally:
        await asyncio.gather(*(server.stop(signal.SIGKILL) for server in started))


@dataclass
class Sender:
    """A client that does as it should: the same uuid again, to any server, until there is an answer."""

    person: Person
    to: Person
    addresses: list[str]
    rng: random.Random
    answered: dict[str, int] = field(default_factory=dict)

    async def talk(self, count: int) -> None:
        headers = {"authorization": f"Bearer {self.person.token}"}
        async with httpx.AsyncClient(headers=headers, timeout=6) as client:
            last = 0
            for n in range(count):
                body = {"message": f"{n}", "handle": self.to.handle, "uuid": str(uuid4()), "after": last}
                last = self.answered[str(body["uuid"])] = await self._until_answered(client, body)

    async def _until_answered(self, client: httpx.AsyncClient, body: dict[str, object]) -> int:
        for _ in range(200):
            try:
                answer = await client.post(f"{self.rng.choice(self.addresses)}/api/messages", json=body)
                if answer.status_code == 200:
                    return int(answer.json()["number"])
                assert answer.status_code == 503, answer.text
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
        raise AssertionError("never answered")


@pytest.mark.parametrize("kills", [4])
async def test_killing_servers_loses_and_doubles_nothing(
    service: Service, settings: Settings, ann: Person, bob: Person, kills: int
) -> None:
    rng = random.Random(20)  # noqa: S311  # repeatable
    async with servers(settings, 2) as running:
        addresses = [server.address for server in running]
        pairs = [(ann, bob), (bob, ann)] * 4
        senders = [Sender(one, other, addresses, rng) for one, other in pairs]
        talking = asyncio.gather(*(sender.talk(60) for sender in senders))
        for kill in range(kills):
            await asyncio.sleep(rng.uniform(0.2, 0.6))
            victim = running[kill % 2]
            await victim.stop(signal.SIGKILL)
            await victim.start()
        await talking
    log = await MessagingStore(service.state["table"]).messages_after(ann.group_with(bob), 0)
    answered = {uuid: number for sender in senders for uuid, number in sender.answered.items()}
    assert [message.number for message in log] == list(range(1, len(log) + 1))
    assert len(log) == len(answered) == 480
    assert {str(message.uuid): message.number for message in log} == answered
    for person in (ann, bob):  # opening the group heals what a kill between commit and projection left
        assert (await person.numbers(ann.group_with(bob)))[-1] == len(log)
    await service.state["messaging"].drain(5)
    for person in (ann, bob):
        assert [row["last_number"] for row in await person.inbox()] == [len(log)]


async def request_on(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
    """The status line of the answer to what was written to a connection."""
    reader, writer = connection
    status = await reader.readline()
    await reader.read()
    writer.close()
    return status


async def test_a_polite_stop_fails_no_request(settings: Settings, ann: Person, bob: Person) -> None:
    async with servers(settings, 1) as (server,):
        connections = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(50)]
        for n, (_, writer) in enumerate(connections):
            body = json.dumps({"message": f"{n}", "handle": bob.handle})
            writer.write(
                f"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
                f"Authorization: Bearer {ann.token}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
        running = [asyncio.ensure_future(request_on(connection)) for connection in connections]
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)  # the server has read them all by now
        stopping = asyncio.ensure_future(server.stop(signal.SIGTERM))
        assert set(await asyncio.gather(*running)) == {b"HTTP/1.1 200 OK\r\n"}
        assert await stopping == -signal.SIGTERM  # uvicorn finishes, then passes the signal on to itself
    assert len(await ann.numbers(ann.group_with(bob), limit=100)) == 50
