"""Faulty servers, each with a single fault, and a proxy that can be cut."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from app.settings import Settings

FAULTS = ("refused", "hanging", "reset", "garbage", "errors")
ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}"


def changed(settings: Settings, **changes: Any) -> Settings:
    """Return changed settings, read as at a start: `model_copy` would keep values derived from the old settings."""
    return Settings(**(settings.model_dump() | changes))


@asynccontextmanager
async def broken(fault: str) -> AsyncIterator[int]:
    """The port of a server with this fault."""
    if fault == "refused":
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))  # ours, so no other process listens there
            yield unused.getsockname()[1]
        return

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await _misbehave(fault, reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _misbehave(fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    match fault:
        case "hanging":
            while await reader.read(4096):
                pass
        case "reset":
            await reader.read(1)
            writer.transport.abort()
        case "garbage":
            await reader.read(1)
            writer.write(b"\x00\xffgarbage\r\n\r\n" * 20)
        case "errors":
            while b"\r\n\r\n" in (head := await reader.read(65_536)) or head:
                writer.write(ERROR)


class Cable:
    """A proxy of a port, until it is cut: then connections are reset or silent."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._fault = ""
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @asynccontextmanager
    async def plugged_in(self, host: str = "127.0.0.1") -> AsyncIterator["Cable"]:
        server = await asyncio.start_server(self._serve, host, 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
            self.cut("reset")

    def cut(self, fault: str) -> None:
        self._fault = fault
        if fault == "reset":
            for writer in tuple(self._open):
                writer.transport.abort()

    def mend(self) -> None:
        self._fault = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        if self._fault == "reset":
            writer.transport.abort()
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
        self._open.discard(writer)
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if not self._fault:
                    writer.write(data)
        writer.close()
