"""Engines of a benchmark's own, processes of the service on them, and users with their groups and messages."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from app.auth.issuer import LocalIssuer
from app.cli.batches import batched
from app.gateways.dynamodb.operator import OperatedTable, open_operated_table
from app.gateways.postgres import open_postgres
from app.messaging import inbox_items, items
from app.messaging.models import Message, direct_group_uuid
from app.settings import Settings
from app.users.models import NewUser
from app.users.store import UserStore
from migrations.dynamodb_table import create_table
from migrations.postgres import migrate
from scripts.engines.dynamodb import local_dynamodb
from scripts.engines.postgres import Postgres
from scripts.engines.process import Engine, free_port, stop_all
from scripts.engines.valkey import Valkey
from tests.benchmarks.load import request_bytes
from tests.benchmarks.processes import Server, run_server
from tests.fixtures.engines import database_of
from tests.tools.servers import environment

GROUPS = 21
MESSAGES = 60
TEXT = "x" * 100
WRITTEN_AT_ONCE, USERS_AT_ONCE = 1_000, 200


@dataclass(frozen=True, slots=True)
class Account:
    """A user with an access token."""

    user: NewUser
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """Return a request with the user's token."""
        return request_bytes(method, path, self.headers, body)


@dataclass(frozen=True, slots=True)
class World:
    """A folder for files, the engines' settings, and the issuer of tokens."""

    folder: Path
    settings: Settings
    issuer: LocalIssuer

    def account(self, user: NewUser) -> Account:
        """Return the user with a token, which is valid for an hour."""
        return Account(user, self.issuer.token(user.cognito_user_id, time.time()))


def new_users(count: int) -> list[NewUser]:
    """Return users that are not written yet."""
    uuids = [uuid4() for _ in range(count)]
    return [NewUser(uuid, f"user_{uuid.hex[:12]}", f"User {uuid.hex[:12]}", str(uuid4())) for uuid in uuids]


@asynccontextmanager
async def open_world(*, with_valkey: bool = False) -> AsyncIterator[World]:
    """Start engines with an empty table and a server of the key set, and stop them at the end.

    The engines do not wait for a disk, which would limit the throughput of all sides alike.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name, ExitStack() as stack:
        folder = Path(name)
        await asyncio.to_thread(folder.chmod, 0o711)  # Postgres runs as another user if this is root
        engines: list[Engine] = [local_dynamodb(folder, durable=False), Postgres(folder, durable=False)]
        engines += [Valkey(folder)] if with_valkey else []
        stack.callback(stop_all, engines)
        for engine in engines:
            engine.start()
        for engine in engines:
            engine.wait_until_ready()
        await asyncio.to_thread(migrate, database_of(engines[1].address))
        keys_port = free_port()
        settings = Settings(
            environment="test",
            data_dir=folder,
            dynamodb_endpoint_url=engines[0].address,
            database_url=engines[1].address,
            valkey_url=engines[2].address if with_valkey else None,
            cognito_issuer_url=f"http://127.0.0.1:{keys_port}/pool",
            cognito_client_ids=("web",),
            allowances={"*": 1_000_000},
        )
        issuer = LocalIssuer(settings)
        await create_table(settings)
        async with serve_keys(issuer.jwks(), keys_port):
            yield World(folder, settings, issuer)


@asynccontextmanager
async def serve_keys(keys: Mapping[str, Any], port: int) -> AsyncIterator[None]:
    """Serve a key set as Cognito does."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(keys)

    app = web.Application()
    app.router.add_get("/pool/.well-known/jwks.json", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serve(world: World, *options: str) -> AsyncIterator[Server]:
    """Start the service as the container does, with more options of uvicorn's, and stop it at the end."""
    port = free_port()
    command = (
        f"-m uvicorn --factory app.main:create_app --host 127.0.0.1 --port {port} --timeout-graceful-shutdown 10"
        " --proxy-headers --no-access-log --no-server-header"
    )
    program = (sys.executable, *command.split(), *options)
    env = os.environ | environment(world.settings) | {"LOG_LEVEL": "INFO"}
    async with run_server("service", world.folder, port, *program, probe="/healthz", env=env) as server:
        yield server


@asynccontextmanager
async def serve_app(world: World) -> AsyncIterator[Server]:
    """Start the service by `python -m app`, with its limits as they are by default, and stop it at the end.

    No proxy is trusted, so that this machine's addresses have the limits of clients.
    """
    port = free_port()
    env = os.environ | environment(world.settings)
    env |= {
        "ALLOWANCES": "",
        "LOG_LEVEL": "INFO",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "FORWARDED_ALLOW_IPS": "192.0.2.1",
    }
    async with run_server(
        "service", world.folder, port, sys.executable, "-m", "app", probe="/healthz", env=env
    ) as server:
        yield server


async def write_inbox(world: World, owner: NewUser, peers: Sequence[NewUser]) -> list[UUID]:
    """Write the users, and a direct group of the owner with each peer; return the groups' ids, the newest first."""
    await write_users(world, [owner, *peers])
    async with open_operated_table(world.settings) as table:
        return [await write_group(table, owner, peer, age, MESSAGES) for age, peer in enumerate(peers)]


async def write_users(world: World, users: Sequence[NewUser]) -> None:
    """Write users into Postgres."""
    async with open_postgres(world.settings) as postgres:
        for batch in batched(users, USERS_AT_ONCE):  # a statement has a deadline
            await UserStore(postgres).add_all(batch)


async def write_group(table: OperatedTable, owner: NewUser, peer: NewUser, age: int, messages: int) -> UUID:
    """Write a direct group in which the members take turns, the last message so many minutes old; return its id."""
    group = direct_group_uuid(owner.uuid, peer.uuid)
    end = datetime.now(UTC) - timedelta(minutes=age)
    for numbers in batched(range(1, messages + 1), WRITTEN_AT_ONCE):
        log = [message(group, number, (owner, peer)[number % 2], end) for number in numbers]
        await table.put_all(list(map(items.message_item, log)))
    rows = [inbox_items.first_inbox_row(log[-1], user=a.uuid, peer=b.uuid) for a, b in ((owner, peer), (peer, owner))]
    await table.put_all(list(map(inbox_items.inbox_item, rows)))
    return group


async def write_rows(world: World, owner: NewUser, peers: Sequence[NewUser], *, last: int) -> list[UUID]:
    """Write the users, and the owner's inbox rows of groups without a log; return the groups' ids, the newest first."""
    await write_users(world, [owner, *peers])
    now, rows = datetime.now(UTC), []
    for age, peer in enumerate(peers):
        newest = message(direct_group_uuid(owner.uuid, peer.uuid), last, peer, now - timedelta(minutes=age))
        rows.append(inbox_items.first_inbox_row(newest, user=owner.uuid, peer=peer.uuid))
    async with open_operated_table(world.settings) as table:
        await table.put_all(list(map(inbox_items.inbox_item, rows)))
    return [row.group_uuid for row in rows]


def message(group: UUID, number: int, sender: NewUser, at: datetime) -> Message:
    """Return a message of a hundred characters."""
    return Message(group, number, uuid4(), sender.uuid, TEXT, at)
