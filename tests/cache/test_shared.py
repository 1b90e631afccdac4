"""The caches of several processes: they share values and invalidations by Valkey, and survive its faults."""

import asyncio
import math
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest

from app.cache import Cache, Caches, CacheSpec, Codec, open_caches
from app.cache.cache import DISCONNECTED_TTL
from app.concurrency import TaskSet
from app.gateways.valkey import CALL_SECONDS, Valkey
from tests.cache.source import Source
from tests.fixtures.engines import running_valkey
from tests.tools.own_time import now

SLACK = 0.5
SHARED: Codec[int] = Codec(lambda value: str(value).encode(), int)


@asynccontextmanager
async def process(url: str, *, call_seconds: float = 5) -> AsyncIterator[Caches]:
    """The caches of a process with a Valkey, once it receives the invalidations of others."""
    valkey, tasks = Valkey(url, call_seconds=call_seconds), TaskSet()
    async with open_caches(tasks, valkey) as caches:
        await until(lambda: caches.is_subscribed)
        yield caches
        await tasks.drain(0)
    await valkey.aclose()


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the condition was not met within 10 s")


async def becomes(cache: Cache[str, int], key: str, value: int) -> None:
    """Wait until the process has received the invalidation of another and reads a value anew."""
    async with asyncio.timeout(30):
        while await cache.get(key) != value:  # noqa: ASYNC110  # its arrival has no event
            await asyncio.sleep(0.01)


@pytest.fixture
async def two_processes(valkey_url: str) -> AsyncIterator[tuple[Caches, Caches]]:
    async with process(valkey_url) as one, process(valkey_url) as other:
        yield one, other


async def test_100_concurrent_reads_of_two_processes_share_one_load_through_valkey(
    two_processes: tuple[Caches, Caches], source: Source
) -> None:
    source.values, source.seconds = {"a": 1}, 0.3
    one, other = (caches.add(source.spec(codec=SHARED)) for caches in two_processes)
    assert await asyncio.gather(*(one.get("a") for _ in range(100))) == [1] * 100
    assert await asyncio.gather(*(other.get("a") for _ in range(100))) == [1] * 100
    assert source.loads == [{"a"}]


async def test_absence_is_shared_and_invalidated_like_a_value(
    two_processes: tuple[Caches, Caches], source: Source
) -> None:
    one, other = (caches.add(source.spec(codec=SHARED)) for caches in two_processes)
    assert await one.get("a") is await other.get("a") is None
    assert len(source.loads) == 1
    source.values = {"a": 1}
    await one.invalidate("a")
    assert await one.get("a") == 1
    await becomes(other, "a", 1)
    assert len(source.loads) == 2


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("codec", [SHARED, None])
async def test_no_invalidated_value_is_read_again(
    two_processes: tuple[Caches, Caches], source: Source, codec: Codec[int] | None, seed: int
) -> None:
    """Many readers and writers in two processes, at random times.

    A value that is not shared may be old until its process has received the invalidation: readers wait until it has
    received one that was sent later.
    """
    chance = random.Random(seed)  # noqa: S311  # repeatable
    each = [process.add(source.spec(codec=codec)) for process in two_processes]
    source.values, invalidated = dict.fromkeys("abc", 0), dict.fromkeys("abc", 0)
    probes = {id(cache): Probe(process) for cache, process in zip(each, two_processes, strict=True)}

    async def write(cache: Cache[str, int]) -> None:
        for _ in range(25):
            key = chance.choice("abc")
            source.values[key] += 1
            value = source.values[key]
            await asyncio.sleep(chance.choice((0, 0, 0.002)))
            await cache.invalidate(key)
            invalidated[key] = max(invalidated[key], value)
            await asyncio.sleep(chance.random() * 0.004)

    async def read(cache: Cache[str, int]) -> None:
        for _ in range(60):
            source.seconds = chance.choice((0, 0, 0.001, 0.004))
            oldest = dict(invalidated)
            if codec is None:
                await probes[id(cache)].arrived()
            found = await cache.get_many(chance.choice(("a", "ab", "abc", "c")))
            assert all(value >= oldest[key] for key, value in found.items()), (found, oldest)
            await asyncio.sleep(chance.random() * 0.003)

    await asyncio.gather(*(work(cache) for cache in each for work in (write, read, read, read)))
    for cache in each:
        await probes[id(cache)].arrived()
        assert await cache.get_many("abc") == source.values


class Probe:
    """Invalidations that a process sends to itself: when one arrives, all that were sent before have arrived."""

    def __init__(self, process: Caches) -> None:
        self._waiting: dict[str, asyncio.Event] = {}
        self._cache = process.add(CacheSpec("probe", self._load, self._receive, ttl=60))

    async def arrived(self) -> None:
        """Send an invalidation, and return when it arrives."""
        key = uuid4().hex
        arrived = self._waiting[key] = asyncio.Event()
        await self._cache.invalidate(key)
        await arrived.wait()

    def _receive(self, key: str) -> str:
        if key in self._waiting:  # not a probe of the other process
            self._waiting.pop(key).set()
        return key

    async def _load(self, _: Collection[str]) -> dict[str, int]:
        raise AssertionError("a probe is never read")


async def test_an_invalidation_reaches_the_values_of_other_processes(
    two_processes: tuple[Caches, Caches], source: Source
) -> None:
    source.values = {"a": 1}
    one, other = (caches.add(source.spec()) for caches in two_processes)
    assert await one.get("a") == await other.get("a") == 1
    source.values = {"a": 2}
    await one.invalidate("a")
    await becomes(other, "a", 2)
    assert await one.get("a") == 2
    assert len(source.loads) == 4


async def test_a_value_that_cannot_be_deserialized_is_loaded_anew(
    two_processes: tuple[Caches, Caches], source: Source
) -> None:
    source.values = {"a": 1}
    of_another_version = replace(SHARED, serialize=lambda _: b"{}")
    one, other = (
        caches.add(source.spec(codec=codec))
        for caches, codec in zip(two_processes, (of_another_version, SHARED), strict=True)
    )
    assert await one.get("a") == await other.get("a") == 1


async def test_reads_succeed_while_valkey_hangs_and_only_one_waits(source: Source) -> None:
    source.values = {"a": 1}
    with running_valkey() as engine:
        async with process(engine.address, call_seconds=CALL_SECONDS) as caches:
            cache = caches.add(source.spec(codec=SHARED))
            assert await cache.get("a") == 1
            os.kill(engine.child.pid, signal.SIGSTOP)
            source.values["a"] = 2
            started = now()
            await cache.invalidate("a")
            for _ in range(50):
                assert await cache.get("a") == 2
            assert now() - started < CALL_SECONDS + SLACK
            os.kill(engine.child.pid, signal.SIGCONT)


async def test_a_failed_invalidation_is_made_up_for_when_valkey_answers_again(source: Source) -> None:
    source.values = {"a": 1, "b": 1}
    with running_valkey() as engine:
        async with AsyncExitStack() as stack:
            first, second = [await stack.enter_async_context(process(engine.address)) for _ in range(2)]
            one, other = (caches.add(source.spec(codec=SHARED)) for caches in (first, second))
            assert await other.get("a") == 1
            source.values["a"] = 2
            valkey = first.valkey
            assert valkey
            valkey._open_until = math.inf  # noqa: SLF001  # as after a fault of this process alone
            await one.invalidate("a")
            assert await other.get("a") == 1
            valkey._open_until = 0.0  # noqa: SLF001  # and as after its next trial
            assert await one.get("b") == 1
            assert await other.get("a") == 2


async def test_values_of_a_process_live_for_one_second_while_valkey_is_unavailable(source: Source) -> None:
    source.values = {"a": 1}
    with running_valkey() as engine:
        async with process(engine.address) as caches:
            cache = caches.add(source.spec())
            assert await cache.get("a") == 1
            engine.child.stop(signal.SIGKILL, seconds=2)
            await until(lambda: not caches.is_subscribed)
            source.values = {"a": 2}
            assert await cache.get("a") == 2
            assert await cache.get("a") == 2
            assert len(source.loads) == 2
            await asyncio.sleep(DISCONNECTED_TTL)
            assert await cache.get("a") == 2
            assert len(source.loads) == 3
            engine.start()
            engine.wait_until_ready()
            await until(lambda: caches.is_subscribed)
            source.values = {"a": 3}
            assert await cache.get("a") == 3
