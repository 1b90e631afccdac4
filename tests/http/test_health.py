"""Health, and what becomes of requests while a dependency is down: 503 in time, never another error."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.auth.issuer import LocalIssuer
from app.concurrency import READ_SECONDS, SEND_SECONDS
from app.http.readiness import CHECK_SECONDS
from app.settings import Settings
from tests.fixtures.app import Person, Service, people_of, running
from tests.http.faulty import FAULTS, Cable, broken, changed
from tests.http.problem import problem_of
from tests.tools.own_time import now

GRACE = 0.6
"""Seconds that an answer may be later than its deadline, on a busy machine."""
ADDRESSES = {
    "dynamodb": {"dynamodb_endpoint_url": "http://127.0.0.1:{port}"},
    "postgres": {"database_url": "postgresql://somebody:secret@127.0.0.1:{port}/database"},
    "token_keys": {"cognito_jwks_url": "http://127.0.0.1:{port}/keys"},
}


def without(settings: Settings, dependency: str, port: int) -> Settings:
    """Settings that lead to a broken server in place of a dependency."""
    return changed(settings, **{name: url.format(port=port) for name, url in ADDRESSES[dependency].items()})


async def timed(work: Awaitable[httpx.Response], seconds: float) -> httpx.Response:
    started = now()
    answer = await work
    assert now() - started < seconds + GRACE
    return answer


async def test_the_old_health_check_has_its_old_answer(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/api/health-check")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "ver": 1})


async def test_a_process_that_runs_is_alive(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/healthz")).json() == {"status": "ok"}


async def test_readiness_lists_each_dependency(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert [(d["name"], d["state"]) for d in answer.json()["dependencies"]] == [
        ("dynamodb", "ok"),
        ("postgres", "ok"),
        ("token_keys", "ok"),
    ]


Check = Callable[[httpx.AsyncClient], Awaitable[None]]


async def each_fault(settings: Settings, dependency: str, check: Check, **headers: str) -> None:
    """Check a service for each fault of a dependency; two at a time, because most of it is waiting, but not all."""
    at_once = asyncio.Semaphore(2)

    async def check_alone(client: httpx.AsyncClient) -> None:
        async with at_once:
            await check(client)

    async with AsyncExitStack() as stack:
        clients = []
        for fault in FAULTS:
            port = await stack.enter_async_context(broken(fault))
            service = await stack.enter_async_context(running(without(settings, dependency, port)))
            clients.append(await stack.enter_async_context(service.client(**headers)))
        await asyncio.gather(*map(check_alone, clients))


async def assert_not_ready(client: httpx.AsyncClient, dependency: str) -> None:
    answer = await timed(client.get("/readyz"), CHECK_SECONDS)
    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    states = {d["name"]: d["state"] for d in answer.json()["dependencies"]}
    assert states == {name: "down" if name == dependency else "ok" for name in ADDRESSES}
    for path in ("/api/health-check", "/healthz"):
        assert (await timed(client.get(path), 0)).status_code == 200


async def test_without_dynamodb_messaging_is_503_in_time(settings: Settings, ann: Person, bob: Person) -> None:
    group = (await bob.sent("one", ann))["message_group_uuid"]

    async def check(client: httpx.AsyncClient) -> None:
        await client.get("/api/users")
        *answers, _ = await asyncio.gather(
            timed(client.get("/api/message_groups"), READ_SECONDS),
            timed(client.get(f"/api/message_groups/{group}"), READ_SECONDS),
            timed(client.put(f"/api/message_groups/{group}/read", json={"number": 1}), READ_SECONDS),
            timed(client.get("/api/messages/counter"), READ_SECONDS),
            timed(client.get(f"/api/messages/{group}"), READ_SECONDS),
            timed(client.get(f"/api/messages/{uuid4()}"), READ_SECONDS),
            timed(client.post("/api/messages", json={"message": "x", "message_group_uuid": group}), SEND_SECONDS),
            timed(client.post("/api/messages", json={"message": "x", "handle": bob.handle}), SEND_SECONDS),
            assert_not_ready(client, "dynamodb"),
        )
        for answer in answers:
            assert answer is not None
            problem_of(answer, 503, "unavailable")
            assert answer.headers["retry-after"] == "1"
        for path in ("/api/users/me", "/api/users", f"/api/users/@{bob.handle}/short"):
            assert (await client.get(path)).status_code == 200

    await each_fault(settings, "dynamodb", check, authorization=f"Bearer {ann.token}")
    assert await ann.numbers(group) == [1]


async def test_without_postgres_users_outside_of_the_cache_get_503(settings: Settings, ann: Person) -> None:
    async def check(client: httpx.AsyncClient) -> None:
        *answers, _ = await asyncio.gather(
            timed(client.get("/api/users/me"), READ_SECONDS),
            timed(client.get("/api/users"), READ_SECONDS),
            timed(client.get("/api/message_groups"), READ_SECONDS),
            timed(client.get(f"/api/messages/{uuid4()}"), READ_SECONDS),
            timed(client.post("/api/messages", json={"message": "x", "handle": "somebody"}), READ_SECONDS),
            timed(client.post("/api/users", json={"handle": "somebody", "display_name": "S"}), READ_SECONDS),
            assert_not_ready(client, "postgres"),
        )
        for answer in answers:
            assert answer is not None
            problem_of(answer, 503, "unavailable")
            assert answer.headers["retry-after"] == "1"
        problem_of(await client.get("/api/x"), 404, "not-found")

    await each_fault(settings, "postgres", check, authorization=f"Bearer {ann.token}")


async def test_without_keys_from_the_start_valid_tokens_get_503_and_malformed_tokens_401(
    settings: Settings, ann: Person
) -> None:
    async def check(client: httpx.AsyncClient) -> None:
        signed = {"authorization": f"Bearer {ann.token}"}
        answer, _ = await asyncio.gather(
            timed(client.get("/api/users/me", headers=signed), READ_SECONDS), assert_not_ready(client, "token_keys")
        )
        assert answer is not None
        problem_of(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "1"
        problem_of(await timed(client.get("/api/message_groups", headers=signed), 0), 503, "unavailable")
        for headers in ({}, {"authorization": "Bearer x.y.z"}):
            problem_of(await client.get("/api/users/me", headers=headers), 401, "unauthenticated")

    await each_fault(settings, "token_keys", check)


class Town:
    """Two users and their group, in a service with a Postgres connection that can be cut."""

    def __init__(self, service: Service, cable: Cable, ann: Person, bob: Person) -> None:
        self.service = service
        self.cable = cable
        self.ann = ann
        self.bob = bob
        self.group = str(ann.group_with(bob))


@pytest_asyncio.fixture
async def town(settings: Settings, issuer: LocalIssuer) -> AsyncIterator[Town]:
    url = settings.database_url.get_secret_value()
    port = urlsplit(url).port
    assert port
    async with Cable(port).plugged_in() as cable:
        through_cable = changed(settings, database_url=url.replace(f":{port}", f":{cable.port}"))
        async with running(through_cable) as service, people_of(service, issuer) as new_person:
            yield Town(service, cable, await new_person("ann"), await new_person("bob"))
            cable.mend()


@pytest.mark.parametrize("fault", ["reset", "hanging"])
async def test_cached_users_survive_an_outage_of_postgres_and_all_requests_succeed_after_it(
    town: Town, issuer: LocalIssuer, fault: str
) -> None:
    ann, bob, group = town.ann, town.bob, town.group
    await ann.sent("one", bob)
    await bob.sent("two", ann)
    seen = await ann.get(f"/api/messages/{group}"), await ann.inbox()
    town.cable.cut(fault)
    stranger = town.service.client(authorization=f"Bearer {issuer.token(str(uuid4()), time.time())}")
    async with stranger:
        history, inbox, one_group, read, counter, sent, addressed, *others = await asyncio.gather(
            timed(ann.client.get(f"/api/messages/{group}"), READ_SECONDS),
            timed(ann.client.get("/api/message_groups"), READ_SECONDS),
            timed(ann.client.get(f"/api/message_groups/{group}"), READ_SECONDS),
            timed(ann.client.put(f"/api/message_groups/{group}/read", json={"number": 2}), READ_SECONDS),
            timed(ann.client.get("/api/messages/counter"), 0.5),
            timed(bob.send("three", group), READ_SECONDS),
            timed(bob.send("four", ann), READ_SECONDS),
            timed(bob.client.post("/api/messages", json={"message": "x", "handle": "not_seen"}), READ_SECONDS),
            timed(ann.client.get("/api/users/me"), READ_SECONDS),
            timed(ann.client.get(f"/api/users/@{bob.handle}/short"), READ_SECONDS),
            timed(stranger.get("/api/message_groups"), READ_SECONDS),
            timed(stranger.post("/api/users", json={"handle": "unseen", "display_name": "U"}), READ_SECONDS),
        )
    assert history.json()[:2] == seen[0]
    assert [row["display_name"] for row in inbox.json()] == [one_group.json()["display_name"]] == ["Bob"]
    assert seen[1][0]["handle"] == inbox.json()[0]["handle"]
    assert (read.json()["read_number"], counter.status_code) == (2, 200)
    assert {sent.json()["number"], addressed.json()["number"]} == {3, 4}
    assert sent.json()["display_name"] == addressed.json()["display_name"] == "Bob"
    for answer in others:
        problem_of(answer, 503, "unavailable")
    town.cable.mend()
    answers = await asyncio.gather(*(bob.client.get("/api/users/me") for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert await ann.numbers(group) == [1, 2, 3, 4]


async def test_without_postgres_a_name_outside_of_the_cache_is_503(town: Town, eve: Person) -> None:
    await eve.sent("by way of another process", town.ann)
    await town.ann.get("/api/messages/counter")
    town.cable.cut("reset")
    problem_of(await town.ann.client.get("/api/message_groups"), 503, "unavailable")


async def test_dead_postgres_connections_are_replaced(town: Town) -> None:
    await asyncio.gather(*(town.ann.get("/api/users/me") for _ in range(10)))
    town.cable.cut("reset")
    town.cable.mend()
    answers = await asyncio.gather(*(town.ann.client.get("/api/users/me") for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10


async def test_connections_that_postgres_ended_are_replaced(settings: Settings, town: Town) -> None:
    """A restart or a fail-over of the database ends connections in this way."""
    await asyncio.gather(*(town.ann.get("/api/users/me") for _ in range(10)))
    connection: Any = await asyncpg.connect(settings.database_url.get_secret_value())
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query like '%users%'"
    )
    await connection.close()
    first, second = [await asyncio.gather(*(town.ann.client.get("/api/users/me") for _ in range(10))) for _ in range(2)]
    assert {answer.status_code for answer in first} == {200}
    assert {answer.status_code for answer in second} == {200}
