"""The server's connections on real sockets: each bound holds, and what is refused costs others nothing."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.http.docs import FOLDER
from app.http.protocol import (
    LOG_SECONDS,
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    MAX_PIPELINED,
    READ_BYTES,
    ConnectionLimits,
)
from app.settings import Settings
from tests.fixtures.app import Person
from tests.tools.servers import Server, servers

PER_ADDRESS = 30
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST /api/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"


@pytest_asyncio.fixture(scope="module")
async def server(settings: Settings) -> AsyncIterator[Server]:
    async with servers(settings, 1) as (server,):
        yield server


@asynccontextmanager
async def connected(
    server: Server, *, buffer: int | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect, with so many bytes that the kernel keeps for the reader."""
    client = socket.socket()
    if buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=client)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def send(server: Server, pieces: Sequence[bytes], *, every: float = 0, wait: float = 14) -> bytes:
    """Return all that the server sends until it closes the connection. Raises TimeoutError if it does not."""
    async with connected(server) as (reader, writer), asyncio.timeout(wait):
        answer = asyncio.ensure_future(reader.read())
        with suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(every)
                if answer.done():
                    break
        with suppress(ConnectionError):
            return await answer
        return b""


def problem(answer: bytes) -> tuple[int, str]:
    """Return the status and the code of the last response."""
    head, _, body = answer.rpartition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head.lower()
    assert b"\r\nx-content-type-options: nosniff" in head
    document = json.loads(body)
    assert f"\r\nx-request-id: {document['instance']}".encode() in head
    return document["status"], document["code"]


@pytest.mark.parametrize(
    "pieces",
    [
        [GET + b"A: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n"],
        [GET + b"A: ", *[b"x" * 1024] * 1000],
        [GET, *[b"A: %s\r\n" % (b"x" * 1000)] * 1000],
        [GET + b"A: b\r\n" * MAX_FIELDS + b"\r\n"],
        [b"GET /" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n\r\n"],
        [b"GET /", *[b"x" * 1024] * 100],
        [GET + b"\r\n" + GET + b"A: ", *[b"x" * 1024] * 100],
    ],
    ids=[
        "one value",
        "a value without end",
        "fields without end",
        "fields",
        "path",
        "a path without end",
        "second request",
    ],
)
async def test_a_head_beyond_its_bound_is_refused(server: Server, pieces: list[bytes]) -> None:
    assert problem(await send(server, pieces, every=0.0001)) == (431, "head-too-large")


async def test_a_head_within_its_bounds_is_served(server: Server) -> None:
    fields = b"".join(b"A-%d: %s\r\n" % (n, b"x" * 150) for n in range(MAX_FIELDS - 2))
    answer = await send(server, [GET + fields + b"Connection: close\r\n\r\n"])
    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00", b"SSH-2.0-x\r\n", b"GET / HTTP/9.9\r\n\r\n", b"G@T / HTTP/1.1\r\n\r\n"]
)
async def test_what_is_not_http_is_refused_by_a_problem_document(server: Server, junk: bytes) -> None:
    assert problem(await send(server, [junk])) == (400, "malformed-request")


async def test_trailers_do_not_become_headers(server: Server, ann: Person) -> None:
    body = json.dumps({"message": "x", "handle": ann.handle}).encode()
    head = CHUNKED + b"Content-Type: application/json\r\nConnection: close\r\n\r\n"
    trailer = b"Authorization: Bearer " + ann.token.encode() + b"\r\n"
    answer = await send(server, [head, b"%x\r\n%s\r\n0\r\n" % (len(body), body), trailer + b"\r\n"], every=0.05)
    assert answer.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    "more", [[b"A: " + b"x" * 1000 + b"\r\n"] * 3000, [b"A: ", *[b"x" * 1000] * 3000]], ids=["fields", "one value"]
)
async def test_trailers_are_bounded(server: Server, more: list[bytes]) -> None:
    answer = await send(server, [CHUNKED + b"\r\n1\r\n{\r\n0\r\n", *more])
    assert answer == b"" or answer.startswith(b"HTTP/1.1 401")  # the close may be faster than the answer


UNFINISHED = {
    "nothing": (b"", b""),
    "half a line": (b"GET /he", b""),
    "half a head": (GET, b""),
    "a dripping head": (GET, b"A: b\r\n"),
    "no body": (CHUNKED + b"\r\n", b""),
    "a dripping body": (CHUNKED + b"\r\n", b"1\r\n{\r\n"),
    "an unread body": (GET + b"Content-Length: 9000\r\n\r\n", b"x"),
    "an upgrade": (GET + b"Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 9000\r\n\r\n", b"x"),
    "half a second head": (GET + b"\r\n", b"G"),
}
"""The bytes that a connection sends at its begin, and then every 0.4 s."""


async def test_a_connection_that_does_not_finish_its_request_is_closed_in_time(settings: Settings) -> None:
    request_seconds = 3
    server = Server(settings, constants={"app.http.protocol.REQUEST_SECONDS": request_seconds})

    async def seconds(begin: bytes, drip: bytes) -> float:
        started = time.monotonic()
        await send(server, [begin, *[drip] * 40], every=0.4, wait=request_seconds + 4)
        return time.monotonic() - started

    await server.start()
    try:
        taken = await asyncio.gather(*(seconds(*sent) for sent in UNFINISHED.values()))
    finally:
        await server.stop(signal.SIGKILL)
    assert not {name: s for name, s in zip(UNFINISHED, taken, strict=True) if s > request_seconds + 3}


async def test_an_upgrade_is_answered_as_a_request_of_its_own(server: Server) -> None:
    handshake = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
    )
    answer = await send(server, [GET + handshake + GET + b"\r\n"])
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b"HTTP/1.1") == 1


async def test_many_bad_connections_cost_others_neither_time_nor_memory(server: Server, ann: Person) -> None:
    assert server.process
    status = Path(f"/proc/{server.process.pid}/status")

    def memory() -> int:
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmRSS"))

    before = memory()
    attacks = [send(server, [GET + b"A: ", *[b"x" * 65536] * 300]) for _ in range(20)]
    attacks += [send(server, [GET, *[b"A: %s\r\n" % (b"x" * 8000)] * 2000]) for _ in range(20)]
    running = asyncio.gather(*attacks)
    async with httpx.AsyncClient(
        base_url=server.address, headers={"authorization": f"Bearer {ann.token}"}, timeout=60
    ) as client:
        for _ in range(10):
            assert (await client.get("/api/users/me")).status_code == 200
    assert {problem(answer) for answer in await running if answer} <= {(431, "head-too-large")}
    assert memory() - before < 40_000


BUNDLE_FILE = FOLDER / "swagger-ui-bundle.js"
BUNDLE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n"
CONFIG = b"GET /api/config HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n\r\n"
FILES = MAX_PIPELINED // 2


async def test_a_client_that_does_not_read_takes_no_place_and_is_disconnected(settings: Settings) -> None:
    read_seconds = 2
    server = Server(settings, constants={"app.http.protocol.READ_SECONDS": read_seconds})
    server.variables = {"MAX_REQUESTS_IN_FLIGHT": "1"}
    await server.start()

    async def download(*, begin: float = 0, every: float = 0) -> int:
        """Return how many bytes a client gets that begins to read this late, and then reads 64 KiB so often."""
        async with connected(server, buffer=4096) as (reader, writer), asyncio.timeout(2 * read_seconds + 20):
            writer.write((BUNDLE + b"\r\n" + CONFIG + b"\r\n") * FILES + CONFIG + LAST)
            await asyncio.sleep(begin)
            received = 0
            with suppress(ConnectionError):
                while data := await reader.read(READ_BYTES):
                    received += len(data)
                    await asyncio.sleep(every)
            return received

    try:
        stalled = asyncio.create_task(download(begin=2 * read_seconds + 3))
        slow = asyncio.create_task(download(every=0.05))
        await asyncio.sleep(1)
        assert (await send(server, [CONFIG + LAST])).startswith(b"HTTP/1.1 200 OK")
        assert await stalled < await slow
        assert await slow > FILES * len(BUNDLE_FILE.read_bytes())
    finally:
        await server.stop(signal.SIGKILL)


async def test_the_requests_that_wait_on_a_connection_are_limited(server: Server) -> None:
    assert (await send(server, [(GET + b"\r\n") * MAX_PIPELINED + CONFIG + LAST])).count(
        b"HTTP/1.1 200 OK"
    ) == 1 + MAX_PIPELINED
    answer = await send(server, [(GET + b"\r\n") * 10_000])
    assert answer.count(b"HTTP/1.1 200 OK") <= 1 + MAX_PIPELINED


async def test_refused_connections_share_a_log_line(settings: Settings) -> None:
    server = Server(settings, variables={"LOG_LEVEL": "WARNING"}, stderr=asyncio.subprocess.PIPE)
    await server.start()
    assert server.process
    assert server.process.stderr
    upgrade = b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    for junk in [b"\x16\x03\x01", GET + upgrade, b"G@T / HTTP/1.1\r\n\r\n"] * 30:
        await send(server, [junk])
    await asyncio.sleep(LOG_SECONDS)
    await server.stop(signal.SIGTERM)
    lines = [json.loads(line)["event"] for line in (await server.process.stderr.read()).splitlines()]
    assert lines
    assert set(lines) == {"requests_refused"}
    assert len(lines) < 30


async def test_a_client_that_leaves_is_no_error(settings: Settings, ann: Person) -> None:
    server = Server(settings, variables={"LOG_LEVEL": "ERROR"}, stderr=asyncio.subprocess.PIPE)
    await server.start()
    for path in ["/api/events", "/api/message_groups"] * 20:
        async with connected(server) as (_, writer):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n\r\n".encode())
            await writer.drain()
    async with connected(server, buffer=4096) as (_, writer):
        writer.write((BUNDLE + b"\r\n") * MAX_PIPELINED)
        await asyncio.sleep(1)
    assert (await send(server, [CONFIG + LAST])).startswith(b"HTTP/1.1 200 OK")
    await server.stop(signal.SIGTERM)
    assert server.process
    assert server.process.stderr
    assert await server.process.stderr.read() == b""


async def test_an_address_has_a_limited_number_of_connections(settings: Settings) -> None:
    server = Server(settings)
    server.variables = {"FORWARDED_ALLOW_IPS": "10.0.0.1", "MAX_CONNECTIONS_PER_ADDRESS": str(PER_ADDRESS)}
    await server.start()
    try:
        await send(server, [GET + LAST])  # when it ends, the server has seen the end of the connections before it
        open_ones = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(PER_ADDRESS)]
        assert problem(await send(server, [])) == (503, "overloaded")
        open_ones.pop()[1].close()
        async with asyncio.timeout(30):  # the server sees the end of a connection a moment later
            while not (await send(server, [GET + LAST])).startswith(b"HTTP/1.1 200 OK"):
                pass
        for _, writer in open_ones:
            writer.close()
    finally:
        assert server.process
        server.process.kill()
        await server.process.wait()


def test_limits_count_in_all_and_by_address_and_trust_proxies() -> None:
    limits = ConnectionLimits(5, 2, ["10.0.0.0/8", "::1"])
    assert [limits.add("192.0.2.1") for _ in range(3)] == [True, True, False]
    limits.remove("192.0.2.1")
    limits.remove("192.0.2.1")
    assert [limits.add("10.1.1.1") for _ in range(4)] == [True, True, True, True]
    assert not limits.add("192.0.2.9")  # the sixth
    for address in ("192.0.2.9", "192.0.2.1", *["10.1.1.1"] * 4):
        limits.remove(address)
    assert ConnectionLimits(5, 0, ["*"]).add("192.0.2.1")
    assert not ConnectionLimits(5, 0, ["10.0.0.0/8"]).add("")  # the client left before its address was read


def test_a_site_with_many_addresses_counts_as_one_client() -> None:
    limits = ConnectionLimits(100, 2, ["2001:db8:ffff::1"])
    assert [limits.add(f"2001:db8::{number}") for number in range(3)] == [True, True, False]
    assert limits.add("2001:db8:0:1::1")
    assert [limits.add(address) for address in ("192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.1")] == [
        True,
        True,
        False,
    ]
    assert [limits.add("2001:db8:ffff::1") for _ in range(3)] == [True, True, True]
    assert limits.add("")
    for number in range(3):
        limits.remove(f"2001:db8::{number}")
    assert limits.add("2001:db8::7")
