"""Connections on real sockets: every broken, slow, oversized or early-closed answer has its error and ends there."""

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager

import pytest
import uvloop

from app.gateways.dynamodb import connection
from app.gateways.dynamodb.connection import (
    ConnectFailed,
    ConnectionPool,
    ConnectTimeout,
    MalformedResponse,
    StaleConnection,
)
from tests.tools.scripted_server import HANG, Received, Script, ScriptedServer, answer, scripted_server

REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"


@asynccontextmanager
async def pool_to(script: Script) -> AsyncIterator[tuple[ConnectionPool, ScriptedServer]]:
    async with scripted_server(script) as server:
        pool = ConnectionPool("127.0.0.1", server.port)
        try:
            yield pool, server
        finally:
            await pool.aclose()


async def test_one_connection_serves_requests_that_follow_each_other() -> None:
    async with pool_to(lambda _: answer(b"[1]", 201, X_Name="v")) as (pool, server):
        for _ in range(50):
            response = await pool.request(REQUEST, seconds=1)
        assert (response.status, response.body) == (201, b"[1]")
        assert response.headers == {b"content-length": b"3", b"x-name": b"v"}
        assert server.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        [bytes([byte]) for byte in answer(b'{"a":1}')],
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n',
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b'{"a":1}'),
        b'HTTP/1.1 200 \r\nCONTENT-LENGTH:7\r\n\r\n{"a":1}',
        answer(b'{"a":1}', connection="close"),
    ],
    ids=["byte by byte", "chunked", "interim", "spelling", "connection: close"],
)
async def test_an_answer_of_any_form_is_read_whole(reply: bytes | list[bytes]) -> None:
    async with pool_to(lambda _: reply) as (pool, _):
        for _ in range(3):
            assert (await pool.request(REQUEST, seconds=1)).body == b'{"a":1}'


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n", MalformedResponse),
        (b"HTTP/1.1 abc\r\n\r\n", MalformedResponse),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n[1234]", MalformedResponse),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", MalformedResponse),
        (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", MalformedResponse),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, MalformedResponse),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000, MalformedResponse),
        (answer(b"x" * 400_000), MalformedResponse),
        (None, ConnectionResetError),
        ([answer(b"[1234]")[:-1], b""], TimeoutError),
        (HANG, TimeoutError),
    ],
    ids=[
        "other protocol",
        "status",
        "two lengths",
        "negative length",
        "upgrade",
        "long head",
        "endless interim",
        "long body",
        "closed",
        "incomplete",
        "silent",
    ],
)
async def test_a_bad_answer_has_its_error_and_the_next_request_a_new_connection(
    reply: bytes | list[bytes] | None, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_BODY_BYTES", 30_000)
    replies = [reply, answer(b"[2]")]
    async with pool_to(lambda _: replies.pop(0)) as (pool, server):
        with pytest.raises(error):
            await pool.request(REQUEST, seconds=0.2)
        assert (await pool.request(REQUEST, seconds=1)).body == b"[2]"
        assert server.connections == 2


async def test_an_answer_that_ends_early_is_an_error() -> None:
    async with pool_to(lambda _: answer(b"[1234]", connection="close")[:-1]) as (pool, _):
        with pytest.raises(ConnectionResetError):
            await pool.request(REQUEST, seconds=1)


@pytest.mark.parametrize("more", [answer(b"[9]"), b"HTTP/1.1 200 OK\r\n", b"x"], ids=["answer", "beginning", "byte"])
async def test_bytes_after_an_answer_never_reach_the_next_request(more: bytes) -> None:
    replies = [answer(b"[1]") + more, answer(b"[2]")]
    async with pool_to(lambda _: replies.pop(0)) as (pool, server):
        assert (await pool.request(REQUEST, seconds=1)).body == b"[1]"
        await asyncio.sleep(0.01)
        assert (await pool.request(REQUEST, seconds=1)).body == b"[2]"
        assert server.connections == 2


async def test_a_request_on_a_connection_that_the_server_has_closed_gets_a_new_one() -> None:
    async with pool_to(lambda _: answer()) as (pool, server):
        await pool.request(REQUEST, seconds=1)
        await server.close_connections()
        assert (await pool.request(REQUEST, seconds=1)).status == 200


async def test_a_used_connection_that_closes_before_its_answer_is_stale() -> None:
    replies = [answer(), None]
    async with pool_to(lambda _: replies.pop(0)) as (pool, _):
        await pool.request(REQUEST, seconds=1)
        with pytest.raises(StaleConnection):
            await pool.request(REQUEST, seconds=1)


async def test_a_cancelled_request_ends_its_connection() -> None:
    replies = [HANG, answer(b"[2]")]
    async with pool_to(lambda _: replies.pop(0)) as (pool, server):
        task = asyncio.create_task(pool.request(REQUEST, seconds=5))
        await server.received_one.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert (await pool.request(REQUEST, seconds=1)).body == b"[2]"
        assert server.connections == 2


async def test_a_full_pool_opens_no_more_connections_and_lets_requests_wait_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.2)
    async with pool_to(lambda _: HANG) as (pool, server):
        results = await asyncio.gather(*(pool.request(REQUEST, seconds=1) for _ in range(5)), return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["ConnectTimeout"] * 2 + ["TimeoutError"] * 3
        server.script = lambda _: answer()
        await asyncio.gather(*(pool.request(REQUEST, seconds=1) for _ in range(20)))
        assert server.connections <= 6


async def test_idle_connections_are_closed_from_this_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.1)
    async with pool_to(lambda _: answer()) as (pool, server):
        await asyncio.gather(*(pool.request(REQUEST, seconds=1) for _ in range(5)))
        assert len(server.open) == 5
        await asyncio.sleep(0.3)
        assert not server.open
        await pool.request(REQUEST, seconds=1)
        assert server.connections == 6


async def test_a_connection_that_is_refused_or_takes_too_long_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectFailed):
            await ConnectionPool("127.0.0.1", free.getsockname()[1]).request(REQUEST, seconds=1)
    with pytest.raises(ConnectFailed):
        await ConnectionPool("name.invalid", 80).request(REQUEST, seconds=1)
    with ExitStack() as stack:  # a listener that accepts nothing, and a full queue
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        with pytest.raises(ConnectTimeout):
            await ConnectionPool("127.0.0.1", listener.getsockname()[1]).request(REQUEST, seconds=1)


def test_the_loop_of_the_image_serves_it_too() -> None:
    async def serve() -> None:
        async with pool_to(lambda _: answer(b"[1]")) as (pool, server):
            assert {(await pool.request(REQUEST, seconds=1)).body for _ in range(3)} == {b"[1]"}
            await server.close_connections()
            assert (await pool.request(REQUEST, seconds=1)).body == b"[1]"
            server.script = lambda _: HANG
            with pytest.raises(TimeoutError):
                await pool.request(REQUEST, seconds=0.1)

    with ThreadPoolExecutor() as executor:
        executor.submit(uvloop.run, serve()).result()


async def test_a_name_is_resolved_once_for_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, lookups = asyncio.get_running_loop(), []
    getaddrinfo = loop.getaddrinfo

    async def counted(host: str, port: int, **options: int) -> object:
        lookups.append(host)
        return await getaddrinfo(host, port, **options)

    monkeypatch.setattr(loop, "getaddrinfo", counted)
    async with scripted_server(lambda _: answer()) as server:
        pool = ConnectionPool("localhost", server.port)
        await asyncio.gather(*(pool.request(REQUEST, seconds=1) for _ in range(10)))
        await pool.aclose()
        assert server.connections == 10
    assert lookups == ["localhost"]


async def test_answers_reach_the_requests_that_they_belong_to() -> None:
    def echo(received: Received) -> bytes:
        return answer({"n": received.body["n"]})

    async def ask(pool: ConnectionPool, n: int) -> bytes:
        body = b'{"n": %d}' % n
        head = b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body)
        return (await pool.request(head + body, seconds=2)).body

    async with pool_to(echo) as (pool, server):
        bodies = await asyncio.gather(*(ask(pool, n) for n in range(500)))
        assert bodies == [b'{"n": %d}' % n for n in range(500)]
        assert server.connections <= connection.MAX_CONNECTIONS
