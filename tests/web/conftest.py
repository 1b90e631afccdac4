"""One browser and one service process for all tests of the page; each test has its own users and windows."""

import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from app.auth.issuer import LocalIssuer
from app.settings import Settings
from tests.fixtures.setup import set_up
from tests.tools.servers import Server
from tests.web.browsing import HAS_BROWSER, Visit, launch_browser, local_server, open_visits


@pytest.fixture(autouse=True, scope="session")
def _browser_program(request: pytest.FixtureRequest) -> None:
    set_up(request, "browser")


@pytest_asyncio.fixture(scope="session")
async def browser(tmp_path_factory: Any) -> AsyncIterator[Browser]:
    if not HAS_BROWSER:
        pytest.skip("there is no browser for this platform: name one in CHROMIUM")
    async with launch_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest_asyncio.fixture(scope="session")
async def server(settings: Settings, issuer: LocalIssuer) -> AsyncIterator[Server]:  # noqa: ARG001  # shares its key file
    server = local_server(settings)
    await server.start()
    yield server
    await server.stop(signal.SIGKILL)


@pytest_asyncio.fixture
async def visit(browser: Browser, server: Server) -> AsyncIterator[Visit]:
    async with open_visits(browser, server.address) as visit:
        yield visit
