"""The cache: one load for many, nothing old after it was forgotten, and requests that go on whatever happens."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from app.cache import NEGATIVE_SECONDS, Cache, Caches, Kind, open_caches
from app.cache.caches import SPARE_SECONDS
from app.errors import Unavailable
from app.gateways.valkey import CALL_SECONDS, Valkey
from tests.fixtures.engines import running_valkey
from tests.tools.own_time import now

SLACK = 0.5


class Source:
    """Where the values are: counts how often it is asked, takes its time, and may be away."""

    def __init__(self) -> None:
        self.name = f"kind-{uuid4().hex[:8]}"
        self.values: dict[str, int] = {}
        self.loads: list[set[str]] = []
        self.seconds = 0.0
        self.is_away = False

    async def load(self, keys: Collection[str]) -> dict[str, int]:
        self.loads.append(set(keys))
        if self.is_away:
            raise Unavailable("away")
        seen = {key: self.values[key] for key in keys if key in self.values}
        await asyncio.sleep(self.seconds)
        return seen

    def kind(self, **more: Any) -> Kind[str, int]:
        given: dict[str, Any] = {"key": str, "pack": lambda value: str(value).encode(), "unpack": int, "seconds": 300}
        return Kind(self.name, self.load, **given | more)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


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
    caches = Caches(count=lambda _, result, number: counted.update({result: number}), clock=clock)
    yield caches
    await caches.aclose()


@asynccontextmanager
async def process(url: str, *, call_seconds: float = 5) -> AsyncIterator[Caches]:
    """The caches of a process with a Valkey, as soon as it is told of what others forget."""
    valkey = Valkey(url, call_seconds=call_seconds)
    async with open_caches(valkey) as caches:
        await until(lambda: caches.is_told)
        yield caches
    await valkey.aclose()


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


@pytest.fixture
async def two(valkey_url: str) -> AsyncIterator[tuple[Caches, Caches]]:
    async with process(valkey_url) as one, process(valkey_url) as other:
        yield one, other


async def test_100_at_once_load_once(alone: Caches, source: Source, counted: Counter[str]) -> None:
    source.values, source.seconds = {"a": 1, "b": 2}, 0.05
    cache = alone.add(source.kind())
    answers = await asyncio.gather(*(cache.get("a") for _ in range(50)), *(cache.get_many("ab") for _ in range(50)))
    assert answers == [1] * 50 + [{"a": 1, "b": 2}] * 50
    assert source.loads == [{"a"}, {"b"}]
    assert await cache.get_many("ab") == {"a": 1, "b": 2}
    assert len(source.loads) == 2
    assert counted == {"miss": 150, "hit": 2}


@pytest.mark.parametrize("has_copies", [True, False])
async def test_100_at_once_in_one_process_with_valkey_load_once(
    two: tuple[Caches, Caches], source: Source, has_copies: bool
) -> None:
    source.values, source.seconds = {"a": 1}, 0.3
    one, other = (caches.add(source.kind(has_copies=has_copies)) for caches in two)
    assert await asyncio.gather(*(one.get("a") for _ in range(100))) == [1] * 100
    assert await asyncio.gather(*(other.get("a") for _ in range(100))) == [1] * 100
    assert source.loads == [{"a"}]


async def test_a_failure_reaches_all_and_is_not_kept(alone: Caches, source: Source) -> None:
    source.is_away = True
    cache = alone.add(source.kind())
    answers = await asyncio.gather(*(cache.get("a") for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert len(source.loads) == 1
    source.is_away, source.values = False, {"a": 1}
    assert await cache.get("a") == 1


async def test_whoever_goes_away_takes_nobody_along(alone: Caches, source: Source) -> None:
    source.values, source.seconds = {"a": 1}, 0.05
    cache = alone.add(source.kind())
    leader = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.01)
    followers = asyncio.gather(*(cache.get("a") for _ in range(5)))
    await asyncio.sleep(0.01)
    leader.cancel()
    assert await followers == [1] * 5
    assert leader.cancelled()
    assert len(source.loads) == 1


async def test_values_live_for_their_seconds_and_their_absence_for_30(
    alone: Caches, source: Source, clock: Clock
) -> None:
    source.values = {"a": 1}
    cache = alone.add(source.kind())
    assert await cache.get_many("ab") == {"a": 1}
    source.values = {"a": 2, "b": 2}
    clock.now = NEGATIVE_SECONDS - 0.1
    assert await cache.get_many("ab") == {"a": 1}
    clock.now = NEGATIVE_SECONDS
    assert await cache.get_many("ab") == {"a": 1, "b": 2}
    clock.now = 300
    assert await cache.get("a") == 2


async def test_absence_is_shared_and_forgotten_like_any_value(two: tuple[Caches, Caches], source: Source) -> None:
    one, other = (caches.add(source.kind()) for caches in two)
    assert await one.get("a") is await other.get("a") is None
    assert len(source.loads) == 1
    source.values = {"a": 1}
    await one.forget("a")
    assert await one.get("a") == 1
    await asyncio.sleep(0.05)
    assert await other.get("a") == 1
    assert len(source.loads) == 2


async def test_the_last_value_serves_while_the_source_is_away_and_spares_it(
    alone: Caches, source: Source, clock: Clock, counted: Counter[str]
) -> None:
    source.values = {"a": 1, "b": 2}
    cache = alone.add(source.kind(outlives=True))
    assert await cache.get_many("ab") == {"a": 1, "b": 2}
    source.is_away, clock.now = True, 1000
    for _ in range(10):
        assert await cache.get_many("ab") == {"a": 1, "b": 2}
    assert (len(source.loads), counted["stale"]) == (2, 2)
    with pytest.raises(Unavailable):
        await cache.get_many("abc")
    source.is_away, source.values = False, {"a": 3}
    clock.now += SPARE_SECONDS
    assert await cache.get_many("ab") == {"a": 3}


async def test_a_source_that_hangs_is_not_waited_for_when_there_is_a_last_value(
    alone: Caches, source: Source, clock: Clock
) -> None:
    source.values = {"a": 1}
    cache = alone.add(source.kind(outlives=True))
    await cache.get("a")
    source.seconds, clock.now = 1.5, 1000
    started = now()
    assert await cache.get("a") == await cache.get("a") == 1
    assert now() - started < 0.5 + SLACK


async def test_other_kinds_have_no_last_value(alone: Caches, source: Source, clock: Clock) -> None:
    source.values = {"a": 1}
    cache = alone.add(source.kind())
    await cache.get("a")
    source.is_away, clock.now = True, 1000
    with pytest.raises(Unavailable):
        await cache.get("a")


async def test_a_load_that_began_before_forgetting_is_not_kept(alone: Caches, source: Source) -> None:
    source.values, source.seconds = {"a": 1}, 0.05
    cache = alone.add(source.kind())
    early = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.01)
    source.values = {"a": 2}
    await cache.forget("a")
    assert await cache.get("a") == 2
    assert await early == 1
    assert await cache.get("a") == 2


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("has_copies", [True, False])
async def test_nothing_that_was_forgotten_is_found_again(
    two: tuple[Caches, Caches], source: Source, has_copies: bool, seed: int
) -> None:
    """Many readers and writers in two processes, at random times. Copies may be old while the news travels."""
    chance = random.Random(seed)  # noqa: S311  # repeatable
    caches = [it.add(source.kind(has_copies=has_copies)) for it in two]
    source.values = forgotten = dict.fromkeys("abc", 0)
    forgotten = dict(forgotten)
    travelling = 0.05 if has_copies else 0.0

    async def write(cache: Cache[str, int]) -> None:
        for _ in range(25):
            key = chance.choice("abc")
            source.values[key] += 1
            value = source.values[key]
            await asyncio.sleep(chance.choice((0, 0, 0.002)))
            await cache.forget(key)
            asyncio.get_running_loop().call_later(travelling, settle, key, value) if travelling else settle(key, value)
            await asyncio.sleep(chance.random() * 0.004)

    def settle(key: str, value: int) -> None:
        forgotten[key] = max(forgotten[key], value)

    async def read(cache: Cache[str, int]) -> None:
        for _ in range(60):
            source.seconds = chance.choice((0, 0, 0.001, 0.004))
            least = dict(forgotten)
            found = await cache.get_many(chance.choice(("a", "ab", "abc", "c")))
            assert all(value >= least[key] for key, value in found.items()), (found, least)
            await asyncio.sleep(chance.random() * 0.003)

    await asyncio.gather(*(work(cache) for cache in caches for work in (write, read, read, read)))
    await asyncio.sleep(travelling)
    for cache in caches:
        assert await cache.get_many("abc") == source.values


async def test_with_copies_the_other_process_is_told(two: tuple[Caches, Caches], source: Source) -> None:
    source.values = {"a": 1}
    one, other = (caches.add(source.kind()) for caches in two)
    assert await one.get("a") == await other.get("a") == 1
    source.values = {"a": 2}
    await one.forget("a")
    for _ in range(1000):
        if await other.get("a") == 2:
            break
        await asyncio.sleep(0)
    assert await one.get("a") == await other.get("a") == 2
    assert len(source.loads) == 2


async def test_what_another_version_wrote_is_loaded_anew(two: tuple[Caches, Caches], source: Source) -> None:
    source.values = {"a": 1}
    one, other = two[0].add(source.kind(pack=lambda _: b"{}")), two[1].add(source.kind())
    assert await one.get("a") == await other.get("a") == 1


async def test_requests_go_on_while_valkey_hangs_and_are_late_once(source: Source) -> None:
    source.values = {"a": 1}
    with running_valkey() as engine:
        async with process(engine.address, call_seconds=CALL_SECONDS) as caches:
            cache = caches.add(source.kind(has_copies=False))
            assert await cache.get("a") == 1
            os.kill(engine.child.pid, signal.SIGSTOP)
            source.values["a"] = 2
            started = now()
            await cache.forget("a")
            for _ in range(50):
                assert await cache.get("a") == 2
            assert now() - started < CALL_SECONDS + SLACK
            os.kill(engine.child.pid, signal.SIGCONT)


async def test_what_could_not_be_forgotten_is_when_valkey_is_back(source: Source) -> None:
    source.values = {"a": 1, "b": 1}
    with running_valkey() as engine:
        async with AsyncExitStack() as stack:
            first, second = [await stack.enter_async_context(process(engine.address)) for _ in range(2)]
            one, other = (caches.add(source.kind(has_copies=False)) for caches in (first, second))
            assert await other.get("a") == 1
            source.values["a"] = 2
            valkey = first.valkey
            assert valkey
            valkey._rests_until = time.monotonic() + 0.2  # noqa: SLF001  # as after a fault of this process alone
            await one.forget("a")
            assert await other.get("a") == 1
            await asyncio.sleep(0.2)
            assert await one.get("b") == 1
            assert await other.get("a") == 2


async def test_copies_live_a_second_while_nobody_could_tell(source: Source) -> None:
    source.values = {"a": 1}
    with running_valkey() as engine:
        async with process(engine.address) as caches:
            cache = caches.add(source.kind())
            assert await cache.get("a") == 1
            engine.child.stop(signal.SIGKILL, seconds=2)
            await until(lambda: not caches.is_told)
            source.values = {"a": 2}
            assert await cache.get("a") == 2
            assert await cache.get("a") == 2
            assert len(source.loads) == 2
            await asyncio.sleep(1)
            assert await cache.get("a") == 2
            assert len(source.loads) == 3
            engine.start()
            engine.wait_until_ready()
            await until(lambda: caches.is_told)
            source.values = {"a": 3}
            assert await cache.get("a") == 3
