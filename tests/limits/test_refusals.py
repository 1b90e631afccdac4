"""A client that goes on after refusals is slowed down, and takes nothing from others meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from app.limits.buckets import Buckets
from app.limits.rates import READ, REFUSAL, UNVERIFIED_TOKEN
from app.settings import Settings
from tests.fixtures.app import Person, Service, running
from tests.http.faulty import changed
from tests.http.problem import problem_of

PATH = "/api/message_groups"
PLACES = 4
ADDRESS = "127.0.0.1"
"""The address of all clients in the tests' own process."""


@dataclass(frozen=True)
class Limited:
    """A service with its limits, and their buckets."""

    service: Service
    buckets: Buckets

    def refuse(self, key: str, *, seconds: float) -> None:
        """Let a key have no call left, and owe so many seconds of refusals."""
        for rate in (READ, UNVERIFIED_TOKEN):
            self.buckets.of(key).set_seconds_to_full(rate, rate.window + 3_600)
        self.buckets.of(key).set_seconds_to_full(REFUSAL, REFUSAL.window + seconds)


@pytest_asyncio.fixture
async def limited(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Limited]:
    buckets = Buckets()
    monkeypatch.setattr("app.limits.limits.Buckets", lambda *_: buckets)
    async with running(changed(settings, allowances={}, max_requests_per_account=PLACES)) as service:
        yield Limited(service, buckets)


@pytest.fixture
def _without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal that waits is not answered while a test runs."""
    monkeypatch.setattr("app.http.limits.REFUSAL_SECONDS", 3_600.0)


@pytest.mark.usefixtures("_without_end")
async def test_refusals_of_an_account_wait_without_a_place_and_others_do_not_wait(
    limited: Limited, ann: Person, bob: Person
) -> None:
    limited.refuse(ann.sub, seconds=3_600)
    async with (
        limited.service.client(authorization=f"Bearer {ann.token}") as anns,
        limited.service.client(authorization=f"Bearer {bob.token}") as bobs,
    ):
        waiting = [asyncio.create_task(anns.get(PATH)) for _ in range(4 * PLACES)]
        for _ in range(20):
            assert (await bobs.get(PATH)).status_code == 200
        assert not any(task.done() for task in waiting), "and none is 503: they have no place"
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


@pytest.mark.usefixtures("_without_end")
async def test_refusals_of_an_address_wait(limited: Limited, bob: Person) -> None:
    limited.refuse(ADDRESS, seconds=3_600)
    async with (
        limited.service.client(authorization="Bearer a.b.c") as forger,
        limited.service.client(authorization=f"Bearer {bob.token}") as bobs,
    ):
        waiting = asyncio.create_task(forger.get(PATH))
        for _ in range(20):
            assert (await bobs.get("/api/health-check")).status_code == 200
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait({waiting})


@pytest.mark.usefixtures("_without_end")
async def test_the_first_refusals_do_not_wait(limited: Limited, ann: Person) -> None:
    limited.refuse(ann.sub, seconds=-REFUSAL.window)
    async with limited.service.client(authorization=f"Bearer {ann.token}") as client:
        for _ in range(int(REFUSAL.burst)):
            problem_of(await client.get(PATH), 429, "too-many-requests")


async def test_a_wait_has_a_bound(limited: Limited, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.http.limits.REFUSAL_SECONDS", 0.01)
    limited.refuse(ann.sub, seconds=3_600)
    async with limited.service.client(authorization=f"Bearer {ann.token}") as client:
        problem_of(await client.get(PATH), 429, "too-many-requests")
