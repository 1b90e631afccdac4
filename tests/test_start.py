"""The start of a process: it waits for what is missing and says so, or ends with one line."""

import asyncio
import gc
import json
import signal
from typing import Any, cast

import httpx
import pytest

from app.__main__ import Service
from app.settings import ServerSettings, Settings
from migrations.postgres import migrate
from scripts.engines.process import free_port
from tests.fixtures.engines import database_of
from tests.http.faulty import changed
from tests.tools.servers import Server

NOTHING = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_EC2_METADATA_DISABLED": "true",
    "LOG_LEVEL": "INFO",
}
"""Variables of a process without credentials."""


async def logged(server: Server) -> list[dict[str, Any]]:
    """Stop the server, and return its log."""
    assert server.process
    reading = asyncio.create_task(server.process.communicate())
    await server.stop(signal.SIGKILL)
    _, written = await reading
    return [json.loads(line) for line in written.splitlines()]


async def test_a_process_starts_without_anything_and_says_what_it_waits_for(settings: Settings) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    missing = changed(settings, database_url="postgresql://u:kX9vQ2mR7t@127.0.0.1:1/x", cognito_jwks_url=f"{away}/keys")
    elsewhere = away.replace("127.0.0.1", "127.1")  # no address of an engine on this machine, which gets no credentials
    variables = NOTHING | {"DYNAMODB_ENDPOINT_URL": elsewhere, "COGNITO_JWKS_URL": f"{away}/keys"}
    server = Server(missing, variables=variables, stderr=asyncio.subprocess.PIPE, is_forked=False)
    await server.start()
    async with httpx.AsyncClient(base_url=server.address, timeout=10) as client:
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    causes = {each["name"]: each["detail"] for each in ready.json()["dependencies"]}
    assert "There are no AWS credentials" in causes["dynamodb"]
    assert "Postgres does not answer" in causes["postgres"]
    assert "key set of the token issuer cannot be fetched" in causes["token_keys"]
    lines = await logged(server)
    down = {line["dependency"]: line["detail"] for line in lines if line["event"] == "dependency_down"}
    assert down.keys() == causes.keys()
    assert "kX9vQ2mR7t" not in json.dumps(lines)


async def next_state(server: Server) -> dict[str, Any]:
    """Return the next line that the running process logs about a dependency."""
    assert server.process
    assert server.process.stderr
    async with asyncio.timeout(30):
        while True:
            line: dict[str, Any] = json.loads(await server.process.stderr.readline())
            if line["event"].startswith("dependency_"):
                return line


@pytest.mark.usefixtures("issuer")  # serves the keys
async def test_a_process_becomes_ready_by_itself(settings: Settings, empty_database_url: str) -> None:
    """Nothing asks for it: the schema comes after the start, and the log says when it was found."""
    early = changed(settings, database_url=empty_database_url)
    server = Server(early, variables={"LOG_LEVEL": "INFO"}, stderr=asyncio.subprocess.PIPE)
    server.constants = {"app.http.readiness.START_INTERVAL": 0.5}
    await server.start()
    states = [await next_state(server)]
    await asyncio.to_thread(migrate, database_of(empty_database_url))
    states.append(await next_state(server))
    states += [line for line in await logged(server) if line["event"].startswith("dependency_")]
    assert [(line["dependency"], line["event"]) for line in states] == [
        ("postgres", "dependency_down"),
        ("postgres", "dependency_ok"),
    ]
    assert "cruddur migrate" in states[0]["detail"]


@pytest.mark.parametrize(
    ("variables", "code", "cause"),
    [
        ({"ENVIRONMENT": "local", "DATA_DIR": "/proc/nowhere"}, 3, "The service cannot start: "),
        ({"HOST": "192.0.2.1"}, 3, "192.0.2.1"),
        ({"DATABASE_URL": "postgresql://u:kX9vQ2mR7t@db/x?pool=3"}, 2, "unknown parameter pool"),
        ({"COGNITO_CLIENT_IDS": ""}, 2, "COGNITO_CLIENT_IDS is not set"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_a_start_that_fails_has_one_line_and_a_code(
    settings: Settings, variables: dict[str, str], code: int, cause: str
) -> None:
    server = Server(settings, variables=variables, stderr=asyncio.subprocess.PIPE)
    with pytest.raises(AssertionError, match="ended while it started"):
        await server.start()
    assert server.process
    _, written = await server.process.communicate()
    text = written.decode()
    assert server.process.returncode == code
    assert "Traceback" not in text
    assert len([line for line in text.splitlines() if cause in line]) == 1
    assert "kX9vQ2mR7t" not in text


async def test_what_the_start_has_made_is_left_out_of_collections(settings: Settings) -> None:
    """A full collection of it stopped all requests for a tenth of a second, again and again."""
    received, frozen = asyncio.Queue[dict[str, str]](), list[int]()
    received.put_nowait({"type": "lifespan.startup"})

    async def send(message: Any) -> None:
        frozen.append(gc.get_freeze_count())
        received.put_nowait({"type": "lifespan.shutdown"})
        assert message["type"].endswith(".complete")

    try:
        await Service(cast(ServerSettings, settings))({"type": "lifespan", "state": {}}, received.get, send)
    finally:
        gc.unfreeze()
    assert frozen[0] > 50_000
