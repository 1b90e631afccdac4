"""Server processes as the container starts them, which can be killed and started again on their ports."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.settings import Settings
from scripts.engines.process import free_port
from tests.tools.contract import ContractClient, committed_document
from tests.tools.forks import Fork, fork

START_SECONDS = 60
"""Patience of the tests, not a promise: importing the service takes a loaded machine 20 s."""
UNTIMED = {
    "app.auth.keys.CONNECT_TIMEOUT": 60,
    "app.auth.keys.FETCH_TIMEOUT": 60,
    "app.auth.keys.WAIT_SECONDS": 60,
    "app.gateways.dynamodb.client.open_client(read_seconds)": 60,
    "app.gateways.dynamodb.connection.CONNECT_SECONDS": 60,
    "app.gateways.postgres.connect.Connector.__init__(seconds)": 60,
    "app.gateways.postgres.pool.open_postgres(statement_seconds)": 60,
    "app.gateways.valkey.client.Valkey.__init__(call_seconds)": 5,
    "app.gateways.valkey.connection.CONNECT_SECONDS": 60,
    "app.gateways.valkey.multiplexer.HANG_SECONDS": 60,
    "app.gateways.valkey.subscriber.CONFIRM_SECONDS": 60,
    "app.messaging.catchup.READ_SECONDS": 60,
    "app.messaging.changes.READ_SECONDS": 60,
    "app.messaging.changes.SEND_SECONDS": 60,
    "app.messaging.projection.WAIT_SECONDS": 60,
    "app.messaging.requests.service.SEND_SECONDS": 60,
    "app.messaging.service.READ_SECONDS": 60,
    "app.messaging.service.SEND_SECONDS": 60,
    "app.messaging.settings.service.READ_SECONDS": 60,
    "app.messaging.unread.READ_SECONDS": 60,
    "app.realtime.presence.tracker.READ_SECONDS": 60,
    "app.users.service.READ_SECONDS": 60,
}
"""Deadlines which no server of the tests has: on a loaded machine their engines are late, and 503 says so.

They are tested in the tests' own process, whose clock stops while others have the processor (`tests.tools.own_time`).
"""
IS_REQUEST = "app.messaging.store.MessagingStore.start_direct_group(is_request)"
"""False, unless a test says otherwise: users are contacts, as in the tests' own process (`tests.fixtures.contacts`)."""


@dataclass
class Server:
    """A server process as the container starts it, which can be killed and started again on its port."""

    settings: Settings
    port: int = field(default_factory=free_port)
    variables: dict[str, str] = field(default_factory=dict)
    """Settings of the server itself, and others in place of those in `settings`."""
    stderr: int = asyncio.subprocess.DEVNULL
    process: asyncio.subprocess.Process | Fork | None = None
    constants: dict[str, float] = field(default_factory=dict)
    """Values in place of constants and defaults (`fork_server.replace`), so that a test need not wait as long."""
    is_forked: bool = True
    """True if it is forked from a process that has loaded the service, which saves 2 s of CPU; else it is `command`."""
    command: tuple[str, ...] = ("-m", "app")
    """Arguments of Python."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **headers: str) -> ContractClient:
        """A client that checks every answer against the committed OpenAPI document."""
        return ContractClient(committed_document(), base_url=self.address, headers=headers, trust_env=False)

    async def start(self, *, at: str = "127.0.0.1") -> None:
        """Start it, and wait until it answers at an address of this machine."""
        env = {**environment(self.settings), "HOST": "127.0.0.1", "PORT": str(self.port), **self.variables}
        self.process = await (
            fork("app", env=env, constants=UNTIMED | {IS_REQUEST: False} | self.constants, stderr=self.stderr)
            if self.is_forked
            else asyncio.create_subprocess_exec(sys.executable, *self.command, env=env, stderr=self.stderr)
        )
        async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS):
            while not await answers(client, f"http://{at}:{self.port}"):
                assert self.process.returncode is None, "the server ended while it started"
                await asyncio.sleep(0.05)

    async def stop(self, how: signal.Signals) -> int:
        """The exit code."""
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(how)
        async with asyncio.timeout(15):
            return await self.process.wait()


async def answers(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(f"{address}/healthz")).status_code == 200
    except httpx.TransportError:
        return False


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the environment of a process, which has nothing else."""
    secrets = {"VALKEY_URL": settings.valkey_url, "METRICS_TOKEN": settings.metrics_token}
    return {
        **{name: secret.get_secret_value() for name, secret in secrets.items() if secret},
        "ENVIRONMENT": settings.environment,
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "DYNAMODB_ENDPOINT_URL": str(settings.dynamodb_endpoint_url),
        "MAX_REQUESTS_PER_ACCOUNT": str(settings.max_requests_per_account),
        "ALLOWANCES": ",".join(f"{key}={factor:g}" for key, factor in settings.allowances.items()),
        "DYNAMODB_CLIENT": settings.dynamodb_client,
        "DYNAMODB_TABLE": settings.dynamodb_table,
        "COGNITO_ISSUER_URL": settings.cognito_issuer_url,
        "COGNITO_CLIENT_IDS": ",".join(settings.cognito_client_ids),
        "COGNITO_DOMAIN_URL": settings.cognito_domain_url or "",
        "LOG_LEVEL": "ERROR",
    }


@asynccontextmanager
async def started(server: Server) -> AsyncIterator[Server]:
    """Start a server process, and kill it in the end."""
    await server.start()
    yield server
    await server.stop(signal.SIGKILL)


@asynccontextmanager
async def servers(settings: Settings, count: int, **options: Any) -> AsyncIterator[list[Server]]:
    """Start server processes with these options of `Server`."""
    all_servers = [Server(settings, **options) for _ in range(count)]
    try:
        await asyncio.gather(*(server.start() for server in all_servers))
        yield all_servers
    finally:
        await asyncio.gather(*(server.stop(signal.SIGKILL) for server in all_servers if server.process))
