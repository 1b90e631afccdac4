"""A user has ten streams over all processes, whatever becomes of processes and Valkey; the last places are shared."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from app.errors import Overloaded
from app.gateways.valkey import Valkey, ValkeyUnavailable
from app.messaging.catchup import Catchup
from app.messaging.store import MessagingStore
from app.observability.metrics import Metrics
from app.realtime import leases
from app.realtime.bus import MemoryBus
from app.realtime.errors import TooManyStreams
from app.realtime.hub import Hub
from app.realtime.leases import LEASE_SECONDS, MAX_USER_STREAMS, StreamLeases
from app.settings import Settings
from tests.fixtures.app import Person, Service
from tests.fixtures.engines import running_valkey
from tests.realtime.conftest import Live
from tests.tools.servers import servers


@asynccontextmanager
async def process(url: str) -> AsyncIterator[StreamLeases]:
    """The leases of a process. Without `renewed` they expire, like those of a process that was killed."""
    valkey = Valkey(url, call_seconds=5)
    try:
        yield StreamLeases(valkey)
    finally:
        await valkey.aclose()


async def taken(stack: AsyncExitStack, held: StreamLeases, user: UUID, count: int) -> int:
    """Take as many leases as there are to get, at most `count`, until the stack ends; return how many."""
    for number in range(count):
        try:
            await stack.enter_async_context(held.hold(user))
        except TooManyStreams:
            return number
    return count


async def test_processes_count_together(valkey_url: str) -> None:
    user = uuid4()
    async with process(valkey_url) as one, process(valkey_url) as two, AsyncExitStack() as stack:
        async with AsyncExitStack() as first:
            assert await taken(first, one, user, 6) == 6
            assert await taken(stack, two, user, 6) == 4
            assert await taken(stack, one, user, 1) == 0
            assert await taken(stack, one, uuid4(), 1) == 1, "other users are not affected"
        assert await taken(stack, two, user, 10) == 6, "what was released is there again"


async def test_exports_are_counted_for_themselves(valkey_url: str) -> None:
    user = uuid4()
    async with process(valkey_url) as streams, AsyncExitStack() as stack:
        one, two = [StreamLeases(streams._valkey, kind="exports", most=1) for _ in range(2)]  # noqa: SLF001
        assert await taken(stack, streams, user, 3) == 3
        async with AsyncExitStack() as first:
            assert await taken(first, one, user, 2) == 1
            assert await taken(stack, two, user, 1) == 0
        assert await taken(stack, two, user, 2) == 1


async def test_a_race_for_the_last_leases_gives_no_more_than_ten(valkey_url: str) -> None:
    user = uuid4()
    async with process(valkey_url) as one, process(valkey_url) as two, AsyncExitStack() as stack:
        counts = await asyncio.gather(*(taken(stack, held, user, 3) for held in [one, two] * 10))
        assert sum(counts) == MAX_USER_STREAMS


async def test_the_leases_of_a_killed_process_expire_and_renewed_ones_do_not(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 2)
    monkeypatch.setattr(leases, "RENEW_INTERVAL", 0.3)
    user = uuid4()
    async with process(valkey_url) as killed, process(valkey_url) as living, AsyncExitStack() as stack:
        assert await taken(stack, killed, user, 7) == 7
        await stack.enter_async_context(living.renewed())
        assert await taken(stack, living, user, 10) == 3
        await asyncio.sleep(3.5)
        assert await taken(stack, living, user, 10) == 7
        valkey = Valkey(valkey_url, call_seconds=5)
        await asyncio.sleep(2.5)
        assert await valkey.call("ZCARD", f"{{cruddur:streams:{user}}}") == 10
        await valkey.aclose()


async def test_nothing_is_left_of_a_user_without_streams(valkey_url: str) -> None:
    user = uuid4()
    async with process(valkey_url) as held:
        async with held.hold(user):
            pass
        await held.renew()
        assert held._valkey  # noqa: SLF001
        assert await held._valkey.call("EXISTS", f"{{cruddur:streams:{user}}}") == 0  # noqa: SLF001
        assert not held._held  # noqa: SLF001


async def test_without_valkey_streams_open_and_are_counted_when_it_is_back() -> None:
    user = uuid4()
    with running_valkey() as engine:
        async with process(engine.address) as one, process(engine.address) as two, AsyncExitStack() as stack:
            engine.child.stop(seconds=2)
            assert await taken(stack, one, user, 8) == 8, "fails open: the process alone limits them"
            engine.start()
            engine.wait_until_ready()
            for held in (one, two):
                assert held._valkey  # noqa: SLF001
                held._valkey._open_until = 0.0  # noqa: SLF001  # what BREAKER_SECONDS would do
            await renewed_at_last(one)
            assert await taken(stack, two, user, 10) == 2


async def renewed_at_last(held: StreamLeases) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                return await held.renew()
            except ValkeyUnavailable:
                await asyncio.sleep(0.1)


def hub(service: Service, most: int) -> Hub:
    catchup = Catchup(MessagingStore(service.state["table"]))
    return Hub(MemoryBus(), catchup, service.state["views"], Metrics(), StreamLeases(), most_streams=most)


async def opened(stack: AsyncExitStack, hub: Hub, user: UUID) -> type[Exception] | None:
    """Open a stream until the stack ends, and return why it was refused."""
    try:
        await stack.enter_async_context(hub.open(user, until=datetime.now(UTC) + timedelta(minutes=1), position=None))
    except (TooManyStreams, Overloaded) as error:
        return type(error)
    return None


async def test_the_last_tenth_of_a_process_is_for_users_without_streams(service: Service) -> None:
    crowd, full = [uuid4() for _ in range(2)], hub(service, 20)
    async with AsyncExitStack() as stack:
        for user in crowd:
            for _ in range(9):
                assert await opened(stack, full, user) is None
        assert [await opened(stack, full, user) for user in crowd] == [Overloaded] * 2
        late = [uuid4() for _ in range(3)]
        assert [await opened(stack, full, user) for user in late] == [None, None, Overloaded]
        assert full.streams == 20


async def test_a_process_alone_gives_a_user_ten(service: Service) -> None:
    user, alone = uuid4(), hub(service, 100)
    async with AsyncExitStack() as stack:
        assert [await opened(stack, alone, user) for _ in range(11)] == [None] * 10 + [TooManyStreams]
    async with AsyncExitStack() as stack:
        assert await opened(stack, alone, user) is None


async def open_over_http(client: httpx.AsyncClient, address: str) -> httpx.Response:
    return await client.send(client.build_request("GET", f"{address}/api/events"), stream=True)


async def test_a_user_has_ten_streams_over_two_processes(live: Live, ann: Person) -> None:
    headers = {"authorization": f"Bearer {ann.token}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client, AsyncExitStack() as stack:
        for number in range(10):
            stream = await open_over_http(client, live.servers[number % 2].address)
            stack.push_async_callback(stream.aclose)
            assert stream.status_code == 200
        for server in live.servers:
            refused = await client.get(f"{server.address}/api/events")
            assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
            assert int(refused.headers["retry-after"]) > 0


@pytest.mark.soak
async def test_a_user_gets_the_streams_of_a_killed_process_back(
    live_settings: Settings, valkey_url: str, ann: Person
) -> None:
    """The leases are made older by what the test does not want to wait for."""
    headers = {"authorization": f"Bearer {ann.token}"}
    async with (
        servers(live_settings, 2) as (killed, living),
        httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client,
        AsyncExitStack() as stack,
    ):
        for _ in range(10):
            stack.push_async_callback((await open_over_http(client, killed.address)).aclose)
        await killed.stop(signal.SIGKILL)
        refused = await open_over_http(client, living.address)
        await refused.aclose()
        assert refused.status_code == 429
        await make_older(valkey_url, ann, LEASE_SECONDS - 3)
        async with asyncio.timeout(8):
            while (stream := await open_over_http(client, living.address)).status_code == 429:
                await stream.aclose()
                await asyncio.sleep(0.5)
        assert stream.status_code == 200
        await stream.aclose()


async def make_older(valkey_url: str, person: Person, seconds: int) -> None:
    valkey, name = Valkey(valkey_url, call_seconds=5), f"{{cruddur:streams:{person.uuid}}}"
    for lease in await valkey.call("ZRANGE", name, 0, -1):
        await valkey.call("ZINCRBY", name, -seconds, lease)
    await valkey.aclose()
