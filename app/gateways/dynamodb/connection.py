"""HTTP/1.1 connections to one server, kept alive in a bounded pool; a connection carries one request at a time.

The parser is llhttp by httptools, which the HTTP server of this service uses, too.
"""

import asyncio
import socket
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Final, cast

from aiohappyeyeballs import AddrInfoType, start_connection
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_CONNECTIONS: Final = 100
"""Connections of a pool; more requests wait for one of them."""
CONNECT_SECONDS: Final = 1.0
"""Deadline of a new connection with its name resolution and TLS, and of the wait for a connection of a full pool."""
IDLE_SECONDS: Final = 12.0
"""Longest life of an idle connection: less than any server of AWS's keeps one."""
ADDRESS_SECONDS: Final = 10.0
"""Life of resolved addresses."""
MAX_HEAD_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""Four times the 16 MB of a BatchGetItem: JSON escapes and base64 take room."""


class ConnectTimeout(TimeoutError):
    """There was no connection in time."""


class ConnectFailed(ConnectionError):
    """The server's name or address is unknown, or it accepts no connection."""


class MalformedResponse(ConnectionError):
    """The answer is not HTTP/1.1, or longer than its bound."""


class StaleConnection(ConnectionError):
    """A connection that had served before was closed before the first byte of an answer.

    The server may have received the request.
    """


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with its whole body."""

    status: int
    headers: dict[bytes, bytes]
    """The last value of each header, by its name in lower case."""
    body: bytes


class Connection(asyncio.Protocol):
    """A connection: `request` sends bytes and returns the response."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = HttpResponseParser(self)
        self._response: asyncio.Future[Response] | None = None
        self._served = 0
        self._received = 0
        self._headers: dict[bytes, bytes] = {}
        self._chunks: list[bytes] = []

    @property
    def is_reusable(self) -> bool:
        """Return whether it is open and has no request in progress."""
        return self._transport is not None and self._response is None

    async def request(self, data: bytes, *, seconds: float) -> Response:
        """Send a request and return the response.

        Raises TimeoutError after `seconds`, StaleConnection, MalformedResponse, and OSError for a lost connection.
        All of them, and a cancelled caller, end the connection.
        """
        if self._transport is None:
            raise StaleConnection("The connection was closed before the request")
        self._headers, self._chunks, self._received = {}, [], 0
        response: asyncio.Future[Response] = self._loop.create_future()
        self._response = response
        self._transport.write(data)
        timer = self._loop.call_later(seconds, self._fail, TimeoutError("The answer did not arrive in time"))
        try:
            return await response
        except BaseException:
            self.abort()
            raise
        finally:
            timer.cancel()
            self._response = None

    def abort(self) -> None:
        """Close it at once."""
        if self._transport:
            self._transport.abort()
            self._transport = None

    def _fail(self, error: Exception) -> None:
        self.abort()
        if self._response and not self._response.done():
            self._response.set_exception(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        is_stale = self._served and self._response and not self._received
        text = "The server closed the connection before the answer was complete"
        self._fail(StaleConnection(text) if is_stale else ConnectionResetError(text))

    def data_received(self, data: bytes) -> None:
        if self._response is None or self._response.done():
            self.abort()  # no request asked for these bytes
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(MalformedResponse(f"The answer is not HTTP/1.1: {error}"))
        if self._received > (MAX_BODY_BYTES if self._chunks else MAX_HEAD_BYTES) and not self._response.done():
            self._fail(MalformedResponse("The answer is longer than the most that DynamoDB sends"))

    def on_message_begin(self) -> None:
        if self._response is None or self._response.done():
            self.abort()  # a second answer: what follows cannot be told from the next request's

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, data: bytes) -> None:
        self._chunks.append(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # interim: the answer follows
            self._headers.clear()
        elif self._response and not self._response.done():
            if not self._parser.should_keep_alive():
                self.abort()
            self._served += 1
            self._response.set_result(Response(status, self._headers, b"".join(self._chunks)))


class ConnectionPool:
    """Connections to one host and port: the most recently used idle one serves the next request."""

    def __init__(self, host: str, port: int, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._host = host
        self._port = port
        self._ssl_context = ssl_context
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._idle: deque[Connection] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._addresses = _Addresses(host, port)

    async def request(self, data: bytes, *, seconds: float, new: bool = False) -> Response:
        """Send a request over a connection that serves no other meanwhile, a new one if asked for; return the response.

        Raises ConnectTimeout, ConnectFailed and ssl.SSLError if there is no connection to send it over, and what
        Connection.request raises.
        """
        await self._acquire_slot()
        try:
            connection = (None if new else self._take_idle()) or await self._connect()
            response = await connection.request(data, seconds=seconds)
            if connection.is_reusable:
                loop = asyncio.get_running_loop()
                connection.idle_since = loop.time()
                self._idle.append(connection)
                self._sweep = self._sweep or loop.call_later(IDLE_SECONDS, self._abort_expired)
            return response
        finally:
            self._slots.release()

    async def _acquire_slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()  # at once
            return
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise ConnectTimeout(f"All {MAX_CONNECTIONS} connections were busy for {CONNECT_SECONDS:g} s") from None

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connected = await start_connection(await self._addresses.get(), happy_eyeballs_delay=0.25, interleave=1)
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection,
                    sock=connected,
                    ssl=self._ssl_context,
                    server_hostname=self._host if self._ssl_context else None,
                )
        except TimeoutError:
            raise ConnectTimeout(f"No connection to {self._host}:{self._port} in {CONNECT_SECONDS:g} s") from None
        except ssl.SSLError:
            raise
        except OSError as error:
            raise ConnectFailed(f"No connection to {self._host}:{self._port}: {error}") from error
        return connection

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable:
                return connection
        return None

    def _abort_expired(self) -> None:
        """Close what has been idle for IDLE_SECONDS, and come again when the next has been."""
        loop = asyncio.get_running_loop()
        while self._idle and self._idle[0].idle_since + IDLE_SECONDS <= loop.time():
            self._idle.popleft().abort()
        self._sweep = loop.call_at(self._idle[0].idle_since + IDLE_SECONDS, self._abort_expired) if self._idle else None

    async def aclose(self) -> None:
        """Close all idle connections."""
        if self._sweep:
            self._sweep.cancel()
        while self._idle:
            self._idle.pop().abort()
        await asyncio.sleep(0)  # the transports close in the loop's next turn


class _Addresses:
    """The addresses of a host, resolved again after ADDRESS_SECONDS."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._lock = asyncio.Lock()
        self._found: deque[AddrInfoType] = deque()
        self._expires_at = 0.0

    async def get(self) -> list[AddrInfoType]:
        """Return them, each time with another one first, which spreads the connections. Raises OSError."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            if loop.time() >= self._expires_at or not self._found:
                self._found = deque(await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM))
                self._expires_at = loop.time() + ADDRESS_SECONDS
            self._found.rotate()
            return list(self._found)
