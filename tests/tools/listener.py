"""A client of live events by the rules of the contract: it resumes, syncs when told to, and fetches gaps."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.fixtures.app import Person

PATIENCE = 60


async def sse(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """Yield the fields of each event of an open stream, and nothing for comments."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields and not line:
            yield fields
            fields = {}


@dataclass
class Listener:
    """A device of a user. `told` holds the numbers of each group in the order in which they first came."""

    person: Person
    address: Callable[[], str]
    events: list[dict[str, Any]] = field(default_factory=list)
    told: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    versions: dict[str, int] = field(default_factory=dict)
    resyncs: list[str] = field(default_factory=list)
    connections: int = 0
    position: str | None = None
    _connection: "asyncio.Task[None] | None" = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Listener"]:
        """Listen for the block, connecting again whenever the connection ends."""
        task = asyncio.create_task(self._run())
        try:
            await self.until(lambda: self.connections > 0)
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def until(self, is_so: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(is_so)

    async def until_told(self, kind: str, **members: Any) -> dict[str, Any]:
        """Wait for an event of a type with these members, and return the first one."""
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            found[:] = [event for event in self.of(kind) if members.items() <= event.items()]
            return bool(found)

        await self.until(is_there)
        return found[0]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    async def _run(self) -> None:
        async with self.client() as client:
            while True:
                self._connection = asyncio.create_task(self._listen(client))
                try:
                    await asyncio.wait({self._connection})
                finally:
                    self._connection.cancel()
                if not self._connection.cancelled() and not isinstance(
                    self._connection.exception(), httpx.TransportError
                ):
                    self._connection.result()
                await asyncio.sleep(0.05)

    async def cut(self) -> None:
        """Drop the connection, maybe within an event; the listener connects again."""
        if self._connection:
            self._connection.cancel()

    def client(self) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.person.token}"}
        return httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(5, read=20), trust_env=False)

    async def _listen(self, client: httpx.AsyncClient) -> None:
        headers = {"last-event-id": self.position} if self.position else {}
        async with client.stream("GET", f"{self.address()}/api/events", headers=headers) as response:
            if response.status_code != 200:
                await asyncio.sleep(0.1)
                return
            async for fields in sse(response):
                await self._take(client, fields)

    async def _take(self, client: httpx.AsyncClient, fields: dict[str, str]) -> None:
        event = json.loads(fields["data"])
        assert event["type"] == fields["event"]
        if event["type"] == "resync":
            self.position = None
            self.resyncs.append(event["reason"])
            await self._sync(client)
            self.connections += 1
        self.position = fields.get("id", self.position)
        self.events.append(event)
        if event["type"] == "message":
            self._keep(event["message"])
        if group := event.get("group"):
            self.versions[group["uuid"]] = max(group["version"], self.versions.get(group["uuid"], 0))
        async with self._news:
            self._news.notify_all()

    def _keep(self, message: dict[str, Any]) -> None:
        numbers = self.told[message["message_group_uuid"]]
        if message["number"] not in numbers:
            numbers.append(message["number"])

    async def _sync(self, client: httpx.AsyncClient) -> None:
        """Sync until nothing is missing."""
        while True:
            known = {
                group: {"number": max(self.told[group], default=0), "version": version}
                for group, version in self.versions.items()
            }
            answer = await client.post(f"{self.address()}/api/sync", json={"groups": known})
            if answer.status_code == 503:
                await asyncio.sleep(0.1)
                continue
            assert answer.status_code == 200, answer.text
            changes = answer.json()
            for message in changes["messages"]:
                self._keep(message)
            self.versions |= {group["uuid"]: group["version"] for group in changes["groups"]}
            if len(changes["messages"]) < 100:
                return
