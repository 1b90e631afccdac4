"""The HTTP/1.1 protocol of a connection: uvicorn's, with bounds on heads, bodies, time and the number of connections.

uvicorn alone keeps heads of any size, and connections that send nothing, for ever.
"""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Collection, Sequence
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Any, Final, cast
from uuid import uuid4

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.errors import AppError, HeadTooLarge, MalformedRequest, Overloaded, RequestTimeout
from app.http.addresses import block_of
from app.http.middleware import RESPONSE_HEADERS
from app.http.problems import render

log = structlog.get_logger(__name__)
uvicorn_log = logging.getLogger("uvicorn.connection")
uvicorn_log.setLevel(logging.ERROR)
"""uvicorn's, without its warnings: it has some for each connection that is refused, and those share a line here."""

MAX_HEAD_BYTES: Final = 16 * 1024
MAX_FIELDS: Final = 100
"""Header fields of a request, and its trailer fields."""
MAX_BODY_BYTES: Final = 1024 * 1024
"""Bytes after a head. A body that is too large for its route is read this far, so that the client reads the answer."""
REQUEST_SECONDS: Final = 10.0
"""From the begin of a connection, or the first byte of a further request, to the last byte of the request."""
MAX_PIPELINED: Final = 8
"""Requests of a connection that wait for the response to an earlier one."""
READ_SECONDS: Final = 10.0
READ_BYTES: Final = 64 * 1024
"""A client reads so many bytes of what waits for it in this time, or all of them."""
KERNEL_BYTES: Final = 128 * 1024
"""Size of the kernel's buffer of what is sent on a connection. Linux takes twice that, and by itself up to 4 MB."""
LINGER_SECONDS: Final = 1.0
"""From a refusal to the close. A close while data arrive is a reset, and the client loses the answer."""
LOG_SECONDS: Final = 1.0
"""Refusals within this time share a log line."""


class ConnectionLimits:
    """Counts the connections of a process, in all and by the client's address, of IPv6 its first 64 bits.

    A trusted proxy may have as many as there are in all: its connections belong to many clients.
    """

    def __init__(self, most: int, most_per_address: int, trusted: Sequence[str] = ()) -> None:
        """`trusted` are addresses and networks, or `*` for all."""
        self._most = most
        self._most_per_address = most_per_address
        self._trusted = [ip_network(each, strict=False) for each in trusted if each != "*"]
        self._trusts_all = "*" in trusted
        self._count = 0
        self._by_address: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._sweep: asyncio.TimerHandle | None = None

    def add(self, address: str) -> bool:
        """Count a connection of this address, and return whether it is within the limits."""
        block = block_of(address)
        self._count += 1
        self._by_address[block] += 1
        if self._count > self._most:
            return False
        if self._trusts_all or self._by_address[block] <= self._most_per_address:
            return True
        # The address is empty if the client left before it was read.
        return bool(address) and any(ip_address(address) in network for network in self._trusted)

    def remove(self, address: str) -> None:
        """Stop counting a connection of this address."""
        block = block_of(address)
        self._count -= 1
        self._by_address[block] -= 1
        if not self._by_address[block]:
            del self._by_address[block]

    def sweep(self, connections: Collection[Any]) -> None:
        """Abort, every ten seconds from now on, those of the process's connections whose clients do not read.

        A timer for each response would cost as much as the rest of these bounds.
        """
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(READ_SECONDS, self._abort_unread, connections)

    def _abort_unread(self, connections: Collection["BoundedProtocol"]) -> None:
        self._sweep = None
        for connection in list(connections):
            connection.abort_if_unread()
        if connections:
            self.sweep(connections)

    def log_refusal(self, error: AppError) -> None:
        """Log the refusals of the next second in one line."""
        if not self._refused:
            asyncio.get_running_loop().call_later(LOG_SECONDS, self._log)
        self._refused[error.code()] += 1

    def _log(self) -> None:
        log.warning("requests_refused", **{code.replace("-", "_"): count for code, count in self._refused.items()})
        self._refused.clear()


class BoundedProtocol(HttpToolsProtocol):
    """A connection whose requests are bounded, and which is closed when it exceeds a bound.

    What comes before a head is complete is refused with a problem document. Trailer fields are read and dropped: they
    must not pass for headers, which were checked before them.
    """

    def __init__(self, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(**options)
        self.logger = uvicorn_log
        self._limits = limits
        self._address = ""
        self._error: AppError = MalformedRequest()
        self._in_head = False
        self._is_refused = False
        self._received = 0
        self._fields = 0
        self._size = 0
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unread = 0
        self._unread_of: RequestResponseCycle | None = None
        self._running: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._address = self.client[0] if self.client else ""
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        self._start_deadline()
        self._limits.sweep(self.connections)
        if not self._limits.add(self._address):
            self._answer(Overloaded("Too many connections: close those that are not needed, or try again"))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._limits.remove(self._address)
        if self._timer:
            self._timer.cancel()
        if self._running and not self._running.response_complete:
            self._running.disconnected = True  # uvicorn marks the last request only, and the others write to nowhere
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)  # without the data in which the head begins, and those in which the body does
        if self._received > MAX_BODY_BYTES:
            self.transport.close()
        elif self._in_head and self._received > MAX_HEAD_BYTES:
            self._refuse(HeadTooLarge())
        elif not self._is_refused and not self.transport.is_closing():
            self._start_deadline()
            super().data_received(data)

    def resume_writing(self) -> None:
        self._unread = 0
        super().resume_writing()

    def abort_if_unread(self) -> None:
        """Abort the connection if its client has read less than it must since the last call.

        An unread response would otherwise stay in memory for ever, and so would the requests behind it.
        """
        unread = self.transport.get_write_buffer_size()
        has_waited = bool(unread and self._unread) and self.cycle is self._unread_of
        if has_waited and unread > self._unread - READ_BYTES:
            self.transport.abort()
        self._unread, self._unread_of = unread, self.cycle

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            self._error = Overloaded(f"At most {MAX_PIPELINED} requests of a connection may wait for an answer")
            raise self._error
        self._in_head, self._received, self._fields, self._size = True, 0, 0, 0
        self._start_deadline()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._size += len(url)
        self._require_bounds()
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        self._size += len(name) + len(value)
        self._require_bounds()
        if self._in_head:
            super().on_header(name, value)

    def _require_bounds(self) -> None:
        """Raise HeadTooLarge. The parser turns it into an error of its own, and uvicorn calls send_400_response."""
        if self._size > MAX_HEAD_BYTES or self._fields > MAX_FIELDS:
            self._error = HeadTooLarge()
            raise self._error

    def on_headers_complete(self) -> None:
        self._in_head, self._received, self._fields, self._size = False, 0, 0, 0
        super().on_headers_complete()
        if not self.pipeline:
            self._running = self.cycle
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # what follows is not HTTP/1.1

    def on_response_complete(self) -> None:
        if self.pipeline:
            self._running = self.pipeline[-1][0]
        super().on_response_complete()

    def on_message_complete(self) -> None:
        self._deadline = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's signature
        """Refuse what the parser did not accept."""
        self._refuse(self._error)

    def _refuse(self, error: AppError) -> None:
        """Answer with a problem, and close the connection when it may have been read."""
        if self._is_refused:
            return
        self._is_refused, self._in_head, self._received = True, False, 0
        if self._answer(error) and self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _answer(self, error: AppError) -> bool:
        """Write a problem unless another response is not complete; return whether it was written."""
        self._limits.log_refusal(error)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            return False
        self.transport.write(_response(error))
        return True

    def _start_deadline(self) -> None:
        """Begin the time of a request. Requests of ten seconds share a timer: one for each would cost as much again."""
        if self._deadline is None:
            self._deadline = self.loop.time() + REQUEST_SECONDS
            if self._timer is None:
                self._timer = self.loop.call_at(self._deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self.flow.read_paused:  # the service is slower than the client
            self._deadline = self.loop.time() + REQUEST_SECONDS
        if self.loop.time() < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._check_deadline)
        elif self._in_head:
            self._refuse(RequestTimeout(f"The request did not arrive within {REQUEST_SECONDS:g} s"))
        else:
            self.transport.close()


def _response(error: AppError) -> bytes:
    """Return the whole response of a connection that ends with it."""
    request_id = uuid4().hex
    problem = render(error, request_id)
    own = [(b"x-request-id", request_id.encode()), (b"connection", b"close")]
    lines = b"".join(b"%s: %s\r\n" % header for header in (*problem.raw_headers, *RESPONSE_HEADERS, *own))
    status = HTTPStatus(error.status)
    return b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (status, status.phrase.encode(), lines, problem.body)
