"""The service behind a real nginx, configured as the documentation says, which strips the prefix or passes it on."""

import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.settings import Settings
from tests.fixtures.app import Person, Service
from tests.tools.listener import sse
from tests.tools.nginx import VARIABLES, behind_nginx
from tests.tools.servers import Server

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="nginx comes from the packages of a Debian or Ubuntu"
)


@pytest_asyncio.fixture(params=["stripped", "passed on"])
async def proxy(
    request: pytest.FixtureRequest,
    settings: Settings,
    service: Service,  # noqa: ARG001  # its keys are served
    tmp_path: Path,
) -> AsyncIterator[str]:
    """The address of the service behind nginx."""
    server = Server(settings, variables=VARIABLES)
    async with behind_nginx(request, server, tmp_path, is_stripped=request.param == "stripped") as address:
        yield address


async def test_the_page_the_documentation_and_links_work_behind_it(proxy: str, ann: Person, bob: Person) -> None:
    headers = {"authorization": f"Bearer {ann.token}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
        for path in ("/", "/messages/new/somebody", "/docs"):
            page = await client.get(proxy + path)
            for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
                assert (await client.get(page.url.join(name))).status_code == 200, name
        for number in range(2):
            body = {"message": f"{number}", "handle": bob.handle}
            group = (await client.post(f"{proxy}/api/messages", json=body)).json()["message_group_uuid"]
        answer = await client.get(f"{proxy}/api/messages/{group}", params={"limit": 1})
        link = re.findall("<([^>]+)>", answer.headers["link"])[0]
        assert (await client.get(answer.url.join(link))).status_code == 200
        big = await client.post(f"{proxy}/api/messages", json={"message": "x" * 20_000, "handle": bob.handle})
        assert (big.status_code, big.json()["code"]) == (413, "body-too-large")


async def test_events_pass_it_as_they_come(proxy: str, ann: Person, bob: Person) -> None:
    headers = {"authorization": f"Bearer {ann.token}"}
    async with (
        httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client,
        client.stream("GET", f"{proxy}/api/events") as response,
    ):
        events = sse(response)
        assert (await anext(events))["event"] == "resync"
        body = {"message": "hi", "handle": bob.handle}
        assert (await client.post(f"{proxy}/api/messages", json=body)).status_code == 200
        assert json.loads((await anext(events))["data"])["message"]["message"] == "hi"
