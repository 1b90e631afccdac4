"""Accounts that are disabled, removed or moved: noticed by every process, whatever happens at the same time."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.auth.tokens import Claims
from app.cache import Caches
from app.concurrency import TaskSet
from app.errors import AccountDisabled, Unavailable, UnknownUser
from app.gateways.postgres import Postgres, open_postgres
from app.settings import Settings
from app.users.account_watch import KEPT_SECONDS, AccountWatch
from app.users.events import AccountChanged, AnyAccountChanged
from app.users.models import NewUser
from app.users.service import Users
from app.users.store import MOST_CHANGES, UserStore
from tests.fixtures.app import NewPerson, Person
from tests.http.problem import problem_of
from tests.tools.clock import Clock
from tests.tools.command import cruddur
from tests.tools.servers import Server, environment, servers

PROMISED_SECONDS = 10
"""A disabled account stops within this time."""


class Changes:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.users: list[UUID] = []
        self.anything = 0

    async def publish(self, *events: AccountChanged | AnyAccountChanged) -> None:
        for event in events:
            if isinstance(event, AnyAccountChanged):
                self.anything += 1
            else:
                self.users.append(event.user_uuid)


@pytest.fixture
async def postgres(settings: Settings) -> AsyncIterator[Postgres]:
    async with open_postgres(settings) as postgres:
        yield postgres


@pytest.fixture
def store(postgres: Postgres) -> UserStore:
    return UserStore(postgres)


async def new_users(store: UserStore, count: int) -> list[UUID]:
    users = [NewUser(uuid4(), f"w_{uuid4().hex[:20]}", "W", str(uuid4())) for _ in range(count)]
    assert await store.add_all(users) == count
    return [user.uuid for user in users]


async def test_each_change_is_told_once_and_none_of_before(store: UserStore) -> None:
    first, second, third = await new_users(store, 3)
    await store.disable([first])
    changes = Changes()
    watch = AccountWatch(store, changes.publish)
    await watch.poll()
    assert (changes.users, changes.anything) == ([], 1), "what was cached before the first question is discarded"
    await store.disable([second, third])
    for _ in range(3):
        await watch.poll()
    assert changes.users.count(second) == changes.users.count(third) == 1
    assert first not in changes.users
    assert (await store.enable([second]), await store.enable([second])) == (1, 0)
    await watch.poll()
    assert changes.users.count(second) == 2


async def test_no_change_of_an_overlapping_transaction_is_missed(settings: Settings, store: UserStore) -> None:
    """Transactions end in another order than they began, with questions at random in between."""
    chance = random.Random(3)  # noqa: S311  # repeatable
    users = await new_users(store, 40)
    changes = Changes()
    watch = AccountWatch(store, changes.publish)
    await watch.poll()
    async with AsyncExitStack() as stack:
        connections = []
        for _ in range(8):
            connection = await asyncpg.connect(settings.database_url.get_secret_value())
            stack.push_async_callback(connection.close)
            connections.append(connection)

        async def disable(connection: "asyncpg.Connection[asyncpg.Record]", uuids: list[UUID]) -> None:
            for uuid in uuids:
                async with connection.transaction():
                    await connection.execute("select pg_current_xact_id()")
                    await asyncio.sleep(chance.random() * 0.03)
                    await connection.execute("update users set disabled_at = now() where uuid = $1", uuid)
                    await asyncio.sleep(chance.random() * 0.03)

        working = asyncio.gather(*(disable(each, users[n::8]) for n, each in enumerate(connections)))
        while not working.done():
            await watch.poll()
            await asyncio.sleep(chance.random() * 0.01)
        await working
    await watch.poll()
    told = [uuid for uuid in changes.users if uuid in users]
    assert sorted(told) == sorted(users)


async def test_after_too_many_changes_or_too_long_a_pause_anything_may_have_changed(store: UserStore) -> None:
    changes, clock = Changes(), Clock()
    watch = AccountWatch(store, changes.publish, clock)
    await watch.poll()
    await store.disable(await new_users(store, MOST_CHANGES + 1))
    await watch.poll()
    assert (changes.users, changes.anything) == ([], 2)
    clock.now = KEPT_SECONDS
    await watch.poll()
    assert changes.anything == 3


class FailingStore(UserStore):
    is_failing = False

    async def by_cognito_user_id(self, sub: str) -> object:  # type: ignore[override]
        if self.is_failing:
            raise Unavailable
        return await super().by_cognito_user_id(sub)


async def test_while_postgres_is_down_known_users_go_on_but_not_disabled_ones(postgres: Postgres) -> None:
    store, tasks = FailingStore(postgres), TaskSet()
    users = Users(store, Caches(tasks))
    watch = AccountWatch(store, users.discard_accounts)
    await watch.poll()
    rows = [NewUser(uuid4(), f"w_{uuid4().hex[:20]}", "W", str(uuid4())) for _ in range(2)]
    await store.add_all(rows)
    known, disabled = (Claims(row.cognito_user_id, "web", None) for row in rows)  # type: ignore[arg-type]
    assert [await users.uuid_of(each) for each in (known, disabled)] == [row.uuid for row in rows]
    await store.disable([rows[1].uuid])
    await watch.poll()
    store.is_failing = True
    assert await users.uuid_of(known) == rows[0].uuid
    with pytest.raises(Unavailable):
        await users.uuid_of(disabled)
    store.is_failing = False
    with pytest.raises(AccountDisabled):
        await users.uuid_of(disabled)
    await tasks.drain(1)


async def test_a_removed_user_is_unknown_and_a_moved_account_is_the_other_user(
    settings: Settings, store: UserStore
) -> None:
    tasks = TaskSet()
    users = Users(store, Caches(tasks))
    watch = AccountWatch(store, users.discard_accounts)
    await watch.poll()
    rows = [NewUser(uuid4(), f"w_{uuid4().hex[:20]}", "W", str(uuid4())) for _ in range(3)]
    await store.add_all(rows)
    claims = [Claims(row.cognito_user_id, "web", None) for row in rows]  # type: ignore[arg-type]
    assert [await users.uuid_of(each) for each in claims] == [row.uuid for row in rows]
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    await connection.execute("delete from users where uuid = $1", rows[0].uuid)
    await connection.execute("update users set cognito_user_id = $2 where uuid = $1", rows[1].uuid, claims[0].sub)
    await connection.close()
    await watch.poll()
    assert await users.uuid_of(claims[0]) == rows[1].uuid
    with pytest.raises(UnknownUser):
        await users.uuid_of(claims[1])
    assert await users.uuid_of(claims[2]) == rows[2].uuid
    await tasks.drain(1)


@asynccontextmanager
async def streaming(server: Server, person: Person) -> AsyncIterator["asyncio.Task[float]"]:
    """Open an event stream, and yield a task that returns the time of its end."""
    headers = {"authorization": f"Bearer {person.token}"}
    is_open = asyncio.Event()

    async def read() -> float:
        async with (
            httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as client,
            client.stream("GET", f"{server.address}/api/events") as response,
        ):
            assert response.status_code == 200
            async for line in response.aiter_lines():
                if "resync" in line:
                    is_open.set()
        return time.monotonic()

    task = asyncio.create_task(read())
    await asyncio.wait_for(is_open.wait(), 15)
    yield task
    task.cancel()
    await asyncio.wait({task})


async def answers(running: list[Server], person: Person) -> list[httpx.Response]:
    """Return the answers of each process to a read, and to a send to the peer."""
    async with httpx.AsyncClient(
        headers={"authorization": f"Bearer {person.token}"}, trust_env=False, timeout=60
    ) as client:
        return [await client.get(f"{server.address}/api/message_groups") for server in running]


async def until_refused(running: list[Server], person: Person, code: str) -> float:
    """Wait until each process refuses the person, and return the time."""
    while True:
        found = await answers(running, person)
        if all(answer.status_code == 403 for answer in found):
            for answer in found:
                problem_of(answer, 403, code)
            return time.monotonic()
        await asyncio.sleep(0.1)


Change = Callable[[Settings, Person], Coroutine[Any, Any, None]]


async def disable(settings: Settings, person: Person) -> None:
    ended = await cruddur("users", "disable", f"@{person.handle}", env=environment(settings))
    assert (ended.code, f"@{person.handle} is disabled now." in ended.out) == (0, True), ended


async def remove(settings: Settings, person: Person) -> None:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    await connection.execute("delete from users where uuid = $1", person.uuid)
    await connection.close()


@pytest.mark.parametrize("with_valkey", [False, True])
async def test_an_account_stops_within_ten_seconds_in_every_process(
    settings: Settings, new_person: NewPerson, valkey_url: str, *, with_valkey: bool
) -> None:
    """Its requests are refused and its streams end, and those of others go on."""
    disabled, removed, bystander = [await new_person(name) for name in ("disabled", "removed", "bystander")]
    live = Settings(**{**settings.model_dump(), "valkey_url": valkey_url if with_valkey else None})
    async with servers(live, 2) as running, AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(streaming(server, bystander)) for server in running]
        await asyncio.gather(
            stops(live, running, disabled, disable, "account-disabled"),
            stops(live, running, removed, remove, "unknown-user"),
        )
        assert [answer.status_code for answer in await answers(running, bystander)] == [200, 200]
        assert not any(each.done() for each in streams)
        ended = await cruddur("users", "enable", disabled.handle, "--json", env=environment(live))
        assert ended.records == [{"handle": disabled.handle, "state": "enabled", "changed": True}]
        enabled_at = time.monotonic()
        while [answer.status_code for answer in await answers(running, disabled)] != [200, 200]:
            assert time.monotonic() - enabled_at < PROMISED_SECONDS
            await asyncio.sleep(0.1)


async def stops(live: Settings, running: list[Server], person: Person, change: Change, code: str) -> None:
    """Change the account; its requests must be refused and its streams end in the promised time."""
    async with AsyncExitStack() as stack:
        ends = [await stack.enter_async_context(streaming(server, person)) for server in running]
        assert [answer.status_code for answer in await answers(running, person)] == [200, 200]
        await change(live, person)
        changed_at = time.monotonic()
        refused_at = await asyncio.wait_for(until_refused(running, person, code), PROMISED_SECONDS)
        ended_at = [await asyncio.wait_for(each, PROMISED_SECONDS) for each in ends]
        assert max(refused_at, *ended_at) - changed_at < PROMISED_SECONDS
