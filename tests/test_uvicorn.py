"""The service under uvicorn's own command, with several workers and a prefix."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.settings import Settings
from tests.fixtures.app import Person
from tests.observability.test_metrics import counted
from tests.tools.servers import START_SECONDS, Server, answers

PREFIX = "/chat"
COMMAND = re.search(r"^uvicorn (.*?)^```", Path("docs/operations.md").read_text(), re.MULTILINE | re.DOTALL)


def workers_in(folder: Path) -> set[int]:
    """Return the process ids of all workers that have begun to count."""
    return {int(file.stem.partition("_")[2]) for file in folder.glob("counter_*.db")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the workers count."""
    return tmp_path_factory.mktemp("counts")


@pytest_asyncio.fixture(scope="module")
async def server(settings: Settings, folder: Path) -> AsyncIterator[Server]:
    """Serve by two workers, and stop them: the exit code is 0, and none is left behind."""
    server = Server(settings, variables={"PROMETHEUS_MULTIPROC_DIR": str(folder)})
    assert COMMAND
    documented = (
        COMMAND[1].replace("\\\n", "").replace("--host 0.0.0.0", "--host 127.0.0.1").replace("8000", f"{server.port}")
    )
    server.is_forked = False
    server.command = ("-m", "uvicorn", *documented.split(), "--root-path", PREFIX)
    await server.start()
    try:
        async with asyncio.timeout(START_SECONDS):
            while len(workers_in(folder)) < 2:  # noqa: ASYNC110  # a file of each worker
                await asyncio.sleep(0.05)
        yield server
    finally:
        assert await server.stop(signal.SIGTERM) == 0
    async with httpx.AsyncClient() as client:
        assert not await answers(client, server.address)


async def test_workers_of_uvicorn_serve_below_a_prefix_and_count_together(
    server: Server, ann: Person, bob: Person
) -> None:
    for number in range(2):
        group = (await bob.sent(f"{number}", ann))["message_group_uuid"]
    # A connection for each call: whichever worker is free takes it.
    headers = {"authorization": f"Bearer {ann.token}", "connection": "close"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
        address = server.address + PREFIX
        for _ in range(20):
            page = await client.get(f"{address}/api/messages/{group}", params={"limit": 1})
            assert page.links["next"]["url"].startswith(f"{PREFIX}/api/messages/{group}?")
        assert (await client.get(f"{address}/messages")).status_code == 200
        scrapes = await asyncio.gather(*(client.get(f"{address}/metrics") for _ in range(10)))
        counts = [counted(scrape.text, "cruddur_http_request_seconds_count") for scrape in scrapes]
        assert {count["list_messages", "200"] for count in counts} == {20}


async def test_killed_workers_of_uvicorn_are_replaced_and_their_streams_count_no_more(
    server: Server, folder: Path, ann: Person
) -> None:
    headers = {"authorization": f"Bearer {ann.token}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:

        async def scraped(name: str) -> float:
            samples = counted((await client.get(f"{server.address}/metrics")).text, name)
            return sum(samples.values())

        async with client.stream("GET", f"{server.address}/api/events") as stream:
            events = stream.aiter_bytes()  # once nothing has it, httpx closes the stream
            await anext(events)
            assert await scraped("cruddur_event_streams") == 1
            for worker in workers_in(folder):
                os.kill(worker, signal.SIGKILL)
        async with asyncio.timeout(START_SECONDS):
            while not await answers(client, server.address):  # noqa: ASYNC110  # it has no event
                await asyncio.sleep(0.05)
        assert await scraped("cruddur_event_streams") == 0
        assert await scraped("cruddur_http_request_seconds_count") > 2, "what the killed ones have counted is kept"
