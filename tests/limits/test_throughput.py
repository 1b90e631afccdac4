"""The units that an account takes at once are bounded, so that its bursts leave the processor to others."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.limits.buckets import Buckets
from app.limits.rates import THROUGHPUT
from app.settings import Settings
from tests.fixtures.app import Person, Service, running
from tests.http.faulty import changed
from tests.http.problem import problem_of

PAGE_UNITS = 52
"""RCU of a page of 100 messages of the greatest length, and of the proof of membership."""


@pytest_asyncio.fixture
async def bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service with the limits as they are, in which a loaded machine ends no wait too early."""
    monkeypatch.setattr("app.http.limits.TURN_SECONDS", (30.0, 30.0))
    async with running(changed(settings, allowances={})) as service:
        yield service


@pytest_asyncio.fixture
async def indebted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, ann: Person
) -> AsyncIterator[tuple[Service, Callable[[float], None]]]:
    """A service, and what makes ann owe so many seconds of units there."""
    buckets = Buckets()
    monkeypatch.setattr("app.limits.limits.Buckets", lambda *_: buckets)
    async with running(changed(settings, allowances={})) as service:
        yield service, lambda seconds: buckets.of(ann.sub).set_seconds_to_full(THROUGHPUT, THROUGHPUT.window + seconds)


@pytest_asyncio.fixture
async def group(ann: Person, bob: Person) -> str:
    """A group with a page of messages of the greatest length."""
    group: str = (await ann.sent("hello", bob))["message_group_uuid"]
    for _ in range(100):
        await ann.sent("\N{SLIGHTLY SMILING FACE}" * 1024, group)
    return group


async def pages(client: httpx.AsyncClient, group: str, count: int) -> Sequence[httpx.Response]:
    """Ask for pages at the same time."""
    return await asyncio.gather(*(client.get(f"/api/messages/{group}?limit=100") for _ in range(count)))


async def test_an_account_waits_until_it_has_repaid_what_it_took_and_others_do_not_wait(
    bounded: Service, ann: Person, bob: Person, group: str
) -> None:
    async with (
        bounded.client(authorization=f"Bearer {ann.token}") as client,
        bounded.client(authorization=f"Bearer {bob.token}") as bystander,
    ):
        started = time.monotonic()
        taking = asyncio.create_task(pages(client, group, 4))
        assert (await bystander.get("/api/users/me")).status_code == 200
        assert not taking.done()
        assert [answer.status_code for answer in await taking] == [200] * 4
        assert (await client.get("/api/users/me")).status_code == 200
        owed = 4 * PAGE_UNITS - THROUGHPUT.burst
        assert time.monotonic() - started > 0.9 * owed / THROUGHPUT.per_second


async def test_requests_that_waited_work_one_after_the_other(
    bounded: Service, ann: Person, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    messaging = bounded.state["messaging"]
    history, working, most = messaging.history, 0, list[int]()

    async def counted(*arguments: Any) -> object:
        nonlocal working
        working += 1
        most.append(working)
        try:
            return await history(*arguments)
        finally:
            working -= 1

    monkeypatch.setattr(messaging, "history", counted)
    async with bounded.client(authorization=f"Bearer {ann.token}") as client:
        assert {answer.status_code for answer in await pages(client, group, 4)} == {200}
    assert most == [1, 2, 1, 1]


async def test_an_account_that_cannot_repay_in_time_is_refused(
    indebted: tuple[Service, Callable[[float], None]], ann: Person
) -> None:
    service, owe = indebted
    async with service.client(authorization=f"Bearer {ann.token}") as client:
        owe(600)
        for answer in await asyncio.gather(*(client.get("/api/users/me") for _ in range(5))):
            problem = problem_of(answer, 429, "too-many-requests")
            assert problem["detail"] == "The limit `throughput` is reached: 50 units at once, then 250 in 1 s"
            assert answer.headers["ratelimit-policy"] == '"throughput";q=250;w=1;qu="units"'
            assert 590 <= int(answer.headers["retry-after"]) <= 600
        owe(0)
        assert (await client.get("/api/users/me")).status_code == 200


async def test_while_a_request_works_alone_no_other_begins_though_nothing_is_owed(
    indebted: tuple[Service, Callable[[float], None]], ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    (service, owe), begun, go = indebted, list[int](), asyncio.Event()
    inbox = service.state["messaging"].inbox

    async def held(*arguments: Any, **options: Any) -> object:
        begun.append(1)
        await asyncio.wait_for(go.wait(), 20)
        return await inbox(*arguments, **options)

    monkeypatch.setattr(service.state["messaging"], "inbox", held)
    monkeypatch.setattr("app.http.limits.TURN_SECONDS", (4.0, 4.0))
    async with service.client(authorization=f"Bearer {ann.token}") as client:
        owe(1)  # still when a loaded machine begins the last of the requests
        asked = [asyncio.create_task(client.get("/api/message_groups")) for _ in range(6)]
        async with asyncio.timeout(20):
            refused = [await ended for ended in islice(asyncio.as_completed(asked), 5)]
        assert [answer.status_code for answer in refused] == [429] * 5
        assert len(begun) == 1
        go.set()
        assert sorted(answer.status_code for answer in await asyncio.gather(*asked)) == [200, *[429] * 5]


async def test_sends_take_units_too(bounded: Service, ann: Person, group: str) -> None:
    """20 sends of 3 WCU and 1 RCU take 30 units more than an account has at once."""
    async with bounded.client(authorization=f"Bearer {ann.token}") as client:
        started = time.monotonic()
        for _ in range(20):
            answer = await client.post("/api/messages", json={"message_group_uuid": group, "message": "x"})
            assert answer.status_code == 200
        assert (await client.get("/api/users/me")).status_code == 200
        assert time.monotonic() - started > 0.9 * 30 / THROUGHPUT.per_second
