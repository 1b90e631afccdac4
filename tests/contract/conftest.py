"""A server process for the contract's tools, which speak real HTTP, and people with tokens."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
import pytest_asyncio

from app.auth.issuer import LocalIssuer
from app.settings import Settings
from tests.fixtures.app import Person, Service, people_of
from tests.fixtures.setup import set_up
from tests.tools.servers import servers


@pytest.fixture(autouse=True, scope="session")
def _contract_tools(request: pytest.FixtureRequest) -> None:
    set_up(request, "contract")


@dataclass(frozen=True)
class Live:
    """The running service, two users with a conversation, and accounts without a user."""

    url: str
    ann: Person
    bob: Person
    group: str
    issuer: LocalIssuer

    def newcomer(self) -> str:
        """Return the token of an account that has not registered."""
        return self.issuer.token(str(uuid4()), time.time())


@pytest_asyncio.fixture(scope="module")
async def live(settings: Settings, service: Service, issuer: LocalIssuer) -> AsyncIterator[Live]:
    async with people_of(service, issuer) as new_person, servers(settings, 1) as (server,):
        ann, bob = await new_person("ann"), await new_person("bob")
        for number in range(1, 13):
            await (ann if number % 2 else bob).sent(f"Message {number}", bob if number % 2 else ann)
        yield Live(server.address, ann, bob, str(ann.group_with(bob)), issuer)
