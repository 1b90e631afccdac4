"""The cache of a process: one load for many callers, and no value read after its invalidation."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection
from dataclasses import replace

import pytest

from app.cache import NEGATIVE_TTL, Caches
from app.cache.cache import STALE_RETRY, STALE_WAIT
from app.concurrency import TaskSet
from app.errors import Unavailable
from tests.cache.source import Source
from tests.tools.clock import Clock
from tests.tools.own_time import now

SLACK = 0.5


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
