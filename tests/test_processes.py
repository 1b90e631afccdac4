"""Real server processes on the shared engines: killed in the middle of things, and stopped politely."""

import asyncio
import json
import random
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest

from app.messaging.store import MessagingStore
from app.settings import Settings
from tests.fixtures.app import NewPerson, Person, Service
from tests.tools.servers import servers


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
async def test_killed_servers_lose_and_duplicate_no_message(
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
    await service.state["tasks"].drain(5)
    for person in (ann, bob):
        assert [row["last_number"] for row in await person.inbox()] == [len(log)]


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to this machine, which is closed with its test whatever happens."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def send_request(sender: Person, to: Person, text: str) -> bytes:
    body = json.dumps({"message": text, "handle": to.handle})
    head = (
        f"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Authorization: Bearer {sender.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def length_of(head: bytes) -> int:
    """Content-Length of an answer."""
    (length,) = re.findall(rb"(?i)\r\ncontent-length: (\d+)", head)
    return int(length)


async def test_a_polite_stop_fails_no_request(settings: Settings, bob: Person, new_person: NewPerson) -> None:
    senders = [await new_person(f"sender{n}") for n in range(10)]
    async with servers(settings, 1) as (server,), AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(connected(server.port)) for _ in range(50)]
        for number, (_, writer) in enumerate(connections):
            writer.write(send_request(senders[number % 10], bob, f"{number}"))
        running = [asyncio.ensure_future(reader.read()) for reader, _ in connections]
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)  # all the others are somewhere on their way
        stopping = asyncio.ensure_future(server.stop(signal.SIGTERM))
        assert {answer[:15] for answer in await asyncio.gather(*running)} == {b"HTTP/1.1 200 OK"}
        assert await stopping == 0
    assert [len(await sender.numbers(sender.group_with(bob))) for sender in senders] == [5] * 10


async def test_before_a_stop_a_process_is_not_ready_and_still_serves(settings: Settings, ann: Person) -> None:
    async with servers(settings, 1) as (server,):
        await server.stop(signal.SIGKILL)
        server.variables["STOP_DELAY_SECONDS"] = "2"
        await server.start()
        headers = {"authorization": f"Bearer {ann.token}"}
        async with httpx.AsyncClient(base_url=server.address, headers=headers, timeout=60) as client:
            assert (await client.get("/readyz")).status_code == 200
            stopping = asyncio.create_task(server.stop(signal.SIGTERM))
            await asyncio.sleep(0.5)
            ready, call = await client.get("/readyz"), await client.get("/api/users/me")
            assert (ready.status_code, ready.json()["status"], call.status_code) == (503, "down", 200)
            assert await stopping == 0


async def test_a_client_of_http_1_0_gets_a_stream_without_chunks(settings: Settings, ann: Person) -> None:
    async with servers(settings, 1) as (server,), connected(server.port) as (reader, writer):
        writer.write(f"GET /api/events HTTP/1.0\r\nAuthorization: Bearer {ann.token}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b"transfer-encoding" not in head
        assert b"connection: close" in head
        assert (await reader.readline()).startswith(b"event: resync")
        assert await server.stop(signal.SIGTERM) == 0
        assert b"data: {" in await reader.read()


@pytest.mark.parametrize("position", ["in the accept queue", "on connections that were idle"])
async def test_a_polite_stop_answers_what_the_kernel_has_received(
    settings: Settings, ann: Person, position: str
) -> None:
    """A process that is behind meets the stop signal before the requests that came ahead of it."""
    async with servers(settings, 1) as (server,), AsyncExitStack() as stack:
        assert server.process
        if position == "in the accept queue":
            server.process.send_signal(signal.SIGSTOP)
        connections = [await stack.enter_async_context(connected(server.port)) for _ in range(50)]
        if position != "in the accept queue":
            for reader, writer in connections:
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(length_of(head))
            server.process.send_signal(signal.SIGSTOP)
        for _, writer in connections:
            writer.write(f"GET /api/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n\r\n".encode())
        stopping = asyncio.create_task(server.stop(signal.SIGTERM))
        await asyncio.sleep(0)  # in which the signal is sent
        server.process.send_signal(signal.SIGCONT)
        answers = await asyncio.gather(*(reader.read() for reader, _ in connections))
        assert {answer[:15] for answer in answers} == {b"HTTP/1.1 200 OK"}
        assert all(b"\r\nconnection: close\r\n" in answer.lower() for answer in answers)  # not to be used again
        assert await stopping == 0
