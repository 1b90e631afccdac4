"""A group of many members that write at the same time, while members come and go and a process is killed."""

import asyncio
import random
import signal
from typing import Any
from uuid import UUID, uuid4

import httpx

from app.messaging.models import MessageKind
from app.messaging.store import MessagingStore
from app.settings import Settings
from tests.fixtures.app import NewPerson, Person, Service
from tests.tools.servers import Server, servers

MEMBERS, SENDERS, MESSAGES = 100, 50, 3
COMERS = 6


class Crowd:
    """Calls of members to any of the servers, repeated until they are answered."""

    def __init__(self, running: list[Server], rng: random.Random) -> None:
        self.running = running
        self.rng = rng
        self.client = httpx.AsyncClient(timeout=10, trust_env=False, limits=httpx.Limits(max_connections=60))
        self.answered = 0

    async def call(self, person: Person, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {person.token}"}
        while True:
            address = self.rng.choice(self.running).address
            try:
                answer = await self.client.request(method, address + path, headers=headers, **options)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code != 503:
                return answer
            await asyncio.sleep(0.05)

    async def talk(self, person: Person, group: str) -> list[tuple[str, int]]:
        sent = []
        for number in range(MESSAGES):
            body = {"message": f"{number}", "message_group_uuid": group, "uuid": str(uuid4()), "after": 1}
            answer = await self.call(person, "POST", "/api/messages", json=body)
            assert answer.status_code == 200, answer.text
            sent.append((str(body["uuid"]), answer.json()["number"]))
            self.answered += 1
        return sent

    async def come_and_go(self, owner: Person, comer: Person, group: str) -> list[tuple[int, int]]:
        """Add and remove a member in turn; return the ranges of numbers that the member may see."""
        members, spans = f"/api/message_groups/{group}/members", []
        for _ in range(2):
            added = await self.call(owner, "POST", members, json={"handles": [comer.handle]})
            assert added.status_code == 200, added.text
            history = await self.call(comer, "GET", f"/api/messages/{group}?limit=100")
            assert history.status_code == 200, history.text
            removed = await self.call(owner, "DELETE", f"{members}/{comer.uuid}")
            assert removed.status_code == 200, removed.text
            gone = await self.call(comer, "GET", f"/api/messages/{group}")
            assert gone.status_code == 404
            numbers = [message["number"] for message in history.json()]
            spans.append((min(numbers), max(numbers)))
        return spans


async def test_many_members_and_a_killed_process_lose_and_double_nothing(
    service: Service, settings: Settings, new_person: NewPerson
) -> None:
    rng = random.Random(11)  # noqa: S311  # repeatable
    people = [await new_person("many") for _ in range(MEMBERS - COMERS)]
    comers = [await new_person("comer") for _ in range(COMERS)]
    owner = people[0]
    body = {"title": "Many", "handles": [person.handle for person in people[1:]]}
    created = await owner.client.post("/api/message_groups", json=body)
    assert created.status_code == 200, created.text
    group = created.json()["uuid"]
    async with servers(settings, 2) as running:
        crowd = Crowd(running, rng)
        talking = asyncio.gather(*(crowd.talk(person, group) for person in people[:SENDERS]))
        coming = asyncio.gather(*(crowd.come_and_go(owner, comer, group) for comer in comers))
        while crowd.answered < SENDERS * MESSAGES // 3:  # noqa: ASYNC110  # it also ends with its tasks
            await asyncio.sleep(0.01)
        await running[0].stop(signal.SIGKILL)
        await running[0].start()
        answers, spans = await talking, await coming
        await crowd.client.aclose()
    sent = [each for answer in answers for each in answer]
    store = MessagingStore(service.state["table"])
    log = await store.messages_after(UUID(group), 0)
    assert [message.number for message in log] == list(range(1, len(log) + 1))
    texts = {str(message.uuid): message.number for message in log if message.kind is MessageKind.TEXT}
    assert texts == dict(sent)
    events = [message.event for message in log if message.event]
    for comer, seen in zip(comers, spans, strict=True):
        told = [event.type for event in events if comer.uuid in event.users]
        assert told == ["added", "removed"] * 2
        for first, last in seen:
            message = log[first - 1]
            assert message.event is not None
            assert (message.event.type, message.event.users) == ("added", (comer.uuid,))
            assert not [each for each in log[first:last] if each.event and comer.uuid in each.event.users]
    while not await store.heads.bump(UUID(group)):
        pass
    for person in people[::9]:
        (row,) = await person.inbox()
        assert (row["last_number"], row["member_count"]) == (len(log), MEMBERS - COMERS)
        assert person.uuid in await store.heads.members(UUID(group))
