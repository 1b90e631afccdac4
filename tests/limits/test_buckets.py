"""Token buckets: what they admit, what they owe, and what processes agree on."""

import asyncio
import math
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateways.valkey import Valkey
from app.limits import Buckets, TooManyRequests
from app.limits.buckets import MAX_DEBT, MAX_KEYS, SETTLE_SECONDS
from app.limits.rates import Rate
from tests.fixtures.engines import running_valkey
from tests.tools.clock import Clock

RATE = Rate("test", 5, 0.5)


def is_admitted(buckets: Buckets, rate: Rate = RATE, key: str = "ann") -> bool:
    try:
        buckets.of(key).take(rate)
    except TooManyRequests:
        return False
    return True


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 8)), max_size=40), st.sampled_from([0.5, 1.0, 3.0]))
def test_a_bucket_admits_what_a_counted_bucket_admits(steps: list[tuple[float, int]], factor: float) -> None:
    clock = Clock()
    buckets, left = Buckets({"*": factor}, clock=clock), RATE.burst * factor
    for seconds, calls in steps:
        clock.now += seconds
        left = min(RATE.burst * factor, left + seconds * RATE.per_second * factor)
        for _ in range(calls):
            if abs(left - 1) > 1e-6:  # at the edge the two may round differently
                assert is_admitted(buckets) == (left > 1)
            elif not is_admitted(buckets):
                continue
            left -= left >= 1 - 1e-6


def test_a_refusal_says_when_the_call_would_be_admitted() -> None:
    clock = Clock()
    buckets = Buckets(clock=clock)
    assert [is_admitted(buckets) for _ in range(6)] == [True] * 5 + [False]
    with pytest.raises(TooManyRequests) as refusal:
        buckets.of("ann").take(RATE)
    assert refusal.value.retry_after == 2
    assert dict(refusal.value.fields) == {b"ratelimit-policy": b'"test";q=5;w=10', b"ratelimit": b'"test";r=0;t=10'}
    clock.now += 1.9
    assert not is_admitted(buckets)
    clock.now += 0.1
    assert is_admitted(buckets)


def test_each_key_and_each_rate_has_a_bucket_of_its_own() -> None:
    buckets, other = Buckets(clock=Clock()), Rate("other", 5, 0.5)
    while is_admitted(buckets):
        pass
    assert is_admitted(buckets, key="bob")
    assert is_admitted(buckets, other)


def test_what_was_used_is_owed_for_at_most_an_hour() -> None:
    clock = Clock()
    buckets = Buckets(clock=clock)
    buckets.of("ann").debit(RATE, 10)
    clock.now += 11.9
    assert not is_admitted(buckets)
    clock.now += 0.1
    assert is_admitted(buckets)
    buckets.of("ann").debit(RATE, 1e9)
    clock.now += MAX_DEBT - 1
    with pytest.raises(TooManyRequests):
        buckets.of("ann").require(RATE)
    clock.now += 3
    buckets.of("ann").require(RATE)


def test_an_allowance_is_that_of_its_key_or_of_all_others() -> None:
    buckets = Buckets({"bot": 10, "*": 2}, clock=Clock())
    assert sum(is_admitted(buckets, key="bot") for _ in range(100)) == 50
    assert sum(is_admitted(buckets, key="ann") for _ in range(100)) == 10


def test_the_number_of_known_keys_is_bounded() -> None:
    buckets = Buckets(clock=Clock())
    for number in range(MAX_KEYS + 10):
        buckets.of(str(number)).debit(RATE, 5)
    assert not is_admitted(buckets, key=str(MAX_KEYS))
    assert is_admitted(buckets, key="0")


async def settled() -> None:
    await asyncio.sleep(5 * SETTLE_SECONDS)


async def test_processes_together_admit_what_one_would(valkey_url: str) -> None:
    valkeys = [Valkey(valkey_url, call_seconds=5) for _ in range(3)]
    one, other, third = processes = [Buckets() for _ in valkeys]
    rate, key = Rate("shared", 32, 0.001), str(uuid4())
    async with AsyncExitStack() as stack:
        for valkey, process in zip(valkeys, processes, strict=True):
            stack.push_async_callback(valkey.aclose)
            await stack.enter_async_context(process.settling(valkey))
        assert sum(is_admitted(one, rate, key) for _ in range(20)) == 20
        await settled()
        assert sum(is_admitted(other, rate, key) for _ in range(2)) == 2
        await settled()
        assert sum(is_admitted(other, rate, key) for _ in range(40)) == 10
        await settled()
        assert not is_admitted(other, rate, key)
        assert sum(is_admitted(third, rate, key) for _ in range(2)) == 2  # it does not know yet
        await settled()
        assert not is_admitted(third, rate, key)


async def test_what_processes_admitted_at_the_same_moment_is_owed(valkey_url: str) -> None:
    valkeys = [Valkey(valkey_url, call_seconds=5) for _ in range(2)]
    processes = [Buckets() for _ in valkeys]
    rate, key = Rate("owed", 10, 0.01), str(uuid4())
    async with AsyncExitStack() as stack:
        for valkey, process in zip(valkeys, processes, strict=True):
            stack.push_async_callback(valkey.aclose)
            await stack.enter_async_context(process.settling(valkey))
        assert sum(is_admitted(process, rate, key) for process in processes for _ in range(20)) == 20
        await settled()
        assert not any(is_admitted(process, rate, key) for process in processes)
        await settled()
        for process in processes:
            with pytest.raises(TooManyRequests) as refusal:
                process.of(key).take(rate)
            assert 900 <= (refusal.value.retry_after or 0) <= 1100


async def test_a_rate_that_is_not_shared_is_that_of_each_process(valkey_url: str) -> None:
    valkeys = [Valkey(valkey_url, call_seconds=5) for _ in range(2)]
    processes = [Buckets() for _ in valkeys]
    rate, key = Rate("own", 10, 0.01, is_shared=False), str(uuid4())
    async with AsyncExitStack() as stack:
        for valkey, process in zip(valkeys, processes, strict=True):
            stack.push_async_callback(valkey.aclose)
            await stack.enter_async_context(process.settling(valkey))
        for process in processes:
            assert sum(is_admitted(process, rate, key) for _ in range(20)) == 10
            await settled()


async def test_without_valkey_each_process_counts_alone() -> None:
    with running_valkey() as engine:
        valkey = Valkey(engine.address)
        buckets, rate = Buckets(), Rate("alone", 4, 0.001)
        async with buckets.settling(valkey):
            assert is_admitted(buckets, rate)
            await settled()
            engine.stop()
            assert sum(is_admitted(buckets, rate) for _ in range(10)) == 3
            await settled()
            assert not is_admitted(buckets, rate)
        await valkey.aclose()


def test_the_fields_count_down() -> None:
    clock = Clock()
    buckets = Buckets(clock=clock)
    left = []
    for _ in range(5):
        buckets.of("ann").take(RATE)
        left.append(dict(buckets.of("ann").fields(RATE))[b"ratelimit"])
    assert left == [b'"test";r=%d;t=%d' % (4 - taken, 2 * taken + 2) for taken in range(5)]
    assert math.isclose(RATE.window, 10)
