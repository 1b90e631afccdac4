"""The caches in the service: the cost of requests with warm caches, and processes that agree."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partialmethod
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis

from app.auth.issuer import LocalIssuer
from app.gateways.postgres import Postgres
from app.gateways.valkey import Valkey
from app.settings import Settings
from tests.fixtures.app import Person, Service, people_of, running
from tests.fixtures.engines import running_valkey
from tests.http.problem import problem_of
from tests.tools.capacity import Meter
from tests.tools.own_time import now
from tests.tools.processes import crashed_send, raw_client


def with_valkey(settings: Settings, url: str) -> Settings:
    return Settings(**{**settings.model_dump(), "valkey_url": url})


@dataclass
class Pair:
    """Two processes of one service, with the users Ann and Bob."""

    one: Service
    other: Service
    ann: Person
    bob: Person
    issuer: LocalIssuer
    valkey_url: str

    def at(self, service: Service, person: Person) -> httpx.AsyncClient:
        return service.client(authorization=f"Bearer {person.token}")


@asynccontextmanager
async def pair_of(settings: Settings, issuer: LocalIssuer) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(running(settings)) for _ in range(2)]
        new_person = await stack.enter_async_context(people_of(one, issuer))
        url = settings.valkey_url.get_secret_value() if settings.valkey_url else ""
        pair = Pair(one, other, await new_person("ann"), await new_person("bob"), issuer, url)
        await subscribed(pair)
        yield pair


async def subscribed(pair: Pair) -> None:
    """Return when both processes receive each other's invalidations."""
    for service in (pair.one, pair.other):
        for _ in range(1000):
            if service.state["caches"].is_subscribed:
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError("A process did not subscribe within 10 s")


async def delivered(pair: Pair) -> None:
    """Return when Valkey has delivered what was published before.

    Both processes are in one loop here, so the next request may be served before the loop looks at any socket. That of
    a client would come over a socket itself.
    """
    async with Redis.from_url(pair.valkey_url) as valkey:
        await valkey.ping()


@pytest.fixture
def _patient_valkey(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give Valkey more time than the service does: a busy machine is slow, and a slow Valkey has its own tests."""
    monkeypatch.setattr(Valkey, "__init__", partialmethod(Valkey.__init__, call_seconds=10))


@pytest.fixture
async def pair(settings: Settings, issuer: LocalIssuer, valkey_url: str, _patient_valkey: None) -> AsyncIterator[Pair]:
    async with pair_of(with_valkey(settings, valkey_url), issuer) as pair:
        yield pair


async def count_at(pair: Pair, service: Service, person: Person) -> int:
    async with pair.at(service, person) as client:
        return int((await client.get("/api/messages/counter")).json()["count"])


class Statements:
    """Counts the SQL statements of all services in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        run = Postgres._run  # noqa: SLF001  # every statement passes here

        async def counted(postgres: Postgres, work: Callable[..., Any]) -> Any:
            self.count += 1
            return await run(postgres, work)

        monkeypatch.setattr(Postgres, "_run", counted)


@asynccontextmanager
async def metered(service: Service, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """Collect the DynamoDB calls of a service while the block runs."""
    meter = Meter(raw_client(service))
    calls: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(service.state["table"], "_client", meter.client)
        async with meter.measure() as spent:
            yield calls
    calls += spent.calls


@pytest.mark.usefixtures("_patient_valkey")
@pytest.mark.parametrize("with_a_valkey", [False, True])
async def test_with_warm_caches_the_inbox_makes_no_statement_and_the_counter_no_call(
    settings: Settings,
    issuer: LocalIssuer,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    with_a_valkey: bool,
) -> None:
    settings = with_valkey(settings, valkey_url) if with_a_valkey else settings
    for name in (
        "app.users.account_watch.POLL_INTERVAL",
        "app.http.readiness.START_DELAY",
        "app.personal_data.erasures.POLL_INTERVAL",
        "app.messaging.groups.fan_out.PENDING_INTERVAL",
    ):
        monkeypatch.setattr(name, 3600)  # their statements and calls are not of requests
    async with running(settings) as service, people_of(service, issuer) as new_person:
        ann, *others = [await new_person(name) for name in ("ann", "bob", "eve")]
        for other in others:
            await other.sent("hi", ann)
        inbox, count = await ann.inbox(), await ann.get("/api/messages/counter")
        statements = Statements(monkeypatch)
        async with metered(service, monkeypatch) as calls:
            for _ in range(3):
                assert await ann.inbox() == inbox
        assert (statements.count, calls) == (0, ["Query"] * 3)
        async with metered(service, monkeypatch) as calls:
            for _ in range(3):
                assert (
                    await ann.get("/api/messages/counter")
                    == count
                    == {"count": 2, "is_complete": True, "request_count": 0}
                )
        assert (statements.count, calls) == (0, [])


async def test_a_count_of_one_process_is_read_by_the_other_from_valkey(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair.ann.sent("hi", pair.bob)
    await pair.bob.get("/api/messages/counter")
    async with pair.at(pair.other, pair.bob) as bob, metered(pair.other, monkeypatch) as calls:
        assert (await bob.get("/api/messages/counter")).json()["count"] == 1
    assert calls == []


async def test_no_value_in_valkey_says_which_user_an_account_or_a_handle_is(
    pair: Pair, settings: Settings, issuer: LocalIssuer, valkey_url: str
) -> None:
    """Everything in the cache is replaced by a value that names Bob, in the form in which a cache would store it."""
    await pair.ann.sent("hi", pair.bob)
    async with people_of(pair.one, issuer) as new_person:
        eve = await new_person("eve")
        names = [f"cache:subject:{pair.ann.sub}", f"cache:subject:{eve.sub}", f"cache:handle:{pair.ann.handle}"]
        await forge(valkey_url, names, pair.bob.uuid.bytes)
        await forge(valkey_url, [f"cache:profile:{pair.ann.uuid}"], json.dumps(["Bob", pair.bob.handle]).encode())
        async with running(with_valkey(settings, valkey_url)) as fresh:  # which has no value of its own
            async with pair.at(fresh, eve) as client, pair.at(fresh, pair.bob) as bob:
                assert (await client.get("/api/message_groups")).json() == []
                assert (
                    await client.post("/api/messages", json={"message": "to Ann", "handle": pair.ann.handle})
                ).json()
                (group,) = (await bob.get("/api/message_groups")).json()
                assert (group["display_name"], group["handle"], group["message"]) == ("Ann", pair.ann.handle, "hi")
            assert [row["message"] for row in await pair.ann.inbox()] == ["to Ann", "hi"]


async def forge(valkey_url: str, names: list[str], value: bytes) -> None:
    """Write a value that counts, whether or not there is a generation."""
    valkey = Valkey(valkey_url, call_seconds=5)
    for name in names:
        await valkey.call("HSET", name, "gen", b"12345678", "value", value, "value_gen", b"12345678")
    await valkey.aclose()


async def test_a_rename_in_one_process_shows_in_the_other_at_once(pair: Pair) -> None:
    await pair.ann.sent("hi", pair.bob)
    async with pair.at(pair.other, pair.bob) as bob:
        for number in range(20):
            answer = await pair.ann.client.patch("/api/users/me", json={"display_name": f"Ann {number}"})
            assert answer.status_code == 200
            await delivered(pair)
            inbox = (await bob.get("/api/message_groups")).json()
            assert inbox[0]["display_name"] == f"Ann {number}"


async def test_the_counter_of_one_process_includes_every_answered_change_of_the_other(pair: Pair) -> None:
    assert await count_at(pair, pair.other, pair.bob) == 0
    group = (await pair.ann.sent("one", pair.bob))["message_group_uuid"]
    assert [await count_at(pair, service, pair.bob) for service in (pair.other, pair.one)] == [1, 1]
    for number in range(2, 12):
        async with pair.at(pair.other, pair.bob) as bob:
            read = await bob.put(f"/api/message_groups/{group}/read", json={"number": number - 1})
            assert read.json()["unread_count"] == 0
        assert [await count_at(pair, service, pair.bob) for service in (pair.one, pair.other)] == [0, 0]
        await pair.ann.sent(f"{number}", group)
        assert [await count_at(pair, service, pair.bob) for service in (pair.other, pair.one)] == [1, 1]
    assert await count_at(pair, pair.other, pair.ann) == 0


async def test_a_row_that_another_process_repairs_is_counted(pair: Pair) -> None:
    """One process dies between commit and projection; the other one repairs the row and invalidates the count."""
    group = pair.ann.group_with(pair.bob)
    await pair.ann.sent("one", pair.bob)
    async with pair.at(pair.other, pair.bob) as bob:
        await bob.put(f"/api/message_groups/{group}/read", json={"number": 1})
    assert await count_at(pair, pair.other, pair.bob) == 0
    await crashed_send(pair.one, pair.ann, group, number=2)
    assert await pair.bob.numbers(group) == [1, 2]
    for _ in range(100):
        if await count_at(pair, pair.other, pair.bob) == 1:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("The repaired row was not counted within 2 s")


async def test_a_user_registered_in_one_process_is_known_in_the_other(pair: Pair, issuer: LocalIssuer) -> None:
    token = issuer.token(str(uuid4()), time.time())
    headers = {"authorization": f"Bearer {token}"}
    async with pair.one.client(**headers) as at_one, pair.other.client(**headers) as at_other:
        for client in (at_one, at_other, at_one):
            problem_of(await client.get("/api/message_groups"), 403, "unknown-user")
        body = {"handle": f"new_{uuid4().hex[:12]}", "display_name": "New"}
        assert (await at_one.post("/api/users", json=body)).status_code == 200
        await delivered(pair)
        for client in (at_other, at_one):
            assert (await client.get("/api/message_groups")).status_code == 200


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_all_requests_succeed_when_valkey_dies_or_hangs(
    settings: Settings, issuer: LocalIssuer, fault: signal.Signals
) -> None:
    with running_valkey() as engine:
        async with pair_of(with_valkey(settings, engine.address), issuer) as pair:
            await pair.ann.sent("one", pair.bob)
            assert await count_at(pair, pair.other, pair.bob) == 1
            os.kill(engine.child.pid, fault)
            statuses, slow = await traffic(pair)
            assert set(statuses) == {200}
            assert slow < 1
            assert await count_at(pair, pair.other, pair.bob) == 1
            if fault == signal.SIGSTOP:
                os.kill(engine.child.pid, signal.SIGCONT)


async def traffic(pair: Pair) -> tuple[Counter[int], float]:
    """Return the statuses of requests of four kinds, and the seconds of the slowest round."""
    statuses: Counter[int] = Counter()
    group, slow = pair.ann.group_with(pair.bob), 0.0
    for turn in range(20):
        started = now()
        async with pair.at(pair.other, pair.bob) as bob:
            answers = (
                await pair.ann.send(f"{turn}", group),
                await bob.get("/api/messages/counter"),
                await bob.get("/api/message_groups"),
                await pair.ann.client.patch("/api/users/me", json={"display_name": f"Ann {turn}"}),
            )
        statuses.update(answer.status_code for answer in answers)
        assert answers[1].json()["count"] == 1
        slow = max(slow, now() - started)
    return statuses, slow
