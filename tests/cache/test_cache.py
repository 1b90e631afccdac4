"""The cache: one load for many callers, no value read after its invalidation, and reads that survive every fault."""

import asyncio
import math
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.cache import NEGATIVE_TTL, Cache, Caches, CacheSpec, Codec, open_caches
from app.cache.cache import DISCONNECTED_TTL, STALE_RETRY, STALE_WAIT
from app.concurrency import TaskSet
from app.errors import Unavailable
from app.gateways.valkey import CALL_SECONDS, Valkey
from tests.fixtures.engines import running_valkey
from tests.tools.clock import Clock
from tests.tools.own_time import now

SLACK = 0.5


class Source:
    """The source of a cache's values: records its loads, may be slow, and may fail."""

    def __init__(self) -> None:
        self.name = f"spec-{uuid4().hex[:8]}"
        self.values: dict[str, int] = {}
        self.loads: list[set[str]] = []
        self.seconds = 0.0
        self.is_failing = False

    async def load(self, keys: Collection[str]) -> dict[str, int]:
        self.loads.append(set(keys))
        if self.is_failing:
            raise Unavailable("failing")
        seen = {key: self.values[key] for key in keys if key in self.values}
        await asyncio.sleep(self.seconds)
        return seen

    def spec(self, **options: Any) -> CacheSpec[str, int]:
        defaults: dict[str, Any] = {"parse_key": str, "ttl": 300}
        return CacheSpec(self.name, self.load, **defaults | options)


SHARED: Codec[int] = Codec(lambda value: str(value).encode(), int)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counted() -> Counter[str]:
    return Counter()


@pytest.fixture
async def alone(clock: Clock, counted: Counter[str]) -> AsyncIterator[Caches]:
    """The caches of a process without Valkey."""
    tasks = TaskSet()
    yield Caches(tasks, count=lambda _, result, number: counted.update({result: number}), clock=clock)
    await tasks.drain(0)


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


async def test_a_full_cache_replaces_the_entry_that_was_loaded_first(
    alone: Caches, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cache.cache.MAX_ENTRIES", 2)
    source.values = {"a": 1, "b": 2, "c": 3}
    cache = alone.add(source.spec())
    for key in ("a", "b", "a", "c"):
        await cache.get(key)
    assert await cache.get_many(["a", "b", "c", "c"]) == source.values
    assert source.loads == [{"a"}, {"b"}, {"c"}, {"a"}]


async def test_100_concurrent_reads_share_one_load(alone: Caches, source: Source, counted: Counter[str]) -> None:
    source.values, source.seconds = {"a": 1, "b": 2}, 0.05
    cache = alone.add(source.spec())
    answers = await asyncio.gather(*(cache.get("a") for _ in range(50)), *(cache.get_many("ab") for _ in range(50)))
    assert answers == [1] * 50 + [{"a": 1, "b": 2}] * 50
    assert source.loads == [{"a"}, {"b"}]
    assert await cache.get_many("ab") == {"a": 1, "b": 2}
    assert len(source.loads) == 2
    assert counted == {"miss": 150, "hit": 2}


async def test_100_concurrent_reads_of_two_processes_share_one_load_through_valkey(
    two_processes: tuple[Caches, Caches], source: Source
) -> None:
    source.values, source.seconds = {"a": 1}, 0.3
    one, other = (caches.add(source.spec(codec=SHARED)) for caches in two_processes)
    assert await asyncio.gather(*(one.get("a") for _ in range(100))) == [1] * 100
    assert await asyncio.gather(*(other.get("a") for _ in range(100))) == [1] * 100
    assert source.loads == [{"a"}]


async def test_a_failed_load_raises_for_all_its_callers_and_is_not_cached(alone: Caches, source: Source) -> None:
    source.is_failing = True
    cache = alone.add(source.spec())
    answers = await asyncio.gather(*(cache.get("a") for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert len(source.loads) == 1
    source.is_failing, source.values = False, {"a": 1}
    assert await cache.get("a") == 1


async def test_a_cancelled_caller_does_not_cancel_the_load_of_others(alone: Caches, source: Source) -> None:
    source.values, source.seconds = {"a": 1}, 0.05
    cache = alone.add(source.spec())
    leader = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.01)
    followers = asyncio.gather(*(cache.get("a") for _ in range(5)))
    await asyncio.sleep(0.01)
    leader.cancel()
    assert await followers == [1] * 5
    assert leader.cancelled()
    assert len(source.loads) == 1


async def test_a_drain_waits_for_the_load_of_a_cancelled_caller(source: Source) -> None:
    tasks, finished = TaskSet(), list[Collection[str]]()

    async def load(keys: Collection[str]) -> dict[str, int]:
        found = await source.load(keys)
        finished.append(keys)
        return found

    source.values, source.seconds = {"a": 1}, 0.05
    caller = asyncio.create_task(Caches(tasks).add(replace(source.spec(), load=load)).get("a"))
    await asyncio.sleep(0.01)
    caller.cancel()
    await tasks.drain(5)
    assert caller.cancelled()
    assert finished == [{"a"}]


async def test_a_value_can_live_for_less_than_the_ttl(alone: Caches, source: Source, clock: Clock) -> None:
    cache = alone.add(source.spec(ttl_by_value=lambda value: 2 if value < 0 else 1000))
    source.values |= {"short": -1, "long": 1}
    for clock.now, loads in ((0.0, 2), (1.9, 2), (2.0, 3), (3.9, 3), (299, 4), (300, 5)):
        assert await cache.get("short") == -1
        assert await cache.get("long") == 1
        assert len(source.loads) == loads, clock.now


async def test_values_live_for_their_ttl_and_absence_for_30_seconds(
    alone: Caches, source: Source, clock: Clock
) -> None:
    source.values = {"a": 1}
    cache = alone.add(source.spec())
    assert await cache.get_many("ab") == {"a": 1}
    source.values = {"a": 2, "b": 2}
    clock.now = NEGATIVE_TTL - 0.1
    assert await cache.get_many("ab") == {"a": 1}
    clock.now = NEGATIVE_TTL
    assert await cache.get_many("ab") == {"a": 1, "b": 2}
    clock.now = 300
    assert await cache.get("a") == 2


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


async def test_the_last_known_value_is_served_while_the_source_fails_and_loads_pause(
    alone: Caches, source: Source, clock: Clock, counted: Counter[str]
) -> None:
    source.values = {"a": 1, "b": 2}
    cache = alone.add(source.spec(stale_if_error=True))
    assert await cache.get_many("ab") == {"a": 1, "b": 2}
    source.is_failing, clock.now = True, 1000
    for _ in range(10):
        assert await cache.get_many("ab") == {"a": 1, "b": 2}
    assert (len(source.loads), counted["stale"]) == (2, 2)
    with pytest.raises(Unavailable):
        await cache.get_many("abc")
    source.is_failing, source.values = False, {"a": 3}
    clock.now += STALE_RETRY
    assert await cache.get_many("ab") == {"a": 3}


async def test_a_hanging_source_delays_a_read_with_a_last_known_value_by_half_a_second_once(
    alone: Caches, source: Source, clock: Clock
) -> None:
    source.values = {"a": 1}
    cache = alone.add(source.spec(stale_if_error=True))
    await cache.get("a")
    source.seconds, clock.now = 1.5, 1000
    started = now()
    assert await cache.get("a") == await cache.get("a") == 1
    assert now() - started < STALE_WAIT + SLACK


async def test_without_stale_if_error_a_failing_source_raises(alone: Caches, source: Source, clock: Clock) -> None:
    source.values = {"a": 1}
    cache = alone.add(source.spec())
    await cache.get("a")
    source.is_failing, clock.now = True, 1000
    with pytest.raises(Unavailable):
        await cache.get("a")


async def test_a_load_that_began_before_an_invalidation_is_not_cached(alone: Caches, source: Source) -> None:
    source.values, source.seconds = {"a": 1}, 0.05
    cache = alone.add(source.spec())
    early = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.01)
    source.values = {"a": 2}
    await cache.invalidate("a")
    assert await cache.get("a") == 2
    assert await early == 1
    assert await cache.get("a") == 2


async def test_a_load_that_is_joined_for_one_key_brings_no_older_value_of_another(
    alone: Caches, source: Source
) -> None:
    source.values, source.seconds = {f"{key}{n}": 1 for key in "ab" for n in range(20)}, 0.05
    cache = alone.add(source.spec())
    early = [asyncio.create_task(cache.get_many((f"a{n}", f"b{n}"))) for n in range(20)]
    await asyncio.sleep(0.01)
    for n in range(20):
        source.values[f"b{n}"] = 2
        await cache.invalidate(f"b{n}")
    late = await asyncio.gather(*(cache.get_many((f"a{n}", f"b{n}")) for n in range(20)))
    assert late == [{f"a{n}": 1, f"b{n}": 2} for n in range(20)]
    assert await asyncio.gather(*early) == [{f"a{n}": 1, f"b{n}": 1} for n in range(20)]


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
            valkey._open_until = 0.0  # noqa: SLF001
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
