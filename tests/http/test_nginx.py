"""The service behind a real nginx, configured as the documentation says, which strips the prefix or passes it on."""

import asyncio
import json
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.settings import Settings
from scripts import bootstrap
from scripts.bootstrap import NGINX
from scripts.engines.process import Child, free_port
from tests.fixtures.app import Person, Service
from tests.fixtures.setup import set_up
from tests.tools.listener import sse
from tests.tools.servers import Server

LOCATION = re.search(r"```nginx\n(.*?)```", Path("docs/operations.md").read_text(), re.DOTALL)
CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_buffer_size 64k;
  client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""
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
    await asyncio.to_thread(set_up, request, "nginx")
    assert LOCATION
    server = Server(settings, variables={"ROOT_PATH": "/chat"})
    target, port = f"http://127.0.0.1:{server.port}", free_port()
    location = LOCATION[1].replace("http://127.0.0.1:8000/", target + "/" * (request.param == "stripped"))
    file = tmp_path / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=tmp_path, port=port, location=location))
    nginx = Child("nginx", tmp_path / "nginx.log")
    try:
        await server.start()
        program, libraries = NGINX / "usr" / "sbin" / "nginx", os.environ | bootstrap.libraries(NGINX)
        nginx.start(program, "-p", tmp_path, "-c", file, "-e", tmp_path / "error.log", env=libraries)
        nginx.wait_until(lambda: _answers(port), seconds=10)
        yield f"http://127.0.0.1:{port}/chat"
    finally:
        nginx.stop(signal.SIGTERM, seconds=2)
        await server.stop(signal.SIGKILL)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/chat/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


async def test_the_page_the_documentation_and_links_work_behind_it(proxy: str, ann: Person, bob: Person) -> None:
    headers = {"authorization": f"Bearer {ann.token}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
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
        httpx.AsyncClient(headers=headers, trust_env=False, timeout=5) as client,
        client.stream("GET", f"{proxy}/api/events") as response,
    ):
        events = sse(response)
        assert (await anext(events))["event"] == "resync"
        body = {"message": "hi", "handle": bob.handle}
        assert (await client.post(f"{proxy}/api/messages", json=body)).status_code == 200
        assert json.loads((await anext(events))["data"])["message"]["message"] == "hi"
