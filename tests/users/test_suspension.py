"""Sends to users that are disabled: refused from the moment on at which the users themselves are."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.auth.tokens import Claims
from app.cache import Caches
from app.concurrency import TaskSet
from app.errors import AccountDisabled
from app.messaging.errors import CannotMessage
from app.messaging.models import Draft, Message
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.settings import Settings
from app.users.account_watch import AccountWatch
from app.users.events import AccountChanged, AnyAccountChanged
from app.users.models import Suspension
from app.users.service import Users
from app.users.store import UserStore
from app.users.suspensions import Suspensions
from tests.fixtures.app import NewPerson, Person, Service, running
from tests.http.problem import problem_of
from tests.tools.command import cruddur
from tests.tools.servers import Server, environment, servers

PROMISED_SECONDS = 10
CANNOT = 403, "cannot-message"


@asynccontextmanager
async def client_of(server: Server, person: Person) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {person.token}"}
    async with httpx.AsyncClient(headers=headers, base_url=server.address, trust_env=False, timeout=30) as client:
        yield client


class Talk:
    """Sends of Ann to Bob by one process, and Bob's own calls there, until Bob's are refused and a second longer."""

    def __init__(self, server: Server, ann: Person, bob: Person) -> None:
        self._server, self._ann, self._bob = server, ann, bob
        self.acknowledged: list[str] = []
        self.late: list[str] = []
        """Messages that were sent after Bob was refused, and accepted."""
        self.refused_at = 0.0

    async def run(self) -> None:
        async with client_of(self._server, self._ann) as ann, client_of(self._server, self._bob) as bob:
            sending = [asyncio.create_task(self._send(ann)) for _ in range(2)]
            path = "/api/message_groups"  # /api/users/me asks Postgres, and is refused before the process knows
            while (answer := await bob.get(path)).status_code == 200:  # noqa: ASYNC110  # another process knows
                await asyncio.sleep(0.02)
            problem_of(answer, 403, "account-disabled")
            self.refused_at = time.monotonic()
            await asyncio.gather(*sending)

    async def _send(self, client: httpx.AsyncClient) -> None:
        while not self.refused_at or time.monotonic() < self.refused_at + 1:
            started = time.monotonic()
            body = {"message": "hi", "handle": self._bob.handle, "uuid": str(uuid4())}
            answer = await client.post("/api/messages", json=body)
            if answer.status_code != 200:
                problem_of(answer, *CANNOT)
                continue
            self.acknowledged.append(body["uuid"])
            if self.refused_at and started > self.refused_at:
                self.late.append(body["uuid"])


async def test_a_process_refuses_sends_to_a_user_once_it_refuses_the_user(
    settings: Settings, new_person: NewPerson
) -> None:
    ann, bob, eve = [await new_person(name) for name in ("ann", "bob", "eve")]
    first = {"message": "before", "handle": bob.handle, "uuid": str(uuid4()), "after": 0}
    sent = (await ann.client.post("/api/messages", json=first)).json()
    group = sent["message_group_uuid"]
    async with servers(settings, 2) as running_servers:
        talks = [Talk(server, ann, bob) for server in running_servers]
        talking = asyncio.gather(*(talk.run() for talk in talks))
        await asyncio.sleep(0.5)
        until = f"{datetime.now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"  # noqa: DTZ005  # local, as commands take it
        arguments = ("--until", until, "--reason", "Offers to strangers", "--json")
        ended = await cruddur("users", "disable", bob.handle, *arguments, env=environment(settings))
        disabled_at = time.monotonic()
        assert ended.records == [{"handle": bob.handle, "state": "disabled", "changed": True}], ended
        await asyncio.wait_for(talking, 30)
        for talk in talks:
            assert talk.refused_at - disabled_at < PROMISED_SECONDS
            assert talk.late == []
            assert talk.acknowledged, "nothing was in flight"
        await assert_all_is_refused(running_servers[0], ann, eve, bob, group)
        async with client_of(running_servers[0], ann) as client:
            repeated = await client.post("/api/messages", json=first)
            assert repeated.json() == sent, "a send that was answered gets the same answer for ever"
            stored = await log_of(client, group)
        assert stored == {first["uuid"], *talks[0].acknowledged, *talks[1].acknowledged}
        await assert_it_is_listed_and_reversed(settings, running_servers, ann, bob)


async def log_of(client: httpx.AsyncClient, group: str) -> set[str]:
    found: set[str] = set()
    path: str | None = f"/api/messages/{group}?limit=100"
    while path:
        answer = await client.get(path)
        found |= {message["uuid"] for message in answer.json()}
        path = answer.links.get("next", {}).get("url")
    return found


async def assert_all_is_refused(server: Server, ann: Person, eve: Person, bob: Person, group: str) -> None:
    """Whatever says something to Bob is refused; what was said can be read."""
    message = f"/api/messages/{group}/1"
    async with client_of(server, ann) as client, client_of(server, eve) as stranger:
        for answer in [
            await client.post("/api/messages", json={"message": "x", "message_group_uuid": group}),
            await client.patch(message, json={"message": "x"}, headers={"if-match": '"1"'}),
            await client.put(f"{message}/reactions/👍"),
            await client.post(f"/api/message_groups/{group}/typing"),
            await stranger.post("/api/messages", json={"message": "x", "handle": bob.handle}),
        ]:
            problem_of(answer, *CANNOT)
        assert (await client.get(message)).json()["message"] == "before"
        assert (await stranger.get("/api/message_groups")).json() == []


async def assert_it_is_listed_and_reversed(
    settings: Settings, running_servers: list[Server], ann: Person, bob: Person
) -> None:
    listed = await cruddur("users", "disabled", "--json", env=environment(settings))
    [entry] = [record for record in listed.records if record["handle"] == bob.handle]
    assert (entry["reason"], bool(entry["until"])) == ("Offers to strangers", True)
    async with client_of(running_servers[1], bob) as client:
        answer = await client.get("/api/message_groups")
        assert "suspended until" in problem_of(answer, 403, "account-disabled")["detail"]
    assert (await cruddur("users", "enable", bob.handle, env=environment(settings))).code == 0
    for server in running_servers:
        async with client_of(server, ann) as client, asyncio.timeout(PROMISED_SECONDS):
            body = {"message": "x", "handle": bob.handle}
            while (await client.post("/api/messages", json=body)).status_code != 200:  # noqa: ASYNC110  # another process knows
                await asyncio.sleep(0.1)
    listed = await cruddur("users", "disabled", "--json", env=environment(settings))
    assert bob.handle not in [record["handle"] for record in listed.records]


async def test_a_send_that_waits_for_its_turn_is_refused(
    service: Service, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No write begins after the suspension, of many sends at once; those that have begun are answered."""
    suspensions, tasks = Suspensions(), TaskSet()
    store = MessagingStore(service.state["table"])
    messaging = Messaging(store, service.state["users"], message_max_length=100, tasks=tasks, suspensions=suspensions)
    group = UUID((await ann.sent("one", bob))["message_group_uuid"])

    begun, append = list[int](), store.append_message

    async def counted(message: Message) -> None:
        begun.append(message.number)
        await append(message)

    monkeypatch.setattr(store, "append_message", counted)

    async def send(number: int) -> Any:
        return await messaging.send(Draft(ann.uuid, f"number {number}", uuid4()), group=group, handle=None)

    sends = [asyncio.create_task(send(number)) for number in range(40)]
    await asyncio.wait(sends, return_when=asyncio.FIRST_COMPLETED)
    await suspensions.record(AccountChanged(bob.uuid, (bob.sub,), Suspension(datetime.now(UTC))))
    before = len(begun)
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    sent = [each for each in outcomes if not isinstance(each, BaseException)]
    assert {type(each) for each in outcomes if isinstance(each, BaseException)} == {CannotMessage}
    assert len(begun) == before == len(sent) < len(sends)
    assert len(await store.messages_after(group, 1)) == len(sent)
    await tasks.drain(2)


async def test_a_suspension_ends_by_itself(service: Service, bob: Person) -> None:
    store, suspensions, tasks = UserStore(service.state["postgres"]), Suspensions(), TaskSet()
    users = Users(store, Caches(tasks))
    watch = AccountWatch(store, suspensions.record)
    claims = Claims(bob.sub, "web", None)  # type: ignore[arg-type]
    end = datetime.now(UTC) + timedelta(seconds=1.5)
    assert await store.disable([bob.uuid], until=end) == 1
    await watch.poll()
    assert suspensions.covers(bob.uuid)
    with pytest.raises(AccountDisabled, match="until"):
        await users.uuid_of(claims)
    await asyncio.sleep((end - datetime.now(UTC)).total_seconds() + 0.05)
    assert not suspensions.covers(bob.uuid)
    assert await users.uuid_of(claims) == bob.uuid, "also while its account is cached"
    assert bob.uuid not in [user.uuid for user in await store.disabled(limit=100)]
    assert await store.disable([bob.uuid]) == 1, "a new suspension after the first is over"
    await watch.poll()
    assert suspensions.covers(bob.uuid)
    assert (await store.disable([bob.uuid]), await store.disable([bob.uuid], reason="spam")) == (0, 1)
    assert (await store.enable([bob.uuid]), await store.enable([bob.uuid])) == (1, 0)
    await tasks.drain(1)


async def test_a_process_that_starts_later_knows_of_suspensions(
    service: Service, settings: Settings, ann: Person, bob: Person
) -> None:
    store = UserStore(service.state["postgres"])
    await ann.sent("one", bob)
    await store.disable([bob.uuid])
    async with running(settings) as later, later.client(authorization=f"Bearer {ann.token}") as client:
        problem_of(await client.post("/api/messages", json={"message": "x", "handle": bob.handle}), *CANNOT)
    await store.enable([bob.uuid])


async def test_known_suspensions_are_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr("app.users.suspensions.MOST_SUSPENDED", 2)
    suspensions, at = Suspensions(), Suspension(datetime.now(UTC))
    first, second, third = uuid4(), uuid4(), uuid4()
    await suspensions.record(AnyAccountChanged({first: at}), AccountChanged(second, (), at))
    await suspensions.record(AccountChanged(third, (), at))
    assert [suspensions.covers(each) for each in (first, second, third)] == [False, True, True]
