"""One browser and one service process for all tests of the page; each test has its own users and windows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from app.auth.issuer import LocalIssuer
from app.settings import Settings
from tests.fixtures.app import NewPerson, Person, people_of
from tests.fixtures.setup import set_up
from tests.tools.servers import Server, started
from tests.web.browsing import HAS_BROWSER, Visit, launch_browser, local_server, open_visits
from tests.web.cognito import FakeCognito


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
    async with started(local_server(settings)) as server:
        yield server


@pytest_asyncio.fixture
async def new_person(server: Server) -> AsyncIterator[NewPerson]:
    """People whose clients call the process that serves the page, so that it tells their events at once."""
    async with people_at(server) as new_person:
        yield new_person


@pytest_asyncio.fixture
async def own_server(settings: Settings, issuer: LocalIssuer) -> AsyncIterator[Server]:  # noqa: ARG001  # shares its key file
    """A service process for one test, which may kill it."""
    async with started(local_server(settings)) as server:
        yield server


@pytest_asyncio.fixture
async def new_own_person(own_server: Server) -> AsyncIterator[NewPerson]:
    """People whose clients call the process that the test may kill."""
    async with people_at(own_server) as new_person:
        yield new_person


@asynccontextmanager
async def people_at(server: Server) -> AsyncIterator[NewPerson]:
    issuer = await asyncio.to_thread(LocalIssuer, server.settings)
    async with people_of(server, issuer) as new_person:
        yield new_person


@pytest_asyncio.fixture
async def visit(browser: Browser, server: Server) -> AsyncIterator[Visit]:
    async with open_visits(browser, server.address) as visit:
        yield visit


@pytest_asyncio.fixture
async def cognito(issuer: LocalIssuer, settings: Settings, ann: Person) -> AsyncIterator[FakeCognito]:
    fake = FakeCognito(issuer, ann.sub, settings.cognito_client_ids[0])
    listener = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = listener.sockets[0].getsockname()[1]
    yield fake
    listener.close()


@pytest_asyncio.fixture
async def visit_with_cognito(browser: Browser, settings: Settings, cognito: FakeCognito) -> AsyncIterator[Visit]:
    """Open visits to a service that signs in with the fake."""
    server = Server(settings.model_copy(update={"cognito_domain_url": cognito.url}))
    async with started(server), open_visits(browser, server.address) as visit:
        yield visit
