"""A light HTTP client, so that the service and not the load is measured: kept-alive connections on httptools."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import httptools

from tests.benchmarks.processes import Server, cpu_seconds

AT_ONCE = 8

Request = Callable[[int], bytes]
"""The bytes of the next request of the connection with this number."""


class RequestFailed(Exception):
    """A request was not answered with success: the status, 0 without an answer, and the beginning of the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text}" if status else text)
        self.status = status


class Connection(asyncio.Protocol):
    """A connection with one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes] | None = None
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()

    async def ask(self, request: bytes) -> bytes:
        """Return the body of the answer, or raise RequestFailed."""
        if self._transport.is_closing():
            raise RequestFailed(0, "The connection was closed before the request")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(RequestFailed(0, "The connection was closed before the answer"))

    def close(self) -> None:
        self._transport.close()

    def on_body(self, body: bytes) -> None:
        """Add a part of a body, for the parser."""
        self._body += body

    def on_message_complete(self) -> None:
        """Hand over the answer, for the parser."""
        assert self._answer
        status, body = self._parser.get_status_code(), bytes(self._body)
        self._begin()
        if status < 300:
            self._answer.set_result(body)
        else:
            self._answer.set_exception(RequestFailed(status, repr(body[:500])))


@asynccontextmanager
async def connections(
    address: str, count: int = AT_ONCE, *, source: str | None = None
) -> AsyncIterator[list[Connection]]:
    """Open connections, from this address of the machine's if one is given, and close them at the end."""
    place, loop = urlsplit(address), asyncio.get_running_loop()
    host, port = place.hostname or "", place.port or 80
    local = (source, 0) if source else None
    opened = [(await loop.create_connection(Connection, host, port, local_addr=local))[1] for _ in range(count)]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()


class Asking(Protocol):
    """A connection of any protocol with one request at a time."""

    async def ask(self, request: bytes, /) -> bytes: ...


Connect = Callable[[str], AbstractAsyncContextManager[Sequence[Asking]]]
"""Opens as many connections to an address as there are requests at once."""


def request_bytes(method: str, path: str, headers: Mapping[str, str], body: object = None) -> bytes:
    """Return a request as it is sent, its body as JSON."""
    content = b"" if body is None else json.dumps(body).encode()
    more = {"content-type": "application/json", "content-length": str(len(content))} if content else {}
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *(f"{k}: {v}" for k, v in {**headers, **more}.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def fetch(address: str, request: bytes) -> Any:
    """Return the decoded answer to one request on a connection of its own."""
    async with connections(address, 1) as (connection,):
        return json.loads(await connection.ask(request))


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second of a process, and CPU seconds of each request."""

    per_second: float
    cpu: float


async def rate(server: Server, request: Request, *, seconds: float = 1.0, connect: Connect = connections) -> Rate:
    """Load a server for these seconds, and with two requests on each connection if that takes longer."""
    async with connect(server.address) as opened:
        before, started = cpu_seconds(server.pid), time.perf_counter()

        async def work(number: int, connection: Asking) -> int:
            done = 0
            while done < 2 or time.perf_counter() - started < seconds:
                await connection.ask(request(number))
                done += 1
            return done

        count = sum(await asyncio.gather(*(work(*numbered) for numbered in enumerate(opened))))
        return Rate(count / (time.perf_counter() - started), (cpu_seconds(server.pid) - before) / count)


async def repeat(server: Server, request: Request, total: int, *, at_once: int = AT_ONCE) -> None:
    """Make so many requests in all."""
    async with connections(server.address, at_once) as opened:
        left = iter(range(total))

        async def work(number: int, connection: Connection) -> None:
            for _ in left:
                await connection.ask(request(number))

        await asyncio.gather(*(work(*numbered) for numbered in enumerate(opened)))
