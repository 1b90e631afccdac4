"""Starts the Flask service of `flask_peer` with data, and says what to ask it."""

import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from app.users.models import NewUser
from scripts.bootstrap import ROOT
from scripts.engines.process import free_port
from tests.benchmarks.load import AT_ONCE
from tests.benchmarks.processes import Server, children, run_server
from tests.benchmarks.world import MESSAGES, TEXT, World
from tests.tools.servers import environment

TABLE = "flask-messages"

Inbox = Sequence[tuple[NewUser, NewUser, str]]
"""The owner of an inbox, the peer and the id of each group."""


def write_table(world: World, python: Path, inbox: Inbox) -> None:
    """Create the peer's table, and write the inbox into it, the newest group first."""
    items = (item for age, group in enumerate(inbox) for item in group_items(*group, age))
    lines = "\n".join(map(json.dumps, items))
    command = (python, "-m", "tests.benchmarks.flask_peer.load")
    subprocess.run(command, cwd=ROOT, env=_environment(world), input=lines, text=True, check=True)


def group_items(owner: NewUser, peer: NewUser, group: str, age: int) -> Iterator[dict[str, str]]:
    """Yield the items of a group whose last message is so many minutes old."""
    end = datetime.now(UTC) - timedelta(minutes=age)
    for number in range(MESSAGES):
        at, sender = (end - timedelta(seconds=number)).isoformat(), (peer, owner)[number % 2]
        yield {"pk": f"MSG#{group}", "sk": at, "message_uuid": str(uuid4()), "message": TEXT, **_names(sender)}
    for user, other in ((owner, peer), (peer, owner)):
        row = {"pk": f"GRP#{user.uuid}", "sk": end.isoformat(), "message": TEXT, "message_group_uuid": group}
        yield row | _names(other)


def _names(user: NewUser) -> dict[str, str]:
    return {"user_uuid": str(user.uuid), "user_display_name": user.display_name, "user_handle": user.handle}


@asynccontextmanager
async def serve_flask(world: World, python: Path, *, keeps_client: bool = False) -> AsyncIterator[Server]:
    """Start the peer in one process with as many threads as there are requests at once."""
    port = free_port()
    options = f"--workers 1 --threads {AT_ONCE} --keep-alive 60 --bind 127.0.0.1:{port} --chdir {ROOT}"
    command = (str(python.with_name("gunicorn")), *options.split(), "tests.benchmarks.flask_peer.service:app")
    env = _environment(world) | ({"KEEP_CLIENT": "1"} if keeps_client else {})
    async with run_server("flask", world.folder, port, *command, probe="/api/health-check", env=env) as server:
        (worker,) = children(server.pid)
        yield replace(server, pid=worker)


def _environment(world: World) -> dict[str, str]:
    ours = {"DYNAMODB_TABLE": TABLE, "PYTHONPATH": str(ROOT), "AWS_DEFAULT_REGION": "us-east-1"}
    return (
        os.environ
        | environment(world.settings)
        | ours
        | {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    )
