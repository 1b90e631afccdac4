"""Two server processes on a common table, Postgres and Valkey."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import httpx
import pytest_asyncio
from pydantic import SecretStr

from app.auth.issuer import LocalIssuer
from app.settings import Settings
from tests.fixtures.app import Person
from tests.tools.listener import Listener
from tests.tools.servers import Server, servers


@dataclass(frozen=True)
class Live:
    """Running servers."""

    servers: list[Server]

    def listener(self, person: Person, *, server: int = 0) -> Listener:
        return Listener(person, lambda: self.servers[server].address)

    def roaming(self, person: Person) -> Listener:
        """Return a listener that connects to another server each time."""
        addresses = cycle(server.address for server in self.servers)
        return Listener(person, lambda: next(addresses))

    async def call(self, person: Person, method: str, path: str, *, server: int = 1, **options: Any) -> Any:
        """The JSON of a call that must succeed."""
        headers = {"authorization": f"Bearer {person.token}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
            answer = await client.request(method, self.servers[server].address + path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, sender: Person, to: Person, text: str = "hi", *, server: int = 1, **fields: Any) -> Any:
        body = {"message": text, "handle": to.handle, **fields}
        return await self.call(sender, "POST", "/api/messages", server=server, json=body)


@pytest_asyncio.fixture(scope="session")
async def live_settings(settings: Settings, issuer: LocalIssuer, valkey_url: str) -> Settings:  # noqa: ARG001  # served
    return settings.model_copy(update={"valkey_url": SecretStr(valkey_url)})


@pytest_asyncio.fixture(scope="session")
async def live(live_settings: Settings) -> AsyncIterator[Live]:
    async with servers(live_settings, 2) as running:
        yield Live(running)
