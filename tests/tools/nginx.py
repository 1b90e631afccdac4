"""A server behind a real nginx, configured as the documentation says."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from scripts.bootstrap import debian_server
from scripts.engines.process import Child, free_port
from tests.fixtures.setup import set_up
from tests.tools.servers import Server

PREFIX = "/chat"
VARIABLES = {"ROOT_PATH": PREFIX}
"""Settings of a server below the prefix."""
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


@asynccontextmanager
async def behind_nginx(
    request: pytest.FixtureRequest, server: Server, folder: Path, *, is_stripped: bool
) -> AsyncIterator[str]:
    """Start the server and nginx for the block, and return the address; the prefix is stripped or passed on."""
    await asyncio.to_thread(set_up, request, "debian")
    port, nginx = free_port(), Child("nginx", folder / "nginx.log")
    _configure(folder, port, server.address + "/" * is_stripped)
    try:
        await server.start()
        program, libraries = debian_server("usr/sbin/nginx")
        options = ("-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log")
        nginx.start(program, *options, env=os.environ | libraries)
        nginx.wait_until(lambda: _answers(port), seconds=10)
        yield f"http://127.0.0.1:{port}{PREFIX}"
    finally:
        nginx.stop(signal.SIGTERM, seconds=2)
        await server.stop(signal.SIGKILL)


def _configure(folder: Path, port: int, target: str) -> None:
    assert LOCATION
    location = LOCATION[1].replace("http://127.0.0.1:8000/", target)
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port, location=location))


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{PREFIX}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
