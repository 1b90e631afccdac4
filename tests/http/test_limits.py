"""The limit of concurrent requests: requests above it are refused at once, health checks never."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from app.auth.tokens import Claims
from app.concurrency import READ_SECONDS, deadline
from app.http.limits import TURN_SECONDS, TURNS
from app.settings import Settings
from app.users.service import Users
from tests.fixtures.app import Person, Service, running
from tests.http.faulty import changed
from tests.http.problem import problem_of
from tests.tools.own_time import now

LIMIT = 3
ORIGIN = "https://app.example.com"


@pytest_asyncio.fixture(scope="module")
async def small(settings: Settings) -> AsyncIterator[Service]:
    async with running(changed(settings, max_requests_in_flight=LIMIT)) as service:
        yield service


class Held:
    """Requests up to the limit, in flight until they are released: their users are not found before."""

    def __init__(self, service: Service, client: httpx.AsyncClient, body: bytes, count: int = LIMIT) -> None:
        self._users = service.state["users"]
        self._client = client
        self._body = body
        self._count = count
        self._go = asyncio.Event()
        self._waiting = asyncio.Semaphore(0)
        self.requests: list[asyncio.Task[httpx.Response]] = []
        self.begun: list[float] = []

    async def __aenter__(self) -> "Held":
        self._users.uuid_of = self._uuid_of  # type: ignore[method-assign]
        self.requests = [asyncio.create_task(self._send()) for _ in range(self._count)]
        async with asyncio.timeout(5):
            for _ in self.requests:
                await self._waiting.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.let_go()

    async def let_go(self) -> list[httpx.Response | BaseException]:
        self._go.set()
        self._users.__dict__.pop("uuid_of", None)
        return await asyncio.gather(*self.requests, return_exceptions=True)

    async def _send(self) -> httpx.Response:
        headers = {"content-type": "application/json"}
        return await self._client.post("/api/messages", content=self._body, headers=headers)

    async def _uuid_of(self, claims: Claims) -> UUID:
        self.begun.append(now())
        self._waiting.release()
        await self._go.wait()
        return await Users.uuid_of(self._users, claims)


async def test_requests_above_the_limit_are_refused_at_once_and_the_others_succeed(
    small: Service, ann: Person, bob: Person
) -> None:
    body = b'{"message":"x","handle":"%s"}' % bob.handle.encode()
    async with small.client(authorization=f"Bearer {ann.token}") as client, Held(small, client, body) as held:
        async with asyncio.timeout(1):
            refused = [*await asyncio.gather(*(client.get("/api/users/me") for _ in range(20)))]
            refused.append(await client.get("/api/unknown"))
            refused.append(await client.get("/api/users/me", headers={"authorization": ""}))
        for answer in refused:
            problem_of(answer, 503, "overloaded")
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["x-content-type-options"] == "nosniff"
        accepted = [answer for answer in await held.let_go() if isinstance(answer, httpx.Response)]
        assert [answer.status_code for answer in accepted] == [200] * LIMIT
        assert (await client.get("/api/users/me")).status_code == 200
    assert await bob.numbers(ann.group_with(bob)) == list(range(1, LIMIT + 1))


@pytest.mark.parametrize("path", ["/api/health-check", "/healthz", "/readyz"])
async def test_health_checks_are_never_refused(small: Service, ann: Person, path: str) -> None:
    async with small.client(authorization=f"Bearer {ann.token}") as client, Held(small, client, b"{}"):
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("how", ["refused", "cancelled"])
async def test_every_end_of_a_request_frees_its_place(small: Service, ann: Person, how: str) -> None:
    async with small.client(authorization=f"Bearer {ann.token}") as client:
        for _ in range(3):
            async with Held(small, client, b"{}") as held:
                for request in held.requests if how == "cancelled" else ():
                    request.cancel()
        assert (await client.get("/api/users/me")).status_code == 200


async def test_browsers_may_read_the_refusal(small: Service, ann: Person) -> None:
    async with small.client(authorization=f"Bearer {ann.token}", origin=ORIGIN) as client, Held(small, client, b"{}"):
        preflight = await client.options("/api/messages", headers={"access-control-request-method": "POST"})
        assert preflight.status_code == 200
        answer = await client.get("/api/users/me")
        problem_of(answer, 503, "overloaded")
        assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_requests_that_wait_for_their_bodies_take_no_place(small: Service, ann: Person, bob: Person) -> None:
    go = asyncio.Event()

    async def late() -> AsyncIterator[bytes]:
        await go.wait()
        yield b'{"message":"x","handle":"%s"}' % bob.handle.encode()

    headers = {"content-type": "application/json"}
    async with small.client(authorization=f"Bearer {ann.token}") as client:
        slow = [asyncio.create_task(client.post("/api/messages", content=late(), headers=headers)) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert (await client.get("/api/users/me")).status_code == 200
        go.set()
        answers = await asyncio.gather(*slow)
    assert {answer.status_code for answer in answers} <= {200, 503}  # their bodies came at once
    assert any(answer.status_code == 200 for answer in answers)


async def test_the_requests_of_an_account_take_turns_and_others_do_not_wait_for_them(
    service: Service, ann: Person, bob: Person
) -> None:
    working, most = Counter[str](), Counter[str]()

    async def uuid_of(claims: Claims) -> UUID:
        working[claims.sub] += 1
        most[claims.sub] = max(most[claims.sub], working[claims.sub])
        await asyncio.sleep(0.01)
        working[claims.sub] -= 1
        return await Users.uuid_of(users, claims)

    users = service.state["users"]
    users.uuid_of = uuid_of  # type: ignore[method-assign]
    try:
        answers = await asyncio.gather(*(who.client.get("/api/message_groups") for who in (ann, bob) * 20))
    finally:
        del users.__dict__["uuid_of"]
    assert {answer.status_code for answer in answers} == {200}
    assert most == {ann.sub: TURNS, bob.sub: TURNS}


async def test_behind_a_dependency_that_hangs_requests_begin_one_after_the_other(
    service: Service, settings: Settings, ann: Person, bob: Person
) -> None:
    body = b'{"message":"x","handle":"%s"}' % bob.handle.encode()
    (first, last), started = TURN_SECONDS, now()
    async with Held(service, ann.client, body, settings.max_requests_per_account) as held:
        begun = [seconds - started for seconds in held.begun]
    assert begun[TURNS - 1] < first <= begun[TURNS]
    assert last - first < 2 * (begun[-1] - begun[TURNS]), "not all at once"
    assert begun[-1] < last + 1


async def test_the_wait_for_a_turn_counts_towards_the_deadline(
    service: Service, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last request begins a second later than those before it, and ends with them."""

    async def hang(*_: object, **__: object) -> None:
        async with deadline(READ_SECONDS):
            await asyncio.sleep(60)

    monkeypatch.setattr("app.http.limits.TURN_SECONDS", (1.0, 1.0))
    monkeypatch.setattr(service.state["messaging"], "inbox", hang)
    started = now()
    answers = await asyncio.gather(*(ann.client.get("/api/message_groups") for _ in range(TURNS + 1)))
    for answer in answers:
        problem_of(answer, 503, "unavailable")
    assert READ_SECONDS <= now() - started < READ_SECONDS + 0.7


async def test_a_client_that_leaves_while_it_waits_gives_its_turn_away(
    service: Service, ann: Person, bob: Person
) -> None:
    body = b'{"message":"x","handle":"%s"}' % bob.handle.encode()
    async with service.client(authorization=f"Bearer {ann.token}") as client:
        async with Held(service, client, body, TURNS):
            waiting = [asyncio.create_task(client.get("/api/users/me")) for _ in range(10)]
            await asyncio.sleep(0.05)
            for request in waiting:
                request.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        async with asyncio.timeout(TURN_SECONDS[0]):
            answers = await asyncio.gather(*(client.get("/api/users/me") for _ in range(TURNS)))
        assert {answer.status_code for answer in answers} == {200}


async def test_an_account_cannot_have_all_places(
    service: Service, settings: Settings, ann: Person, bob: Person
) -> None:
    most = settings.max_requests_per_account
    body = b'{"message":"x","handle":"%s"}' % bob.handle.encode()
    async with (
        service.client(authorization=f"Bearer {ann.token}") as client,
        Held(service, client, body, most) as held,
    ):
        answer = await client.get("/api/users/me")
        problem_of(answer, 503, "overloaded")
        assert str(most) in answer.json()["detail"]
        assert (await bob.client.get("/api/users/me")).status_code == 200
        answers = await held.let_go()
        assert [answer.status_code for answer in answers if isinstance(answer, httpx.Response)] == [200] * most
        assert (await client.get("/api/users/me")).status_code == 200
