"""The Valkey gateway against a cluster of three processes, whose slots move and whose nodes die."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from uuid import uuid4

import pytest
from redis.crc import key_slot

from app.gateways.valkey import Valkey, ValkeyUnavailable
from app.gateways.valkey.subscriber import Subscriber
from app.gateways.valkey.topology import Topology, key_of, parse_slots
from tests.gateways.test_valkey import Recorder, connected
from tests.tools.clock import Clock
from tests.tools.valkey_cluster import ValkeyCluster, running_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[ValkeyCluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
async def valkey(cluster: ValkeyCluster) -> AsyncIterator[Valkey]:
    clock = Clock()
    valkey = Valkey(cluster.address, call_seconds=5, clock=clock)
    await connected(valkey, clock)
    yield valkey
    await valkey.aclose()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@asynccontextmanager
async def listening(valkey: Valkey, recorder: Recorder) -> AsyncIterator[Subscriber]:
    """Open a subscriber, which has told that it is up."""
    async with valkey.listen(
        on_message=recorder.on_message,
        on_lost=recorder.on_lost,
        on_down=recorder.on_down,
        on_up=recorder.on_up,
    ) as subscriber:
        await recorder.receives(1)
        yield subscriber


@pytest.fixture
async def subscriber(valkey: Valkey, recorder: Recorder) -> AsyncIterator[Subscriber]:
    async with listening(valkey, recorder) as subscriber:
        yield subscriber


def key_at(cluster: ValkeyCluster, node: int) -> str:
    """Return a new key of a node. No other key has its slot, so that it may move."""
    for key in (f"{uuid4()}" for _ in count()):
        slot = key_slot(key.encode())
        if cluster.owner_of(slot) == node and not cluster.run(node, "CLUSTER", "COUNTKEYSINSLOT", slot):
            return key
    raise AssertionError("unreachable")


async def test_each_command_goes_to_the_node_of_its_key(cluster: ValkeyCluster, valkey: Valkey) -> None:
    keys = [f"key-{number}" for number in range(300)]
    assert await valkey.calls([("SET", key, key) for key in keys]) == [b"OK"] * 300
    assert await valkey.calls([("GET", key) for key in keys]) == [key.encode() for key in keys]
    script = "return redis.call('GET', KEYS[1])"
    assert await valkey.calls([("EVAL", script, 1, key) for key in keys]) == [key.encode() for key in keys]
    assert all(cluster.run(node, "DBSIZE") > 50 for node in range(3))
    assert await valkey.call("PING") == b"PONG"


async def test_commands_for_one_key_keep_their_order(valkey: Valkey) -> None:
    calls = [valkey.calls([("RPUSH", "list", n), ("RPUSH", f"other-{n}", n)]) for n in range(200)]
    await asyncio.gather(*calls)
    assert await valkey.call("LRANGE", "list", 0, -1) == [str(n).encode() for n in range(200)]


async def test_moved_slots_are_followed(cluster: ValkeyCluster, valkey: Valkey) -> None:
    for to in (1, 2, 0, 1):
        key = key_at(cluster, (to + 1) % 3)
        cluster.move(key_slot(key.encode()), to=to)
        assert await asyncio.gather(*(valkey.call("INCR", key) for _ in range(20))) == list(range(1, 21))
        assert valkey.fault is None


async def test_a_slot_that_moves_is_asked_for_at_both_nodes(cluster: ValkeyCluster, valkey: Valkey) -> None:
    key, slot = (key := key_at(cluster, 0)), key_slot(key.encode())
    cluster.begin_to_move(slot, to=2)
    assert await asyncio.gather(*(valkey.call("INCR", key) for _ in range(20))) == list(range(1, 21))
    cluster.move(slot, to=2)
    assert await valkey.call("GET", key) == b"20"


async def test_channels_of_all_nodes_are_received(
    cluster: ValkeyCluster, valkey: Valkey, subscriber: Subscriber, recorder: Recorder
) -> None:
    channels = [key_at(cluster, node) for node in (0, 1, 2, 0, 1, 2)]
    await asyncio.gather(*map(subscriber.subscribe, channels))
    for number in range(50):
        assert await valkey.calls([("SPUBLISH", channel, number) for channel in channels]) == [1] * 6
    await recorder.receives(1 + 6 * 50)
    for channel in channels:
        assert [each[1] for each in recorder.received[1:] if each[0] == channel] == [b"%d" % n for n in range(50)]
        await subscriber.unsubscribe(channel)
    assert await valkey.calls([("SPUBLISH", channel, "x") for channel in channels]) == [0] * 6


async def test_a_channel_that_moves_is_followed_and_no_other_is_lost(
    cluster: ValkeyCluster, valkey: Valkey, subscriber: Subscriber, recorder: Recorder
) -> None:
    channel, other = key_at(cluster, 0), key_at(cluster, 0)
    await asyncio.gather(subscriber.subscribe(channel), subscriber.subscribe(other))
    for times, to in enumerate((1, 2), start=1):
        cluster.move(key_slot(channel.encode()), to=to)
        await recorder.receives(1 + times)
        assert recorder.received[-1] == ("lost", channel.encode())
    assert await valkey.calls([("SPUBLISH", channel, "one"), ("SPUBLISH", other, "two")]) == [1, 1]
    await recorder.receives(5)
    assert sorted(recorder.received[3:]) == sorted([(channel, b"one"), (other, b"two")])


async def test_a_channel_is_found_where_a_slot_was_moved_before(
    cluster: ValkeyCluster, valkey: Valkey, subscriber: Subscriber, recorder: Recorder
) -> None:
    channel = key_at(cluster, 2)
    cluster.move(key_slot(channel.encode()), to=1)
    with pytest.raises(ValkeyUnavailable):
        await subscriber.subscribe(channel)
    await recorder.receives(2)
    assert await valkey.call("SPUBLISH", channel, "x") == 1


async def test_a_node_that_dies_is_a_fault_until_it_is_back(recorder: Recorder) -> None:
    clock = Clock()
    with running_cluster() as cluster:
        valkey = Valkey(cluster.address, clock=clock)
        await connected(valkey, clock)
        async with listening(valkey, recorder) as subscriber:
            channel = key_at(cluster, 1)
            await subscriber.subscribe(channel)
            cluster.nodes[1].child.stop(signal.SIGKILL, seconds=2)
            await recorder.receives(2)
            with pytest.raises(ValkeyUnavailable):
                await valkey.call("GET", channel)
            cluster.nodes[1].start()
            await asyncio.to_thread(cluster.wait_until_whole)
            await recorder.receives(3, seconds=10)
            await connected(valkey, clock)
            assert await valkey.call("SPUBLISH", channel, "x") == 1
            await recorder.receives(4)
            assert recorder.received == ["up", "down", "up", (channel, b"x")]
        await valkey.aclose()


async def test_a_replica_takes_over_from_the_node_of_the_url(recorder: Recorder) -> None:
    clock = Clock()
    with running_cluster(with_replicas=True) as cluster:
        valkey = Valkey(cluster.address, clock=clock)
        await connected(valkey, clock)
        async with listening(valkey, recorder) as subscriber:
            channel = key_at(cluster, 0)
            await subscriber.subscribe(channel)
            await asyncio.to_thread(cluster.fail_over, 0)
            with pytest.raises(ValkeyUnavailable):
                await valkey.call("GET", channel)
            await recorder.receives(3, seconds=10)
            await connected(valkey, clock)
            assert await valkey.call("SET", channel, "x") == b"OK"
            assert await valkey.call("SPUBLISH", channel, "x") == 1
            await recorder.receives(4)
            assert recorder.received == ["up", "down", "up", (channel, b"x")]
        await valkey.aclose()


def test_slots_are_read_as_servers_tell_them() -> None:
    """A node that does not know its own address gives an empty one, or none."""
    topology = parse_slots(
        [[8000, 16383, [b"b", 2, b"id", []], [b"replica", 9]], [0, 7999, [None, 1, b"id"]]], host="seed"
    )
    assert topology == Topology([("seed", 1), ("b", 2)], [0, 8000], {("replica", 9)})
    assert topology.address_of("{user1000}.following") == topology.address_of(b"{user1000}.x") == ("seed", 1)
    assert topology.address_of("foo") == ("b", 2)
    assert [key_of(("EVAL", "script", 1, "key", "x")), key_of(("GET", "key")), key_of(("PING",))] == [
        "key",
        "key",
        "PING",
    ]
