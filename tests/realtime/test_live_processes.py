"""Streams of real processes: killed, stopped politely, and with a client that does not read."""

import asyncio
import json
import random
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from app.messaging.store import MessagingStore
from app.settings import Settings
from scripts.engines.process import Engine
from tests.fixtures.app import NewPerson, Person, Service
from tests.fixtures.engines import running_valkey
from tests.tools.listener import PATIENCE, Listener
from tests.tools.servers import Server, servers

KINDS = ("0", "connection", "connection", "valkey", "connection", "1", "connection", "connection")
"""Faults in turn: a server by its number, the connection of every listener, or Valkey."""
MESSAGES, CUTS = 400, len(KINDS)
SOAK_MESSAGES, SOAK_CUTS = 1_000, 20
LONG_MESSAGES = 120
"""Number of messages of 4 kB, twice what a process and the kernel keep for a stream that is not read."""


class Talkers:
    """Two users that write to each other on any server, repeating a send with its uuid until it is answered."""

    def __init__(self, people: tuple[Person, Person], running: list[Server], rng: random.Random) -> None:
        self.people = people
        self.running = running
        self.rng = rng
        self.answered = 0

    async def talk(self, each: int) -> None:
        await asyncio.gather(*(self._send_all(n, each) for n in (0, 1, 0, 1)))

    async def _send_all(self, index: int, count: int) -> None:
        sender, to = self.people[index], self.people[1 - index]
        headers = {"authorization": f"Bearer {sender.token}"}
        async with httpx.AsyncClient(headers=headers, timeout=6, trust_env=False) as client:
            after = 0
            for n in range(count):
                body = {"message": f"{n}", "handle": to.handle, "uuid": str(uuid4()), "after": after}
                after = await self._until_answered(client, body)
                self.answered += 1

    async def _until_answered(self, client: httpx.AsyncClient, body: dict[str, object]) -> int:
        while True:
            try:
                answer = await client.post(f"{self.rng.choice(self.running).address}/api/messages", json=body)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 200:
                return int(answer.json()["number"])
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)


@pytest.mark.soak
async def test_killing_servers_and_valkey_loses_no_event(
    service: Service, settings: Settings, ann: Person, bob: Person, is_soak: bool
) -> None:
    """Each listener receives every number in order, whatever was killed in between."""
    messages, cuts = (SOAK_MESSAGES, SOAK_CUTS) if is_soak else (MESSAGES, CUTS)
    rng = random.Random(7)  # noqa: S311  # repeatable
    async with AsyncExitStack() as stack:
        valkey = stack.enter_context(running_valkey())
        live = settings.model_copy(update={"valkey_url": SecretStr(valkey.address)})
        running = await stack.enter_async_context(servers(live, 2))
        staying = [Listener(bob, lambda n=n: running[n].address) for n in range(2)]  # type: ignore[misc]  # its default
        roaming = Listener(ann, lambda: rng.choice(running).address)
        for listener in (*staying, roaming):
            await stack.enter_async_context(listener.listening())
        talkers = Talkers((ann, bob), running, rng)
        talking = asyncio.ensure_future(talkers.talk(messages // 4))
        for cut in range(cuts):
            await _until(talkers, messages * (cut + 1) // (cuts + 2), talking)
            await inject_fault(KINDS[cut % len(KINDS)], running, valkey, [*staying, roaming])
        await talking
        group = str(ann.group_with(bob))
        for listener in (*staying, roaming):
            await _until_complete(listener, group, messages)
            assert listener.told[group] == list(range(1, messages + 1))
    log = await MessagingStore(service.state["table"]).messages_after(ann.group_with(bob), 0)
    assert [message.number for message in log] == list(range(1, messages + 1))


async def inject_fault(kind: str, running: list[Server], valkey: Engine, listeners: list[Listener]) -> None:
    """Break the listeners' connections, or kill a server or Valkey and start it again."""
    if kind == "connection":
        for listener in listeners:
            await listener.cut()
    elif kind == "valkey":
        await asyncio.to_thread(valkey.child.stop, signal.SIGKILL, seconds=2)
        valkey.start()
        await asyncio.to_thread(valkey.wait_until_ready)
    else:
        server = running[int(kind)]
        await server.stop(signal.SIGKILL)
        await server.start()


async def _until(talkers: Talkers, answered: int, talking: "asyncio.Future[None]") -> None:
    while talkers.answered < answered and not talking.done():  # noqa: ASYNC110  # it also ends with its task
        await asyncio.sleep(0.02)


async def _until_complete(listener: Listener, group: str, messages: int) -> None:
    try:
        await listener.until(lambda: len(listener.told[group]) == messages)
    except TimeoutError:
        missing = set(range(1, messages + 1)) - set(listener.told[group])
        raise AssertionError(f"not told: {sorted(missing)[:20]}; resyncs: {listener.resyncs}") from None


@asynccontextmanager
async def open_stream(port: int, token: str, *, size: int | None = None) -> AsyncIterator[socket.socket]:
    """Open a connection, request an event stream on it and read nothing."""
    async with connect(port, size=size) as connection:
        request = f"GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        await asyncio.get_running_loop().sock_sendall(connection, request.encode())
        yield connection


@asynccontextmanager
async def connect(port: int, *, size: int | None = None) -> AsyncIterator[socket.socket]:
    """A connection that is closed whatever happens; `size` is the room for answers that are not read."""
    with socket.socket() as connection:
        if size:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
        yield connection


async def read_until(connection: socket.socket, wanted: bytes) -> bytes:
    """Read up to the wanted bytes; for b"" up to the end of the connection."""
    loop, found = asyncio.get_running_loop(), b""
    async with asyncio.timeout(PATIENCE):
        while wanted not in found or not wanted:
            some = await loop.sock_recv(connection, 65_536)
            if not some:
                return found
            found += some
    return found


async def test_a_polite_stop_ends_streams_and_fails_no_send(settings: Settings, new_person: NewPerson) -> None:
    people = [await new_person("p") for _ in range(10)]
    async with servers(settings, 1) as (server,), AsyncExitStack() as stack:
        streams = [open_stream(server.port, person.token) for person in people for _ in range(10)]
        connections = [await stack.enter_async_context(stream) for stream in streams]
        for connection in connections:
            assert b"resync" in await read_until(connection, b"resync")
        sends = [await stack.enter_async_context(connect(server.port)) for _ in range(50)]
        for n, send in enumerate(sends):
            await asyncio.get_running_loop().sock_sendall(send, send_request(people[n % 9], people[9]))
        answers = [asyncio.ensure_future(read_until(send, b"")) for send in sends]
        for answered in islice(asyncio.as_completed(answers), 5):  # the others are somewhere on their way
            await answered
        started = time.monotonic()
        stopping = asyncio.ensure_future(server.stop(signal.SIGTERM))
        ends = await asyncio.gather(*(read_until(connection, b"0\r\n\r\n") for connection in connections))
        assert all(end.endswith(b"0\r\n\r\n") for end in ends)  # whole responses, not cut ones
        assert [answer for answer in await asyncio.gather(*answers) if b"HTTP/1.1 200 OK" not in answer[:15]] == []
        await stopping
        assert time.monotonic() - started < 15


def send_request(sender: Person, to: Person) -> bytes:
    body = json.dumps({"message": "x", "handle": to.handle})
    head = (
        f"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Authorization: Bearer {sender.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


async def test_a_stalled_client_is_disconnected_and_others_are_unaffected(
    settings: Settings, ann: Person, bob: Person
) -> None:
    async with (
        servers(settings, 1) as (server,),
        Listener(bob, lambda: server.address).listening() as listener,
        open_stream(server.port, bob.token, size=4096) as stalled,
    ):
        await asyncio.sleep(0.3)
        headers = {"authorization": f"Bearer {ann.token}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
            for n in range(LONG_MESSAGES):
                body = {"message": f"{n} " + "\N{GRINNING FACE}" * 1000, "handle": bob.handle}
                answer = await client.post(f"{server.address}/api/messages", json=body)
                assert answer.status_code == 200
        group = answer.json()["message_group_uuid"]
        await listener.until(lambda: len(listener.told[group]) == LONG_MESSAGES)
        assert listener.told[group] == list(range(1, LONG_MESSAGES + 1))
        assert listener.resyncs == ["new"]
        await until_streams(server, 1)
        found = await _read_all(stalled)
        assert len(found) < 200_000  # so little was kept for it
        assert not found.endswith(b"0\r\n\r\n")
        async with httpx.AsyncClient(
            headers={"authorization": f"Bearer {bob.token}"}, trust_env=False, timeout=60
        ) as client:
            streams = [client.build_request("GET", f"{server.address}/api/events") for _ in range(9)]
            opened = [await client.send(request, stream=True) for request in streams]
            assert {response.status_code for response in opened} == {200}  # the stalled one counts no more
            for response in opened:
                await response.aclose()


async def until_streams(server: Server, count: int) -> None:
    """Wait until the server has so many open streams."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client, asyncio.timeout(PATIENCE):
        text = ""
        while f"cruddur_event_streams {count}.0" not in text:
            text = (await client.get(f"{server.address}/metrics")).text


async def _read_all(connection: socket.socket) -> bytes:
    """Read what is left on a connection that the server has aborted.

    The longer a receiver's buffer was full, the more seldom the kernel asks whether it has room: it gets more room.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_000_000)
    try:
        return await read_until(connection, b"")
    except ConnectionError:
        return b""
