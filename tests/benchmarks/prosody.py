"""Starts Prosody, an XMPP server, where the machine has it, and sends messages to it as its clients do."""

import asyncio
import shutil
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from scripts.engines.process import free_port
from tests.benchmarks.environments import PeerMissing
from tests.benchmarks.load import AT_ONCE
from tests.benchmarks.postgres import create_database
from tests.benchmarks.processes import Server, run_server
from tests.benchmarks.world import TEXT

DATABASE = "prosody"
HOST = "localhost"
SENDER, RECEIVER = "sender", "receiver"
MESSAGE = f"<message to='{RECEIVER}@{HOST}' type='chat'><body>{TEXT}</body></message>".encode()
CONFIGURATION = Template("""
run_as_root = true
pidfile = "$folder/prosody.pid"
data_path = "$folder"
certificates = "$folder"
interfaces = { "127.0.0.1" }
c2s_ports = { $port }
modules_enabled = { "roster", "saslauth", "disco", "smacks", "mam" }
modules_disabled = { "s2s", "http", "tls" }
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
default_archive_policy = true
archive_expires_after = "never"
storage = { archive = "sql" }
sql = {
  driver = "PostgreSQL", database = "$database", host = "$db_host", port = $db_port,
  username = "$user", password = "$password",
}
log = { warn = "*console" }
VirtualHost "$host"
""")


class XmppConnection:
    """A signed-in connection to Prosody, which acknowledges each message (XEP-0198)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> bytes:
        """Send a message, and return the acknowledgement: then it is archived and on its way."""
        self._writer.write(request + b"<r xmlns='urn:xmpp:sm:3'/>")
        while True:
            answer = await self._reader.readuntil(b">")
            if answer.startswith(b"<a "):
                return answer

    async def sign_in(self, user: str, password: str) -> None:
        """Authenticate, bind a resource, and ask for acknowledgements."""
        secret = b64encode(f"\0{user}\0{password}".encode()).decode()
        await self._open()
        await self._exchange(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>", "/>")
        await self._open()
        await self._exchange("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</iq>")
        await self._exchange("<enable xmlns='urn:xmpp:sm:3'/>", "/>")

    async def receive(self) -> None:
        """Say that the user is present, and read what arrives until the connection ends."""
        self._writer.write(b"<presence/>")
        while await self._reader.read(65_536):
            pass

    async def _open(self) -> None:
        namespaces = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
        await self._exchange(f"<stream:stream to='{HOST}' version='1.0' {namespaces}>", "</stream:features>")

    async def _exchange(self, text: str, end: str) -> None:
        self._writer.write(text.encode())
        await self._reader.readuntil(end.encode())

    def close(self) -> None:
        self._writer.close()


async def open_xmpp(address: str, user: str) -> XmppConnection:
    place = urlsplit(address)
    connection = XmppConnection(*await asyncio.open_connection(place.hostname, place.port))
    await connection.sign_in(user, user)
    return connection


@asynccontextmanager
async def xmpp_connections(address: str, count: int = AT_ONCE) -> AsyncIterator[list[XmppConnection]]:
    """Open connections of the sender, while the receiver is connected too, and close them at the end."""
    receiver = await open_xmpp(address, RECEIVER)
    receiving = asyncio.create_task(receiver.receive())
    opened = [await open_xmpp(address, SENDER) for _ in range(count)]
    try:
        yield opened
    finally:
        receiving.cancel()
        for connection in (receiver, *opened):
            connection.close()
        with suppress(asyncio.CancelledError):
            await receiving


@asynccontextmanager
async def serve_prosody(folder: Path, database_url: str) -> AsyncIterator[Server]:
    """Start Prosody with its archive in a database of its own, or raise PeerMissing."""
    program = shutil.which("prosody")
    if program is None:
        raise PeerMissing("it is not installed; some systems have a package of that name")
    await create_database(database_url, DATABASE)
    port, place = free_port(), urlsplit(database_url)
    config = folder / "prosody.cfg.lua"
    write_accounts(folder)
    text = CONFIGURATION.substitute(
        folder=folder, port=port, host=HOST, database=DATABASE, db_host=place.hostname, db_port=place.port,
        user=place.username, password=place.password,
    )  # fmt: skip
    config.write_text(text)
    async with run_server("prosody", folder, port, program, "-F", "--config", config, probe="") as server:
        yield server


def write_accounts(folder: Path) -> None:
    """Write both users where Prosody's internal storage has them."""
    accounts = folder / HOST / "accounts"
    accounts.mkdir(parents=True)
    for user in (SENDER, RECEIVER):
        (accounts / f"{user}.dat").write_text(f'return {{ ["password"] = "{user}" }};\n')
