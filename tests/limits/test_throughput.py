"""The units that an account takes at once are bounded, so that its bursts leave the processor to others."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.limits.rates import THROUGHPUT
from app.settings import Settings
from tests.fixtures.app import Person, Service, running
from tests.http.faulty import changed
from tests.http.problem import problem_of

PAGE_UNITS = 52
"""RCU of a page of 100 messages of the greatest length, and of the proof of membership."""


@pytest_asyncio.fixture
async def bounded(settings: Settings) -> AsyncIterator[Service]:
    async with running(changed(settings, allowances={})) as service:
        yield service


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


async def test_an_account_that_cannot_repay_in_time_is_refused(bounded: Service, ann: Person, group: str) -> None:
    async with bounded.client(authorization=f"Bearer {ann.token}") as client:
        answers = await pages(client, group, 24)
        refused = [answer for answer in answers if answer.status_code != 200]
        assert 4 <= len(answers) - len(refused) <= 12
        for answer in refused:
            problem = problem_of(answer, 429, "too-many-requests")
            assert problem["detail"] == "The limit `throughput` is reached: 50 units at once, then 250 in 1 s"
            assert answer.headers["ratelimit-policy"] == '"throughput";q=250;w=1;qu="units"'
            assert answer.headers["retry-after"] == "1"
        await asyncio.sleep(1)
        assert (await client.get("/api/users/me")).status_code == 200


async def test_sends_take_units_too(bounded: Service, ann: Person, group: str) -> None:
    """20 sends of 3 WCU and 1 RCU take 30 units more than an account has at once."""
    async with bounded.client(authorization=f"Bearer {ann.token}") as client:
        started = time.monotonic()
        for _ in range(20):
            answer = await client.post("/api/messages", json={"message_group_uuid": group, "message": "x"})
            assert answer.status_code == 200
        assert (await client.get("/api/users/me")).status_code == 200
        assert time.monotonic() - started > 0.9 * 30 / THROUGHPUT.per_second
