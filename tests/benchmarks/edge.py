"""CPU of one request above the services: middleware, routing, dependencies, answers, log line and metrics.

    .venv/bin/python -m tests.benchmarks.edge
    .venv/bin/python -m tests.benchmarks.edge --profile send

The application is called in this process, without a server, and its services answer from memory. The unit is a bare
aiohttp call of the same run; medians of 5 rounds.
"""

import argparse
import cProfile
import json
import os
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import aiohttp
import httpx
import uvloop
from aiohttp import web

from app.auth.issuer import LocalIssuer
from app.auth.tokens import TokenVerifier
from app.cache import Caches
from app.concurrency import TaskSet
from app.gateways.dynamodb import Table
from app.main import create_app
from app.messaging.catchup import Catchup
from app.messaging.inbox import InboxPage
from app.messaging.models import Draft, Message
from app.messaging.row_models import InboxRow, UnreadRows
from app.messaging.service import History, Messaging
from app.messaging.store import MessagingStore
from app.messaging.unread import UnreadCounter
from app.messaging.views import Views
from app.messaging.windows import Window
from app.settings import Settings
from app.users.models import User
from app.users.service import Users
from app.users.store import UserStore
from tests.benchmarks.clients.answer import ANSWER

ROUNDS = 5
REQUESTS = 1_000
NOW = datetime(2026, 11, 24, 9, 30, 0, 123_000, UTC)
GROUP, CALLER = uuid4(), uuid4()
PEERS = [uuid4() for _ in range(21)]
TEXT = "x" * 100

Call = Callable[[], Awaitable[object]]


class Names:
    """A user for each id."""

    async def by_cognito_user_id(self, sub: str) -> User:
        return User(CALLER, "caller", "The caller", sub, NOW)

    async def by_uuids(self, uuids: Collection[UUID]) -> list[User]:
        return [User(uuid, f"user_{uuid.hex[:8]}", "Amélie Laurent", uuid.hex, NOW) for uuid in uuids]


class Rows:
    """An inbox of 21 groups, for the unread counter."""

    async def count_unread(self, *_: object, **__: object) -> tuple[UnreadRows, int]:
        return UnreadRows(len(PEERS), None), len(PEERS)


class Answers:
    """The answers of Messaging: 20 messages, an inbox of 21 groups, and what is sent."""

    def __init__(self) -> None:
        self._messages = [
            Message(GROUP, number, uuid4(), PEERS[0] if number % 2 else CALLER, TEXT, NOW) for number in range(23, 43)
        ]
        self._rows = [InboxRow(CALLER, uuid4(), peer, 42, NOW, peer, TEXT, 40, 57) for peer in PEERS]

    async def history(self, *_: object) -> History:
        return History(self._messages, 42, Window.newest(20), self._rows[0])

    async def inbox(self, *_: object, **__: object) -> InboxPage:
        return InboxPage(self._rows, None)

    async def send(self, draft: Draft, **_: object) -> Message:
        return Message(GROUP, 43, draft.uuid or uuid4(), draft.user_uuid, draft.text, NOW)


class Driver:
    """Calls the application as uvicorn does."""

    def __init__(self, settings: Settings, issuer: LocalIssuer) -> None:
        keys = httpx.MockTransport(lambda _: httpx.Response(200, json=issuer.jwks()))
        tasks = TaskSet()
        caches = Caches(tasks)
        users = Users(cast(UserStore, Names()), caches)
        catchup = Catchup(MessagingStore(cast(Table, None)))  # no message replies to another
        self._app = create_app(settings)
        self._token = issuer.token(str(CALLER), time.time()).encode()
        self._state: dict[str, Any] = {
            "verifier": TokenVerifier(settings, httpx.AsyncClient(transport=keys)),
            "users": users,
            "views": Views(users, catchup),
            "messaging": cast(Messaging, Answers()),
            "catchup": catchup,
            "unread": UnreadCounter(cast(MessagingStore, SimpleNamespace(inbox=Rows())), caches),
        }

    async def ask(self, method: str, path: str, body: bytes = b"", *, query: bytes = b"") -> Any:
        """Return the JSON of the answer, which must have status 200."""
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(self._scope(method, path, query, len(body)), receive, send)
        if sent[0]["status"] != 200:
            raise RuntimeError(f"{method} {path}: {sent}")
        return sent[1]["body"]

    def _scope(self, method: str, path: str, query: bytes, length: int) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 50_000),
            "scheme": "http",
            "root_path": "",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "headers": [
                (b"host", b"127.0.0.1:8000"),
                (b"authorization", b"Bearer " + self._token),
                (b"accept", b"*/*"),
                (b"accept-encoding", b"gzip, deflate"),
                (b"user-agent", b"Python/3.11 aiohttp/3.12"),
                *([(b"content-length", b"%d" % length), (b"content-type", b"application/json")] if length else []),
            ],
            "state": self._state.copy(),
        }


def calls_of(driver: Driver) -> dict[str, Call]:
    """Return the calls to measure by name."""
    body = json.dumps({"message_group_uuid": str(GROUP), "message": TEXT, "uuid": str(uuid4())}).encode()
    return {
        "health": lambda: driver.ask("GET", "/api/health-check"),
        "counter": lambda: driver.ask("GET", "/api/messages/counter"),
        "20 messages": lambda: driver.ask("GET", f"/api/messages/{GROUP}", query=b"limit=20"),
        "inbox of 21": lambda: driver.ask("GET", "/api/message_groups", query=b"limit=21"),
        "send": lambda: driver.ask("POST", "/api/messages", body),
    }


async def cpu_seconds(call: Call, count: int = REQUESTS) -> float:
    """Return the CPU seconds of this process for one call."""
    before = time.process_time()
    for _ in range(count):
        await call()
    return (time.process_time() - before) / count


async def bare_call() -> float:
    """Return the CPU seconds of one unsigned POST: half of what the call and its server take in this process."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=ANSWER, content_type="application/json")

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:

        async def post() -> None:
            async with session.post(f"http://127.0.0.1:{runner.addresses[0][1]}/", data=b"{}") as response:
                await response.json()

        seconds = [await cpu_seconds(post) / 2 for _ in range(ROUNDS)]
    await runner.cleanup()
    return statistics.median(seconds)


async def measure(driver: Driver) -> None:
    calls = calls_of(driver)
    for call in calls.values():
        await cpu_seconds(call, 100)
    unit = await bare_call()
    print(f"unit: {unit * 1e6:.1f} µs for a bare call")
    rounds = [[await cpu_seconds(call) for call in calls.values()] for _ in range(ROUNDS)]
    for name, seconds in zip(calls, zip(*rounds, strict=True), strict=True):
        cpu = statistics.median(seconds)
        print(f"{name:14} {cpu * 1e6:6.1f} µs CPU  {cpu / unit:5.2f} bare calls  (least {min(seconds) * 1e6:.1f} µs)")


async def profile(driver: Driver, name: str) -> None:
    call = calls_of(driver)[name]
    await cpu_seconds(call, 100)
    with cProfile.Profile() as profiler:
        await cpu_seconds(call)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(45)


async def run(names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, log_lines_discarded():
        driver = driver_in(Path(folder))
        await (profile(driver, names[0]) if names else measure(driver))


def driver_in(folder: Path) -> Driver:
    """Return a driver of an application with its data in a folder."""
    settings = Settings(
        environment="test",
        data_dir=folder,
        database_url="postgresql://127.0.0.1/none",
        dynamodb_endpoint_url="http://127.0.0.1:1",
        cognito_issuer_url="http://127.0.0.1/pool",
        cognito_client_ids=("web",),
        allowances={"*": 1_000_000},
    )
    return Driver(settings, LocalIssuer(settings))


@contextmanager
def log_lines_discarded() -> Iterator[None]:
    """Discard standard error for the block: log lines are written, but not read."""
    terminal, nowhere = os.dup(sys.stderr.fileno()), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stderr.fileno())
    try:
        yield
    finally:
        os.dup2(terminal, sys.stderr.fileno())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", metavar="CALL")
    asked = parser.parse_args().profile
    uvloop.run(run([asked] if asked else []))
