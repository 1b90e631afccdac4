"""The service under uvicorn's own command, with several workers and a prefix."""

import asyncio
import signal
from pathlib import Path

import httpx

from app.settings import Settings
from tests.fixtures.app import Person
from tests.test_metrics import counted
from tests.tools.servers import START_SECONDS, Server, answers

PREFIX = "/chat"


async def test_workers_of_uvicorn_serve_below_a_prefix_and_count_together(
    settings: Settings, ann: Person, bob: Person, tmp_path: Path
) -> None:
    for number in range(2):
        group = (await bob.sent(f"{number}", ann))["message_group_uuid"]
    server = Server(settings, variables={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)})
    options = ("--workers", "2", "--root-path", PREFIX, "--host", "127.0.0.1", "--port", f"{server.port}")
    server.is_forked = False
    server.command = ("-m", "uvicorn", "--factory", "app.main:create_app", *options)
    await server.start()
    try:
        async with asyncio.timeout(START_SECONDS):
            while len(list(tmp_path.glob("counter_*.db"))) < 2:  # noqa: ASYNC110, ASYNC240  # a file of each worker
                await asyncio.sleep(0.05)
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
    finally:
        assert await server.stop(signal.SIGTERM) == 0
    async with httpx.AsyncClient() as client:
        assert not await answers(client, server.address), "no worker is left behind"
