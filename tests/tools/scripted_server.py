"""A TCP server whose answers a test writes byte by byte."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

HANG: Any = ...


def answer(body: bytes | Mapping[str, Any] = b"{}", status: int = 200, **headers: str) -> bytes:
    """Return an HTTP response."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Any\r\ncontent-length: {len(content)}\r\n{lines}\r\n".encode() + content


@dataclass
class Received:
    """A request: its headers by lower-case name, and its decoded body."""

    headers: dict[str, str]
    body: Any


Script = Callable[[Received], bytes | list[bytes] | None]
"""Returns the answer, in pieces if it is a list; None closes the connection; HANG never answers."""


@dataclass
class ScriptedServer:
    """Answers by its script, and remembers what it received and how many connections there were."""

    script: Script = lambda _: answer()
    port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    received_one: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._serve(reader, writer):
                pass
        self.open.discard(writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[1:-1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.received.append(Received(headers, json.loads(body)))
        self.received_one.set()
        reply = self.script(self.received[-1])
        if reply is HANG:
            await reader.read()
            return False
        for piece in [reply] if isinstance(reply, bytes) else reply or ():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return reply is not None and b"connection: close" not in (
            reply if isinstance(reply, bytes) else b"".join(reply)
        )

    async def close_connections(self) -> None:
        """Close them from this side, and wait until the other may have noticed."""
        for writer in list(self.open):
            writer.close()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def scripted_server(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedServer]:
    """Serve on a port of its own of 127.0.0.1."""
    scripted = ScriptedServer(script)
    server = await asyncio.start_server(scripted, "127.0.0.1", 0, ssl=tls)
    scripted.port = server.sockets[0].getsockname()[1]
    try:
        yield scripted
    finally:
        server.close()
        for writer in scripted.open:
            writer.transport.abort()
        await asyncio.sleep(0)
