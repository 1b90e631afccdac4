"""Starts Matrix Synapse with rooms and messages, and says what to ask it."""

import asyncio
import hashlib
import hmac
import json
import secrets
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from scripts.engines.process import free_port
from tests.benchmarks.load import AT_ONCE, Request, connections, fetch, request_bytes
from tests.benchmarks.postgres import create_database
from tests.benchmarks.processes import Server, run_server
from tests.benchmarks.world import GROUPS, MESSAGES, TEXT

DATABASE = "synapse"
NO_LIMIT = {"per_second": 1_000_000, "burst_count": 1_000_000}
LIMITS = ("rc_message", "rc_registration", "rc_joins_per_room", "rc_presence")
CLIENT = "/_matrix/client/v3"
SLIDING_SYNC = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
LAST_MESSAGES = json.dumps({"room": {"timeline": {"limit": 1}, "state": {"lazy_load_members": True}}})
ALL_ROOMS = {"lists": {"inbox": {"ranges": [[0, GROUPS - 1]], "timeline_limit": 1, "required_state": []}}}


@dataclass(frozen=True, slots=True)
class Homeserver:
    """A running Synapse and the secret for registrations."""

    server: Server
    secret: str

    async def register(self, name: str) -> "MatrixUser":
        """Register a user by the shared secret (the admin API)."""
        path = "/_synapse/admin/v1/register"
        nonce = (await fetch(self.server.address, request_bytes("GET", path, {})))["nonce"]
        password = secrets.token_urlsafe(16)
        mac = hmac.new(self.secret.encode(), f"{nonce}\0{name}\0{password}\0notadmin".encode(), hashlib.sha1)
        body = {"nonce": nonce, "username": name, "password": password, "admin": False, "mac": mac.hexdigest()}
        answer = await fetch(self.server.address, request_bytes("POST", path, {}, body))
        return MatrixUser(self.server, answer["user_id"], answer["access_token"])


@dataclass(frozen=True, slots=True)
class MatrixUser:
    """A user with an access token."""

    server: Server
    id: str
    token: str

    def request(self, method: str, path: str, body: object = None) -> bytes:
        return request_bytes(method, path, {"authorization": f"Bearer {self.token}"}, body)

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        return await fetch(self.server.address, self.request(method, path, body))

    async def start_room(self, other: "MatrixUser") -> str:
        """Return a new direct room, which the other user has joined."""
        body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [other.id]}
        room: str = (await self.ask("POST", f"{CLIENT}/createRoom", body))["room_id"]
        await other.ask("POST", f"{CLIENT}/rooms/{quote(room)}/join", {})
        return room


async def fill(homeserver: Homeserver) -> Mapping[str, Request]:
    """Give a user an inbox with messages in one room, and return the user's requests by name."""
    owner, *others = [await homeserver.register(f"user{number}") for number in range(1 + GROUPS)]
    rooms = [await owner.start_room(other) for other in others]
    send = sends(owner, rooms)
    async with connections(homeserver.server.address, 1) as (connection,):
        for _ in range(MESSAGES):
            await connection.ask(send(0))
        for number in range(1, AT_ONCE):
            await connection.ask(send(number))
    return requests(owner, rooms) | {"send": send}


def requests(owner: MatrixUser, rooms: Sequence[str]) -> dict[str, Request]:
    """Return the reads. All syncs are first ones, as a client that opens its inbox makes them.

    Equal syncs at the same time would share one answer, so each connection's differs in a number.
    """
    page = owner.request("GET", f"{CLIENT}/rooms/{quote(rooms[0])}/messages?dir=b&limit=20")
    return {
        "20 messages": lambda _: page,
        "inbox of 21 by /sync": lambda connection: owner.request(
            "GET", f"{CLIENT}/sync?filter={quote(LAST_MESSAGES)}&timeout={connection}"
        ),
        "inbox of 21 by sliding sync": lambda connection: owner.request(
            "POST", SLIDING_SYNC, ALL_ROOMS | {"conn_id": str(connection)}
        ),
    }


def sends(owner: MatrixUser, rooms: Sequence[str]) -> Request:
    """Return the sends, each with an id of its own, of each connection to a room of its own."""
    numbers, body = count(), {"msgtype": "m.text", "body": TEXT}

    def send(connection: int) -> bytes:
        path = f"{CLIENT}/rooms/{quote(rooms[connection])}/send/m.room.message/{next(numbers)}"
        return owner.request("PUT", path, body)

    return send


@asynccontextmanager
async def serve_synapse(folder: Path, python: Path, database_url: str) -> AsyncIterator[Homeserver]:
    """Start Synapse on a database of its own, as one process."""
    port, secret = free_port(), secrets.token_urlsafe(16)
    await create_database(database_url, DATABASE)
    config = folder / "homeserver.yaml"
    config.write_text(json.dumps(configuration(folder, port, secret, database_url)))  # JSON is YAML
    program = (str(python), "-m", "synapse.app.homeserver", "--config-path", str(config))
    await asyncio.to_thread(partial(subprocess.run, [*program, "--generate-keys"], check=True, capture_output=True))
    async with run_server("synapse", folder, port, *program, probe="/health") as server:
        yield Homeserver(server, secret)


def configuration(folder: Path, port: int, secret: str, database_url: str) -> dict[str, Any]:
    """Return a homeserver's settings without limits on rates, kept answers and federation, and with few log lines."""
    place = urlsplit(database_url)
    log = folder / "synapse-log.yaml"
    log.write_text(json.dumps({"version": 1, "root": {"level": "WARNING"}}))
    resources = [{"names": ["client"], "compress": False}]
    listener = {"port": port, "bind_addresses": ["127.0.0.1"], "type": "http", "resources": resources}
    return {
        "server_name": "localhost",
        "pid_file": str(folder / "synapse.pid"),
        "listeners": [listener],
        "database": {
            "name": "psycopg2",
            "args": {
                "host": place.hostname,
                "port": place.port,
                "user": place.username,
                "password": place.password,
                "dbname": DATABASE,
            },
        },
        "signing_key_path": str(folder / "synapse.signing.key"),
        "media_store_path": str(folder / "media"),
        "log_config": str(log),
        "registration_shared_secret": secret,
        "macaroon_secret_key": secret,
        "report_stats": False,
        "caches": {"sync_response_cache_duration": 0},
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        **dict.fromkeys(LIMITS, NO_LIMIT),
        "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), NO_LIMIT),
        "rc_joins": dict.fromkeys(("local", "remote"), NO_LIMIT),
        "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), NO_LIMIT),
        "rc_room_creation": NO_LIMIT,
    }
